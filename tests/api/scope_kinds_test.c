/* SPDX-License-Identifier: MIT
 * Kinds of scopes: the list of errors, supervisors, races, limits, and a body's own outcome. */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

static _Atomic int n_ended, n_dropped;

/* Each body runs in a task and in a plain thread. */
static void in_both(int (*body)(void *arg))
{
    for (int i = 0; i < 2; i++) {
        atomic_store(&n_ended, 0);
        atomic_store(&n_dropped, 0);
        MUST(i == 0 ? body(NULL) : weft_run(body, NULL));
    }
}

static void count_drop(void *value) { atomic_fetch_add(&n_dropped, *(int *)value); }

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

WEFT_TASK(wait_then, (int, rc))
{
    int slept = weft_sleep(INT64_MAX);
    atomic_fetch_add(&n_ended, 1);
    return slept == WEFT_ECANCELED ? rc : -1;
}

/* ---- all errors ------------------------------------------------------------------------------ */

static int list_errors(void *arg)
{
    (void)arg;
    weft_task_end end;
    WEFT_SCOPE(scope);
    ck_assert_uint_eq(weft_scope_n_errors(&scope), 0);
    for (int i = 0; i < 3; i++)
        MUST(weft_spawn_with(&scope, WEFT_OPTS(spawn, .name = "later"), wait_then, -EPERM));
    MUST(weft_spawn(&scope, wait_then, WEFT_ECANCELED));
    MUST(weft_spawn(&scope, wait_then, WEFT_ECLOSED));
    MUST(weft_spawn_with(&scope,
                         WEFT_OPTS(spawn, .name = "first, with a name that is longer than is kept"),
                         end_later_with, WEFT_MS(1), -EIO));
    WANT(weft_scope_wait(&scope), -EIO);
    ck_assert_uint_eq(weft_scope_n_errors(&scope), 4);
    MUST(weft_scope_error(&scope, 0, &end));
    WANT(end.rc, -EIO);
    ck_assert_str_eq(end.name, "first, with a name that is long");
    ck_assert_ptr_nonnull(strstr(end.file, "scope_kinds_test.c"));
    ck_assert_int_gt(end.line, 0);
    ck_assert_uint_gt(end.id, 0);
    for (size_t i = 1; i < 4; i++) {
        MUST(weft_scope_error(&scope, i, &end));
        WANT(end.rc, -EPERM);
        ck_assert_str_eq(end.name, "later");
    }
    WANT(weft_scope_error(&scope, 4, &end), WEFT_EINVAL);
    WANT(weft_scope_error(&scope, 0, NULL), WEFT_EINVAL);
    WANT(weft_scope_error(NULL, 0, &end), WEFT_EINVAL);
    ck_assert_uint_eq(weft_scope_n_errors(NULL), 0);
    return 0;
}

WT_TEST(all_errors_are_listed_with_name_and_place) { in_both(list_errors); }

/* ---- the body's own outcome ------------------------------------------------------------------ */

static int with_body(int body_rc, int child_rc, bool cancels)
{
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, wait_then, child_rc));
    if (cancels)
        weft_scope_cancel(&scope);
    return weft_scope_wait_with(&scope, body_rc);
}

static int body_outcomes(void *arg)
{
    (void)arg;
    WANT(with_body(-EIO, WEFT_ECANCELED, false), -EIO);
    WANT(with_body(-EIO, -EPERM, false), -EIO); /* in order of arrival */
    WANT(with_body(WEFT_ECLOSED, WEFT_ECANCELED, false), WEFT_ECLOSED);
    WANT(with_body(WEFT_ECANCELED, WEFT_ECANCELED, true), 0);
    WANT(with_body(WEFT_ECANCELED, WEFT_ECANCELED, false), WEFT_ECANCELED);
    WANT(with_body(7, WEFT_ECANCELED, true), 7);
    {
        WEFT_SCOPE(scope);
        MUST(weft_spawn(&scope, end_with, -EPERM));
        int rc = weft_sleep(INT64_MAX);
        WANT(rc, WEFT_ECANCELED);
        WANT(weft_scope_wait_with(&scope, rc), -EPERM); /* not the cancel that it caused */
        WANT(weft_scope_wait_with(&scope, -EIO), -EPERM);
    }
    {
        WEFT_SCOPE(scope);
        weft_task_end end;
        WANT(weft_scope_wait_with(&scope, -EIO), -EIO);
        MUST(weft_scope_error(&scope, 0, &end));
        WANT(end.rc, -EIO);
    }
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
        WANT(weft_scope_wait_with(&scope, weft_sleep(INT64_MAX)), WEFT_ETIMEDOUT);
    }
    {
        WEFT_SCOPE(outer);
        weft_scope_cancel(&outer);
        {
            WEFT_SCOPE(scope);
            WANT(weft_scope_wait_with(&scope, weft_pause()), WEFT_ECANCELED);
        }
        MUST(weft_scope_wait_with(&outer, WEFT_ECANCELED));
    }
    WANT(weft_scope_wait_with(NULL, 0), WEFT_EINVAL);
    return 0;
}

