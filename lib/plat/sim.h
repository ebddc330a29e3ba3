/* SPDX-License-Identifier: MIT
 * The simulator: the OS layer (threads, futex, clock, poller, self) on one thread, scheduled by
 * a seed, with virtual time. Only the library weft_sim has it; the layers above run unchanged.
 *
 * Virtual threads are contexts of plat/ctx.h. At every point (each atomic of plat/atomic.h, futex
 * call, thread start and end) another one may go on: any, drawn from the seed, or in PCT mode the
 * one of the highest priority, where the seed draws priorities and when they change. A thread
 * that waits with a deadline runs again when the deadline has come; the virtual clock moves only
 * when no virtual thread can run, straight to the earliest deadline. When none can run and no
 * deadline and no armed file descriptor is left, the run is stuck: a reported failure with the
 * seed, not a hang. Atomics are sequentially consistent, or as weak as C11 lets them be. */
#ifndef WF_PLAT_SIM_H
#define WF_PLAT_SIM_H

#include "plat/atomic.h"

enum { WF_SIM_DEPTH_MAX = 16 };

struct wf_sim_opts {
    uint64_t seed;
    unsigned switch_percent; /* random mode: chance of a switch at a point; 0: 10 */
    unsigned pct_depth;      /* PCT mode (sim_pct.c): how deep a bug it looks for; 0: random mode */
    uint64_t pct_steps;      /* and within how many points; 0: drawn from the seed */
    bool is_weak;            /* loads may see older values (sim_memory.c) */
    uint64_t max_points;     /* a longer run counts as a livelock; 0: 20,000,000 */
    bool trace;              /* prints each switch to stderr */
};

/* Runs fn(arg) as the first virtual thread, and whatever it starts, until fn returns and every
 * other virtual thread has ended. 0; -EDEADLK when stuck, -ETIME past max_points (both after
 * `on_stuck`, if any, ran: print a dump there, then exit). */
int wf_sim_run(const struct wf_sim_opts *opts, void (*fn)(void *arg), void *arg,
               void (*on_stuck)(const char *why));

/* Is the caller inside a run? */
bool wf_sim_is_running(void);

/* A number drawn from the seed, where a real process takes one from getrandom. */
uint64_t wf_sim_random(void);

/* Points passed, choices made of who goes on, and a running hash of these: equal for equal seeds. */
uint64_t wf_sim_points(void);
uint64_t wf_sim_choices(void);
uint64_t wf_sim_signature(void);

#endif
