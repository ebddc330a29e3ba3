/* SPDX-License-Identifier: MIT
 * Runs on the signal stack of a worker whose task hit its guard: no locks, no memory. */
#include "sched/overflow.h"

#include "base/panic.h"
#include "plat/self.h"
#include "sched/worker.h"

#include <stdio.h>

size_t wf_describe_self(char *buf, size_t size)
{
    struct wf_thread *thread = wf_self_get();
    if (thread == NULL || !thread->current->is_task)
        return 0;
    struct wf_task *task = wf_task_of(thread->current);
    int n = snprintf(buf, size, " [task #%llu \"%s\", spawned at %s:%d]",
                     (unsigned long long)task->waiter.id,
                     task->waiter.name != NULL ? task->waiter.name : "?",
                     task->spawn_file != NULL ? task->spawn_file : "?", task->spawn_line);
    return n > 0 && size > 0 ? WF_MIN((size_t)n, size - 1) : 0;
}

/* Other faults are not ours to explain: the handler that was there before has its turn. */
void wf_overflow_report(void *address, void *pc)
{
    (void)pc;
    struct wf_thread *thread = wf_self_get();
    if (thread == NULL || !thread->current->is_task)
        return;
    struct wf_task *task = wf_task_of(thread->current);
    if (task->stack == NULL || !wf_stack_guard_holds(task->stack, address))
        return;
    wf_panic("a task ran over its stack of %zu KiB", wf_stack_size(task->stack) / 1024);
}
