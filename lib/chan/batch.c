/* SPDX-License-Identifier: MIT
 * Batches: a run of values under one hold of the channel's lock, by the same paths as single ones.
 *
 * A hold is bounded, so that a long batch keeps nobody out for long, and ends early when a value
 * gave way to another, for there is room for one such value outside the lock. */
#include "chan/chan.h"

#include <limits.h>

enum { RUN = 64 }; /* values in one hold of the lock */

/* ---- sending --------------------------------------------------------------------------------- */

/* Sends from values[*done] on until the run is long enough or one can't be sent: that one's code.
 * WF_NODE_RETRY: nothing stands in the way of more. The lock is held, chores are left to do. */
static int send_run_locked(weft_sender *tx, const char *values, size_t *done, size_t n,
                           struct wf_chores *chores)
{
    size_t stop = *done + WF_MIN(n - *done, (size_t)RUN);
    while (*done < stop && chores->drop == NULL) {
        int rc = wf_chan_try_send_locked(tx->chan, values + *done * tx->elem_size, chores);
        if (rc < 0)
            return rc;
        ++*done;
    }
    return WF_NODE_RETRY;
}

/* Sends all n, waiting; 0, or why it stopped. *done counts on the way. */
static int send_all(weft_sender *tx, const char *values, size_t *done, size_t n,
                    struct wf_waiter *self)
{
    struct wf_chan *ch = tx->chan;
    while (*done < n) {
        wf_coop(self);
        if (WF_UNLIKELY(wf_is_cancelled(self)))
            return WEFT_ECANCELED;
        struct wf_chores chores = { .spare = tx->spare };
        wf_chan_lock(ch);
        wf_half_set_holder(&tx->half, self);
        int rc = send_run_locked(tx, values, done, n, &chores);
        if (rc == WEFT_EAGAIN && ch->overflow != WEFT_FAIL) {
            rc = wf_chan_park_send(tx, values + *done * tx->elem_size, self, &chores);
            if (rc == 0)
                ++*done;
        } else {
            wf_chan_unlock(ch);
            wf_chores_do(ch, &chores);
        }
        if (rc < 0 && rc != WF_NODE_RETRY)
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
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    size_t done = 0;
    int rc = send_all(tx, values, &done, WF_MIN(n, (size_t)INT_MAX), self);
    return done > 0 ? (int)done : rc;
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Takes what is there, up to n: how many, and with none what try_recv returned. */
static int take_ready(struct wf_chan *ch, char *out, size_t n)
{
    size_t done = 0;
    for (;;) {
        int rc = 1;
        size_t stop = done + WF_MIN(n - done, (size_t)RUN);
        struct wf_chores chores = { 0 };
        wf_chan_lock(ch);
        while (done < stop && rc == 1) {
            rc = wf_chan_try_recv_locked(ch, out + done * ch->ring.elem_size, &chores);
            done += rc == 1;
        }
        wf_chan_unlock(ch);
        wf_chores_do(ch, &chores);
        if (rc != 1 || done == n)
            return done > 0 ? (int)done : rc;
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
    int rc = take_ready(ch, out, n);
    if (rc == WEFT_EAGAIN) {
        /* Nothing yet: one value by the ordinary way, then what has come with it. */
        rc = wf_chan_ops.recv(rx, out);
        int more = rc == 1 && n > 1 ? take_ready(ch, (char *)out + ch->ring.elem_size, n - 1) : 0;
        return more > 0 ? 1 + more : rc;
    }
    return rc > 0 ? rc : wf_chan_recv_code(rx, rc);
}
