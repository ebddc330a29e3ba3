/* SPDX-License-Identifier: MIT
 * Options of blocking calls: lanes, threads of their own, results, calls that are abandoned; and
 * what the function sees of whoever it works for. */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

static bool is_set(void *arg) { return atomic_load((atomic_int *)arg) > 0; }

/* ---- options ----------------------------------------------------------------------------------- */

WEFT_TASK(square, (int, n), (int *, out))
{
    *out = n * n;
    return n;
}

WT_TEST(options_change_where_it_runs_and_not_what_it_does)
{
    int out = 0;
    ck_assert_int_eq(weft_blocking_with(NULL, square, 2, &out), 2);
    ck_assert_int_eq(out, 4);
    ck_assert_int_eq(weft_blocking_with(WEFT_OPTS(blocking), square, 3, &out), 3);
    ck_assert_int_eq(out, 9);
    for (int lane = 0; lane < WEFT_LANES; lane++) {
        const weft_blocking_opts *opts = WEFT_OPTS(blocking, .lane = (weft_lane)lane);
        ck_assert_int_eq(weft_blocking_with(opts, square, 10 + lane, &out), 10 + lane);
        ck_assert_int_eq(out, (10 + lane) * (10 + lane));
    }
    ck_assert_int_eq(weft_blocking_with(WEFT_OPTS(blocking, .dedicated = true), square, 5, &out),
                     5);
    ck_assert_int_eq(out, 25);
}

WEFT_TASK(holds, (tx, int, held), (atomic_int *, ran))
{
    (void)held;
    atomic_fetch_add(ran, 1);
    return 0;
}

WT_TEST(misuse_is_a_code_and_drops_what_was_handed_over)
{
    atomic_int ran = 0;
    int n;
    weft_blocking_opts longer = { .size_ = sizeof longer + 1 };
    const weft_blocking_opts *wrong[] = {
        &longer,
        WEFT_OPTS(blocking, .lane = WEFT_LANES),
        WEFT_OPTS(blocking, .result_size = 4),
        WEFT_OPTS(blocking, .abandon = true, .drop_result = weft_text_drop),
        WEFT_OPTS(blocking, .in_place = true, .pooled = true),
        WEFT_OPTS(blocking, .in_place = true, .dedicated = true),
        WEFT_OPTS(blocking, .in_place = true, .abandon = true),
    };
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 1));
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_int_eq(weft_blocking_with(wrong[i], holds, weft_ref(tx), &ran), WEFT_EINVAL);
    ck_assert_int_eq(weft_call_blocking_with(NULL, NULL, NULL), WEFT_EINVAL);
    weft_half_drop(&tx);
    ck_assert_int_eq(weft_recv(rx, &n), 0);
    ck_assert_int_eq(atomic_load(&ran), 0);
}

/* ---- lanes ---------------------------------------------------------------------------------------- */

WEFT_TASK(pass_gate, (rx, int, gate), (atomic_int *, entered))
{
    int n;
    atomic_fetch_add(entered, 1);
    return weft_recv(gate, &n);
}

WEFT_TASK(call_in_lane, (weft_lane, lane), (rx, int, gate), (atomic_int *, entered))
{
    return weft_blocking_with(WEFT_OPTS(blocking, .lane = lane, .pooled = true), pass_gate,
                              weft_ref(gate), entered);
}

static void fill_a_lane(void)
{
    enum { N = 4 };
    atomic_int entered = 0;
    int out = 0;
    MUST(weft_configure(
        WEFT_CONFIG(.blocking_threads = 3, .lane_threads = { [WEFT_LANE_DNS] = 2 })));
    WEFT_SCOPE(scope);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    for (unsigned i = 0; i < N; i++)
        MUST(weft_spawn(&scope, call_in_lane, WEFT_LANE_DNS, weft_ref(rx), &entered));
    wt_until(is_set, &entered);
    ck_assert_int_eq(weft_blocking(square, 4, &out), 4);
    ck_assert_int_le(atomic_load(&entered), 2);
    for (unsigned i = 0; i < N; i++)
        MUST(weft_send(tx, 1));
    MUST(weft_scope_wait(&scope));
    ck_assert_int_eq(atomic_load(&entered), N);
}

