/* SPDX-License-Identifier: MIT
 * The hand-off from inside: who runs a worker, what a function may wait for, workers that are lent
 * and threads that can't be had. */
#include "blocking/handoff.h"

#include "plat/clock.h"
#include "plat/futex.h"
#include "plat/sys.h"
#include "plat/thread.h"
#include "wt_test.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

/* H1: whoever runs a task has the worker. */
WF_WORKER_LOCAL static void expect_to_have_a_worker(void)
{
    struct wf_thread *thread = wf_self_get();
    struct wf_host *host = wf_self_host_get();
    ck_assert_ptr_nonnull(thread->worker);
    ck_assert_ptr_eq(thread->worker->host, host);
    ck_assert_ptr_null(host->context);
    ck_assert(wf_load_seq(&thread->worker->lending) % 2 == 0);
}

static void expect_to_be_a_function(void)
{
    struct wf_host *host = wf_self_host_get();
    ck_assert_ptr_nonnull(host->context);
    struct wf_thread *thread = wf_self_get();
    ck_assert(thread == NULL || thread->worker == NULL);
}

static void with_workers(unsigned n) { MUST(weft_configure(WEFT_CONFIG(.workers = n))); }

static void with_any_workers(void) { with_workers(1 + (unsigned)wt_random_below(4)); }

/* ---- short ones ------------------------------------------------------------------------------------ */

WEFT_TASK(add, (int, a), (int, b))
{
    expect_to_be_a_function();
    return a + b;
}

WEFT_TASK(add_many, (int, n))
{
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(weft_blocking(add, i, 1), i + 1);
        expect_to_have_a_worker();
    }
    return 0;
}

WT_TEST(short_ones_return_to_their_task)
{
    for (unsigned n = 1; n <= 3; n++) {
        with_workers(n);
        WEFT_SCOPE(scope);
        MUST(weft_spawn_n(&scope, 3, add_many, (int)wt_scaled(300)));
        MUST(weft_scope_wait(&scope));
        ck_assert_uint_eq(wf_rt.jobs, 0);
        weft_scope_leave(&scope);
        MUST(weft_shutdown(WEFT_SEC(10)));
    }
}

WEFT_TASK(thread_id) { return wf_thread_id(); }

/* Where nothing makes it long it stays on its worker's thread, but for one that the system has kept
 * from running for so long that it seemed to be. */
WEFT_TASK(compare_threads, (unsigned *, n_here))
{
    for (unsigned i = 0; i < 200; i++)
        *n_here += weft_blocking(thread_id) == wf_thread_id();
    return 0;
}

WT_TEST(short_ones_run_on_their_workers_own_thread)
{
    unsigned n_here = 0;
    with_workers(1);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, compare_threads, &n_here));
    MUST(weft_scope_wait(&scope));
    ck_assert_uint_gt(n_here, wt_is_sim() ? 1 : 100);
}

WEFT_TASK(note_turn, (_Atomic uint32_t *, n_turns))
{
    for (int i = 0; i < 3; i++) {
        (void)wf_add_rlx(n_turns, 1u);
        MUST(weft_pause());
    }
    return 0;
}

WEFT_TASK(call_until_others_ran, (_Atomic uint32_t *, n_turns))
{
    while (wf_load_rlx(n_turns) < 3)
        ck_assert_int_eq(weft_blocking(add, 1, 2), 3);
    return 0;
}

WT_TEST(who_calls_all_the_time_gives_way_to_others)
{
    _Atomic uint32_t n_turns = 0;
    with_workers(1);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, call_until_others_ran, &n_turns));
    MUST(weft_spawn(&scope, note_turn, &n_turns));
    MUST(weft_scope_wait(&scope));
}

WEFT_TASK(spoil_errno)
{
    errno = EXDEV;
    return 0;
}

WEFT_TASK(keep_errno)
{
    errno = EDOM;
    MUST(weft_blocking(spoil_errno));
    ck_assert_int_eq(errno, EDOM);
    return 0;
}

WT_TEST(errno_is_the_tasks)
{
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, keep_errno));
    MUST(weft_scope_wait(&scope));
}

