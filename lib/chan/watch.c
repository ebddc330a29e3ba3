/* SPDX-License-Identifier: MIT
 * Watches: the latest value to every receiver (fanout.h). The value is kept for who may come, so
 * there is, for the channel, always one receiver. */
#include "chan/fanout.h"
#include "base/opts.h"

#include <weft/watch.h>

static const struct wf_sink watch_sink = {
    .kind = "watch",
    .has_standing_receiver = true,
    .put = wf_fanout_put,
    .discard = wf_fanout_discard,
};

int weft_watch_open_sized(size_t elem_size, const weft_watch_opts *opts, weft_sender **out_tx,
                          weft_receiver **out_rx, const char *file, int line)
{
    wf_note_call();
    weft_watch_opts all = { 0 };
    wf_opts_copy(&all, sizeof all, opts);
    return wf_fanout_open(elem_size,
                          &(struct wf_fanout_opts){
                              .name = all.name,
                              .capacity = 1,
                              .drop = all.drop,
                              .clone = all.clone,
                              .sink = &watch_sink,
                              .keeps_latest = true,
                          },
                          file, line, out_tx, out_rx);
}

int weft_receiver_latest(weft_receiver *rx, void *out, size_t size)
{
    wf_note_call();
    if (rx == NULL || out == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&rx->half, WF_HALF_RECEIVER, "weft_latest", "rx");
    if (size != rx->elem_size)
        return WEFT_EMSGSIZE;
    if (rx->half.is_closed)
        return WEFT_ECLOSED;
    struct wf_subscriber *sub = rx->source;
    if (rx->ops != &wf_fanout_ops || !sub->fanout->keeps_latest)
        return WEFT_ENOTSUP;
    return wf_waiter_self() == NULL ? wf_no_waiter() : wf_fanout_latest(sub, out);
}
