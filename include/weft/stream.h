/* SPDX-License-Identifier: MIT */
/* Combinators: a receiver made of another receiver, pulled in the consumer's own task.
 *
 *     WEFT_MAP(lengths, size_t, out_size, weft_line, line) { *out_size = line.size; return 0; }
 *     WEFT_FILTER(longer_than, size_t, size, (size_t, least)) { return size > least; }
 *     ...
 *     WEFT_TRY(lengths(WEFT_MOVE(lines), &sizes));
 *     WEFT_TRY(longer_than(WEFT_MOVE(sizes), 80, &long_ones));
 *     WEFT_TRY(weft_take(WEFT_MOVE(long_ones), 10, &ten));
 *
 * No task and no buffer: one receive from the last pulls through all of them, and closing
 * the last closes all. Each stage owns the one before it. A step runs when its item is asked
 * for, never ahead. A receiver that goes through a user's step counts as one that may wait,
 * unless opened with .never_waits. Select says below which are a case of weft_select; it
 * refuses the others with WEFT_ENOTSUP.
 *
 * An error of the source is delivered once, after the items; an error of a step ends the
 * stream. A broadcast's WEFT_ELAGGED is passed on where it belongs, and the stream goes on;
 * what reads in a task of its own (stream_task.h, tee), or to the end (fold, collect), ends
 * with it. Each item is received, owned by a step, or dropped once, on every path.
 *
 * Every definer makes fn and fn_with, which takes a weft_stream_opts first:
 *     int fn(weft_rx(In) *source, parameters..., weft_rx(Out) *out_rx);
 * More: stream_join.h (of several sources), stream_time.h, stream_task.h (with tasks),
 * stream_end.h (what a stream comes to), stream_source.h.
 */
#ifndef WEFT_STREAM_H
#define WEFT_STREAM_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/stream_step.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opens a receiver of what step makes of each item.
 *
 * step->enter(args, weft_step) owns the item it gets, writes what it makes and returns 0,
 * or an error that ends the stream. source and what args owns are consumed on every path;
 * args is copied. opts may be NULL. The receiver is the caller's to drop, and is written
 * by memcpy.
 *
 * Select   a case with opts->never_waits, if source is one
 * Waits    no, but for source's teardown when the open fails
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EMSGSIZE   in_size is not the source's; WEFT_EINVAL for a NULL source        */
WEFT_API WEFT_MUST_CHECK int weft_map_open(const weft_callable *step, void *args,
                                           weft_receiver *source, size_t in_size,
                                           size_t out_size, const weft_stream_opts *opts,
                                           weft_receiver **out_rx);

/* The same for a step that returns 1 when it made something, and 0 when it did not.
 *
 * Select   a case with opts->never_waits, if source is one
 * Waits, From, Returns    as weft_map_open                                                   */
WEFT_API WEFT_MUST_CHECK int weft_filter_map_open(const weft_callable *step, void *args,
                                                  weft_receiver *source, size_t in_size,
                                                  size_t out_size, const weft_stream_opts *opts,
                                                  weft_receiver **out_rx);

/* Opens a receiver of a value that each item changes, as it is after each of them.
 *
 * step->enter(args, weft_step) owns the item and changes the value at out, which begins as
 * a copy of first and is the stream's on every path. With opts->drop it needs opts->clone.
 *
 * Select   a case with opts->never_waits, if source is one
 * Waits    as weft_map_open
 * From     any thread
 * Returns  as weft_map_open; WEFT_EINVAL without the clone that it needs                     */
WEFT_API WEFT_MUST_CHECK int weft_scan_open(const weft_callable *step, void *args,
                                            weft_receiver *source, size_t in_size,
                                            const void *first, size_t out_size,
                                            const weft_stream_opts *opts,
                                            weft_receiver **out_rx);

/* Opens a receiver of those items for which step says 1.
 *
 * step->enter(args, weft_step) looks at the item and returns 1 to keep it, 0 to drop it,
 * or an error that ends the stream. A dropped item goes to opts->drop, or, without one,
 * where the source's unwanted items go. The rest: weft_map_open.
 *
 * Select   a case with opts->never_waits, if source is one
 * Waits    no, but for source's teardown when the open fails
 * From     any thread
 * Returns  as weft_map_open                                                                  */
WEFT_API WEFT_MUST_CHECK int weft_filter_open(const weft_callable *step, void *args,
                                              weft_receiver *source, size_t elem_size,
                                              const weft_stream_opts *opts,
                                              weft_receiver **out_rx);

/* The items up to the first for which step says 0; that one is dropped, source closed.
 *
 * Select   a case with opts->never_waits, if source is one
 * Waits, From, Returns    as weft_filter_open                                                */
WEFT_API WEFT_MUST_CHECK int weft_take_while_open(const weft_callable *step, void *args,
                                                  weft_receiver *source, size_t elem_size,
                                                  const weft_stream_opts *opts,
                                                  weft_receiver **out_rx);

/* The items from the first on for which step says 0; those before it are dropped.
 *
 * Select   a case with opts->never_waits, if source is one
 * Waits, From, Returns    as weft_filter_open                                                */
WEFT_API WEFT_MUST_CHECK int weft_drop_while_open(const weft_callable *step, void *args,
                                                  weft_receiver *source, size_t elem_size,
                                                  const weft_stream_opts *opts,
                                                  weft_receiver **out_rx);

