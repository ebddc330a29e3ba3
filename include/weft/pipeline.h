/* SPDX-License-Identifier: MIT */
/* Pipelines: stages of one or more tasks each, with channels between them.
 *
 *     WEFT_STAGE(parse, struct row, rows, weft_text, lines, (char, comma))
 *     {
 *         weft_each (line, lines)
 *             WEFT_TRY(weft_send(rows, split(&line, comma)));
 *         return weft_error(lines);
 *     }
 *     ...
 *     WEFT_RX(weft_text, lines);
 *     WEFT_RX(struct row, rows);
 *     WEFT_PIPELINE(import, .name = "import");
 *     WEFT_TRY(read_lines(&import, WEFT_OPTS(stage, .drop = weft_text_drop), path, &lines));
 *     WEFT_TRY(parse(&import, WEFT_OPTS(stage, .workers = 3), WEFT_MOVE(lines), ',', &rows));
 *     weft_each (row, rows)
 *         insert(&row);
 *     int rc = weft_pipeline_wait(&import);
 *     weft_pipeline_print(&import, stderr);          // which stage was the bottleneck
 *
 * A pipeline is a scope. A stage's task that returns 0 or more has ended; when the last
 * one of a stage has, its channel ends, and so the next stage. One that fails, be it by a
 * teardown, cancels all, and is the pipeline's error, with its name. Who drops the receiver
 * of a stage's items ends it early: its sends return WEFT_ECLOSED, which is no error; that
 * of a source is one.
 *
 * Every definer makes fn, which opens a stage and gives the receiver of what it sends:
 *     int fn(weft_pipeline *, const weft_stage_opts *, weft_rx(In) *source, parameters...,
 *            weft_rx(Out) *out_rx);
 * source may be any receiver; it and owned parameters are handed over. The definers, for
 * C: weft/stage.h.
 */
#ifndef WEFT_PIPELINE_H
#define WEFT_PIPELINE_H

#include <weft/base.h>
#include <weft/chan.h>
#include <weft/error.h>
#include <weft/scope.h>
#include <weft/stream_step.h>

#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A pipeline lives in the frame that opened it and does not move. Its scope is there for
 * whatever else belongs to it: tasks, a cancel. */
typedef struct weft_pipeline {
    weft_scope scope;
    void *opaque_[4];
} weft_pipeline;

typedef struct weft_stage_opts {
    size_t size_;
    const char *name;            /* default: the name the definer gave; not copied */
    unsigned workers;            /* tasks; 0: 1. A source that can't be shared (lines, a
                                    generator) is for one, or goes through weft_buffer */
    bool ordered;                /* what comes of an item leaves in the order they came in:
                                    for definers that work item by item (MAP, FLAT_MAP) */
    unsigned window;             /* then: items in work or waiting for those before them;
                                    0: 4 a worker */
    size_t capacity;             /* items between it and the next stage; 0: 64 */
    size_t (*weigh)(const void *item); /* a bound on what they weigh, too: weft/chan.h */
    size_t max_weight;
    void (*drop)(void *item);    /* for an item it made that nobody receives; must not wait */
    size_t stack_size;           /* of its tasks; 0: the runtime's default */
} weft_stage_opts;

/* What a stage's step is. */
enum weft_stage_kind {
    WEFT_STAGE_LOOPS,      /* enter runs once in each task, with a weft_stage_ends */
    WEFT_STAGE_MAKES,      /* enter runs for each item, with a weft_step, and makes one */
    WEFT_STAGE_MAY_MAKE,   /* the same; 1: it made one, 0: it did not */
    WEFT_STAGE_EMITS       /* the same, its out being a weft_emitter_half: any number */
};

/* What a task of a stage that loops gets as self: the stage's to close, not the step's. */
typedef struct weft_stage_ends {
    weft_receiver *in;     /* NULL: it is the first */
    weft_sender *out;      /* NULL: it is the last */
} weft_stage_ends;

/* How a stage fared. Of a source that is not a channel nothing is known. */
typedef struct weft_stage_stats {
    size_t size_;
    const char *name;
    unsigned n_workers;
    uint64_t n_in, n_out;          /* items received, and sent */
    int64_t alive_ns;              /* of all its tasks together, so far; of which they: */
    int64_t wait_in_ns;            /*     were parked for an item, */
    int64_t wait_out_ns;           /*     were parked for room to send, */
    int64_t work_ns;               /*     did neither */
    uint64_t n_waiting;            /* items before it now */
    uint64_t peak, capacity;       /* the most that were, and the room there is; 0: no channel */
} weft_stage_stats;

/* ---- life ------------------------------------------------------------------------------ */

/* Enters the pipeline's scope: its .opts are set, all else may be anything. See
 * WEFT_PIPELINE. weft_pipeline_leave has to follow.
 *
 * Waits    no
 * From     a task or any thread                                                          */
WEFT_API void weft_pipeline_enter(weft_pipeline *pipeline, const char *file, int line);

