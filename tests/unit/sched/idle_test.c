/* SPDX-License-Identifier: MIT
 * Sleeping and waking of workers: who has nothing to do sleeps, who sleeps is woken for work, and
 * while anybody is idle somebody looks after time. */
#include "sched/worker.h"

#include "plat/clock.h"
#include "plat/sanitizer.h"
#include "wt_test.h"

#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

static void with_workers(unsigned n) { MUST(weft_configure(WEFT_CONFIG(.workers = n))); }

static bool all_idle(void *arg)
{
    (void)arg;
    return wf_load_seq(&wf_rt.n_idle) == wf_n_workers() && wf_load_seq(&wf_rt.n_searching) == 0 &&
           wf_stat(WF_PARKS) - wf_stat(WF_WAKES) == wf_n_workers() &&
           wf_load_seq(&wf_rt.poll_until_ns) != INT64_MIN;
}

WT_TEST(without_work_all_sleep_and_one_of_them_polls)
{
    for (unsigned n = 1; n <= 4; n++) {
        with_workers(n);
        MUST(wf_runtime_enter());
        wt_until(all_idle, NULL);
        uint64_t parks = wf_stat(WF_PARKS);
        MUST(weft_sleep(WEFT_MS(2)));
        ck_assert_uint_eq(wf_stat(WF_PARKS), parks); /* and go on sleeping */
        wf_lock_acquire(&wf_rt.idle_lock);
        unsigned n_listed = 0, n_polling = 0;
        wf_list_each (link, &wf_rt.idle) {
            struct wf_worker *w = WF_CONTAINER(link, struct wf_worker, idle_link);
            n_listed++;
            n_polling += w->is_polling;
            ck_assert(!w->is_searching);
        }
        wf_lock_release(&wf_rt.idle_lock);
        ck_assert_uint_eq(n_listed, n);
        ck_assert_uint_eq(n_polling, 1);
        wf_runtime_leave();
        MUST(weft_shutdown(WEFT_SEC(10)));
    }
}

/* ---- who runs does not search ---------------------------------------------------------------- */

/* As long as a worker counts as searching nobody else is woken. */
WF_WORKER_LOCAL static void expect_not_searching(void)
{
    ck_assert(!wf_thread_self()->worker->is_searching);
}

WEFT_TASK(check_search, (int, n))
{
    while (n-- > 0) {
        expect_not_searching();
        int64_t d_ns = (int64_t)wt_random_below(3) * WEFT_US(20);
        MUST(d_ns == 0 ? weft_pause() : weft_sleep(d_ns));
        expect_not_searching();
    }
    return 0;
}

WT_TEST(a_worker_that_runs_a_task_does_not_count_as_searching)
{
    with_workers(3);
    WEFT_SCOPE(scope);
    for (int i = 0; i < 6; i++)
        MUST(weft_spawn(&scope, check_search, (int)wt_scaled(1000)));
    MUST(weft_scope_wait(&scope));
}

/* All sleep; a timer wakes one worker for two tasks; the first keeps its worker until the other has
 * run. Somebody else has to be woken for that one. */
struct meeting {
    _Atomic unsigned n_here;
    unsigned n;
};

WEFT_TASK(meet, (struct meeting *, meeting), (int64_t, at_ns))
{
    MUST(weft_sleep_until(at_ns));
    (void)wf_add_seq(&meeting->n_here, 1u);
    while (wf_load_seq(&meeting->n_here) < meeting->n)
        wf_cpu_relax(); /* holds the worker */
    return 0;
}

WT_TEST(tasks_that_hold_their_workers_all_get_one)
{
    for (unsigned n = 2; n <= 4; n++) {
        with_workers(n);
        for (unsigned round = wt_scaled(100); round > 0; round--) {
            struct meeting meeting = { .n = n };
            int64_t at_ns = wf_clock_after(WEFT_US(200));
            WEFT_SCOPE(scope);
            for (unsigned i = 0; i < n; i++)
                MUST(weft_spawn(&scope, meet, &meeting, at_ns));
            MUST(weft_scope_wait(&scope));
        }
        MUST(weft_shutdown(WEFT_SEC(10)));
    }
}

