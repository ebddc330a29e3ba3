/* SPDX-License-Identifier: MIT
 * map: what a step makes of each item. The step owns the item that it gets; what it wrote when it
 * failed is nobody's, which it says by its code. */
#include "stream/fused.h"

static const struct wf_adaptor_kind kind = { .name = "map",
                                             .passing = WF_PASSES_MADE,
                                             .pass = wf_fused_make };

int weft_map_open(const weft_callable *step, void *args, weft_receiver *source, size_t in_size,
                  size_t out_size, const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open_step(&kind, step, args, source, in_size, out_size, opts, out_rx);
}
