/* SPDX-License-Identifier: MIT
 * The worker: what runs next, and the switches between tasks.
 *
 * A task that parks picks the next one itself and switches to it directly. It goes to the worker's
 * native stack instead (the loop at the end of this file) when there is more to decide than "pop":
 * nothing is queued, a tour is due (pace.h), or the one popped has not yet left its own stack. The
 * last is a rule: a worker waits for a stack only on its native one, so that two workers never
 * wait for each other's (plat/ctx.h). */
#include "sched/worker.h"

#include "plat/sanitizer.h"
#include "sched/pace.h"

enum {
    FRESH_PICKS = 16,   /* every so many picks an unstarted task comes first */
    SLOT_RUNS_MAX = 32, /* picks from the slot in a row */
    SPINS_BEFORE_YIELD = 200,
};

/* ---- making runnable -------------------------------------------------------------------------- */

static WF_NOINLINE void ready_elsewhere_slow(struct wf_task *task)
{
    wf_inject_push(&wf_rt.inject, task, task, 1);
    wf_idle_notify();
}

static void push_ring(struct wf_worker *w, struct wf_task *task)
{
    if (WF_UNLIKELY(!wf_runq_push(&w->runq, task)))
        wf_inject_push(&wf_rt.inject, task, task, 1);
}

WF_WORKER_LOCAL void wf_ready(struct wf_task *task, enum wf_wake when)
{
    struct wf_worker *w = wf_worker_self();
    if (WF_UNLIKELY(w == NULL)) {
        ready_elsewhere_slow(task);
        return;
    }
    if (when == WF_WAKE_NEXT) {
        /* acq_rel [slot]: what the task's waker did comes before its next run. */
        task = wf_xchg_acq_rel(&w->runq.slot, task);
    }
    if (task != NULL)
        push_ring(w, task); /* the one displaced */
    wf_pace_pushed(w, wf_runq_ring_length(&w->runq) + 1);
}

/* What the ring has no room for goes to the shared queue in one piece. */
WF_WORKER_LOCAL void wf_ready_all(struct wf_task *first, struct wf_task *last, uint32_t n)
{
    struct wf_worker *w = wf_worker_self();
    while (w != NULL && n > 0) {
        struct wf_task *next = first->next; /* once pushed, it may be taken and run */
        if (!wf_runq_push(&w->runq, first))
            break;
        first = next;
        n--;
    }
    if (n > 0)
        wf_inject_push(&wf_rt.inject, first, last, n);
    if (w == NULL)
        wf_idle_notify();
    else
        wf_pace_pushed(w, wf_runq_ring_length(&w->runq) + n);
}

static WF_NOINLINE void ready_fresh_elsewhere_slow(struct wf_task *tasks, uint32_t n)
{
    struct wf_task *last = tasks;
    while (last->next != NULL)
        last = last->next;
    wf_inject_push(&wf_rt.inject, tasks, last, n);
    wf_idle_notify();
}

WF_WORKER_LOCAL void wf_ready_fresh(struct wf_task *tasks, uint32_t n)
{
    struct wf_worker *w = wf_worker_self();
    if (WF_UNLIKELY(w == NULL)) {
        ready_fresh_elsewhere_slow(tasks, n);
        return;
    }
    wf_runq_push_fresh(&w->runq, tasks, n);
    wf_pace_pushed(w, wf_runq_fresh_length(&w->runq));
}

/* ---- what runs next ------------------------------------------------------------------------------ */

/* A pair that wakes each other through the slot would keep everybody else waiting. */
WF_WORKER_LOCAL static inline struct wf_task *pop_slot(struct wf_worker *w)
{
    struct wf_task *task = wf_runq_take_slot(&w->runq);
    if (task == NULL) {
        w->slot_runs = 0;
    } else if (WF_UNLIKELY(++w->slot_runs > SLOT_RUNS_MAX)) {
        w->slot_runs = 0;
        push_ring(w, task);
        task = NULL;
    }
    return task;
}

WF_WORKER_LOCAL static inline struct wf_task *pop_own(struct wf_worker *w)
{
    struct wf_task *task = NULL;
    if (wf_load_rlx_raw(&w->stats[WF_SWITCHES]) % FRESH_PICKS == 0)
        task = wf_runq_steal_fresh(&w->runq); /* the oldest, which else might never begin */
    if (task == NULL)
        task = pop_slot(w);
    if (task == NULL)
        task = wf_runq_pop(&w->runq);
    if (task == NULL)
        task = wf_runq_pop_fresh(&w->runq);
    return task;
}

/* ---- switching ------------------------------------------------------------------------------------- */

static inline bool is_unstarted(struct wf_task *task) { return !wf_load_rlx(&task->has_started); }

WF_WORKER_LOCAL static inline bool may_run(struct wf_task *task)
{
    /* From its waker, perhaps a task of ours: our own ring has no order. */
    wf_san_own(&task->waiter);
    return WF_LIKELY(wf_ctx_has_left(&task->ctx)) || is_unstarted(task);
}

WF_WORKER_LOCAL static inline void become(struct wf_worker *w, struct wf_task *task)
{
    w->thread.current = &task->waiter;
    wf_san_disown(&task->stack); /* our looks at it come before its end: wf_task_recycle */
}

