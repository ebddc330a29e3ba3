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
 * Cancellation stays: in a cancelled or expired scope every call that may wait returns
 * WEFT_ECANCELED until the scope is left. The scope whose own deadline passed returns
 * WEFT_ETIMEDOUT. Nested scopes have the earlier of their deadlines.
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
} weft_scope_opts;

/* A scope lives in the frame that opened it and does not move. */
typedef struct weft_scope {
    weft_scope_opts opts;
    void *opaque_[48];
} weft_scope;

typedef struct weft_spawn_opts {
    size_t size_;
    const char *name;        /* default: the name the definer gave; not copied: lives as
                                long as the task */
    int copies;              /* 0 is 1; each copy gets references of its own */
    size_t stack_size;       /* bytes of addresses; 0: the runtime's default */
} weft_spawn_opts;

/* Makes scope the caller's innermost one. opts is set, all else zero: see WEFT_SCOPE.
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
 * Waits    the task, or a plain thread
 * Cancel   it goes on waiting: the children are cancelled too, and end
 * From     the task or thread that entered it
 * Returns  0
 *          the first error of a child, other than WEFT_ECLOSED
 *          WEFT_ETIMEDOUT  its own deadline passed
 *          WEFT_ECANCELED  a scope around it was cancelled
 *          WEFT_EDEADLK    what it waits for can never happen: a report says what
 *          WEFT_EINVAL     another task or thread entered it, or it is not the innermost   */
WEFT_API WEFT_MUST_CHECK int weft_scope_wait(weft_scope *scope);

/* Starts tasks that run what, with the arguments at args.
 *
 * args is copied; what it owns belongs to the tasks from here on, and is dropped when a
 * task can't be started. A task that was accepted runs, cancelled or not. opts may be
 * NULL; file is static text. Usually called by weft_spawn.
 *
 * Waits    no: the new task does not run before the caller waits or another worker is free
 * Cancel   no: in a cancelled scope the task starts cancelled
 * From     any thread that knows the scope is not over
 * Returns  0: all copies run
 *          WEFT_ECLOSED    the scope has ended
 *          WEFT_ENOMEM     no memory, or no stack credit; no copy runs
 *          WEFT_EINVAL     copies is negative, or an argument can't be copied             */
WEFT_API WEFT_MUST_CHECK int weft_scope_spawn(weft_scope *scope, const weft_spawn_opts *opts,
                                              const weft_callable *what, void *args,
                                              const char *file, int line);

/* Cancels the scope: its children and the calls made in it return WEFT_ECANCELED.
 *
 * A second time, and after its end, it does nothing.
 *
 * Waits    no
 * From     any thread that knows the scope still exists                                   */
WEFT_API void weft_scope_cancel(weft_scope *scope);

/* Whether calls made in the scope return WEFT_ECANCELED now, its deadline included.
 *
 * Waits    no
 * From     any thread that knows the scope still exists
 * Returns  whether it is cancelled or expired                                             */
WEFT_API bool weft_scope_is_cancelled(weft_scope *scope);

/* The root scope that the caller runs in, to spawn detached tasks into.
 *
 * Waits    no
 * From     a task or any thread
 * Returns  the scope of the weft_run this task descends from; NULL outside any            */
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
    WEFT_CLEANUP_(weft_scope_leave) weft_scope var =                                      \
        { .opts = { .size_ = sizeof(weft_scope_opts), ##__VA_ARGS__ } };                  \
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
