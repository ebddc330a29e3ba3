/* SPDX-License-Identifier: MIT
 * The watchdog: a thread that notices tasks which hold their worker for long, by a blocking call made
 * directly or by a loop that lets nobody else run.
 *
 * At each tick it looks at each worker: one that runs the same task as at the last tick, and has not
 * picked any since, is held up. When that has lasted for the limit (weft_config.watchdog_ns) it is
 * said once, by name; and while no worker is idle, so that nobody looks for what lies behind the task
 * (pace.h, P2), one more worker is started, which reaches it by ordinary stealing. It stays until the
 * runtime stops. The task itself is left alone: a signal would cut its system call short.
 *
 * It ticks while any worker is awake, and some times more; then it sleeps until one wakes up:
 *
 *   D1  Falling asleep it says so, and looks for workers that are awake. A worker that wakes up takes
 *       itself off the idle list, and looks whether the watchdog sleeps. All seq [dog-dekker]: one
 *       sees the other.
 *   D2  What it reads of a worker is the owner's: the number of picks, which is atomic, and the
 *       address of the task, which is one word and not followed. Who reports it looks for that
 *       address where tasks can't go meanwhile (task/reports.c).
 *   D3  Of the time between two looks no more than two ticks count. A process that was stopped (by a
 *       debugger, or with its machine), or that gets no CPU, would else find all its tasks at fault.
 *
 * Rejected: counting what a task does by calls that don't wait, which every one of them would pay for;
 * giving the worker to another thread, as a blocking call does, which its task still works on. */
#ifndef WF_SCHED_WATCHDOG_H
#define WF_SCHED_WATCHDOG_H

#include "sched/worker.h"

/* The limit by default. In the simulator, where tasks take no time, there is none. */
#ifdef WF_SIM
#define WF_WATCHDOG_NS INT64_C(-1)
#else
#define WF_WATCHDOG_NS INT64_C(1000000000)
#endif

/* With the workers, under rt.lock. Without a thread for it there is no watchdog. */
void wf_watchdog_start(void);
void wf_watchdog_wake(void); /* it looks at once whether the runtime stops */
void wf_watchdog_join(void);

/* A look at each worker; its thread's own, and a test's that runs without one. */
void wf_watchdog_look(int64_t now_ns);

extern _Atomic bool wf_watchdog_sleeps;

/* By a worker that has woken up. */
static inline void wf_watchdog_is_needed(void)
{
    if (wf_rt.config.watchdog_ns > 0 && wf_load_seq(&wf_watchdog_sleeps)) /* seq [dog-dekker] */
        wf_watchdog_wake();
}

#endif
