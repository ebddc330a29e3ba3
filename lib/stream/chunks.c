/* SPDX-License-Identifier: MIT
 * chunks: items gathered into arrays, until one is full, the source ends, or its first item has
 * waited for d_ns. What is gathered lies here until it is given, so that a cancel loses none. */
#include "stream/adaptor.h"

#include "plat/mem.h"

#include <weft/stream_join.h>

#include <string.h>

struct chunks {
    weft_chunk_layout at;
    int64_t d_ns, due_ns; /* d_ns 0: without limit */
    size_t n;
    _Alignas(16) char items[];
};

static void *place(const struct wf_adaptor *adaptor, struct chunks *state)
{
    return state->items + state->n * adaptor->in_size;
}

static int give(struct wf_adaptor *adaptor, struct chunks *state, void *out)
{
    size_t size = state->n * adaptor->in_size;
    memcpy((char *)out + state->at.n, &state->n, sizeof state->n);
    memcpy((char *)out + state->at.items, state->items, size);
    state->n = 0;
    return 1;
}

static int pull_one(struct wf_adaptor *adaptor, struct chunks *state, bool may_wait)
{
    if (state->n > 0 && state->d_ns > 0)
        return wf_adaptor_pull_until(adaptor, place(adaptor, state), state->due_ns);
    int rc = wf_adaptor_pull(adaptor, place(adaptor, state), may_wait);
    if (rc > 0 && state->d_ns > 0)
        state->due_ns = wf_clock_after(state->d_ns);
    return rc;
}

/* A source that always has an item is not asked whether time has passed. */
static bool is_due(const struct chunks *state)
{
    return state->d_ns > 0 && wf_clock_now() >= state->due_ns;
}

static int chunks_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct chunks *state = adaptor->state;
    if (adaptor->has_end)
        return wf_adaptor_give_end(adaptor);
    while (state->n < state->at.capacity) {
        int rc = pull_one(adaptor, state, may_wait);
        if (wf_adaptor_was_cancelled(adaptor, rc) || (rc == WF_NOT_READY && state->d_ns == 0))
            return rc;
        if (rc <= 0 && state->n == 0)
            return rc;
        if (rc == WF_NOT_READY)
            break;
        if (rc <= 0) {
            wf_adaptor_hold_end(adaptor, rc);
            break;
        }
        state->n++;
        if (is_due(state))
            break;
    }
    return give(adaptor, state, out);
}

static void chunks_drop(struct wf_adaptor *adaptor)
{
    struct chunks *state = adaptor->state;
    while (state->n > 0) {
        state->n--;
        wf_drop_item(adaptor->drop_in, place(adaptor, state));
    }
}

static const struct wf_adaptor_kind by_size = {
    .name = "chunks", .next = chunks_next, .drop = chunks_drop, .keeps_items = true
};
static const struct wf_adaptor_kind by_time = { .name = "chunks",
                                                .next = chunks_next,
                                                .drop = chunks_drop,
                                                .may_wait = true,
                                                .polls = true,
                                                .keeps_items = true };

int weft_chunks_open(weft_receiver *source, size_t elem_size, weft_chunk_layout out, int64_t d_ns,
                     const weft_stream_opts *opts, weft_receiver **out_rx)
{
    size_t room = wf_size_with(0, out.capacity, elem_size);
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = d_ns > 0 ? &by_time : &by_size,
            .source = source,
            .in_size = elem_size,
            .out_size = out.capacity > 0 ? out.size : 0,
            .opts = opts,
            .state = &(struct chunks){ .at = out, .d_ns = d_ns },
            .state_size = sizeof(struct chunks),
            .state_room = room,
        },
        out_rx);
}
