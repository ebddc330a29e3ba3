/* SPDX-License-Identifier: MIT */
/* Combinators of time: which items are given when, in the consumer's own task.
 *
 *     WEFT_RX(struct point, latest);
 *     WEFT_TRY(weft_conflate(WEFT_MOVE(points), &latest));       // a slow consumer skips
 *
 *     WEFT_RX(struct point, calm);
 *     WEFT_TRY(weft_debounce(WEFT_MOVE(latest), WEFT_MS(50), &calm));
 *
 *     WEFT_RETRY(events, struct event, out_rx, (const char *, url))
 *     {
 *         return open_event_stream(url, out_rx);                // again when it fails
 *     }
 *     WEFT_TRY(events("http://...", &rx));
 *
 * There is no task: time passes while the consumer waits in a receive. Those that wait for
 * an item and for time at once need a source that select takes; WEFT_ENOTSUP refuses
 * another, in front of which weft_buffer helps.
 */
#ifndef WEFT_STREAM_TIME_H
#define WEFT_STREAM_TIME_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/stream_step.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opens a receiver of the newest item that is there; those before it are dropped.
 *
 * A receive takes all that the source has at that moment, and waits only when that is
 * nothing. When the source ends, the last item is given before. source is consumed on
 * every path; opts may be NULL. The receiver is the caller's to drop, and is written by
 * memcpy.
 *
 * Select   a case
 * Waits    no, but for source's teardown when the open fails
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_ENOTSUP    source may wait inside, or lends its items
 *          WEFT_EMSGSIZE   elem_size is not the source's; WEFT_EINVAL for a NULL source      */
WEFT_API WEFT_MUST_CHECK int weft_conflate_open(weft_receiver *source, size_t elem_size,
                                                const weft_stream_opts *opts,
                                                weft_receiver **out_rx);

/* Opens a receiver of items after which none came for d_ns; the others are dropped.
 *
 * When the source ends, the last item is given before, at once.
 *
 * Select   no case: weft_buffer makes one of it
 * Waits, From    as weft_conflate_open
 * Returns  as weft_conflate_open; WEFT_EINVAL if d_ns is not positive                        */
WEFT_API WEFT_MUST_CHECK int weft_debounce_open(weft_receiver *source, size_t elem_size,
                                                int64_t d_ns, const weft_stream_opts *opts,
                                                weft_receiver **out_rx);

/* Opens a receiver of the newest item at every d_ns, counted from the first receive.
 *
 * At a point before which no item came nothing is given. For points that passed between two
 * receives the newest item is given, once and at once. When the source ends, the last item is
 * given before, at once.
 *
 * Select   no case: weft_buffer makes one of it
 * Waits, From, Returns    as weft_debounce_open                                              */
WEFT_API WEFT_MUST_CHECK int weft_sample_open(weft_receiver *source, size_t elem_size,
                                              int64_t d_ns, const weft_stream_opts *opts,
                                              weft_receiver **out_rx);

/* Opens a receiver that asks its source for an item at the earliest d_ns after the last.
 *
 * Nothing is dropped: the source waits. It may be one that waits inside.
 *
 * Select   no case: weft_buffer makes one of it
 * Waits, From    as weft_conflate_open
 * Returns  as weft_debounce_open, but for WEFT_ENOTSUP                                       */
WEFT_API WEFT_MUST_CHECK int weft_throttle_open(weft_receiver *source, size_t elem_size,
                                                int64_t d_ns, const weft_stream_opts *opts,
                                                weft_receiver **out_rx);

/* Opens a receiver that ends with WEFT_ETIMEDOUT when a receive waits longer than d_ns.
 *
 * Select   no case: weft_buffer makes one of it
 * Waits, From    as weft_conflate_open
 * Returns  as weft_debounce_open; WEFT_ENOTSUP only if source may wait inside                */
WEFT_API WEFT_MUST_CHECK int weft_item_timeout_open(weft_receiver *source, size_t elem_size,
                                                    int64_t d_ns, const weft_stream_opts *opts,
                                                    weft_receiver **out_rx);

