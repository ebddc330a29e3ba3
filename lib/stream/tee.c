/* SPDX-License-Identifier: MIT
 * tee: several receivers that each get every item.
 *
 * A task pulls the source and sends to a channel for each of them, in turn: a copy by clone to all
 * but the last, which gets the item itself. Who is gone is left out from then on.
 *
 *   T1  An item and its copy in hand are the task's until a send has taken them, and dropped by it
 *       when none does; in a channel they are the channel's to drop.
 *   T2  The source's error, or clone's, ends each channel: after the items, to each once.
 *   T3  The list of consumers is the task's alone. Who joins is put on another, under `lock`, that the
 *       task takes over before each item, and empties when it ends, has_ended being set: from then on
 *       who joins ends its channel itself. */
#include "stream/pumped.h"

#include "base/lock.h"
#include "base/opts.h"
#include "plat/mem.h"

#include <weft/stream_tee.h>

#include <string.h>

/* Who receives. */
struct consumer {
    weft_sender *tx;
    struct consumer *next;
};

/* What those who join share with the task; it is there as long as the receivers. */
struct joining {
    weft_tee_opts opts;
    struct wf_lock lock; /* of what follows */
    struct consumer *joined;
    bool has_ended;
    int end_code;
};

/* What the task is entered with; all but `pumped` and `joining` is its own. */
struct tee {
    struct wf_pumped *pumped;
    weft_receiver *source;
    struct consumer *consumers;
    struct joining *joining;
};

/* ---- the task -------------------------------------------------------------------------------- */

static void free_consumer(struct consumer *consumer)
{
    weft_half_drop(&consumer->tx);
    wf_free(consumer);
}

/* To the end of the list, so that those who came first go first. */
static void append(struct consumer **list, struct consumer *more)
{
    while (*list != NULL)
        list = &(*list)->next;
    *list = more;
}

static void take_joined(struct tee *tee)
{
    wf_lock_acquire(&tee->joining->lock);
    struct consumer *joined = tee->joining->joined;
    tee->joining->joined = NULL;
    wf_lock_release(&tee->joining->lock);
    if (joined != NULL)
        append(&tee->consumers, joined);
}

/* Takes the item on every path. One that nobody receives is no error: *at is the next one then. */
static int give_to(struct tee *tee, struct consumer **at, void *item)
{
    struct consumer *consumer = *at;
    int rc = weft_sender_send(consumer->tx, item, tee->source->elem_size);
    if (rc < 0)
        wf_drop_item(tee->joining->opts.drop, item);
    if (rc != WEFT_ECLOSED)
        return rc;
    *at = consumer->next;
    free_consumer(consumer);
    return 0;
}

static int give_copy_to(struct tee *tee, struct consumer **at, const void *item, void *copy)
{
    size_t size = tee->source->elem_size;
    int rc = 0;
    if (tee->joining->opts.clone == NULL)
        memcpy(copy, item, size);
    else
        rc = tee->joining->opts.clone(copy, item);
    return rc < 0 ? rc : give_to(tee, at, copy);
}

/* 1; 0: nobody receives any more; <0. */
static int give_to_all(struct tee *tee, void *item, void *copy)
{
    take_joined(tee);
    struct consumer **at = &tee->consumers;
    while (*at != NULL && (*at)->next != NULL) {
        struct consumer *consumer = *at;
        int rc = give_copy_to(tee, at, item, copy);
        if (rc < 0) {
            wf_drop_item(tee->joining->opts.drop, item);
            return rc;
        }
        if (*at == consumer)
            at = &consumer->next;
    }
    if (*at == NULL) {
        wf_drop_item(tee->joining->opts.drop, item);
        return 0;
    }
    int rc = give_to(tee, at, item);
    return rc < 0 ? rc : 1;
}

static int pump_items(struct tee *tee, void *item, void *copy)
{
    int rc = 1;
    while (rc > 0) {
        rc = wf_receiver_next(tee->source, item);
        if (rc > 0)
            rc = give_to_all(tee, item, copy);
    }
    return rc;
}

/* Each channel ends with the code; that of who joins later, too. */
static void end_all(struct tee *tee, int rc)
{
    struct joining *joining = tee->joining;
    wf_lock_acquire(&joining->lock);
    append(&tee->consumers, joining->joined);
    joining->joined = NULL;
    joining->has_ended = true;
    joining->end_code = rc;
    wf_lock_release(&joining->lock);
    while (tee->consumers != NULL) {
        struct consumer *consumer = tee->consumers;
        tee->consumers = consumer->next;
        (void)weft_sender_end(consumer->tx, rc);
        free_consumer(consumer);
    }
}

static void tee_drop(void *args)
{
    struct tee *tee = args;
    weft_half_drop(&tee->source);
    end_all(tee, 0);
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
    wf_pumped_close_source(tee->pumped, tee->source);
    end_all(tee, rc);
    weft_half_drop(&tee->source);
    return 0;
}

static const weft_callable tee_task = {
    .enter = tee_enter, .drop = tee_drop, .args_size = sizeof(struct tee), .name = "tee"
};

