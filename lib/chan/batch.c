/* SPDX-License-Identifier: MIT
 * Batches: a run of values under one hold of the channel's lock, in the order and with the results
 * of single calls. What goes through the ring is copied in one piece, or in two where it goes over
 * the end; who waits with a batch of its own is served with as much as it has room or values for.
 *
 * A hold is bounded, so that a long batch keeps nobody out for long, and ends early when a value
 * gave way to another, for there is room for one such value outside the lock. */
#include "chan/chan.h"
#include "chan/meter.h"

#include <limits.h>

/* ---- sending --------------------------------------------------------------------------------- */

/* To the oldest that waits for values: how many it got, 0: nobody does. */
static uint32_t hand_over_locked(struct wf_chan *ch, const char *values, uint32_t n,
                                 struct wf_chores *chores)
{
    if (wf_list_is_empty(&ch->receivers))
        return 0;
    struct wf_node *node = wf_chan_take_receiver_locked(ch, chores);
    if (node == NULL)
        return 0;
    n = WF_MIN(n, node->n_more + 1);
    node->n_more_moved = n - 1;
    memcpy(node->slot, values, (size_t)n * ch->ring.elem_size);
    ch->n_sent += n;
    ch->n_received += n;
    return n;
}

static uint32_t push_locked(struct wf_chan *ch, const char *values, uint32_t n)
{
    if (WF_UNLIKELY(ch->is_weighed))
        return 0; /* one by one */
    n = WF_MIN(n, ch->ring.capacity - wf_ring_n_full(&ch->ring) - ch->n_reserved);
    wf_ring_push_many(&ch->ring, values, n);
    ch->n_sent += n;
    wf_meter_note_peak_locked(ch);
    return n;
}

/* Sends from values[*done] on until the run is long enough or one can't be sent: that one's code.
 * WF_NODE_RETRY: nothing stands in the way of more. The lock is held, chores are left to do. */
static int send_run_locked(weft_sender *tx, const char *values, uint32_t *done, uint32_t n,
                           struct wf_chores *chores)
{
    struct wf_chan *ch = tx->chan;
    size_t size = tx->elem_size;
    uint32_t stop = *done + wf_chan_run(ch, n - *done), n_handed = 1;
    if (WF_UNLIKELY(ch->refuses_values))
        return WEFT_ECLOSED;
    while (*done < stop && n_handed > 0)
        *done += n_handed = hand_over_locked(ch, values + *done * size, stop - *done, chores);
    if (*done < stop)
        *done += push_locked(ch, values + *done * size, stop - *done);
    while (*done < stop && chores->drop == NULL) {
        int rc = wf_chan_try_send_locked(ch, values + *done * size, chores);
        if (rc < 0)
            return rc;
        ++*done;
    }
    return WF_NODE_RETRY;
}

/* One hold of the lock, and the wait that may follow: 0, WF_NODE_RETRY, or why no more can be sent. */
static int send_run(weft_sender *tx, const char *values, uint32_t *done, uint32_t n,
                    struct wf_waiter *self)
{
    struct wf_chan *ch = tx->chan;
    for (unsigned turn = 0;;) {
        struct wf_chores chores = { .spare = tx->spare };
        wf_chan_lock(ch);
        wf_half_set_holder(&tx->half, self);
        int rc = send_run_locked(tx, values, done, n, &chores);
        if (rc != WEFT_EAGAIN || ch->overflow == WEFT_FAIL) {
            wf_chan_unlock(ch);
            wf_chores_do(ch, &chores);
            if (turn > 0)
                wf_thread_has_spun(self);
            return rc;
        }
        if (wf_chan_looks_again_locked(ch, self, &turn, &chores))
            continue;
        rc = wf_chan_park_send(tx, values + *done * tx->elem_size, n - *done, self, &chores);
        if (rc <= 0)
            return rc;
        *done += (uint32_t)rc;
        return WF_NODE_RETRY;
    }
}

/* Sends all n, waiting; 0, or why it stopped. *done counts on the way. */
static int send_all(weft_sender *tx, const char *values, uint32_t *done, uint32_t n,
                    struct wf_waiter *self)
{
    while (*done < n) {
        wf_coop(self);
        if (WF_UNLIKELY(wf_is_cancelled(self)))
            return WEFT_ECANCELED;
        int rc = send_run(tx, values, done, n, self);
        if (rc != WF_NODE_RETRY)
            return rc;
    }
    return 0;
}

