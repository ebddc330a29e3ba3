/* SPDX-License-Identifier: MIT */
/* Streams with tasks of their own: a buffer, and work on several items at once.
 *
 *     WEFT_RX(struct row, ready);                       // a boundary: the source runs ahead
 *     WEFT_TRY(weft_buffer(WEFT_MOVE(rows), 64, &ready));
 *
 *     WEFT_MAP_PARALLEL(thumbnail, struct image, out, struct image, in, (int, width))
 *     {
 *         return scale(&in, width, out);                // in several tasks at once
 *     }
 *     WEFT_TRY(thumbnail_with(WEFT_OPTS(parallel, .limit = 4), WEFT_MOVE(images), 128, &out));
 *
 * The tasks belong to the scope current where the stream was opened: they end with it at
 * the latest, and closing the receiver waits for them.
 */
#ifndef WEFT_STREAM_TASK_H
#define WEFT_STREAM_TASK_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/stream_step.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_buffer_opts {
    size_t size_;
    const char *name;             /* default "buffer"; not copied */
    size_t capacity;              /* items it holds; 0: 16 */
    void (*drop)(void *item);     /* default: the source's */
} weft_buffer_opts;

/* Opens a receiver of the items of source, which a task pulls ahead of it.
 *
 * The task begins at once and stops while the buffer is full. The receiver may have
 * several references, each item going to one of them, and is a case of select whatever
 * source is. An error of source comes after the items, once to each. The last reference's
 * close ends the task and source, waits for both, and returns source's teardown error.
 * source is consumed on every path; opts may be NULL. The receiver is the caller's to
 * drop, and is written by memcpy.
 *
 * Lines, which are lent, come in the blocks they were read in, without a copy: a line is
 * valid until the next receive from this receiver, as ever. It holds at most .capacity of
 * them, in blocks of 1 MiB together, beyond the one that is read and those that are given
 * from. With several references each line goes to one, and is valid until that one's next
 * receive; a select refuses them then (WEFT_ENOTSUP), and weft_ref is not for the time of
 * a receive from it. A filter of lines is no source, it goes above; what a step makes of a
 * line is one, as any items are, unless opts->lends_items said that they point into it.
 *
 * Select   a case, whatever source is
 * Waits    no, but for source's teardown when the open fails
 * From     a task or any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_ENOTSUP    source lends its items, and can't keep them
 *          WEFT_EMSGSIZE   elem_size is not the source's; WEFT_EINVAL for a NULL source      */
WEFT_API WEFT_MUST_CHECK int weft_buffer_open(weft_receiver *source, size_t elem_size,
                                              const weft_buffer_opts *opts,
                                              weft_receiver **out_rx);

typedef struct weft_parallel_opts {
    size_t size_;
    const char *name;             /* default: the name the definer gave; not copied */
    unsigned limit;               /* items in work or finished and not given; 0: 8 */
    bool unordered;               /* gives them as they are finished */
    void (*drop)(void *item);     /* for a result nobody receives; must not wait */
} weft_parallel_opts;

/* Opens a receiver of what step makes of each item, on up to opts->limit items at once.
 *
 * step is as weft_map_open's, but runs in several tasks, each with a clone of args: args
 * that can't be cloned need a limit of 1. Only one task at a time asks source. Results are
 * given in the order of the items; an error of a step comes after those of the items
 * before, or, unordered, at once. In order, those behind a slow one wait for it as soon as
 * opts->limit of them are finished: uneven work wants a limit of many times the CPUs.
 * Tasks begin at the first receive. An error of source's teardown is the stream's, after
 * the items; or, when it is closed before, the close's.
 *
 * Select   a case
 * Waits    no, but for source's teardown when the open fails
 * From     a task or any thread
 * Returns  as weft_map_open; WEFT_ENOTSUP: source lends its items                            */
WEFT_API WEFT_MUST_CHECK int weft_map_parallel_open(const weft_callable *step, void *args,
                                                    weft_receiver *source, size_t in_size,
                                                    size_t out_size,
                                                    const weft_parallel_opts *opts,
                                                    weft_receiver **out_rx);

/* Runs step on each item, in up to n_tasks tasks at once, and waits for all.
 *
 * step->enter(args, weft_step) owns its item and returns 0, or an error, which cancels the
 * others. Each task has a clone of args. source and what args owns are consumed on every
 * path.
 *
 * Waits    the task, or a plain thread, for the tasks and for source's teardown
 * Cancel   yes
 * From     a task or any thread
 * Returns  0
 *          the first error of: a step, source, its teardown
 *          WEFT_EMSGSIZE   in_size is not the source's
 *          WEFT_EINVAL     no source, or n_tasks is 0; WEFT_ENOMEM
 *          WEFT_ENOTSUP    source lends its items, to more than one task                     */
WEFT_API WEFT_MUST_CHECK int weft_for_each_run(const weft_callable *step, void *args,
                                               weft_receiver *source, size_t in_size,
                                               unsigned n_tasks);

#ifdef __cplusplus
}
#else

/* weft_buffer(WEFT_MOVE(rx), capacity, &out) */
#define weft_buffer(source, n, out_rx)                                                    \
    weft_buffer_open(WEFT_SOURCE_(source),                                                \
                     WEFT_SOURCE_SIZE_(source),                                           \
                     WEFT_OPTS(buffer, .capacity = n),                                    \
                     WEFT_RX_SLOT_(WEFT_RX_ELEM_(*(source)), out_rx))

/* WEFT_MAP_PARALLEL(fn, Out, out, In, in, parameters...) { *out = ...; return 0; }: as
 * WEFT_MAP, with a weft_parallel_opts; owned parameters are further references. */
#define WEFT_MAP_PARALLEL(fn, Out, out_, In, in_, ...)                                    \
    WEFT_KEEPS_(In)                                                                       \
    WEFT_KEEPS_(Out)                                                                      \
    WEFT_STEP_MAKES_WITH_(weft_parallel_opts, weft_opts_, weft_map_parallel_open, fn, Out, \
                          out_, In, in_, ##__VA_ARGS__)

/* WEFT_FOR_EACH(fn, T, item, parameters...) { ...; return 0; }: the body owns item. Defines
 *     int fn(unsigned n_tasks, weft_rx(T) *source, parameters...);                       */
#define WEFT_FOR_EACH(fn, T, item_, ...)                                                  \
    WEFT_KEEPS_(T)                                                                        \
    static int fn##_body_(__typeof__(T) item_ WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));  \
    WEFT_STEP_(fn, fn##_body_(*(const __typeof__(T) *)weft_step_->in                      \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__)   \
    WEFT_UNUSED_ WEFT_MUST_CHECK static inline int fn(unsigned weft_n_,                   \
        weft_rx(T) *weft_from_ WEFT_EACH_(WEFT_P_CTAKE_, ##__VA_ARGS__))                  \
    {                                                                                     \
        weft_receiver *weft_source_ = (weft_receiver *)weft_slot_take(weft_from_);        \
        WEFT_TAKE_ARGS_(fn, weft_half_drop(&weft_source_); return WEFT_EINVAL, ##__VA_ARGS__) \
        return weft_for_each_run(&fn##_callable_, &weft_args_, weft_source_,              \
                                 sizeof(__typeof__(T)), weft_n_);                         \
    }                                                                                     \
    WEFT_STEP_BODY_(fn, (__typeof__(T) item_), ##__VA_ARGS__)

#endif
#endif
