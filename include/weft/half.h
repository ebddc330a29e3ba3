/* SPDX-License-Identifier: MIT */
/* Halves: what one side of a stream holds, and its typed handle.
 *
 * A channel has a sending and a receiving half; a generator, a timer or the lines of a
 * file show a receiving half alone. Each handle is one reference with its own place and
 * its own last error, and belongs to one holder.
 *
 *     weft_rx(struct job) jobs;      a receiver of struct job
 *     weft_tx(struct job) out;       a sender of struct job
 *     WEFT_RX(struct job, jobs);     the same, owned: NULL at first, dropped at its brace
 *
 * A handle's type is a function pointer that is never called: it can carry the element's
 * type and the half, it needs no declaration, and a mismatch is a compiler diagnostic
 * that names both. Element types are complete, not const; arrays can be received, but
 * not sent by value.
 */
#ifndef WEFT_HALF_H
#define WEFT_HALF_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_receiver    weft_receiver;     /* one reference to a receiving half */
typedef struct weft_sender      weft_sender;       /* one reference to a sending half */
typedef struct weft_permit_half weft_permit_half;  /* a place kept in a channel */
typedef struct weft_emitter_half weft_emitter_half; /* where a stage's step sends to */
typedef struct weft_nothing     weft_nothing;      /* never defined: "takes no answers" */

/* This holder is done with the half; other holders go on.
 *
 * The handle stays valid and has to be dropped as ever. Closing a generator's receiver
 * waits for its teardown, shielded. NULL and a second close are 0.
 *
 * Waits    the task or thread, for a generator's, iterator's or combinator's teardown
 * Cancel   no: shielded, within the teardown budget
 * From     any thread
 * Returns  0, or the error of the teardown                                               */
WEFT_API int weft_half_close(void *half);

/* Another reference to the same half, with the place it was made.
 *
 * The caller owns it. For a source other than a channel, only one reference may consume.
 *
 * Waits    no
 * From     any thread
 * Returns  the reference; NULL for NULL, and when there is no memory for it               */
WEFT_API void *weft_half_ref(void *half, const char *file, int line);

/* Drops the half that the slot holds, and sets the slot to NULL: the cleanup of WEFT_RX
 * and WEFT_TX.
 *
 * slot is the address of a handle, typed or not, and is read and written byte by byte.
 * Dropping closes first; an error of that is noted with the task (weft_note_close_error).
 * An empty slot is left alone.
 *
 * Waits    as weft_half_close
 * Cancel   no: shielded
 * From     any thread                                                                    */
WEFT_API void weft_half_drop(void *slot);

/* Empties a slot whose half goes to another holder: weft_slot_take for halves.
 *
 * Reports name no holder until the new one waits with it.
 *
 * Waits    no
 * From     any thread
 * Returns  the half, the caller's to pass on; NULL if the slot was empty                 */
WEFT_API void *weft_half_take(void *slot);

#ifdef __cplusplus
}
#else

/* ---- typed handles ------------------------------------------------------------------- */

/* weft_rx(T): a receiver of T. weft_rx(T, S): one whose source takes answers of type S, a
 * two-way generator. Neither is ever called: a function pointer carries the types. */
#define weft_rx(...) WEFT_RX_PICK_(__VA_ARGS__, WEFT_RX_TYPE_2_, WEFT_RX_TYPE_1_, )(__VA_ARGS__)
#define WEFT_RX_PICK_(T, S, type, ...) type
#define WEFT_RX_TYPE_1_(T)    __typeof__(__typeof__(T) *(*)(weft_receiver *, weft_nothing *))
#define WEFT_RX_TYPE_2_(T, S) __typeof__(__typeof__(T) *(*)(weft_receiver *, __typeof__(S) *))
#define weft_tx(T) __typeof__(__typeof__(T) *(*)(weft_sender *, weft_nothing *))

/* ---- owners: declarations that drop at their brace --------------------------------------- */

/* WEFT_RX(T, var), or WEFT_RX(T, var, S) for a weft_rx(T, S). */
#define WEFT_RX(T, ...) \
    WEFT_RX_PICK_(__VA_ARGS__, WEFT_RX_OWNER_2_, WEFT_RX_OWNER_1_, )(T, __VA_ARGS__)
#define WEFT_RX_OWNER_1_(T, var) \
    WEFT_CLEANUP_(weft_half_drop) WEFT_RX_TYPE_1_(T) var = NULL
#define WEFT_RX_OWNER_2_(T, var, S) \
    WEFT_CLEANUP_(weft_half_drop) WEFT_RX_TYPE_2_(T, S) var = NULL
#define WEFT_TX(T, var) WEFT_CLEANUP_(weft_half_drop) weft_tx(T) var = NULL

/* ---- operations on either half ------------------------------------------------------------ */

/* This holder is done: weft_half_close, for a typed handle. */
#define weft_close(half) weft_half_close(WEFT_HALF_RAW_(half))

/* Drops the half now and empties the variable. */
#define WEFT_DROP(half)  ((void)sizeof((half)(0, 0)), weft_half_drop(&(half)))

/* A further reference, as an argument for a call that takes a half over: where
 * WEFT_MOVE(half) gives ours away, weft_ref(half) gives another one. Only there: anywhere
 * else the reference is lost, which the compiler can't see. */
#define weft_ref(half)                                                                    \
    (&(__typeof__(*(half)) *){ __extension__(__typeof__(*(half)) *)                       \
        weft_half_ref(WEFT_HALF_RAW_(half), __FILE__, __LINE__) })

/* ---- machinery: from a typed handle to its element and back ----------------------------- */

#define WEFT_RX_ELEM_(rx)    __typeof__(*(rx)((weft_receiver *)0, 0))
#define WEFT_TX_ELEM_(tx)    __typeof__(*(tx)((weft_sender *)0, 0))
#define WEFT_RX_RAW_(rx)     (__extension__(weft_receiver *)(rx))   /* where ELEM has checked it */
#define WEFT_TX_RAW_(tx)     (__extension__(weft_sender *)(tx))
#define WEFT_HALF_RAW_(half) ((void)sizeof((half)(0, 0)), __extension__(void *)(half))

struct weft_line;
struct weft_dir_entry;
struct weft_walk_entry;
struct weft_http_event;
struct weft_websocket_message;

/* Is it a type whose values are lent: a view into their source? */
#define WEFT_IS_LENT_(T)                                                                   \
    _Generic((__typeof__(T) *)0, struct weft_line *: true, struct weft_dir_entry *: true,  \
             struct weft_walk_entry *: true, struct weft_http_event *: true,               \
             struct weft_websocket_message *: true, default: false)

/* The out slot of a typed receiver for a function that fills it by memcpy. */
#define WEFT_RX_SLOT_(T, out) ((weft_receiver **)(void *)(weft_rx(T) *){ out })
#define WEFT_TX_SLOT_(T, out) ((weft_sender **)(void *)(weft_tx(T) *){ out })

#endif
#endif
