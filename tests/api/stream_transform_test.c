/* SPDX-License-Identifier: MIT
 * filter_map, take_while, drop_while, skip, scan: what each does with its items, where it ends, and
 * that each item is consumed or dropped once. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#include "token.h"

#include "stream_items.h"

/* ---- filter_map ------------------------------------------------------------------------------- */

WEFT_FILTER_MAP(halves, int, out, struct token *, token, (int, fail_at))
{
    int n = token_end(token);
    *out = n / 2;
    return n == fail_at ? -EDOM : n % 2 == 0;
}

static int filter_map_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(int, numbers);
    int expected = 0;
    WEFT_TRY(open_tokens(9, -EIO, &source));
    WEFT_TRY(halves(WEFT_MOVE(source), 0, &numbers));
    weft_each (n, numbers)
        ck_assert_int_eq(n, ++expected);
    ck_assert_int_eq(expected, 4);
    ck_assert_int_eq(weft_error(numbers), -EIO);
    return 0;
}

WT_TEST(filter_map_gives_what_a_step_makes_of_some) { run_tokens(filter_map_main); }

static int filter_map_error_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(int, numbers);
    int n = 7;
    WEFT_TRY(open_tokens(9, 0, &source));
    WEFT_TRY(halves(WEFT_MOVE(source), 1, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), -EDOM);
    ck_assert_int_eq(n, 7);
    ck_assert_int_eq(weft_recv(numbers, &n), 0);
    return 0;
}

WT_TEST(filter_map_ends_with_an_error_of_its_step) { run_tokens(filter_map_error_main); }

/* ---- take_while, drop_while ------------------------------------------------------------------- */

WEFT_TAKE_WHILE(up_to, struct token *, token, (int, last), (int, fail_at))
{
    return token->n == fail_at ? -EDOM : token->n <= last;
}

static int take_while_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, few);
    struct token *token;
    int expected = 0;
    WEFT_TRY(open_tokens(20, 0, &source));
    WEFT_TRY(up_to(WEFT_MOVE(source), 3, 0, &few));
    weft_each (t, few)
        ck_assert_int_eq(token_end(t), ++expected);
    ck_assert_int_eq(expected, 3);
    ck_assert_int_eq(atomic_load(&n_pulled), 4); /* consumed, and no more asked for */
    ck_assert_int_eq(atomic_load(&n_source_ended), 1);
    ck_assert_int_eq(weft_recv(few, &token), 0);
    return weft_error(few);
}

WT_TEST(take_while_consumes_the_item_that_fails) { run_tokens(take_while_main); }

static int take_while_error_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, few);
    struct token *token;
    WEFT_TRY(open_tokens(20, 0, &source));
    WEFT_TRY(up_to(WEFT_MOVE(source), 3, 1, &few));
    ck_assert_int_eq(weft_recv(few, &token), -EDOM);
    ck_assert_int_eq(weft_recv(few, &token), 0);
    return 0;
}

WT_TEST(take_while_ends_with_an_error_of_its_step) { run_tokens(take_while_error_main); }

WEFT_DROP_WHILE(below, struct token *, token, (int, first), (int, fail_at))
{
    ck_assert_int_le(token->n, first); /* not asked again */
    return token->n == fail_at ? -EDOM : token->n < first;
}

static int drop_while_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, rest);
    int expected = 4;
    WEFT_TRY(open_tokens(7, -EIO, &source));
    WEFT_TRY(below(WEFT_MOVE(source), 5, 0, &rest));
    weft_each (token, rest)
        ck_assert_int_eq(token_end(token), ++expected);
    ck_assert_int_eq(expected, 7);
    ck_assert_int_eq(weft_error(rest), -EIO);
    return 0;
}

WT_TEST(drop_while_drops_the_first_ones) { run_tokens(drop_while_main); }

static int drop_while_error_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, rest);
    struct token *token;
    WEFT_TRY(open_tokens(7, 0, &source));
    WEFT_TRY(below(WEFT_MOVE(source), 5, 2, &rest));
    ck_assert_int_eq(weft_recv(rest, &token), -EDOM);
    ck_assert_int_eq(weft_recv(rest, &token), 0);
    return 0;
}

WT_TEST(drop_while_ends_with_an_error_of_its_step) { run_tokens(drop_while_error_main); }

/* ---- skip --------------------------------------------------------------------------------------- */

