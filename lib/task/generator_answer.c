/* SPDX-License-Identifier: MIT
 * Two-way generators: what a consumer tells the body with its demand, and the yield that takes it.
 * Rule G9 is in generator.h.
 *
 * An answer is taken on every path, as an item is by a yield: what no yield takes goes to drop_answer.
 * The exceptions are mistakes that leave no generator to ask for it, or no answer of its size.
 *
 * Rejected: an answer that waits in the generator for the next yield. A consumer that was cancelled
 * could not tell which item it answers. */
#include "plat/jump.h"
#include "task/generator.h"

/* ---- the consumer --------------------------------------------------------------------------- */

struct message {
    const void *answer; /* NULL: none, code is thrown */
    size_t size;
    int code;
    bool must_drop; /* the answer, as long as no yield has taken it */
};

/* It has not begun: it ends, and its body never runs. With the lock, as before. */
static void end_unstarted_locked(struct wf_generator *g, int code)
{
    g->state = WF_GENERATOR_STARTING; /* G3: the arguments are ours */
    wf_chan_unlock(g->chan);
    wf_generator_drop_args(g);
    wf_generator_done(g, code);
    wf_chan_lock(g->chan);
}

/* Does the body wait for what comes after the last item (G9)? */
static bool listens_locked(const struct wf_generator *g)
{
    return g->state == WF_GENERATOR_PARKED && !g->is_asked && !g->awaits_room &&
           wf_ring_n_full(&g->chan->ring) == 0;
}

/* The body, to be woken; NULL: a cancel was first, and it hears of nothing more. */
static struct wf_waiter *tell_body_locked(struct wf_generator *g, struct message *message)
{
    struct wf_waiter *body = &g->task->waiter;
    if (!wf_wait_claim(body, WF_CLAIM_TOLD))
        return NULL;
    g->state = WF_GENERATOR_RUNNING;
    g->is_asked = true;
    g->told = message->code;
    if (message->answer != NULL && g->answer_slot != NULL) {
        wf_copy_value(g->answer_slot, message->answer, message->size);
        g->is_answered = true;
        message->must_drop = false;
    }
    return body;
}

/* 0, or why nobody can be told. *out_body: who is to be woken, or NULL. */
static int tell_locked(struct wf_generator *g, struct message *message, struct wf_waiter **out_body)
{
    if (g->read_ahead > 0)
        return WEFT_ENOTSUP;
    if (g->state == WF_GENERATOR_NEW && !g->is_closing) {
        if (message->answer != NULL)
            return WEFT_ENOYIELD;
        end_unstarted_locked(g, message->code);
    }
    bool is_over = g->state == WF_GENERATOR_DONE && wf_ring_n_full(&g->chan->ring) == 0;
    if (g->is_closing || is_over)
        return 0;
    if (!listens_locked(g))
        return WEFT_EBUSY;
    if (message->answer != NULL && g->answer_slot != NULL &&
        wf_load_rlx(&g->answer_size) != message->size) {
        message->must_drop = false; /* it is of no type that drop_answer knows */
        return WEFT_EMSGSIZE;
    }
    *out_body = tell_body_locked(g, message);
    return 0;
}

static int tell_and_receive(weft_receiver *rx, struct message *message, void *out,
                            struct wf_waiter *self)
{
    struct wf_generator *g = rx->source;
    struct wf_waiter *body = NULL;
    wf_chan_lock(g->chan);
    if (!wf_generator_enter_locked(g)) {
        wf_chan_unlock(g->chan);
        return WEFT_EBUSY;
    }
    int rc = tell_locked(g, message, &body);
    if (rc >= 0)
        return wf_generator_receive_locked(g, rx, out, self, body);
    wf_generator_leave_locked(g);
    return rc;
}

/* The rules that hold for each call that consumes. */
static int resume(weft_receiver *rx, struct message *message, void *out)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    wf_coop(self);
    if (wf_is_cancelled(self))
        return WEFT_ECANCELED;
    if (rx->is_ended)
        return 0;
    if (wf_load_rlx(&rx->is_busy))
        return WEFT_EBUSY;
    wf_store_rlx(&rx->is_busy, true);
    int rc = tell_and_receive(rx, message, out, self);
    wf_store_rlx(&rx->is_busy, false);
    rx->is_ended |= rc == 0;
    return rc;
}

