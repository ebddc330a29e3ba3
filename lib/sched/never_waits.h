/* SPDX-License-Identifier: MIT
 * A user's step that was opened with .never_waits runs between these two: select pulls it, so a
 * wait inside would hold up all its other cases. A wait that begins there is fatal, by name. */
#ifndef WF_SCHED_NEVER_WAITS_H
#define WF_SCHED_NEVER_WAITS_H

#include "sched/wait.h"

/* name: of the step. Returns what end has to put back. */
static inline const char *wf_never_waits_begin(const char *name)
{
    struct wf_waiter *self = wf_waiter_self();
    const char *outer = self->never_waits;
    self->never_waits = name;
    return outer;
}

static inline void wf_never_waits_end(const char *outer) { wf_waiter_self()->never_waits = outer; }

#endif
