/* SPDX-License-Identifier: MIT
 * What the files of the pool share: pool.c (threads and queue), lane.c (places) and pool_stop.c
 * (settings, end, figures). Nobody else includes it. The invariants are in pool.c and lane.c. */
#ifndef WF_BLOCKING_POOL_CORE_H
#define WF_BLOCKING_POOL_CORE_H

#include "base/lock.h"
#include "blocking/pool.h"

struct wf_lane {
    unsigned limit;
    unsigned n_places;    /* taken */
    struct wf_list queue; /* of jobs that wait for one, first in first out */
};

struct wf_pool {
    struct wf_lock lock;

    /* Does the runtime know of the pool, so that a shutdown stops it? Written under lock. */
    _Atomic bool is_attached;

    /* Under lock. */
    unsigned own_limit;   /* wf_pool_configure's; 0: none */
    unsigned limit;       /* set when attached */
    unsigned n_threads;   /* started and not left, those being started included */
    unsigned n_dedicated; /* the same of those for one job each, */
    unsigned n_monitors;  /* and of those with a role in the hand-off (monitor.c) */
    unsigned n_queued, n_coming;
    bool is_stopping;
    uint64_t n_jobs;
    struct wf_list queue; /* of wf_job, first in first out */
    struct wf_lane lanes[WEFT_LANES];
    struct wf_list threads, idle;
    struct wf_list ended; /* to be joined by the stopper */

    _Atomic uint32_t n_changes; /* grows with each thread that ends; the stopper sleeps on it */
};

extern struct wf_pool wf_pool;

struct wf_host *wf_pool_last_idle_locked(void);

/* Registers the pool with the runtime and reads the limit from its settings. */
void wf_pool_attach(void);

/* For monitor.c: one more thread, to be the monitor after `before`. False: it can't be had. */
WF_MUST_CHECK bool wf_pool_start_monitor(struct wf_host *before);
void wf_monitor_appoint_locked(struct wf_host *host, struct wf_host *before); /* monitor.c */
WF_MUST_CHECK bool wf_monitor_adopt_locked(struct wf_host *self);

/* A job begins on a thread of the pool; its function has returned; it has ended (true), or it was
 * abandoned before that. */
void wf_pool_note_begin_locked(struct wf_host *host, struct wf_job *job);
void wf_pool_end_function(struct wf_host *self, struct wf_job *job);
bool wf_pool_finish(struct wf_host *self, struct wf_job *job);

/* All threads but workers' that there are. */
static inline unsigned wf_pool_threads_locked(void)
{
    return wf_pool.n_threads + wf_pool.n_dedicated + wf_pool.n_monitors;
}

/* Takes an idle thread off the list to look at the queue. The caller then wakes its word. */
void wf_pool_choose_locked(struct wf_host *thread);

/* lane.c */
void wf_lanes_init_locked(unsigned n_threads, const unsigned limits[WEFT_LANES]);
/* The job gets its place, or is queued for one. */
WF_MUST_CHECK bool wf_lane_enter_locked(struct wf_job *job);
/* It has begun already, and gets one even if there is none free (L2). */
void wf_lane_enter_over_locked(struct wf_job *job);
/* It does not wait for one any more, or gives it back: to the job returned, which has it now. */
struct wf_job *wf_lane_leave_locked(struct wf_job *job);

#endif