int weft_sender_send_many(weft_sender *tx, const void *values, size_t n, size_t size)
{
    if (tx == NULL || (values == NULL && n > 0))
        return WEFT_EINVAL;
    wf_half_must_be(&tx->half, WF_HALF_SENDER, "weft_send_many", "tx");
    if (size != tx->elem_size)
        return WEFT_EMSGSIZE;
    if (tx->half.is_closed)
        return WEFT_ECLOSED;
    struct wf_waiter *self = wf_caller();
    if (self == NULL)
        return wf_no_waiter();
    uint32_t done = 0;
    int rc = send_all(tx, values, &done, (uint32_t)WF_MIN(n, (size_t)INT_MAX), self);
    return done > 0 ? (int)done : rc;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static uint32_t pop_locked(struct wf_chan *ch, char *out, uint32_t n, struct wf_chores *chores)
{
    n = WF_MIN(n, wf_ring_n_full(&ch->ring));
    wf_ring_pop_many(&ch->ring, out, n);
    ch->n_received += n;
    if (!wf_list_is_empty(&ch->senders))
        wf_chan_fill_locked(ch, chores);
    return n;
}

/* From the oldest that waits with values: how many it had, 0: nobody does. */
static uint32_t take_over_locked(struct wf_chan *ch, char *out, uint32_t n,
                                 struct wf_chores *chores)
{
    if (wf_list_is_empty(&ch->senders))
        return 0;
    struct wf_node *node = wf_chan_take_sender_locked(ch, chores);
    if (node == NULL)
        return 0;
    n = WF_MIN(n, node->n_more + 1);
    node->n_more_moved = n - 1;
    memcpy(out, node->slot, (size_t)n * ch->ring.elem_size);
    ch->n_sent += n;
    ch->n_received += n;
    return n;
}

static uint32_t take_run_locked(struct wf_chan *ch, char *out, uint32_t n, struct wf_chores *chores)
{
    size_t size = ch->ring.elem_size;
    uint32_t done = 0, n_taken = 1;
    for (; done < n && n_taken > 0; done += n_taken)
        n_taken = wf_ring_n_full(&ch->ring) > 0
                      ? pop_locked(ch, out + done * size, n - done, chores)
                      : take_over_locked(ch, out + done * size, n - done, chores);
    return done;
}

/* Takes what is there, up to n. */
static uint32_t take_ready(struct wf_chan *ch, char *out, uint32_t n)
{
    uint32_t done = 0, n_taken, run;
    do {
        struct wf_chores chores = { 0 };
        run = wf_chan_run(ch, n - done);
        wf_chan_lock(ch);
        n_taken = take_run_locked(ch, out + done * (size_t)ch->ring.elem_size, run, &chores);
        wf_chan_unlock(ch);
        wf_chores_do(ch, &chores);
        done += n_taken;
    } while (done < n && n_taken == run);
    return done;
}

/* The first run, which is waited for: how many values, 0 or why there are none; *out_may_be_more
 * when it is not certain that this was all. */
static int take_first(weft_receiver *rx, char *out, uint32_t n, struct wf_waiter *self,
                      bool *out_may_be_more)
{
    struct wf_chan *ch = rx->source;
    uint32_t run = wf_chan_run(ch, n);
    for (unsigned turn = 0;;) {
        struct wf_chores chores = { 0 };
        wf_chan_lock(ch);
        uint32_t n_taken = take_run_locked(ch, out, run, &chores);
        if (n_taken > 0 || wf_chan_is_over_locked(ch)) {
            wf_chan_unlock(ch);
            wf_chores_do(ch, &chores);
            if (turn > 0)
                wf_thread_has_spun(self);
            *out_may_be_more = n_taken == run;
            return (int)n_taken;
        }
        *out_may_be_more = true;
        if (wf_chan_looks_again_locked(ch, self, &turn, &chores))
            continue;
        int rc = wf_chan_park_recv(ch, rx, out, n, self);
        if (rc != WF_NODE_RETRY)
            return rc;
    }
}

int wf_chan_recv_many(weft_receiver *rx, void *out, size_t n)
{
    struct wf_chan *ch = rx->source;
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    wf_coop(self);
    if (wf_is_cancelled(self))
        return WEFT_ECANCELED;
    bool may_be_more = false;
    uint32_t n_wanted = (uint32_t)n;
    int rc = take_first(rx, out, n_wanted, self, &may_be_more);
    if (rc > 0 && (uint32_t)rc < n_wanted && may_be_more)
        rc += (int)take_ready(ch, (char *)out + (size_t)rc * rx->elem_size,
                              n_wanted - (uint32_t)rc);
    return wf_chan_recv_code(rx, rc);
}
