/* SPDX-License-Identifier: MIT
 * A user's program in the simulator: weft_run, called where no simulated run is under way, starts
 * one. WEFT_SEED chooses the schedule, WEFT_TRACE=1 prints it; the simulator is a library for tests,
 * which alone read the environment. A run that is stuck is a dump and an abort. */
#include "base/panic.h"
#include "plat/sim.h"
#include "task/sim_main.h"

#include <stdlib.h>
#include <weft/runtime.h>

enum { SHUTDOWN_BUDGET_MS = 5000 };

struct run {
    int (*main_task)(void *arg);
    void *arg;
    int rc;
};

static uint64_t seed;

static void first_thread(void *arg)
{
    struct run *run = arg;
    run->rc = weft_run(run->main_task, run->arg);
    (void)weft_shutdown(WEFT_MS(SHUTDOWN_BUDGET_MS));
}

static void stuck(const char *why)
{
    (void)weft_dump(2);
    wf_panic("the simulated run is stuck: %s; WEFT_SEED=%llu", why, (unsigned long long)seed);
}

int wf_sim_main(int (*main_task)(void *arg), void *arg)
{
    const char *asked = getenv("WEFT_SEED"), *trace = getenv("WEFT_TRACE");
    struct run run = { .main_task = main_task, .arg = arg };
    seed = asked != NULL ? strtoull(asked, NULL, 10) : 1;
    struct wf_sim_opts opts = { .seed = seed, .trace = trace != NULL && trace[0] == '1' };
    int rc = wf_sim_run(&opts, first_thread, &run, stuck);
    return rc < 0 ? rc : run.rc;
}
