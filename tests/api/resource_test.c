/* SPDX-License-Identifier: MIT
 * Scoped resources as their users see them: order, outcomes, budgets, deferred calls, exit stacks.
 * The ledger: resource_ledger_test.c. */
#include "wt_test.h"

#include <stdlib.h>
#include <string.h>
#include <weft.h>

static char journal[64];
static size_t n_noted;

static void note(char what) { journal[n_noted++ % (sizeof journal - 1)] = what; }

static void run(int (*main_task)(void *), int expected)
{
    memset(journal, 0, sizeof journal);
    n_noted = 0;
    ck_assert_int_eq(weft_run(main_task, NULL), expected);
}

/* ---- three kinds of resource --------------------------------------------------------------------- */

typedef struct plain {
    char letter;
    int found;
} plain;

static int plain_open(char letter, int found, plain **out_it)
{
    if (letter == '!')
        return -EIO;
    plain *it = malloc(sizeof *it);
    ck_assert_ptr_nonnull(it);
    *it = (plain){ letter, found };
    *out_it = it;
    return 0;
}
static int plain_close(plain *it)
{
    int found = it->found;
    note(it->letter);
    free(it);
    return found;
}
WEFT_DEFINE_AUTO(plain, plain_close)

/* Remembers what it was told; returns that, or what it is set to. */
typedef struct status {
    int told, answer;
    bool has_answer;
} status;

static int status_close(status *it, int rc)
{
    note('s');
    it->told = rc;
    return it->has_answer ? it->answer : rc;
}
WEFT_DEFINE_AUTO_STATUS(status, status_close)

/* ---- the brace ----------------------------------------------------------------------------------- */

static int order_main(void *arg)
{
    (void)arg;
    WEFT_AUTO(plain, a);
    WEFT_AUTO(plain, b);
    WEFT_AUTO(plain, c);
    WEFT_TRY(plain_open('a', 0, &a));
    WEFT_TRY(plain_open('b', 0, &b));
    ck_assert_int_eq(plain_open('!', 0, &c), -EIO);
    ck_assert_ptr_null(c);
    note('.');
    return 0;
}

WT_TEST(the_latest_closes_first_and_a_failed_open_closes_nothing)
{
    run(order_main, 0);
    ck_assert_str_eq(journal, ".ba");
}

static int stolen_main(void *arg)
{
    plain **kept = arg;
    WEFT_AUTO(plain, a);
    WEFT_TRY(plain_open('a', 0, &a));
    *kept = WEFT_STEAL(a);
    ck_assert_ptr_null(a);
    return 0;
}

WT_TEST(what_was_stolen_is_not_closed)
{
    plain *kept = NULL;
    memset(journal, 0, sizeof journal);
    ck_assert_int_eq(weft_run(stolen_main, &kept), 0);
    ck_assert_str_eq(journal, "");
    ck_assert_int_eq(plain_close(kept), 0);
}

static int error_main(void *arg)
{
    (void)arg;
    WEFT_AUTO(plain, a);
    WEFT_AUTO(plain, b);
    WEFT_TRY(plain_open('a', -EPERM, &a));
    WEFT_TRY(plain_open('b', -EIO, &b));
    return 4;
}

WT_TEST(the_first_error_of_a_brace_is_the_tasks_if_it_did_well) { run(error_main, -EIO); }

static int fails_and_closes(void)
{
    WEFT_AUTO(plain, a);
    WEFT_TRY(plain_open('a', -EIO, &a));
    return -EPERM;
}

static int secondary_main(void *arg)
{
    (void)arg;
    int rc = fails_and_closes();
    ck_assert_int_eq(rc, -EPERM);
    ck_assert_int_eq(weft_take_close_error(), -EIO);
    ck_assert_int_eq(weft_take_close_error(), 0);
    return 0;
}

WT_TEST(else_it_is_a_secondary_one_that_can_be_read) { run(secondary_main, 0); }

static int failing_main(void *arg)
{
    (void)arg;
    return fails_and_closes();
}

WT_TEST(a_failed_body_keeps_its_own_error) { run(failing_main, -EPERM); }

WEFT_TASK(fails) { return fails_and_closes(); }

static int scope_errors_main(void *arg)
{
    (void)arg;
    weft_task_end end;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, fails));
    ck_assert_int_eq(weft_scope_wait(&scope), -EPERM);
    ck_assert_uint_eq(weft_scope_n_errors(&scope), 2);
    WEFT_TRY(weft_scope_error(&scope, 1, &end));
    ck_assert_int_eq(end.rc, -EIO);
    ck_assert_str_eq(end.name, "fails");
    return 0;
}

WT_TEST(a_scope_lists_it_beside_the_tasks_own) { run(scope_errors_main, 0); }

/* ---- the status form ------------------------------------------------------------------------------- */

