/* SPDX-License-Identifier: MIT
 * The simulator: runs that repeat, threads, interleavings it must find, runs that get stuck. */
#include "sim_toy.h"

#include "plat/self.h"
#include "plat/sys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- determinism ----------------------------------------------------------------------------- */

/* A lock of futexes, threads that take it, memory whose addresses differ from run to run. */
struct crowd {
    _Atomic uint32_t lock; /* 0 free, 1 taken, 2 taken and somebody waits */
    unsigned n_done;
    int64_t *clocks;
};

static void crowd_lock(struct crowd *crowd)
{
    uint32_t state = 0;
    if (wf_cas_acq(&crowd->lock, &state, 1))
        return;
    while (wf_xchg_acq(&crowd->lock, 2) != 0)
        (void)wf_futex_wait(&crowd->lock, 2, WF_NEVER);
}

static void crowd_unlock(struct crowd *crowd)
{
    if (wf_xchg_acq_rel(&crowd->lock, 0) == 2)
        wf_futex_wake(&crowd->lock, 1);
}

static void crowd_member(void *arg)
{
    struct crowd *crowd = arg;
    for (int i = 0; i < 20; i++) {
        crowd_lock(crowd);
        unsigned n = crowd->n_done;
        wf_cpu_relax();
        crowd->n_done = n + 1;
        crowd_unlock(crowd);
    }
}

static void crowd_main(void *arg)
{
    struct crowd *crowd = arg;
    struct wf_os_thread threads[4];
    crowd->clocks = malloc(64);
    for (int i = 0; i < 4; i++)
        threads[i] = toy_thread(crowd_member, crowd);
    for (int i = 0; i < 4; i++)
        wf_thread_join(&threads[i]);
    crowd->clocks[0] = wf_clock_now();
    free(crowd->clocks);
}

static uint64_t crowd_signature(uint64_t seed)
{
    struct crowd crowd = { .n_done = 0 };
    ck_assert_int_eq(toy_run(seed, crowd_main, &crowd), 0);
    ck_assert_uint_eq(crowd.n_done, 80);
    return wf_sim_signature();
}

/* The test below runs this binary again, at other addresses, to have the signature printed. */
__attribute__((constructor)) static void print_signature_if_asked(void)
{
    const char *seed = getenv("WT_PRINT_SIGNATURE_OF");
    if (seed == NULL)
        return;
    struct crowd crowd = { .n_done = 0 };
    if (toy_run(strtoull(seed, NULL, 10), crowd_main, &crowd) != 0)
        _exit(1);
    printf("%llx %llu\n", (unsigned long long)wf_sim_signature(),
           (unsigned long long)wf_sim_points());
    fflush(stdout);
    _exit(0);
}

static void signature_of_new_process(char *out, size_t size)
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(program_invocation_name, program_invocation_name, (char *)NULL);
        _exit(2);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], out, size - 1);
    close(ends[0]);
    ck_assert_int_gt(n, 0);
    out[n] = '\0';
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

WT_TEST(same_seed_is_the_same_run_in_every_process)
{
    char first[64], again[64];
    setenv("WT_PRINT_SIGNATURE_OF", "4711", 1);
    signature_of_new_process(first, sizeof first);
    for (unsigned i = 0; i < wt_scaled(100); i++) {
        signature_of_new_process(again, sizeof again);
        ck_assert_str_eq(first, again);
    }
}

WT_TEST(same_seed_is_the_same_run_whatever_ran_before)
{
    uint64_t first = crowd_signature(5);
    for (uint64_t seed = 0; seed < 10; seed++) {
        crowd_signature(seed);
        ck_assert_uint_eq(crowd_signature(5), first);
    }
}

WT_TEST(other_seeds_are_other_runs)
{
    uint64_t seen[100];
    for (uint64_t seed = 0; seed < 100; seed++) {
        seen[seed] = crowd_signature(seed);
        for (uint64_t i = 0; i < seed; i++)
            ck_assert_uint_ne(seen[seed], seen[i]);
    }
}

static void see_cpus(void *arg) { *(unsigned *)arg |= 1U << wf_cpu_count(); }

WT_TEST(some_seeds_have_two_cpus_and_some_three)
{
    unsigned seen = 0;
    for (uint64_t seed = 0; seed < 50; seed++)
        ck_assert_int_eq(toy_run(seed, see_cpus, &seen), 0);
    ck_assert_uint_eq(seen, 1U << 2 | 1U << 3);
}

