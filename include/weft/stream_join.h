/* SPDX-License-Identifier: MIT */
/* Combinators that bring items or streams together, in the consumer's own task.
 *
 *     struct numbered { uint64_t index; weft_line item; };
 *     WEFT_RX(struct numbered, numbered);
 *     WEFT_TRY(weft_enumerate(WEFT_MOVE(lines), &numbered));
 *
 *     struct batch { size_t n; struct row items[100]; };
 *     WEFT_RX(struct batch, batches);
 *     WEFT_TRY(weft_chunks(WEFT_MOVE(rows), &batches));
 *
 *     WEFT_RX(int, all);
 *     WEFT_TRY(weft_merge(&all, WEFT_MOVE(left), WEFT_MOVE(right)));
 *
 * What is made of several values is a struct of yours: the members are found by their
 * names (index and item; first and second; n and items) and their types are checked. When
 * the items own something, give the last stage that may drop a struct whole a .drop.
 */
#ifndef WEFT_STREAM_JOIN_H
#define WEFT_STREAM_JOIN_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/stream_step.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where two values lie in a struct of `size` bytes. */
typedef struct weft_pair_layout {
    size_t first, second, size;
} weft_pair_layout;

/* Where a size_t and an array of capacity items lie in a struct of `size` bytes. */
typedef struct weft_chunk_layout {
    size_t n, items, capacity, size;
} weft_chunk_layout;

/* Opens a receiver of each item with its number, a uint64_t that begins at 0.
 *
 * The number lies at out.first, the item at out.second. source is consumed on every path;
 * opts may be NULL. The receiver is the caller's to drop, and is written by memcpy.
 *
 * Select   a case, if source is one
 * Waits    no, but for source's teardown when the open fails
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EMSGSIZE   elem_size is not the source's; WEFT_EINVAL for a NULL source      */
WEFT_API WEFT_MUST_CHECK int weft_enumerate_open(weft_receiver *source, size_t elem_size,
                                                 weft_pair_layout out,
                                                 const weft_stream_opts *opts,
                                                 weft_receiver **out_rx);

/* Opens a receiver of each item with the one before it; a single item gives no pair.
 *
 * An item that has a drop is given twice by opts->clone, and so is one of a pair that has
 * one: opts->drop. What is in no pair yet goes where the source's unwanted items go.
 *
 * Select   a case, if source is one
 * Waits, From    as weft_enumerate_open
 * Returns  as weft_enumerate_open; WEFT_EINVAL without the clone that it needs;
 *          WEFT_ENOTSUP    source lends its items                                            */
WEFT_API WEFT_MUST_CHECK int weft_pairwise_open(weft_receiver *source, size_t elem_size,
                                                weft_pair_layout out,
                                                const weft_stream_opts *opts,
                                                weft_receiver **out_rx);

/* Opens a receiver of an item of one source with one of another.
 *
 * It ends when one of them ends: the other is closed, and an item without a partner is
 * dropped. So it is with an error. Both are consumed on every path.
 *
 * Select   a case, if both sources are
 * Waits, From, Returns    as weft_enumerate_open                                             */
WEFT_API WEFT_MUST_CHECK int weft_zip_open(weft_receiver *first, size_t first_size,
                                           weft_receiver *second, size_t second_size,
                                           weft_pair_layout out, const weft_stream_opts *opts,
                                           weft_receiver **out_rx);

/* Opens a receiver of arrays of items: full ones, but for the last.
 *
 * With d_ns > 0 one is given, however full, when so much time has passed since its first
 * item came; source must then be one that select takes. An error comes after the items.
 *
 * Select   a case, if source is one and d_ns is 0
 * Waits, From    as weft_enumerate_open
 * Returns  as weft_enumerate_open
 *          WEFT_ENOTSUP    source lends its items; or d_ns is set, and source may wait
 *                          inside: weft_buffer goes before                                   */
WEFT_API WEFT_MUST_CHECK int weft_chunks_open(weft_receiver *source, size_t elem_size,
                                              weft_chunk_layout out, int64_t d_ns,
                                              const weft_stream_opts *opts,
                                              weft_receiver **out_rx);

/* Opens a receiver of those items that are not the same as the one before them.
 *
 * step->enter(args, weft_step) has the item that was given last at in and the next at out,
 * and returns 1 if they are the same, 0 if not, or an error. NULL: the bytes decide. An
 * item that has a drop is kept by opts->clone. source and what args owns are consumed.
 *
 * Select   a case, if source is one; with a step, only with opts->never_waits
 * Waits, From    as weft_enumerate_open
 * Returns  as weft_enumerate_open; WEFT_EINVAL without the clone that it needs;
 *          WEFT_ENOTSUP    source lends its items                                            */
