/* SPDX-License-Identifier: MIT
 * Scopes: who is waited for, whose error comes out, and what may be done with one that has ended. */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>

/* ---- helpers --------------------------------------------------------------------------------- */

static _Atomic int n_ended;

WEFT_TASK(end_with, (int, rc))
{
    atomic_fetch_add(&n_ended, 1);
    return rc;
}

WEFT_TASK(end_later_with, (int64_t, d_ns), (int, rc))
{
    int slept = weft_sleep(d_ns);
    atomic_fetch_add(&n_ended, 1);
    return slept < 0 ? slept : rc;
}

/* Waits for ever; what it says when it is cancelled. */
WEFT_TASK(wait_then, (int, rc))
{
    int slept = weft_sleep(INT64_MAX);
    atomic_fetch_add(&n_ended, 1);
    return slept == WEFT_ECANCELED ? rc : -1;
}

/* Each body runs in a task and in a plain thread. */
static void in_both(int (*body)(void *arg))
{
    atomic_store(&n_ended, 0);
    ck_assert_int_eq(body(NULL), 0);
    atomic_store(&n_ended, 0);
    ck_assert_int_eq(weft_run(body, NULL), 0);
}

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

/* ---- waiting --------------------------------------------------------------------------------- */

static int wait_for_children(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    for (int i = 0; i < 10; i++)
        MUST(weft_spawn(&scope, end_later_with, WEFT_US(10 * i), i));
    MUST(weft_scope_wait(&scope));
    WANT(n_ended, 10);
    return 0;
}

WT_TEST(a_wait_is_for_all_children) { in_both(wait_for_children); }

static int leave_without_waiting(void *arg)
{
    (void)arg;
    {
        WEFT_SCOPE(scope);
        for (int i = 0; i < 10; i++)
            MUST(weft_spawn(&scope, wait_then, i));
    }
    WANT(n_ended, 10);
    return weft_pause();
}

WT_TEST(the_brace_cancels_and_joins) { in_both(leave_without_waiting); }

static int wait_for_none(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer);
    WEFT_SCOPE(inner);
    MUST(weft_scope_wait(&inner));
    MUST(weft_scope_wait(&outer));
    return 0;
}

WT_TEST(an_empty_scope_ends_at_once) { in_both(wait_for_none); }

static int wait_twice(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, end_with, -EIO));
    for (int i = 0; i < 3; i++)
        WANT(weft_scope_wait(&scope), -EIO);
    return 0;
}

WT_TEST(a_second_wait_says_the_same) { in_both(wait_twice); }

/* ---- errors ---------------------------------------------------------------------------------- */

static int fail_one(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    for (int i = 0; i < 5; i++)
        MUST(weft_spawn(&scope, wait_then, WEFT_ECANCELED));
    MUST(weft_spawn(&scope, end_later_with, WEFT_MS(1), -EIO));
    WANT(weft_scope_wait(&scope), -EIO);
    WANT(n_ended, 6);
    return weft_pause();
}

WT_TEST(the_first_error_cancels_the_siblings_and_comes_out) { in_both(fail_one); }

static int fail_after_the_first(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    for (int i = 0; i < 5; i++)
        MUST(weft_spawn(&scope, wait_then, -EPERM));
    MUST(weft_spawn(&scope, end_later_with, WEFT_MS(1), -EIO));
    WANT(weft_scope_wait(&scope), -EIO);
    return 0;
}

WT_TEST(later_errors_do_not_replace_the_first) { in_both(fail_after_the_first); }

static int cancel_self(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, end_with, WEFT_ECANCELED));
    WANT(weft_scope_wait(&scope), WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_child_that_cancels_itself_has_failed) { in_both(cancel_self); }

static int close_one(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, end_with, WEFT_ECLOSED));
    MUST(weft_spawn(&scope, end_later_with, WEFT_MS(2), 0));
    MUST(weft_scope_wait(&scope));
    WANT(n_ended, 2);
    return 0;
}

