/* SPDX-License-Identifier: MIT
 * merge: the items of several sources as they come, by select. Of several that are ready each is as
 * likely as the next. A source that ends is closed; one that fails closes the others. */
#include "stream/sources.h"

#include "plat/mem.h"

#include <weft/select.h>
#include <weft/stream_join.h>

#include <string.h>

struct merge {
    struct wf_sources *sources;
    weft_case *cases;
    size_t n_open;
};

/* Closed, or it could not be chosen again without harm; the case is disabled. */
static void end_source(struct wf_adaptor *adaptor, struct merge *merge, size_t i)
{
    merge->cases[i].half = NULL;
    merge->n_open--;
    wf_adaptor_close_other(adaptor, &merge->sources->at[i]);
}

static void end_all(struct wf_adaptor *adaptor, struct merge *merge)
{
    for (size_t i = 0; i < merge->sources->n; i++)
        if (merge->cases[i].half != NULL)
            end_source(adaptor, merge, i);
}

static int merge_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct merge *merge = adaptor->state;
    (void)may_wait;
    for (size_t i = 0; i < merge->sources->n; i++)
        merge->cases[i].value = out;
    while (merge->n_open > 0) {
        int rc = 0, i = wf_unnoted(weft_select_from(merge->cases, merge->sources->n, &rc));
        if (i < 0)
            return i;
        if (rc > 0)
            return 1;
        if (wf_source_goes_on(merge->sources->at[i], rc))
            return rc;
        if (rc < 0) {
            end_all(adaptor, merge);
            return wf_adaptor_fail(adaptor, rc);
        }
        end_source(adaptor, merge, (size_t)i);
    }
    return 0;
}

static void merge_drop(struct wf_adaptor *adaptor)
{
    struct merge *merge = adaptor->state;
    wf_sources_close(adaptor, merge->sources);
    wf_free(merge->cases);
}

static bool merge_may_lend(const struct wf_adaptor *adaptor)
{
    const struct wf_sources *sources = ((struct merge *)adaptor->state)->sources;
    for (size_t i = 0; i < sources->n; i++)
        if (wf_receiver_may_lend(sources->at[i]))
            return true;
    return false;
}

static const struct wf_adaptor_kind kind = { .name = "merge",
                                             .next = merge_next,
                                             .drop = merge_drop,
                                             .may_lend = merge_may_lend,
                                             .is_leaf = true,
                                             .may_wait = true };

int weft_merge_open(const void *slots, size_t n, size_t elem_size, const weft_stream_opts *opts,
                    weft_receiver **out_rx)
{
    struct merge merge = { .n_open = n };
    int rc = wf_sources_take(slots, n, elem_size, true, &merge.sources);
    if (rc < 0)
        return rc;
    weft_stream_opts all = wf_sources_opts(merge.sources, opts);
    merge.cases = wf_alloc(n, sizeof *merge.cases);
    for (size_t i = 0; merge.cases != NULL && i < n; i++)
        merge.cases[i] = weft_case_recv(merge.sources->at[i], &merge, elem_size);
    rc = merge.cases == NULL ? WEFT_ENOMEM
                             : wf_adaptor_open(
                                   &(struct wf_adaptor_opts){
                                       .kind = &kind,
                                       .out_size = elem_size,
                                       .opts = &all,
                                       .lends_items = wf_sources_lend(merge.sources),
                                       .state = &merge,
                                       .state_size = sizeof merge,
                                   },
                                   out_rx);
    if (rc < 0) {
        wf_sources_close(NULL, merge.sources);
        wf_free(merge.cases);
    }
    return rc;
}
