/* SPDX-License-Identifier: MIT
 * The wait cell: the only way a task or a plain thread blocks, and the only way it is woken.
 *
 * A waiter is a task or a plain thread as the wait protocol sees it. Its cell is one word:
 *
 *   IDLE        it is not waiting
 *   WAITING     it waits, or is about to; may be claimed
 *   SHIELDED    the same, but a cancel may not claim it
 *   claimed     somebody decided how the wait ends: WF_CLAIM_* or the index that the waiter gave
 *
 *   from                to         by             where
 *   IDLE                WAITING    the waiter     wf_wait_begin, before anybody can find it
 *   WAITING, SHIELDED   claimed    one claimer    wf_wait_claim, by compare-and-swap: exactly once
 *   claimed             IDLE       the waiter     wf_wait_park, when it runs again
 *   WAITING, SHIELDED   IDLE       the waiter     wf_wait_withdraw: it does not wait after all
 *
 * Rules, which the code cites by number:
 *   W1  Exactly one claim succeeds; whoever made it must call wf_wait_wake, once.
 *   W2  Between its claim and its wake a claimer may touch what hangs on the wait (the node, the
 *       slot that the value goes to): the waiter cannot run. After the wake it may touch nothing.
 *   W3  A waiter that runs again first takes its nodes off every queue it is still on, under that
 *       queue's lock. A claimer finds nodes only under that lock, so it never sees a dead one.
 *   W4  A cancel may claim a wait that turns out not to be concerned (the waiter has moved on to a
 *       shielded scope since the flag was set). The waiter looks at its flag again and, if it is
 *       not set, waits anew. So CANCELED never means more than "look".
 *   W5  The flag first, then the cell: a canceller sets the flag, then claims; a waiter stores
 *       WAITING, then reads the flag. Both sides sequentially consistent [cancel-dekker], so one
 *       of them sees the other.
 *
 * A task may be woken before it has left its stack; whoever pops it waits for that (plat/ctx.h).
 * Hence no lock is held over a park, and a waker never waits for the sleeper. */
#ifndef WF_SCHED_WAIT_H
#define WF_SCHED_WAIT_H

#include "base/list.h"
#include "plat/atomic.h"
#include "plat/clock.h"
#include "plat/self.h"

struct weft_scope;
struct wf_locals;
struct wf_closing;

enum {
    WF_WAIT_IDLE = 0,
    WF_WAITING = 1,
    WF_WAITING_SHIELDED = 2,
    WF_CLAIM_CANCELED = 3,
    WF_CLAIM_TIMEOUT = 4,
    WF_CLAIM_DEADLOCK = 5,
    WF_CLAIM_FIRST = 16, /* WF_CLAIM_FIRST + i: the waiter's own index i */
};

/* What a waiter waits for, for dumps and the deadlock report; of one that runs, what it has waited for
 * last, for the watchdog's (the cell tells which). */
enum wf_wait_kind {
    WF_ON_NOTHING,
    WF_ON_SEND,
    WF_ON_RECV,
    WF_ON_RESERVE,
    WF_ON_SELECT,
    WF_ON_SLEEP,
    WF_ON_CHILDREN,
    WF_ON_DEMAND,
    WF_ON_TEARDOWN,
    WF_ON_BLOCKING,
    WF_ON_NATIVE, /* runs a blocking function on its worker's own stack: no cell says so */
    WF_ON_FD,
    WF_ON_PAUSE,
    WF_ON_SYNC,
    WF_ON_JOIN,
    WF_ON_READY,
    WF_ON_SPAWN,
    WF_N_WAIT_KINDS,
};

enum { WF_N_READS = 2 };

/* Scopes of layer 4's. */
struct wf_opening {
    struct weft_scope *at, *in;
};

struct wf_waiter {
    /* What a wait touches, in a task the first cache line. */

    /* The cell. Writers: as in the table above; readers: any. */
    _Atomic uint32_t cell;

    bool is_task;
    uint8_t budget;   /* operations left before it must yield; owner only */
    uint16_t n_locks; /* mutexes and rwlocks that it holds; owner only, as reads */
    uint32_t shields; /* > 0: cancels of the scopes it is in do not reach it */

