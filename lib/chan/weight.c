/* SPDX-License-Identifier: MIT
 * Weighed channels: who may enter, and who of those that wait. */
#include "chan/weight.h"

#include "chan/meter.h"
#include "plat/mem.h"

bool wf_weights_make(struct wf_chan *ch, const weft_chan_opts *opts)
{
    struct wf_weights *w = wf_alloc(
        1, wf_size_with(sizeof(struct wf_weights), opts->capacity, sizeof(uint64_t)));
    if (w == NULL)
        return false;
    w->weigh = opts->weigh;
    w->max = opts->max_weight;
    ch->weights = w;
    ch->is_weighed = true;
    ch->quick_room = 0;
    return true;
}

static bool fits(const struct wf_chan *ch, uint64_t weight)
{
    uint32_t n_taken = wf_ring_n_full(&ch->ring) + ch->n_reserved;
    if (n_taken == 0 || n_taken == ch->ring.capacity)
        return n_taken == 0;
    uint64_t now = wf_weights_now(ch), max = ch->weights->max;
    return now <= max && weight <= max - now;
}

static uint64_t weight_of(const struct wf_chan *ch, const void *value)
{
    return ch->weights->weigh(value);
}

static bool node_fits(const struct wf_chan *ch, const struct wf_node *node)
{
    return fits(ch, node->is_reserve ? node->weight : weight_of(ch, node->slot));
}

void wf_weights_add_locked(struct wf_chan *ch, const void *value)
{
    struct wf_weights *w = ch->weights;
    w->before[wf_ring_index(&ch->ring, wf_ring_n_full(&ch->ring))] = w->n_put;
    w->n_put += weight_of(ch, value);
}

/* As many of a sender's batch as fit; the first does. */
static void push_from_node(struct wf_chan *ch, struct wf_node *node)
{
    const char *value = node->slot;
    uint32_t n = wf_chan_run(ch, node->n_more + 1), n_moved = 0;
    do {
        wf_weights_add_locked(ch, value);
        wf_ring_push(&ch->ring, value);
        value += ch->ring.elem_size;
    } while (++n_moved < n && fits(ch, weight_of(ch, value)));
    node->n_more_moved = n_moved - 1;
    ch->n_sent += n_moved;
    wf_meter_note_peak_locked(ch);
}

WF_NOINLINE void wf_weights_fill_locked(struct wf_chan *ch, struct wf_chores *chores)
{
    struct wf_link *link;
    while ((link = wf_list_first(&ch->senders)) != NULL) {
        struct wf_node *node = WF_CONTAINER(link, struct wf_node, link);
        bool is_open = wf_wait_is_open(node->waiter);
        if (is_open && !node_fits(ch, node))
            break;
        wf_list_remove(link);
        if (!is_open || !wf_node_claim(node, 0, chores))
            continue;
        if (!node->is_reserve) {
            push_from_node(ch, node);
        } else {
            ch->n_reserved++;
            ch->weights->reserved += node->weight;
        }
    }
    wf_chan_mark_locked(ch);
}

/* Lets those go first that waited before. */
static bool may_enter(struct wf_chan *ch, uint64_t weight, struct wf_chores *chores)
{
    if (!wf_list_is_empty(&ch->senders))
        wf_weights_fill_locked(ch, chores);
    return wf_list_is_empty(&ch->senders) && fits(ch, weight);
}

bool wf_weights_let_in_locked(struct wf_chan *ch, const void *value, struct wf_chores *chores)
{
    if (!may_enter(ch, weight_of(ch, value), chores))
        return false;
    wf_weights_add_locked(ch, value);
    return true;
}

bool wf_weights_reserve_locked(struct wf_chan *ch, size_t weight, struct wf_chores *chores)
{
    if (!may_enter(ch, weight, chores))
        return false;
    ch->n_reserved++;
    ch->weights->reserved += weight;
    return true;
}

bool wf_weights_would_let_in_locked(struct wf_chan *ch, const void *value,
                                    const struct wf_waiter *self)
{
    wf_list_each (link, &ch->senders) {
        const struct wf_node *node = WF_CONTAINER(link, struct wf_node, link);
        if (node->waiter != self && wf_wait_is_open(node->waiter))
            return false;
    }
    return fits(ch, weight_of(ch, value));
}

bool wf_weights_keep_out_locked(const struct wf_chan *ch)
{
    struct wf_link *link = wf_list_first(&ch->senders);
    const struct wf_node *first = WF_CONTAINER(link, struct wf_node, link);
    return !wf_wait_is_open(first->waiter) || !node_fits(ch, first);
}
