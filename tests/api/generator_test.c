/* SPDX-License-Identifier: MIT
 * Generators as their users see them: what next, the end, an error and a close mean. */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>

#include "token.h"

static _Atomic int n_begun, n_ended, last_code;

static void reset(void)
{
    atomic_store(&n_begun, 0);
    atomic_store(&n_ended, 0);
    atomic_store(&last_code, 1);
    tokens_begin();
}

static void run(int (*main_task)(void *))
{
    reset();
    ck_assert_int_eq(weft_run(main_task, NULL), 0);
    ck_assert_int_eq(atomic_load(&n_begun), atomic_load(&n_ended));
    tokens_check();
}

/* Counts every body that begins and ends, and remembers the code it ended with. */
static int ended_with(int rc)
{
    atomic_store(&last_code, rc);
    atomic_fetch_add(&n_ended, 1);
    return rc;
}

static int yield_all(int last, weft_receiver *self)
{
    for (int n = 1; n <= last; n++) {
        int rc = weft_generator_yield(self, &n, sizeof n);
        if (rc < 0)
            return rc;
    }
    return 0;
}

WEFT_GENERATOR(count_to, weft_rx(int), (int, last))
{
    atomic_fetch_add(&n_begun, 1);
    return ended_with(yield_all(last, WEFT_RX_RAW_(weft_this_generator)));
}

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

WEFT_GENERATOR(fail_after, weft_rx(int), (int, last), (int, code))
{
    atomic_fetch_add(&n_begun, 1);
    int rc = yield_all(last, WEFT_RX_RAW_(weft_this_generator));
    return ended_with(rc < 0 ? rc : code);
}

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
    ck_assert_int_eq(weft_try_recv(rx, &n), 0);        /* its sender was dropped */
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

WEFT_GENERATOR(sleeper, weft_rx(int))
{
    atomic_fetch_add(&n_begun, 1);
    int rc = weft_sleep(WEFT_SEC(1000000));
    weft_shield shield;
    weft_shield_begin(&shield);
    ck_assert_int_eq(weft_sleep(1), 0);
    weft_shield_end(&shield);
    ck_assert_int_eq(weft_checkpoint(), WEFT_ECANCELED);
    return ended_with(rc);
}

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

/* ---- cancelled consumers ------------------------------------------------------------------------ */

WEFT_GENERATOR(slow_tokens, weft_rx(struct token *), (int64_t, d_ns))
{
    atomic_fetch_add(&n_begun, 1);
    int rc = 0;
    for (int n = 1; rc >= 0; n++) {
        rc = weft_sleep(d_ns);
        if (rc >= 0)
            rc = weft_yield(token_new(n));
    }
    return ended_with(rc);
}

static const weft_generator_opts dropping = { .drop = token_drop };

static int try_for(int64_t timeout_ns, weft_rx(struct token *) items, struct token **item)
{
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns);
    return weft_recv(items, item);
}

static int kept_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    struct token *item;
    WEFT_TRY(slow_tokens_with(&dropping, WEFT_MS(5), &items));
    ck_assert_int_eq(try_for(WEFT_MS(1), items, &item), WEFT_ECANCELED);
    for (int n = 1; n <= 3; n++) {
        ck_assert_int_eq(weft_recv(items, &item), 1);
        ck_assert_int_eq(token_end(item), n);
    }
    return 0;
}

WT_TEST(a_cancelled_receive_loses_nothing) { run(kept_main); }

static bool is_one_made(void) { return atomic_load(&tokens_made) == 1; }

static int held_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    struct token *item;
    WEFT_TRY(slow_tokens_with(&dropping, WEFT_MS(1), &items));
    int rc = try_for(-1, items, &item);        /* expired already: the body is not even asked */
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    ck_assert_int_eq(atomic_load(&n_begun), 0);
    ck_assert_int_eq(weft_try_recv(items, &item), WEFT_EAGAIN);
    while (!is_one_made())
        WEFT_TRY(weft_sleep(WEFT_US(100)));
    return 0;
}

WT_TEST(a_held_item_is_dropped_by_the_close) { run(held_main); }

