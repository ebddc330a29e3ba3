/* SPDX-License-Identifier: MIT
 * Several sources of one adaptor, which owns them all. */
#ifndef WF_STREAM_SOURCES_H
#define WF_STREAM_SOURCES_H

#include "stream/adaptor.h"

/* The state of chain and merge. A place is NULL when its source is closed, or is adaptor->source. */
struct wf_sources {
    size_t n, n_begun;
    weft_receiver *at[];
};

/* Empties the n typed handles whose addresses are at slots into a new list; those that are no
 * sources of such items, or not what is_polled asks for, make it fail, and all are closed then. */
WF_MUST_CHECK int wf_sources_take(const void *slots, size_t n, size_t elem_size, bool is_polled,
                                  struct wf_sources **out_sources);

/* Does one of them lend its items? None is closed yet. */
bool wf_sources_lend(const struct wf_sources *sources);

/* The options, with what drops an item of the first that has something to, if nobody said anything
 * else: the items are of one type. None is closed yet. */
weft_stream_opts wf_sources_opts(const struct wf_sources *sources, const weft_stream_opts *opts);

/* Closes them, and frees the list. adaptor: keeps the code; NULL: nobody does. */
void wf_sources_close(struct wf_adaptor *adaptor, struct wf_sources *sources);

#endif
