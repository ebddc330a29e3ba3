/* SPDX-License-Identifier: MIT */
#include "chan/registry.h"
#include "sched/worker.h"

#include <string.h>
#include <weft/runtime.h>

static void add_workers(weft_stats *stats)
{
    stats->workers = wf_rt.state == WF_RUNNING ? wf_n_workers() : 0;
    stats->completed = wf_stat(WF_COMPLETED);
    stats->spawned = wf_stat(WF_SPAWNED) + wf_load_rlx(&wf_rt.spawned_elsewhere);
    stats->live_tasks = stats->spawned - stats->completed;
    stats->steals = wf_stat(WF_STEALS);
    stats->parks = wf_stat(WF_PARKS);
    stats->wakes = wf_stat(WF_WAKES);
    stats->switches = wf_stat(WF_SWITCHES);
    stats->polls = wf_stat(WF_POLLS);
    stats->timers_fired = wf_stat(WF_TIMERS_FIRED);
}

static void add_stacks(weft_stats *stats)
{
    struct wf_stack_info info;
    wf_stack_info(&info);
    stats->stacks_mapped = info.mapped;
    stats->stacks_cached = info.cached;
}

static void add_services(weft_stats *stats)
{
    for (struct wf_service *service = wf_rt.services; service != NULL; service = service->next)
        if (service->stats != NULL)
            service->stats(stats);
}

int weft_stats_get(weft_stats *out)
{
    if (wf_load_rlx(&wf_rt.has_forked))
        return WEFT_EFORK;
    if (out == NULL || out->size_ > sizeof *out)
        return WEFT_EINVAL;
    weft_stats stats = { .size_ = out->size_ };
    wf_lock_acquire(&wf_rt.lock);
    add_workers(&stats);
    if (wf_rt.state == WF_RUNNING)
        add_stacks(&stats);
    add_services(&stats);
    wf_lock_release(&wf_rt.lock);
    wf_chan_totals(&stats.chan_sent, &stats.chan_received, &stats.chan_dropped);
    memcpy(out, &stats, out->size_ != 0 ? out->size_ : sizeof stats);
    return 0;
}
