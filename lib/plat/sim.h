/* SPDX-License-Identifier: MIT
 * The simulator: the OS layer (threads, futex, clock, poller, self) on one thread, scheduled by
 * a seed, with virtual time. Only the library weft_sim has it; the layers above run unchanged.
 *
 * Virtual threads are contexts of plat/ctx.h. At every point (each atomic of plat/atomic.h, futex
 * call, thread start and end) the seeded generator may continue another runnable one. A thread
 * that waits with a deadline runs again when the deadline has come; the virtual clock moves only
 * when no virtual thread can run, straight to the earliest deadline. When none can run and no
 * deadline and no armed file descriptor is left, the run is stuck: a reported failure with the
 * seed, not a hang. Explores interleavings, not weak memory. */
#ifndef WF_PLAT_SIM_H
#define WF_PLAT_SIM_H

#include "plat/atomic.h"

struct wf_sim_opts {
    uint64_t seed;
    unsigned switch_percent; /* chance of a switch at a point; 0: 10 */
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

/* Points passed and a running hash of the choices made: equal for equal seeds. */
uint64_t wf_sim_points(void);
uint64_t wf_sim_signature(void);

#endif
