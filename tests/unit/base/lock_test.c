/* SPDX-License-Identifier: MIT
 * The lock: one holder, released by another thread, and the order of ranks. */
#include "base/lock.h"

#include "wt_test.h"

enum { THREADS = 4 };

static struct wf_lock lock;
static unsigned long counter; /* under lock */

static void count(void *arg)
{
    for (unsigned n = *(unsigned *)arg; n > 0; n--) {
        wf_lock_acquire(&lock);
        unsigned long seen = counter;
        if (n % 16 == 0)
            wf_cpu_relax();
        counter = seen + 1;
        wf_lock_release(&lock);
    }
}

WT_TEST(one_thread_at_a_time)
{
    wt_thread *threads[THREADS];
    unsigned n = wt_scaled(200000);
    wf_lock_init(&lock, WF_RANK_INJECT);
    counter = 0;
    for (int i = 0; i < THREADS; i++)
        threads[i] = wt_thread_start(count, &n);
    for (int i = 0; i < THREADS; i++)
        wt_thread_join(threads[i]);
    ck_assert_uint_eq(counter, (unsigned long)THREADS * n);
    ck_assert_uint_eq(wf_load_rlx(&lock.word), 0);
}

static void try_it(void *arg) { *(bool *)arg = wf_lock_try(&lock); }

WT_TEST(a_try_does_not_wait)
{
    bool got = true;
    wf_lock_init(&lock, WF_RANK_NONE);
    wf_lock_acquire(&lock);
    wt_thread_join(wt_thread_start(try_it, &got));
    ck_assert(!got);
    wf_lock_release(&lock);
    wt_thread_join(wt_thread_start(try_it, &got));
    ck_assert(got);
    wf_lock_release(&lock); /* taken there, released here */
    ck_assert(wf_lock_try(&lock));
    wf_lock_release(&lock);
}

/* ---- ranks ----------------------------------------------------------------------------------- */

static void take_in_wrong_order(void *arg)
{
    const enum wf_rank *ranks = arg;
    struct wf_lock a, b;
    wf_lock_init(&a, ranks[0]);
    wf_lock_init(&b, ranks[1]);
    wf_lock_acquire(&a);
    wf_lock_acquire(&b);
}

WT_TEST(a_lower_rank_inside_a_higher_one_aborts)
{
    enum wf_rank ranks[] = { WF_RANK_IDLE, WF_RANK_SCOPE };
    wt_expect_abort(take_in_wrong_order, ranks, "a lock of rank");
}

WT_TEST(an_equal_rank_aborts)
{
    enum wf_rank ranks[] = { WF_RANK_TIMERS, WF_RANK_TIMERS };
    wt_expect_abort(take_in_wrong_order, ranks, "a lock of rank");
}

WT_TEST(scopes_and_channels_nest_in_themselves)
{
    struct wf_lock locks[2 * THREADS];
    for (int i = 0; i < 2 * THREADS; i++)
        wf_lock_init(&locks[i], i < THREADS ? WF_RANK_SCOPE : WF_RANK_CHANNEL);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2 * THREADS; i++)
            wf_lock_acquire(&locks[i]);
        for (int i = 0; i < 2 * THREADS; i++) /* in the order they came, too */
            wf_lock_release(&locks[i]);
    }
}

WT_MAIN("lock")