WT_TEST(the_bodys_error_counts_as_a_childs) { in_both(body_outcomes); }

/* Spawned and joined, so that it comes before what is spawned next. */
static void spawn_first(weft_scope *scope, int rc)
{
    WEFT_AUTO(weft_task, it);
    MUST(weft_spawn_task(scope, &it, end_with, rc));
    MUST(weft_join(it, NULL));
    while (weft_scope_n_errors(scope) == 0)
        MUST(weft_pause());
}

/* ---- supervisors ----------------------------------------------------------------------------- */

static int supervise(void *arg)
{
    (void)arg;
    weft_task_end end;
    WEFT_SCOPE(scope, .supervisor = true);
    spawn_first(&scope, -EIO);
    MUST(weft_spawn(&scope, end_later_with, WEFT_MS(1), -EPERM));
    MUST(weft_spawn(&scope, end_later_with, WEFT_MS(2), 0));
    MUST(weft_sleep(WEFT_MS(1)));
    MUST(weft_scope_wait(&scope));
    WANT(n_ended, 3);
    ck_assert(!weft_scope_is_cancelled(&scope));
    ck_assert_uint_eq(weft_scope_n_errors(&scope), 2);
    MUST(weft_scope_error(&scope, 0, &end));
    WANT(end.rc, -EIO);
    MUST(weft_scope_error(&scope, 1, &end));
    WANT(end.rc, -EPERM);
    return 0;
}

WT_TEST(a_supervisors_children_fail_alone) { in_both(supervise); }

static int cancel_supervisor(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer);
    {
        WEFT_SCOPE(scope, .supervisor = true);
        MUST(weft_spawn(&scope, wait_then, WEFT_ECANCELED));
        weft_scope_cancel(&outer);
        WANT(weft_scope_wait(&scope), WEFT_ECANCELED);
    }
    {
        WEFT_SCOPE(scope, .supervisor = true, .shielded = true);
        MUST(weft_spawn(&scope, wait_then, -EIO));
        WANT(weft_scope_wait_with(&scope, -EPERM), -EPERM);
    }
    MUST(weft_scope_wait(&outer));
    return 0;
}

WT_TEST(a_supervisor_is_cancelled_as_any_scope) { in_both(cancel_supervisor); }

static int refuse_opts(void *arg)
{
    (void)arg;
    WEFT_SCOPE(both, .supervisor = true, .race = true);
    WANT(weft_spawn(&both, end_with, 0), WEFT_EINVAL);
    WANT(weft_scope_wait(&both), WEFT_EINVAL);
    WEFT_SCOPE(negative, .limit = -1);
    WANT(weft_scope_wait(&negative), WEFT_EINVAL);
    return weft_pause();
}

WT_TEST(options_that_contradict_are_refused) { in_both(refuse_opts); }

/* ---- races ----------------------------------------------------------------------------------- */

WEFT_TASK(run, (int64_t, d_ns), (int, value))
{
    WEFT_TRY(weft_sleep(d_ns));
    atomic_fetch_add(&n_ended, 1);
    return weft_result(value);
}

/* One that succeeds all the same when another has won. */
WEFT_TASK(run_too_late, (int, value))
{
    WANT(weft_sleep(INT64_MAX), WEFT_ECANCELED);
    return weft_result(value);
}

