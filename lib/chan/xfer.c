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
 * the lock for each value, and a newcomer may overtake the one that waited. */
#include "chan/chan.h"

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

/* The oldest waiting receiver that takes the value that is there. Those before it that only want
 * to be told are told. */
static struct wf_node *take_receiver_locked(struct wf_chan *ch, struct wf_chores *chores)
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

/* The oldest waiting sender that has a value. */
static struct wf_node *take_sender_locked(struct wf_chan *ch, struct wf_chores *chores)
{
    wf_list_each (link, &ch->senders) {
        struct wf_node *node = WF_CONTAINER(link, struct wf_node, link);
        if (node->is_reserve)
            continue;
        wf_list_remove(link);
        if (wf_node_claim(node, 0, chores))
            return node;
    }
    return NULL;
}

WF_NOINLINE void wf_chan_fill_locked(struct wf_chan *ch, struct wf_chores *chores)
{
    struct wf_link *link;
    while (ch->ring.n_full + ch->n_reserved < ch->ring.capacity &&
           (link = wf_list_pop_front(&ch->senders)) != NULL) {
        struct wf_node *node = WF_CONTAINER(link, struct wf_node, link);
        if (!wf_node_claim(node, 0, chores))
            continue;
        if (node->is_reserve) {
            ch->n_reserved++;
        } else {
            wf_ring_push(&ch->ring, node->slot);
            wf_count_one(&ch->n_sent);
        }
    }
}

/* ---- try, under the lock --------------------------------------------------------------------- */

/* Full, or nobody to meet: some value gives way, or the caller waits. */
static WF_NOINLINE int overflow_locked_slow(struct wf_chan *ch, const void *value,
                                            struct wf_chores *chores)
{
    if (ch->overflow == WEFT_BLOCK || ch->overflow == WEFT_FAIL)
        return WEFT_EAGAIN;
    wf_count_one(&ch->n_sent);
    wf_count_one(&ch->n_dropped);
    if (ch->overflow == WEFT_DROP_NEWEST || ch->ring.n_full == 0) {
        chores->drop = value; /* all places are kept for permits: no older one to drop */
        return 0;
    }
    if (chores->spare != NULL) {
        wf_ring_pop(&ch->ring, chores->spare);
        chores->drop = chores->spare;
    } else {
        wf_ring_skip(&ch->ring);
    }
    wf_ring_push(&ch->ring, value);
    return 0;
}

int wf_chan_try_send_locked(struct wf_chan *ch, const void *value, struct wf_chores *chores)
{
    if (WF_UNLIKELY(ch->has_ended || ch->n_receivers == 0))
        return WEFT_ECLOSED;
    if (!wf_list_is_empty(&ch->receivers)) {
        struct wf_node *node = take_receiver_locked(ch, chores);
        if (node != NULL) {
            wf_copy_value(node->slot, value, ch->ring.elem_size);
            wf_count_one(&ch->n_sent);
            wf_count_one(&ch->n_received);
            return 0;
        }
    }
    if (WF_UNLIKELY(ch->ring.n_full + ch->n_reserved >= ch->ring.capacity))
        return overflow_locked_slow(ch, value, chores);
    wf_ring_push(&ch->ring, value);
    wf_count_one(&ch->n_sent);
    return 0;
}

/* The ring is empty. */
static WF_NOINLINE int recv_empty_locked_slow(struct wf_chan *ch, void *out,
                                              struct wf_chores *chores)
{
    struct wf_node *node = take_sender_locked(ch, chores);
    if (node != NULL) {
        wf_copy_value(out, node->slot, ch->ring.elem_size);
        wf_count_one(&ch->n_sent);
        wf_count_one(&ch->n_received);
        return 1;
    }
    return ch->has_ended && (ch->n_reserved == 0 || ch->is_aborted) ? 0 : WEFT_EAGAIN;
}

