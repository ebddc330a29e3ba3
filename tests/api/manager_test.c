/* SPDX-License-Identifier: MIT
 * Managers as their users see them: set-up, one yield, teardown, on every way out. */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>

/* What the manager under test has done, in order, as letters. */
static char journal[32];
static _Atomic int n_noted;

static void note(char what) { journal[atomic_fetch_add(&n_noted, 1) % 31] = what; }

static void reset(void)
{
    memset(journal, 0, sizeof journal);
    atomic_store(&n_noted, 0);
}

/* Opens, yields 7, closes; returns what its yield returned, or code if that is not 1. */
WEFT_MANAGER(managed, int, (int, code), (int *, told))
{
    WEFT_TRY(weft_sleep(WEFT_MS(1)));
    note('o');
    int rc = weft_yield(7);
    note('y');
    ck_assert_int_eq(weft_sleep(WEFT_MS(1)), 0); /* shielded, whatever has come over us */
    ck_assert_int_eq(weft_checkpoint(), 0);
    note('c');
    *told = rc;
    return code == 1 ? rc : code;
}

static void run(int (*main_task)(void *), int expected)
{
    reset();
    ck_assert_int_eq(weft_run(main_task, NULL), expected);
}

/* ---- the ways out ----------------------------------------------------------------------------- */

static int brace_main(void *arg)
{
    (void)arg;
    int told = 1, value = 0;
    {
        WEFT_AUTO(weft_lease, lease);
        WEFT_TRY(managed(1, &told, &lease, &value));
        ck_assert_int_eq(value, 7);
        ck_assert_str_eq(journal, "o");
        note('b');
    }
    ck_assert_str_eq(journal, "obyc");
    ck_assert_int_eq(told, WEFT_ECLOSED);
    return 3;
}

WT_TEST(a_brace_runs_the_teardown) { run(brace_main, 3); }

static int with_status(int rc, int code, int *told)
{
    int value;
    WEFT_AUTO(weft_lease, lease);
    WEFT_TRY(managed(code, told, &lease, &value));
    return weft_close_with(lease, rc);
}

static int status_main(void *arg)
{
    (void)arg;
    int told;
    ck_assert_int_eq(with_status(5, 1, &told), 5);
    ck_assert_int_eq(told, 5);
    ck_assert_int_eq(with_status(-EIO, 1, &told), -EIO);
    ck_assert_int_eq(told, -EIO);
    ck_assert_int_eq(with_status(-EIO, -EPERM, &told), -EPERM);
    ck_assert_int_eq(with_status(-EIO, 0, &told), 0);
    ck_assert_int_eq(told, -EIO);
    ck_assert_int_eq(with_status(5, 0, &told), 5);
    ck_assert_int_eq(with_status(5, -EPERM, &told), -EPERM);
    ck_assert_int_eq(with_status(WEFT_ECANCELED, 1, &told), WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_status_is_told_and_may_be_replaced_or_suppressed) { run(status_main, 0); }

static int brace_error_main(void *arg)
{
    (void)arg;
    int told, value;
    WEFT_AUTO(weft_lease, lease);
    WEFT_TRY(managed(-EPERM, &told, &lease, &value));
    return 0;
}

WT_TEST(an_error_found_at_the_brace_is_the_tasks) { run(brace_error_main, -EPERM); }

/* The value is in use until its user has unwound, so the manager is not woken by the cancel. */
WEFT_TASK(use_until_cancelled, (weft_scope *, scope), (int *, told))
{
    int value;
    WEFT_AUTO(weft_lease, lease);
    WEFT_TRY(managed(1, told, &lease, &value));
    weft_scope_cancel(scope);
    ck_assert_int_eq(weft_sleep(WEFT_SEC(100)), WEFT_ECANCELED);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(weft_pause(), WEFT_ECANCELED);
    note('b');
    return weft_close_with(lease, WEFT_ECANCELED);
}

static int cancel_main(void *arg)
{
    (void)arg;
    int told = 0;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, use_until_cancelled, &scope, &told));
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    ck_assert_str_eq(journal, "obyc");
    ck_assert_int_eq(told, WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_cancel_unwinds_the_user_first) { run(cancel_main, 0); }

static int scope_end_main(void *arg)
{
    (void)arg;
    int told = 0, value;
    WEFT_AUTO(weft_lease, lease);
    {
        WEFT_SCOPE(scope);
        WEFT_TRY(managed(1, &told, &lease, &value));
        ck_assert_str_eq(journal, "o");
    }
    ck_assert_str_eq(journal, "oyc");
    ck_assert_int_eq(told, WEFT_ECLOSED);
    return weft_close_with(lease, 4); /* nothing is left to be told */
}

WT_TEST(it_ends_with_the_scope_it_was_opened_in) { run(scope_end_main, 4); }

