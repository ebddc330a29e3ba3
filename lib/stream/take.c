/* SPDX-License-Identifier: MIT
 * take: the first n items. The source is closed right after the n-th, before its consumer has it,
 * so that a producer does not sit waiting for a demand that never comes; an item that is lent is
 * left to the consumer until it comes back (A3). skip: those after the first n. */
#include "stream/adaptor.h"

static int take_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    uint64_t *n_left = adaptor->state;
    if (*n_left == 0) {
        wf_adaptor_finish(adaptor, may_wait);
        return 0;
    }
    int rc = wf_adaptor_pull(adaptor, out, may_wait);
    if (rc <= 0)
        return rc;
    if (--*n_left == 0) {
        adaptor->is_over = true;
        if (!adaptor->rx.lends_items)
            wf_adaptor_finish(adaptor, may_wait);
    }
    return 1;
}

static int skip_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    uint64_t *n_left = adaptor->state;
    for (;;) {
        int rc = wf_adaptor_pull(adaptor, out, may_wait);
        if (rc <= 0 || *n_left == 0)
            return rc;
        --*n_left;
        wf_drop_item(adaptor->rx.drop_item, out);
        rc = wf_adaptor_may_go_on(may_wait);
        if (rc < 0)
            return rc;
    }
}

static const struct wf_adaptor_kind take = { .name = "take",
                                             .next = take_next,
                                             .is_one_type = true };
static const struct wf_adaptor_kind skip = { .name = "skip",
                                             .next = skip_next,
                                             .is_one_type = true };

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