WF_WORKER_LOCAL static inline struct wf_ctx *enter(struct wf_worker *w, struct wf_task *task)
{
    if (WF_UNLIKELY(is_unstarted(task)))
        wf_task_prepare(task, w);
    become(w, task);
    return &task->ctx;
}

/* The one to switch to directly, or NULL: to the native stack. */
WF_WORKER_LOCAL static inline struct wf_task *pick_direct(struct wf_worker *w)
{
    wf_pace_picks(w);
    if (WF_UNLIKELY(w->is_tour_due))
        return NULL;
    struct wf_task *task = pop_own(w);
    if (task == NULL || WF_LIKELY(may_run(task)))
        return task;
    w->pending = task;
    return NULL;
}

WF_WORKER_LOCAL static WF_NOINLINE void recycle_finished_slow(struct wf_worker *w)
{
    struct wf_task *task = w->finished;
    w->finished = NULL;
    wf_task_recycle(task, w);
}

/* What the task that was switched away from could not do for itself. */
WF_WORKER_LOCAL static inline void tidy(struct wf_worker *w)
{
    if (WF_UNLIKELY(w->finished != NULL))
        recycle_finished_slow(w);
}

/* Nothing read from the worker before the switch holds after it. */
WF_WORKER_LOCAL static inline void leave_stack(struct wf_worker *w, struct wf_task *self)
{
    int saved_errno = *w->errno_location;
    wf_store_rlx_raw(&self->waiter.wait_since_ns, w->now_ns);
    struct wf_task *next = pick_direct(w);
    if (next == NULL && w->pending == self) { /* woken already, and popped by ourselves */
        w->pending = NULL;
        return;
    }
    wf_ctx_switch(&self->ctx, next != NULL ? enter(w, next) : &w->native);
    w = wf_worker_self();
    *w->errno_location = saved_errno;
    tidy(w);
}

WF_WORKER_LOCAL void wf_worker_park_task(struct wf_task *self)
{
    leave_stack(wf_worker_self(), self);
}

WF_WORKER_LOCAL void wf_worker_yield_task(struct wf_task *self)
{
    struct wf_worker *w = wf_worker_self();
    push_ring(w, self);
    leave_stack(w, self);
}

/* The next task runs at once, without a way over the native stack; who arrives there recycles us.
 * One that has not started yet begins on this very stack, without a switch. */
WF_WORKER_LOCAL struct wf_task *wf_worker_exit_task(struct wf_task *self)
{
    struct wf_worker *w = wf_worker_self();
    struct wf_task *next = pick_direct(w);
    if (next != NULL && is_unstarted(next) && wf_task_inherit(next, self, w)) {
        become(w, next);
        return next;
    }
    w->finished = self;
    wf_ctx_exit(&self->ctx, next != NULL ? enter(w, next) : &w->native);
}

/* A task's first act on its stack. */
WF_WORKER_LOCAL void wf_worker_begin_task(void)
{
    struct wf_worker *w = wf_worker_self();
    tidy(w);
    *w->errno_location = 0; /* not what the task before left there */
}

WF_WORKER_LOCAL static void run(struct wf_worker *w, struct wf_task *task)
{
    for (unsigned turn = 1; !may_run(task); turn++)
        if (turn % SPINS_BEFORE_YIELD == 0)
            wf_thread_yield(); /* the worker it is leaving may wait for our CPU */
        else
            wf_cpu_relax();
    wf_ctx_switch(&w->native, enter(w, task));
    w->thread.current = &w->thread.own;
    tidy(w);
}

/* ---- the loop ------------------------------------------------------------------------------------------ */

static struct wf_task *take_pending(struct wf_worker *w)
{
    struct wf_task *task = w->pending;
    w->pending = NULL;
    return task;
}

static struct wf_task *tour(struct wf_worker *w)
{
    wf_pace_toured(w);
    (void)wf_poll(w);
    return wf_inject_pop(&wf_rt.inject);
}

/* NULL: the runtime stops. */
static struct wf_task *next_task(struct wf_worker *w)
{
    do {
        struct wf_task *task = take_pending(w);
        if (task == NULL && w->is_tour_due)
            task = tour(w);
        if (task == NULL)
            task = pop_own(w);
        if (task == NULL)
            task = wf_worker_find(w);
        if (task != NULL) {
            if (w->is_searching) /* also one who was woken to search and found this at home */
                wf_idle_end_search(w);
            return task;
        }
    } while (wf_idle_park(w));
    return NULL;
}

void wf_worker_main(void *arg)
{
    struct wf_worker *w = arg;
    wf_self_set(&w->thread);
    w->errno_location = wf_errno_location();
    /* Without memory for it an overflow in this worker dies wordless, and that is all. */
    if (wf_rt.config.no_signal_stack || wf_fault_thread_begin(&w->fault_stack) < 0)
        w->fault_stack = (struct wf_fault_stack){ 0 };
    wf_ctx_adopt(&w->native);
    for (struct wf_task *task; (task = next_task(w)) != NULL;)
        run(w, task);
    wf_task_free_kept(w);
    wf_stack_cache_flush(&w->stacks);
    wf_ctx_unadopt(&w->native);
    wf_fault_thread_end(&w->fault_stack);
    wf_self_set(NULL);
}
