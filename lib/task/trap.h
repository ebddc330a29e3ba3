/* SPDX-License-Identifier: MIT
 * The classic trap of counted halves, from the side of who waits for its children. */
#ifndef WF_TASK_TRAP_H
#define WF_TASK_TRAP_H

struct weft_scope;

/* The scope's owner has just begun to wait for its children: reports, once a channel, those below
 * it that wait to receive what only somebody above them who waits for them could send. */
void wf_trap_check_scope(struct weft_scope *scope);

#endif
