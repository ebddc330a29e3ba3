/* SPDX-License-Identifier: MIT */
/* Watches: the latest value of something, and who wants to know when it changes.
 *
 *     WEFT_TX(struct config, changes);
 *     WEFT_RX(struct config, config);
 *     WEFT_TRY(weft_watch_open(&changes, &config, .name = "config"));
 *     WEFT_TRY(weft_send(changes, first));
 *
 *     weft_each (now, config)                     // the latest, then each newer one
 *         apply(&now);
 *     return weft_error(config);
 *
 *     WEFT_TRY(weft_latest(config, &now));        // whatever it is, new or not
 *
 * A receive gives the newest version that this receiver has not seen, and waits while there
 * is none: versions that were replaced meanwhile are skipped, none comes twice. A receiver
 * starts with the version that is there when it subscribes (weft_subscribe), weft_ref makes
 * one that has seen as much as this one. When the last sender has gone, a version not yet
 * seen comes first, then the end.
 *
 * The sending half is a channel's. A send never waits, and replaces: also while nobody is
 * subscribed, for the next who does. weft_reserve is WEFT_ENOTSUP.
 *
 * Values are copied byte by byte. One that owns something needs .clone, and .drop: receivers
 * get clones, and the value is dropped once, when it is replaced and at the latest when the
 * last half has gone.
 */
#ifndef WEFT_WATCH_H
#define WEFT_WATCH_H

#include <weft/base.h>
#include <weft/chan.h>
#include <weft/error.h>
#include <weft/half.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_watch_opts {
    size_t size_;
    const char *name;            /* for reports; lives as long as the watch */
    void (*drop)(void *item);    /* for a value that was replaced; must not wait */
    int (*clone)(void *copy, const void *item);    /* writes another to copy: 0, or why there
                                    is none, a negative code that the receive returns, which
                                    consumed nothing; in the receiver's task; must not wait */
} weft_watch_opts;

/* Opens a watch of values of elem_size bytes, with no version yet, and gives its halves.
 *
 * Both are the caller's to drop. They are written by memcpy: *out_tx and *out_rx may be
 * typed handles. opts may be NULL; file is static text. Usually called by weft_watch_open.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EOVERFLOW  elem_size is over 1 MiB
 *          WEFT_EINVAL     elem_size is 0, or .drop is there without .clone                 */
WEFT_API WEFT_MUST_CHECK int weft_watch_open_sized(size_t elem_size,
                                                   const weft_watch_opts *opts,
                                                   weft_sender **out_tx,
                                                   weft_receiver **out_rx, const char *file,
                                                   int line);

/* Reads the latest version, seen or not, and counts as having seen it; also after the end.
 *
 * *out is written only when the result is 1, and is the caller's then.
 *
 * Waits    no
 * From     the holder of rx
 * Returns  1
 *          0               there is none and will be none: it has ended
 *          WEFT_EAGAIN     there is none yet
 *          WEFT_ECLOSED    rx is closed
 *          WEFT_ENOTSUP    rx is not a watch's
 *          WEFT_EMSGSIZE   size is not the element's; WEFT_EINVAL for a NULL rx
 *          any other       what .clone returned                                             */
WEFT_API WEFT_MUST_CHECK int weft_receiver_latest(weft_receiver *rx, void *out, size_t size);

#ifdef __cplusplus
}
#else

/* weft_watch_open(&tx, &rx) or (&tx, &rx, .clone = ..., .drop = ...). */
#define weft_watch_open(tx, rx, ...)                                                      \
    weft_watch_open_sized(sizeof(WEFT_TX_ELEM_(*(tx))), WEFT_OPTS(watch, __VA_ARGS__),    \
                          WEFT_TX_SLOT_(WEFT_TX_ELEM_(*(tx)), tx),                        \
                          WEFT_RX_SLOT_(WEFT_TX_ELEM_(*(tx)), rx), __FILE__, __LINE__)

#define weft_latest(rx, out)                                                              \
    weft_receiver_latest(WEFT_RX_RAW_(rx), (WEFT_RX_ELEM_(rx) *){ out },                  \
                         sizeof(WEFT_RX_ELEM_(rx)))

#endif
#endif
