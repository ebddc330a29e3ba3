/* SPDX-License-Identifier: MIT
 * Scopes: who waits for whom, and how far a cancel reaches.
 *
 * Scopes form a tree: a scope's parent is the innermost scope of whoever opened it. A task lives
 * in the scope it was spawned into (home) and opens scopes below it.
 *
 *   S1  A scope's flag, once set, stays set until the scope is left; setting it sets the flags of
 *       all scopes below it that are not shielded.
 *   S2  A scope outlives its children: n_tasks counts tasks whose completion has not yet been
 *       recorded, and the owner leaves only at 0. A child touches the scope for the last time
 *       under the scope's lock.
 *   S3  The tree is walked down with the parent's lock held while a child's is taken, so that a
 *       child scope can't be left meanwhile; a scope unlinks itself under its parent's lock.
 *   S4  Cancel sets the flag first and then claims: every child task's wait, and the owner's
 *       (wait.h, W4 and W5).
 *   S5  Lock order: timer queue, then scope, then channel, then run queues (base/lockrank.h). */
#ifndef WF_TASK_SCOPE_H
#define WF_TASK_SCOPE_H

#include "base/lock.h"
#include "sched/task.h"
#include "sched/timerq.h"

#include <weft/scope.h>

enum wf_cancel_reason {
    WF_REASON_NONE,
    WF_REASON_ERROR,
    WF_REASON_ASKED,
    WF_REASON_DEADLINE,
    WF_REASON_LEFT,
    WF_REASON_DEADLOCK
};

/* Lives in weft_scope::opaque_, or on the heap (a generator's). */
struct wf_scope {
    _Atomic uint32_t cancelled; /* S1; waiter.cancel points here */
    bool is_shielded;           /* an outer cancel stops here */
    bool is_root;
    bool is_ended; /* weft_scope_wait is over */
    bool has_left;

    struct wf_lock lock;
    /* Under lock. */
    struct wf_list tasks;      /* wf_task::home_link */
    struct wf_list scopes;     /* wf_scope::link */
    struct wf_list generators; /* wf_generator::scope_link; owner only */
    uint32_t n_tasks;
    _Atomic bool is_owner_joining; /* also read, as a hint, by the trap report */
    int first_error;
    enum wf_cancel_reason reason;        /* the first one */
    bool is_from_above;                  /* an outer scope's cancel has reached it */
    const char *error_name, *error_file; /* the task whose error it is */
    int error_line;

    struct weft_scope *parent;      /* constant; NULL: a root */
    struct wf_link link;            /* in parent->scopes; parent's lock */
    struct wf_link root_link;       /* roots: in the list of roots */
    struct wf_waiter *owner;        /* whose brace it is; a generator's is set when it starts */
    _Atomic uint32_t *outer_cancel; /* the owner's flag before it entered */
    struct wf_timer deadline;
    int64_t deadline_at_ns;
    const char *name, *file;
    int line;
    int rc; /* of weft_scope_wait */
};

/* The public struct and ours. */
static inline struct wf_scope *wf_scope_of(struct weft_scope *scope);

/* weft_scope_enter with the owner given and, for a generator's, an explicit parent and owner that
 * is set later (its task). user: counts as a user of the runtime (a root). */
struct wf_scope_opts {
    struct weft_scope *parent;
    struct wf_waiter *owner;
    int64_t deadline_at_ns; /* WF_NEVER: none */
    bool is_shielded, is_root;
    const char *name, *file;
    int line;
};
void wf_scope_init(struct weft_scope *scope, const struct wf_scope_opts *opts);
void wf_scope_fini(struct weft_scope *scope); /* stops the timer, unlinks */

void wf_scope_cancel(struct weft_scope *scope, enum wf_cancel_reason reason);

/* Counts tasks, linked by next, in (WEFT_ECLOSED: the scope has ended, none was), and one out. */
int wf_scope_add(struct weft_scope *scope, struct wf_task *tasks);
void wf_scope_child_done(struct wf_task *task, int rc);

/* Waits until no child is left, cancelled or not. */
void wf_scope_join(struct weft_scope *scope, struct wf_waiter *self);

/* Closes the generators that were opened in the scope and are still open (generator.c). */
void wf_scope_close_generators(struct weft_scope *scope);

/* The roots, for dumps and the deadlock report: calls fn for each with the list locked. */
void wf_scope_each_root(void (*fn)(struct weft_scope *root, void *arg), void *arg);

static inline struct wf_scope *wf_scope_of(struct weft_scope *scope)
{
    return (struct wf_scope *)(void *)scope->opaque_;
}

#endif
