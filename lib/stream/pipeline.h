/* SPDX-License-Identifier: MIT
 * Pipelines: a scope, the stages in it, and the channels that they are joined by.
 *
 *   P1  A stage is made by who entered the pipeline, linked in before its tasks start, and freed
 *       after the scope has joined them: its tasks may point at it.
 *   P2  A stage keeps the channels before and behind it by a count of its own, for their numbers;
 *       it holds no half of them, so it keeps nothing from ending.
 *   P3  A task that failed says so (failed, then a cancel of the scope) before its sender goes: who
 *       comes after it never takes the end of what is cut short for a good one. It sees the cancel,
 *       or, outside the scope or just before it, the cause, which those tasks that the cancel ended
 *       pass on.
 *   P4  A task closes what it receives from before its sender goes: who has seen the end finds what
 *       was before it closed. An error of that, or of another teardown in the task, is one as P3. */
#ifndef WF_STREAM_PIPELINE_H
#define WF_STREAM_PIPELINE_H

#include "stream/parallel.h"

#include <weft/pipeline.h>
#include <weft/semaphore.h>

struct wf_stage;

/* The window of a stage that keeps order.
 *
 *   O1  A task takes a permit before it pulls; who sends what came of an item gives it back. So
 *       numbers pulled and not done lie within the window, and number % window is a free place.
 *   O2  A place is its item's task's until it says, under `lock`, that it is done. If that is the one
 *       whose turn it is and nobody sends, the task becomes the sender: it sends from the places on
 *       until one is not done yet, without the lock while it sends; these are its own meanwhile.
 *   O3  A sender that fails stays the sender, so that nothing goes out behind a gap; it lets all
 *       tasks through the window, and ahead of their turn, and is_left tells them to go.
 *   O4  A step that emits gathers in its place. When its turn has come and nobody sends it is the
 *       sender until it is done (goes_out): what it gathered, then each item at once. One whose
 *       place is full says so under `lock`, unless its turn has come, and waits; who makes it its
 *       turn finds `waits` there and gives it the turn's permit. */
struct wf_order {
    struct wf_shared_source shared;
    weft_semaphore window;
    struct wf_lock lock; /* a place is its item's task's, and, once made, the sender's */
    _Atomic bool is_left, is_cut_short; /* somebody has; since the source failed with ECLOSED */
    bool is_sending;
    uint64_t next;
    unsigned n_places, room; /* and the items in one */
    size_t item_size, place_size;
    char *places;
};

struct wf_stage {
    struct wf_stage *next;
    weft_pipeline *pipeline;
    const char *name;
    enum weft_stage_kind kind;
    size_t in_size, out_size;
    void (*drop)(void *item);
    unsigned n_workers;
    struct wf_chan *in, *out; /* P2; NULL: none, or no channel */
    struct wf_order *order;   /* NULL: unordered */
    _Atomic uint32_t n_left;  /* tasks that have not ended: the last one closes order's source */
    _Atomic int code;         /* its first error, or 0 */

    /* How long its tasks had been alive, all together, at that point. */
    struct wf_lock times;
    int64_t alive_ns, at_ns;
    uint32_t n_running;
};

/* What weft_pipeline.opaque_ holds. */
struct wf_pipeline {
    struct wf_stage *first;
    struct wf_stage *_Atomic failed; /* whose error was first; its code is set before */
};
_Static_assert(sizeof(struct wf_pipeline) <= sizeof(((weft_pipeline *)0)->opaque_), "room");

static inline struct wf_pipeline *wf_pipeline_of(const weft_pipeline *pipeline)
{
    return (struct wf_pipeline *)(uintptr_t)&pipeline->opaque_;
}

/* One task of a stage. */
struct wf_stage_worker {
    struct wf_stage *stage;
    weft_receiver *in; /* NULL: the first stage, or order has it */
    weft_sender *out;
    struct wf_worker_step step;
};

/* So many more tasks run from now on. How long all have been alive. */
int64_t wf_stage_count(struct wf_stage *stage, int n_more);

/* What a step that emits gets as `out`. */
struct weft_emitter_half {
    const struct wf_stage_worker *worker;
    uint64_t number; /* its item's, where there is an order */
    int code;        /* of the first call that failed */
};

/* Runs the step on an item, which is that of the number: 1 when `out` has one. */
int wf_stage_make_one(const struct wf_stage_worker *worker, uint64_t number, const void *in,
                      void *out);

/* Sends, or drops it. */
int wf_stage_give(const struct wf_stage_worker *worker, void *out);

/* Order: pipeline_order.c. The source is taken on success. */
WF_MUST_CHECK struct wf_order *wf_order_make(const struct wf_stage *stage, unsigned window,
                                             weft_receiver *source);
int wf_order_work(const struct wf_stage_worker *worker, void *in);
int wf_order_emit(const struct wf_stage_worker *worker, uint64_t number, void *item); /* taken */
void wf_order_close_source(struct wf_order *order);
void wf_order_free(struct wf_order *order, void (*drop)(void *item));

#endif
