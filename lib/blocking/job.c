/* SPDX-License-Identifier: MIT
 * One blocking job from the submitter's side: queue it, wait for it, and what a cancel means.
 *
 * A cancel withdraws a job that has not begun. One that has begun is waited for, since it may be
 * writing to the caller's memory, and its own result counts: commit beats cancel; what it waits for
 * in weft is ended, so that it can come to its end. One that may be abandoned is left alone.
 *
 * A function that calls for another one runs it itself: a place in a lane, or the last thread of
 * the pool, would be waited for by whoever holds it.
 *
 * wf_rt.jobs is raised and lowered by the submitter itself: when it is lowered the submitter is
 * running, so there is no instant at which everything sleeps and a job's end is still to come. That
 * of an abandoned job is lowered by its thread. */
#include "blocking/handoff.h"

#include "sched/locals.h"
#include "sched/worker.h"

#include <weft/blocking.h>
#include <weft/error.h>

/* code: how the wait that was begun already, if any, has ended. */
static int wait_for_end(struct wf_job *job, int code)
{
    for (;;) {
        switch (wf_pool_begin_wait(job, code < 0 && !job->is_shielded)) {
        case WF_JOB_DONE: return 0;
        case WF_JOB_REFUSED: return WEFT_EAGAIN;
        case WF_JOB_WITHDRAWN: return code;
        case WF_JOB_ABANDONED: return WF_JOB_WAS_ABANDONED;
        case WF_JOB_QUEUED:
        case WF_JOB_RUNNING: break;
        }
        code = wf_claim_code(job->waiter, wf_wait_park(job->waiter, WF_NEVER));
    }
}

/* One that may be abandoned sees nothing of the submitter but its task-locals, of which it holds a
 * reference (host.h, J1). */
static void fill_context(struct wf_job *job, struct wf_waiter *self)
{
    bool may_outlive = job->abandoned != NULL;
    job->context.locals = may_outlive ? wf_locals_ref(self->locals) : self->locals;
    job->context.scope = may_outlive ? NULL : self->scope;
    job->context.cancel = may_outlive ? &job->is_left : self->cancel;
    job->context.shields = may_outlive ? 0 : self->shields;
    job->context.felt_cancel = false;
    wf_store_rlx(&job->context.caller, NULL);
    wf_store_rlx(&job->is_left, 0u);
}

/* In the other one's context, but for the result. */
static int run_in_job(struct wf_job *outer, struct wf_job *job)
{
    void *outer_result = outer->result;
    outer->result = job->result;
    job->rc = job->fn(job->arg);
    outer->result = outer_result;
    return 0;
}

static struct wf_job *job_self(void)
{
    struct wf_job_context *context = wf_job_context_self();
    return context != NULL ? WF_CONTAINER(context, struct wf_job, context) : NULL;
}

/* A call that fails for its caller's cancel, or in whose function one has, fails in the caller's
 * scope: nobody else tells it when the caller's own wait was not claimed. */
static int has_run(struct wf_job *job)
{
    if (WF_UNLIKELY(job->context.felt_cancel || job->rc == WEFT_ECANCELED))
        (void)wf_is_flag_set(job->waiter);
    return 0;
}

/* wf_rt.jobs was raised for it, here or by who has lent the worker. */
static int finish(struct wf_job *job, int rc)
{
    if (rc == WF_JOB_WAS_ABANDONED)
        return rc;
    if (job->abandoned != NULL)
        wf_locals_unref(job->context.locals);
    (void)wf_sub_seq(&wf_rt.jobs, 1u);
    return rc < 0 ? rc : has_run(job);
}

static int run_in_pool(struct wf_job *job)
{
    wf_link_init(&job->link);
    (void)wf_add_seq(&wf_rt.jobs, 1u);
    wf_pool_submit(job);
    return finish(job, wait_for_end(job, 0));
}

int wf_job_run(struct wf_job *job)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    if (!job->is_shielded && wf_is_cancelled(self))
        return WEFT_ECANCELED;
    struct wf_job *outer = self->is_task ? NULL : job_self();
    if (outer != NULL && !job->is_dedicated && job->abandoned == NULL)
        return run_in_job(outer, job);

    fill_context(job, self);
    job->waiter = self;
    uint32_t claim;
    switch (wf_handoff_run(job, &claim)) {
    case WF_HANDED_DONE: return has_run(job);
    case WF_HANDED_LENT: return finish(job, wait_for_end(job, wf_claim_code(self, claim)));
    case WF_HANDED_NOT: break;
    }
    return run_in_pool(job);
}

int wf_blocking_call(const char *name, int (*fn)(void *arg), void *arg)
{
    WEFT_UNSET_ struct wf_job job;
    wf_job_init(&job, name, fn, arg);
    int rc = wf_job_run(&job);
    return rc < 0 ? rc : job.rc;
}

int wf_blocking_call_shielded(const char *name, int (*fn)(void *arg), void *arg)
{
    WEFT_UNSET_ struct wf_job job;
    wf_job_init(&job, name, fn, arg);
    job.is_shielded = true;
    return wf_job_run(&job) < 0 ? fn(arg) : job.rc;
}

/* ---- asked by the function ----------------------------------------------------------------------- */

bool weft_job_cancelled(void)
{
    wf_note_call();
    struct wf_job *job = job_self();
    return job != NULL && wf_load_seq(job->context.cancel) == WF_FLAG_CANCELLED;
}

void *weft_job_result(void)
{
    struct wf_job *job = job_self();
    return job != NULL ? job->result : NULL;
}
