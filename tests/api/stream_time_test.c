/* SPDX-License-Identifier: MIT
 * Combinators of time. What depends on when something ran is asked only of the simulator's clock. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#include "token.h"

#include "stream_items.h"

static void run_in_virtual_time(int (*main_task)(void *))
{
    if (!wt_is_sim())
        wt_skip("a loaded machine would be late");
    run_tokens(main_task);
}

/* Waits before each n-th token, n from 1 on, as long as it is told to. */
WEFT_TASK(sends_tokens_at, (tx, struct token *, out), (const int64_t *, waits_ns), (int, last))
{
    for (int n = 1; n <= last; n++) {
        if (waits_ns[n - 1] > 0)
            WEFT_TRY(weft_sleep(waits_ns[n - 1]));
        struct token *token = token_new(n);
        int rc = weft_send(out, token);
        if (rc < 0)
            token_end(token);
        WEFT_TRY(rc);
    }
    return 0;
}

static int open_timed(weft_scope *scope, const int64_t *waits_ns, int last,
                      weft_rx(struct token *) * out_rx)
{
    WEFT_TX(struct token *, tx);
    WEFT_TRY(weft_chan_open(&tx, out_rx, 16, .drop = token_drop));
    return weft_spawn(scope, sends_tokens_at, WEFT_MOVE(tx), waits_ns, last);
}

/* ---- conflate --------------------------------------------------------------------------------- */

WEFT_TASK(select_once, (weft_receiver *, newest), (rx, int, other))
{
    struct token *token;
    int n, rc;
    const weft_case cases[] = { weft_case_recv(WEFT_RX_RAW_(other), &n, sizeof n),
                                weft_case_recv(newest, &token, sizeof token) };
    if (WEFT_TRY(weft_select_from_ordered(cases, 2, &rc)) == 1 && rc == 1)
        (void)token_end(token);
    return 0;
}

static int conflate_main(void *arg)
{
    (void)arg;
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, newest);
    struct token *token;
    int rc;
    WEFT_TRY(weft_chan_open(&tx, &source, 8, .drop = token_drop));
    WEFT_TRY(weft_conflate(WEFT_MOVE(source), &newest));
    ck_assert_int_eq(weft_try_recv(newest, &token), WEFT_EAGAIN);
    for (int n = 1; n <= 5; n++)
        WEFT_TRY(weft_send(tx, token_new(n)));
    ck_assert_int_eq(weft_recv(newest, &token), 1);
    ck_assert_int_eq(token_end(token), 5);
    WEFT_TRY(weft_send(tx, token_new(6)));
    WEFT_TRY(weft_send(tx, token_new(7)));
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(newest, &token)), 0);
    ck_assert_int_eq(token_end(token), 7);
    WEFT_TRY(weft_send(tx, token_new(8)));
    WEFT_TRY(weft_send(tx, token_new(9)));
    WEFT_TRY(weft_end(tx, -EIO));
    ck_assert_int_eq(weft_recv(newest, &token), 1);
    ck_assert_int_eq(token_end(token), 9);
    ck_assert_int_eq(weft_recv(newest, &token), -EIO);
    ck_assert_int_eq(weft_recv(newest, &token), 0);
    return 0;
}

WT_TEST(conflate_gives_the_newest_and_drops_the_others) { run_tokens(conflate_main); }

/* A select that was told of an item may do another case: the item stays here, and the source knows
 * no destructor for it. */
