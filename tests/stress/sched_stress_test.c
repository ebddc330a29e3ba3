/* SPDX-License-Identifier: MIT
 * The scheduler under load: storms of spawns and yields, trees of scopes, wakes between workers and
 * plain threads, with 1 to 8 workers. What was spawned is completed, nothing is waited for that does
 * not come. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

static const unsigned worker_counts[] = { 1, 2, 3, 4, 8 };

static weft_stats stats_now(void)
{
    weft_stats stats = { .size_ = sizeof stats };
    MUST(weft_stats_get(&stats));
    return stats;
}

/* The body with each number of workers; the laws of conservation after each. */
static void with_each_count(void (*body)(void))
{
    wt_seeds_at_most(20);
    for (size_t i = 0; i < sizeof worker_counts / sizeof worker_counts[0]; i++) {
        MUST(weft_configure(WEFT_CONFIG(.workers = worker_counts[i], .seed = wt_seed())));
        body();
        weft_stats stats = stats_now();
        ck_assert_uint_eq(stats.spawned, stats.completed);
        ck_assert_uint_eq(stats.live_tasks, 0);
        ck_assert_uint_eq(stats.timed_park_rescues, 0);
        MUST(weft_shutdown(WEFT_SEC(30)));
        stats = stats_now();
        ck_assert_uint_eq(stats.parks, stats.wakes);
    }
}

/* ---- spawn storms ---------------------------------------------------------------------------- */

WEFT_TASK(count, (_Atomic long *, n))
{
    atomic_fetch_add(n, 1);
    return 0;
}

WEFT_TASK(spawn_storm, (unsigned, n_tasks), (_Atomic long *, n))
{
    WEFT_SCOPE(scope);
    for (unsigned i = 0; i < n_tasks; i++)
        WEFT_TRY(weft_spawn(&scope, count, n));
    return weft_scope_wait(&scope);
}

static void storm_of_spawns(void)
{
    unsigned n_tasks = wt_scaled(20000);
    _Atomic long n = 0;
    WEFT_SCOPE(scope);
    for (int i = 0; i < 4; i++)
        MUST(weft_spawn(&scope, spawn_storm, n_tasks, &n));
    for (unsigned i = 0; i < n_tasks; i++)
        MUST(weft_spawn(&scope, count, &n));
    MUST(weft_scope_wait(&scope));
    WANT(n, 5 * (long)n_tasks);
}

WT_TEST(spawn_storms) { with_each_count(storm_of_spawns); }

/* ---- a tree ---------------------------------------------------------------------------------- */

/* Skynet: ten children each, the leaves are numbered, the sums go up. */
WEFT_TASK(sum_below, (long, first), (long, size), (long *, out_sum))
{
    if (size == 1) {
        *out_sum = first;
        return 0;
    }
    long sums[10];
    WEFT_SCOPE(scope);
    for (int i = 0; i < 10; i++)
        WEFT_TRY(weft_spawn(&scope, sum_below, first + i * (size / 10), size / 10, &sums[i]));
    WEFT_TRY(weft_scope_wait(&scope));
    *out_sum = 0;
    for (int i = 0; i < 10; i++)
        *out_sum += sums[i];
    return 0;
}

static void skynet(void)
{
    long size = wt_is_sim() ? 100 : wt_scaled(100) == 100 ? 100000 : 10000, sum = 0;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, sum_below, 0, size, &sum));
    MUST(weft_scope_wait(&scope));
    WANT(sum, size * (size - 1) / 2);
}

WT_TEST(a_tree_of_a_hundred_thousand) { with_each_count(skynet); }

/* ---- yields ---------------------------------------------------------------------------------- */

WEFT_TASK(yield_often, (unsigned, n), (_Atomic long *, total))
{
    while (n-- > 0) {
        WEFT_TRY(weft_pause());
        atomic_fetch_add_explicit(total, 1, memory_order_relaxed);
    }
    return 0;
}

static void storm_of_yields(void)
{
    _Atomic long total = 0;
    unsigned n = wt_scaled(5000);
    WEFT_SCOPE(scope);
    for (int i = 0; i < 50; i++)
        MUST(weft_spawn(&scope, yield_often, n, &total));
    MUST(weft_scope_wait(&scope));
    WANT(total, 50 * (long)n);
}

WT_TEST(yield_storms) { with_each_count(storm_of_yields); }

/* ---- wakes that must not be lost ------------------------------------------------------------- */

enum { PAIRS = 3 };

WEFT_TASK(answer, (rx, unsigned, in), (tx, unsigned, out))
{
    weft_each (value, in)
        WEFT_TRY(weft_send(out, value ^ 1u));
    return weft_error(in);
}

struct asker {
    weft_tx(unsigned) to;
    weft_rx(unsigned) from;
    unsigned n;
};

static void ask(struct asker *asker)
{
    for (unsigned i = 0; i < asker->n; i++) {
        unsigned value = 0;
        MUST(weft_send(asker->to, i));
        WANT(weft_recv(asker->from, &value), 1);
        ck_assert_uint_eq(value, i ^ 1u);
    }
}