/* In a child the function's worker may be lent already: it does not return then. */
WEFT_TASK(fork_in_function)
{
    struct wf_host *host = wf_self_host_get();
    pid_t pid = fork();
    bool is_lent = host->lendable == NULL || wf_load_seq(&host->lendable->lending) != host->lending;
    if (pid == 0 && is_lent)
        _exit(0);
    return (int)pid;
}

WEFT_TASK(return_in_child)
{
    int pid = weft_blocking(fork_in_function), status;
    if (pid == 0) /* before any assertion: another thread may have held Check's lock */
        _exit(weft_sleep(1) == WEFT_EFORK ? 0 : 1);
    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    return 0;
}

/* Not in the simulator, where the monitor goes on in the child; nor under TSan, which in a child sees
 * no more order between the function's stack and the task's. */
WT_TEST(a_child_that_a_function_forked_is_told_so)
{
    WEFT_SCOPE(scope);
#if !defined(WF_SIM) && !defined(WF_TSAN)
    MUST(weft_spawn(&scope, return_in_child));
#endif
    MUST(weft_scope_wait(&scope));
}

/* ---- long ones ------------------------------------------------------------------------------------- */

static int wait_for_word(_Atomic uint32_t *word)
{
    while (wf_load_seq(word) == 0)
        (void)wf_futex_wait(word, 0, WF_NEVER);
    return 0;
}

static void set_word(_Atomic uint32_t *word)
{
    wf_store_seq(word, 1u);
    wf_futex_wake(word, INT32_MAX);
}

WEFT_TASK(block_on, (_Atomic uint32_t *, word)) { return wait_for_word(word); }

WEFT_TASK(block_in_job, (_Atomic uint32_t *, word))
{
    int rc = weft_blocking(block_on, word);
    expect_to_have_a_worker();
    return rc;
}

WEFT_TASK(unblock, (_Atomic uint32_t *, word))
{
    expect_to_have_a_worker();
    set_word(word);
    return 0;
}

/* The function blocks on what only a task behind it in the queue does, and weft does not know. */
WT_TEST(a_worker_whose_function_is_long_is_lent)
{
    for (unsigned n = 1; n <= 2; n++) {
        with_workers(n);
        WEFT_SCOPE(scope);
        _Atomic uint32_t words[3] = { 0 };
        for (unsigned i = 0; i < 3; i++)
            MUST(weft_spawn(&scope, block_in_job, &words[i]));
        for (unsigned i = 0; i < 3; i++)
            MUST(weft_spawn(&scope, unblock, &words[i]));
        MUST(weft_scope_wait(&scope));
        ck_assert_uint_eq(wf_rt.jobs, 0);
        weft_scope_leave(&scope);
        MUST(weft_shutdown(WEFT_SEC(10)));
    }
}

/* What ps and debuggers show. Virtual threads have no names there. */
WEFT_TASK(unblock_by_name, (_Atomic uint32_t *, word))
{
    char name[16] = "";
    (void)prctl(PR_GET_NAME, name);
    if (!wt_is_sim())
        ck_assert_str_eq(name, "weft-0");
    set_word(word);
    return 0;
}

WT_TEST(the_thread_that_a_worker_was_lent_to_is_called_like_it)
{
    with_workers(1);
    WEFT_SCOPE(scope);
    _Atomic uint32_t word = 0;
    MUST(weft_spawn(&scope, block_in_job, &word));
    MUST(weft_spawn(&scope, unblock_by_name, &word));
    MUST(weft_scope_wait(&scope));
}

WEFT_TASK(receive_one, (rx, int, in))
{
    int n = 0;
    expect_to_be_a_function();
    int rc = weft_recv(in, &n);
    expect_to_be_a_function();
    return rc < 0 ? rc : n;
}

WEFT_TASK(receive_in_job, (rx, int, in))
{
    int rc = weft_blocking(receive_one, weft_ref(in));
    expect_to_have_a_worker();
    return rc == 7 ? 0 : -EIO;
}

WEFT_TASK(send_one, (tx, int, out)) { return weft_send(out, 7); }

