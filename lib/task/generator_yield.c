/* SPDX-License-Identifier: MIT
 * A generator's body: puts an item, waits for the next demand, ends. */
#include "task/generator.h"

#include "base/panic.h"
#include "plat/jump.h"
#include "sched/lend.h"
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

/* ---- at rest -------------------------------------------------------------------------------- */

/* G8. With the lock: a close that found the body elsewhere tells it by a cancel. */
static inline bool ends_by_cancel(const struct wf_generator *g)
{
    return g->is_closing || g->parent == NULL;
}

static void begin_wait(struct wf_generator *g, struct wf_waiter *self)
{
    if (ends_by_cancel(g))
        wf_wait_begin(self, WF_ON_DEMAND, g->chan);
    else
        wf_wait_begin_shielded(self, WF_ON_DEMAND, g->chan);
}

void wf_generator_settle_locked(struct wf_generator *g)
{
    uint32_t rests = WF_TURN_RESTS;
    /* seq [cancel-dekker]: a canceller's flag comes first. */
    if (WF_LIKELY(!wf_cas_seq(&g->turn, &rests, (uint32_t)WF_TURN_LOCKED)))
        return;
    wf_generator_count_locked(g);
    g->state = WF_GENERATOR_PARKED;
    begin_wait(g, &g->task->waiter);
}

void wf_generator_settle_task(struct wf_task *task)
{
    if (task->on_done != wf_generator_body_done)
        return;
    struct wf_generator *g = ((weft_receiver *)task->self_arg)->source;
    wf_chan_lock(g->chan);
    wf_generator_settle_locked(g);
    wf_chan_unlock(g->chan);
}

/* G7. The waiter's own. */
static inline bool may_rest(struct wf_generator *g, const struct wf_waiter *self)
{
    return WF_LIKELY(self->scope == &g->scope && self->shields == 0 && self->never_waits == NULL);
}

static inline void begin_rest(struct wf_generator *g)
{
    /* release [turn]: after all that we did while we had it. And seq [cancel-dekker]: before the look
     * at the flag. */
    wf_store_seq(&g->turn, (uint32_t)WF_TURN_RESTS);
}

/* A cancel came before it began to rest: an ordinary wait of its own, unless somebody else has made
 * one, or has lent it a worker. */
static bool settle(struct wf_generator *g)
{
    wf_chan_lock(g->chan);
    wf_generator_settle_locked(g);
    bool is_settled = g->state == WF_GENERATOR_PARKED;
    wf_chan_unlock(g->chan);
    return is_settled;
}

/* As wf_wait_park, after begin_rest; IDLE: it was lent a worker. lender: who has got its item and the
 * worker back with this, or NULL. */
static WF_NOINLINE uint32_t rest_slow(struct wf_generator *g, struct wf_waiter *self,
                                      struct wf_waiter *lender)
{
    if (wf_is_cancelled(self) && settle(g))
        return lender != NULL ? wf_wait_park_for(self, lender) : wf_wait_park(self, WF_NEVER);
    return lender != NULL ? wf_lend(self, lender) : wf_lend_nobody(self);
}

/* ---- yielding ------------------------------------------------------------------------------- */

/* One wait for the next demand; called with the lock, returns without. lender: as above. */
static uint32_t wait_locked(struct wf_generator *g, struct wf_waiter *self,
                            struct wf_waiter *lender, struct wf_chores *chores)
{
    bool rests = may_rest(g, self) && g->read_ahead == 0 && !g->awaits_room &&
                 wf_ring_n_full(&g->chan->ring) == 0 && !g->is_loan_returned;
    if (rests) {
        begin_rest(g);
    } else {
        begin_wait(g, self);
        g->state = WF_GENERATOR_PARKED;
    }
    wf_chan_unlock(g->chan);
    wf_chores_do(g->chan, chores);
    *chores = (struct wf_chores){ 0 };
    if (rests)
        return rest_slow(g, self, lender);
    return lender != NULL ? wf_wait_park_for(self, lender) : wf_wait_park(self, WF_NEVER);
}

