/* SPDX-License-Identifier: MIT
 * A generator's body: puts an item, waits for the next demand, ends. */
#include "task/generator.h"

#include "base/panic.h"
#include "task/manager.h"

/* ---- the receiver that the body is entered with --------------------------------------------- */

static int refuse_recv(weft_receiver *rx, void *out)
{
    (void)rx;
    (void)out;
    return WEFT_ENOTSUP;
}

static int nothing_to_close(weft_receiver *rx)
{
    (void)rx;
    return 0;
}

const struct wf_source_ops wf_generator_self_ops = {
    .kind = "generator, from inside",
    .recv = refuse_recv,
    .close = nothing_to_close,
};

/* ---- yielding ------------------------------------------------------------------------------- */

/* Waits until an item is wanted; called with the lock, returns without. lender: who has got its item
 * and the worker back with this; or NULL. */
static inline int await_demand_locked(struct wf_generator *g, struct wf_waiter *self,
                                      struct wf_waiter *lender, struct wf_chores *chores)
{
    int rc = 0;
    while (!g->is_asked && !g->is_closing && rc == 0) {
        wf_wait_begin(self, WF_ON_DEMAND, g->chan);
        g->state = WF_GENERATOR_PARKED;
        wf_chan_unlock(g->chan);
        wf_chores_do(g->chan, chores);
        *chores = (struct wf_chores){ 0 };
        uint32_t claim = lender != NULL ? wf_wait_park_for(self, lender)
                                        : wf_wait_park(self, WF_NEVER);
        lender = NULL;
        if (WF_LIKELY(claim == WF_CLAIM_ASKED))
            return 0;
        if (claim == WF_CLAIM_CLOSED)
            return WEFT_ECLOSED;
        wf_chan_lock(g->chan);
        g->state = WF_GENERATOR_RUNNING;
        rc = wf_claim_code(self, claim);
    }
    if (rc == 0 && g->is_closing)
        rc = WEFT_ECLOSED;
    wf_chan_unlock(g->chan);
    wf_chores_do(g->chan, chores);
    if (lender != NULL)
        wf_wait_wake(lender, WF_WAKE_NEXT);
    return rc;
}

static void put_into_chan_locked(struct wf_generator *g, const void *value,
                                 struct wf_chores *chores)
{
    int rc = wf_chan_try_send_locked(g->chan, value, chores);
    WF_MUST(rc == 0, "generator \"%s\": an item was put (%d) beside another", g->name, rc);
}

/* G6: the consumer is handed the item; it runs when we park. */
static struct wf_waiter *pay_back_locked(struct wf_generator *g, const void *value)
{
    struct wf_node *node = g->loan;
    g->loan = NULL;
    g->task->leaves = NULL;
    wf_copy_value(node->slot, value, g->chan->ring.elem_size);
    g->chan->n_sent++;
    g->chan->n_received++;
    node->rc = 1;
    return node->waiter;
}

/* G2: there is room, or a consumer that waits. */
static struct wf_waiter *put_locked(struct wf_generator *g, const void *value,
                                    struct wf_chores *chores)
{
    struct wf_waiter *lender = g->loan != NULL ? pay_back_locked(g, value) : NULL;
    if (lender == NULL)
        put_into_chan_locked(g, value, chores);
    g->is_asked = false;
    if (wf_ring_n_full(&g->chan->ring) > 0)
        return NULL;
    g->is_consuming = false; /* handed over: the consumer is gone, with its reference (G5) */
    g->refs--;
    return lender;
}

/* It went on after a cancel: the last item may still be there. 0: with the lock again. */
static WF_NOINLINE int await_room_locked_slow(struct wf_generator *g, struct wf_waiter *self)
{
    struct wf_chores chores = { 0 };
    int rc = await_demand_locked(g, self, NULL, &chores);
    if (rc >= 0)
        wf_chan_lock(g->chan);
    return rc;
}

static inline int put_and_wait(struct wf_generator *g, const void *value, struct wf_waiter *self,
                               bool *out_is_taken)
{
    struct wf_chores chores = { 0 };
    wf_chan_lock(g->chan);
    for (;;) {
        if (WF_UNLIKELY(g->is_closing || wf_is_cancelled(self))) {
            int rc = g->is_closing ? WEFT_ECLOSED : WEFT_ECANCELED;
            wf_chan_unlock(g->chan);
            return rc;
        }
        if (WF_LIKELY(g->is_asked))
            break;
        int rc = await_room_locked_slow(g, self);
        if (rc < 0)
            return rc;
    }
    struct wf_waiter *lender = put_locked(g, value, &chores);
    *out_is_taken = true;
    return await_demand_locked(g, self, lender, &chores);
}

/* The rest of the body is teardown: no cancel reaches it. */
static void tell_closed(struct wf_generator *g, struct wf_waiter *self)
{
    if (g->is_told) {
        if (!g->is_reported)
            wf_generator_report(g, "yielded again after WEFT_ECLOSED: its consumer has left");
        g->is_reported = true;
        return;
    }
    g->is_told = true;
    self->shields++;
    self->cancel = &wf_never_cancelled;
}

static inline int yield_here(struct wf_generator *g, const void *value, struct wf_waiter *self)
{
    bool is_taken = false;
    int rc = put_and_wait(g, value, self, &is_taken);
    if (!is_taken && g->chan->drop != NULL)
        g->chan->drop((void *)(uintptr_t)value);
    if (rc == WEFT_ECLOSED)
        tell_closed(g, self);
    return rc;
}

int weft_generator_yield(weft_receiver *self, const void *value, size_t size)
{
    if (self == NULL || value == NULL)
        return WEFT_EINVAL;
    if (self->half.kind != WF_HALF_RECEIVER || self->ops != &wf_generator_self_ops)
        return WEFT_ENOTASK;
    if (self->elem_size != size)
        return WEFT_EMSGSIZE;
    struct wf_generator *g = self->source;
    struct wf_waiter *waiter = wf_waiter_self();
    if (waiter != NULL && g->task != NULL && waiter == &g->task->waiter)
        return WF_LIKELY(g->lease == NULL) ? yield_here(g, value, waiter)
                                           : wf_manager_yield(g, value, waiter);
    if (g->chan->drop != NULL)
        g->chan->drop((void *)(uintptr_t)value);
    return WEFT_ENOTASK;
}

/* ---- the end -------------------------------------------------------------------------------- */

void wf_generator_body_done(struct wf_task *task, int rc)
{
    struct wf_generator *g = ((weft_receiver *)task->self_arg)->source;
    wf_generator_return_loan(g);
    if (g->lease != NULL)
        wf_manager_body_done(g->lease, rc);
    task->waiter.shields++;
    task->waiter.cancel = &wf_never_cancelled;
    wf_scope_close_generators(&g->scope);
    wf_scope_child_done(task, 0); /* its error is the consumer's alone */
    wf_generator_done(g, rc);
    wf_generator_unref(g);
}
