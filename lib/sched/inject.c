/* SPDX-License-Identifier: MIT */
#include "sched/inject.h"

#include "plat/sanitizer.h"
#include "sched/task.h"

void wf_inject_init(struct wf_inject *q)
{
    wf_lock_init(&q->lock, WF_RANK_INJECT);
    q->first = q->last = NULL;
    wf_store_rlx(&q->n, 0u);
}

void wf_inject_push(struct wf_inject *q, struct wf_task *first, struct wf_task *last, uint32_t n)
{
    wf_lock_acquire(&q->lock);
    last->next = NULL;
    wf_san_disown(&last->waiter); /* as in wf_timer_wake */
    if (q->last == NULL) {
        q->first = first;
    } else {
        q->last->next = first;
        wf_san_disown(&q->last->waiter);
    }
    q->last = last;
    wf_store_rlx(&q->n, wf_load_rlx(&q->n) + n);
    wf_lock_release(&q->lock);
}

struct wf_task *wf_inject_pop(struct wf_inject *q)
{
    if (wf_load_rlx(&q->n) == 0)
        return NULL;
    wf_lock_acquire(&q->lock);
    struct wf_task *task = q->first;
    if (task != NULL) {
        q->first = task->next;
        wf_san_disown(&task->waiter); /* our look at its link comes before its next run */
        if (q->first == NULL)
            q->last = NULL;
        wf_store_rlx(&q->n, wf_load_rlx(&q->n) - 1);
    }
    wf_lock_release(&q->lock);
    return task;
}
