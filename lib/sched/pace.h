/* SPDX-License-Identifier: MIT
 * How fast a worker gets through its queue, whether others should help, and when it looks around.
 *
 * Waking a thread costs its waker as much as a thousand switches, and a task that moves to another
 * core takes its cache lines along. So tasks that exchange tiny messages stay together, and real
 * work spreads: a worker wants help when the last in its queue would have to wait for more than
 * about 20 microseconds. Until then pushing wakes nobody and thieves keep away. Of unstarted tasks,
 * where the newest comes first, the last waits for all that are yet to come, and may be a branch of a
 * tree: a worker that has had some for 200 microseconds wants help, too.
 *
 *   P1  A push without a wake goes only to the queues of a worker that runs: it will pop it, at
 *       the latest when its task waits.
 *   P2  If that task does not wait, somebody sees it: as long as any worker is awake and another
 *       sleeps, the poll owner looks every millisecond (idle.c) and marks who has work queued and
 *       has not picked a task since the last look.
 *   P3  A task that runs across such a look and pushes wakes: it does not come back soon. (The
 *       look left the number of picks in picks_watched, and it is still the same.)
 *
 *   P4  A queue may come to want help while nobody pushes: its tasks' turns have become longer, or it
 *       has had unstarted ones for too long. The look that finds it so wakes, once.
 *
 * A task that makes short blocking calls picks itself after each (worker.c), so what those behind it
 * wait for is not the time between two picks but a turn: until somebody else is picked.
 *
 * A look at the clock is 20 ns, so it is taken every 16 picks while runs are short, at every pick
 * while they are long. A tour goes over the native stack to see what only that loop looks at: the
 * shared queue, timers, descriptors. It comes every 61 picks, or when the last was long ago.
 *
 * A lone worker has nobody to help it: while runs are short it looks only when it goes on tour.
 *
 * Rejected: waking on every push (four senders and four receivers of 8 bytes: five times slower
 * on two workers than on one); waking only above a queue's length (work of 500 ns an item gains
 * nothing from the second core). A limit of 5 microseconds flaps. */
#ifndef WF_SCHED_PACE_H
#define WF_SCHED_PACE_H

#include "sched/worker.h"

#define WF_HELP_NS    INT64_C(20000)   /* a longer queue than this wants help */
#define WF_MONITOR_NS INT64_C(1000000) /* the poll owner's look at those who are awake */

void wf_pace_start(struct wf_worker *w);
WF_NOINLINE void wf_pace_look(struct wf_worker *w);
WF_NOINLINE void wf_pace_ask(struct wf_worker *w);
void wf_pace_toured(struct wf_worker *w);

/* The worker picks a task: counts, and looks when it is time to. */
WF_WORKER_LOCAL static inline void wf_pace_picks(struct wf_worker *w)
{
    uint64_t n = wf_load_rlx_raw(&w->stats[WF_SWITCHES]) + 1;
    wf_store_rlx_raw(&w->stats[WF_SWITCHES], n);
    if (WF_UNLIKELY(n >= w->look_at))
        wf_pace_look(w);
}

/* It has pushed a task to its own queues, where there are n now. */
WF_WORKER_LOCAL static inline void wf_pace_pushed(struct wf_worker *w, uint32_t n)
{
    if (WF_UNLIKELY(n > w->help_length ||
                    wf_load_rlx(&w->picks_watched) == wf_load_rlx_raw(&w->stats[WF_SWITCHES])))
        wf_pace_ask(w);
}

/* May others take from it? */
static inline bool wf_pace_wants_help(struct wf_worker *w) { return wf_load_rlx(&w->wants_help); }

/* For the poll owner: the next tick. True: somebody is stuck, and is marked. */
bool wf_pace_watch(struct wf_worker *self);

#endif
