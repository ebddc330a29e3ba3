/* SPDX-License-Identifier: MIT
 * The pool from inside: who serves the queue, withdrawal, failure to make threads, stopping. */
#include "blocking/pool.h"
#include "blocking/pool_core.h"

#include "../fail_nth.h"
#include "plat/clock.h"
#include "plat/futex.h"
#include "plat/thread.h"
#include "sched/worker.h"
#include "wt_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <weft.h>

/* ---- jobs that tests can hold --------------------------------------------------------------------- */

struct gate {
    _Atomic uint32_t entered, open;
};

static int hold(void *arg)
{
    struct gate *gate = arg;
    (void)wf_add_seq(&gate->entered, 1u);
    while (wf_load_seq(&gate->open) == 0)
        (void)wf_futex_wait(&gate->open, 0, WF_NEVER);
    return 7;
}

static void open_gate(struct gate *gate)
{
    wf_store_seq(&gate->open, 1u);
    wf_futex_wake(&gate->open, INT32_MAX);
}

static bool is_entered(void *arg) { return wf_load_seq(&((struct gate *)arg)->entered) > 0; }

static bool has_jobs(void *arg) { return wf_load_seq(&wf_rt.jobs) == *(uint32_t *)arg; }

static void until_jobs(uint32_t n) { wt_until(has_jobs, &n); }

static uint64_t threads_now(void)
{
    uint64_t jobs, threads;
    wf_pool_stats(&jobs, &threads);
    return threads;
}

static int add_one(void *arg) { return (int)wf_add_seq((_Atomic uint32_t *)arg, 1u) + 1; }

struct held {
    struct gate gate;
    wt_thread *thread;
    int rc;
};

static void run_held(void *arg)
{
    struct held *held = arg;
    held->rc = wf_blocking_call("held", hold, &held->gate);
}

/* Occupies a thread of the pool until end_held. */
static void begin_held(struct held *held)
{
    memset(held, 0, sizeof *held);
    held->thread = wt_thread_start(run_held, held);
    wt_until(is_entered, &held->gate);
}

static void end_held(struct held *held)
{
    open_gate(&held->gate);
    wt_thread_join(held->thread);
    ck_assert_int_eq(held->rc, 7);
}

/* ---- running -------------------------------------------------------------------------------------- */

WT_TEST(a_result_comes_back)
{
    _Atomic uint32_t n = 41;
    ck_assert_int_eq(wf_blocking_call("add_one", add_one, &n), 42);
    ck_assert_uint_eq(n, 42);
    ck_assert_uint_eq(wf_rt.jobs, 0);
}

static int thread_id(void *arg)
{
    *(int *)arg = wf_thread_id();
    return -EXDEV;
}

WT_TEST(it_runs_on_a_thread_of_the_pool)
{
    int id = 0;
    ck_assert_int_eq(wf_blocking_call("thread_id", thread_id, &id), -EXDEV);
    ck_assert_int_ne(id, wf_thread_id());
    ck_assert_uint_eq(threads_now(), 1);
    ck_assert_uint_eq(wf_rt.n_helpers, 1);
}

WT_TEST(an_idle_thread_serves_before_a_new_one_is_made)
{
    _Atomic uint32_t n = 0;
    for (unsigned i = 0; i < 20; i++)
        ck_assert_int_eq(wf_blocking_call("add_one", add_one, &n), (int)i + 1);
    ck_assert_uint_eq(threads_now(), 1);
}

WT_TEST(an_idle_thread_ends_after_its_time)
{
    if (!wt_is_sim())
        wt_skip("needs virtual time");
    _Atomic uint32_t n = 0, never = 0;
    ck_assert_int_eq(wf_blocking_call("add_one", add_one, &n), 1);
    while (wf_futex_wait(&never, 0, wf_clock_after(WEFT_SEC(11))) == 0)
        ;
    ck_assert_uint_eq(threads_now(), 0);
    ck_assert_uint_eq(wf_rt.n_helpers, 0);
    ck_assert_int_eq(wf_blocking_call("add_one", add_one, &n), 2);
}

struct crowd {
    _Atomic uint32_t n;
    uint32_t n_each;
};

static void submit_many(void *arg)
{
    struct crowd *crowd = arg;
    for (uint32_t i = 0; i < crowd->n_each; i++)
        ck_assert_int_gt(wf_blocking_call("add_one", add_one, &crowd->n), 0);
}

