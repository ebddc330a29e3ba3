/* SPDX-License-Identifier: MIT */
/* Pollable receivers: a file descriptor that is readable while a receiver has something, for
 * a program with an event loop of its own.
 *
 *     WEFT_RX(struct job, polled);
 *     int fd;
 *     WEFT_TRY(weft_pollable(WEFT_MOVE(jobs), &polled, &fd));
 *     ... fd into poll, epoll or a library's loop, for reading; when it is readable:
 *     while ((rc = weft_try_recv(polled, &job)) > 0)
 *         handle(&job);
 *     if (rc != WEFT_EAGAIN)
 *         ... the end, or an error: fd out of the loop, then WEFT_DROP(polled)
 *
 * The level counts: fd is readable as long as a receive would not wait, for an item, an
 * error or the end; one receive for each time it is readable is enough. It may be readable
 * for a moment with nothing there, when a receive met what it told of: a try then says
 * WEFT_EAGAIN. The descriptor is the receiver's, which closes it: it is only to be polled.
 *
 * To be able to tell, it holds one item ahead: of a channel, one that no other holder gets
 * any more; of a generator, one that it was asked for already. What is held at the close is
 * dropped as the source's other items are.
 */
#ifndef WEFT_POLLABLE_H
#define WEFT_POLLABLE_H

#include <weft/base.h>
#include <weft/chan.h>
#include <weft/cleanup.h>
#include <weft/error.h>
#include <weft/half.h>
#include <weft/line.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_pollable_opts {
    size_t size_;
    bool lends_items;            /* an item is valid until the next receive: refused */
} weft_pollable_opts;

/* Opens a receiver of what source gives, and its descriptor.
 *
 * source is consumed on every path; opts may be NULL. The receiver is the caller's to drop,
 * and is written by memcpy: *out_rx may be a typed handle. Usually called by weft_pollable.
 *
 * Waits    no, but for source's teardown when the open fails
 * From     any thread
 * Returns  0
 *          WEFT_ENOTSUP    source may wait inside (iterators, combinators that may wait) or
 *                          waits for time alone (timers, tickers): weft_buffer in front
 *                          mends that; or it lends its items (lines): copy them first
 *          WEFT_EMSGSIZE   elem_size is not the source's; WEFT_EINVAL for a NULL one
 *          WEFT_ENOMEM, or why there is no descriptor (-EMFILE)                             */
WEFT_API WEFT_MUST_CHECK int weft_pollable_open(weft_receiver *source, size_t elem_size,
                                                const weft_pollable_opts *opts,
                                                weft_receiver **out_rx, int *out_fd);

#ifdef __cplusplus
}
#else

/* weft_pollable(WEFT_MOVE(rx), &polled, &fd). */
#define weft_pollable(source, out_rx, out_fd)                                              \
    weft_pollable_open((weft_receiver *)weft_slot_take(                                    \
                           (weft_rx(WEFT_RX_ELEM_(*(source))) *){ source }),               \
                       sizeof(WEFT_RX_ELEM_(*(source))),                                   \
                       WEFT_OPTS(pollable, .lends_items =                                  \
                                              WEFT_IS_LENT_(WEFT_RX_ELEM_(*(source)))),   \
                       WEFT_RX_SLOT_(WEFT_RX_ELEM_(*(source)), out_rx), out_fd)

#endif
#endif
