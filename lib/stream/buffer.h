/* SPDX-License-Identifier: MIT
 * A buffer of items that are lent: runs of them go through its channel, each with what keeps them.
 *
 *   R1  A run is in its maker's hand, in the channel, or what the receiver gives from, and holds one
 *       reference to the memory that its items lie in.
 *   R2  An item that was given is there until the next receive, or the close: the run it lies in is
 *       given back by these.
 *   R3  With several receivers (buffer_shared.c) the run is theirs together, and each takes an item
 *       under `lock`; so one that leaves or is slow keeps none from the others. Each holds the memory
 *       of the item that it was given. Who finds no run holds `pulling` while it receives one. */
#ifndef WF_STREAM_BUFFER_H
#define WF_STREAM_BUFFER_H

#include "stream/adaptor.h"

#include "chan/lent.h"

#include <weft/line.h>

/* Can items of this source be kept beyond its next receive? */
static inline bool wf_lends_runs(const weft_receiver *source) { return source->ops->hold != NULL; }

/* What the channel of runs carries the address of. */
struct wf_lent_run {
    struct wf_lent *lent;
    size_t n, weight;
    weft_line items[];
};

void wf_lent_run_free(struct wf_lent_run *run);

/* What the receiver of runs' items keeps: the one that it gives from. */
struct wf_runs_state {
    struct wf_lent_run *held;
};

/* A further receiver of the items: the first one makes rx, too, one of several. */
WF_MUST_CHECK int wf_runs_ref(weft_receiver *rx, weft_receiver *copy);

/* The channel of runs for a buffer of so many items. */
weft_chan_opts wf_runs_chan_opts(size_t capacity, const char *name);

/* Pulls the source and sends runs until one of the two ends; as the pump of single items. */
int wf_runs_pump(weft_receiver *source, weft_sender *tx, size_t capacity);

/* The items of what receives runs, which is consumed on every path. */
WF_MUST_CHECK int wf_runs_open(weft_receiver *runs, size_t elem_size, const char *name,
                               weft_receiver **out_rx);

enum { WF_RUN_SLOT_SIZE = sizeof(void *) }; /* what the channel carries */

#endif
