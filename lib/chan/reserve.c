/* SPDX-License-Identifier: MIT
 * Permits: a place in the ring that is kept, and filled or given back later.
 *
 * A permit counts as a sender, so the channel does not end by itself while one is held, and after
 * weft_end receivers still wait for those that are out. An abort voids them: commit is refused.
 * A rendezvous has no place to keep: WEFT_ENOTSUP.
 *
 * Where values are weighed it keeps a part of the weight as well, and its value takes that part's
 * place. weft_reserve does not know the value: it keeps all there may be, so that its value passes
 * alone whatever it weighs. */
#include "chan/chan.h"
#include "chan/weight.h"
#include "plat/mem.h"

#include <string.h>

/* A place, in the way of the channel's policy: one that replaces the oldest does so now. */
static int try_reserve_locked(struct wf_chan *ch, size_t weight, struct wf_chores *chores)
{
    if (ch->refuses_values)
        return WEFT_ECLOSED;
    if (ch->is_weighed)
        return wf_weights_reserve_locked(ch, weight, chores) ? 0 : WEFT_EAGAIN;
    if (wf_ring_n_full(&ch->ring) + ch->n_reserved == ch->ring.capacity) {
        bool is_replacing = ch->overflow == WEFT_DROP_OLDEST || ch->overflow == WEFT_CONFLATE;
        if (!is_replacing || wf_ring_n_full(&ch->ring) == 0)
            return WEFT_EAGAIN;
        if (chores->spare != NULL) {
            wf_ring_pop(&ch->ring, chores->spare);
            chores->drop = chores->spare;
        } else {
            wf_ring_skip(&ch->ring, 1);
        }
        ch->n_dropped++;
    }
    ch->n_reserved++;
    return 0;
}

/* Keeps a place and counts the permit in. */
static int take_place(weft_sender *tx, weft_permit_half *permit, struct wf_waiter *self)
{
    struct wf_chan *ch = tx->chan;
    int rc;
    do {
        struct wf_chores chores = { .spare = tx->spare };
        wf_chan_lock(ch);
        rc = try_reserve_locked(ch, permit->weight, &chores);
        if (rc == WEFT_EAGAIN && ch->overflow != WEFT_FAIL) {
            rc = wf_chan_park_reserve(tx, permit->weight, self, &chores);
            wf_chan_lock(ch);
        }
        if (rc == 0) {
            wf_half_set_holder(&permit->half, self);
            wf_chan_add_sender_locked(ch, &permit->half);
        }
        wf_chan_unlock(ch);
        wf_chores_do(ch, &chores);
    } while (rc == WF_NODE_RETRY);
    return rc;
}

int weft_sender_reserve(weft_sender *tx, weft_permit_half **out_permit)
{
    wf_note_call();
    return wf_unnoted(weft_sender_reserve_weight(tx, SIZE_MAX, out_permit));
}

int weft_sender_reserve_weight(weft_sender *tx, size_t weight, weft_permit_half **out_permit)
{
    if (tx == NULL || out_permit == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&tx->half, WF_HALF_SENDER, "weft_reserve", "tx");
    if (tx->half.is_closed)
        return WEFT_ECLOSED;
    if (tx->chan->ring.capacity == 0)
        return WEFT_ENOTSUP;
    struct wf_waiter *self = wf_caller();
    if (self == NULL)
        return wf_no_waiter();
    wf_coop(self);
    if (wf_is_cancelled(self))
        return WEFT_ECANCELED;
    weft_permit_half *permit = wf_alloc(1, sizeof *permit);
    if (permit == NULL)
        return WEFT_ENOMEM;
    wf_half_init(&permit->half, WF_HALF_PERMIT, tx->half.file, tx->half.line);
    permit->chan = tx->chan;
    permit->elem_size = tx->elem_size;
    permit->weight = wf_weights_most(tx->chan, weight);
    int rc = take_place(tx, permit, self);
    if (rc < 0) {
        wf_free(permit);
        return rc;
    }
    memcpy(out_permit, &permit, sizeof permit);
    return 0;
}

/* Uses the place up, with a value or (NULL) without, and frees the permit. */
static int use_up(weft_permit_half *permit, const void *value)
{
    struct wf_chan *ch = permit->chan;
    struct wf_chores chores = { 0 };
    int rc = WEFT_ECLOSED;
    wf_chan_lock(ch);
    if (value != NULL && ch->n_receivers > 0 && !ch->is_aborted)
        rc = ch->is_weighed && !wf_weights_cover(ch, permit->weight, value) ? WEFT_EMSGSIZE : 0;
    if (ch->is_weighed)
        ch->weights->reserved -= permit->weight;
    if (rc == 0) {
        wf_chan_commit_locked(ch, value, &chores);
    } else {
        ch->n_reserved--;
        wf_chan_fill_locked(ch, &chores);
    }
    wf_chan_remove_sender_locked(ch, &permit->half, &chores);
    wf_chan_unlock(ch);
    wf_chores_do(ch, &chores);
    permit->half.kind = WF_HALF_DEAD;
    wf_free(permit);
    wf_chan_unref(ch);
    return rc;
}

int weft_permit_commit(weft_permit_half *permit, const void *value, size_t size)
{
    if (permit == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&permit->half, WF_HALF_PERMIT, "weft_commit", "permit");
    if (wf_caller() == NULL && wf_no_waiter() == WEFT_EFORK)
        return WEFT_EFORK;
    bool fits = size == permit->elem_size && value != NULL;
    int rc = use_up(permit, fits ? value : NULL);
    return fits ? rc : value == NULL ? WEFT_EINVAL : WEFT_EMSGSIZE;
}

void weft_permit_drop(void *slot)
{
    weft_permit_half *permit = weft_slot_take(slot);
    if (permit == NULL)
        return;
    wf_half_must_be(&permit->half, WF_HALF_PERMIT, "WEFT_PERMIT", "permit");
    if (wf_caller() == NULL && wf_no_waiter() == WEFT_EFORK)
        return;
    (void)use_up(permit, NULL);
}
