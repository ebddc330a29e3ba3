/* SPDX-License-Identifier: MIT */
#include "sched/runq.h"

#include "sched/task.h"

void wf_runq_init(struct wf_runq *q)
{
    wf_store_rlx(&q->slot, NULL);
    wf_store_rlx(&q->head, 0u);
    wf_store_rlx(&q->tail, 0u);
    wf_store_rlx(&q->n_fresh, 0u);
    q->fresh_newest = q->fresh_oldest = NULL;
    wf_lock_init(&q->fresh_lock, WF_RANK_RUNQ);
}

/* ---- the ring ---------------------------------------------------------------------------- */

/* Takes a batch in one compare-and-swap (proven safe for a queue that is first in first out at both
 * ends: nobody but a taker moves the head, and the owner writes only beyond the tail). The batch
 * goes into the thief's ring first and is published only once the head has moved. */
struct wf_task *wf_runq_steal(struct wf_runq *thief, struct wf_runq *from)
{
    uint32_t tail_own = wf_load_rlx(&thief->tail);
    uint32_t room = WF_RING_SIZE - (tail_own - wf_load_acq(&thief->head));
    uint32_t head = wf_load_acq(&from->head);
    for (;;) {
        /* acquire [ring-filled] */
        uint32_t n = wf_load_acq(&from->tail) - head;
        if (n == 0)
            return NULL;
        if (n > WF_RING_SIZE) { /* head and tail of two moments */
            head = wf_load_acq(&from->head);
            continue;
        }
        n = WF_MIN(n - n / 2, room + 1);
        struct wf_task *first = wf_load_rlx(&from->ring[head % WF_RING_SIZE]);
        for (uint32_t i = 1; i < n; i++)
            wf_store_rlx(&thief->ring[(tail_own + i - 1) % WF_RING_SIZE],
                         wf_load_rlx(&from->ring[(head + i) % WF_RING_SIZE]));
        if (!wf_cas_acq_rel(&from->head, &head, head + n))
            continue;
        wf_store_rel(&thief->tail, tail_own + n - 1);
        return first;
    }
}

/* ---- unstarted tasks ------------------------------------------------------------------------ */

/* A lock, not a lock-free deque: it is the owner's own cache line. */
void wf_runq_push_fresh(struct wf_runq *q, struct wf_task *tasks, uint32_t n)
{
    wf_lock_acquire(&q->fresh_lock);
    while (tasks != NULL) {
        struct wf_task *task = tasks;
        tasks = task->next;
        task->next = q->fresh_newest;
        task->newer = NULL;
        if (task->next != NULL)
            task->next->newer = task;
        else
            q->fresh_oldest = task;
        q->fresh_newest = task;
    }
    wf_store_rlx(&q->n_fresh, wf_load_rlx(&q->n_fresh) + n);
    wf_lock_release(&q->fresh_lock);
}

WF_NOINLINE struct wf_task *wf_runq_pop_fresh_slow(struct wf_runq *q)
{
    wf_lock_acquire(&q->fresh_lock);
    struct wf_task *task = q->fresh_newest;
    if (task != NULL) {
        q->fresh_newest = task->next;
        if (task->next != NULL)
            task->next->newer = NULL;
        else
            q->fresh_oldest = NULL;
        wf_store_rlx(&q->n_fresh, wf_load_rlx(&q->n_fresh) - 1);
    }
    wf_lock_release(&q->fresh_lock);
    return task;
}

struct wf_task *wf_runq_steal_fresh(struct wf_runq *from)
{
    if (wf_runq_fresh_length(from) == 0)
        return NULL;
    wf_lock_acquire(&from->fresh_lock);
    struct wf_task *task = from->fresh_oldest;
    if (task != NULL) {
        from->fresh_oldest = task->newer;
        if (task->newer != NULL)
            task->newer->next = NULL;
        else
            from->fresh_newest = NULL;
        wf_store_rlx(&from->n_fresh, wf_load_rlx(&from->n_fresh) - 1);
    }
    wf_lock_release(&from->fresh_lock);
    return task;
}

/* ---- both ------------------------------------------------------------------------------------- */

uint32_t wf_runq_length(struct wf_runq *q)
{
    return wf_runq_ring_length(q) + wf_runq_fresh_length(q) + (wf_load_rlx(&q->slot) != NULL);
}

bool wf_runq_has_work(struct wf_runq *q)
{
    return wf_runq_ring_length(q) != 0 || wf_runq_fresh_length(q) != 0;
}
