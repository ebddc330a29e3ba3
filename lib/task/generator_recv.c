/* SPDX-License-Identifier: MIT
 * A generator's consumer: asks, and takes what the body puts.
 *
 * The short way has no lock: a consumer that finds the body at rest lends it the worker (G6, G7).
 * Everything else goes the long way, where both sides do all they have to under one hold of the
 * channel's lock and wake the other after it.
 *
 * The short way calls nothing before it switches, and the switch comes at the end of the user's own
 * call: after a switch each return is a wrong guess of the CPU (sched/switch.h).
 *
 * Rejected: a rendezvous channel and a body that runs ahead to its next send. It would compute one
 * item more than was asked for, and its side effects would come before the consumer's. */
#include "sched/lend.h"
#include "task/generator.h"

/* ---- asking --------------------------------------------------------------------------------- */

static void loan_is_due(struct wf_task *task)
{
    wf_generator_return_loan(((weft_receiver *)task->self_arg)->source);
}

/* A close may come while the lock is not held. 0, or without memory: it is as new again. */
static int start_locked(struct wf_generator *g)
{
    struct wf_task *task;
    g->state = WF_GENERATOR_STARTING;
    wf_chan_unlock(g->chan);
    int rc = wf_task_make(
        &(struct wf_task_opts){
            .what = g->what,
            .args = g->args,
            .self_arg = &g->self,
            .name = g->name,
            .file = g->what->file,
            .line = g->what->line,
            .home = &g->scope,
            .on_done = wf_generator_body_done,
        },
        &task);
    if (rc >= 0)
        wf_task_see(task, g->locals);
    wf_chan_lock(g->chan);
    if (!g->is_closing && rc < 0) {
        g->state = WF_GENERATOR_NEW;
        return rc;
    }
    if (!g->is_closing) {
        g->state = WF_GENERATOR_RUNNING;
        g->task = task;
        task->leaves = loan_is_due;
        g->is_asked = true;
        g->refs++;
        wf_half_set_holder(&g->tx->half, &task->waiter);
    }
    bool is_closing = g->is_closing;
    wf_chan_unlock(g->chan);
    if (!is_closing) {
        (void)wf_scope_add(&g->scope, task); /* nobody ends that scope before its task */
        wf_task_start(task, 1);
    } else { /* whoever closes it waits for us (G3) */
        if (rc < 0)
            wf_generator_drop_args(g);
        else
            wf_task_unmake(task, true);
        wf_generator_done(g, 0);
    }
    wf_chan_lock(g->chan);
    return 0;
}

/* Who has to be woken for it, or NULL. */
static struct wf_waiter *ask_locked(struct wf_generator *g)
{
    if (g->is_asked && g->read_ahead == 0)
        return NULL;
    g->is_asked = true;
    if (g->state != WF_GENERATOR_PARKED || !wf_wait_claim(&g->task->waiter, WF_CLAIM_ASKED))
        return NULL; /* it finds the demand when it looks */
    g->state = WF_GENERATOR_RUNNING;
    return &g->task->waiter;
}

/* 1, 0 the end, the error it ended with, or WF_NOT_READY. */
static int take_locked(struct wf_generator *g, weft_receiver *rx, void *out)
{
    struct wf_chores none = { 0 };
    int rc = wf_chan_try_recv_locked(g->chan, out, &none);
    if (rc != 0)
        return rc == WEFT_EAGAIN ? WF_NOT_READY : rc;
    if (g->is_closing)
        return g->close_code;
    if (g->chan->cause >= 0 || rx->cause_given)
        return 0;
    rx->cause_given = true;
    rx->is_ended = true;
    return g->chan->cause;
}

void wf_generator_leave_locked(struct wf_generator *g)
{
    g->is_consuming = false;
    bool is_last = g->refs == 1;
    if (!is_last)
        g->refs--;
    wf_chan_unlock(g->chan);
    if (is_last)
        wf_generator_unref(g);
}

/* ---- the loan ------------------------------------------------------------------------------- */

/* The channel may have ended while the consumer was on no list of its. */
static bool has_news_locked(struct wf_generator *g)
{
    return g->is_closing || g->chan->has_ended || wf_ring_n_full(&g->chan->ring) > 0;
}

/* The outer loans first: as soon as the lender is on the list, it may run and be gone. What keeps it
 * until we unlock is that it locks the channel when it runs again without an item. */
