/* SPDX-License-Identifier: MIT
 * A closer at work: shielded, and within the teardown budget of the runtime.
 *
 * The budget begins with the first call that may wait, so that a closer that makes none costs no
 * timer: the flag that the waiter looks at is then the closing's own, and says UNARMED (wait.h).
 * Past the budget it says CANCELLED, and the closer's waits end as those of a cancelled scope do.
 *
 *   from      to          by           where
 *   UNARMED   CLEAR       the waiter   wf_closing_arm, at its first look
 *   CLEAR     CANCELLED   the timer    budget_is_over
 *
 * A closer inside another has a budget of its own: each has its chance. A scope that is entered in
 * there has the end of the budget as a deadline (wf_closing_deadline). */
#ifndef WF_SCHED_CLOSING_H
#define WF_SCHED_CLOSING_H

#include "sched/timerq.h"
#include "sched/wait.h"

#include <weft/cleanup.h>

/* Lives in weft_closing::opaque_. The waiter's own, but for the flag. */
struct wf_closing {
    _Atomic uint32_t flag; /* WF_FLAG_*; the timer writes it once it is armed */
    bool is_armed, is_forced, is_reported;
    bool outer_felt_cancel;  /* what the budget ends is no concern of the scope around it */
    struct wf_waiter *owner; /* NULL: begun without memory to note the thread in */
    struct wf_closing *outer;
    weft_shield shield;
    struct wf_timer budget; /* once armed */
    int64_t until_ns;
};

static inline struct wf_closing *wf_closing_of(weft_closing *closing)
{
    return (struct wf_closing *)(void *)closing->opaque_;
}

static inline bool wf_closing_is_over(const struct wf_closing *closing)
{
    return wf_load_acq(&closing->flag) == WF_FLAG_CANCELLED;
}

void wf_closing_end(struct wf_closing *closing);

/* Starts the budget of the waiter's innermost closer. No lock is held. */
void wf_closing_arm(struct wf_waiter *self);

/* at_ns, or the end of the budget of the closer that the caller runs. */
int64_t wf_closing_deadline(struct wf_waiter *self, int64_t at_ns);

#endif
