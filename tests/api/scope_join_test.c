/* SPDX-License-Identifier: MIT
 * Joining: the next child that ends, one task by its handle, results, and who is ready. */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

static _Atomic int n_dropped, n_done;

static void in_both(int (*body)(void *arg))
{
    for (int i = 0; i < 2; i++) {
        atomic_store(&n_dropped, 0);
        atomic_store(&n_done, 0);
        MUST(i == 0 ? body(NULL) : weft_run(body, NULL));
    }
}

static void count_drop(void *value)
{
    (void)value;
    atomic_fetch_add(&n_dropped, 1);
}

WEFT_TASK(give, (int64_t, d_ns), (int, value))
{
    WEFT_TRY(weft_sleep(d_ns));
    return weft_result(value);
}

WEFT_TASK(end_with, (int, rc)) { return rc; }

WEFT_TASK(sleep_long)
{
    int rc = weft_sleep(INT64_MAX);
    atomic_fetch_add(&n_done, 1);
    return rc;
}

/* ---- who spawns ------------------------------------------------------------------------------ */

WEFT_TASK(set_event, (weft_event *, event))
{
    weft_event_set(event);
    return 0;
}

WEFT_TASK(spawn_setter, (weft_scope *, scope), (weft_event *, event))
{
    return weft_spawn(scope, set_event, event);
}

/* Its child runs, the scope ends, and another begins in its place while the spawner is on its way. */
static int end_before_the_spawner(void *arg)
{
    (void)arg;
    weft_scope it;
    weft_event event = WEFT_EVENT_INIT();
    WEFT_SCOPE(spawners);
    it.opts = (weft_scope_opts){ .size_ = sizeof(weft_scope_opts), .joins = true };
    weft_scope_enter(&it, __FILE__, __LINE__);
    MUST(weft_spawn(&spawners, spawn_setter, &it, &event));
    MUST(weft_event_wait(&event));
    MUST(weft_scope_wait(&it));
    weft_scope_leave(&it);
    it.opts = (weft_scope_opts){ .size_ = sizeof(weft_scope_opts), .limit = 1 };
    weft_scope_enter(&it, __FILE__, __LINE__);
    MUST(weft_sleep(WEFT_US(1)));
    MUST(weft_scope_wait(&it));
    weft_scope_leave(&it);
    MUST(weft_scope_wait(&spawners));
    return 0;
}

WT_TEST(a_spawner_does_not_touch_a_scope_that_its_child_may_have_ended)
{
    in_both(end_before_the_spawner);
}

/* ---- the next that ends ---------------------------------------------------------------------- */

static int join_all(void *arg)
{
    (void)arg;
    int sum = 0, value = 0, n = 0, rc;
    int64_t last = 0;
    weft_task_end end;
    WEFT_SCOPE(set, .joins = true, .drop = count_drop);
    for (int i = 0; i < 10; i++)
        MUST(weft_spawn(&set, give, WEFT_MS(10 - i), i));
    MUST(weft_spawn(&set, end_with, 3));
    while ((rc = weft_join_next_result(&set, &end, &value)) == 1) {
        n++;
        if (!end.has_result) {
            WANT(end.rc, 3);
            continue;
        }
        WANT(end.rc, 0);
        sum += value;
        last = value;
    }
    WANT(rc, 0);
    WANT(n, 11);
    WANT(sum, 45);
    if (wt_is_sim()) /* elsewhere a spawn may take longer than a sleep */
        WANT(last, 0);
    MUST(weft_scope_wait(&set));
    WANT(n_dropped, 0);
    return 0;
}

WT_TEST(children_are_met_in_the_order_they_end) { in_both(join_all); }

static int join_with_errors(void *arg)
{
    (void)arg;
    int value = 0, n_errors = 0;
    weft_task_end end;
    WEFT_SCOPE(set, .joins = true, .supervisor = true, .drop = count_drop);
    MUST(weft_spawn(&set, end_with, -EIO));
    MUST(weft_spawn(&set, end_with, WEFT_ECLOSED));
    MUST(weft_spawn(&set, give, 0, 4));
    while (WEFT_TRY(weft_join_next_result(&set, &end, &value)) == 1)
        n_errors += end.rc < 0;
    WANT(n_errors, 2);
    WANT(value, 4);
    return weft_scope_wait(&set);
}