void wf_generator_return_loan(struct wf_generator *g)
{
    struct wf_node *node = &g->loan;
    struct wf_chores chores = { 0 };
    if (wf_load_rlx(&g->turn) != WF_TURN_LENT)
        return;
    struct wf_task *lender = wf_task_of(node->waiter);
    if (lender->leaves != NULL)
        lender->leaves(lender);
    wf_chan_lock(g->chan);
    *node = (struct wf_node){ .waiter = node->waiter, .slot = node->slot, .claim = WF_CLAIM_FIRST };
    wf_link_init(&node->link);
    wf_generator_count_locked(g);
    g->is_asked = g->is_consuming = g->is_loan_returned = true;
    g->refs++;
    wf_store_rlx(&g->turn, (uint32_t)WF_TURN_LOCKED);
    wf_wait_begin(&lender->waiter, WF_ON_RECV, g->chan);
    bool must_wake = false;
    if (has_news_locked(g)) {
        (void)wf_node_claim(node, WF_NODE_RETRY, &chores);
    } else {
        wf_list_push_back(&g->chan->receivers, &node->link);
        must_wake = wf_wait_return_loan(&lender->waiter);
    }
    wf_chan_unlock(g->chan);
    wf_chores_do(g->chan, &chores);
    if (must_wake)
        wf_wait_wake(&lender->waiter, WF_WAKE_NEXT);
}

/* ---- the consumer --------------------------------------------------------------------------- */

/* Waits, as any receiver does. */
static WF_NOINLINE uint32_t park_locked(struct wf_generator *g, struct wf_node *node,
                                        struct wf_waiter *body)
{
    wf_link_init(&node->link);
    wf_wait_begin(node->waiter, WF_ON_RECV, g->chan);
    wf_list_push_back(&g->chan->receivers, &node->link);
    wf_chan_unlock(g->chan);
    if (body != NULL)
        wf_wait_wake(body, WF_WAKE_NEXT);
    return wf_wait_park(node->waiter, WF_NEVER);
}

/* The body left its stack another way than by a yield, or ended: the wait became an ordinary one,
 * and was claimed. 1: with an item, and we have left. Else with the lock, as await_item_locked. */
static WF_NOINLINE int end_returned_loan(struct wf_generator *g, struct wf_waiter *self,
                                         uint32_t claim)
{
    wf_chan_lock(g->chan);
    wf_list_remove(&g->loan.link);
    g->is_loan_returned = false;
    if (claim != WF_CLAIM_FIRST || g->loan.rc != 1)
        return wf_claim_code(self, claim);
    wf_generator_leave_locked(g);
    return 1;
}

static WF_NOINLINE int lend_locked(struct wf_generator *g, void *out, struct wf_waiter *self,
                                   struct wf_waiter *body)
{
    wf_generator_lend_to(g, out, self);
    g->is_asked = g->is_consuming = false;
    g->refs--;
    wf_store_rlx(&g->turn, (uint32_t)WF_TURN_LENT);
    wf_chan_unlock(g->chan);
    uint32_t claim = wf_lend(self, body);
    return claim == WF_WAIT_IDLE ? 1 : end_returned_loan(g, self, claim);
}

/* 1: an item was handed over, and with it the lock and our reference are gone. Else with the lock:
 * 0: look again, or why the wait ended. */
static inline int await_item_locked(struct wf_generator *g, void *out, struct wf_waiter *self,
                                    struct wf_waiter *body)
{
    struct wf_chan *ch = g->chan;
    struct wf_node node = { .waiter = self, .slot = out, .claim = WF_CLAIM_FIRST };
    wf_half_set_holder(&g->items->half, self);
    if (body != NULL && g->read_ahead == 0 && wf_wait_may_lend(self, body))
        return lend_locked(g, out, self, body);
    uint32_t claim = park_locked(g, &node, body);
    if (claim == WF_CLAIM_FIRST && node.rc == 1)
        return 1;
    wf_chan_lock(ch);
    wf_list_remove(&node.link);
    return wf_claim_code(self, claim);
}

/* After a receive: a body that waited for room has it. */
static void leave_and_ask(struct wf_generator *g, int rc)
{
    struct wf_waiter *body = rc == 1 && g->read_ahead > 0 ? ask_locked(g) : NULL;
    wf_generator_leave_locked(g);
    if (body != NULL)
        wf_wait_wake(body, WF_WAKE_NEXT);
}