static int held_received_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    struct token *item;
    int rc;
    WEFT_TRY(slow_tokens_with(&dropping, WEFT_MS(1), &items));
    while ((rc = weft_try_recv(items, &item)) == WEFT_EAGAIN)
        WEFT_TRY(weft_sleep(WEFT_US(100)));
    ck_assert_int_eq(rc, 1);
    ck_assert_int_eq(token_end(item), 1);
    return 0;
}

WT_TEST(a_try_asks_and_finds_the_item_later) { run(held_received_main); }

/* ---- more than one consumer ------------------------------------------------------------------------ */

struct shared {
    weft_rx(int) numbers;
    _Atomic int code;
};

static int receive_for_ever(struct shared *shared)
{
    int n;
    atomic_store(&shared->code, weft_recv(shared->numbers, &n));
    return 0;
}

WEFT_TASK(consumer, (struct shared *, shared)) { return receive_for_ever(shared); }

static int inside_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    struct shared shared = { .code = 1 };
    WEFT_SCOPE(scope);
    WEFT_TRY(sleeper(&numbers));
    shared.numbers = numbers;
    WEFT_TRY(weft_spawn(&scope, consumer, &shared));
    while (atomic_load(&n_begun) == 0)
        WEFT_TRY(weft_pause());
    ck_assert_int_eq(weft_close(numbers), 0);
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert_int_eq(atomic_load(&shared.code), WEFT_ECLOSED);
    return 0;
}

WT_TEST(who_is_inside_a_receive_gets_closed) { run(inside_main); }

static int busy_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    struct shared shared = { .code = 1 };
    int n;
    WEFT_SCOPE(scope);
    WEFT_TRY(sleeper(&numbers));
    shared.numbers = numbers;
    WEFT_TRY(weft_spawn(&scope, consumer, &shared));
    while (atomic_load(&n_begun) == 0)
        WEFT_TRY(weft_pause());
    ck_assert_int_eq(weft_recv(numbers, &n), WEFT_EBUSY);
    weft_scope_cancel(&scope);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    ck_assert_int_eq(atomic_load(&shared.code), WEFT_ECANCELED);
    return 0;
}

WT_TEST(two_receives_at_once_are_busy) { run(busy_main); }

WEFT_TASK(second_reference, (rx, int, numbers), (tx, int, codes))
{
    int n;
    return weft_send(codes, weft_recv(numbers, &n));
}

static int second_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    WEFT_TX(int, codes_tx);
    WEFT_RX(int, codes);
    int code;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&codes_tx, &codes, 1));
    WEFT_TRY(count_to(2, &numbers));
    WEFT_TRY(weft_spawn(&scope, second_reference, weft_ref(numbers), WEFT_MOVE(codes_tx)));
    ck_assert_int_eq(weft_recv(codes, &code), 1);
    ck_assert_int_eq(code, WEFT_EBUSY);
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert_int_eq(weft_recv(numbers, &code), 1);
    ck_assert_int_eq(code, 1);
    return 0;
}

WT_TEST(a_second_reference_may_not_consume) { run(second_main); }

WEFT_TASK(sum_all, (rx, int, numbers), (int *, out_sum))
{
    weft_each (n, numbers)
        *out_sum += n;
    return weft_error(numbers);
}

static int moved_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int sum = 0, n;
    WEFT_SCOPE(scope);
    WEFT_TRY(count_to(10, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    WEFT_TRY(weft_spawn(&scope, sum_all, WEFT_MOVE(numbers), &sum));
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert_int_eq(sum, 54);
    ck_assert_int_eq(atomic_load(&n_ended), 1);
    return 0;
}

WT_TEST(a_receiver_moves_to_another_task) { run(moved_main); }

/* ---- scopes ------------------------------------------------------------------------------------- */

static int outlive_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    {
        WEFT_SCOPE(scope);
        WEFT_TRY(count_to(10, &numbers));
        ck_assert_int_eq(weft_recv(numbers, &n), 1);
        WEFT_TRY(weft_scope_wait(&scope));
        ck_assert_int_eq(weft_recv(numbers, &n), 1);    /* the wait does not end it */
        ck_assert_int_eq(atomic_load(&n_ended), 0);
    }
    ck_assert_int_eq(atomic_load(&n_ended), 1);
    ck_assert_int_eq(atomic_load(&last_code), WEFT_ECLOSED);
    ck_assert_int_eq(weft_recv(numbers, &n), WEFT_ECANCELED);
    ck_assert_int_eq(weft_recv(numbers, &n), WEFT_ECANCELED);
    ck_assert_int_eq(weft_try_recv(numbers, &n), WEFT_ECANCELED);
    return 0;
}

