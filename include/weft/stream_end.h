/* SPDX-License-Identifier: MIT */
/* What a stream comes to: a value, an array, an end that somebody is told of.
 *
 *     WEFT_FOLD(total, long, sum, int, n) { *sum += n; return 0; }
 *     ...
 *     long sum = 0;
 *     WEFT_TRY(total(WEFT_MOVE(numbers), &sum));                 // reads it to its end
 *
 *     int *items;
 *     size_t n;
 *     WEFT_TRY(weft_collect(WEFT_MOVE(numbers), &items, &n));    // weft_free(items)
 *
 *     WEFT_CATCH(or_cached, struct row, code, out_rx)            // another stream instead
 *     {
 *         return code == WEFT_ETIMEDOUT ? open_cache(out_rx) : code;
 *     }
 */
#ifndef WEFT_STREAM_END_H
#define WEFT_STREAM_END_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/stream_step.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs step on each item of source, in the caller's task, and closes source.
 *
 * step->enter(args, weft_step) owns the item and returns 0, or an error that ends it; its
 * out is result, which may be NULL. source and what args owns are consumed on every path.
 *
 * Waits    the task, or a plain thread, for the items and for source's teardown
 * Cancel   yes
 * From     any thread
 * Returns  0
 *          the first error of: the step, source, its teardown
 *          WEFT_EMSGSIZE   in_size is not the source's; WEFT_EINVAL for a NULL source; WEFT_ENOMEM */
WEFT_API WEFT_MUST_CHECK int weft_fold_run(const weft_callable *step, void *args,
                                           weft_receiver *source, size_t in_size,
                                           void *result);

/* Gathers all items of source in one array, and closes source.
 *
 * out_items is the address of a pointer, written by memcpy with *out_n; the array is the
 * caller's, to be freed by weft_free. After an error the items are dropped. source is
 * consumed on every path.
 *
 * Waits, Cancel, From    as weft_fold_run
 * Returns  as weft_fold_run; WEFT_ENOTSUP: source lends its items                            */
WEFT_API WEFT_MUST_CHECK int weft_collect_run(weft_receiver *source, size_t elem_size,
                                              void *out_items, size_t *out_n);

/* Opens a receiver that reads another stream when the first one fails.
 *
 * step->enter(args, weft_step) has the error, an int, at in, when source is closed. It
 * writes a receiver, which is read instead, or NULL for a quiet end to out by memcpy, and
 * returns 0; or the error that the stream ends with. It runs once at most. A cancelled
 * receive is no error of the stream; one that ended with WEFT_ECANCELED is. What it opens
 * belongs where weft_flat_map_open says. The rest: weft_map_open.
 *
 * Select   no case: weft_buffer makes one of it
 * Waits    no, but for source's teardown when the open fails
 * From     any thread
 * Returns  as weft_map_open                                                                  */
WEFT_API WEFT_MUST_CHECK int weft_catch_open(const weft_callable *step, void *args,
                                             weft_receiver *source, size_t elem_size,
                                             const weft_stream_opts *opts,
                                             weft_receiver **out_rx);

/* Opens a receiver whose end somebody is told of, once, on every path.
 *
 * step->enter(args, weft_step) has at in, an int: 0 at the end, an error, or WEFT_ECLOSED
 * when it is closed before. It returns 0 for a quiet end, or the error to end with; at a
 * close, when source is closed already, an error is what the close returns.
 *
 * Select   a case with opts->never_waits, if source is one
 * Waits, From, Returns    as weft_catch_open                                                 */
WEFT_API WEFT_MUST_CHECK int weft_on_end_open(const weft_callable *step, void *args,
                                              weft_receiver *source, size_t elem_size,
                                              const weft_stream_opts *opts,
                                              weft_receiver **out_rx);

#ifdef __cplusplus
}
#else

/* WEFT_FOLD(fn, Acc, acc, In, in, parameters...) { *acc += in; return 0; }: the body owns
 * in. Defines
 *     int fn(weft_rx(In) *source, parameters..., Acc *acc); */
#define WEFT_FOLD(fn, Acc, acc_, In, in_, ...)                                            \
    static int fn##_body_(__typeof__(Acc) *acc_, __typeof__(In) in_                       \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));                      \
    WEFT_STEP_(fn, fn##_body_((__typeof__(Acc) *)weft_step_->out,                         \
                              *(const __typeof__(In) *)weft_step_->in                     \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__)   \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn(weft_rx(In) *weft_from_             \
        WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__), __typeof__(Acc) *weft_acc_)             \
    {                                                                                     \
        weft_receiver *weft_source_ = (weft_receiver *)weft_slot_take(weft_from_);        \
        WEFT_TAKE_ARGS_(fn, weft_half_drop(&weft_source_); return WEFT_EINVAL, ##__VA_ARGS__) \
        return weft_fold_run(&fn##_callable_, &weft_args_, weft_source_,                  \
                             sizeof(__typeof__(In)), weft_acc_);                          \
    }                                                                                     \
    WEFT_STEP_BODY_(fn, (__typeof__(Acc) *acc_, __typeof__(In) in_), ##__VA_ARGS__)

/* weft_collect(WEFT_MOVE(rx), &items, &n): items is a T *. */
#define weft_collect(source, out_items, out_n)                                            \
    weft_collect_run(WEFT_SOURCE_(source),                                                \
                     WEFT_SOURCE_SIZE_(source) + WEFT_NOT_LENT_(source),                  \
                     (WEFT_RX_ELEM_(*(source)) **){ out_items }, out_n)

/* WEFT_CATCH(fn, T, code, out_rx, parameters...) { return opener(..., out_rx); } */
#define WEFT_CATCH(fn, T, code_, out_, ...)                                               \
    static int fn##_body_(int code_, weft_rx(T) *out_                                     \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));                      \
    WEFT_STEP_(fn, WEFT_OPENED_(T, fn##_body_(*(const int *)weft_step_->in, &weft_inner_  \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__))), ##__VA_ARGS__)  \
    WEFT_STEP_OPENERS_(fn, T, T,                                                          \
        weft_catch_open(&fn##_callable_, &weft_args_, weft_source_, sizeof(__typeof__(T)), \
                        WEFT_OPENS_(stream, T),                                           \
                        (weft_receiver **)(void *)weft_out_), ##__VA_ARGS__)              \
    WEFT_STEP_BODY_(fn, (int code_, weft_rx(T) *out_), ##__VA_ARGS__)

/* WEFT_ON_END(fn, T, code, parameters...) { ...; return code; } */
#define WEFT_ON_END(fn, T, code_, ...)                                                    \
    static int fn##_body_(int code_ WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));            \
    WEFT_STEP_(fn, fn##_body_(*(const int *)weft_step_->in                                \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__)   \
    WEFT_STEP_OPENERS_(fn, T, T,                                                          \
        weft_on_end_open(&fn##_callable_, &weft_args_, weft_source_, sizeof(__typeof__(T)), \
                         weft_opts_, (weft_receiver **)(void *)weft_out_), ##__VA_ARGS__) \
    WEFT_STEP_BODY_(fn, (int code_), ##__VA_ARGS__)

#endif
#endif
