/* SPDX-License-Identifier: MIT
 * Pipelines: how ends, errors and departures travel, order, numbers. */
#include "wt_test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

#include "token.h"

#define MUST(call) ck_assert_int_eq(call, 0)

static void run(int (*body)(void *))
{
    tokens_begin();
    MUST(weft_run(body, NULL));
    tokens_check();
}

/* ---- stages of tokens ---------------------------------------------------------------------------- */

static int give(weft_tx(struct token *) out, struct token *token)
{
    int rc = weft_send(out, token);
    if (rc < 0)
        token_end(token);
    return rc;
}

/* 1 to n, then the code. */
WEFT_STAGE_SOURCE(count_up, struct token *, out, (int, n), (int, code))
{
    for (int i = 1; i <= n; i++)
        WEFT_TRY(give(out, token_new(i)));
    return code;
}

WEFT_STAGE(pass_on, struct token *, out, struct token *, in, (int, fails_at))
{
    weft_each (token, in) {
        if (token->n == fails_at) {
            token_end(token);
            return -EPIPE;
        }
        WEFT_TRY(give(out, token));
    }
    return weft_error(in);
}

WEFT_STAGE_MAP(doubled, struct token *, out, struct token *, in, (int, n_pauses))
{
    int n = token_end(in), rc = 0;
    for (int i = (n * 7) % (n_pauses + 1); i > 0 && rc >= 0; i--)
        rc = weft_pause();
    if (rc >= 0)
        *out = token_new(2 * n);
    return rc;
}

WEFT_STAGE_FILTER_MAP(odd_ones, struct token *, out, struct token *, in)
{
    int n = token_end(in);
    if (n % 2 == 0)
        return 0;
    *out = token_new(n);
    return 1;
}

WEFT_STAGE_SINK(add_up, struct token *, in, (_Atomic int *, sum))
{
    weft_each (token, in)
        atomic_fetch_add(sum, token_end(token));
    return weft_error(in);
}

#define STAGE(...) WEFT_OPTS(stage, .drop = token_drop, ##__VA_ARGS__)

/* ---- ends ------------------------------------------------------------------------------------------ */

static int in_a_row(void *arg)
{
    (void)arg;
    _Atomic int sum = 0;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_PIPELINE(p);
    WEFT_TRY(count_up(&p, STAGE(.capacity = 2), 20, 0, &a));
    WEFT_TRY(pass_on(&p, STAGE(.workers = 3, .capacity = 1), WEFT_MOVE(a), -1, &b));
    WEFT_TRY(doubled(&p, STAGE(.workers = 2), WEFT_MOVE(b), 3, &a));
    WEFT_TRY(odd_ones(&p, STAGE(), WEFT_MOVE(a), &b)); /* none is */
    WEFT_TRY(add_up(&p, NULL, WEFT_MOVE(b), &sum));
    WEFT_TRY(weft_pipeline_wait(&p));
    ck_assert_int_eq(atomic_load(&sum), 0);
    ck_assert_int_eq(weft_pipeline_error(&p, NULL), 0);
    return 0;
}

static int two_ends(void *arg)
{
    (void)arg;
    _Atomic int sum = 0;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_PIPELINE(p);
    WEFT_TRY(count_up(&p, STAGE(.workers = 2), 20, 0, &a));
    WEFT_TRY(odd_ones(&p, STAGE(.workers = 2), WEFT_MOVE(a), &b));
    WEFT_TRY(add_up(&p, WEFT_OPTS(stage, .workers = 2), WEFT_MOVE(b), &sum));
    WEFT_TRY(weft_pipeline_wait(&p));
    ck_assert_int_eq(atomic_load(&sum), 200);
    return 0;
}

WT_TEST(an_end_goes_forward)
{
    run(in_a_row);
    run(two_ends);
}

static int left_early(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    for (int ordered = 0; ordered < 2; ordered++) {
        struct token *token;
        WEFT_PIPELINE(p);
        WEFT_TRY(count_up(&p, STAGE(.capacity = 3), 1000000, -EIO, &a));
        WEFT_TRY(pass_on(&p, STAGE(.capacity = 3), WEFT_MOVE(a), -1, &b));
        WEFT_TRY(doubled(&p, STAGE(.workers = 3, .capacity = 1, .ordered = ordered), WEFT_MOVE(b),
                         2, &a));
        ck_assert_int_eq(weft_recv(a, &token), 1);
        token_end(token);
        WEFT_DROP(a);
        WEFT_TRY(weft_pipeline_wait(&p)); /* the source never came to its end */
    }
    return 0;
}

WT_TEST(who_leaves_is_told_backward) { run(left_early); }

/* ---- errors ---------------------------------------------------------------------------------------- */

