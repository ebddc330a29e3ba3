/* SPDX-License-Identifier: MIT */
/* Completions: one result that somebody brings later, from a C callback for example.
 *
 *     static void on_answer(void *arg, int error, int answer)      // on any thread
 *     {
 *         WEFT_COMPLETION(int, done);
 *         done = weft_completion_of(int, arg);
 *         if (error != 0)
 *             weft_fail(done, -error);
 *         else if (weft_complete(done, answer) < 0)
 *             forget(answer);                     // nobody waits any more: it is still ours
 *     }
 *
 *     WEFT_COMPLETION(int, done);
 *     WEFT_RX(int, answers);
 *     WEFT_TRY(weft_completion_open(&done, &answers));
 *     library_ask(question, on_answer, weft_completion_arg(done));
 *     WEFT_TRY(weft_recv(answers, &answer));
 *
 * The waiting side is a receiver of one value, then the end: it can be in a select, and
 * leaving it, cancelled or not, is safe whenever the callback comes. The value goes to one
 * holder of the receiver, for it has one owner; other references see the end.
 *
 * The completing side is a handle that is used up by the call that completes. References
 * may race: the first decides, the others get WEFT_ECLOSED. When the last has gone without
 * a result, the receiver gets WEFT_ABANDONED: nobody waits for ever.
 */
#ifndef WEFT_COMPLETION_H
#define WEFT_COMPLETION_H

#include <weft/base.h>
#include <weft/chan.h>
#include <weft/cleanup.h>
#include <weft/error.h>
#include <weft/half.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_completer weft_completer;    /* one reference to the completing side */

typedef struct weft_completion_opts {
    size_t size_;
    const char *name;            /* for reports; lives as long as the completion */
    void (*drop)(void *item);    /* for a value that nobody received; must not wait */
} weft_completion_opts;

/* Opens a completion of a value of elem_size bytes and gives its two sides.
 *
 * Both are the caller's to drop, and are written by memcpy: *out_done and *out_rx may be
 * typed handles. opts may be NULL; file is static text. Usually called by
 * weft_completion_open.
 *
 * Waits    no
 * From     any thread
 * Returns  as weft_channel_open                                                          */
WEFT_API WEFT_MUST_CHECK int weft_completer_open(size_t elem_size,
                                                 const weft_completion_opts *opts,
                                                 weft_completer **out_done,
                                                 weft_receiver **out_rx,
                                                 const char *file, int line);

/* Brings the value: copied before return, the receiver's from then on. Uses the reference up
 * on every path.
 *
 * Waits    no; it takes a short lock, so not from a signal handler
 * From     any thread, weft's or not
 * Returns  0
 *          WEFT_ECLOSED    it was completed before, or no receiver is left; the caller
 *                          keeps the value
 *          WEFT_EMSGSIZE   size is not the element's; WEFT_EINVAL for a NULL done        */
WEFT_API WEFT_MUST_CHECK int weft_completer_complete(weft_completer *done, const void *value,
                                                     size_t size);

/* Brings an error: what the receiver returns, once for each reference to it. Uses the
 * reference up on every path.
 *
 * Waits    no; not from a signal handler
 * From     any thread, weft's or not
 * Returns  0
 *          WEFT_ECLOSED    it was completed before, or no receiver is left
 *          WEFT_EINVAL     code is not negative, or done is NULL                         */
WEFT_API int weft_completer_fail(weft_completer *done, int code);

/* Another reference to the same completing side, for a second one who may complete it.
 *
 * Waits    no
 * From     any thread
 * Returns  the reference; NULL for NULL, and when there is no memory for it              */
WEFT_API WEFT_MUST_CHECK weft_completer *weft_completer_ref(weft_completer *done,
                                                            const char *file, int line);

/* Gives the reference up, and sets the slot to NULL: the cleanup of WEFT_COMPLETION. The
 * last one without a result is a result, WEFT_ABANDONED.
 *
 * slot is the address of a handle, typed or not. An empty slot is left alone.
 *
 * Waits    no; not from a signal handler
 * From     any thread, weft's or not                                                     */
WEFT_API void weft_completer_drop(void *slot);

#ifdef __cplusplus
}
#else

/* weft_completion(T): the right to bring one T. WEFT_COMPLETION(T, var): the same, owned. */
#define weft_completion(T)      __typeof__(__typeof__(T) *(*)(weft_completer *, weft_nothing *))
#define WEFT_COMPLETION(T, var) WEFT_CLEANUP_(weft_completer_drop) weft_completion(T) var = NULL

/* weft_completion_open(&done, &rx) or (&done, &rx, .name = ..., .drop = ...). */
#define weft_completion_open(done, rx, ...)                                               \
    weft_completer_open(sizeof(WEFT_DONE_ELEM_(*(done))),                                 \
                        WEFT_OPTS(completion, __VA_ARGS__),                               \
                        WEFT_DONE_SLOT_(WEFT_DONE_ELEM_(*(done)), done),                  \
                        WEFT_RX_SLOT_(WEFT_DONE_ELEM_(*(done)), rx), __FILE__, __LINE__)

/* weft_complete(done, value) or weft_fail(done, code), which empty the variable done. */
#define weft_complete(done, ...) \
    WEFT_COMPLETE_(WEFT_CAT_(weft_value_, __COUNTER__), done, __VA_ARGS__)
#define weft_fail(done, code)                                                             \
    weft_completer_fail(((void)sizeof(WEFT_DONE_ELEM_(done)),                             \
                         (weft_completer *)weft_slot_take(&(done))), code)

/* For an API that passes its callback a pointer: the handle as one, taken from its variable,
 * and back. The type is the caller's word: a completion of T. */
#define weft_completion_arg(done) \
    ((void)sizeof(WEFT_DONE_ELEM_(done)), weft_slot_take(&(done)))
#define weft_completion_of(T, arg) (__extension__(weft_completion(T))((void *){ arg }))

/* Another reference, to be kept in an owned variable like the first; NULL without memory. */
#define weft_completion_ref(done)                                                         \
    (__extension__(__typeof__(done))weft_completer_ref(                                   \
        (__extension__(weft_completer *)((void)sizeof(WEFT_DONE_ELEM_(done)), done)),     \
        __FILE__, __LINE__))

/* ---- machinery -------------------------------------------------------------------------- */

#define WEFT_DONE_ELEM_(done) __typeof__(*(done)((weft_completer *)0, 0))
#define WEFT_DONE_SLOT_(T, out) ((weft_completer **)(void *)(weft_completion(T) *){ out })
#define WEFT_COMPLETE_(held, done, ...)                                                   \
    weft_checked_(__extension__({                                                         \
        WEFT_DONE_ELEM_(done) held = __VA_ARGS__;                                         \
        weft_completer_complete((weft_completer *)weft_slot_take(&(done)), &held,         \
                                sizeof held);                                             \
    }))

#endif
#endif
