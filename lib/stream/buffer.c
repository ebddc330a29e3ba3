/* SPDX-License-Identifier: MIT
 * buffer: the task boundary. A task of its own pulls the source into a channel; who receives from
 * the channel need not wait for the source, may be several, and may select.
 *
 * The task is the body of a generator that yields nothing: that gives it a scope below the one
 * current here, an end at the latest with that, and a close that waits for its teardown.
 *
 *   F1  Each receiver holds a reference of its own to the channel, and one to struct buffer; who
 *       gives back the last one closes the generator.
 *   F2  An item is the source's, in the task's hand, in the channel, or a receiver's. What is in the
 *       channel when nobody can receive it goes to its drop; what is in hand when a send fails, too.
 *   F3  The source's error ends the channel: after the items, to each receiver once. */
#include "stream/adaptor.h"

#include "plat/atomic.h"
#include "plat/mem.h"

#include <weft/chan.h>
#include <weft/generator.h>
#include <weft/stream_task.h>

#include <string.h>

struct buffer {
    _Atomic uint32_t refs;
    weft_receiver *task; /* the generator's */
};

/* What the task is entered with; both halves are its own. */
struct pump {
    weft_receiver *source;
    weft_sender *tx;
};

/* ---- the task -------------------------------------------------------------------------------- */

static int pump_items(const struct pump *pump, void *item)
{
    for (;;) {
        int rc = wf_receiver_next(pump->source, item);
        if (rc <= 0)
            return rc;
        rc = weft_sender_send(pump->tx, item, pump->source->elem_size);
        if (rc < 0) {
            wf_drop_item(pump->tx->chan->drop, item);
            return rc;
        }
    }
}

static void pump_drop(void *args)
{
    struct pump *pump = args;
    weft_half_drop(&pump->source);
    weft_half_drop(&pump->tx);
}

/* The source is closed before the channel ends, so that whoever has seen the end finds it closed. */
static int pump_enter(void *args, void *self)
{
    struct pump *pump = args;
    void *item = wf_alloc(1, pump->source->elem_size);
    (void)self;
    int rc = item == NULL ? WEFT_ENOMEM : pump_items(pump, item);
    wf_free(item);
    int closed = wf_receiver_close(pump->source);
    (void)weft_sender_end(pump->tx, rc == WEFT_ECLOSED ? 0 : rc);
    pump_drop(pump);
    return WF_MIN(closed, 0);
}

static const weft_callable pump_task = {
    .enter = pump_enter, .drop = pump_drop, .args_size = sizeof(struct pump), .name = "buffer"
};

/* ---- the receivers --------------------------------------------------------------------------- */

/* What each receiver of the buffer holds. */
struct end {
    struct buffer *buffer;
    weft_receiver *items;
};

static weft_receiver *items_of(const weft_receiver *rx)
{
    return ((struct end *)rx->source)->items;
}

static int end_recv(weft_receiver *rx, void *out) { return wf_receiver_next(items_of(rx), out); }

static int end_try_recv(weft_receiver *rx, void *out)
{
    return wf_receiver_try_next(items_of(rx), out);
}

static int end_recv_many(weft_receiver *rx, void *out, size_t n)
{
    return weft_receiver_recv_many(items_of(rx), out, n, rx->elem_size);
}

static struct wf_chan *end_select_on(weft_receiver *rx)
{
    return items_of(rx)->ops->select_on(items_of(rx));
}

static int end_close(weft_receiver *rx)
{
    struct end *end = rx->source;
    struct buffer *buffer = end->buffer;
    int rc = 0;
    (void)wf_receiver_close_and_free(end->items);
    wf_free(end);
    /* acq_rel, with itself in the others: whoever is the last comes after all of them. */
    if (wf_sub_acq_rel(&buffer->refs, 1) == 1) {
        rc = wf_receiver_close_and_free(buffer->task);
        wf_free(buffer);
    }
    return rc;
}

