/* SPDX-License-Identifier: MIT
 * weft_run, weft_configure, weft_shutdown: what they return, and that the runtime starts and stops
 * as often as one likes. */
#include "wt_test.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>

static int give_back(void *arg) { return *(int *)arg; }

static int run_for(int rc) { return weft_run(give_back, &rc); }

/* ---- what weft_run returns ------------------------------------------------------------------- */

WT_TEST(it_returns_what_the_task_returned)
{
    ck_assert_int_eq(run_for(0), 0);
    ck_assert_int_eq(run_for(42), 42);
    ck_assert_int_eq(run_for(-EIO), -EIO);
    ck_assert_int_eq(run_for(WEFT_ECLOSED), WEFT_ECLOSED);
    ck_assert_int_eq(run_for(WEFT_ECANCELED), WEFT_ECANCELED);
    ck_assert_int_eq(weft_run(NULL, NULL), WEFT_EINVAL);
}

static int run_inside(void *arg)
{
    ck_assert_int_eq(weft_run(give_back, arg), WEFT_EDEADLK);
    ck_assert_int_eq(weft_shutdown(WEFT_SEC(1)), WEFT_EDEADLK);
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 1)), WEFT_EBUSY);
    return 3;
}

WT_TEST(a_task_can_neither_run_nor_shut_down)
{
    int rc = 7;
    ck_assert_int_eq(weft_run(run_inside, &rc), 3);
}

WEFT_TASK(sleep_then, (int64_t, d_ns), (int, rc), (_Atomic int *, n_ended))
{
    int slept = weft_sleep(d_ns);
    atomic_fetch_add(n_ended, 1);
    return slept < 0 ? slept : rc;
}

static int detach_some(void *arg)
{
    for (int i = 0; i < 5; i++)
        WEFT_TRY(weft_spawn(weft_root_scope(), sleep_then, WEFT_MS(i), 0, arg));
    return 9;
}

WT_TEST(it_waits_for_what_was_detached)
{
    _Atomic int n_ended = 0;
    ck_assert_int_eq(weft_run(detach_some, (void *)&n_ended), 9);
    ck_assert_int_eq(n_ended, 5);
}

static int detach_a_failing_one(void *arg)
{
    WEFT_TRY(weft_spawn(weft_root_scope(), sleep_then, WEFT_MS(1), -EIO, arg));
    WEFT_TRY(weft_spawn(weft_root_scope(), sleep_then, WEFT_SEC(3600), 0, arg));
    int rc = weft_sleep(WEFT_SEC(3600));
    return rc == WEFT_ECANCELED ? 9 : rc;
}

WT_TEST(the_error_of_a_detached_task_is_the_result)
{
    _Atomic int n_ended = 0;
    ck_assert_int_eq(weft_run(detach_a_failing_one, (void *)&n_ended), -EIO);
    ck_assert_int_eq(n_ended, 2);
}

/* ---- from several threads -------------------------------------------------------------------- */

enum { RUNNERS = 4 };

struct runner {
    unsigned n_runs;
    int number;
    bool may_be_cancelled;
};

static int spawn_a_few(void *arg)
{
    _Atomic int n_ended = 0;
    struct runner *runner = arg;
    WEFT_SCOPE(scope);
    for (int i = 0; i < 3; i++)
        WEFT_TRY(weft_spawn(&scope, sleep_then, WEFT_US(i), 0, &n_ended));
    WEFT_TRY(weft_scope_wait(&scope));
    return n_ended == 3 ? runner->number : -1;
}

static void run_often(void *arg)
{
    struct runner *runner = arg;
    for (unsigned i = 0; i < runner->n_runs; i++) {
        int rc = weft_run(spawn_a_few, runner);
        ck_assert(rc == runner->number || (runner->may_be_cancelled && rc == WEFT_ECANCELED));
    }
}

