/* SPDX-License-Identifier: MIT */
/* Sources without a task: an array, a range of numbers, the pages of a service.
 *
 *     static const int primes[] = { 2, 3, 5, 7 };
 *     WEFT_RX(int, rx);
 *     WEFT_TRY(weft_array(primes, 4, &rx));
 *
 *     WEFT_PAGES(users, struct user, page, (database *, db))     // 1: there are more
 *     {
 *         struct user user;
 *         WEFT_TRY(query_page(db, page->number));
 *         while (next_row(db, &user))
 *             WEFT_TRY(weft_page_add(page, &user, sizeof user));
 *         return has_more(db);
 *     }
 *     WEFT_TRY(users(db, &rx));
 *
 * Other sources: a channel (chan.h), a generator or an iterator (generator.h), a timer
 * (time.h), the lines of a file (line.h).
 */
#ifndef WEFT_STREAM_SOURCE_H
#define WEFT_STREAM_SOURCE_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/stream_step.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Opens a receiver of the n items at items, which stay there as long as it is open.
 *
 * They are copied out one by one. With opts->drop the stream owns what they own: those
 * that nobody received are dropped at the close. opts may be NULL.
 * The receiver is the caller's to drop, and is written by memcpy.
 *
 * Select   a case
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM, and WEFT_EINVAL for NULL items: what they own is the caller's still */
WEFT_API WEFT_MUST_CHECK int weft_array_open(const void *items, size_t n, size_t elem_size,
                                             const weft_stream_opts *opts,
                                             weft_receiver **out_rx);

/* Opens a receiver of int64_t: from, from + step, ... up to end, which is not among them.
 *
 * Select   a case
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EINVAL     step is 0                                                       */
WEFT_API WEFT_MUST_CHECK int weft_range_open(int64_t from, int64_t end, int64_t step,
                                             weft_receiver **out_rx);

/* What the body of a WEFT_PAGES fills. */
typedef struct weft_page {
    uint64_t number;      /* 0 for the first page, then 1 ... */
    uint64_t cursor;      /* the body's own, kept from page to page; 0 at first */
    void *opaque_;
} weft_page;

/* Puts one item, a copy of *item, at the end of the page.
 *
 * Waits    no
 * From     the body that was given the page
 * Returns  0: the page owns the item
 *          WEFT_ENOMEM, and WEFT_EMSGSIZE for a size not the element's: it is the caller's   */
WEFT_API WEFT_MUST_CHECK int weft_page_add(weft_page *page, const void *item, size_t size);

/* Opens a receiver of the items of the pages that step fills, one page at a time.
 *
 * step->enter(args, weft_step) gets the weft_page as out, and returns 1 when there is
 * another page after this one, 0 when it was the last, or an error that ends the stream
 * after what the page holds. It is called when all items of the page before were received.
 * Of one that was cancelled (WEFT_ECANCELED) the items are dropped, and the same page is
 * asked for again, number and cursor being as before. args is copied; what it owns is
 * consumed on every path. opts->drop ends items that nobody received.
 *
 * Select   a case with opts->never_waits
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM                                                                      */
WEFT_API WEFT_MUST_CHECK int weft_pages_open(const weft_callable *step, void *args,
                                             size_t elem_size, const weft_stream_opts *opts,
                                             weft_receiver **out_rx);

#ifdef __cplusplus
}
#else

/* weft_array(items, n, &rx): items points at n of rx's elements. */
#define weft_array(items, n, out_rx)                                                      \
    weft_array_open((const WEFT_RX_ELEM_(*(out_rx)) *){ items }, n,                       \
                    sizeof(WEFT_RX_ELEM_(*(out_rx))), NULL,                               \
                    WEFT_RX_SLOT_(WEFT_RX_ELEM_(*(out_rx)), out_rx))

/* weft_array_with(opts, items, n, &rx): with .drop the items are the stream's. */
#define weft_array_with(opts, items, n, out_rx)                                           \
    weft_array_open((const WEFT_RX_ELEM_(*(out_rx)) *){ items }, n,                       \
                    sizeof(WEFT_RX_ELEM_(*(out_rx))), opts,                               \
                    WEFT_RX_SLOT_(WEFT_RX_ELEM_(*(out_rx)), out_rx))

/* weft_range(from, end, step, &rx): rx is a weft_rx(int64_t). */
#define weft_range(from, end, step, out_rx) \
    weft_range_open(from, end, step, WEFT_RX_SLOT_(int64_t, out_rx))

/* WEFT_PAGES(fn, T, page, parameters...) { ...; return is_more; }: the body fills page, a
 * weft_page *. Defines
 *     int fn(parameters..., weft_rx(T) *out_rx);
 *     int fn_with(const weft_stream_opts *opts, parameters..., weft_rx(T) *out_rx); */
#define WEFT_PAGES(fn, T, page_, ...)                                                     \
    static int fn##_body_(weft_page *page_ WEFT_EACH_(WEFT_P_BODYC_, ##__VA_ARGS__));     \
    WEFT_STEP_(fn, fn##_body_((weft_page *)weft_step_->out                                \
                              WEFT_EACH_(WEFT_P_PASSC_, ##__VA_ARGS__)), ##__VA_ARGS__)   \
    WEFT_STEP_SOURCE_(fn, T, fn##_with, WEFT_OPENS_(stream, T),                           \
                      (const weft_stream_opts *weft_opts_, ),                             \
                      weft_pages_open, ##__VA_ARGS__)                                     \
    WEFT_STEP_SOURCE_(fn, T, fn, WEFT_OPTS(stream, .lends_items = WEFT_IS_LENT_(T)), (),  \
                      weft_pages_open, ##__VA_ARGS__)                                     \
    WEFT_STEP_BODY_(fn, (weft_page *page_), ##__VA_ARGS__)

#endif
#endif
