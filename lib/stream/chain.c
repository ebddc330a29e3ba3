/* SPDX-License-Identifier: MIT
 * chain: all items of one source, then those of the next. An ended source is closed before the next
 * one is asked, unless that might wait and the consumer does not. */
#include "stream/sources.h"

#include "plat/mem.h"

#include <weft/stream_join.h>

static void go_to_next(struct wf_adaptor *adaptor, struct wf_sources *sources, bool may_wait)
{
    if (may_wait || wf_closes_at_once(adaptor->source)) {
        wf_adaptor_close_source(adaptor);
    } else {
        sources->at[sources->n_begun - 1] = adaptor->source;
    }
    adaptor->source = sources->at[sources->n_begun];
    sources->at[sources->n_begun++] = NULL;
}

static int chain_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct wf_sources *sources = *(struct wf_sources **)adaptor->state;
    for (;;) {
        int rc = wf_adaptor_pull(adaptor, out, may_wait);
        if (rc != 0 || sources->n_begun == sources->n)
            return rc;
        go_to_next(adaptor, sources, may_wait);
    }
}

static void chain_drop(struct wf_adaptor *adaptor)
{
    wf_sources_close(adaptor, *(struct wf_sources **)adaptor->state);
}

static const struct wf_adaptor_kind kind = {
    .name = "chain", .next = chain_next, .drop = chain_drop, .is_one_type = true
};

/* Each may be tried, or none is. */
static bool one_waits(const struct wf_sources *sources)
{
    for (size_t i = 0; i < sources->n; i++)
        if (sources->at[i]->ops->try_recv == NULL)
            return true;
    return false;
}

int weft_chain_open(const void *slots, size_t n, size_t elem_size, const weft_stream_opts *opts,
                    weft_receiver **out_rx)
{
    struct wf_sources *sources;
    int rc = wf_sources_take(slots, n, elem_size, false, &sources);
    if (rc < 0)
        return rc;
    bool may_wait = one_waits(sources);
    bool lends_items = wf_sources_lend(sources);
    weft_stream_opts all = wf_sources_opts(sources, opts);
    weft_receiver *first = sources->at[0];
    sources->at[0] = NULL;
    sources->n_begun = 1;
    rc = wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &kind,
            .source = first,
            .in_size = elem_size,
            .out_size = elem_size,
            .opts = &all,
            .may_wait = may_wait,
            .lends_items = lends_items,
            .state = &sources,
            .state_size = sizeof sources,
        },
        out_rx);
    if (rc < 0)
        wf_sources_close(NULL, sources);
    return rc;
}
