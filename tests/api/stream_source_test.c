/* SPDX-License-Identifier: MIT
 * Sources without a task: arrays, ranges, pages. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#include "token.h"

#include "stream_items.h"

/* ---- array ------------------------------------------------------------------------------------ */

static int array_main(void *arg)
{
    (void)arg;
    static const int primes[] = { 2, 3, 5, 7, 11 };
    WEFT_RX(int, rx);
    int n_given = 0, n, rc;
    WEFT_TRY(weft_array(primes, 5, &rx));
    ck_assert_int_eq(weft_try_recv(rx, &n), 1);
    ck_assert_int_eq(n, primes[n_given++]);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(rx, &n)), 0);
    ck_assert_int_eq(n, primes[n_given++]);
    weft_each (m, rx)
        ck_assert_int_eq(m, primes[n_given++]);
    ck_assert_int_eq(n_given, 5);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(rx, &n)), 0);
    ck_assert_int_eq(rc, 0);
    return weft_error(rx);
}

WT_TEST(an_array_gives_its_items_in_order) { run_tokens(array_main); }

static int empty_array_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, rx);
    int n;
    WEFT_TRY(weft_array(NULL, 0, &rx));
    ck_assert_int_eq(weft_recv(rx, &n), 0);
    WEFT_DROP(rx);
    ck_assert_int_eq(weft_array(NULL, 1, &rx), WEFT_EINVAL);
    return 0;
}

WT_TEST(an_array_may_be_empty) { run_tokens(empty_array_main); }

static int owned_array_main(void *arg)
{
    (void)arg;
    struct token *items[4];
    WEFT_RX(struct token *, rx);
    struct token *token;
    for (int i = 0; i < 4; i++)
        items[i] = token_new(i);
    WEFT_TRY(weft_array_with(WEFT_OPTS(stream, .drop = token_drop), items, 4, &rx));
    ck_assert_int_eq(weft_recv(rx, &token), 1);
    ck_assert_int_eq(token_end(token), 0);
    return 0; /* the other three are dropped */
}

/* An array has none to drop itself; where the others' items go, those that are joined do. */
static int joined_main(void *arg)
{
    static struct token *const none[1];
    (void)arg;
    for (int i = 0; i < 2; i++) {
        WEFT_RX(struct token *, empty);
        WEFT_RX(struct token *, some);
        WEFT_RX(struct token *, all);
        WEFT_RX(struct token *, rest);
        int n = 0;
        WEFT_TRY(weft_array(none, 0, &empty));
        WEFT_TRY(open_ready_tokens(5, &some));
        WEFT_TRY(i == 0 ? weft_chain(&all, WEFT_MOVE(empty), WEFT_MOVE(some))
                        : weft_merge(&all, WEFT_MOVE(empty), WEFT_MOVE(some)));
        WEFT_TRY(weft_skip(WEFT_MOVE(all), 3, &rest));
        weft_each (token, rest)
            n += token_end(token);
        ck_assert_int_eq(n, 9);
    }
    return 0;
}

WT_TEST(who_joins_an_array_to_others_drops_as_they_do) { run_tokens(joined_main); }

WT_TEST(an_array_may_own_its_items) { run_tokens(owned_array_main); }

/* ---- range ------------------------------------------------------------------------------------ */

static int count(int64_t from, int64_t end, int64_t step)
{
    WEFT_RX(int64_t, rx);
    int64_t expected = from;
    int n_given = 0;
    ck_assert_int_eq(weft_range(from, end, step, &rx), 0);
    weft_each (n, rx) {
        ck_assert_int_eq(n, expected);
        expected = (int64_t)((uint64_t)expected + (uint64_t)step);
        n_given++;
    }
    return n_given;
}

static int range_main(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, rx);
    ck_assert_int_eq(count(0, 10, 1), 10);
    ck_assert_int_eq(count(0, 10, 3), 4);
    ck_assert_int_eq(count(10, 0, -1), 10);
    ck_assert_int_eq(count(10, 0, -3), 4);
    ck_assert_int_eq(count(10, 10, 1), 0);
    ck_assert_int_eq(count(10, 0, 1), 0);
    ck_assert_int_eq(count(0, 10, -1), 0);
    ck_assert_int_eq(count(INT64_MAX - 2, INT64_MAX, 1), 2);
    ck_assert_int_eq(count(INT64_MIN, INT64_MAX, INT64_MAX), 3);
    ck_assert_int_eq(count(INT64_MAX, INT64_MIN, INT64_MIN), 2);
    ck_assert_int_eq(weft_range(0, 10, 0, &rx), WEFT_EINVAL);
    return 0;
}

