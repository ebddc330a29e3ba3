/* SPDX-License-Identifier: MIT
 * Time: sleeps are never early and end with a cancel; a timer is a receiver. In the simulator the
 * clock is virtual: a million seconds cost nothing, and times are exact. */
#include "wt_test.h"

#include <weft.h>

#define LONG WEFT_SEC(1000000)

static void in_task(int (*main_task)(void *)) { ck_assert_int_eq(weft_run(main_task, NULL), 0); }

/* ---- sleeping --------------------------------------------------------------------------------- */

static int never_early(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        int64_t d_ns = (int64_t)wt_random_below(2000000);
        int64_t begin_ns = weft_now_ns();
        ck_assert_int_eq(weft_sleep(d_ns), 0);
        ck_assert_int_ge(weft_now_ns() - begin_ns, d_ns);
    }
    return 0;
}

WT_TEST(a_sleep_is_never_early_in_a_task) { in_task(never_early); }
WT_TEST(a_sleep_is_never_early_in_a_thread) { ck_assert_int_eq(never_early(NULL), 0); }

static int no_drift(void *arg)
{
    (void)arg;
    int64_t next_ns = weft_now_ns();
    for (int i = 0; i < 20; i++) {
        next_ns += WEFT_MS(1);
        ck_assert_int_eq(weft_sleep_until(next_ns), 0);
        ck_assert_int_ge(weft_now_ns(), next_ns);
    }
    return 0;
}

WT_TEST(sleep_until_does_not_drift) { in_task(no_drift); }

static int in_the_past(void *arg)
{
    (void)arg;
    ck_assert_int_eq(weft_sleep(0), 0);
    ck_assert_int_eq(weft_sleep(-5), 0);
    ck_assert_int_eq(weft_sleep(INT64_MIN), 0);
    ck_assert_int_eq(weft_sleep_until(0), 0);
    ck_assert_int_eq(weft_sleep_until(weft_now_ns() - 1), 0);
    WEFT_SCOPE(scope, .timeout_ns = -1);
    ck_assert_int_eq(weft_sleep(0), WEFT_ECANCELED);
    ck_assert_int_eq(weft_sleep_until(0), WEFT_ECANCELED);
    ck_assert_int_eq(weft_sleep(LONG), WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_past_point_only_gives_way_in_a_task) { in_task(in_the_past); }
WT_TEST(a_past_point_only_gives_way_in_a_thread) { ck_assert_int_eq(in_the_past(NULL), 0); }

WEFT_TASK(sleep_long, (int64_t, d_ns)) { return weft_sleep(d_ns); }

static int cancelled(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    for (int i = 0; i < 50; i++)
        WEFT_TRY(weft_spawn(&scope, sleep_long, i % 2 == 0 ? LONG : INT64_MAX));
    WEFT_TRY(weft_sleep(WEFT_US(300)));
    weft_scope_cancel(&scope);
    return weft_scope_wait(&scope);
}

WT_TEST(million_second_sleeps_end_with_a_cancel)
{
    int64_t begin_ns = weft_now_ns();
    in_task(cancelled);
    ck_assert_int_lt(weft_now_ns() - begin_ns, LONG / 1000);
}

static int expired(void *arg)
{
    (void)arg;
    int64_t begin_ns = weft_now_ns();
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(2));
    ck_assert_int_eq(weft_sleep(LONG), WEFT_ECANCELED);
    ck_assert_int_ge(weft_now_ns() - begin_ns, WEFT_MS(2));
    ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    return 0;
}

WT_TEST(a_deadline_ends_a_sleep_in_a_task) { in_task(expired); }
WT_TEST(a_deadline_ends_a_sleep_in_a_thread) { ck_assert_int_eq(expired(NULL), 0); }

static int nested_deadlines(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer, .timeout_ns = WEFT_MS(1));
    {
        WEFT_SCOPE(inner, .timeout_ns = WEFT_MS(500));
        ck_assert_int_eq(weft_sleep(LONG), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&inner), WEFT_ECANCELED);
    }
    ck_assert_int_eq(weft_scope_wait(&outer), WEFT_ETIMEDOUT);
    return 0;
}

WT_TEST(the_earlier_deadline_counts) { in_task(nested_deadlines); }

/* ---- order ------------------------------------------------------------------------------------ */

WEFT_TASK(report_at, (int64_t, at_ns), (int, i), (tx, int, out))
{
    WEFT_TRY(weft_sleep_until(at_ns));
    return weft_send(out, i);
}

