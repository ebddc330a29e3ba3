/* SPDX-License-Identifier: MIT
 * The simulator's PCT mode: runs that repeat, bugs of a known depth and how often they must be met,
 * threads that spin or never rest. */
#include "sim_toy.h"

static int run_pct(uint64_t seed, unsigned depth, uint64_t steps, void (*fn)(void *arg), void *arg)
{
    struct wf_sim_opts opts = {
        .seed = seed, .pct_depth = depth, .pct_steps = steps, .max_points = 1000000
    };
    return wf_sim_run(&opts, fn, arg, NULL);
}

/* ---- threads that pass so many points and end ------------------------------------------------- */

enum { RUNNERS = 4 };

struct race {
    unsigned n_points, n_ended;
    struct runner {
        struct race *race;
        unsigned place; /* 1: the first that ended */
    } runners[RUNNERS]; /* in the order in which they were started */
};

static void run(void *arg)
{
    struct runner *runner = arg;
    for (unsigned i = 0; i < runner->race->n_points; i++)
        wf_sim_point();
    runner->place = ++runner->race->n_ended;
}

static void race_main(void *arg)
{
    struct race *race = arg;
    struct wf_os_thread threads[RUNNERS];
    for (unsigned i = 0; i < RUNNERS; i++) {
        race->runners[i].race = race;
        threads[i] = toy_thread(run, &race->runners[i]);
    }
    for (unsigned i = 0; i < RUNNERS; i++)
        wf_thread_join(&threads[i]);
}

static uint64_t race_signature(uint64_t seed, unsigned depth)
{
    struct race race = { .n_points = 50 };
    ck_assert_int_eq(run_pct(seed, depth, 0, race_main, &race), 0);
    ck_assert_uint_eq(race.n_ended, RUNNERS);
    return wf_sim_signature();
}

WT_TEST(same_seed_and_depth_are_the_same_run)
{
    for (uint64_t seed = 0; seed < 50; seed++)
        for (unsigned depth = 1; depth <= WF_SIM_DEPTH_MAX; depth += 3) {
            uint64_t first = race_signature(seed, depth);
            (void)race_signature(seed + 1, depth);
            ck_assert_uint_eq(race_signature(seed, depth), first);
        }
}

WT_TEST(other_depths_are_other_runs)
{
    unsigned n_same = 0;
    for (uint64_t seed = 0; seed < 100; seed++)
        n_same += race_signature(seed, 2) == race_signature(seed, 8);
    ck_assert_uint_lt(n_same, 20);
}

/* Without points to fall at, each runs to its end once it runs. */
WT_TEST(with_depth_one_threads_run_one_after_the_other)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct race race = { .n_points = 100 };
        ck_assert_int_eq(run_pct(seed, 1, 100000, race_main, &race), 0);
        /* A thread each, and the first one in between: to start them, to join them, to end. */
        ck_assert_uint_le(wf_sim_choices(), 10 * RUNNERS);
    }
}

/* ---- how often a bug is met ---------------------------------------------------------------------- */

static unsigned count_failures(unsigned n_seeds, unsigned depth, uint64_t steps,
                               bool (*fails)(uint64_t seed, unsigned depth, uint64_t steps))
{
    unsigned n = 0;
    for (uint64_t seed = 0; seed < n_seeds; seed++)
        n += fails(seed, depth, steps);
    return n;
}

/* Depth 1: the second thread comes before the first. */
static bool second_comes_first(uint64_t seed, unsigned depth, uint64_t steps)
{
    struct race race = { .n_points = 1 };
    ck_assert_int_eq(run_pct(seed, depth, steps, race_main, &race), 0);
    return race.runners[1].place < race.runners[0].place;
}

WT_TEST(an_order_of_two_threads_is_met_in_one_of_n_runs)
{
    ck_assert_uint_ge(count_failures(1000, 1, 100, second_comes_first), 1000 / (RUNNERS + 1));
}

/* Depth 2: the victim stops between two neighbouring points while the other does all it has to. */
struct long_gap {
    unsigned n_others; /* points of the other */
    bool is_between, is_met;
};

