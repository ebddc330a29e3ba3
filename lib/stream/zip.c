/* SPDX-License-Identifier: MIT
 * zip: an item of one source with one of another. When one ends or fails, both are closed, and an
 * item that has no partner is dropped.
 *
 * adaptor->source is the one that is waited for now, and adaptor->in and in_size go with it, so that
 * a select waits on the right one. */
#include "stream/adaptor.h"

#include "plat/mem.h"

#include <weft/stream_join.h>

#include <string.h>

struct zip {
    weft_pair_layout at;
    weft_receiver *other; /* the one not waited for */
    bool is_second;       /* the second is waited for: the first item lies in `first` */
    size_t first_size, second_size;
    void (*drop_first)(void *);
    _Alignas(16) char items[]; /* the first, the second */
};

static char *second_room(struct zip *zip)
{
    return zip->items + ((zip->first_size + 15) & ~(size_t)15);
}

static void turn(struct wf_adaptor *adaptor, struct zip *zip)
{
    weft_receiver *now = zip->other;
    zip->other = adaptor->source;
    adaptor->source = now;
    zip->is_second = !zip->is_second;
    adaptor->in = zip->is_second ? second_room(zip) : zip->items;
    adaptor->in_size = zip->is_second ? zip->second_size : zip->first_size;
}

static void drop_partner(struct zip *zip)
{
    if (zip->is_second)
        wf_drop_item(zip->drop_first, zip->items);
    zip->is_second = false;
}

static int end_both(struct wf_adaptor *adaptor, struct zip *zip, int rc, bool may_wait)
{
    if (rc == WF_NOT_READY || wf_source_goes_on(adaptor->source, rc))
        return rc;
    drop_partner(zip);
    bool at_once = may_wait || wf_closes_at_once(zip->other);
    wf_adaptor_finish(adaptor, may_wait);
    if (at_once)
        wf_adaptor_close_other(adaptor, &zip->other);
    return rc < 0 ? wf_adaptor_fail(adaptor, rc) : 0;
}

static int zip_next(struct wf_adaptor *adaptor, void *out, bool may_wait)
{
    struct zip *zip = adaptor->state;
    if (adaptor->is_over)
        return 0;
    if (!zip->is_second) {
        int rc = wf_adaptor_pull(adaptor, zip->items, may_wait);
        if (rc <= 0)
            return end_both(adaptor, zip, rc, may_wait);
        turn(adaptor, zip);
    }
    int rc = wf_adaptor_pull(adaptor, (char *)out + zip->at.second, may_wait);
    if (rc <= 0)
        return end_both(adaptor, zip, rc, may_wait);
    wf_copy_value((char *)out + zip->at.first, zip->items, zip->first_size);
    turn(adaptor, zip);
    return 1;
}

static void zip_drop(struct wf_adaptor *adaptor)
{
    struct zip *zip = adaptor->state;
    drop_partner(zip);
    wf_adaptor_close_other(adaptor, &zip->other);
}

static bool zip_may_lend(const struct wf_adaptor *adaptor)
{
    return wf_receiver_may_lend(((struct zip *)adaptor->state)->other);
}

static const struct wf_adaptor_kind kind = {
    .name = "zip", .next = zip_next, .drop = zip_drop, .may_lend = zip_may_lend
};

static int check_second(const weft_receiver *second, size_t size)
{
    if (second == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&second->half, WF_HALF_RECEIVER, "weft_zip", "second");
    return second->elem_size != size ? WEFT_EMSGSIZE : 0;
}

static int open_both(weft_receiver *first, size_t first_size, weft_receiver *second,
                     size_t second_size, weft_pair_layout out, const weft_stream_opts *opts,
                     weft_receiver **out_rx)
{
    int rc = wf_adaptor_open(
        &(struct wf_adaptor_opts){
            .kind = &kind,
            .source = first,
            .in_size = first_size,
            .out_size = out.size,
            .opts = opts,
            .may_wait = second->ops->try_recv == NULL,
            .lends_items = second->lends_items,
            .state =
                &(struct zip){
                    .at = out,
                    .other = second,
                    .first_size = first_size,
                    .second_size = second_size,
                    .drop_first = first != NULL ? first->drop_item : NULL,
                },
            .state_size = sizeof(struct zip),
            .state_room = wf_size_with(wf_size_with(16, 1, first_size), 1, second_size),
        },
        out_rx);
    if (rc < 0)
        return rc;
    weft_receiver *rx;
    memcpy(&rx, out_rx, sizeof rx);
    struct wf_adaptor *adaptor = rx->source;
    adaptor->in = ((struct zip *)adaptor->state)->items;
    return 0;
}

int weft_zip_open(weft_receiver *first, size_t first_size, weft_receiver *second,
                  size_t second_size, weft_pair_layout out, const weft_stream_opts *opts,
                  weft_receiver **out_rx)
{
    int rc = check_second(second, second_size);
    if (rc < 0)
        (void)wf_receiver_close_and_free(first);
    else
        rc = open_both(first, first_size, second, second_size, out, opts, out_rx);
    if (rc < 0)
        (void)wf_receiver_close_and_free(second);
    return rc;
}
