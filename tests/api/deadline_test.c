/* SPDX-License-Identifier: MIT
 * Deadlines of scopes: never early, the earliest counts, and who says WEFT_ETIMEDOUT. */
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

WEFT_TASK(sleep_long, (_Atomic int *, n_cancelled))
{
    int rc = weft_sleep(WEFT_SEC(3600));
    if (rc == WEFT_ECANCELED)
        atomic_fetch_add(n_cancelled, 1);
    return rc;
}

static int expires(void *arg)
{
    (void)arg;
    _Atomic int n_cancelled = 0;
    int64_t before_ns = weft_now_ns();
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(2));
    MUST(weft_spawn_n(&scope, 5, sleep_long, &n_cancelled));
    WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    ck_assert_int_ge(weft_now_ns() - before_ns, WEFT_MS(2));
    WANT(n_cancelled, 5);
    return weft_pause();
}

WT_TEST(a_scope_past_its_deadline_cancels_and_says_so) { in_both(expires); }

static int expires_while_the_owner_works(void *arg)
{
    (void)arg;
    int64_t before_ns = weft_now_ns();
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(2));
    WANT(weft_sleep(WEFT_SEC(3600)), WEFT_ECANCELED);
    ck_assert_int_ge(weft_now_ns() - before_ns, WEFT_MS(2));
    ck_assert(weft_scope_is_cancelled(&scope));
    WANT(weft_pause(), WEFT_ECANCELED);
    WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    return weft_pause();
}

WT_TEST(it_ends_the_owners_wait) { in_both(expires_while_the_owner_works); }

static int in_time(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(3600));
    MUST(weft_sleep(WEFT_US(10)));
    MUST(weft_scope_wait(&scope));
    return 0;
}

WT_TEST(a_scope_that_ends_in_time_is_well) { in_both(in_time); }

static int no_deadline(void *arg)
{
    (void)arg;
    WEFT_SCOPE(a, .timeout_ns = INT64_MAX);
    WEFT_SCOPE(b, .deadline_at_ns = INT64_MAX);
    WEFT_SCOPE(c, .timeout_ns = 0, .deadline_at_ns = 0);
    MUST(weft_sleep(1));
    MUST(weft_scope_wait(&c));
    MUST(weft_scope_wait(&b));
    MUST(weft_scope_wait(&a));
    return 0;
}

WT_TEST(the_end_of_time_is_no_deadline) { in_both(no_deadline); }

/* ---- expired before entry -------------------------------------------------------------------- */

static int past(const weft_scope_opts *opts)
{
    weft_scope scope = { .opts = *opts };
    weft_scope_enter(&scope, __FILE__, __LINE__);
    ck_assert(weft_scope_is_cancelled(&scope));
    WANT(weft_pause(), WEFT_ECANCELED);
    WANT(weft_sleep(1), WEFT_ECANCELED);
    int rc = weft_scope_wait(&scope);
    weft_scope_leave(&scope);
    return rc;
}

static int expired_already(void *arg)
{
    (void)arg;
    WANT(past(&(weft_scope_opts){ .timeout_ns = -1 }), WEFT_ETIMEDOUT);
    WANT(past(&(weft_scope_opts){ .timeout_ns = INT64_MIN }), WEFT_ETIMEDOUT);
    WANT(past(&(weft_scope_opts){ .deadline_at_ns = 1 }), WEFT_ETIMEDOUT);
    WANT(past(&(weft_scope_opts){ .deadline_at_ns = -1 }), WEFT_ETIMEDOUT);
    WANT(past(&(weft_scope_opts){ .deadline_at_ns = weft_now_ns() }), WEFT_ETIMEDOUT);
    WANT(past(&(weft_scope_opts){ .timeout_ns = WEFT_SEC(9), .deadline_at_ns = 1 }),
         WEFT_ETIMEDOUT);
    WANT(past(&(weft_scope_opts){ .timeout_ns = -1, .deadline_at_ns = INT64_MAX }), WEFT_ETIMEDOUT);
    return weft_pause();
}

WT_TEST(a_past_deadline_has_expired_on_entry) { in_both(expired_already); }

/* ---- nesting --------------------------------------------------------------------------------- */

static int outer_is_sooner(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer, .timeout_ns = WEFT_MS(2));
    {
        WEFT_SCOPE(inner, .timeout_ns = WEFT_SEC(3600));
        WANT(weft_sleep(WEFT_SEC(7200)), WEFT_ECANCELED);
        WANT(weft_scope_wait(&inner), WEFT_ECANCELED);
        WANT(weft_pause(), WEFT_ECANCELED);
    }
    WANT(weft_scope_wait(&outer), WEFT_ETIMEDOUT);
    return weft_pause();
}

WT_TEST(the_outer_deadline_is_a_cancel_to_the_inner_scope) { in_both(outer_is_sooner); }

static int inner_is_sooner(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer, .timeout_ns = WEFT_SEC(3600));
    {
        WEFT_SCOPE(inner, .timeout_ns = WEFT_MS(2));
        WANT(weft_sleep(WEFT_SEC(7200)), WEFT_ECANCELED);
        WANT(weft_scope_wait(&inner), WEFT_ETIMEDOUT);
    }
    MUST(weft_pause());
    MUST(weft_scope_wait(&outer));
    return 0;
}

WT_TEST(the_inner_deadline_stays_inside) { in_both(inner_is_sooner); }

static int cancel_and_deadline(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(3600));
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    return 0;
}

WT_TEST(the_first_reason_counts) { in_both(cancel_and_deadline); }

WEFT_TASK(fail_when_cancelled, (int, rc))
{
    return weft_sleep(WEFT_SEC(3600)) == WEFT_ECANCELED ? rc : -1;
}

static int error_after_deadline(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
    MUST(weft_spawn(&scope, fail_when_cancelled, -EIO));
    WANT(weft_scope_wait(&scope), -EIO);
    return 0;
}

WT_TEST(a_childs_error_says_more_than_the_deadline) { in_both(error_after_deadline); }

/* ---- many ------------------------------------------------------------------------------------ */

WEFT_TASK(many_deadlines, (int64_t, timeout_ns))
{
    int64_t before_ns = weft_now_ns();
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns);
    WANT(weft_sleep(WEFT_SEC(3600)), WEFT_ECANCELED);
    ck_assert_int_ge(weft_now_ns() - before_ns, timeout_ns);
    WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    return 0;
}

WT_TEST(many_deadlines_at_once)
{
    unsigned n = wt_is_sim() ? 20 : wt_scaled(2000);
    WEFT_SCOPE(scope);
    for (unsigned i = 0; i < n; i++)
        MUST(weft_spawn(&scope, many_deadlines, WEFT_US(1 + wt_random_below(5000))));
    MUST(weft_scope_wait(&scope));
}

/* The deadline comes while the scope ends. */
WT_TEST(a_deadline_against_the_end)
{
    for (unsigned i = wt_scaled(2000); i > 0; i--) {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_US(1 + wt_random_below(60)));
        int slept = weft_sleep(WEFT_US(1 + wt_random_below(60)));
        ck_assert(slept == 0 || slept == WEFT_ECANCELED);
        int rc = weft_scope_wait(&scope);
        ck_assert(rc == WEFT_ETIMEDOUT || (rc == 0 && slept == 0));
    }
}

WT_MAIN("deadline")
