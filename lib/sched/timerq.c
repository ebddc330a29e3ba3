/* SPDX-License-Identifier: MIT */
#include "sched/timerq.h"

#include "plat/clock.h"
#include "plat/sanitizer.h"
#include "sched/worker.h"

#ifdef WF_SIM
enum { RUN = 3 };
#else
enum { RUN = 256 }; /* timers fired in one hold of the lock */
#endif

void wf_timerq_init(struct wf_timerq *queue)
{
    *queue = (struct wf_timerq){ .next_ns = WF_NEVER };
    wf_lock_init(&queue->lock, WF_RANK_TIMERS);
}

static void publish_next(struct wf_timerq *queue)
{
    const struct wf_heap_node *first = wf_wheel_first(&queue->wheel);
    wf_store_rlx(&queue->next_ns, first != NULL ? first->key : WF_NEVER);
}

/* A worker's is up to 16 switches old, which costs nothing but a coarser slot. */
WF_WORKER_LOCAL static int64_t roughly_now(const struct wf_thread *thread)
{
    return thread->worker != NULL ? thread->worker->now_ns : wf_clock_now();
}

void wf_timer_start(struct wf_timer *timer, int64_t at_ns, void (*fire)(struct wf_timer *))
{
    struct wf_thread *thread = wf_thread_self();
    struct wf_timerq *queue = thread->timers;
    int64_t now_ns = roughly_now(thread);
    timer->node.key = at_ns;
    timer->fire = fire;
    timer->queue = queue;
    wf_lock_acquire(&queue->lock);
    wf_wheel_advance(&queue->wheel, now_ns);
    wf_wheel_insert(&queue->wheel, &timer->node);
    bool is_first = at_ns < wf_load_rlx(&queue->next_ns);
    if (is_first)
        wf_store_rlx(&queue->next_ns, at_ns);
    wf_lock_release(&queue->lock);
    if (is_first)
        wf_idle_timer_added(at_ns);
}

/* timer->queue is written by its owner before it starts. Reading it without the lock is the owner's
 * right: it asks only whether there is anything to lock. */
bool wf_timer_cancel(struct wf_timer *timer)
{
    struct wf_timerq *queue = timer->queue;
    wf_lock_acquire(&queue->lock);
    bool is_pending = timer->fire != NULL;
    if (is_pending) {
        wf_wheel_remove(&queue->wheel, &timer->node);
        timer->fire = NULL;
        if (timer->node.key == wf_load_rlx(&queue->next_ns))
            publish_next(queue);
    }
    wf_lock_release(&queue->lock);
    return is_pending;
}

/* ---- firing ---------------------------------------------------------------------------------- */

/* A task that waits is on no queue, so its next is free; claimed, it can't run before it is woken
 * (wait.h, W2). The queue orders us before whoever pops it; TSan, which sees no order in the switch
 * that follows, is told of each write directly. */
void wf_timer_wake(struct wf_timer *timer, struct wf_task *task)
{
    struct wf_timerq *queue = timer->queue;
    task->next = NULL;
    wf_san_disown(&task->waiter);
    if (queue->n_due++ == 0) {
        queue->first_due = task;
    } else {
        queue->last_due->next = task;
        wf_san_disown(&queue->last_due->waiter);
    }
    queue->last_due = task;
}

static unsigned fire_run(struct wf_timerq *queue, int64_t now_ns)
{
    struct wf_heap_node *node;
    unsigned n = 0;
    for (; n < RUN && (node = wf_wheel_pop(&queue->wheel, now_ns)) != NULL; n++) {
        struct wf_timer *timer = WF_CONTAINER(node, struct wf_timer, node);
        void (*fire)(struct wf_timer *) = timer->fire;
        timer->fire = NULL;
        fire(timer);
        /* From here the timer's owner may run and reuse its memory. */
    }
    return n;
}

static unsigned expire_run(struct wf_timerq *queue, int64_t now_ns)
{
    wf_lock_acquire(&queue->lock);
    unsigned n = fire_run(queue, now_ns);
    publish_next(queue);
    struct wf_task *first = queue->first_due, *last = queue->last_due;
    uint32_t n_due = queue->n_due;
    queue->n_due = 0;
    wf_lock_release(&queue->lock);
    if (n_due > 0)
        wf_ready_all(first, last, n_due);
    return n;
}

unsigned wf_timerq_expire(struct wf_timerq *queue, int64_t now_ns)
{
    unsigned n_all = 0;
    while (wf_load_rlx(&queue->next_ns) <= now_ns) {
        unsigned n = expire_run(queue, now_ns);
        if (n == 0)
            break; /* another has fired them since we looked */
        n_all += n;
    }
    return n_all;
}
