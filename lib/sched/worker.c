/* SPDX-License-Identifier: MIT
 * The worker: what runs next, and the switches between tasks.
 *
 * A task that parks picks the next one itself and switches to it directly. It goes to the worker's
 * native stack instead (the loop at the end of this file) when there is more to decide than "pop":
 * nothing is queued, a tour is due (pace.h), or the one popped has not yet left its own stack. The
 * last is a rule: a worker waits for a stack only on its native one, so that two workers never
 * wait for each other's (plat/ctx.h). */
#include "sched/worker.h"

#include "sched/host.h"
#include "sched/switch.h"

#ifdef WF_SIM
#include "plat/sim.h"
#endif

enum {
    SPINS_BEFORE_YIELD = 200,
    SLABS_A_TOUR = 2,
    SURPLUS_NS = 100000000,
};

/* ---- making runnable -------------------------------------------------------------------------- */

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
        wf_worker_ready_next(w, task);
        return;
    }
    wf_worker_push(w, task);
    wf_pace_pushed(w, wf_runq_ring_length(&w->runq) + 1);
}

/* What the ring has no room for goes to the shared queue in one piece. */
WF_WORKER_LOCAL void wf_ready_all(struct wf_task *first, struct wf_task *last, uint32_t n)
{
    struct wf_worker *w = wf_worker_self();
    while (w != NULL && n > 0) {
        struct wf_task *next = first->next; /* once pushed, it may be taken and run */
        wf_san_disown(&first->waiter);      /* who linked the next one to it wrote to it last */
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

/* ---- switching ------------------------------------------------------------------------------------- */

WF_WORKER_LOCAL void wf_worker_yield_task(struct wf_task *self)
{
    if (WF_UNLIKELY(self->leaves != NULL))
        self->leaves(self);
    struct wf_worker *w = wf_worker_self();
    wf_worker_push(w, self);
    wf_worker_leave(w, self);
    wf_san_own(&self->waiter); /* as at the end of a wait: from whoever popped us */
}

WF_WORKER_LOCAL WF_NOINLINE void wf_worker_push_and_leave(struct wf_worker *w, struct wf_task *self,
                                                          struct wf_task *next)
{
    wf_worker_push(w, next);
    wf_worker_leave(w, self);
}

WF_WORKER_LOCAL WF_NOINLINE void wf_worker_put_back(struct wf_worker *w, struct wf_task *next)
{
    struct wf_task *task = next != NULL ? next : w->pending;
    w->pending = NULL;
    if (task == NULL)
        return;
    wf_san_disown(&task->waiter); /* whoever picked it has looked at it */
    wf_worker_push(w, task);
}

WF_WORKER_LOCAL WF_NOINLINE void wf_worker_recycle_finished(struct wf_worker *w)
{
    struct wf_task *task = w->finished;
    w->finished = NULL;
    wf_task_recycle(task, w);
}

/* The next task runs at once, without a way over the native stack; who arrives there recycles us.
 * One that has not started yet begins on this very stack, without a switch. */
WF_WORKER_LOCAL struct wf_task *wf_worker_exit_task(struct wf_task *self)
{
    struct wf_worker *w = wf_worker_self();
    struct wf_task *next = wf_worker_pick(w);
    if (next != NULL && wf_is_unstarted(next) && wf_task_inherit(next, self, w)) {
        wf_worker_become(w, next);
        return next;
    }
    w->finished = self;
    wf_ctx_exit(&self->ctx, next != NULL ? wf_worker_enter(w, next) : &w->native);
}

/* A task's first act on its stack. */
WF_WORKER_LOCAL void wf_worker_begin_task(void)
{
    struct wf_worker *w = wf_worker_self();
    wf_worker_tidy(w);
    *w->errno_location = 0; /* not what the task before left there */
}

static void until_it_has_left(struct wf_task *task)
{
    for (unsigned turn = 1; !wf_worker_may_run(task); turn++)
        if (turn % SPINS_BEFORE_YIELD == 0)
            wf_thread_yield(); /* the worker it is leaving may wait for our CPU */
        else
            wf_cpu_relax();
}

/* A call was made: may the task go on at once? It counts as one that has picked itself, and goes to
 * the queue when others have waited for long enough: its turn ends with the next pick. */
WF_WORKER_LOCAL static bool may_go_on(struct wf_worker *w, struct wf_task *task)
{
    w->n_stayed++;
    wf_pace_picks(w);
    if (WF_LIKELY(!w->is_tour_due && task->waiter.budget-- > 0))
        return true;
    task->waiter.budget = WF_OPERATIONS_PER_TURN;
    wf_worker_push(w, task);
    return false;
}

/* On the native stack. False: the task does not go on from here, for it is queued, or the worker is
 * another thread's, and nothing of it is ours to touch. */
WF_WORKER_LOCAL static bool serve_call(struct wf_worker *w, struct wf_native_call *call)
{
    struct wf_task *task = call->task;
    struct wf_host *host = w->host;
    wf_san_own(&task->waiter);
    if (!call->run(w, call)) {
        host->has_lost_worker = true;
        return false;
    }
    wf_san_disown(&task->waiter);
    return may_go_on(w, task);
}

#if WF_CTX_HAS_CALL

WF_WORKER_LOCAL static bool call_on_native(void *arg)
{
    struct wf_native_call *call = arg;
    struct wf_worker *w = wf_worker_here();
    w->thread.current = &w->thread.own;
    if (!serve_call(w, call))
        return false;
    wf_worker_become(w, call->task);
    return true;
}

WF_WORKER_LOCAL void wf_worker_call(struct wf_native_call *call)
{
    struct wf_task *self = call->task;
    struct wf_worker *w = wf_worker_here();
    int saved_errno = *w->errno_location;
    wf_store_rlx_raw(&self->waiter.wait_since_ns, w->now_ns);
    wf_ctx_call(&self->ctx, &w->native, call_on_native, call);
    w = wf_worker_here();
    *w->errno_location = saved_errno;
    wf_worker_tidy(w);
}

static struct wf_task *serve_left_call(struct wf_worker *w) { return (void)w, NULL; }

#else

WF_WORKER_LOCAL void wf_worker_call(struct wf_native_call *call)
{
    struct wf_task *self = call->task;
    struct wf_worker *w = wf_worker_here();
    w->call = call;
    wf_san_disown(&self->waiter);
    wf_worker_switch(w, self, NULL);
    wf_san_own(&self->waiter);
}

/* The task that was left for a call, if it goes on at once. */
WF_WORKER_LOCAL static struct wf_task *serve_left_call(struct wf_worker *w)
{
    struct wf_native_call *call = w->call;
    if (WF_LIKELY(call == NULL))
        return NULL;
    struct wf_task *task = call->task;
    w->call = NULL;
    return serve_call(w, call) ? task : NULL;
}

#endif

/* False: the worker is another thread's. */
WF_WORKER_LOCAL static bool run(struct wf_worker *w, struct wf_task *task)
{
    struct wf_host *host = w->host;
    until_it_has_left(task);
    do {
        wf_ctx_switch(&w->native, wf_worker_enter(w, task));
        if (WF_UNLIKELY(host->has_lost_worker))
            break;
        w->thread.current = &w->thread.own;
        wf_worker_tidy(w);
    } while ((task = serve_left_call(w)) != NULL);
    bool has_lost = host->has_lost_worker;
    host->has_lost_worker = false;
    return !has_lost;
}

/* ---- the loop ------------------------------------------------------------------------------------------ */

static struct wf_task *take_pending(struct wf_worker *w)
{
    struct wf_task *task = w->pending;
    w->pending = NULL;
    return task;
}

/* Memory that has lain idle for so long and that nobody had the time to give back (idle.c). A burst
 * that is still ending adds to it, and takes no more than it took before. */
WF_WORKER_LOCAL static void trim_if_old(struct wf_worker *w)
{
    size_t n = wf_stack_surplus();
    if (n == 0 || n > w->surplus_seen) {
        w->surplus_seen = n;
        w->surplus_since_ns = w->now_ns;
    }
#ifdef WF_SIM /* virtual time stands still while tasks run */
    bool is_old = wf_sim_random() % 4 == 0;
#else
    bool is_old = w->now_ns - w->surplus_since_ns > SURPLUS_NS;
#endif
    for (int i = 0; is_old && i < SLABS_A_TOUR && wf_stack_trim(); i++)
        continue;
}

static struct wf_task *tour(struct wf_worker *w)
{
    wf_pace_toured(w);
    trim_if_old(w);
    (void)wf_poll(w);
    return wf_inject_take(&wf_rt.inject, w);
}

/* NULL: the runtime stops. */
static struct wf_task *next_task(struct wf_worker *w)
{
    do {
        struct wf_task *task = take_pending(w);
        if (task == NULL && w->is_tour_due)
            task = tour(w);
        if (task == NULL)
            task = wf_worker_pop(w);
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

bool wf_worker_serve(struct wf_worker *w)
{
    wf_self_set(&w->thread);
    w->errno_location = wf_errno_location();
    wf_ctx_adopt(&w->native);
    for (struct wf_task *task; (task = next_task(w)) != NULL;)
        if (!run(w, task))
            return false;
    wf_task_free_kept(w);
    wf_stack_cache_flush(&w->stacks);
    wf_ctx_unadopt(&w->native);
    wf_self_set(NULL);
    return true;
}
