/* SPDX-License-Identifier: MIT
 * Looking for work elsewhere: the shared queue, timers and descriptors, the other workers.
 *
 * A worker with nothing of its own searches for about 20 microseconds before it sleeps (waking a
 * sleeper costs its waker some 8). It takes only from those who want help (pace.h), and their slot
 * last. */
#include "sched/pace.h"

enum { SEARCH_NS = 20000, RELAX_TURNS = 16 };

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
    if (task != NULL)
        count_stolen(w, 1 + wf_load_rlx(&w->runq.tail) - tail);
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

static struct wf_task *look_once(struct wf_worker *w)
{
    struct wf_task *task = wf_inject_take(&wf_rt.inject, w);
    if (task == NULL)
        task = steal(w);
    if (task != NULL)
        return task;
    if (wf_poll(w) == 0)
        return NULL;
    task = wf_runq_take_slot(&w->runq);
    return task != NULL ? task : wf_runq_pop(&w->runq);
}

static struct wf_task *search(struct wf_worker *w)
{
    int64_t until_ns = wf_clock_after(SEARCH_NS);
    do {
        struct wf_task *task = look_once(w);
        if (task != NULL || wf_load_rlx(&wf_rt.is_stopping))
            return task;
        for (unsigned i = 0; i < RELAX_TURNS; i++)
            wf_cpu_relax();
    } while (wf_clock_now() < until_ns);
    return NULL;
}

struct wf_task *wf_worker_find(struct wf_worker *w)
{
    if (!w->is_searching && !wf_idle_may_search())
        return look_once(w);
    wf_idle_begin_search(w);
    return search(w);
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
