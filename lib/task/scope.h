/* SPDX-License-Identifier: MIT
 * Scopes: who waits for whom, and how far a cancel reaches.
 *
 * Scopes form a tree: a scope's parent is the innermost scope of whoever opened it. A task lives
 * in the scope it was spawned into (home) and opens scopes below it.
 *
 *   S1  A scope's flag, once set, stays set until the scope is left; setting it sets the flags of
 *       all scopes below it that are not shielded.
 *   S2  A scope outlives its children: n_tasks counts tasks whose completion has not yet been
 *       recorded, and spawners on their way (limit.c); the owner leaves only at 0. Each of these
 *       touches the scope for the last time under the scope's lock.
 *   S3  The tree is walked down with the parent's lock held while a child's is taken, so that a
 *       child scope can't be left meanwhile; a scope unlinks itself under its parent's lock.
 *   S4  Cancel sets the flag first and then claims: every child task's wait, and the owner's
 *       (wait.h, W4 and W5).
 *   S5  Lock order: timer queue, then scope, then channel, then run queues (base/lockrank.h).
 *   S6  The first reason stays. What the scope returns depends on three more facts, which may
 *       come later: an outer cancel has reached it, somebody has cancelled it by a call, a cancel
 *       was felt in it. */
#ifndef WF_TASK_SCOPE_H
#define WF_TASK_SCOPE_H

#include "base/lock.h"
#include "sched/task.h"
#include "sched/timerq.h"

#include <weft/cancel.h>
#include <weft/join.h>
#include <weft/scope.h>

enum wf_cancel_reason {
    WF_REASON_NONE,
    WF_REASON_ERROR,
    WF_REASON_ASKED,
    WF_REASON_DEADLINE,
    WF_REASON_LEFT,
    WF_REASON_DEADLOCK,
    WF_REASON_RACE,
    WF_N_REASONS
};

struct wf_reason {
    enum wf_cancel_reason kind;
    int code, line;
    const char *text, *file; /* NULL: the kind's, the scope's */
};

/* The errors of a scope (errors.c); under its lock. The others are on the heap: most scopes have
 * one at most. */
struct wf_errors {
    uint32_t n, n_kept;
    weft_task_end first; /* valid if n > 0 */
    struct wf_list others;
};

/* Lives in weft_scope::opaque_, or on the heap (a generator's, a starting task's). */
struct wf_scope {
    _Atomic uint32_t cancelled; /* S1; WF_FLAG_*; waiter.cancel points here */

    /* Constant once it is entered. */
    bool is_shielded; /* an outer cancel stops here; a generator's is set later */
    bool is_root;
    bool has_rules; /* a spawn has more to do than to count: records or a limit */
    bool is_supervisor, is_race, keeps_records, moves_on;
    bool is_starting; /* a task's own, until it ends (ready.c) */

    /* Owner only, but for is_ended, which is written under lock. */
    bool is_ended; /* weft_scope_wait is over */
    bool has_left;
    bool outer_felt_cancel; /* the owner's felt_cancel before it entered */

    /* Under lock. */
    _Atomic bool is_owner_joining; /* also read, as a hint, by the trap report */
    bool is_owner_collecting;      /* it waits for the next child that ends, or for the last */
    bool is_from_above;            /* an outer scope's cancel has reached it */
    bool was_asked;                /* weft_scope_cancel was called */
    bool was_felt;                 /* a child was cancelled by its cancel, and said so */
    bool has_winner;
    bool has_expired;    /* what weft_scope_has_expired says once it is over */
    bool had_generators; /* some were opened in it: by its children or its owner, so that once it is
                          * over its owner may look without the lock */
    bool was_moved;      /* somebody has moved the deadline, or is about to */
    bool has_entries;    /* ledger.h, L2; the ledger's lock */
    uint32_t limit;      /* limit.c: children at once; constant */

    uint32_t n_tasks, n_places; /* limit.c: how many children there may still be */
    struct wf_lock lock;
    struct wf_list tasks;      /* wf_task::home_link */
    struct wf_list scopes;     /* wf_scope::link */
    struct wf_list generators; /* wf_generator::scope_link; closed by the owner */
    struct wf_list ended;      /* weft_task::link: of children that nobody has joined yet */
    struct wf_list spawners;   /* limit.c: who waits for places */
    struct wf_reason reason;
    struct wf_errors errors;

    struct wf_list entries; /* the ledger's, whose lock it is; valid if has_entries */