/* Half a second apart on the virtual clock; enough on a real one that only a stall mixes them. */
static int ordered(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_SCOPE(scope);
    int64_t start_ns = weft_now_ns(), apart_ns = wt_is_sim() ? WEFT_MS(500) : WEFT_MS(20);
    WEFT_TRY(weft_chan_open(&tx, &rx, 8));
    for (int i = 4; i >= 0; i--)
        WEFT_TRY(weft_spawn(&scope, report_at, start_ns + (i + 1) * apart_ns, i, weft_ref(tx)));
    WEFT_DROP(tx);
    int expected = 0;
    weft_each (i, rx) {
        ck_assert_int_ge(weft_now_ns(), start_ns + (i + 1) * apart_ns);
        if (wt_is_sim())
            ck_assert_int_eq(i, expected);
        expected++;
    }
    ck_assert_int_eq(expected, 5);
    return weft_scope_wait(&scope);
}

WT_TEST(sleepers_wake_in_the_order_of_their_times) { in_task(ordered); }

static int exact(void *arg)
{
    (void)arg;
    int64_t begin_ns = weft_now_ns();
    WEFT_TRY(weft_sleep(LONG));
    int64_t late_ns = weft_now_ns() - begin_ns - LONG;
    ck_assert_int_ge(late_ns, 0);
    ck_assert_int_lt(late_ns, WEFT_MS(1));
    return 0;
}

WT_TEST(virtual_time_goes_straight_to_the_next_timer)
{
    if (!wt_is_sim())
        wt_skip("takes eleven days on a real clock");
    in_task(exact);
}

/* ---- weft_after ----------------------------------------------------------------------------------- */

static int one_shot(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, timer);
    int64_t begin_ns = weft_now_ns(), d_ns = WEFT_MS(40), at_ns;
    ck_assert_int_eq(weft_after(d_ns, &timer), 0);
    int rc = weft_try_recv(timer, &at_ns);
    ck_assert(rc == WEFT_EAGAIN || weft_now_ns() - begin_ns >= d_ns);
    if (rc == WEFT_EAGAIN)
        rc = weft_recv(timer, &at_ns);
    ck_assert_int_eq(rc, 1);
    ck_assert_int_ge(at_ns - begin_ns, d_ns);
    ck_assert_int_le(at_ns, weft_now_ns());
    ck_assert_int_eq(weft_recv(timer, &at_ns), 0);
    ck_assert_int_eq(weft_error(timer), 0);
    return 0;
}

WT_TEST(a_timer_gives_its_time_once_in_a_task) { in_task(one_shot); }
WT_TEST(a_timer_gives_its_time_once_in_a_thread) { ck_assert_int_eq(one_shot(NULL), 0); }

static int due_already(void *arg)
{
    (void)arg;
    for (int64_t d_ns = -1; d_ns <= 0; d_ns++) {
        WEFT_RX(int64_t, timer);
        int64_t at_ns;
        ck_assert_int_eq(weft_after(d_ns, &timer), 0);
        ck_assert_int_eq(weft_try_recv(timer, &at_ns), 1);
        ck_assert_int_eq(weft_try_recv(timer, &at_ns), 0);
    }
    return 0;
}

WT_TEST(a_timer_that_is_due_already_is_ready) { in_task(due_already); }

static int dropped(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, never);
    int64_t at_ns;
    ck_assert_int_eq(weft_after(LONG, &never), 0);
    ck_assert_int_eq(weft_close(never), 0);
    ck_assert_int_eq(weft_recv(never, &at_ns), WEFT_ECLOSED);
    for (int i = 0; i < 50; i++) {
        WEFT_RX(int64_t, timer);
        ck_assert_int_eq(weft_after(WEFT_US(i * 4), &timer), 0);
        ck_assert_int_eq(weft_sleep(WEFT_US(100)), 0);
    }
    return 0;
}

WT_TEST(a_timer_may_be_dropped_before_while_and_after_it_fires) { in_task(dropped); }

