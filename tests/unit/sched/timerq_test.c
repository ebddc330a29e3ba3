/* SPDX-License-Identifier: MIT
 * Timers without a worker: the test itself says what time it is. */
#include "sched/timerq.h"

#include "plat/clock.h"
#include "sched/worker.h"
#include "wt_test.h"

#include <stdlib.h>

struct shot {
    struct wf_timer timer;
    _Atomic unsigned n_fired;
    unsigned order;
};

static _Atomic unsigned n_shots;

static void fire(struct wf_timer *timer)
{
    struct shot *shot = WF_CONTAINER(timer, struct shot, timer);
    (void)wf_add_seq(&shot->n_fired, 1u);
    shot->order = wf_add_seq(&n_shots, 1u);
}

static struct wf_timerq *queue(void) { return wf_thread_self()->timers; }

static int64_t next_ns(void) { return wf_load_rlx(&queue()->next_ns); }

WT_TEST(they_fire_in_order_and_never_early)
{
    static const int64_t at_ns[] = { 500, 100, 300, 200, 400 };
    static const unsigned order[] = { 4, 0, 2, 1, 3 };
    struct shot shots[5] = { { .order = 9 } };
    wf_store_seq(&n_shots, 0u);
    for (int i = 0; i < 5; i++)
        wf_timer_start(&shots[i].timer, at_ns[i], fire);
    ck_assert_int_eq(next_ns(), 100);
    ck_assert_uint_eq(wf_timerq_expire(queue(), 99), 0);
    ck_assert_uint_eq(wf_timerq_expire(queue(), 100), 1);
    ck_assert_int_eq(next_ns(), 200);
    ck_assert_uint_eq(wf_timerq_expire(queue(), 499), 3);
    ck_assert_uint_eq(wf_timerq_expire(queue(), INT64_MAX - 1), 1);
    ck_assert_int_eq(next_ns(), WF_NEVER);
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(wf_load_seq(&shots[i].n_fired), 1);
        ck_assert_uint_eq(shots[i].order, order[i]);
        ck_assert(!wf_timer_cancel(&shots[i].timer));
    }
}

WT_TEST(a_cancelled_one_does_not_fire)
{
    struct shot a = { .order = 9 }, b = { .order = 9 };
    wf_timer_start(&a.timer, 100, fire);
    wf_timer_start(&b.timer, 200, fire);
    ck_assert(wf_timer_cancel(&a.timer));
    ck_assert(!wf_timer_cancel(&a.timer));
    ck_assert_int_eq(next_ns(), 200);
    ck_assert_uint_eq(wf_timerq_expire(queue(), 1000), 1);
    ck_assert_uint_eq(wf_load_seq(&a.n_fired), 0);
    /* A timer may be used again. */
    wf_timer_start(&a.timer, INT64_MIN, fire);
    ck_assert_uint_eq(wf_timerq_expire(queue(), 0), 1);
    ck_assert_uint_eq(wf_load_seq(&a.n_fired), 1);
}

WT_TEST(a_hundred_thousand_of_which_most_are_cancelled)
{
    unsigned n = wt_scaled(100000) + 10, n_cancelled = 0;
    struct shot *shots = calloc(n, sizeof *shots);
    for (unsigned i = 0; i < n; i++)
        wf_timer_start(&shots[i].timer, (int64_t)wt_random_below(1000), fire);
    for (unsigned i = 0; i < n; i++)
        if (wt_random_below(10) != 0)
            n_cancelled += wf_timer_cancel(&shots[i].timer);
    unsigned n_fired = 0;
    for (int64_t now = 0; now <= 1000; now += 10)
        n_fired += wf_timerq_expire(queue(), now);
    ck_assert_uint_eq(n_fired + n_cancelled, n);
    ck_assert_int_eq(next_ns(), WF_NEVER);
    free(shots);
}

/* ---- cancel against fire --------------------------------------------------------------------- */

enum { N = 200 };

static struct shot shots[N];
static unsigned n_cancelled;
static _Atomic bool is_over;

static void cancel_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < N; i++) {
        bool was_pending = wf_timer_cancel(&shots[i].timer);
        /* After it the callback neither runs nor will. */
        ck_assert_uint_eq(wf_load_seq(&shots[i].n_fired), was_pending ? 0 : 1);
        n_cancelled += was_pending;
    }
    wf_store_seq(&is_over, true);
}

WT_TEST(each_fires_or_is_cancelled)
{
    for (unsigned round = wt_scaled(200); round > 0; round--) {
        unsigned n_fired = 0;
        n_cancelled = 0;
        wf_store_seq(&is_over, false);
        for (int i = 0; i < N; i++) {
            shots[i] = (struct shot){ .order = 9 };
            wf_timer_start(&shots[i].timer, i, fire);
        }
        wt_thread *thread = wt_thread_start(cancel_all, NULL);
        for (int64_t now = 0; !wf_load_seq(&is_over); now++)
            n_fired += wf_timerq_expire(queue(), now);
        wt_thread_join(thread);
        ck_assert_uint_eq(n_fired + n_cancelled, N);
        ck_assert_int_eq(next_ns(), WF_NEVER);
    }
}

WT_MAIN("timerq")
