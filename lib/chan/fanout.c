/* SPDX-License-Identifier: MIT
 * Values that go to all: opening, sending, discarding. Invariants: fanout.h. */
#include "chan/fanout.h"
#include "chan/registry.h"
#include "plat/mem.h"

#include <string.h>

/* ---- sending --------------------------------------------------------------------------------- */

/* Takes the first value out: its bytes to `out`, and true, when the caller has to drop it (F4). */
static bool take_out_first_locked(struct wf_fanout *f, void *out)
{
    struct wf_kept *kept = wf_fanout_kept(f, f->first);
    bool is_read = !wf_list_is_empty(&kept->readers);
    if (is_read)
        wf_list_remove(&kept->readers.head);
    else if (out != NULL)
        memcpy(out, wf_fanout_value(f, f->first), f->chan.ring.elem_size);
    f->first++;
    wf_fanout_forget_taken_locked(f);
    return !is_read && out != NULL;
}

/* Receivers are woken by the caller: none waits on its list any more. */
int wf_fanout_put(struct wf_chan *ch, const void *value, struct wf_chores *chores)
{
    struct wf_fanout *f = (struct wf_fanout *)ch;
    if (f->n_subscribers == 0 && !f->keeps_latest)
        return WEFT_ECLOSED;
    if (f->next - f->first == f->capacity && take_out_first_locked(f, chores->spare))
        chores->drop = chores->spare;
    struct wf_kept *kept = wf_fanout_kept(f, f->next);
    kept->n_unseen = f->n_subscribers;
    wf_list_init(&kept->readers);
    wf_copy_value(wf_fanout_value(f, f->next), value, ch->ring.elem_size);
    f->next++;
    ch->n_sent++;
    ch->n_received++;
    return 0;
}

/* One by one, for drop is called without the lock. Nothing is put any more: it has ended. */
void wf_fanout_discard(struct wf_chan *ch)
{
    struct wf_fanout *f = (struct wf_fanout *)ch;
    for (bool is_empty = false; !is_empty;) {
        bool must_drop = false;
        wf_chan_lock(ch);
        is_empty = f->first == f->next;
        if (!is_empty)
            must_drop = take_out_first_locked(f, f->trash);
        wf_chan_unlock(ch);
        if (must_drop && ch->drop != NULL)
            ch->drop(f->trash);
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Room for n times size bytes at the end of *total, on cache lines of its own; SIZE_MAX: too much. */
static size_t reserve(size_t *total, size_t n, size_t size)
{
    size_t at = *total;
    size_t end = wf_size_with(at, n, size);
    *total = end > SIZE_MAX - WF_CACHE_LINE ? SIZE_MAX : wf_fanout_room(end);
    return at;
}

static struct wf_fanout *make_fanout(size_t elem_size, const struct wf_fanout_opts *opts,
                                     const char *file, int line)
{
    size_t total = 0;
    (void)reserve(&total, 1, sizeof(struct wf_fanout));
    size_t trash_at = reserve(&total, 1, elem_size);
    size_t values_at = reserve(&total, opts->capacity, elem_size);
    size_t kept_at = reserve(&total, opts->capacity, sizeof(struct wf_kept));
    unsigned char *memory = wf_alloc_aligned(total, WF_CACHE_LINE);
    if (memory == NULL)
        return NULL;
    struct wf_fanout *f = (struct wf_fanout *)(void *)memory;
    *f = (struct wf_fanout){
        .capacity = (uint32_t)opts->capacity,
        .keeps_latest = opts->keeps_latest,
        .clone = opts->clone,
        .kept = (struct wf_kept *)(void *)(memory + kept_at),
        .values = memory + values_at,
        .trash = memory + trash_at,
    };
    /* The policy gives its senders room for a value that gives way. */
    weft_chan_opts all = { .name = opts->name, .drop = opts->drop, .overflow = WEFT_DROP_OLDEST };
    wf_chan_init(&f->chan, elem_size, &all, f->values, file, line); /* a ring of none */
    f->chan.sink = opts->sink;
    f->chan.n_receivers = opts->sink->has_standing_receiver;
    return f;
}

static int check_opts(size_t elem_size, const struct wf_fanout_opts *opts)
{
    weft_chan_opts all = { .capacity = opts->capacity };
    if (opts->capacity == 0 || (opts->drop != NULL && opts->clone == NULL))
        return WEFT_EINVAL;
    return wf_chan_check_opts(elem_size, &all);
}

static weft_sender *make_sender(struct wf_fanout *f, const char *file, int line,
                                struct wf_waiter *self)
{
    weft_sender *tx = wf_sender_make(&f->chan, file, line);
    if (tx != NULL)
        wf_chan_add_half(&f->chan, &tx->half, self);
    return tx;
}

int wf_fanout_open(size_t elem_size, const struct wf_fanout_opts *opts, const char *file, int line,
                   weft_sender **out_tx, weft_receiver **out_rx)
{
    int rc = out_tx == NULL || out_rx == NULL ? WEFT_EINVAL : check_opts(elem_size, opts);
    if (rc < 0)
        return rc;
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    struct wf_fanout *f = make_fanout(elem_size, opts, file, line);
    if (f == NULL)
        return WEFT_ENOMEM;
    weft_receiver *rx = wf_receiver_make(&wf_fanout_ops, NULL, elem_size, file, line);
    weft_sender *tx = rx == NULL ? NULL : make_sender(f, file, line, self);
    if (tx == NULL) {
        if (rx != NULL)
            wf_receiver_free(rx);
        wf_free_aligned(f);
        return WEFT_ENOMEM;
    }
    rx->drop_item = opts->drop;
    rc = wf_fanout_subscribe(f, rx, NULL, self);
    if (rc < 0) {
        wf_receiver_free(rx);
        weft_half_drop(&tx);
        return rc;
    }
    wf_chan_register(&f->chan);
    memcpy(out_tx, &tx, sizeof tx);
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}