    /* For people, as the next two. Written by the waiter before it parks (relaxed), read by a dump. */
    _Atomic(enum wf_wait_kind) wait_kind;
    _Atomic(const void *) wait_object;
    _Atomic int64_t wait_since_ns;

    /* The flag of the innermost scope it is in (WF_FLAG_*), or of nothing while shielded.
     * Written by the waiter; read by it alone (cancellers go through the scopes). */
    _Atomic uint32_t *cancel;

    /* Where its last call of weft's was made; by wf_note_call, read by the watchdog. */
    _Atomic(const void *) last_call;

    /* The user's step that runs now and promised not to wait, by name (never_waits.h); or NULL. */
    const char *never_waits;
    uint64_t id;

    /* The rest. */
    struct weft_scope *scope; /* the innermost that it is in; layer 4's */
    const char *name, *file;  /* what it is called and where it was made */
    int line;
    int close_error;            /* first error of a closer that a brace ran */
    uint32_t n_unknown_reads;   /* read locks that it holds and that are not in reads */
    uint32_t sealed_shields;    /* shields of a teardown: the end of an outer one changes nothing */
    bool felt_cancel;           /* since it entered its scope a call has failed for a cancel */
    struct wf_locals *locals;   /* what it sees of task-locals; owner only */
    struct wf_closing *closing; /* the innermost closer that it runs (closing.h) */
    struct wf_opening opening;  /* by the step that it runs; `in` NULL: none (task/opening.h) */
    const void *reads[WF_N_READS]; /* rwlocks that it reads, as often as it does; NULL: no more */
};

/* The running task or plain thread. NULL in a child after fork, and when there was no memory for
 * a plain thread's record: wf_no_waiter() is the code to return then. Not to be kept over a
 * park by anything but the waiter itself (it is the same waiter afterwards). */
struct wf_waiter *wf_waiter_make_slow(void);
WF_WORKER_LOCAL static inline struct wf_waiter *wf_waiter_self(void)
{
    /* What plat/self.h holds begins with it: struct wf_thread (worker.h). */
    struct wf_waiter **thread = wf_self_get();
    return WF_LIKELY(thread != NULL) ? *thread : wf_waiter_make_slow();
}

/* The same; NULL, too, when it has no record yet. */
WF_WORKER_LOCAL static inline struct wf_waiter *wf_waiter_known(void)
{
    struct wf_waiter **thread = wf_self_get();
    return WF_LIKELY(thread != NULL) ? *thread : NULL;
}

int wf_no_waiter(void);

/* ---- the last call, for the watchdog --------------------------------------------------------------- */

/* Public calls note where they were called from, at their entry and in their own body, for whoever
 * is asked by name there is to know its caller: two instructions for those who know the waiter.
 * Relaxed: it is read by the watchdog, for people. */
WF_WORKER_LOCAL static inline struct wf_waiter *wf_note_call_of(struct wf_waiter *self,
                                                                const void *site)
{
    if (WF_LIKELY(self != NULL))
        wf_store_rlx_raw(&self->last_call, site);
    return self;
}

/* As wf_waiter_self and wf_waiter_known; and for a public call that needs neither. */
#define wf_caller()       wf_note_call_of(wf_waiter_self(), __builtin_return_address(0))
#define wf_caller_known() wf_note_call_of(wf_waiter_known(), __builtin_return_address(0))
#define wf_note_call()    ((void)wf_caller_known())

/* A public call that weft makes for its caller, who has not made it. */
#define wf_unnoted(call)                                  \
    (__extension__({                                      \
        const void *noted_ = wf_noted_call();             \
        __auto_type rc_ = (call);                         \
        (void)wf_note_call_of(wf_waiter_known(), noted_); \
        rc_;                                              \
    }))
WF_WORKER_LOCAL static inline const void *wf_noted_call(void)
{
    struct wf_waiter *self = wf_waiter_known();
    return self != NULL ? wf_load_rlx_raw(&self->last_call) : NULL;
}

/* Starts a wait: from here on it may be claimed, and must be finished by wf_wait_park. To be
 * called before the waiter is put where somebody can find it. */
void wf_wait_begin(struct wf_waiter *self, enum wf_wait_kind kind, const void *object);

/* The same for a wait that no cancel may end (joins, teardown). */
void wf_wait_begin_shielded(struct wf_waiter *self, enum wf_wait_kind kind, const void *object);

