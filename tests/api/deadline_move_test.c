/* SPDX-License-Identifier: MIT
 * Deadlines that move on, are moved, or have no effect; and the one in force. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

static void in_both(int (*body)(void *arg))
{
    MUST(body(NULL));
    MUST(weft_run(body, NULL));
}

WEFT_TASK(sleep_long) { return weft_sleep(INT64_MAX); }

WEFT_TASK(sleep_through, (int64_t, d_ns))
{
    weft_shield shield;
    weft_shield_begin(&shield);
    int rc = weft_sleep(d_ns);
    weft_shield_end(&shield);
    return rc;
}

/* ---- move on --------------------------------------------------------------------------------- */

static int move_on(void *arg)
{
    (void)arg;
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1), .move_on = true);
        MUST(weft_spawn(&scope, sleep_long));
        WANT(weft_sleep(INT64_MAX), WEFT_ECANCELED);
        ck_assert(weft_scope_has_expired(&scope));
        MUST(weft_scope_wait(&scope));
        ck_assert(weft_scope_has_expired(&scope));
    }
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(3600), .move_on = true);
        MUST(weft_sleep(1));
        MUST(weft_scope_wait(&scope));
        ck_assert(!weft_scope_has_expired(&scope));
    }
    ck_assert(!weft_scope_has_expired(NULL));
    return weft_pause();
}

WT_TEST(a_scope_that_moves_on_swallows_its_own_expiry) { in_both(move_on); }

static int move_on_inside(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer, .timeout_ns = WEFT_MS(1));
    {
        WEFT_SCOPE(inner, .timeout_ns = WEFT_SEC(3600), .move_on = true);
        WANT(weft_sleep(INT64_MAX), WEFT_ECANCELED);
        WANT(weft_scope_wait(&inner), WEFT_ECANCELED);
        ck_assert(!weft_scope_has_expired(&inner));
    }
    WANT(weft_scope_wait(&outer), WEFT_ETIMEDOUT);
    ck_assert(weft_scope_has_expired(&outer));
    return weft_pause();
}

WT_TEST(it_does_not_swallow_the_one_around_it) { in_both(move_on_inside); }

/* ---- finished all the same ------------------------------------------------------------------- */

static int finish_despite(void *arg)
{
    (void)arg;
    {
        WEFT_SCOPE(scope, .timeout_ns = -1);
        ck_assert(weft_scope_is_cancelled(&scope));
        MUST(weft_spawn(&scope, sleep_through, 1));
        MUST(weft_scope_wait(&scope));
        ck_assert(!weft_scope_has_expired(&scope));
    }
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_US(10));
        MUST(weft_spawn(&scope, sleep_through, WEFT_MS(1)));
        MUST(weft_scope_wait(&scope));
    }
    {
        WEFT_SCOPE(scope, .timeout_ns = -1);
        WANT(weft_checkpoint(), WEFT_ECANCELED); /* the body has begun, its first call fails */
        WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    {
        WEFT_SCOPE(scope, .timeout_ns = -1);
        {
            WEFT_SCOPE(below);
            MUST(weft_spawn(&below, sleep_long));
            WANT(weft_scope_wait(&below), WEFT_ECANCELED);
        }
        WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT); /* cut short below it */
    }
    {
        WEFT_SCOPE(scope, .timeout_ns = -1);
        {
            WEFT_SCOPE(below);
            WANT(weft_pause(), WEFT_ECANCELED);
        } /* left without a wait */
        WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    return weft_pause();
}

WT_TEST(who_finishes_despite_expiry_did_well) { in_both(finish_despite); }

/* ---- against a cancel ------------------------------------------------------------------------ */

