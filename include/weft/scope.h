/* SPDX-License-Identifier: MIT */
/* Scopes: every task belongs to one, and a scope does not end before its tasks.
 *
 *     int squares[8];                        // before the scope: it outlives the children
 *     WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(5));
 *     for (int i = 0; i < 8; i++)
 *         WEFT_TRY(weft_spawn(&scope, square, i, &squares[i]));
 *     return weft_scope_wait(&scope);
 *
 * The first child that fails cancels the others and is what weft_scope_wait returns.
 * Leaving the brace without a wait cancels and joins. What children use by pointer is
 * declared before the scope; halves moved into them may be declared after.
 *
 * Kinds of scopes: .supervisor, .race, .limit. What becomes of each child: weft/join.h.
 * Why calls return WEFT_ECANCELED, and deadlines: weft/cancel.h.
 */
#ifndef WEFT_SCOPE_H
#define WEFT_SCOPE_H

#include <weft/base.h>
#include <weft/callable.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_scope_opts {
    size_t size_;
    const char *name;        /* for reports; not copied: lives as long as the scope */
    int64_t timeout_ns;      /* 0 none; negative: expired already */
    int64_t deadline_at_ns;  /* 0 none; a point of weft_now_ns, a past one is expired */
    bool shielded;           /* does not see the cancellation of the scopes around it */
    bool move_on;            /* its own expiry is no error: weft_scope_has_expired tells */
    bool supervisor;         /* a child's error is recorded; it cancels nobody */
    bool race;               /* the first child to succeed cancels the others */
    bool joins;              /* keeps what children return, for weft_join_next */
    int limit;               /* children at once: a spawn waits for its turn; 0: any number.
                                A child that spawns into it may wait for ever for itself */
    void (*drop)(void *result); /* for a child's result that nobody takes; must not wait */
} weft_scope_opts;

/* A scope lives in the frame that opened it and does not move. */
typedef struct weft_scope {
    weft_scope_opts opts;
    void *opaque_[56];
} weft_scope;

/* How a task ended. */
typedef struct weft_task_end {
    uint64_t id;             /* weft_task_id() */
    int rc;                  /* what it returned */
    bool has_result;         /* it gave one (weft_result), which is there to be taken */
    const char *file;        /* where it was spawned: static text */
    int line;
    char name[32];           /* cut where it is longer */
} weft_task_end;

typedef struct weft_task weft_task;  /* a task that was spawned with weft_spawn_task */

typedef struct weft_spawn_opts {
    size_t size_;
    const char *name;        /* default: the name the definer gave; not copied: lives as
                                long as the task */
    int copies;              /* 0 is 1; each copy gets references of its own */
    size_t stack_size;       /* bytes of addresses; 0: the runtime's default */
    weft_task **out_task;    /* gets a handle, the caller's: weft_spawn_task */
    void *out_ready;         /* gets what the task gives to weft_ready: weft_spawn_ready */
    size_t ready_size;       /* of *out_ready */
} weft_spawn_opts;

/* Makes scope the caller's innermost one. opts is set, all else may be anything: see WEFT_SCOPE.
 *
 * file is static text. weft_scope_leave has to follow, in reverse order of entering.
 *
 * Waits    no
 * From     a task or any thread                                                          */
WEFT_API void weft_scope_enter(weft_scope *scope, const char *file, int line);

/* Waits for all children, cancelled or not, and ends the scope.
 *
 * Later calls in the brace belong to the scope around it; a spawn into this one is then
 * WEFT_ECLOSED, and a second wait returns the same code. A child that receives from a
 * channel all of whose senders the waiter holds is reported: it would wait for ever. One
 * that the waiter holds and another task uses by pointer counts as the waiter's until it
 * is used: give that task a reference of its own (weft_ref).
 *
 * A child that is cancelled and does not end within the runtime's teardown budget is
 * reported by name and place, and waited for all the same.
 *
 * Waits    the task, or a plain thread
 * Cancel   it goes on waiting: the children are cancelled too, and end
 * From     the task or thread that entered it
 * Returns  0; in a race: somebody has won; of a supervisor: whatever its children returned
 *          the first error of a child, other than WEFT_ECLOSED; in a race when all failed
 *          WEFT_ETIMEDOUT  its own deadline passed, and a call in it or a child was
 *                          cancelled by that; not with .move_on
 *          WEFT_ECANCELED  a scope around it was cancelled; a race was, and nobody has won
 *          WEFT_ECLOSED    a race in which nobody succeeded or failed
 *          WEFT_EDEADLK    what it waits for can never happen: a report says what
 *          WEFT_EINVAL     another task or thread entered it, or it is not the innermost   */