WT_TEST(a_child_whose_consumer_left_is_no_error) { in_both(close_one); }

static int pass_on(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer);
    {
        WEFT_SCOPE(inner);
        MUST(weft_spawn(&inner, end_with, -EIO));
        WANT(weft_scope_wait(&inner), -EIO);
        ck_assert(weft_scope_is_cancelled(&inner));
    }
    MUST(weft_pause());
    ck_assert(!weft_scope_is_cancelled(&outer));
    MUST(weft_scope_wait(&outer));
    return 0;
}

WT_TEST(an_error_stays_in_its_scope) { in_both(pass_on); }

/* ---- after the end --------------------------------------------------------------------------- */

static int spawn_late(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, end_with, 1));
    MUST(weft_scope_wait(&scope));
    WANT(weft_spawn(&scope, end_with, 1), WEFT_ECLOSED);
    WANT(weft_spawn_n(&scope, 5, end_with, 1), WEFT_ECLOSED);
    WANT(n_ended, 1);
    weft_scope_cancel(&scope);
    return weft_pause();
}

WT_TEST(a_spawn_into_an_ended_scope_is_refused) { in_both(spawn_late); }

static int step_out_in_the_brace(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer, .timeout_ns = -1);
    {
        WEFT_SCOPE(inner, .shielded = true);
        MUST(weft_pause());
        MUST(weft_scope_wait(&inner));
        WANT(weft_pause(), WEFT_ECANCELED);
    }
    WANT(weft_scope_wait(&outer), WEFT_ETIMEDOUT);
    return weft_pause();
}

WT_TEST(after_the_wait_calls_belong_to_the_scope_around) { in_both(step_out_in_the_brace); }

/* Somebody who still sees the scope spawns while its owner waits for the last child. Either the
 * child is accepted, and waited for, or it is refused. */
struct late {
    weft_scope *scope;
    unsigned n_tries;
    int n_accepted;
};

static void spawn_until_refused(void *arg)
{
    struct late *late = arg;
    for (unsigned i = 0; i < late->n_tries; i++)
        if (weft_spawn_n(late->scope, 3, end_with, 0) == 0)
            late->n_accepted += 3;
}

WT_TEST(a_child_comes_before_the_end_or_not_at_all)
{
    for (unsigned round = wt_scaled(1000); round > 0; round--) {
        atomic_store(&n_ended, 0);
        struct late late = { .n_tries = 3 };
        wt_thread *thread;
        {
            WEFT_SCOPE(scope);
            late.scope = &scope;
            thread = wt_thread_start(spawn_until_refused, &late);
            MUST(weft_scope_wait(&scope));
            int n_seen = n_ended;
            wt_thread_join(thread);
            ck_assert_int_eq(n_seen, late.n_accepted);
            ck_assert_int_eq(n_ended, late.n_accepted);
        }
    }
}

/* ---- misuse ---------------------------------------------------------------------------------- */

WEFT_TASK(wait_for, (weft_scope *, scope))
{
    return weft_scope_wait(scope) == WEFT_EINVAL ? 0 : -1;
}

static void wait_on_thread(void *arg) { WANT(weft_scope_wait(arg), WEFT_EINVAL); }

static int wait_as_another(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer);
    MUST(weft_spawn(&outer, wait_for, &outer));
    wt_thread_join(wt_thread_start(wait_on_thread, &outer));
    {
        WEFT_SCOPE(inner);
        WANT(weft_scope_wait(&outer), WEFT_EINVAL);
        MUST(weft_scope_wait(&inner));
    }
    MUST(weft_scope_wait(&outer));
    WANT(weft_scope_wait(NULL), WEFT_EINVAL);
    WANT(weft_spawn((weft_scope *)NULL, end_with, 0), WEFT_EINVAL);
    weft_scope_cancel(NULL);
    ck_assert(!weft_scope_is_cancelled(NULL));
    return 0;
}

WT_TEST(only_the_owner_waits_and_only_for_the_innermost) { in_both(wait_as_another); }

