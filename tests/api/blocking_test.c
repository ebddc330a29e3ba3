/* SPDX-License-Identifier: MIT
 * Blocking work as a program gives it to the pool. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

WEFT_TASK(square, (int, n), (int *, out))
{
    *out = n * n;
    return n;
}

WEFT_TASK(square_in_task, (int, n), (int *, out))
{
    WEFT_TRY(weft_blocking(square, n, out));
    return 0;
}

WT_TEST(a_thread_gets_the_result)
{
    int out = 0;
    ck_assert_int_eq(weft_blocking(square, 7, &out), 7);
    ck_assert_int_eq(out, 49);
}

WT_TEST(a_task_gets_the_result)
{
    int out = 0;
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_spawn(&scope, square_in_task, 5, &out), 0);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    ck_assert_int_eq(out, 25);
}

WT_TEST(a_thousand_jobs_at_once)
{
    wt_seeds_at_most(3);
    enum { MOST = 1000 };
    static int out[MOST];
    unsigned n = wt_is_sim() ? 100 : MOST;
    WEFT_SCOPE(scope);
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(weft_spawn(&scope, square_in_task, (int)i, &out[i]), 0);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    for (unsigned i = 0; i < n; i++)
        ck_assert_int_eq(out[i], (int)(i * i));
    weft_stats stats = { .size_ = sizeof stats };
    ck_assert_int_eq(weft_stats_get(&stats), 0);
    ck_assert_uint_ge(stats.blocking_jobs, n);
    ck_assert_uint_ge(stats.blocking_threads, 1);
}

/* ---- weft calls inside a job ------------------------------------------------------------------------- */

WEFT_TASK(produce, (tx, int, numbers), (int, n))
{
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_send(numbers, i));
    return 0;
}

WEFT_TASK(produce_in_job, (tx, int, numbers), (int, n))
{
    return weft_blocking(produce, weft_ref(numbers), n);
}

WT_TEST(a_job_sends_to_a_task)
{
    int sum = 0;
    WEFT_SCOPE(scope);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2), 0);
    ck_assert_int_eq(weft_spawn(&scope, produce_in_job, WEFT_MOVE(tx), 20), 0);
    weft_each (n, rx)
        sum += n;
    ck_assert_int_eq(weft_error(rx), 0);
    ck_assert_int_eq(sum, 190);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
}

WEFT_TASK(run_inner, (int *, out))
{
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, square_in_task, 3, out));
    return weft_scope_wait(&scope);
}

WT_TEST(a_job_opens_a_scope_and_more_jobs)
{
    int out = 0;
    ck_assert_int_eq(weft_blocking(run_inner, &out), 0);
    ck_assert_int_eq(out, 9);
}

/* ---- what the arguments own ----------------------------------------------------------------------------- */

WEFT_TASK(only_holds, (tx, int, held), (atomic_int *, ran))
{
    (void)held;
    atomic_fetch_add(ran, 1);
    return 0;
}

WT_TEST(owned_arguments_are_dropped_after_the_job)
{
    atomic_int ran = 0;
    int n;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    ck_assert_int_eq(weft_blocking(only_holds, WEFT_MOVE(tx), &ran), 0);
    ck_assert(tx == NULL);
    ck_assert_int_eq(atomic_load(&ran), 1);
    ck_assert_int_eq(weft_recv(rx, &n), 0);
}

WT_TEST(owned_arguments_of_a_cancelled_job_are_dropped)
{
    atomic_int ran = 0;
    int n;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    {
        WEFT_SCOPE(scope);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_blocking(only_holds, WEFT_MOVE(tx), &ran), WEFT_ECANCELED);
    }
    ck_assert(tx == NULL);
    ck_assert_int_eq(atomic_load(&ran), 0);
    ck_assert_int_eq(weft_recv(rx, &n), 0);
    ck_assert_int_eq(weft_blocking(only_holds, WEFT_MOVE(tx), &ran), WEFT_EINVAL);
}

/* Cancels come at any moment of the job's life: it ran or it did not, and its argument is gone. */
WEFT_TASK(race_in_job, (tx, int, held), (atomic_int *, ran), (atomic_int *, rc))
{
    atomic_store(rc, weft_blocking(only_holds, weft_ref(held), ran));
    return 0;
}

WT_TEST(a_cancel_at_any_moment)
{
    atomic_int ran = 0, rc = 1;
    int n;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, race_in_job, WEFT_MOVE(tx), &ran, &rc), 0);
        unsigned pauses = (unsigned)wt_random_below(20);
        for (unsigned i = 0; i < pauses; i++)
            ck_assert_int_eq(weft_pause(), 0);
        weft_scope_cancel(&scope);
        (void)!weft_scope_wait(&scope);
    }
    ck_assert_int_eq(atomic_load(&ran), atomic_load(&rc) == 0);
    ck_assert(atomic_load(&rc) == 0 || atomic_load(&rc) == WEFT_ECANCELED);
    ck_assert_int_eq(weft_recv(rx, &n), 0);
}

/* ---- limits -------------------------------------------------------------------------------------------- */

WEFT_TASK(wait_for_one, (rx, int, gate), (atomic_int *, entered))
{
    int n;
    atomic_fetch_add(entered, 1);
    return weft_recv(gate, &n);
}

WEFT_TASK(wait_in_job, (rx, int, gate), (atomic_int *, entered))
{
    return weft_blocking_with(WEFT_OPTS(blocking, .pooled = true), wait_for_one, weft_ref(gate),
                              entered);
}

static bool has_entered(void *arg) { return atomic_load((atomic_int *)arg) > 0; }

static void run_two_held_jobs(void)
{
    atomic_int entered = 0;
    WEFT_SCOPE(scope);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
    ck_assert_int_eq(weft_spawn(&scope, wait_in_job, weft_ref(rx), &entered), 0);
    ck_assert_int_eq(weft_spawn(&scope, wait_in_job, WEFT_MOVE(rx), &entered), 0);
    wt_until(has_entered, &entered);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    ck_assert_int_eq(weft_send(tx, 2), 0);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
}

WT_TEST(a_limit_of_one_lets_one_run)
{
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.blocking_threads = 1)), 0);
    run_two_held_jobs();
    weft_stats stats = { .size_ = sizeof stats };
    ck_assert_int_eq(weft_stats_get(&stats), 0);
    ck_assert_uint_eq(stats.blocking_threads, 1);
    ck_assert_int_eq(weft_shutdown(WEFT_SEC(5)), 0);
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 0)), 0);
}

WT_TEST(misuse_is_a_code)
{
    ck_assert_int_eq(weft_call_blocking(NULL, NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_call_blocking(&(weft_callable){ .name = "nothing" }, NULL), WEFT_EINVAL);
}

WT_MAIN("blocking")
