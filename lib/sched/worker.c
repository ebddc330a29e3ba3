/* SPDX-License-Identifier: MIT
 * The worker: what runs next, and the switches between tasks.
 *
 * A task that parks picks the next one itself and switches to it directly. It goes to the worker's
 * native stack instead (the loop at the end of this file) when there is more to decide than "pop":
 * nothing is queued, the tick says that others have to be looked at, or the one popped has not yet
 * left its own stack. The last is a rule: a worker waits for a stack only on its native one, so
 * that two workers never wait for each other's (plat/ctx.h). */
#include "sched/worker.h"

#include "plat/mem.h"
#include "plat/sanitizer.h"
#include "sched/pace.h"

enum {
    SHARED_QUEUE_TICKS = 61, /* every so many picks the shared queue comes first */
    FRESH_TICKS = 16,        /* and every so many an unstarted task does */
    SLOT_RUNS_MAX = 32,      /* picks from the slot in a row */
    SPINS_BEFORE_YIELD = 200,
};

/* ---- making runnable -------------------------------------------------------------------------- */

static void push_ring(struct wf_worker *w, struct wf_task *task)
{
    if (!wf_runq_push(&w->runq, task))
        wf_inject_push(&wf_rt.inject, task, task, 1);
}

static WF_NOINLINE void ready_elsewhere_slow(struct wf_task *task)
{
    wf_inject_push(&wf_rt.inject, task, task, 1);
    wf_idle_notify();
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

WF_WORKER_LOCAL void wf_ready_fresh(struct wf_task *task)
{
    struct wf_worker *w = wf_worker_self();
    if (WF_UNLIKELY(w == NULL || !wf_runq_push_fresh(&w->runq, task)))
        ready_elsewhere_slow(task);
    else
        wf_pace_pushed(w, wf_runq_fresh_length(&w->runq));
}

/* ---- what runs next ------------------------------------------------------------------------------ */

/* A pair that wakes each other through the slot would keep everybody else waiting. */
WF_WORKER_LOCAL static struct wf_task *pop_slot(struct wf_worker *w)
{
    if (w->slot_runs == SLOT_RUNS_MAX) {
        w->slot_runs = 0;
        struct wf_task *task = wf_runq_take_slot(&w->runq);
        if (task != NULL)
            push_ring(w, task);
        return NULL;
    }
    struct wf_task *task = wf_runq_take_slot(&w->runq);
    w->slot_runs = task != NULL ? w->slot_runs + 1 : 0;
    return task;
}

WF_WORKER_LOCAL static struct wf_task *pop_own(struct wf_worker *w)
{
    struct wf_task *task = NULL;
    if (w->tick % FRESH_TICKS == 0)
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

WF_WORKER_LOCAL static bool may_run(struct wf_task *task)
{
    wf_san_own(
        &task->waiter); /* from its waker, perhaps a task of ours: our own ring has no order */
    return !wf_load_rlx(&task->has_started) || wf_ctx_has_left(&task->ctx);
}

WF_WORKER_LOCAL static inline void become(struct wf_worker *w, struct wf_task *task)
{
    w->thread.current = &task->waiter;
    wf_count_one(&w->stats[WF_SWITCHES]);
    wf_pace_switched(w);
    if (!wf_load_rlx(&task->has_started))
        wf_task_prepare(task, w);
    wf_san_disown(&task->stack); /* our looks at it come before its end: wf_task_recycle */
}

/* The one to switch to directly, or NULL: to the native stack. */
WF_WORKER_LOCAL static struct wf_task *pick_direct(struct wf_worker *w)
{
    if (++w->tick % SHARED_QUEUE_TICKS == 0 || wf_load_rlx(&wf_rt.is_stopping))
        return NULL;
    struct wf_task *task = pop_own(w);
    if (task == NULL || may_run(task))
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
    if (w->finished != NULL)
        recycle_finished_slow(w);
}

WF_WORKER_LOCAL static void leave_stack(struct wf_worker *w, struct wf_task *self)
{
    wf_store_rlx(&self->waiter.wait_since_ns, w->now_ns);
    struct wf_task *next = pick_direct(w);
    if (WF_LIKELY(next != NULL)) {
        become(w, next);
        wf_ctx_switch(&self->ctx, &next->ctx);
    } else if (w->pending == self) { /* woken already, and popped by ourselves: we never left */
        w->pending = NULL;
        return;
    } else {
        wf_ctx_switch(&self->ctx, &w->native);
    }
    tidy(wf_worker_self());
}

/* Nothing read from the worker before leave_stack holds after it. */
WF_WORKER_LOCAL void wf_worker_park_task(struct wf_task *self)
{
    struct wf_worker *w = wf_worker_self();
    int saved_errno = *w->errno_location;
    leave_stack(w, self);
    *wf_worker_self()->errno_location = saved_errno;
}

WF_WORKER_LOCAL void wf_worker_yield_task(struct wf_task *self)
{
    struct wf_worker *w = wf_worker_self();
    push_ring(w, self);
    wf_worker_park_task(self);
}

/* The next task runs at once, without a way over the native stack; who arrives there recycles us. */
WF_WORKER_LOCAL void wf_worker_exit_task(struct wf_task *self)
{
    struct wf_worker *w = wf_worker_self();
    struct wf_task *next = pick_direct(w);
    w->finished = self;
    if (next != NULL)
        become(w, next);
    wf_ctx_exit(&self->ctx, next != NULL ? &next->ctx : &w->native);
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
    become(w, task);
    wf_ctx_switch(&w->native, &task->ctx);
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

static struct wf_task *look_around(struct wf_worker *w)
{
    wf_pace_look(w);
    (void)wf_poll(w);
    return wf_inject_pop(&wf_rt.inject);
}

/* NULL: the runtime stops. */
static struct wf_task *next_task(struct wf_worker *w)
{
    do {
        struct wf_task *task = take_pending(w);
        if (task == NULL && w->tick++ % SHARED_QUEUE_TICKS == 0)
            task = look_around(w);
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

static void free_struct_cache(struct wf_worker *w)
{
    while (w->free_tasks != NULL) {
        struct wf_task *task = w->free_tasks;
        w->free_tasks = task->next;
        wf_free(task);
    }
    w->n_free_tasks = 0;
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
    free_struct_cache(w);
    wf_stack_cache_flush(&w->stacks);
    wf_ctx_unadopt(&w->native);
    wf_fault_thread_end(&w->fault_stack);
    wf_self_set(NULL);
}