static int held_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        WEFT_SCOPE(scope);
        WEFT_TX(struct token *, tx);
        WEFT_RX(struct token *, source);
        WEFT_TX(int, other_tx);
        WEFT_RX(int, other);
        WEFT_TRY(weft_chan_open(&tx, &source, 0));
        WEFT_TRY(weft_chan_open(&other_tx, &other, 8));
        weft_receiver *newest = NULL;
        WEFT_TRY(weft_conflate_open(weft_half_take(&source), sizeof(struct token *),
                                    WEFT_OPTS(stream, .drop = token_drop), &newest));
        WEFT_TRY(weft_spawn(&scope, select_once, newest, WEFT_MOVE(other)));
        for (int n = i % 5; n > 0; n--)
            WEFT_TRY(weft_pause());
        WEFT_TRY(weft_send(tx, token_new(i)));
        int rc = weft_send(other_tx, i); /* it may have ended with the first */
        ck_assert(rc == 0 || rc == WEFT_ECLOSED);
        WEFT_TRY(weft_scope_wait(&scope));
        weft_half_drop(&newest);
    }
    return 0;
}

WT_TEST(conflate_drops_what_a_select_has_left_with_it) { run_tokens(held_main); }

/* What ends a source may have the code of a cancelled receive. */
static int debounce_cancelled_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, newest);
    struct token *token;
    WEFT_TRY(open_tokens(3, WEFT_ECANCELED, &source));
    WEFT_TRY(weft_debounce(WEFT_MOVE(source), WEFT_SEC(3600), &newest));
    ck_assert_int_eq(weft_recv(newest, &token), 1);
    ck_assert_int_eq(token_end(token), 3);
    ck_assert_int_eq(weft_recv(newest, &token), WEFT_ECANCELED);
    ck_assert_int_eq(weft_recv(newest, &token), 0);
    return 0;
}

WT_TEST(a_source_that_ends_as_cancelled_does_not_lose_the_newest)
{
    run_tokens(debounce_cancelled_main);
}

/* ---- debounce --------------------------------------------------------------------------------- */

static int debounce_main(void *arg)
{
    (void)arg;
    static const int64_t waits_ns[] = { 0,           WEFT_MS(10), WEFT_MS(10),
                                        WEFT_SEC(9), WEFT_MS(10), WEFT_SEC(9) };
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, calm);
    WEFT_SCOPE(scope);
    int sum = 0, last = 0;
    WEFT_TRY(open_timed(&scope, waits_ns, 6, &source));
    WEFT_TRY(weft_debounce(WEFT_MOVE(source), WEFT_SEC(1), &calm));
    weft_each (token, calm) {
        last = token_end(token);
        sum += last;
    }
    ck_assert_int_eq(sum, 3 + 5 + 6);
    ck_assert_int_eq(last, 6);
    WEFT_TRY(weft_error(calm));
    return weft_scope_wait(&scope);
}

static int cancelled_debounce_main(void *arg)
{
    (void)arg;
    static const int64_t waits_ns[] = { 0, WEFT_SEC(9) };
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, calm);
    WEFT_SCOPE(scope);
    struct token *token;
    WEFT_TRY(open_timed(&scope, waits_ns, 2, &source));
    WEFT_TRY(weft_debounce(WEFT_MOVE(source), WEFT_SEC(1), &calm));
    {
        WEFT_SCOPE(inner, .timeout_ns = WEFT_MS(500));
        ck_assert_int_eq(weft_recv(calm, &token), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&inner), WEFT_ETIMEDOUT);
    }
    ck_assert_int_eq(weft_recv(calm, &token), 1);
    ck_assert_int_eq(token_end(token), 1);
    return 0;
}

WT_TEST(debounce_waits_until_it_is_calm) { run_in_virtual_time(debounce_main); }
WT_TEST(a_cancel_loses_no_debounced_item) { run_in_virtual_time(cancelled_debounce_main); }

/* ---- sample ----------------------------------------------------------------------------------- */

static int sample_main(void *arg)
{
    (void)arg;
    /* At 0.1 s, 0.2 s, 1.5 s, 4.5 s, 4.6 s; points at 1, 2, 3 ... s; the end right after 5. */
    static const int64_t waits_ns[] = { WEFT_MS(100), WEFT_MS(100), WEFT_MS(1300), WEFT_SEC(3),
                                        WEFT_MS(100) };
    static const int expected[] = { 2, 3, 5 };
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, points);
    WEFT_SCOPE(scope);
    int n_given = 0;
    WEFT_TRY(open_timed(&scope, waits_ns, 5, &source));
    WEFT_TRY(weft_sample(WEFT_MOVE(source), WEFT_SEC(1), &points));
    weft_each (token, points)
        ck_assert_int_eq(token_end(token), expected[n_given++]);
    ck_assert_int_eq(n_given, 3);
    WEFT_TRY(weft_error(points));
    return weft_scope_wait(&scope);
}

