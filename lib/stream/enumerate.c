/* SPDX-License-Identifier: MIT
 * enumerate: each item with its number, in a struct of the caller's. */
#include "stream/adaptor.h"

#include <weft/stream_join.h>

struct enumerate {
    weft_pair_layout at;
    uint64_t n;
};

static int enumerate_pass(struct wf_adaptor *adaptor, void *item, bool may_wait)
{
    struct enumerate *state = adaptor->state;
    char *out = adaptor->out;
    (void)may_wait;
    wf_copy_value(out + state->at.second, item, adaptor->in_size);
    wf_copy_value(out + state->at.first, &state->n, sizeof state->n);
    state->n++;
    return WF_MADE;
}

static const struct wf_adaptor_kind kind = { .name = "enumerate",
                                             .passing = WF_PASSES_BY_CALL,
                                             .pass = enumerate_pass };

int weft_enumerate_open(weft_receiver *source, size_t elem_size, weft_pair_layout out,
                        const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &kind,
            .source = source,
            .in_size = elem_size,
            .out_size = out.size,
            .opts = opts,
            .state = &(struct enumerate){ .at = out },
            .state_size = sizeof(struct enumerate),
        },
        out_rx);
}
