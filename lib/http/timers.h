/* SPDX-License-Identifier: MIT
 * Deadlines of transfers: a binary heap of points in time, lazily kept.
 *
 * Most deadlines are moved later with every byte and never come. So moving one later writes the
 * timer alone, and its place in the heap says when to look again; only moving it earlier moves it.
 *
 *   T1  A timer with a deadline is in the heap with key <= at: whoever looks at the first key never
 *       looks too late.
 *   T2  Room is reserved when a timer is made, so that setting one can't fail. */
#ifndef WF_HTTP_TIMERS_H
#define WF_HTTP_TIMERS_H

#include "plat/cc.h"

struct wf_http_timer {
    int64_t at_ns;  /* when it is due; INT64_MAX: never */
    int64_t key_ns; /* what its place in the heap says */
    size_t place;   /* in the heap, from 1; 0: it is not in it */
};

struct wf_http_timers {
    struct wf_http_timer **heap;
    size_t n, room, n_reserved;
};

/* T2; false: no memory. */
WF_MUST_CHECK bool wf_http_timers_reserve(struct wf_http_timers *timers);
void wf_http_timers_release(struct wf_http_timers *timers);
void wf_http_timers_destroy(struct wf_http_timers *timers);

void wf_http_timer_set(struct wf_http_timers *timers, struct wf_http_timer *timer, int64_t at_ns);

/* Never, and out of the heap: before its memory goes. */
void wf_http_timer_clear(struct wf_http_timers *timers, struct wf_http_timer *timer);

/* When to look again; INT64_MAX: never. */
int64_t wf_http_timers_next(const struct wf_http_timers *timers);

/* Takes out one that is due; NULL: none is. */
struct wf_http_timer *wf_http_timers_due(struct wf_http_timers *timers, int64_t now_ns);

#endif