WT_TEST(sample_gives_the_newest_at_each_point) { run_in_virtual_time(sample_main); }

/* Two points are missed, and what has come since is given for them, at once. */
static int late_sample_main(void *arg)
{
    (void)arg;
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, points);
    struct token *token;
    WEFT_TRY(weft_chan_open(&tx, &source, 8, .drop = token_drop));
    WEFT_TRY(weft_sample(WEFT_MOVE(source), WEFT_SEC(1), &points));
    WEFT_TRY(weft_send(tx, token_new(1)));
    ck_assert_int_eq(weft_recv(points, &token), 1);
    ck_assert_int_eq(token_end(token), 1);
    WEFT_TRY(weft_sleep(WEFT_MS(2500)));
    int64_t now_ns = weft_now_ns();
    for (int n = 2; n <= 4; n++)
        WEFT_TRY(weft_send(tx, token_new(n)));
    ck_assert_int_eq(weft_recv(points, &token), 1);
    ck_assert_int_eq(token_end(token), 4);
    ck_assert_int_eq(weft_now_ns(), now_ns);
    WEFT_TRY(weft_send(tx, token_new(5)));
    ck_assert_int_eq(weft_recv(points, &token), 1);
    ck_assert_int_eq(token_end(token), 5);
    ck_assert_int_eq(weft_now_ns(), now_ns + WEFT_MS(500));
    return 0;
}

WT_TEST(sample_gives_at_once_for_points_that_were_missed) { run_in_virtual_time(late_sample_main); }

static int64_t skip_in_virtual_time(void)
{
    if (wt_is_sim())
        wt_skip("virtual time stands still while a source always has an item");
    return INT64_MAX;
}

WT_TEST(a_source_that_always_has_an_item_does_not_put_a_point_off)
{
    WEFT_RX(int64_t, numbers);
    WEFT_RX(int64_t, points);
    int64_t first = 0, second = 0;
    ck_assert_int_eq(weft_range(0, skip_in_virtual_time(), 1, &numbers), 0);
    ck_assert_int_eq(weft_sample(WEFT_MOVE(numbers), WEFT_MS(1), &points), 0);
    ck_assert_int_eq(weft_recv(points, &first), 1);
    ck_assert_int_eq(weft_recv(points, &second), 1);
    ck_assert_int_gt(second, first);
}

static int endless_sample_main(void *arg)
{
    (void)arg;
    static const int64_t waits_ns[] = { 0, WEFT_MS(1), WEFT_MS(1) };
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, points);
    WEFT_SCOPE(scope);
    struct token *token;
    WEFT_TRY(open_timed(&scope, waits_ns, 3, &source));
    WEFT_TRY(weft_sample(WEFT_MOVE(source), INT64_MAX, &points));
    ck_assert_int_eq(weft_recv(points, &token), 1);
    ck_assert_int_eq(token_end(token), 3);
    ck_assert_int_eq(weft_recv(points, &token), 0);
    return weft_scope_wait(&scope);
}

WT_TEST(a_point_beyond_the_end_of_time_does_not_come) { run_tokens(endless_sample_main); }

struct many {
    size_t n;
    int64_t items[10000];
};

WT_TEST(a_source_that_always_has_an_item_does_not_put_a_chunk_off)
{
    static struct many many;
    WEFT_RX(int64_t, numbers);
    WEFT_RX(struct many, chunks);
    ck_assert_int_eq(weft_range(0, skip_in_virtual_time(), 1, &numbers), 0);
    ck_assert_int_eq(weft_chunks_timed(WEFT_MOVE(numbers), 1, &chunks), 0);
    ck_assert_int_eq(weft_recv(chunks, &many), 1);
    ck_assert_uint_ge(many.n, 1);
    ck_assert_uint_lt(many.n, 10000);
}

