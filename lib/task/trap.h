/* SPDX-License-Identifier: MIT
 * The classic trap of counted halves, from the side of who waits for its children. */
#ifndef WF_TASK_TRAP_H
#define WF_TASK_TRAP_H

struct weft_scope;
struct wf_waiter;

/* The owner is about to wait for the scope's children: reports, once a channel, those who wait to
 * receive what only the owner could send. */
void wf_trap_check_scope(struct weft_scope *scope, const struct wf_waiter *owner);

#endif
