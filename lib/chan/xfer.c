/* SPDX-License-Identifier: MIT
 * The one path that values take: try under the lock, hand over directly, or wait.
 *
 * A sender finds a waiting receiver and writes into its slot; else there is room in the ring; else
 * the overflow policy decides. A receiver takes the oldest from the ring, and the place that gets
 * free goes to the oldest waiting sender at once, so that values keep their order across the ring
 * and those who wait for it; with an empty ring it takes straight from a waiting sender.
 *
 * Waiting: a node on the stack is appended under the same hold of the lock that found nothing, so
 * no change can fall in between; then the lock is released and the waiter parks. Whoever claims
 * the node has moved the value before the waiter runs (wait.h, W2). A wait that ended another way
 * moved nothing: a cancelled send kept its value, a cancelled receive took none.
 *
 * Rejected: a waker that only says "try again" and lets the waiter fetch. One more trip through
 * the lock for each value, and a newcomer may overtake the one that waited.
 *
 * Rejected: a ring without a lock while there is one sender and one receiver. Whoever has put or
 * taken a value must see the other side's wait, which takes a fence: as much as the lock does. */
#include "chan/chan.h"
#include "chan/meter.h"
#include "chan/weight.h"
#include "plat/thread.h"

/* The turn of wf_spin() to begin with: while it pauses, the other side has some 10 operations. */
enum { FIRST_PAUSE = 3, TURNS_BEFORE_YIELD = 30 };

enum { RUN_MAX = 96, RUN_LOOKS = 32, RUN_PAUSE = 3 };

WF_NOINLINE void wf_chan_lock_slow(struct wf_chan *ch)
{
    unsigned turn = 0;
    do {
        if (turn++ < TURNS_BEFORE_YIELD)
            wf_spin(turn + FIRST_PAUSE - 1);
        else
            wf_thread_yield(); /* the holder was preempted, perhaps for us */
    } while (!wf_lock_try(&ch->lock));
}

/* ---- the other side -------------------------------------------------------------------------- */

bool wf_node_claim(struct wf_node *node, int rc, struct wf_chores *chores)
{
    if (!wf_wait_claim(node->waiter, node->claim))
        return false;
    node->rc = rc;
    node->next_wake = chores->wake;
    chores->wake = node;
    return true;
}

struct wf_node *wf_chan_take_receiver_locked(struct wf_chan *ch, struct wf_chores *chores)
{
    struct wf_link *link;
    while ((link = wf_list_pop_front(&ch->receivers)) != NULL) {
        struct wf_node *node = WF_CONTAINER(link, struct wf_node, link);
        if (wf_node_claim(node, node->slot != NULL ? 1 : WF_NODE_RETRY, chores) &&
            node->slot != NULL)
            return node;
    }
    return NULL;
}

struct wf_node *wf_chan_take_sender_locked(struct wf_chan *ch, struct wf_chores *chores)
{
    wf_list_each (link, &ch->senders) {
        struct wf_node *node = WF_CONTAINER(link, struct wf_node, link);
        if (node->is_reserve)
            continue;
        wf_list_remove(link);
        wf_chan_mark_locked(ch);
        if (wf_node_claim(node, 0, chores))
            return node;
    }
    return NULL;
}

static void push_from_node_locked(struct wf_chan *ch, struct wf_node *node)
{
    uint32_t n_free = ch->ring.capacity - wf_ring_n_full(&ch->ring) - ch->n_reserved;
    uint32_t n = WF_MIN(wf_chan_run(ch, node->n_more + 1), n_free);
    node->n_more_moved = n - 1;
    ch->n_sent += n;
    wf_ring_push_many(&ch->ring, node->slot, n);
    wf_meter_note_peak_locked(ch);
}

WF_NOINLINE void wf_chan_fill_locked(struct wf_chan *ch, struct wf_chores *chores)
{
    struct wf_link *link;
    if (WF_UNLIKELY(ch->is_weighed)) {
        wf_weights_fill_locked(ch, chores);
        return;
    }
    while (wf_ring_n_full(&ch->ring) + ch->n_reserved < ch->ring.capacity &&
           (link = wf_list_pop_front(&ch->senders)) != NULL) {
        struct wf_node *node = WF_CONTAINER(link, struct wf_node, link);
        if (!wf_node_claim(node, 0, chores))
            continue;
        if (node->is_reserve)
            ch->n_reserved++;
        else
            push_from_node_locked(ch, node);
    }
    wf_chan_mark_locked(ch);
}

