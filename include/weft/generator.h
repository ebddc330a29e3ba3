/* SPDX-License-Identifier: MIT */
/* Generators: a function that yields values, read through a receiver.
 *
 *     WEFT_GENERATOR(count_to, weft_rx(int), (int, last))
 *     {
 *         for (int n = 1; n <= last; n++)
 *             WEFT_TRY(weft_yield(n));            // negative: the consumer left, unwind
 *         return 0;
 *     }
 *     ...
 *     WEFT_RX(int, numbers);
 *     WEFT_TRY(count_to(10, &numbers));
 *     weft_each (n, numbers)
 *         printf("%d\n", n);
 *     return weft_error(numbers);
 *
 * The body is a task of its own that runs only while its consumer waits for a value: an item
 * may point into its memory until the next receive, also when both have been cancelled.
 * Dropping the receiver makes the pending yield return WEFT_ECLOSED and waits, shielded,
 * until the body has unwound. It ends at the latest with the scope it was opened in.
 *
 * A two-way generator is answered: its yield gives back what its consumer sends with the
 * next demand.
 *
 *     WEFT_GENERATOR(averager, weft_rx(double, int))
 *     {
 *         double sum = 0, mean = 0;
 *         for (int n = 0, sample, rc;;) {
 *             rc = weft_yield_into(&sample, mean);    // 1 an answer, 0 a plain receive
 *             if (rc < 0)
 *                 return rc;                          // left, or thrown in
 *             if (rc == 1)
 *                 mean = (sum += sample) / ++n;
 *         }
 *     }
 *     ...
 *     WEFT_RX(double, mean, int);
 *     WEFT_TRY(averager(&mean));
 *     WEFT_TRY(weft_recv(mean, &m));                  // to its first yield
 *     WEFT_TRY(weft_resume(mean, &m, 10));
 *
 * With .read_ahead = n the body runs on its own until n items wait to be received; then an
 * item must not point into its memory, and there are no answers. The error comes after the
 * items, a close gives those that wait to .drop.
 */
#ifndef WEFT_GENERATOR_H
#define WEFT_GENERATOR_H

#include <weft/base.h>
#include <weft/callable.h>
#include <weft/error.h>
#include <weft/half.h>
#ifndef __cplusplus
#include <weft/chan_typed.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_generator_opts {
    size_t size_;
    const char *name;            /* default: the name the definer gave; not copied */
    void (*drop)(void *item);    /* for a value yielded to nobody; must not wait */
    unsigned read_ahead;         /* items made before they are asked for, at most; 0: none */
    void (*drop_answer)(void *); /* for an answer that no yield takes; must not wait */
    bool lends_items;            /* an item points into the body's memory, until the next
                                    receive; so it is taken to do if it is a line or an entry */
} weft_generator_opts;

/* Opens a generator over what, with the arguments at args.
 *
 * args is copied and what it owns is consumed on every path. The receiver is the caller's
 * to drop, and is written by memcpy. opts may be NULL; caller is an address in the code
 * that opens it, for reports. The body starts at the first receive; its parent is the
 * scope current here, which does not wait for it and does not see its error.
 *
 * Waits    no
 * From     a task or any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EOVERFLOW  elem_size or read_ahead is out of range
 *          WEFT_ENOTSUP    it reads ahead, and lends its items                             */
WEFT_API WEFT_MUST_CHECK int weft_generator_open(const weft_generator_opts *opts,
                                                 const weft_callable *what, void *args,
                                                 size_t elem_size, weft_receiver **out_rx,
                                                 const void *caller);

