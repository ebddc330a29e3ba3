/* SPDX-License-Identifier: MIT
 * filter, take_while and drop_while: the items for which a step says so. The others are dropped: an
 * item is the stream's until it is the consumer's. It lies where it goes to when the step looks. */
#include "stream/adaptor.h"

/* 1 a kept item is in out, 0 the end, <0; WF_UNWANTED: it was dropped. */
#define WF_UNWANTED 2

static int pull_one(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    int rc = wf_adaptor_pull(adaptor, out, may_wait);
    if (rc <= 0)
        return rc;
    rc = wf_adaptor_step(adaptor, out, NULL);
    if (rc > 0)
        return 1;
    wf_drop_item(adaptor->rx.drop_item, out);
    return rc < 0 ? wf_adaptor_fail(adaptor, rc) : WF_UNWANTED;
}

static int filter_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    for (;;) {
        int rc = pull_one(adaptor, out, may_wait);
        if (rc != WF_UNWANTED)
            return rc;
        rc = wf_adaptor_may_go_on(may_wait);
        if (rc < 0)
            return rc;
    }
}

static int take_while_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    int rc = adaptor->is_over ? WF_UNWANTED : pull_one(adaptor, out, may_wait);
    if (rc != WF_UNWANTED)
        return rc;
    wf_adaptor_finish(adaptor, may_wait);
    return 0;
}

/* state: whether the step has said 0 already, after which all are kept. */
static int drop_while_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    bool *is_through = adaptor->state;
    for (;;) {
        int rc = wf_adaptor_pull(adaptor, out, may_wait);
        if (rc <= 0 || *is_through)
            return rc;
        rc = wf_adaptor_step(adaptor, out, NULL);
        if (rc == 0) {
            *is_through = true;
            return 1;
        }
        wf_drop_item(adaptor->rx.drop_item, out);
        rc = rc < 0 ? wf_adaptor_fail(adaptor, rc) : wf_adaptor_may_go_on(may_wait);
        if (rc < 0)
            return rc;
    }
}

static const struct wf_adaptor_kind filter = { .name = "filter",
                                               .next = filter_next,
                                               .is_one_type = true };
static const struct wf_adaptor_kind take_while = { .name = "take_while",
                                                   .next = take_while_next,
                                                   .is_one_type = true };
static const struct wf_adaptor_kind drop_while = { .name = "drop_while",
                                                   .next = drop_while_next,
                                                   .is_one_type = true };

static int open_kind(const struct wf_adaptor_kind *kind, const weft_callable *step, void *args,
                     weft_receiver *source, size_t elem_size, const weft_stream_opts *opts,
                     weft_receiver **out_rx)
{
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = kind,
            .source = source,
            .in_size = elem_size,
            .out_size = elem_size,
            .needs_step = true,
            .step = step,
            .args = args,
            .opts = opts,
            .state = &(bool){ false },
            .state_size = sizeof(bool),
        },
        out_rx);
}

int weft_filter_open(const weft_callable *step, void *args, weft_receiver *source, size_t elem_size,
                     const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return open_kind(&filter, step, args, source, elem_size, opts, out_rx);
}

int weft_take_while_open(const weft_callable *step, void *args, weft_receiver *source,
                         size_t elem_size, const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return open_kind(&take_while, step, args, source, elem_size, opts, out_rx);
}

int weft_drop_while_open(const weft_callable *step, void *args, weft_receiver *source,
                         size_t elem_size, const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return open_kind(&drop_while, step, args, source, elem_size, opts, out_rx);
}
