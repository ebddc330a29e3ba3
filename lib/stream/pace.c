/* SPDX-License-Identifier: MIT
 * throttle and item_timeout: how fast, and how slowly at most, items come. */
#include "stream/adaptor.h"

#include <weft/stream_time.h>
#include <weft/time.h>

struct pace {
    int64_t d_ns, due_ns;
};

/* The wait comes before the pull: an item is not held up, its source is asked later. */
static int throttle_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct pace *pace = adaptor->state;
    int rc = wf_clock_now() < pace->due_ns ? wf_unnoted(weft_sleep_until(pace->due_ns)) : 0;
    if (rc >= 0)
        rc = wf_adaptor_pull(adaptor, out, may_wait);
    if (rc > 0)
        pace->due_ns = wf_clock_after(pace->d_ns);
    return rc;
}

static int item_timeout_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct pace *pace = adaptor->state;
    (void)may_wait;
    int rc = wf_adaptor_pull_until(adaptor, out, wf_clock_after(pace->d_ns));
    return rc == WF_NOT_READY ? wf_adaptor_fail(adaptor, WEFT_ETIMEDOUT) : rc;
}

static const struct wf_adaptor_kind throttle = {
    .name = "throttle", .next = throttle_next, .may_wait = true, .is_one_type = true
};
static const struct wf_adaptor_kind item_timeout = { .name = "item_timeout",
                                                     .next = item_timeout_next,
                                                     .may_wait = true,
                                                     .polls = true,
                                                     .is_one_type = true };

static int open_kind(const struct wf_adaptor_kind *kind, weft_receiver *source, size_t elem_size,
                     int64_t d_ns, const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = kind,
            .source = source,
            .in_size = elem_size,
            .out_size = d_ns > 0 ? elem_size : 0,
            .opts = opts,
            .state = &(struct pace){ .d_ns = d_ns },
            .state_size = sizeof(struct pace),
        },
        out_rx);
}

int weft_throttle_open(weft_receiver *source, size_t elem_size, int64_t d_ns,
                       const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return open_kind(&throttle, source, elem_size, d_ns, opts, out_rx);
}

int weft_item_timeout_open(weft_receiver *source, size_t elem_size, int64_t d_ns,
                           const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return open_kind(&item_timeout, source, elem_size, d_ns, opts, out_rx);
}