WEFT_API WEFT_MUST_CHECK int weft_distinct_open(const weft_callable *step, void *args,
                                                weft_receiver *source, size_t elem_size,
                                                const weft_stream_opts *opts,
                                                weft_receiver **out_rx);

/* Opens a receiver of all items of each of n sources, one source after the other.
 *
 * slots is an array of the addresses of n handles, which are emptied on every path. A
 * source is closed before the next is asked. An error ends it all. An unwanted item goes to
 * opts->drop, or where those of the first source go that says where.
 *
 * Select   a case, if all sources are
 * Waits, From    as weft_enumerate_open
 * Returns  as weft_enumerate_open; WEFT_EINVAL for no source                                 */
WEFT_API WEFT_MUST_CHECK int weft_chain_open(const void *slots, size_t n, size_t elem_size,
                                             const weft_stream_opts *opts,
                                             weft_receiver **out_rx);

/* Opens a receiver of the items of n sources as they come.
 *
 * Of several that are ready each is as likely as the next. It ends when all have ended; an
 * error of one closes the others at once. Each must be one that select takes.
 *
 * Select   no case: weft_buffer makes one of it
 * Waits, From    as weft_chain_open
 * Returns  as weft_chain_open
 *          WEFT_ENOTSUP    one may wait inside: weft_buffer goes before it                   */
WEFT_API WEFT_MUST_CHECK int weft_merge_open(const void *slots, size_t n, size_t elem_size,
                                             const weft_stream_opts *opts,
                                             weft_receiver **out_rx);

/* Opens a receiver of all items of the streams that step opens, one for each item.
 *
 * step->enter(args, weft_step) owns its item, writes a receiver or NULL (nothing comes of
 * this one) to out by memcpy, and returns 0 or an error. An error of such a stream ends
 * the whole. What it opens belongs to the scope that the whole was opened in, if the receive
 * is in that, and else to the receive's own. The rest: weft_map_open.
 *
 * Select   no case: weft_buffer makes one of it
 * Waits, From, Returns    as weft_map_open                                                   */
WEFT_API WEFT_MUST_CHECK int weft_flat_map_open(const weft_callable *step, void *args,
                                                weft_receiver *source, size_t in_size,
                                                size_t out_size, const weft_stream_opts *opts,
                                                weft_receiver **out_rx);

#ifdef __cplusplus
}
#else

/* weft_enumerate(WEFT_MOVE(rx), &out): out's struct has uint64_t index and T item. */
#define weft_enumerate(source, out_rx)                                                    \
    weft_enumerate_open(WEFT_SOURCE_(source), WEFT_SOURCE_SIZE_(source),                  \
        WEFT_PAIR_(WEFT_RX_ELEM_(*(out_rx)), index, uint64_t, item,                       \
                   WEFT_RX_ELEM_(*(source))),                                             \
        WEFT_STREAM_OPTS_(source, "enumerate"), WEFT_ANY_RX_SLOT_(out_rx))

/* weft_pairwise(WEFT_MOVE(rx), &out): out's struct has T first and T second. */
#define weft_pairwise(source, out_rx) weft_pairwise_with(NULL, source, out_rx)
#define weft_pairwise_with(opts, source, out_rx)                                          \
    weft_pairwise_open(WEFT_SOURCE_(source),                                              \
        WEFT_SOURCE_SIZE_(source) + WEFT_NOT_LENT_(source),                               \
        WEFT_PAIR_(WEFT_RX_ELEM_(*(out_rx)), first, WEFT_RX_ELEM_(*(source)), second,     \
                   WEFT_RX_ELEM_(*(source))),                                             \
        opts, WEFT_ANY_RX_SLOT_(out_rx))

/* weft_zip(WEFT_MOVE(a), WEFT_MOVE(b), &out): out's struct has A first and B second. */
#define weft_zip(one, other, out_rx)                                                      \
    weft_zip_open(WEFT_SOURCE_(one), WEFT_SOURCE_SIZE_(one), WEFT_SOURCE_(other),         \
        WEFT_SOURCE_SIZE_(other),                                                         \
        WEFT_PAIR_(WEFT_RX_ELEM_(*(out_rx)), first, WEFT_RX_ELEM_(*(one)), second,        \
                   WEFT_RX_ELEM_(*(other))),                                              \
        NULL, WEFT_ANY_RX_SLOT_(out_rx))

