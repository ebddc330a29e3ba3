/* SPDX-License-Identifier: MIT
 * The harness of weft/testing.h: what it counts, and that it finds what was planted. Its runs are
 * processes of their own, simulated ones in the simulator, so the bodies run outside of it. */
#include "wt_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>
#include <weft/testing.h>

static weft_points try_points(int (*scenario)(void *arg), void *arg, const weft_points_opts *opts)
{
    weft_points tried = { .size_ = sizeof tried };
    int rc = weft_try_every_point(scenario, arg, opts, &tried);
    ck_assert_int_eq(rc, (int)tried.failures);
    return tried;
}

static int sleep_twice(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(1)));
    return weft_sleep(WEFT_MS(1));
}

/* A sleep is entered and then waits: two looks. */
WT_TEST(each_entry_and_each_wait_is_a_point)
{
    weft_points tried = try_points(sleep_twice, NULL, NULL);
    ck_assert_uint_eq(tried.failures, 0);
    ck_assert_int_eq(tried.rc, 0);
    ck_assert_uint_eq(tried.cancel_points, 4);
    ck_assert_uint_eq(tried.cancel_runs, 4);
}

static int count_behind_shield(void *arg)
{
    (void)arg;
    weft_shield shield;
    weft_shield_begin(&shield);
    int rc = weft_sleep(WEFT_MS(1));
    weft_shield_end(&shield);
    return rc < 0 ? rc : weft_checkpoint();
}

WT_TEST(behind_a_shield_there_is_no_point)
{
    ck_assert_uint_eq(try_points(count_behind_shield, NULL, NULL).cancel_points, 1);
}

/* ---- what tasks, channels and generators look at ------------------------------------------- */

WEFT_TASK(send_three, (tx, int, out))
{
    for (int i = 0; i < 3; i++)
        WEFT_TRY(weft_send(out, i));
    return 0;
}

WEFT_GENERATOR(pass_on, weft_rx(int), (rx, int, in))
{
    weft_each (n, in)
        WEFT_TRY(weft_yield(n));
    return weft_error(in);
}

static int pipeline(void *arg)
{
    int *sum = arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, items);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 1, .name = "ints"));
    WEFT_TRY(weft_spawn(&scope, send_three, WEFT_MOVE(tx)));
    WEFT_TRY(pass_on(WEFT_MOVE(rx), &items));
    *sum = 0;
    weft_each (n, items)
        *sum += n;
    WEFT_TRY(weft_error(items));
    WEFT_TRY(weft_scope_wait(&scope));
    return *sum == 3 ? 0 : -ERANGE;
}

WT_TEST(a_pipeline_is_clean_at_every_point)
{
    int sum;
    weft_points tried = try_points(pipeline, &sum, &(weft_points_opts){ .seeds = 5 });
    ck_assert_uint_eq(tried.failures, 0);
    ck_assert_int_eq(tried.rc, 0);
    ck_assert_uint_gt(tried.cancel_points, 10);
    ck_assert_uint_gt(tried.fault_points, 3);
    if (wt_is_sim()) {
        ck_assert_uint_eq(tried.cancel_runs, tried.cancel_points);
        ck_assert_uint_eq(tried.fault_runs, tried.fault_points);
    }
}

WT_TEST(the_same_seed_has_the_same_points)
{
    if (!wt_is_sim())
        wt_skip("on real threads a point may come or not");
    int sum;
    weft_points_opts opts = { .seed = 7, .no_cancels = true, .no_faults = true };
    weft_points once = try_points(pipeline, &sum, &opts);
    weft_points again = try_points(pipeline, &sum, &opts);
    ck_assert_uint_eq(once.cancel_points, again.cancel_points);
    ck_assert_uint_eq(once.fault_points, again.fault_points);
    ck_assert_uint_eq(once.cancel_runs + once.fault_runs, 0);
}

WT_TEST(a_plain_thread_may_run_the_scenario)
{
    int sum;
    weft_points_opts opts = { .in_thread = true, .workers = 2 };
    weft_points tried = try_points(pipeline, &sum, &opts);
    ck_assert_uint_eq(tried.failures, 0);
    ck_assert_uint_gt(tried.cancel_runs, 10);
}

WT_TEST(many_points_are_thinned_out_evenly)
{
    int sum;
    weft_points tried = try_points(pipeline, &sum, &(weft_points_opts){ .max_runs = 2 });
    ck_assert_uint_le(tried.cancel_runs, 2);
    ck_assert_uint_le(tried.fault_runs, 2);
    ck_assert_uint_gt(tried.cancel_points, 10);
}

/* ---- what is planted is found ----------------------------------------------------------------- */

