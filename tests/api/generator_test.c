/* SPDX-License-Identifier: MIT
 * Generators as their users see them: what next, the end, an error and a close mean. */
#include "generator_bodies.h"

#include <string.h>

/* ---- next ------------------------------------------------------------------------------------ */

static int order_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    WEFT_TRY(count_to(100, &numbers));
    int expected = 1;
    weft_each (n, numbers)
        ck_assert_int_eq(n, expected++);
    ck_assert_int_eq(expected, 101);
    return weft_error(numbers);
}

WT_TEST(items_come_in_order)
{
    run(order_main);
    ck_assert_int_eq(atomic_load(&last_code), 0);
}

static _Atomic int n_computed;

WEFT_GENERATOR(compute, weft_rx(int))
{
    for (int n = 1; n <= 5; n++) {
        atomic_store(&n_computed, n);
        WEFT_TRY(weft_yield(n));
    }
    atomic_store(&n_computed, 6);
    return 0;
}

static int lazy_main(void *arg)
{
    (void)arg;
    atomic_store(&n_computed, 0);
    WEFT_RX(int, numbers);
    WEFT_TRY(compute(&numbers));
    for (int i = 0; i < 3; i++)
        WEFT_TRY(weft_pause());
    ck_assert_int_eq(atomic_load(&n_computed), 0);
    weft_each (n, numbers) {
        for (int i = 0; i < 3; i++)
            WEFT_TRY(weft_pause());
        ck_assert_int_eq(atomic_load(&n_computed), n);
    }
    ck_assert_int_eq(atomic_load(&n_computed), 6);
    return weft_error(numbers);
}

WT_TEST(the_body_runs_only_when_asked) { run(lazy_main); }

/* Its own scope waits for no children of others. */
WEFT_GENERATOR(see_root, weft_rx(int), (weft_scope *, expected))
{
    ck_assert_ptr_eq(weft_root_scope(), expected);
    return weft_yield(1);
}

WT_TEST(opened_outside_of_any_scope_it_has_no_root_scope)
{
    int n = 0;
    WEFT_RX(int, outside);
    ck_assert_int_eq(see_root(NULL, &outside), 0);
    ck_assert_int_eq(weft_recv(outside, &n), 1);
    WEFT_SCOPE(scope);
    WEFT_RX(int, inside);
    ck_assert_int_eq(see_root(&scope, &inside), 0);
    ck_assert_int_eq(weft_recv(inside, &n), 1);
    ck_assert_int_eq(weft_close(inside), 0);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
}