/* ---- opening --------------------------------------------------------------------------------- */

static weft_tee_opts read_opts(const weft_tee_opts *opts, const weft_receiver *source)
{
    weft_tee_opts all = { 0 };
    wf_opts_copy(&all, sizeof all, opts);
    if (all.name == NULL)
        all.name = "tee";
    if (all.capacity == 0)
        all.capacity = 16;
    if (all.drop == NULL)
        all.drop = source->drop_item;
    return all;
}

/* A consumer and its receiver. */
static int add_consumer(struct wf_pumped *pumped, size_t elem_size, struct consumer **out_consumer,
                        weft_receiver **out_rx)
{
    const weft_tee_opts *opts = &((struct joining *)pumped->shared)->opts;
    const weft_chan_opts chan_opts = { .capacity = opts->capacity,
                                       .name = opts->name,
                                       .drop = opts->drop,
                                       .overflow = opts->overflow };
    struct consumer *consumer = wf_alloc(1, sizeof *consumer);
    if (consumer == NULL)
        return WEFT_ENOMEM;
    int rc = wf_pumped_add(pumped, elem_size, &chan_opts, false, &consumer->tx, out_rx);
    if (rc < 0)
        wf_free(consumer);
    else
        *out_consumer = consumer;
    return rc;
}

static struct wf_pumped *make_pumped(const weft_tee_opts *opts)
{
    struct wf_pumped *pumped = wf_alloc(1, sizeof *pumped);
    struct joining *joining = wf_alloc(1, sizeof *joining);
    if (pumped == NULL || joining == NULL) {
        wf_free(pumped);
        wf_free(joining);
        return NULL;
    }
    joining->opts = *opts;
    wf_lock_init(&joining->lock, WF_RANK_SYNC);
    pumped->shared = joining;
    return pumped;
}

/* Consumers and receivers, or nothing; pumped is theirs then. */
static int make_ends(struct tee *tee, struct wf_pumped *pumped, size_t n, weft_receiver **rxs)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc >= 0; i++) {
        struct consumer *consumer = NULL;
        rc = add_consumer(pumped, tee->source->elem_size, &consumer, &rxs[i]);
        if (rc >= 0)
            append(&tee->consumers, consumer);
    }
    if (rc >= 0)
        return 0;
    tee_drop(tee);
    if (rxs[0] == NULL) {
        wf_free(pumped->shared);
        wf_free(pumped);
    }
    for (size_t i = 0; i < n; i++)
        (void)wf_receiver_close_and_free(rxs[i]);
    return rc;
}

/* source is consumed. */
static int start(weft_receiver *source, const weft_tee_opts *opts, weft_receiver **const *out_rxs,
                 size_t n)
{
    weft_receiver **rxs = wf_alloc(n, sizeof *rxs);
    struct wf_pumped *pumped = make_pumped(opts);
    if (rxs == NULL || pumped == NULL) {
        (void)wf_receiver_close_and_free(source);
        if (pumped != NULL)
            wf_free(pumped->shared);
        wf_free(pumped);
        wf_free(rxs);
        return WEFT_ENOMEM;
    }
    struct tee tee = { .pumped = pumped, .source = source, .joining = pumped->shared };
    int rc = make_ends(&tee, pumped, n, rxs);
    if (rc < 0) {
        wf_free(rxs);
        return rc;
    }
    rc = wf_pumped_start(pumped, opts->name, &tee_task, &tee);
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
    if (source->elem_size != elem_size)
        return WEFT_EMSGSIZE;
    return source->lends_items ? WEFT_ENOTSUP : 0;
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
    return start(source, &all, out_rxs, n);
}

/* ---- joining --------------------------------------------------------------------------------- */

static void join(struct joining *joining, struct consumer *consumer)
{
    wf_lock_acquire(&joining->lock);
    bool has_ended = joining->has_ended;
    if (!has_ended)
        append(&joining->joined, consumer);
    wf_lock_release(&joining->lock);
    if (has_ended) {
        (void)weft_sender_end(consumer->tx, joining->end_code);
        free_consumer(consumer);
    }
}

int weft_tee_join_open(weft_receiver *rx, size_t elem_size, weft_receiver **out_rx)
{
    if (rx == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&rx->half, WF_HALF_RECEIVER, "weft_tee_join", "rx");
    if (!wf_pumped_is_single(rx))
        return WEFT_ENOTSUP;
    if (rx->half.is_closed)
        return WEFT_ECLOSED;
    if (rx->elem_size != elem_size)
        return WEFT_EMSGSIZE;
    struct wf_pumped *pumped = wf_pumped_of(rx);
    struct joining *joining = pumped->shared;
    struct consumer *consumer = NULL;
    weft_receiver *joined = NULL;
    if (joining->opts.drop != NULL && joining->opts.clone == NULL)
        return WEFT_EINVAL;
    int rc = add_consumer(pumped, elem_size, &consumer, &joined);
    if (rc < 0)
        return rc;
    join(joining, consumer);
    memcpy(out_rx, &joined, sizeof joined);
    return 0;
}
