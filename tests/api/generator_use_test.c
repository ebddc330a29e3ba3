/* SPDX-License-Identifier: MIT
 * Generators among others: several consumers, scopes, pipelines, select, plain threads. */
#include "generator_bodies.h"

/* ---- cancelled consumers ------------------------------------------------------------------------ */

static int try_for(int64_t timeout_ns, weft_rx(struct token *) items, struct token **item)
{
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns);
    return weft_recv(items, item);
}

WEFT_GENERATOR(held_tokens, weft_rx(struct token *), (atomic_bool *, may_go))
{
    atomic_fetch_add(&n_begun, 1);
    int rc = 0;
    while (rc >= 0 && !atomic_load(may_go))
        rc = weft_sleep(WEFT_US(100));
    for (int n = 1; rc >= 0; n++)
        rc = weft_yield(token_new(n));
    return ended_with(rc);
}

static int kept_main(void *arg)
{
    (void)arg;
    atomic_bool may_go = false;
    WEFT_RX(struct token *, items);
    struct token *item;
    WEFT_TRY(held_tokens_with(&dropping, &may_go, &items));
    ck_assert_int_eq(try_for(WEFT_MS(1), items, &item), WEFT_ECANCELED);
    atomic_store(&may_go, true);
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
    int rc = try_for(-1, items, &item); /* expired already: the body is not even asked */
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
        ck_assert_int_eq(weft_recv(numbers, &n), 1); /* the wait does not end it */
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
    ck_assert_int_eq(atomic_load(&last_code), WEFT_ECLOSED);
    ck_assert_int_eq(weft_recv(numbers, &n), WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_cancel_of_its_scope_leaves_the_pending_yield_to_its_consumer) { run(cancel_main); }

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
    while ((rc = weft_recv(numbers, &n)) > 0)
        ck_assert_int_eq(weft_sleep(WEFT_US(100)), 0);
    ck_assert_int_eq(rc, WEFT_ECANCELED); /* the code that the body returned */
    ck_assert_int_eq(weft_checkpoint(), 0);
    return 0;
}

WT_TEST(a_deadline_in_the_body_stays_there) { run(leak_main); }

/* A close that finds the body elsewhere than in a yield cancels it; once it has been told, the rest
 * is teardown, and may wait. */
WEFT_GENERATOR(busy_at_close, weft_rx(int))
{
    atomic_fetch_add(&n_begun, 1);
    int rc = weft_yield(1);
    while (rc == 0 && weft_checkpoint() == 0)
        (void)!weft_pause();
    rc = weft_yield(2);
    ck_assert_int_eq(rc, WEFT_ECLOSED);
    ck_assert_int_eq(weft_sleep(WEFT_US(1)), 0);
    return ended_with(rc);
}

static int busy_close_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(busy_at_close(&numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(weft_try_recv(numbers, &n), WEFT_EAGAIN); /* it goes on */
    ck_assert_int_eq(weft_close(numbers), 0);
    return 0;
}

WT_TEST(a_body_that_was_busy_at_the_close_may_wait_once_told) { run(busy_close_main); }

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
    ck_assert_int_eq(log_names[0], 2); /* the last stage unwinds first, and closes the first */
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

/* ---- a body that waits elsewhere when its consumer has lent it the worker ------------------------- */

WEFT_GENERATOR(gated, weft_rx(int), (tx, int, arrived), (rx, int, gate))
{
    int n;
    atomic_fetch_add(&n_begun, 1);
    for (n = 1; n <= 2; n++)
        WEFT_TRY(weft_yield(n));
    WEFT_TRY(weft_send(arrived, 0));
    WEFT_TRY(weft_recv(gate, &n));
    for (n = 3; n <= 5; n++) {
        WEFT_TRY(weft_pause());
        WEFT_TRY(weft_yield(n));
    }
    return ended_with(0);
}

WEFT_GENERATOR(relay, weft_rx(int), (rx, int, from))
{
    weft_each (n, from)
        WEFT_TRY(weft_yield(n));
    return weft_error(from);
}

WEFT_TASK(cancel_when, (rx, int, arrived), (weft_scope *, scope))
{
    int n;
    WEFT_TRY(weft_recv(arrived, &n));
    weft_scope_cancel(scope);
    return 0;
}

static int recv_until_cancelled(weft_rx(int) numbers, weft_rx(int) * arrived)
{
    int n;
    WEFT_SCOPE(outer);
    {
        WEFT_SCOPE(inner);
        WEFT_TRY(weft_spawn(&outer, cancel_when, WEFT_MOVE(*arrived), &inner));
        ck_assert_int_eq(weft_recv(numbers, &n), WEFT_ECANCELED);
    }
    return weft_scope_wait(&outer);
}

static int lent_main(void *arg)
{
    int n;
    for (int depth = 0; depth < 4; depth++) {
        WEFT_TX(int, arrived_tx);
        WEFT_RX(int, arrived);
        WEFT_TX(int, gate);
        WEFT_RX(int, gate_rx);
        WEFT_RX(int, numbers);
        WEFT_TRY(weft_chan_open(&arrived_tx, &arrived, 0));
        WEFT_TRY(weft_chan_open(&gate, &gate_rx, 0));
        WEFT_TRY(gated(WEFT_MOVE(arrived_tx), WEFT_MOVE(gate_rx), &numbers));
        for (int i = 0; i < depth; i++) {
            WEFT_RX(int, relayed);
            WEFT_TRY(relay(WEFT_MOVE(numbers), &relayed));
            numbers = WEFT_STEAL(relayed);
        }
        for (int i = 1; i <= 2; i++)
            ck_assert(weft_recv(numbers, &n) == 1 && n == i);
        WEFT_TRY(recv_until_cancelled(numbers, &arrived));
        if (arg != NULL) { /* the body is closed where it waits */
            ck_assert_int_eq(weft_close(numbers), 0);
            atomic_fetch_add(&n_ended, 1);
            continue;
        }
        WEFT_TRY(weft_send(gate, 0));
        for (int i = 3; i <= 5; i++)
            ck_assert(weft_recv(numbers, &n) == 1 && n == i);
        ck_assert_int_eq(weft_recv(numbers, &n), 0);
        ck_assert_int_eq(weft_error(numbers), 0);
    }
    return 0;
}

static int lent_and_closed_main(void *arg)
{
    (void)arg;
    return lent_main(&n_begun);
}

WT_TEST(a_consumer_is_cancelled_while_the_body_waits_elsewhere) { run(lent_main); }
WT_TEST(a_body_that_waits_elsewhere_is_closed) { run(lent_and_closed_main); }

/* ---- select ------------------------------------------------------------------------------------- */

static int select_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    struct token *item;
    int n_late = 0, n_items = 0;
    WEFT_TRY(slow_tokens_with(&dropping, WEFT_MS(2), &items));
    while (n_items < 5 || n_late == 0) {
        int rc;
        switch (weft_select(&rc, weft_on_recv(items, &item), weft_on_after(WEFT_MS(1)))) {
        case 0:
            ck_assert_int_eq(rc, 1);
            ck_assert_int_eq(token_end(item), ++n_items);
            break;
        case 1: n_late++; break;
        default: ck_abort();
        }
    }
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

WT_MAIN("api_generator_use")