/* ---- try, under the lock --------------------------------------------------------------------- */

/* Full, or nobody to meet: some value gives way, or the caller waits. */
static WF_NOINLINE int overflow_locked_slow(struct wf_chan *ch, const void *value,
                                            struct wf_chores *chores)
{
    bool refuses = ch->overflow == WEFT_BLOCK || ch->overflow == WEFT_FAIL;
    if (refuses || ch->sink != NULL)
        return refuses ? WEFT_EAGAIN : ch->sink->put(ch, value, chores);
    ch->n_sent++;
    ch->n_dropped++;
    if (ch->overflow == WEFT_DROP_NEWEST || wf_ring_n_full(&ch->ring) == 0) {
        chores->drop = value; /* all places are kept for permits: no older one to drop */
        return 0;
    }
    if (chores->spare != NULL) {
        wf_ring_pop(&ch->ring, chores->spare);
        chores->drop = chores->spare;
    } else {
        wf_ring_skip(&ch->ring, 1);
    }
    wf_ring_push(&ch->ring, value);
    return 0;
}

/* There is a place, of which the quick way does not know (C7). */
static WF_NOINLINE int send_beyond_locked_slow(struct wf_chan *ch, const void *value,
                                               struct wf_chores *chores)
{
    if (ch->is_weighed && !wf_weights_let_in_locked(ch, value, chores))
        return overflow_locked_slow(ch, value, chores);
    wf_ring_push(&ch->ring, value);
    ch->n_sent++;
    wf_meter_note_peak_locked(ch);
    return 0;
}

int wf_chan_try_send_locked(struct wf_chan *ch, const void *value, struct wf_chores *chores)
{
    if (WF_UNLIKELY(ch->refuses_values))
        return WEFT_ECLOSED;
    if (!wf_list_is_empty(&ch->receivers)) {
        struct wf_node *node = wf_chan_take_receiver_locked(ch, chores);
        if (node != NULL) {
            wf_copy_value(node->slot, value, ch->ring.elem_size);
            ch->n_sent++;
            ch->n_received++;
            return 0;
        }
    }
    uint32_t n_taken = wf_ring_n_full(&ch->ring) + ch->n_reserved;
    if (WF_UNLIKELY(n_taken >= ch->quick_room))
        return n_taken >= ch->ring.capacity ? overflow_locked_slow(ch, value, chores)
                                            : send_beyond_locked_slow(ch, value, chores);
    wf_ring_push(&ch->ring, value);
    ch->n_sent++;
    return 0;
}

/* The ring is empty. */
static WF_NOINLINE int recv_empty_locked_slow(struct wf_chan *ch, void *out,
                                              struct wf_chores *chores)
{
    struct wf_node *node = wf_chan_take_sender_locked(ch, chores);
    if (node != NULL) {
        wf_copy_value(out, node->slot, ch->ring.elem_size);
        ch->n_sent++;
        ch->n_received++;
        return 1;
    }
    return wf_chan_is_over_locked(ch) ? 0 : WEFT_EAGAIN;
}

int wf_chan_try_recv_locked(struct wf_chan *ch, void *out, struct wf_chores *chores)
{
    if (wf_ring_n_full(&ch->ring) == 0)
        return recv_empty_locked_slow(ch, out, chores);
    wf_ring_pop(&ch->ring, out);
    ch->n_received++;
    if (!wf_list_is_empty(&ch->senders))
        wf_chan_fill_locked(ch, chores);
    return 1;
}

void wf_chan_commit_locked(struct wf_chan *ch, const void *value, struct wf_chores *chores)
{
    ch->n_reserved--;
    ch->n_sent++;
    struct wf_node *node = wf_chan_take_receiver_locked(ch, chores);
    if (node != NULL) {
        wf_copy_value(node->slot, value, ch->ring.elem_size);
        ch->n_received++;
        wf_chan_fill_locked(ch, chores);
        return;
    }
    if (WF_UNLIKELY(ch->is_weighed))
        wf_weights_add_locked(ch, value);
    wf_ring_push(&ch->ring, value);
    wf_meter_note_peak_locked(ch);
    if (WF_UNLIKELY(ch->is_weighed)) /* it may be lighter than what was kept for it */
        wf_chan_fill_locked(ch, chores);
}

