/* SPDX-License-Identifier: MIT
 * The steps of the tasks of one source, and for_each. */
#include "stream/parallel.h"

#include "plat/mem.h"

#include <weft/cancel.h>
#include <weft/stream_task.h>

#include <string.h>

/* ---- a worker's step ------------------------------------------------------------------------- */

int wf_worker_step_make(struct wf_worker_step *made, const weft_callable *step, void *args)
{
    void *copy = wf_alloc(1, WF_MAX(step->args_size, (size_t)1));
    if (copy == NULL) {
        if (step->drop != NULL)
            step->drop(args);
        return WEFT_ENOMEM;
    }
    if (step->args_size > 0)
        memcpy(copy, args, step->args_size);
    *made = (struct wf_worker_step){ step, copy };
    return 0;
}

int wf_worker_step_clone(struct wf_worker_step *step)
{
    void *copy = wf_alloc(1, WF_MAX(step->step->args_size, (size_t)1));
    if (copy == NULL)
        return WEFT_ENOMEM;
    memcpy(copy, step->args, step->step->args_size);
    int rc = step->step->clone != NULL ? step->step->clone(copy) : WEFT_EINVAL;
    if (rc < 0)
        wf_free(copy);
    else
        step->args = copy;
    return rc;
}

void wf_worker_step_drop(struct wf_worker_step *step)
{
    if (step->args == NULL)
        return;
    if (step->step->drop != NULL)
        step->step->drop(step->args);
    wf_free(step->args);
    step->args = NULL;
}

/* ---- for_each -------------------------------------------------------------------------------- */

struct each_worker {
    struct wf_shared_source *shared;
    weft_scope *scope;
    _Atomic bool *is_left; /* a step or the source said ECLOSED: written by any worker, read after
                              all */
    struct wf_worker_step step;
};

static int work_on_items(struct each_worker *worker, void *item)
{
    for (;;) {
        uint64_t number;
        bool is_end;
        int rc = wf_shared_pull(worker->shared, item, &number, &is_end);
        if (rc == 0)
            return 0;
        if (rc > 0)
            rc = worker->step.step->enter(worker->step.args, &(struct weft_step){ .in = item });
        if (rc == WEFT_ECLOSED) { /* which is no error of a scope */
            wf_store_rlx(worker->is_left, true);
            weft_cancel(worker->scope, rc, "a step or the source said WEFT_ECLOSED");
        }
        if (rc < 0)
            return rc;
    }
}

static int each_enter(void *args, void *self)
{
    struct each_worker *worker = args;
    void *item = wf_alloc(1, worker->shared->source->elem_size);
    (void)self;
    int rc = item == NULL ? WEFT_ENOMEM : work_on_items(worker, item);
    wf_free(item);
    wf_worker_step_drop(&worker->step);
    return rc;
}

static int each_clone(void *args)
{
    return wf_worker_step_clone(&((struct each_worker *)args)->step);
}
static void each_drop(void *args) { wf_worker_step_drop(&((struct each_worker *)args)->step); }

static const weft_callable each_task = { .enter = each_enter,
                                         .drop = each_drop,
                                         .clone = each_clone,
                                         .args_size = sizeof(struct each_worker),
                                         .name = "for_each" };

static int run_workers(struct wf_shared_source *shared, struct each_worker *worker,
                       unsigned n_tasks)
{
    weft_scope scope = { .opts = { .size_ = sizeof(weft_scope_opts), .name = "for_each" } };
    _Atomic bool is_left = false;
    weft_scope_enter(&scope, __FILE__, __LINE__);
    worker->shared = shared;
    worker->scope = &scope;
    worker->is_left = &is_left;
    int rc = weft_scope_spawn(
        &scope, &(weft_spawn_opts){ .name = worker->step.step->name, .copies = (int)n_tasks },
        &each_task, worker, __FILE__, __LINE__);
    if (rc >= 0)
        rc = weft_scope_wait(&scope);
    weft_scope_leave(&scope);
    return rc >= 0 && wf_load_rlx(&is_left) ? WEFT_ECLOSED : rc;
}

static int run_over(weft_receiver *source, struct each_worker *worker, unsigned n_tasks)
{
    struct wf_shared_source shared;
    wf_shared_init(&shared, source, "for_each");
    return run_workers(&shared, worker, n_tasks);
}

int weft_for_each_run(const weft_callable *step, void *args, weft_receiver *source, size_t in_size,
                      unsigned n_tasks)
{
    wf_note_call();
    struct each_worker worker = { 0 };
    int rc = source == NULL || step == NULL || n_tasks == 0 || n_tasks > INT32_MAX ? WEFT_EINVAL
                                                                                   : 0;
    if (rc >= 0) {
        wf_half_must_be(&source->half, WF_HALF_RECEIVER, "weft_for_each_run", "source");
        rc = source->elem_size != in_size ? WEFT_EMSGSIZE : 0;
    }
    if (rc >= 0 && n_tasks > 1 && source->lends_items)
        rc = WEFT_ENOTSUP;
    if (rc < 0 && step != NULL && step->drop != NULL)
        step->drop(args);
    if (rc >= 0)
        rc = wf_worker_step_make(&worker.step, step, args);
    if (rc >= 0)
        rc = wf_unnoted(run_over(source, &worker, n_tasks));
    int closed = wf_receiver_close_and_free(source);
    return rc < 0 ? rc : WF_MIN(closed, 0);
}
