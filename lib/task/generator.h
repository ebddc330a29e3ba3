/* SPDX-License-Identifier: MIT
 * A generator: a task that makes one item whenever its consumer asks for one.
 *
 * It is a scope of its own (below the one current where it was opened), a task that is made at the
 * first demand, and a channel of one item between the task and the receiver.
 *
 * Invariants, under the channel's lock, which is the generator's too:
 *   G1  The body runs only between a demand and its next yield, and to unwind.
 *   G2  is_asked: a demand for which no item has been put yet. An item is put only when it is set,
 *       and that clears it; it is set only while the channel is empty. So a put never waits.
 *   G3  Who changes NEW to something else owns the arguments: the task, or whoever drops them.
 *   G4  Nobody waits for more than the body's end: DONE comes after the scope is unlinked from its
 *       parent, and after it nothing of the parent is touched.
 *   G5  refs: the receiver, the parent's list, the task, and the consumer inside a receive: given
 *       back on its behalf by whoever hands it an item, but by itself when its loan was returned,
 *       for its node is in here. None while the worker is lent, for then the body lives.
 *
 * Without the lock, by the word `turn`, which says who owns what both sides need for an item:
 *   G6  LENT: the body. Its consumer has lent it the worker (sched/lend.h) and waits on no list, its
 *       cell idle; loan is its node. The body's next put pays it back and switches straight to the
 *       consumer. Before the body leaves its stack another way, or ends, return_loan makes an
 *       ordinary waiter of the consumer: it could not be cancelled otherwise. A consumer may itself
 *       be a body that was lent to: all of them are turned, the outermost first.
 *   G7  RESTS: whoever changes it. The body waits in a yield, its cell idle, for the next demand;
 *       nothing is in the channel. A consumer makes it LENT, and an item then costs this swap, the
 *       store that made it RESTS, and two switches. Everybody else who wants something of the body
 *       (a close, a cancel, a consumer that can't lend, a dump) settles it: makes it LOCKED, with the
 *       channel's lock, and a wait in state PARKED, as if the body had begun it. A body rests only in
 *       its own scope, without a shield: so who cancels it comes by the scope's list of tasks and
 *       settles it after the flag is set [cancel-dekker]; the body looks at the flag after RESTS.
 *   G8  A cancel does not end a yield's wait: a consumer in the same scope may be using the item,
 *       which may lie in the body's memory (a line is a view), and is cancelled itself. It asks for
 *       more, and the body's next call that may wait is cancelled; or it closes the generator, at
 *       the latest when the scope is left. One that was opened outside any scope has nobody who
 *       leaves that: the cancel of a shutdown does end its yield. And so does a close's own.
 *   G9  What a consumer tells the body (an answer, a thrown code) it writes between its claim TOLD and
 *       the wake (sched/wait.h, W2), or when it has made LENT of RESTS: an answer straight to where the
 *       yield wants it. It tells only a
 *       body that waits in a yield whose item was received: PARKED, not awaits_room, nothing asked,
 *       the channel empty. So each answer is that to the last item.
 *   G10 With read_ahead, G1 and G2 are these: the body runs as long as fewer items than that are in
 *       the channel, whose capacity it is; is_asked is not looked at, and an item is put only where
 *       there is room. It neither rests nor is lent to: its turn is LOCKED for good.
 *   LOCKED: what follows, and all of the above. While it is not, state is RUNNING, is_asked and
 *   is_consuming are false.
 *
 *   from       to         by                        where
 *   NEW        STARTING   the first demand          start_locked
 *   NEW        DONE       a close                   wf_generator_close
 *   STARTING   RUNNING    the same consumer         start_locked; back to NEW without memory
 *   STARTING   DONE       it, when closed meanwhile
 *   RUNNING    PARKED     the body                  await_demand_locked, in a yield; or who settles it
 *   PARKED     RUNNING    who claims it (a demand, a close), or itself after a cancel
 *   RUNNING    DONE       the body's task           wf_generator_body_done */
#ifndef WF_TASK_GENERATOR_H
#define WF_TASK_GENERATOR_H

#include "chan/chan.h"
#include "task/scope.h"

#include <weft/generator.h>

struct weft_lease;

/* How a body's wait for demand ends. */
enum { WF_CLAIM_CLOSED = WF_CLAIM_FIRST, WF_CLAIM_ASKED, WF_CLAIM_TOLD };

enum wf_generator_state {
    WF_GENERATOR_NEW,
    WF_GENERATOR_STARTING,
    WF_GENERATOR_RUNNING,
    WF_GENERATOR_PARKED,
    WF_GENERATOR_DONE
};

struct wf_generator {
    struct weft_scope scope;   /* the body's */
    struct wf_link scope_link; /* in parent's generators; the parent's lock */

    /* Constant. */
    struct weft_scope *parent; /* NULL: counts as a user of the runtime */
    const weft_callable *what;
    const char *name;
    const void *caller;       /* who opened it: an address in the code */
    struct weft_lease *lease; /* a manager's (manager.h); NULL: not one */
    struct wf_chan *chan;
    weft_sender *tx; /* both halves keep the channel; nobody uses them */
    weft_receiver *items;
    uint32_t read_ahead;         /* items; 0: on demand (G10) */
    void (*drop_answer)(void *); /* of an answer that no yield takes; NULL: nothing to do */
    weft_receiver self;          /* what the body is entered with */
    struct wf_locals *locals;    /* a reference: what was bound where it was opened */

