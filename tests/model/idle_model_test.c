/* SPDX-License-Identifier: MIT
 * Model of parking (sched/idle.c, I1 to I4): work that is pushed while workers fall asleep is run,
 * and a timer that is due sooner than what the poll owner sleeps for is seen. */
#include "model.h"

static void with_workers(unsigned n_max)
{
    unsigned n = 1 + (unsigned)wt_random_below(n_max);
    MUST(weft_configure(WEFT_CONFIG(.workers = n)));
}

/* About as long as a worker searches before it sleeps. */
enum { A_SEARCH = 80 };

WEFT_TASK(do_nothing, (int, n)) { return n; }

/* Workers have just started, or have just run something, and are about to sleep. */
WT_TEST(a_push_from_a_thread_is_not_slept_over)
{
    with_workers(2);
    MUST(wf_runtime_enter());
    for (int i = 0; i < 3; i++) {
        model_spin(A_SEARCH);
        model_dawdle(20);
        WEFT_SCOPE(scope);
        MUST(weft_spawn(&scope, do_nothing, 0));
        MUST(weft_scope_wait(&scope));
    }
    wf_runtime_leave();
}

/* Two that hold their workers until both are there. A worker that searches keeps pushers from waking
 * another; when it has found the one it must see to the other. */
WEFT_TASK(arrive, (_Atomic unsigned *, n_here), (unsigned, n))
{
    (void)wf_add_seq(n_here, 1u);
    while (wf_load_seq(n_here) < n)
        wf_cpu_relax();
    return 0;
}

WT_TEST(two_pushes_get_two_workers)
{
    _Atomic unsigned n_here = 0;
    MUST(weft_configure(WEFT_CONFIG(.workers = 2)));
    WEFT_SCOPE(scope);
    model_spin(A_SEARCH);
    MUST(weft_spawn(&scope, arrive, &n_here, 2u));
    model_dawdle(60);
    MUST(weft_spawn(&scope, arrive, &n_here, 2u));
    MUST(weft_scope_wait(&scope));
}

/* The same from one worker to the other, which sleeps, and for a push that wakes nobody. */
WEFT_TASK(spawn_and_hold, (_Atomic unsigned *, n_here))
{
    MUST(weft_sleep(WEFT_MS(1)));
    WEFT_SCOPE(scope);
    model_dawdle(60);
    MUST(weft_spawn(&scope, arrive, n_here, 2u));
    (void)wf_add_seq(n_here, 1u);
    while (wf_load_seq(n_here) < 2)
        wf_cpu_relax();
    return weft_scope_wait(&scope);
}

WT_TEST(who_holds_a_worker_does_not_hold_up_the_rest)
{
    _Atomic unsigned n_here = 0;
    MUST(weft_configure(WEFT_CONFIG(.workers = 2)));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, spawn_and_hold, &n_here));
    MUST(weft_scope_wait(&scope));
}

/* ---- time ------------------------------------------------------------------------------------ */

WEFT_TASK(sleep_for, (int64_t, d_ns)) { return weft_sleep(d_ns); }

/* A plain thread's timers, each added while the poll owner falls asleep until a later one. */
static void wait_in_vain_until_deadline(weft_receiver *rx)
{
    int value;
    model_spin(A_SEARCH);
    model_dawdle(40);
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(5));
    ck_assert_int_eq(model_recv(rx, &value), WEFT_ECANCELED);
    ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
}

WT_TEST(a_sooner_timer_is_not_slept_over)
{
    int64_t begun_ns = wf_clock_now();
    with_workers(2);
    struct pipe pipe = model_open(NULL);
    WEFT_SCOPE(outer);
    MUST(weft_spawn(&outer, sleep_for, WEFT_SEC(3600)));
    for (int i = 0; i < 8; i++)
        wait_in_vain_until_deadline(pipe.rx);
    ck_assert_int_lt(wf_clock_now() - begun_ns, WEFT_SEC(1));
    weft_scope_cancel(&outer);
    MUST(weft_scope_wait(&outer));
    weft_half_drop(&pipe.tx);
    weft_half_drop(&pipe.rx);
}

WT_MAIN("idle_model")