int wf_chan_try_recv_locked(struct wf_chan *ch, void *out, struct wf_chores *chores)
{
    if (ch->ring.n_full == 0)
        return recv_empty_locked_slow(ch, out, chores);
    wf_ring_pop(&ch->ring, out);
    wf_count_one(&ch->n_received);
    if (!wf_list_is_empty(&ch->senders))
        wf_chan_fill_locked(ch, chores);
    return 1;
}

bool wf_chan_is_readable_locked(struct wf_chan *ch)
{
    if (ch->is_always_ready || ch->ring.n_full > 0)
        return true;
    wf_list_each (link, &ch->senders)
        if (!WF_CONTAINER(link, struct wf_node, link)->is_reserve)
            return true;
    return ch->has_ended && (ch->n_reserved == 0 || ch->is_aborted);
}

void wf_chan_commit_locked(struct wf_chan *ch, const void *value, struct wf_chores *chores)
{
    ch->n_reserved--;
    wf_count_one(&ch->n_sent);
    struct wf_node *node = take_receiver_locked(ch, chores);
    if (node != NULL) {
        wf_copy_value(node->slot, value, ch->ring.elem_size);
        wf_count_one(&ch->n_received);
        wf_chan_fill_locked(ch, chores);
    } else {
        wf_ring_push(&ch->ring, value);
    }
}

struct wf_trap_hooks wf_trap_hooks; /* set before main, when layer 4 is linked */

/* ---- waiting --------------------------------------------------------------------------------- */

/* Waits with a node of the caller's. Called with the lock held, nothing having been found;
 * returns without it: the node's rc, WF_NODE_RETRY, or why the wait ended. The chores are done
 * when the node can be found, for somebody may have to be told that it is there. */
static int park_node(struct wf_chan *ch, struct wf_list *list, struct wf_node *node,
                     struct wf_half *half, enum wf_wait_kind kind, struct wf_chores *chores)
{
    struct wf_waiter *self = node->waiter;
    wf_half_set_holder(half, self);
    wf_wait_begin(self, kind, ch);
    wf_list_push_back(list, &node->link);
    bool is_suspect = kind == WF_ON_RECV && wf_trap_hooks.suspects != NULL &&
                      wf_trap_hooks.suspects(ch, self);
    wf_chan_unlock(ch);
    wf_chores_do(ch, chores);
    if (WF_UNLIKELY(is_suspect))
        wf_trap_hooks.report(ch);

    uint32_t claim = wf_wait_park(self, WF_NEVER);
    if (WF_LIKELY(claim == node->claim))
        return node->rc;
    wf_chan_lock(ch);
    wf_list_remove(&node->link); /* W3 */
    wf_chan_unlock(ch);
    int code = wf_claim_code(self, claim);
    return code < 0 ? code : WF_NODE_RETRY;
}

WF_NOINLINE int wf_chan_park_send(weft_sender *tx, const void *value, struct wf_waiter *self,
                                  struct wf_chores *chores)
{
    struct wf_node node = { .waiter = self,
                            .slot = (void *)(uintptr_t)value,
                            .claim = WF_CLAIM_FIRST };
    return park_node(tx->chan, &tx->chan->senders, &node, &tx->half, WF_ON_SEND, chores);
}

static WF_NOINLINE int park_recv_slow(weft_receiver *rx, void *out, struct wf_waiter *self,
                                      struct wf_chores *chores)
{
    struct wf_chan *ch = rx->source;
    struct wf_node node = { .waiter = self, .slot = out, .claim = WF_CLAIM_FIRST };
    return park_node(ch, &ch->receivers, &node, &rx->half, WF_ON_RECV, chores);
}

int wf_chan_park_reserve(weft_sender *tx, struct wf_waiter *self, struct wf_chores *chores)
{
    struct wf_node node = { .waiter = self, .claim = WF_CLAIM_FIRST, .is_reserve = true };
    return park_node(tx->chan, &tx->chan->senders, &node, &tx->half, WF_ON_RESERVE, chores);
}