/* The runs that are expected to fail, by what their reports say. */
static void expect_failures(int (*scenario)(void *arg), const weft_points_opts *opts,
                            const char *const *words, unsigned n)
{
    wt_capture_reports();
    weft_points tried = try_points(scenario, NULL, opts);
    const char *told = wt_reports();
    for (; *words != NULL; words++)
        ck_assert_msg(strstr(told, *words) != NULL, "nothing of \"%s\" in:\n%s", *words, told);
    ck_assert_msg(tried.failures == n, "%u failures:\n%s", tried.failures, told);
}
#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int leak_fd(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_MS(1)));
    int fd = open("/dev/null", O_RDONLY);
    WEFT_TRY(weft_sleep(WEFT_MS(1))); /* planted: fd is lost here */
    close(fd);
    return weft_sleep(WEFT_MS(1));
}

WT_TEST(a_descriptor_that_is_lost_is_named_with_its_point)
{
    expect_failures(leak_fd, &(weft_points_opts){ .name = "leak_fd" },
                    WORDS("every point of \"leak_fd\": cancel 3, seed 1, failed: a call that may",
                          "cancel 4, seed 1, failed: a wait: sleeps", "in task #", "\"main\"",
                          "left: file descriptor", "/dev/null", "WEFT_POINT=leak_fd:cancel:3:1 "),
                    2);
}

static int leak_value(void *arg)
{
    (void)arg;
    WEFT_TX(weft_text, tx);
    WEFT_RX(weft_text, rx);
    weft_text text;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1, .drop = weft_text_drop));
    WEFT_TRY(weft_text_copy((weft_line){ (char[]){ "x" }, 1 }, &text));
    WEFT_TRY(weft_send(tx, text)); /* planted: what was not sent is the sender's to drop */
    return 0;
}

WT_TEST(the_memory_of_a_value_that_was_not_sent_is_missed)
{
    expect_failures(leak_value, NULL,
                    WORDS("cancel 1,", "send_slow", "left: 1 blocks of weft's memory"), 1);
}

static int leak_chan(void *arg)
{
    (void)arg;
    weft_tx(int) tx = NULL;
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 1, .name = "kept"));
    WEFT_TRY(weft_checkpoint()); /* planted */
    WEFT_DROP(tx);
    return 0;
}

WT_TEST(a_channel_that_is_left_is_named)
{
    expect_failures(leak_chan, NULL,
                    WORDS("cancel 1,", "weft_checkpoint", "left: channel \"kept\""), 1);
}

WEFT_TASK(stay) { return weft_sleep(WEFT_SEC(3600)); }

static int leak_task(void *arg)
{
    (void)arg;
    int rc = weft_checkpoint();
    if (rc < 0) /* planted */
        WEFT_TRY(weft_spawn(weft_root_scope(), stay));
    return rc;
}

WT_TEST(a_task_that_outlives_the_scope_is_named)
{
    expect_failures(leak_task, NULL, WORDS("cancel 1,", "left: task #", "\"stay\", spawned at"), 1);
}

static int leak_when_open_fails(void *arg)
{
    (void)arg;
    weft_text text = { NULL, 0 };
    WEFT_AUTO(weft_file, file);
    WEFT_TRY(weft_text_copy((weft_line){ (char[]){ "x" }, 1 }, &text));
    WEFT_TRY(weft_file_open("/dev/null", "r", &file)); /* planted: text is lost here */
    weft_text_drop(&text);
    return 0;
}

WT_TEST(what_is_lost_when_a_call_fails_is_found)
{
    weft_points_opts opts = { .name = "open", .no_cancels = true, .max_runs = 50 };
    wt_capture_reports();
    weft_points tried = try_points(leak_when_open_fails, NULL, &opts);
    const char *told = wt_reports();
    ck_assert_uint_ge(tried.failures, 2);
    ck_assert_msg(strstr(told, "a failing open") != NULL, "%s", told);
    ck_assert_msg(strstr(told, "WEFT_POINT=open:fault:") != NULL, "%s", told);
}

/* ---- runs that do not end -------------------------------------------------------------------- */

static int ignore_cancels(void *arg)
{
    (void)arg;
    int rc = weft_checkpoint();
    while (rc < 0) /* planted */
        rc = weft_pause();
    return rc;
}

WT_TEST(whoever_ignores_a_cancel_for_ever_is_reported)
{
    weft_points_opts opts = { .name = "deaf", .budget_ns = WEFT_MS(20) };
    expect_failures(ignore_cancels, &opts,
                    WORDS("cancel 1,", wt_is_sim() ? "livelock" : "did not end"), 1);
}

