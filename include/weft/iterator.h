/* SPDX-License-Identifier: MIT */
/* Iterators: an object with a next function, as a receiver: no task, no stack.
 *
 *     struct counter { int limit, current; };
 *
 *     static int counter_next(struct counter *self, int *out)     // 1, 0 the end, an error
 *     {
 *         if (self->current == self->limit)
 *             return 0;
 *         *out = ++self->current;
 *         return 1;
 *     }
 *     WEFT_ITERATOR(counter, int, struct counter, counter_next);
 *     ...
 *     WEFT_RX(int, numbers);
 *     WEFT_TRY(counter((struct counter){ .limit = 5 }, &numbers));
 *     weft_each (n, numbers)
 *         printf("%d\n", n);
 */
#ifndef WEFT_ITERATOR_H
#define WEFT_ITERATOR_H

#include <weft/base.h>
#include <weft/callable.h>
#include <weft/error.h>
#include <weft/half.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_iterator_opts {
    size_t size_;
    const char *name;                      /* not copied: lives as long as the iterator */
    int (*next)(void *state, void *out);   /* 1 an item, 0 the end, negative an error */
    int (*close)(void *state);             /* may be NULL; runs once, shielded */
    void (*drop)(void *item);              /* for an item made and not received */
    bool never_waits;                      /* next does not wait: select may pull it */
    bool lends_items;                      /* an item points into the state or what it has, until
                                              next or close */
} weft_iterator_opts;

/* Makes a receiver of an object with a next function, which runs in the consumer's task.
 *
 * state_size bytes of state are copied; from here on they are the iterator's. Its close
 * runs once, also when the open fails, then with the caller's state or NULL (but for NULL of
 * a size). opts->next is
 * set. The receiver is the caller's to drop, and is written by memcpy.
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
        weft_o_.lends_items |= WEFT_IS_LENT_(T);                                          \
        return weft_iterator_open(&weft_o_, &weft_state_, sizeof weft_state_,             \
                                  sizeof(__typeof__(T)), (weft_receiver **)(void *)weft_out_); \
    }                                                                                     \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn(state_type weft_state_,             \
                                                      weft_rx(T) *weft_out_)              \
    { return fn##_with(NULL, weft_state_, weft_out_); }                                   \
    _Static_assert(1, "a semicolon follows")

#endif
#endif