static void with_config(const weft_config *config, void (*body)(void))
{
    MUST(weft_configure(config));
    body();
    MUST(weft_shutdown(WEFT_SEC(5)));
    MUST(weft_configure(WEFT_CONFIG(.workers = 0)));
}

WT_TEST(a_full_lane_leaves_threads_to_the_others)
{
    with_config(WEFT_CONFIG(.blocking_threads = 3, .lane_threads = { [WEFT_LANE_DNS] = 2 }),
                fill_a_lane);
}

static void withdraw_in_a_lane(void)
{
    atomic_int entered = 0;
    WEFT_SCOPE(scope);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    MUST(weft_spawn(&scope, call_in_lane, WEFT_LANE_DB, weft_ref(rx), &entered));
    wt_until(is_set, &entered);
    {
        WEFT_SCOPE(inner);
        MUST(weft_spawn(&inner, call_in_lane, WEFT_LANE_DB, weft_ref(rx), &entered));
        MUST(weft_spawn(&inner, call_in_lane, WEFT_LANE_DB, weft_ref(rx), &entered));
        weft_scope_cancel(&inner);
        (void)!weft_scope_wait(&inner);
    }
    MUST(weft_spawn(&scope, call_in_lane, WEFT_LANE_DB, weft_ref(rx), &entered));
    MUST(weft_send(tx, 1));
    MUST(weft_send(tx, 1));
    MUST(weft_scope_wait(&scope));
    ck_assert_int_eq(atomic_load(&entered), 2);
}

WT_TEST(a_place_is_passed_on_when_the_next_was_withdrawn)
{
    with_config(WEFT_CONFIG(.lane_threads = { [WEFT_LANE_DB] = 1 }), withdraw_in_a_lane);
}

/* ---- a thread of its own ---------------------------------------------------------------------------- */

WEFT_TASK(call_dedicated, (rx, int, gate), (atomic_int *, entered))
{
    return weft_blocking_with(WEFT_OPTS(blocking, .dedicated = true), pass_gate, weft_ref(gate),
                              entered);
}

static bool are_three(void *arg) { return atomic_load((atomic_int *)arg) == 3; }

static void use_dedicated(void)
{
    atomic_int entered = 0;
    int out = 0;
    WEFT_SCOPE(scope);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    for (unsigned i = 0; i < 3; i++)
        MUST(weft_spawn(&scope, call_dedicated, weft_ref(rx), &entered));
    wt_until(are_three, &entered);
    ck_assert_int_eq(weft_blocking(square, 4, &out), 4);
    for (unsigned i = 0; i < 3; i++)
        MUST(weft_send(tx, 1));
    MUST(weft_scope_wait(&scope));
}

WT_TEST(dedicated_threads_do_not_count_in_the_pool)
{
    with_config(WEFT_CONFIG(.blocking_threads = 1), use_dedicated);
    weft_stats stats = { .size_ = sizeof stats };
    MUST(weft_stats_get(&stats));
    ck_assert_uint_eq(stats.blocking_threads, 0);
}

/* ---- results --------------------------------------------------------------------------------------- */

WEFT_TASK(make_result, (int, n), (int, rc))
{
    int *result = weft_job_result();
    ck_assert_int_eq(*result, 0);
    *result = n;
    return rc;
}

static atomic_int n_dropped, last_dropped;

static void drop_result(void *result)
{
    atomic_store(&last_dropped, *(int *)result);
    atomic_fetch_add(&n_dropped, 1);
}

