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

#include "sched/wait.h"

struct wf_thread;

struct wf_job_context {
    struct wf_locals *locals;
    struct weft_scope *scope;
    _Atomic uint32_t *cancel; /* not 0: cancelled */
    uint32_t shields;
    const char *name, *file; /* of the function; static text */
    int line;
    _Atomic(struct wf_waiter *) caller; /* J2; NULL: it has not called weft yet */
};

/* plat/self.h holds it. Owner thread only. */
struct wf_host {
    struct wf_job_context *context; /* of the function that runs; NULL: none does */
};

/* What the function that runs on this thread sees; NULL: there is none. */
struct wf_job_context *wf_job_context_self(void);

/* For thread.c: a record was made for this thread. */
void wf_host_dress(struct wf_thread *thread);

/* The function has returned, and nobody finds its record any more (J2): that goes. */
void wf_host_undress(struct wf_host *host);

#endif
