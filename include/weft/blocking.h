/* SPDX-License-Identifier: MIT */
/* Blocking work: any call that would stall a worker, run so that it doesn't.
 *
 *     WEFT_TASK(resolve, (const char *, host), (struct addrinfo **, out))
 *     {
 *         return getaddrinfo(host, NULL, NULL, out) == 0 ? 0 : -EIO;
 *     }
 *     ...
 *     struct addrinfo *found;
 *     WEFT_TRY(weft_blocking(resolve, "example.org", &found));
 *
 * The function runs on a native stack of full size while the task waits; other tasks go
 * on. A short one runs on its worker's own thread and costs little more than the call; when
 * it turns out long another thread runs the worker, and the next call of this function goes
 * to a thread of the pool at once, until its calls are short again. One of 50 us to 1 ms goes
 * there only where somebody might have to wait for it: no other worker is idle, or this one
 * has more tasks to run. Inside it, weft calls
 * count as a plain thread's, with the task-locals of the caller, in the caller's scope, and
 * so by its deadline. It must not keep a scope, a binding or a lock when it returns.
 */
#ifndef WEFT_BLOCKING_H
#define WEFT_BLOCKING_H

#include <weft/base.h>
#include <weft/callable.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a blocking call is about. Each lane may use so many threads of the pool at once
 * (weft_config), so that slow calls of one kind leave some to the others. */
typedef enum weft_lane {
    WEFT_LANE_USER,
    WEFT_LANE_FILES,             /* weft's own calls on files are here */
    WEFT_LANE_DNS,
    WEFT_LANE_DB,
    WEFT_LANES                   /* how many there are */
} weft_lane;

/* How a blocking call is run. 0 in a field is its default. */
typedef struct weft_blocking_opts {
    size_t    size_;             /* sizeof(weft_blocking_opts), or 0 for the first published layout */
    weft_lane lane;
    bool      pooled;            /* on a thread of the pool, never on the worker's own */
    bool      dedicated;         /* on a thread made for it, beside the pool and its limits */
    bool      in_place;          /* it computes on a large stack and does not block: on the worker's
                                    own thread, however long its last calls took; not with .pooled,
                                    .dedicated or .abandon; a plain thread's is the pool's */
    bool      abandon;           /* a cancel lets the caller go though it runs: see below */
    size_t    result_size;       /* what weft_job_result gives the function to fill; */
    void     *result;            /* it is copied here when the function has returned >= 0, */
    void    (*drop_result)(void *result); /* or goes here if the caller has left by then */
} weft_blocking_opts;

/* Runs what with args on a native stack and returns its result.
 *
 * What args owns is consumed on every path. Entering happens before the function, its
 * end before the return. Called by a blocking function, it runs what right there. Usually
 * called by weft_blocking.
 *
 * Waits    the task; a plain thread waits for a thread of the pool
 * Cancel   yes, before it starts: then it never runs; a started one is waited for, and
 *          what it waits for in weft returns WEFT_ECANCELED
 * From     any thread
 * Returns  what the function returned
 *          WEFT_ECANCELED  cancelled before it started
 *          WEFT_EAGAIN     no thread could be made for it                                 */
WEFT_API WEFT_MUST_CHECK int weft_call_blocking(const weft_callable *what, void *args);

/* The same with options, which may be NULL.
 *
 * With .abandon args are copied, and a cancel ends the call at once, whatever the function
 * does: that goes on alone, and must touch nothing of the caller's, nor what the caller's
 * scope keeps. weft_job_cancelled tells it; what it waits for in weft, outside of scopes
 * of its own, ends. Its place in the lane is free when it returns. What it has to give back
 * besides its code it puts into weft_job_result, so that nothing is lost.
 *
 * Waits    as weft_call_blocking
 * Cancel   the same; with .abandon at any time
 * From     any thread
 * Returns  the same
 *          WEFT_ECANCELED  cancelled before it started, or abandoned
 *          WEFT_ENOMEM     no memory for the copies
 *          WEFT_EINVAL     an unknown lane; a size without a result; .drop_result without a
 *                          size; .in_place elsewhere                                       */
WEFT_API WEFT_MUST_CHECK int weft_call_blocking_with(const weft_blocking_opts *opts,
                                                     const weft_callable *what, void *args);

/* Inside a blocking function: has its caller been cancelled, or left?
 *
 * Waits    no
 * From     any thread
 * Returns  whether it has; false outside a blocking function                              */
WEFT_API bool weft_job_cancelled(void);

/* Inside a blocking function: where it puts its result.
 *
 * Waits    no
 * From     any thread
 * Returns  .result_size bytes of 0, aligned for any type, valid until the function
 *          returns; NULL if there are none, and outside a blocking function               */
WEFT_API void *weft_job_result(void);

#ifdef __cplusplus
}
#else

/* Runs a WEFT_TASK as blocking work, with its arguments. */
#define weft_blocking(fn, ...) fn##_blocking_(__VA_ARGS__)

/* The same with options: weft_blocking_with(WEFT_OPTS(blocking, .abandon = true), fn). */
#define weft_blocking_with(opts, fn, ...) fn##_blocking_with_(opts, ##__VA_ARGS__)

#endif
#endif
