/* SPDX-License-Identifier: MIT
 * The shared queue: what plain threads make runnable, and what does not fit into a worker's own
 * queues. Linked through wf_task::next, so it is never full. */
#ifndef WF_SCHED_INJECT_H
#define WF_SCHED_INJECT_H

#include "base/lock.h"

struct wf_task;
struct wf_worker;

struct wf_inject {
    WF_CACHE_ALIGNED struct wf_lock lock;
    struct wf_task *first, *last;
    _Atomic uint32_t n; /* written under lock */
};

void wf_inject_init(struct wf_inject *q);
void wf_inject_push(struct wf_inject *q, struct wf_task *first, struct wf_task *last, uint32_t n);
struct wf_task *wf_inject_pop(struct wf_inject *q);

/* By a worker with nothing else to run first: the first, and with it the next ones into its ring, no
 * more than this worker's share. */
struct wf_task *wf_inject_take(struct wf_inject *q, struct wf_worker *w);

#endif