static int end_ref(weft_receiver *rx, weft_receiver *copy)
{
    struct end *end = wf_alloc(1, sizeof *end);
    weft_receiver *items = items_of(rx);
    if (end == NULL)
        return WEFT_ENOMEM;
    end->buffer = ((struct end *)rx->source)->buffer;
    end->items = wf_receiver_ref(items, copy->half.file, copy->half.line);
    if (end->items == NULL) {
        wf_free(end);
        return WEFT_ENOMEM;
    }
    wf_add_rlx(&end->buffer->refs, 1);
    copy->source = end;
    return 0;
}

static const struct wf_source_ops buffer_ops = {
    .kind = "buffer",
    .recv = end_recv,
    .try_recv = end_try_recv,
    .select_on = end_select_on,
    .recv_many = end_recv_many,
    .close = end_close,
    .ref = end_ref,
};

/* ---- opening --------------------------------------------------------------------------------- */

static weft_buffer_opts read_opts(const weft_buffer_opts *opts, const weft_receiver *source)
{
    weft_buffer_opts all = { 0 };
    if (opts != NULL)
        memcpy(&all, opts, opts->size_ != 0 ? WF_MIN(opts->size_, sizeof all) : sizeof all);
    if (all.name == NULL)
        all.name = "buffer";
    if (all.capacity == 0)
        all.capacity = 16;
    if (all.drop == NULL)
        all.drop = source->drop_item;
    return all;
}

/* The memory comes first, so that nothing has begun when there is none. */
static int make(const weft_buffer_opts *opts, size_t elem_size, weft_sender **out_tx,
                weft_receiver **out_rx)
{
    struct buffer *buffer = wf_alloc(1, sizeof *buffer);
    struct end *end = wf_alloc(1, sizeof *end);
    weft_receiver *rx = wf_receiver_make(&buffer_ops, end, elem_size, opts->name, 0);
    int rc = buffer == NULL || end == NULL || rx == NULL ? WEFT_ENOMEM : 0;
    if (rc >= 0)
        rc = weft_channel_open(
            elem_size,
            &(weft_chan_opts){ .capacity = opts->capacity, .name = opts->name, .drop = opts->drop },
            out_tx, &end->items, opts->name, 0);
    if (rc < 0) {
        wf_free(buffer);
        wf_free(end);
        if (rx != NULL)
            wf_receiver_free(rx);
        return rc;
    }
    wf_half_forget_holder((*out_tx)->chan, &(*out_tx)->half); /* the task will be */
    wf_store_rlx(&buffer->refs, 1);
    end->buffer = buffer;
    rx->drop_item = opts->drop;
    *out_rx = rx;
    return 0;
}

/* Its first try starts the task. */
static int start(const weft_buffer_opts *opts, weft_receiver *source, weft_sender *tx,
                 struct buffer *buffer)
{
    struct pump pump = { .source = source, .tx = tx };
    int rc = weft_generator_open(&(weft_generator_opts){ .name = opts->name }, &pump_task, &pump, 1,
                                 &buffer->task, __builtin_return_address(0));
    char none;
    if (rc >= 0)
        rc = wf_receiver_try_next(buffer->task, &none);
    return rc == WF_NOT_READY ? 0 : rc;
}

static int open_buffer(weft_receiver **source, size_t elem_size, const weft_buffer_opts *opts,
                       weft_receiver **out_rx)
{
    weft_sender *tx = NULL;
    weft_receiver *rx = NULL;
    if (*source == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&(*source)->half, WF_HALF_RECEIVER, "weft_buffer", "source");
    if ((*source)->elem_size != elem_size)
        return WEFT_EMSGSIZE;
    weft_buffer_opts all = read_opts(opts, *source);
    int rc = make(&all, elem_size, &tx, &rx);
    if (rc < 0)
        return rc;
    weft_receiver *taken = *source;
    *source = NULL;
    rc = start(&all, taken, tx, ((struct end *)rx->source)->buffer);
    if (rc < 0)
        (void)wf_receiver_close_and_free(rx);
    else
        memcpy(out_rx, &rx, sizeof rx);
    return rc;
}

int weft_buffer_open(weft_receiver *source, size_t elem_size, const weft_buffer_opts *opts,
                     weft_receiver **out_rx)
{
    int rc = open_buffer(&source, elem_size, opts, out_rx);
    (void)wf_receiver_close_and_free(source);
    return rc;
}
