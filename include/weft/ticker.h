/* SPDX-License-Identifier: MIT */
/* Tickers: a receiver of one tick an interval.
 *
 *     WEFT_RX(int64_t, ticks);
 *     WEFT_TRY(weft_ticker(WEFT_MS(100), &ticks));
 *     weft_each (due_ns, ticks)
 *         WEFT_TRY(sample(due_ns));
 *     return weft_error(ticks);
 *
 * A tick is the time at which it was due. None is early, and each is due an interval after
 * the one before was due, however late that was received: there is no drift. One that is
 * received a whole interval late, or later, has others behind it that were missed:
 *
 *     WEFT_TICKS_BURST   they all come, at once, until it has caught up
 *     WEFT_TICKS_DELAY   the next is due an interval from now, and so on from there
 *     WEFT_TICKS_SKIP    the next is due at the next whole interval that is still to come
 *
 * A ticker is a point in time, which its holder compares with the clock or waits for, in a
 * select too: it needs no task, and dropped, it is gone. So a tick that was due before a
 * reset or a stop is never received after it.
 */
#ifndef WEFT_TICKER_H
#define WEFT_TICKER_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/half.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What becomes of ticks that were missed. */
enum weft_missed_ticks { WEFT_TICKS_BURST, WEFT_TICKS_DELAY, WEFT_TICKS_SKIP };

typedef struct weft_ticker_opts {
    size_t size_;
    enum weft_missed_ticks missed;
    int64_t first_ns;            /* until the first tick; 0: one interval; < 0: it is due now */
} weft_ticker_opts;

/* Opens a receiver of an int64_t every interval_ns, without an end but by a stop.
 *
 * Written by memcpy: *out_rx may be a typed handle. The caller drops it. opts may be NULL.
 * Usually called by weft_ticker.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EINVAL     interval_ns is not positive, or there is no such policy        */
WEFT_API WEFT_MUST_CHECK int weft_ticker_open(int64_t interval_ns, const weft_ticker_opts *opts,
                                              weft_receiver **out_rx);

/* Starts anew: the next tick is due interval_ns from now. Also after a stop.
 *
 * Waits    no
 * From     the holder of rx
 * Returns  0
 *          WEFT_EINVAL     interval_ns is not positive, or rx is NULL
 *          WEFT_ECLOSED    rx is closed
 *          WEFT_ENOTSUP    rx is not a ticker's                                           */
WEFT_API int weft_receiver_reset_ticks(weft_receiver *rx, int64_t interval_ns);

/* No more ticks: receives give the end, until a reset.
 *
 * Waits    no
 * From     the holder of rx
 * Returns  as weft_receiver_reset_ticks                                                   */
WEFT_API int weft_receiver_stop_ticks(weft_receiver *rx);

#ifdef __cplusplus
}
#else

/* weft_ticker(WEFT_SEC(1), &rx) or (WEFT_SEC(1), &rx, .missed = WEFT_TICKS_SKIP): opens rx, a
 * weft_rx(int64_t). */
#define weft_ticker(interval_ns, rx, ...)                                                  \
    weft_ticker_open(interval_ns, WEFT_OPTS(ticker, __VA_ARGS__), WEFT_RX_SLOT_(int64_t, rx))

#define weft_ticker_reset(rx, interval_ns) \
    weft_receiver_reset_ticks(WEFT_TICKER_RAW_(rx), interval_ns)
#define weft_ticker_stop(rx) weft_receiver_stop_ticks(WEFT_TICKER_RAW_(rx))

#define WEFT_TICKER_RAW_(rx) (*WEFT_RX_SLOT_(int64_t, (&(weft_rx(int64_t)){ rx })))

#endif
#endif
