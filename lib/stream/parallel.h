/* SPDX-License-Identifier: MIT
 * Several tasks that share one source: map_parallel and for_each.
 *
 *   G1  Who holds `lock` alone touches the source, is_over and n_pulled. After an end, an error or a
 *       cancelled receive nobody pulls again.
 *   G2  Each worker has a clone of the step's arguments and references of its own. */
#ifndef WF_STREAM_PARALLEL_H
#define WF_STREAM_PARALLEL_H

#include "stream/adaptor.h"

#include <weft/mutex.h>
#include <weft/scope.h>

struct wf_shared_source {
    weft_receiver *source;
    weft_mutex lock;
    bool is_over;
    uint64_t n_pulled;
};

/* The next item into `item`, and its number: 1; 0 when another worker has found the end; else what
 * this one found, *out_is_end being set. */
WF_MUST_CHECK int wf_shared_pull(struct wf_shared_source *shared, void *item, uint64_t *out_number,
                                 bool *out_is_end);

/* A step with its arguments in memory of their own, for one worker. */
struct wf_worker_step {
    const weft_callable *step;
    void *args;
};

/* Takes args over; on failure they are dropped. */
WF_MUST_CHECK int wf_worker_step_make(struct wf_worker_step *made, const weft_callable *step,
                                      void *args);
WF_MUST_CHECK int wf_worker_step_clone(struct wf_worker_step *step);
void wf_worker_step_drop(struct wf_worker_step *step);

#endif