/* Ends the wait that was begun: returns how it was claimed (WF_CLAIM_*, or WF_CLAIM_FIRST + i),
 * having slept until then if need be. Claims it itself with CANCELED when the waiter is cancelled
 * already, with TIMEOUT when at_ns has come (WF_NEVER: no limit). */
uint32_t wf_wait_park(struct wf_waiter *self, int64_t at_ns);

/* For a plain thread that may have to wait. It begins to spin (base/spin.h); may go on to this turn
 * or has spun for as long as that is worth it, by how it fared of late; spins for this turn, or
 * yields its CPU; the same, but not for longer than until the word, which nobody else looks at, has
 * the value; has not spun in vain. */
void wf_thread_spin_begin(struct wf_waiter *self);
bool wf_thread_may_spin(struct wf_waiter *self, unsigned turn);
void wf_thread_spin(struct wf_waiter *self, unsigned turn);
void wf_thread_spin_for(struct wf_waiter *self, unsigned turn, const _Atomic uint32_t *word,
                        uint32_t value);
void wf_thread_has_spun(struct wf_waiter *self);

/* Takes back a wait that was begun and not parked. False: somebody has claimed it, so it must be
 * parked as ever. From true on nobody can claim it. */
WF_MUST_CHECK bool wf_wait_withdraw(struct wf_waiter *self);

/* Could the wait be claimed now? Exact only for who keeps it from changing. */
static inline bool wf_wait_is_open(struct wf_waiter *waiter)
{
    uint32_t cell = wf_load_rlx(&waiter->cell);
    return cell == WF_WAITING || cell == WF_WAITING_SHIELDED;
}

/* As wf_wait_park without a limit, but other runs at once, on this worker: a task that the caller
 * has claimed, or that lent it the worker. */
uint32_t wf_wait_park_for(struct wf_waiter *self, struct wf_waiter *other);

/* May self lend its worker to other (sched/lend.h), a task that it has claimed? Not before that has
 * left its stack: it would take the loan for one that it had when it began to wait. */
bool wf_wait_may_lend(struct wf_waiter *self, struct wf_waiter *other);

/* By the borrower, after wf_wait_begin on the lender's behalf, while whatever the lender does first
 * when it runs again is still locked: from here on it is as any other waiter that has parked. True:
 * it was cancelled meanwhile and is claimed, the caller has to wake it. */
WF_MUST_CHECK bool wf_wait_return_loan(struct wf_waiter *lender);

/* Decides how a wait ends; true for the one that decided (W1). */
static inline bool wf_wait_claim(struct wf_waiter *waiter, uint32_t claim)
{
    uint32_t seen = wf_load_rlx(&waiter->cell);
    while (WF_LIKELY(seen == WF_WAITING || seen == WF_WAITING_SHIELDED))
        /* acq_rel [claim]: after what the waiter wrote before it began, before its own end. */
        if (wf_cas_acq_rel(&waiter->cell, &seen, claim))
            return true;
    return false;
}

/* The same for a cancel: never a shielded wait. */
bool wf_wait_claim_cancel(struct wf_waiter *waiter);

/* Makes the claimed waiter run. WF_WAKE_NEXT: soon, on this worker (it got a value, whoever wakes
 * it is likely to wait next); WF_WAKE_LAST: after what is queued. */
enum wf_wake { WF_WAKE_NEXT, WF_WAKE_LAST };
void wf_wait_wake(struct wf_waiter *waiter, enum wf_wake when);

/* What a scope's flag says. WATCHED is for tests alone: not cancelled, but every look at it is told
 * to wf_on_look, which may cancel the scope there and then (testing/points.h). So a program that is
 * not under test pays nothing for being testable: it is the same load and the same branch.
 * UNARMED is a closer's whose budget begins with the first look (closing.h). */
enum { WF_FLAG_CLEAR = 0, WF_FLAG_CANCELLED = 1, WF_FLAG_WATCHED = 2, WF_FLAG_UNARMED = 3 };

/* Set before the runtime starts; called with no lock held. where: the function that looks. */
extern void (*wf_on_look)(struct wf_waiter *self, const char *where);

/* Tells it, and says whether the flag is set afterwards. */
bool wf_tell_look(struct wf_waiter *self, const char *where);

