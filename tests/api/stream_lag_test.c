/* SPDX-License-Identifier: MIT
 * A source that tells of items that were missed, and goes on: a broadcast. Combinators pass that on,
 * in its place among the items, and go on, too. */
#include "wt_test.h"

#include <weft.h>

enum { CAPACITY = 4 };

static int send_all(weft_tx(int) tx, int first, int last)
{
    for (int n = first; n <= last; n++)
        WEFT_TRY(weft_send(tx, n));
    return 0;
}

/* Of 1 to 7 the first three are missed. */
static int open_lagging(weft_rx(int) * out_rx)
{
    WEFT_TX(int, tx);
    WEFT_TRY(weft_broadcast_open(&tx, out_rx, CAPACITY));
    WEFT_TRY(send_all(tx, 1, 7));
    return weft_end(tx, 0);
}

/* ---- one item of each ----------------------------------------------------------------------------- */

static int n_told, told_code, n_opened;

WEFT_MAP(same, int, out, int, n)
{
    *out = n;
    return 0;
}
WEFT_ON_END(told, int, code)
{
    n_told++;
    told_code = code;
    return code;
}
WEFT_CATCH(never_caught, int, code, out_rx)
{
    (void)out_rx;
    ck_abort_msg("caught %d", code);
    return code;
}
WEFT_RETRY(opened_once, int, out_rx)
{
    n_opened++;
    return open_lagging(out_rx);
}
WEFT_FLAT_MAP(the_rest, int, out_rx, int64_t, n) { return n == 0 ? open_lagging(out_rx) : 0; }

typedef weft_rx(int) * slot;

static int over_map(slot in, slot out) { return same(in, out); }
static int over_take(slot in, slot out) { return weft_take(in, 4, out); }
static int over_distinct(slot in, slot out) { return weft_distinct(in, out); }
static int over_chain(slot in, slot out) { return weft_chain(out, in); }
static int over_merge(slot in, slot out) { return weft_merge(out, in); }
static int over_throttle(slot in, slot out) { return weft_throttle(in, 1, out); }
static int over_timeout(slot in, slot out) { return weft_item_timeout(in, WEFT_SEC(1000), out); }
static int over_on_end(slot in, slot out) { return told(in, out); }
static int over_catch(slot in, slot out) { return never_caught(in, out); }
static int over_retry(slot in, slot out)
{
    WEFT_DROP(*in);
    return opened_once(out);
}
static int over_flat_map(slot in, slot out)
{
    WEFT_RX(int64_t, numbers);
    WEFT_DROP(*in);
    WEFT_TRY(weft_range(0, 2, 1, &numbers));
    return the_rest(WEFT_MOVE(numbers), out);
}

typedef int wrap(slot in, slot out);

static wrap *const wraps[] = { over_map,      over_take,     over_distinct, over_chain,
                               over_merge,    over_on_end,   over_catch,    over_retry,
                               over_flat_map, over_throttle, over_timeout };

static int one_each_main(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < sizeof wraps / sizeof wraps[0]; i++) {
        WEFT_RX(int, in);
        WEFT_RX(int, out);
        int n = 0;
        n_told = n_opened = 0;
        WEFT_TRY(open_lagging(&in));
        WEFT_TRY(wraps[i](&in, &out));
        ck_assert_int_eq(weft_recv(out, &n), WEFT_ELAGGED);
        for (int expected = 4; expected <= 7; expected++) {
            ck_assert_int_eq(n_told, 0);
            ck_assert_int_eq(weft_recv(out, &n), 1);
            ck_assert_int_eq(n, expected);
        }
        ck_assert_int_eq(weft_recv(out, &n), 0);
        ck_assert_int_eq(n_told, wraps[i] == over_on_end);
        ck_assert_int_eq(told_code, 0);
        ck_assert_int_eq(n_opened, wraps[i] == over_retry);
    }
    return 0;
}

WT_TEST(a_stream_goes_on_after_items_that_were_missed)
{
    ck_assert_int_eq(weft_run(one_each_main, NULL), 0);
}

/* ---- what holds items ------------------------------------------------------------------------------ */

struct batch {
    size_t n;
    int items[CAPACITY];
};
struct pair {
    int first;
    int64_t second;
};

