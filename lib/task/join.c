/* SPDX-License-Identifier: MIT
 * Joining one task by its handle, and whichever child of a scope ends next. */
#include "sched/worker.h"
#include "task/record.h"

#include <weft/join.h>

/* ---- one ---------------------------------------------------------------------------------------- */

int weft_task_join(weft_task *task, weft_task_end *out_end, void *out_value, size_t size)
{
    if (task == NULL)
        return WEFT_EINVAL;
    struct wf_waiter *self = wf_caller();
    if (self == NULL)
        return wf_no_waiter();
    if (self->is_task && self->id == task->end.id)
        return WEFT_EDEADLK;
    wf_coop(self);
    if (wf_is_cancelled(self))
        return WEFT_ECANCELED;
    int rc = wf_record_await(task, self, false);
    return rc < 0 ? rc : wf_record_take(task, out_end, out_value, size);
}

weft_task *weft_task_ref(weft_task *task)
{
    if (task != NULL)
        (void)wf_add_rlx(&task->refs, 1u);
    return task;
}

int weft_task_close(weft_task *task)
{
    wf_note_call();
    if (task != NULL)
        wf_record_unref(task);
    return 0;
}

/* ---- the next of a scope ------------------------------------------------------------------------ */

static int check(weft_scope *scope, const weft_task_end *out_end, const struct wf_waiter *self)
{
    if (scope == NULL || out_end == NULL)
        return WEFT_EINVAL;
    struct wf_scope *s = wf_scope_of(scope);
    if (s->has_left)
        return s->rc < 0 ? s->rc : WEFT_ECLOSED;
    return s->owner == self && s->keeps_records ? 0 : WEFT_EINVAL;
}

/* 1 one was taken; 0 there is none yet; negative: its result does not fit. */
static int try_next(struct wf_scope *s, weft_task_end *out_end, void *out_value, size_t size)
{
    wf_lock_acquire(&s->lock);
    struct wf_link *link = wf_list_first(&s->ended);
    wf_lock_release(&s->lock);
    if (link == NULL)
        return 0;
    /* Only the owner takes from the list, so it is still the first. */
    struct weft_task *record = WF_CONTAINER(link, struct weft_task, link);
    int rc = wf_record_take(record, out_end, out_value, size);
    if (rc < 0)
        return rc;
    wf_lock_acquire(&s->lock);
    wf_list_remove(link);
    wf_lock_release(&s->lock);
    wf_record_unref(record);
    return 1;
}

/* False: there is nothing to wait for, or no need to. */
static bool begin_wait(struct wf_scope *s, struct wf_waiter *self)
{
    wf_lock_acquire(&s->lock);
    bool has_to_wait = s->n_tasks > 0 && wf_list_is_empty(&s->ended);
    if (has_to_wait) {
        wf_wait_begin(self, WF_ON_CHILDREN, s);
        s->is_owner_collecting = true;
    }
    wf_lock_release(&s->lock);
    return has_to_wait;
}

static int wait_for_next(struct wf_scope *s, struct wf_waiter *self)
{
    uint32_t claim = wf_wait_park(self, WF_NEVER);
    wf_lock_acquire(&s->lock);
    s->is_owner_collecting = false;
    wf_lock_release(&s->lock);
    return wf_claim_code(self, claim);
}

int weft_scope_join_next(weft_scope *scope, weft_task_end *out_end, void *out_value, size_t size)
{
    struct wf_waiter *self = wf_caller();
    if (self == NULL)
        return wf_no_waiter();
    int rc = check(scope, out_end, self);
    if (rc < 0)
        return rc;
    struct wf_scope *s = wf_scope_of(scope);
    wf_coop(self);
    if (!s->is_ended && wf_is_cancelled(self))
        return WEFT_ECANCELED;
    while ((rc = try_next(s, out_end, out_value, size)) == 0) {
        if (!begin_wait(s, self))
            return try_next(s, out_end, out_value, size);
        rc = wait_for_next(s, self);
        if (rc < 0)
            return rc;
    }
    return rc;
}