static void with_runners(unsigned n_runs, void (*meanwhile)(void))
{
    struct runner runners[RUNNERS];
    wt_thread *threads[RUNNERS];
    for (int i = 0; i < RUNNERS; i++) {
        runners[i] = (struct runner){ n_runs, 100 + i, meanwhile != NULL };
        threads[i] = wt_thread_start(run_often, &runners[i]);
    }
    if (meanwhile != NULL)
        meanwhile();
    for (int i = 0; i < RUNNERS; i++)
        wt_thread_join(threads[i]);
}

WT_TEST(several_threads_share_the_runtime) { with_runners(wt_scaled(300), NULL); }

static void shut_down_often(void)
{
    for (unsigned i = wt_scaled(300); i > 0; i--) {
        int rc = weft_shutdown(WEFT_US(wt_random_below(500)));
        ck_assert(rc == 0 || rc == WEFT_ETIMEDOUT);
    }
}

/* A shutdown that finds nobody must not stop the workers under somebody who just came. */
WT_TEST(a_shutdown_against_runs)
{
    wt_capture_reports();
    with_runners(wt_scaled(300), shut_down_often);
}

static void shut_down(void *arg) { *(int *)arg = weft_shutdown(WEFT_SEC(10)); }

WT_TEST(two_shutdowns_at_once)
{
    for (unsigned i = wt_scaled(100); i > 0; i--) {
        int rc = -1;
        ck_assert_int_eq(run_for(1), 1);
        wt_thread *thread = wt_thread_start(shut_down, &rc);
        ck_assert_int_eq(weft_shutdown(WEFT_SEC(10)), 0);
        wt_thread_join(thread);
        ck_assert_int_eq(rc, 0);
    }
}

/* ---- inside a scope of a plain thread -------------------------------------------------------- */

static int is_below(void *arg)
{
    ck_assert_ptr_eq(weft_root_scope(), arg);
    return weft_pause() == WEFT_ECANCELED ? 1 : 2;
}

WT_TEST(inside_a_scope_it_is_that_scopes)
{
    WEFT_SCOPE(outer, .name = "outer");
    ck_assert_ptr_eq(weft_root_scope(), &outer);
    ck_assert_int_eq(weft_run(is_below, &outer), 2);
    weft_scope_cancel(&outer);
    ck_assert_int_eq(weft_run(is_below, &outer), WEFT_ECANCELED);
    ck_assert_int_eq(weft_scope_wait(&outer), 0);
    ck_assert_ptr_null(weft_root_scope());
}

/* ---- starting and stopping ------------------------------------------------------------------- */

static uint64_t workers_now(void)
{
    weft_stats stats = { .size_ = sizeof stats };
    ck_assert_int_eq(weft_stats_get(&stats), 0);
    return stats.workers;
}

WT_TEST(run_and_stop_a_thousand_times)
{
    for (unsigned i = wt_scaled(1000); i > 0; i--) {
        ck_assert_int_eq(run_for((int)i), (int)i);
        ck_assert_int_eq(weft_shutdown(WEFT_SEC(10)), 0);
        ck_assert_uint_eq(workers_now(), 0);
    }
    ck_assert_int_eq(weft_shutdown(0), 0);
}

static bool are_all_gone(void) { return workers_now() == 0; }

/* For what needs time to pass: a test that only looked, and never waited, would stop the
 * simulator's clock. */
static void sleep_until(bool (*cond)(void))
{
    while (!cond())
        ck_assert_int_eq(weft_sleep(WEFT_US(50)), 0);
}

WT_TEST(idle_workers_stop_and_start_again)
{
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 3, .idle_stop_ns = WEFT_US(200))), 0);
    for (unsigned i = wt_scaled(100); i > 0; i--) {
        ck_assert_int_eq(run_for((int)i), (int)i);
        if (i % 2 == 0)
            sleep_until(are_all_gone);
    }
}

