/* SPDX-License-Identifier: MIT
 * Several sources of one adaptor. */
#include "stream/sources.h"

#include "base/opts.h"
#include "plat/mem.h"

#include <string.h>

static int check(const weft_receiver *rx, size_t elem_size, bool is_polled)
{
    if (rx == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&rx->half, WF_HALF_RECEIVER, "weft_merge", "source");
    if (rx->elem_size != elem_size)
        return WEFT_EMSGSIZE;
    return is_polled && !wf_receiver_may_select(rx) ? WEFT_ENOTSUP : 0;
}

/* The slots are of a typed handle each, and so is the array of their addresses: read by memcpy. */
static weft_receiver *take(const void *slots, size_t i)
{
    void *slot;
    memcpy(&slot, (const char *)slots + i * sizeof slot, sizeof slot);
    return slot != NULL ? weft_slot_take(slot) : NULL;
}

int wf_sources_take(const void *slots, size_t n, size_t elem_size, bool is_polled,
                    struct wf_sources **out_sources)
{
    struct wf_sources *sources = wf_alloc(1,
                                          wf_size_with(sizeof *sources, n, sizeof sources->at[0]));
    int rc = sources == NULL ? WEFT_ENOMEM : n == 0 ? WEFT_EINVAL : 0;
    for (size_t i = 0; i < n; i++) {
        weft_receiver *rx = take(slots, i);
        int wrong = check(rx, elem_size, is_polled);
        rc = rc < 0 ? rc : wrong;
        if (sources != NULL)
            sources->at[sources->n++] = rx;
        else
            (void)wf_receiver_close_and_free(rx);
    }
    if (rc < 0)
        wf_sources_close(NULL, sources);
    else
        *out_sources = sources;
    return rc;
}

bool wf_sources_lend(const struct wf_sources *sources)
{
    for (size_t i = 0; i < sources->n; i++)
        if (sources->at[i]->lends_items)
            return true;
    return false;
}

weft_stream_opts wf_sources_opts(const struct wf_sources *sources, const weft_stream_opts *opts)
{
    weft_stream_opts all = { 0 };
    wf_opts_copy(&all, sizeof all, opts);
    all.size_ = sizeof all;
    for (size_t i = 0; all.drop == NULL && i < sources->n; i++)
        all.drop = sources->at[i]->drop_item;
    return all;
}

void wf_sources_close(struct wf_adaptor *adaptor, struct wf_sources *sources)
{
    for (size_t i = 0; sources != NULL && i < sources->n; i++) {
        if (adaptor != NULL)
            wf_adaptor_close_other(adaptor, &sources->at[i]);
        else
            (void)wf_receiver_close_and_free(sources->at[i]);
    }
    wf_free(sources);
}
