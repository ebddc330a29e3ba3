/* SPDX-License-Identifier: MIT
 * Cancel: down the tree of scopes, flags first, then the waits (scope.h, S1, S3, S4). Shields. */
#include "sched/worker.h"
#include "task/generator.h"
#include "task/scope.h"

#include <weft/cleanup.h>
#include <weft/task.h>

static void wake_if_waiting(struct wf_waiter *waiter)
{
    if (waiter != NULL && wf_wait_claim_cancel(waiter))
        wf_wait_wake(waiter, WF_WAKE_LAST);
}

/* False: it was cancelled before, and so is all below it. What has come in addition is kept (S6). */
static bool cancel_one_locked(struct wf_scope *s, const struct wf_reason *reason,
                              bool is_from_above)
{
    s->is_from_above |= is_from_above;
    s->was_asked |= !is_from_above && reason->kind == WF_REASON_ASKED;
    if (wf_scope_is_cancelled(s))
        return false;
    s->reason = *reason;
    /* seq [cancel-dekker]: the flag before the claims. */
    wf_store_seq(&s->cancelled, (uint32_t)WF_FLAG_CANCELLED);
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
static void cancel_below_locked(struct wf_scope *top, const struct wf_reason *reason)
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

static const struct {
    int code;
    const char *text;
} kinds[WF_N_REASONS] = {
    [WF_REASON_ERROR] = { 0, "a task of the scope failed" },
    [WF_REASON_ASKED] = { WEFT_ECANCELED, "cancelled" },
    [WF_REASON_DEADLINE] = { WEFT_ETIMEDOUT, "the deadline passed" },
    [WF_REASON_LEFT] = { WEFT_ABANDONED, "the scope was left" },
    [WF_REASON_DEADLOCK] = { WEFT_EDEADLK, "deadlock" },
    [WF_REASON_RACE] = { WEFT_ECANCELED, "another has won the race" },
};

void wf_scope_cancel_for(struct weft_scope *scope, const struct wf_reason *given)
{
    struct wf_scope *s = wf_scope_of(scope);
    struct wf_reason reason = *given;
    if (reason.code == 0)
        reason.code = kinds[reason.kind].code;
    if (reason.text == NULL)
        reason.text = kinds[reason.kind].text;
    if (reason.file == NULL) {
        reason.file = s->file;
        reason.line = s->line;
    }
    /* A plain thread's first call makes its record, under the runtime's lock: not under ours. */
    (void)wf_waiter_self();
    wf_lock_acquire(&s->lock);
    if (cancel_one_locked(s, &reason, false))
        cancel_below_locked(s, &reason);
    wf_lock_release(&s->lock);
}

void wf_scope_cancel(struct weft_scope *scope, enum wf_cancel_reason kind)
{
    wf_scope_cancel_for(scope, &(struct wf_reason){ .kind = kind });
}

/* ---- public -------------------------------------------------------------------------------------- */

static void cancel_if_there(weft_scope *scope, const struct wf_reason *reason)
{
    if (wf_load_rlx(&wf_rt.has_forked)) /* its locks may have been held by others */
        return;
    if (scope != NULL && !wf_scope_of(scope)->has_left)
        wf_scope_cancel_for(scope, reason);
}

void weft_scope_cancel_because(weft_scope *scope, int code, const char *text, const char *file,
                               int line)
{
    wf_note_call();
    cancel_if_there(
        scope,
        &(struct wf_reason){
            .kind = WF_REASON_ASKED, .code = code, .text = text, .file = file, .line = line });
}

void weft_scope_cancel(weft_scope *scope)
{
    wf_note_call();
    cancel_if_there(scope, &(struct wf_reason){ .kind = WF_REASON_ASKED });
}

bool weft_scope_is_cancelled(weft_scope *scope)
{
    return scope != NULL && wf_scope_is_cancelled(wf_scope_of(scope));
}

bool weft_scope_reason(weft_scope *scope, weft_cancel_reason *out)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL || out == NULL)
        return false;
    if (scope == NULL)
        scope = self->scope;
    if (scope == NULL || wf_scope_of(scope)->has_left)
        return false;
    struct wf_scope *s = wf_scope_of(scope);
    wf_lock_acquire(&s->lock);
    struct wf_reason reason = s->reason;
    wf_lock_release(&s->lock);
    if (reason.kind == WF_REASON_NONE)
        return false;
    *out = (weft_cancel_reason){ reason.code, reason.text, reason.file, reason.line };
    return true;
}

/* ---- shields ------------------------------------------------------------------------------------ */

struct shield {
    _Atomic uint32_t *cancel; /* what the waiter looked at before */
    struct weft_scope *scope; /* the innermost one then */
};
_Static_assert(sizeof(struct shield) <= sizeof(weft_shield), "weft_shield is too small");

void weft_shield_begin(weft_shield *shield)
{
    struct wf_waiter *self = wf_waiter_self();
    struct shield *outer = (struct shield *)(void *)shield->opaque_;
    outer->cancel = NULL; /* says that it has not begun: there may be memory by its end */
    if (self == NULL)
        return;
    *outer = (struct shield){ self->cancel, self->scope };
    self->shields++;
    self->cancel = &wf_never_cancelled;
}

/* Scopes that were waited for meanwhile are still there: they are left after the shield's end. */
static _Atomic uint32_t *flag_after(const struct shield *shield, const struct wf_waiter *self)
{
    _Atomic uint32_t *flag = shield->cancel;
    struct weft_scope *scope = shield->scope;
    while (scope != self->scope && flag == &wf_scope_of(scope)->cancelled) {
        flag = wf_scope_of(scope)->outer_cancel;
        scope = wf_scope_of(scope)->parent;
    }
    return flag;
}

void weft_shield_end(weft_shield *shield)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL || ((struct shield *)(void *)shield->opaque_)->cancel == NULL)
        return;
    if (--self->shields < self->sealed_shields) { /* begun before the teardown that goes on */
        self->sealed_shields = self->shields;
        return;
    }
    self->cancel = flag_after((struct shield *)(void *)shield->opaque_, self);
}

/* ---- asking ---------------------------------------------------------------------------------------- */

int weft_checkpoint(void)
{
    struct wf_waiter *self = wf_caller();
    if (self == NULL)
        return wf_no_waiter();
    wf_coop(self);
    return wf_is_cancelled(self) ? WEFT_ECANCELED : 0;
}

int weft_pause(void)
{
    struct wf_waiter *self = wf_caller();
    if (self == NULL)
        return wf_no_waiter();
    if (wf_is_cancelled(self))
        return WEFT_ECANCELED;
    wf_store_rlx(&self->wait_kind, WF_ON_PAUSE); /* for the watchdog */
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
