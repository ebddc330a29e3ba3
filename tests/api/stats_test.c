/* SPDX-License-Identifier: MIT
 * weft_stats_get: the counters that tests and users may rely on. */
#include "wt_test.h"

#include <string.h>
#include <weft.h>

static weft_stats stats_now(void)
{
    weft_stats stats = { .size_ = sizeof stats };
    ck_assert_int_eq(weft_stats_get(&stats), 0);
    return stats;
}

WEFT_TASK(nap, (int64_t, d_ns)) { return weft_sleep(d_ns); }

WT_TEST(wrong_sizes_are_refused)
{
    weft_stats stats = { .size_ = sizeof stats + 1 };
    ck_assert_int_eq(weft_stats_get(&stats), WEFT_EINVAL);
    ck_assert_int_eq(weft_stats_get(NULL), WEFT_EINVAL);
}

/* A program compiled with an older, shorter struct. */
WT_TEST(a_shorter_struct_is_filled_as_far_as_it_goes)
{
    struct {
        weft_stats stats;
    } memory;
    memset(&memory, 0x5a, sizeof memory);
    memory.stats.size_ = offsetof(weft_stats, steals);
    ck_assert_int_eq(weft_stats_get(&memory.stats), 0);
    ck_assert_uint_eq(memory.stats.live_tasks, 0);
    ck_assert_uint_eq(memory.stats.steals, 0x5a5a5a5a5a5a5a5a);
}

WT_TEST(nothing_runs_before_the_first_call)
{
    weft_stats stats = stats_now();
    ck_assert_uint_eq(stats.workers, 0);
    ck_assert_uint_eq(stats.live_tasks, 0);
}

/* Whoever has joined its tasks finds them counted as completed. */
WT_TEST(spawned_is_completed_once_joined)
{
    weft_stats before = stats_now();
    WEFT_SCOPE(scope);
    for (uint64_t round = 1; round <= 20; round++) {
        WEFT_SCOPE(inner);
        for (int i = 0; i < 5; i++)
            ck_assert_int_eq(weft_spawn(&inner, nap, WEFT_US(i)), 0);
        ck_assert_int_eq(weft_scope_wait(&inner), 0);
        weft_stats after = stats_now();
        ck_assert_uint_eq(after.spawned - before.spawned, 5 * round);
        ck_assert_uint_eq(after.completed - before.completed, 5 * round);
        ck_assert_uint_eq(after.live_tasks, 0);
    }
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
}

WT_TEST(counters_outlive_the_workers)
{
    weft_stats before = stats_now();
    for (uint64_t round = 1; round <= 5; round++) {
        {
            WEFT_SCOPE(scope);
            for (int i = 0; i < 7; i++)
                ck_assert_int_eq(weft_spawn(&scope, nap, 0), 0);
            ck_assert_int_eq(weft_scope_wait(&scope), 0);
        }
        ck_assert_int_eq(weft_shutdown(WEFT_SEC(10)), 0);
        weft_stats after = stats_now();
        ck_assert_uint_eq(after.workers, 0);
        ck_assert_uint_eq(after.stacks_mapped, 0);
        ck_assert_uint_eq(after.spawned - before.spawned, 7 * round);
        ck_assert_uint_eq(after.completed - before.completed, 7 * round);
        ck_assert_uint_eq(after.parks, after.wakes);
    }
}

WT_TEST(one_worker_has_nobody_to_steal_from)
{
    weft_stats before = stats_now();
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 1)), 0);
    WEFT_SCOPE(scope);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(weft_spawn(&scope, nap, WEFT_US(10 * i)), 0);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    weft_stats after = stats_now();
    ck_assert_uint_eq(after.workers, 1);
    ck_assert_uint_eq(after.steals, before.steals);
    ck_assert_uint_ge(after.timers_fired - before.timers_fired, 1);
    ck_assert_uint_ge(after.switches - before.switches, 20);
    ck_assert_uint_eq(after.timed_park_rescues, 0);
}

WT_MAIN("stats")
