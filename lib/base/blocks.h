/* SPDX-License-Identifier: MIT
 * Blocks of one size, in chunks that go back to the system when nothing in them is in use any more.
 *
 * For what there may be a million of for a moment. An allocator that serves everybody keeps such
 * memory: one block that stays, at the end of its heap, holds all that lies before it.
 *
 * Rejected: malloc_trim after a burst. It is glibc's alone, and holds up its caller, and whoever
 * allocates meanwhile, for as long as all of the memory takes. */
#ifndef WF_BASE_BLOCKS_H
#define WF_BASE_BLOCKS_H

#include "base/list.h"
#include "base/lock.h"

struct wf_blocks {
    struct wf_lock lock;
    size_t size;   /* of a block; constant, as is: */
    size_t hot_at; /* what lies there begins a cache line, if size + 16 is so many of them */

    /* Under lock. */
    struct wf_list chunks; /* those with a free block; the wholly free ones last */
    size_t n_chunks, n_free;
};

/* size is a multiple of 16. */
#define WF_BLOCKS_INIT(name, block_size, hot)                                      \
    {                                                                              \
        .lock = WF_LOCK_INIT(WF_RANK_NONE), .size = (block_size), .hot_at = (hot), \
        .chunks = { { &(name).chunks.head, &(name).chunks.head } },                \
    }

/* Not zeroed, aligned to 16 bytes. NULL: no memory. */
WF_MUST_CHECK void *wf_blocks_take(struct wf_blocks *blocks);
void wf_blocks_give(struct wf_blocks *blocks, void *block);

#endif
