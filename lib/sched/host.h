/* SPDX-License-Identifier: MIT
 * A native thread of weft's that runs blocking functions, and what such a function sees.
 *
 * To weft calls the function is a plain thread: one with the task-locals, the scope and the name of
 * whoever it works for. So a deadline or a cancel of that one's reaches what it waits for, and a
 * scope that it opens lies below that one's. The record of the thread (worker.h) is made by the
 * first such call, dressed up with this, and goes when the function has returned: most make none.
 *
 *   J1  What a context points to outlives the function: whoever it works for waits for its end, or
 *       has lent it nothing but what the job itself holds (one that may be abandoned).
 *   J2  `caller` is set by the thread itself, and cleared by it under the pool's lock before the
 *       record goes. Who wants to end the function's wait claims it under that lock.
 *   J3  A cancel is not lost: the record is shown before its first look at the flag, and who
 *       cancels sets the flag before he looks for the record (both seq [job-cancel]). */
#ifndef WF_SCHED_HOST_H
#define WF_SCHED_HOST_H

#include "base/list.h"
#include "plat/fault.h"
#include "plat/thread.h"
#include "sched/wait.h"

struct wf_job;
struct wf_thread;
struct wf_worker;

struct wf_job_context {
    struct wf_locals *locals;
    struct weft_scope *scope;
    _Atomic uint32_t *cancel; /* WF_FLAG_* */
    uint32_t shields;
    bool felt_cancel;        /* has a call of the function failed for it? Once that has returned */
    const char *name, *file; /* of the function; static text */
    int line;
    _Atomic(struct wf_waiter *) caller; /* J2; NULL: it has not called weft yet */
};

/* A thread made by weft, in whatever it does: it runs a worker, or belongs to the blocking pool, and
 * goes from one to the other (blocking/handoff.h). plat/self.h holds it. Freed by who joins it, or
 * by itself when it leaves the pool. */
struct wf_host {
    /* Owner thread only. */
    struct wf_job_context *context; /* of the function that runs; NULL: none does */
    struct wf_worker *worker;       /* that it runs; NULL: it is the pool's */
    struct wf_worker *lendable;     /* that it would run but for the function, */
    uint64_t lending;               /* and what that one's word says as long as nobody has it */
    bool has_lost_worker; /* it was lent, and the loop that ran it (worker.c) has to end */
    struct wf_fault_stack fault_stack;
    bool has_fault_stack;

    /* Written by the creator before has_handle. */
    struct wf_os_thread os;

    /* The pool's, under its lock (blocking/pool_core.h). */
    bool has_handle;
    bool is_dedicated;        /* made for one job, its first */
    bool is_monitor;          /* has that role, or is about to take it or give it up */
    struct wf_link link;      /* in threads or ended */
    struct wf_link idle_link; /* in idle while it sleeps and nobody chose it */
    struct wf_job *running;
    int64_t since_ns;
    _Atomic uint32_t word; /* 1: wake up. Set under the lock by who takes it off idle */
};

/* NULL: no memory. */
struct wf_host *wf_host_new(void);

/* What such threads are called, by what they do at the time. */
enum { WF_WORKER_NAME_SIZE = 16 };
#define WF_POOL_THREAD_NAME "weft-blocking"
void wf_host_name_worker(char name[WF_WORKER_NAME_SIZE], unsigned index);

/* The first function of such a thread, with its host. */
void wf_host_main(void *host);

/* Before a thread ends. */
void wf_host_end_fault_stack(struct wf_host *host);

/* What a thread does that has no worker, until it has one (true) or is over (false: its host may be
 * gone). The pool sets it before a thread can come to that. */
void wf_host_serves(bool (*serve)(struct wf_host *host));

/* How to see to it that a worker that is to be lent is lent soon; before any may be. */
void wf_host_asks(void (*ask)(void));

/* What the function that runs on this thread sees; NULL: there is none. */
struct wf_job_context *wf_job_context_self(void);

/* For wait.c: this plain thread is about to sleep. If a worker may be lent from it, it is. */
void wf_host_lends(void);

/* For thread.c: a record was made for this thread. */
void wf_host_dress(struct wf_thread *thread);

/* The function has returned, and nobody finds its record any more (J2): that goes. */
void wf_host_undress(struct wf_host *host);

#endif
