/* SPDX-License-Identifier: MIT
 * The wait of a task without a time limit, inlined into those who wait most often: the same as
 * wf_wait_begin and wf_wait_park (wait.h), with fewer frames (switch.h) and one locked instruction
 * less.
 *
 * That one orders WAITING before the look at the flag [cancel-dekker]. Here the look comes after the
 * next task was picked, for to take one from a queue is a read-modify-write, and so a fence on x86.
 * A task that finds itself cancelled then puts back what it has picked. */
#ifndef WF_SCHED_WAIT_TASK_H
#define WF_SCHED_WAIT_TASK_H

#include "sched/switch.h"

/* As wf_wait_begin. The wait is finished by wf_wait_park_task. */
static inline void wf_wait_begin_task(struct wf_waiter *self, enum wf_wait_kind kind,
                                      const void *object)
{
    bool is_shielded = self->cancel == &wf_never_cancelled;
    if (WF_UNLIKELY(self->never_waits != NULL))
        wf_wait_breaks_promise(self);
    wf_store_rlx(&self->wait_kind, kind);
    wf_store_rlx(&self->wait_object, object);
    /* release [claim] */
    wf_store_rel(&self->cell, (uint32_t)(is_shielded ? WF_WAITING_SHIELDED : WF_WAITING));
}

WF_INLINE_LOCAL void wf_wait_leave_stack(struct wf_task *self)
{
    struct wf_worker *w = wf_worker_here();
    struct wf_task *next = wf_worker_pick(w);
    if (WF_LIKELY(next != NULL))
        wf_fence_after_rmw(); /* [cancel-dekker] */
    else
        wf_fence_seq(); /* [cancel-dekker] */
    if (WF_UNLIKELY(wf_wait_is_over_before(&self->waiter)))
        wf_worker_put_back(w, next);
    else
        wf_worker_leave_to(w, self, next);
}

/* As wf_wait_park for a wait that was begun by wf_wait_begin_task. */
WF_INLINE uint32_t wf_wait_park_task(struct wf_waiter *self)
{
    struct wf_task *task = wf_task_of(self);
    if (WF_UNLIKELY(task->leaves != NULL)) {
        wf_fence_seq(); /* [cancel-dekker] */
        return wf_wait_park(self, WF_NEVER);
    }
    wf_wait_leave_stack(task);
    wf_san_own(self);
    self->budget = WF_OPERATIONS_PER_TURN;
    return wf_wait_end(self);
}

/* As wf_wait_wake with WF_WAKE_NEXT. */
WF_WORKER_LOCAL static inline void wf_wait_wake_next(struct wf_waiter *waiter)
{
    struct wf_worker *w = wf_worker_known();
    struct wf_task *task = wf_task_of(waiter);
    if (WF_UNLIKELY(w == NULL || task == NULL)) {
        wf_wait_wake(waiter, WF_WAKE_NEXT);
        return;
    }
    wf_san_disown(waiter);
    wf_worker_ready_next(w, task);
}

#endif