/* Gives one value to the consumer and waits until it wants the next, or, reading ahead, until
 * there is room for it.
 *
 * self is the generator's own receiver, which its body was entered with. The value is
 * taken on every path: received, or given to the generator's drop. An answer to it goes to
 * drop_answer.
 *
 * Waits    the task
 * Cancel   yes
 * From     the generator's own body
 * Returns  0: go on
 *          WEFT_ECLOSED    the consumer has left: unwind, the rest runs shielded
 *          WEFT_ECANCELED  a scope around it is cancelled
 *          a code that the consumer threw: end with it, or go on
 *          WEFT_ENOTASK    not called by the body
 *          WEFT_EMSGSIZE   size is not the element's: then the value is still the caller's  */
WEFT_API WEFT_MUST_CHECK int weft_generator_yield(weft_receiver *self, const void *value,
                                                  size_t size);

/* The same, with a place for the consumer's answer: answer_size bytes at answer, written only
 * with a result of 1.
 *
 * Waits, Cancel, From    as weft_generator_yield
 * Returns  1: answered, what the answer owns is the body's; 0: asked to go on, and otherwise
 *          as weft_generator_yield                                                         */
WEFT_API WEFT_MUST_CHECK int weft_generator_yield_into(weft_receiver *self, const void *value,
                                                       size_t size, void *answer,
                                                       size_t answer_size);

/* Answers the last item of a two-way generator, and receives the next.
 *
 * The answer is what the yield that gave that item returns. It is taken on every path: by
 * the yield, or, where none takes it, by the generator's drop_answer, but for the codes
 * below that say otherwise. A receive that is cancelled once the body has the answer leaves
 * the item that the body makes of it to the next receive.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: before it begins nothing has happened
 * From     any thread
 * Returns  as weft_receiver_recv, and
 *          WEFT_ENOYIELD   there is no item yet that it could answer: receive one first
 *          WEFT_EBUSY      another receives, or an item has not been received yet that a
 *                          cancelled receive has asked for
 *          WEFT_ENOTSUP    it reads ahead
 *          and with an answer that is still the caller's
 *          WEFT_ECLOSED    rx was closed before
 *          WEFT_EBUSY      rx is a further reference, which never receives
 *          WEFT_ENOTSUP    not a generator; WEFT_EMSGSIZE: a size is not its own          */
WEFT_API WEFT_MUST_CHECK int weft_receiver_resume(weft_receiver *rx, const void *answer,
                                                  size_t answer_size, void *out, size_t size);

/* Makes the yield of a generator return code, and receives the next item.
 *
 * The body may end with the code, which is then this call's result, or handle it and yield
 * again. One that has not begun ends with the code at once, and its body does not run.
 *
 * Waits, Cancel, From    as weft_receiver_resume
 * Returns  as weft_receiver_resume; WEFT_EINVAL: code is not negative, or WEFT_ECLOSED,
 *          which is what weft_close says                                                   */
WEFT_API WEFT_MUST_CHECK int weft_receiver_throw(weft_receiver *rx, int code, void *out,
                                                 size_t size);

#ifdef __cplusplus
}
#else

/* WEFT_GENERATOR(fn, weft_rx(T), parameters...) { body } defines the two openers
 *     int fn(parameters..., weft_rx(T) *out_rx);
 *     int fn_with(const weft_generator_opts *opts, parameters..., weft_rx(T) *out_rx);
 * and with weft_rx(T, S) those of a two-way one. */
