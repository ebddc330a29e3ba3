/* SPDX-License-Identifier: MIT
 * Cancellation: from any thread, level-triggered, stopped by shields, never half done. */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

static void in_both(int (*body)(void *arg))
{
    MUST(body(NULL));
    MUST(weft_run(body, NULL));
}

/* ---- level-triggered ------------------------------------------------------------------------- */

static int every_call_fails(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value = 1;
    MUST(weft_chan_open(&tx, &rx, 4));
    MUST(weft_send(tx, 7));
    {
        WEFT_SCOPE(scope);
        weft_scope_cancel(&scope);
        ck_assert(weft_scope_is_cancelled(&scope));
        for (int i = 0; i < 3; i++) {
            WANT(weft_pause(), WEFT_ECANCELED);
            WANT(weft_checkpoint(), WEFT_ECANCELED);
            WANT(weft_sleep(1), WEFT_ECANCELED);
            WANT(weft_sleep(-1), WEFT_ECANCELED);
            WANT(weft_send(tx, value), WEFT_ECANCELED);
            WANT(weft_recv(rx, &value), WEFT_ECANCELED);
            weft_scope_cancel(&scope);
        }
        MUST(weft_try_send(tx, 8));
        WANT(weft_try_recv(rx, &value), 1);
        WANT(value, 7);
        MUST(weft_scope_wait(&scope));
        MUST(weft_pause());
    }
    WANT(weft_recv(rx, &value), 1);
    WANT(value, 8);
    return 0;
}

WT_TEST(in_a_cancelled_scope_every_waiting_call_fails) { in_both(every_call_fails); }

WEFT_TASK(expect_cancelled, (_Atomic int *, n_ran))
{
    WANT(weft_pause(), WEFT_ECANCELED);
    atomic_fetch_add(n_ran, 1);
    return WEFT_ECANCELED;
}

static int spawn_into_cancelled(void *arg)
{
    (void)arg;
    _Atomic int n_ran = 0;
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    MUST(weft_spawn_n(&scope, 5, expect_cancelled, &n_ran));
    MUST(weft_scope_wait(&scope));
    WANT(n_ran, 5);
    return 0;
}

WT_TEST(a_task_accepted_by_a_cancelled_scope_runs_cancelled) { in_both(spawn_into_cancelled); }

/* ---- inner and outer ------------------------------------------------------------------------- */

static int outer_reaches_inner(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer);
    {
        WEFT_SCOPE(inner);
        weft_scope_cancel(&outer);
        ck_assert(weft_scope_is_cancelled(&inner));
        WANT(weft_pause(), WEFT_ECANCELED);
        WANT(weft_scope_wait(&inner), WEFT_ECANCELED);
    }
    {
        WEFT_SCOPE(opened_later);
        WANT(weft_pause(), WEFT_ECANCELED);
        WANT(weft_scope_wait(&opened_later), WEFT_ECANCELED);
    }
    MUST(weft_scope_wait(&outer));
    return 0;
}

WT_TEST(a_cancel_goes_down) { in_both(outer_reaches_inner); }

static int inner_stays_inside(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer);
    {
        WEFT_SCOPE(inner);
        weft_scope_cancel(&inner);
        WANT(weft_pause(), WEFT_ECANCELED);
        MUST(weft_scope_wait(&inner));
        MUST(weft_pause());
    }
    MUST(weft_scope_wait(&outer));
    return 0;
}

WT_TEST(and_never_up) { in_both(inner_stays_inside); }

static int both_are_cancelled(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer);
    {
        WEFT_SCOPE(inner);
        weft_scope_cancel(&inner);
        weft_scope_cancel(&outer);
        WANT(weft_scope_wait(&inner), WEFT_ECANCELED);
    }
    MUST(weft_scope_wait(&outer));
    return 0;
}