static void stop_between(void *arg)
{
    struct long_gap *gap = arg;
    wf_sim_point();
    gap->is_between = true;
    wf_sim_point();
    gap->is_between = false;
    for (int i = 0; i < 20; i++)
        wf_sim_point();
}

static void work_long(void *arg)
{
    struct long_gap *gap = arg;
    bool was_between = gap->is_between;
    for (unsigned i = 0; i < gap->n_others; i++)
        wf_sim_point();
    gap->is_met |= was_between && gap->is_between;
}

static void long_gap_main(void *arg)
{
    struct wf_os_thread victim = toy_thread(stop_between, arg);
    struct wf_os_thread other = toy_thread(work_long, arg);
    wf_thread_join(&victim);
    wf_thread_join(&other);
}

static bool gap_is_met(uint64_t seed, unsigned depth, uint64_t steps)
{
    struct long_gap gap = { .n_others = 200 };
    ck_assert_int_eq(run_pct(seed, depth, steps, long_gap_main, &gap), 0);
    return gap.is_met;
}

WT_TEST(a_bug_of_depth_two_is_met_as_often_as_promised)
{
    /* Three threads, 256 steps: one in 768 at least. */
    ck_assert_uint_ge(count_failures(20000, 2, 256, gap_is_met), 20000 / 768 / 2);
    ck_assert_uint_gt(count_failures(5000, 2, 0, gap_is_met), 0);
}

WT_TEST(drawing_who_runs_at_each_point_does_not_meet_it)
{
    ck_assert_uint_eq(count_failures(5000, 0, 0, gap_is_met), 0);
}

/* ---- threads that spin, threads that never rest -------------------------------------------------- */

static void spin_on_second(void *arg)
{
    _Atomic uint32_t *flags = arg;
    wf_store_seq(&flags[0], 1);
    toy_spin_on_flag((void *)&flags[1]);
}

static void answer(void *arg)
{
    _Atomic uint32_t *flags = arg;
    toy_spin_on_flag((void *)&flags[0]);
    wf_store_seq(&flags[1], 1);
}

static void dialogue(void *arg)
{
    struct wf_os_thread asks = toy_thread(spin_on_second, arg);
    struct wf_os_thread answers = toy_thread(answer, arg);
    wf_thread_join(&asks);
    wf_thread_join(&answers);
}

WT_TEST(who_spins_lets_the_others_on)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        _Atomic uint32_t flags[2] = { 0, 0 };
        ck_assert_int_eq(run_pct(seed, 1 + seed % 5, 1000000, dialogue, (void *)flags), 0);
        ck_assert_uint_lt(wf_sim_points(), 1000);
    }
}

static void never_rest(void *arg)
{
    while (wf_load_seq((_Atomic uint32_t *)arg) == 0)
        ;
}

static void two_without_rest(void *arg)
{
    struct wf_os_thread restless = toy_thread(never_rest, arg);
    struct wf_os_thread setter = toy_thread(toy_set_flag, arg);
    wf_thread_join(&setter);
    wf_thread_join(&restless);
}

WT_TEST(nobody_starves_beside_one_that_never_rests)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        _Atomic uint32_t flag = 0;
        ck_assert_int_eq(run_pct(seed, 1 + seed % 5, 0, two_without_rest, (void *)&flag), 0);
    }
}

static void spin_for_a_while(void *arg)
{
    int64_t until_ns = wf_clock_after(20000);
    (void)arg;
    while (wf_clock_now() < until_ns)
        wf_cpu_relax();
}

static void all_spin(void *arg)
{
    struct wf_os_thread threads[RUNNERS];
    for (unsigned i = 0; i < RUNNERS; i++)
        threads[i] = toy_thread(spin_for_a_while, arg);
    for (unsigned i = 0; i < RUNNERS; i++)
        wf_thread_join(&threads[i]);
}

WT_TEST(time_passes_when_all_spin)
{
    for (uint64_t seed = 0; seed < 200; seed++)
        ck_assert_int_eq(run_pct(seed, 1 + seed % 5, 0, all_spin, NULL), 0);
}
