/* SPDX-License-Identifier: MIT
 * Broadcasts: every value to every receiver (fanout.h). */
#include "chan/fanout.h"
#include "base/opts.h"

#include <weft/broadcast.h>

static const struct wf_sink broadcast_sink = {
    .kind = "broadcast",
    .put = wf_fanout_put,
    .discard = wf_fanout_discard,
};

int weft_broadcast_open_sized(size_t elem_size, const weft_broadcast_opts *opts,
                              weft_sender **out_tx, weft_receiver **out_rx, const char *file,
                              int line)
{
    wf_note_call();
    weft_broadcast_opts all = { 0 };
    wf_opts_copy(&all, sizeof all, opts);
    return wf_fanout_open(elem_size,
                          &(struct wf_fanout_opts){
                              .name = all.name,
                              .capacity = all.capacity,
                              .drop = all.drop,
                              .clone = all.clone,
                              .sink = &broadcast_sink,
                          },
                          file, line, out_tx, out_rx);
}

uint64_t weft_receiver_missed(weft_receiver *rx)
{
    if (rx == NULL)
        return 0;
    wf_half_must_be(&rx->half, WF_HALF_RECEIVER, "weft_missed", "rx");
    return rx->ops->missed != NULL && !rx->half.is_closed ? rx->ops->missed(rx) : 0;
}