WT_TEST(a_function_that_waits_in_weft_lends_its_worker)
{
    with_any_workers();
    WEFT_SCOPE(scope);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    MUST(weft_spawn(&scope, receive_in_job, weft_ref(rx)));
    MUST(weft_spawn(&scope, receive_in_job, WEFT_MOVE(rx)));
    MUST(weft_spawn(&scope, send_one, weft_ref(tx)));
    MUST(weft_spawn(&scope, send_one, WEFT_MOVE(tx)));
    MUST(weft_scope_wait(&scope));
}

/* ---- any at all -------------------------------------------------------------------------------------- */

/* Takes no time, some, or more than a tick. */
WEFT_TASK(take_time, (uint64_t, kind), (_Atomic uint64_t *, n_done))
{
    _Atomic uint32_t never = 0;
    int64_t until_ns = wf_clock_after(WEFT_US(1400));
    expect_to_be_a_function();
    if (kind == 0)
        while (wf_futex_wait(&never, 0, until_ns) == 0)
            continue;
    else if (kind == 1)
        MUST(weft_pause());
    else if (kind == 2)
        MUST(weft_sleep(WEFT_US(50)));
    expect_to_be_a_function();
    (void)wf_add_seq(n_done, (uint64_t)1);
    return (int)kind;
}

WEFT_TASK(make_calls, (unsigned, n), (_Atomic uint64_t *, n_begun), (_Atomic uint64_t *, n_done))
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t kind = wt_random_below(wt_is_sim() ? 6 : 64);
        int rc = weft_blocking(take_time, kind, n_done);
        expect_to_have_a_worker();
        if (rc == WEFT_ECANCELED)
            return rc;
        (void)wf_add_seq(n_begun, (uint64_t)1);
        ck_assert_int_eq(rc, (int)kind);
        if (kind % 3 == 0)
            MUST(weft_pause());
    }
    return 0;
}

static void run_calls(unsigned n_tasks, unsigned n_calls)
{
    _Atomic uint64_t n_begun = 0, n_done = 0;
    WEFT_SCOPE(scope);
    MUST(weft_spawn_n(&scope, (int)n_tasks, make_calls, n_calls, &n_begun, &n_done));
    MUST(weft_scope_wait(&scope));
    ck_assert_uint_eq(n_done, (uint64_t)n_tasks * n_calls);
    ck_assert_uint_eq(n_begun, n_done);
    ck_assert_uint_eq(wf_rt.jobs, 0);
}

WT_TEST(calls_of_any_length)
{
    with_any_workers();
    run_calls(wt_is_sim() ? 3 : 16, wt_is_sim() ? 4 : wt_scaled(400));
}

/* The workers stop and the pool ends in between, at any moment of the monitor's life. */
WT_TEST(calls_between_stops)
{
    for (unsigned i = 0; i < (wt_is_sim() ? 2 : 20); i++) {
        unsigned n = 1 + (unsigned)wt_random_below(4);
        MUST(weft_configure(WEFT_CONFIG(.workers = n, .idle_stop_ns = WEFT_US(50))));
        for (unsigned k = 0; k < 3; k++) {
            run_calls(2, wt_is_sim() ? 2 : 20);
            MUST(weft_sleep(WEFT_US((int64_t)wt_random_below(200))));
        }
        MUST(weft_shutdown(WEFT_SEC(10)));
    }
}

/* ---- cancel ------------------------------------------------------------------------------------------- */

WEFT_TASK(cancel_soon, (weft_scope *, scope))
{
    for (uint64_t n = wt_random_below(20); n > 0; n--)
        MUST(weft_pause());
    weft_scope_cancel(scope);
    return 0;
}

WEFT_TASK(receive_for_ever, (rx, int, in), (_Atomic uint32_t *, n_ended))
{
    int n;
    int rc = weft_recv(in, &n);
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    (void)wf_add_seq(n_ended, 1u);
    return rc;
}

WEFT_TASK(receive_for_ever_in_job, (rx, int, in), (_Atomic uint32_t *, n_begun),
          (_Atomic uint32_t *, n_ended))
{
    (void)n_begun;
    int rc = weft_blocking(receive_for_ever, weft_ref(in), n_ended);
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    expect_to_have_a_worker();
    return rc;
}

