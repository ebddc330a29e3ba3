/* SPDX-License-Identifier: MIT
 * The simulator's PCT mode: schedules by priorities (Burckhardt, Kothari, Musuvathi and Nagarakatte,
 * "A randomized scheduler with probabilistic guarantees of finding bugs", ASPLOS 2010).
 *
 * Of the threads that can run the one of the highest priority does. Priorities are drawn from the
 * seed; at depth - 1 points, drawn among the next `steps`, whoever runs falls below all that have
 * not fallen. A bug that takes `depth` ordered events of n threads to show within that many steps
 * is met with a probability of at least 1 / (n * steps ^ (depth - 1)), whatever else goes on.
 *
 * How long a run will be nobody knows: after `steps` points all begins anew, with other priorities
 * and other points; unless the caller gives it, `steps` is a power of two drawn for the run. So a
 * long run is many short ones, and nobody starves.
 *
 *   I5  A thread that spins falls below all others: it may wait for any of them.
 *   I6  No two priorities are equal: who runs depends on no list's order. */
#include "plat/sim_core.h"

#include <stdio.h>

enum { STEPS_LOG_MIN = 6, STEPS_LOG_MAX = 12 }; /* 64 to 4096 points */

static void set_priority(struct wf_sim_thread *thread, int64_t priority, const char *why)
{
    thread->priority = priority;
    if (wf_sim.opts.trace)
        fprintf(stderr, "sim: point %llu: %u %s has priority %lld, %s\n",
                (unsigned long long)wf_sim.points, thread->id, thread->name, (long long)priority,
                why);
}

/* Above all that fell. The id tells those apart that drew the same number. */
void wf_sim_pct_admit(struct wf_sim_thread *thread)
{
    int64_t drawn = (int64_t)wf_sim_draw(UINT64_C(1) << 30);
    wf_sim.pct.is_stale = true;
    set_priority(thread, (drawn + 1) << 32 | thread->id, "new");
}

void wf_sim_pct_spins(struct wf_sim_thread *thread)
{
    set_priority(thread, --wf_sim.pct.lowest, "spins");
}

/* To the priority that belongs to the i-th point, or if it is below that one already, lowest. */
static void fall(struct wf_sim_thread *thread, unsigned i)
{
    bool has_fallen = thread->priority <= (int64_t)i + 1;
    set_priority(thread, has_fallen ? --wf_sim.pct.lowest : (int64_t)i + 1, "falls");
}

static uint64_t draw_steps(void)
{
    uint64_t n_sizes = STEPS_LOG_MAX - STEPS_LOG_MIN + 1;
    return UINT64_C(1) << (STEPS_LOG_MIN + wf_sim_draw(n_sizes));
}

static void begin_round(void)
{
    struct wf_sim_pct *pct = &wf_sim.pct;
    if (pct->steps == 0)
        pct->steps = wf_sim.opts.pct_steps > 0 ? wf_sim.opts.pct_steps : draw_steps();
    for (struct wf_sim_thread *t = wf_sim.threads; t != NULL; t = t->next)
        wf_sim_pct_admit(t);
    for (unsigned i = 0; i + 1 < wf_sim.opts.pct_depth; i++)
        pct->fall_at[i] = wf_sim.points + wf_sim_draw(pct->steps);
    pct->ends_at = wf_sim.points + pct->steps;
}

static void do_what_is_due(void)
{
    struct wf_sim_pct *pct = &wf_sim.pct;
    if (wf_sim.points >= pct->ends_at)
        begin_round();
    pct->next_at = pct->ends_at;
    for (unsigned i = 0; i + 1 < wf_sim.opts.pct_depth; i++) {
        if (pct->fall_at[i] <= wf_sim.points) {
            pct->fall_at[i] = UINT64_MAX;
            fall(wf_sim.current, i);
        }
        pct->next_at = WF_MIN(pct->next_at, pct->fall_at[i]);
    }
    pct->is_stale = true;
}

bool wf_sim_pct_step(void)
{
    if (wf_sim.points >= wf_sim.pct.next_at)
        do_what_is_due();
    return wf_sim.pct.is_stale;
}

struct wf_sim_thread *wf_sim_pct_first(bool (*fits)(const struct wf_sim_thread *thread))
{
    struct wf_sim_thread *first = NULL;
    for (struct wf_sim_thread *t = wf_sim.threads; t != NULL; t = t->next)
        if (fits(t) && (first == NULL || t->priority > first->priority))
            first = t;
    wf_sim.pct.is_stale = false;
    return first;
}