static void leave_outer_first(void *arg)
{
    (void)arg;
    weft_scope outer = { .opts.name = "outer" }, inner = { .opts.name = "inner" };
    weft_scope_enter(&outer, __FILE__, __LINE__);
    weft_scope_enter(&inner, __FILE__, __LINE__);
    weft_scope_leave(&outer);
}

WT_TEST(leaving_out_of_order_aborts)
{
    wt_seeds_at_most(1); /* later ones would fork with the runtime known */
    wt_expect_abort(leave_outer_first, NULL, "scope \"outer\" (");
    wt_expect_abort(leave_outer_first, NULL, ") is not the innermost");
}

static int leave_for_another(void *scope)
{
    weft_scope_leave(scope);
    return 0;
}

static void leave_in_task(void *arg)
{
    (void)arg;
    weft_scope scope = { .opts.name = "mine" };
    weft_scope_enter(&scope, __FILE__, __LINE__);
    (void)weft_run(leave_for_another, &scope);
}

WT_TEST(leaving_for_another_aborts)
{
    wt_seeds_at_most(1); /* later ones would fork with the runtime known */
    wt_expect_abort(leave_in_task, NULL, "scope \"mine\" (");
    wt_expect_abort(leave_in_task, NULL, ") was entered by another task");
}

static weft_scope left_open;

static int end_inside(void *arg)
{
    (void)arg;
    left_open = (weft_scope){ .opts.name = "left open" };
    weft_scope_enter(&left_open, __FILE__, __LINE__);
    return 0;
}

static void end_task_inside(void *arg)
{
    (void)arg;
    (void)weft_run(end_inside, NULL);
}

WT_TEST(a_task_that_ends_inside_a_scope_aborts)
{
    wt_seeds_at_most(1); /* later ones would fork with the runtime known */
    wt_expect_abort(end_task_inside, NULL, "ended inside a scope");
}

/* ---- trees ----------------------------------------------------------------------------------- */

WEFT_TASK(grow, (int, depth), (int, width), (_Atomic long *, n_leaves))
{
    if (depth == 0) {
        atomic_fetch_add(n_leaves, 1);
        return 0;
    }
    WEFT_SCOPE(scope);
    for (int i = 0; i < width; i++)
        WEFT_TRY(weft_spawn(&scope, grow, depth - 1, width, n_leaves));
    return weft_scope_wait(&scope);
}

WT_TEST(a_tree_of_scopes)
{
    int width = wt_is_sim() ? 3 : 10;
    _Atomic long n_leaves = 0;
    wt_seeds_at_most(40);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, grow, 3, width, &n_leaves));
    MUST(weft_scope_wait(&scope));
    ck_assert_int_eq(n_leaves, (long)width * width * width);
}

/* Each in a scope of the one before: a cancel has to reach the last of a long row. */
WEFT_TASK(nest, (int, depth), (atomic_bool *, is_deepest))
{
    if (depth == 0) {
        atomic_store(is_deepest, true);
        return weft_sleep(INT64_MAX);
    }
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, nest, depth - 1, is_deepest));
    return weft_scope_wait(&scope);
}

static bool is_set(void *flag) { return atomic_load((atomic_bool *)flag); }

WEFT_TASK(cancel_it, (weft_scope *, scope))
{
    weft_scope_cancel(scope);
    return 0;
}

WT_TEST(a_cancel_goes_five_thousand_scopes_deep)
{
    wt_seeds_at_most(2);
    atomic_bool is_deepest = false;
    WEFT_SCOPE(scope);
    WEFT_SCOPE(row);
    MUST(weft_spawn(&row, nest, wt_is_sim() ? 500 : 5000, &is_deepest));
    wt_until(is_set, &is_deepest);
    /* From a task, whose stack is small. */
    MUST(weft_spawn(weft_root_scope(), cancel_it, &row));
    MUST(weft_scope_wait(&row));
    MUST(weft_scope_wait(&scope));
}

WT_MAIN("scope")
