/* SPDX-License-Identifier: MIT
 * Adjacent combinators, which run as one loop: nothing happens before it is asked for, and each
 * item outlives the stage that is closed below it. */
#include "wt_test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>

#include "token.h"

#include "stream_items.h"

/* ---- the order of what happens ------------------------------------------------------------------ */

static char trace[256];

static void note(char what, int n)
{
    size_t used = strlen(trace);
    snprintf(trace + used, sizeof trace - used, "%c%d ", what, n);
}

WEFT_MAP(noted, int, out, int, n)
{
    note('m', n);
    *out = n;
    return 0;
}
WEFT_FILTER(noted_odd, int, n)
{
    note('f', n);
    return n % 2;
}
WEFT_FILTER_MAP(noted_half, int, out, int, n)
{
    note('h', n);
    *out = n / 2;
    return n > 1;
}

enum { N_NUMBERS = 8 };
static const int numbers[N_NUMBERS] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static int order_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, a);
    WEFT_RX(int, b);
    int n;
    trace[0] = '\0';
    WEFT_TRY(weft_array(numbers, N_NUMBERS, &a));
    WEFT_TRY(noted(WEFT_MOVE(a), &b));
    WEFT_TRY(noted_odd(WEFT_MOVE(b), &a));
    WEFT_TRY(noted_half(WEFT_MOVE(a), &b));
    WEFT_TRY(weft_take(WEFT_MOVE(b), 2, &a));
    ck_assert_str_eq(trace, "");
    ck_assert_int_eq(weft_recv(a, &n), 1);
    ck_assert_str_eq(trace, "m1 f1 h1 m2 f2 m3 f3 h3 ");
    ck_assert_int_eq(weft_recv(a, &n), 1);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(weft_recv(a, &n), 0);
    ck_assert_str_eq(trace, "m1 f1 h1 m2 f2 m3 f3 h3 m4 f4 m5 f5 h5 ");
    return 0;
}

WT_TEST(a_step_runs_only_for_what_was_asked_for_and_in_turn)
{
    ck_assert_int_eq(weft_run(order_main, NULL), 0);
}

static int nothing_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, a);
    WEFT_RX(int, b);
    int n;
    trace[0] = '\0';
    WEFT_TRY(weft_array(numbers, N_NUMBERS, &a));
    WEFT_TRY(noted(WEFT_MOVE(a), &b));
    WEFT_TRY(weft_take(WEFT_MOVE(b), 0, &a));
    WEFT_TRY(noted_odd(WEFT_MOVE(a), &b));
    ck_assert_int_eq(weft_recv(b, &n), 0);
    ck_assert_str_eq(trace, "");
    return weft_error(b);
}

WT_TEST(to_take_nothing_asks_for_nothing) { ck_assert_int_eq(weft_run(nothing_main, NULL), 0); }

/* ---- closed below ------------------------------------------------------------------------------- */

WEFT_MAP(renewed, struct token *, out, struct token *, token)
{
    *out = token_new(token_end(token));
    return 0;
}
WEFT_TAKE_WHILE(below, struct token *, token, (int, end)) { return token->n < end; }
WEFT_DROP_WHILE(first, struct token *, token, (int, last)) { return token->n <= last; }
WEFT_MAP(number_of, int, out, struct token *, token, (int, fail_at))
{
    int n = token_end(token);
    *out = n;
    return n == fail_at ? -EDOM : 0;
}

/* The source, and what makes items of it, are gone when the last item reaches the stages above. */
static int closed_below_main(void *arg)
{
    (void)arg;
    const weft_stream_opts dropping = { .drop = token_drop };
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_RX(int, rx);
    int expected = 4;
    WEFT_TRY(open_tokens(20, 0, &a));
    WEFT_TRY(renewed_with(&dropping, WEFT_MOVE(a), &b));
    WEFT_TRY(weft_skip(WEFT_MOVE(b), 2, &a));
    WEFT_TRY(first(WEFT_MOVE(a), 3, &b));
    WEFT_TRY(weft_take(WEFT_MOVE(b), 4, &a));
    WEFT_TRY(renewed_with(&dropping, WEFT_MOVE(a), &b));
    WEFT_TRY(number_of(WEFT_MOVE(b), 0, &rx));
    weft_each (n, rx) {
        ck_assert_int_eq(n, expected++);
        ck_assert_int_eq(atomic_load(&n_source_ended), n == 7);
    }
    ck_assert_int_eq(expected, 8);
    ck_assert_int_eq(atomic_load(&n_pulled), 7);
    return weft_error(rx);
}

WT_TEST(the_last_item_outlives_what_made_it) { run_tokens(closed_below_main); }

