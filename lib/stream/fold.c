/* SPDX-License-Identifier: MIT
 * What a whole stream comes to, in its consumer's task: a step runs on each item, or all of them
 * are gathered in one array. */
#include "stream/adaptor.h"

#include "plat/mem.h"

#include <weft/stream_end.h>

#include <string.h>

/* The first error of: rc, and the source's teardown. */
static int end(weft_receiver *source, int rc)
{
    int closed = wf_receiver_close_and_free(source);
    return rc < 0 ? rc : WF_MIN(closed, 0);
}

static int check(const weft_receiver *source, size_t size)
{
    if (source == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&source->half, WF_HALF_RECEIVER, "weft_fold", "source");
    return source->elem_size != size ? WEFT_EMSGSIZE : 0;
}

static int run_all(const weft_callable *step, void *args, weft_receiver *source, void *result)
{
    void *item = wf_alloc(1, source->elem_size);
    int rc = item == NULL ? WEFT_ENOMEM : 1;
    while (rc > 0) {
        rc = wf_receiver_next(source, item);
        if (rc <= 0)
            break;
        rc = step->enter(args, &(struct weft_step){ .in = item, .out = result });
        rc = rc < 0 ? rc : 1;
    }
    wf_free(item);
    return rc;
}

int weft_fold_run(const weft_callable *step, void *args, weft_receiver *source, size_t in_size,
                  void *result)
{
    int rc = step == NULL ? WEFT_EINVAL : check(source, in_size);
    if (rc >= 0)
        rc = run_all(step, args, source, result);
    rc = end(source, rc);
    if (step != NULL && step->drop != NULL)
        step->drop(args);
    return rc;
}

/* ---- collect --------------------------------------------------------------------------------- */

struct items {
    char *data;
    size_t n, room;
};

static int grow(struct items *items, size_t elem_size)
{
    size_t room = items->room > 0 ? items->room * 2 : 16;
    size_t size = wf_size_with(0, room, elem_size);
    char *data = size != SIZE_MAX ? wf_realloc(items->data, size) : NULL;
    if (data == NULL)
        return WEFT_ENOMEM;
    items->data = data;
    items->room = room;
    return 0;
}

static int collect(weft_receiver *source, struct items *items)
{
    int rc = 1;
    for (; rc > 0; items->n += rc > 0) {
        rc = items->n == items->room ? grow(items, source->elem_size) : 0;
        if (rc >= 0)
            rc = wf_receiver_next(source, items->data + items->n * source->elem_size);
    }
    return rc;
}

int weft_collect_run(weft_receiver *source, size_t elem_size, void *out_items, size_t *out_n)
{
    struct items items = { 0 };
    int rc = out_items == NULL || out_n == NULL ? WEFT_EINVAL : check(source, elem_size);
    void (*drop)(void *) = rc >= 0 ? source->drop_item : NULL;
    if (rc >= 0 && source->lends_items)
        rc = WEFT_ENOTSUP;
    if (rc >= 0)
        rc = collect(source, &items);
    rc = end(source, rc);
    if (rc < 0) {
        for (size_t i = 0; i < items.n; i++)
            wf_drop_item(drop, items.data + i * elem_size);
        wf_free(items.data);
        return rc;
    }
    memcpy(out_items, &items.data, sizeof items.data);
    *out_n = items.n;
    return 0;
}
