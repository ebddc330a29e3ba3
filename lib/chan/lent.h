/* SPDX-License-Identifier: MIT
 * The memory that lent items point into, for a source that can do without it: whoever holds a
 * reference keeps the items, also when the source has gone on to other memory.
 *
 *   Only the source writes: while it alone holds the block, or behind the last byte that it lent. A
 *   further reference comes from it, or from one of those that it gave: so "not shared" stays true. */
#ifndef WF_CHAN_LENT_H
#define WF_CHAN_LENT_H

#include "plat/atomic.h"
#include "plat/mem.h"

struct wf_lent {
    _Atomic uint32_t refs;
    size_t room;
    char bytes[];
};

/* Room for so many bytes, which are not set. NULL: no memory. */
WF_MUST_CHECK static inline struct wf_lent *wf_lent_make(size_t room)
{
    struct wf_lent *lent = wf_realloc(NULL, wf_size_with(sizeof *lent, room, 1));
    if (lent == NULL)
        return NULL;
    wf_store_rlx(&lent->refs, 1u);
    lent->room = room;
    return lent;
}

static inline struct wf_lent *wf_lent_ref(struct wf_lent *lent)
{
    wf_add_rlx(&lent->refs, 1u);
    return lent;
}

/* acq_rel, with itself in the others and with wf_lent_is_shared: what they read, they have read. */
static inline void wf_lent_drop(struct wf_lent *lent)
{
    if (lent != NULL && wf_sub_acq_rel(&lent->refs, 1u) == 1)
        wf_free(lent);
}

static inline bool wf_lent_is_shared(struct wf_lent *lent) { return wf_load_acq(&lent->refs) > 1; }

#endif
