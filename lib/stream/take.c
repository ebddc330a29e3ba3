/* SPDX-License-Identifier: MIT
 * take: the first n items. The source is closed right after the n-th, before its consumer has it,
 * so that a producer does not sit waiting for a demand that never comes; an item that is lent is
 * left to the consumer until it comes back (A3). skip: those after the first n. */
#include "stream/adaptor.h"

/* state: how many are left. The last one's memory goes with what is below. */
static int take_last(struct wf_adaptor *adaptor, void *item, bool may_wait)
{
    if (wf_receiver_may_lend(&adaptor->rx)) {
        wf_adaptor_stop(adaptor);
        return WF_PASSED;
    }
    wf_copy_value(adaptor->out, item, adaptor->rx.elem_size);
    wf_adaptor_finish(adaptor, may_wait);
    return WF_MADE;
}

/* state: how many are to be dropped. */
static int skip_pass(struct wf_adaptor *adaptor, void *item, bool may_wait)
{
    uint64_t *n_left = adaptor->state;
    (void)may_wait;
    if (WF_LIKELY(*n_left == 0))
        return WF_PASSED;
    --*n_left;
    wf_drop_item(adaptor->rx.drop_item, item);
    return WF_DROPPED;
}

static const struct wf_adaptor_kind take = {
    .name = "take", .passing = WF_PASSES_COUNTED, .pass = take_last, .is_one_type = true
};
static const struct wf_adaptor_kind skip = {
    .name = "skip", .passing = WF_PASSES_BY_CALL, .pass = skip_pass, .is_one_type = true
};

static int open_kind(const struct wf_adaptor_kind *kind, weft_receiver *source, size_t elem_size,
                     uint64_t n, const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = kind,
            .source = source,
            .in_size = elem_size,
            .out_size = elem_size,
            .opts = opts,
            .is_over = kind == &take && n == 0,
            .state = &n,
            .state_size = sizeof n,
        },
        out_rx);
}

int weft_take_open(weft_receiver *source, size_t elem_size, uint64_t n,
                   const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return open_kind(&take, source, elem_size, n, opts, out_rx);
}

int weft_skip_open(weft_receiver *source, size_t elem_size, uint64_t n,
                   const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return open_kind(&skip, source, elem_size, n, opts, out_rx);
}
