/* SPDX-License-Identifier: MIT
 * What the files of the pool share: pool.c (threads and queue), lane.c (places) and pool_stop.c
 * (settings, end, figures). Nobody else includes it. The invariants are in pool.c and lane.c. */
#ifndef WF_BLOCKING_POOL_CORE_H
#define WF_BLOCKING_POOL_CORE_H

#include "base/lock.h"
#include "blocking/pool.h"
#include "plat/thread.h"

struct wf_pool_thread {
    struct wf_host host;

    /* Under the pool's lock. */
    struct wf_link link;      /* in threads or ended */
    struct wf_link idle_link; /* in idle while it sleeps and nobody chose it */
    struct wf_job *running;
    int64_t since_ns;
    bool has_handle;   /* P4 */
    bool is_dedicated; /* P5: running was set by its creator */

    struct wf_os_thread os; /* written by the creator before has_handle */
    _Atomic uint32_t word;  /* 1: wake up. Set under the lock by who takes it off idle */
};

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
    unsigned n_dedicated; /* the same of those for one job each */
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

struct wf_pool_thread *wf_pool_last_idle_locked(void);

/* Registers the pool with the runtime and reads the limit from its settings. */
void wf_pool_attach(void);

/* Takes an idle thread off the list to look at the queue. The caller then wakes its word. */
void wf_pool_choose_locked(struct wf_pool_thread *thread);

/* lane.c */
void wf_lanes_init_locked(unsigned n_threads, const unsigned limits[WEFT_LANES]);
/* The job gets its place, or is queued for one. */
WF_MUST_CHECK bool wf_lane_enter_locked(struct wf_job *job);
/* It does not wait for one any more, or gives it back: to the job returned, which has it now. */
struct wf_job *wf_lane_leave_locked(struct wf_job *job);

#endif