WT_TEST(a_range_counts_either_way_and_does_not_overflow) { run_tokens(range_main); }

/* ---- pages ------------------------------------------------------------------------------------ */

static int n_fetched;

/* Pages of `size` tokens, every third page empty; the last one is number last. */
WEFT_PAGES(token_pages, struct token *, page, (int, size), (uint64_t, last), (int, code))
{
    n_fetched++;
    WEFT_TRY(weft_sleep(WEFT_US(10)));
    for (int i = 0; page->number % 3 != 2 && i < size; i++) {
        struct token *token = token_new((int)++page->cursor);
        int rc = weft_page_add(page, &token, sizeof token);
        if (rc < 0) {
            token_end(token);
            return rc;
        }
    }
    return page->number < last ? 1 : code;
}

static int pages_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, rx);
    struct token *token;
    int expected = 0;
    n_fetched = 0;
    WEFT_TRY(token_pages_with(WEFT_OPTS(stream, .drop = token_drop), 20, 4, -EIO, &rx));
    ck_assert_int_eq(n_fetched, 0); /* on demand */
    weft_each (t, rx) {
        ck_assert_int_eq(token_end(t), ++expected);
        ck_assert_int_eq(n_fetched, (expected - 1) / 20 + 1 + (expected > 40));
    }
    ck_assert_int_eq(expected, 80);
    ck_assert_int_eq(weft_error(rx), -EIO);
    ck_assert_int_eq(weft_recv(rx, &token), 0);
    return 0;
}

WT_TEST(pages_are_fetched_one_by_one_and_their_error_comes_last) { run_tokens(pages_main); }

static int left_pages_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, rx);
    struct token *token;
    WEFT_TRY(token_pages_with(WEFT_OPTS(stream, .drop = token_drop), 5, 4, 0, &rx));
    ck_assert_int_eq(weft_recv(rx, &token), 1);
    ck_assert_int_eq(token_end(token), 1);
    return 0;
}

WT_TEST(what_is_left_of_a_page_is_dropped) { run_tokens(left_pages_main); }

static int cancelled_pages_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, rx);
    struct token *token;
    WEFT_TRY(token_pages_with(WEFT_OPTS(stream, .drop = token_drop), 5, 4, 0, &rx));
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_US(3));
        ck_assert_int_eq(weft_recv(rx, &token), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    ck_assert_int_eq(weft_recv(rx, &token), 1); /* the same page again */
    ck_assert_int_eq(token_end(token), 1);
    return 0;
}

WT_TEST(a_page_whose_fetch_was_cancelled_is_fetched_again) { run_tokens(cancelled_pages_main); }

/* It goes on behind the last item that it has added, and waits before each. */
WEFT_PAGES(rows_behind, struct token *, page)
{
    while (page->cursor < 3) {
        WEFT_TRY(weft_pause());
        struct token *token = token_new((int)page->cursor + 1);
        WEFT_TRY(weft_page_add(page, &token, sizeof token));
        page->cursor++;
    }
    return 0;
}

WEFT_TASK(cancel_after, (weft_scope *, scope), (int, n_pauses))
{
    while (n_pauses-- > 0)
        WEFT_TRY(weft_pause());
    weft_cancel(scope, WEFT_ECANCELED, "a test");
    return 0;
}

static int cursor_main(void *arg)
{
    (void)arg;
    for (int n_pauses = 0; n_pauses < 6; n_pauses++) {
        WEFT_RX(struct token *, rx);
        struct token *token;
        int n = 0;
        WEFT_TRY(rows_behind_with(WEFT_OPTS(stream, .drop = token_drop), &rx));
        {
            WEFT_SCOPE(scope);
            WEFT_TRY(weft_spawn(&scope, cancel_after, &scope, n_pauses));
            if (weft_recv(rx, &token) == 1)
                ck_assert_int_eq(token_end(token), ++n);
        }
        weft_each (item, rx)
            ck_assert_int_eq(token_end(item), ++n);
        ck_assert_int_eq(n, 3);
    }
    return 0;
}

WT_TEST(and_from_the_cursor_that_it_began_with) { run_tokens(cursor_main); }

WT_MAIN("api_stream_source")
