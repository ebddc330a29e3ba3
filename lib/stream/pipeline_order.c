/* SPDX-License-Identifier: MIT
 * A stage of several tasks that keeps the order of its items. */
#include "stream/pipeline.h"

#include "plat/mem.h"

enum place_state { NOT_YET, MADE, NOTHING_MADE };

struct place {
    enum place_state state;
    _Alignas(16) char item[];
};

static struct place *place_of(const struct wf_order *order, uint64_t number)
{
    return (struct place *)(void *)(order->places +
                                    (size_t)(number % order->n_places) * order->place_size);
}

struct wf_order *wf_order_make(const struct wf_stage *stage, unsigned window, weft_receiver *source)
{
    struct wf_order *order = wf_alloc(1, sizeof *order);
    if (order == NULL)
        return NULL;
    order->n_places = window;
    order->place_size = wf_size_with(sizeof(struct place), 1, (stage->out_size + 15) & ~(size_t)15);
    order->places = wf_alloc(window, order->place_size);
    if (order->places == NULL) {
        wf_free(order);
        return NULL;
    }
    order->shared = (struct wf_shared_source){ .source = source, .lock = { .name = stage->name } };
    order->window = (weft_semaphore)WEFT_SEMAPHORE_INIT(window, .name = stage->name);
    wf_lock_init(&order->lock, WF_RANK_SYNC);
    return order;
}

void wf_order_close_source(struct wf_order *order)
{
    (void)wf_receiver_close_and_free(order->shared.source);
    order->shared.source = NULL;
}

void wf_order_free(struct wf_order *order, void (*drop)(void *item))
{
    if (order == NULL)
        return;
    wf_order_close_source(order);
    for (unsigned i = 0; i < order->n_places; i++)
        if (place_of(order, i)->state == MADE)
            wf_drop_item(drop, place_of(order, i)->item);
    weft_semaphore_destroy(&order->window);
    weft_mutex_destroy(&order->shared.lock);
    wf_free(order->places);
    wf_free(order);
}

/* O2, with the lock, which it holds again when it returns. */
static int send_ready_locked(const struct wf_stage_worker *worker)
{
    struct wf_order *order = worker->stage->order;
    struct place *place;
    int rc = 0;
    order->is_sending = true;
    while (rc >= 0 && (place = place_of(order, order->next))->state != NOT_YET) {
        bool is_made = place->state == MADE;
        place->state = NOT_YET;
        wf_lock_release(&order->lock);
        if (is_made)
            rc = wf_stage_give(worker, place->item);
        weft_semaphore_release(&order->window,
                               1); /* its place is free: what comes there is later */
        wf_lock_acquire(&order->lock);
        order->next++;
    }
    order->is_sending = rc < 0;
    return rc;
}

/* Its place has what came of the item of that number. */
static int put(const struct wf_stage_worker *worker, uint64_t number, bool is_made)
{
    struct wf_order *order = worker->stage->order;
    int rc = 0;
    wf_lock_acquire(&order->lock);
    place_of(order, number)->state = is_made ? MADE : NOTHING_MADE;
    if (!order->is_sending && number == order->next)
        rc = send_ready_locked(worker);
    wf_lock_release(&order->lock);
    return rc;
}

/* 1: there is more to do. */
static int work_on_one(const struct wf_stage_worker *worker, void *in)
{
    struct wf_order *order = worker->stage->order;
    uint64_t number;
    bool is_end;
    int rc = weft_semaphore_acquire(&order->window, 1);
    if (rc < 0)
        return rc;
    if (wf_load_acq(&order->is_left))
        return WEFT_ECLOSED;
    rc = wf_shared_pull(&order->shared, in, &number, &is_end);
    if (rc <= 0) {
        weft_semaphore_release(&order->window, 1); /* for one who waits to see the end */
        return rc;
    }
    rc = wf_stage_make_one(worker, in, place_of(order, number)->item);
    if (rc >= 0)
        rc = put(worker, number, rc > 0);
    return rc < 0 ? rc : 1;
}

int wf_order_work(const struct wf_stage_worker *worker, void *in)
{
    struct wf_order *order = worker->stage->order;
    int rc = 1;
    while (rc > 0)
        rc = work_on_one(worker, in);
    if (rc < 0) { /* O3 */
        wf_store_rel(&order->is_left, true);
        weft_semaphore_release(&order->window, worker->stage->n_workers);
    }
    return rc;
}