/* weft_chunks(WEFT_MOVE(rx), &out): out's struct has size_t n and T items[capacity].
 * weft_chunks_timed(WEFT_MOVE(rx), d_ns, &out): and none waits for longer. */
#define weft_chunks(source, out_rx) weft_chunks_timed(source, 0, out_rx)
#define weft_chunks_timed(source, d_ns, out_rx)                                           \
    weft_chunks_open(WEFT_SOURCE_(source),                                                \
        WEFT_SOURCE_SIZE_(source) + WEFT_NOT_LENT_(source),                               \
        WEFT_CHUNK_(WEFT_RX_ELEM_(*(out_rx)), WEFT_RX_ELEM_(*(source))), d_ns, NULL,      \
        WEFT_ANY_RX_SLOT_(out_rx))

/* weft_distinct(WEFT_MOVE(rx), &out): drops an item with the same bytes as the last one. */
#define weft_distinct(source, out_rx)                                                     \
    weft_distinct_open(NULL, NULL, WEFT_SOURCE_(source),                                  \
        WEFT_SOURCE_SIZE_(source) + WEFT_NOT_LENT_(source), NULL,                         \
        WEFT_RX_SLOT_(WEFT_RX_ELEM_(*(source)), out_rx))

/* WEFT_DISTINCT(fn, T, last, next, parameters...) { return are_the_same; } */
#define WEFT_DISTINCT(fn, T, last_, next_, ...)                                           \
    WEFT_KEEPS_(T)                                                                        \
    static int fn##_body_(__typeof__(T) last_, __typeof__(T) next_                        \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));                      \
    WEFT_STEP_(fn, fn##_body_(*(const __typeof__(T) *)weft_step_->in,                     \
                              *(const __typeof__(T) *)weft_step_->out                     \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__)   \
    WEFT_STEP_OPENERS_(fn, T, T,                                                          \
        weft_distinct_open(&fn##_callable_, &weft_args_, weft_source_,                    \
                           sizeof(__typeof__(T)), weft_opts_,                             \
                           (weft_receiver **)(void *)weft_out_), ##__VA_ARGS__)           \
    WEFT_STEP_BODY_(fn, (__typeof__(T) last_, __typeof__(T) next_), ##__VA_ARGS__)

/* weft_chain(&out, WEFT_MOVE(a), WEFT_MOVE(b), ...) and weft_merge(&out, ...): as many
 * sources of out's type as you like. */
#define weft_chain(out_rx, ...)                                                           \
    weft_chain_open(WEFT_SOURCES_(out_rx, __VA_ARGS__),                                   \
                    sizeof(WEFT_RX_ELEM_(*(out_rx))),                                     \
                    WEFT_STREAM_OPTS_(out_rx, "chain"), WEFT_ANY_RX_SLOT_(out_rx))
#define weft_merge(out_rx, ...)                                                           \
    weft_merge_open(WEFT_SOURCES_(out_rx, __VA_ARGS__),                                   \
                    sizeof(WEFT_RX_ELEM_(*(out_rx))),                                     \
                    WEFT_STREAM_OPTS_(out_rx, "merge"), WEFT_ANY_RX_SLOT_(out_rx))

/* WEFT_FLAT_MAP(fn, Out, out_rx, In, in, parameters...) { return opener(..., out_rx); }:
 * the body owns in, and opens *out_rx, a weft_rx(Out), or leaves it NULL. */
#define WEFT_FLAT_MAP(fn, Out, out_, In, in_, ...)                                        \
    static int fn##_body_(weft_rx(Out) *out_, __typeof__(In) in_                          \
                          WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));                      \
    WEFT_STEP_(fn, WEFT_OPENED_(Out, fn##_body_(&weft_inner_,                             \
                                                *(const __typeof__(In) *)weft_step_->in   \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__))), ##__VA_ARGS__)  \
    WEFT_STEP_OPENERS_(fn, In, Out,                                                       \
        weft_flat_map_open(&fn##_callable_, &weft_args_, weft_source_,                    \
            sizeof(__typeof__(In)), sizeof(__typeof__(Out)),                              \
            WEFT_OPENS_(stream, Out),                                                     \
            (weft_receiver **)(void *)weft_out_), ##__VA_ARGS__)                          \
    WEFT_STEP_BODY_(fn, (weft_rx(Out) *out_, __typeof__(In) in_), ##__VA_ARGS__)

#endif
#endif