/* Who was woken lies in the slot of a worker whose task goes on: that one may be taken, too. */
WEFT_TASK(answer, (rx, int, in), (_Atomic unsigned *, n_answers))
{
    int value;
    ck_assert_int_eq(weft_recv(in, &value), 1);
    (void)wf_add_seq(n_answers, 1u);
    return 0;
}

WEFT_TASK(ask_and_hold, (tx, int, out), (_Atomic unsigned *, n_answers))
{
    for (int i = 0; i < 3; i++)
        MUST(weft_pause());
    MUST(weft_send(out, 1));
    while (wf_load_seq(n_answers) == 0)
        wf_cpu_relax(); /* holds the worker */
    return 0;
}

WT_TEST(who_lies_in_the_slot_of_a_held_worker_gets_another)
{
    wt_seeds_at_most(50);
    for (unsigned round = wt_scaled(100); round > 0; round--) {
        _Atomic unsigned n_answers = 0;
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        with_workers(2);
        MUST(weft_chan_open(&tx, &rx, 0));
        {
            WEFT_SCOPE(scope);
            MUST(weft_spawn(&scope, answer, WEFT_MOVE(rx), &n_answers));
            MUST(weft_spawn(&scope, ask_and_hold, WEFT_MOVE(tx), &n_answers));
            MUST(weft_scope_wait(&scope));
        }
        MUST(weft_shutdown(WEFT_SEC(10)));
    }
}

/* ---- turns that become long -------------------------------------------------------------------- */

WF_WORKER_LOCAL static struct wf_worker *worker(void) { return wf_worker_self(); }

struct dance {
    _Atomic bool is_slow;
    _Atomic unsigned seen; /* a bit for each worker that has had a slow turn */
};

static void take_time(void)
{
    int64_t until_ns = wf_clock_after(WEFT_US(50));
    while (!wt_is_sim() && wf_clock_now() < until_ns)
        wf_cpu_relax();
}

WEFT_TASK(take_turns, (struct dance *, dance))
{
    while (wf_load_rlx(&dance->seen) != 3) {
        if (wf_load_rlx(&dance->is_slow)) {
            take_time();
            (void)wf_or_acq_rel(&dance->seen, 1u << worker()->index);
        }
        MUST(weft_pause());
    }
    return 0;
}

static int dance_on(void *arg)
{
    (void)arg;
    struct dance dance = { .is_slow = false };
    WEFT_SCOPE(scope);
    MUST(weft_spawn_n(&scope, 8, take_turns, &dance));
    for (unsigned i = wt_scaled(10000); i > 0; i--)
        MUST(weft_pause()); /* the other worker sleeps by now, or has some of them already */
    wf_store_rlx(&dance.is_slow, true);
    return weft_scope_wait(&scope);
}

/* P4 of pace.h: of those who yield to each other nobody pushes by a wake-up. */
WT_TEST(who_sleeps_is_told_of_turns_that_have_become_long)
{
    wt_seeds_at_most(50);
    with_workers(2);
    MUST(weft_run(dance_on, NULL));
}

/* Each short blocking call counts as a pick, yet who waits behind the task waits for its turn. */
WEFT_TASK(nothing_much) { return 0; }

static int call_until_turns_are_longer(void *arg)
{
    (void)arg;
    do
        for (int i = 0; i < 1000; i++)
            MUST(weft_blocking(nothing_much));
    while (!wt_is_sim() && worker()->turn_ns <= 4 * worker()->run_ns);
    return 0;
}

WT_TEST(a_turn_is_all_the_calls_that_a_task_makes_in_it)
{
    if (wf_san_is_valgrind())
        wt_skip("no call is short there: few make a turn, or each goes to the pool");
    wt_seeds_at_most(5);
    with_workers(1);
    MUST(weft_run(call_until_turns_are_longer, NULL));
}

/* ---- time ------------------------------------------------------------------------------------ */

WEFT_TASK(nap_until, (int64_t, at_ns), (_Atomic unsigned *, n_awake))
{
    WEFT_TRY(weft_sleep_until(at_ns));
    ck_assert_int_ge(wf_clock_now(), at_ns);
    (void)wf_add_seq(n_awake, 1u);
    return 0;
}

static bool is_one(void *n) { return wf_load_seq((_Atomic unsigned *)n) == 1; }

