/* SPDX-License-Identifier: MIT */
#include "sched/pace.h"

#ifdef WF_SIM
#include "plat/sim.h"
#endif

enum {
    PICKS_A_LOOK = 16,
    PICKS_A_TOUR = 61,
    SHORT_RUN_NS = 2000,
    FIRST_RUN_NS = 10000, /* before anything was measured: enough to share three tasks */
    TOUR_NS = 100000,
    OLDEST_NS = 1000000,
    FRESH_HELP_NS = 200000,
    LONG_RUN_NS = 13000, /* 61 of them between two tours of a lone worker are 0.8 ms */
};

static uint64_t picks_of(struct wf_worker *w) { return wf_load_rlx_raw(&w->stats[WF_SWITCHES]); }

static bool is_alone(void) { return wf_n_workers() == 1; }

static uint64_t picks_until_look(struct wf_worker *w)
{
    if (is_alone())
        return w->run_ns > LONG_RUN_NS ? 1 : PICKS_A_TOUR;
    return w->run_ns > SHORT_RUN_NS ? 1 : PICKS_A_LOOK;
}

/* In the simulator virtual time stands still while tasks run: whether help is wanted is the seed's
 * choice. Not by the worker's generator: for TSan the tasks that draw from it here are in no
 * order. */
static uint32_t length_that_wants_help(struct wf_worker *w)
{
    if (is_alone())
        return UINT32_MAX;
#ifdef WF_SIM
    (void)w;
    return (uint32_t)(wf_sim_random() % 8);
#else
    bool waits_long = w->now_ns - w->fresh_since_ns > FRESH_HELP_NS;
    return waits_long ? 0 : (uint32_t)(WF_HELP_NS / w->turn_ns);
#endif
}

/* Whoever sleeps is told once, when this begins to be so. */
WF_WORKER_LOCAL static void set_wants_help(struct wf_worker *w, bool wants_help)
{
    if (WF_LIKELY(wants_help == wf_load_rlx(&w->wants_help)))
        return;
    wf_store_rlx(&w->wants_help, wants_help);
    if (wants_help)
        wf_idle_notify();
}

WF_WORKER_LOCAL static void restart(struct wf_worker *w, int64_t now_ns)
{
    w->now_ns = now_ns;
    if (wf_runq_fresh_length(&w->runq) == 0)
        w->fresh_since_ns = now_ns;
    w->looked_at = picks_of(w);
    w->look_at = w->looked_at + picks_until_look(w);
    w->help_length = length_that_wants_help(w);
    set_wants_help(w, wf_runq_length(&w->runq) + 1 > w->help_length);
}

WF_WORKER_LOCAL static void begin_turns(struct wf_worker *w, int64_t now_ns)
{
    w->turned_ns = now_ns;
    w->turned_at = picks_of(w);
    w->n_stayed = 0;
}

/* After a sleep, and at the start: the time until now was nobody's run. */
WF_WORKER_LOCAL void wf_pace_start(struct wf_worker *w)
{
    if (w->run_ns == 0)
        w->run_ns = w->turn_ns = FIRST_RUN_NS;
    restart(w, wf_clock_now());
    begin_turns(w, w->now_ns);
    w->surplus_since_ns = w->now_ns;
}

/* A tree of spawns is walked in depth, and with each branch that is begun before its time another
 * path of stacks is in use: so seldom, yet each of a thousand begins within a second. Virtual time
 * stands still while tasks run. */
WF_WORKER_LOCAL static void look_at_age(struct wf_worker *w, int64_t now_ns)
{
#ifdef WF_SIM
    bool is_due = wf_sim_random() % 4 == 0;
#else
    bool is_due = now_ns - w->oldest_ns >= OLDEST_NS;
#endif
    if (!is_due)
        return;
    w->oldest_ns = now_ns;
    w->is_oldest_due = true;
    w->fresh_at = 0; /* now, or a thousand long runs away */
}

static int64_t average(int64_t before, int64_t d_ns, int64_t n)
{
    return WF_MAX(before + (d_ns / n - before) / 4, 1);
}

/* A turn of a task that makes one short blocking call after the other is many looks long. */
WF_WORKER_LOCAL static void measure_turns(struct wf_worker *w, int64_t now_ns)
{
    int64_t n = (int64_t)(picks_of(w) - w->turned_at) - w->n_stayed;
    if (WF_LIKELY(w->n_stayed == 0))
        w->turn_ns = w->run_ns;
    else if (n > 0)
        w->turn_ns = average(w->turn_ns, now_ns - w->turned_ns, n);
    else
        return;
    begin_turns(w, now_ns);
}

WF_WORKER_LOCAL WF_NOINLINE void wf_pace_look(struct wf_worker *w)
{
    int64_t now_ns = wf_clock_now();
    look_at_age(w, now_ns);
    int64_t n = (int64_t)(picks_of(w) - w->looked_at);
    if (n > 0)
        w->run_ns = average(w->run_ns, now_ns - w->now_ns, n);
    measure_turns(w, now_ns);
    restart(w, now_ns);
    w->is_tour_due = w->looked_at - w->toured_at >= PICKS_A_TOUR || now_ns - w->toured_ns > TOUR_NS;
}

WF_WORKER_LOCAL void wf_pace_toured(struct wf_worker *w)
{
    w->is_tour_due = false;
    w->toured_at = picks_of(w);
    w->toured_ns = w->now_ns;
}

WF_WORKER_LOCAL WF_NOINLINE void wf_pace_ask(struct wf_worker *w)
{
    if (is_alone())
        return;
    wf_store_rlx(&w->wants_help, true);
    wf_idle_notify();
}

static bool is_stuck(struct wf_worker *w)
{
    uint64_t picks = wf_load_rlx(&w->stats[WF_SWITCHES]);
    bool has_moved = picks != wf_load_rlx(&w->picks_watched);
    wf_store_rlx(&w->picks_watched, picks);
    return !has_moved && wf_runq_length(&w->runq) > 0;
}

bool wf_pace_watch(struct wf_worker *self)
{
    bool has_stuck = false;
    for (unsigned i = 0; i < wf_n_workers(); i++) {
        struct wf_worker *w = &wf_rt.workers[i];
        if (w == self || !is_stuck(w))
            continue;
        wf_store_rlx(&w->wants_help, true);
        has_stuck = true;
    }
    return has_stuck;
}