static void expect_failure(weft_pipeline *p, const char *name, int code)
{
    const char *stage = "none";
    ck_assert_int_eq(weft_pipeline_wait(p), code);
    ck_assert_int_eq(weft_pipeline_error(p, &stage), code);
    ck_assert_str_eq(stage, name);
}

/* In the first, the middle or the last of three stages. */
static int one_fails(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    for (int i = 0; i < 3; i++) {
        WEFT_PIPELINE(p);
        WEFT_TRY(count_up(&p, STAGE(.name = "first"), i == 0 ? 5 : 1000000, -EIO, &a));
        WEFT_TRY(
            pass_on(&p, STAGE(.name = "middle", .workers = 2), WEFT_MOVE(a), i == 1 ? 7 : -1, &b));
        WEFT_TRY(pass_on(&p, STAGE(.name = "last"), WEFT_MOVE(b), i == 2 ? 9 : -1, &a));
        weft_each (token, a)
            token_end(token);
        ck_assert_int_lt(weft_error(a), 0); /* what was cut short has no good end */
        expect_failure(&p, i == 0 ? "first" : i == 1 ? "middle" : "last", i == 0 ? -EIO : -EPIPE);
        WEFT_DROP(a);
    }
    return 0;
}

WT_TEST(an_error_cancels_all_and_says_where) { run(one_fails); }

WEFT_STAGE_MAP(refused, struct token *, out, struct token *, in, (int, n))
{
    int rc = in->n == n ? -EBADF : 0;
    if (rc < 0)
        token_end(in);
    else
        *out = in;
    return rc;
}

static int a_step_fails(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    for (int ordered = 0; ordered < 2; ordered++) {
        WEFT_PIPELINE(p);
        WEFT_TRY(count_up(&p, STAGE(), 1000000, 0, &a));
        WEFT_TRY(refused(&p, STAGE(.workers = 3, .ordered = ordered), WEFT_MOVE(a), 8, &b));
        weft_each (token, b)
            token_end(token);
        expect_failure(&p, "refused", -EBADF);
        WEFT_DROP(b);
    }
    return 0;
}

WT_TEST(an_error_of_a_step_is_its_stages) { run(a_step_fails); }

/* At the same time: one of them is said to be the first, by whatever asks. */
static int two_fail(void *arg)
{
    (void)arg;
    const char *stage = "none";
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_PIPELINE(p);
    WEFT_TRY(count_up(&p, STAGE(.name = "first"), 0, -EIO, &a));
    WEFT_TRY(count_up(&p, STAGE(.name = "second"), 0, -EPIPE, &b));
    int rc = weft_pipeline_wait(&p);
    ck_assert(rc == -EIO || rc == -EPIPE);
    ck_assert_int_eq(weft_pipeline_error(&p, &stage), rc);
    ck_assert_str_eq(stage, rc == -EIO ? "first" : "second");
    return 0;
}

WT_TEST(of_two_errors_one_is_the_first) { run(two_fail); }

/* As one does that reads a stream whose scope was left. */
static int says_cancelled(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_PIPELINE(p);
    WEFT_TRY(count_up(&p, STAGE(), 0, WEFT_ECANCELED, &a));
    expect_failure(&p, "count_up", WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_stage_may_fail_by_what_another_scope_cancelled) { run(says_cancelled); }

WEFT_TASK(look_on, (rx, struct token *, in), (int *, out_rc))
{
    weft_each (token, in)
        token_end(token);
    *out_rc = weft_error(in);
    return 0;
}

static int seen_from_outside(void *arg)
{
    (void)arg;
    int rc = 0;
    WEFT_RX(struct token *, a);
    WEFT_SCOPE(outside);
    {
        WEFT_PIPELINE(p);
        WEFT_TRY(count_up(&p, STAGE(), 5, -EIO, &a));
        WEFT_TRY(weft_spawn(&outside, look_on, WEFT_MOVE(a), &rc));
        expect_failure(&p, "count_up", -EIO);
    }
    WEFT_TRY(weft_scope_wait(&outside));
    ck_assert_int_eq(rc, -EIO);
    return 0;
}

/* The last stage is only cancelled: what it says outside is the first one's error. */
static int seen_behind_another(void *arg)
{
    (void)arg;
    int rc = 0;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_SCOPE(outside);
    {
        WEFT_PIPELINE(p);
        WEFT_TRY(count_up(&p, STAGE(.capacity = 2), 5, -EIO, &a));
        WEFT_TRY(pass_on(&p, STAGE(.workers = 2, .capacity = 1), WEFT_MOVE(a), -1, &b));
        WEFT_TRY(weft_spawn(&outside, look_on, WEFT_MOVE(b), &rc));
        expect_failure(&p, "count_up", -EIO);
    }
    WEFT_TRY(weft_scope_wait(&outside));
    ck_assert_int_eq(rc, -EIO);
    return 0;
}

WT_TEST(who_is_outside_gets_the_cause)
{
    run(seen_from_outside);
    run(seen_behind_another);
}

/* ---- order ------------------------------------------------------------------------------------------- */

static int in_order(void *arg)
{
    (void)arg;
    int want = 0;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_PIPELINE(p);
    WEFT_TRY(count_up(&p, STAGE(), 40, 0, &a));
    WEFT_TRY(odd_ones(&p, STAGE(.workers = 3, .ordered = true, .window = 4), WEFT_MOVE(a), &b));
    WEFT_TRY(doubled(&p, STAGE(.workers = 4, .ordered = true), WEFT_MOVE(b), 9, &a));
    weft_each (token, a) {
        ck_assert_int_eq(token_end(token), 2 + 4 * want);
        want++;
    }
    WEFT_TRY(weft_error(a));
    ck_assert_int_eq(want, 20);
    return weft_pipeline_wait(&p);
}

WT_TEST(an_ordered_stage_keeps_the_order) { run(in_order); }

static _Atomic int n_started;

WEFT_STAGE_MAP(held, int, out, int, in, (weft_event *, event))
{
    atomic_fetch_add(&n_started, 1);
    if (in == 0)
        WEFT_TRY(weft_event_wait(event));
    *out = in;
    return 0;
}

WEFT_STAGE_SOURCE(numbers, int, out, (int, n))
{
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_send(out, i));
    return 0;
}

