/* SPDX-License-Identifier: MIT
 * Opening a pipeline and its stages, and what a stage's task does. */
#include "stream/pipeline.h"

#include "base/opts.h"
#include "chan/meter.h"
#include "plat/mem.h"

#include <weft/cancel.h>
#include <weft/cleanup.h>

#include <string.h>

enum { DEFAULT_CAPACITY = 64, DEFAULT_WINDOW = 4 };

/* ---- a task ---------------------------------------------------------------------------------- */

int wf_stage_make_one(const struct wf_stage_worker *worker, uint64_t number, const void *in,
                      void *out)
{
    struct weft_emitter_half emitter = { .worker = worker, .number = number };
    bool emits = worker->stage->kind == WEFT_STAGE_EMITS;
    int rc = worker->step.step->enter(
        worker->step.args, &(struct weft_step){ .in = in, .out = emits ? (void *)&emitter : out });
    if (rc >= 0 && emits)
        return emitter.code;
    return rc >= 0 && worker->stage->kind == WEFT_STAGE_MAKES ? 1 : rc;
}

int wf_stage_give(const struct wf_stage_worker *worker, void *out)
{
    int rc = weft_sender_send(worker->out, out, worker->stage->out_size);
    if (rc < 0)
        wf_drop_item(worker->stage->drop, out);
    return rc;
}

static int emit(struct weft_emitter_half *emitter, void *item)
{
    const struct wf_stage_worker *worker = emitter->worker;
    if (emitter->code >= 0)
        return worker->stage->order != NULL ? wf_order_emit(worker, emitter->number, item)
                                            : wf_stage_give(worker, item);
    wf_drop_item(worker->stage->drop, item);
    return emitter->code;
}

int weft_emitter_emit(weft_emitter_half *emitter, void *item, size_t size)
{
    wf_note_call();
    if (emitter == NULL || item == NULL)
        return WEFT_EINVAL;
    if (size != emitter->worker->stage->out_size)
        return WEFT_EMSGSIZE;
    int rc = wf_unnoted(emit(emitter, item));
    emitter->code = WF_MIN(rc, 0);
    return emitter->code;
}

static int work_in_any_order(const struct wf_stage_worker *worker, void *in, void *out)
{
    int rc;
    while ((rc = weft_receiver_recv(worker->in, in, worker->stage->in_size)) > 0) {
        rc = wf_stage_make_one(worker, 0, in, out);
        if (rc > 0)
            rc = wf_stage_give(worker, out);
        if (rc < 0)
            break;
    }
    return rc;
}

static int work_by_item(const struct wf_stage_worker *worker)
{
    const struct wf_stage *stage = worker->stage;
    void *in = wf_alloc(1, stage->in_size);
    void *out = wf_alloc(1, stage->out_size);
    int rc = in == NULL || out == NULL ? WEFT_ENOMEM
             : stage->order != NULL    ? wf_order_work(worker, in)
                                       : work_in_any_order(worker, in, out);
    wf_free(in);
    wf_free(out);
    return rc;
}

/* P3. Who comes second finds failed set, too, before it cancels. */
static void note_error(struct wf_stage *stage, int rc)
{
    struct wf_pipeline *p = wf_pipeline_of(stage->pipeline);
    struct wf_stage *nobody = NULL;
    int none = 0;
    (void)wf_cas_acq_rel(&stage->code, &none, rc);
    /* release [stage-failed]: the code is set. */
    (void)wf_cas_acq_rel(&p->failed, &nobody, stage);
}

static void fail(const struct wf_stage_worker *worker, int rc)
{
    weft_pipeline *pipeline = worker->stage->pipeline;
    if (rc != WEFT_ECANCELED || !weft_scope_is_cancelled(&pipeline->scope)) {
        note_error(worker->stage, rc);
        weft_cancel(&pipeline->scope, rc, "a stage of the pipeline failed");
    }
    int cause = weft_pipeline_error(pipeline, NULL);
    if (worker->out != NULL)
        (void)weft_sender_end(worker->out, cause < 0 ? cause : rc);
}

/* An error of the teardown is noted with the task. */
static void end_source(struct wf_stage_worker *worker)
{
    struct wf_stage *stage = worker->stage;
    wf_worker_step_drop(&worker->step);
    weft_half_drop(&worker->in);
    /* acq_rel, with itself: the last comes after all others are done with the source. */
    if (wf_sub_acq_rel(&stage->n_left, 1) == 1 && stage->order != NULL)
        wf_order_close_source(stage->order);
}

static void end_worker(struct wf_stage_worker *worker)
{
    end_source(worker);
    weft_half_drop(&worker->out);
}

/* That nobody receives any more is no failure; a source may fail with that code. */
static bool has_failed(const struct wf_stage_worker *worker, int rc)
{
    const struct wf_order *order = worker->stage->order;
    if (rc != WEFT_ECLOSED)
        return rc < 0;
    return order != NULL ? wf_load_rlx(&order->is_cut_short)
                         : weft_receiver_error(worker->in) == rc;
}

