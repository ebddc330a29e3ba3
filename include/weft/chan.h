/* SPDX-License-Identifier: MIT */
/* Channels: bounded queues of fixed-size values between tasks and threads.
 *
 *     WEFT_TX(struct job, tx);
 *     WEFT_RX(struct job, jobs);
 *     WEFT_TRY(weft_chan_open(&tx, &jobs, 64, .name = "jobs"));
 *     WEFT_TRY(weft_spawn(&scope, produce, WEFT_MOVE(tx)));
 *     weft_each (job, jobs)
 *         handle(job);
 *     return weft_error(jobs);
 *
 * Values are copied in and out. When the last sender has gone, receivers take what is
 * left and see the end; when the last receiver has gone, what is left goes to .drop and
 * senders get WEFT_ECLOSED. A value that a send accepted is received once or dropped once;
 * a send that failed took nothing, a receive that failed consumed nothing.
 *
 * Where items differ in size, a channel is bounded by what they weigh as well, in bytes
 * or any unit: .weigh tells the weight of one, .max_weight how much there may be at once.
 * It is full when the next value would be too much; one that is heavier than that alone
 * waits until there is none beside it. Values keep their order: a light one does not pass
 * a heavy one whose sender waits.
 *
 * Halves and their handles: weft/half.h. The typed macros: weft/chan_typed.h.
 */
#ifndef WEFT_CHAN_H
#define WEFT_CHAN_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/half.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a send does when the channel is full. A value that gives way goes to .drop. */
enum weft_overflow {
    WEFT_BLOCK,          /* waits */
    WEFT_FAIL,           /* WEFT_EAGAIN, nothing sent */
    WEFT_DROP_OLDEST,    /* the oldest value gives way */
    WEFT_DROP_NEWEST,    /* this value gives way: it counts as sent */
    WEFT_CONFLATE        /* all values give way: only the latest is kept */
};

typedef struct weft_chan_opts {
    size_t size_;
    size_t capacity;             /* 0: sender and receiver meet */
    const char *name;            /* for reports; lives as long as the channel */
    void (*drop)(void *item);    /* for a value nobody will receive; must not wait */
    enum weft_overflow overflow;
    size_t (*weigh)(const void *item); /* what a value weighs, the same each time; is called
                                    with the channel locked: short, no call of weft */
    size_t max_weight;           /* goes with it: with both, capacity is 1 or more, and the
                                    policy one that drops no older value */
} weft_chan_opts;

/* ---- opening --------------------------------------------------------------------------- */

/* Opens a channel of values of elem_size bytes and gives its first two halves.
 *
 * Both are the caller's to drop. They are written by memcpy: *out_tx and *out_rx may be
 * typed handles. opts may be NULL; file is static text. Usually called by weft_chan_open.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EOVERFLOW  elem_size is over 1 MiB, or capacity over 2^31
 *          WEFT_EINVAL     elem_size is 0, there is no such policy, or not with weights     */
WEFT_API WEFT_MUST_CHECK int weft_channel_open(size_t elem_size, const weft_chan_opts *opts,
                                               weft_sender **out_tx, weft_receiver **out_rx,
                                               const char *file, int line);

/* ---- sending ---------------------------------------------------------------------------- */

/* Puts one value into the channel, waiting while it is full.
 *
 * The value is copied before return; the caller keeps it unless the result is 0.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, up to the copy
 * From     any thread
 * Returns  0
 *          WEFT_ECLOSED    no receiver is left, or the channel was ended, or tx is closed
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EAGAIN     it is full, and its policy is WEFT_FAIL
 *          WEFT_EMSGSIZE   size is not the element's; WEFT_EINVAL for a NULL tx            */
WEFT_API WEFT_MUST_CHECK int weft_sender_send(weft_sender *tx, const void *value, size_t size);

/* As weft_sender_send, but never waits, and does not look at cancellation.
 *
 * Waits    no
 * From     any thread
 * Returns  as weft_sender_send, and WEFT_EAGAIN when it would wait                         */
WEFT_API WEFT_MUST_CHECK int weft_sender_try_send(weft_sender *tx, const void *value,
                                                  size_t size);

/* Puts n values into the channel, in order, waiting until all are in.
 *
 * n is cut at INT_MAX. Other senders' values may come between them.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, between two values
 * From     any thread
 * Returns  how many went in; fewer than n when the channel closed or the caller was
 *          cancelled after some did; with none, as weft_sender_send                        */
WEFT_API WEFT_MUST_CHECK int weft_sender_send_many(weft_sender *tx, const void *values,
                                                   size_t n, size_t size);

/* ---- receiving -------------------------------------------------------------------------- */

/* Takes the next value, waiting until there is one.
 *
 * *out is written only when the result is 1, and is the caller's then.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: nothing is consumed
 * From     any thread
 * Returns  1, or 0 at the end
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_ECLOSED    rx is closed
 *          WEFT_EBUSY      not a channel, and another reference is consuming it
 *          WEFT_EMSGSIZE   size is not the element's; WEFT_EINVAL for a NULL rx
 *          any other       the cause it ended with, once for each half; then 0              */