/* The first is held up: no more than the window begin, and come after it. */
static int within_a_window(void *arg)
{
    (void)arg;
    weft_event event = WEFT_EVENT_INIT();
    int want = 0;
    atomic_store(&n_started, 0);
    WEFT_RX(int, a);
    WEFT_RX(int, b);
    {
        WEFT_PIPELINE(p);
        WEFT_TRY(numbers(&p, NULL, 30, &a));
        WEFT_TRY(held(&p, WEFT_OPTS(stage, .workers = 3, .ordered = true, .window = 5),
                      WEFT_MOVE(a), &event, &b));
        for (int i = 0; i < 200; i++)
            WEFT_TRY(weft_pause());
        ck_assert_int_le(atomic_load(&n_started), 5);
        ck_assert_int_eq(weft_try_recv(b, &want), WEFT_EAGAIN);
        weft_event_set(&event);
        weft_each (n, b)
            ck_assert_int_eq(n, want++);
        ck_assert_int_eq(want, 30);
        WEFT_TRY(weft_pipeline_wait(&p));
    }
    return 0;
}

WT_TEST(no_more_than_the_window_are_under_way) { run(within_a_window); }

/* ---- numbers ------------------------------------------------------------------------------------------ */

static weft_stage_stats stats_of(const weft_pipeline *p, size_t i)
{
    weft_stage_stats stats = { .size_ = sizeof stats };
    ck_assert_int_eq(weft_pipeline_stats(p, i, &stats), 1);
    return stats;
}

WEFT_STAGE(slowly, int, out, int, in)
{
    weft_each (n, in) {
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
        WEFT_TRY(weft_send(out, n));
    }
    return weft_error(in);
}

static void expect_table(const weft_pipeline *p)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    MUST(weft_pipeline_print(p, to));
    fclose(to);
    ck_assert_ptr_nonnull(strstr(text, "\nnumbers "));
    ck_assert_ptr_nonnull(strstr(text, "\nslowly "));
    ck_assert_ptr_nonnull(strstr(text, wt_is_sim() ? "slowest: slowly\n" : "slowest: "));
    free(text);
}

static int counted(void *arg)
{
    (void)arg;
    WEFT_RX(int, a);
    WEFT_RX(int, b);
    WEFT_PIPELINE(p);
    WEFT_TRY(numbers(&p, WEFT_OPTS(stage, .capacity = 4), 20, &a));
    WEFT_TRY(slowly(&p, WEFT_OPTS(stage, .capacity = 8), WEFT_MOVE(a), &b));
    weft_each (n, b)
        ck_assert_int_ge(n, 0);
    WEFT_TRY(weft_pipeline_wait(&p));
    weft_stage_stats first = stats_of(&p, 0), second = stats_of(&p, 1), none;
    ck_assert_int_eq(weft_pipeline_stats(&p, 2, &none), 0);
    ck_assert_str_eq(first.name, "numbers");
    ck_assert_uint_eq(first.n_in, 0);
    ck_assert_uint_eq(first.n_out, 20);
    ck_assert_uint_eq(second.n_in, 20);
    ck_assert_uint_eq(second.n_out, 20);
    ck_assert_uint_eq(second.capacity, 4);
    ck_assert_uint_ge(second.peak, 1);
    ck_assert_uint_le(second.peak, 4);
    ck_assert_uint_eq(second.n_waiting, 0);
    ck_assert_int_ge(second.work_ns, 20 * WEFT_MS(1));
    if (wt_is_sim()) /* where nobody else has the CPU */
        ck_assert_int_ge(first.wait_out_ns, 10 * WEFT_MS(1));
    ck_assert_int_ge(first.alive_ns, first.wait_out_ns);
    ck_assert_int_eq(first.wait_in_ns, 0);
    expect_table(&p);
    return 0;
}

