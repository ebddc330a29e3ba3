/* SPDX-License-Identifier: MIT
 * tee: several receivers that each get every item.
 *
 * A task pulls the source and sends to a channel for each of them, in turn: a copy by clone to all
 * but the last, which gets the item itself. Who is gone is left out from then on.
 *
 *   T1  An item and its copy in hand are the task's until a send has taken them, and dropped by it
 *       when none does; in a channel they are the channel's to drop.
 *   T2  The source's error, or clone's, ends each channel: after the items, to each once. */
#include "stream/pumped.h"

#include "plat/mem.h"

#include <weft/stream_tee.h>

#include <string.h>

/* What the task is entered with; all of it is its own. */
struct tee {
    weft_receiver *source;
    weft_sender **txs; /* n of them; NULL: nobody receives there any more */
    size_t n;
    void (*drop)(void *item);
    int (*clone)(void *to, const void *from);
};

/* ---- the task -------------------------------------------------------------------------------- */

/* Takes the item on every path; one that nobody receives is no error. */
static int give_to(struct tee *tee, size_t i, void *item)
{
    int rc = weft_sender_send(tee->txs[i], item, tee->source->elem_size);
    if (rc < 0)
        wf_drop_item(tee->drop, item);
    if (rc != WEFT_ECLOSED)
        return rc;
    weft_half_drop(&tee->txs[i]);
    return 0;
}

static int give_copy_to(struct tee *tee, size_t i, const void *item, void *copy)
{
    size_t size = tee->source->elem_size;
    int rc = 0;
    if (tee->clone == NULL)
        memcpy(copy, item, size);
    else
        rc = tee->clone(copy, item);
    return rc < 0 ? rc : give_to(tee, i, copy);
}

/* The last who receives, or n. */
static size_t find_last(const struct tee *tee)
{
    for (size_t i = tee->n; i-- > 0;)
        if (tee->txs[i] != NULL)
            return i;
    return tee->n;
}

static int give_to_all(struct tee *tee, void *item, void *copy)
{
    size_t last = find_last(tee);
    if (last == tee->n) {
        wf_drop_item(tee->drop, item);
        return WEFT_ECLOSED;
    }
    for (size_t i = 0; i < last; i++) {
        int rc = tee->txs[i] != NULL ? give_copy_to(tee, i, item, copy) : 0;
        if (rc < 0) {
            wf_drop_item(tee->drop, item);
            return rc;
        }
    }
    return give_to(tee, last, item);
}

static int pump_items(struct tee *tee, void *item, void *copy)
{
    int rc;
    while ((rc = wf_receiver_next(tee->source, item)) > 0) {
        rc = give_to_all(tee, item, copy);
        if (rc < 0)
            break;
    }
    return rc;
}

static void tee_drop(void *args)
{
    struct tee *tee = args;
    weft_half_drop(&tee->source);
    for (size_t i = 0; i < tee->n; i++)
        weft_half_drop(&tee->txs[i]);
    wf_free(tee->txs);
}

/* As a buffer's: the source is closed before anybody sees the end. */
static int tee_enter(void *args, void *self)
{
    struct tee *tee = args;
    void *item = wf_alloc(1, tee->source->elem_size);
    void *copy = wf_alloc(1, tee->source->elem_size);
    (void)self;
    int rc = item == NULL || copy == NULL ? WEFT_ENOMEM : pump_items(tee, item, copy);
    wf_free(item);
    wf_free(copy);
    int closed = wf_receiver_close(tee->source);
    for (size_t i = 0; i < tee->n; i++)
        if (tee->txs[i] != NULL)
            (void)weft_sender_end(tee->txs[i], rc == WEFT_ECLOSED ? 0 : rc);
    tee_drop(tee);
    return WF_MIN(closed, 0);
}

static const weft_callable tee_task = {
    .enter = tee_enter, .drop = tee_drop, .args_size = sizeof(struct tee), .name = "tee"
};

/* ---- opening --------------------------------------------------------------------------------- */

static weft_tee_opts read_opts(const weft_tee_opts *opts, const weft_receiver *source)
{
    weft_tee_opts all = { 0 };
    if (opts != NULL)
        memcpy(&all, opts, opts->size_ != 0 ? WF_MIN(opts->size_, sizeof all) : sizeof all);
    if (all.name == NULL)
        all.name = "tee";
    if (all.capacity == 0)
        all.capacity = 16;
    if (all.drop == NULL)
        all.drop = source->drop_item;
    return all;
}

/* Channels and receivers, or nothing. */
static int make_ends(struct tee *tee, const weft_tee_opts *opts, size_t elem_size,
                     weft_receiver **rxs)
{
    const weft_chan_opts chan_opts = { .capacity = opts->capacity,
                                       .name = opts->name,
                                       .drop = opts->drop,
                                       .overflow = opts->overflow };
    struct wf_pumped *pumped = wf_alloc(1, sizeof *pumped);
    int rc = pumped == NULL ? WEFT_ENOMEM : 0;
    for (size_t i = 0; i < tee->n && rc >= 0; i++)
        rc = wf_pumped_add(pumped, elem_size, &chan_opts, false, &tee->txs[i], &rxs[i]);
    if (rc >= 0)
        return 0;
    if (rxs[0] == NULL)
        wf_free(pumped);
    for (size_t i = 0; i < tee->n; i++)
        (void)wf_receiver_close_and_free(rxs[i]);
    return rc;
}

static int start(struct tee *tee, const weft_tee_opts *opts, size_t elem_size,
                 weft_receiver **const *out_rxs)
{
    weft_receiver **rxs = wf_alloc(tee->n, sizeof *rxs);
    tee->txs = wf_alloc(tee->n, sizeof(weft_sender *));
    int rc = rxs == NULL || tee->txs == NULL ? WEFT_ENOMEM : 0;
    if (tee->txs == NULL)
        tee->n = 0;
    if (rc >= 0)
        rc = make_ends(tee, opts, elem_size, rxs);
    if (rc < 0) {
        tee_drop(tee);
        wf_free(rxs);
        return rc;
    }
    size_t n = tee->n;
    rc = wf_pumped_start(wf_pumped_of(rxs[0]), opts->name, &tee_task, tee);
    for (size_t i = 0; i < n; i++) {
        if (rc < 0)
            (void)wf_receiver_close_and_free(rxs[i]);
        else
            memcpy(out_rxs[i], &rxs[i], sizeof rxs[i]);
    }
    wf_free(rxs);
    return rc;
}

static int check(const weft_receiver *source, size_t elem_size, size_t n, const weft_tee_opts *opts)
{
    bool needs_clone = opts->drop != NULL && opts->clone == NULL && n > 1;
    if (needs_clone || opts->overflow == WEFT_FAIL)
        return WEFT_EINVAL;
    return source->elem_size != elem_size ? WEFT_EMSGSIZE : 0;
}

int weft_tee_open(weft_receiver *source, size_t elem_size, const weft_tee_opts *opts,
                  weft_receiver **const *out_rxs, size_t n)
{
    if (source == NULL || out_rxs == NULL || n == 0) {
        (void)wf_receiver_close_and_free(source);
        return WEFT_EINVAL;
    }
    wf_half_must_be(&source->half, WF_HALF_RECEIVER, "weft_tee", "source");
    weft_tee_opts all = read_opts(opts, source);
    int rc = check(source, elem_size, n, &all);
    if (rc < 0) {
        (void)wf_receiver_close_and_free(source);
        return rc;
    }
    struct tee tee = { .source = source, .n = n, .drop = all.drop, .clone = all.clone };
    return start(&tee, &all, elem_size, out_rxs);
}