static int skip_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, rest);
    WEFT_RX(struct token *, two);
    int expected = 3;
    WEFT_TRY(open_tokens(20, 0, &source));
    WEFT_TRY(weft_skip(WEFT_MOVE(source), 3, &rest));
    WEFT_TRY(weft_take(WEFT_MOVE(rest), 2, &two));
    weft_each (token, two)
        ck_assert_int_eq(token_end(token), ++expected);
    ck_assert_int_eq(expected, 5);
    ck_assert_int_eq(atomic_load(&n_pulled), 5);
    return weft_error(two);
}

WT_TEST(skip_drops_the_first_n) { run_tokens(skip_main); }

static int skip_all_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, rest);
    struct token *token;
    WEFT_TRY(open_tokens(3, -EIO, &source));
    WEFT_TRY(weft_skip(WEFT_MOVE(source), 10, &rest));
    ck_assert_int_eq(weft_recv(rest, &token), -EIO);
    ck_assert_int_eq(weft_recv(rest, &token), 0);
    return 0;
}

WT_TEST(skipping_more_than_there_are_gives_the_end) { run_tokens(skip_all_main); }

/* ---- scan --------------------------------------------------------------------------------------- */

WEFT_SCAN(running_sum, int, sum, struct token *, token, (int, factor))
{
    int n = token_end(token);
    *sum += n * factor;
    return n == 5 ? -EDOM : 0;
}

static int scan_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(int, sums);
    int expected = 100, n_sums = 0;
    WEFT_TRY(open_tokens(9, 0, &source));
    WEFT_TRY(running_sum(WEFT_MOVE(source), 100, 2, &sums));
    weft_each (sum, sums)
        ck_assert_int_eq(sum, expected += 2 * ++n_sums);
    ck_assert_int_eq(n_sums, 4);
    ck_assert_int_eq(weft_error(sums), -EDOM);
    return 0;
}

WT_TEST(scan_gives_the_value_after_each_item) { run_tokens(scan_main); }

WEFT_SCAN(larger_of, struct token *, kept, struct token *, token)
{
    (*kept)->n += token_end(token);
    return 0;
}

static int owned_scan_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, sums);
    struct token *token;
    WEFT_TRY(open_tokens(9, 0, &source));
    ck_assert_int_eq(larger_of_with(WEFT_OPTS(stream, .drop = token_drop), WEFT_MOVE(source),
                                    token_new(0), &sums),
                     WEFT_EINVAL);
    WEFT_TRY(open_tokens(9, 0, &source));
    WEFT_TRY(larger_of_with(WEFT_OPTS(stream, .drop = token_drop, .clone = token_clone),
                            WEFT_MOVE(source), token_new(0), &sums));
    for (int n = 1, sum = 1; n < 5; n++, sum += n) {
        ck_assert_int_eq(weft_recv(sums, &token), 1);
        ck_assert_int_eq(token_end(token), sum);
    }
    return 0;
}

WT_TEST(scan_clones_a_value_that_owns_something) { run_tokens(owned_scan_main); }

/* ---- by select ---------------------------------------------------------------------------------- */

static int pulled_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, some);
    WEFT_RX(struct token *, few);
    WEFT_RX(struct token *, rest);
    struct token *token;
    const weft_stream_opts pulled = { .never_waits = true };
    int rc, expected = 4;
    WEFT_TRY(open_ready_tokens(20, &source));
    WEFT_TRY(weft_skip(WEFT_MOVE(source), 2, &some));
    WEFT_TRY(below_with(&pulled, WEFT_MOVE(some), 5, 0, &rest));
    WEFT_TRY(up_to_with(&pulled, WEFT_MOVE(rest), 8, 0, &few));
    for (;;) {
        ck_assert_int_eq(weft_select(&rc, weft_on_recv(few, &token)), 0);
        if (rc <= 0)
            break;
        ck_assert_int_eq(token_end(token), ++expected);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(expected, 8);
    return 0;
}

WT_TEST(select_pulls_what_never_waits) { run_tokens(pulled_main); }

/* ---- cancel ------------------------------------------------------------------------------------- */

WEFT_FILTER(nothing, int64_t, n, (weft_scope *, scope))
{
    if (n == 1000)
        weft_scope_cancel(scope);
    return 0;
}

static int endless_main(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, numbers);
    WEFT_RX(int64_t, none);
    int64_t n;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_range(0, INT64_MAX, 1, &numbers));
    WEFT_TRY(nothing(WEFT_MOVE(numbers), &scope, &none));
    ck_assert_int_eq(weft_recv(none, &n), WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_filter_that_finds_nothing_can_be_cancelled) { run_tokens(endless_main); }

WT_MAIN("api_stream_transform")