    struct weft_scope *parent;      /* constant; NULL: a root */
    struct wf_link link;            /* in parent->scopes; parent's lock */
    struct wf_link root_link;       /* roots: in the list of roots */
    struct wf_waiter *owner;        /* whose brace it is; a generator's has none */
    _Atomic uint32_t *outer_cancel; /* the owner's flag before it entered */

    struct wf_lock deadline_lock; /* held by who moves the deadline (deadline.c) */
    struct wf_timer deadline;
    _Atomic int64_t deadline_at_ns; /* WF_NEVER: none; written under deadline_lock */
    const char *name, *file;
    int line;
    int rc; /* of weft_scope_wait */
};

/* The public struct and ours. */
static inline struct wf_scope *wf_scope_of(struct weft_scope *scope);

/* acquire: what the canceller did before, its reason included under the lock. */
static inline bool wf_scope_is_cancelled(const struct wf_scope *s)
{
    return wf_load_acq(&s->cancelled) == WF_FLAG_CANCELLED;
}

/* Every look at the flag of the scope, and of those that will be opened below it, is told from now
 * on. By its owner, before it has children. */
void wf_scope_watch(struct weft_scope *scope);
static inline struct weft_scope *wf_scope_public(struct wf_scope *s);

/* weft_scope_enter with the owner given and, for a generator's, an explicit parent and no owner. */
struct wf_scope_opts {
    struct weft_scope *parent;
    struct wf_waiter *owner;
    int64_t deadline_at_ns; /* WF_NEVER: none */
    bool has_expired;       /* it has passed already */
    bool is_shielded, is_root;
    const char *name, *file;
    int line;
};
void wf_scope_init(struct weft_scope *scope, const struct wf_scope_opts *opts);
void wf_scope_fini(struct weft_scope *scope); /* stops the timer, unlinks */

void wf_scope_cancel(struct weft_scope *scope, enum wf_cancel_reason reason);
void wf_scope_cancel_for(struct weft_scope *scope, const struct wf_reason *reason);

/* Counts tasks, linked by next, in (WEFT_ECLOSED: the scope has ended, none was), and one out. */
int wf_scope_add(struct weft_scope *scope, struct wf_task *tasks);
void wf_scope_child_done(struct wf_task *task, int rc);

/* A step of that: what the end means for the others. True: it has won the race. */
bool wf_scope_note_end(struct wf_scope *s, const struct wf_task *task, int rc);

/* With the lock, which it releases: n of those counted in n_tasks are gone. The last touch (S2). */
void wf_scope_release_locked(struct wf_scope *s, uint32_t n);

/* Waits until no child is left, cancelled or not. */
void wf_scope_join(struct weft_scope *scope, struct wf_waiter *self);

/* errors.c */
void wf_errors_add_locked(struct wf_scope *s, const weft_task_end *end);
void wf_errors_fini(struct wf_errors *errors);
bool wf_scope_is_error(struct wf_scope *s, int rc);
void wf_task_end_fill(weft_task_end *end, const struct wf_waiter *waiter, const char *file,
                      int line, int rc);

/* deadline.c */
void wf_deadline_start(struct weft_scope *scope, const struct wf_scope_opts *opts);
void wf_deadline_stop(struct wf_scope *s);

/* Closes the generators that were opened in the scope and are still open (generator.c). */
void wf_scope_close_generators(struct weft_scope *scope);

/* Where what outlasts a task, a generator, is opened: not in the scope that goes with the task. */
static inline struct weft_scope *wf_scope_lasting(struct weft_scope *scope);

/* The roots, for dumps and the deadlock report: calls fn for each with the list locked. */
void wf_scope_each_root(void (*fn)(struct weft_scope *root, void *arg), void *arg);

static inline struct wf_scope *wf_scope_of(struct weft_scope *scope)
{
    return (struct wf_scope *)(void *)scope->opaque_;
}

static inline struct weft_scope *wf_scope_lasting(struct weft_scope *scope)
{
    return scope != NULL && wf_scope_of(scope)->is_starting ? wf_scope_of(scope)->parent : scope;
}

/* Do cancels of that scope, which it is in, not reach the waiter? They do if it entered the scope
 * behind the same shield. */
static inline bool wf_is_shielded_from(const struct wf_waiter *self, struct weft_scope *scope)
{
    return self->shields > 0 && (scope == NULL || self->cancel != &wf_scope_of(scope)->cancelled);
}

static inline struct weft_scope *wf_scope_public(struct wf_scope *s)
{
    return WF_CONTAINER(s, struct weft_scope, opaque_);
}

#endif
