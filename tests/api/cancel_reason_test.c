/* SPDX-License-Identifier: MIT
 * Why a scope is cancelled, and which scope swallows it. */
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

static void want_reason(weft_scope *scope, int code, const char *text, const char *file)
{
    weft_cancel_reason why = { 0 };
    ck_assert(weft_scope_reason(scope, &why));
    WANT(why.code, code);
    ck_assert_ptr_nonnull(strstr(why.text, text));
    ck_assert_ptr_nonnull(strstr(why.file, file));
    ck_assert_int_gt(why.line, 0);
}

WEFT_TASK(end_with, (int, rc)) { return rc; }

WEFT_TASK(sleep_long) { return weft_sleep(INT64_MAX); }

/* ---- reasons --------------------------------------------------------------------------------- */

WEFT_TASK(read_reason, (atomic_bool *, has_read))
{
    WANT(weft_sleep(INT64_MAX), WEFT_ECANCELED);
    want_reason(NULL, -ENOSPC, "the disk is full", "cancel_reason_test.c");
    {
        WEFT_SCOPE(below);
        want_reason(NULL, -ENOSPC, "the disk is full", "cancel_reason_test.c");
    }
    atomic_store(has_read, true);
    return WEFT_ECANCELED;
}

static int with_reason(void *arg)
{
    (void)arg;
    weft_cancel_reason why;
    atomic_bool has_read = false;
    WEFT_SCOPE(scope);
    ck_assert(!weft_scope_reason(&scope, &why));
    ck_assert(!weft_scope_reason(NULL, &why));
    MUST(weft_spawn(&scope, read_reason, &has_read));
    weft_cancel(&scope, -ENOSPC, "the disk is full");
    weft_cancel(&scope, -EIO, "a second reason");
    want_reason(&scope, -ENOSPC, "the disk is full", "cancel_reason_test.c");
    ck_assert(!weft_scope_reason(&scope, NULL));
    MUST(weft_scope_wait(&scope));
    ck_assert(atomic_load(&has_read));
    want_reason(&scope, -ENOSPC, "the disk is full", "cancel_reason_test.c");
    return 0;
}

WT_TEST(the_first_reason_is_kept_and_seen_by_the_cancelled) { in_both(with_reason); }

static int other_reasons(void *arg)
{
    (void)arg;
    weft_cancel_reason why;
    ck_assert(!weft_scope_reason(NULL, &why) || arg == NULL);
    {
        WEFT_SCOPE(scope);
        weft_scope_cancel(&scope);
        want_reason(&scope, WEFT_ECANCELED, "cancelled", "cancel_reason_test.c");
        MUST(weft_scope_wait(&scope));
    }
    {
        WEFT_SCOPE(scope);
        MUST(weft_spawn(&scope, end_with, -EIO));
        WANT(weft_scope_wait(&scope), -EIO);
        want_reason(&scope, -EIO, "failed", "cancel_reason_test.c");
    }
    {
        WEFT_SCOPE(scope, .timeout_ns = -1);
        WANT(weft_pause(), WEFT_ECANCELED);
        want_reason(&scope, WEFT_ETIMEDOUT, "deadline", "cancel_reason_test.c");
        WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    {
        WEFT_SCOPE(scope, .race = true);
        MUST(weft_spawn(&scope, end_with, 0));
        MUST(weft_scope_wait(&scope));
        want_reason(&scope, WEFT_ECANCELED, "race", "cancel_reason_test.c");
    }
    {
        WEFT_SCOPE(scope);
        WANT(weft_scope_wait_with(&scope, WEFT_ECLOSED), WEFT_ECLOSED);
        want_reason(&scope, WEFT_ECLOSED, "left", "cancel_reason_test.c");
    }
    return 0;
}

WT_TEST(each_kind_of_cancel_says_why) { in_both(other_reasons); }

/* Exactly one of the reasons that come at once is kept, whole. */
static void cancel_one(void *scope) { weft_cancel(scope, -1001, "one"); }

WEFT_TASK(cancel_two, (weft_scope *, scope))
{
    weft_cancel(scope, -1002, "two");
    return 0;
}

WT_TEST(reasons_that_come_at_once)
{
    for (unsigned round = wt_scaled(200); round > 0; round--) {
        weft_cancel_reason why, again;
        WEFT_SCOPE(scope);
        wt_thread *thread = wt_thread_start(cancel_one, &scope);
        MUST(weft_spawn(&scope, cancel_two, &scope));
        WANT(weft_sleep(INT64_MAX), WEFT_ECANCELED);
        ck_assert(weft_scope_reason(&scope, &why));
        wt_thread_join(thread);
        MUST(weft_scope_wait(&scope));
        ck_assert(weft_scope_reason(&scope, &again));
        ck_assert_ptr_eq(why.text, again.text);
        ck_assert_str_eq(why.text, why.code == -1001 ? "one" : "two");
    }
}

/* ---- who swallows it ------------------------------------------------------------------------- */

/* Opens a scope, cancels it, the one around it or both, and waits for it. */
enum who { NOBODY, INNER, OUTER, BOTH, OUTER_FIRST };

static int wait_inner(weft_scope *outer, enum who who, bool has_child)
{
    WEFT_SCOPE(inner);
    if (has_child)
        MUST(weft_spawn(&inner, sleep_long));
    if (who == OUTER_FIRST)
        weft_scope_cancel(outer);
    if (who == INNER || who == BOTH || who == OUTER_FIRST)
        weft_scope_cancel(&inner);
    if (who == OUTER || who == BOTH)
        weft_scope_cancel(outer);
    return weft_scope_wait(&inner);
}

static int swallow(void *arg)
{
    static const struct {
        enum who who;
        int want;
    } cases[] = {
        { NOBODY, 0 },
        { INNER, 0 },
        { OUTER, WEFT_ECANCELED },
        { BOTH, WEFT_ECANCELED },
        { OUTER_FIRST, WEFT_ECANCELED },
    };
    (void)arg;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int has_child = 0; has_child < 2; has_child++) {
            if (cases[i].who == NOBODY && has_child)
                continue;
            WEFT_SCOPE(outer);
            WANT(wait_inner(&outer, cases[i].who, has_child), cases[i].want);
            WANT(weft_checkpoint(), cases[i].want == 0 ? 0 : WEFT_ECANCELED);
            MUST(weft_scope_wait(&outer));
            MUST(weft_checkpoint());
        }
    return 0;
}

