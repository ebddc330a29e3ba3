/* SPDX-License-Identifier: MIT
 * Spinning for what another CPU is about to do.
 *
 * Each look takes the cache line away from whom we wait for, so the pauses between them double. A
 * first pause that is not short lets the other side do several operations in a row: then one line
 * goes back and forth for all of them instead of for each.
 *
 * Rejected: giving the CPU to others (sched_yield) between the looks. Where more threads run than
 * there are CPUs, each call costs a slice of all others: two threads over a rendezvous channel took
 * four to fifteen times as long as without any spinning. (A thread that waits for its wake does so
 * once it has spun, and only where that was seen to pay: sched/spinner.c.) */
#ifndef WF_BASE_SPIN_H
#define WF_BASE_SPIN_H

#include "plat/atomic.h"

#ifdef WF_SIM
enum { WF_SPIN_DOUBLINGS = 0 };
#else
enum { WF_SPIN_DOUBLINGS = 6 };
#endif

/* 1, 2, 4 ... 64, 64 ... pauses, of some 25 ns each. */
static inline unsigned wf_spin_pauses(unsigned turn)
{
    return 1u << WF_MIN(turn, (unsigned)WF_SPIN_DOUBLINGS);
}

static inline void wf_spin(unsigned turn)
{
    for (unsigned n = wf_spin_pauses(turn); n > 0; n--)
        wf_cpu_relax();
}

#endif
