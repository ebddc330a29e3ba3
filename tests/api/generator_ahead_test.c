/* SPDX-License-Identifier: MIT
 * Generators that read ahead: how far, and what becomes of the items nobody has received. */
#include "generator_bodies.h"

static _Atomic int n_made;

/* Counts what it has made before it yields it. */
WEFT_GENERATOR(made, weft_rx(struct token *), (int, last), (int, code))
{
    int rc = 0;
    atomic_fetch_add(&n_begun, 1);
    for (int n = 1; rc >= 0 && n <= last; n++) {
        struct token *token = token_new(n);
        atomic_store(&n_made, n);
        rc = weft_yield(token);
    }
    return ended_with(rc < 0 ? rc : code);
}

static int open_made(unsigned n_ahead, int last, int code, weft_rx(struct token *) * out_rx)
{
    atomic_store(&n_made, 0);
    return made_with(
        WEFT_OPTS(generator, .read_ahead = n_ahead, .drop = token_drop, .name = "made"), last, code,
        out_rx);
}

static int expect_token(weft_rx(struct token *) items, int expected)
{
    struct token *item;
    int rc = weft_recv(items, &item);
    ck_assert_int_eq(rc, 1);
    ck_assert_int_eq(token_end(item), expected);
    return rc;
}

static int until_made(int n)
{
    while (atomic_load(&n_made) < n)
        WEFT_TRY(weft_pause());
    return 0;
}

/* Long enough for a body that could go on. */
static int let_it_run(void)
{
    for (int i = 0; i < 20; i++)
        WEFT_TRY(weft_pause());
    return 0;
}

static int bound_main(void *arg)
{
    (void)arg;
    for (unsigned n_ahead = 1; n_ahead <= 5; n_ahead += 2) {
        WEFT_RX(struct token *, items);
        WEFT_TRY(open_made(n_ahead, 20, 0, &items));
        WEFT_TRY(let_it_run());
        ck_assert_int_eq(atomic_load(&n_made), 0); /* it begins with the first receive */
        for (int n = 1; n <= 20; n++) {
            WEFT_TRY(expect_token(items, n));
            int bound = n + (int)n_ahead < 20 ? n + (int)n_ahead : 20;
            WEFT_TRY(until_made(bound));
            WEFT_TRY(let_it_run());
            ck_assert_int_eq(atomic_load(&n_made), bound);
        }
        struct token *none;
        ck_assert_int_eq(weft_recv(items, &none), 0);
    }
    return 0;
}

WT_TEST(the_body_is_so_many_items_ahead_and_no_more) { run(bound_main); }

static int error_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    struct token *item;
    WEFT_TRY(open_made(8, 5, -EIO, &items));
    WEFT_TRY(expect_token(items, 1));
    while (atomic_load(&n_ended) == 0) /* it has failed already */
        WEFT_TRY(weft_pause());
    for (int n = 2; n <= 5; n++)
        WEFT_TRY(expect_token(items, n));
    ck_assert_int_eq(weft_recv(items, &item), -EIO);
    ck_assert_int_eq(weft_recv(items, &item), 0);
    ck_assert_int_eq(weft_close(items), 0);
    return 0;
}

WT_TEST(the_error_comes_once_after_the_items) { run(error_main); }

static int close_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    struct token *item;
    WEFT_TRY(open_made(4, 100, 0, &items));
    WEFT_TRY(expect_token(items, 1));
    WEFT_TRY(until_made(5));
    ck_assert_int_eq(weft_close(items), 0);
    ck_assert_int_eq(atomic_load(&tokens_made), atomic_load(&tokens_ended));
    ck_assert_int_eq(atomic_load(&n_ended), 1);
    ck_assert(atomic_load(&last_code) == WEFT_ECLOSED || atomic_load(&last_code) == WEFT_ECANCELED);
    ck_assert_int_eq(weft_recv(items, &item), WEFT_ECLOSED);
    return 0;
}

WT_TEST(a_close_drops_what_waits) { run(close_main); }

static int scope_main(void *arg)
{
    (void)arg;
    weft_rx(struct token *) items = NULL;
    struct token *item;
    {
        WEFT_SCOPE(scope);
        WEFT_TRY(open_made(3, 100, 0, &items));
        WEFT_TRY(expect_token(items, 1));
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_int_eq(atomic_load(&n_ended), 1);
    ck_assert_int_eq(weft_recv(items, &item), WEFT_ECANCELED);
    WEFT_DROP(items);
    return 0;
}

WT_TEST(the_end_of_its_scope_does_too) { run(scope_main); }

static int unstarted_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    WEFT_TRY(open_made(3, 100, 0, &items));
    ck_assert_int_eq(weft_close(items), 0);
    ck_assert_int_eq(atomic_load(&n_begun), 0);
    return 0;
}

WT_TEST(one_that_never_started_is_just_closed) { run(unstarted_main); }

