/* SPDX-License-Identifier: MIT
 * A task. Its life answers one question: who may touch its stack?
 *
 *   NEW       nobody: it has none. On exactly one queue; owns its arguments
 *   READY     nobody; on exactly one queue (or held by the worker that just popped it)
 *   RUNNING   the worker whose thread runs it
 *   WAITING   nobody, once ctx.sp is set; until then the worker it is leaving. Whoever claims its
 *             cell owns the duty to make it READY (wait.h)
 *   DONE      the worker that it switched to at its end, which recycles stack and struct
 *
 * READY, RUNNING and WAITING are not stored: the cell and ctx.sp tell them apart for a dump. */
#ifndef WF_SCHED_TASK_H
#define WF_SCHED_TASK_H

#include "plat/ctx.h"
#include "plat/stack.h"
#include "sched/timerq.h"
#include "sched/wait.h"

#include <weft/callable.h>

struct weft_task;
struct wf_worker;

#define WF_TASK_INLINE_ARGS 64

struct wf_task {
    struct wf_waiter waiter; /* first: a task's waiter is the task */
    const weft_callable *what;

    /* What a switch touches, the third cache line. */
    struct wf_ctx ctx;

    /* Called when the task is about to leave its stack, by a wait or a yield of any kind, but not
     * by lend.h or wf_wait_park_for; NULL: nothing to do. The task's own. */
    void (*leaves)(struct wf_task *task);

    _Atomic bool has_started;     /* written by the worker that runs it first */
    bool has_own_stack;           /* of another size than the default: its own mapping */
    struct wf_stack *stack;       /* from first run to end */
    struct wf_task *next, *newer; /* in a queue of unstarted ones, the shared queue, a free list */
    void *args;                   /* inline_args, or allocated */
    void *self_arg;               /* second argument of what->enter */

    /* Called on the task's own stack when the body has returned and its arguments are dropped.
     * After it the scope may be gone. */
    void (*on_done)(struct wf_task *task, int rc);
    struct weft_scope *home;  /* the scope it was spawned into; layer 4's */
    struct wf_link home_link; /* in that scope's list of children; its lock */
    const char *spawn_file;
    int spawn_line;
    struct weft_task *record; /* layer 4's; valid if its on_done is for tasks that have one */

    _Alignas(16) unsigned char inline_args[WF_TASK_INLINE_ARGS];

    struct wf_timer limit; /* of its wait; last: most tasks never touch that cache line */
};

static inline struct wf_task *wf_task_of(struct wf_waiter *waiter)
{
    return waiter->is_task ? (struct wf_task *)(void *)waiter : NULL;
}

struct wf_task_opts {
    const weft_callable *what;
    const void *args; /* what->args_size bytes, copied; ownership moves */
    void *self_arg;
    const char *name, *file;
    int line;
    size_t stack_size; /* 0: the default */
    struct weft_scope *home;
    void (*on_done)(struct wf_task *task, int rc);
};

/* Makes a task that is not yet queued. 0, or -ENOMEM (arguments stay the caller's). */
WF_MUST_CHECK int wf_task_make(const struct wf_task_opts *opts, struct wf_task **out_task);

/* What it inherits, instead of what its maker sees of task-locals. */
void wf_task_see(struct wf_task *task, struct wf_locals *locals);

/* Gives up a task that was made and never started; what its arguments own is dropped, if they own
 * it. */
void wf_task_unmake(struct wf_task *task, bool owns_args);

/* Queues n tasks, linked by next; the caller does not switch. */
void wf_task_start(struct wf_task *tasks, uint32_t n);

/* For the worker: the first switch to it needs a stack; or it takes the one on which `last` has
 * just ended, which is recycled. False: not that one. */
void wf_task_prepare(struct wf_task *task, struct wf_worker *worker);
bool wf_task_inherit(struct wf_task *task, struct wf_task *last, struct wf_worker *worker);
void wf_task_recycle(struct wf_task *task, struct wf_worker *worker);

/* The structs that a worker keeps, when it ends. */
void wf_task_free_kept(struct wf_worker *worker);

struct wf_task *wf_task_self(void); /* NULL on a plain thread */

#endif