static int cancel_and_expiry(void *arg)
{
    (void)arg;
    {
        WEFT_SCOPE(scope, .timeout_ns = -1);
        weft_scope_cancel(&scope);
        WANT(weft_pause(), WEFT_ECANCELED);
        ck_assert(!weft_scope_has_expired(&scope));
        MUST(weft_scope_wait(&scope));
    }
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_US(1));
        weft_scope_cancel(&scope);
        while (weft_now_ns() < weft_deadline() && weft_deadline() != INT64_MIN)
            ;
        WANT(weft_pause(), WEFT_ECANCELED);
        MUST(weft_scope_wait(&scope));
    }
    {
        WEFT_SCOPE(outer, .timeout_ns = -1);
        {
            WEFT_SCOPE(scope, .timeout_ns = -1);
            WANT(weft_pause(), WEFT_ECANCELED);
            WANT(weft_scope_wait(&scope), WEFT_ECANCELED);
        }
        WANT(weft_scope_wait(&outer), WEFT_ETIMEDOUT);
    }
    return weft_pause();
}

WT_TEST(a_cancel_wins_over_the_deadline) { in_both(cancel_and_expiry); }

/* ---- moving ---------------------------------------------------------------------------------- */

static int move_deadline(void *arg)
{
    (void)arg;
    int64_t begin_ns = weft_now_ns();
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(3600));
        MUST(weft_scope_set_deadline(&scope, begin_ns + WEFT_MS(2)));
        WANT(weft_sleep(INT64_MAX), WEFT_ECANCELED);
        ck_assert_int_ge(weft_now_ns(), begin_ns + WEFT_MS(2));
        WANT(weft_scope_set_deadline(&scope, INT64_MAX), WEFT_ETIMEDOUT);
        WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
        WANT(weft_scope_set_deadline(&scope, INT64_MAX), WEFT_ECLOSED);
    }
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(3600));
        MUST(weft_scope_set_deadline(&scope, weft_now_ns()));
        WANT(weft_pause(), WEFT_ECANCELED);
        WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    {
        WEFT_SCOPE(scope); /* none before */
        MUST(weft_scope_set_deadline(&scope, weft_now_ns() + WEFT_US(1)));
        MUST(weft_spawn(&scope, sleep_long));
        WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    WANT(weft_scope_set_deadline(NULL, 0), WEFT_EINVAL);
    return weft_pause();
}

WT_TEST(a_deadline_is_moved_earlier) { in_both(move_deadline); }

static int move_later(void *arg)
{
    (void)arg;
    int rc;
    int64_t begin_ns = weft_now_ns();
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(100));
        MUST(weft_scope_set_deadline(&scope, begin_ns + WEFT_SEC(200)));
        MUST(weft_scope_set_deadline(&scope, begin_ns + WEFT_SEC(50)));
        MUST(weft_scope_set_deadline(&scope, begin_ns + WEFT_SEC(60)));
        MUST(weft_scope_set_deadline(&scope, begin_ns + WEFT_MS(4)));
        WANT(weft_sleep(INT64_MAX), WEFT_ECANCELED);
        ck_assert_int_ge(weft_now_ns(), begin_ns + WEFT_MS(4));
        WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
        rc = weft_scope_set_deadline(&scope, INT64_MAX);
        ck_assert(rc == 0 || rc == WEFT_ETIMEDOUT);
        WANT(weft_sleep(WEFT_MS(2)), rc == 0 ? 0 : WEFT_ECANCELED);
        WANT(weft_scope_wait(&scope), rc);
    }
    return weft_pause();
}

WT_TEST(and_later_and_taken_away) { in_both(move_later); }

/* Others move it to and fro while it may expire: after a move it is not early. */
static _Atomic int64_t moved_to_ns;

static void move_it(void *scope)
{
    for (int i = 0; i < 5; i++) {
        int64_t at_ns = weft_now_ns() + (int64_t)wt_random_below(50) * 1000;
        int rc = weft_scope_set_deadline(scope, at_ns);
        if (rc == 0)
            atomic_store(&moved_to_ns, at_ns);
        ck_assert(rc == 0 || rc == WEFT_ETIMEDOUT || rc == WEFT_ECLOSED);
    }
}

