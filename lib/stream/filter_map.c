/* SPDX-License-Identifier: MIT
 * filter_map: what a step makes of those items that it keeps. The step owns each item it gets. */
#include "stream/adaptor.h"

static int filter_map_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    for (;;) {
        int rc = wf_adaptor_pull(adaptor, adaptor->in, may_wait);
        if (rc <= 0)
            return rc;
        rc = wf_adaptor_step(adaptor, adaptor->in, out);
        if (rc > 0)
            return 1;
        if (rc < 0)
            return wf_adaptor_fail(adaptor, rc);
        rc = wf_adaptor_may_go_on(may_wait);
        if (rc < 0)
            return rc;
    }
}

static const struct wf_adaptor_kind kind = { .name = "filter_map", .next = filter_map_next };

int weft_filter_map_open(const weft_callable *step, void *args, weft_receiver *source,
                         size_t in_size, size_t out_size, const weft_stream_opts *opts,
                         weft_receiver **out_rx)
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