WT_TEST(a_cancel_at_any_moment_ends_what_it_waits_for)
{
    _Atomic uint32_t n_begun = 0, n_ended = 0;
    with_any_workers();
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    WEFT_SCOPE(outer);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, receive_for_ever_in_job, weft_ref(rx), &n_begun, &n_ended));
    MUST(weft_spawn(&scope, receive_for_ever_in_job, weft_ref(rx), &n_begun, &n_ended));
    MUST(weft_spawn(&outer, cancel_soon, &scope));
    (void)!weft_scope_wait(&scope);
    MUST(weft_scope_wait(&outer));
    ck_assert_uint_le(n_ended, 2);
    ck_assert_uint_eq(wf_rt.jobs, 0);
}

/* By a sleep that weft does not know of, so that the worker may or may not be lent by then. */
WEFT_TASK(until_cancelled, (bool, receives), (rx, int, in))
{
    int n;
    _Atomic uint32_t never = 0;
    while (!weft_job_cancelled())
        (void)wf_futex_wait(&never, 0, wf_clock_after(WEFT_US(20)));
    return receives && weft_recv(in, &n) == WEFT_ECANCELED ? -EIO : WEFT_ECANCELED;
}

WEFT_TASK(expire_in_job, (bool, receives), (rx, int, in))
{
    WEFT_SCOPE(scope, .timeout_ns = WEFT_US(300));
    int rc = weft_blocking(until_cancelled, receives, weft_ref(in));
    ck_assert(rc == WEFT_ECANCELED || rc == -EIO);
    ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    expect_to_have_a_worker();
    return 0;
}

WT_TEST(a_deadline_that_cuts_a_function_short_counts)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    for (int receives = 0; receives < 2; receives++) {
        with_workers(2);
        WEFT_SCOPE(scope);
        MUST(weft_spawn(&scope, expire_in_job, receives > 0, weft_ref(rx)));
        MUST(weft_scope_wait(&scope));
        weft_scope_leave(&scope);
        MUST(weft_shutdown(WEFT_SEC(10)));
    }
}

/* ---- threads that can't be had ------------------------------------------------------------------------ */

enum { NO_LIMIT = 1000 };
static _Atomic uint32_t n_threads_left;

static bool failing_takes_time;

static int few_threads(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    _Atomic uint32_t never = 0;
    uint32_t left = wf_load_seq(&n_threads_left);
    if (left == 0) {
        int64_t until_ns = wf_clock_after(WEFT_MS((int64_t)wt_random_below(8)));
        while (failing_takes_time && wf_futex_wait(&never, 0, until_ns) == 0)
            continue;
        return -EAGAIN;
    }
    if (left < NO_LIMIT)
        (void)wf_cas_seq(&n_threads_left, &left, left - 1);
    return wf_sys_real.thread_create(out, name, fn, arg);
}

static void with_few_threads(void (*body)(void))
{
    wf_store_seq(&n_threads_left, (uint32_t)NO_LIMIT);
    wf_sys.thread_create = few_threads;
    body();
    ck_assert_uint_eq(wf_rt.jobs, 0);
    MUST(weft_shutdown(WEFT_SEC(10)));
    wf_sys = wf_sys_real;
}

WEFT_TASK(call_without_threads)
{
    wf_store_seq(&n_threads_left, 0u);
    int rc = weft_blocking(add, 1, 2);
    wf_store_seq(&n_threads_left, (uint32_t)NO_LIMIT);
    ck_assert_int_eq(weft_blocking(add, 1, 2), 3);
    return rc;
}

static void run_without_threads(void)
{
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, call_without_threads));
    ck_assert_int_eq(weft_scope_wait(&scope), WEFT_EAGAIN);
}

WT_TEST(without_any_thread_it_is_again) { with_few_threads(run_without_threads); }

/* The one spare thread goes to the worker whose function blocks, and can't be replaced: what is
 * behind the function runs, and the next call is answered or served. */
WEFT_TASK(unblock_and_call, (_Atomic uint32_t *, word))
{
    set_word(word);
    int rc = weft_blocking(add, 1, 2);
    ck_assert(rc == 3 || rc == WEFT_EAGAIN);
    expect_to_have_a_worker();
    return 0;
}

WEFT_TASK(block_or_again, (_Atomic uint32_t *, word))
{
    int rc = weft_blocking(block_on, word);
    ck_assert(rc == 0 || rc == WEFT_EAGAIN);
    return 0;
}

