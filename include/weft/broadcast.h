/* SPDX-License-Identifier: MIT */
/* Broadcasts: each receiver gets every value that was sent after it subscribed.
 *
 *     WEFT_TX(struct event, events);
 *     WEFT_RX(struct event, log);
 *     WEFT_RX(struct event, screen);
 *     WEFT_TRY(weft_broadcast_open(&events, &log, 64, .name = "events"));
 *     WEFT_TRY(weft_subscribe(events, &screen));
 *
 *     while ((rc = weft_recv(log, &event)) != 0) {
 *         if (rc == WEFT_ELAGGED)
 *             printf("%" PRIu64 " events lost\n", weft_missed(log));
 *         else if (rc < 0)
 *             return rc;
 *         else
 *             print(&event);
 *     }
 *
 * The sending half is a channel's: weft_send, in a select or not, weft_end, weft_ref. It
 * never waits: the last .capacity values are kept, and a receiver that is slower than that
 * misses the oldest. Its next receive says so once, WEFT_ELAGGED, and how many; after it
 * come the oldest that are kept. A send while nobody is subscribed is WEFT_ECLOSED; a later
 * subscription mends that. weft_reserve is WEFT_ENOTSUP.
 *
 * A receiver is one as any other, in selects, loops and batches. weft_ref makes a further
 * one that goes on where this one is; weft_subscribe one that starts from now.
 *
 * Values are copied byte by byte. One that owns something needs .clone, and .drop: each
 * receiver gets a clone, the last to need it the value itself, and a value that gives way
 * before that is dropped, once.
 */
#ifndef WEFT_BROADCAST_H
#define WEFT_BROADCAST_H

#include <weft/base.h>
#include <weft/chan.h>
#include <weft/error.h>
#include <weft/half.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_broadcast_opts {
    size_t size_;
    size_t capacity;             /* how many values are kept for slow receivers; at least 1 */
    const char *name;            /* for reports; lives as long as the broadcast */
    void (*drop)(void *item);    /* for a value nobody will receive; must not wait */
    int (*clone)(void *copy, const void *item);    /* writes another to copy: 0, or why there
                                    is none, a negative code that the receive returns, which
                                    consumed nothing; in the receiver's task; must not wait */
} weft_broadcast_opts;

/* Opens a broadcast of values of elem_size bytes and gives its first two halves.
 *
 * Both are the caller's to drop. They are written by memcpy: *out_tx and *out_rx may be
 * typed handles. file is static text. Usually called by weft_broadcast_open.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EOVERFLOW  elem_size is over 1 MiB, or capacity over 2^31
 *          WEFT_EINVAL     elem_size or capacity is 0, or .drop is there without .clone     */
WEFT_API WEFT_MUST_CHECK int weft_broadcast_open_sized(size_t elem_size,
                                                       const weft_broadcast_opts *opts,
                                                       weft_sender **out_tx,
                                                       weft_receiver **out_rx,
                                                       const char *file, int line);

/* How many values the receiver missed, as its last WEFT_ELAGGED meant.
 *
 * Waits    no
 * From     the holder of rx
 * Returns  the number; 0 when it has missed none, or is neither a broadcast's own receiver
 *          nor a pollable one over it                                                        */
WEFT_API uint64_t weft_receiver_missed(weft_receiver *rx);

#ifdef __cplusplus
}
#else

/* weft_broadcast_open(&tx, &rx, capacity) or (&tx, &rx, capacity, .clone = ..., .drop = ...). */
#define weft_broadcast_open(tx, rx, ...)                                                  \
    weft_broadcast_open_sized(sizeof(WEFT_TX_ELEM_(*(tx))),                               \
                              WEFT_OPTS(broadcast, .capacity = __VA_ARGS__),              \
                              WEFT_TX_SLOT_(WEFT_TX_ELEM_(*(tx)), tx),                    \
                              WEFT_RX_SLOT_(WEFT_TX_ELEM_(*(tx)), rx), __FILE__, __LINE__)

#define weft_missed(rx) \
    weft_receiver_missed(((void)sizeof(WEFT_RX_ELEM_(rx)), WEFT_RX_RAW_(rx)))

#endif
#endif
