/* SPDX-License-Identifier: MIT
 * A worker's queues: the slot (what runs next), a ring of started tasks (first in first out) and
 * the unstarted ones (newest first for the owner, oldest first for thieves: a tree of spawns is
 * walked in depth by its owner and given away by whole branches).
 *
 * The ring is bounded with 32-bit indices that only grow, as Go's and tokio's: no resize, no
 * reclamation, no ABA within 2^32 operations of one suspended thief.
 *   R1  0 <= tail - head <= size.
 *   R2  tail is written by the owner alone; head by whoever takes, with compare-and-swap.
 *   R3  a slot is read before the head moves past it; if the head had moved, what was read is
 *       thrown away.
 *   R4  the owner writes a slot only when it has seen a head that leaves it free.
 *
 * Unstarted tasks are a linked list under a lock, as long as it has to be: a program may start a
 * million tasks before the first runs, and the newest first keeps a tree of them small.
 *
 * Rejected for them: a ring that spills into the shared queue (a thousand spawned at once went
 * through two more locks and over the native stack, 124 ns each; with this list, and a start
 * without a switch, 55); newest first for
 * the owner with batches for thieves, which has hung before. */
#ifndef WF_SCHED_RUNQ_H
#define WF_SCHED_RUNQ_H

#include "base/lock.h"

struct wf_task;

#ifdef WF_SIM
enum { WF_RING_SIZE = 4 };
#else
enum { WF_RING_SIZE = 256 };
#endif

struct wf_runq {
    /* Filled by the owner, emptied by any thread. */
    WF_CACHE_ALIGNED _Atomic(struct wf_task *) slot;

    WF_CACHE_ALIGNED _Atomic uint32_t head; /* R2 */
    _Atomic uint32_t tail;                  /* owner */
    _Atomic(struct wf_task *) ring[WF_RING_SIZE];

    /* Unstarted tasks, under fresh_lock. */
    WF_CACHE_ALIGNED struct wf_lock fresh_lock;
    _Atomic uint32_t n_fresh;                    /* read by any thread */
    struct wf_task *fresh_newest, *fresh_oldest; /* linked by next (older) and newer */
};

void wf_runq_init(struct wf_runq *q);

/* Owner only. A push to the ring returns false when there is no room. tasks: linked by next. */
void wf_runq_push_fresh(struct wf_runq *q, struct wf_task *tasks, uint32_t n);
struct wf_task *wf_runq_pop_fresh_slow(struct wf_runq *q);

/* Any thread: takes half of what is in from's ring (at least one); one is returned, the others go
 * to the thief's own ring, of which it is the owner. NULL: nothing, or lost a race. */
struct wf_task *wf_runq_steal(struct wf_runq *thief, struct wf_runq *from);
struct wf_task *wf_runq_steal_fresh(struct wf_runq *from);

bool wf_runq_has_work(struct wf_runq *q); /* ring or unstarted; not the slot */
uint32_t wf_runq_length(struct wf_runq *q);
static inline uint32_t wf_runq_ring_length(struct wf_runq *q)
{
    return wf_load_rlx(&q->tail) - wf_load_rlx(&q->head);
}
static inline uint32_t wf_runq_fresh_length(struct wf_runq *q) { return wf_load_rlx(&q->n_fresh); }

static inline bool wf_runq_push(struct wf_runq *q, struct wf_task *task)
{
    uint32_t tail = wf_load_rlx(&q->tail);
    /* acquire [ring-taken]: who moved the head has read its slots (R3, R4). */
    if (WF_UNLIKELY(tail - wf_load_acq(&q->head) == WF_RING_SIZE))
        return false;
    wf_store_rlx(&q->ring[tail % WF_RING_SIZE], task);
    /* release [ring-filled]: the slot before the index. */
    wf_store_rel(&q->tail, tail + 1);
    return true;
}

static inline struct wf_task *wf_runq_pop(struct wf_runq *q)
{
    uint32_t head = wf_load_acq(&q->head);
    while (head != wf_load_rlx(&q->tail)) {
        struct wf_task *task = wf_load_rlx(&q->ring[head % WF_RING_SIZE]);
        /* acq_rel [ring-taken] */
        if (WF_LIKELY(wf_cas_acq_rel(&q->head, &head, head + 1)))
            return task;
    }
    return NULL;
}

static inline struct wf_task *wf_runq_pop_fresh(struct wf_runq *q)
{
    return wf_load_rlx(&q->n_fresh) == 0 ? NULL : wf_runq_pop_fresh_slow(q);
}

/* Owner only: the one that was there before, or NULL. */
static inline struct wf_task *wf_runq_fill_slot(struct wf_runq *q, struct wf_task *task)
{
    /* acq_rel [slot]: what the task's waker did comes before its next run. */
    if (WF_UNLIKELY(wf_load_rlx(&q->slot) != NULL))
        return wf_xchg_acq_rel(&q->slot, task);
    /* Nobody else fills it, so it is empty still. release [slot] */
    wf_store_rel(&q->slot, task);
    return NULL;
}

/* Any thread. */
static inline struct wf_task *wf_runq_take_slot(struct wf_runq *from)
{
    if (wf_load_rlx(&from->slot) == NULL)
        return NULL;
    /* acq_rel [slot] */
    return wf_xchg_acq_rel(&from->slot, NULL);
}

#endif