static void ask_on_thread(void *arg) { ask(arg); }

WEFT_TASK(ask_in_task, (struct asker *, asker))
{
    ask(asker);
    return 0;
}

/* Each pair parks and wakes the other n times; half of the askers are threads. */
static void begin_pair(weft_scope *scope, struct asker *asker)
{
    WEFT_RX(unsigned, in);
    WEFT_TX(unsigned, out);
    asker->to = NULL;
    asker->from = NULL;
    MUST(weft_chan_open(&asker->to, &in, 0));
    MUST(weft_chan_open(&out, &asker->from, 0));
    asker->n = wt_is_sim() ? 20 : wt_scaled(3000);
    MUST(weft_spawn(scope, answer, WEFT_MOVE(in), WEFT_MOVE(out)));
}

static void park_and_wake(void)
{
    struct asker askers[2 * PAIRS];
    wt_thread *threads[PAIRS];
    WEFT_SCOPE(scope);
    for (int i = 0; i < 2 * PAIRS; i++)
        begin_pair(&scope, &askers[i]);
    {
        WEFT_SCOPE(asking);
        for (int i = 0; i < PAIRS; i++) {
            threads[i] = wt_thread_start(ask_on_thread, &askers[i]);
            MUST(weft_spawn(&asking, ask_in_task, &askers[PAIRS + i]));
        }
        MUST(weft_scope_wait(&asking));
    }
    for (int i = 0; i < PAIRS; i++)
        wt_thread_join(threads[i]);
    for (int i = 0; i < 2 * PAIRS; i++) {
        WEFT_DROP(askers[i].to);
        WEFT_DROP(askers[i].from);
    }
    MUST(weft_scope_wait(&scope));
}

WT_TEST(no_wake_is_lost) { with_each_count(park_and_wake); }

/* ---- threads that push into the shared queue ------------------------------------------------- */

static void push_tasks(void *arg)
{
    _Atomic long *n = arg;
    for (unsigned round = wt_scaled(300); round > 0; round--) {
        WEFT_SCOPE(scope);
        for (int i = 0; i < 5; i++)
            MUST(weft_spawn(&scope, count, n));
        MUST(weft_scope_wait(&scope));
    }
}

static void threads_push(void)
{
    wt_thread *threads[4];
    _Atomic long n = 0;
    for (int i = 0; i < 4; i++)
        threads[i] = wt_thread_start(push_tasks, (void *)&n);
    for (int i = 0; i < 4; i++)
        wt_thread_join(threads[i]);
    WANT(n, 4 * 5 * (long)wt_scaled(300));
}

WT_TEST(many_threads_push) { with_each_count(threads_push); }

/* ---- sleepers -------------------------------------------------------------------------------- */

WEFT_TASK(sleep_some, (unsigned, n))
{
    while (n-- > 0) {
        int64_t at_ns = weft_now_ns() + WEFT_US(wt_random_below(300));
        WEFT_TRY(weft_sleep_until(at_ns));
        ck_assert_int_ge(weft_now_ns(), at_ns);
    }
    return 0;
}

static void many_sleepers(void)
{
    WEFT_SCOPE(scope);
    for (unsigned i = wt_is_sim() ? 10 : wt_scaled(1000); i > 0; i--)
        MUST(weft_spawn(&scope, sleep_some, 5));
    MUST(weft_scope_wait(&scope));
}

WT_TEST(sleepers_all_wake) { with_each_count(many_sleepers); }

/* ---- everything, with cancels at any time ---------------------------------------------------- */

WEFT_TASK(live_dangerously, (unsigned, depth))
{
    int64_t timeout_ns = wt_random_below(3) == 0 ? WEFT_US(1 + wt_random_below(300)) : 0;
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns, .shielded = wt_random_below(10) == 0);
    for (uint64_t i = depth == 0 ? 0 : wt_random_below(4); i > 0; i--)
        MUST(weft_spawn(&scope, live_dangerously, depth - 1));
    int rc = 0;
    switch (wt_random_below(6)) {
    case 0: rc = weft_sleep(WEFT_US(wt_random_below(200))); break;
    case 1: rc = weft_pause(); break;
    case 2: weft_scope_cancel(&scope); break;
    case 3: return -EIO; /* the brace cancels and joins */
    case 4: rc = WEFT_ECLOSED; break;
    default: break;
    }
    int waited = weft_scope_wait(&scope);
    ck_assert(waited == 0 || waited == -EIO || waited == WEFT_ETIMEDOUT ||
              waited == WEFT_ECANCELED);
    return rc;
}

static void random_trees(void)
{
    for (unsigned i = wt_scaled(400); i > 0; i--) {
        WEFT_SCOPE(scope);
        MUST(weft_spawn(&scope, live_dangerously, 5));
        int rc = weft_scope_wait(&scope);
        ck_assert(rc == 0 || rc == -EIO || rc == WEFT_ECANCELED);
    }
}

WT_TEST(random_trees_with_errors_deadlines_and_cancels) { with_each_count(random_trees); }

WT_MAIN("sched_stress")