WT_TEST(a_result_is_copied_if_the_call_did_well)
{
    int n = 5;
    atomic_store(&n_dropped, 0);
    const weft_blocking_opts *opts = WEFT_OPTS(blocking, .result = &n, .result_size = sizeof n,
                                               .drop_result = drop_result);
    ck_assert_int_eq(weft_blocking_with(opts, make_result, 7, -EXDEV), -EXDEV);
    ck_assert_int_eq(n, 5);
    ck_assert_int_eq(weft_blocking_with(opts, make_result, 7, 3), 3);
    ck_assert_int_eq(n, 7);
    ck_assert_int_eq(atomic_load(&n_dropped), 0);
    ck_assert_ptr_null(weft_job_result());
}

WEFT_TASK(make_result_of_result, (int, n))
{
    int inner = 0;
    int *result = weft_job_result();
    const weft_blocking_opts *opts = WEFT_OPTS(blocking, .result = &inner,
                                               .result_size = sizeof inner);
    WEFT_TRY(weft_blocking_with(opts, make_result, n, 0));
    *result = inner + 1;
    return 0;
}

WT_TEST(a_function_calls_for_another_with_a_result_of_its_own)
{
    int n = 0;
    const weft_blocking_opts *opts = WEFT_OPTS(blocking, .result = &n, .result_size = sizeof n);
    MUST(weft_blocking_with(opts, make_result_of_result, 7));
    ck_assert_int_eq(n, 8);
}

/* ---- abandoned calls --------------------------------------------------------------------------------- */

struct shared {
    atomic_int entered, may_go, saw_cancel, rc;
};

/* Nothing but the function itself ends it. */
WEFT_TASK(work_on, (struct shared *, shared), (int, n))
{
    *(int *)weft_job_result() = n;
    atomic_store(&shared->entered, 1);
    wt_until(is_set, &shared->may_go);
    atomic_store(&shared->saw_cancel, weft_job_cancelled());
    return n > 0 ? 0 : -EXDEV;
}

WEFT_TASK(call_work, (struct shared *, shared), (int, n), (bool, is_dedicated))
{
    int result = 0;
    const weft_blocking_opts *opts = WEFT_OPTS(blocking, .abandon = true, .dedicated = is_dedicated,
                                               .result = &result, .result_size = sizeof result,
                                               .drop_result = drop_result);
    atomic_store(&shared->rc, weft_blocking_with(opts, work_on, shared, n));
    return result;
}

static bool is_dropped(void *arg) { return (void)arg, atomic_load(&n_dropped) > 0; }

static void abandon(struct shared *shared, int n, bool is_dedicated)
{
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, call_work, shared, n, is_dedicated));
    wt_until(is_set, &shared->entered);
    weft_scope_cancel(&scope);
    (void)!weft_scope_wait(&scope);
    ck_assert_int_eq(atomic_load(&shared->rc), WEFT_ECANCELED);
    atomic_store(&shared->may_go, 1);
}

WT_TEST(an_abandoned_call_goes_on_alone_and_its_result_is_dropped)
{
    for (int is_dedicated = 0; is_dedicated < 2; is_dedicated++) {
        struct shared shared = { .entered = 0 };
        atomic_store(&n_dropped, 0);
        abandon(&shared, 11 + is_dedicated, is_dedicated);
        wt_until(is_dropped, NULL);
        ck_assert_int_eq(atomic_load(&last_dropped), 11 + is_dedicated);
        ck_assert_int_eq(atomic_load(&shared.saw_cancel), 1);
        MUST(weft_shutdown(WEFT_SEC(5)));
    }
}

WEFT_TASK(work_in_lane, (struct shared *, shared))
{
    atomic_store(&shared->entered, 1);
    wt_until(is_set, &shared->may_go);
    return 0;
}

WEFT_TASK(leave_work_in_lane, (struct shared *, shared))
{
    return weft_blocking_with(WEFT_OPTS(blocking, .abandon = true, .lane = WEFT_LANE_DB),
                              work_in_lane, shared);
}