WT_TEST(moving_against_expiry)
{
    for (unsigned round = wt_scaled(200); round > 0; round--) {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_US(1 + wt_random_below(50)));
        atomic_store(&moved_to_ns, 0);
        wt_thread *thread = wt_thread_start(move_it, &scope);
        WANT(weft_sleep(WEFT_SEC(3600)), WEFT_ECANCELED);
        int64_t ended_ns = weft_now_ns();
        wt_thread_join(thread);
        ck_assert_int_ge(ended_ns, atomic_load(&moved_to_ns));
        WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
}

/* A move while the scope ends is refused or has no effect. */
WT_TEST(moving_against_the_end)
{
    for (unsigned round = wt_scaled(500); round > 0; round--) {
        wt_thread *thread;
        {
            WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(3600));
            thread = wt_thread_start(move_it, &scope);
            MUST(weft_scope_wait(&scope));
            wt_thread_join(thread);
        }
        MUST(weft_pause());
    }
}

/* ---- the one in force ------------------------------------------------------------------------ */

WEFT_TASK(see_deadline, (int64_t, want_ns))
{
    ck_assert_int_eq(weft_deadline(), want_ns);
    return 0;
}

static int in_force(void *arg)
{
    (void)arg;
    int64_t now_ns = weft_now_ns(), far_ns = now_ns + WEFT_SEC(3600);
    ck_assert_int_eq(weft_deadline(), INT64_MAX);
    WEFT_SCOPE(outer, .deadline_at_ns = far_ns);
    ck_assert_int_eq(weft_deadline(), far_ns);
    {
        WEFT_SCOPE(later, .deadline_at_ns = far_ns + 1);
        ck_assert_int_eq(weft_deadline(), far_ns);
        {
            WEFT_SCOPE(sooner, .deadline_at_ns = far_ns - 1);
            ck_assert_int_eq(weft_deadline(), far_ns - 1);
            MUST(weft_spawn(&sooner, see_deadline, far_ns - 1));
            MUST(weft_scope_wait(&sooner));
        }
        MUST(weft_scope_set_deadline(&outer, far_ns + 5));
        ck_assert_int_eq(weft_deadline(), far_ns + 1);
        {
            WEFT_SCOPE(shielded, .shielded = true);
            ck_assert_int_eq(weft_deadline(), INT64_MAX);
            WEFT_SCOPE(below, .deadline_at_ns = far_ns + 9);
            ck_assert_int_eq(weft_deadline(), far_ns + 9);
        }
        weft_shield shield;
        weft_shield_begin(&shield);
        ck_assert_int_eq(weft_deadline(), INT64_MAX);
        weft_shield_end(&shield);
        weft_scope_cancel(&later);
        ck_assert(weft_deadline() == INT64_MIN);
    }
    MUST(weft_scope_wait(&outer));
    ck_assert_int_eq(weft_deadline(), INT64_MAX);
    return 0;
}

WT_TEST(the_earliest_around_the_caller_is_in_force) { in_both(in_force); }

/* A closer is shielded, and has its budget. */
static void see_budget(void *begun_ns)
{
    int64_t at_ns = weft_deadline();
    ck_assert(at_ns >= *(int64_t *)begun_ns + WEFT_SEC(1) && at_ns < INT64_MAX);
    weft_shield shield;
    weft_shield_begin(&shield);
    ck_assert_int_eq(weft_deadline(), INT64_MAX);
    weft_shield_end(&shield);
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_deadline(), at_ns);
}

static int in_a_closer(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope, .timeout_ns = -1);
    int64_t begun_ns = weft_now_ns();
    ck_assert(weft_deadline() == INT64_MIN);
    {
        weft_defer(see_budget, &begun_ns);
    }
    return weft_scope_wait(&scope);
}

WT_TEST(a_closer_has_its_budget)
{
    MUST(weft_configure(WEFT_CONFIG(.teardown_budget_ns = WEFT_SEC(3600))));
    in_both(in_a_closer);
}

WT_MAIN("deadline move")