int wf_generator_receive_locked(struct wf_generator *g, weft_receiver *rx, void *out,
                                struct wf_waiter *self, struct wf_waiter *body)
{
    int rc = 0;
    for (;;) {
        if (g->state == WF_GENERATOR_NEW)
            rc = start_locked(g);
        /* A body that waits for a demand has left nothing to take. */
        bool is_empty = g->state == WF_GENERATOR_PARKED && !g->is_asked &&
                        wf_ring_n_full(&g->chan->ring) == 0;
        if (rc >= 0 && body == NULL)
            rc = WF_LIKELY(is_empty && !g->is_closing) ? WF_NOT_READY : take_locked(g, rx, out);
        if (rc != WF_NOT_READY && body == NULL)
            break;
        rc = await_item_locked(g, out, self, body != NULL ? body : ask_locked(g));
        body = NULL;
        if (rc == 1)
            return 1;
        if (rc < 0)
            break;
    }
    leave_and_ask(g, rc);
    return rc;
}

bool wf_generator_enter_locked(struct wf_generator *g)
{
    wf_generator_settle_locked(g);
    if (g->is_consuming || wf_load_rlx(&g->turn) != WF_TURN_LOCKED)
        return false;
    g->is_consuming = true;
    g->refs++;
    return true;
}

static int generator_recv(weft_receiver *rx, void *out)
{
    struct wf_generator *g = rx->source;
    wf_chan_lock(g->chan);
    if (wf_generator_enter_locked(g))
        return wf_generator_receive_locked(g, rx, out, wf_waiter_self(), NULL);
    wf_chan_unlock(g->chan);
    return WEFT_EBUSY;
}

/* ---- the short way --------------------------------------------------------------------------- */

WF_NOINLINE int wf_generator_received_slow(struct wf_generator *g, struct wf_waiter *self,
                                           uint32_t claim)
{
    weft_receiver *rx = g->loan_rx;
    void *out = g->loan.slot;
    int rc = end_returned_loan(g, self, claim);
    if (rc == 0)
        rc = wf_generator_receive_locked(g, rx, out, self, NULL);
    else if (rc < 0)
        wf_generator_leave_locked(g);
    rx->is_ended |= rc == 0;
    rx->last_error = WF_MIN(rc, 0);
    return rc;
}

static int generator_recv_now(weft_receiver *rx, void *out, size_t size, const void *site)
{
    struct wf_generator *g = rx->source;
    struct wf_waiter *self = wf_note_call_of(wf_waiter_known(), site);
    uint32_t rests = WF_TURN_RESTS;
    /* acquire [turn]: what the body, or the consumer before us, did while it had it. */
    if (!wf_generator_may_lend(g, rx, out, size, self) ||
        WF_UNLIKELY(!wf_cas_acq(&g->turn, &rests, (uint32_t)WF_TURN_LENT)))
        return wf_receiver_recv_any(rx, out, size);
    self->budget--;
    rx->last_error = 0;
    wf_generator_lend_to(g, out, self);
    g->loan_rx = rx;
    return wf_generator_switch(g, self, &g->task->waiter, 1);
}

/* ---- the table ------------------------------------------------------------------------------- */

/* Asks, and does not wait for the answer: with the lock, as take_locked. */
static int try_locked(struct wf_generator *g, weft_receiver *rx, void *out)
{
    if (!wf_generator_enter_locked(g))
        return WEFT_EBUSY;
    int rc = g->state == WF_GENERATOR_NEW ? start_locked(g) : 0;
    return rc < 0 ? rc : take_locked(g, rx, out);
}

static int generator_try_recv(weft_receiver *rx, void *out)
{
    struct wf_generator *g = rx->source;
    wf_chan_lock(g->chan);
    int rc = try_locked(g, rx, out);
    if (rc == WEFT_EBUSY) {
        wf_chan_unlock(g->chan);
        return rc;
    }
    bool must_ask = rc == WF_NOT_READY || (rc == 1 && g->read_ahead > 0);
    struct wf_waiter *body = must_ask ? ask_locked(g) : NULL;
    wf_generator_leave_locked(g);
    if (body != NULL)
        wf_wait_wake(body, WF_WAKE_NEXT);
    return rc;
}

/* The try before it has asked already. */
static struct wf_chan *generator_select_on(weft_receiver *rx)
{
    return ((struct wf_generator *)rx->source)->chan;
}

static int generator_close(weft_receiver *rx)
{
    struct wf_generator *g = rx->source;
    int rc = wf_generator_close(g, WEFT_ECLOSED);
    wf_generator_unref(g);
    return rc;
}

const struct wf_source_ops wf_generator_ops = {
    .kind = "generator",
    .recv = generator_recv,
    .recv_now = generator_recv_now,
    .try_recv = generator_try_recv,
    .select_on = generator_select_on,
    .close = generator_close,
};
