/* SPDX-License-Identifier: MIT */
/* What becomes of a scope's children: errors, results, joining one, and who is ready.
 *
 *     WEFT_TASK(fetch, (const char *, url))
 *     {
 *         struct page page;
 *         WEFT_TRY(page_get(url, &page));
 *         return weft_result(page);                       // for whoever joins it
 *     }
 *     ...
 *     WEFT_SCOPE(fetches, .joins = true, .limit = 8, .drop = page_free);
 *     for (int i = 0; i < n_urls; i++)
 *         WEFT_TRY(weft_spawn(&fetches, fetch, urls[i]));
 *     weft_task_end end;
 *     struct page page;
 *     while (WEFT_TRY(weft_join_next_result(&fetches, &end, &page)) == 1)
 *         use(end.name, &page);                           // in the order they ended
 *     return weft_scope_wait(&fetches);
 *
 * In a race the winner's result alone is kept, to be taken once weft_scope_wait is over:
 *
 *     WEFT_SCOPE(race, .race = true, .drop = page_free);
 *     ...
 *     WEFT_TRY(weft_scope_wait(&race));
 *     WEFT_TRY(weft_join_next_result(&race, &end, &page));
 */
#ifndef WEFT_JOIN_H
#define WEFT_JOIN_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>
#include <weft/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- errors ----------------------------------------------------------------------------- */

/* How many errors the scope has had: all, in order of arrival, also a supervisor's.
 *
 * WEFT_ECANCELED after the scope was cancelled is no error, nor is WEFT_ECLOSED.
 *
 * Waits    no
 * From     any thread that knows the scope still exists
 * Returns  the number                                                                     */
WEFT_API size_t weft_scope_n_errors(weft_scope *scope);

/* The i-th error: whose it was, and which. The first is the one that the scope returns.
 *
 * Waits    no
 * From     any thread that knows the scope still exists
 * Returns  0
 *          WEFT_EINVAL     there are not so many
 *          WEFT_ENOMEM     there was no memory to keep it; asked for after all others     */
WEFT_API WEFT_MUST_CHECK int weft_scope_error(weft_scope *scope, size_t i,
                                              weft_task_end *out_end);

/* ---- results ---------------------------------------------------------------------------- */

/* Gives the running task's result to whoever joins it. Usually called by weft_result.
 *
 * size bytes are copied; what they own is taken on every path. If nobody can take it (the
 * task fails, loses a race, has no handle and its scope is not .joins), it goes to the
 * scope's .drop. A second result replaces the first.
 *
 * Waits    no
 * From     a task
 * Returns  0
 *          WEFT_ENOMEM     no memory; the value was dropped
 *          WEFT_ENOTASK    the caller is a plain thread, and keeps the value              */
WEFT_API WEFT_MUST_CHECK int weft_task_give_result(const void *value, size_t size);

/* Waits for the next child that ends, in a scope with .joins, and forgets it.
 *
 * Each child is met once. Usually called by weft_join_next or weft_join_next_result. Its
 * result goes to out_value; where out_value is NULL, to the scope's .drop. After
 * weft_scope_wait it gives what is left, without waiting.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes; no child is lost by it
 * From     the task or thread that entered the scope
 * Returns  1: *out_end says who and how; *out_value is set if out_end->has_result
 *          0: none is left
 *          WEFT_EMSGSIZE   the result has another size; the child is still there
 *          WEFT_ECANCELED  the caller is cancelled, by a child's error for example
 *          WEFT_ECLOSED    the scope has been left
 *          WEFT_EINVAL     another task or thread entered it, or it is not .joins         */
WEFT_API WEFT_MUST_CHECK int weft_scope_join_next(weft_scope *scope, weft_task_end *out_end,
                                                  void *out_value, size_t size);

/* ---- one task --------------------------------------------------------------------------- */

/* Waits for the end of one task. Usually called by weft_join or weft_join_result.
 *
 * Any number may wait for the same. The result goes to the first who asks for it: for the
 * others has_result is false. out_end and out_value may be NULL.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes; the task that is waited for goes on
 * From     any thread
 * Returns  0: *out_end says how; *out_value is set if out_end->has_result
 *          WEFT_EDEADLK    the caller is that task
 *          WEFT_EMSGSIZE   the result has another size; it is still there
 *          WEFT_ECANCELED  the caller is cancelled; WEFT_EINVAL for a NULL task           */