WT_TEST(only_the_scope_that_was_cancelled_swallows_it) { in_both(swallow); }

static int swallow_two_levels(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer);
    {
        WEFT_SCOPE(middle);
        {
            WEFT_SCOPE(inner);
            weft_scope_cancel(&middle);
            WANT(weft_scope_wait(&inner), WEFT_ECANCELED);
        }
        WANT(weft_checkpoint(), WEFT_ECANCELED);
        MUST(weft_scope_wait(&middle));
    }
    MUST(weft_checkpoint());
    {
        WEFT_SCOPE(shielded, .shielded = true);
        weft_scope_cancel(&outer);
        MUST(weft_checkpoint());
        MUST(weft_scope_wait(&shielded));
    }
    MUST(weft_scope_wait(&outer));
    return 0;
}

WT_TEST(it_passes_through_the_scopes_below_that_one) { in_both(swallow_two_levels); }

static int error_and_cancel(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer);
    {
        WEFT_SCOPE(inner);
        MUST(weft_spawn(&inner, end_with, -EIO));
        WANT(weft_sleep(INT64_MAX), WEFT_ECANCELED);
        weft_scope_cancel(&outer);
        WANT(weft_scope_wait(&inner), -EIO); /* a real error is not replaced */
    }
    MUST(weft_scope_wait(&outer));
    return 0;
}

WT_TEST(a_real_error_is_told_all_the_same) { in_both(error_and_cancel); }

/* ---- computing ------------------------------------------------------------------------------- */

WEFT_TASK(compute, (atomic_bool *, has_begun))
{
    int rc;
    while ((rc = weft_checkpoint()) == 0)
        atomic_store(has_begun, true);
    return rc;
}

static bool is_set(void *flag) { return atomic_load((atomic_bool *)flag); }

WT_TEST(a_loop_that_computes_hears_of_it_by_checkpoint)
{
    atomic_bool has_begun = false;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, compute, &has_begun));
    wt_until(is_set, &has_begun);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    if (!wt_is_sim()) { /* there no time passes while somebody computes */
        WEFT_SCOPE(limit, .timeout_ns = WEFT_MS(1));
        MUST(weft_spawn(&limit, compute, &has_begun));
        WANT(weft_scope_wait(&limit), WEFT_ETIMEDOUT);
    }
}

WT_MAIN("cancel reason")