static int race(void *arg)
{
    (void)arg;
    weft_task_end end;
    int value = 0;
    {
        WEFT_SCOPE(race, .race = true, .drop = count_drop);
        MUST(weft_spawn(&race, end_with, -EIO));
        MUST(weft_spawn(&race, end_with, WEFT_ECLOSED));
        MUST(weft_spawn(&race, run_too_late, 100));
        MUST(weft_spawn(&race, wait_then, WEFT_ECANCELED));
        MUST(weft_spawn_with(&race, WEFT_OPTS(spawn, .name = "fast"), run, WEFT_MS(1), 5));
        MUST(weft_scope_wait(&race));
        WANT(n_dropped, 100);
        WANT(weft_join_next_result(&race, &end, &value), 1);
        WANT(value, 5);
        ck_assert_str_eq(end.name, "fast");
        WANT(weft_join_next_result(&race, &end, &value), 0);
        ck_assert_uint_eq(weft_scope_n_errors(&race), 1);
    }
    WANT(n_dropped, 100);
    return weft_pause();
}

WT_TEST(the_first_to_succeed_wins_and_the_others_results_are_dropped) { in_both(race); }

static int nobody_wins(void *arg)
{
    (void)arg;
    weft_task_end end;
    {
        WEFT_SCOPE(race, .race = true);
        spawn_first(&race, -EIO);
        MUST(weft_spawn(&race, end_later_with, WEFT_MS(2), -EPERM));
        WANT(weft_join_next(&race, &end), 0);
        WANT(weft_scope_wait(&race), -EIO);
        ck_assert_uint_eq(weft_scope_n_errors(&race), 2);
    }
    {
        WEFT_SCOPE(race, .race = true);
        WANT(weft_scope_wait(&race), WEFT_ECLOSED);
    }
    {
        WEFT_SCOPE(race, .race = true);
        MUST(weft_spawn(&race, wait_then, WEFT_ECANCELED));
        weft_scope_cancel(&race);
        WANT(weft_scope_wait(&race), WEFT_ECANCELED);
    }
    {
        WEFT_SCOPE(race, .race = true, .timeout_ns = WEFT_MS(1));
        MUST(weft_spawn(&race, wait_then, WEFT_ECANCELED));
        WANT(weft_scope_wait(&race), WEFT_ETIMEDOUT);
    }
    return weft_pause();
}

WT_TEST(a_race_that_nobody_wins_says_why) { in_both(nobody_wins); }

static int leave_race(void *arg)
{
    (void)arg;
    {
        WEFT_SCOPE(race, .race = true, .drop = count_drop);
        MUST(weft_spawn(&race, run, 0, 5));
        MUST(weft_spawn(&race, run, 0, 5));
        MUST(weft_scope_wait(&race));
    }
    WANT(n_dropped, atomic_load(&n_ended) * 5);
    return weft_pause();
}

WT_TEST(a_winner_that_nobody_takes_is_dropped) { in_both(leave_race); }

/* ---- limits ---------------------------------------------------------------------------------- */

static _Atomic int n_alive, n_most;

WEFT_TASK(count_alive, (int64_t, d_ns))
{
    int n = atomic_fetch_add(&n_alive, 1) + 1;
    int most = atomic_load(&n_most);
    while (n > most && !atomic_compare_exchange_weak(&n_most, &most, n))
        ;
    int rc = weft_sleep(d_ns);
    atomic_fetch_sub(&n_alive, 1);
    atomic_fetch_add(&n_ended, 1);
    return rc;
}

static int limit(void *arg)
{
    (void)arg;
    atomic_store(&n_most, 0);
    WEFT_SCOPE(scope, .limit = 3);
    for (int i = 0; i < 20; i++)
        MUST(weft_spawn(&scope, count_alive, WEFT_US(10 * (i % 4))));
    MUST(weft_spawn_n(&scope, 3, count_alive, 0));
    WANT(weft_spawn_n(&scope, 4, count_alive, 0), WEFT_EINVAL);
    MUST(weft_scope_wait(&scope));
    WANT(n_ended, 23);
    ck_assert_int_le(n_most, 3);
    WANT(weft_spawn(&scope, count_alive, 0), WEFT_ECLOSED);
    return 0;
}

WT_TEST(a_spawn_waits_for_its_turn) { in_both(limit); }

static void cancel_on_thread(void *scope) { weft_scope_cancel(scope); }

