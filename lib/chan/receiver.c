/* SPDX-License-Identifier: MIT
 * Receivers of any source: the entry checks, then the source's own table.
 *
 * A channel's receivers take the short way in xfer.c. A source that can't be shared may still be
 * referenced: the copy closes and drops like any other but never gives an item (WEFT_EBUSY). */
#include "chan/chan.h"
#include "plat/mem.h"

#include <weft/cleanup.h>

#include <limits.h>

/* ---- a reference that may not consume -------------------------------------------------------- */

static int refuse_recv(weft_receiver *rx, void *out)
{
    (void)rx;
    (void)out;
    return WEFT_EBUSY;
}

static struct wf_chan *refuse_select_on(weft_receiver *rx)
{
    (void)rx;
    return &wf_chan_always;
}

static int refuse_close(weft_receiver *rx)
{
    (void)rx;
    return 0;
}

const struct wf_source_ops wf_second_ops = {
    .kind = "second reference",
    .recv = refuse_recv,
    .try_recv = refuse_recv,
    .select_on = refuse_select_on,
    .close = refuse_close,
};

/* ---- making, sharing, closing ---------------------------------------------------------------- */

static void fill(weft_receiver *rx, const struct wf_source_ops *ops, void *source, size_t elem_size)
{
    rx->ops = ops;
    rx->source = source;
    rx->elem_size = elem_size;
    rx->drop_item = NULL;
    rx->last_error = 0;
    rx->lends_items = false;
    rx->is_ended = rx->cause_given = false;
    wf_store_rlx_raw(&rx->is_busy, false);
}

void wf_receiver_init(weft_receiver *rx, const struct wf_source_ops *ops, void *source,
                      size_t elem_size, const char *file, int line)
{
    wf_half_init(&rx->half, WF_HALF_RECEIVER, file, line);
    fill(rx, ops, source, elem_size);
}

weft_receiver *wf_receiver_make(const struct wf_source_ops *ops, void *source, size_t elem_size,
                                const char *file, int line)
{
    weft_receiver *rx = wf_half_make(WF_HALF_RECEIVER, file, line);
    if (rx != NULL)
        fill(rx, ops, source, elem_size);
    return rx;
}

void wf_receiver_free(weft_receiver *rx) { wf_half_free(&rx->half); }

weft_receiver *wf_receiver_ref(weft_receiver *rx, const char *file, int line)
{
    bool may_share = rx->ops->ref != NULL && (rx->ops == &wf_chan_ops || !rx->half.is_closed);
    weft_receiver *copy = wf_receiver_make(may_share ? rx->ops : &wf_second_ops, rx->source,
                                           rx->elem_size, file, line);
    if (copy == NULL)
        return NULL;
    copy->drop_item = rx->drop_item;
    copy->lends_items = rx->lends_items;
    copy->half.is_closed = rx->half.is_closed;
    if (may_share && rx->ops->ref(rx, copy) < 0) {
        wf_receiver_free(copy);
        return NULL;
    }
    return copy;
}

int wf_receiver_close(weft_receiver *rx)
{
    if (rx->half.is_closed)
        return 0;
    if (rx->ops == &wf_chan_ops)
        return rx->ops->close(rx); /* never waits, and says closed under its lock */
    rx->half.is_closed = true;
    weft_shield shield;
    weft_shield_begin(&shield);
    int rc = rx->ops->close(rx);
    weft_shield_end(&shield);
    return rc;
}

int wf_receiver_close_and_free(weft_receiver *rx)
{
    if (rx == NULL)
        return 0;
    if (wf_is_after_fork())
        return WEFT_EFORK;
    int rc = wf_receiver_close(rx);
    struct wf_chan *ch = rx->ops == &wf_chan_ops ? rx->source : NULL;
    wf_receiver_free(rx);
    if (ch != NULL)
        wf_chan_unref(ch);
    return rc;
}

/* ---- receiving ------------------------------------------------------------------------------- */

enum way { WAIT, TRY, MANY };

/* One consuming call on a source that is not a channel, with the rules that hold for all. */
static int consume(weft_receiver *rx, void *out, size_t n, enum way way)
{
    if (rx->is_ended)
        return 0;
    if (wf_load_rlx(&rx->is_busy))
        return WEFT_EBUSY;
    wf_store_rlx(&rx->is_busy, true);
    const struct wf_source_ops *ops = rx->ops;
    int rc = way == TRY                              ? ops->try_recv(rx, out)
             : way == MANY && ops->recv_many != NULL ? ops->recv_many(rx, out, n)
                                                     : ops->recv(rx, out);
    wf_store_rlx(&rx->is_busy, false);
    if (rc == 0)
        rx->is_ended = true;
    return rc;
}

static int receive(weft_receiver *rx, void *out, size_t n, enum way way)
{
    if (rx->half.is_closed)
        return WEFT_ECLOSED;
    if (way == TRY && rx->ops->try_recv == NULL)
        return WEFT_ENOTSUP;
    if (rx->ops == &wf_chan_ops)
        return way == TRY    ? rx->ops->try_recv(rx, out)
               : way == MANY ? rx->ops->recv_many(rx, out, n)
                             : rx->ops->recv(rx, out);
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    if (way != TRY) {
        wf_coop(self);
        if (wf_is_cancelled(self))
            return WEFT_ECANCELED;
    }
    return consume(rx, out, n, way);
}

static int checked_receive(weft_receiver *rx, void *out, size_t n, size_t size, enum way way,
                           const char *call)
{
    if (rx == NULL || out == NULL || n == 0)
        return WEFT_EINVAL;
    wf_half_must_be(&rx->half, WF_HALF_RECEIVER, call, "rx");
    int rc = size != rx->elem_size ? WEFT_EMSGSIZE : receive(rx, out, n, way);
    if (rc != WF_NOT_READY) /* a try that is too early leaves no trace */
        rx->last_error = WF_MIN(rc, 0);
    return rc;
}

WF_NOINLINE int wf_receiver_recv_slow(weft_receiver *rx, void *out, size_t size)
{
    bool is_one = rx != NULL && rx->half.kind == WF_HALF_RECEIVER;
    return is_one ? wf_receiver_recv_now(rx, out, size, wf_noted_call())
                  : wf_receiver_recv_any(rx, out, size);
}

WF_NOINLINE int wf_receiver_recv_any(weft_receiver *rx, void *out, size_t size)
{
    return checked_receive(rx, out, 1, size, WAIT, "weft_recv");
}

WF_NOINLINE int wf_receiver_try_recv_slow(weft_receiver *rx, void *out, size_t size)
{
    int rc = checked_receive(rx, out, 1, size, TRY, "weft_try_recv");
    return rc != WF_NOT_READY ? rc : WEFT_EAGAIN;
}

int weft_receiver_recv_many(weft_receiver *rx, void *out, size_t n, size_t size)
{
    wf_note_call();
    return checked_receive(rx, out, WF_MIN(n, (size_t)INT_MAX), size, MANY, "weft_recv_many");
}

int wf_receiver_next(weft_receiver *rx, void *out)
{
    return checked_receive(rx, out, 1, rx != NULL ? rx->elem_size : 0, WAIT, "weft_recv");
}

int wf_receiver_try_next(weft_receiver *rx, void *out)
{
    return checked_receive(rx, out, 1, rx != NULL ? rx->elem_size : 0, TRY, "weft_try_recv");
}

int weft_receiver_error(weft_receiver *rx)
{
    if (rx == NULL)
        return 0;
    wf_half_must_be(&rx->half, WF_HALF_RECEIVER, "weft_error", "rx");
    return rx->last_error;
}