static int abandoned_main(void *arg)
{
    status here = { .told = 1 };
    (void)arg;
    {
        WEFT_AUTO(status, it);
        it = &here;
    }
    ck_assert_int_eq(here.told, WEFT_ABANDONED);
    return 0;
}

WT_TEST(a_brace_says_abandoned_and_that_is_no_error) { run(abandoned_main, 0); }

static int close_status(status *here, int rc)
{
    WEFT_AUTO(status, it);
    it = here;
    return weft_close_with(it, rc);
}

static int outcome_main(void *arg)
{
    (void)arg;
    status same = { 0 }, other = { .has_answer = true, .answer = -EPERM };
    status forgiving = { .has_answer = true, .answer = 0 };
    ck_assert_int_eq(close_status(&same, 7), 7);
    ck_assert_int_eq(same.told, 7);
    ck_assert_int_eq(close_status(&same, -EIO), -EIO);
    ck_assert_int_eq(close_status(&other, 7), -EPERM);
    ck_assert_int_eq(close_status(&other, -EIO), -EPERM);
    ck_assert_int_eq(other.told, -EIO);
    ck_assert_int_eq(close_status(&forgiving, -EIO), 0);
    WEFT_AUTO(status, empty);
    ck_assert_int_eq(weft_close_with(empty, -EIO), -EIO);
    return 0;
}

WT_TEST(a_status_is_told_and_may_be_replaced_or_suppressed) { run(outcome_main, 0); }

static int close_plain(int found, int rc)
{
    WEFT_AUTO(plain, it);
    WEFT_TRY(plain_open('a', found, &it));
    return weft_close_with(it, rc);
}

static int plain_outcome_main(void *arg)
{
    (void)arg;
    ck_assert_int_eq(close_plain(0, 7), 7);
    ck_assert_int_eq(close_plain(-EIO, 7), -EIO);
    ck_assert_int_eq(close_plain(-EIO, -EPERM), -EPERM);
    return 0;
}

WT_TEST(a_plain_closer_adds_its_error_and_hides_none) { run(plain_outcome_main, 0); }

/* ---- waiting, and for how long ----------------------------------------------------------------------- */

typedef struct slow {
    int64_t wait_ns;
    int n_aborts, rc;
} slow;

static int slow_close(slow *it)
{
    note('w');
    it->rc = weft_sleep(it->wait_ns);
    return it->rc;
}
WEFT_DEFINE_AUTO(slow, slow_close)

typedef struct stuck {
    slow inner;
    weft_resource entry;
} stuck;

static int stuck_close(stuck *it)
{
    int rc = slow_close(&it->inner);
    if (rc != WEFT_ECANCELED)
        weft_resource_closed(&it->entry);
    return rc;
}
static void stuck_abort(stuck *it)
{
    it->inner.n_aborts++;
    weft_resource_closed(&it->entry);
}
WEFT_DEFINE_AUTO_FORCED(stuck, stuck_close, stuck_abort)

static int stuck_status_close(slow *it, int rc)
{
    int slept = slow_close(it);
    return slept < 0 ? slept : rc;
}
static void stuck_status_abort(slow *it) { it->n_aborts++; }
typedef slow stuck_status;
WEFT_DEFINE_AUTO_STATUS_FORCED(stuck_status, stuck_status_close, stuck_status_abort)

static int shielded_main(void *arg)
{
    (void)arg;
    slow here = { .wait_ns = WEFT_MS(2), .rc = 1 };
    {
        WEFT_SCOPE(scope);
        WEFT_AUTO(slow, it);
        it = &here;
        weft_scope_cancel(&scope);
    }
    ck_assert_int_eq(here.rc, 0);
    return 0;
}

WT_TEST(a_closer_waits_shielded) { run(shielded_main, 0); }

static int budget_main(void *arg)
{
    (void)arg;
    slow here = { .wait_ns = WEFT_SEC(100) };
    WEFT_AUTO(slow, it);
    it = &here;
    return weft_close_with(it, 0);
}

static void with_small_budget(int (*main_task)(void *), int expected)
{
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.teardown_budget_ns = WEFT_MS(10))), 0);
    wt_capture_reports();
    run(main_task, expected);
}

WT_TEST(past_the_budget_its_waits_are_cancelled_and_it_is_named)
{
    with_small_budget(budget_main, WEFT_ECANCELED);
    ck_assert_ptr_nonnull(strstr(wt_reports(), "the close of slow (tests/api/resource_test.c:"));
    ck_assert_ptr_nonnull(strstr(wt_reports(), "teardown budget"));
}

static int forced_main(void *arg)
{
    (void)arg;
    stuck here = { .inner = { .wait_ns = WEFT_SEC(100) } };
    WEFT_AUTO(stuck, it);
    WEFT_OPENED(&here.entry, "stuck", "orders");
    it = &here;
    int rc = weft_close_with(it, 0);
    ck_assert_int_eq(here.inner.n_aborts, 1);
    return rc;
}

