/* SPDX-License-Identifier: MIT
 * retry: a stream that is opened again when it fails, after a delay that doubles each time. An item
 * makes it begin anew. */
#include "stream/adaptor.h"

#include "base/opts.h"
#include "sched/worker.h"

#include <weft/stream_time.h>
#include <weft/time.h>

#include <string.h>

struct retry {
    weft_retry_opts opts;
    weft_receiver *source; /* or NULL: to be opened, not before open_at_ns */
    unsigned n_failed;     /* since the last item */
    int64_t open_at_ns;
};

/* Somewhere in the last quarter of the delay, so that many who failed at once don't return at
 * once. */
static int64_t delay_of(const struct retry *retry)
{
    int64_t delay_ns = retry->opts.delay_ns;
    for (unsigned n = 1; n < retry->n_failed && delay_ns < retry->opts.max_delay_ns; n++)
        delay_ns = delay_ns > INT64_MAX / 2 ? INT64_MAX : 2 * delay_ns;
    delay_ns = WF_MIN(delay_ns, retry->opts.max_delay_ns);
    return delay_ns - (int64_t)(wf_random() % ((uint64_t)delay_ns / 4 + 1));
}

static bool may_retry(const weft_retry_opts *opts, int code)
{
    return opts->may_retry != NULL ? opts->may_retry(code) : code != WEFT_ECANCELED;
}

/* 0: once more; or the error, which is final. */
static int failed(struct wf_adaptor *adaptor, struct retry *retry, int rc)
{
    wf_adaptor_close_other(adaptor, &retry->source);
    adaptor->rx.is_ended = false;
    adaptor->close_code = 0; /* what is opened again may fail at its close too */
    if (++retry->n_failed >= retry->opts.tries || !may_retry(&retry->opts, rc))
        return wf_adaptor_fail(adaptor, rc);
    retry->open_at_ns = wf_clock_after(delay_of(retry));
    return 0;
}

static int open_again(struct wf_adaptor *adaptor, struct retry *retry)
{
    int rc = wf_clock_now() < retry->open_at_ns ? wf_unnoted(weft_sleep_until(retry->open_at_ns))
                                                : wf_adaptor_may_go_on(true);
    if (rc < 0)
        return rc;
    rc = wf_adaptor_step_opening(adaptor, NULL, &retry->source);
    if (rc >= 0 && retry->source == NULL)
        return wf_adaptor_fail(adaptor, WEFT_EINVAL);
    if (rc >= 0 && retry->source->elem_size != adaptor->rx.elem_size)
        return wf_adaptor_fail(adaptor, WEFT_EMSGSIZE);
    if (rc == WEFT_ECANCELED) /* it may have been opened before */
        wf_adaptor_close_other(adaptor, &retry->source);
    return rc < 0 && rc != WEFT_ECANCELED ? failed(adaptor, retry, rc) : rc;
}

static int retry_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct retry *retry = adaptor->state;
    (void)may_wait;
    for (;;) {
        int rc = retry->source != NULL ? 0 : open_again(adaptor, retry);
        if (rc < 0)
            return rc;
        if (retry->source == NULL)
            continue;
        rc = wf_adaptor_pull_from(adaptor, retry->source, out, true);
        if (rc > 0)
            retry->n_failed = 0;
        if (rc >= 0 || wf_source_goes_on(&adaptor->rx, rc))
            return rc;
        rc = failed(adaptor, retry, rc);
        if (rc < 0)
            return rc;
    }
}

static void retry_drop(struct wf_adaptor *adaptor)
{
    wf_adaptor_close_other(adaptor, &((struct retry *)adaptor->state)->source);
}

static bool retry_may_lend(const struct wf_adaptor *adaptor)
{
    return wf_receiver_may_lend(((struct retry *)adaptor->state)->source);
}

static const struct wf_adaptor_kind kind = { .name = "retry",
                                             .next = retry_next,
                                             .drop = retry_drop,
                                             .may_lend = retry_may_lend,
                                             .is_leaf = true,
                                             .may_wait = true };

static weft_retry_opts read_opts(const weft_retry_opts *opts)
{
    weft_retry_opts all = { 0 };
    wf_opts_copy(&all, sizeof all, opts);
    if (all.tries == 0)
        all.tries = 5;
    if (all.delay_ns <= 0)
        all.delay_ns = WEFT_MS(100);
    if (all.max_delay_ns <= 0)
        all.max_delay_ns = WEFT_SEC(30);
    return all;
}

int weft_retry_open(const weft_callable *step, void *args, size_t elem_size,
                    const weft_retry_opts *opts, weft_receiver **out_rx)
{
    weft_retry_opts all = read_opts(opts);
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &kind,
            .out_size = elem_size,
            .needs_step = true,
            .step = step,
            .args = args,
            .opts = &(weft_stream_opts){ .name = all.name,
                                         .drop = all.drop,
                                         .lends_items = all.lends_items },
            .state = &(struct retry){ .opts = all },
            .state_size = sizeof(struct retry),
        },
        out_rx);
}