WT_TEST(each_job_of_many_submitters_runs_once)
{
    wt_seeds_at_most(50);
    struct crowd crowd = { .n_each = wt_scaled(500) };
    wf_pool_configure(3);
    wt_thread *threads[6];
    for (unsigned i = 0; i < 6; i++)
        threads[i] = wt_thread_start(submit_many, &crowd);
    for (unsigned i = 0; i < 6; i++)
        wt_thread_join(threads[i]);
    ck_assert_uint_eq(crowd.n, 6 * crowd.n_each);
    ck_assert_uint_le(threads_now(), 3);
    wf_pool_configure(0);
}

/* ---- cancelling ----------------------------------------------------------------------------------- */

struct victim {
    weft_scope *scope;
    struct gate gate;
    int rc, ran;
    bool has_begun;
};

static int note_run(void *arg)
{
    ((struct victim *)arg)->ran++;
    return 5;
}

static void wait_in_cancelled_scope(void *arg)
{
    struct victim *victim = arg;
    WEFT_SCOPE(scope);
    victim->scope = &scope;
    victim->rc = wf_blocking_call("note_run", note_run, victim);
    victim->scope = NULL;
}

WT_TEST(a_cancelled_job_that_is_queued_is_withdrawn)
{
    wf_pool_configure(1);
    struct held held;
    struct victim victim = { .rc = 1 };
    begin_held(&held);
    wt_thread *thread = wt_thread_start(wait_in_cancelled_scope, &victim);
    until_jobs(2);
    weft_scope_cancel(victim.scope);
    wt_thread_join(thread);
    ck_assert_int_eq(victim.rc, WEFT_ECANCELED);
    ck_assert_int_eq(victim.ran, 0);
    end_held(&held);
    wf_pool_configure(0);
}

static void hold_in_scope(void *arg)
{
    struct victim *victim = arg;
    WEFT_SCOPE(scope);
    victim->scope = &scope;
    victim->rc = wf_blocking_call("hold", hold, &victim->gate);
    victim->ran = weft_scope_is_cancelled(&scope);
}

WT_TEST(a_cancelled_job_that_runs_is_waited_for)
{
    struct victim victim = { .rc = 1 };
    wt_thread *thread = wt_thread_start(hold_in_scope, &victim);
    wt_until(is_entered, &victim.gate);
    weft_scope_cancel(victim.scope);
    ck_assert_int_eq(victim.rc, 1);
    open_gate(&victim.gate);
    wt_thread_join(thread);
    ck_assert_int_eq(victim.rc, 7);
    ck_assert_int_eq(victim.ran, 1);
}

WT_TEST(in_a_cancelled_scope_nothing_starts_but_teardown_does)
{
    struct victim victim = { .rc = 1 };
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    ck_assert_int_eq(wf_blocking_call("note_run", note_run, &victim), WEFT_ECANCELED);
    ck_assert_int_eq(victim.ran, 0);
    ck_assert_int_eq(wf_blocking_call_shielded("note_run", note_run, &victim), 5);
    ck_assert_int_eq(victim.ran, 1);
}

/* ---- a deadline that no wait has heard of -------------------------------------------------------------- */

static struct expiring {
    struct wf_job job;
    weft_scope *scope;
} expiring;

static int expire_and_end(void *arg)
{
    ck_assert_int_eq(weft_scope_set_deadline(((struct expiring *)arg)->scope, 0), 0);
    ck_assert(weft_job_cancelled());
    return WEFT_ECANCELED;
}

static bool is_over(void *arg)
{
    wf_lock_acquire(&wf_pool.lock);
    bool is_over = ((struct wf_job *)arg)->state == WF_JOB_DONE;
    wf_lock_release(&wf_pool.lock);
    return is_over;
}

/* The submitter comes to its wait when the job has ended, and so has none that the deadline could end. */
static int thread_that_is_done(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    int rc = wf_sys_real.thread_create(out, name, fn, arg);
    if (strcmp(name, WF_POOL_THREAD_NAME) == 0)
        wt_until(is_over, &expiring.job);
    return rc;
}

WT_TEST(a_deadline_that_its_submitter_has_not_waited_for_counts)
{
    WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(1000));
    expiring.scope = &scope;
    wf_job_init(&expiring.job, "expire_and_end", expire_and_end, &expiring);
    wf_sys.thread_create = thread_that_is_done;
    ck_assert_int_eq(wf_job_run(&expiring.job), 0);
    ck_assert_int_eq(expiring.job.rc, WEFT_ECANCELED);
    ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    wf_sys = wf_sys_real;
}

