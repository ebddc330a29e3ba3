/* SPDX-License-Identifier: MIT
 * Cancel: down the tree of scopes, flags first, then the waits (scope.h, S1, S3, S4). Shields. */
#include "task/generator.h"
#include "task/scope.h"

#include <weft/cleanup.h>
#include <weft/task.h>

static void wake_if_waiting(struct wf_waiter *waiter)
{
    if (waiter != NULL && wf_wait_claim_cancel(waiter))
        wf_wait_wake(waiter, WF_WAKE_LAST);
}

/* False: it was cancelled before, and so is all below it. That an outer scope's cancel has come too
 * is kept: the scope does not swallow that one. */
static bool cancel_one_locked(struct wf_scope *s, enum wf_cancel_reason reason, bool is_from_above)
{
    s->is_from_above |= is_from_above;
    if (wf_load_rlx(&s->cancelled) != 0)
        return false;
    s->reason = reason;
    /* seq [cancel-dekker]: the flag before the claims. */
    wf_store_seq(&s->cancelled, 1u);
    wf_list_each (link, &s->tasks) {
        struct wf_task *task = WF_CONTAINER(link, struct wf_task, home_link);
        wf_generator_settle_task(task);
        wake_if_waiting(&task->waiter);
    }
    wake_if_waiting(s->owner);
    if (wf_load_rlx(&s->is_owner_joining) && wf_wait_claim(s->owner, WF_CLAIM_CANCELED))
        wf_wait_wake(s->owner, WF_WAKE_LAST); /* its teardown budget begins */
    return true;
}

/* In depth, with the locks of the whole path held (S3): a scope's place among its siblings stands
 * still as long as its parent is locked. Not recursive: the canceller may be a task, with a small
 * stack, and there is no limit to nesting. */
static void cancel_below_locked(struct wf_scope *top, enum wf_cancel_reason reason)
{
    struct wf_scope *at = top;
    struct wf_link *next = at->scopes.head.next;
    while (at != top || next != &top->scopes.head) {
        if (next == &at->scopes.head) {
            struct wf_scope *done = at;
            next = at->link.next;
            at = wf_scope_of(at->parent);
            wf_lock_release(&done->lock);
            continue;
        }
        struct wf_scope *child = WF_CONTAINER(next, struct wf_scope, link);
        next = next->next;
        if (child->is_shielded)
            continue;
        wf_lock_acquire(&child->lock);
        if (cancel_one_locked(child, reason, true)) {
            at = child;
            next = at->scopes.head.next;
        } else {
            wf_lock_release(&child->lock);
        }
    }
}

void wf_scope_cancel(struct weft_scope *scope, enum wf_cancel_reason reason)
{
    struct wf_scope *s = wf_scope_of(scope);
    /* A plain thread's first call makes its record, under the runtime's lock: not under ours. */
    (void)wf_waiter_self();
    wf_lock_acquire(&s->lock);
    if (cancel_one_locked(s, reason, false))
        cancel_below_locked(s, reason);
    wf_lock_release(&s->lock);
}

/* ---- shields ------------------------------------------------------------------------------------ */

struct shield {
    _Atomic uint32_t *cancel;
};
_Static_assert(sizeof(struct shield) <= sizeof(weft_shield), "weft_shield is too small");

void weft_shield_begin(weft_shield *shield)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return;
    ((struct shield *)(void *)shield->opaque_)->cancel = self->cancel;
    self->shields++;
    self->cancel = &wf_never_cancelled;
}

void weft_shield_end(weft_shield *shield)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return;
    self->shields--;
    self->cancel = ((struct shield *)(void *)shield->opaque_)->cancel;
}

void weft_note_close_error(int rc)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self != NULL && rc < 0 && rc != WEFT_ABANDONED && self->close_error == 0)
        self->close_error = rc;
}

/* ---- asking ---------------------------------------------------------------------------------------- */

int weft_checkpoint(void)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    wf_coop(self);
    return wf_is_cancelled(self) ? WEFT_ECANCELED : 0;
}

int weft_pause(void)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    if (wf_is_cancelled(self))
        return WEFT_ECANCELED;
    wf_yield(self);
    return 0;
}

const char *weft_task_name(void)
{
    struct wf_waiter *self = wf_waiter_self();
    return self != NULL && self->is_task ? self->name : "";
}

uint64_t weft_task_id(void)
{
    struct wf_waiter *self = wf_waiter_self();
    return self != NULL && self->is_task ? self->id : 0;
}
