/* SPDX-License-Identifier: MIT
 * Looking for work elsewhere: the shared queue, timers and descriptors, the other workers.
 *
 * A worker with nothing of its own searches for about 20 microseconds before it sleeps (waking a
 * sleeper costs its waker some 8). It takes only from those who want help (pace.h), and their slot
 * last.
 *
 * A task that was over before it was worth the trip (the lines of its stack, its scope's count, the victim's
 * queue) is likely to have more of its kind behind it, which the victim would run in a tenth of the time, if it
 * were let: so the thief then rests for a while, and does not so much as look at the others' queues. It measures
 * what it took by its own clock, not by the victim's turns: those are long exactly when they are disturbed.
 * A victim that has picked nothing for long does not get to its queue: then every bit helps.
 *
 * No wake-up is lost by a rest: who rests goes on searching, and goes to sleep only after wf_has_work, which
 * knows of no rest. */
#include "sched/pace.h"

#ifdef WF_SIM
#include "plat/sim.h"
#endif

enum { SEARCH_NS = 20000, RELAX_TURNS = 16, TINY_NS = 400, REST_NS = 10000, STUCK_NS = 200000 };

static struct wf_worker *victim(struct wf_worker *w, uint32_t start, unsigned i)
{
    struct wf_worker *v = &wf_rt.workers[(start + i) % wf_n_workers()];
    return v != w ? v : NULL;
}

static void count_stolen(struct wf_worker *w, uint32_t n)
{
    wf_store_rlx(&w->stats[WF_STEALS], wf_load_rlx(&w->stats[WF_STEALS]) + n);
}

static struct wf_task *steal_from(struct wf_worker *w, struct wf_worker *v)
{
    uint32_t tail = wf_load_rlx(&w->runq.tail);
    struct wf_task *task = wf_runq_steal(&w->runq, &v->runq);
    if (task == NULL)
        task = wf_runq_steal_fresh(&v->runq);
    if (task == NULL)
        task = wf_runq_take_slot(&v->runq);
    if (task == NULL)
        return NULL;
    count_stolen(w, 1 + wf_load_rlx(&w->runq.tail) - tail);
    w->theft.victim = v;
    w->theft.at_ns = wf_clock_now();
    w->theft.picks = wf_load_rlx(&w->stats[WF_SWITCHES]);
    return task;
}

static struct wf_task *steal(struct wf_worker *w)
{
    uint32_t start = wf_rng_below(&w->rng, wf_n_workers());
    for (unsigned i = 0; i < wf_n_workers(); i++) {
        struct wf_worker *v = victim(w, start, i);
        struct wf_task *task = NULL;
        if (v != NULL && wf_pace_wants_help(v) && wf_runq_length(&v->runq) > 0)
            task = steal_from(w, v);
        if (task != NULL)
            return task;
    }
    return NULL;
}

/* It has nothing to do again: was that after the one task, and at once? */
static void weigh(struct wf_worker *w, int64_t now_ns)
{
    struct wf_theft *theft = &w->theft;
    struct wf_worker *victim = theft->victim;
    uint64_t n_picks = wf_load_rlx(&w->stats[WF_SWITCHES]) - theft->picks;
    theft->victim = NULL;
    if (victim == NULL || n_picks > 1 || now_ns - theft->at_ns >= TINY_NS)
        return;
    uint64_t victim_picks = wf_load_rlx(&victim->stats[WF_SWITCHES]);
    if (victim_picks != theft->victim_picks)
        theft->victim_since_ns = now_ns;
    theft->victim_picks = victim_picks;
    if (now_ns - theft->victim_since_ns < STUCK_NS)
        theft->rests_until_ns = now_ns + REST_NS;
}

/* In the simulator, where no task takes time, the seed wills it. */
static bool rests(const struct wf_worker *w, int64_t now_ns)
{
#ifdef WF_SIM
    (void)w, (void)now_ns;
    return wf_sim_random() % 4 == 0;
#else
    return now_ns < w->theft.rests_until_ns;
#endif
}

static struct wf_task *look_once(struct wf_worker *w, int64_t now_ns)
{
    struct wf_task *task = wf_inject_take(&wf_rt.inject, w);
    if (task == NULL && !rests(w, now_ns))
        task = steal(w);
    if (task != NULL)
        return task;
    if (wf_poll(w) == 0)
        return NULL;
    task = wf_runq_take_slot(&w->runq);
    return task != NULL ? task : wf_runq_pop(&w->runq);
}

static struct wf_task *search(struct wf_worker *w, int64_t now_ns)
{
    int64_t until_ns = now_ns + SEARCH_NS;
    do {
        struct wf_task *task = look_once(w, now_ns);
        if (task != NULL || wf_load_rlx(&wf_rt.is_stopping))
            return task;
        for (unsigned i = 0; i < RELAX_TURNS; i++)
            wf_cpu_relax();
        now_ns = wf_clock_now();
    } while (now_ns < until_ns);
    return NULL;
}

struct wf_task *wf_worker_find(struct wf_worker *w)
{
    int64_t now_ns = wf_clock_now();
    weigh(w, now_ns);
    if (!w->is_searching && !wf_idle_may_search())
        return look_once(w, now_ns);
    wf_idle_begin_search(w);
    return search(w, now_ns);
}

/* For a worker that is about to sleep, whose own queues are empty: is there anything to take? What
 * lies with a worker that wants no help is that one's to run (pace.h, P1). */
bool wf_has_work(void)
{
    if (wf_load_rlx(&wf_rt.inject.n) > 0)
        return true;
    for (unsigned i = 0; i < wf_n_workers(); i++) {
        struct wf_worker *w = &wf_rt.workers[i];
        if (wf_pace_wants_help(w) && wf_runq_length(&w->runq) > 0)
            return true;
    }
    return false;
}