static int linger(void *arg)
{
    (void)arg;
    weft_shield shield;
    if (weft_checkpoint() == 0)
        return 0;
    weft_shield_begin(&shield);
    int rc = weft_sleep(WEFT_MS(30)); /* planted */
    weft_shield_end(&shield);
    return rc;
}

WT_TEST(whoever_takes_longer_than_the_budget_is_reported)
{
    expect_failures(linger, &(weft_points_opts){ .budget_ns = WEFT_MS(20) },
                    WORDS("cancel 1,", "it went on for 0.0"), 1);
}

static int die(void *arg)
{
    (void)arg;
    if (weft_checkpoint() < 0)
        abort(); /* planted */
    return 0;
}

WT_TEST(a_run_that_dies_is_one_that_failed)
{
    expect_failures(die, NULL, WORDS("cancel 1,", "it died of signal 6"), 1);
}

static int wait_for_nobody(void)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    return weft_recv(rx, &(int){ 0 });
}

static int never_ends(void *arg)
{
    (void)arg;
    return wait_for_nobody();
}

/* That is what the program is about, if it does so by itself (examples/14_deadlock.c). */
WT_TEST(a_scenario_that_is_a_deadlock_is_ended_by_the_report)
{
    weft_points tried = try_points(never_ends, NULL, NULL);
    ck_assert_int_eq(tried.rc, WEFT_ECANCELED);
    ck_assert_uint_eq(tried.failures, 0);
}

static int wait_when_copy_fails(void *arg)
{
    weft_text text;
    (void)arg;
    if (weft_text_copy((weft_line){ (char[]){ "x" }, 1 }, &text) < 0)
        return wait_for_nobody(); /* planted */
    weft_text_drop(&text);
    return 0;
}

WT_TEST(a_deadlock_that_a_failing_call_brings_about_is_a_failure)
{
    expect_failures(wait_when_copy_fails, NULL,
                    WORDS("fault 1, seed 1, failed: a failing alloc", "what can never happen"), 1);
}

static int wait_shielded(void *arg)
{
    (void)arg;
    if (weft_checkpoint() == 0)
        return 0;
    weft_shield shield;
    weft_shield_begin(&shield);
    int rc = wait_for_nobody(); /* planted: no report can end this one */
    weft_shield_end(&shield);
    return rc;
}

WT_TEST(a_wait_that_nothing_can_end_is_a_failure)
{
    expect_failures(wait_shielded, &(weft_points_opts){ .budget_ns = WEFT_MS(20) },
                    WORDS("cancel 1,", wt_is_sim() ? "stuck" : "did not end"), 1);
}

static int refuse(void *arg) { return *(int *)arg; }

WT_TEST(the_check_of_the_caller_is_asked_after_each_run)
{
    int rc = -ERANGE;
    wt_capture_reports();
    weft_points tried = try_points(refuse, &rc, &(weft_points_opts){ .check = refuse });
    ck_assert_int_eq((int)tried.failures, 1); /* the run without any: then there are no others */
    ck_assert_ptr_nonnull(strstr(wt_reports(), "check: "));
}

/* ---- repeating -------------------------------------------------------------------------------- */

static int n_here;

static int leak_here(void *arg)
{
    n_here++;
    return leak_chan(arg);
}

WT_TEST(one_run_is_repeated_in_the_callers_process)
{
    weft_points_opts opts = { .name = "here" };
    wt_capture_reports();
    setenv("WEFT_POINT", "elsewhere:cancel:1:1", 1);
    ck_assert_uint_eq(try_points(leak_here, NULL, &opts).failures, 0);
    ck_assert_int_eq(n_here, 0);
    setenv("WEFT_POINT", "here:cancel:2:1", 1);
    ck_assert_uint_eq(try_points(sleep_twice, NULL, &opts).failures, 0);
    unsetenv("WEFT_POINT");
}

/* ---- misuse ----------------------------------------------------------------------------------- */

static int call_it(void *arg)
{
    (void)arg;
    return weft_try_every_point(sleep_twice, NULL, NULL, NULL) == WEFT_EBUSY ? 0 : -ERANGE;
}

WT_TEST(misuse_is_answered)
{
    weft_points big = { .size_ = sizeof big + 1 };
    ck_assert_int_eq(weft_try_every_point(NULL, NULL, NULL, NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_try_every_point(sleep_twice, NULL, NULL, &big), WEFT_EINVAL);
    ck_assert_int_eq(
        weft_try_every_point(sleep_twice, NULL, &(weft_points_opts){ .budget_ns = -1 }, NULL),
        WEFT_EINVAL);
    ck_assert_int_eq(weft_run(call_it, NULL), 0);
}

WT_MAIN_BARE("every_point")