    /* Under chan->lock. */
    enum wf_generator_state state;
    bool is_asked, is_closing, is_consuming;
    bool is_half_closed;    /* a close has dropped what nobody received */
    bool was_busy_at_close; /* the close found the body elsewhere than in a yield */
    bool awaits_room;       /* the body is in a yield that has not put its item */
    bool is_loan_returned;  /* the consumer waits with `loan`, and leaves by itself (G5) */
    int close_code;         /* what receives get once it is closing */
    int result;             /* valid when DONE: what a close returns */
    uint32_t refs;
    struct wf_task *task;   /* valid from RUNNING until DONE */
    struct wf_list closers; /* of struct closer, waiting for DONE */

    _Atomic uint32_t turn; /* from LOCKED under the lock; see G6, G7 */

    /* Who owns the turn. */
    struct wf_node loan;    /* the lender's: waiter and slot; all of it once it is on a list */
    weft_receiver *loan_rx; /* what it receives with */
    uint64_t n_handed_over; /* items that the channel has not counted yet */

    /* The body's; while it is PARKED, whoever has the lock and then claims it TOLD (G9); while it
     * RESTS, whoever makes that LENT. The size may be read by any consumer, as a first look. */
    void *answer_slot;          /* where its yield wants an answer; NULL: nowhere */
    _Atomic size_t answer_size; /* 0: nowhere */
    bool is_answered;
    int told; /* what the yield returns, valid with TOLD: 0, or the code thrown */

    /* The body's task alone. */
    bool is_told, is_reported; /* a yield said ECLOSED; it yielded all the same */

    _Alignas(16) unsigned char args[]; /* until it starts */
};

/* Whose turn it is (G6, G7). */
enum { WF_TURN_LOCKED, WF_TURN_RESTS, WF_TURN_LENT };

extern const struct wf_source_ops wf_generator_ops, wf_generator_self_ops;

/* weft_generator_open, for a manager with its lease. The receiver is written by memcpy. */
WF_MUST_CHECK int wf_generator_open(const weft_generator_opts *opts, const weft_callable *what,
                                    void *args, size_t elem_size, struct weft_lease *lease,
                                    weft_receiver **out_rx, const void *caller);

/* Closes it and waits for its teardown; code: what receives get from now on. 0 or its error. */
int wf_generator_close(struct wf_generator *g, int code);
void wf_generator_unref(struct wf_generator *g);

/* Makes the caller its consumer. False: somebody is inside a receive. */
WF_MUST_CHECK bool wf_generator_enter_locked(struct wf_generator *g);

/* Takes an item, waiting for it, and leaves; by who has entered, and without the lock at the end. body:
 * the body's waiter when it was claimed already, and has to be woken; or NULL. */
int wf_generator_receive_locked(struct wf_generator *g, weft_receiver *rx, void *out,
                                struct wf_waiter *self, struct wf_waiter *body);

/* Undoes an enter, without the lock at the end. */
void wf_generator_leave_locked(struct wf_generator *g);
void wf_generator_free(struct wf_generator *g);

/* The end of a short receive or yield: leaves the stack, other runs at once. rc: what the call
 * returns if all goes well, 1 to the consumer, 0 to the body. One function for both, so that the
 * switch is called from one place: its return is the same for either and no wrong guess. Its own
 * return, which differs, is a jump (plat/jump.h). */
int wf_generator_switch(struct wf_generator *g, struct wf_waiter *self, struct wf_waiter *other,
                        int rc);
int wf_generator_received_slow(struct wf_generator *g, struct wf_waiter *self, uint32_t claim);
int wf_generator_yielded_slow(struct wf_generator *g, struct wf_waiter *self, uint32_t claim);

/* A closed receiver may have no generator any more; that the body rests implies the rest. */
static inline bool wf_generator_may_lend(const struct wf_generator *g, const weft_receiver *rx,
                                         const void *out, size_t size, struct wf_waiter *self)
{
    return WF_LIKELY(!rx->half.is_closed && size == rx->elem_size && out != NULL && self != NULL &&
                     self->is_task && self->budget > 0 && self->never_waits == NULL &&
                     !wf_may_be_cancelled(self) &&
                     wf_load_rlx_raw(&g->items->half.holder_id) == self->id);
}

/* Lends the body the worker (G6). */
static inline void wf_generator_lend_to(struct wf_generator *g, void *out, struct wf_waiter *self)
{
    g->loan.waiter = self;
    g->loan.slot = out;
}

/* Makes an ordinary wait of the loan, if any. By the body. */
void wf_generator_return_loan(struct wf_generator *g);

/* Makes an ordinary wait of the body's rest, if it rests (G7). The first with the channel's lock; the
 * second takes it, for a task of a scope that is locked, which may be a body. */
void wf_generator_settle_locked(struct wf_generator *g);
void wf_generator_settle_task(struct wf_task *task);
static inline void wf_generator_count_locked(struct wf_generator *g)
{
    g->chan->n_sent += g->n_handed_over;
    g->chan->n_received += g->n_handed_over;
    g->n_handed_over = 0;
}

/* The last thing that a body's task does. */
void wf_generator_body_done(struct wf_task *task, int rc);

/* The body is over, or never was: unlinks the scope, tells the closers. */
void wf_generator_done(struct wf_generator *g, int rc);
void wf_generator_drop_args(struct wf_generator *g);

/* weft: generator "name" (file:line, opened near 0x...) <what>; or: weft: manager ... */
void wf_generator_report(struct wf_generator *g, const char *what);

/* Closes the generators that were opened in the scope, the latest first. Waits, shielded. */
void wf_scope_close_generators(struct weft_scope *scope);

#endif
