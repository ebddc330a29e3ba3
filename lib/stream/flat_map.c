/* SPDX-License-Identifier: MIT
 * flat_map: a step opens a stream for each item, and all items of that are given before the next
 * one is opened. */
#include "stream/adaptor.h"

#include <weft/stream_join.h>

/* state: the stream that is read now, or NULL. */
static int open_inner(struct wf_adaptor *adaptor, weft_receiver **inner)
{
    int rc = wf_adaptor_pull(adaptor, adaptor->in, true);
    if (rc <= 0)
        return rc;
    rc = wf_adaptor_step_opening(adaptor, adaptor->in, inner);
    if (rc >= 0 && *inner != NULL && (*inner)->elem_size != adaptor->rx.elem_size)
        rc = WEFT_EMSGSIZE;
    return rc < 0 ? wf_adaptor_fail(adaptor, rc) : 1;
}

static int flat_map_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    weft_receiver **inner = adaptor->state;
    (void)may_wait;
    for (;;) {
        while (*inner == NULL) {
            int rc = wf_adaptor_may_go_on(true);
            if (rc >= 0)
                rc = open_inner(adaptor, inner);
            if (rc <= 0)
                return rc;
        }
        int rc = wf_adaptor_pull_from(adaptor, *inner, out, true);
        if (rc > 0 || wf_source_goes_on(*inner, rc))
            return rc;
        wf_adaptor_close_other(adaptor, inner);
        if (rc < 0)
            return wf_adaptor_fail(adaptor, rc);
    }
}

static void flat_map_drop(struct wf_adaptor *adaptor)
{
    wf_adaptor_close_other(adaptor, adaptor->state);
}

static bool flat_map_may_lend(const struct wf_adaptor *adaptor)
{
    return wf_receiver_may_lend(*(weft_receiver **)adaptor->state);
}

static const struct wf_adaptor_kind kind = { .name = "flat_map",
                                             .next = flat_map_next,
                                             .drop = flat_map_drop,
                                             .may_lend = flat_map_may_lend,
                                             .state_size = sizeof(weft_receiver *),
                                             .may_wait = true };

int weft_flat_map_open(const weft_callable *step, void *args, weft_receiver *source, size_t in_size,
                       size_t out_size, const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open_step(&kind, step, args, source, in_size, out_size, opts, out_rx);
}
