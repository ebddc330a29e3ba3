/* SPDX-License-Identifier: MIT */
/* Combinators: a receiver made of another receiver, pulled in the consumer's own task.
 *
 *     WEFT_MAP(lengths, size_t, out_size, weft_line, line) { *out_size = line.size; return 0; }
 *     WEFT_FILTER(longer_than, size_t, size, (size_t, least)) { return size > least; }
 *     ...
 *     WEFT_RX(size_t, sizes);
 *     WEFT_RX(size_t, long_ones);
 *     WEFT_RX(size_t, ten);
 *     WEFT_TRY(lengths(WEFT_MOVE(lines), &sizes));
 *     WEFT_TRY(longer_than(WEFT_MOVE(sizes), 80, &long_ones));
 *     WEFT_TRY(weft_take(WEFT_MOVE(long_ones), 10, &ten));
 *
 * No task and no buffer: one receive from the last pulls through all of them, and closing
 * the last closes all. Each stage owns the one before it. A receiver that goes through a
 * user's step counts as one that may wait, unless opened with .never_waits.
 */
#ifndef WEFT_STREAM_H
#define WEFT_STREAM_H

#include <weft/base.h>
#include <weft/callable.h>
#include <weft/error.h>
#include <weft/half.h>
#include <weft/line.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_stream_opts {
    size_t size_;
    const char *name;                /* default: the name the definer gave; not copied */
    bool never_waits;                /* the step does not wait: select may pull it */
    void (*drop)(void *out_item);    /* for an item made, or kept, and not received */
    bool lends_items;                /* an item points into its source and is valid until the
                                        next receive; so it is anyway where lines are below */
} weft_stream_opts;

/* What a step's enter gets as self. Both are aligned for any type malloc serves. */
struct weft_step {
    const void *in;     /* the item */
    void *out;          /* where a map writes its result; NULL for a filter */
};

/* Opens a receiver of what step makes of each item.
 *
 * step->enter(args, weft_step) owns the item it gets and returns 0, or an error that ends
 * the stream after this. It does not drop args; step->drop does, once, when the receiver
 * closes. source and what args owns are consumed on every path; args is copied. opts may
 * be NULL. The receiver is the caller's to drop, and is written by memcpy.
 *
 * Waits    no, but for source's teardown when the open fails
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EMSGSIZE   in_size is not the source's; WEFT_EINVAL for a NULL source        */
WEFT_API WEFT_MUST_CHECK int weft_map_open(const weft_callable *step, void *args,
                                           weft_receiver *source, size_t in_size,
                                           size_t out_size, const weft_stream_opts *opts,
                                           weft_receiver **out_rx);

/* Opens a receiver of those items for which step says 1.
 *
 * step->enter(args, weft_step) looks at the item and returns 1 to keep it, 0 to drop it,
 * or an error that ends the stream. A dropped item goes to opts->drop, or, without one,
 * where the source's unwanted items go. The rest: weft_map_open.
 *
 * Waits    no, but for source's teardown when the open fails
 * From     any thread
 * Returns  as weft_map_open                                                                  */
WEFT_API WEFT_MUST_CHECK int weft_filter_open(const weft_callable *step, void *args,
                                              weft_receiver *source, size_t elem_size,
                                              const weft_stream_opts *opts,
                                              weft_receiver **out_rx);

/* Opens a receiver of the first n items, which closes source right after the n-th.
 *
 * Items that are lent (lines, opts->lends_items) are valid until the next receive as ever:
 * source is then closed by that one, which gives the end. source is consumed on every
 * path; opts may be NULL. The receiver is the caller's to drop, and is written by memcpy.
 * Usually called by weft_take.
 *
 * Waits    no, but for source's teardown when the open fails
 * From     any thread
 * Returns  as weft_map_open                                                                  */
WEFT_API WEFT_MUST_CHECK int weft_take_open(weft_receiver *source, size_t elem_size, uint64_t n,
                                            const weft_stream_opts *opts,
                                            weft_receiver **out_rx);

#ifdef __cplusplus
}
#else

/* WEFT_MAP(fn, Out, out, In, in, parameters...) { *out = ...; return 0; }: the body owns
 * in, an In, and writes *out, an Out. Defines
 *     int fn(weft_rx(In) *source, parameters..., weft_rx(Out) *out_rx);
 *     int fn_with(const weft_stream_opts *opts, weft_rx(In) *source, parameters..., ...); */
