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
 * The function runs on a native stack of full size, a pool thread's, while the task waits;
 * other tasks go on. Inside it, weft calls count as a plain thread's. The way there and
 * back costs microseconds: what takes less, and never blocks, is called directly.
 */
#ifndef WEFT_BLOCKING_H
#define WEFT_BLOCKING_H

#include <weft/base.h>
#include <weft/callable.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs what with args on a native stack and returns its result.
 *
 * What args owns is consumed on every path. Entering happens before the function, its
 * end before the return. Usually called by weft_blocking.
 *
 * Waits    the task; a plain thread waits for a thread of the pool
 * Cancel   yes, before it starts: then it never runs; a started one is waited for
 * From     any thread
 * Returns  what the function returned
 *          WEFT_ECANCELED  cancelled before it started
 *          WEFT_EAGAIN     no thread could be made for it                                 */
WEFT_API WEFT_MUST_CHECK int weft_call_blocking(const weft_callable *what, void *args);

#ifdef __cplusplus
}
#else

/* Runs a WEFT_TASK as blocking work, with its arguments. */
#define weft_blocking(fn, ...) fn##_blocking_(__VA_ARGS__)

#endif
#endif
