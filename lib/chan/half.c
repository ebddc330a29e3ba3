/* SPDX-License-Identifier: MIT
 * Halves: references to one side of a stream, of whatever kind.
 *
 * A half belongs to one holder and is not locked; what it shares with others (the channel's counts
 * and lists) is, by the channel. It is closed at most once and freed by its drop. A typed handle
 * is the half's address in a function pointer that nobody calls, hence the copies by memcpy. */
#include "base/blocks.h"
#include "base/panic.h"
#include "chan/chan.h"
#include "plat/mem.h"

#include <weft/cleanup.h>

#include <string.h>

void wf_half_init(struct wf_half *half, enum wf_half_kind kind, const char *file, int line)
{
    *half = (struct wf_half){ .kind = kind, .file = file, .line = line };
    wf_link_init(&half->link);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static struct wf_blocks halves = WF_BLOCKS_INIT(halves, WF_HALF_SIZE, WF_HALF_HOT_AT);

_Static_assert(sizeof(weft_sender) <= WF_HALF_SIZE && sizeof(weft_receiver) <= WF_HALF_SIZE,
               "a half has no room in its block");

void *wf_half_make(enum wf_half_kind kind, const char *file, int line)
{
    struct wf_half *half = wf_blocks_take(&halves);
    if (half == NULL)
        return NULL;
    wf_new_memory(half, WF_HALF_SIZE);
    wf_mem_count_in(half);
    wf_half_init(half, kind, file, line);
    half->is_pooled = true;
    return half;
}

void wf_half_free(struct wf_half *half)
{
    half->kind = WF_HALF_DEAD;
    if (!half->is_pooled) {
        wf_free(half);
        return;
    }
    wf_mem_count_out(half);
    wf_blocks_give(&halves, half);
}

/* ---- misuse ---------------------------------------------------------------------------------- */

WF_NOINLINE void wf_half_set_holder_slow(struct wf_half *half, const struct wf_waiter *holder)
{
    if (half->kind == WF_HALF_SENDER)
        ((weft_sender *)(void *)half)->chan->a_holder_id = 0;
    else if (half->kind == WF_HALF_PERMIT)
        ((weft_permit_half *)(void *)half)->chan->a_holder_id = 0;
    wf_store_rlx_raw(&half->holder_id, holder->id);
    half->is_holder_task = holder->is_task;
    const char *name = holder->name != NULL ? holder->name : "";
    size_t size = strnlen(name, sizeof half->holder_name - 1);
    memcpy(half->holder_name, name, size);
    half->holder_name[size] = '\0';
}

WF_COLD void wf_half_misused(const struct wf_half *half, const char *call, const char *name)
{
    switch (half->kind) {
    case WF_HALF_DEAD: wf_panic("%s: %s was dropped already", call, name);
    case WF_HALF_SENDER: wf_panic("%s: %s is a sender", call, name);
    case WF_HALF_RECEIVER: wf_panic("%s: %s is a receiver", call, name);
    case WF_HALF_PERMIT: wf_panic("%s: %s is a permit", call, name);
    case WF_HALF_COMPLETER: wf_panic("%s: %s is a completion", call, name);
    }
    wf_panic("%s: %s is neither a sender nor a receiver, or its memory was overwritten", call,
             name);
}

bool wf_is_after_fork(void) { return wf_waiter_self() == NULL && wf_no_waiter() == WEFT_EFORK; }

/* ---- senders --------------------------------------------------------------------------------- */

weft_sender *wf_sender_make(struct wf_chan *ch, const char *file, int line)
{
    size_t elem_size = ch->ring.elem_size;
    bool has_spare = ch->drop != NULL &&
                     (ch->overflow == WEFT_DROP_OLDEST || ch->overflow == WEFT_CONFLATE);
    weft_sender *tx = wf_half_make(WF_HALF_SENDER, file, line);
    if (tx == NULL)
        return NULL;
    tx->chan = ch;
    tx->elem_size = elem_size;
    tx->spare = has_spare ? wf_alloc_aligned(elem_size, WF_CACHE_LINE) : NULL;
    if (has_spare && tx->spare == NULL) {
        wf_half_free(&tx->half);
        return NULL;
    }
    return tx;
}

void wf_sender_free(weft_sender *tx)
{
    wf_free_aligned(tx->spare);
    wf_half_free(&tx->half);
}

static weft_sender *ref_sender(const weft_sender *tx, const char *file, int line)
{
    weft_sender *copy = wf_sender_make(tx->chan, file, line);
    if (copy == NULL)
        return NULL;
    copy->half.is_closed = tx->half.is_closed;
    wf_chan_add_half(tx->chan, &copy->half, NULL);
    return copy;
}

static void drop_sender(weft_sender *tx)
{
    struct wf_chan *ch = tx->chan;
    if (!tx->half.is_closed)
        wf_chan_close_half(ch, &tx->half);
    wf_sender_free(tx);
    wf_chan_unref(ch);
}

static int end_by(weft_sender *tx, int cause, bool is_abort, const char *call)
{
    if (tx == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&tx->half, WF_HALF_SENDER, call, "tx");
    if (wf_is_after_fork())
        return WEFT_EFORK;
    return tx->half.is_closed ? WEFT_ECLOSED : wf_chan_end(tx->chan, cause, is_abort);
}

int weft_sender_end(weft_sender *tx, int cause)
{
    wf_note_call();
    return end_by(tx, cause, false, "weft_end");
}
int weft_sender_abort(weft_sender *tx, int cause)
{
    wf_note_call();
    return end_by(tx, cause, true, "weft_abort");
}

/* ---- either half ----------------------------------------------------------------------------- */

int weft_half_close(void *half)
{
    wf_note_call();
    struct wf_half *it = half;
    if (it == NULL)
        return 0;
    if (it->kind != WF_HALF_SENDER)
        wf_half_must_be(it, WF_HALF_RECEIVER, "weft_close", "half");
    if (wf_is_after_fork())
        return WEFT_EFORK;
    if (it->kind == WF_HALF_RECEIVER)
        return wf_receiver_close(half);
    if (!it->is_closed)
        wf_chan_close_half(((weft_sender *)half)->chan, it);
    return 0;
}

void *weft_half_ref(void *half, const char *file, int line)
{
    struct wf_half *it = half;
    if (it == NULL)
        return NULL;
    if (it->kind != WF_HALF_SENDER)
        wf_half_must_be(it, WF_HALF_RECEIVER, "weft_ref", "half");
    if (wf_is_after_fork())
        return NULL;
    return it->kind == WF_HALF_SENDER ? (void *)ref_sender(half, file, line)
                                      : (void *)wf_receiver_ref(half, file, line);
}

void weft_half_drop(void *slot)
{
    wf_note_call();
    struct wf_half *it = weft_slot_take(slot);
    if (it == NULL)
        return;
    if (it->kind != WF_HALF_SENDER)
        wf_half_must_be(it, WF_HALF_RECEIVER, "WEFT_DROP", "half");
    if (wf_is_after_fork())
        return;
    if (it->kind == WF_HALF_SENDER) {
        drop_sender((weft_sender *)(void *)it);
        return;
    }
    int rc = wf_receiver_close_and_free((weft_receiver *)(void *)it);
    if (rc < 0)
        weft_note_close_error(rc);
}

void wf_half_forget_holder(struct wf_chan *ch, struct wf_half *half)
{
    wf_chan_lock(ch);
    wf_store_rlx_raw(&half->holder_id, (uint64_t)0);
    ch->a_holder_id = 0;
    wf_chan_unlock(ch);
}

void *weft_half_take(void *slot)
{
    struct wf_half *it = weft_slot_take(slot);
    if (it == NULL || wf_is_after_fork())
        return it;
    if (it->kind != WF_HALF_SENDER)
        wf_half_must_be(it, WF_HALF_RECEIVER, "WEFT_MOVE", "half");
    if (it->kind == WF_HALF_SENDER)
        wf_half_forget_holder(((weft_sender *)(void *)it)->chan, it);
    else if (((weft_receiver *)(void *)it)->ops == &wf_chan_ops)
        wf_half_forget_holder(((weft_receiver *)(void *)it)->source, it);
    return it;
}

/* The slot may hold anything a user owns, so nothing is looked at behind its pointer. */
void *weft_slot_take(void *slot)
{
    void *held = NULL, *nothing = NULL;
    if (slot == NULL)
        return NULL;
    memcpy(&held, slot, sizeof held);
    memcpy(slot, &nothing, sizeof nothing);
    return held;
}