/* Ends one step at a time: items, a try, a select, and through a pollable receiver. */
static int ways_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    struct token *item;
    int rc = 0;
    WEFT_TRY(open_made(3, 30, 0, &items));
    for (int n = 1; n <= 30; n++) {
        if (n % 3 == 0)
            while ((rc = weft_try_recv(items, &item)) == WEFT_EAGAIN)
                WEFT_TRY(weft_pause());
        else if (n % 3 == 1)
            ck_assert_int_eq(weft_select(&rc, weft_on_recv(items, &item)), 0);
        else
            rc = weft_recv(items, &item);
        ck_assert_int_eq(rc, 1);
        ck_assert_int_eq(token_end(item), n);
    }
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(items, &item)), 0);
    ck_assert_int_eq(rc, 0);
    return 0;
}

WT_TEST(each_way_of_asking_lets_it_go_on) { run(ways_main); }

/* ---- a consumer that is cancelled --------------------------------------------------------------- */

WEFT_GENERATOR(slow_ahead, weft_rx(struct token *))
{
    int rc = 0;
    atomic_fetch_add(&n_begun, 1);
    for (int n = 1; rc >= 0; n++) {
        rc = weft_sleep(WEFT_US(100));
        if (rc >= 0)
            rc = weft_yield(token_new(n));
    }
    return ended_with(rc);
}

static int try_for(int64_t timeout_ns, weft_rx(struct token *) items, struct token **item)
{
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns);
    return weft_recv(items, item);
}

static int cancelled_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    int n_expected = 1;
    WEFT_TRY(slow_ahead_with(WEFT_OPTS(generator, .read_ahead = 2, .drop = token_drop), &items));
    for (int i = 0; n_expected <= 5 && i < 1000; i++) {
        struct token *item;
        int rc = try_for(WEFT_US(1 + i), items, &item);
        ck_assert(rc == 1 || rc == WEFT_ECANCELED);
        if (rc == 1)
            ck_assert_int_eq(token_end(item), n_expected++);
    }
    return 0;
}

WT_TEST(a_cancelled_receive_loses_none) { run(cancelled_main); }

/* ---- what it refuses ----------------------------------------------------------------------------- */

WEFT_GENERATOR(both, weft_rx(int, int))
{
    int answer;
    atomic_fetch_add(&n_begun, 1);
    int rc = 0;
    for (int n = 1; rc == 0 && n <= 3; n++)
        rc = weft_yield_into(&answer, n);
    return ended_with(rc);
}

static int refused_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, items, int);
    int item;
    WEFT_TRY(both_with(WEFT_OPTS(generator, .read_ahead = 2), &items));
    ck_assert_int_eq(weft_recv(items, &item), 1);
    ck_assert_int_eq(weft_resume(items, &item, 1), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_throw(items, &item, -EIO), WEFT_ENOTSUP);
    for (int n = 2; n <= 3; n++) {
        ck_assert_int_eq(weft_recv(items, &item), 1);
        ck_assert_int_eq(item, n);
    }
    ck_assert_int_eq(weft_recv(items, &item), 0);
    WEFT_RX(int, others, int);
    ck_assert_int_eq(both_with(WEFT_OPTS(generator, .read_ahead = ~0u), &others), WEFT_EOVERFLOW);
    return 0;
}

WT_TEST(it_takes_no_answers) { run(refused_main); }

WEFT_GENERATOR(a_line, weft_rx(weft_line), (tx, int, held))
{
    (void)held;
    return weft_yield(((weft_line){ "one", 3 }));
}

/* Lines by their type, others where it is said; what was handed over is given back. */
static int lent_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, held);
    WEFT_RX(int, rx);
    WEFT_RX(weft_line, lines);
    WEFT_RX(int, items, int);
    int none;
    WEFT_TRY(weft_chan_open(&held, &rx, 1));
    ck_assert_int_eq(a_line_with(WEFT_OPTS(generator, .read_ahead = 1), WEFT_MOVE(held), &lines),
                     WEFT_ENOTSUP);
    ck_assert_int_eq(weft_recv(rx, &none), 0);
    ck_assert_int_eq(both_with(WEFT_OPTS(generator, .read_ahead = 2, .lends_items = true), &items),
                     WEFT_ENOTSUP);
    return 0;
}

WT_TEST(it_lends_no_items) { ck_assert_int_eq(weft_run(lent_main, NULL), 0); }

/* A body that never waits gives way all the same. */
static int fair_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    int n = 0;
    WEFT_TRY(open_made(100, 1000, 0, &items));
    weft_each (item, items)
        ck_assert_int_eq(token_end(item), ++n);
    ck_assert_int_eq(n, 1000);
    return weft_error(items);
}

WT_TEST(many_items_in_order) { run(fair_main); }

WT_MAIN("api_generator_ahead")
