/* SPDX-License-Identifier: MIT
 * A scope's own deadline: a timer that cancels it, which may be moved while it runs.
 *
 *   D1  The timer is started, moved and stopped under deadline_lock, which comes before the timer
 *       queues' locks: the callback, under its queue's lock, does without.
 *   D2  Once wf_timer_cancel is over the callback neither runs nor will. So who moves a deadline
 *       either finds that it has fired, or from then on only the new one can.
 *
 * Rejected: no fence, and no look at who polls, for a deadline that is further off than the next look
 * at those awake. 69.0 and 70.5 ns of CPU time a scope at best, 78.0 and 75.5 in the median of nine
 * rounds. A scope without a deadline is 45.5, and a look at the clock 27. */
#include "sched/closing.h"
#include "sched/worker.h"
#include "task/scope.h"

static void deadline_passed(struct wf_timer *timer)
{
    struct wf_scope *s = WF_CONTAINER(timer, struct wf_scope, deadline);
    wf_scope_cancel(wf_scope_public(s), WF_REASON_DEADLINE);
}

void wf_deadline_start(struct weft_scope *scope, const struct wf_scope_opts *opts)
{
    struct wf_scope *s = wf_scope_of(scope);
    wf_lock_init(&s->deadline_lock, WF_RANK_DEADLINE);
    wf_store_rlx(&s->deadline_at_ns, opts->deadline_at_ns);
    if (opts->has_expired)
        wf_scope_cancel(scope, WF_REASON_DEADLINE);
    else if (opts->deadline_at_ns != WF_NEVER)
        wf_timer_start(&s->deadline, opts->deadline_at_ns, deadline_passed);
}

static void stop_locked(struct wf_scope *s)
{
    if (s->deadline.queue != NULL)
        (void)wf_timer_cancel(&s->deadline);
    s->deadline.queue = NULL;
}

/* By its owner. A mover that came before the end may still be at it; one that comes later finds
 * is_ended, which was set under the same lock as was_moved is. */
void wf_deadline_stop(struct wf_scope *s)
{
    if (WF_LIKELY(!s->was_moved)) {
        stop_locked(s);
        return;
    }
    wf_lock_acquire(&s->deadline_lock);
    stop_locked(s);
    wf_lock_release(&s->deadline_lock);
}

static int check_locked(struct wf_scope *s)
{
    wf_lock_acquire(&s->lock);
    int rc = s->is_ended ? WEFT_ECLOSED : s->reason.kind == WF_REASON_DEADLINE ? WEFT_ETIMEDOUT : 0;
    if (rc == 0)
        s->was_moved = true;
    wf_lock_release(&s->lock);
    return rc;
}

/* With the deadline's lock. 1: it is the past, so that the scope has to be cancelled. */
static int move_locked(struct wf_scope *s, int64_t at_ns)
{
    int rc = check_locked(s);
    if (rc < 0)
        return rc;
    stop_locked(s);
    rc = check_locked(s); /* it may have fired before that (D2) */
    if (rc < 0)
        return rc;
    wf_store_rlx(&s->deadline_at_ns, at_ns);
    if (at_ns == WF_NEVER)
        return 0;
    if (at_ns <= wf_clock_now())
        return 1;
    wf_timer_start(&s->deadline, at_ns, deadline_passed);
    return 0;
}

int weft_scope_set_deadline(weft_scope *scope, int64_t at_ns)
{
    if (scope == NULL)
        return WEFT_EINVAL;
    struct wf_scope *s = wf_scope_of(scope);
    if (wf_caller() == NULL)
        return wf_no_waiter();
    if (s->has_left)
        return s->rc < 0 ? s->rc : WEFT_ECLOSED;
    wf_lock_acquire(&s->deadline_lock);
    int rc = move_locked(s, at_ns);
    wf_lock_release(&s->deadline_lock);
    if (rc > 0)
        wf_scope_cancel(scope, WF_REASON_DEADLINE);
    return WF_MIN(rc, 0);
}

/* The scopes around the caller stay as long as it is in them. */
int64_t weft_deadline(void)
{
    struct wf_waiter *self = wf_waiter_self();
    int64_t at_ns = WF_NEVER;
    if (self == NULL || self->cancel == &wf_never_cancelled)
        return at_ns;
    if (wf_load_rlx(self->cancel) == WF_FLAG_CANCELLED)
        return INT64_MIN;
    if (self->closing != NULL && self->cancel == &self->closing->flag)
        return wf_closing_deadline(self, WF_NEVER);
    for (struct weft_scope *scope = self->scope; scope != NULL;) {
        struct wf_scope *s = wf_scope_of(scope);
        at_ns = WF_MIN(at_ns, wf_load_rlx(&s->deadline_at_ns));
        scope = s->is_shielded ? NULL : s->parent;
    }
    return at_ns;
}

bool weft_scope_has_expired(weft_scope *scope)
{
    if (scope == NULL || wf_load_rlx(&wf_rt.has_forked))
        return false;
    struct wf_scope *s = wf_scope_of(scope);
    if (s->has_left)
        return s->has_expired;
    wf_lock_acquire(&s->lock);
    bool is_pending = s->reason.kind == WF_REASON_DEADLINE && !s->is_from_above && !s->was_asked;
    bool has_expired = s->is_ended ? s->has_expired : is_pending;
    wf_lock_release(&s->lock);
    return has_expired;
}
