/* SPDX-License-Identifier: MIT
 * The short way: the most frequent operations, taken out of the one path of xfer.c.
 *
 * Room and nobody waits, a value and nobody waits, of those that wait for each other the first on
 * the list, and the wait of a task for that. They have no chores and, up to the wait, no effect:
 * whatever is unusual goes the long way from the beginning, by a call in tail position, so that a
 * short way keeps its values in registers and needs no frame; and a frame less between the user's
 * call and the switch is a wrong guess less after it (sched/switch.h).
 *
 * The two that wait return by a jump (plat/jump.h): who runs on is seldom who called last. Rejected:
 * the same for a yield, whose returns the CPU guesses right, for they come in a row by the same calls
 * (two tasks that yield to each other: 12 and 24 ns), and for wf_wait_park, where it changed nothing
 * (select over rendezvous, semaphores). */
#include "chan/chan.h"
#include "chan/meter.h"
#include "plat/jump.h"
#include "sched/wait_task.h"

/* May call without more ado: with some of its turn left, not cancelled. */
static inline bool may_operate(struct wf_waiter *self)
{
    return WF_LIKELY(self->budget > 0 && !wf_may_be_cancelled(self));
}

/* Room (C7), and nobody waits for a value; nor, then, for room (C2). */
static inline bool has_room_locked(const struct wf_chan *ch)
{
    return WF_LIKELY(wf_list_is_empty(&ch->receivers) &&
                     wf_ring_n_full(&ch->ring) + ch->n_reserved < ch->quick_room);
}

/* The first on the list, if it moves a value, claimed; or NULL. Who waits no more is taken off. */
static inline struct wf_node *meet_first_locked(struct wf_list *list, int rc)
{
    struct wf_link *link;
    while ((link = wf_list_first(list)) != NULL) {
        struct wf_node *node = WF_CONTAINER(link, struct wf_node, link);
        if (WF_UNLIKELY(node->slot == NULL))
            break;
        wf_list_remove(link);
        if (WF_LIKELY(wf_wait_claim(node->waiter, node->claim))) {
            node->rc = rc;
            return node;
        }
    }
    return NULL;
}

/* The value has been copied. */
static inline void end_meeting(struct wf_chan *ch, struct wf_node *node)
{
    struct wf_waiter *waiter = node->waiter;
    bool wakes_last = node->wakes_last;
    ch->n_sent++;
    ch->n_received++;
    wf_chan_unlock(ch);
    if (WF_LIKELY(!wakes_last))
        wf_wait_wake_next(waiter);
    else
        wf_wait_wake(waiter, WF_WAKE_LAST);
}

/* Beyond a word: what is a multiple of 16 and no more than 64 is a few moves. Not in ring.h: there
 * gcc takes it for a copy of 64 bytes to who has 4. */
static inline void copy_wide(void *to, const void *from, size_t size)
{
    switch (size) {
    case 32: __builtin_memcpy(to, from, 32); break;
    case 48: __builtin_memcpy(to, from, 48); break;
    case 64: __builtin_memcpy(to, from, 64); break;
    default: wf_copy_value(to, from, size);
    }
}

/* ---- sending --------------------------------------------------------------------------------- */

WF_RETURNS_BY_JUMP static WF_NOINLINE int wait_to_send_slow(weft_sender *tx, const void *value,
                                                            struct wf_waiter *self)
{
    struct wf_chan *ch = tx->chan;
    struct wf_node node;
    wf_node_init(&node, self, (void *)(uintptr_t)value, 1);
    wf_wait_begin_task(self, WF_ON_SEND, ch);
    wf_list_push_back(&ch->senders, &node.link);
    wf_chan_mark_locked(ch);
    bool is_metered = ch->is_metered;
    wf_chan_unlock(ch);
    int64_t began_ns = WF_UNLIKELY(is_metered) ? wf_clock_now() : 0;
    uint32_t claim = wf_wait_park_task(self);
    if (WF_UNLIKELY(is_metered))
        wf_meter_end(ch, WF_ON_SEND, began_ns);
    if (WF_LIKELY(claim == node.claim && node.rc != WF_NODE_RETRY))
        return node.rc;
    int rc = wf_chan_waited_in_vain(ch, &node, claim);
    return rc == WF_NODE_RETRY ? wf_chan_send_slow(tx, value, tx->elem_size) : rc;
}