/* Swallowing it would say that all is well to code that is about to find that it is not. */
WT_TEST(a_scope_does_not_swallow_the_cancel_of_one_around_it) { in_both(both_are_cancelled); }

/* ---- from elsewhere -------------------------------------------------------------------------- */

static void cancel_on_thread(void *scope) { weft_scope_cancel(scope); }

static int wait_to_be_cancelled(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    wt_thread *thread = wt_thread_start(cancel_on_thread, &scope);
    WANT(weft_sleep(INT64_MAX), WEFT_ECANCELED);
    wt_thread_join(thread);
    MUST(weft_scope_wait(&scope));
    return 0;
}

WT_TEST(another_thread_may_cancel) { in_both(wait_to_be_cancelled); }

WEFT_TASK(cancel_in_task, (weft_scope *, scope))
{
    weft_scope_cancel(scope);
    return weft_pause() == WEFT_ECANCELED ? 0 : -1;
}

static int be_cancelled_by_a_child(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, cancel_in_task, &scope));
    WANT(weft_sleep(INT64_MAX), WEFT_ECANCELED);
    MUST(weft_scope_wait(&scope));
    return 0;
}

WT_TEST(so_may_a_child) { in_both(be_cancelled_by_a_child); }

/* ---- shields --------------------------------------------------------------------------------- */

static int shields_nest(void *arg)
{
    (void)arg;
    weft_shield a, b;
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    weft_shield_begin(&a);
    MUST(weft_sleep(1));
    weft_shield_begin(&b);
    MUST(weft_pause());
    weft_shield_end(&b);
    MUST(weft_checkpoint());
    weft_shield_end(&a);
    WANT(weft_pause(), WEFT_ECANCELED);
    MUST(weft_scope_wait(&scope));
    return 0;
}

WT_TEST(behind_a_shield_a_cancel_is_not_seen) { in_both(shields_nest); }

static int cancel_during_shielded_sleep(void *arg)
{
    (void)arg;
    weft_shield shield;
    WEFT_SCOPE(scope);
    weft_shield_begin(&shield);
    wt_thread *thread = wt_thread_start(cancel_on_thread, &scope);
    MUST(weft_sleep(WEFT_MS(5)));
    wt_thread_join(thread);
    MUST(weft_sleep(WEFT_US(1)));
    weft_shield_end(&shield);
    WANT(weft_sleep(1), WEFT_ECANCELED);
    MUST(weft_scope_wait(&scope));
    return 0;
}

WT_TEST(a_shielded_wait_goes_on) { in_both(cancel_during_shielded_sleep); }

static int a_scope_behind_a_shield(void *arg)
{
    (void)arg;
    weft_shield shield;
    WEFT_SCOPE(outer);
    weft_scope_cancel(&outer);
    weft_shield_begin(&shield);
    {
        WEFT_SCOPE(inner);
        MUST(weft_pause());
        weft_scope_cancel(&inner);
        WANT(weft_pause(), WEFT_ECANCELED);
        MUST(weft_scope_wait(&inner));
        MUST(weft_pause());
    }
    {
        /* Its own deadline holds there too, and ends a wait. */
        WEFT_SCOPE(inner, .timeout_ns = WEFT_MS(1));
        WANT(weft_sleep(WEFT_SEC(3600)), WEFT_ECANCELED);
        WANT(weft_scope_wait(&inner), WEFT_ETIMEDOUT);
    }
    {
        /* And is that of the scopes in it, but for those behind a shield of their own. */
        WEFT_SCOPE(inner, .timeout_ns = WEFT_MS(1));
        WEFT_SCOPE(innermost, .timeout_ns = WEFT_SEC(3600));
        {
            WEFT_SCOPE(shielded, .shielded = true);
            MUST(weft_sleep(WEFT_MS(2)));
            MUST(weft_scope_wait(&shielded));
        }
        WANT(weft_sleep(WEFT_SEC(3600)), WEFT_ECANCELED);
        WANT(weft_scope_wait(&innermost), WEFT_ECANCELED);
        WANT(weft_scope_wait(&inner), WEFT_ETIMEDOUT);
    }
    {
        WEFT_SCOPE(inner);
        wt_thread *thread = wt_thread_start(cancel_on_thread, &inner);
        WANT(weft_sleep(WEFT_SEC(3600)), WEFT_ECANCELED);
        wt_thread_join(thread);
        MUST(weft_scope_wait(&inner));
    }
    weft_shield_end(&shield);
    WANT(weft_pause(), WEFT_ECANCELED);
    MUST(weft_scope_wait(&outer));
    return 0;
}