WT_TEST(it_ends_at_the_latest_with_its_scope) { run(outlive_main); }

static int cancel_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    {
        WEFT_SCOPE(scope);
        WEFT_TRY(count_to(10, &numbers));
        ck_assert_int_eq(weft_recv(numbers, &n), 1);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_recv(numbers, &n), WEFT_ECANCELED);
    }
    ck_assert_int_eq(atomic_load(&last_code), WEFT_ECANCELED);
    ck_assert_int_eq(weft_recv(numbers, &n), WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_cancel_of_its_scope_ends_the_pending_yield) { run(cancel_main); }

WEFT_GENERATOR(in_a_deadline, weft_rx(int))
{
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
    for (int n = 0;; n++)
        WEFT_TRY(weft_yield(n));
}

static int leak_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n, rc;
    WEFT_TRY(in_a_deadline(&numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(weft_sleep(WEFT_MS(3)), 0);
    while ((rc = weft_recv(numbers, &n)) > 0)
        ck_assert_int_eq(weft_checkpoint(), 0);
    ck_assert_int_eq(rc, WEFT_ECANCELED);       /* the code that the body returned */
    ck_assert_int_eq(weft_checkpoint(), 0);
    return 0;
}

WT_TEST(a_deadline_in_the_body_stays_there) { run(leak_main); }

/* ---- pipelines ---------------------------------------------------------------------------------- */

static int log_names[8];
static _Atomic int n_logged;

static void note(int name) { log_names[atomic_fetch_add(&n_logged, 1)] = name; }

WEFT_GENERATOR(read_numbers, weft_rx(int))
{
    int rc = 0;
    for (int n = 1; rc >= 0; n++)
        rc = weft_yield(n);
    note(1);
    return rc;
}

WEFT_GENERATOR(keep_even, weft_rx(int), (rx, int, numbers))
{
    int rc = 0;
    weft_each (n, numbers)
        if (n % 2 == 0 && (rc = weft_yield(n)) < 0)
            break;
    note(2);
    return rc;
}

static int pipeline_main(void *arg)
{
    (void)arg;
    atomic_store(&n_logged, 0);
    {
        WEFT_RX(int, numbers);
        WEFT_RX(int, even);
        WEFT_TRY(read_numbers(&numbers));
        WEFT_TRY(keep_even(WEFT_MOVE(numbers), &even));
        weft_each (n, even)
            if (n == 6)
                break;
    }
    note(3);
    ck_assert_int_eq(atomic_load(&n_logged), 3);
    ck_assert_int_eq(log_names[0], 2);      /* the last stage unwinds first, and closes the first */
    ck_assert_int_eq(log_names[1], 1);
    ck_assert_int_eq(log_names[2], 3);
    return 0;
}

WT_TEST(leaving_the_loop_closes_the_stages_in_order) { run(pipeline_main); }

static int pipeline_scope_main(void *arg)
{
    (void)arg;
    int n;
    atomic_store(&n_logged, 0);
    WEFT_RX(int, even);
    {
        WEFT_SCOPE(scope);
        WEFT_RX(int, numbers);
        WEFT_TRY(read_numbers(&numbers));
        WEFT_TRY(keep_even(WEFT_MOVE(numbers), &even));
        ck_assert_int_eq(weft_recv(even, &n), 1);
    }
    ck_assert_int_eq(atomic_load(&n_logged), 2);
    ck_assert_int_eq(log_names[0], 2);
    ck_assert_int_eq(weft_recv(even, &n), WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_scope_closes_its_stages_latest_first) { run(pipeline_scope_main); }

WEFT_GENERATOR(nested, weft_rx(int), (int, depth))
{
    atomic_fetch_add(&n_begun, 1);
    WEFT_RX(int, inner);
    int rc = depth > 0 ? nested(depth - 1, &inner) : count_to(3, &inner);
    if (rc >= 0)
        weft_each (n, inner)
            if ((rc = weft_yield(n)) < 0)
                break;
    return ended_with(rc < 0 ? rc : weft_error(inner));
}

static int nested_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int sum = 0, n;
    WEFT_TRY(nested(4, &numbers));
    weft_each (m, numbers)
        sum += m;
    ck_assert_int_eq(sum, 6);
    WEFT_TRY(weft_error(numbers));
    WEFT_RX(int, cut);
    WEFT_TRY(nested(4, &cut));
    ck_assert_int_eq(weft_recv(cut, &n), 1);
    ck_assert_int_eq(weft_close(cut), 0);
    return 0;
}

WT_TEST(generators_nest) { run(nested_main); }

/* ---- select ------------------------------------------------------------------------------------- */

static int select_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    struct token *item;
    int n_late = 0, n_items = 0;
    WEFT_TRY(slow_tokens_with(&dropping, WEFT_MS(2), &items));
    while (n_items < 5) {
        int rc;
        switch (weft_select(&rc, weft_on_recv(items, &item), weft_on_after(WEFT_MS(1)))) {
        case 0:
            ck_assert_int_eq(rc, 1);
            ck_assert_int_eq(token_end(item), ++n_items);
            break;
        case 1:
            n_late++;
            break;
        default:
            ck_abort();
        }
    }
    ck_assert_int_gt(n_late, 0);
    return 0;
}

