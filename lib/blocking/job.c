/* SPDX-License-Identifier: MIT
 * One blocking job from the submitter's side: queue it, wait for it, and what a cancel means.
 *
 * A cancel withdraws a job that has not begun; one that has begun is waited for, since it may be
 * writing to the caller's memory, and its own result counts: commit beats cancel.
 *
 * wf_rt.jobs is raised and lowered by the submitter itself: when it is lowered the submitter is
 * running, so there is no instant at which everything sleeps and a job's end is still to come. */
#include "blocking/pool.h"

#include "sched/worker.h"

#include <weft/blocking.h>

static int wait_for_end(struct wf_job *job)
{
    int code = 0;
    for (;;) {
        switch (wf_pool_begin_wait(job, code < 0 && !job->is_shielded)) {
        case WF_JOB_DONE: return 0;
        case WF_JOB_REFUSED: return WEFT_EAGAIN;
        case WF_JOB_WITHDRAWN: return code;
        case WF_JOB_QUEUED:
        case WF_JOB_RUNNING: break;
        }
        code = wf_claim_code(job->waiter, wf_wait_park(job->waiter, WF_NEVER));
    }
}

int wf_job_run(struct wf_job *job)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    if (!job->is_shielded && wf_is_cancelled(self))
        return WEFT_ECANCELED;

    job->waiter = self;
    wf_link_init(&job->link);
    (void)wf_add_seq(&wf_rt.jobs, 1u);
    wf_pool_submit(job);
    int rc = wait_for_end(job);
    (void)wf_sub_seq(&wf_rt.jobs, 1u);
    return rc;
}

int wf_blocking_call(const char *name, int (*fn)(void *arg), void *arg)
{
    struct wf_job job = { .fn = fn, .arg = arg, .name = name };
    int rc = wf_job_run(&job);
    return rc < 0 ? rc : job.rc;
}

int wf_blocking_call_shielded(const char *name, int (*fn)(void *arg), void *arg)
{
    struct wf_job job = { .fn = fn, .arg = arg, .name = name, .is_shielded = true };
    return wf_job_run(&job) < 0 ? fn(arg) : job.rc;
}

/* ---- callables --------------------------------------------------------------------------------- */

struct call {
    const weft_callable *what;
    void *args;
    struct wf_locals *locals; /* the caller's, who waits and keeps them */
};

/* On another thread, which lends itself to the caller: it sees what the caller sees. */
static int enter(void *arg)
{
    struct call *call = arg;
    struct wf_waiter *self = call->locals != NULL ? wf_waiter_self() : NULL;
    if (self == NULL)
        return call->what->enter(call->args, NULL);
    struct wf_locals *own = self->locals;
    self->locals = call->locals;
    int rc = call->what->enter(call->args, NULL);
    self->locals = own;
    return rc;
}

int weft_call_blocking(const weft_callable *what, void *args)
{
    if (what == NULL || what->enter == NULL)
        return WEFT_EINVAL;
    struct wf_waiter *self = wf_waiter_self();
    struct call call = { what, args, self != NULL ? self->locals : NULL };
    struct wf_job job = {
        .fn = enter, .arg = &call, .name = what->name, .file = what->file, .line = what->line
    };
    int rc = wf_job_run(&job);
    if (rc == 0)
        return job.rc;
    if (what->drop != NULL)
        what->drop(args);
    return rc;
}