WT_TEST(a_scope_opened_behind_a_shield_can_be_cancelled) { in_both(a_scope_behind_a_shield); }

/* The wait ends the scope, not the shield; after both, the flag is that of the scope around. */
static int a_wait_behind_a_shield(void *arg)
{
    (void)arg;
    weft_shield shield;
    WEFT_SCOPE(outer);
    weft_scope_cancel(&outer);
    {
        WEFT_SCOPE(middle, .shielded = true);
        WEFT_SCOPE(inner);
        weft_scope_cancel(&inner);
        weft_shield_begin(&shield);
        MUST(weft_scope_wait(&inner));
        weft_scope_cancel(&middle);
        MUST(weft_pause());
        MUST(weft_scope_wait(&middle));
        MUST(weft_pause());
        weft_shield_end(&shield);
        WANT(weft_pause(), WEFT_ECANCELED);
    }
    WANT(weft_pause(), WEFT_ECANCELED);
    MUST(weft_scope_wait(&outer));
    MUST(weft_pause());
    return 0;
}

WT_TEST(a_shield_outlasts_the_wait_for_a_scope) { in_both(a_wait_behind_a_shield); }

/* No flag of a scope that is gone is looked at. */
static int wait_shielded(void)
{
    weft_shield shield;
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    weft_shield_begin(&shield);
    MUST(weft_scope_wait(&scope));
    weft_shield_end(&shield);
    return 0;
}

static int call_wait_shielded(void *arg)
{
    (void)arg;
    MUST(wait_shielded());
    return weft_pause();
}

WT_TEST(after_a_shielded_wait_the_outer_flag_counts) { in_both(call_wait_shielded); }

static int a_shielded_scope(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer);
    {
        WEFT_SCOPE(inner, .shielded = true);
        weft_scope_cancel(&outer);
        ck_assert(!weft_scope_is_cancelled(&inner));
        MUST(weft_sleep(WEFT_US(1)));
        {
            WEFT_SCOPE(innermost);
            MUST(weft_pause());
            MUST(weft_scope_wait(&innermost));
        }
        MUST(weft_scope_wait(&inner));
    }
    {
        WEFT_SCOPE(opened_later, .shielded = true, .timeout_ns = WEFT_MS(1));
        WANT(weft_sleep(WEFT_SEC(3600)), WEFT_ECANCELED);
        WANT(weft_scope_wait(&opened_later), WEFT_ETIMEDOUT);
    }
    WANT(weft_pause(), WEFT_ECANCELED);
    MUST(weft_scope_wait(&outer));
    return 0;
}

WT_TEST(a_shielded_scope_sees_its_own_cancel_alone) { in_both(a_shielded_scope); }

/* A child of a cancelled scope waits in a shielded scope of its own: cancels of the outer one,
 * which claim its wait, must not end it. */
WEFT_TASK(sleep_shielded, (atomic_bool *, has_begun))
{
    WEFT_SCOPE(scope, .shielded = true);
    atomic_store(has_begun, true);
    WEFT_TRY(weft_sleep(WEFT_MS(2)));
    return weft_scope_wait(&scope);
}

static bool is_set(void *flag) { return atomic_load((atomic_bool *)flag); }