WT_TEST(a_select_that_loses_keeps_the_item) { run(select_main); }

static int select_end_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, a);
    WEFT_RX(int, b);
    int n, m, rc, sum = 0, n_ended_cases = 0;
    WEFT_TRY(count_to(10, &a));
    WEFT_TRY(fail_after(10, -EIO, &b));
    while (n_ended_cases < 2) {
        int i = weft_select(&rc, weft_on_recv(a, &n), weft_on_recv(b, &m));
        ck_assert_int_ge(i, 0);
        if (rc == 1) {
            sum += i == 0 ? n : m;
            continue;
        }
        ck_assert_int_eq(rc, i == 0 ? 0 : -EIO);
        n_ended_cases++;
        if (i == 0)
            WEFT_DROP(a);
        else
            WEFT_DROP(b);
    }
    ck_assert_int_eq(sum, 110);
    return 0;
}

WT_TEST(select_serves_two_generators_to_their_ends) { run(select_end_main); }

/* ---- plain threads ------------------------------------------------------------------------------ */

static void drain_on_thread(void *arg)
{
    weft_rx(int) numbers = NULL;
    int *out_sum = arg, n;
    ck_assert_int_eq(count_to(10, &numbers), 0);
    while (weft_recv(numbers, &n) > 0)
        *out_sum += n;
    ck_assert_int_eq(weft_error(numbers), 0);
    WEFT_DROP(numbers);
    ck_assert_int_eq(count_to(10, &numbers), 0);
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(weft_close(numbers), 0);
    WEFT_DROP(numbers);
    ck_assert_int_eq(count_to(10, &numbers), 0);
    WEFT_DROP(numbers);
}

WT_TEST(a_plain_thread_opens_and_closes_them)
{
    int sum = 0;
    reset();
    wt_thread *thread = wt_thread_start(drain_on_thread, &sum);
    wt_thread_join(thread);
    ck_assert_int_eq(sum, 55);
    ck_assert_int_eq(atomic_load(&n_begun), 2);
    ck_assert_int_eq(atomic_load(&n_ended), 2);
}

WT_TEST(a_plain_thread_with_a_scope)
{
    weft_rx(int) numbers = NULL;
    int n;
    reset();
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(count_to(10, &numbers), 0);
        ck_assert_int_eq(weft_recv(numbers, &n), 1);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_int_eq(atomic_load(&n_ended), 1);
    ck_assert_int_eq(weft_recv(numbers, &n), WEFT_ECANCELED);
    WEFT_DROP(numbers);
}

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

WT_MAIN("api_generator")