static int end_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n = 7;
    WEFT_TRY(count_to(1, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(weft_recv(numbers, &n), 0);
    ck_assert_int_eq(weft_try_recv(numbers, &n), 0);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(weft_error(numbers), 0);
    ck_assert_int_eq(weft_close(numbers), 0);
    return 0;
}

WT_TEST(the_end_is_0_for_ever) { run(end_main); }

static int error_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(fail_after(2, -EIO, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(weft_recv(numbers, &n), -EIO);
    ck_assert_int_eq(weft_error(numbers), -EIO);
    ck_assert_int_eq(weft_recv(numbers, &n), 0);
    ck_assert_int_eq(weft_close(numbers), 0);
    return 0;
}

WT_TEST(items_come_first_then_the_error_once) { run(error_main); }

WEFT_GENERATOR(ends_with, weft_rx(int), (int, n_items), (int, code))
{
    for (int i = 0; i < n_items; i++)
        WEFT_TRY(weft_yield(i));
    return code;
}

/* Which a source says elsewhere when there is nothing yet. */
static int not_ready_main(void *arg)
{
    (void)arg;
    for (int n_items = 0; n_items < 3; n_items++) {
        WEFT_RX(int, items);
        int item;
        WEFT_TRY(ends_with(n_items, WEFT_EAGAIN, &items));
        for (int i = 0; i < n_items; i++)
            ck_assert_int_eq(weft_recv(items, &item), 1);
        ck_assert_int_eq(weft_recv(items, &item), WEFT_EAGAIN);
        ck_assert_int_eq(weft_recv(items, &item), 0);
    }
    return 0;
}

WT_TEST(the_error_may_be_that_of_a_thread_that_cant_be_had) { run(not_ready_main); }

static int parent_main(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(fail_after(0, -EIO, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), -EIO);
    return weft_scope_wait(&scope);
}

WT_TEST(an_error_is_the_consumers_alone) { run(parent_main); }

/* ---- close ------------------------------------------------------------------------------------- */

static _Atomic bool teardown_ran;

/* What comes after the yield that failed has to be able to wait. */
WEFT_GENERATOR(tear_down, weft_rx(int), (int, code))
{
    atomic_fetch_add(&n_begun, 1);
    int rc = 0;
    while (rc == 0)
        rc = weft_yield(1);
    ck_assert_int_eq(rc, WEFT_ECLOSED);
    ck_assert_int_eq(weft_sleep(WEFT_MS(1)), 0);
    ck_assert_int_eq(weft_checkpoint(), 0);
    atomic_store(&teardown_ran, true);
    return ended_with(code != 0 ? code : rc);
}

static int close_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    atomic_store(&teardown_ran, false);
    WEFT_TRY(tear_down(0, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(weft_close(numbers), 0);
    ck_assert(atomic_load(&teardown_ran));
    ck_assert_int_eq(weft_close(numbers), 0);
    ck_assert_int_eq(weft_recv(numbers, &n), WEFT_ECLOSED);
    return 0;
}

WT_TEST(close_waits_for_the_teardown) { run(close_main); }

static int close_error_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(tear_down(-EIO, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(weft_close(numbers), -EIO);
    ck_assert_int_eq(weft_close(numbers), 0);
    return 0;
}

WT_TEST(close_returns_the_error_of_the_teardown) { run(close_error_main); }

static int brace_error_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(tear_down(-EIO, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    return 0;
}

WT_TEST(a_brace_makes_it_the_tasks_error)
{
    reset();
    ck_assert_int_eq(weft_run(brace_error_main, NULL), -EIO);
}

WEFT_GENERATOR(stubborn, weft_rx(struct token *))
{
    atomic_fetch_add(&n_begun, 1);
    ck_assert_int_eq(weft_yield(token_new(1)), WEFT_ECLOSED);
    ck_assert_int_eq(weft_yield(token_new(2)), WEFT_ECLOSED);
    ck_assert_int_eq(weft_yield(token_new(3)), WEFT_ECLOSED);
    return ended_with(0);
}

static int stubborn_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    struct token *item;
    WEFT_TRY(stubborn_with(WEFT_OPTS(generator, .drop = token_drop, .name = "mule"), &items));
    ck_assert_int_eq(weft_recv(items, &item), 1);
    (void)token_end(item);
    ck_assert_int_eq(weft_close(items), 0);
    return 0;
}

WT_TEST(yielding_after_the_close_is_reported_and_takes_the_item)
{
    wt_capture_reports();
    run(stubborn_main);
    ck_assert_ptr_nonnull(strstr(wt_reports(), "\"mule\""));
    ck_assert_ptr_nonnull(strstr(wt_reports(), "yielded again"));
}

WEFT_GENERATOR(owner, weft_rx(int), (tx, int, out))
{
    (void)out;
    atomic_fetch_add(&n_begun, 1);
    return ended_with(weft_yield(1));
}

static int unstarted_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_TRY(owner(WEFT_MOVE(tx), &numbers));
    ck_assert_int_eq(weft_try_recv(rx, &n), WEFT_EAGAIN);
    ck_assert_int_eq(weft_close(numbers), 0);
    ck_assert_int_eq(weft_try_recv(rx, &n), 0); /* its sender was dropped */
    ck_assert_int_eq(atomic_load(&n_begun), 0);
    return 0;
}

WT_TEST(one_that_never_started_drops_its_arguments_alone) { run(unstarted_main); }

static int owned_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int n;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    {
        WEFT_RX(int, numbers);
        WEFT_TRY(owner(WEFT_MOVE(tx), &numbers));
        ck_assert_int_eq(weft_recv(numbers, &n), 1);
        ck_assert_int_eq(weft_try_recv(rx, &n), WEFT_EAGAIN);
    }
    ck_assert_int_eq(weft_try_recv(rx, &n), 0);
    ck_assert_int_eq(atomic_load(&n_ended), 1);
    return 0;
}

WT_TEST(a_brace_closes_it_and_drops_its_arguments) { run(owned_main); }

static int elsewhere_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(sleeper(&numbers));
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
        ck_assert_int_eq(weft_recv(numbers, &n), WEFT_ECANCELED);
    }
    ck_assert_int_eq(weft_close(numbers), 0);
    ck_assert_int_eq(atomic_load(&last_code), WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_body_that_waits_elsewhere_is_cancelled) { run(elsewhere_main); }

/* ---- mistakes ----------------------------------------------------------------------------------- */

WEFT_GENERATOR(mistaken, weft_rx(struct token *))
{
    weft_receiver *self = WEFT_RX_RAW_(weft_this_generator);
    struct token *token = token_new(1), *none;
    char byte = 0;
    ck_assert_int_eq(weft_generator_yield(NULL, &token, sizeof token), WEFT_EINVAL);
    ck_assert_int_eq(weft_generator_yield(self, NULL, sizeof token), WEFT_EINVAL);
    ck_assert_int_eq(weft_generator_yield(self, &byte, sizeof byte), WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_recv(weft_this_generator, &none), WEFT_ENOTSUP);
    return weft_generator_yield(self, &token, sizeof token);
}

WEFT_TASK(yield_for_it, (weft_receiver *, self))
{
    struct token *token = token_new(9);
    ck_assert_int_eq(weft_generator_yield(self, &token, sizeof token), WEFT_ENOTASK);
    return 0;
}

WEFT_GENERATOR(delegates, weft_rx(struct token *))
{
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, yield_for_it, WEFT_RX_RAW_(weft_this_generator)));
    return weft_scope_wait(&scope);
}