static int checked_resume(weft_receiver *rx, struct message *message, void *out, size_t size,
                          const char *call)
{
    if (rx == NULL || out == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&rx->half, WF_HALF_RECEIVER, call, "rx");
    if (rx->ops != &wf_generator_ops)
        return rx->ops == &wf_second_ops ? WEFT_EBUSY : WEFT_ENOTSUP;
    if (rx->elem_size != size)
        return WEFT_EMSGSIZE;
    if (rx->half.is_closed) /* and may have no generator any more */
        return WEFT_ECLOSED;
    struct wf_generator *g = rx->source;
    int rc = resume(rx, message, out);
    if (message->must_drop && g->drop_answer != NULL)
        g->drop_answer((void *)(uintptr_t)message->answer);
    rx->last_error = WF_MIN(rc, 0);
    return rc;
}

static WF_NOINLINE int resume_slow(weft_receiver *rx, const void *answer, size_t answer_size,
                                   void *out, size_t size)
{
    struct message message = { .answer = answer, .size = answer_size, .must_drop = true };
    if (answer == NULL)
        return WEFT_EINVAL;
    return checked_resume(rx, &message, out, size, "weft_resume");
}

/* Between the first look and the lending another consumer was here, which is a mistake: the yield wants
 * no such answer. */
static WF_NOINLINE int unheard_slow(struct wf_generator *g, struct wf_waiter *self,
                                    const void *answer)
{
    int rc = wf_generator_switch(g, self, &g->task->waiter, 1);
    if (g->drop_answer != NULL)
        g->drop_answer((void *)(uintptr_t)answer);
    return rc;
}

static inline bool is_generator(const weft_receiver *rx)
{
    return WF_LIKELY(rx != NULL && rx->half.kind == WF_HALF_RECEIVER &&
                     rx->ops == &wf_generator_ops);
}

/* The short way, as that of a receive (generator_recv.c). */
int weft_receiver_resume(weft_receiver *rx, const void *answer, size_t answer_size, void *out,
                         size_t size)
{
    wf_note_call();
    struct wf_waiter *self = wf_waiter_known();
    if (!is_generator(rx) || answer == NULL || answer_size == 0)
        return resume_slow(rx, answer, answer_size, out, size);
    struct wf_generator *g = rx->source;
    uint32_t rests = WF_TURN_RESTS;
    /* acquire [turn]: what the body did while it had it. */
    if (!wf_generator_may_lend(g, rx, out, size, self) ||
        wf_load_rlx(&g->answer_size) != answer_size ||
        WF_UNLIKELY(!wf_cas_acq(&g->turn, &rests, (uint32_t)WF_TURN_LENT)))
        return resume_slow(rx, answer, answer_size, out, size);
    self->budget--;
    rx->last_error = 0;
    wf_generator_lend_to(g, out, self);
    g->loan_rx = rx;
    if (WF_UNLIKELY(wf_load_rlx(&g->answer_size) != answer_size))
        return unheard_slow(g, self, answer);
    wf_copy_value(g->answer_slot, answer, answer_size);
    g->is_answered = true;
    return wf_generator_switch(g, self, &g->task->waiter, 1);
}

int weft_receiver_throw(weft_receiver *rx, int code, void *out, size_t size)
{
    wf_note_call();
    struct message message = { .code = wf_cause(code) };
    if (code >= 0 || code == WEFT_ECLOSED)
        return WEFT_EINVAL;
    return checked_resume(rx, &message, out, size, "weft_throw");
}

/* ---- the body ------------------------------------------------------------------------------- */

static bool is_body(const weft_receiver *self)
{
    const struct wf_waiter *waiter = wf_waiter_known();
    if (self == NULL || waiter == NULL || self->half.kind != WF_HALF_RECEIVER ||
        self->ops != &wf_generator_self_ops)
        return false;
    const struct wf_generator *g = self->source;
    return g->task != NULL && &g->task->waiter == waiter;
}

WF_RETURNS_BY_JUMP int weft_generator_yield_into(weft_receiver *self, const void *value,
                                                 size_t size, void *answer, size_t answer_size)
{
    wf_note_call();
    if (answer == NULL)
        return WEFT_EINVAL;
    if (!is_body(self))
        return weft_generator_yield(self, value, size); /* which says what is wrong */
    struct wf_generator *g = self->source;
    g->answer_slot = answer;
    wf_store_rlx(&g->answer_size, answer_size);
    g->is_answered = false;
    int rc = weft_generator_yield(self, value, size);
    g->answer_slot = NULL;
    wf_store_rlx(&g->answer_size, 0);
    return rc == 0 && g->is_answered ? 1 : rc;
}
