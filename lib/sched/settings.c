/* SPDX-License-Identifier: MIT
 * weft_configure, and the counts behind weft_stats_get. */
#include "base/panic.h"
#include "plat/clock.h"
#include "plat/sanitizer.h"
#ifdef WF_SIM
#include "plat/sim.h"
#endif
#include "plat/self.h"
#include "sched/worker.h"

#include <string.h>
#include <sys/random.h>
#include <weft/runtime.h>

enum { MAX_WORKERS = 1024 };

#ifdef WF_SIM
/* The run's own seed decides everything. */
uint64_t wf_seed_from_system(void) { return wf_sim_random() | 1; }
#else
uint64_t wf_seed_from_system(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed || seed == 0)
        seed = (uint64_t)wf_clock_now() | 1;
    return seed;
}
#endif

static bool is_valid(const weft_config *config)
{
    return config->workers <= MAX_WORKERS && config->idle_stop_ns >= 0 &&
           config->teardown_budget_ns >= 0 && config->stack_size <= WF_STACK_MAX &&
           (config->stack_size == 0 || config->stack_size >= WF_STACK_MIN);
}

int weft_configure(const weft_config *config)
{
    weft_config copy = { .size_ = 0 };
    if (wf_load_rlx(&wf_rt.has_forked))
        return WEFT_EFORK;
    if (config == NULL || config->size_ > sizeof copy)
        return WEFT_EINVAL;
    memcpy(&copy, config, config->size_ != 0 ? config->size_ : sizeof copy);
    if (!is_valid(&copy))
        return WEFT_EINVAL;
    int rc = 0;
    wf_lock_acquire(&wf_rt.lock);
    if (wf_rt.state == WF_STOPPED)
        wf_rt.config = copy;
    else
        rc = WEFT_EBUSY;
    wf_lock_release(&wf_rt.lock);
    return rc;
}

uint64_t wf_stat(enum wf_stat stat)
{
    uint64_t sum = wf_load_rlx(&wf_rt.ended_stats[stat]);
    for (unsigned i = 0; i < wf_n_workers(); i++)
        sum += wf_load_rlx(&wf_rt.workers[i].stats[stat]);
    return sum;
}

uint64_t wf_live_tasks(void)
{
    /* Completions first: a task that ends between the two reads counts as alive. */
    uint64_t completed = wf_stat(WF_COMPLETED);
    return wf_load_rlx(&wf_rt.spawned_elsewhere) + wf_stat(WF_SPAWNED) - completed;
}

void weft_on_report(void (*hook)(const char *text, size_t size, void *arg), void *arg)
{
    wf_report_hook(hook, arg);
}

unsigned weft_version(void) { return WEFT_VERSION_NUM; }

int *weft_errno_location(void)
{
    int *location = wf_errno_location();
    wf_san_own(location); /* from the task that used it before, on this thread */
    return location;
}