typedef struct weft_retry_opts {
    size_t size_;
    const char *name;             /* default: the name the definer gave; not copied */
    void (*drop)(void *item);     /* for an item given and not received further on */
    unsigned tries;               /* openings in a row without an item; 0: 5 */
    int64_t delay_ns;             /* before the second; doubled each time; 0: 100 ms */
    int64_t max_delay_ns;         /* it grows no further; 0: 30 s */
    bool (*may_retry)(int code);  /* NULL: every error but WEFT_ECANCELED */
    bool lends_items;             /* as weft_stream_opts'; always so for lines */
} weft_retry_opts;

/* Opens a receiver of the items of a stream that step opens, and opens again when it fails.
 *
 * step->enter(args, weft_step) writes a receiver to out by memcpy and returns 0, or an
 * error, which counts like one of the stream. An item makes the tries begin anew; the
 * delay is shortened at random by up to a quarter. The first opening is at the first
 * receive. What it opens belongs where weft_flat_map_open says. args is copied; what it owns
 * is consumed on every path.
 *
 * Select   no case: weft_buffer makes one of it
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM                                                                      */
WEFT_API WEFT_MUST_CHECK int weft_retry_open(const weft_callable *step, void *args,
                                             size_t elem_size, const weft_retry_opts *opts,
                                             weft_receiver **out_rx);

#ifdef __cplusplus
}
#else

#define weft_conflate(source, out_rx)                                                     \
    weft_conflate_open(WEFT_SOURCE_(source),                                              \
                       WEFT_SOURCE_SIZE_(source) + WEFT_NOT_LENT_(source), NULL,          \
                       WEFT_RX_SLOT_(WEFT_RX_ELEM_(*(source)), out_rx))

/* Each is weft_NAME(WEFT_MOVE(rx), d_ns, &out). */
#define weft_debounce(source, d_ns, out_rx) \
    WEFT_TIMED_(weft_debounce_open, source, d_ns, WEFT_NOT_LENT_(source), out_rx)
#define weft_sample(source, d_ns, out_rx) \
    WEFT_TIMED_(weft_sample_open, source, d_ns, WEFT_NOT_LENT_(source), out_rx)
#define weft_throttle(source, d_ns, out_rx) \
    WEFT_TIMED_(weft_throttle_open, source, d_ns, 0, out_rx)
#define weft_item_timeout(source, d_ns, out_rx) \
    WEFT_TIMED_(weft_item_timeout_open, source, d_ns, 0, out_rx)
#define WEFT_TIMED_(open, source, d_ns, check, out_rx)                                    \
    open(WEFT_SOURCE_(source), WEFT_SOURCE_SIZE_(source) + (check), d_ns, NULL,           \
         WEFT_RX_SLOT_(WEFT_RX_ELEM_(*(source)), out_rx))

WEFT_OPENS_OPTS_(retry)

/* WEFT_RETRY(fn, T, out_rx, parameters...) { return opener(..., out_rx); } defines
 *     int fn(parameters..., weft_rx(T) *out_rx);
 *     int fn_with(const weft_retry_opts *opts, parameters..., weft_rx(T) *out_rx); */
#define WEFT_RETRY(fn, T, out_, ...)                                                      \
    static int fn##_body_(weft_rx(T) *out_ WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));     \
    WEFT_STEP_(fn, WEFT_OPENED_(T, fn##_body_(&weft_inner_                                \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__))), ##__VA_ARGS__)  \
    WEFT_STEP_SOURCE_(fn, T, fn##_with, WEFT_OPENS_(retry, T),                            \
                      (const weft_retry_opts *weft_opts_, ),                              \
                      weft_retry_open, ##__VA_ARGS__)                                     \
    WEFT_STEP_SOURCE_(fn, T, fn, WEFT_OPTS(retry, .lends_items = WEFT_IS_LENT_(T)), (),   \
                      weft_retry_open, ##__VA_ARGS__)                                     \
    WEFT_STEP_BODY_(fn, (weft_rx(T) *out_), ##__VA_ARGS__)

#endif
#endif
