/* SPDX-License-Identifier: MIT
 * filter, take_while and drop_while: the items for which a step says so. The others are dropped: an
 * item is the stream's until it is the consumer's. It stays where it lies. */
#include "stream/fused.h"

static int take_while_pass(struct wf_adaptor *adaptor, void *item, bool may_wait)
{
    int rc = wf_fused_look(adaptor, item, may_wait);
    if (rc != WF_DROPPED)
        return rc;
    wf_adaptor_finish(adaptor, may_wait);
    return 0;
}

/* state: whether the step has said 0 already, after which all are kept. */
static int drop_while_pass(struct wf_adaptor *adaptor, void *item, bool may_wait)
{
    bool *is_through = adaptor->state;
    (void)may_wait;
    if (*is_through)
        return WF_PASSED;
    int rc = wf_adaptor_step(adaptor, item, NULL);
    *is_through = rc == 0;
    if (rc == 0)
        return WF_PASSED;
    wf_drop_item(adaptor->rx.drop_item, item);
    return rc > 0 ? WF_DROPPED : wf_adaptor_fail(adaptor, rc);
}

static const struct wf_adaptor_kind filter = {
    .name = "filter", .passing = WF_PASSES_KEPT, .pass = wf_fused_look, .is_one_type = true
};
static const struct wf_adaptor_kind take_while = {
    .name = "take_while", .passing = WF_PASSES_BY_CALL, .pass = take_while_pass, .is_one_type = true
};
static const struct wf_adaptor_kind drop_while = { .name = "drop_while",
                                                   .passing = WF_PASSES_BY_CALL,
                                                   .pass = drop_while_pass,
                                                   .state_size = sizeof(bool),
                                                   .is_one_type = true };

int weft_filter_open(const weft_callable *step, void *args, weft_receiver *source, size_t elem_size,
                     const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open_step(&filter, step, args, source, elem_size, elem_size, opts, out_rx);
}

int weft_take_while_open(const weft_callable *step, void *args, weft_receiver *source,
                         size_t elem_size, const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open_step(&take_while, step, args, source, elem_size, elem_size, opts,
                                out_rx);
}

int weft_drop_while_open(const weft_callable *step, void *args, weft_receiver *source,
                         size_t elem_size, const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open_step(&drop_while, step, args, source, elem_size, elem_size, opts,
                                out_rx);
}
