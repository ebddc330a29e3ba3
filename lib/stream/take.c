/* SPDX-License-Identifier: MIT
 * take: the first n items. The source is closed right after the n-th, before its consumer has it,
 * so that a producer does not sit waiting for a demand that never comes; an item that is lent is
 * left to the consumer until it comes back (A3). */
#include "stream/adaptor.h"

#include <string.h>

/* A generator's teardown may wait, a channel's close does not, and between them are steps that
 * promised not to. */
static bool closes_at_once(weft_receiver *rx)
{
    while (rx != NULL && rx->ops->close == wf_adaptor_close)
        rx = ((struct wf_adaptor *)rx->source)->source;
    return rx == NULL || rx->ops == &wf_chan_ops;
}

/* A try can't wait: what it can't close is left to the next receive or to the drop. */
static void end_of_take(struct wf_adaptor *adaptor, bool may_wait)
{
    if (may_wait || closes_at_once(adaptor->source))
        wf_adaptor_close_source(adaptor);
}

static int take_next(weft_receiver *rx, void *out, bool may_wait)
{
    struct wf_adaptor *adaptor = rx->source;
    if (adaptor->n_left == 0) {
        end_of_take(adaptor, may_wait);
        return 0;
    }
    int rc = wf_adaptor_pull(rx, may_wait);
    if (rc <= 0)
        return rc;
    memcpy(out, adaptor->in, rx->elem_size);
    if (--adaptor->n_left == 0 && !rx->lends_items)
        end_of_take(adaptor, may_wait);
    return 1;
}

static int take_recv(weft_receiver *rx, void *out) { return take_next(rx, out, true); }
static int take_try_recv(weft_receiver *rx, void *out) { return take_next(rx, out, false); }

/* All have been taken: the end is there to be found. */
static struct wf_chan *take_select_on(weft_receiver *rx)
{
    struct wf_adaptor *adaptor = rx->source;
    return adaptor->n_left > 0 ? wf_adaptor_select_on(rx) : &wf_chan_always;
}

static int64_t take_ready_at(weft_receiver *rx)
{
    struct wf_adaptor *adaptor = rx->source;
    return adaptor->n_left > 0 ? wf_adaptor_ready_at(rx) : WF_NEVER;
}

static const struct wf_source_ops waiting_ops = {
    .kind = "take",
    .recv = take_recv,
    .close = wf_adaptor_close,
};

static const struct wf_source_ops pulling_ops = {
    .kind = "take",
    .recv = take_recv,
    .try_recv = take_try_recv,
    .select_on = take_select_on,
    .is_ready = wf_adaptor_is_ready,
    .ready_at = take_ready_at,
    .room = wf_adaptor_room,
    .filled = wf_adaptor_filled,
    .close = wf_adaptor_close,
};

static const weft_callable no_step = { .name = "take" };

int weft_take_open(weft_receiver *source, size_t elem_size, uint64_t n,
                   const weft_stream_opts *opts, weft_receiver **out_rx)
{
    weft_stream_opts all = wf_stream_opts_read(opts, &no_step);
    if (all.drop == NULL && source != NULL)
        all.drop = source->drop_item;
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .source = source,
            .in_size = elem_size,
            .out_size = elem_size,
            .step = &no_step,
            .never_waits = true,
            .name = all.name,
            .drop = all.drop,
            .lends_items = all.lends_items,
            .n_left = n,
            .waiting = &waiting_ops,
            .pulling = &pulling_ops,
        },
        out_rx);
}