/* ---- sending --------------------------------------------------------------------------------- */

static inline bool is_sendable(const weft_sender *tx, const void *value, size_t size)
{
    return WF_LIKELY(tx != NULL && tx->half.kind == WF_HALF_SENDER && !tx->half.is_closed &&
                     tx->elem_size == size && value != NULL);
}

/* Why it is not. */
static WF_COLD int refuse_send(const weft_sender *tx, const void *value, size_t size,
                               const char *call)
{
    if (tx == NULL || value == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&tx->half, WF_HALF_SENDER, call, "tx");
    return tx->elem_size != size ? WEFT_EMSGSIZE : WEFT_ECLOSED;
}

int weft_sender_send(weft_sender *tx, const void *value, size_t size)
{
    if (!is_sendable(tx, value, size))
        return refuse_send(tx, value, size, "weft_send");
    struct wf_waiter *self = wf_waiter_self();
    if (WF_UNLIKELY(self == NULL))
        return wf_no_waiter();
    wf_coop(self);
    if (WF_UNLIKELY(wf_is_cancelled(self)))
        return WEFT_ECANCELED;
    struct wf_chan *ch = tx->chan;
    for (;;) {
        struct wf_chores chores = { .spare = tx->spare };
        wf_chan_lock(ch);
        wf_half_set_holder(&tx->half, self);
        int rc = wf_chan_try_send_locked(ch, value, &chores);
        if (WF_LIKELY(rc != WEFT_EAGAIN || ch->overflow == WEFT_FAIL)) {
            wf_chan_unlock(ch);
            wf_chores_do(ch, &chores);
            return rc;
        }
        rc = wf_chan_park_send(tx, value, self, &chores);
        if (rc != WF_NODE_RETRY)
            return rc;
    }
}

int weft_sender_try_send(weft_sender *tx, const void *value, size_t size)
{
    if (!is_sendable(tx, value, size))
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
        rx->cause_given = true;
        rc = ch->cause;
    }
    rx->last_error = WF_MIN(rc, 0);
    return rc;
}

int wf_chan_recv_code(weft_receiver *rx, int rc)
{
    if (WF_UNLIKELY(rc != 1))
        return end_code_slow(rx, rc);
    rx->last_error = 0;
    return 1;
}

static inline int recv_from_chan(weft_receiver *rx, void *out)
{
    struct wf_waiter *self = wf_waiter_self();
    if (WF_UNLIKELY(self == NULL))
        return wf_chan_recv_code(rx, wf_no_waiter());
    wf_coop(self);
    if (WF_UNLIKELY(wf_is_cancelled(self)))
        return wf_chan_recv_code(rx, WEFT_ECANCELED);
    struct wf_chan *ch = rx->source;
    for (;;) {
        struct wf_chores chores = { 0 };
        wf_chan_lock(ch);
        int rc = wf_chan_try_recv_locked(ch, out, &chores);
        if (WF_LIKELY(rc != WEFT_EAGAIN)) {
            wf_chan_unlock(ch);
            wf_chores_do(ch, &chores);
            return wf_chan_recv_code(rx, rc);
        }
        rc = park_recv_slow(rx, out, self, &chores);
        if (rc != WF_NODE_RETRY)
            return wf_chan_recv_code(rx, rc);
    }
}

int weft_receiver_recv(weft_receiver *rx, void *out, size_t size)
{
    if (WF_LIKELY(rx != NULL && rx->half.kind == WF_HALF_RECEIVER && rx->ops == &wf_chan_ops &&
                  !rx->half.is_closed && rx->elem_size == size && out != NULL))
        return recv_from_chan(rx, out);
    return wf_receiver_recv_slow(rx, out, size);
}

/* ---- the table behind a channel's receiver --------------------------------------------------- */

static int chan_recv(weft_receiver *rx, void *out) { return recv_from_chan(rx, out); }

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
    return rc == WEFT_EAGAIN ? rc : wf_chan_recv_code(rx, rc);
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