WEFT_API WEFT_MUST_CHECK int weft_task_join(weft_task *task, weft_task_end *out_end,
                                            void *out_value, size_t size);

/* Another reference to the handle, the caller's.
 *
 * Waits    no
 * From     any thread
 * Returns  task                                                                           */
WEFT_API weft_task *weft_task_ref(weft_task *task);

/* Gives a handle back; the task goes on. NULL is fine. WEFT_AUTO(weft_task, it) does it.
 *
 * Waits    no
 * From     any thread
 * Returns  0                                                                              */
WEFT_API int weft_task_close(weft_task *task);

/* ---- ready ------------------------------------------------------------------------------ */

/* Says to weft_spawn_ready that the running task is ready. Usually called by weft_ready.
 *
 * The value is copied to where the spawner wants it. Without one who waits it does nothing.
 *
 * Waits    no
 * From     a task
 * Returns  0
 *          WEFT_EMSGSIZE   the spawner waits for a value of another size
 *          WEFT_EINVAL     said already
 *          WEFT_ECANCELED  the spawner has given up; so has this task to
 *          WEFT_ENOTASK    the caller is a plain thread                                   */
WEFT_API WEFT_MUST_CHECK int weft_task_say_ready(const void *value, size_t size);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_task, weft_task_close)

/* The last line of a task: return weft_result(value); 0 or negative. */
#define weft_result(...) \
    WEFT_GIVE_(weft_task_give_result, WEFT_CAT_(weft_value_, __COUNTER__), __VA_ARGS__)

/* The next child that ends: weft_join_next(&scope, &end), with its result
 * weft_join_next_result(&scope, &end, &value). */
#define weft_join_next(scope, out_end) weft_scope_join_next(scope, out_end, NULL, 0)
#define weft_join_next_result(scope, out_end, out_value) \
    weft_scope_join_next(scope, out_end, out_value, sizeof *(out_value))

/* Starts a task and gets a handle: WEFT_AUTO(weft_task, it), then
 * weft_spawn_task(&scope, &it, fn, arguments...). */
#define weft_spawn_task(scope, out_handle, fn, ...)                                       \
    fn##_spawn_(scope, WEFT_OPTS(spawn, .out_task = out_handle), __FILE__, __LINE__,      \
                ##__VA_ARGS__)

/* The end of one task: weft_join(it, &end), with its result
 * weft_join_result(it, &end, &value). */
#define weft_join(task, out_end) weft_task_join(task, out_end, NULL, 0)
#define weft_join_result(task, out_end, out_value) \
    weft_task_join(task, out_end, out_value, sizeof *(out_value))

/* Starts a task and waits until it says that it is ready, with a value:
 *
 *     WEFT_TASK(serve, (int, port)) { ... WEFT_TRY(weft_ready(bound_port)); ... }
 *     WEFT_TRY(weft_spawn_ready(&scope, &bound_port, serve, 0));
 *
 * A task that fails before is the call's error and none of its scope's, whose children go
 * on; one that ends without a word makes it WEFT_ENOTREADY. If the caller is cancelled
 * meanwhile, the task is, and waited for. So after an error it has ended. */
#define weft_spawn_ready(scope, out_value, fn, ...)                                       \
    fn##_spawn_(scope,                                                                    \
                WEFT_OPTS(spawn, .out_ready = out_value, .ready_size = sizeof *(out_value)), \
                __FILE__, __LINE__, ##__VA_ARGS__)
#define weft_ready(...) \
    WEFT_GIVE_(weft_task_say_ready, WEFT_CAT_(weft_value_, __COUNTER__), __VA_ARGS__)

#define WEFT_GIVE_(give, held, ...)                                                       \
    weft_checked_(__extension__({                                                         \
        __typeof__((__VA_ARGS__)) held = __VA_ARGS__;                                     \
        give(&held, sizeof held);                                                         \
    }))

#endif
#endif
