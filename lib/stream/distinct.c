/* SPDX-License-Identifier: MIT
 * distinct: drops an item that is the same as the one given before it. Without a step, the same
 * bytes are the same. */
#include "stream/adaptor.h"

#include <weft/stream_join.h>

#include <string.h>

struct distinct {
    bool has_before;
    _Alignas(16) char before[];
};

/* 1, 0, or an error of the step. */
static int is_same(struct wf_adaptor *adaptor, struct distinct *state, void *item)
{
    if (!state->has_before)
        return 0;
    if (adaptor->step == NULL)
        return memcmp(state->before, item, adaptor->in_size) == 0;
    return wf_adaptor_step(adaptor, state->before, item);
}

/* Keeps a copy of what is given. */
static int keep(struct wf_adaptor *adaptor, struct distinct *state, const void *item)
{
    if (state->has_before)
        wf_drop_item(adaptor->rx.drop_item, state->before);
    int rc = wf_adaptor_clone(adaptor, state->before, item, adaptor->in_size);
    state->has_before = rc >= 0;
    return rc;
}

static int distinct_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct distinct *state = adaptor->state;
    for (;;) {
        int rc = wf_adaptor_pull(adaptor, out, may_wait);
        if (rc <= 0)
            return rc;
        rc = is_same(adaptor, state, out);
        if (rc == 0) {
            rc = keep(adaptor, state, out);
            if (rc >= 0)
                return 1;
        }
        wf_drop_item(adaptor->rx.drop_item, out);
        rc = rc < 0 ? wf_adaptor_fail(adaptor, rc) : wf_adaptor_may_go_on(may_wait);
        if (rc < 0)
            return rc;
    }
}

static void distinct_drop(struct wf_adaptor *adaptor)
{
    struct distinct *state = adaptor->state;
    if (state->has_before)
        wf_drop_item(adaptor->rx.drop_item, state->before);
}

static const struct wf_adaptor_kind kind = { .name = "distinct",
                                             .next = distinct_next,
                                             .drop = distinct_drop,
                                             .gives_twice = true,
                                             .keeps_items = true,
                                             .is_one_type = true };

int weft_distinct_open(const weft_callable *step, void *args, weft_receiver *source,
                       size_t elem_size, const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &kind,
            .source = source,
            .in_size = elem_size,
            .out_size = elem_size,
            .step = step,
            .args = args,
            .opts = opts,
            .state = &(struct distinct){ .has_before = false },
            .state_size = sizeof(struct distinct),
            .state_room = elem_size,
        },
        out_rx);
}
