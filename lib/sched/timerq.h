/* SPDX-License-Identifier: MIT
 * Timers. Each worker has a queue, plain threads share one; whoever looks after time (a worker
 * between tasks, or the one parked in the poller) fires what is due in any of them.
 *
 * fire runs under the queue's lock with the timer taken out: it must not wait, take a lock of
 * lower or equal rank, or touch the timer again after it made its owner runnable. Under the lock,
 * so that wf_timer_cancel can promise: after it the callback neither runs nor will.
 *
 * A look fires in runs, each under one hold of the lock. The tasks that a run wakes are queued
 * together once the lock is released. */
#ifndef WF_SCHED_TIMERQ_H
#define WF_SCHED_TIMERQ_H

#include "base/lock.h"
#include "base/wheel.h"

struct wf_task;

struct wf_timer {
    struct wf_heap_node node;             /* node.key: the point in time */
    struct wf_timerq *queue;              /* where it was started; constant until restarted */
    void (*fire)(struct wf_timer *timer); /* NULL: fired or cancelled; the queue's lock */
};

struct wf_timerq {
    WF_CACHE_ALIGNED struct wf_lock lock;
    _Atomic int64_t next_ns; /* the first one's key or WF_NEVER; written under lock */

    /* Under lock. */
    struct wf_task *first_due, *last_due; /* of this run, linked by next; in order */
    uint32_t n_due;
    struct wf_wheel wheel;
};

void wf_timerq_init(struct wf_timerq *queue);

/* Starts a timer in the caller's queue; wakes the one who sleeps past it, if any. */
void wf_timer_start(struct wf_timer *timer, int64_t at_ns, void (*fire)(struct wf_timer *));

/* Stops it. False: it has fired (the callback has ended). */
bool wf_timer_cancel(struct wf_timer *timer);

/* For fire: wakes a task whose wait it has claimed, with the others of this run. */
void wf_timer_wake(struct wf_timer *timer, struct wf_task *task);

/* Fires what is due in this queue; the number fired. */
unsigned wf_timerq_expire(struct wf_timerq *queue, int64_t now_ns);

#endif
