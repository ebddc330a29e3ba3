/* SPDX-License-Identifier: MIT
 * What is bound to task-local keys: a list that only grows at its head, shared by all who inherited
 * a part of it. A waiter holds a reference to the latest binding that it sees, each binding one to
 * the binding before it; nothing in it changes but the counts. */
#ifndef WF_SCHED_LOCALS_H
#define WF_SCHED_LOCALS_H

#include "plat/atomic.h"

#include <weft/local.h>

struct wf_locals {
    _Atomic uint32_t refs;
    struct wf_locals *before;
    const weft_local_key *key;
    _Alignas(16) unsigned char value[];
};

static inline struct wf_locals *wf_locals_ref(struct wf_locals *locals)
{
    if (locals != NULL)
        (void)wf_add_rlx(&locals->refs, 1u);
    return locals;
}

/* Drops what nobody sees any more. Calls the user's drop, which may not wait. */
void wf_locals_unref_slow(struct wf_locals *locals);
static inline void wf_locals_unref(struct wf_locals *locals)
{
    if (WF_UNLIKELY(locals != NULL))
        wf_locals_unref_slow(locals);
}

#endif
