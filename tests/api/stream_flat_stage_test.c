/* SPDX-License-Identifier: MIT
 * A stage whose step emits any number of items for each one: in whose place they stand, how far ahead
 * it gathers, and how it ends. */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>

#include "token.h"

static void run(int (*body)(void *))
{
    tokens_begin();
    ck_assert_int_eq(weft_run(body, NULL), 0);
    tokens_check();
}

#define STAGE(...) WEFT_OPTS(stage, .drop = token_drop, ##__VA_ARGS__)

WEFT_STAGE_SOURCE(count_up, struct token *, out, (int, n))
{
    for (int i = 0; i < n; i++) {
        struct token *token = token_new(i);
        int rc = weft_send(out, token);
        if (rc < 0) {
            token_end(token);
            return rc;
        }
    }
    return 0;
}

/* n gives so many: 100 n, 100 n + 1 and so on, and at one of them the code. */
static int many_of(int n, int modulus) { return (n * 5 + 2) % modulus; }

WEFT_STAGE_FLAT_MAP(multiplied, struct token *, out, struct token *, in, (int, modulus),
                    (int, fails_at))
{
    int n = token_end(in);
    for (int i = 0; i < many_of(n, modulus); i++) {
        if (100 * n + i == fails_at)
            return -EPIPE;
        if ((n + i) % 3 == 0)
            WEFT_TRY(weft_pause());
        WEFT_TRY(weft_emit(out, token_new(100 * n + i)));
    }
    return 0;
}

/* ---- order ------------------------------------------------------------------------------------------- */

static void expect_in_order(weft_rx(struct token *) rx, int n, int modulus)
{
    struct token *token;
    for (int k = 0; k < n; k++)
        for (int i = 0; i < many_of(k, modulus); i++) {
            ck_assert_int_eq(weft_recv(rx, &token), 1);
            ck_assert_int_eq(token_end(token), 100 * k + i);
        }
    ck_assert_int_eq(weft_recv(rx, &token), 0);
}

static int in_order_of(unsigned workers, unsigned window, int modulus)
{
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_PIPELINE(p);
    WEFT_TRY(count_up(&p, STAGE(), 12, &a));
    WEFT_TRY(multiplied(&p,
                        STAGE(.workers = workers, .ordered = true, .window = window, .capacity = 2),
                        WEFT_MOVE(a), modulus, -1, &b));
    expect_in_order(b, 12, modulus);
    return weft_pipeline_wait(&p);
}

static int in_order(void *arg)
{
    (void)arg;
    WEFT_TRY(in_order_of(1, 0, 4));
    WEFT_TRY(in_order_of(3, 4, 4));
    WEFT_TRY(in_order_of(3, 1, 4));
    return in_order_of(4, 0, 37); /* more than are gathered */
}

WT_TEST(all_of_an_item_stands_in_its_place)
{
    wt_seeds_at_most(30);
    run(in_order);
}

static int in_any_order(void *arg)
{
    (void)arg;
    int n = 0, sum = 0, want = 0;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_PIPELINE(p);
    WEFT_TRY(count_up(&p, STAGE(), 10, &a));
    WEFT_TRY(multiplied(&p, STAGE(.workers = 3), WEFT_MOVE(a), 4, -1, &b));
    weft_each (token, b) {
        sum += token_end(token);
        n++;
    }
    for (int k = 0; k < 10; k++)
        for (int i = 0; i < many_of(k, 4); i++) {
            want += 100 * k + i;
            n--;
        }
    ck_assert_int_eq(sum, want);
    ck_assert_int_eq(n, 0);
    return weft_pipeline_wait(&p);
}

WT_TEST(without_order_each_goes_out_at_once) { run(in_any_order); }

/* ---- how far ahead ------------------------------------------------------------------------------------- */

static _Atomic int n_emitted;

WEFT_STAGE_SOURCE(numbers, int, out, (int, n))
{
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_send(out, i));
    return 0;
}

WEFT_STAGE_FLAT_MAP(forty_each, int, out, int, in, (weft_event *, event))
{
    if (in == 0)
        WEFT_TRY(weft_event_wait(event));
    for (int i = 0; i < 40; i++) {
        WEFT_TRY(weft_emit(out, 40 * in + i));
        atomic_fetch_add(&n_emitted, 1);
    }
    return 0;
}