static WF_NOINLINE int meet_receiver_locked_slow(weft_sender *tx, const void *value,
                                                 struct wf_waiter *self)
{
    struct wf_chan *ch = tx->chan;
    if (WF_UNLIKELY(ch->refuses_values))
        return wf_chan_send_any_locked_slow(tx, value, self);
    struct wf_node *node = meet_first_locked(&ch->receivers, 1);
    if (node != NULL) {
        wf_copy_value(node->slot, value, ch->ring.elem_size);
        end_meeting(ch, node);
        return 0;
    }
    bool must_wait = wf_list_is_empty(&ch->receivers) &&
                     wf_ring_n_full(&ch->ring) + ch->n_reserved == ch->ring.capacity;
    if (WF_LIKELY(must_wait && ch->overflow == WEFT_BLOCK && self->is_task))
        return wait_to_send_slow(tx, value, self);
    return wf_chan_send_any_locked_slow(tx, value, self);
}

static WF_NOINLINE int push_locked_slow(struct wf_chan *ch, const void *value)
{
    uint32_t n_full = wf_ring_n_full(&ch->ring);
    copy_wide(wf_ring_at(&ch->ring, n_full), value, ch->ring.elem_size);
    wf_ring_set_n_full(&ch->ring, n_full + 1);
    ch->n_sent++;
    wf_chan_unlock(ch);
    return 0;
}

int weft_sender_send(weft_sender *tx, const void *value, size_t size)
{
    struct wf_waiter *self = wf_caller_known();
    if (WF_UNLIKELY(self == NULL) || !wf_sender_can_send(tx, value, size) || !may_operate(self) ||
        WF_UNLIKELY(wf_load_rlx_raw(&tx->half.holder_id) != self->id ||
                    !wf_lock_try(&tx->chan->lock)))
        return wf_chan_send_slow(tx, value, size);
    struct wf_chan *ch = tx->chan;
    self->budget--;
    if (!has_room_locked(ch))
        return meet_receiver_locked_slow(tx, value, self);
    if (size != sizeof(uint64_t))
        return push_locked_slow(ch, value);
    wf_ring_push_sized(&ch->ring, value, sizeof(uint64_t));
    ch->n_sent++;
    wf_chan_unlock(ch);
    return 0;
}

/* One that finds no room takes no lock. */
int weft_sender_try_send(weft_sender *tx, const void *value, size_t size)
{
    struct wf_waiter *self = wf_caller_known();
    if (WF_UNLIKELY(self == NULL) || !wf_sender_can_send(tx, value, size))
        return wf_chan_try_send_slow(tx, value, size);
    struct wf_chan *ch = tx->chan;
    if (!wf_chan_may_send(ch))
        return WEFT_EAGAIN;
    if (WF_UNLIKELY(wf_load_rlx_raw(&tx->half.holder_id) != self->id || !wf_lock_try(&ch->lock)))
        return wf_chan_try_send_slow(tx, value, size);
    if (!has_room_locked(ch)) {
        wf_chan_unlock(ch);
        return wf_chan_try_send_slow(tx, value, size);
    }
    return push_locked_slow(ch, value);
}

/* ---- receiving ------------------------------------------------------------------------------- */

WF_RETURNS_BY_JUMP static WF_NOINLINE int wait_to_recv_slow(weft_receiver *rx, void *out,
                                                            struct wf_waiter *self)
{
    struct wf_chan *ch = rx->source;
    struct wf_node node;
    wf_half_set_holder(&rx->half, self);
    wf_node_init(&node, self, out, 1);
    wf_wait_begin_task(self, WF_ON_RECV, ch);
    wf_list_push_back(&ch->receivers, &node.link);
    bool is_suspect = wf_trap_hooks.suspects != NULL && wf_trap_hooks.suspects(ch, self);
    bool is_metered = ch->is_metered;
    wf_chan_unlock(ch);
    if (WF_UNLIKELY(is_suspect))
        wf_trap_hooks.report(ch);
    int64_t began_ns = WF_UNLIKELY(is_metered) ? wf_clock_now() : 0;
    uint32_t claim = wf_wait_park_task(self);
    if (WF_UNLIKELY(is_metered))
        wf_meter_end(ch, WF_ON_RECV, began_ns);
    if (WF_LIKELY(claim == node.claim && node.rc == 1)) {
        rx->last_error = 0;
        return 1;
    }
    int rc = wf_chan_waited_in_vain(ch, &node, claim);
    return rc == WF_NODE_RETRY ? wf_chan_recv_slow(rx, out, rx->elem_size)
                               : wf_chan_recv_code(rx, rc);
}

