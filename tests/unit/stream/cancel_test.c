/* SPDX-License-Identifier: MIT
 * A cancel at every point where a pipeline may wait: whatever it hits, each item is consumed or
 * dropped once, each resource that was opened is closed, and nothing is received twice or skipped.
 *
 * The points are found in two ways: by a deadline that moves in small steps over the whole run
 * (exact on the simulator's clock), and by a task that cancels after so many turns. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#include "../../api/token.h"

enum { N_ITEMS = 12, KEEP_EVERY = 2, STEP_US = 20 };

static _Atomic int n_opened, n_closed;

/* A resource whose close waits. */
typedef struct door {
    int unused;
} door;

static int door_open(door **out_door)
{
    WEFT_TRY(weft_sleep(WEFT_US(5)));
    *out_door = malloc(sizeof **out_door);
    ck_assert_ptr_nonnull(*out_door);
    atomic_fetch_add(&n_opened, 1);
    return 0;
}

static int door_close(door *it)
{
    ck_assert_int_eq(weft_sleep(WEFT_US(5)), 0);
    free(it);
    atomic_fetch_add(&n_closed, 1);
    return 0;
}
WEFT_DEFINE_AUTO(door, door_close)

WEFT_GENERATOR(make_tokens, weft_rx(struct token *), (int, last))
{
    WEFT_AUTO(door, open);
    WEFT_TRY(door_open(&open));
    for (int n = 1; n <= last; n++) {
        if (n % 3 == 0)
            WEFT_TRY(weft_sleep(WEFT_US(STEP_US)));
        WEFT_TRY(weft_yield(token_new(n)));
    }
    return 0;
}

/* A stage with a task of its own between two that have none. */
WEFT_GENERATOR(pass_on, weft_rx(struct token *), (rx, struct token *, tokens))
{
    WEFT_AUTO(door, open);
    WEFT_TRY(door_open(&open));
    weft_each (token, tokens)
        WEFT_TRY(weft_yield(token));
    return weft_error(tokens);
}

WEFT_FILTER(keep, struct token *, token) { return token->n % KEEP_EVERY == 0; }

WEFT_MAP(unwrap, int, out, struct token *, token)
{
    *out = token_end(token);
    return 0;
}

static const weft_generator_opts dropping = { .drop = token_drop };

static int open_pipeline(weft_rx(int) * out_numbers)
{
    WEFT_RX(struct token *, made);
    WEFT_RX(struct token *, kept);
    WEFT_RX(struct token *, passed);
    WEFT_RX(struct token *, taken);
    WEFT_TRY(make_tokens_with(&dropping, 1000, &made));
    WEFT_TRY(keep(WEFT_MOVE(made), &kept));
    WEFT_TRY(pass_on_with(&dropping, WEFT_MOVE(kept), &passed));
    WEFT_TRY(weft_take(WEFT_MOVE(passed), N_ITEMS, &taken));
    return unwrap(WEFT_MOVE(taken), out_numbers);
}

static void begin(void)
{
    atomic_store(&n_opened, 0);
    atomic_store(&n_closed, 0);
    tokens_begin();
}

static void check(void)
{
    tokens_check();
    ck_assert_int_eq(atomic_load(&n_opened), atomic_load(&n_closed));
}

/* The items from *last on; *last is the number of the latest. */
static int consume(weft_rx(int) numbers, int *last)
{
    weft_each (n, numbers) {
        ck_assert_int_eq(n, *last + KEEP_EVERY);
        *last = n;
        if (n % 5 == 0)
            WEFT_TRY(weft_sleep(WEFT_US(STEP_US)));
    }
    return weft_error(numbers);
}

static int run_pipeline(void)
{
    WEFT_RX(int, numbers);
    int last = 0;
    WEFT_TRY(open_pipeline(&numbers));
    int rc = consume(numbers, &last);
    if (rc == 0)
        ck_assert_int_eq(last, N_ITEMS * KEEP_EVERY);
    return rc;
}

/* ---- the whole pipeline is cancelled ------------------------------------------------------------- */

static int with_deadline(int64_t timeout_ns)
{
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns);
    int rc = run_pipeline();
    ck_assert(rc == 0 || rc == WEFT_ECANCELED);
    int scope_rc = weft_scope_wait(&scope);
    ck_assert(scope_rc == 0 || scope_rc == WEFT_ETIMEDOUT);
    return rc;
}

/* The last deadlines are past the end, so that the sweep is known to cover the run. */
static int sweep(void *arg)
{
    (void)arg;
    int n_whole = 0;
    for (int64_t timeout_ns = WEFT_US(1); n_whole < 3; timeout_ns += WEFT_US(7)) {
        begin();
        int rc = with_deadline(timeout_ns);
        check();
        n_whole += rc == 0;
    }
    return 0;
}

WT_TEST(a_deadline_at_every_point)
{
    wt_seeds_at_most(50);
    ck_assert_int_eq(weft_run(sweep, NULL), 0);
}

WT_TEST(a_deadline_at_every_point_in_a_thread)
{
    wt_seeds_at_most(20);
    ck_assert_int_eq(sweep(NULL), 0);
}

WEFT_TASK(cancel_after, (weft_scope *, scope), (int, n_turns))
{
    for (int i = 0; i < n_turns; i++)
        WEFT_TRY(weft_pause());
    weft_scope_cancel(scope);
    return 0;
}