static int cancel_spawn(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer, .limit = 1);
    MUST(weft_spawn(&outer, wait_then, 0));
    {
        WEFT_SCOPE(inner, .timeout_ns = WEFT_MS(1));
        WANT(weft_spawn(&outer, end_with, 0), WEFT_ECANCELED);
        WANT(weft_scope_wait(&inner), WEFT_ETIMEDOUT);
    }
    wt_thread *thread = wt_thread_start(cancel_on_thread, &outer);
    int rc = weft_spawn(&outer, wait_then, 0);
    ck_assert(rc == 0 || rc == WEFT_ECANCELED);
    wt_thread_join(thread);
    MUST(weft_scope_wait(&outer));
    WANT(n_ended, 1 + (rc == 0));
    return 0;
}

WT_TEST(a_spawn_that_waits_can_be_cancelled) { in_both(cancel_spawn); }

/* A cancel that does not concern a spawner wakes it all the same. */
struct line {
    weft_scope *limited;
    weft_event may_end;
    _Atomic int first;
};

WEFT_TASK(hold_place, (struct line *, line)) { return weft_event_wait(&line->may_end); }

WEFT_TASK(note_turn, (struct line *, line), (int, whose))
{
    int nobody = 0;
    (void)atomic_compare_exchange_strong(&line->first, &nobody, whose);
    return 0;
}

WEFT_TASK(stand_in_line, (struct line *, line), (int, n))
{
    WEFT_SCOPE(own, .shielded = true);
    MUST(weft_spawn_n(line->limited, n, note_turn, line, n));
    return weft_scope_wait(&own);
}

static int keep_place(void *arg)
{
    struct line line = { .may_end = WEFT_EVENT_INIT() };
    (void)arg;
    WEFT_SCOPE(limited, .limit = 2);
    line.limited = &limited;
    MUST(weft_spawn_n(&limited, 2, hold_place, &line));
    {
        WEFT_SCOPE(second);
        WEFT_SCOPE(first);
        MUST(weft_spawn(&first, stand_in_line, &line, 2));
        MUST(weft_sleep(WEFT_MS(1)));
        MUST(weft_spawn(&second, stand_in_line, &line, 1));
        MUST(weft_sleep(WEFT_MS(1)));
        weft_scope_cancel(&first);
        {
            WEFT_SCOPE(shielded, .shielded = true);
            MUST(weft_sleep(WEFT_MS(1)));
            weft_event_set(&line.may_end);
        }
        MUST(weft_scope_wait(&first));
        MUST(weft_scope_wait(&second));
    }
    MUST(weft_scope_wait(&limited));
    if (wt_is_sim()) /* elsewhere a spawn may take longer than a sleep */
        WANT(atomic_load(&line.first), 2);
    return 0;
}

WT_TEST(who_is_woken_in_vain_keeps_its_place_in_line) { in_both(keep_place); }

/* Spawners in tasks and threads, some of them cancelled, want one, two or three places. */
struct crowd {
    weft_scope *scope;
    _Atomic int n_spawned;
};

static int spawn_some(struct crowd *crowd, int n_times)
{
    for (int i = 0; i < n_times; i++) {
        int n = 1 + (int)wt_random_below(3);
        int rc = weft_spawn_n(crowd->scope, n, count_alive, (int64_t)wt_random_below(3) * 1000);
        if (rc < 0)
            return rc;
        atomic_fetch_add(&crowd->n_spawned, n);
    }
    return 0;
}

WEFT_TASK(spawn_in_task, (struct crowd *, crowd)) { return spawn_some(crowd, 20); }

static void spawn_on_thread(void *crowd) { MUST(spawn_some(crowd, 20)); }

WT_TEST(many_spawners_share_a_limit)
{
    for (unsigned round = wt_scaled(30); round > 0; round--) {
        struct crowd crowd = { .n_spawned = 0 };
        atomic_store(&n_most, 0);
        atomic_store(&n_ended, 0);
        WEFT_SCOPE(scope, .limit = 4);
        crowd.scope = &scope;
        wt_thread *thread = wt_thread_start(spawn_on_thread, &crowd);
        {
            WEFT_SCOPE(spawners, .timeout_ns = (int64_t)wt_random_below(100) * 1000 + 1,
                       .move_on = true);
            MUST(weft_spawn_n(&spawners, 3, spawn_in_task, &crowd));
            MUST(weft_scope_wait(&spawners));
        }
        wt_thread_join(thread);
        MUST(weft_scope_wait(&scope));
        WANT(n_ended, atomic_load(&crowd.n_spawned));
        ck_assert_int_le(n_most, 4);
    }
}

WT_MAIN("scope kinds")