struct wf_trap_hooks wf_trap_hooks; /* set before main, when layer 4 is linked */

/* ---- waiting --------------------------------------------------------------------------------- */

void wf_chan_unlink_locked(struct wf_chan *ch, struct wf_node *node, struct wf_chores *chores)
{
    wf_list_remove(&node->link);
    if (WF_UNLIKELY(ch->is_weighed))
        wf_chan_fill_locked(ch, chores); /* it may have been too heavy, and those behind it not */
    wf_chan_mark_locked(ch);
}

WF_NOINLINE int wf_chan_waited_in_vain(struct wf_chan *ch, struct wf_node *node, uint32_t claim)
{
    if (claim == node->claim)
        return node->rc;
    struct wf_chores chores = { 0 };
    wf_chan_lock(ch);
    wf_chan_unlink_locked(ch, node, &chores); /* W3 */
    wf_chan_unlock(ch);
    wf_chores_do(ch, &chores);
    int code = wf_claim_code(node->waiter, claim);
    return code < 0 ? code : WF_NODE_RETRY;
}

/* Waits with a node of the caller's. Called with the lock held, nothing having been found;
 * returns without it: the node's rc, WF_NODE_RETRY, or why the wait ended. The chores (NULL: none)
 * are done when the node can be found, for somebody may have to be told that it is there. */
static inline __attribute__((always_inline)) int
park_node(struct wf_chan *ch, struct wf_list *list, struct wf_node *node, struct wf_half *half,
          enum wf_wait_kind kind, struct wf_chores *chores)
{
    struct wf_waiter *self = node->waiter;
    wf_half_set_holder(half, self);
    wf_wait_begin(self, kind, ch);
    wf_list_push_back(list, &node->link);
    wf_chan_mark_locked(ch);
    bool is_metered = ch->is_metered;
    bool is_suspect = kind == WF_ON_RECV && wf_trap_hooks.suspects != NULL &&
                      wf_trap_hooks.suspects(ch, self);
    wf_chan_unlock(ch);
    if (chores != NULL)
        wf_chores_do(ch, chores);
    if (WF_UNLIKELY(is_suspect))
        wf_trap_hooks.report(ch);

    int64_t began_ns = WF_UNLIKELY(is_metered) ? wf_clock_now() : 0;
    uint32_t claim = wf_wait_park(self, WF_NEVER);
    if (WF_UNLIKELY(is_metered))
        wf_meter_end(ch, kind, began_ns);
    return WF_LIKELY(claim == node->claim) ? node->rc : wf_chan_waited_in_vain(ch, node, claim);
}

WF_NOINLINE int wf_chan_park_send(weft_sender *tx, const void *values, uint32_t n,
                                  struct wf_waiter *self, struct wf_chores *chores)
{
    struct wf_node node;
    wf_node_init(&node, self, (void *)(uintptr_t)values, n);
    int rc = park_node(tx->chan, &tx->chan->senders, &node, &tx->half, WF_ON_SEND, chores);
    return rc == 0 ? 1 + (int)node.n_more_moved : rc;
}

WF_NOINLINE int wf_chan_park_recv(struct wf_chan *ch, weft_receiver *rx, void *out, uint32_t n,
                                  struct wf_waiter *self)
{
    struct wf_node node;
    wf_node_init(&node, self, out, n);
    int rc = park_node(ch, &ch->receivers, &node, &rx->half, WF_ON_RECV, NULL);
    return rc == 1 ? 1 + (int)node.n_more_moved : rc;
}

int wf_chan_park_reserve(weft_sender *tx, size_t weight, struct wf_waiter *self,
                         struct wf_chores *chores)
{
    struct wf_node node = {
        .waiter = self, .claim = WF_CLAIM_FIRST, .is_reserve = true, .weight = weight
    };
    return park_node(tx->chan, &tx->chan->senders, &node, &tx->half, WF_ON_RESERVE, chores);
}

