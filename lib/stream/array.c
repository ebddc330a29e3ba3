/* SPDX-License-Identifier: MIT
 * Sources without a task: the items of an array, the numbers of a range. */
#include "stream/adaptor.h"

#include <weft/stream_source.h>

/* ---- array ----------------------------------------------------------------------------------- */

struct array {
    char *next, *end; /* the caller's memory */
};

static int array_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct array *array = adaptor->state;
    size_t size = adaptor->rx.elem_size;
    (void)may_wait;
    if (array->next == array->end)
        return 0;
    wf_copy_value(out, array->next, size);
    array->next += size;
    return 1;
}

static void array_drop(struct wf_adaptor *adaptor)
{
    struct array *array = adaptor->state;
    if (adaptor->rx.drop_item == NULL)
        return;
    for (; array->next != array->end; array->next += adaptor->rx.elem_size)
        adaptor->rx.drop_item(array->next);
}

static const struct wf_adaptor_kind array_kind = {
    .name = "array", .next = array_next, .drop = array_drop, .is_leaf = true
};

int weft_array_open(const void *items, size_t n, size_t elem_size, const weft_stream_opts *opts,
                    weft_receiver **out_rx)
{
    struct array array = { .next = (char *)(uintptr_t)items };
    if (items == NULL && n > 0)
        return WEFT_EINVAL;
    array.end = n > 0 ? array.next + n * elem_size : array.next;
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &array_kind,
            .out_size = elem_size,
            .opts = opts,
            .state = &array,
            .state_size = sizeof array,
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
