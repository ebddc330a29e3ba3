/* SPDX-License-Identifier: MIT
 * The blocking pool: native threads that run what would stall a worker.
 *
 * A job lives on its submitter's stack, or on the heap if that may leave it. Its state answers who
 * may touch it:
 *
 *   QUEUED      the pool's lock; it hangs in the queue, or waits for a place in its lane (lane.c)
 *   RUNNING     the pool thread that took it; the submitter waits, whatever cancels it
 *   ABANDONED   that thread alone: the submitter has left
 *   DONE        the submitter: the function has returned
 *   REFUSED     the submitter: no thread could be made for it
 *   WITHDRAWN   the submitter: cancelled before it began
 *
 *   from      to          by             where
 *   QUEUED    RUNNING     a pool thread  take_locked
 *   QUEUED    WITHDRAWN   the submitter  wf_pool_begin_wait
 *   QUEUED    REFUSED     who could not start the only thread   refuse_all_locked
 *   RUNNING   ABANDONED   the submitter  wf_pool_begin_wait
 *   RUNNING   DONE        its thread     finish_locked, and claims the submitter's wait
 *
 * The submitter learns of an end by a claim of its wait or by looking at the state under the lock,
 * never without either, so a pool thread has always let go of a job before it disappears. */
#ifndef WF_BLOCKING_POOL_H
#define WF_BLOCKING_POOL_H

#include "base/list.h"
#include "sched/host.h"

#include <weft/blocking.h>

enum wf_job_state {
    WF_JOB_QUEUED,
    WF_JOB_RUNNING,
    WF_JOB_ABANDONED,
    WF_JOB_DONE,
    WF_JOB_REFUSED,
    WF_JOB_WITHDRAWN,
};

struct wf_job {
    /* Set by the submitter. */
    int (*fn)(void *arg);
    void *arg;
    weft_lane lane;
    bool is_shielded;  /* no cancel withdraws it, and no limit of a lane holds it up */
    bool is_pooled;    /* wants one of the pool's threads */
    bool is_dedicated; /* wants a thread of its own */
    bool is_in_place;  /* wants none, however long it takes */
    void *result;      /* what weft_job_result says */
    const void *site;  /* tells functions apart (site.c) */

    /* It may be abandoned: its thread calls this then, after fn, and nobody else uses the job any
     * more. NULL: it may not. */
    void (*abandoned)(struct wf_job *job);

    int rc; /* what fn returned, once DONE */

    /* wf_job_run's, but for name, file and line. */
    struct wf_job_context context;
    _Atomic uint32_t is_left; /* what the context has for a flag, if it may be abandoned */

    /* Under the pool's lock. */
    enum wf_job_state state;
    bool has_place; /* counts in its lane */
    bool was_lent;  /* it began on its worker's own stack, and the worker was lent */
    struct wf_waiter *waiter;
    struct wf_link link;
};

/* Each field that wf_job_run does not write itself, one by one: to clear all of it takes as long as
 * a short function. In the lane of files, with its name for a site. */
static inline void wf_job_init(struct wf_job *job, const char *name, int (*fn)(void *arg),
                               void *arg)
{
    job->fn = fn;
    job->arg = arg;
    job->context.name = name;
    job->context.file = NULL;
    job->context.line = 0;
    job->lane = WEFT_LANE_FILES;
    job->is_shielded = false;
    job->is_pooled = false;
    job->is_dedicated = false;
    job->is_in_place = false;
    job->result = NULL;
    job->site = name;
    job->abandoned = NULL;
    job->rc = 0;
    job->has_place = false;
}

/* ---- job.c: for whoever has something blocking to do ------------------------------------------ */

enum { WF_JOB_WAS_ABANDONED = 1 };

/* Runs job->fn and waits for its end. 0: it ran, and its result is job->rc. Negative: it never ran
 * (WEFT_ECANCELED, WEFT_EAGAIN, or wf_no_waiter's code). WF_JOB_WAS_ABANDONED: it runs, or has run,
 * and must not be touched. */
WF_MUST_CHECK int wf_job_run(struct wf_job *job);

/* The same in one line: fn's result, or the code of a job that never ran. In the lane of files. */
WF_MUST_CHECK int wf_blocking_call(const char *name, int (*fn)(void *arg), void *arg);

/* The same for teardown: it is not cancelled, and runs in the caller when no thread can be had. */
int wf_blocking_call_shielded(const char *name, int (*fn)(void *arg), void *arg);

/* ---- pool.c ------------------------------------------------------------------------------------ */

/* At most this many threads, for tests; 0: as weft_configure says. */
void wf_pool_configure(unsigned limit);

/* Ends the idle threads, waits for busy ones until until_ns, joins all that ended. What is stuck
 * then is reported by name and left alone. */
void wf_pool_stop(int64_t until_ns);

/* Jobs that were started since the process began, and threads that exist now. */
void wf_pool_stats(uint64_t *jobs, uint64_t *threads);

/* For job.c. Queues the job and sees to it that a thread serves the queue. */
void wf_pool_submit(struct wf_job *job);

/* Starts a wait for the job's end if it is QUEUED or RUNNING. With give_up, the submitter being
 * cancelled: a queued job is withdrawn, one that may be is abandoned, and what another waits for is
 * ended. Returns the state. */
enum wf_job_state wf_pool_begin_wait(struct wf_job *job, bool give_up);

#endif