WT_TEST(the_numbers_say_which_stage_is_slow) { run(counted); }

/* Asked all the time while tasks begin and end. */
static int asked_meanwhile(void *arg)
{
    (void)arg;
    enum { N_WORKERS = 3 };
    int64_t began_ns = weft_now_ns(), last_ns = 0;
    WEFT_RX(int, a);
    WEFT_PIPELINE(p);
    WEFT_TRY(numbers(&p, WEFT_OPTS(stage, .workers = N_WORKERS), 2, &a));
    for (int n, rc = WEFT_EAGAIN; rc != 0;) {
        int64_t alive_ns = stats_of(&p, 0).alive_ns;
        ck_assert_int_ge(alive_ns, last_ns);
        ck_assert_int_le(alive_ns, N_WORKERS * (weft_now_ns() - began_ns));
        last_ns = alive_ns;
        rc = weft_try_recv(a, &n);
        if (rc == WEFT_EAGAIN)
            WEFT_TRY(weft_pause());
    }
    return weft_pipeline_wait(&p);
}

WT_TEST(the_numbers_are_right_while_it_runs) { run(asked_meanwhile); }

/* ---- links and sources ------------------------------------------------------------------------------- */

static size_t weigh(const void *item) { return (size_t) * (const int *)item; }

static int weighed(void *arg)
{
    (void)arg;
    int sum = 0;
    WEFT_RX(int, a);
    WEFT_PIPELINE(p);
    WEFT_TRY(numbers(&p, WEFT_OPTS(stage, .weigh = weigh, .max_weight = 20), 30, &a));
    weft_each (n, a)
        sum += n;
    ck_assert_int_eq(sum, 29 * 30 / 2);
    return weft_pipeline_wait(&p);
}

WEFT_GENERATOR(few, weft_rx(int), (int, n))
{
    for (int i = 1; i <= n; i++)
        WEFT_TRY(weft_yield(i));
    return 0;
}

WEFT_STAGE_MAP(same, int, out, int, in)
{
    *out = in;
    return 0;
}

/* A generator is for one task, or for those that keep order: they take turns. */
static int from_a_generator(void *arg)
{
    (void)arg;
    WEFT_RX(int, a);
    WEFT_RX(int, b);
    WEFT_TRY(few(5, &a));
    {
        WEFT_PIPELINE(p);
        ck_assert_int_eq(same(&p, WEFT_OPTS(stage, .workers = 2), WEFT_MOVE(a), &b), WEFT_EINVAL);
        ck_assert_ptr_null(a);
    }
    for (unsigned n_workers = 1; n_workers < 4; n_workers++) {
        int want = 1;
        WEFT_PIPELINE(p);
        WEFT_TRY(few(5, &a));
        WEFT_TRY(
            same(&p, WEFT_OPTS(stage, .workers = n_workers, .ordered = true), WEFT_MOVE(a), &b));
        weft_each (n, b)
            ck_assert_int_eq(n, want++);
        ck_assert_int_eq(want, 6);
        WEFT_DROP(b);
        WEFT_TRY(weft_pipeline_wait(&p));
    }
    return 0;
}

static int misuse(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_PIPELINE(p);
    ck_assert_int_eq(pass_on(&p, STAGE(), WEFT_MOVE(a), 0, &b), WEFT_EINVAL);
    WEFT_TRY(count_up(&p, STAGE(), 3, 0, &a));
    ck_assert_int_eq(pass_on(&p, STAGE(.ordered = true), WEFT_MOVE(a), 0, &b), WEFT_EORDER);
    ck_assert_ptr_nonnull(strstr(weft_strerror(WEFT_EORDER), "WEFT_STAGE_FLAT_MAP"));
    ck_assert_ptr_null(a);
    WEFT_TRY(count_up(&p, STAGE(), 3, 0, &a));
    ck_assert_int_eq(pass_on(&p, STAGE(.max_weight = 1), WEFT_MOVE(a), 0, &b), WEFT_EINVAL);
    WEFT_TRY(weft_pipeline_wait(&p));
    ck_assert_int_eq(count_up(&p, STAGE(), 3, 0, &a), WEFT_ECLOSED);
    ck_assert_ptr_null(a);
    return 0;
}

WT_TEST(a_link_may_be_weighed) { run(weighed); }
WT_TEST(a_stage_takes_any_receiver) { run(from_a_generator); }
WT_TEST(what_makes_no_stage_is_refused) { run(misuse); }

WT_MAIN("stream_pipeline")