/* 0, a code; or 1, with the lock: look again. */
static int look_after(struct wf_generator *g, struct wf_waiter *self, uint32_t claim)
{
    if (WF_LIKELY(claim == WF_CLAIM_ASKED || claim == WF_WAIT_IDLE))
        return 0;
    if (claim == WF_CLAIM_CLOSED)
        return WEFT_ECLOSED;
    if (claim == WF_CLAIM_TOLD)
        return g->told;
    wf_chan_lock(g->chan);
    g->state = WF_GENERATOR_RUNNING;
    int rc = wf_claim_code(self, claim);
    if (rc == 0)
        return 1;
    if (g->is_closing && g->was_busy_at_close)
        rc = WEFT_ECLOSED; /* that cancel was the close's */
    wf_chan_unlock(g->chan);
    return rc;
}

static inline bool wants_item_locked(const struct wf_generator *g)
{
    return g->read_ahead > 0 ? wf_ring_n_full(&g->chan->ring) < g->read_ahead : g->is_asked;
}

/* Waits until an item is wanted; called with the lock, returns without. lender: as above. */
static int await_demand_locked(struct wf_generator *g, struct wf_waiter *self,
                               struct wf_waiter *lender, struct wf_chores *chores)
{
    while (!wants_item_locked(g) && !g->is_closing) {
        int rc = look_after(g, self, wait_locked(g, self, lender, chores));
        lender = NULL;
        if (rc != 1)
            return rc;
    }
    int rc = g->is_closing ? WEFT_ECLOSED : 0;
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
    g->is_asked = false;
    if (wf_ring_n_full(&g->chan->ring) > 0 || g->is_loan_returned)
        return;
    g->is_consuming = false; /* handed over: the consumer is gone, with its reference (G5) */
    g->refs--;
}

/* G6: the consumer is handed the item; it runs when we wait. */
static inline struct wf_waiter *pay_back(struct wf_generator *g)
{
    g->n_handed_over++;
    return g->loan.waiter;
}

/* G2: there is room, or a consumer that waits. */
static struct wf_waiter *put_locked(struct wf_generator *g, const void *value,
                                    struct wf_chores *chores)
{
    if (wf_load_rlx(&g->turn) != WF_TURN_LENT) {
        put_into_chan_locked(g, value, chores);
        return NULL;
    }
    wf_copy_value(g->loan.slot, value, g->self.elem_size);
    struct wf_waiter *lender = pay_back(g);
    wf_generator_count_locked(g);
    wf_store_rlx(&g->turn, (uint32_t)WF_TURN_LOCKED);
    return lender;
}

/* It went on after a cancel: the last item may still be there. 0: with the lock again. */
static WF_NOINLINE int await_room_locked_slow(struct wf_generator *g, struct wf_waiter *self)
{
    struct wf_chores chores = { 0 };
    g->awaits_room = true;
    int rc = await_demand_locked(g, self, NULL, &chores);
    wf_chan_lock(g->chan);
    g->awaits_room = false;
    if (rc < 0)
        wf_chan_unlock(g->chan);
    return rc;
}

