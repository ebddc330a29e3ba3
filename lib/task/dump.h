/* SPDX-License-Identifier: MIT
 * What there is to see of tasks, scopes and channels, as text. */
#ifndef WF_TASK_DUMP_H
#define WF_TASK_DUMP_H

#include "base/panic.h"
#include "sched/wait.h"

/* The whole dump, without "weft: " in front. */
void wf_dump_text(struct wf_text *text);

/* What one waiter waits for and since when, as part of a sentence; nothing if it does not wait. */
void wf_dump_wait(struct wf_waiter *waiter, int64_t now_ns, struct wf_text *text);

#endif
