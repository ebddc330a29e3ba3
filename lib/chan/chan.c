/* SPDX-License-Identifier: MIT
 * The life of a channel: opening, counting references, ending.
 *
 * Three counts, all under the channel's lock: n_senders and n_receivers are the open halves (what
 * decides that it ends), refs is every half and permit there is, closed ones too (what decides
 * that the memory goes). Whoever takes refs to 0 is the last to know the address.
 *
 * Values that nobody will receive are dropped outside the lock, in place: once no receiver is
 * left, or after an abort, no path touches the ring any more, so it belongs to whoever emptied it
 * by setting n_full to 0. */
#include "chan/chan.h"
#include "base/opts.h"
#include "chan/meter.h"
#include "chan/registry.h"
#include "chan/weight.h"

#include "plat/mem.h"

#include <string.h>

#define MAX_ELEM_SIZE ((size_t)1 << 20)
#define MAX_CAPACITY  ((uint64_t)1 << 31)

struct wf_chan wf_chan_always = { .is_always_ready = true,
                                  .name = "always",
                                  .lock = WF_LOCK_INIT(WF_RANK_CHANNEL) };

/* ---- opening --------------------------------------------------------------------------------- */

int wf_chan_check_opts(size_t elem_size, const weft_chan_opts *opts)
{
    if (elem_size == 0 || opts->overflow < WEFT_BLOCK || opts->overflow > WEFT_CONFLATE ||
        !wf_weights_are_legal(opts))
        return WEFT_EINVAL;
    return elem_size > MAX_ELEM_SIZE || opts->capacity > MAX_CAPACITY ? WEFT_EOVERFLOW : 0;
}

/* The options with defaults filled in: the layout may be older or newer than ours. */
static int read_opts(size_t elem_size, const weft_chan_opts *opts, weft_chan_opts *out)
{
    *out = (weft_chan_opts){ 0 };
    wf_opts_copy(out, sizeof(*out), opts);
    int rc = wf_chan_check_opts(elem_size, out);
    if (rc < 0)
        return rc;
    /* What replaces the oldest needs one to replace; what keeps the latest keeps one. */
    if (out->overflow == WEFT_CONFLATE || (out->overflow == WEFT_DROP_OLDEST && out->capacity == 0))
        out->capacity = 1;
    return 0;
}

static struct wf_chan *make_chan(size_t elem_size, const weft_chan_opts *opts, const char *file,
                                 int line)
{
    /* The ring starts on a cache line of its own: aligned for any type that lies in an array. */
    size_t head = (sizeof(struct wf_chan) + WF_CACHE_LINE - 1) & ~(size_t)(WF_CACHE_LINE - 1);
    size_t size = wf_size_with(head, opts->capacity, elem_size);
    struct wf_chan *ch = wf_alloc_aligned(size, WF_CACHE_LINE);
    if (ch == NULL)
        return NULL;
    wf_chan_init(ch, elem_size, opts, (unsigned char *)ch + head, file, line);
    if (opts->weigh != NULL && !wf_weights_make(ch, opts)) {
        wf_free_aligned(ch);
        return NULL;
    }
    return ch;
}

void wf_chan_init(struct wf_chan *ch, size_t elem_size, const weft_chan_opts *opts, void *data,
                  const char *file, int line)
{
    *ch = (struct wf_chan){
        .ring = { .data = data,
                  .elem_size = (uint32_t)elem_size,
                  .capacity = (uint32_t)opts->capacity },
        .drop = opts->drop,
        .overflow = (uint8_t)opts->overflow,
        .quick_room = (uint32_t)opts->capacity,
        .name = opts->name,
        .file = file,
        .line = line,
    };
    wf_lock_init(&ch->lock, WF_RANK_CHANNEL);
    wf_list_init(&ch->senders);
    wf_list_init(&ch->receivers);
    wf_list_init(&ch->tx_halves);
    wf_list_init(&ch->rx_halves);
    wf_link_init(&ch->shard_link);
}