static int put_and_wait(struct wf_generator *g, const void *value, struct wf_waiter *self,
                        bool *out_is_taken)
{
    struct wf_chores chores = { 0 };
    wf_chan_lock(g->chan);
    for (;;) {
        if (WF_UNLIKELY(g->is_closing || wf_is_flag_set(self))) {
            int rc = g->is_closing ? WEFT_ECLOSED : WEFT_ECANCELED;
            wf_chan_unlock(g->chan);
            return rc;
        }
        if (WF_LIKELY(wants_item_locked(g) || wf_load_rlx(&g->turn) == WF_TURN_LENT))
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
    self->sealed_shields = ++self->shields;
    self->cancel = &wf_never_cancelled;
}

static WF_NOINLINE int yield_slow(struct wf_generator *g, const void *value, struct wf_waiter *self)
{
    bool is_taken = false;
    if (g->read_ahead > 0) /* it may go on without a wait for ever */
        wf_coop(self);
    int rc = put_and_wait(g, value, self, &is_taken);
    if (!is_taken && g->chan->drop != NULL)
        g->chan->drop((void *)(uintptr_t)value);
    if (rc == WEFT_ECLOSED)
        tell_closed(g, self);
    return rc;
}

/* The item of a short yield was taken, and it was not lent a worker again. */
WF_NOINLINE int wf_generator_yielded_slow(struct wf_generator *g, struct wf_waiter *self,
                                          uint32_t claim)
{
    struct wf_chores chores = { 0 };
    int rc = look_after(g, self, claim);
    if (rc == 1)
        rc = await_demand_locked(g, self, NULL, &chores);
    if (rc == WEFT_ECLOSED)
        tell_closed(g, self);
    return rc;
}

static WF_NOINLINE int rest_cancelled_slow(struct wf_generator *g, struct wf_waiter *self,
                                           struct wf_waiter *lender)
{
    return wf_generator_yielded_slow(g, self, rest_slow(g, self, lender));
}

static WF_NOINLINE int yield_any_slow(struct wf_generator *g, const void *value,
                                      struct wf_waiter *self)
{
    return g->lease == NULL ? yield_slow(g, value, self) : wf_manager_yield(g, value, self);
}

static WF_NOINLINE int refuse_yield_slow(weft_receiver *self, const void *value, size_t size)
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
        return yield_any_slow(g, value, waiter);
    if (g->chan->drop != NULL)
        g->chan->drop((void *)(uintptr_t)value);
    return WEFT_ENOTASK;
}

/* Called by the body of the generator, as it should be. */
static inline bool is_yield(const weft_receiver *self, const void *value, size_t size,
                            struct wf_waiter *waiter)
{
    return WF_LIKELY(self != NULL && value != NULL && waiter != NULL &&
                     self->half.kind == WF_HALF_RECEIVER && self->ops == &wf_generator_self_ops &&
                     self->elem_size == size &&
                     wf_task_of(waiter) == ((struct wf_generator *)self->source)->task);
}

WF_RETURNS_BY_JUMP WF_NOINLINE int
wf_generator_switch(struct wf_generator *g, struct wf_waiter *self, struct wf_waiter *other, int rc)
{
    uint32_t claim = wf_lend(self, other);
    if (WF_LIKELY(claim == WF_WAIT_IDLE))
        return rc;
    return rc == 1 ? wf_generator_received_slow(g, self, claim)
                   : wf_generator_yielded_slow(g, self, claim);
}

/* The item is where the lender wants it. */
static inline int rest_lent(struct wf_generator *g, struct wf_waiter *self)
{
    struct wf_waiter *lender = pay_back(g);
    begin_rest(g);
    if (WF_UNLIKELY(wf_may_be_cancelled(self)))
        return rest_cancelled_slow(g, self, lender);
    return wf_generator_switch(g, self, lender, 0);
}

/* By itself, for a copy that is a call takes a frame. */
static WF_NOINLINE int yield_wide_slow(struct wf_generator *g, const void *value,
                                       struct wf_waiter *self)
{
    wf_copy_value(g->loan.slot, value, g->self.elem_size);
    return rest_lent(g, self);
}

int weft_generator_yield(weft_receiver *self, const void *value, size_t size)
{
    struct wf_waiter *waiter = wf_caller_known();
    if (!is_yield(self, value, size, waiter))
        return refuse_yield_slow(self, value, size);
    struct wf_generator *g = self->source;
    if (WF_UNLIKELY(wf_load_rlx(&g->turn) != WF_TURN_LENT || !may_rest(g, waiter) ||
                    wf_may_be_cancelled(waiter)))
        return yield_any_slow(g, value, waiter);
    if (WF_LIKELY(size == sizeof(uint64_t)))
        memcpy(g->loan.slot, value, sizeof(uint64_t));
    else
        return yield_wide_slow(g, value, waiter);
    return rest_lent(g, waiter);
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
