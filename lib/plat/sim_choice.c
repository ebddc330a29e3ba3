/* SPDX-License-Identifier: MIT
 * The simulator's choices: which virtual thread runs next, and when time passes.
 *
 * Invariants:
 *   I4  The clock never goes back, and moves only when no thread does anything: to the earliest
 *       deadline when all wait, by SPIN_STEP_NS when all that can run have spun in vain since.
 *
 * A thread that spins gives way to those that don't. When all spin they take turns, and then time
 * passes, as it would for real: a search bounded in time ends, a lock's holder was let on first.
 * After PATIENT_STEPS such steps time jumps to the next deadline, so that a thread may poll for
 * what a sleeper will do in an hour.
 *
 * Rejected: a step of time for each point. Then deadlines would pass while work goes on, and a
 * test could not say that one does not. */
#include "plat/sim_core.h"

#include "plat/clock.h"

#include <errno.h>

#define SPIN_STEP_NS  ((int64_t)1000)
#define PATIENT_STEPS 1000
#define POLL_EVERY    32    /* choices between two looks at the armed fds */
#define REAL_WAIT_MS  10000 /* for a real fd when nothing else can happen */

uint64_t wf_sim_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* SplitMix64. */
uint64_t wf_sim_random(void)
{
    wf_sim.random_state += UINT64_C(0x9E3779B97F4A7C15);
    return wf_sim_mix(wf_sim.random_state);
}

uint64_t wf_sim_draw(uint64_t limit) { return wf_sim_random() % limit; }

/* ---- the threads ----------------------------------------------------------------------------- */

static bool can_run(const struct wf_sim_thread *thread)
{
    return thread->waits == WF_SIM_RUNS && !thread->has_ended;
}

static bool can_run_unspinning(const struct wf_sim_thread *thread)
{
    return can_run(thread) && !thread->is_at_spin;
}

static unsigned count(bool (*fits)(const struct wf_sim_thread *thread))
{
    unsigned n = 0;
    for (const struct wf_sim_thread *t = wf_sim.threads; t != NULL; t = t->next)
        n += fits(t);
    return n;
}

/* One of the n that fit. */
static struct wf_sim_thread *pick(bool (*fits)(const struct wf_sim_thread *thread), unsigned n)
{
    if (wf_sim.opts.pct_depth > 0)
        return wf_sim_pct_first(fits);
    uint64_t skip = wf_sim_draw(n);
    struct wf_sim_thread *t = wf_sim.threads;
    while (!fits(t) || skip-- > 0)
        t = t->next;
    return t;
}

/* ---- time ------------------------------------------------------------------------------------ */

static void make_runnable(struct wf_sim_thread *thread, bool was_woken)
{
    thread->waits = WF_SIM_RUNS;
    thread->wait_on = NULL;
    thread->was_woken = was_woken;
    wf_sim.n_spin_steps = 0;
    wf_sim.pct.is_stale = true;
}

static int64_t earliest_deadline(void)
{
    int64_t at_ns = WF_NEVER;
    for (const struct wf_sim_thread *t = wf_sim.threads; t != NULL; t = t->next)
        if (t->waits != WF_SIM_RUNS)
            at_ns = WF_MIN(at_ns, t->wake_at_ns);
    return at_ns;
}

static void move_clock(int64_t to_ns)
{
    wf_sim.now_ns = WF_MAX(wf_sim.now_ns, to_ns);
    wf_sim_all_know();
    for (struct wf_sim_thread *t = wf_sim.threads; t != NULL; t = t->next)
        if (t->waits != WF_SIM_RUNS && t->wake_at_ns <= wf_sim.now_ns)
            make_runnable(t, false);
}

/* All wait: lets real file descriptors, or else time, change that. */
static void await_world(void)
{
    if (wf_sim_poll_fds(0))
        return;
    int64_t at_ns = earliest_deadline();
    if (at_ns != WF_NEVER)
        move_clock(at_ns);
    else if (!wf_sim_poll_fds(REAL_WAIT_MS))
        wf_sim_give_up(-EDEADLK, "stuck, no thread can run and no deadline is left,");
}

/* All that can run have spun in vain. */
static void let_time_pass(void)
{
    if (wf_sim_poll_fds(0))
        return;
    int64_t at_ns = wf_sim.now_ns + SPIN_STEP_NS, deadline_ns = earliest_deadline();
    if (++wf_sim.n_spin_steps > PATIENT_STEPS && deadline_ns != WF_NEVER)
        at_ns = deadline_ns;
    move_clock(at_ns);
}

void wf_sim_wake(const void *on, int n)
{
    unsigned n_waiting = 0;
    for (const struct wf_sim_thread *t = wf_sim.threads; t != NULL; t = t->next)
        n_waiting += t->waits != WF_SIM_RUNS && t->wait_on == on;
    for (; n > 0 && n_waiting > 0; n--, n_waiting--) {
        uint64_t skip = wf_sim_draw(n_waiting);
        struct wf_sim_thread *t = wf_sim.threads;
        while (t->waits == WF_SIM_RUNS || t->wait_on != on || skip-- > 0)
            t = t->next;
        make_runnable(t, true);
        wf_sim_teach(t);
    }
}

/* ---- the next thread ------------------------------------------------------------------------- */

bool wf_sim_may_switch(void)
{
    if (wf_sim.opts.pct_depth > 0)
        return wf_sim_pct_step();
    return wf_sim_draw(100) < wf_sim.opts.switch_percent;
}

struct wf_sim_thread *wf_sim_choose(void)
{
    if (wf_sim.n_choices % POLL_EVERY == 0)
        (void)wf_sim_poll_fds(0);
    unsigned n;
    while ((n = count(can_run)) == 0)
        await_world();
    wf_sim.n_futile = 0;
    return pick(can_run, n);
}

static struct wf_sim_thread *next_in_turn(void)
{
    struct wf_sim_thread *t = wf_sim.current;
    do {
        t = t->next != NULL ? t->next : wf_sim.threads;
    } while (!can_run(t));
    return t;
}

struct wf_sim_thread *wf_sim_choose_for_spinner(void)
{
    unsigned n = count(can_run_unspinning);
    if (wf_sim.opts.pct_depth > 0)
        wf_sim_pct_spins(wf_sim.current);
    if (n > 0) {
        wf_sim.n_futile = 0;
        return pick(can_run_unspinning, n);
    }
    if (++wf_sim.n_futile > count(can_run)) {
        wf_sim.n_futile = 0;
        let_time_pass();
    }
    return next_in_turn();
}