static int worker_enter(void *args, void *self)
{
    struct wf_stage_worker *worker = args;
    struct wf_stage *stage = worker->stage;
    (void)self;
    (void)wf_stage_count(stage, 1);
    int rc = stage->kind != WEFT_STAGE_LOOPS
                 ? work_by_item(worker)
                 : worker->step.step->enter(
                       worker->step.args,
                       &(struct weft_stage_ends){ .in = worker->in, .out = worker->out });
    (void)wf_stage_count(stage, -1);
    bool is_failure = has_failed(worker, rc);
    if (is_failure)
        fail(worker, rc);
    end_source(worker);
    int noted = is_failure ? 0 : weft_take_close_error();
    if (noted < 0) {
        rc = noted;
        fail(worker, rc);
    }
    weft_half_drop(&worker->out);
    return rc;
}

static void worker_drop(void *args) { end_worker(args); }

static int worker_clone(void *args)
{
    struct wf_stage_worker *worker = args;
    weft_receiver *in = worker->in;
    weft_sender *out = worker->out;
    int rc = wf_worker_step_clone(&worker->step);
    if (rc < 0)
        return rc;
    worker->in = weft_half_ref(in, worker->stage->name, 0);
    worker->out = weft_half_ref(out, worker->stage->name, 0);
    if ((in == NULL || worker->in != NULL) && (out == NULL || worker->out != NULL)) {
        wf_add_rlx(&worker->stage->n_left, 1);
        return 0;
    }
    wf_worker_step_drop(&worker->step);
    weft_half_drop(&worker->in);
    weft_half_drop(&worker->out);
    return WEFT_ENOMEM;
}

static const weft_callable worker_task = { .enter = worker_enter,
                                           .drop = worker_drop,
                                           .clone = worker_clone,
                                           .args_size = sizeof(struct wf_stage_worker),
                                           .name = "stage" };

/* ---- opening a stage ------------------------------------------------------------------------- */

static weft_stage_opts read_opts(const weft_stage_opts *opts, const weft_callable *step)
{
    weft_stage_opts all = { 0 };
    wf_opts_copy(&all, sizeof all, opts);
    if (all.name == NULL)
        all.name = step->name;
    if (all.workers == 0)
        all.workers = 1;
    if (all.window == 0)
        all.window = WF_MIN(all.workers, UINT32_MAX / DEFAULT_WINDOW) * DEFAULT_WINDOW;
    if (all.capacity == 0)
        all.capacity = DEFAULT_CAPACITY;
    return all;
}

static int check_order(enum weft_stage_kind kind, const weft_receiver *source,
                       const weft_stage_opts *opts)
{
    bool is_one = opts->workers == 1;
    if (opts->ordered && kind == WEFT_STAGE_LOOPS)
        return WEFT_EORDER;
    if (is_one || source == NULL)
        return 0;
    if (opts->ordered)
        return source->lends_items || opts->window > WEFT_PERMITS_MAX ? WEFT_EINVAL : 0;
    return source->ops->ref == NULL ? WEFT_EINVAL : 0;
}

static int check(enum weft_stage_kind kind, const weft_callable *step, const weft_receiver *source,
                 size_t in_size, size_t out_size, const weft_stage_opts *opts)
{
    bool is_loop = kind == WEFT_STAGE_LOOPS;
    if ((source == NULL) != (in_size == 0) || (!is_loop && (in_size == 0 || out_size == 0)) ||
        opts->workers > INT32_MAX || (opts->workers > 1 && step->clone == NULL))
        return WEFT_EINVAL;
    if (source == NULL)
        return 0;
    wf_half_must_be(&source->half, WF_HALF_RECEIVER, "weft_stage_open", "source");
    return source->elem_size != in_size ? WEFT_EMSGSIZE : check_order(kind, source, opts);
}

static void pin(struct wf_chan *ch)
{
    wf_chan_lock(ch);
    ch->refs++;
    wf_chan_unlock(ch);
}

static void free_stage(struct wf_stage *stage)
{
    wf_order_free(stage->order, stage->drop);
    if (stage->in != NULL)
        wf_chan_unref(stage->in);
    if (stage->out != NULL)
        wf_chan_unref(stage->out);
    wf_free(stage);
}

/* The channel behind it. */
static int open_link(struct wf_stage *stage, const weft_stage_opts *opts, const weft_callable *step,
                     weft_sender **out_tx, weft_receiver **out_rx)
{
    int rc = wf_chan_open(stage->out_size,
                          &(weft_chan_opts){ .capacity = opts->capacity,
                                             .name = opts->name,
                                             .drop = opts->drop,
                                             .weigh = opts->weigh,
                                             .max_weight = opts->max_weight },
                          step->file, step->line, out_tx, out_rx);
    if (rc < 0)
        return rc;
    stage->out = (*out_tx)->chan;
    pin(stage->out);
    wf_half_forget_holder(stage->out, &(*out_tx)->half); /* the tasks will be */
    return wf_meter_make(stage->out) ? 0 : WEFT_ENOMEM;
}

