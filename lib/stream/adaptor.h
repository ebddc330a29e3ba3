/* SPDX-License-Identifier: MIT
 * Combinators: a receiver that pulls another one in its consumer's own task.
 *
 * An adaptor owns its source and closes it once: with its own close, or as soon as it knows that
 * it wants no more of it. One block of memory: the struct, the step's arguments, one item that came
 * in and one that goes out.
 *
 *   A1  An item is in the source, in `in`, or the consumer's. It is in `in` during one call, so a
 *       cancelled receive loses nothing; or, with has_item, from when a channel's sender put it
 *       there for a select that waited until the next call.
 *   A2  out is written only with a result of 1.
 *   A3  What lends its items (a line points into its block) is not closed before its consumer asks
 *       for more; an adaptor over it lends them on.
 *   A4  An error of a step ends the stream (is_ended); an error of the source ends it when it ended
 *       the source. */
#ifndef WF_STREAM_ADAPTOR_H
#define WF_STREAM_ADAPTOR_H

#include "chan/chan.h"

#include <weft/stream.h>

struct wf_adaptor {
    weft_receiver *source; /* NULL: closed already */
    int close_code;        /* of a source that was closed early */
    const weft_callable *step;
    const char *name;
    bool never_waits;
    bool has_item; /* in `in`, from a source that is a channel */
    void *args, *in, *out;
    uint64_t n_left; /* take's */
};

/* How an adaptor is made. */
struct wf_adaptor_opts {
    weft_receiver *source; /* consumed on every path, as is what args owns */
    size_t in_size, out_size;
    const weft_callable *step;
    void *args;
    bool never_waits; /* the step */
    const char *name;
    void (*drop)(void *item);
    bool lends_items; /* known without looking at the source, which may lend its items too */
    uint64_t n_left;
    const struct wf_source_ops *waiting, *pulling; /* pulling: when all below can be tried */
};
WF_MUST_CHECK int wf_adaptor_open(const struct wf_adaptor_opts *opts, weft_receiver **out_rx);

weft_stream_opts wf_stream_opts_read(const weft_stream_opts *opts, const weft_callable *step);

/* The next item of the source into adaptor->in, as recv or, may_wait false, as try_recv. */
int wf_adaptor_pull(weft_receiver *rx, bool may_wait);

/* Runs the step on adaptor->in, and on adaptor->out if that is wanted. */
int wf_adaptor_step(struct wf_adaptor *adaptor, void *out);

/* Closes the source, shielded, and keeps the code for the adaptor's own close. */
void wf_adaptor_close_source(struct wf_adaptor *adaptor);

/* Entries of the table that all kinds share. */
struct wf_chan *wf_adaptor_select_on(weft_receiver *rx);
bool wf_adaptor_is_ready(weft_receiver *rx, bool is_readable);
int64_t wf_adaptor_ready_at(weft_receiver *rx);
void *wf_adaptor_room(weft_receiver *rx);
void wf_adaptor_filled(weft_receiver *rx);
int wf_adaptor_close(weft_receiver *rx);

#endif