WEFT_API WEFT_MUST_CHECK int weft_receiver_recv(weft_receiver *rx, void *out, size_t size);

/* As weft_receiver_recv, but never waits, and does not look at cancellation.
 *
 * Waits    no
 * From     any thread
 * Returns  as weft_receiver_recv, and WEFT_EAGAIN when it would wait: then weft_error
 *          still says what it said before, which tells that from a source that ended
 *          with WEFT_EAGAIN; WEFT_ENOTSUP for a source that may wait inside                */
WEFT_API WEFT_MUST_CHECK int weft_receiver_try_recv(weft_receiver *rx, void *out, size_t size);

/* Takes up to n values, waiting for the first alone.
 *
 * n is cut at INT_MAX.
 *
 * Waits    the task, or a plain thread, until there is one value
 * Cancel   yes: nothing is consumed
 * From     any thread
 * Returns  how many were written to out, 1 or more; otherwise as weft_receiver_recv;
 *          WEFT_EINVAL when n is 0                                                           */
WEFT_API WEFT_MUST_CHECK int weft_receiver_recv_many(weft_receiver *rx, void *out, size_t n,
                                                     size_t size);

/* Why the last receive through this reference gave no value: the test after weft_each.
 *
 * A try that would have had to wait does not count.
 *
 * Waits    no
 * From     the holder of rx
 * Returns  0 for the end, or when there was none; else the code the receive returned        */
WEFT_API int weft_receiver_error(weft_receiver *rx);

/* ---- ending for all ----------------------------------------------------------------------- */

/* Ends the channel for every holder: receivers take what is left, then the cause if it is
 * negative, once for each half, then the end; senders get WEFT_ECLOSED.
 *
 * tx has to be dropped as ever. Permits still deliver.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_ECLOSED    it had ended before, with another cause; or tx is closed
 *          WEFT_EINVAL     tx is NULL                                                       */
WEFT_API int weft_sender_end(weft_sender *tx, int cause);

/* As weft_sender_end, but what is left in the channel goes to .drop first, and permits are
 * void.
 *
 * Waits    no
 * From     any thread
 * Returns  as weft_sender_end                                                               */
WEFT_API int weft_sender_abort(weft_sender *tx, int cause);

/* ---- more receivers ----------------------------------------------------------------------- */

/* Opens a further receiver of a broadcast or a watch: from now on (weft/broadcast.h,
 * weft/watch.h). One of a channel shares its values with the others: weft_half_ref.
 *
 * Written by memcpy: *out_rx may be a typed handle. file is static text. Usually called by
 * weft_subscribe.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_ENOTSUP    tx is not a broadcast's or a watch's
 *          WEFT_ECLOSED    tx is closed
 *          WEFT_EMSGSIZE   elem_size is not the element's
 *          WEFT_ENOMEM                                                                       */
WEFT_API WEFT_MUST_CHECK int weft_sender_subscribe(weft_sender *tx, size_t elem_size,
                                                   weft_receiver **out_rx, const char *file,
                                                   int line);

/* ---- permits: a place first, the value later ------------------------------------------------ */

/* Waits for a place in the channel and keeps it.
 *
 * The permit is the caller's to commit or drop, and is written by memcpy. A channel does
 * not end while permits are held. Where values are weighed it keeps all the weight there
 * may be: nothing else passes until it is used.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: no place is kept
 * From     any thread
 * Returns  0
 *          WEFT_ECLOSED, WEFT_ECANCELED  as weft_sender_send
 *          WEFT_EAGAIN     it is full, and its policy is WEFT_FAIL
 *          WEFT_ENOTSUP    its capacity is 0: there are no places to keep
 *          WEFT_ENOMEM                                                                       */
WEFT_API WEFT_MUST_CHECK int weft_sender_reserve(weft_sender *tx, weft_permit_half **out_permit);

/* The same for a value of at most this weight, where values are weighed: a place and so
 * much of .max_weight, or all of it, if it is heavier.
 *
 * Waits, Cancel, From, Returns    as weft_sender_reserve                                    */
WEFT_API WEFT_MUST_CHECK int weft_sender_reserve_weight(weft_sender *tx, size_t weight,
                                                        weft_permit_half **out_permit);

/* Puts the value into the place that was kept. Consumes the permit on every path.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_ECLOSED    no receiver is left, or it was aborted; the caller keeps the value
 *          WEFT_EMSGSIZE   size is not the element's, or it weighs more than was kept
 *          WEFT_EINVAL     permit or value is NULL                                           */
WEFT_API WEFT_MUST_CHECK int weft_permit_commit(weft_permit_half *permit, const void *value,
                                                size_t size);

/* Gives the place back, and sets the slot to NULL: the cleanup of WEFT_PERMIT.
 *
 * slot is the address of a permit, typed or not. An empty slot is left alone.
 *
 * Waits    no
 * From     any thread                                                                        */
WEFT_API void weft_permit_drop(void *slot);

#ifdef __cplusplus
}
#else
#include <weft/chan_typed.h>
#endif
#endif
