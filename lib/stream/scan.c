/* SPDX-License-Identifier: MIT
 * scan: a value that each item changes, as it is after each. The step owns the item. */
#include "stream/adaptor.h"

static int scan_pass(struct wf_adaptor *adaptor, void *item, bool may_wait)
{
    (void)may_wait;
    int rc = wf_adaptor_step(adaptor, item, adaptor->state);
    if (rc >= 0)
        rc = wf_adaptor_clone(adaptor, adaptor->out, adaptor->state, adaptor->rx.elem_size);
    return rc >= 0 ? WF_MADE : wf_adaptor_fail(adaptor, rc);
}

static void scan_drop(struct wf_adaptor *adaptor)
{
    wf_drop_item(adaptor->rx.drop_item, adaptor->state);
}

static const struct wf_adaptor_kind kind = { .name = "scan",
                                             .passing = WF_PASSES_BY_CALL,
                                             .pass = scan_pass,
                                             .drop = scan_drop,
                                             .gives_twice = true };

int weft_scan_open(const weft_callable *step, void *args, weft_receiver *source, size_t in_size,
                   const void *first, size_t out_size, const weft_stream_opts *opts,
                   weft_receiver **out_rx)
{
    int rc = wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &kind,
            .source = source,
            .in_size = in_size,
            .out_size = first != NULL ? out_size : 0,
            .needs_step = true,
            .step = step,
            .args = args,
            .opts = opts,
            .state = first,
            .state_size = out_size,
        },
        out_rx);
    if (rc < 0 && first != NULL && opts != NULL)
        wf_drop_item(opts->drop, (void *)(uintptr_t)first);
    return rc;
}