static int in_select(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int64_t, soon);
    WEFT_RX(int64_t, late);
    int n, rc;
    int64_t at_ns, other_ns, begin_ns = weft_now_ns();
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    ck_assert_int_eq(weft_after(LONG, &late), 0);
    ck_assert_int_eq(weft_after(WEFT_MS(2), &soon), 0);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(rx, &n), weft_on_recv(soon, &at_ns),
                                 weft_on_recv(late, &other_ns)),
                     1);
    ck_assert_int_eq(rc, 1);
    ck_assert_int_ge(at_ns - begin_ns, WEFT_MS(2));
    ck_assert_int_eq(weft_send(tx, 5), 0);
    ck_assert_int_eq(weft_select_ordered(&rc, weft_on_recv(late, &other_ns), weft_on_recv(rx, &n)),
                     1);
    ck_assert_int_eq(n, 5);
    ck_assert_int_eq(weft_error(late), 0); /* a case that loses leaves no trace */
    return 0;
}

WT_TEST(a_timer_is_a_case_of_select_in_a_task) { in_task(in_select); }
WT_TEST(a_timer_is_a_case_of_select_in_a_thread) { ck_assert_int_eq(in_select(NULL), 0); }

/* Through a combinator, beside a timer of the select's own, and once it has given its time. */
static int in_select_with_others(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, source);
    WEFT_RX(int64_t, taken);
    WEFT_RX(int64_t, late);
    int rc;
    int64_t at_ns, begin_ns = weft_now_ns();
    ck_assert_int_eq(weft_after(WEFT_MS(2), &source), 0);
    ck_assert_int_eq(weft_after(LONG, &late), 0);
    ck_assert_int_eq(weft_take(WEFT_MOVE(source), 1, &taken), 0);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(late, &at_ns), weft_on_nothing()), 1);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(late, &at_ns), weft_on_after(WEFT_MS(1))), 1);
    ck_assert_int_eq(rc, 0);
    for (int expected = 1; expected >= 0; expected--) {
        ck_assert_int_eq(weft_select(&rc, weft_on_recv(late, &at_ns), weft_on_recv(taken, &at_ns),
                                     weft_on_after(WEFT_SEC(1000))),
                         1);
        ck_assert_int_eq(rc, expected);
    }
    ck_assert_int_ge(at_ns - begin_ns, WEFT_MS(2));
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(late, &at_ns)), WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_timer_is_a_case_beside_others_in_a_task) { in_task(in_select_with_others); }
WT_TEST(a_timer_is_a_case_beside_others_in_a_thread)
{
    ck_assert_int_eq(in_select_with_others(NULL), 0);
}

static int far_away(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, never);
    int64_t at_ns;
    ck_assert_int_eq(weft_after(INT64_MAX, &never), 0);
    ck_assert_int_eq(weft_try_recv(never, &at_ns), WEFT_EAGAIN);
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
    int rc;
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(never, &at_ns)), WEFT_ECANCELED);
    ck_assert_int_eq(weft_recv(never, &at_ns), WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_timer_may_be_centuries_away_in_a_task) { in_task(far_away); }
WT_TEST(a_timer_may_be_centuries_away_in_a_thread) { ck_assert_int_eq(far_away(NULL), 0); }

static weft_rx(int64_t) carried;

static int open_carried(void *arg)
{
    (void)arg;
    return weft_after(WEFT_MS(3), &carried);
}

WT_TEST(a_timer_outlives_the_task_that_opened_it)
{
    int64_t at_ns;
    in_task(open_carried);
    ck_assert_int_eq(weft_recv(carried, &at_ns), 1);
    WEFT_DROP(carried);
}

static int cancelled_recv(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, timer);
    int64_t at_ns;
    ck_assert_int_eq(weft_after(WEFT_MS(4), &timer), 0);
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
        int rc = weft_recv(timer, &at_ns);
        if (rc == 1 && !wt_is_sim())
            return 0; /* a stall: it was due before the scope was entered */
        ck_assert_int_eq(rc, WEFT_ECANCELED);
    }
    ck_assert_int_eq(weft_recv(timer, &at_ns), 1);
    return 0;
}

WT_TEST(a_cancelled_receive_leaves_the_timer) { in_task(cancelled_recv); }

static void open_and_wait(void *arg)
{
    (void)arg;
    weft_rx(int64_t) timer = NULL;
    int64_t at_ns;
    wt_fault_on(WT_FAULT_ALL);
    int rc = weft_after(1, &timer);
    wt_fault_off();
    if (rc < 0) {
        ck_assert(wt_fault_hit());
        ck_assert_ptr_null((void *)(uintptr_t)timer);
        return;
    }
    ck_assert_int_eq(weft_recv(timer, &at_ns), 1);
    WEFT_DROP(timer);
}

WT_TEST(a_timer_fails_cleanly) { (void)wt_fault_run(open_and_wait, NULL); }

WT_MAIN("api_time")
