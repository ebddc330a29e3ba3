/* SPDX-License-Identifier: MIT
 * A manager: a generator that yields once, and whose yield waits for the lease to be closed.
 *
 * The rules of generator.h hold, with these besides:
 *   N1  There is one demand, the opener's: so no worker is ever lent (G6), and the one yield that
 *       puts finds it.
 *   N2  The yield's wait is shielded and ends by a close alone: who uses the value unwinds before
 *       the manager tears it down, also when both are cancelled.
 *   N3  What comes after the yield is teardown, shielded and with the budget of a closer (closing.h).
 *   N4  The lease outlives the body: whoever closes it waits for DONE. The body writes rc and ends
 *       the shield before that; the closer reads rc and frees the lease after it. */
#ifndef WF_TASK_MANAGER_H
#define WF_TASK_MANAGER_H

#include "sched/wait.h"

#include <weft/manager.h>
#include <weft/resource.h>

struct wf_generator;

struct weft_lease {
    weft_resource entry;
    weft_receiver *rx;
    int told; /* what the yield returns; the channel's lock, until is_closing */
    int rc;   /* what the body returned; valid when has_ended */

    /* The body's task alone, until DONE. */
    bool has_yielded, is_misused, has_ended;
    weft_closing rest;
};

/* weft_yield in a manager's body. */
int wf_manager_yield(struct wf_generator *g, const void *value, struct wf_waiter *self);

/* The body has returned rc. By its task. */
void wf_manager_body_done(struct weft_lease *lease, int rc);

#endif