WEFT_TASK(begin_with_few, (unsigned, n_workers), (weft_scope *, scope), (_Atomic uint32_t *, words))
{
    wf_store_seq(&n_threads_left, (uint32_t)wt_random_below(3));
    for (unsigned i = 0; i < n_workers; i++)
        MUST(weft_spawn(scope, block_or_again, &words[i]));
    for (unsigned i = 0; i < n_workers; i++)
        MUST(weft_spawn(scope, unblock_and_call, &words[i]));
    return 0;
}

static void run_with_few_threads(void)
{
    unsigned n = 1 + (unsigned)wt_random_below(2);
    _Atomic uint32_t words[2] = { 0 };
    with_workers(n);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, begin_with_few, n, &scope, words));
    MUST(weft_scope_wait(&scope));
}

WT_TEST(no_job_is_left_alone_when_threads_fail) { with_few_threads(run_with_few_threads); }

/* All workers run functions that wait for what only tasks behind them do, and there is one spare
 * thread for all of them. */
WEFT_TASK(count_and_block, (_Atomic uint32_t *, n_begun), (_Atomic uint32_t *, word))
{
    (void)wf_add_seq(n_begun, 1u);
    int rc = weft_blocking(block_on, word);
    ck_assert(rc == 0 || rc == WEFT_EAGAIN);
    expect_to_have_a_worker();
    return 0;
}

static bool have_two_begun(void *arg) { return wf_load_seq((_Atomic uint32_t *)arg) == 2; }

static void run_with_one_spare_thread(void)
{
    _Atomic uint32_t n_begun = 0, words[2] = { 0 };
    with_workers(2);
    WEFT_SCOPE(scope);
    wf_store_seq(&n_threads_left, 1u); /* the workers are there */
    for (unsigned i = 0; i < 2; i++)
        MUST(weft_spawn(&scope, count_and_block, &n_begun, &words[i]));
    wt_until(have_two_begun, &n_begun);
    for (unsigned i = 0; i < 2; i++)
        MUST(weft_spawn(&scope, unblock, &words[i]));
    MUST(weft_scope_wait(&scope));
}

WT_TEST(one_spare_thread_is_enough_for_what_is_behind)
{
    with_few_threads(run_with_one_spare_thread);
}

/* The monitor gives up its role as the call begins, can't be replaced, and has the worker by the time
 * that the call knows. */
WEFT_TASK(call_as_the_monitor_leaves)
{
    ck_assert_int_eq(weft_blocking(add, 1, 2), 3);
    wf_store_seq(&n_threads_left, 0u);
    for (unsigned i = 0; i < 12; i++) {
        MUST(weft_sleep(WEFT_MS(2 + (int64_t)wt_random_below(3))));
        for (uint64_t n = wt_random_below(40); n > 0; n--)
            (void)wf_monitor_ticks();
        int rc = weft_blocking(add, 1, 2);
        ck_assert(rc == 3 || rc == WEFT_EAGAIN);
        expect_to_have_a_worker();
    }
    return 0;
}

static void run_as_the_monitor_leaves(void)
{
    with_workers(1);
    failing_takes_time = true;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, call_as_the_monitor_leaves));
    MUST(weft_scope_wait(&scope));
    failing_takes_time = false;
}

WT_TEST(a_worker_is_lent_while_its_call_looks_for_a_monitor)
{
    with_few_threads(run_as_the_monitor_leaves);
}

/* ---- rest ---------------------------------------------------------------------------------------------- */

static bool has_no_monitor(void *arg) { return (void)arg, !wf_monitor_is_there(); }

WT_TEST(when_no_call_is_made_the_monitor_sleeps)
{
    with_workers(1);
    run_calls(1, 3);
    MUST(weft_sleep(wt_is_sim() ? WEFT_MS(150) : 0));
    wt_until(has_no_monitor, NULL);
    uint64_t ticks = wf_monitor_ticks();
    MUST(weft_sleep(WEFT_MS(5)));
    ck_assert_uint_eq(wf_monitor_ticks(), ticks);
    run_calls(1, 3);
}

WT_MAIN("handoff")
