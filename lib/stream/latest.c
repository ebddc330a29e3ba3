/* SPDX-License-Identifier: MIT
 * conflate, debounce and sample: the newest of several items is given, the others are dropped. They
 * differ in when. The newest lies here until it is given, so that a cancel does not lose it; when
 * the source ends, it goes before the end. */
#include "stream/adaptor.h"

#include <weft/stream_time.h>

struct latest {
    int64_t d_ns, due_ns;
    bool has_item, has_begun;
    _Alignas(16) char item[];
};

static void replace(struct wf_adaptor *adaptor, struct latest *latest)
{
    if (latest->has_item)
        wf_drop_item(adaptor->rx.drop_item, latest->item);
    wf_copy_value(latest->item, adaptor->in, adaptor->in_size);
    latest->has_item = true;
}

static int give(struct wf_adaptor *adaptor, struct latest *latest, void *out)
{
    wf_copy_value(out, latest->item, adaptor->in_size);
    latest->has_item = false;
    return 1;
}

/* The source gave no item, for the reason rc: what it holds goes first, unless it was cancelled. */
static int stop(struct wf_adaptor *adaptor, struct latest *latest, int rc, void *out)
{
    if (!latest->has_item || wf_adaptor_was_cancelled(adaptor, rc))
        return rc;
    if (rc != WF_NOT_READY)
        wf_adaptor_hold_end(adaptor, rc);
    return give(adaptor, latest, out);
}

/* All that is there is taken. */
static int conflate_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct latest *latest = adaptor->state;
    if (adaptor->has_end)
        return wf_adaptor_give_end(adaptor);
    for (;;) {
        int rc = wf_adaptor_pull(adaptor, adaptor->in, may_wait && !latest->has_item);
        if (rc <= 0)
            return stop(adaptor, latest, rc, out);
        replace(adaptor, latest);
        rc = wf_adaptor_may_go_on(may_wait);
        if (rc < 0)
            return rc;
    }
}

/* Each item makes the wait begin anew. */
static int debounce_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct latest *latest = adaptor->state;
    if (adaptor->has_end)
        return wf_adaptor_give_end(adaptor);
    for (;;) {
        int rc = latest->has_item ? wf_adaptor_pull_until(adaptor, adaptor->in, latest->due_ns)
                                  : wf_adaptor_pull(adaptor, adaptor->in, may_wait);
        if (rc <= 0)
            return stop(adaptor, latest, rc, out);
        replace(adaptor, latest);
        latest->due_ns = wf_clock_after(latest->d_ns);
    }
}

/* The points are d_ns apart, from the first receive on. Is one past? Then the next that is not is
 * due: those that were missed are passed over. */
static bool pass_points(struct latest *latest)
{
    int64_t now_ns = wf_clock_now();
    bool has_begun = latest->has_begun;
    if (has_begun && now_ns < latest->due_ns)
        return false;
    int64_t since_ns = has_begun ? (now_ns - latest->due_ns) % latest->d_ns : 0;
    latest->due_ns = wf_clock_from(now_ns - since_ns, latest->d_ns);
    latest->has_begun = true;
    return has_begun;
}

/* A point that nobody waited for gives what is there at once. The clock is asked after each item, or
 * a source that always has one would put the point off for ever. */
static int sample_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct latest *latest = adaptor->state;
    (void)may_wait;
    if (adaptor->has_end)
        return wf_adaptor_give_end(adaptor);
    bool is_late = pass_points(latest);
    for (;;) {
        int rc = wf_adaptor_pull_until(adaptor, adaptor->in, is_late ? 0 : latest->due_ns);
        if (rc > 0)
            replace(adaptor, latest);
        bool may_be_point = rc > 0 || rc == WF_NOT_READY;
        if (may_be_point && pass_points(latest) && rc > 0)
            rc = WF_NOT_READY;
        if (rc <= 0 && (rc != WF_NOT_READY || latest->has_item))
            return stop(adaptor, latest, rc, out);
        is_late = is_late && rc > 0;
    }
}

static void latest_drop(struct wf_adaptor *adaptor)
{
    struct latest *latest = adaptor->state;
    if (latest->has_item)
        wf_drop_item(adaptor->rx.drop_item, latest->item);
}

static const struct wf_adaptor_kind conflate = { .name = "conflate",
                                                 .next = conflate_next,
                                                 .drop = latest_drop,
                                                 .polls = true,
                                                 .keeps_items = true,
                                                 .is_one_type = true };
static const struct wf_adaptor_kind debounce = { .name = "debounce",
                                                 .next = debounce_next,
                                                 .drop = latest_drop,
                                                 .may_wait = true,
                                                 .polls = true,
                                                 .keeps_items = true,
                                                 .is_one_type = true };
static const struct wf_adaptor_kind sample = { .name = "sample",
                                               .next = sample_next,
                                               .drop = latest_drop,
                                               .may_wait = true,
                                               .polls = true,
                                               .keeps_items = true,
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
            .state = &(struct latest){ .d_ns = d_ns },
            .state_size = sizeof(struct latest),
            .state_room = elem_size,
        },
        out_rx);
}

int weft_conflate_open(weft_receiver *source, size_t elem_size, const weft_stream_opts *opts,
                       weft_receiver **out_rx)
{
    return open_kind(&conflate, source, elem_size, 1, opts, out_rx);
}

int weft_debounce_open(weft_receiver *source, size_t elem_size, int64_t d_ns,
                       const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return open_kind(&debounce, source, elem_size, d_ns, opts, out_rx);
}

int weft_sample_open(weft_receiver *source, size_t elem_size, int64_t d_ns,
                     const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return open_kind(&sample, source, elem_size, d_ns, opts, out_rx);
}