WT_TEST(failed_ones_are_met_too) { in_both(join_with_errors); }

static int join_after_error(void *arg)
{
    (void)arg;
    int n = 0;
    weft_task_end end;
    WEFT_SCOPE(set, .joins = true, .drop = count_drop);
    MUST(weft_spawn(&set, sleep_long));
    MUST(weft_spawn(&set, end_with, -EIO));
    int rc;
    while ((rc = weft_join_next(&set, &end)) == 1)
        ;
    WANT(rc, WEFT_ECANCELED);
    WANT(weft_scope_wait(&set), -EIO);
    while ((rc = weft_join_next(&set, &end)) == 1) /* what is left, without waiting */
        n++;
    WANT(rc, 0);
    ck_assert_int_le(n, 2);
    return 0;
}

WT_TEST(an_error_cancels_the_join_and_loses_nobody) { in_both(join_after_error); }

static int results_dropped(void *arg)
{
    (void)arg;
    weft_task_end end;
    long wide;
    struct {
        char bytes[100];
    } large = { { 7 } };
    {
        WEFT_SCOPE(set, .joins = true, .drop = count_drop);
        MUST(weft_spawn_n(&set, 3, give, 0, 1));
        WANT(weft_join_next(&set, &end), 1);
        ck_assert(end.has_result);
        WANT(n_dropped, 1);
        WANT(weft_join_next_result(&set, &end, &wide), WEFT_EMSGSIZE);
        WANT(weft_join_next_result(&set, &end, &large), WEFT_EMSGSIZE);
        WANT(n_dropped, 1);
        MUST(weft_scope_wait(&set));
    }
    WANT(n_dropped, 3);
    {
        WEFT_SCOPE(plain, .drop = count_drop);
        MUST(weft_spawn(&plain, give, 0, 1));
        MUST(weft_scope_wait(&plain));
        WANT(n_dropped, 4);
        WANT(weft_join_next(&plain, &end), WEFT_EINVAL);
    }
    return 0;
}

WT_TEST(a_result_that_nobody_takes_is_dropped_once) { in_both(results_dropped); }

WEFT_TASK(give_then_fail)
{
    int a = 1, b = 2;
    MUST(weft_result(a));
    MUST(weft_result(b)); /* instead of the first */
    return -EIO;
}

struct large {
    int numbers[50];
};

WEFT_TASK(give_large) { return weft_result((struct large){ .numbers = { [49] = 9 } }); }

static int results_of_all_sizes(void *arg)
{
    (void)arg;
    weft_task_end end;
    struct large large;
    WEFT_SCOPE(set, .joins = true, .supervisor = true, .drop = count_drop);
    MUST(weft_spawn(&set, give_large));
    WANT(weft_join_next_result(&set, &end, &large), 1);
    WANT(large.numbers[49], 9);
    MUST(weft_spawn(&set, give_then_fail));
    WANT(weft_join_next(&set, &end), 1);
    WANT(end.rc, -EIO);
    ck_assert(!end.has_result);
    WANT(n_dropped, 2);
    MUST(weft_scope_wait(&set));
    return 0;
}

WT_TEST(a_failed_tasks_result_is_dropped) { in_both(results_of_all_sizes); }

static void give_on_thread(void *arg)
{
    (void)arg;
    WANT(weft_result(1), WEFT_ENOTASK);
    WANT(weft_ready(1), WEFT_ENOTASK);
}

WT_TEST(only_tasks_have_results) { wt_thread_join(wt_thread_start(give_on_thread, NULL)); }

/* ---- one by its handle ----------------------------------------------------------------------- */

