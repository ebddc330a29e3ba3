/* SPDX-License-Identifier: MIT
 * Parking an OS thread on a word. Never pthread_cond (glibc bug 25847 loses wake-ups). */
#ifndef WF_PLAT_FUTEX_H
#define WF_PLAT_FUTEX_H

#include "plat/atomic.h"

/* Sleeps while *word == expected, until a wake on the word or at_ns (WF_NEVER: no limit).
 * May return early for no reason: the caller loops on its own condition.
 * Returns 0, or -ETIMEDOUT once at_ns has come (never before). */
int wf_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t at_ns);

/* Wakes at most n of the threads that sleep on the word. The word's memory may be gone already:
 * a wake on a stale address does no harm but a spurious return elsewhere. */
void wf_futex_wake(_Atomic uint32_t *word, int n);

#endif
