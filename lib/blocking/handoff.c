/* SPDX-License-Identifier: MIT
 * A job on the native stack of its submitter's worker: handoff.h has the argument. */
#include "blocking/handoff.h"

#include "blocking/pool_core.h"
#include "plat/sanitizer.h"

#ifdef WF_SIM
#include "plat/sim.h"
#endif

struct handoff {
    struct wf_native_call call;
    struct wf_job *job;
    uint64_t began_at; /* in ticks */
    int64_t began_ns;  /* of one that is likely to be long; or 0 */
    bool is_refused;
};

/* ---- on the native stack ------------------------------------------------------------------------- */

/* In the simulator, where no call takes time, the seed wills that it is lent. */
static void may_be_lent_at_once(struct wf_worker *w, uint64_t lending)
{
#ifdef WF_SIM
    if (wf_sim_random() % 4 == 0) {
        wf_store_rlx(&w->lend_at, lending);
        wf_monitor_poke();
    }
#else
    (void)w, (void)lending;
#endif
}

/* H1: the last that it does with the worker. */
WF_WORKER_LOCAL static void let_go(struct wf_worker *w, struct wf_host *host, struct wf_job *job)
{
    uint64_t lending = wf_load_rlx_raw(&w->lending) + 1;
    wf_count_one(&w->stats[WF_JOBS]);
    w->job = job;
    host->lendable = w;
    host->lending = lending;
    host->context = &job->context;
    wf_self_set_meanwhile(NULL);
    /* seq: release [lend]; and before the look at the monitor [monitor-dekker]. */
    (void)wf_xchg_seq(&w->lending, lending);
}

/* True: it has the worker, and is the worker's thread again. False, then and whenever it is asked
 * again: the word has grown. */
WF_WORKER_LOCAL static bool take_back(struct wf_worker *w, struct wf_host *host)
{
    uint64_t lending = host->lending;
    host->lendable = NULL;
    /* acquire [lend] */
    if (!wf_cas_acq_rel(&w->lending, &lending, host->lending + 1))
        return false;
    wf_self_set_meanwhile(&w->thread);
    return true;
}

static void note_length(const struct handoff *h)
{
    uint64_t n_ticks = wf_monitor_ticks() - h->began_at;
    if (WF_LIKELY(n_ticks == 0 && h->began_ns == 0))
        return;
    if (n_ticks > 1 && h->began_ns == 0) {
        wf_site_overran(h->job->site, WF_SITE_VERY_LONG);
        return;
    }
    /* It ran when the last tick came, so it has run since then at least. */
    int64_t began_ns = h->began_ns != 0 ? h->began_ns : wf_monitor_tick_at();
    wf_site_took(h->job->site, wf_clock_now() - began_ns);
}

/* The host is the pool's already, and all that it knows of the worker is gone. */
static void lose(struct wf_host *host, struct wf_job *job)
{
    wf_self_set(NULL);
    wf_site_overran(job->site, WF_SITE_VERY_LONG);
    (void)wf_pool_finish(host, job);
    wf_thread_forget_quietly();
    wf_deadlock_suspect();
}

static void run_function(struct wf_host *host, struct wf_job *job)
{
    job->rc = job->fn(job->arg);
    if (WF_UNLIKELY(wf_load_rlx(&job->context.caller) != NULL))
        wf_pool_end_function(host, job);
    host->context = NULL;
}

/* Once its worker is lent the task may be cancelled, and leave the frame that holds the hand-off: the
 * job stays. */
static bool run_here(struct wf_worker *w, struct wf_native_call *call)
{
    struct handoff *h = WF_CONTAINER(call, struct handoff, call);
    struct wf_job *job = h->job;
    struct wf_host *host = w->host;
    let_go(w, host, job);
    if (WF_UNLIKELY(!wf_monitor_is_there() && !wf_monitor_hire()) && take_back(w, host)) {
        host->context = NULL;
        h->is_refused = true;
        return true;
    }
    may_be_lent_at_once(w, host->lending);
    run_function(host, job);
    if (WF_LIKELY(take_back(w, host))) {
        note_length(h);
        return true;
    }
    lose(host, job);
    return false;
}

/* ---- the task ------------------------------------------------------------------------------------- */

/* What becomes ready meanwhile is that worker's to run who is idle now, or about to be. */
WF_WORKER_LOCAL static bool holds_up_nobody(void)
{
    struct wf_runq *queue = &wf_worker_here()->runq;
    bool is_one_free = wf_load_rlx(&wf_rt.n_idle) > 0 || wf_load_rlx(&wf_rt.n_searching) > 0;
    return is_one_free && wf_load_rlx(&queue->slot) == NULL && !wf_runq_has_work(queue);
}

static bool is_worth_it(const struct wf_job *job, enum wf_site_length length)
{
    if (WF_LIKELY(length == WF_SITE_SHORT) || job->is_in_place)
        return true;
    return length == WF_SITE_LONG && holds_up_nobody();
}

static bool may_hand_off(const struct wf_job *job, const struct wf_waiter *self)
{
    return self->is_task && !job->is_pooled && !job->is_dedicated && job->abandoned == NULL &&
           self->never_waits == NULL;
}

enum wf_handoff wf_handoff_run(struct wf_job *job, uint32_t *out_claim)
{
    struct wf_waiter *self = job->waiter;
    if (!may_hand_off(job, self))
        return WF_HANDED_NOT;
    enum wf_site_length length = wf_site_length(job->site);
    if (!is_worth_it(job, length) || (!wf_monitor_is_there() && !wf_monitor_hire()))
        return WF_HANDED_NOT;
    struct wf_task *task = wf_task_of(self);
    if (WF_UNLIKELY(task->leaves != NULL))
        task->leaves(task);
    struct handoff h = { .call = { .run = run_here, .task = task },
                         .job = job,
                         .began_at = wf_monitor_ticks(),
                         .began_ns = length == WF_SITE_SHORT ? 0 : wf_clock_now() };
    job->state = WF_JOB_RUNNING;
    job->was_lent = false;
    wf_store_rlx(&self->wait_kind, WF_ON_NATIVE); /* for a dump */
    wf_worker_call(&h.call);
    if (WF_UNLIKELY(wf_load_rlx(&wf_rt.has_forked)))
        wf_self_set(NULL); /* it has forked and returned in the child: thread.c */
    if (WF_LIKELY(!job->was_lent))
        wf_store_rlx(&self->wait_kind, WF_ON_BLOCKING);
    if (WF_UNLIKELY(h.is_refused))
        return WF_HANDED_NOT;
    if (WF_LIKELY(!job->was_lent))
        return WF_HANDED_DONE;
    *out_claim = wf_wait_end(self);
    return WF_HANDED_LENT;
}
