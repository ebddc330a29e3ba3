/* SPDX-License-Identifier: MIT */
#include "sched/runq.h"

void wf_runq_init(struct wf_runq *q)
{
    wf_store_rlx(&q->slot, NULL);
    wf_store_rlx(&q->head, 0u);
    wf_store_rlx(&q->tail, 0u);
    wf_store_rlx(&q->fresh_head, 0u);
    wf_store_rlx(&q->fresh_tail, 0u);
    wf_lock_init(&q->fresh_lock, WF_RANK_RUNQ);
}

/* ---- the ring ---------------------------------------------------------------------------- */

bool wf_runq_push(struct wf_runq *q, struct wf_task *task)
{
    uint32_t tail = wf_load_rlx(&q->tail);
    /* acquire [ring-taken]: who moved the head has read its slots (R3, R4). */
    if (tail - wf_load_acq(&q->head) == WF_RING_SIZE)
        return false;
    wf_store_rlx(&q->ring[tail % WF_RING_SIZE], task);
    /* release [ring-filled]: the slot before the index. */
    wf_store_rel(&q->tail, tail + 1);
    return true;
}

struct wf_task *wf_runq_pop(struct wf_runq *q)
{
    uint32_t head = wf_load_acq(&q->head);
    while (head != wf_load_rlx(&q->tail)) {
        struct wf_task *task = wf_load_rlx(&q->ring[head % WF_RING_SIZE]);
        /* acq_rel [ring-taken] */
        if (wf_cas_acq_rel(&q->head, &head, head + 1))
            return task;
    }
    return NULL;
}

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

struct wf_task *wf_runq_take_slot(struct wf_runq *from)
{
    if (wf_load_rlx(&from->slot) == NULL)
        return NULL;
    /* acq_rel [slot]: with the exchange that filled it (worker.c). */
    return wf_xchg_acq_rel(&from->slot, NULL);
}

/* ---- unstarted tasks ------------------------------------------------------------------------ */

/* A lock, not a lock-free deque: spawning is rarer than switching, the lock is the owner's own
 * cache line, and newest-first with oldest-first thieves in batches has hung before. */
bool wf_runq_push_fresh(struct wf_runq *q, struct wf_task *task)
{
    wf_lock_acquire(&q->fresh_lock);
    uint32_t tail = wf_load_rlx(&q->fresh_tail);
    bool has_room = tail - wf_load_rlx(&q->fresh_head) < WF_FRESH_SIZE;
    if (has_room) {
        q->fresh[tail % WF_FRESH_SIZE] = task;
        wf_store_rlx(&q->fresh_tail, tail + 1);
    }
    wf_lock_release(&q->fresh_lock);
    return has_room;
}

static bool has_fresh(struct wf_runq *q)
{
    return wf_load_rlx(&q->fresh_head) != wf_load_rlx(&q->fresh_tail);
}

struct wf_task *wf_runq_pop_fresh(struct wf_runq *q)
{
    if (!has_fresh(q))
        return NULL;
    struct wf_task *task = NULL;
    wf_lock_acquire(&q->fresh_lock);
    uint32_t tail = wf_load_rlx(&q->fresh_tail);
    if (has_fresh(q)) {
        task = q->fresh[(tail - 1) % WF_FRESH_SIZE];
        wf_store_rlx(&q->fresh_tail, tail - 1);
    }
    wf_lock_release(&q->fresh_lock);
    return task;
}

struct wf_task *wf_runq_steal_fresh(struct wf_runq *from)
{
    if (!has_fresh(from))
        return NULL;
    struct wf_task *task = NULL;
    wf_lock_acquire(&from->fresh_lock);
    uint32_t head = wf_load_rlx(&from->fresh_head);
    if (has_fresh(from)) {
        task = from->fresh[head % WF_FRESH_SIZE];
        wf_store_rlx(&from->fresh_head, head + 1);
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
    return wf_load_rlx(&q->head) != wf_load_rlx(&q->tail) || has_fresh(q);
}