/* A task gives its CPU to others while it waits. A plain thread looks a while for what may come to
 * the ring or go from it, before it becomes somebody whom the other side has to serve and wake,
 * value by value. On a rendezvous there is nothing to see before it has shown itself. */
static inline bool parks_at_once(const struct wf_chan *ch, const struct wf_waiter *self)
{
    return WF_LIKELY(self->is_task || ch->ring.capacity == 0);
}

/* As long as the other side moves values, for each look would take the line from it, and the next one
 * soon after. It has moved enough when a run of ours is worth the trip, or when it pauses. */
static void let_it_move(const struct wf_chan *ch, uint32_t n_before)
{
    uint32_t n_enough = WF_MIN(ch->ring.capacity / 4 * 3, (uint32_t)RUN_MAX), n_seen = n_before;
    for (unsigned i = 0; i < RUN_LOOKS; i++) {
        uint32_t n_now = wf_load_rlx(&ch->ring.n_full);
        uint32_t n_moved = n_now > n_before ? n_now - n_before : n_before - n_now;
        if (n_now == n_seen || n_moved >= n_enough)
            return;
        n_seen = n_now;
        wf_spin(RUN_PAUSE);
    }
}

bool wf_chan_looks_again_locked(struct wf_chan *ch, struct wf_waiter *self, unsigned *turn,
                                struct wf_chores *chores)
{
    if (parks_at_once(ch, self))
        return false;
    if (*turn == 0)
        wf_thread_spin_begin(self);
    if (!wf_thread_may_spin(self, *turn + FIRST_PAUSE)) {
        *turn = 0;
        return false;
    }
    uint32_t n_full = wf_ring_n_full(&ch->ring);
    wf_chan_unlock(ch);
    wf_chores_do(ch, chores);
    wf_thread_spin(self, *turn + FIRST_PAUSE);
    let_it_move(ch, n_full);
    ++*turn;
    return true;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Why it is not. */
static WF_COLD int refuse_send(const weft_sender *tx, const void *value, size_t size,
                               const char *call)
{
    if (tx == NULL || value == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&tx->half, WF_HALF_SENDER, call, "tx");
    return tx->elem_size != size ? WEFT_EMSGSIZE : WEFT_ECLOSED;
}

/* The long way. With the lock, which it releases. */
WF_NOINLINE int wf_chan_send_any_locked_slow(weft_sender *tx, const void *value,
                                             struct wf_waiter *self)
{
    struct wf_chan *ch = tx->chan;
    for (unsigned turn = 0;; wf_chan_lock(ch)) {
        struct wf_chores chores = { .spare = tx->spare };
        wf_half_set_holder(&tx->half, self);
        int rc = wf_chan_try_send_locked(ch, value, &chores);
        if (rc != WEFT_EAGAIN || ch->overflow == WEFT_FAIL) {
            wf_chan_unlock(ch);
            wf_chores_do(ch, &chores);
            if (turn > 0)
                wf_thread_has_spun(self);
            return rc;
        }
        if (wf_chan_looks_again_locked(ch, self, &turn, &chores))
            continue;
        rc = wf_chan_park_send(tx, value, 1, self, &chores);
        if (rc != WF_NODE_RETRY)
            return WF_MIN(rc, 0);
    }
}

WF_NOINLINE int wf_chan_send_slow(weft_sender *tx, const void *value, size_t size)
{
    if (!wf_sender_can_send(tx, value, size))
        return refuse_send(tx, value, size, "weft_send");
    struct wf_waiter *self = wf_waiter_self();
    if (WF_UNLIKELY(self == NULL))
        return wf_no_waiter();
    wf_coop(self);
    if (WF_UNLIKELY(wf_is_cancelled(self)))
        return WEFT_ECANCELED;
    wf_chan_lock(tx->chan);
    return wf_chan_send_any_locked_slow(tx, value, self);
}

WF_NOINLINE int wf_chan_try_send_slow(weft_sender *tx, const void *value, size_t size)
{
    if (!wf_sender_can_send(tx, value, size))
        return refuse_send(tx, value, size, "weft_try_send");
    struct wf_waiter *self = wf_waiter_self();
    if (WF_UNLIKELY(self == NULL))
        return wf_no_waiter();
    struct wf_chan *ch = tx->chan;
    struct wf_chores chores = { .spare = tx->spare };
    wf_chan_lock(ch);
    wf_half_set_holder(&tx->half, self);
    int rc = wf_chan_try_send_locked(ch, value, &chores);
    wf_chan_unlock(ch);
    wf_chores_do(ch, &chores);
    return rc;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static WF_NOINLINE int end_code_slow(weft_receiver *rx, int rc)
{
    const struct wf_chan *ch = rx->source;
    if (rc == 0 && ch->cause < 0 && !rx->cause_given) {
        rx->cause_given = rx->is_ended = true;
        rc = ch->cause;
    }
    rx->last_error = WF_MIN(rc, 0);
    return rc;
}

int wf_chan_recv_code(weft_receiver *rx, int rc)
{
    if (WF_UNLIKELY(rc <= 0))
        return end_code_slow(rx, rc);
    rx->last_error = 0;
    return rc;
}

/* The long way. With the lock, which it releases. */
WF_NOINLINE int wf_chan_recv_any_locked_slow(weft_receiver *rx, void *out, struct wf_waiter *self)
{
    struct wf_chan *ch = rx->source;
    for (unsigned turn = 0;; wf_chan_lock(ch)) {
        struct wf_chores chores = { 0 };
        int rc = wf_chan_try_recv_locked(ch, out, &chores);
        if (rc != WEFT_EAGAIN) {
            wf_chan_unlock(ch);
            wf_chores_do(ch, &chores);
            if (turn > 0)
                wf_thread_has_spun(self);
            return wf_chan_recv_code(rx, rc);
        }
        if (wf_chan_looks_again_locked(ch, self, &turn, &chores))
            continue;
        rc = wf_chan_park_recv(ch, rx, out, 1, self);
        if (rc != WF_NODE_RETRY)
            return wf_chan_recv_code(rx, rc);
    }
}

static WF_NOINLINE int recv_from_chan_slow(weft_receiver *rx, void *out)
{
    struct wf_waiter *self = wf_waiter_self();
    if (WF_UNLIKELY(self == NULL))
        return wf_chan_recv_code(rx, wf_no_waiter());
    wf_coop(self);
    if (WF_UNLIKELY(wf_is_cancelled(self)))
        return wf_chan_recv_code(rx, WEFT_ECANCELED);
    wf_chan_lock(rx->source);
    return wf_chan_recv_any_locked_slow(rx, out, self);
}

WF_NOINLINE int wf_chan_recv_slow(weft_receiver *rx, void *out, size_t size)
{
    return wf_receiver_is_of_chan(rx, out, size) ? recv_from_chan_slow(rx, out)
                                                 : wf_receiver_recv_slow(rx, out, size);
}

/* ---- the table behind a channel's receiver --------------------------------------------------- */

static int chan_recv(weft_receiver *rx, void *out) { return recv_from_chan_slow(rx, out); }

static int chan_try_recv(weft_receiver *rx, void *out)
{
    if (WF_UNLIKELY(wf_waiter_self() == NULL))
        return wf_chan_recv_code(rx, wf_no_waiter());
    struct wf_chan *ch = rx->source;
    struct wf_chores chores = { 0 };
    wf_chan_lock(ch);
    int rc = wf_chan_try_recv_locked(ch, out, &chores);
    wf_chan_unlock(ch);
    wf_chores_do(ch, &chores);
    return rc == WEFT_EAGAIN ? WF_NOT_READY : wf_chan_recv_code(rx, rc);
}

static struct wf_chan *chan_select_on(weft_receiver *rx) { return rx->source; }

static int chan_close(weft_receiver *rx)
{
    wf_chan_close_half(rx->source, &rx->half);
    return 0;
}

static int chan_ref(weft_receiver *rx, weft_receiver *copy)
{
    copy->cause_given = false;
    copy->half.is_closed = rx->half.is_closed;
    wf_chan_add_half(rx->source, &copy->half, NULL);
    return 0;
}

const struct wf_source_ops wf_chan_ops = {
    .kind = "channel",
    .recv = chan_recv,
    .try_recv = chan_try_recv,
    .select_on = chan_select_on,
    .recv_many = wf_chan_recv_many,
    .close = chan_close,
    .ref = chan_ref,
};