static int mistakes_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    WEFT_RX(struct token *, others);
    struct token *item;
    int n;
    WEFT_TRY(mistaken_with(&dropping, &items));
    ck_assert_int_eq(weft_receiver_recv(WEFT_RX_RAW_(items), &n, sizeof n), WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_generator_yield(WEFT_RX_RAW_(items), &item, sizeof item), WEFT_ENOTASK);
    ck_assert_int_eq(weft_recv(items, &item), 1);
    (void)token_end(item);
    WEFT_TRY(delegates_with(&dropping, &others));
    ck_assert_int_eq(weft_recv(others, &item), 0);
    return 0;
}

WT_TEST(mistakes_have_codes) { run(mistakes_main); }

/* ---- what lies in the body's memory ----------------------------------------------------------- */

static _Atomic int n_left;

WEFT_GENERATOR(lend_locals, weft_rx(int *), (bool, waits_first))
{
    int value = 42, rc = 0;
    while (rc >= 0) {
        if (waits_first)
            WEFT_TRY(weft_sleep(WEFT_US(1)));
        rc = weft_yield(&value);
    }
    atomic_fetch_add(&n_left, 1);
    return rc;
}

static void let_others_run(void)
{
    weft_shield shield;
    weft_shield_begin(&shield);
    ck_assert_int_eq(weft_sleep(WEFT_US(50)), 0);
    weft_shield_end(&shield);
}

/* Cancelled in the middle of its work on an item, a consumer may finish that. */
static int use_while_cancelled(bool waits_first, bool tries)
{
    WEFT_SCOPE(scope);
    WEFT_RX(int *, numbers);
    int *value, rc = 0;
    WEFT_TRY(lend_locals(waits_first, &numbers));
    for (int i = 0; i < 2; i++)
        do
            rc = tries ? weft_try_recv(numbers, &value) : weft_recv(numbers, &value);
        while (rc == WEFT_EAGAIN && weft_sleep(WEFT_US(1)) == 0);
    ck_assert_int_eq(rc, 1);
    weft_scope_cancel(&scope);
    let_others_run();
    ck_assert_int_eq(atomic_load(&n_left), 0);
    ck_assert_int_eq(*value, 42);
    ck_assert_int_eq(weft_recv(numbers, &value), WEFT_ECANCELED);
    ck_assert_int_eq(weft_close(numbers), 0);
    ck_assert_int_eq(atomic_load(&n_left), 1);
    atomic_store(&n_left, 0);
    return weft_scope_wait(&scope);
}

static int lent_items_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < 4; i++)
        WEFT_TRY(use_while_cancelled((i & 1) != 0, (i & 2) != 0));
    return 0;
}

WT_TEST(a_cancel_takes_no_item_from_under_its_consumer) { run(lent_items_main); }

WT_MAIN("api_generator")
