/* SPDX-License-Identifier: MIT
 * pages: the items that a step puts on a page, one page after the other. A page's items lie in one
 * array that grows and is used again. */
#include "stream/adaptor.h"

#include "plat/mem.h"

#include <weft/stream_source.h>

struct pages {
    weft_page page;
    size_t elem_size;
    char *items;
    size_t n, room; /* written by a step; what is given of them is the adaptor's run */
    bool is_last;
};

static bool grow(struct pages *pages)
{
    size_t room = pages->room > 0 ? pages->room * 2 : 16;
    size_t size = wf_size_with(0, room, pages->elem_size);
    char *items = size != SIZE_MAX ? wf_realloc(pages->items, size) : NULL;
    if (items == NULL)
        return false;
    pages->items = items;
    pages->room = room;
    return true;
}

int weft_page_add(weft_page *page, const void *item, size_t size)
{
    if (page == NULL || item == NULL)
        return WEFT_EINVAL;
    struct pages *pages = page->opaque_;
    if (size != pages->elem_size)
        return WEFT_EMSGSIZE;
    if (pages->n == pages->room && !grow(pages))
        return WEFT_ENOMEM;
    wf_copy_value(pages->items + pages->n * size, item, size);
    pages->n++;
    return 0;
}

static void drop_items(struct wf_adaptor *adaptor, struct pages *pages)
{
    struct wf_run *run = &adaptor->run;
    for (; run->next != run->end; run->next += pages->elem_size)
        wf_drop_item(adaptor->rx.drop_item, run->next);
}

/* 0, or why there is no more. A cancelled wait in the step is not the end: the same page is asked
 * for again. */
static int fetch(struct wf_adaptor *adaptor, struct pages *pages)
{
    uint64_t cursor = pages->page.cursor;
    pages->n = 0;
    pages->page.opaque_ = pages;
    int rc = wf_adaptor_step(adaptor, NULL, &pages->page);
    adaptor->run.next = pages->items;
    adaptor->run.end = pages->n > 0 ? pages->items + pages->n * pages->elem_size : pages->items;
    if (rc == WEFT_ECANCELED) {
        drop_items(adaptor, pages);
        pages->page.cursor = cursor;
        return rc;
    }
    pages->page.number++;
    if (rc <= 0) {
        pages->is_last = adaptor->rx.is_ended = true;
        wf_adaptor_hold_end(adaptor, rc);
    }
    return 0;
}

static int pages_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct pages *pages = adaptor->state;
    struct wf_run *run = &adaptor->run;
    while (run->next == run->end) {
        int rc = pages->is_last ? wf_adaptor_give_end(adaptor) : wf_adaptor_may_go_on(may_wait);
        if (rc < 0 || pages->is_last)
            return rc;
        rc = fetch(adaptor, pages);
        if (rc < 0)
            return rc;
    }
    wf_copy_value(out, run->next, pages->elem_size);
    run->next += pages->elem_size;
    return 1;
}

static void pages_drop(struct wf_adaptor *adaptor)
{
    struct pages *pages = adaptor->state;
    drop_items(adaptor, pages);
    wf_free(pages->items);
    pages->items = NULL;
}

static const struct wf_adaptor_kind kind = {
    .name = "pages", .next = pages_next, .drop = pages_drop, .is_leaf = true
};

int weft_pages_open(const weft_callable *step, void *args, size_t elem_size,
                    const weft_stream_opts *opts, weft_receiver **out_rx)
{
    return wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &kind,
            .out_size = elem_size,
            .needs_step = true,
            .step = step,
            .args = args,
            .opts = opts,
            .state = &(struct pages){ .elem_size = elem_size },
            .state_size = sizeof(struct pages),
        },
        out_rx);
}