/* The time to stop comes while others start. */
WT_TEST(idle_stop_against_runs)
{
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 2, .idle_stop_ns = WEFT_US(20))), 0);
    with_runners(wt_scaled(300), NULL);
}

static atomic_bool may_end;

/* Deaf to the cancel that a shutdown begins with. */
static int wait_for_the_word(void *arg)
{
    weft_shield shield;
    (void)arg;
    weft_shield_begin(&shield);
    while (!atomic_load(&may_end))
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
    weft_shield_end(&shield);
    return weft_pause() == WEFT_ECANCELED ? 5 : 6;
}

static void run_until_told(void *arg) { *(int *)arg = weft_run(wait_for_the_word, NULL); }

static bool has_live_tasks(void)
{
    weft_stats stats = { .size_ = sizeof stats };
    ck_assert_int_eq(weft_stats_get(&stats), 0);
    return stats.live_tasks > 0;
}

WT_TEST(a_shutdown_does_not_wait_longer_than_it_may)
{
    int rc = -1;
    wt_capture_reports();
    atomic_store(&may_end, false);
    wt_thread *thread = wt_thread_start(run_until_told, &rc);
    sleep_until(has_live_tasks);
    int64_t before_ns = weft_now_ns();
    ck_assert_int_eq(weft_shutdown(WEFT_MS(20)), WEFT_ETIMEDOUT);
    ck_assert_int_ge(weft_now_ns() - before_ns, WEFT_MS(20));
    ck_assert_int_eq(weft_shutdown(-1), WEFT_ETIMEDOUT);
    atomic_store(&may_end, true);
    ck_assert_int_eq(weft_shutdown(WEFT_SEC(10)), 0);
    wt_thread_join(thread);
    ck_assert_int_eq(rc, 5);
    ck_assert_int_eq(run_for(8), 8);
}

static int sleep_for_ever(void *arg)
{
    (void)arg;
    return weft_sleep(INT64_MAX);
}

static void run_for_ever(void *arg) { *(int *)arg = weft_run(sleep_for_ever, NULL); }

WT_TEST(a_shutdown_cancels_what_is_left)
{
    int rc = -1;
    wt_thread *thread = wt_thread_start(run_for_ever, &rc);
    sleep_until(has_live_tasks);
    ck_assert_int_eq(weft_shutdown(WEFT_SEC(10)), 0);
    wt_thread_join(thread);
    ck_assert_int_eq(rc, WEFT_ECANCELED);
}

/* ---- settings -------------------------------------------------------------------------------- */

static int count_workers(void *arg)
{
    (void)arg;
    return (int)workers_now();
}

WT_TEST(settings_are_taken_before_it_starts)
{
    for (unsigned n = 1; n <= 5; n++) {
        ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = n)), 0);
        ck_assert_int_eq(weft_run(count_workers, NULL), (int)n);
        ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = n)), WEFT_EBUSY);
        ck_assert_int_eq(weft_shutdown(WEFT_SEC(10)), 0);
    }
}

WT_TEST(settings_out_of_range_are_refused)
{
    weft_config longer = { .size_ = sizeof longer + 1 };
    ck_assert_int_eq(weft_configure(NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_configure(&longer), WEFT_EINVAL);
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 1000000)), WEFT_EINVAL);
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.stack_size = 1)), WEFT_EINVAL);
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.stack_size = SIZE_MAX)), WEFT_EINVAL);
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.idle_stop_ns = -1)), WEFT_EINVAL);
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.teardown_budget_ns = -1)), WEFT_EINVAL);
    ck_assert_int_eq(weft_configure(&(weft_config){ .workers = 1 }), 0);
    ck_assert_int_eq(weft_run(count_workers, NULL), 1);
}

static int look_at_handler(void *arg) { return sigaction(SIGSEGV, NULL, arg); }