static void abandon_in_a_lane(void)
{
    struct shared shared = { .entered = 0 };
    atomic_int entered = 0;
    int out = 0;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    {
        WEFT_SCOPE(left);
        MUST(weft_spawn(&left, leave_work_in_lane, &shared));
        wt_until(is_set, &shared.entered);
        weft_scope_cancel(&left);
        (void)!weft_scope_wait(&left);
    }
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, call_in_lane, WEFT_LANE_DB, weft_ref(rx), &entered));
    ck_assert_int_eq(weft_blocking(square, 4, &out), 4); /* there are threads for others */
    ck_assert_int_eq(atomic_load(&entered), 0);
    atomic_store(&shared.may_go, 1);
    MUST(weft_send(tx, 1));
    MUST(weft_scope_wait(&scope));
    ck_assert_int_eq(atomic_load(&entered), 1);
}

WT_TEST(an_abandoned_call_keeps_its_place_until_it_ends)
{
    with_config(WEFT_CONFIG(.lane_threads = { [WEFT_LANE_DB] = 1 }), abandon_in_a_lane);
}

WT_TEST(what_failed_has_no_result_to_drop)
{
    struct shared shared = { .entered = 0 };
    atomic_store(&n_dropped, 0);
    abandon(&shared, -1, false);
    MUST(weft_shutdown(WEFT_SEC(5)));
    ck_assert_int_eq(atomic_load(&n_dropped), 0);
}

/* A cancel comes at any moment: the result is returned or dropped, or was never made. */
WEFT_TASK(make_one, (atomic_int *, n_made))
{
    atomic_fetch_add(n_made, 1);
    *(int *)weft_job_result() = 1;
    return 0;
}

WEFT_TASK(call_make_one, (atomic_int *, n_made), (atomic_int *, n_got))
{
    int result = 0;
    const weft_blocking_opts *opts = WEFT_OPTS(blocking, .abandon = true, .result = &result,
                                               .result_size = sizeof result,
                                               .drop_result = drop_result);
    int rc = weft_blocking_with(opts, make_one, n_made);
    ck_assert_int_eq(result, rc == 0);
    atomic_fetch_add(n_got, result);
    return rc;
}

WT_TEST(no_result_is_lost_and_none_is_there_twice)
{
    atomic_int n_made = 0, n_got = 0;
    atomic_store(&n_dropped, 0);
    {
        WEFT_SCOPE(scope);
        for (unsigned i = 0; i < 3; i++)
            MUST(weft_spawn(&scope, call_make_one, &n_made, &n_got));
        unsigned pauses = (unsigned)wt_random_below(20);
        for (unsigned i = 0; i < pauses; i++)
            MUST(weft_pause());
        weft_scope_cancel(&scope);
        (void)!weft_scope_wait(&scope);
    }
    MUST(weft_shutdown(WEFT_SEC(5)));
    ck_assert_int_eq(atomic_load(&n_made), atomic_load(&n_got) + atomic_load(&n_dropped));
}

WT_TEST(a_shutdown_names_what_was_abandoned_and_does_not_end)
{
    wt_capture_reports();
    struct shared shared = { .entered = 0 };
    atomic_store(&n_dropped, 0);
    {
        WEFT_SCOPE(scope);
        MUST(weft_spawn(&scope, call_work, &shared, 1, false));
        wt_until(is_set, &shared.entered);
        weft_scope_cancel(&scope);
        (void)!weft_scope_wait(&scope);
    }
    MUST(weft_shutdown(0));
    ck_assert_ptr_nonnull(strstr(wt_reports(), "work_on"));
    ck_assert_ptr_nonnull(strstr(wt_reports(), "blocking_opts_test.c:"));
    atomic_store(&shared.may_go, 1);
    wt_until(is_dropped, NULL);
    MUST(weft_shutdown(WEFT_SEC(100))); /* now there is no thread left */
    weft_stats stats = { .size_ = sizeof stats };
    MUST(weft_stats_get(&stats));
    ck_assert_uint_eq(stats.blocking_threads, 0);
}

/* ---- what the function sees ------------------------------------------------------------------------- */

WEFT_TASK(receive, (rx, int, in), (atomic_int *, saw))
{
    int n;
    atomic_store(saw, weft_job_cancelled() ? 2 : 1);
    int rc = weft_recv(in, &n);
    ck_assert_int_eq(weft_job_cancelled(), rc == WEFT_ECANCELED);
    return rc;
}

