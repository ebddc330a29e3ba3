/* SPDX-License-Identifier: MIT */
/* The typed calls of weft/chan.h, which includes this header; C only.
 *
 * Each is one of the functions there with the element's type taken from the handle: a
 * value of another type, the wrong half or a borrowed handle does not compile, and there
 * is nothing between the call and the function at run time.
 *
 *     WEFT_TRY(weft_send(tx, (struct job){ .id = 7 }));
 *     while ((rc = weft_recv(rx, &job)) > 0)
 *         handle(&job);
 *
 *     WEFT_PERMIT(struct job, place);                 // a place first, the value later
 *     WEFT_TRY(weft_reserve(tx, &place));
 *     WEFT_TRY(weft_commit(place, make_job()));
 */
#ifndef WEFT_CHAN_TYPED_H
#define WEFT_CHAN_TYPED_H

#include <weft/chan.h>

#ifndef __cplusplus

/* weft_chan_open(&tx, &rx, capacity) or (&tx, &rx, capacity, .name = ..., .drop = ...). */
#define weft_chan_open(tx, rx, ...)                                                       \
    weft_channel_open(sizeof(WEFT_TX_ELEM_(*(tx))), WEFT_OPTS(chan, .capacity = __VA_ARGS__), \
                      WEFT_TX_SLOT_(WEFT_TX_ELEM_(*(tx)), tx),                            \
                      WEFT_RX_SLOT_(WEFT_TX_ELEM_(*(tx)), rx), __FILE__, __LINE__)

/* weft_send(tx, value): the value itself, of the element's type. */
#define weft_send(tx, ...) \
    WEFT_SEND_(weft_sender_send, WEFT_CAT_(weft_value_, __COUNTER__), tx, __VA_ARGS__)
#define weft_try_send(tx, ...) \
    WEFT_SEND_(weft_sender_try_send, WEFT_CAT_(weft_value_, __COUNTER__), tx, __VA_ARGS__)
#define WEFT_SEND_(send, held, tx, ...)                                                   \
    weft_checked_(__extension__({                                                         \
        WEFT_TX_ELEM_(tx) held = __VA_ARGS__;                                             \
        send(WEFT_TX_RAW_(tx), &held, sizeof held);                                       \
    }))

/* weft_send_many(tx, values, n): values points at n of them. */
#define weft_send_many(tx, values, n)                                                     \
    weft_sender_send_many(WEFT_TX_RAW_(tx), (const WEFT_TX_ELEM_(tx) *){ values }, n,     \
                          sizeof(WEFT_TX_ELEM_(tx)))

/* weft_recv(rx, &value) and weft_recv_many(rx, values, n): where to write. */
#define weft_recv(rx, out) \
    weft_receiver_recv(WEFT_RX_RAW_(rx), (WEFT_RX_ELEM_(rx) *){ out }, sizeof(WEFT_RX_ELEM_(rx)))
#define weft_try_recv(rx, out)                                                            \
    weft_receiver_try_recv(WEFT_RX_RAW_(rx), (WEFT_RX_ELEM_(rx) *){ out },                \
                           sizeof(WEFT_RX_ELEM_(rx)))
#define weft_recv_many(rx, out, n)                                                        \
    weft_receiver_recv_many(WEFT_RX_RAW_(rx), (WEFT_RX_ELEM_(rx) *){ out }, n,            \
                            sizeof(WEFT_RX_ELEM_(rx)))

/* weft_each (item, rx) statement: a loop over what comes, until the end or an error, which
 * weft_error(rx) tells afterwards. A plain loop: break, continue and return are as ever. */
#define weft_each(item, rx) for (WEFT_RX_ELEM_(rx) item; weft_recv(rx, &item) > 0; )
#define weft_error(rx) \
    weft_receiver_error(((void)sizeof(WEFT_RX_ELEM_(rx)), WEFT_RX_RAW_(rx)))

/* Ends the channel for all: receivers drain it, or, aborted, what is left is dropped. */
#define weft_end(tx, cause) \
    weft_sender_end(((void)sizeof(WEFT_TX_ELEM_(tx)), WEFT_TX_RAW_(tx)), cause)
#define weft_abort(tx, cause) \
    weft_sender_abort(((void)sizeof(WEFT_TX_ELEM_(tx)), WEFT_TX_RAW_(tx)), cause)

/* weft_subscribe(tx, &rx): a further receiver of a broadcast or a watch, from now on. */
#define weft_subscribe(tx, rx)                                                            \
    weft_sender_subscribe(WEFT_TX_RAW_(tx), sizeof(WEFT_TX_ELEM_(tx)),                    \
                          WEFT_RX_SLOT_(WEFT_TX_ELEM_(tx), rx), __FILE__, __LINE__)

/* weft_permit(T): a place for one T. WEFT_PERMIT(T, var): the same, owned. */
#define weft_permit(T)      __typeof__(__typeof__(T) *(*)(weft_permit_half *, weft_nothing *))
#define WEFT_PERMIT(T, var) WEFT_CLEANUP_(weft_permit_drop) weft_permit(T) var = NULL
#define WEFT_PERMIT_ELEM_(permit) __typeof__(*(permit)((weft_permit_half *)0, 0))

/* weft_reserve(tx, &place), then weft_commit(place, value), which empties place. */
#define weft_reserve(tx, permit)                                                          \
    weft_sender_reserve(WEFT_TX_RAW_(tx),                                                 \
        (weft_permit_half **)(void *)(weft_permit(WEFT_TX_ELEM_(tx)) *){ permit })
#define weft_reserve_weight(tx, weight, permit)                                           \
    weft_sender_reserve_weight(WEFT_TX_RAW_(tx), weight,                                  \
        (weft_permit_half **)(void *)(weft_permit(WEFT_TX_ELEM_(tx)) *){ permit })
#define weft_commit(permit, ...) \
    WEFT_COMMIT_(WEFT_CAT_(weft_value_, __COUNTER__), permit, __VA_ARGS__)
#define WEFT_COMMIT_(held, permit, ...)                                                   \
    weft_checked_(__extension__({                                                         \
        WEFT_PERMIT_ELEM_(permit) held = __VA_ARGS__;                                     \
        weft_permit_commit((weft_permit_half *)weft_slot_take(&(permit)), &held, sizeof held); \
    }))

#endif
#endif