static WF_NOINLINE int meet_sender_locked_slow(weft_receiver *rx, void *out, struct wf_waiter *self)
{
    struct wf_chan *ch = rx->source;
    if (wf_ring_n_full(&ch->ring) > 0)
        return wf_chan_recv_any_locked_slow(rx, out, self);
    struct wf_node *node = meet_first_locked(&ch->senders, 0);
    wf_chan_mark_locked(ch);
    if (node != NULL) {
        wf_copy_value(out, node->slot, ch->ring.elem_size);
        end_meeting(ch, node);
        rx->last_error = 0;
        return 1;
    }
    if (WF_LIKELY(wf_list_is_empty(&ch->senders) && !ch->has_ended && self->is_task))
        return wait_to_recv_slow(rx, out, self);
    return wf_chan_recv_any_locked_slow(rx, out, self);
}

static WF_NOINLINE int pop_locked_slow(weft_receiver *rx, void *out)
{
    struct wf_chan *ch = rx->source;
    copy_wide(out, wf_ring_at(&ch->ring, 0), ch->ring.elem_size);
    wf_ring_skip(&ch->ring, 1);
    ch->n_received++;
    wf_chan_unlock(ch);
    rx->last_error = 0;
    return 1;
}

/* Another source's, or a call that is wrong. */
static inline int recv_of_other(weft_receiver *rx, void *out, size_t size, const void *site)
{
    if (rx != NULL && rx->half.kind == WF_HALF_RECEIVER && rx->ops != &wf_chan_ops)
        return wf_receiver_recv_now(rx, out, size, site);
    return wf_receiver_recv_slow(rx, out, size);
}

int weft_receiver_recv(weft_receiver *rx, void *out, size_t size)
{
    if (!wf_receiver_is_of_chan(rx, out, size))
        return recv_of_other(rx, out, size, __builtin_return_address(0));
    struct wf_waiter *self = wf_caller_known();
    if (WF_UNLIKELY(self == NULL) || !may_operate(self) ||
        WF_UNLIKELY(!wf_lock_try(&((struct wf_chan *)rx->source)->lock)))
        return wf_chan_recv_slow(rx, out, size);
    struct wf_chan *ch = rx->source;
    self->budget--;
    if (WF_UNLIKELY(wf_ring_n_full(&ch->ring) == 0 || !wf_list_is_empty(&ch->senders)))
        return meet_sender_locked_slow(rx, out, self);
    if (size != sizeof(uint64_t))
        return pop_locked_slow(rx, out);
    wf_ring_pop_sized(&ch->ring, out, sizeof(uint64_t));
    ch->n_received++;
    wf_chan_unlock(ch);
    rx->last_error = 0;
    return 1;
}

/* One that waits to send is the next. */
static WF_NOINLINE int try_to_meet_locked_slow(weft_receiver *rx, void *out)
{
    struct wf_chan *ch = rx->source;
    struct wf_node *node = meet_first_locked(&ch->senders, 0);
    wf_chan_mark_locked(ch);
    if (WF_UNLIKELY(node == NULL)) {
        wf_chan_unlock(ch);
        return wf_receiver_try_recv_slow(rx, out, rx->elem_size);
    }
    wf_copy_value(out, node->slot, ch->ring.elem_size);
    end_meeting(ch, node);
    rx->last_error = 0;
    return 1;
}

/* One that finds nothing takes no lock. */
static inline int try_recv(weft_receiver *rx, void *out, size_t size, const struct wf_waiter *self)
{
    if (WF_UNLIKELY(self == NULL) || !wf_receiver_is_of_chan(rx, out, size))
        return wf_receiver_try_recv_slow(rx, out, size);
    struct wf_chan *ch = rx->source;
    if (!wf_chan_may_recv(ch))
        return WEFT_EAGAIN;
    if (WF_UNLIKELY(!wf_lock_try(&ch->lock)))
        return wf_receiver_try_recv_slow(rx, out, size);
    bool is_empty = wf_ring_n_full(&ch->ring) == 0;
    if (is_empty == wf_list_is_empty(&ch->senders)) { /* both, or neither */
        wf_chan_unlock(ch);
        return wf_receiver_try_recv_slow(rx, out, size);
    }
    return is_empty ? try_to_meet_locked_slow(rx, out) : pop_locked_slow(rx, out);
}

int weft_receiver_try_recv(weft_receiver *rx, void *out, size_t size)
{
    return try_recv(rx, out, size, wf_caller_known());
}

int wf_receiver_try_recv(weft_receiver *rx, void *out, size_t size)
{
    return try_recv(rx, out, size, wf_waiter_known());
}