/* Opens a receiver of the first n items, which closes source right after the n-th.
 *
 * Items that are lent (lines, opts->lends_items or a source's), and what a step made of
 * them, are valid until the next receive as ever: source is then closed by that one, which
 * gives the end. source is consumed on every path; opts may be NULL. The receiver is the
 * caller's to drop, and is written by memcpy.
 *
 * Select   a case, if source is one
 * Waits    no, but for source's teardown when the open fails
 * From     any thread
 * Returns  as weft_map_open                                                                  */
WEFT_API WEFT_MUST_CHECK int weft_take_open(weft_receiver *source, size_t elem_size, uint64_t n,
                                            const weft_stream_opts *opts,
                                            weft_receiver **out_rx);

/* Opens a receiver of the items after the first n, which are dropped.
 *
 * Select   a case, if source is one
 * Waits, From, Returns    as weft_take_open                                                  */
WEFT_API WEFT_MUST_CHECK int weft_skip_open(weft_receiver *source, size_t elem_size, uint64_t n,
                                            const weft_stream_opts *opts,
                                            weft_receiver **out_rx);

#ifdef __cplusplus
}
#else

/* WEFT_MAP(fn, Out, out, In, in, parameters...) { *out = ...; return 0; }: the body owns
 * in, an In, and writes *out, an Out. */
#define WEFT_MAP(fn, Out, out_, In, in_, ...) \
    WEFT_STEP_MAKES_(weft_map_open, fn, Out, out_, In, in_, ##__VA_ARGS__)

/* WEFT_FILTER_MAP(fn, Out, out, In, in, parameters...): the body returns 1 when it wrote
 * *out, 0 when nothing comes of this in. */
#define WEFT_FILTER_MAP(fn, Out, out_, In, in_, ...) \
    WEFT_STEP_MAKES_(weft_filter_map_open, fn, Out, out_, In, in_, ##__VA_ARGS__)

/* WEFT_FILTER(fn, T, item, parameters...) { return keep; }: the body sees a copy of the
 * item, which stays the stream's, and returns 1 to keep it, 0 to drop it, or an error. */
#define WEFT_FILTER(fn, T, item_, ...) \
    WEFT_STEP_LOOKS_(weft_filter_open, fn, T, item_, ##__VA_ARGS__)

/* The same, for the items up to the first 0, which is consumed; and from the first 0 on. */
#define WEFT_TAKE_WHILE(fn, T, item_, ...) \
    WEFT_STEP_LOOKS_(weft_take_while_open, fn, T, item_, ##__VA_ARGS__)
#define WEFT_DROP_WHILE(fn, T, item_, ...) \
    WEFT_STEP_LOOKS_(weft_drop_while_open, fn, T, item_, ##__VA_ARGS__)

/* WEFT_SCAN(fn, Acc, acc, In, in, parameters...) { *acc += in; return 0; }: the body owns
 * in and changes *acc, which is given after each. Its first value is an argument:
 *     int fn(weft_rx(In) *source, Acc first, parameters..., weft_rx(Acc) *out_rx); */
#define WEFT_SCAN(fn, Acc, acc_, In, in_, ...)                                            \
    static int fn##_body_(__typeof__(Acc) *acc_, __typeof__(In) in_                       \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));                      \
    WEFT_STEP_(fn, fn##_body_((__typeof__(Acc) *)weft_step_->out,                         \
                              *(const __typeof__(In) *)weft_step_->in                     \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__)   \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn##_with(                             \
        const weft_stream_opts *weft_opts_, weft_rx(In) *weft_from_,                      \
        __typeof__(Acc) weft_first_ WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__),             \
        weft_rx(Acc) *weft_out_)                                                          \
    {                                                                                     \
        weft_receiver *weft_source_ = (weft_receiver *)weft_slot_take(weft_from_);        \
        WEFT_TAKE_ARGS_(fn, weft_half_drop(&weft_source_);                                \
                        if (weft_opts_ != NULL && weft_opts_->drop != NULL)               \
                            weft_opts_->drop(&weft_first_);                               \
                        return WEFT_EINVAL, ##__VA_ARGS__)                                \
        return weft_scan_open(&fn##_callable_, &weft_args_, weft_source_,                 \
                              sizeof(__typeof__(In)), &weft_first_, sizeof weft_first_,   \
                              WEFT_OPENS_(stream, Acc),                                   \
                              (weft_receiver **)(void *)weft_out_);                       \
    }                                                                                     \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn(weft_rx(In) *weft_from_,            \
        __typeof__(Acc) weft_first_ WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__),             \
        weft_rx(Acc) *weft_out_)                                                          \
    {                                                                                     \
        return fn##_with(NULL, weft_from_, weft_first_,                                   \
                         WEFT_EACH_(WEFT_P_NAMEC_, ##__VA_ARGS__) weft_out_);             \
    }                                                                                     \
    WEFT_STEP_BODY_(fn, (__typeof__(Acc) *acc_, __typeof__(In) in_), ##__VA_ARGS__)

/* weft_take(WEFT_MOVE(rx), n, &out): the first n items. weft_skip: those after them. */
#define weft_take(source, n, out_rx)                                                      \
    weft_take_open(WEFT_SOURCE_(source), WEFT_SOURCE_SIZE_(source), n,                    \
                   WEFT_STREAM_OPTS_(source, "take"),                                     \
                   WEFT_RX_SLOT_(WEFT_RX_ELEM_(*(source)), out_rx))
#define weft_skip(source, n, out_rx)                                                      \
    weft_skip_open(WEFT_SOURCE_(source), WEFT_SOURCE_SIZE_(source), n,                    \
                   WEFT_STREAM_OPTS_(source, "skip"),                                     \
                   WEFT_RX_SLOT_(WEFT_RX_ELEM_(*(source)), out_rx))

#endif
#endif