/* Two were gathered before: they go first. */
static int chunks_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, in);
    WEFT_RX(struct batch, out);
    struct batch batch = { 0 };
    WEFT_TRY(weft_broadcast_open(&tx, &in, CAPACITY));
    WEFT_TRY(weft_chunks(WEFT_MOVE(in), &out));
    WEFT_TRY(send_all(tx, 1, 2));
    ck_assert_int_eq(weft_try_recv(out, &batch), WEFT_EAGAIN);
    WEFT_TRY(send_all(tx, 3, 9));
    WEFT_TRY(weft_end(tx, 0));
    ck_assert_int_eq(weft_recv(out, &batch), 1);
    ck_assert_uint_eq(batch.n, 2);
    ck_assert_int_eq(batch.items[1], 2);
    ck_assert_int_eq(weft_recv(out, &batch), WEFT_ELAGGED);
    ck_assert_int_eq(weft_error(out), WEFT_ELAGGED);
    ck_assert_int_eq(weft_recv(out, &batch), 1);
    ck_assert_uint_eq(batch.n, 4);
    ck_assert_int_eq(batch.items[0], 6);
    ck_assert_int_eq(weft_recv(out, &batch), 0);
    return 0;
}

WT_TEST(a_chunk_is_given_before_what_was_missed_is_told_and_others_follow)
{
    ck_assert_int_eq(weft_run(chunks_main, NULL), 0);
}

static int expired_receive(weft_rx(int) rx, int *out)
{
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
    return weft_recv(rx, out);
}

/* One was held when a receive was cancelled. */
static int debounce_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, in);
    WEFT_RX(int, out);
    int n = 0;
    WEFT_TRY(weft_broadcast_open(&tx, &in, CAPACITY));
    WEFT_TRY(weft_debounce(WEFT_MOVE(in), WEFT_SEC(1000), &out));
    WEFT_TRY(send_all(tx, 1, 2));
    ck_assert_int_eq(expired_receive(out, &n), WEFT_ECANCELED);
    WEFT_TRY(send_all(tx, 3, 9));
    WEFT_TRY(weft_end(tx, 0));
    ck_assert_int_eq(weft_recv(out, &n), 1);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(weft_recv(out, &n), WEFT_ELAGGED);
    ck_assert_int_eq(weft_recv(out, &n), 1);
    ck_assert_int_eq(n, 9);
    ck_assert_int_eq(weft_recv(out, &n), 0);
    return 0;
}

WT_TEST(so_is_the_newest) { ck_assert_int_eq(weft_run(debounce_main, NULL), 0); }

static int zip_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, in);
    WEFT_RX(int64_t, numbers);
    WEFT_RX(struct pair, out);
    struct pair pair = { 0, 0 };
    WEFT_TRY(open_lagging(&in));
    WEFT_TRY(weft_range(0, 100, 1, &numbers));
    WEFT_TRY(weft_zip(WEFT_MOVE(in), WEFT_MOVE(numbers), &out));
    ck_assert_int_eq(weft_recv(out, &pair), WEFT_ELAGGED);
    for (int n = 0; n < 4; n++) {
        ck_assert_int_eq(weft_recv(out, &pair), 1);
        ck_assert_int_eq(pair.first, n + 4);
        ck_assert_int_eq(pair.second, n);
    }
    ck_assert_int_eq(weft_recv(out, &pair), 0);
    return 0;
}

WT_TEST(a_zip_waits_for_the_next) { ck_assert_int_eq(weft_run(zip_main, NULL), 0); }

/* A fetch that says the same has failed. */
WEFT_PAGES(lagging_page, int, page)
{
    int n = 1;
    WEFT_TRY(weft_page_add(page, &n, sizeof n));
    return WEFT_ELAGGED;
}

static int page_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, out);
    int n = 0;
    WEFT_TRY(lagging_page(&out));
    ck_assert_int_eq(weft_recv(out, &n), 1);
    ck_assert_int_eq(weft_recv(out, &n), WEFT_ELAGGED);
    ck_assert_int_eq(weft_recv(out, &n), 0);
    return 0;
}

WT_TEST(a_page_that_says_so_is_the_last) { ck_assert_int_eq(weft_run(page_main, NULL), 0); }

WT_MAIN("api_stream_lag")
