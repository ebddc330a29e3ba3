/* SPDX-License-Identifier: MIT
 * Receivers of values that go to all. Invariants: fanout.h.
 *
 * Rejected: a clone under the lock. It is the user's code, may take as long as it likes, and may
 * send to the very channel. Rejected: a count of references for each value. It would take a block of
 * memory a value, and a send would fail without one. */
#include "chan/fanout.h"
#include "plat/mem.h"

#include <string.h>

#define MUST_CLONE 2 /* the bytes have been copied, the value is being read (F3) */

/* ---- one value, under the lock --------------------------------------------------------------- */

static bool is_kept(const struct wf_fanout *f, uint64_t number)
{
    return number >= f->first && number < f->next;
}

/* It has this one behind it. True: it was the last to need it, and takes it out. */
static bool pass_locked(struct wf_subscriber *sub, uint64_t number)
{
    struct wf_fanout *f = sub->fanout;
    sub->next = number + 1;
    if (f->keeps_latest || !is_kept(f, number) || --wf_fanout_kept(f, number)->n_unseen > 0)
        return false;
    wf_fanout_forget_taken_locked(f);
    return true;
}

/* To out at once, or begins to read it. */
static int take_locked(struct wf_subscriber *sub, uint64_t number, void *out)
{
    struct wf_fanout *f = sub->fanout;
    struct wf_kept *kept = wf_fanout_kept(f, number);
    const void *value = wf_fanout_value(f, number);
    bool is_last = !f->keeps_latest && kept->n_unseen == 1; /* so nobody else reads it */
    if (f->clone == NULL || is_last) {
        wf_copy_value(out, value, f->chan.ring.elem_size);
        (void)pass_locked(sub, number);
        return 1;
    }
    memcpy(sub->bytes, value, f->chan.ring.elem_size);
    wf_list_push_back(&kept->readers, &sub->reading);
    return MUST_CLONE;
}

/* True: the bytes are the value, and have to be dropped. */
static bool end_reading_locked(struct wf_subscriber *sub, uint64_t number, bool is_cloned)
{
    bool is_alone = !wf_link_is_linked(&sub->reading); /* F4 */
    wf_list_remove(&sub->reading);
    return (is_cloned && pass_locked(sub, number)) || is_alone;
}

/* There is nothing for it. */
static int end_code(weft_receiver *rx, const struct wf_chan *ch)
{
    if (!ch->has_ended)
        return WF_NOT_READY;
    if (ch->cause >= 0 || rx->cause_given)
        return 0;
    rx->cause_given = true;
    rx->is_ended = true;
    return ch->cause;
}

/* What the oldest that are kept are behind is missed: a watch wants no more than the latest. */
static int catch_up_locked(struct wf_subscriber *sub)
{
    struct wf_fanout *f = sub->fanout;
    uint64_t n_missed = f->first - sub->next;
    sub->next = f->first;
    if (f->keeps_latest || f->chan.is_aborted)
        return 0;
    sub->n_missed = n_missed;
    return WEFT_ELAGGED;
}