WEFT_API WEFT_MUST_CHECK int weft_scope_wait(weft_scope *scope);

/* Says how the body itself fared, then waits: for a scope's last line.
 *
 * rc < 0 is an error like a child's, in order of arrival: it cancels the children, and is
 * the scope's unless one of them has failed before. WEFT_ECANCELED that came from the
 * cancel of this very scope is none; WEFT_ECLOSED cancels nobody, and is returned.
 *
 *     return weft_scope_wait_with(&scope, talk(&scope));
 *
 * Waits    as weft_scope_wait
 * Cancel   as weft_scope_wait
 * From     the task or thread that entered it
 * Returns  rc if it is 0 or more and the scope did well, else as weft_scope_wait          */
WEFT_API WEFT_MUST_CHECK int weft_scope_wait_with(weft_scope *scope, int rc);

/* Starts tasks that run what, with the arguments at args.
 *
 * args is copied; what it owns belongs to the tasks from here on, and is dropped when a
 * task can't be started. A task that was accepted runs, cancelled or not. opts may be
 * NULL; file is static text. Usually called by weft_spawn.
 *
 * Waits    no: the new task does not run before the caller waits or another worker is
 *          free. Only in a scope with a limit, until there is room for all copies, first
 *          come first served; and with .out_ready
 * Cancel   of that wait, yes: then none runs. Else no: in a cancelled scope the task
 *          starts cancelled
 * From     any thread that knows the scope is not over
 * Returns  0: all copies run
 *          WEFT_ECLOSED    the scope has ended
 *          WEFT_ENOMEM     no memory, or no stack credit; no copy runs
 *          WEFT_EINVAL     copies is negative, more than the limit, or more than one with
 *                          .out_task or .out_ready; or an argument can't be copied
 *          WEFT_ECANCELED  the caller was cancelled while it waited                       */
WEFT_API WEFT_MUST_CHECK int weft_scope_spawn(weft_scope *scope, const weft_spawn_opts *opts,
                                              const weft_callable *what, void *args,
                                              const char *file, int line);

/* The root scope that the caller runs in, to spawn detached tasks into.
 *
 * Waits    no
 * From     a task or any thread
 * Returns  the scope of the weft_run this task descends from; NULL outside any, and in a
 *          generator that was opened outside any                                          */
WEFT_API weft_scope *weft_root_scope(void);

/* Ends the scope: cancels what still runs and joins it. The cleanup of WEFT_SCOPE; after
 * weft_scope_wait there is nothing left for it to do.
 *
 * Waits    the task, or a plain thread
 * Cancel   no: shielded
 * From     the task or thread that entered it                                             */
WEFT_API void weft_scope_leave(weft_scope *scope);

#ifdef __cplusplus
}
#else

/* WEFT_SCOPE(var) or WEFT_SCOPE(var, .name = ..., .timeout_ns = ...): a scope from here
 * to the end of the braces. */
#define WEFT_SCOPE(var, ...)                                                              \
    WEFT_CLEANUP_(weft_scope_leave) WEFT_UNSET_ weft_scope var;                           \
    var.opts = (weft_scope_opts){ .size_ = sizeof(weft_scope_opts), ##__VA_ARGS__ };      \
    weft_scope_enter(&var, __FILE__, __LINE__)

/* Starts a task: fn is a WEFT_TASK, and its arguments follow. Consumes owned ones on
 * every path; an empty one is WEFT_EINVAL. */
#define weft_spawn(scope, fn, ...) \
    fn##_spawn_(scope, NULL, __FILE__, __LINE__, ##__VA_ARGS__)

/* Starts n tasks with the same arguments. Owned halves are handed over once: each task
 * gets its own references and the caller is left with none. */
#define weft_spawn_n(scope, n, fn, ...)                                                   \
    fn##_spawn_(scope, WEFT_OPTS(spawn, .copies = weft_copies_(n)), __FILE__, __LINE__,   \
                ##__VA_ARGS__)

/* Starts a task with options: weft_spawn_with(&scope, WEFT_OPTS(spawn, .name = "x"), fn). */
#define weft_spawn_with(scope, opts, fn, ...) \
    fn##_spawn_(scope, opts, __FILE__, __LINE__, ##__VA_ARGS__)

/* In the options 0 copies is the default, which is 1: asked for by name it is a mistake. */
WEFT_UNUSED_ static inline int weft_copies_(int n) { return n > 0 ? n : -1; }

#endif
#endif
