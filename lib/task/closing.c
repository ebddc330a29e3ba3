/* SPDX-License-Identifier: MIT
 * What closers that a brace runs have in common: their errors, their budget, weft_defer. */
#include "task/ledger.h"

#include "sched/worker.h"

#include <weft/defer.h>
#include <weft/error.h>

void weft_note_close_error(int rc)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self != NULL && rc < 0 && rc != WEFT_ABANDONED && self->close_error == 0)
        self->close_error = rc;
}

int weft_take_close_error(void)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return 0;
    int rc = self->close_error;
    self->close_error = 0;
    return rc;
}

bool weft_closing_force(weft_closing *user_closing, int rc)
{
    struct wf_closing *closing = wf_closing_of(user_closing);
    bool must_force = rc == WEFT_ECANCELED && wf_closing_is_over(closing);
    closing->is_forced |= must_force;
    return must_force;
}

void weft_closing_end(weft_closing *user_closing, const char *kind, const char *file, int line)
{
    struct wf_closing *closing = wf_closing_of(user_closing);
    if (WF_UNLIKELY(wf_closing_is_over(closing)))
        wf_ledger_report_overdue(closing,
                                 &(struct wf_entry){ .kind = kind, .file = file, .line = line });
    wf_closing_end(closing);
}

void weft_deferred_run(weft_deferred *deferred)
{
    wf_note_call();
    weft_closing closing;
    int rc = 0;
    weft_closing_begin(&closing);
    if (deferred->close != NULL)
        rc = deferred->close(deferred->arg);
    else
        deferred->run(deferred->arg);
    weft_closing_end(&closing, "deferred call", NULL, 0);
    weft_note_close_error(rc);
}
