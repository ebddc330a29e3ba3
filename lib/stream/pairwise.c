/* SPDX-License-Identifier: MIT
 * pairwise: each item with the one before it, so that all but the first and the last are given
 * twice. */
#include "stream/adaptor.h"

#include <weft/stream_join.h>

/* The item before lies in memory of its own behind the struct. */
struct pairwise {
    weft_pair_layout at;
    bool has_before;
    _Alignas(16) char before[];
};

static int pairwise_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct pairwise *state = adaptor->state;
    void *first = (char *)out + state->at.first, *second = (char *)out + state->at.second;
    int rc;
    if (!state->has_before) {
        rc = wf_adaptor_pull(adaptor, state->before, may_wait);
        if (rc <= 0)
            return rc;
        state->has_before = true;
    }
    rc = wf_adaptor_pull(adaptor, second, may_wait);
    if (rc <= 0)
        return rc;
    wf_copy_value(first, state->before, adaptor->in_size);
    rc = wf_adaptor_clone(adaptor, state->before, second, adaptor->in_size);
    if (rc >= 0)
        return 1;
    state->has_before = false;
    wf_drop_item(adaptor->drop_in, first);
    wf_drop_item(adaptor->drop_in, second);
    return wf_adaptor_fail(adaptor, rc);
}

static void pairwise_drop(struct wf_adaptor *adaptor)
{
    struct pairwise *state = adaptor->state;
    if (state->has_before)
        wf_drop_item(adaptor->drop_in, state->before);
}

static const struct wf_adaptor_kind kind = { .name = "pairwise",
                                             .next = pairwise_next,
                                             .drop = pairwise_drop,
                                             .gives_twice = true,
                                             .keeps_items = true };

int weft_pairwise_open(weft_receiver *source, size_t elem_size, weft_pair_layout out,
                       const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &kind,
            .source = source,
            .in_size = elem_size,
            .out_size = out.size,
            .opts = opts,
            .state = &(struct pairwise){ .at = out },
            .state_size = sizeof(struct pairwise),
            .state_room = elem_size,
        },
        out_rx);
}
