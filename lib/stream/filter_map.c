/* SPDX-License-Identifier: MIT
 * filter_map: what a step makes of those items that it keeps. The step owns each item it gets. */
#include "stream/adaptor.h"

static int filter_map_pass(struct wf_adaptor *adaptor, void *item, bool may_wait)
{
    (void)may_wait;
    int rc = wf_adaptor_step(adaptor, item, adaptor->out);
    return rc > 0 ? WF_MADE : rc == 0 ? WF_DROPPED : wf_adaptor_fail(adaptor, rc);
}

static const struct wf_adaptor_kind kind = { .name = "filter_map",
                                             .passing = WF_PASSES_BY_CALL,
                                             .pass = filter_map_pass };

int weft_filter_map_open(const weft_callable *step, void *args, weft_receiver *source,
                         size_t in_size, size_t out_size, const weft_stream_opts *opts,
                         weft_receiver **out_rx)
{
    return wf_adaptor_open_step(&kind, step, args, source, in_size, out_size, opts, out_rx);
}
