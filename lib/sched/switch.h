/* SPDX-License-Identifier: MIT
 * The switch from a task to another, inlined into those who leave a stack.
 *
 * Inlined, because a switch spoils the CPU's stack of return addresses: each return on the stack
 * that was switched to is a wrong guess unless the one that was left got there by the same calls.
 * Fewer frames between the user's call and the switch are fewer wrong guesses, at 4 ns each.
 *
 * Rejected: to prefetch the saved frame of a task that is put into the slot, as is done for what
 * comes from the shared queue (inject.c). A token around 503 tasks took the same, 49.0 and 49.5 ns of
 * CPU time a hop; a rendezvous there and back 73.8 and 78.8 (medians of five rounds). */
#ifndef WF_SCHED_SWITCH_H
#define WF_SCHED_SWITCH_H

#include "plat/sanitizer.h"
#include "sched/pace.h"

enum {
    WF_SLOT_RUNS_MAX = 32, /* picks from the slot, and hand-overs, in a row */
    WF_FRESH_PICKS = 16,   /* every so many picks an unstarted task comes first */
};

/* ---- what runs next ---------------------------------------------------------------------------- */

static inline void wf_worker_push(struct wf_worker *w, struct wf_task *task)
{
    if (WF_UNLIKELY(!wf_runq_push(&w->runq, task)))
        wf_inject_push(&wf_rt.inject, task, task, 1);
}

/* A pair that wakes each other through the slot would keep everybody else waiting. */
WF_WORKER_LOCAL static inline struct wf_task *wf_worker_pop_slot(struct wf_worker *w)
{
    struct wf_task *task = wf_runq_take_slot(&w->runq);
    if (task == NULL) {
        w->slot_runs = 0;
    } else if (WF_UNLIKELY(++w->slot_runs > WF_SLOT_RUNS_MAX)) {
        w->slot_runs = 0;
        wf_worker_push(w, task);
        task = NULL;
    }
    return task;
}

/* As started tasks come first, the unstarted have their turn now and then; and of these, where the
 * newest is first, the oldest, when it is time to (pace.c), or it might never begin. Counted from the
 * last turn: calls count as picks, too, and none of a round number of them need be a pop. */
WF_WORKER_LOCAL static inline struct wf_task *wf_worker_pop_fresh(struct wf_worker *w, uint64_t n)
{
    w->fresh_at = n + WF_FRESH_PICKS;
    if (WF_LIKELY(!w->is_oldest_due))
        return wf_runq_pop_fresh(&w->runq);
    w->is_oldest_due = false;
    return wf_runq_steal_fresh(&w->runq);
}

/* What is found is taken by a read-modify-write (sched/wait_task.h). */
WF_WORKER_LOCAL static inline struct wf_task *wf_worker_pop(struct wf_worker *w)
{
    struct wf_task *task = NULL;
    uint64_t n = wf_load_rlx_raw(&w->stats[WF_SWITCHES]);
    if (n >= w->fresh_at)
        task = wf_worker_pop_fresh(w, n);
    if (task == NULL)
        task = wf_worker_pop_slot(w);
    if (task == NULL)
        task = wf_runq_pop(&w->runq);
    if (task == NULL)
        task = wf_runq_pop_fresh(&w->runq);
    return task;
}

WF_WORKER_LOCAL static inline void wf_worker_ready_next(struct wf_worker *w, struct wf_task *task)
{
    struct wf_task *displaced = wf_runq_fill_slot(&w->runq, task);
    if (displaced != NULL)
        wf_worker_push(w, displaced);
    wf_pace_pushed(w, wf_runq_ring_length(&w->runq) + 1);
}

/* ---- switching --------------------------------------------------------------------------------- */

static inline bool wf_is_unstarted(struct wf_task *task)
{
    return !wf_load_rlx(&task->has_started);
}

WF_WORKER_LOCAL static inline bool wf_worker_may_run(struct wf_task *task)
{
    /* From its waker, perhaps a task of ours: our own ring has no order. */
    wf_san_own(&task->waiter);
    return WF_LIKELY(wf_ctx_has_left(&task->ctx)) || wf_is_unstarted(task);
}