/* And the poll owner does not look every millisecond any more whether somebody is awake. */
static bool all_sleep_as_long_as(int64_t at_ns)
{
    return all_idle(NULL) && wf_load_seq(&wf_rt.poll_until_ns) >= at_ns;
}

static void nap_late_and_soon(void)
{
    _Atomic unsigned n_late = 0, n_soon = 0;
    int64_t late_ns = wf_clock_after(WEFT_SEC(3600));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, nap_until, late_ns, &n_late));
    while (!all_sleep_as_long_as(late_ns))
        MUST(weft_sleep(WEFT_US(100))); /* time has to pass, the simulator's too */
    MUST(weft_spawn(&scope, nap_until, wf_clock_after(WEFT_MS(3)), &n_soon));
    wt_until(is_one, (void *)&n_soon);
    ck_assert_uint_eq(wf_load_seq(&n_late), 0);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
}

WT_TEST(a_sooner_timer_interrupts_the_sleep_for_a_later_one)
{
    for (unsigned n = 1; n <= 3; n++) {
        with_workers(n);
        nap_late_and_soon();
        MUST(weft_shutdown(WEFT_SEC(10)));
    }
}

/* Work pushed by a plain thread, each time when all have just gone to sleep or are about to. The
 * runtime has a user all the time: else the hour at which idle workers stop would wake them, and a
 * wake-up that was lost would only be late. */
WEFT_TASK(do_nothing, (int, n)) { return n; }

WT_TEST(a_push_always_wakes)
{
    for (unsigned n = 1; n <= 4; n++) {
        with_workers(n);
        MUST(wf_runtime_enter());
        for (unsigned i = wt_scaled(2000); i > 0; i--) {
            WEFT_SCOPE(scope);
            MUST(weft_spawn(&scope, do_nothing, 0));
            MUST(weft_scope_wait(&scope));
            for (uint64_t spin = wt_random_below(200); spin > 0; spin--)
                wf_cpu_relax();
        }
        wf_runtime_leave();
        MUST(weft_shutdown(WEFT_SEC(10)));
    }
}

/* ---- the memory of a burst -------------------------------------------------------------------- */

/* As in plat/stack.c, with a slab that is only partly free, and what the workers keep. */
static size_t kept_warm(void) { return wt_is_sim() ? 8 + 64 : 1024 + 64; }

typedef _Atomic int wt_count;

WEFT_TASK(wait_for_cancel, (wt_count *, n_begun))
{
    (void)wf_add_rlx(n_begun, 1);
    return weft_sleep(WEFT_SEC(3600));
}

static size_t n_cached(void)
{
    struct wf_stack_info info;
    wf_stack_info(&info);
    return info.cached;
}

static int end_at_once(void)
{
    int n = wt_is_sim() ? 300 : 3000;
    wt_count n_begun = 0;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn_n(&scope, n, wait_for_cancel, &n_begun));
    while (wf_load_rlx(&n_begun) < n)
        WEFT_TRY(weft_pause());
    weft_scope_cancel(&scope);
    return weft_scope_wait(&scope);
}

/* Then the process sleeps on: nothing is looked at again. */
static int sleep_after_burst(void *arg)
{
    (void)arg;
    WEFT_TRY(end_at_once());
    while (n_cached() > kept_warm())
        WEFT_TRY(weft_sleep(WEFT_MS(1)));
    uint64_t n_polls = wf_stat(WF_POLLS);
    WEFT_TRY(weft_sleep(wt_is_sim() ? WEFT_SEC(1000) : WEFT_MS(5)));
    ck_assert_uint_le(wf_stat(WF_POLLS), n_polls + 3);
    return 0;
}

WT_TEST(who_sleeps_gives_a_bursts_memory_back_first)
{
    with_workers(1);
    MUST(weft_run(sleep_after_burst, NULL));
}

static int run_on_after_burst(void *arg)
{
    (void)arg;
    WEFT_TRY(end_at_once());
    while (n_cached() > kept_warm())
        WEFT_TRY(weft_pause());
    return 0;
}

WT_TEST(who_never_sleeps_gives_it_back_on_tours)
{
    with_workers(1);
    MUST(weft_run(run_on_after_burst, NULL));
}

WT_MAIN("idle")