static void thread_main(void *arg)
{
    (void)arg;
    ck_assert_int_eq(brace_main(NULL), 3);
}

WT_TEST(a_plain_thread_opens_one)
{
    reset();
    wt_thread_join(wt_thread_start(thread_main, NULL));
}

WEFT_MANAGER(slow_to_close, int)
{
    int rc = weft_yield(1);
    ck_assert_int_eq(weft_sleep(WEFT_SEC(100)), WEFT_ECANCELED);
    return rc;
}

static int budget_main(void *arg)
{
    (void)arg;
    int value;
    WEFT_AUTO(weft_lease, lease);
    WEFT_TRY(slow_to_close(&lease, &value));
    return weft_close_with(lease, 3);
}

WT_TEST(past_the_budget_the_teardowns_waits_are_cancelled)
{
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.teardown_budget_ns = WEFT_MS(10))), 0);
    wt_capture_reports();
    run(budget_main, 3);
    ck_assert_ptr_nonnull(strstr(wt_reports(), "manager \"slow_to_close\""));
    ck_assert_ptr_nonnull(strstr(wt_reports(), "teardown budget"));
}

/* ---- opening ------------------------------------------------------------------------------------ */

WEFT_MANAGER(fails, int, (int, code))
{
    if (code < 0)
        return code;
    return weft_yield(1);
}

static int failed_open_main(void *arg)
{
    (void)arg;
    WEFT_AUTO(weft_lease, lease);
    int value = 9;
    ck_assert_int_eq(fails(-ENOENT, &lease, &value), -ENOENT);
    ck_assert_ptr_null(lease);
    ck_assert_int_eq(value, 9);
    return 0;
}

WT_TEST(a_failed_set_up_opens_nothing) { run(failed_open_main, 0); }

/* The set-up's own closers run; the opener waits for them. */
WEFT_MANAGER(slow_to_open, int, (int *, n_open))
{
    ++*n_open;
    int rc = weft_sleep(WEFT_SEC(100));
    if (rc == 0)
        rc = weft_yield(1);
    --*n_open;
    return rc;
}

WEFT_TASK(open_slowly, (int *, n_open))
{
    WEFT_AUTO(weft_lease, lease);
    int value;
    int rc = slow_to_open(n_open, &lease, &value);
    ck_assert_ptr_null(lease);
    ck_assert_int_eq(*n_open, 0);
    return rc;
}

static int cancelled_open_main(void *arg)
{
    (void)arg;
    int n_open = 0;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, open_slowly, &n_open));
    for (int i = 0; i < 5; i++)
        WEFT_TRY(weft_pause());
    weft_scope_cancel(&scope);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    ck_assert_int_eq(n_open, 0);
    return 0;
}

WT_TEST(a_cancel_during_open_leaves_nothing_open) { run(cancelled_open_main, 0); }

static int cancelled_before_main(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    WEFT_AUTO(weft_lease, lease);
    int told, value;
    ck_assert_int_eq(managed(1, &told, &lease, &value), WEFT_ECANCELED);
    ck_assert_str_eq(journal, "");
    return weft_scope_wait(&scope);
}

WT_TEST(a_cancelled_opener_starts_nothing) { run(cancelled_before_main, 0); }

/* Either it is open, or not, whenever the cancel comes. */
WEFT_TASK(open_and_close, (int *, told))
{
    WEFT_AUTO(weft_lease, lease);
    int value;
    int rc = managed(1, told, &lease, &value);
    ck_assert((rc == 0) == (lease != NULL));
    return weft_close_with(lease, rc);
}

WEFT_TASK(cancel_sometime, (weft_scope *, scope), (unsigned, turns))
{
    while (turns-- > 0 && weft_sleep(WEFT_US(300)) == 0)
        continue;
    weft_scope_cancel(scope);
    return 0;
}

static int any_cancel_main(void *arg)
{
    (void)arg;
    int told;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, open_and_close, &told));
    WEFT_TRY(weft_spawn(&scope, cancel_sometime, &scope, (unsigned)wt_random_below(8)));
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    const char *end = strchr(journal, 'o');
    ck_assert(end == NULL || strcmp(end, "oyc") == 0);
    return 0;
}

WT_TEST(a_cancel_at_any_time_leaves_nothing_open)
{
    for (unsigned i = 0; i < wt_scaled(50); i++)
        run(any_cancel_main, 0);
}

/* ---- exactly one yield --------------------------------------------------------------------------- */

WEFT_MANAGER(yields, int, (int, times))
{
    int rc = 0;
    for (int i = 0; i < times; i++)
        rc = weft_yield(i);
    return times > 1 ? 0 : rc;
}

