/* SPDX-License-Identifier: MIT
 * A buffer of items that are lent: runs of them go through its channel, each with what keeps them.
 *
 *   R1  A run is in its maker's hand, in the channel, or what the receiver gives from, and holds one
 *       reference to the memory that its items lie in.
 *   R2  An item that was given is there until the next receive, or the close: the run it lies in is
 *       given back by these. */
#ifndef WF_STREAM_BUFFER_H
#define WF_STREAM_BUFFER_H

#include "stream/adaptor.h"

/* Can items of this source be kept beyond its next receive? */
static inline bool wf_lends_runs(const weft_receiver *source) { return source->ops->hold != NULL; }

/* The channel of runs for a buffer of so many items. */
weft_chan_opts wf_runs_chan_opts(size_t capacity, const char *name);

/* Pulls the source and sends runs until one of the two ends; as the pump of single items. */
int wf_runs_pump(weft_receiver *source, weft_sender *tx, size_t capacity);

/* The items of what receives runs, which is consumed on every path. */
WF_MUST_CHECK int wf_runs_open(weft_receiver *runs, size_t elem_size, const char *name,
                               weft_receiver **out_rx);

enum { WF_RUN_SLOT_SIZE = sizeof(void *) }; /* what the channel carries */

#endif