static int join_one(void *arg)
{
    (void)arg;
    int value = 0;
    weft_task_end end;
    WEFT_AUTO(weft_task, it);
    {
        WEFT_SCOPE(scope, .drop = count_drop);
        MUST(weft_spawn_task(&scope, &it, give, WEFT_MS(1), 6));
        MUST(weft_join(it, &end));
        ck_assert(end.has_result);
        ck_assert_str_eq(end.name, "give");
        long wide;
        WANT(weft_join_result(it, &end, &wide), WEFT_EMSGSIZE);
        MUST(weft_join_result(it, &end, &value));
        WANT(value, 6);
        MUST(weft_join_result(it, &end, &value));
        ck_assert(!end.has_result);
        MUST(weft_scope_wait(&scope));
    }
    MUST(weft_join(it, NULL)); /* the handle outlives the scope */
    WANT(weft_join(NULL, NULL), WEFT_EINVAL);
    WANT(n_dropped, 0);
    return 0;
}

WT_TEST(a_task_is_joined_by_its_handle) { in_both(join_one); }

WEFT_TASK(join_it, (auto, weft_task, it))
{
    weft_task_end end;
    WEFT_TRY(weft_join(it, &end));
    atomic_fetch_add(&n_done, end.rc == 0 && end.has_result);
    return 0;
}

static int join_by_many(void *arg)
{
    (void)arg;
    WEFT_AUTO(weft_task, it);
    WEFT_SCOPE(scope, .drop = count_drop);
    MUST(weft_spawn_task(&scope, &it, give, WEFT_US(20), 6));
    for (int i = 0; i < 5; i++) {
        WEFT_AUTO(weft_task, copy);
        copy = weft_task_ref(it);
        MUST(weft_spawn(&scope, join_it, WEFT_MOVE(copy)));
    }
    MUST(weft_join(it, NULL));
    MUST(weft_scope_wait(&scope));
    WANT(n_done, 5);
    return 0;
}

WT_TEST(many_may_join_one) { in_both(join_by_many); }

static int cancel_join(void *arg)
{
    (void)arg;
    WEFT_AUTO(weft_task, it);
    WEFT_SCOPE(scope);
    MUST(weft_spawn_task(&scope, &it, sleep_long));
    {
        WEFT_SCOPE(limit, .timeout_ns = WEFT_MS(1), .move_on = true);
        WANT(weft_join(it, NULL), WEFT_ECANCELED);
        WANT(weft_join(it, NULL), WEFT_ECANCELED);
        MUST(weft_scope_wait(&limit));
        ck_assert(weft_scope_has_expired(&limit));
    }
    WANT(n_done, 0);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    WANT(n_done, 1);
    return 0;
}

WT_TEST(a_cancelled_join_leaves_its_task_alone) { in_both(cancel_join); }

WEFT_TASK(join_self, (rx, weft_task *, handles))
{
    weft_task *self = NULL;
    WANT(weft_recv(handles, &self), 1);
    WANT(weft_join(self, NULL), WEFT_EDEADLK);
    return weft_task_close(self);
}

static int join_oneself(void *arg)
{
    (void)arg;
    WEFT_TX(weft_task *, tx);
    WEFT_RX(weft_task *, rx);
    WEFT_AUTO(weft_task, it);
    MUST(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope);
    MUST(weft_spawn_task(&scope, &it, join_self, WEFT_MOVE(rx)));
    MUST(weft_send(tx, WEFT_STEAL(it)));
    MUST(weft_scope_wait(&scope));
    return 0;
}

WT_TEST(nobody_joins_itself) { in_both(join_oneself); }

