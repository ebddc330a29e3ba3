/* SPDX-License-Identifier: MIT
 * Sources without a task: the items of an array, the numbers of a range. */
#include "stream/adaptor.h"

#include <weft/stream_source.h>

/* ---- array ----------------------------------------------------------------------------------- */

static int array_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct wf_run *run = &adaptor->run;
    (void)may_wait;
    if (run->next == run->end)
        return 0;
    wf_copy_value(out, run->next, adaptor->rx.elem_size);
    run->next += adaptor->rx.elem_size;
    return 1;
}

static void array_drop(struct wf_adaptor *adaptor)
{
    struct wf_run *run = &adaptor->run;
    if (adaptor->rx.drop_item == NULL)
        return;
    for (; run->next != run->end; run->next += adaptor->rx.elem_size)
        adaptor->rx.drop_item(run->next);
}

static const struct wf_adaptor_kind array_kind = {
    .name = "array", .next = array_next, .drop = array_drop, .is_leaf = true
};

int weft_array_open(const void *items, size_t n, size_t elem_size, const weft_stream_opts *opts,
                    weft_receiver **out_rx)
{
    struct wf_run run = { .next = (char *)(uintptr_t)items };
    if (items == NULL && n > 0)
        return WEFT_EINVAL;
    run.end = n > 0 ? run.next + n * elem_size : run.next;
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &array_kind,
            .out_size = elem_size,
            .opts = opts,
            .run = run,
        },
        out_rx);
}

/* ---- range ----------------------------------------------------------------------------------- */

struct range {
    int64_t next, step;
    uint64_t n_left;
};

static int range_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct range *range = adaptor->state;
    (void)may_wait;
    if (range->n_left == 0)
        return 0;
    wf_copy_value(out, &range->next, sizeof range->next);
    if (--range->n_left > 0) /* or it might overflow */
        range->next += range->step;
    return 1;
}

/* In unsigned numbers, where a distance never overflows. */
static uint64_t count(int64_t from, int64_t end, int64_t step)
{
    if (step > 0)
        return from < end ? ((uint64_t)end - (uint64_t)from - 1) / (uint64_t)step + 1 : 0;
    return from > end ? ((uint64_t)from - (uint64_t)end - 1) / (0 - (uint64_t)step) + 1 : 0;
}

static const struct wf_adaptor_kind range_kind = { .name = "range",
                                                   .next = range_next,
                                                   .is_leaf = true };

int weft_range_open(int64_t from, int64_t end, int64_t step, weft_receiver **out_rx)
{
    if (step == 0)
        return WEFT_EINVAL;
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &range_kind,
            .out_size = sizeof(int64_t),
            .state = &(struct range){ from, step, count(from, end, step) },
            .state_size = sizeof(struct range),
        },
        out_rx);
}