WT_TEST(then_the_forced_closer_runs_and_kind_name_and_place_are_named)
{
    with_small_budget(forced_main, WEFT_ETIMEDOUT);
    ck_assert_ptr_nonnull(
        strstr(wt_reports(), "the close of stuck \"orders\" (tests/api/resource_test.c:"));
    ck_assert_ptr_nonnull(strstr(wt_reports(), "\"main\" has used up"));
    ck_assert_ptr_nonnull(strstr(wt_reports(), "and was forced"));
    ck_assert_ptr_null(strstr(strstr(wt_reports(), "the close of") + 1, "the close of"));
}

static int not_forced_main(void *arg)
{
    (void)arg;
    stuck here = { .inner = { .wait_ns = WEFT_MS(1) } };
    slow status_here = { .wait_ns = WEFT_MS(1) };
    WEFT_AUTO(stuck, it);
    WEFT_AUTO(stuck_status, other);
    it = &here;
    other = &status_here;
    ck_assert_int_eq(weft_close_with(it, 3), 3);
    ck_assert_int_eq(weft_close_with(other, -EIO), -EIO);
    ck_assert_int_eq(here.inner.n_aborts + status_here.n_aborts, 0);
    return 0;
}

WT_TEST(within_the_budget_nothing_is_forced) { run(not_forced_main, 0); }

static int forced_status_main(void *arg)
{
    slow *here = arg;
    WEFT_AUTO(stuck_status, it);
    it = here;
    return 1; /* by the brace: the error is the task's */
}

WT_TEST(a_status_closer_is_forced_at_the_brace_too)
{
    slow here = { .wait_ns = WEFT_SEC(100) };
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.teardown_budget_ns = WEFT_MS(10))), 0);
    wt_capture_reports();
    ck_assert_int_eq(weft_run(forced_status_main, &here), WEFT_ETIMEDOUT);
    ck_assert_int_eq(here.n_aborts, 1);
}

/* Each closer has its own budget, also one inside another that has none left. */
static int nested_close(slow *it)
{
    int outer = slow_close(it);
    slow inner = { .wait_ns = WEFT_MS(1) };
    {
        WEFT_AUTO(slow, within);
        within = &inner;
    }
    ck_assert_int_eq(inner.rc, 0);
    ck_assert_int_eq(weft_sleep(1), WEFT_ECANCELED);
    return outer;
}
typedef slow nested;
WEFT_DEFINE_AUTO(nested, nested_close)

static int nested_main(void *arg)
{
    (void)arg;
    slow here = { .wait_ns = WEFT_SEC(100) };
    WEFT_AUTO(nested, it);
    it = &here;
    return weft_close_with(it, 0);
}

WT_TEST(a_closer_inside_another_has_a_budget_of_its_own)
{
    with_small_budget(nested_main, WEFT_ECANCELED);
}

/* A scope that is entered in there ends with the budget, and so do its children. */
WEFT_TASK(sleep_long) { return weft_sleep(WEFT_SEC(100)); }

static int scoped_close(slow *it)
{
    WEFT_SCOPE(scope);
    it->rc = weft_spawn(&scope, sleep_long);
    it->rc = weft_scope_wait(&scope);
    return weft_pause() == WEFT_ECANCELED ? it->rc : -EPERM;
}
typedef slow scoped;
WEFT_DEFINE_AUTO(scoped, scoped_close)

static int scoped_main(void *arg)
{
    (void)arg;
    slow here = { .rc = 0 };
    WEFT_AUTO(scoped, it);
    it = &here;
    return weft_close_with(it, 0);
}

WT_TEST(a_scope_in_a_closer_has_the_budget_as_its_deadline)
{
    with_small_budget(scoped_main, WEFT_ETIMEDOUT);
}

/* ---- weft_defer ------------------------------------------------------------------------------------- */

static void note_void(void *what) { note(*(char *)what); }
static int note_int(void *what)
{
    int rc = weft_sleep(WEFT_US(10));
    note(*(char *)what);
    return rc < 0 ? rc : -EIO;
}

static int defer_main(void *arg)
{
    (void)arg;
    char a[] = "a", b[] = "b";
    void *memory = malloc(3);
    weft_defer(free, memory);
    weft_defer(note_void, a);
    {
        WEFT_SCOPE(scope);
        weft_defer(note_int, b);
        weft_scope_cancel(&scope);
        note('.');
    }
    note('|');
    return 0;
}

WT_TEST(a_deferred_call_runs_at_its_brace_shielded_and_its_error_counts)
{
    run(defer_main, -EIO);
    ck_assert_str_eq(journal, ".b|a");
}

WT_MAIN("resource")