WF_WORKER_LOCAL static inline void wf_worker_become(struct wf_worker *w, struct wf_task *task)
{
    w->thread.current = &task->waiter;
    wf_san_disown(&task->stack); /* our looks at it come before its end: wf_task_recycle */
}

WF_WORKER_LOCAL static inline struct wf_ctx *wf_worker_enter(struct wf_worker *w,
                                                             struct wf_task *task)
{
    if (WF_UNLIKELY(wf_is_unstarted(task)))
        wf_task_prepare(task, w);
    wf_worker_become(w, task);
    return &task->ctx;
}

/* What the task that was switched away from could not do for itself. */
void wf_worker_recycle_finished(struct wf_worker *w);
WF_WORKER_LOCAL static inline void wf_worker_tidy(struct wf_worker *w)
{
    if (WF_UNLIKELY(w->finished != NULL))
        wf_worker_recycle_finished(w);
}

/* Nothing read from the worker before the switch holds after it. */
WF_WORKER_LOCAL static inline void wf_worker_switch_ctx(struct wf_worker *w, struct wf_task *self,
                                                        struct wf_ctx *next)
{
    int saved_errno = *w->errno_location;
    wf_store_rlx_raw(&self->waiter.wait_since_ns, w->now_ns);
    wf_ctx_switch(&self->ctx, next);
    w = wf_worker_here();
    *w->errno_location = saved_errno;
    wf_worker_tidy(w);
}

WF_WORKER_LOCAL static inline void wf_worker_switch(struct wf_worker *w, struct wf_task *self,
                                                    struct wf_task *next)
{
    wf_worker_switch_ctx(w, self, next != NULL ? wf_worker_enter(w, next) : &w->native);
}

/* To one that has started. */
WF_WORKER_LOCAL static inline void wf_worker_switch_to(struct wf_worker *w, struct wf_task *self,
                                                       struct wf_task *next)
{
    wf_worker_become(w, next);
    wf_worker_switch_ctx(w, self, &next->ctx);
}

/* The one to switch to directly, or NULL: to the native stack. */
WF_WORKER_LOCAL static inline struct wf_task *wf_worker_pick(struct wf_worker *w)
{
    wf_pace_picks(w);
    if (WF_UNLIKELY(w->is_tour_due))
        return NULL;
    struct wf_task *task = wf_worker_pop(w);
    if (task == NULL || WF_LIKELY(wf_worker_may_run(task)))
        return task;
    w->pending = task;
    return NULL;
}

/* next: what was picked. */
WF_WORKER_LOCAL static inline void wf_worker_leave_to(struct wf_worker *w, struct wf_task *self,
                                                      struct wf_task *next)
{
    if (next == NULL && w->pending == self) /* woken already, and popped by ourselves */
        w->pending = NULL;
    else
        wf_worker_switch(w, self, next);
}

WF_WORKER_LOCAL static inline void wf_worker_leave(struct wf_worker *w, struct wf_task *self)
{
    wf_worker_leave_to(w, self, wf_worker_pick(w));
}

/* Or the caller stays after all, and what was picked is queued again. */
void wf_worker_put_back(struct wf_worker *w, struct wf_task *next);

/* Others come first: next goes behind them. */
void wf_worker_push_and_leave(struct wf_worker *w, struct wf_task *self, struct wf_task *next);

/* Leaves the stack, and next, which nobody has queued, runs at once, unless others have waited too
 * long: it counts as a pick from the slot, for two that hand over to each other keep everybody else
 * waiting just the same. */
WF_WORKER_LOCAL static inline void wf_worker_hand_over(struct wf_task *self, struct wf_task *next)
{
    struct wf_worker *w = wf_worker_self();
    if (WF_LIKELY(!w->is_tour_due && w->slot_runs < WF_SLOT_RUNS_MAX &&
                  wf_ctx_has_left(&next->ctx))) {
        w->slot_runs++;
        wf_pace_picks(w);
        wf_worker_switch(w, self, next);
        return;
    }
    wf_worker_push_and_leave(w, self, next);
}

#endif
