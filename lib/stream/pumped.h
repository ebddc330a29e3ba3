/* SPDX-License-Identifier: MIT
 * A task that pulls a source into channels of its own, and those who receive from them: buffer and
 * tee. It is the body of a generator that yields nothing (buffer.c, F1 to F3). */
#ifndef WF_STREAM_PUMPED_H
#define WF_STREAM_PUMPED_H

#include "stream/adaptor.h"

struct wf_pumped {
    _Atomic uint32_t refs; /* its receivers: the last one closes the task and frees this */
    weft_receiver *task;   /* the generator's; NULL before the start */
    void *shared;          /* of the task and its receivers, freed after both; or NULL */
    int close_code;        /* of the source: the task's until it has ended */
};

/* Adds a channel, and a receiver of it that holds a reference. */
WF_MUST_CHECK int wf_pumped_add(struct wf_pumped *pumped, size_t elem_size,
                                const weft_chan_opts *opts, bool may_share, weft_sender **out_tx,
                                weft_receiver **out_rx);

/* Was it made so for a single consumer: a tee's? */
bool wf_pumped_is_single(const weft_receiver *rx);

/* The error that its channel ended with, once it has given that; or 0. */
int wf_pumped_given_error(const weft_receiver *rx);

/* What is behind a receiver that wf_pumped_add made. */
struct wf_pumped *wf_pumped_of(const weft_receiver *rx);

/* What the task ends with when a send failed: that nobody receives any more is no error. A source may
 * end with that code, too, which is one. */
static inline int wf_pumped_sent(int rc) { return rc == WEFT_ECLOSED ? 0 : rc; }

/* Closes the task's source. */
void wf_pumped_close_source(struct wf_pumped *pumped, weft_receiver *source);

/* Starts the task; args are taken on every path. */
WF_MUST_CHECK int wf_pumped_start(struct wf_pumped *pumped, const char *name,
                                  const weft_callable *task, void *args);

#endif