/* ---- threads --------------------------------------------------------------------------------- */

struct family {
    _Atomic uint32_t n_ended;
    uint32_t selves[3];
    _Atomic uint32_t n_exits;
};

static struct family *family_of_exit;

static void count_exit(void *self)
{
    ck_assert_ptr_eq(wf_self_get(), self);
    (void)wf_add_rlx(&family_of_exit->n_exits, *(uint32_t *)self);
}

static void family_child(void *arg)
{
    struct family *family = arg;
    ck_assert_ptr_null(wf_self_get());
    uint32_t mine = wf_add_seq(&family->n_ended, 1);
    family->selves[mine] = 1U << mine;
    wf_self_set(&family->selves[mine]);
    errno = (int)mine + 100;
    for (int i = 0; i < 50; i++)
        wf_sim_point();
    ck_assert_ptr_eq(wf_self_get(), &family->selves[mine]);
    ck_assert_int_eq(errno, (int)mine + 100);
}

static void family_main(void *arg)
{
    struct family *family = arg;
    int own = wf_thread_id();
    ck_assert_int_eq(wf_thread_count(), 1);
    struct wf_os_thread joined = toy_thread(family_child, family);
    struct wf_os_thread also = toy_thread(family_child, family);
    struct wf_os_thread detached = toy_thread(family_child, family);
    wf_thread_detach(&detached);
    wf_thread_join(&also);
    wf_thread_join(&joined);
    while (wf_load_seq(&family->n_ended) < 3 || wf_thread_count() > 1)
        wf_cpu_relax();
    ck_assert_int_eq(wf_thread_id(), own);
}

WT_TEST(threads_start_end_and_are_joined)
{
    wf_self_on_exit(count_exit);
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct family family = { .n_exits = 0 };
        family_of_exit = &family;
        ck_assert_int_eq(toy_run(seed, family_main, &family), 0);
        ck_assert_uint_eq(wf_load_rlx(&family.n_exits), 7);
    }
}

static void leave_behind(void *arg)
{
    (void)toy_thread(toy_set_flag, arg);
    struct wf_os_thread detached = toy_thread(toy_set_flag, arg);
    wf_thread_detach(&detached);
}

WT_TEST(a_run_ends_only_when_all_its_threads_have)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        _Atomic uint32_t flag = 0;
        ck_assert_int_eq(toy_run(seed, leave_behind, (void *)&flag), 0);
        ck_assert_uint_eq(wf_load_seq(&flag), 1);
    }
}

static int refuse_thread(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    (void)out, (void)name, (void)fn, (void)arg;
    return -EAGAIN;
}

static void start_in_vain(void *arg)
{
    struct wf_os_thread thread;
    wf_sys.thread_create = refuse_thread;
    *(int *)arg = wf_thread_create(&thread, "never", toy_set_flag, NULL);
    wf_sys = wf_sys_real;
}

WT_TEST(a_thread_may_fail_to_start)
{
    int rc = 0;
    ck_assert_int_eq(toy_run(1, start_in_vain, &rc), 0);
    ck_assert_int_eq(rc, -EAGAIN);
}

/* ---- interleavings --------------------------------------------------------------------------- */

/* Two threads, one of which may sleep for good if its partner's check falls into the gap. */
struct sleepy {
    bool checks_again;
    _Atomic uint32_t has_work, is_idle, token;
};

static void sleepy_worker(void *arg)
{
    struct sleepy *s = arg;
    if (wf_load_seq(&s->has_work))
        return;
    wf_store_seq(&s->is_idle, 1);
    if (s->checks_again && wf_load_seq(&s->has_work))
        return;
    while (wf_load_seq(&s->token) == 0)
        (void)wf_futex_wait(&s->token, 0, WF_NEVER);
}

static void sleepy_main(void *arg)
{
    struct sleepy *s = arg;
    struct wf_os_thread worker = toy_thread(sleepy_worker, s);
    wf_store_seq(&s->has_work, 1);
    if (wf_load_seq(&s->is_idle)) {
        wf_store_seq(&s->token, 1);
        wf_futex_wake(&s->token, 1);
    }
    wf_thread_join(&worker);
}

static unsigned seeds_to_failure(void (*fn)(void *arg), bool is_right, unsigned limit)
{
    for (unsigned seed = 0; seed < limit; seed++) {
        struct sleepy sleepy = { .checks_again = is_right };
        int rc = toy_run(seed, fn, &sleepy);
        if (rc != 0) {
            ck_assert_int_eq(rc, -EDEADLK);
            return seed + 1;
        }
    }
    return 0;
}