static void free_chan(struct wf_chan *ch)
{
    wf_free(ch->weights);
    wf_free(ch->meter);
    wf_free_aligned(ch);
}

int wf_chan_open(size_t elem_size, const weft_chan_opts *opts, const char *file, int line,
                 weft_sender **out_tx, weft_receiver **out_rx)
{
    weft_chan_opts all;
    int rc = read_opts(elem_size, opts, &all);
    if (rc < 0)
        return rc;
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    struct wf_chan *ch = make_chan(elem_size, &all, file, line);
    if (ch == NULL)
        return WEFT_ENOMEM;
    weft_receiver *rx = wf_receiver_make(&wf_chan_ops, ch, elem_size, file, line);
    weft_sender *tx = rx == NULL ? NULL : wf_sender_make(ch, file, line);
    if (tx == NULL) {
        if (rx != NULL)
            wf_receiver_free(rx);
        free_chan(ch);
        return WEFT_ENOMEM;
    }
    rx->drop_item = all.drop;
    wf_chan_add_half(ch, &tx->half, self);
    wf_chan_add_half(ch, &rx->half, self);
    wf_chan_register(ch);
    *out_tx = tx;
    *out_rx = rx;
    return 0;
}

int weft_channel_open(size_t elem_size, const weft_chan_opts *opts, weft_sender **out_tx,
                      weft_receiver **out_rx, const char *file, int line)
{
    wf_note_call();
    weft_sender *tx;
    weft_receiver *rx;
    if (out_tx == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    int rc = wf_chan_open(elem_size, opts, file, line, &tx, &rx);
    if (rc < 0)
        return rc;
    memcpy(out_tx, &tx, sizeof tx);
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}

/* ---- ending ---------------------------------------------------------------------------------- */

static void wake_all_locked(struct wf_list *list, int rc, struct wf_chores *chores)
{
    struct wf_link *link;
    while ((link = wf_list_pop_front(list)) != NULL)
        (void)wf_node_claim(WF_CONTAINER(link, struct wf_node, link), rc, chores);
}

/* Receivers that wait find out that nothing can come any more, permits included. */
static void wake_at_end_locked(struct wf_chan *ch, struct wf_chores *chores)
{
    if (ch->has_ended && (ch->n_reserved == 0 || ch->is_aborted))
        wake_all_locked(&ch->receivers, WF_NODE_RETRY, chores);
}

void wf_chan_end_locked(struct wf_chan *ch, int cause, struct wf_chores *chores)
{
    if (ch->has_ended)
        return;
    ch->has_ended = true;
    ch->refuses_values = true;
    ch->quick_room = 0;
    ch->cause = wf_cause(WF_MIN(cause, 0));
    wake_all_locked(&ch->senders, WEFT_ECLOSED, chores);
    wf_chan_mark_locked(ch);
    wake_at_end_locked(ch, chores);
}

/* Values that were in the ring, at `first` and after it, and are nobody else's any more. */
struct seized {
    uint32_t first, n;
};

/* Empties the ring, which no path touches from here on (see above). */
static struct seized seize_values_locked(struct wf_chan *ch)
{
    struct seized values = { ch->ring.head, wf_ring_n_full(&ch->ring) };
    ch->n_dropped += values.n;
    wf_ring_skip(&ch->ring, values.n);
    return values;
}

static void drop_seized(struct wf_chan *ch, struct seized values)
{
    if (ch->drop == NULL || values.n == 0) /* or the ring may be another's, who seizes it */
        return;
    struct wf_ring ring = ch->ring;
    ring.head = values.first;
    for (uint32_t i = 0; i < values.n; i++)
        ch->drop(wf_ring_at(&ring, i));
}

int wf_chan_end(struct wf_chan *ch, int cause, bool is_abort)
{
    struct wf_chores chores = { 0 };
    struct seized values = { 0 };
    wf_chan_lock(ch);
    bool had_ended = ch->has_ended;
    if (!had_ended) {
        ch->is_aborted = is_abort;
        if (is_abort)
            values = seize_values_locked(ch);
        wf_chan_end_locked(ch, cause, &chores);
    }
    wf_chan_unlock(ch);
    wf_chores_do(ch, &chores);
    drop_seized(ch, values);
    if (is_abort && !had_ended && ch->sink != NULL)
        ch->sink->discard(ch);
    return had_ended ? WEFT_ECLOSED : 0;
}

/* ---- references ------------------------------------------------------------------------------ */

static void note_holder(struct wf_half *half, struct wf_waiter *holder)
{
    if (holder != NULL)
        wf_half_set_holder(half, holder);
}

void wf_chan_add_sender_locked(struct wf_chan *ch, struct wf_half *half)
{
    ch->refs++;
    ch->n_senders++;
    wf_list_push_back(&ch->tx_halves, &half->link);
}

void wf_chan_remove_sender_locked(struct wf_chan *ch, struct wf_half *half,
                                  struct wf_chores *chores)
{
    wf_list_remove(&half->link);
    ch->a_holder_id = 0;
    if (--ch->n_senders == 0)
        wf_chan_end_locked(ch, 0, chores);
    wake_at_end_locked(ch, chores); /* that may have been the last permit */
}

void wf_chan_add_half(struct wf_chan *ch, struct wf_half *half, struct wf_waiter *holder)
{
    wf_chan_lock(ch);
    note_holder(half, holder);
    if (half->is_closed) {
        ch->refs++;
    } else if (half->kind == WF_HALF_SENDER) {
        wf_chan_add_sender_locked(ch, half);
    } else {
        ch->refs++;
        ch->n_receivers++;
        ch->refuses_values = ch->has_ended; /* where none was left, one may subscribe */
        wf_chan_mark_locked(ch);
        wf_list_push_back(&ch->rx_halves, &half->link);
    }
    wf_lock_release(&ch->lock); /* unchecked: an open is between its two halves */
}

/* The sender that went may have been the last that somebody else holds. */
static bool has_suspect_locked(struct wf_chan *ch)
{
    if (wf_list_is_empty(&ch->receivers) || wf_trap_hooks.suspects == NULL)
        return false;
    struct wf_link *first = ch->receivers.head.next;
    return wf_trap_hooks.suspects(ch, WF_CONTAINER(first, struct wf_node, link)->waiter);
}

void wf_chan_close_half(struct wf_chan *ch, struct wf_half *half)
{
    struct wf_chores chores = { 0 };
    struct seized values = { 0 };
    bool is_suspect = false;
    wf_chan_lock(ch);
    half->is_closed = true;
    if (half->kind == WF_HALF_SENDER) {
        wf_chan_remove_sender_locked(ch, half, &chores);
        is_suspect = has_suspect_locked(ch);
    } else {
        wf_list_remove(&half->link);
        if (--ch->n_receivers == 0) {
            ch->refuses_values = true;
            ch->quick_room = 0;
            wake_all_locked(&ch->senders, WEFT_ECLOSED, &chores);
            wf_chan_mark_locked(ch);
            values = seize_values_locked(ch);
        }
    }
    wf_chan_unlock(ch);
    wf_chores_do(ch, &chores);
    drop_seized(ch, values);
    if (WF_UNLIKELY(is_suspect))
        wf_trap_hooks.report(ch);
}

void wf_chan_unref(struct wf_chan *ch)
{
    wf_lock_acquire(&ch->lock);
    bool is_last = --ch->refs == 0;
    wf_lock_release(&ch->lock);
    if (!is_last)
        return;
    if (ch->sink != NULL)
        ch->sink->discard(ch);
    wf_chan_unregister(ch);
    free_chan(ch);
}

/* ---- chores and checks ----------------------------------------------------------------------- */

WF_NOINLINE void wf_chores_do_slow(struct wf_chan *ch, struct wf_chores *chores)
{
    struct wf_node *node = chores->wake;
    chores->wake = NULL;
    while (node != NULL) {
        /* After the wake the node may be gone (W2). */
        struct wf_node *next = node->next_wake;
        wf_node_wake(node);
        node = next;
    }
    if (chores->drop != NULL && ch->drop != NULL)
        ch->drop((void *)(uintptr_t)chores->drop);
    chores->drop = NULL;
}

/* One select may wait to send and to receive here, so the two lists may hold nodes of one waiter,
 * but never of two. */
static bool may_both_wait(struct wf_chan *ch)
{
    wf_list_each (rx_link, &ch->receivers) {
        struct wf_node *receiver = WF_CONTAINER(rx_link, struct wf_node, link);
        wf_list_each (tx_link, &ch->senders) {
            struct wf_node *sender = WF_CONTAINER(tx_link, struct wf_node, link);
            if (!sender->is_reserve && sender->waiter != receiver->waiter)
                return false;
        }
    }
    return true;
}

void wf_chan_check(struct wf_chan *ch)
{
    if (WEFT_CHECK < 2)
        return;
    const struct wf_ring *ring = &ch->ring;
    bool has_receivers = !wf_list_is_empty(&ch->receivers);
    bool has_senders = !wf_list_is_empty(&ch->senders);
    const char *name = ch->name != NULL ? ch->name : "";
    WF_CHECK(2, wf_ring_n_full(ring) + ch->n_reserved <= ring->capacity,
             "channel \"%s\": C1: %u + %u > %u", name, wf_ring_n_full(ring), ch->n_reserved,
             ring->capacity);
    WF_CHECK(2, !has_receivers || wf_ring_n_full(ring) == 0,
             "channel \"%s\": C2: a receiver waits beside %u values", name, wf_ring_n_full(ring));
    WF_CHECK(2,
             !has_senders || wf_ring_n_full(ring) + ch->n_reserved == ring->capacity ||
                 (ch->is_weighed && wf_weights_keep_out_locked(ch)),
             "channel \"%s\": C2: a sender waits beside a free place", name);
    WF_CHECK(2, !has_receivers || !has_senders || may_both_wait(ch),
             "channel \"%s\": C2: a sender and a receiver wait for each other", name);
    WF_CHECK(2, !has_senders || (!ch->has_ended && ch->n_receivers > 0),
             "channel \"%s\": C3: a sender waits on a closed channel", name);
    WF_CHECK(2, ch->n_senders > 0 || ch->has_ended, "channel \"%s\": C3: no sender, no end", name);
    WF_CHECK(2, !has_receivers || !ch->has_ended || (ch->n_reserved > 0 && !ch->is_aborted),
             "channel \"%s\": C3: a receiver waits after the end", name);
    WF_CHECK(2, ch->refuses_values == (ch->has_ended || ch->n_receivers == 0),
             "channel \"%s\": C3: values are %srefused", name, ch->refuses_values ? "" : "not ");
    WF_CHECK(2, ch->n_sent == ch->n_received + ch->n_dropped + wf_ring_n_full(ring),
             "channel \"%s\": C5: a value was lost or made up", name);
    WF_CHECK(2, wf_load_rlx_raw(&ch->lock.mark) == wf_chan_mark_now(ch),
             "channel \"%s\": C6: the mark is %u", name, (unsigned)wf_load_rlx_raw(&ch->lock.mark));
    WF_CHECK(2,
             ch->quick_room <= (ch->refuses_values || ch->is_weighed ? 0 : ring->capacity) &&
                 (ch->is_metered || ch->is_weighed || ch->refuses_values ||
                  ch->quick_room == ring->capacity),
             "channel \"%s\": C7: %u values go in quickly", name, ch->quick_room);
}
