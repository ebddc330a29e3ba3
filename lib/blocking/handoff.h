/* SPDX-License-Identifier: MIT
 * The hand-off: a short blocking call without another thread.
 *
 * The task leaves its stack, and its worker's thread runs the function on its own native one, by a
 * call (wf_ctx_call), not by a switch there and one back: nothing of the task's is restored that the
 * function had to keep anyway, and the CPU guesses where it returns to. A short function costs that
 * and two atomics. For a long one the worker, with its queue, its timers and its turn at the poller,
 * is lent: the monitor, a spare thread that looks every millisecond while such calls are made, becomes
 * the worker's thread, and leaves its role to another. When the function returns its thread finds the
 * worker gone, wakes the task by the shared queue, goes back to where its native stack was left, and
 * on as a thread of the pool. What was that long goes to the pool at once the next time, until its calls
 * have become short (site.c). What was long, but not so long, goes there if somebody would have to wait
 * for it otherwise: a way to the pool and back takes two wake-ups, 50 us and more here, while an idle worker has an
 * eye on all timers and descriptors, and whoever becomes ready is its.
 *
 * Who has a worker is one word, `lending`. Even: its host has it. Odd: it may be lent, and whoever
 * makes it even again has it: its host, whose function has returned, or the monitor. It only grows,
 * so a function that returns late never takes what another has lent anew.
 *
 *   H1  Only who has a worker touches what is its owner's. While the word is odd nobody has it: the
 *       thread that runs the function touches the word and nothing else. What others may do with a
 *       worker (steal, expire its timers, mark it) they do as ever.
 *       [lend] Turning it odd releases, turning it even acquires.
 *   H2  A worker is lent under rt.lock and the pool's: with its word go its host, the pool's counts
 *       and the job, which is RUNNING from then on as any of the pool's (pool.h). So a thread that
 *       has lost its worker, and asks for the pool's lock, finds itself in the pool; and whoever
 *       joins workers joins the threads that have them.
 *   H3  A worker that was lent exists as long as the job's submitter waits: its scope keeps the
 *       workers from stopping. After it has woken that one the thread knows no worker any more.
 *   H4  While any word is odd there is a monitor, or somebody is about to see to it: a monitor that
 *       gives up its role says so and looks at the words; who turns one odd looks whether there is a
 *       monitor, all sequentially consistent [monitor-dekker]. One of them sees the other.
 *   H5  A monitor that lends its own thread gives its role to another first. If no thread can be
 *       had for that it lends its own all the same: what is behind the functions is what they may
 *       wait for. It is missed then: the first thread of the pool with nothing to do takes the role,
 *       if no call has made a monitor before. Without one a call goes to the pool, which answers
 *       WEFT_EAGAIN if it has no thread either: no job is ever left alone.
 *   H6  A function that is about to wait in weft has its worker lent first: what it waits for may be
 *       in that worker's queue. It asks the monitor (H4), and sleeps.
 *
 * Rejected: a monitor thread beside the spare one (one more thread, and a wake-up for each lending);
 * taking back a worker that was lent and is idle (the task's way by the shared queue costs less than
 * to find out). */
#ifndef WF_BLOCKING_HANDOFF_H
#define WF_BLOCKING_HANDOFF_H

#include "blocking/pool.h"
#include "sched/worker.h"

/* ---- handoff.c ------------------------------------------------------------------------------- */

enum wf_handoff {
    WF_HANDED_NOT,  /* it has to go to the pool */
    WF_HANDED_DONE, /* it has run */
    WF_HANDED_LENT, /* its worker was lent, and the wait that was begun for the submitter is over:
                     * *out_claim says how, and pool.h who may do what */
};

/* By a task: runs the job on its worker's native stack. */
enum wf_handoff wf_handoff_run(struct wf_job *job, uint32_t *out_claim);

/* ---- monitor.c ------------------------------------------------------------------------------- */

/* What the monitor shows to each call. */
struct wf_monitor_shown {
    _Atomic bool is_there; /* seq [monitor-dekker] */
    _Atomic uint64_t ticks;
    _Atomic int64_t tick_at_ns;
};
extern struct wf_monitor_shown wf_monitor;

/* Ticks since the process began, and the clock at the last one; while there is a monitor. */
static inline uint64_t wf_monitor_ticks(void) { return wf_load_rlx(&wf_monitor.ticks); }
static inline int64_t wf_monitor_tick_at(void) { return wf_load_rlx(&wf_monitor.tick_at_ns); }

/* Sees to it that there is a monitor: before a word is turned odd, and after that (H4). */
WF_MUST_CHECK bool wf_monitor_hire(void);
static inline bool wf_monitor_is_there(void) { return wf_load_seq(&wf_monitor.is_there); }
void wf_monitor_poke(void); /* it looks at once */

/* For the pool: a thread with that role, until it has a worker (true), or the role is over and the
 * thread counts as one that comes to the queue. Both with the pool's lock held, but for true. */
WF_MUST_CHECK bool wf_monitor_serve_locked(struct wf_host *self);

/* ---- site.c: how long functions take ------------------------------------------------------------- */

enum wf_site_length {
    WF_SITE_SHORT,
    WF_SITE_LONG,      /* somebody should not have to wait for it, */
    WF_SITE_VERY_LONG, /* nor its worker be lent for it */
};

enum wf_site_length wf_site_length(const void *site);
void wf_site_overran(const void *site, enum wf_site_length length);
void wf_site_took(const void *site, int64_t d_ns);

#endif
