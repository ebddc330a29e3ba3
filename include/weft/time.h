/* SPDX-License-Identifier: MIT */
/* Time: a monotonic clock in nanoseconds, sleeping, and timers as receivers.
 *
 *     int64_t next_ns = weft_now_ns();
 *     for (;;) {
 *         tick();
 *         next_ns += WEFT_MS(100);
 *         WEFT_TRY(weft_sleep_until(next_ns));          // no drift
 *     }
 *
 * A deadline is not here: it is a scope's (.timeout_ns, .deadline_at_ns), or the case
 * weft_on_after of a select. A timer is never early.
 */
#ifndef WEFT_TIME_H
#define WEFT_TIME_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/half.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Nanoseconds of the monotonic clock, from a start of no meaning.
 *
 * Waits    no
 * From     any thread
 * Returns  the time now, always positive                                                  */
WEFT_API int64_t weft_now_ns(void);

/* Waits for d_ns. 0 or less gives up the CPU once, like weft_pause.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes
 * From     any thread
 * Returns  0, or WEFT_ECANCELED                                                           */
WEFT_API WEFT_MUST_CHECK int weft_sleep(int64_t d_ns);

/* Waits until weft_now_ns() has reached at_ns. A past point is weft_pause.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes
 * From     any thread
 * Returns  0, or WEFT_ECANCELED                                                           */
WEFT_API WEFT_MUST_CHECK int weft_sleep_until(int64_t at_ns);

/* Opens a receiver of one int64_t: the time at which d_ns had passed; then the end.
 *
 * Written by memcpy: *out_rx may be a typed handle. The caller drops it; dropped early,
 * the timer is gone. Usually called by weft_after.
 *
 * Waits    no
 * From     any thread
 * Returns  0, or WEFT_ENOMEM                                                              */
WEFT_API WEFT_MUST_CHECK int weft_after_open(int64_t d_ns, weft_receiver **out_rx);

#ifdef __cplusplus
}
#else

/* weft_after(WEFT_SEC(1), &rx): opens rx, a weft_rx(int64_t), that fires once. */
#define weft_after(d_ns, rx) weft_after_open(d_ns, WEFT_RX_SLOT_(int64_t, rx))

#endif
#endif