#define WEFT_MAP(fn, Out, out_, In, in_, ...)                                             \
    static int fn##_body_(__typeof__(Out) *out_, __typeof__(In) in_                       \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));                      \
    WEFT_STEP_(fn, fn##_body_((__typeof__(Out) *)weft_step_->out,                         \
                              *(const __typeof__(In) *)weft_step_->in                     \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__)   \
    WEFT_STEP_OPENERS_(fn, In, Out,                                                       \
        weft_map_open(&fn##_callable_, &weft_args_, weft_source_, sizeof(__typeof__(In)), \
                      sizeof(__typeof__(Out)), weft_opts_,                                \
                      (weft_receiver **)(void *)weft_out_), ##__VA_ARGS__)                \
    static int fn##_body_(__typeof__(Out) *out_, __typeof__(In) in_                       \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__))

/* WEFT_FILTER(fn, T, item, parameters...) { return keep; }: the body sees a copy of the
 * item, which stays the stream's, and returns 1 to keep it, 0 to drop it, or an error.
 * Defines fn and fn_with as WEFT_MAP does. */
#define WEFT_FILTER(fn, T, item_, ...)                                                    \
    static int fn##_body_(__typeof__(T) item_ WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));  \
    WEFT_STEP_(fn, fn##_body_(*(const __typeof__(T) *)weft_step_->in                      \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__)   \
    WEFT_STEP_OPENERS_(fn, T, T,                                                          \
        weft_filter_open(&fn##_callable_, &weft_args_, weft_source_, sizeof(__typeof__(T)), \
                         weft_opts_, (weft_receiver **)(void *)weft_out_), ##__VA_ARGS__) \
    static int fn##_body_(__typeof__(T) item_ WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__))

/* weft_take(WEFT_MOVE(rx), n, &out): the first n items. Lines are lent, also by a generator
 * that passes them on. */
#define weft_take(source, n, out_rx)                                                      \
    weft_take_open((weft_receiver *)weft_slot_take(                                       \
                       (weft_rx(WEFT_RX_ELEM_(*(source))) *){ source }),                  \
                   sizeof(WEFT_RX_ELEM_(*(source))), n,                                   \
                   WEFT_OPTS(stream, .name = "take", .lends_items = _Generic(             \
                       (WEFT_RX_ELEM_(*(source)) *)0, weft_line *: true, default: false)), \
                   WEFT_RX_SLOT_(WEFT_RX_ELEM_(*(source)), out_rx))

/* ---- machinery --------------------------------------------------------------------------- */

/* The callable of a step: enter runs for each item and keeps the arguments. */
#define WEFT_STEP_(fn, call, ...)                                                         \
    WEFT_ARGS_(fn, ##__VA_ARGS__)                                                         \
    static int fn##_enter_(void *weft_args_, void *weft_self_)                            \
    {                                                                                     \
        struct fn##_args_ *weft_a_ = (struct fn##_args_ *)weft_args_;                     \
        const struct weft_step *weft_step_ = (const struct weft_step *)weft_self_;        \
        (void)weft_a_;                                                                    \
        return call;                                                                      \
    }                                                                                     \
    WEFT_CALLABLE_TABLE_(fn)

#define WEFT_STEP_OPENERS_(fn, In, Out, open, ...)                                        \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn##_with(                             \
        const weft_stream_opts *weft_opts_, weft_rx(In) *weft_from_                       \
        WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__), weft_rx(Out) *weft_out_)                \
    {                                                                                     \
        weft_receiver *weft_source_ = (weft_receiver *)weft_slot_take(weft_from_);        \
        WEFT_TAKE_ARGS_(fn, weft_half_drop(&weft_source_); return WEFT_EINVAL, ##__VA_ARGS__) \
        return open;                                                                      \
    }                                                                                     \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn(weft_rx(In) *weft_from_             \
        WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__), weft_rx(Out) *weft_out_)                \
    {                                                                                     \
        return fn##_with(NULL, weft_from_,                                                \
                         WEFT_EACH_(WEFT_P_NAMEC_, ##__VA_ARGS__) weft_out_);             \
    }

#endif
#endif
