/* SPDX-License-Identifier: MIT
 * Lanes: how many of the pool's threads one kind of work may have at once.
 *
 * A job takes a place in its lane before it is put into the pool's queue, and keeps it until it has
 * ended (an abandoned one too), was withdrawn or refused. Without a place free it waits in the
 * lane's own queue; whoever gives a place back passes it on to the first there, and puts that one
 * into the pool's queue.
 *
 *   L1  A lane's queue is empty, or all its places are taken, by jobs that are queued or running:
 *       so one of them will pass its place on.
 *   L2  A job of a teardown takes a place even if there is none free: whoever is to free one may
 *       wait for it. So does one that has begun on its worker's own stack, and whose worker was lent.
 *       The lane is over its limit then, and places are not passed on until it is not.
 *
 * Under the pool's lock throughout. */
#include "blocking/pool_core.h"

static unsigned share_of(weft_lane lane, unsigned n_threads)
{
    bool is_common = lane == WEFT_LANE_USER || lane == WEFT_LANE_FILES;
    return is_common ? n_threads - n_threads / 8 : n_threads / 4;
}

void wf_lanes_init_locked(unsigned n_threads, const unsigned limits[WEFT_LANES])
{
    for (unsigned i = 0; i < WEFT_LANES; i++) {
        struct wf_lane *lane = &wf_pool.lanes[i];
        unsigned limit = limits[i] > 0 ? limits[i] : share_of((weft_lane)i, n_threads);
        lane->limit = WF_MAX(limit, 1u);
        if (lane->queue.head.next == NULL)
            wf_list_init(&lane->queue);
    }
}

void wf_lane_enter_over_locked(struct wf_job *job)
{
    job->has_place = true;
    wf_pool.lanes[job->lane].n_places++;
}

bool wf_lane_enter_locked(struct wf_job *job)
{
    struct wf_lane *lane = &wf_pool.lanes[job->lane];
    if (job->is_shielded || lane->n_places < lane->limit)
        wf_lane_enter_over_locked(job);
    else
        wf_list_push_back(&lane->queue, &job->link);
    return job->has_place;
}

struct wf_job *wf_lane_leave_locked(struct wf_job *job)
{
    struct wf_lane *lane = &wf_pool.lanes[job->lane];
    if (!job->has_place) {
        wf_list_remove(&job->link);
        return NULL;
    }
    job->has_place = false;
    struct wf_link *link = lane->n_places <= lane->limit ? wf_list_pop_front(&lane->queue) : NULL;
    if (link == NULL) {
        lane->n_places--;
        return NULL;
    }
    struct wf_job *next = WF_CONTAINER(link, struct wf_job, link);
    next->has_place = true;
    return next;
}
