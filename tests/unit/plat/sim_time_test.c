/* SPDX-License-Identifier: MIT
 * The simulator: virtual time, and waiting on words. */
#include "sim_toy.h"

/* ---- time ------------------------------------------------------------------------------------ */

static void sleep_an_hour(void *arg)
{
    int64_t start_ns = wf_clock_now();
    toy_sleep_until(wf_clock_after(HOUR_NS));
    *(int64_t *)arg = wf_clock_now() - start_ns;
}

WT_TEST(time_jumps_to_the_deadline_and_no_further)
{
    int64_t slept_ns = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        ck_assert_int_eq(toy_run(seed, sleep_an_hour, &slept_ns), 0);
        ck_assert_int_eq(slept_ns, HOUR_NS);
    }
}

struct sleepers {
    _Atomic uint32_t n_woken;
    int64_t d_ns[3];
    int64_t order[3];
};

static struct sleepers *sleepers;

static void sleeper(void *arg)
{
    int64_t d_ns = *(int64_t *)arg, start_ns = wf_clock_now();
    toy_sleep_until(wf_clock_after(d_ns));
    ck_assert_int_eq(wf_clock_now() - start_ns, d_ns);
    sleepers->order[wf_add_seq(&sleepers->n_woken, 1)] = d_ns;
}

static void sleepers_main(void *arg)
{
    struct wf_os_thread threads[3];
    (void)arg;
    for (int i = 0; i < 3; i++)
        threads[i] = toy_thread(sleeper, &sleepers->d_ns[i]);
    for (int i = 0; i < 3; i++)
        wf_thread_join(&threads[i]);
}

WT_TEST(deadlines_come_in_order_and_never_early)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct sleepers three = { .d_ns = { 3 * HOUR_NS, HOUR_NS, 2 * HOUR_NS } };
        sleepers = &three;
        ck_assert_int_eq(toy_run(seed, sleepers_main, NULL), 0);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(three.order[i], (i + 1) * HOUR_NS);
    }
}

static void work(void *arg)
{
    for (int i = 0; i < 200; i++)
        (void)wf_add_seq((_Atomic uint32_t *)arg, 1);
}

static void time_of_work(void *arg)
{
    int64_t *out_ns = arg;
    _Atomic uint32_t word = 0;
    int64_t start_ns = wf_clock_now();
    struct wf_os_thread thread = toy_thread(work, (void *)&word);
    int rc;
    do
        rc = wf_futex_wait(&word, wf_load_seq(&word), wf_clock_after(1));
    while (wf_load_seq(&word) < 200 && rc != -ETIMEDOUT);
    ck_assert_uint_eq(wf_load_seq(&word), 200);
    wf_thread_join(&thread);
    *out_ns = wf_clock_now() - start_ns;
}

WT_TEST(no_deadline_passes_while_work_goes_on)
{
    int64_t took_ns;
    for (uint64_t seed = 0; seed < 100; seed++) {
        ck_assert_int_eq(toy_run(seed, time_of_work, &took_ns), 0);
        ck_assert_int_le(took_ns, 1);
    }
}

static void spin_for_20_us(void *arg)
{
    int64_t start_ns = wf_clock_now();
    (void)arg;
    while (wf_clock_now() - start_ns < 20000)
        wf_cpu_relax();
}

static void two_spin(void *arg)
{
    struct wf_os_thread other = toy_thread(spin_for_20_us, arg);
    spin_for_20_us(arg);
    wf_thread_join(&other);
}

WT_TEST(a_search_bounded_in_time_ends)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        ck_assert_int_eq(toy_run(seed, two_spin, NULL), 0);
        ck_assert_uint_lt(wf_sim_points(), 1000);
    }
}

static void flag_in_an_hour(void *arg)
{
    toy_sleep_until(wf_clock_after(HOUR_NS));
    toy_set_flag(arg);
}

static void spin_on_sleeper(void *arg)
{
    struct wf_os_thread other = toy_thread(flag_in_an_hour, arg);
    toy_spin_on_flag(arg);
    wf_thread_join(&other);
}

WT_TEST(a_spinner_may_poll_for_what_a_sleeper_does)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        _Atomic uint32_t word = 0;
        ck_assert_int_eq(toy_run(seed, spin_on_sleeper, (void *)&word), 0);
    }
}

static void spin_on_worker(void *arg)
{
    _Atomic uint32_t *word = arg;
    int64_t start_ns = wf_clock_now();
    struct wf_os_thread other = toy_thread(work, arg);
    while (wf_load_seq(word) < 200)
        wf_cpu_relax();
    ck_assert_int_eq(wf_clock_now(), start_ns);
    wf_thread_join(&other);
}

WT_TEST(time_stands_while_a_spinner_waits_for_work)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        _Atomic uint32_t word = 0;
        ck_assert_int_eq(toy_run(seed, spin_on_worker, (void *)&word), 0);
    }
}

/* ---- the futex ------------------------------------------------------------------------------- */

struct herd {
    _Atomic uint32_t word, n_awake;
};

static void herd_member(void *arg)
{
    struct herd *herd = arg;
    while (wf_load_seq(&herd->word) == 0)
        (void)wf_futex_wait(&herd->word, 0, WF_NEVER);
    (void)wf_add_seq(&herd->n_awake, 1);
}

static void herd_main(void *arg)
{
    struct herd *herd = arg;
    struct wf_os_thread members[5];
    for (int i = 0; i < 5; i++)
        members[i] = toy_thread(herd_member, herd);
    wf_store_seq(&herd->word, 1);
    wf_futex_wake(&herd->word, 2);
    wf_futex_wake(&herd->word, 3);
    for (int i = 0; i < 5; i++)
        wf_thread_join(&members[i]);
    ck_assert_uint_eq(wf_load_seq(&herd->n_awake), 5);
}

WT_TEST(a_wake_reaches_those_that_sleep_on_the_word)
{
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct herd herd = { 0 };
        ck_assert_int_eq(toy_run(seed, herd_main, &herd), 0);
    }
}

static void wait_on_changed_word(void *arg)
{
    _Atomic uint32_t word = 7;
    (void)arg;
    ck_assert_int_eq(wf_futex_wait(&word, 8, WF_NEVER), 0);
    ck_assert_int_eq(wf_futex_wait(&word, 7, wf_clock_now()), -ETIMEDOUT);
    wf_futex_wake(&word, 1);
}

WT_TEST(a_wait_on_a_changed_word_returns_at_once)
{
    ck_assert_int_eq(toy_run(1, wait_on_changed_word, NULL), 0);
}
