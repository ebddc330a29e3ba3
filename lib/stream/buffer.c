/* SPDX-License-Identifier: MIT
 * buffer: the task boundary. A task of its own pulls the source into a channel; who receives from
 * the channel need not wait for the source, may be several, and may select.
 *
 * The task is the body of a generator that yields nothing: that gives it a scope below the one
 * current here, an end at the latest with that, and a close that waits for its teardown.
 *
 *   F1  Each receiver holds a reference of its own to the channel, and one to struct wf_pumped; who
 *       gives back the last one closes the generator.
 *   F2  An item is the source's, in the task's hand, in the channel, or a receiver's. What is in the
 *       channel when nobody can receive it goes to its drop; what is in hand when a send fails, too.
 *   F3  The source's error ends the channel: after the items, to each receiver once. */
#include "stream/buffer.h"
#include "stream/pumped.h"

#include "base/opts.h"
#include "plat/mem.h"

#include <weft/stream_task.h>

#include <string.h>

/* What the task is entered with; the halves are its own. */
struct pump {
    struct wf_pumped *pumped;
    weft_receiver *source;
    weft_sender *tx;
    size_t capacity;
    bool is_of_runs;
};

/* ---- the task -------------------------------------------------------------------------------- */

static int pump_items_by(const struct pump *pump, void *item)
{
    for (;;) {
        int rc = wf_receiver_next(pump->source, item);
        if (rc <= 0)
            return rc;
        rc = weft_sender_send(pump->tx, item, pump->source->elem_size);
        if (rc < 0) {
            wf_drop_item(pump->tx->chan->drop, item);
            return wf_pumped_sent(rc);
        }
    }
}

static int pump_items(const struct pump *pump)
{
    void *item = wf_alloc(1, pump->source->elem_size);
    int rc = item == NULL ? WEFT_ENOMEM : pump_items_by(pump, item);
    wf_free(item);
    return rc;
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
    (void)self;
    int rc = pump->is_of_runs ? wf_runs_pump(pump->source, pump->tx, pump->capacity)
                              : pump_items(pump);
    wf_pumped_close_source(pump->pumped, pump->source);
    (void)weft_sender_end(pump->tx, rc);
    pump_drop(pump);
    return 0;
}

static const weft_callable pump_task = {
    .enter = pump_enter, .drop = pump_drop, .args_size = sizeof(struct pump), .name = "buffer"
};

/* ---- opening --------------------------------------------------------------------------------- */

static weft_buffer_opts read_opts(const weft_buffer_opts *opts, const weft_receiver *source)
{
    weft_buffer_opts all = { 0 };
    wf_opts_copy(&all, sizeof all, opts);
    if (all.name == NULL)
        all.name = "buffer";
    if (all.capacity == 0)
        all.capacity = 16;
    if (all.drop == NULL)
        all.drop = source->drop_item;
    return all;
}

/* Of items, or of runs; consumes *source from when the task has it. */
static int start(weft_receiver **source, const weft_buffer_opts *opts, bool is_of_runs,
                 weft_receiver **out_rx)
{
    weft_sender *tx = NULL;
    weft_receiver *rx = NULL;
    const weft_chan_opts of_items = { .capacity = opts->capacity,
                                      .name = opts->name,
                                      .drop = opts->drop };
    const weft_chan_opts of_runs = wf_runs_chan_opts(opts->capacity, opts->name);
    struct wf_pumped *pumped = wf_alloc(1, sizeof *pumped);
    if (pumped == NULL)
        return WEFT_ENOMEM;
    int rc = wf_pumped_add(pumped, is_of_runs ? WF_RUN_SLOT_SIZE : (*source)->elem_size,
                           is_of_runs ? &of_runs : &of_items, !is_of_runs, &tx, &rx);
    if (rc < 0) {
        wf_free(pumped);
        return rc;
    }
    struct pump pump = { pumped, *source, tx, opts->capacity, is_of_runs };
    *source = NULL;
    rc = wf_pumped_start(pumped, opts->name, &pump_task, &pump);
    if (rc < 0)
        (void)wf_receiver_close_and_free(rx);
    else
        *out_rx = rx;
    return rc;
}

static int open_buffer(weft_receiver **source, size_t elem_size, const weft_buffer_opts *opts,
                       weft_receiver **out_rx)
{
    if (*source == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&(*source)->half, WF_HALF_RECEIVER, "weft_buffer", "source");
    bool is_of_runs = (*source)->lends_items;
    if ((*source)->elem_size != elem_size)
        return WEFT_EMSGSIZE;
    if (is_of_runs && !wf_lends_runs(*source))
        return WEFT_ENOTSUP;
    weft_buffer_opts all = read_opts(opts, *source);
    weft_receiver *rx = NULL;
    int rc = start(source, &all, is_of_runs, &rx);
    if (rc < 0)
        return rc;
    if (is_of_runs)
        return wf_runs_open(rx, elem_size, all.name, out_rx);
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}

int weft_buffer_open(weft_receiver *source, size_t elem_size, const weft_buffer_opts *opts,
                     weft_receiver **out_rx)
{
    int rc = open_buffer(&source, elem_size, opts, out_rx);
    (void)wf_receiver_close_and_free(source);
    return rc;
}