WT_TEST(the_fault_handler_is_there_while_it_runs_unless_unwanted)
{
    struct sigaction before, during, after;
    ck_assert_int_eq(look_at_handler(&before), 0);
    for (int unwanted = 0; unwanted <= 1; unwanted++) {
        ck_assert_int_eq(weft_configure(WEFT_CONFIG(.no_signal_stack = unwanted)), 0);
        ck_assert_int_eq(weft_run(look_at_handler, &during), 0);
        ck_assert_int_eq(weft_shutdown(WEFT_SEC(10)), 0);
        ck_assert_int_eq(look_at_handler(&after), 0);
        ck_assert_int_eq(during.sa_sigaction == before.sa_sigaction, unwanted);
        ck_assert(after.sa_sigaction == before.sa_sigaction);
    }
}

/* ---- fork ------------------------------------------------------------------------------------ */

#define CHILD_WANTS(call, code) \
    if ((call) != (code))       \
    _exit(__LINE__ % 250 + 1)

WEFT_TASK(never_runs, (int, n)) { return n; }

static void call_all_in_child(weft_scope *outer, weft_tx(int) tx_before, weft_rx(int) rx_before)
{
    weft_stats stats = { .size_ = sizeof stats };
    int rc = 0;
    CHILD_WANTS(weft_run(give_back, &rc), WEFT_EFORK);
    CHILD_WANTS(weft_shutdown(0), WEFT_EFORK);
    CHILD_WANTS(weft_configure(WEFT_CONFIG(.workers = 1)), WEFT_EFORK);
    CHILD_WANTS(weft_stats_get(&stats), WEFT_EFORK);
    CHILD_WANTS(weft_dump(2), WEFT_EFORK);
    CHILD_WANTS(weft_sleep(1), WEFT_EFORK);
    CHILD_WANTS(weft_pause(), WEFT_EFORK);
    CHILD_WANTS(weft_checkpoint(), WEFT_EFORK);
    CHILD_WANTS(weft_spawn(outer, never_runs, 1), WEFT_EFORK);
    CHILD_WANTS(weft_scope_wait(outer), WEFT_EFORK);
    CHILD_WANTS(weft_blocking(never_runs, 1), WEFT_EFORK);
    CHILD_WANTS(weft_root_scope() == NULL, true);
    weft_scope_cancel(outer);
    weft_scope_leave(outer);
    WEFT_SCOPE(scope);
    CHILD_WANTS(weft_spawn(&scope, never_runs, 1), WEFT_EFORK);
    CHILD_WANTS(weft_scope_wait(&scope), WEFT_EFORK);
    weft_scope_cancel(&scope);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    CHILD_WANTS(weft_chan_open(&tx, &rx, 0), WEFT_EFORK);
    CHILD_WANTS(weft_send(tx_before, 1), WEFT_EFORK);
    CHILD_WANTS(weft_recv(rx_before, &rc), WEFT_EFORK);
    CHILD_WANTS(weft_pollable(WEFT_MOVE(rx_before), &rx, &rc), WEFT_EFORK);
}

/* What is taken over by a call in the child stays as it is, too. */
static bool is_child;
static void not_in_child(void *item)
{
    (void)item;
    if (is_child)
        _exit(255);
}

static void fork_inside(weft_scope *outer)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1, .drop = not_in_child), 0);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        is_child = true;
        call_all_in_child(outer, tx, rx);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
                  "the child ended with %#x (line %d mod 250)", status, WEXITSTATUS(status) - 1);
}

WT_TEST(a_forked_child_is_told_so)
{
    wt_seeds_at_most(20);
    WEFT_SCOPE(scope);
    fork_inside(&scope);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    ck_assert_int_eq(run_for(2), 2);
}

static int fork_in_task(void *arg)
{
    fork_inside(weft_root_scope());
    return *(int *)arg;
}

WT_TEST(one_forked_by_a_task_too)
{
    wt_seeds_at_most(20);
    int rc = 6;
    ck_assert_int_eq(weft_run(fork_in_task, &rc), 6);
}

WT_MAIN("run")