WT_TEST(a_lost_wake_up_is_found_within_500_seeds)
{
    ck_assert_uint_gt(seeds_to_failure(sleepy_main, false, 500), 0);
}

WT_TEST(a_right_wake_up_survives_500_seeds)
{
    ck_assert_uint_eq(seeds_to_failure(sleepy_main, true, 500), 0);
}

/* A counter that is not added to in one step loses additions. */
static void add_in_two_steps(void *arg)
{
    _Atomic uint32_t *counter = arg;
    for (int i = 0; i < 5; i++) {
        uint32_t n = wf_load_seq(counter);
        wf_store_seq(counter, n + 1);
    }
}

static void add_twice_at_once(void *arg)
{
    struct wf_os_thread other = toy_thread(add_in_two_steps, arg);
    add_in_two_steps(arg);
    wf_thread_join(&other);
}

WT_TEST(a_lost_update_is_found_within_100_seeds)
{
    unsigned n_lost = 0, n_kept = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        _Atomic uint32_t counter = 0;
        ck_assert_int_eq(toy_run(seed, add_twice_at_once, (void *)&counter), 0);
        n_lost += wf_load_seq(&counter) < 10;
        n_kept += wf_load_seq(&counter) == 10;
    }
    ck_assert_uint_gt(n_lost, 0);
    ck_assert_uint_gt(n_kept, 0);
}

/* ---- stuck runs ------------------------------------------------------------------------------ */

static void wait_for_ever(void *arg)
{
    _Atomic uint32_t *word = arg;
    while (wf_load_seq(word) == 0)
        (void)wf_futex_wait(word, 0, WF_NEVER);
}

static void deadlock_main(void *arg)
{
    struct wf_os_thread thread = toy_thread(wait_for_ever, arg);
    wf_thread_join(&thread);
}

WT_TEST(a_deadlock_is_reported_with_what_each_thread_waits_for)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        _Atomic uint32_t word = 0;
        ck_assert_int_eq(toy_run(seed, deadlock_main, (void *)&word), -EDEADLK);
        ck_assert_ptr_nonnull(strstr(toy_why_stuck, "stuck"));
        ck_assert_ptr_nonnull(strstr(toy_why_stuck, "1 first waits for a thread to end"));
        ck_assert_ptr_nonnull(strstr(toy_why_stuck, "2 toy waits on a futex"));
        ck_assert_int_eq(toy_run(seed, toy_set_flag, (void *)&word), 0);
    }
}

WT_TEST(a_livelock_is_reported)
{
    _Atomic uint32_t word = 0;
    struct wf_sim_opts opts = { .seed = 1, .max_points = 10000 };
    ck_assert_int_eq(wf_sim_run(&opts, toy_spin_on_flag, (void *)&word, NULL), -ETIME);
    ck_assert_uint_eq(wf_sim_points(), 10001);
}

/* ---- outside of a run ------------------------------------------------------------------------ */

WT_TEST(points_outside_of_a_run_do_nothing)
{
    _Atomic uint32_t word = 0;
    uint64_t points = wf_sim_points();
    wf_store_seq(&word, 1);
    wf_cpu_relax();
    wf_futex_wake(&word, 1);
    ck_assert_uint_eq(wf_sim_points(), points);
    ck_assert_int_eq(wf_thread_count(), 1);
    wf_self_set(&word);
    ck_assert_ptr_eq(wf_self_get(), (void *)&word);
    wf_self_set(NULL);
}

static void wait_outside(void *arg)
{
    _Atomic uint32_t word = 0;
    (void)arg;
    (void)wf_futex_wait(&word, 0, WF_NEVER);
}

static void start_outside(void *arg) { (void)toy_thread(toy_set_flag, arg); }

static void run_inside(void *arg) { (void)toy_run(1, toy_set_flag, arg); }

static void nest(void *arg) { (void)toy_run(1, run_inside, arg); }

WT_TEST(what_needs_virtual_threads_aborts_outside_of_a_run)
{
    wt_expect_abort(wait_outside, NULL, "a wait on a futex outside of wf_sim_run()");
    wt_expect_abort(start_outside, NULL, "a thread was started outside of wf_sim_run()");
    wt_expect_abort(nest, NULL, "wf_sim_run() inside of wf_sim_run()");
}

WT_MAIN_BARE("plat_sim")