static int handle_dropped(void *arg)
{
    (void)arg;
    {
        WEFT_SCOPE(scope, .drop = count_drop);
        for (int i = 0; i < 5; i++) {
            WEFT_AUTO(weft_task, it);
            MUST(weft_spawn_task(&scope, &it, give, WEFT_US(i), i));
            if (i % 2)
                MUST(weft_sleep(WEFT_US(i)));
        }
        MUST(weft_scope_wait(&scope));
    }
    WANT(n_dropped, 5);
    WEFT_AUTO(weft_task, it);
    WEFT_SCOPE(ended);
    MUST(weft_scope_wait(&ended));
    WANT(weft_spawn_task(&ended, &it, end_with, 0), WEFT_ECLOSED);
    ck_assert_ptr_null(it);
    WANT(weft_spawn_with(&ended, WEFT_OPTS(spawn, .out_task = &it, .copies = 2), end_with, 0),
         WEFT_EINVAL);
    return 0;
}

WT_TEST(a_handle_may_be_dropped_at_any_time) { in_both(handle_dropped); }

/* ---- ready ----------------------------------------------------------------------------------- */

WEFT_TASK(serve, (int64_t, before_ns), (int, value))
{
    WEFT_TRY(weft_sleep(before_ns));
    WEFT_SCOPE(own);
    WEFT_TRY(weft_ready(value));
    WANT(weft_ready(value), WEFT_EINVAL);
    int rc = weft_sleep(INT64_MAX);
    atomic_fetch_add(&n_done, 1);
    return weft_scope_wait_with(&own, rc);
}

static int be_ready(void *arg)
{
    (void)arg;
    int value = 0;
    {
        WEFT_SCOPE(scope);
        MUST(weft_spawn_ready(&scope, &value, serve, WEFT_MS(1), 80));
        WANT(value, 80);
        MUST(weft_spawn_ready(&scope, &value, serve, 0, 81));
        WANT(value, 81);
        WANT(n_done, 0);
        weft_scope_cancel(&scope);
        MUST(weft_scope_wait(&scope));
        WANT(n_done, 2);
    }
    return weft_pause();
}

WT_TEST(the_spawner_goes_on_when_the_task_is_ready) { in_both(be_ready); }

static int fail_before_ready(void *arg)
{
    (void)arg;
    int value = 7;
    long wide = 7;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, sleep_long));
    WANT(weft_spawn_ready(&scope, &value, end_with, -EIO), -EIO);
    WANT(weft_spawn_ready(&scope, &value, end_with, 0), WEFT_ENOTREADY);
    WANT(weft_spawn_ready(&scope, &wide, serve, 0, 1), WEFT_EMSGSIZE);
    WANT(value, 7);
    WANT(wide, 7);
    MUST(weft_pause()); /* nobody was cancelled */
    WANT(n_done, 0);
    ck_assert_uint_eq(weft_scope_n_errors(&scope), 0);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    WANT(weft_spawn_ready(&scope, &value, serve, 0, 1), WEFT_ECLOSED);
    return 0;
}

WT_TEST(one_that_fails_before_is_the_calls_error_alone) { in_both(fail_before_ready); }

static int fail_after_ready(void *arg);

WEFT_TASK(ready_then, (int, rc))
{
    WEFT_TRY(weft_ready(1));
    return rc;
}

static int fail_after_ready(void *arg)
{
    (void)arg;
    int value = 0;
    WEFT_SCOPE(scope);
    MUST(weft_spawn_ready(&scope, &value, ready_then, -EIO));
    WANT(weft_scope_wait(&scope), -EIO);
    return 0;
}

WT_TEST(one_that_fails_after_is_its_scopes_error) { in_both(fail_after_ready); }

WEFT_TASK(slow_start, (atomic_bool *, was_cancelled))
{
    int rc = weft_sleep(INT64_MAX);
    weft_shield shield;
    weft_shield_begin(&shield);
    MUST(weft_sleep(WEFT_US(50))); /* its teardown */
    weft_shield_end(&shield);
    WANT(weft_ready(1), WEFT_ECANCELED);
    atomic_store(was_cancelled, rc == WEFT_ECANCELED);
    return rc;
}

