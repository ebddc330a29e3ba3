/* SPDX-License-Identifier: MIT */
/* A stream for several consumers, each of which gets every item.
 *
 *     WEFT_RX(struct event, to_disk);
 *     WEFT_RX(struct event, to_screen);
 *     WEFT_TRY(weft_tee(WEFT_MOVE(events), NULL, &to_disk, &to_screen));
 *
 * A task pulls the source ahead of them. The slowest bounds all: it may be .capacity items
 * behind. With .overflow = WEFT_DROP_OLDEST (or another that drops) nobody waits for it,
 * and it misses items instead. Who drops its receiver is left out from then on, and one may
 * join later: a stream that is shared begins with one consumer.
 *
 *     WEFT_TRY(weft_tee(WEFT_MOVE(events), NULL, &first));
 *     WEFT_TRY(weft_tee_join(first, &second));      // what comes from now on
 *
 * Items that own memory need a .clone: all but one consumer get what it makes of an item.
 */
#ifndef WEFT_STREAM_TEE_H
#define WEFT_STREAM_TEE_H

#include <weft/base.h>
#include <weft/chan.h>
#include <weft/error.h>
#include <weft/stream_step.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_tee_opts {
    size_t size_;
    const char *name;             /* default "tee"; not copied */
    size_t capacity;              /* items each may be behind; 0: 16 */
    enum weft_overflow overflow;  /* what becomes of the items for one that is further behind:
                                     all wait (WEFT_BLOCK), or one gives way */
    void (*drop)(void *item);     /* default: the source's; must not wait */
    int (*clone)(void *to, const void *from); /* 0, or an error, which ends the stream; counting
                                     a reference will do. Not needed without a drop */
} weft_tee_opts;

/* Opens n receivers that each get every item of source.
 *
 * The task begins at once. An error of source comes after the items, once to each. The
 * last one's close ends the task and source, waits for both, and returns source's teardown
 * error. One task that takes all items of one before those of another waits for itself,
 * beyond the capacity. source is consumed on every path; opts may be NULL. The receivers
 * are the caller's to drop, and are written by memcpy to where the n pointers at out_rxs
 * point.
 *
 * Select   each is a case, whatever source is
 * Waits    no, but for source's teardown when the open fails
 * From     a task or any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_ENOTSUP    source lends its items
 *          WEFT_EMSGSIZE   elem_size is not the source's
 *          WEFT_EINVAL     source is NULL, n is 0, the policy is WEFT_FAIL, or items have a
 *                          drop and no clone                                               */
WEFT_API WEFT_MUST_CHECK int weft_tee_open(weft_receiver *source, size_t elem_size,
                                           const weft_tee_opts *opts,
                                           weft_receiver **const *out_rxs, size_t n);

/* Opens a further receiver of the tee that rx is one of: it gets every item that is taken from
 * the source from now on, not those that wait for others. One that joins after the end gets
 * the end, or the error. The receiver is the caller's to drop, and is written by memcpy.
 *
 * Select   a case
 * Waits    no
 * From     the holder of rx
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EMSGSIZE   elem_size is not the element's
 *          WEFT_ENOTSUP    rx is not a tee's
 *          WEFT_ECLOSED    rx is closed
 *          WEFT_EINVAL     rx is NULL, or items have a drop and no clone                    */
WEFT_API WEFT_MUST_CHECK int weft_tee_join_open(weft_receiver *rx, size_t elem_size,
                                                weft_receiver **out_rx);

#ifdef __cplusplus
}
#else

/* weft_tee_join(rx, &late) */
#define weft_tee_join(rx, out_rx)                                                         \
    weft_tee_join_open(WEFT_RX_RAW_(rx), sizeof(WEFT_RX_ELEM_(rx)),                       \
                       WEFT_RX_SLOT_(WEFT_RX_ELEM_(rx), out_rx))

/* weft_tee(WEFT_MOVE(rx), NULL, &a, &b) or with WEFT_OPTS(tee, ...): not for lines, which
 * are lent. */
#define weft_tee(source, opts, ...)                                                       \
    weft_tee_open(WEFT_SOURCE_(source),                                                   \
                  WEFT_SOURCE_SIZE_(source) + WEFT_NOT_LENT_(source), opts,               \
                  (weft_receiver **const *)(void *)                                       \
                      (weft_rx(WEFT_RX_ELEM_(*(source))) *[]){ __VA_ARGS__ },             \
                  sizeof((weft_rx(WEFT_RX_ELEM_(*(source))) *[]){ __VA_ARGS__ }) / sizeof(void *))

#endif
#endif