/* ---- threads that can't be made ---------------------------------------------------------------------- */

static int no_thread(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    (void)out, (void)name, (void)fn, (void)arg;
    return -EAGAIN;
}

WT_TEST(without_any_thread_it_is_again)
{
    struct victim victim = { .rc = 1 };
    wf_sys.thread_create = no_thread;
    ck_assert_int_eq(wf_blocking_call("note_run", note_run, &victim), WEFT_EAGAIN);
    ck_assert_int_eq(victim.ran, 0);
    ck_assert_int_eq(wf_blocking_call_shielded("note_run", note_run, &victim), 5);
    ck_assert_uint_eq(wf_rt.n_helpers, 0);
    wf_sys = wf_sys_real;
    ck_assert_int_eq(wf_blocking_call("note_run", note_run, &victim), 5);
}

static void run_note(void *arg)
{
    struct victim *victim = arg;
    victim->rc = wf_blocking_call("note_run", note_run, victim);
}

WT_TEST(when_a_thread_serves_the_job_waits_for_it)
{
    struct held held;
    struct victim victim = { .rc = 1 };
    begin_held(&held);
    wf_sys.thread_create = no_thread;
    wt_thread *thread = wt_thread_start(run_note, &victim);
    until_jobs(2);
    ck_assert_int_eq(victim.ran, 0);
    end_held(&held);
    wt_thread_join(thread);
    ck_assert_int_eq(victim.rc, 5);
    wf_sys = wf_sys_real;
}

static int rarely_a_thread(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    wf_thread_yield();
    return wt_random_below(3) > 0 ? -EAGAIN : wf_sys_real.thread_create(out, name, fn, arg);
}

static void submit_some(void *arg)
{
    struct crowd *crowd = arg;
    for (uint32_t i = 0; i < crowd->n_each; i++) {
        struct gate gate = { .open = 1 };
        int rc = wf_blocking_call("hold", hold, &gate);
        ck_assert(rc == 7 || rc == WEFT_EAGAIN);
        ck_assert_int_eq(gate.entered, rc == 7);
    }
}

WT_TEST(no_job_is_orphaned_when_threads_fail)
{
    wf_sys.thread_create = rarely_a_thread;
    for (unsigned round = 0; round < 5; round++) {
        struct crowd crowd = { .n_each = 4 };
        wt_thread *threads[4];
        for (unsigned i = 0; i < 4; i++)
            threads[i] = wt_thread_start(submit_some, &crowd);
        for (unsigned i = 0; i < 4; i++)
            wt_thread_join(threads[i]);
        wf_pool_stop(wf_clock_after(WEFT_SEC(5)));
        ck_assert_uint_eq(threads_now(), 0);
    }
    wf_sys = wf_sys_real;
}

static int job_with_failures(void *arg)
{
    struct victim *victim = arg;
    victim->ran = 0;
    int rc = wf_blocking_call("note_run", note_run, victim);
    ck_assert(rc == (victim->ran ? 5 : rc) && rc != 0);
    wf_pool_stop(wf_clock_after(WEFT_SEC(5)));
    return rc == 5 ? 0 : rc;
}

WT_TEST(each_call_that_fails_is_reported)
{
    struct victim victim = { .rc = 1 };
    wt_seeds_at_most(20);
    (void)wf_waiter_self(); /* the record of this thread, which the test keeps */
    unsigned runs = fail_each(job_with_failures, &victim, NULL);
    ck_assert_uint_gt(runs, 2);
}

/* ---- the deadlock report -------------------------------------------------------------------------------- */

WEFT_TASK(send_later, (tx, int, out))
{
    _Atomic uint32_t never = 0;
    int64_t until_ns = wf_clock_after(WEFT_MS(20));
    while (wf_futex_wait(&never, 0, until_ns) == 0)
        ;
    return weft_send(out, 1);
}

WEFT_TASK(send_from_job, (tx, int, out)) { return weft_blocking(send_later, weft_ref(out)); }