/* The same as wf_is_cancelled for who holds a lock, or asks once more: nobody is told. */
static inline bool wf_is_flag_set(struct wf_waiter *self)
{
    /* seq [cancel-dekker] */
    if (WF_LIKELY(wf_load_seq(self->cancel) != WF_FLAG_CANCELLED))
        return false;
    self->felt_cancel = true;
    return true;
}

/* The same for a short way that has no room for a call: true only sends it the long way. */
static inline bool wf_may_be_cancelled(struct wf_waiter *self)
{
    /* seq [cancel-dekker] */
    return wf_load_seq(self->cancel) != WF_FLAG_CLEAR;
}

/* Is the innermost scope of the caller cancelled, and no shield up? Each call that may wait asks
 * on entry, with no lock held, and returns WEFT_ECANCELED then: that it was, is noted. */
#define wf_is_cancelled(self) wf_is_cancelled_in((self), __func__)
static inline bool wf_is_cancelled_in(struct wf_waiter *self, const char *where)
{
    if (WF_LIKELY(!wf_may_be_cancelled(self)) || !wf_tell_look(self, where))
        return false;
    self->felt_cancel = true;
    return true;
}

/* Parts of the above, for wait_task.h too. A waiter whose wait is open, and who has made sure of the
 * order [cancel-dekker], claims it itself if it is cancelled already; takes the claim when it runs
 * again; has said that it would never wait. */
static inline bool wf_wait_is_over_before(struct wf_waiter *self)
{
    return wf_load_rlx(&self->cell) == WF_WAITING && WF_UNLIKELY(wf_may_be_cancelled(self)) &&
           wf_tell_look(self, __func__) && wf_wait_claim_cancel(self);
}

static inline uint32_t wf_wait_end(struct wf_waiter *self)
{
    /* acquire [claim] */
    uint32_t claim = wf_load_acq(&self->cell);
    wf_store_rlx(&self->cell, (uint32_t)WF_WAIT_IDLE);
    return claim;
}

WF_NORETURN void wf_wait_breaks_promise(const struct wf_waiter *self);

/* The code for a claim that is not an index: after CANCELED 0 means "look again" (W4). */
int wf_claim_code(struct wf_waiter *self, uint32_t claim);

enum { WF_OPERATIONS_PER_TURN = 128 };

/* Counts an operation that did not wait; every so many a task gives way to others. */
void wf_coop_slow(struct wf_waiter *self);
static inline void wf_coop(struct wf_waiter *self)
{
    if (WF_UNLIKELY(self->budget-- == 0))
        wf_coop_slow(self);
}

/* A flag that is never set: what wf_waiter::cancel points to outside every scope. */
extern _Atomic uint32_t wf_never_cancelled;

static inline void wf_waiter_init(struct wf_waiter *waiter, bool is_task)
{
    /* One by one: compilers clear a struct of this size by a string instruction. */
    wf_store_rlx_raw(&waiter->cell, (uint32_t)WF_WAIT_IDLE);
    waiter->is_task = is_task;
    waiter->budget = WF_OPERATIONS_PER_TURN;
    waiter->n_locks = 0;
    waiter->shields = 0;
    waiter->sealed_shields = 0;
    waiter->cancel = &wf_never_cancelled;
    waiter->scope = NULL;
    wf_store_rlx_raw(&waiter->last_call, NULL);
    waiter->closing = NULL;
    waiter->close_error = 0;
    waiter->felt_cancel = false;
    waiter->never_waits = NULL;
    waiter->opening.in = NULL;
    wf_store_rlx_raw(&waiter->wait_kind, WF_ON_NOTHING);
    wf_store_rlx_raw(&waiter->wait_object, NULL);
    wf_store_rlx_raw(&waiter->wait_since_ns, INT64_C(0));
    waiter->name = waiter->file = NULL;
    waiter->line = 0;
    waiter->id = 0;
    waiter->n_unknown_reads = 0;
    waiter->locals = NULL;
    for (int i = 0; i < WF_N_READS; i++)
        waiter->reads[i] = NULL;
}

/* Gives way: the task goes behind everything that is queued (a plain thread: sched_yield). */
void wf_yield(struct wf_waiter *self);

#endif
