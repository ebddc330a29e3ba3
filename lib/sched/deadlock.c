/* SPDX-License-Identifier: MIT
 * Can anything ever run again?
 *
 * Asked by the worker that would be the last to sleep. Everything is at rest when all workers are
 * idle, nothing is queued, no timer, descriptor or blocking job is pending, and every thread of
 * the process is a worker, a helper of ours, or a plain thread parked in weft without time limit.
 * The last is counted by the system; a program with a thread of its own that is elsewhere can
 * always wake somebody, so nothing is reported. Threads are counted between two looks at
 * plain_epoch: if no plain thread parked or woke in between, all counts are of one moment, and a
 * state in which nobody runs does not change by itself. */
#include "sched/iowait.h"
#include "sched/worker.h"

/* Written once; read by workers, which may be running already. */
static _Atomic(void (*)(void)) deadlock_hook, stuck_hook, cancel_hook;

void wf_report_hooks(void (*deadlock)(void), void (*stuck)(void), void (*cancel_all)(void))
{
    wf_store_rel(&deadlock_hook, deadlock);
    wf_store_rel(&stuck_hook, stuck);
    wf_store_rel(&cancel_hook, cancel_all);
}

void wf_cancel_all(void)
{
    void (*cancel_all)(void) = wf_load_acq(&cancel_hook);
    if (cancel_all != NULL)
        cancel_all();
}

void wf_report_stuck(void)
{
    void (*report)(void) = wf_load_acq(&stuck_hook);
    if (report != NULL)
        report();
}

static bool is_quiet(void)
{
    if (wf_load_seq(&wf_rt.n_idle) != wf_rt.n_workers || wf_load_seq(&wf_rt.n_searching) != 0)
        return false;
    if (wf_load_rlx(&wf_rt.inject.n) != 0 || wf_next_timer() != WF_NEVER || wf_io_armed() != 0)
        return false;
    if (wf_load_seq(&wf_rt.jobs) != 0 || wf_load_seq(&wf_rt.plain_timed) != 0 ||
        wf_load_rlx(&wf_rt.is_stopping))
        return false;
    return wf_live_tasks() > 0 || wf_load_seq(&wf_rt.plain_waiting) > 0;
}

static bool is_every_thread_ours(void)
{
    int ours = (int)(wf_rt.n_workers + wf_load_seq(&wf_rt.n_helpers) +
                     wf_load_seq(&wf_rt.plain_waiting));
    int all = wf_thread_count();
#if defined(WF_TSAN) && !defined(WF_SIM)
    return all == ours || all == ours + 1;      /* its background thread */
#else
    return all == ours;
#endif
}

bool wf_deadlock_check(void)
{
    static _Atomic bool is_checking;
    void (*report)(void) = wf_load_acq(&deadlock_hook);
    if (report == NULL || !is_quiet() || wf_xchg_seq(&is_checking, true))
        return false;
    uint64_t epoch = wf_load_seq(&wf_rt.plain_epoch);
    bool is_deadlock = is_every_thread_ours() && is_quiet() &&
                       wf_load_seq(&wf_rt.plain_epoch) == epoch;
    if (is_deadlock)
        report();
    wf_store_seq(&is_checking, false);
    return is_deadlock;
}
