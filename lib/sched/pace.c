/* SPDX-License-Identifier: MIT */
#include "sched/pace.h"

#ifdef WF_SIM
#include "plat/sim.h"
#endif

enum {
    SWITCHES_A_LOOK = 16,
    SHORT_RUN_NS = 2000,
    FIRST_RUN_NS = 10000, /* before anything was measured: enough to share three tasks */
};

WF_WORKER_LOCAL static void restart(struct wf_worker *w, int64_t now_ns)
{
    w->now_ns = now_ns;
    w->pace_n = w->run_ns > SHORT_RUN_NS ? 1 : SWITCHES_A_LOOK;
    w->pace_left = w->pace_n;
}

/* After a sleep, and at the start: the time until now was nobody's run. */
WF_WORKER_LOCAL void wf_pace_start(struct wf_worker *w)
{
    if (w->run_ns == 0)
        w->run_ns = FIRST_RUN_NS;
    restart(w, wf_clock_now());
}

#ifdef WF_SIM
/* Virtual time stands still while tasks run: whether help is wanted is the seed's choice. Not by the
 * worker's generator: for TSan the tasks that draw from it here are in no order. */
static bool is_slow(struct wf_worker *w)
{
    (void)w;
    return wf_sim_random() % 2 == 0;
}
#else
WF_WORKER_LOCAL static bool is_slow(struct wf_worker *w)
{
    return w->run_ns * ((int64_t)wf_runq_length(&w->runq) + 1) > WF_HELP_NS;
}
#endif

WF_WORKER_LOCAL WF_NOINLINE void wf_pace_look(struct wf_worker *w)
{
    int64_t now_ns = wf_clock_now();
    uint32_t n = w->pace_n - w->pace_left;
    if (n > 0)
        w->run_ns += ((now_ns - w->now_ns) / n - w->run_ns) / 4;
    w->run_ns = WF_MAX(w->run_ns, 1);
    restart(w, now_ns);
    bool wants_help = is_slow(w);
    if (wants_help != wf_load_rlx(&w->wants_help))
        wf_store_rlx(&w->wants_help, wants_help);
}

WF_WORKER_LOCAL WF_NOINLINE void wf_pace_ask(struct wf_worker *w)
{
    wf_store_rlx(&w->wants_help, true);
    wf_idle_notify();
}

static bool is_stuck(struct wf_worker *w)
{
    uint64_t switches = wf_load_rlx(&w->stats[WF_SWITCHES]);
    bool has_moved = switches != wf_load_rlx(&w->switches_watched);
    wf_store_rlx(&w->switches_watched, switches);
    return !has_moved && wf_runq_length(&w->runq) > 0;
}

bool wf_pace_watch(struct wf_worker *self)
{
    bool has_stuck = false;
    wf_store_rlx(&wf_rt.monitor_tick, wf_load_rlx(&wf_rt.monitor_tick) + 1);
    for (unsigned i = 0; i < wf_rt.n_workers; i++) {
        struct wf_worker *w = &wf_rt.workers[i];
        if (w == self || !is_stuck(w))
            continue;
        wf_store_rlx(&w->wants_help, true);
        has_stuck = true;
    }
    return has_stuck;
}
