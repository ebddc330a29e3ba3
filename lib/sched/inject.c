/* SPDX-License-Identifier: MIT */
#include "sched/inject.h"

#include "plat/sanitizer.h"
#include "sched/pace.h"
#include "sched/task.h"

#include <stddef.h>

enum {
    TAKEN_AT_ONCE = 32,
    LINES_BELOW = 2, /* the saved stack pointer: what it calls next */
    LINES_ABOVE = 6, /* registers, and who called the wait */
};

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

static struct wf_task *pop_locked(struct wf_inject *q)
{
    struct wf_task *task = q->first;
    if (task != NULL) {
        q->first = task->next;
        wf_san_disown(&task->waiter); /* our look at its link comes before its next run */
        if (q->first == NULL)
            q->last = NULL;
        wf_store_rlx(&q->n, wf_load_rlx(&q->n) - 1);
    }
    return task;
}

struct wf_task *wf_inject_pop(struct wf_inject *q)
{
    if (wf_load_rlx(&q->n) == 0)
        return NULL;
    wf_lock_acquire(&q->lock);
    struct wf_task *task = pop_locked(q);
    wf_lock_release(&q->lock);
    return task;
}

/* It is long since a task of a long queue has run: all of it comes from memory, and one miss would
 * follow another. Here those of several tasks are under way at once. */
static void prefetch(struct wf_task *task)
{
#ifndef WF_TSAN /* which sees no order between tasks of one worker: the next may begin on that stack */
    const char *saved = wf_load_rlx_raw(&task->ctx.sp); /* NULL: none, or it is still leaving it */
    for (int i = -LINES_BELOW; saved != NULL && i < LINES_ABOVE; i++)
        __builtin_prefetch(saved + (ptrdiff_t)i * WF_CACHE_LINE, 1);
#endif
    __builtin_prefetch(&task->waiter, 1);
    __builtin_prefetch(&task->home_link, 1);
}

static uint32_t share_of(struct wf_inject *q, struct wf_worker *w)
{
    uint32_t n = (wf_load_rlx(&q->n) + wf_n_workers() - 1) / wf_n_workers();
    uint32_t room = (uint32_t)WF_RING_SIZE - wf_runq_ring_length(&w->runq);
    n = WF_MIN(n, room / 2);
    return WF_MIN(n, (uint32_t)TAKEN_AT_ONCE);
}

/* The others are pushed once they are off the list, under its lock all the same: who looks for work
 * finds them here or there. */
struct wf_task *wf_inject_take(struct wf_inject *q, struct wf_worker *w)
{
    if (wf_load_rlx(&q->n) == 0)
        return NULL;
    wf_lock_acquire(&q->lock);
    uint32_t n_more = share_of(q, w);
    struct wf_task *first = pop_locked(q), *task;
    for (uint32_t i = 1; i < n_more && (task = pop_locked(q)) != NULL; i++) {
        prefetch(task);
        (void)wf_runq_push(&w->runq, task); /* there is room: who else takes makes more */
    }
    wf_lock_release(&q->lock);
    if (n_more > 1)
        wf_pace_pushed(w, wf_runq_ring_length(&w->runq));
    return first;
}