static int cancel_start(void *arg)
{
    (void)arg;
    atomic_bool was_cancelled = false;
    int value = 7;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, sleep_long));
    {
        WEFT_SCOPE(limit, .timeout_ns = WEFT_MS(1));
        WANT(weft_spawn_ready(&scope, &value, slow_start, &was_cancelled), WEFT_ECANCELED);
        ck_assert(atomic_load(&was_cancelled)); /* it has ended */
        WANT(weft_scope_wait(&limit), WEFT_ETIMEDOUT);
    }
    WANT(value, 7);
    MUST(weft_pause());
    WANT(n_done, 0);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    return 0;
}

WT_TEST(a_spawner_that_gives_up_takes_the_task_with_it) { in_both(cancel_start); }

WEFT_TASK(count_start, (int64_t, d_ns))
{
    WEFT_TRY(weft_sleep(d_ns));
    WEFT_TRY(weft_ready(1));
    atomic_fetch_add(&n_done, 1);
    return weft_sleep(INT64_MAX);
}

/* Whatever comes first: after an error nobody is left, after 0 the task is ready. */
WT_TEST(ready_against_giving_up)
{
    for (unsigned round = wt_scaled(300); round > 0; round--) {
        atomic_store(&n_done, 0);
        int value = 0, rc;
        WEFT_SCOPE(scope);
        {
            WEFT_SCOPE(limit, .timeout_ns = WEFT_US(1 + wt_random_below(20)), .move_on = true);
            rc = weft_spawn_ready(&scope, &value, count_start, WEFT_US(wt_random_below(20)));
            MUST(weft_scope_wait(&limit));
        }
        ck_assert(rc == 0 || rc == WEFT_ECANCELED);
        WANT(value, rc == 0);
        weft_scope_cancel(&scope);
        MUST(weft_scope_wait(&scope));
        WANT(n_done, rc == 0);
    }
}

WEFT_TASK(unasked)
{
    MUST(weft_ready(1));
    return weft_result(2);
}

static int ready_unasked(void *arg)
{
    (void)arg;
    WEFT_AUTO(weft_task, it);
    int value = 0, answer = 0;
    WEFT_SCOPE(scope, .joins = true, .limit = 1);
    MUST(weft_spawn(&scope, unasked));
    MUST(weft_spawn_with(
        &scope, WEFT_OPTS(spawn, .out_task = &it, .out_ready = &value, .ready_size = sizeof value),
        unasked));
    WANT(value, 1);
    MUST(weft_join_result(it, NULL, &answer));
    WANT(answer, 2);
    weft_task_end end;
    int n = 0;
    while (WEFT_TRY(weft_join_next(&scope, &end)) == 1)
        n++;
    WANT(n, 2);
    MUST(weft_scope_wait(&scope));
    return 0;
}

WT_TEST(handle_ready_joins_and_limit_together) { in_both(ready_unasked); }

/* A generator that such a task opens lasts as long as one that any task opens. */
WEFT_GENERATOR(count_to, weft_rx(int), (int, last))
{
    for (int i = 1; i <= last; i++)
        WEFT_TRY(weft_yield(i));
    return 0;
}

WEFT_TASK(open_and_give, (tx, weft_rx(int), out))
{
    WEFT_RX(int, numbers);
    WEFT_TRY(weft_ready(1));
    WEFT_TRY(count_to(3, &numbers));
    return weft_send(out, WEFT_STEAL(numbers));
}

static int generator_outlasts(void *arg)
{
    (void)arg;
    int value = 0, sum = 0;
    WEFT_TX(weft_rx(int), tx);
    WEFT_RX(weft_rx(int), rx);
    MUST(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope, .joins = true);
    MUST(weft_spawn_ready(&scope, &value, open_and_give, WEFT_MOVE(tx)));
    weft_task_end end;
    WANT(weft_join_next(&scope, &end), 1);
    WEFT_RX(int, numbers);
    WANT(weft_recv(rx, &numbers), 1);
    weft_each (n, numbers)
        sum += n;
    WANT(sum, 6);
    MUST(weft_scope_wait(&scope));
    return 0;
}

WT_TEST(what_a_started_task_opens_lasts_as_long_as_ever) { in_both(generator_outlasts); }

WT_MAIN("scope join")