WT_TEST(a_claim_that_does_not_concern_it_does_not_end_a_wait)
{
    atomic_bool has_begun = false;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, sleep_shielded, &has_begun));
    wt_until(is_set, &has_begun);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
}

/* ---- teardown -------------------------------------------------------------------------------- */

WEFT_TASK(stubborn, (int64_t, d_ns))
{
    weft_shield shield;
    weft_shield_begin(&shield);
    int rc = weft_sleep(d_ns);
    weft_shield_end(&shield);
    return rc;
}

/* Goes on until it is complained about. */
WEFT_TASK(stubborn_until_named, (atomic_bool *, has_ended))
{
    weft_shield shield;
    weft_shield_begin(&shield);
    while (!wt_has_report())
        MUST(weft_sleep(WEFT_MS(1)));
    weft_shield_end(&shield);
    atomic_store(has_ended, true);
    return 0;
}

WT_TEST(a_stubborn_child_is_named_and_waited_for)
{
    atomic_bool has_ended = false;
    wt_capture_reports();
    MUST(weft_configure(WEFT_CONFIG(.teardown_budget_ns = WEFT_MS(2))));
    {
        WEFT_SCOPE(scope, .name = "harbour");
        MUST(weft_spawn_with(&scope, WEFT_OPTS(spawn, .name = "mule"), stubborn_until_named,
                             &has_ended));
        weft_scope_cancel(&scope);
        MUST(weft_scope_wait(&scope));
        ck_assert(atomic_load(&has_ended));
    }
    const char *report = wt_reports();
    ck_assert_ptr_nonnull(strstr(report, "\"harbour\""));
    ck_assert_ptr_nonnull(strstr(report, "\"mule\""));
    ck_assert_ptr_nonnull(strstr(report, "cancel_test.c"));
    ck_assert_ptr_null(strstr(strstr(report, "\"mule\"") + 1, "\"mule\"")); /* once */
}

WT_TEST(of_many_stubborn_children_the_first_are_named)
{
    enum { MANY = 40 };
    atomic_bool has_ended = false;
    wt_capture_reports();
    MUST(weft_configure(WEFT_CONFIG(.teardown_budget_ns = WEFT_MS(2))));
    {
        WEFT_SCOPE(scope);
        MUST(weft_spawn_n(&scope, MANY, stubborn_until_named, &has_ended));
        weft_scope_cancel(&scope);
        MUST(weft_scope_wait(&scope));
    }
    ck_assert_ptr_nonnull(strstr(wt_reports(), "and more: 40 in all"));
    unsigned n = 0;
    for (const char *at = wt_reports(); (at = strstr(at, "  task #")) != NULL; at++)
        n++;
    ck_assert_uint_eq(n, 16);
}

WT_TEST(within_the_budget_nothing_is_said)
{
    wt_capture_reports();
    {
        WEFT_SCOPE(scope);
        MUST(weft_spawn(&scope, stubborn, WEFT_MS(3)));
        weft_scope_cancel(&scope);
        MUST(weft_scope_wait(&scope));
    }
    {
        WEFT_SCOPE(scope); /* not cancelled: no budget at all */
        MUST(weft_spawn(&scope, stubborn, WEFT_MS(3)));
        MUST(weft_scope_wait(&scope));
    }
    ck_assert_str_eq(wt_reports(), "");
}

/* The budget begins with the cancel, also when the owner waits already. */
WT_TEST(a_cancel_of_a_waiting_scope_starts_its_budget)
{
    atomic_bool has_ended = false;
    wt_capture_reports();
    MUST(weft_configure(WEFT_CONFIG(.teardown_budget_ns = WEFT_MS(1))));
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
        MUST(weft_spawn_with(&scope, WEFT_OPTS(spawn, .name = "mule"), stubborn_until_named,
                             &has_ended));
        MUST(weft_scope_wait(&scope)); /* it did well, if late */
    }
    ck_assert_ptr_nonnull(strstr(wt_reports(), "\"mule\""));
}

