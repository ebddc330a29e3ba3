/* SPDX-License-Identifier: MIT
 * Dressing up the record of a thread that runs a blocking function: host.h says why. */
#include "sched/host.h"

#include "base/panic.h"
#include "plat/self.h"
#include "sched/worker.h"

struct wf_job_context *wf_job_context_self(void)
{
    struct wf_host *host = wf_self_host_get();
    return host != NULL ? host->context : NULL;
}

void wf_host_dress(struct wf_thread *thread)
{
    struct wf_job_context *context = wf_job_context_self();
    if (context == NULL)
        return;
    thread->own.locals = context->locals;
    thread->own.scope = context->scope;
    thread->own.cancel = context->cancel;
    thread->own.shields = context->shields;
    thread->own.name = context->name;
    thread->own.file = context->file;
    thread->own.line = context->line;
    /* seq [job-cancel]: before the first look at the flag. */
    wf_store_seq(&context->caller, &thread->own);
}

static void undress(struct wf_waiter *own, const struct wf_job_context *context)
{
    WF_MUST(own->scope == context->scope,
            "the blocking call \"%s\" ended inside a scope that it had entered", context->name);
    WF_MUST(own->locals == context->locals,
            "the blocking call \"%s\" ended with a task-local that it had bound", context->name);
    WF_MUST(own->n_locks == 0, "the blocking call \"%s\" ended while it held a mutex or rwlock",
            context->name);
    own->locals = NULL;
    own->scope = NULL;
    own->cancel = &wf_never_cancelled;
    own->shields = 0;
}

void wf_host_undress(struct wf_host *host)
{
    struct wf_thread *thread = wf_self_get();
    struct wf_job_context *context = host->context;
    host->context = NULL;
    if (thread == NULL)
        return;
    undress(&thread->own, context);
    wf_thread_forget();
}
