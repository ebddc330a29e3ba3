/* SPDX-License-Identifier: MIT */
/* Tasks: functions that run on any core and wait without holding a thread.
 *
 *     WEFT_TASK(square, (int, n), (int *, out_square))
 *     {
 *         WEFT_TRY(weft_sleep(WEFT_MS(5)));
 *         *out_square = n * n;
 *         return 0;
 *     }
 *     ...
 *     WEFT_TRY(weft_spawn(&scope, square, 7, &result));      // weft/scope.h
 *
 * A task returns 0 or more, or a negative code, which becomes its scope's. It changes
 * thread only inside a weft call. Its stack is small (256 KiB of addresses): call what
 * needs more, and what blocks, through weft_blocking (weft/blocking.h).
 */
#ifndef WEFT_TASK_H
#define WEFT_TASK_H

#include <weft/base.h>
#include <weft/blocking.h>
#include <weft/callable.h>
#include <weft/error.h>
#include <weft/scope.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Lets other tasks run; this one goes on when its turn comes.
 *
 * Waits    the task; in a plain thread it offers the CPU
 * Cancel   yes
 * From     any thread
 * Returns  0, or WEFT_ECANCELED                                                           */
WEFT_API WEFT_MUST_CHECK int weft_pause(void);

/* Asks whether to go on: for loops that compute and make no other weft call.
 *
 * Gives up the CPU when the task has had its share.
 *
 * Waits    the task, only when its share is used up
 * Cancel   yes
 * From     any thread
 * Returns  0, or WEFT_ECANCELED                                                           */
WEFT_API WEFT_MUST_CHECK int weft_checkpoint(void);

/* The name of the running task: its spawn's, or its function's.
 *
 * Waits    no
 * From     any thread
 * Returns  text that lives as long as the task; "" outside one                            */
WEFT_API const char *weft_task_name(void);

/* The number of the running task. Numbers are never used again.
 *
 * Waits    no
 * From     any thread
 * Returns  the number; 0 outside a task                                                   */
WEFT_API uint64_t weft_task_id(void);

#ifdef __cplusplus
}
#else

/* WEFT_TASK(fn, parameters...) { body } defines a function for weft_spawn and
 * weft_blocking. The parameters: weft/callable.h. */
#define WEFT_TASK(fn, ...)                                                                \
    static int fn(WEFT_LISTV_(WEFT_P_BODY_, ##__VA_ARGS__));                              \
    WEFT_CALLABLE_(fn, fn(WEFT_LIST_(WEFT_P_PASS_, ##__VA_ARGS__)), ##__VA_ARGS__)        \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn##_spawn_(weft_scope *weft_scope_,   \
        const weft_spawn_opts *weft_opts_, const char *weft_file_, int weft_line_         \
        WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__))                                         \
    {                                                                                     \
        WEFT_TAKE_ARGS_(fn, return WEFT_EINVAL, ##__VA_ARGS__)                            \
        return weft_scope_spawn(weft_scope_, weft_opts_, &fn##_callable_, &weft_args_,    \
                                weft_file_, weft_line_);                                  \
    }                                                                                     \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn##_blocking_(                        \
        WEFT_LISTV_(WEFT_P_TAKE_, ##__VA_ARGS__))                                         \
    {                                                                                     \
        WEFT_TAKE_ARGS_(fn, return WEFT_EINVAL, ##__VA_ARGS__)                            \
        return weft_call_blocking(&fn##_callable_, &weft_args_);                          \
    }                                                                                     \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn##_blocking_with_(                   \
        const weft_blocking_opts *weft_opts_ WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__))    \
    {                                                                                     \
        WEFT_TAKE_ARGS_(fn, return WEFT_EINVAL, ##__VA_ARGS__)                            \
        return weft_call_blocking_with(weft_opts_, &fn##_callable_, &weft_args_);         \
    }                                                                                     \
    static int fn(WEFT_LISTV_(WEFT_P_BODY_, ##__VA_ARGS__))

#endif
#endif
