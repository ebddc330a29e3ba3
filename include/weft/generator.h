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
 * An iterator is an object with a next function, as a receiver: no task, no stack.
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
} weft_generator_opts;

typedef struct weft_iterator_opts {
    size_t size_;
    const char *name;                      /* not copied: lives as long as the iterator */
    int (*next)(void *state, void *out);   /* 1 an item, 0 the end, negative an error */
    int (*close)(void *state);             /* may be NULL; runs once, shielded */
    void (*drop)(void *item);              /* for an item made and not received */
    bool never_waits;                      /* next does not wait: select may pull it */
} weft_iterator_opts;

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
 *          WEFT_EOVERFLOW  elem_size is out of range                                       */
WEFT_API WEFT_MUST_CHECK int weft_generator_open(const weft_generator_opts *opts,
                                                 const weft_callable *what, void *args,
                                                 size_t elem_size, weft_receiver **out_rx,
                                                 const void *caller);

/* Gives one value to the consumer and waits until it wants the next.
 *
 * self is the generator's own receiver, which its body was entered with. The value is
 * taken on every path: received, or given to the generator's drop.
 *
 * Waits    the task
 * Cancel   yes
 * From     the generator's own body
 * Returns  0: go on
 *          WEFT_ECLOSED    the consumer has left: unwind, the rest runs shielded
 *          WEFT_ECANCELED  a scope around it is cancelled
 *          WEFT_ENOTASK    not called by the body
 *          WEFT_EMSGSIZE   size is not the element's: then the value is still the caller's  */
WEFT_API WEFT_MUST_CHECK int weft_generator_yield(weft_receiver *self, const void *value,
                                                  size_t size);

/* Makes a receiver of an object with a next function, which runs in the consumer's task.
 *
 * state_size bytes of state are copied; from here on they are the iterator's, and its
 * close runs once for them, also when the open fails. opts->next is set. The receiver is
 * the caller's to drop, and is written by memcpy.
 *
 * Waits    no, but for close when the open fails
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EINVAL     no next                                                         */
WEFT_API WEFT_MUST_CHECK int weft_iterator_open(const weft_iterator_opts *opts,
                                                const void *state, size_t state_size,
                                                size_t elem_size, weft_receiver **out_rx);

#ifdef __cplusplus
}
#else

/* WEFT_GENERATOR(fn, weft_rx(T), parameters...) { body } defines the two openers
 *     int fn(parameters..., weft_rx(T) *out_rx);
 *     int fn_with(const weft_generator_opts *opts, parameters..., weft_rx(T) *out_rx); */
#define WEFT_GENERATOR(fn, handle, ...)                                                   \
    static int fn##_body_(handle weft_this_generator WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__)); \
    WEFT_CALLABLE_(fn, fn##_body_(__extension__(handle)weft_self_                         \
                                  WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__) \
    WEFT_GENERATOR_OPEN_(fn, fn##_with, weft_opts_, handle,                               \
                         (const weft_generator_opts *weft_opts_, ), ##__VA_ARGS__)        \
    WEFT_GENERATOR_OPEN_(fn, fn, NULL, handle, (), ##__VA_ARGS__)                         \
    static int fn##_body_(WEFT_UNUSED_ handle weft_this_generator                         \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__))

/* Not inlined, so that the return address is the caller's. */
#define WEFT_GENERATOR_OPEN_(fn, opener, opts, handle, first, ...)                        \
    WEFT_UNUSED_ WEFT_MUST_CHECK __attribute__((noinline)) static int opener(             \
        WEFT_BARE_ first WEFT_EACH_(WEFT_P_TAKEC_, ##__VA_ARGS__) handle *weft_out_)      \
    {                                                                                     \
        WEFT_TAKE_ARGS_(fn, return WEFT_EINVAL, ##__VA_ARGS__)                            \
        return weft_generator_open(opts, &fn##_callable_, &weft_args_,                    \
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

/* WEFT_ITERATOR(fn, T, state_type, next) or (fn, T, state_type, next, close), where
 * int next(state_type *, T *) returns 1, 0 or an error and int close(state_type *) ends it,
 * defines
 *     int fn(state_type state, weft_rx(T) *out_rx);
 *     int fn_with(const weft_iterator_opts *opts, state_type state, weft_rx(T) *out_rx);
 * A semicolon follows. */
#define WEFT_ITERATOR(fn, T, state_type, ...) \
    WEFT_ITERATOR_PICK_(__VA_ARGS__, WEFT_ITERATOR_5_, WEFT_ITERATOR_4_, ) \
        (fn, T, state_type, __VA_ARGS__)
#define WEFT_ITERATOR_PICK_(next, close, pick, ...) pick
#define WEFT_ITERATOR_4_(fn, T, state_type, next) \
    WEFT_ITERATOR_(fn, T, state_type, next, NULL)
#define WEFT_ITERATOR_5_(fn, T, state_type, next, close)                                  \
    static int fn##_close_(void *weft_state_) { return close((state_type *)weft_state_); } \
    WEFT_ITERATOR_(fn, T, state_type, next, fn##_close_)
#define WEFT_ITERATOR_(fn, T, state_type, next_fn, close_fn)                              \
    static int fn##_next_(void *weft_state_, void *weft_item_)                            \
    { return next_fn((state_type *)weft_state_, (__typeof__(T) *)weft_item_); }           \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn##_with(                             \
        const weft_iterator_opts *weft_opts_, state_type weft_state_, weft_rx(T) *weft_out_) \
    {                                                                                     \
        weft_iterator_opts weft_o_ = { .size_ = 0 };                                      \
        if (weft_opts_ != NULL)                                                           \
            weft_o_ = *weft_opts_;                                                        \
        weft_o_.size_ = sizeof weft_o_;                                                   \
        weft_o_.name = weft_o_.name != NULL ? weft_o_.name : #fn;                         \
        weft_o_.next = fn##_next_;                                                        \
        weft_o_.close = close_fn;                                                         \
        return weft_iterator_open(&weft_o_, &weft_state_, sizeof weft_state_,             \
                                  sizeof(__typeof__(T)), (weft_receiver **)(void *)weft_out_); \
    }                                                                                     \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn(state_type weft_state_,             \
                                                      weft_rx(T) *weft_out_)              \
    { return fn##_with(NULL, weft_state_, weft_out_); }                                   \
    _Static_assert(1, "a semicolon follows")

#endif
#endif