static int without_main(void *arg)
{
    (void)arg;
    WEFT_AUTO(weft_lease, lease);
    int value;
    ck_assert_int_eq(yields_with(WEFT_OPTS(manager, .name = "idle"), 0, &lease, &value),
                     WEFT_ENOYIELD);
    ck_assert_ptr_null(lease);
    return 0;
}

WT_TEST(no_yield_is_an_error_with_a_sentence)
{
    wt_capture_reports();
    run(without_main, 0);
    ck_assert_ptr_nonnull(strstr(wt_reports(), "manager \"idle\""));
    ck_assert_ptr_nonnull(strstr(wt_reports(), "manager_test.c:"));
    ck_assert_ptr_nonnull(strstr(wt_reports(), "before it yielded"));
}

static int second_main(void *arg)
{
    (void)arg;
    WEFT_AUTO(weft_lease, lease);
    int value;
    WEFT_TRY(yields(3, &lease, &value));
    ck_assert_int_eq(value, 0);
    return weft_close_with(lease, 2);
}

static int second_at_brace_main(void *arg)
{
    (void)arg;
    WEFT_AUTO(weft_lease, lease);
    int value;
    return yields(2, &lease, &value);
}

WT_TEST(a_second_yield_is_an_error_with_a_sentence)
{
    wt_capture_reports();
    run(second_main, WEFT_ENOYIELD);
    const char *report = strstr(wt_reports(), "manager \"yields\"");
    ck_assert_ptr_nonnull(report);
    ck_assert_ptr_nonnull(strstr(report, "yielded a second time"));
    ck_assert_ptr_null(strstr(report + 1, "manager \"yields\""));
    run(second_at_brace_main, WEFT_ENOYIELD);
}

/* ---- what is around it ----------------------------------------------------------------------------- */

/* Resources of its own, a scope and a shield around the yield: they close behind the shield too. */
typedef struct probe {
    int n_waits;
} probe;

static int probe_close(probe *it)
{
    (void)it;
    note('p');
    return weft_sleep(WEFT_US(100));
}
WEFT_DEFINE_AUTO(probe, probe_close)

WEFT_TASK(stay) { return weft_sleep(WEFT_SEC(100)); }

WEFT_MANAGER(nested, int, (int, inner))
{
    WEFT_AUTO(weft_lease, lease);
    int value, told = 0, rc;
    probe here = { 0 };
    WEFT_TRY(managed(1, &told, &lease, &value));
    {
        WEFT_SCOPE(scope);
        WEFT_AUTO(probe, probed);
        WEFT_TRY(weft_spawn(&scope, stay));
        probed = &here;
        weft_shield shield;
        weft_shield_begin(&shield);
        rc = weft_yield(value + inner);
        weft_shield_end(&shield);
        ck_assert_int_eq(weft_sleep(WEFT_US(100)), 0);
    }
    ck_assert_int_eq(weft_sleep(WEFT_US(100)), 0);
    return weft_close_with(lease, rc);
}

WEFT_TASK(use_nested, (weft_scope *, scope))
{
    WEFT_AUTO(weft_lease, lease);
    int value;
    WEFT_TRY(nested(1, &lease, &value));
    ck_assert_int_eq(value, 8);
    weft_scope_cancel(scope);
    return weft_close_with(lease, weft_checkpoint());
}

static int nested_main(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, use_nested, &scope));
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    ck_assert_str_eq(journal, "opyc");
    return 0;
}

WT_TEST(managers_nest_and_all_of_the_rest_is_shielded) { run(nested_main, 0); }

/* The lease may be handed to another task, which closes it. */
WEFT_TASK(keep, (auto, weft_lease, lease))
{
    note(lease != NULL ? 'k' : '-');
    return weft_sleep(WEFT_US(100));
}

static int handed_main(void *arg)
{
    (void)arg;
    int told, value;
    WEFT_AUTO(weft_lease, lease);
    WEFT_TRY(managed(1, &told, &lease, &value));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, keep, WEFT_MOVE(lease)));
    ck_assert_ptr_null(lease);
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert_str_eq(journal, "okyc");
    return 0;
}

WT_TEST(another_task_may_close_the_lease) { run(handed_main, 0); }

/* A failing allocation anywhere: an error, and nothing left behind. */
static int faulty_main(void *arg)
{
    (void)arg;
    int told, value;
    WEFT_AUTO(weft_lease, lease);
    wt_fault_on(WT_FAULT_MEMORY);
    int rc = managed(1, &told, &lease, &value);
    wt_fault_off();
    ck_assert((rc == 0) == (lease != NULL));
    return weft_close_with(lease, rc);
}

static void faulty_body(void *arg)
{
    reset();
    int rc = weft_run(faulty_main, arg);
    ck_assert(rc == 0 || wt_fault_hit());
}

WT_TEST(without_memory_it_does_not_open) { ck_assert_uint_gt(wt_fault_run(faulty_body, NULL), 1); }

WT_MAIN("manager")
