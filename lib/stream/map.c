/* SPDX-License-Identifier: MIT
 * map: what a step makes of each item. The step owns the item that it gets. */
#include "stream/adaptor.h"

#include <string.h>

/* What the step wrote when it failed is nobody's: it says so by its code. */
static int map_next(weft_receiver *rx, void *out, bool may_wait)
{
    struct wf_adaptor *adaptor = rx->source;
    int rc = wf_adaptor_pull(rx, may_wait);
    if (rc <= 0)
        return rc;
    rc = wf_adaptor_step(adaptor, adaptor->out);
    if (rc < 0) {
        rx->is_ended = true;
        return rc;
    }
    memcpy(out, adaptor->out, rx->elem_size);
    return 1;
}

static int map_recv(weft_receiver *rx, void *out) { return map_next(rx, out, true); }
static int map_try_recv(weft_receiver *rx, void *out) { return map_next(rx, out, false); }

static const struct wf_source_ops waiting_ops = {
    .kind = "map",
    .recv = map_recv,
    .close = wf_adaptor_close,
};

static const struct wf_source_ops pulling_ops = {
    .kind = "map",
    .recv = map_recv,
    .try_recv = map_try_recv,
    .select_on = wf_adaptor_select_on,
    .is_ready = wf_adaptor_is_ready,
    .ready_at = wf_adaptor_ready_at,
    .room = wf_adaptor_room,
    .filled = wf_adaptor_filled,
    .close = wf_adaptor_close,
};

int weft_map_open(const weft_callable *step, void *args, weft_receiver *source, size_t in_size,
                  size_t out_size, const weft_stream_opts *opts, weft_receiver **out_rx)
{
    weft_stream_opts all = wf_stream_opts_read(opts, step);
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .source = source,
            .in_size = in_size,
            .out_size = out_size,
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