#define WEFT_GENERATOR(fn, handle, ...)                                                   \
    static int fn##_body_(handle weft_this_generator WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__)); \
    WEFT_CALLABLE_(fn, fn##_body_(__extension__(handle)weft_self_                         \
                                  WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__) \
    WEFT_GENERATOR_OPEN_(fn, fn##_with, weft_opts_, handle,                               \
                         (const weft_generator_opts *weft_opts_, ), ##__VA_ARGS__)        \
    WEFT_GENERATOR_OPEN_(fn, fn, NULL, handle, (), ##__VA_ARGS__)                         \
    static int fn##_body_(WEFT_UNUSED_ handle weft_this_generator                         \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__))

/* opts, which may be NULL, for a generator of T. */
#define WEFT_GENERATOR_OPTS_(opts, T)                                                     \
    (WEFT_IS_LENT_(T) ? (weft_generator_opts[]){ weft_generator_opts_of_lent_(opts) } : (opts))
static inline weft_generator_opts weft_generator_opts_of_lent_(const weft_generator_opts *opts)
{
    weft_generator_opts all = { .size_ = sizeof all };
    if (opts != NULL)
        all = *opts;
    all.lends_items = true;
    return all;
}

/* Not inlined, so that the return address is the caller's. */
#define WEFT_GENERATOR_OPEN_(fn, opener, opts, handle, first, ...)                        \
    WEFT_UNUSED_ WEFT_MUST_CHECK __attribute__((noinline)) static int opener(             \
        WEFT_BARE_ first WEFT_EACH_(WEFT_P_TAKEC_, ##__VA_ARGS__) handle *weft_out_)      \
    {                                                                                     \
        WEFT_TAKE_ARGS_(fn, return WEFT_EINVAL, ##__VA_ARGS__)                            \
        return weft_generator_open(WEFT_GENERATOR_OPTS_(opts, WEFT_RX_ELEM_(*weft_out_)), \
                                   &fn##_callable_, &weft_args_,                          \
                                   sizeof(WEFT_RX_ELEM_(*weft_out_)),                     \
                                   (weft_receiver **)(void *)weft_out_,                   \
                                   __builtin_return_address(0));                          \
    }
#define WEFT_BARE_(...) __VA_ARGS__

/* weft_yield(value), in the body of a WEFT_GENERATOR: hands the value over. */
#define weft_yield(...) WEFT_YIELD_(WEFT_CAT_(weft_item_, __COUNTER__), __VA_ARGS__)
#define WEFT_YIELD_(held, ...)                                                            \
    weft_checked_(__extension__({                                                         \
        WEFT_RX_ELEM_(weft_this_generator) held = __VA_ARGS__;                            \
        weft_generator_yield(WEFT_RX_RAW_(weft_this_generator), &held, sizeof held);      \
    }))

/* weft_yield_into(&answer, value), in the body of a two-way one: 1 with an answer. */
#define weft_yield_into(answer, ...) \
    WEFT_YIELD_INTO_(WEFT_CAT_(weft_item_, __COUNTER__), answer, __VA_ARGS__)
#define WEFT_YIELD_INTO_(held, answer, ...)                                               \
    weft_checked_(__extension__({                                                         \
        WEFT_RX_ELEM_(weft_this_generator) held = __VA_ARGS__;                            \
        (void)sizeof(weft_this_generator((weft_receiver *)0, answer));                    \
        weft_generator_yield_into(WEFT_RX_RAW_(weft_this_generator), &held, sizeof held,  \
                                  answer, sizeof *(answer));                              \
    }))

/* weft_resume(rx, &item, answer): the answer itself, of just the type S; a constant of
 * another type is to be cast. weft_throw(rx, &item, code): of any generator. */
#define weft_resume(rx, out, ...) \
    WEFT_RESUME_(WEFT_CAT_(weft_answer_, __COUNTER__), rx, out, __VA_ARGS__)
#define WEFT_RESUME_(held, rx, out, ...)                                                  \
    weft_checked_(__extension__({                                                         \
        __auto_type held = __VA_ARGS__;                                                   \
        (void)sizeof((rx)((weft_receiver *)0, &held));                                    \
        weft_receiver_resume(WEFT_RX_RAW_(rx), &held, sizeof held,                        \
                             (WEFT_RX_ELEM_(rx) *){ out }, sizeof(WEFT_RX_ELEM_(rx)));    \
    }))
#define weft_throw(rx, out, code)                                                         \
    weft_receiver_throw(WEFT_RX_RAW_(rx), code, (WEFT_RX_ELEM_(rx) *){ out },             \
                        sizeof(WEFT_RX_ELEM_(rx)))

#endif
#endif