/* ---- throttle --------------------------------------------------------------------------------- */

static int throttle_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, slow);
    int n = 0;
    int64_t last_ns = 0;
    WEFT_TRY(open_tokens(6, -EIO, &source));
    WEFT_TRY(weft_throttle(WEFT_MOVE(source), WEFT_MS(2), &slow));
    weft_each (token, slow) {
        int64_t now_ns = weft_now_ns();
        ck_assert_int_eq(token_end(token), ++n);
        ck_assert(n == 1 || now_ns - last_ns >= WEFT_MS(1));
        last_ns = now_ns;
    }
    ck_assert_int_eq(n, 6);
    ck_assert_int_eq(weft_error(slow), -EIO);
    return 0;
}

WT_TEST(throttle_loses_nothing_and_keeps_a_distance) { run_tokens(throttle_main); }

/* ---- item_timeout ----------------------------------------------------------------------------- */

static int item_timeout_main(void *arg)
{
    (void)arg;
    static const int64_t waits_ns[] = { 0, WEFT_MS(100), WEFT_SEC(9000) };
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, timed);
    WEFT_SCOPE(scope);
    struct token *token;
    int n = 0;
    WEFT_TRY(open_timed(&scope, waits_ns, 3, &source));
    WEFT_TRY(weft_item_timeout(WEFT_MOVE(source), WEFT_SEC(2), &timed));
    weft_each (t, timed)
        ck_assert_int_eq(token_end(t), ++n);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(weft_error(timed), WEFT_ETIMEDOUT);
    ck_assert_int_eq(weft_recv(timed, &token), 0);
    return 0;
}

WT_TEST(item_timeout_ends_a_stream_that_is_silent) { run_in_virtual_time(item_timeout_main); }

static int refused_main(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, numbers);
    WEFT_RX(struct token *, waiting);
    WEFT_RX(struct token *, out);
    WEFT_TRY(weft_range(1, 9, 1, &numbers));
    WEFT_TRY(token_of(WEFT_MOVE(numbers), &waiting));
    ck_assert_int_eq(weft_debounce(WEFT_MOVE(waiting), WEFT_MS(1), &out), WEFT_ENOTSUP);
    WEFT_TRY(open_ready_tokens(3, &waiting));
    ck_assert_int_eq(weft_debounce(WEFT_MOVE(waiting), 0, &out), WEFT_EINVAL);
    return 0;
}

WT_TEST(time_needs_a_source_that_select_takes) { run_tokens(refused_main); }

/* ---- retry ------------------------------------------------------------------------------------ */

static int n_opened;

/* Fails to open at first, then breaks after two items, then after none, then gives four. */
WEFT_RETRY(flaky_tokens, struct token *, out_rx, (int, n_bad))
{
    static const int last[] = { 0, 2, 0, 4 };
    int n = n_opened++;
    if (n == 0 || n_bad > 0)
        return -ECONNREFUSED;
    return open_tokens(last[n], n < 3 ? -ECONNRESET : 0, out_rx);
}

static int retry_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, rx);
    int sum = 0;
    n_opened = 0;
    WEFT_TRY(flaky_tokens_with(
        WEFT_OPTS(retry, .tries = 3, .delay_ns = WEFT_US(100), .drop = token_drop), 0, &rx));
    ck_assert_int_eq(n_opened, 0);
    weft_each (token, rx)
        sum += token_end(token);
    ck_assert_int_eq(sum, 3 + 10);
    ck_assert_int_eq(n_opened, 4);
    return weft_error(rx);
}

WT_TEST(retry_opens_again_until_it_succeeds) { run_tokens(retry_main); }

static bool is_refusal(int code) { return code == -ECONNREFUSED; }

