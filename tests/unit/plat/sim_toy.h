/* SPDX-License-Identifier: MIT
 * What the tests of the simulator share. Their bodies run outside of it and start runs of their
 * own with these. */
#ifndef WT_SIM_TOY_H
#define WT_SIM_TOY_H

#include "wt_test.h"

#include "plat/clock.h"
#include "plat/futex.h"
#include "plat/sim.h"
#include "plat/thread.h"

#include <errno.h>

#define HOUR_NS ((int64_t)3600 * 1000000000)

/* What the simulator said about the last run that got stuck. */
extern char toy_why_stuck[1024];

/* wf_sim_run() with a seed. */
int toy_run(uint64_t seed, void (*fn)(void *arg), void *arg);

/* A virtual thread. */
struct wf_os_thread toy_thread(void (*fn)(void *arg), void *arg);

/* Sleeps, in virtual time. */
void toy_sleep_until(int64_t at_ns);

/* arg is an _Atomic uint32_t: set to 1, waited for by spinning. */
void toy_set_flag(void *arg);
void toy_spin_on_flag(void *arg);

#endif
