/* SPDX-License-Identifier: MIT
 * Closers at work, and their budget: see closing.h. */
#include "sched/closing.h"

#include "sched/worker.h"

_Static_assert(sizeof(struct wf_closing) <= sizeof(weft_closing), "weft_closing is too small");

/* Under the timer queue's lock. */
static void budget_is_over(struct wf_timer *timer)
{
    struct wf_closing *closing = WF_CONTAINER(timer, struct wf_closing, budget);
    struct wf_waiter *owner = closing->owner;
    /* seq [cancel-dekker]: the flag before the claim. */
    wf_store_seq(&closing->flag, (uint32_t)WF_FLAG_CANCELLED);
    if (wf_wait_claim_cancel(owner))
        wf_wait_wake(owner, WF_WAKE_LAST);
}

/* Without a runtime nobody would look at the time. */
static bool has_runtime(struct wf_waiter *self) { return self->is_task || self->scope != NULL; }

WF_NOINLINE void wf_closing_arm(struct wf_waiter *self)
{
    struct wf_closing *closing = self->closing;
    if (closing == NULL || closing->is_armed || !has_runtime(self))
        return;
    closing->is_armed = true;
    closing->owner = self;
    closing->until_ns = wf_clock_after(wf_rt.config.teardown_budget_ns);
    closing->budget = (struct wf_timer){ .queue = NULL };
    wf_store_rlx(&closing->flag, (uint32_t)WF_FLAG_CLEAR);
    wf_timer_start(&closing->budget, closing->until_ns, budget_is_over);
}

int64_t wf_closing_deadline(struct wf_waiter *self, int64_t at_ns)
{
    wf_closing_arm(self);
    bool has_limit = self->closing != NULL && self->closing->is_armed;
    return has_limit ? WF_MIN(at_ns, self->closing->until_ns) : at_ns;
}

void weft_closing_begin(weft_closing *user_closing)
{
    struct wf_waiter *self = wf_waiter_self();
    struct wf_closing *closing = wf_closing_of(user_closing);
    wf_store_rlx(&closing->flag, (uint32_t)WF_FLAG_UNARMED);
    closing->is_armed = closing->is_forced = closing->is_reported = false;
    closing->owner = self;
    if (self == NULL)
        return;
    weft_shield_begin(&closing->shield);
    closing->outer = self->closing;
    closing->outer_felt_cancel = self->felt_cancel;
    self->closing = closing;
    self->cancel = &closing->flag;
}

void wf_closing_end(struct wf_closing *closing)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL || closing->owner == NULL)
        return;
    if (closing->is_armed)
        (void)wf_timer_cancel(&closing->budget);
    self->closing = closing->outer;
    self->felt_cancel = closing->outer_felt_cancel;
    weft_shield_end(&closing->shield);
}