WT_TEST(a_job_that_runs_may_still_wake_somebody)
{
    wt_capture_reports();
    int n = 0;
    WEFT_SCOPE(scope);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
    ck_assert_int_eq(weft_spawn(&scope, send_from_job, WEFT_MOVE(tx)), 0);
    ck_assert_int_eq(weft_recv(rx, &n), 1);
    ck_assert_int_eq(weft_recv(rx, &n), 0);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    ck_assert_str_eq(wt_reports(), "");
}

WEFT_TASK(job_in_task, (_Atomic uint32_t *, n))
{
    return wf_blocking_call("add_one", add_one, n) > 0 ? 0 : -EIO;
}

WT_TEST(an_idle_thread_does_not_hide_a_deadlock)
{
#if defined(WF_TSAN) && !defined(WF_SIM)
    wt_skip("the sanitizer has threads of its own, more than one after a fork");
#endif
    wt_capture_reports();
    _Atomic uint32_t n = 0;
    int value = 0;
    WEFT_SCOPE(outer);
    {
        WEFT_SCOPE(inner);
        ck_assert_int_eq(weft_spawn(&inner, job_in_task, &n), 0);
        ck_assert_int_eq(weft_scope_wait(&inner), 0);
    }
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
    int rc = weft_recv(rx, &value);
    ck_assert(rc == WEFT_EDEADLK || rc == WEFT_ECANCELED);
}

/* ---- stopping -------------------------------------------------------------------------------------- */

WT_TEST(stopping_joins_idle_threads)
{
    struct held held[3];
    for (unsigned i = 0; i < 3; i++)
        begin_held(&held[i]);
    ck_assert_uint_eq(threads_now(), 3);
    for (unsigned i = 0; i < 3; i++)
        end_held(&held[i]);
    wf_pool_stop(wf_clock_after(WEFT_SEC(5)));
    ck_assert_uint_eq(threads_now(), 0);
    ck_assert_uint_eq(wf_rt.n_helpers, 0);
}

static void open_later(void *arg)
{
    for (unsigned i = 0; i < 50; i++)
        wf_thread_yield();
    open_gate(arg);
}

WT_TEST(stopping_waits_for_a_job_that_ends_in_time)
{
    struct held held;
    begin_held(&held);
    wt_thread *opener = wt_thread_start(open_later, &held.gate);
    wf_pool_stop(wf_clock_after(WEFT_SEC(5)));
    ck_assert_uint_eq(threads_now(), 0);
    wt_thread_join(opener);
    end_held(&held);
}

WT_TEST(a_stuck_job_is_named_and_lives_on)
{
    wt_capture_reports();
    struct held held;
    begin_held(&held);
    wf_pool_stop(wf_clock_now());
    ck_assert_ptr_nonnull(strstr(wt_reports(), "held"));
    ck_assert_uint_eq(threads_now(), 1);
    end_held(&held);
    _Atomic uint32_t n = 0;
    ck_assert_int_eq(wf_blocking_call("add_one", add_one, &n), 1);
}

WT_TEST(jobs_submitted_while_it_stops_run)
{
    wt_seeds_at_most(50);
    struct crowd crowd = { .n_each = 10 };
    wt_thread *threads[3];
    for (unsigned i = 0; i < 3; i++)
        threads[i] = wt_thread_start(submit_many, &crowd);
    for (unsigned i = 0; i < 4; i++)
        wf_pool_stop(wf_clock_after(WEFT_SEC(5)));
    for (unsigned i = 0; i < 3; i++)
        wt_thread_join(threads[i]);
    ck_assert_uint_eq(crowd.n, 30);
}

/* ---- who is woken ------------------------------------------------------------------------------ */

enum { N_POOLED = 2000 };

WEFT_TASK(does_nothing) { return 0; }

WEFT_TASK(calls_the_pool)
{
    static const weft_blocking_opts pooled = { .pooled = true };
    for (int i = 0; i < N_POOLED; i++)
        WEFT_TRY(weft_blocking_with(&pooled, does_nothing));
    return 0;
}

static long n_sleeps_of_this_thread(void)
{
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_nvcsw;
}

/* It looks for a deadlock now and then: not with each job. */
WT_TEST(the_end_of_a_job_wakes_no_thread_that_waits_for_something_else)
{
    if (wt_is_sim())
        wt_skip("virtual threads sleep on one");
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_spawn(&scope, calls_the_pool), 0);
    long before = n_sleeps_of_this_thread();
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    ck_assert_int_lt(n_sleeps_of_this_thread() - before, N_POOLED / 40);
}

WT_MAIN("pool")
