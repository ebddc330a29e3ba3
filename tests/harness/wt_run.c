/* SPDX-License-Identifier: MIT
 * One test in its own process: the body once, or once for each seed, and the leak gate after it.
 *
 * The gate ends the runtime and compares with what there was before the body: blocks of
 * plat/mem.h and open file descriptors. There is no way to opt out of it. */
#define WEFT_KEEP_ERRNO
#include "wt_internal.h"

#include "plat/mem.h"
#include "plat/sim.h"
#include "plat/thread.h"

#include <weft/error.h>
#include <weft/runtime.h>

#include <dirent.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SHUTDOWN_BUDGET_NS ((int64_t)5 * 1000000000)
#define UNTIL_LIMIT_NS     ((int64_t)30 * 1000000000)

/* A test of a lower layer links no runtime, so there is none to end. */
__attribute__((weak)) __typeof__(weft_shutdown) weft_shutdown;
#ifdef WF_SIM
__attribute__((weak)) __typeof__(weft_dump) weft_dump;
#endif
__attribute__((weak)) __typeof__(wf_mem_live) wf_mem_live;

static _Atomic uint64_t random_state;
static unsigned seed_cap;

bool wt_is_sim(void)
{
#ifdef WF_SIM
    return true;
#else
    return false;
#endif
}

uint64_t wt_seed(void) { return wt_status->seed; }

void wt_reseed(uint64_t seed)
{
    wt_status->seed = seed;
    wt_status->seed_is_set = true;
    atomic_store(&random_state, seed * UINT64_C(0x9E3779B97F4A7C15) + 1);
}

/* SplitMix64: its state is a counter, so that threads may share it. */
uint64_t wt_random(void)
{
    const uint64_t step = UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = atomic_fetch_add(&random_state, step) + step;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

uint64_t wt_random_below(uint64_t limit) { return limit == 0 ? 0 : wt_random() % limit; }

void wt_seeds_at_most(unsigned n) { seed_cap = n; }

unsigned wt_scaled(unsigned n)
{
    unsigned divisor = wt_opts.slow * (wt_is_sim() && !wt_opts.bare ? 20 : 1);
    return n / divisor > 0 ? n / divisor : 1;
}

void wt_skip(const char *reason)
{
    snprintf(wt_status->reason, sizeof wt_status->reason, "%s", reason);
    wt_status->skipped = true;
    fflush(NULL);
    _exit(0);
}

#ifdef WF_SIM

/* The run's limit of points ends a vain wait. */
void wt_until_at(const char *file, int line, bool (*cond)(void *arg), void *arg)
{
    (void)file, (void)line;
    while (!cond(arg))
        wf_cpu_relax();
}

#else

static int64_t real_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void wt_until_at(const char *file, int line, bool (*cond)(void *arg), void *arg)
{
    int64_t give_up_at_ns = real_now_ns() + UNTIL_LIMIT_NS * wt_opts.slow;
    while (!cond(arg)) {
        sched_yield();
        if (real_now_ns() > give_up_at_ns)
            ck_abort_msg("wt_until at %s:%d waits for what does not come", file, line);
    }
}

#endif

/* ---- the gate -------------------------------------------------------------------------------- */

static int count_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return -1;
    int n = 0;
    while (readdir(folder) != NULL)
        n++;
    closedir(folder);
    return n;
}

struct wt_resources wt_count_resources(void)
{
    return (struct wt_resources){
        .n_blocks = wf_mem_live != NULL ? wf_mem_live() : 0,
        .n_fds = count_fds(),
    };
}

void wt_end_runtime(void)
{
    if (weft_shutdown == NULL)
        return;
    int rc = weft_shutdown(SHUTDOWN_BUDGET_NS);
    ck_assert_msg(rc == 0, "leak gate: weft_shutdown says %d, something is stuck", rc);
}

void wt_expect_no_more_than(struct wt_resources before)
{
    struct wt_resources now = wt_count_resources();
    ck_assert_msg(now.n_blocks == before.n_blocks,
                  "leak gate: %zu blocks allocated after the test, %zu before it", now.n_blocks,
                  before.n_blocks);
    ck_assert_msg(now.n_fds == before.n_fds,
                  "leak gate: %d open file descriptors after the test, %d before it", now.n_fds,
                  before.n_fds);
}

/* ---- the flavours ---------------------------------------------------------------------------- */

static void body_and_end(void *arg)
{
    const struct wt_test *test = arg;
    test->body();
    wt_end_runtime();
}

#ifdef WF_SIM
static char stuck_why[1024];

/* All threads stand still here, so the dump comes last: a lock it wants may never be free. */
static void explain_stuck(const char *why)
{
    snprintf(stuck_why, sizeof stuck_why, "%s", why);
    fprintf(stderr, "simulator: %s\n", why);
    if (weft_dump != NULL)
        (void)weft_dump(STDERR_FILENO);
}

/* Bugs differ in how long a thread must be left alone for them to show. */
static unsigned pct_depth(uint64_t seed)
{
    static const unsigned depths[] = { 0, 0, 2, 0, 0, 3, 5 };
    return wt_opts.pct_depth != WT_MIXED ? wt_opts.pct_depth : depths[seed % 7];
}

static bool is_weak(uint64_t seed)
{
    return wt_opts.weak != WT_MIXED ? wt_opts.weak != 0 : seed % 3 == 2;
}

static void simulate(const struct wt_test *test, uint64_t seed)
{
    static const unsigned percents[] = { 10, 3, 30, 50 };
    struct wf_sim_opts opts = {
        .seed = seed,
        .switch_percent = percents[seed % 4],
        .pct_depth = pct_depth(seed),
        .is_weak = is_weak(seed),
        .trace = wt_opts.trace,
    };
    int rc = wf_sim_run(&opts, body_and_end, (void *)(uintptr_t)test, explain_stuck);
    ck_assert_msg(rc == 0, "simulator: %s", stuck_why);
}
#endif

static void run_once(const struct wt_test *test, uint64_t seed)
{
    struct wt_resources before = wt_count_resources();
    wt_reseed(seed);
    wt_reports_reset();
    wt_faults_reset();
#ifdef WF_SIM
    if (wt_opts.bare)
        body_and_end((void *)(uintptr_t)test);
    else
        simulate(test, seed);
#else
    body_and_end((void *)(uintptr_t)test);
#endif
    wt_expect_no_more_than(before);
}

void wt_run_body(const struct wt_test *test)
{
    unsigned n = wt_is_sim() && !wt_opts.bare ? wt_opts.n_seeds : 1;
    for (unsigned i = 0; i < n && (seed_cap == 0 || i < seed_cap); i++)
        run_once(test, wt_opts.first_seed + i);
}