/* Adds a stage and starts its tasks. Usually called by what a definer makes.
 *
 * step and args: weft/callable.h; enter keeps args, and each task has a clone of them.
 * in_size 0: the first stage, source is NULL. out_size 0: the last, out_rx is not written.
 * source and what args owns are consumed on every path. opts may be NULL. The receiver is
 * the caller's to drop, and is written by memcpy.
 *
 * Waits    no, but for source's teardown when the open fails
 * From     the task or thread that entered it
 * Returns  0
 *          WEFT_ENOMEM
 *          WEFT_EMSGSIZE   in_size is not the source's
 *          WEFT_EINVAL     no source; several workers of one that can't be shared or of args
 *                          that can't be cloned; .ordered for several over items that are
 *                          lent; or weights that contradict
 *          WEFT_EORDER     .ordered for a step that loops: nobody knows which item what it
 *                          sends has come of. One that gets an item and emits does
 *          WEFT_ECLOSED    the pipeline has ended                                           */
WEFT_API WEFT_MUST_CHECK int weft_stage_open(weft_pipeline *pipeline, enum weft_stage_kind kind,
                                             const weft_callable *step, void *args,
                                             weft_receiver *source, size_t in_size,
                                             size_t out_size, const weft_stage_opts *opts,
                                             weft_receiver **out_rx);

/* Sends one of the items that come of the one which a step was entered with.
 *
 * Takes *item on every path; what can't be sent goes to .drop. In an ordered stage it goes
 * out behind all that comes of the items before: the step whose turn it is sends at once,
 * each other one gathers up to 16 items, and then waits for its turn. The emitter is the
 * step's until it returns. Once a call has failed the others do, and so does the step.
 *
 * Waits    the task, for room in the channel or for its turn
 * Cancel   WEFT_ECANCELED
 * From     the task that the step runs in
 * Returns  0
 *          WEFT_EMSGSIZE   size is not the stage's; the item is the caller's
 *          WEFT_ECLOSED    nobody receives any more, or another task of the stage has left
 *          an error that the pipeline was ended with                                       */
WEFT_API WEFT_MUST_CHECK int weft_emitter_emit(weft_emitter_half *emitter, void *item,
                                               size_t size);

/* Waits for all stages, and ends the pipeline's scope.
 *
 * Whoever holds the last stage's receiver takes its items or drops it before, or they wait
 * for each other.
 *
 * Waits    as weft_scope_wait
 * Cancel   as weft_scope_wait
 * From     the task or thread that entered it
 * Returns  the first error of a stage, as weft_pipeline_error; without one as
 *          weft_scope_wait                                                                 */
WEFT_API WEFT_MUST_CHECK int weft_pipeline_wait(weft_pipeline *pipeline);

/* Ends the pipeline: cancels what still runs and joins it. The cleanup of WEFT_PIPELINE.
 *
 * Waits    the task, or a plain thread
 * Cancel   no: shielded
 * From     the task or thread that entered it                                              */
WEFT_API void weft_pipeline_leave(weft_pipeline *pipeline);

/* ---- what became of it ------------------------------------------------------------------- */

/* The first error of a stage, and whose it was. All of them: weft_scope_error of its scope.
 *
 * out_stage may be NULL; it is written if there was one: the name as it was given.
 *
 * Waits    no
 * From     any thread that knows the pipeline still exists
 * Returns  0, or the error                                                                 */
WEFT_API int weft_pipeline_error(const weft_pipeline *pipeline, const char **out_stage);

/* How the i-th stage fares: while it runs, too. Waits in a select are not counted.
 *
 * Set out_stats->size_ first, or 0 for the first published layout.
 *
 * Waits    no
 * From     who entered it, and, once all stages are open, any thread that knows that it
 *          still exists
 * Returns  1, or 0: there are not so many                                                  */
WEFT_API int weft_pipeline_stats(const weft_pipeline *pipeline, size_t i,
                                 weft_stage_stats *out_stats);

/* Prints the stages as a table, and which of them the others waited for: the one whose
 * tasks waited for the least share of their time.
 *
 * Waits    no task; the caller, for the stream
 * From     as weft_pipeline_stats
 * Returns  0
 *          WEFT_ENOMEM
 *          -EIO            the stream took less
 *          WEFT_EINVAL     pipeline or to is NULL                                          */
WEFT_API int weft_pipeline_print(const weft_pipeline *pipeline, FILE *to);

#ifdef __cplusplus
}
#else

/* WEFT_PIPELINE(var) or WEFT_PIPELINE(var, .name = ..., .timeout_ns = ...): a pipeline from
 * here to the end of the braces, with the options of a scope. */
#define WEFT_PIPELINE(var, ...)                                                           \
    WEFT_CLEANUP_(weft_pipeline_leave) WEFT_UNSET_ weft_pipeline var;                     \
    var.scope.opts = (weft_scope_opts){ .size_ = sizeof(weft_scope_opts), ##__VA_ARGS__ }; \
    weft_pipeline_enter(&var, __FILE__, __LINE__)

#include <weft/stage.h>

#endif
#endif
