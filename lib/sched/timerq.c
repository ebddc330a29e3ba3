/* SPDX-License-Identifier: MIT */
#include "sched/timerq.h"

#include "plat/clock.h"
#include "sched/worker.h"

void wf_timerq_init(struct wf_timerq *queue)
{
    wf_lock_init(&queue->lock, WF_RANK_TIMERS);
    queue->heap.root = NULL;
    wf_store_rlx(&queue->next_ns, WF_NEVER);
}

static void publish_next(struct wf_timerq *queue)
{
    struct wf_heap_node *root = queue->heap.root;
    wf_store_rlx(&queue->next_ns, root != NULL ? root->key : WF_NEVER);
}

void wf_timer_start(struct wf_timer *timer, int64_t at_ns, void (*fire)(struct wf_timer *))
{
    struct wf_timerq *queue = wf_thread_self()->timers;
    timer->node.key = at_ns;
    timer->fire = fire;
    timer->queue = queue;
    wf_lock_acquire(&queue->lock);
    wf_heap_insert(&queue->heap, &timer->node);
    bool is_first = queue->heap.root == &timer->node;
    publish_next(queue);
    wf_lock_release(&queue->lock);
    if (is_first)
        wf_idle_timer_added(at_ns);
}

/* timer->queue is written by its owner before it starts and, under the lock, by expire. Reading it
 * without the lock is the owner's right: it asks only whether there is anything to lock. */
bool wf_timer_cancel(struct wf_timer *timer)
{
    struct wf_timerq *queue = timer->queue;
    wf_lock_acquire(&queue->lock);
    bool is_pending = timer->fire != NULL;
    if (is_pending) {
        wf_heap_remove(&queue->heap, &timer->node);
        timer->fire = NULL;
        publish_next(queue);
    }
    wf_lock_release(&queue->lock);
    return is_pending;
}

unsigned wf_timerq_expire(struct wf_timerq *queue, int64_t now_ns)
{
    if (wf_load_rlx(&queue->next_ns) > now_ns)
        return 0;
    unsigned n = 0;
    wf_lock_acquire(&queue->lock);
    for (struct wf_heap_node *root; (root = queue->heap.root) != NULL && root->key <= now_ns; n++) {
        struct wf_timer *timer = WF_CONTAINER(root, struct wf_timer, node);
        void (*fire)(struct wf_timer *) = timer->fire;
        wf_heap_remove(&queue->heap, root);
        timer->fire = NULL;
        fire(timer);
        /* From here the timer's owner may run and reuse its memory. */
    }
    publish_next(queue);
    wf_lock_release(&queue->lock);
    return n;
}