/* What it receives from: noted, and with order shared by its tasks, or theirs to share. */
static int take_source(struct wf_stage *stage, const weft_stage_opts *opts,
                       struct wf_stage_worker *worker)
{
    weft_receiver *source = worker->in;
    if (source != NULL && source->ops == &wf_chan_ops) {
        stage->in = source->source;
        pin(stage->in);
        if (!wf_meter_make(stage->in))
            return WEFT_ENOMEM;
    }
    if (!opts->ordered || opts->workers == 1)
        return 0;
    stage->order = wf_order_make(stage, opts->window, source);
    if (stage->order == NULL)
        return WEFT_ENOMEM;
    worker->in = NULL;
    return 0;
}

static void link_in(weft_pipeline *pipeline, struct wf_stage *stage)
{
    struct wf_pipeline *p = wf_pipeline_of(pipeline);
    struct wf_stage **slot = &p->first;
    while (*slot != NULL)
        slot = &(*slot)->next;
    *slot = stage;
}

/* Takes what the worker has, on every path. */
static int start(struct wf_stage *stage, const weft_stage_opts *opts, const weft_callable *step,
                 struct wf_stage_worker *worker, weft_receiver **out_rx)
{
    weft_receiver *rx = NULL;
    int rc = take_source(stage, opts, worker);
    if (rc >= 0 && stage->out_size > 0)
        rc = open_link(stage, opts, step, &worker->out, &rx);
    worker->stage = stage;
    wf_store_rlx(&stage->n_left, 1);
    if (rc < 0) {
        end_worker(worker);
        (void)wf_receiver_close_and_free(rx);
        free_stage(stage);
        return rc;
    }
    link_in(stage->pipeline, stage);
    rc = weft_scope_spawn(&stage->pipeline->scope,
                          &(weft_spawn_opts){ .name = opts->name,
                                              .copies = (int)opts->workers,
                                              .stack_size = opts->stack_size },
                          &worker_task, worker, step->file, step->line);
    if (rc < 0)
        (void)wf_receiver_close_and_free(rx);
    else if (out_rx != NULL)
        memcpy(out_rx, &rx, sizeof rx);
    return rc;
}

static struct wf_stage *make_stage(weft_pipeline *pipeline, enum weft_stage_kind kind,
                                   size_t in_size, size_t out_size, const weft_stage_opts *opts)
{
    struct wf_stage *stage = wf_alloc(1, sizeof *stage);
    if (stage == NULL)
        return NULL;
    stage->pipeline = pipeline;
    stage->name = opts->name;
    stage->kind = kind;
    stage->in_size = in_size;
    stage->out_size = out_size;
    stage->drop = opts->drop;
    stage->n_workers = opts->workers;
    wf_lock_init(&stage->times, WF_RANK_SYNC);
    return stage;
}

int weft_stage_open(weft_pipeline *pipeline, enum weft_stage_kind kind, const weft_callable *step,
                    void *args, weft_receiver *source, size_t in_size, size_t out_size,
                    const weft_stage_opts *opts, weft_receiver **out_rx)
{
    struct wf_stage_worker worker = { .in = source };
    struct wf_stage *stage = NULL;
    weft_stage_opts all = { 0 };
    int rc = pipeline == NULL || step == NULL || (out_size > 0) != (out_rx != NULL) ? WEFT_EINVAL
                                                                                    : 0;
    if (rc >= 0) {
        all = read_opts(opts, step);
        rc = check(kind, step, source, in_size, out_size, &all);
    }
    if (rc >= 0)
        stage = make_stage(pipeline, kind, in_size, out_size, &all);
    if (rc >= 0 && stage == NULL)
        rc = WEFT_ENOMEM;
    if (rc < 0) {
        if (step != NULL && step->drop != NULL)
            step->drop(args);
        (void)wf_receiver_close_and_free(source);
        return rc;
    }
    rc = wf_worker_step_make(&worker.step, step, args);
    if (rc >= 0)
        return start(stage, &all, step, &worker, out_rx);
    (void)wf_receiver_close_and_free(source);
    free_stage(stage);
    return rc;
}

/* ---- the pipeline ---------------------------------------------------------------------------- */

void weft_pipeline_enter(weft_pipeline *pipeline, const char *file, int line)
{
    *wf_pipeline_of(pipeline) = (struct wf_pipeline){ .first = NULL };
    weft_scope_enter(&pipeline->scope, file, line);
}

/* Of errors at the same time the scope may have kept another than the one that has the name; and what
 * looks like an answer to the scope's cancel may be what it was cancelled for. */
int weft_pipeline_wait(weft_pipeline *pipeline)
{
    wf_note_call();
    if (pipeline == NULL)
        return WEFT_EINVAL;
    int rc = wf_unnoted(weft_scope_wait(&pipeline->scope));
    int code = weft_pipeline_error(pipeline, NULL);
    return code < 0 ? code : rc;
}

void weft_pipeline_leave(weft_pipeline *pipeline)
{
    struct wf_pipeline *p = wf_pipeline_of(pipeline);
    weft_scope_leave(&pipeline->scope);
    wf_note_call();
    for (struct wf_stage *stage = p->first, *next; stage != NULL; stage = next) {
        next = stage->next;
        free_stage(stage);
    }
    p->first = NULL;
}
