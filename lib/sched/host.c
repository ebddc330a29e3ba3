/* SPDX-License-Identifier: MIT
 * Dressing up the record of a thread that runs a blocking function: host.h says why. */
#include "sched/host.h"

#include "base/panic.h"
#include "plat/mem.h"
#include "plat/self.h"
#include "sched/worker.h"

#include <stdio.h>

static _Atomic(bool (*)(struct wf_host *)) serve_elsewhere;

void wf_host_serves(bool (*serve)(struct wf_host *host)) { wf_store_rlx(&serve_elsewhere, serve); }

static _Atomic(void (*)(void)) ask_for_lending;

void wf_host_asks(void (*ask)(void)) { wf_store_rlx(&ask_for_lending, ask); }

void wf_host_lends(void)
{
    struct wf_host *host = wf_self_host_get();
    if (host == NULL || host->lendable == NULL)
        return;
    /* Once: it is done, or about to be. */
    wf_store_rlx(&host->lendable->lend_at, host->lending);
    wf_load_rlx (&ask_for_lending)();
}

struct wf_host *wf_host_new(void)
{
    struct wf_host *host = wf_alloc(1, sizeof *host);
    if (host == NULL)
        return NULL;
    wf_link_init(&host->link);
    wf_link_init(&host->idle_link);
    return host;
}

/* Without memory for it an overflow on this thread dies wordless, and that is all. */
static void begin_fault_stack(struct wf_host *host)
{
    if (!host->has_fault_stack && !wf_rt.config.no_signal_stack)
        host->has_fault_stack = wf_fault_thread_begin(&host->fault_stack) >= 0;
}

void wf_host_end_fault_stack(struct wf_host *host)
{
    if (host->has_fault_stack)
        wf_fault_thread_end(&host->fault_stack);
    host->has_fault_stack = false;
}

void wf_host_name_worker(char name[WF_WORKER_NAME_SIZE], unsigned index)
{
    (void)snprintf(name, WF_WORKER_NAME_SIZE, "weft-%u", index);
}

/* Until it has a worker; then it is called like that one. False: it is over. */
static bool has_worker(struct wf_host *host)
{
    if (host->worker != NULL)
        return true;
    char name[WF_WORKER_NAME_SIZE];
    if (!wf_load_rlx(&serve_elsewhere)(host))
        return false;
    wf_host_name_worker(name, host->worker->index);
    wf_thread_rename(name);
    return true;
}

void wf_host_main(void *arg)
{
    struct wf_host *host = arg;
    wf_self_host_set(host);
    for (;;) {
        if (!has_worker(host))
            return;
        begin_fault_stack(host);
        if (wf_worker_serve(host->worker))
            break;
        host->worker = NULL;
        wf_thread_rename(WF_POOL_THREAD_NAME);
    }
    wf_host_end_fault_stack(host);
}

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

static void undress(struct wf_waiter *own, struct wf_job_context *context)
{
    WF_MUST(own->scope == context->scope,
            "the blocking call \"%s\" ended inside a scope that it had entered", context->name);
    WF_MUST(own->locals == context->locals,
            "the blocking call \"%s\" ended with a task-local that it had bound", context->name);
    WF_MUST(own->n_locks == 0, "the blocking call \"%s\" ended while it held a mutex or rwlock",
            context->name);
    context->felt_cancel |= own->felt_cancel;
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
    wf_thread_forget_quietly();
}