/* ---- closers --------------------------------------------------------------------------------- */

typedef struct thing {
    int close_rc;
} thing;

static int thing_close(thing *it)
{
    int rc = weft_sleep(1); /* shielded: it may wait */
    return rc < 0 ? rc : it->close_rc;
}

WEFT_DEFINE_AUTO(thing, thing_close)

WEFT_TASK(use_things, (int, rc), (int, first), (int, second))
{
    thing a = { first }, b = { second };
    WEFT_AUTO(thing, one);
    WEFT_AUTO(thing, two);
    one = &a;
    two = &b;
    return rc;
}

static int result_of(int rc, int first, int second)
{
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, use_things, rc, first, second));
    return weft_scope_wait(&scope);
}

WT_TEST(a_closers_error_is_the_tasks_if_its_body_did_well)
{
    MUST(result_of(0, 0, 0));
    MUST(result_of(5, 0, 0));
    WANT(result_of(0, -EIO, 0), -EIO);
    WANT(result_of(5, 0, -EIO), -EIO);
    WANT(result_of(0, -EIO, -EPERM), -EPERM); /* the later opened closes first */
    WANT(result_of(-ENOENT, -EIO, -EPERM), -ENOENT);
    MUST(result_of(0, WEFT_ABANDONED, 0));
    MUST(result_of(WEFT_ECLOSED, 0, 0));
}

static int main_with_bad_closer(void *arg)
{
    thing a = { -EIO };
    WEFT_AUTO(thing, it);
    it = &a;
    return *(int *)arg;
}

WT_TEST(so_it_is_for_the_main_task)
{
    int rc = 3;
    WANT(weft_run(main_with_bad_closer, &rc), -EIO);
    rc = -ENOENT;
    WANT(weft_run(main_with_bad_closer, &rc), -ENOENT);
}

/* ---- cancel against completion --------------------------------------------------------------- */

/* Each value that a send accepted is received, or dropped with the channel: none twice, none lost,
 * whatever a cancel does in between. */
static _Atomic long n_sent, n_received, n_dropped;

static void count_drop(void *item)
{
    (void)item;
    atomic_fetch_add(&n_dropped, 1);
}

WEFT_TASK(send_all, (tx, int, out), (int, n))
{
    for (int i = 0; i < n; i++) {
        WEFT_TRY(weft_send(out, i));
        atomic_fetch_add(&n_sent, 1);
    }
    return 0;
}

WEFT_TASK(recv_all, (rx, int, in))
{
    int value, rc;
    while ((rc = weft_recv(in, &value)) == 1)
        atomic_fetch_add(&n_received, 1);
    return rc;
}

static void cancel_soon(void *scope)
{
    for (uint64_t i = wt_random_below(2000); i > 0; i--)
        atomic_signal_fence(memory_order_seq_cst);
    weft_scope_cancel(scope);
}

static void race_once(size_t capacity)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, capacity, .drop = count_drop));
    WEFT_SCOPE(scope);
    MUST(weft_spawn_n(&scope, 2, recv_all, WEFT_MOVE(rx)));
    MUST(weft_spawn_n(&scope, 2, send_all, WEFT_MOVE(tx), 20));
    wt_thread *thread = wt_thread_start(cancel_soon, &scope);
    MUST(weft_scope_wait(&scope));
    wt_thread_join(thread);
}

WT_TEST(a_cancel_against_completion_loses_nothing)
{
    wt_capture_reports(); /* the halves are handed over, but not everybody has them yet */
    atomic_store(&n_sent, 0);
    atomic_store(&n_received, 0);
    atomic_store(&n_dropped, 0);
    for (unsigned round = wt_scaled(1000); round > 0; round--) {
        race_once(wt_random_below(3));
        ck_assert_int_eq(n_sent, n_received + n_dropped);
    }
}

WT_MAIN("cancel")