static int with_canceller(int n_turns)
{
    WEFT_SCOPE(outer);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&outer, cancel_after, &scope, n_turns));
    int rc = run_pipeline();
    ck_assert(rc == 0 || rc == WEFT_ECANCELED);
    WEFT_TRY(weft_scope_wait(&scope));
    return weft_scope_wait(&outer);
}

static int turns(void *arg)
{
    (void)arg;
    for (int n_turns = 0; n_turns < 60; n_turns++) {
        begin();
        WEFT_TRY(with_canceller(n_turns));
        check();
    }
    return 0;
}

WT_TEST(a_cancel_after_every_turn)
{
    wt_seeds_at_most(50);
    ck_assert_int_eq(weft_run(turns, NULL), 0);
}

/* ---- the consumer alone is cancelled, again and again --------------------------------------------- */

static int consume_for(int64_t timeout_ns, weft_rx(int) numbers, int *last)
{
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns);
    return consume(numbers, last);
}

static int resume(void *arg)
{
    (void)arg;
    for (int64_t timeout_ns = WEFT_US(4); timeout_ns < WEFT_US(40); timeout_ns += WEFT_US(3)) {
        begin();
        {
            WEFT_RX(int, numbers);
            int last = 0, rc;
            WEFT_TRY(open_pipeline(&numbers));
            do {
                rc = consume_for(timeout_ns, numbers, &last);
            } while (rc == WEFT_ECANCELED);
            ck_assert_int_eq(rc, 0);
            ck_assert_int_eq(last, N_ITEMS * KEEP_EVERY);
        }
        check();
    }
    return 0;
}

WT_TEST(a_cancelled_consumer_goes_on_where_it_was)
{
    wt_seeds_at_most(50);
    ck_assert_int_eq(weft_run(resume, NULL), 0);
}

/* ---- the consumer leaves ------------------------------------------------------------------------ */

static int leave_after(int n_items)
{
    WEFT_RX(int, numbers);
    WEFT_TRY(open_pipeline(&numbers));
    weft_each (n, numbers)
        if (--n_items <= 0)
            break;
    return 0;
}

static int leave(void *arg)
{
    (void)arg;
    for (int n_items = 1; n_items <= N_ITEMS; n_items++) {
        begin();
        WEFT_TRY(leave_after(n_items));
        check();
    }
    return 0;
}

WT_TEST(a_break_after_every_item) { ck_assert_int_eq(weft_run(leave, NULL), 0); }

WEFT_TASK(receive_one, (weft_rx(int), numbers), (_Atomic int *, out_code))
{
    int n;
    atomic_store(out_code, weft_recv(numbers, &n));
    return 0;
}

static int close_after(int n_turns)
{
    WEFT_SCOPE(scope);
    WEFT_RX(struct token *, made);
    struct token *token = NULL;
    WEFT_TRY(make_tokens_with(&dropping, 5, &made));
    if (n_turns % 2 != 0 && weft_recv(made, &token) == 1)
        (void)token_end(token);
    WEFT_SCOPE(inner, .timeout_ns = WEFT_US(n_turns));
    int rc = weft_recv(made, &token);
    if (rc == 1)
        (void)token_end(token);
    WEFT_DROP(made);
    ck_assert(rc == 1 || rc == WEFT_ECANCELED);
    return 0;
}

static int close_in_time(void *arg)
{
    (void)arg;
    for (int n_turns = 1; n_turns < 40; n_turns++) {
        begin();
        WEFT_TRY(close_after(n_turns));
        check();
    }
    return 0;
}

WT_TEST(a_drop_right_after_a_cancelled_receive)
{
    wt_seeds_at_most(100);
    ck_assert_int_eq(weft_run(close_in_time, NULL), 0);
}

WEFT_GENERATOR(count_up, weft_rx(int), (_Atomic bool *, is_inside), (int, n_turns))
{
    atomic_store(is_inside, true);
    for (int i = 0; i < n_turns; i++)
        WEFT_TRY(weft_pause());
    for (int n = 1;; n++)
        WEFT_TRY(weft_yield(n));
}

/* The handle is lent: closed only once its borrower is inside the receive. */
static int close_under(int n_turns)
{
    WEFT_RX(int, numbers);
    _Atomic int code = 99;
    _Atomic bool is_inside = false;
    WEFT_SCOPE(scope);
    WEFT_TRY(count_up(&is_inside, n_turns / 4, &numbers));
    WEFT_TRY(weft_spawn(&scope, receive_one, numbers, &code));
    while (!atomic_load(&is_inside))
        WEFT_TRY(weft_sleep(WEFT_US(1)));
    for (int i = 0; i < n_turns % 4; i++)
        WEFT_TRY(weft_pause());
    ck_assert_int_eq(weft_close(numbers), 0);
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert(atomic_load(&code) == 1 || atomic_load(&code) == WEFT_ECLOSED);
    return 0;
}

static int close_from_outside(void *arg)
{
    (void)arg;
    for (int n_turns = 0; n_turns < 16; n_turns++)
        WEFT_TRY(close_under(n_turns));
    return 0;
}

WT_TEST(a_close_while_another_task_receives)
{
    ck_assert_int_eq(weft_run(close_from_outside, NULL), 0);
}

WT_MAIN("stream_cancel")