static int failed_retry_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, rx);
    struct token *token;
    int64_t begun_ns = weft_now_ns();
    n_opened = 0;
    WEFT_TRY(flaky_tokens_with(WEFT_OPTS(retry, .tries = 4, .delay_ns = WEFT_MS(1),
                                         .max_delay_ns = WEFT_MS(2), .may_retry = is_refusal),
                               1, &rx));
    ck_assert_int_eq(weft_recv(rx, &token), -ECONNREFUSED);
    ck_assert_int_eq(weft_recv(rx, &token), 0);
    ck_assert_int_eq(n_opened, 4);
    ck_assert_int_ge(weft_now_ns() - begun_ns, WEFT_US(750) + 2 * WEFT_US(1500));
    WEFT_DROP(rx);
    n_opened = 1;
    WEFT_TRY(flaky_tokens_with(WEFT_OPTS(retry, .may_retry = is_refusal), 0, &rx));
    ck_assert_int_eq(weft_recv(rx, &token), 1);
    token_end(token);
    ck_assert_int_eq(weft_recv(rx, &token), 1);
    token_end(token);
    ck_assert_int_eq(weft_recv(rx, &token), -ECONNRESET);
    return 0;
}

WT_TEST(retry_gives_up_after_so_many_tries_or_for_another_error) { run_tokens(failed_retry_main); }

WEFT_RETRY(tokens_that_were_opened_too_late, struct token *, out_rx)
{
    WEFT_TRY(open_tokens(1, 0, out_rx));
    return n_opened++ == 0 ? WEFT_ECANCELED : 0;
}

static int retry_of_late_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, rx);
    struct token *token;
    n_opened = 0;
    WEFT_TRY(tokens_that_were_opened_too_late(&rx));
    ck_assert_int_eq(weft_recv(rx, &token), WEFT_ECANCELED);
    ck_assert_int_eq(weft_recv(rx, &token), 1);
    token_end(token);
    ck_assert_int_eq(n_opened, 2);
    return 0;
}

WT_TEST(what_a_cancelled_step_has_opened_is_closed) { run_tokens(retry_of_late_main); }

static bool is_any(int code) { return code < 0; }

/* What ends a stream may have the code of a cancelled receive. */
WEFT_RETRY(tokens_that_end_as_cancelled, struct token *, out_rx)
{
    n_opened++;
    return open_tokens(1, WEFT_ECANCELED, out_rx);
}

static int retry_of_cancelled_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, rx);
    struct token *token;
    n_opened = 0;
    WEFT_TRY(tokens_that_end_as_cancelled(&rx));
    ck_assert_int_eq(weft_recv(rx, &token), 1);
    token_end(token);
    ck_assert_int_eq(weft_recv(rx, &token), WEFT_ECANCELED);
    ck_assert_int_eq(weft_recv(rx, &token), 0);
    ck_assert_int_eq(atomic_load(&n_source_ended), 1);
    WEFT_DROP(rx);
    WEFT_TRY(tokens_that_end_as_cancelled_with(WEFT_OPTS(retry, .delay_ns = 1, .may_retry = is_any),
                                               &rx));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(weft_recv(rx, &token), 1);
        token_end(token);
    }
    ck_assert_int_eq(n_opened, 4);
    return 0;
}

WT_TEST(a_stream_that_ends_as_cancelled_is_opened_again_if_asked_for)
{
    run_tokens(retry_of_cancelled_main);
}

static int cancelled_retry_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, rx);
    struct token *token;
    n_opened = 0;
    WEFT_TRY(flaky_tokens_with(WEFT_OPTS(retry, .delay_ns = WEFT_SEC(1000)), 1, &rx));
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
    ck_assert_int_eq(weft_recv(rx, &token), WEFT_ECANCELED);
    ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    ck_assert_int_eq(n_opened, 1);
    return 0;
}

WT_TEST(the_delay_of_a_retry_can_be_cancelled) { run_tokens(cancelled_retry_main); }

WT_MAIN("api_stream_time")
