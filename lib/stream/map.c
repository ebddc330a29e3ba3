/* SPDX-License-Identifier: MIT
 * map: what a step makes of each item. The step owns the item that it gets; what it wrote when it
 * failed is nobody's, which it says by its code. */
#include "stream/adaptor.h"

static int map_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    int rc = wf_adaptor_pull(adaptor, adaptor->in, may_wait);
    if (rc <= 0)
        return rc;
    rc = wf_adaptor_step(adaptor, adaptor->in, out);
    return WF_LIKELY(rc >= 0) ? 1 : wf_adaptor_fail(adaptor, rc);
}

static const struct wf_adaptor_kind kind = { .name = "map", .next = map_next };

int weft_map_open(const weft_callable *step, void *args, weft_receiver *source, size_t in_size,
                  size_t out_size, const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &kind,
            .source = source,
            .in_size = in_size,
            .out_size = out_size,
            .needs_step = true,
            .step = step,
            .args = args,
            .opts = opts,
        },
        out_rx);
}
