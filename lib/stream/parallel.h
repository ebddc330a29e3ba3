/* SPDX-License-Identifier: MIT
 * Several tasks that share one source: map_parallel and for_each. Each has a clone of the step's
 * arguments and references of its own. */
#ifndef WF_STREAM_PARALLEL_H
#define WF_STREAM_PARALLEL_H

#include "stream/shared_source.h"

#include <weft/scope.h>

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
