/* SPDX-License-Identifier: MIT */
#include "sim_toy.h"

#include <stdio.h>

char toy_why_stuck[1024];

static void keep_why(const char *why) { snprintf(toy_why_stuck, sizeof toy_why_stuck, "%s", why); }

int toy_run(uint64_t seed, void (*fn)(void *arg), void *arg)
{
    /* A small limit: no run here is long, and a livelock should be told soon. */
    struct wf_sim_opts opts = { .seed = seed, .max_points = 1000000 };
    if (seed % 4 == 3)
        opts.pct_depth = 3; /* what holds of runs holds in either mode */
    toy_why_stuck[0] = '\0';
    return wf_sim_run(&opts, fn, arg, keep_why);
}

struct wf_os_thread toy_thread(void (*fn)(void *arg), void *arg)
{
    struct wf_os_thread thread;
    if (wf_thread_create(&thread, "toy", fn, arg) != 0)
        ck_abort_msg("a virtual thread could not start");
    return thread;
}

void toy_sleep_until(int64_t at_ns)
{
    _Atomic uint32_t word = 0;
    while (wf_futex_wait(&word, 0, at_ns) != -ETIMEDOUT)
        ;
}

void toy_set_flag(void *arg) { wf_store_seq((_Atomic uint32_t *)arg, 1); }

void toy_spin_on_flag(void *arg)
{
    while (wf_load_seq((_Atomic uint32_t *)arg) == 0)
        wf_cpu_relax();
}
