/* SPDX-License-Identifier: MIT
 * Which cases are ready, as a set of bits; and the set that a thread's last select saw, for the next.
 *
 * To look at 64 channels takes twenty times as long as to take a value from one of them. So of many
 * cases a select may go by what an earlier one saw: the same call of the same code with as many
 * cases, and only so often as bounds how often a case that has become ready is passed over: an
 * eighth of their number, when each would have to expect as many turns as there are cases if all
 * were ready. What is remembered is a hint: a case is looked at before it is done, and when none
 * of those remembered is ready, all are looked at again.
 *
 * Rejected: to remember for longer. A case that ends the work may be one of many, and each turn of
 * the loop take a second. */
#ifndef WF_CHAN_SELECT_SEEN_H
#define WF_CHAN_SELECT_SEEN_H

#include "base/rng.h"
#include "sched/worker.h"

enum {
    WF_SEEN_MAX = 64,  /* cases in a set */
    WF_SEEN_SHARE = 8, /* one in so many of their number may be passed over */
    WF_SEEN_FEW = 8,   /* members that are counted out */
};

static inline bool wf_set_has(uint64_t set, size_t i) { return ((set >> i) & 1) != 0; }
static inline uint64_t wf_set_without(uint64_t set, size_t i) { return set & ~(UINT64_C(1) << i); }

/* One of the members, each equally likely. All are below n; there is one. Where there are many it
 * draws until it hits one. */
static inline size_t wf_set_draw(uint64_t set, size_t n, struct wf_rng *rng)
{
    size_t n_few = 0;
    for (uint64_t rest = set; rest != 0 && n_few <= WF_SEEN_FEW; rest &= rest - 1)
        n_few++;
    if (n_few > WF_SEEN_FEW) {
        size_t i;
        do
            i = wf_rng_below(rng, (uint32_t)n);
        while (!wf_set_has(set, i));
        return i;
    }
    for (uint32_t skip = n_few > 1 ? wf_rng_below(rng, (uint32_t)n_few) : 0; skip > 0; skip--)
        set &= set - 1;
    return (size_t)__builtin_ctzll(set);
}

/* The set that is remembered for such a call, as often as it may be used; or none. */
WF_WORKER_LOCAL static inline uint64_t wf_seen_recall(const void *site, const void *cases,
                                                      size_t n_cases)
{
    struct wf_seen *seen = &((struct wf_thread *)wf_self_get())->seen;
    if (seen->cases != cases || seen->site != site || seen->n_cases != n_cases || seen->n_left == 0)
        return 0;
    seen->n_left--;
    return seen->ready;
}

/* All have been looked at; or, of a set that was recalled, some are ready no more. */
WF_WORKER_LOCAL static inline void wf_seen_remember(const void *site, const void *cases,
                                                    size_t n_cases, uint64_t ready)
{
    struct wf_seen *seen = &((struct wf_thread *)wf_self_get())->seen;
    *seen = (struct wf_seen){ .site = site,
                              .cases = cases,
                              .n_cases = n_cases,
                              .ready = ready,
                              .n_left = (unsigned)(n_cases / WF_SEEN_SHARE) - 1 };
}
WF_WORKER_LOCAL static inline void wf_seen_correct(const void *site, const void *cases,
                                                   size_t n_cases, uint64_t ready)
{
    struct wf_seen *seen = &((struct wf_thread *)wf_self_get())->seen;
    if (seen->cases == cases && seen->site == site && seen->n_cases == n_cases)
        seen->ready = ready; /* else a source has selected meanwhile, or has moved us */
}

#endif
