/* SPDX-License-Identifier: MIT
 * A worker that goes from one task to another by hand: no wait is begun and nothing is queued.
 *
 * The task that is left is on no list and its cell is idle, so neither a claim nor a cancel finds
 * it: whoever knows of it runs it, or first makes an ordinary wait of it (wf_wait_begin on its
 * behalf), which is then claimed and woken as ever. Who that is, and that it is one alone, is the
 * caller's business (task/generator.h, G6 and G7).
 *
 * It does not count as a pick: a generator's consumer has its budget of operations, and gives way
 * when that is spent, as after so many of a channel's. */
#ifndef WF_SCHED_LEND_H
#define WF_SCHED_LEND_H

#include "sched/switch.h"

/* WF_WAIT_IDLE: somebody ran it who knew of it. Or how the wait was claimed. */
static inline uint32_t wf_lend_ended(struct wf_waiter *self)
{
    return WF_LIKELY(wf_load_rlx(&self->cell) == WF_WAIT_IDLE) ? (uint32_t)WF_WAIT_IDLE
                                                               : wf_wait_end(self);
}

/* Leaves the stack, and other, which nobody has queued, runs at once. */
WF_WORKER_LOCAL static inline uint32_t wf_lend(struct wf_waiter *self, struct wf_waiter *other)
{
    struct wf_worker *w = wf_worker_here();
    struct wf_task *next = (struct wf_task *)(void *)other;
    wf_san_disown(other);
    if (WF_LIKELY(wf_ctx_has_left(&next->ctx)))
        wf_worker_switch_to(w, (struct wf_task *)(void *)self, next);
    else
        wf_worker_push_and_leave(w, (struct wf_task *)(void *)self, next);
    wf_san_own(self);
    return wf_lend_ended(self);
}

/* The same when there is nobody to run at once. */
WF_WORKER_LOCAL static inline uint32_t wf_lend_nobody(struct wf_waiter *self)
{
    wf_worker_leave(wf_worker_here(), (struct wf_task *)(void *)self);
    wf_san_own(self);
    return wf_lend_ended(self);
}

#endif
