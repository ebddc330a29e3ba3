/* SPDX-License-Identifier: MIT
 * A stage of several tasks that keeps the order of its items. */
#include "stream/pipeline.h"

#include "plat/mem.h"

enum { ROOM_OF_ONE_THAT_EMITS = 16 };

struct place {
    bool is_done, goes_out, waits;
    unsigned n;
    weft_semaphore turn;
    _Alignas(16) char items[];
};

static struct place *place_at(const struct wf_order *order, unsigned i)
{
    return (struct place *)(void *)(order->places + (size_t)i * order->place_size);
}

static struct place *place_of(const struct wf_order *order, uint64_t number)
{
    return place_at(order, (unsigned)(number % order->n_places));
}

static void *item_of(const struct wf_order *order, struct place *place, unsigned i)
{
    return place->items + (size_t)i * order->item_size;
}

struct wf_order *wf_order_make(const struct wf_stage *stage, unsigned window, weft_receiver *source)
{
    struct wf_order *order = wf_alloc(1, sizeof *order);
    if (order == NULL)
        return NULL;
    order->n_places = window;
    order->room = stage->kind == WEFT_STAGE_EMITS ? ROOM_OF_ONE_THAT_EMITS : 1;
    order->item_size = (stage->out_size + 15) & ~(size_t)15;
    order->place_size = wf_size_with(sizeof(struct place), order->room, order->item_size);
    order->places = wf_alloc(window, order->place_size);
    if (order->places == NULL) {
        wf_free(order);
        return NULL;
    }
    for (unsigned i = 0; i < window; i++)
        place_at(order, i)->turn = (weft_semaphore)WEFT_SEMAPHORE_INIT(0, .name = stage->name);
    wf_shared_init(&order->shared, source, stage->name);
    order->window = (weft_semaphore)WEFT_SEMAPHORE_INIT(window, .name = stage->name);
    wf_lock_init(&order->lock, WF_RANK_SYNC);
    return order;
}

void wf_order_close_source(struct wf_order *order) { weft_half_drop(&order->shared.source); }

static void drop_from(const struct wf_order *order, struct place *place, unsigned i,
                      void (*drop)(void *item))
{
    for (; i < place->n; i++)
        wf_drop_item(drop, item_of(order, place, i));
    place->n = 0;
}

void wf_order_free(struct wf_order *order, void (*drop)(void *item))
{
    if (order == NULL)
        return;
    wf_order_close_source(order);
    for (unsigned i = 0; i < order->n_places; i++) {
        drop_from(order, place_at(order, i), 0, drop);
        weft_semaphore_destroy(&place_at(order, i)->turn);
    }
    weft_semaphore_destroy(&order->window);
    wf_free(order->places);
    wf_free(order);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* What lies in a place of the sender's. */
static int send_gathered(const struct wf_stage_worker *worker, struct place *place)
{
    int rc = 0;
    unsigned i = 0;
    while (rc >= 0 && i < place->n)
        rc = wf_stage_give(worker, item_of(worker->stage->order, place, i++));
    drop_from(worker->stage->order, place, i, worker->stage->drop);
    return rc;
}

/* O2, with the lock, which it holds again when it returns. */
static int send_ready_locked(const struct wf_stage_worker *worker)
{
    struct wf_order *order = worker->stage->order;
    struct place *place;
    int rc = 0;
    order->is_sending = true;
    while (rc >= 0 && (place = place_of(order, order->next))->is_done) {
        place->is_done = false;
        wf_lock_release(&order->lock);
        rc = send_gathered(worker, place);
        weft_semaphore_release(&order->window,
                               1); /* its place is free: what comes there is later */
        wf_lock_acquire(&order->lock);
        order->next++;
    }
    order->is_sending = rc < 0;
    return rc;
}

/* O4: whose turn it is, if it waits and nobody sends. */
static struct place *to_wake_locked(struct wf_order *order)
{
    struct place *place = place_of(order, order->next);
    if (order->is_sending || !place->waits)
        return NULL;
    place->waits = false;
    return place;
}

/* All that comes of the item of that number is in its place or has gone out. */
static int put(const struct wf_stage_worker *worker, uint64_t number)
{
    struct wf_order *order = worker->stage->order;
    struct place *place = place_of(order, number), *woken = NULL;
    int rc = 0;
    wf_lock_acquire(&order->lock);
    if (place->goes_out)
        order->is_sending = place->goes_out = false;
    place->is_done = true;
    if (!order->is_sending && number == order->next) {
        rc = send_ready_locked(worker);
        woken = to_wake_locked(order);
    }
    wf_lock_release(&order->lock);
    if (woken != NULL)
        weft_semaphore_release(&woken->turn, 1);
    return rc;
}

/* ---- emitting -------------------------------------------------------------------------------- */

/* O4. Where it is not: it will wait, if it says so. */
static bool has_turn(struct wf_order *order, struct place *place, uint64_t number, bool will_wait)
{
    wf_lock_acquire(&order->lock);
    bool has = place->goes_out || (!order->is_sending && number == order->next);
    if (has)
        order->is_sending = place->goes_out = true;
    place->waits = !has && will_wait;
    wf_lock_release(&order->lock);
    return has;
}

/* 1: it is its turn; 0: there is room for it meanwhile. */
static int wait_for_turn_or_room(struct wf_order *order, struct place *place, uint64_t number)
{
    bool is_full = place->n == order->room;
    while (!has_turn(order, place, number, is_full)) {
        if (!is_full)
            return 0;
        int rc = weft_semaphore_acquire(&place->turn, 1);
        if (rc < 0)
            return rc;
        if (wf_load_acq(&order->is_left))
            return WEFT_ECLOSED;
    }
    return 1;
}

int wf_order_emit(const struct wf_stage_worker *worker, uint64_t number, void *item)
{
    struct wf_order *order = worker->stage->order;
    struct place *place = place_of(order, number);
    int rc = wait_for_turn_or_room(order, place, number);
    if (rc == 0) {
        wf_copy_value(item_of(order, place, place->n++), item, worker->stage->out_size);
        return 0;
    }
    if (rc > 0)
        rc = send_gathered(worker, place);
    if (rc >= 0)
        return wf_stage_give(worker, item);
    wf_drop_item(worker->stage->drop, item);
    return rc;
}

/* ---- the tasks ------------------------------------------------------------------------------- */

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
    if (rc == WEFT_ECLOSED)
        wf_store_rlx(&order->is_cut_short, true);
    if (rc <= 0) {
        weft_semaphore_release(&order->window, 1); /* for one who waits to see the end */
        return rc;
    }
    struct place *place = place_of(order, number);
    rc = wf_stage_make_one(worker, number, in, place->items);
    if (rc > 0)
        place->n = 1;
    if (rc >= 0)
        rc = put(worker, number);
    return rc < 0 ? rc : 1;
}

/* O3 */
static void leave(const struct wf_stage_worker *worker)
{
    struct wf_order *order = worker->stage->order;
    wf_store_rel(&order->is_left, true);
    weft_semaphore_release(&order->window, worker->stage->n_workers);
    for (unsigned i = 0; i < order->n_places; i++)
        weft_semaphore_release(&place_at(order, i)->turn, 1);
}

int wf_order_work(const struct wf_stage_worker *worker, void *in)
{
    int rc = 1;
    while (rc > 0)
        rc = work_on_one(worker, in);
    if (rc < 0)
        leave(worker);
    return rc;
}