static int held_up(void *arg)
{
    (void)arg;
    weft_event event = WEFT_EVENT_INIT();
    int want = 0;
    atomic_store(&n_emitted, 0);
    WEFT_RX(int, a);
    WEFT_RX(int, b);
    {
        WEFT_PIPELINE(p);
        WEFT_TRY(numbers(&p, NULL, 6, &a));
        WEFT_TRY(forty_each(&p, WEFT_OPTS(stage, .workers = 3, .ordered = true, .capacity = 1),
                            WEFT_MOVE(a), &event, &b));
        for (int i = 0; i < 100; i++)
            WEFT_TRY(weft_pause());
        ck_assert_int_le(atomic_load(&n_emitted), 2 * 16);
        ck_assert_int_eq(weft_try_recv(b, &want), WEFT_EAGAIN);
        weft_event_set(&event);
        weft_each (n, b)
            ck_assert_int_eq(n, want++);
        ck_assert_int_eq(want, 240);
        WEFT_TRY(weft_pipeline_wait(&p));
    }
    return 0;
}

WT_TEST(who_is_ahead_gathers_some_and_waits_for_its_turn)
{
    wt_seeds_at_most(30);
    run(held_up);
}

/* ---- ends ---------------------------------------------------------------------------------------------- */

static int failing(void *arg)
{
    (void)arg;
    const char *stage = "none";
    for (int ordered = 0; ordered < 2; ordered++) {
        WEFT_RX(struct token *, a);
        WEFT_RX(struct token *, b);
        WEFT_PIPELINE(p);
        WEFT_TRY(count_up(&p, STAGE(.capacity = 2), 20, &a));
        WEFT_TRY(multiplied(&p, STAGE(.workers = 3, .ordered = ordered, .capacity = 1),
                            WEFT_MOVE(a), 37, 418, &b));
        weft_each (token, b) {
            int n = token_end(token);
            ck_assert_int_ne(n, 418);
            if (ordered)
                ck_assert_int_lt(n, 418);
        }
        ck_assert_int_eq(weft_pipeline_wait(&p), -EPIPE);
        ck_assert_int_eq(weft_pipeline_error(&p, &stage), -EPIPE);
        ck_assert_str_eq(stage, "multiplied");
    }
    return 0;
}

WT_TEST(an_error_ends_it_and_nothing_of_later_items_has_gone_out)
{
    wt_seeds_at_most(30);
    run(failing);
}

static int left_early(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    for (int ordered = 0; ordered < 2; ordered++) {
        struct token *token;
        WEFT_PIPELINE(p);
        WEFT_TRY(count_up(&p, STAGE(.capacity = 3), 1000000, &a));
        WEFT_TRY(multiplied(&p, STAGE(.workers = 3, .capacity = 1, .ordered = ordered),
                            WEFT_MOVE(a), 37, -1, &b));
        ck_assert_int_eq(weft_recv(b, &token), 1);
        token_end(token);
        WEFT_DROP(b);
        WEFT_TRY(weft_pipeline_wait(&p)); /* the source never came to its end */
    }
    return 0;
}

WT_TEST(who_leaves_is_told_to_those_that_wait_for_their_turn)
{
    wt_seeds_at_most(30);
    run(left_early);
}

WEFT_STAGE_FLAT_MAP(deaf, struct token *, out, struct token *, in, (_Atomic int *, n_failed))
{
    int n = token_end(in);
    for (int i = 0; i < 40; i++)
        atomic_fetch_add(n_failed, weft_emit(out, token_new(n)) == WEFT_ECLOSED);
    return 0;
}

static int unheard(void *arg)
{
    (void)arg;
    _Atomic int n_failed = 0;
    {
        WEFT_RX(struct token *, a);
        WEFT_RX(struct token *, b);
        WEFT_PIPELINE(p);
        WEFT_TRY(count_up(&p, STAGE(.capacity = 1), 50, &a));
        WEFT_TRY(deaf(&p, STAGE(.capacity = 1), WEFT_MOVE(a), &n_failed, &b));
        WEFT_DROP(b);
        WEFT_TRY(weft_pipeline_wait(&p));
    }
    ck_assert_int_ge(n_failed, 38); /* of one item: the stage has left after it */
    ck_assert_int_le(n_failed, 40);
    return 0;
}

WT_TEST(a_failure_that_a_step_ignores_ends_its_stage) { run(unheard); }

WT_MAIN("api_stream_flat_stage")