WEFT_TASK(receive_in_job, (rx, int, in), (atomic_int *, saw))
{
    return weft_blocking(receive, weft_ref(in), saw);
}

WT_TEST(a_cancel_ends_what_a_function_waits_for)
{
    atomic_int saw = 0;
    WEFT_SCOPE(scope);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    MUST(weft_spawn(&scope, receive_in_job, WEFT_MOVE(rx), &saw));
    if (wt_random_below(2) > 0)
        wt_until(is_set, &saw);
    weft_scope_cancel(&scope);
    (void)!weft_scope_wait(&scope);
}

WT_TEST(a_deadline_ends_what_a_function_waits_for)
{
    atomic_int saw = 0;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(5));
    ck_assert_int_eq(weft_blocking(receive, weft_ref(rx), &saw), WEFT_ECANCELED);
    ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
}

WEFT_TASK(receive_in_task, (rx, int, in), (atomic_int *, saw))
{
    int n;
    atomic_store(saw, 1);
    return weft_recv(in, &n);
}

WEFT_TASK(spawn_in_scope, (rx, int, in), (atomic_int *, saw))
{
    WEFT_SCOPE(scope, .name = "inner");
    WEFT_TRY(weft_spawn(&scope, receive_in_task, weft_ref(in), saw));
    return weft_scope_wait(&scope);
}

WEFT_TASK(spawn_in_job, (rx, int, in), (atomic_int *, saw))
{
    return weft_blocking(spawn_in_scope, weft_ref(in), saw);
}

WT_TEST(a_scope_of_a_function_is_below_its_callers)
{
    atomic_int saw = 0;
    WEFT_SCOPE(scope);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    MUST(weft_spawn(&scope, spawn_in_job, WEFT_MOVE(rx), &saw));
    if (wt_random_below(2) > 0)
        wt_until(is_set, &saw);
    weft_scope_cancel(&scope);
    (void)!weft_scope_wait(&scope);
}

static int call_again(int depth, int *n_calls);

WEFT_TASK(call_another, (int, depth), (int *, n_calls))
{
    ++*n_calls;
    return depth > 0 ? call_again(depth - 1, n_calls) : 0;
}

static int call_again(int depth, int *n_calls)
{
    return weft_blocking(call_another, depth, n_calls);
}

WT_TEST(a_function_that_calls_for_another_needs_no_second_thread)
{
    int n_calls = 0;
    MUST(weft_configure(WEFT_CONFIG(.blocking_threads = 1)));
    MUST(weft_blocking(call_another, 5, &n_calls));
    ck_assert_int_eq(n_calls, 6);
    MUST(weft_shutdown(WEFT_SEC(5)));
    MUST(weft_configure(WEFT_CONFIG(.workers = 0)));
}

static weft_mutex mutex = WEFT_MUTEX_INIT();

WEFT_TASK(lock_and_go) { return weft_mutex_lock(&mutex); }

static void end_with_a_lock(void *arg)
{
    (void)arg;
    (void)!weft_blocking(lock_and_go);
}

WT_TEST(a_function_may_not_keep_a_lock)
{
    wt_seeds_at_most(1);
    wt_expect_abort(end_with_a_lock, NULL, "lock_and_go");
}

WEFT_TASK(ask) { return weft_job_cancelled(); }

/* Its flag says then that the budget has not begun, not that it is over. */
WT_TEST(a_function_that_a_closer_calls_is_not_cancelled)
{
    weft_closing closing;
    weft_closing_begin(&closing);
    ck_assert_int_eq(weft_blocking(ask), 0);
    weft_closing_end(&closing, "none", __FILE__, __LINE__);
}

WT_TEST(outside_a_function_there_is_nothing_to_ask)
{
    ck_assert(!weft_job_cancelled());
    ck_assert_ptr_null(weft_job_result());
}

WT_MAIN("blocking_opts")