static int ended_below_main(void *arg)
{
    (void)arg;
    const weft_stream_opts dropping = { .drop = token_drop };
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_RX(int, rx);
    int n, n_given = 0;
    WEFT_TRY(open_tokens(20, 0, &a));
    WEFT_TRY(renewed_with(&dropping, WEFT_MOVE(a), &b));
    WEFT_TRY(below(WEFT_MOVE(b), 4, &a));
    WEFT_TRY(renewed_with(&dropping, WEFT_MOVE(a), &b));
    WEFT_TRY(number_of(WEFT_MOVE(b), 0, &rx));
    weft_each (given, rx)
        ck_assert_int_eq(given, ++n_given);
    ck_assert_int_eq(n_given, 3);
    ck_assert_int_eq(atomic_load(&n_source_ended), 1);
    ck_assert_int_eq(weft_recv(rx, &n), 0);
    return weft_error(rx);
}

WT_TEST(an_end_in_the_middle_ends_what_is_above) { run_tokens(ended_below_main); }

static int failed_below_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(int, b);
    WEFT_RX(int, rx);
    int n = 7;
    trace[0] = '\0';
    WEFT_TRY(open_tokens(20, 0, &a));
    WEFT_TRY(number_of(WEFT_MOVE(a), 2, &b));
    WEFT_TRY(noted(WEFT_MOVE(b), &rx));
    ck_assert_int_eq(weft_recv(rx, &n), 1);
    ck_assert_int_eq(weft_recv(rx, &n), -EDOM);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(weft_recv(rx, &n), 0);
    ck_assert_str_eq(trace, "m1 ");
    return 0;
}

WT_TEST(an_error_in_the_middle_ends_what_is_above) { run_tokens(failed_below_main); }

/* ---- runs --------------------------------------------------------------------------------------- */

/* Taken from where they lie: those that are not asked for are dropped there. */
static int left_array_main(void *arg)
{
    (void)arg;
    struct token *items[6];
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_RX(int, rx);
    int n;
    for (int i = 0; i < 6; i++)
        items[i] = token_new(i);
    WEFT_TRY(weft_array_open(items, 6, sizeof items[0], WEFT_OPTS(stream, .drop = token_drop),
                             (weft_receiver **)(void *)&a));
    WEFT_TRY(first(WEFT_MOVE(a), 1, &b));
    WEFT_TRY(number_of(WEFT_MOVE(b), 0, &rx));
    ck_assert_int_eq(weft_recv(rx, &n), 1);
    ck_assert_int_eq(n, 2);
    return 0;
}

WT_TEST(what_is_left_of_a_run_is_dropped) { run_tokens(left_array_main); }

WEFT_PAGES(pages, int, page)
{
    for (int i = 0; i < 3; i++)
        WEFT_TRY(weft_page_add(page, &(int){ (int)page->number * 10 + i }, sizeof(int)));
    note('p', (int)page->number);
    return page->number < 2;
}

static int pages_main(void *arg)
{
    (void)arg;
    static const int expected[] = { 1, 11, 21 };
    size_t n_given = 0;
    WEFT_RX(int, a);
    WEFT_RX(int, rx);
    trace[0] = '\0';
    WEFT_TRY(pages(&a));
    WEFT_TRY(noted_odd(WEFT_MOVE(a), &rx));
    weft_each (n, rx)
        ck_assert_int_eq(n, expected[n_given++]);
    ck_assert_uint_eq(n_given, 3);
    ck_assert_str_eq(trace, "p0 f0 f1 f2 p1 f10 f11 f12 p2 f20 f21 f22 ");
    return weft_error(rx);
}

WT_TEST(a_page_is_a_run_and_the_next_is_asked_for_after_it)
{
    ck_assert_int_eq(weft_run(pages_main, NULL), 0);
}

/* ---- below others ------------------------------------------------------------------------------- */

struct pair {
    int first, second;
};

static int zip_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, a);
    WEFT_RX(int, b);
    WEFT_RX(int, few);
    WEFT_RX(int, odd);
    WEFT_RX(struct pair, rx);
    int n_given = 0;
    trace[0] = '\0';
    WEFT_TRY(weft_array(numbers, N_NUMBERS, &a));
    WEFT_TRY(noted(WEFT_MOVE(a), &b));
    WEFT_TRY(weft_take(WEFT_MOVE(b), 2, &few));
    WEFT_TRY(weft_array(numbers, N_NUMBERS, &a));
    WEFT_TRY(noted_odd(WEFT_MOVE(a), &odd));
    WEFT_TRY(weft_zip(WEFT_MOVE(few), WEFT_MOVE(odd), &rx));
    weft_each (pair, rx) {
        n_given++;
        ck_assert_int_eq(pair.second, 2 * pair.first - 1);
    }
    ck_assert_int_eq(n_given, 2);
    ck_assert_str_eq(trace, "m1 f1 m2 f2 f3 ");
    return weft_error(rx);
}

WT_TEST(two_chains_below_a_zip_stay_apart) { ck_assert_int_eq(weft_run(zip_main, NULL), 0); }

WT_MAIN("api_stream_fused")
