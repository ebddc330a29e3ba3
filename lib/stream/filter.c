/* SPDX-License-Identifier: MIT
 * filter: the items for which a step says 1. The others are dropped: an item is the stream's until
 * it is the consumer's. */
#include "stream/adaptor.h"

#include <string.h>

static void drop_item(weft_receiver *rx, void *item)
{
    if (rx->drop_item != NULL)
        rx->drop_item(item);
}

static int filter_next(weft_receiver *rx, void *out, bool may_wait)
{
    struct wf_adaptor *adaptor = rx->source;
    for (;;) {
        int rc = wf_adaptor_pull(rx, may_wait);
        if (rc <= 0)
            return rc;
        rc = wf_adaptor_step(adaptor, NULL);
        if (rc > 0) {
            memcpy(out, adaptor->in, rx->elem_size);
            return 1;
        }
        drop_item(rx, adaptor->in);
        if (rc < 0) {
            rx->is_ended = true;
            return rc;
        }
    }
}

static int filter_recv(weft_receiver *rx, void *out) { return filter_next(rx, out, true); }
static int filter_try_recv(weft_receiver *rx, void *out) { return filter_next(rx, out, false); }

static const struct wf_source_ops waiting_ops = {
    .kind = "filter",
    .recv = filter_recv,
    .close = wf_adaptor_close,
};

static const struct wf_source_ops pulling_ops = {
    .kind = "filter",
    .recv = filter_recv,
    .try_recv = filter_try_recv,
    .select_on = wf_adaptor_select_on,
    .is_ready = wf_adaptor_is_ready,
    .ready_at = wf_adaptor_ready_at,
    .room = wf_adaptor_room,
    .filled = wf_adaptor_filled,
    .close = wf_adaptor_close,
};

int weft_filter_open(const weft_callable *step, void *args, weft_receiver *source, size_t elem_size,
                     const weft_stream_opts *opts, weft_receiver **out_rx)
{
    weft_stream_opts all = wf_stream_opts_read(opts, step);
    if (all.drop == NULL && source != NULL)
        all.drop = source->drop_item;
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .source = source,
            .in_size = elem_size,
            .out_size = elem_size,
            .step = step,
            .args = args,
            .never_waits = all.never_waits,
            .name = all.name,
            .drop = all.drop,
            .lends_items = all.lends_items,
            .waiting = &waiting_ops,
            .pulling = &pulling_ops,
        },
        out_rx);
}