/* The next for the receiver; has_one: it has got one already, and only wants more. */
static int next_locked(weft_receiver *rx, void *out, bool has_one)
{
    struct wf_subscriber *sub = rx->source;
    struct wf_fanout *f = sub->fanout;
    if (has_one && !is_kept(f, sub->next))
        return WF_NOT_READY;
    if (sub->next < f->first && catch_up_locked(sub) < 0)
        return WEFT_ELAGGED;
    return sub->next == f->next ? end_code(rx, &f->chan) : take_locked(sub, sub->next, out);
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Ends what take_locked began. A clone that failed leaves out alone, and the value to be had. */
static int clone_value(struct wf_subscriber *sub, uint64_t number, void *out)
{
    struct wf_fanout *f = sub->fanout;
    size_t size = f->chan.ring.elem_size;
    unsigned char *copy = sub->bytes + wf_fanout_room(size);
    int rc = f->clone(copy, sub->bytes);
    wf_chan_lock(&f->chan);
    bool must_drop = end_reading_locked(sub, number, rc >= 0);
    wf_chan_unlock(&f->chan);
    if (must_drop && f->chan.drop != NULL)
        f->chan.drop(sub->bytes);
    if (rc >= 0)
        memcpy(out, copy, size);
    return rc >= 0 ? 1 : wf_cause(rc);
}

static int try_next(weft_receiver *rx, void *out, bool has_one)
{
    struct wf_subscriber *sub = rx->source;
    wf_chan_lock(&sub->fanout->chan);
    int rc = next_locked(rx, out, has_one);
    uint64_t number = sub->next; /* of the one that is being read */
    wf_chan_unlock(&sub->fanout->chan);
    return rc == MUST_CLONE ? clone_value(sub, number, out) : rc;
}

static int fanout_try_recv(weft_receiver *rx, void *out) { return try_next(rx, out, false); }

static int fanout_recv(weft_receiver *rx, void *out)
{
    struct wf_subscriber *sub = rx->source;
    struct wf_chan *ch = &sub->fanout->chan;
    struct wf_waiter *self = wf_waiter_self();
    for (;;) {
        wf_chan_lock(ch);
        int rc = next_locked(rx, out, false);
        uint64_t number = sub->next;
        if (rc == WF_NOT_READY) {
            rc = wf_chan_park_recv(ch, rx, NULL, 1, self);
            if (rc == WF_NODE_RETRY)
                continue;
            return rc;
        }
        wf_chan_unlock(ch);
        return rc == MUST_CLONE ? clone_value(sub, number, out) : rc;
    }
}

static int fanout_recv_many(weft_receiver *rx, void *out, size_t n)
{
    int rc = fanout_recv(rx, out);
    int done = 1;
    if (rc <= 0)
        return rc;
    while ((size_t)done < n && try_next(rx, (char *)out + (size_t)done * rx->elem_size, true) == 1)
        done++;
    return done;
}

int wf_fanout_latest(struct wf_subscriber *sub, void *out)
{
    struct wf_fanout *f = sub->fanout;
    wf_chan_lock(&f->chan);
    uint64_t number = f->next - 1;
    int rc = f->first < f->next  ? take_locked(sub, number, out)
             : f->chan.has_ended ? 0
                                 : WEFT_EAGAIN;
    wf_chan_unlock(&f->chan);
    return rc == MUST_CLONE ? clone_value(sub, number, out) : rc;
}

/* ---- for select ------------------------------------------------------------------------------ */

static struct wf_chan *fanout_select_on(weft_receiver *rx)
{
    return &((struct wf_subscriber *)rx->source)->fanout->chan;
}

static bool fanout_is_ready(weft_receiver *rx, bool is_readable)
{
    const struct wf_subscriber *sub = rx->source;
    return is_readable || sub->next < sub->fanout->next;
}

static uint64_t fanout_missed(weft_receiver *rx)
{
    return ((const struct wf_subscriber *)rx->source)->n_missed;
}

/* ---- coming and going ------------------------------------------------------------------------ */

int wf_fanout_subscribe(struct wf_fanout *f, weft_receiver *rx, const uint64_t *next,
                        struct wf_waiter *holder)
{
    size_t room = f->clone != NULL ? wf_fanout_room(f->chan.ring.elem_size) : 0;
    struct wf_subscriber *sub = wf_alloc_aligned(wf_size_with(sizeof *sub, 2, room), WF_CACHE_LINE);
    if (sub == NULL)
        return WEFT_ENOMEM;
    sub->fanout = f;
    sub->n_missed = 0;
    wf_link_init(&sub->reading);
    rx->source = sub;
    wf_chan_add_half(&f->chan, &rx->half, holder);
    wf_chan_lock(&f->chan);
    sub->next = next != NULL ? *next : f->keeps_latest ? f->first : f->next;
    for (uint64_t i = WF_MAX(sub->next, f->first); i < f->next; i++)
        wf_fanout_kept(f, i)->n_unseen++;
    f->n_subscribers++;
    wf_chan_unlock(&f->chan);
    return 0;
}

int weft_sender_subscribe(weft_sender *tx, size_t elem_size, weft_receiver **out_rx,
                          const char *file, int line)
{
    if (tx == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&tx->half, WF_HALF_SENDER, "weft_subscribe", "tx");
    if (tx->chan->sink == NULL)
        return WEFT_ENOTSUP;
    if (elem_size != tx->elem_size)
        return WEFT_EMSGSIZE;
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    if (tx->half.is_closed)
        return WEFT_ECLOSED;
    weft_receiver *rx = wf_receiver_make(&wf_fanout_ops, NULL, elem_size, file, line);
    if (rx == NULL)
        return WEFT_ENOMEM;
    rx->drop_item = tx->chan->drop;
    int rc = wf_fanout_subscribe((struct wf_fanout *)tx->chan, rx, NULL, self);
    if (rc < 0)
        wf_receiver_free(rx);
    else
        memcpy(out_rx, &rx, sizeof rx);
    return rc;
}

static int fanout_ref(weft_receiver *rx, weft_receiver *copy)
{
    struct wf_subscriber *sub = rx->source;
    return wf_fanout_subscribe(sub->fanout, copy, &sub->next, NULL);
}

/* Passes one of those before `end`, which count it. False: there is none. */
static bool skip_one(struct wf_subscriber *sub, uint64_t end)
{
    struct wf_fanout *f = sub->fanout;
    bool must_drop = false;
    wf_chan_lock(&f->chan);
    uint64_t number = WF_MAX(sub->next, f->first);
    if (number < end) {
        if (f->chan.drop != NULL)
            memcpy(sub->bytes, wf_fanout_value(f, number), f->chan.ring.elem_size);
        must_drop = pass_locked(sub, number);
    }
    wf_chan_unlock(&f->chan);
    if (must_drop && f->chan.drop != NULL)
        f->chan.drop(sub->bytes);
    return number < end;
}

static int fanout_close(weft_receiver *rx)
{
    struct wf_subscriber *sub = rx->source;
    struct wf_fanout *f = sub->fanout;
    wf_chan_close_half(&f->chan, &rx->half);
    wf_chan_lock(&f->chan);
    f->n_subscribers--;
    uint64_t end = f->next;
    wf_chan_unlock(&f->chan);
    while (skip_one(sub, end))
        ;
    wf_free_aligned(sub);
    wf_chan_unref(&f->chan);
    return 0;
}

const struct wf_source_ops wf_fanout_ops = {
    .kind = "subscription",
    .recv = fanout_recv,
    .try_recv = fanout_try_recv,
    .select_on = fanout_select_on,
    .is_ready = fanout_is_ready,
    .missed = fanout_missed,
    .recv_many = fanout_recv_many,
    .close = fanout_close,
    .ref = fanout_ref,
};
