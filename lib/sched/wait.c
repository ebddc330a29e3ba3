/* SPDX-License-Identifier: MIT
 * The wait cell. The protocol is in wait.h; this file is its only implementation, for tasks (which
 * leave their stack) and plain threads (which sleep on a futex) alike. */
#include "sched/wait.h"

#include "base/panic.h"
#include "plat/futex.h"
#include "plat/sanitizer.h"
#include "sched/closing.h"
#include "sched/host.h"
#include "sched/wait_task.h"

#include <weft/error.h>

/* What a plain thread's token says. Once it sleeps, a wake costs its waker a system call and the
 * thread some 25 microseconds, so it spins first (spinner.c), and sleeps when that was in vain.
 *
 *   NONE    it is not woken: it spins, or has not begun to
 *   SLEEPS  it is counted, or about to be, and sleeps on the token
 *   GIVEN   it is woken
 *
 * NONE becomes SLEEPS by the thread, and GIVEN by the waker (the only one, W1), both with
 * compare-and-swap: so a waker knows whether there is somebody to count out and to wake up. */
enum { TOKEN_NONE, TOKEN_GIVEN, TOKEN_SLEEPS };

#define SUSPECT_FIRST_NS INT64_C(10000000)
#define SUSPECT_LAST_NS  INT64_C(3600000000000)

_Atomic uint32_t wf_never_cancelled;
void (*wf_on_look)(struct wf_waiter *self, const char *where);

WF_NOINLINE struct wf_waiter *wf_waiter_make_slow(void)
{
    struct wf_thread *thread = wf_thread_self();
    return thread != NULL ? thread->current : NULL;
}

int wf_no_waiter(void) { return wf_load_rlx(&wf_rt.has_forked) ? WEFT_EFORK : WEFT_ENOMEM; }

WF_COLD void wf_wait_breaks_promise(const struct wf_waiter *self)
{
    wf_panic("\"%s\" was opened with .never_waits, and waits", self->never_waits);
}

static void begin(struct wf_waiter *self, enum wf_wait_kind kind, const void *object, uint32_t cell)
{
    if (WF_UNLIKELY(self->never_waits != NULL))
        wf_wait_breaks_promise(self);
    wf_store_rlx(&self->wait_kind, kind);
    wf_store_rlx(&self->wait_object, object);
    if (!self->is_task)
        wf_store_rlx(&wf_thread_of(self)->token, (uint32_t)TOKEN_NONE);
    /* seq [cancel-dekker]: before the look at the flag in wf_wait_park. */
    wf_store_seq(&self->cell, cell);
}

void wf_wait_begin(struct wf_waiter *self, enum wf_wait_kind kind, const void *object)
{
    /* Behind a shield, unless it is in a scope that it entered there. */
    bool is_shielded = self->cancel == &wf_never_cancelled;
    begin(self, kind, object, is_shielded ? WF_WAITING_SHIELDED : WF_WAITING);
}

void wf_wait_begin_shielded(struct wf_waiter *self, enum wf_wait_kind kind, const void *object)
{
    begin(self, kind, object, WF_WAITING_SHIELDED);
}

bool wf_wait_withdraw(struct wf_waiter *self)
{
    uint32_t seen = wf_load_rlx(&self->cell);
    bool is_open = seen == WF_WAITING || seen == WF_WAITING_SHIELDED;
    /* acq_rel [claim]: a claim of its own. */
    if (!is_open || !wf_cas_acq_rel(&self->cell, &seen, (uint32_t)WF_WAIT_IDLE))
        return false;
    return true;
}

bool wf_wait_claim_cancel(struct wf_waiter *waiter)
{
    uint32_t waiting = WF_WAITING;
    /* seq [cancel-dekker]: after the flag was set. */
    return wf_cas_seq(&waiter->cell, &waiting, (uint32_t)WF_CLAIM_CANCELED);
}

/* ---- a task ---------------------------------------------------------------------------- */

WF_WORKER_LOCAL static inline void park_task(struct wf_task *self)
{
    if (WF_UNLIKELY(self->leaves != NULL))
        self->leaves(self);
    wf_worker_leave(wf_worker_self(), self);
}

static void time_is_up(struct wf_timer *limit)
{
    struct wf_task *task = WF_CONTAINER(limit, struct wf_task, limit);
    if (wf_wait_claim(&task->waiter, WF_CLAIM_TIMEOUT))
        wf_timer_wake(limit, task);
}

/* The timer lies in the task, not on its stack: a million of them are then in pages that several
 * share, and to look at those that are due touches no stack. */
static WF_NOINLINE void park_task_until(struct wf_task *self, int64_t at_ns)
{
    wf_timer_start(&self->limit, at_ns, time_is_up);
    park_task(self);
    /* acquire [claim]: it is the timer itself that claims with TIMEOUT, and it was out by then. */
    if (wf_load_acq(&self->waiter.cell) != WF_CLAIM_TIMEOUT)
        (void)wf_timer_cancel(&self->limit);
}

/* ---- a plain thread ---------------------------------------------------------------------- */

/* plain_waiting counts the threads that only somebody else can wake. So it is the waker who takes
 * a thread out, before the thread runs again: one that is woken but not yet scheduled does not
 * count. (A wake may come between SLEEPS and the counting in, and takes it out first: the count is
 * then one too low for a moment, never too high. One that spins is not counted.) */
static void count_out(void)
{
    (void)wf_sub_seq(&wf_rt.plain_waiting, 1u);
    (void)wf_add_seq(&wf_rt.plain_epoch, 1u);
}

static bool has_token(struct wf_waiter *self)
{
    /* acquire [token]: what the waker did, the copied value included. */
    return wf_load_acq(&wf_thread_of(self)->token) == TOKEN_GIVEN;
}

static bool spin_for_token(struct wf_waiter *self)
{
    if (has_token(self))
        return true;
    wf_thread_spin_begin(self);
    for (unsigned turn = 0; !has_token(self); turn++) {
        if (!wf_thread_may_spin(self, turn))
            return false;
        wf_thread_spin_for(self, turn, &wf_thread_of(self)->token, TOKEN_GIVEN);
    }
    wf_thread_has_spun(self);
    return true;
}

/* The token, not the cell, ends the sleep: between the claim and the wake the waker still uses
 * this waiter (W2). */
static void sleep_on_token_until(struct wf_waiter *self, int64_t at_ns)
{
    while (!has_token(self)) {
        if (wf_futex_wait(&wf_thread_of(self)->token, TOKEN_SLEEPS, at_ns) == 0 ||
            at_ns == WF_NEVER)
            continue;
        if (wf_wait_claim(self, WF_CLAIM_TIMEOUT)) {
            count_out();
            return;
        }
        at_ns = WF_NEVER; /* somebody was first: its wake is on the way (W1) */
    }
}

/* Asks at once whether this was the last that could have done something, and again and again, ever
 * more rarely: a thread that weft does not know may end without a word (deadlock.c). */
static void sleep_on_token(struct wf_waiter *self)
{
    int64_t pause_ns = SUSPECT_FIRST_NS;
    wf_deadlock_suspect();
    while (!has_token(self)) {
        int64_t at_ns = pause_ns < SUSPECT_LAST_NS ? wf_clock_after(pause_ns) : WF_NEVER;
        if (wf_futex_wait(&wf_thread_of(self)->token, TOKEN_SLEEPS, at_ns) != WEFT_ETIMEDOUT) {
            pause_ns = SUSPECT_FIRST_NS; /* for nothing: a thread has ended (thread.c) */
            continue;
        }
        pause_ns *= 2;
        wf_deadlock_suspect();
    }
}

static void sleep_thread(struct wf_waiter *self, int64_t at_ns)
{
    bool is_timed = at_ns != WF_NEVER;
    wf_host_lends();
    if (is_timed)
        (void)wf_add_seq(&wf_rt.plain_timed, 1u);
    (void)wf_add_seq(&wf_rt.plain_epoch, 1u);
    (void)wf_add_seq(&wf_rt.plain_waiting, 1u);
    if (!is_timed) {
        sleep_on_token(self);
        return;
    }
    sleep_on_token_until(self, at_ns);
    (void)wf_sub_seq(&wf_rt.plain_timed, 1u);
}

static void park_thread(struct wf_waiter *self, int64_t at_ns)
{
    uint32_t none = TOKEN_NONE;
    wf_store_rlx(&self->wait_since_ns, wf_clock_now());
    bool is_sleep = wf_load_rlx(&self->wait_kind) == WF_ON_SLEEP; /* nobody will wake it soon */
    if (!is_sleep && spin_for_token(self))
        return;
    /* acquire [token] */
    if (wf_cas_acq_rel(&wf_thread_of(self)->token, &none, (uint32_t)TOKEN_SLEEPS))
        sleep_thread(self, at_ns);
}

static void wake_thread(struct wf_waiter *waiter)
{
    struct wf_thread *thread = wf_thread_of(waiter);
    _Atomic uint32_t *token = &thread->token;
    if (thread->on_wake != NULL) {
        thread->on_wake(thread);
        return;
    }
    uint32_t none = TOKEN_NONE;
    /* release [token] */
    if (wf_cas_acq_rel(token, &none, (uint32_t)TOKEN_GIVEN))
        return; /* it spins, and may be gone already */
    count_out();
    /* release [token] */
    wf_store_rel(token, (uint32_t)TOKEN_GIVEN);
    wf_futex_wake(token, 1);
}

/* ---- both ---------------------------------------------------------------------------------- */

WF_COLD bool wf_tell_look(struct wf_waiter *self, const char *where)
{
    uint32_t flag = wf_load_rlx(self->cancel);
    /* Who looks on another's behalf may hold a lock. */
    if (flag == WF_FLAG_WATCHED && wf_on_look != NULL && self == wf_waiter_known())
        wf_on_look(self, where);
    if (flag == WF_FLAG_UNARMED)
        wf_closing_arm(self);
    return wf_load_seq(self->cancel) == WF_FLAG_CANCELLED;
}

uint32_t wf_wait_park(struct wf_waiter *self, int64_t at_ns)
{
    if (WF_LIKELY(!wf_wait_is_over_before(self))) {
        if (!self->is_task)
            park_thread(self, at_ns);
        else if (at_ns == WF_NEVER)
            park_task(wf_task_of(self));
        else
            park_task_until(wf_task_of(self), at_ns);
        wf_san_own(self);
        self->budget = WF_OPERATIONS_PER_TURN; /* others have had their turn */
    }
    return wf_wait_end(self);
}

uint32_t wf_wait_park_for(struct wf_waiter *self, struct wf_waiter *other)
{
    wf_san_disown(other);
    if (WF_UNLIKELY(wf_wait_is_over_before(self))) {
        wf_ready(wf_task_of(other), WF_WAKE_NEXT);
    } else {
        wf_worker_hand_over(wf_task_of(self), wf_task_of(other));
        wf_san_own(self);
    }
    return wf_wait_end(self);
}

bool wf_wait_may_lend(struct wf_waiter *self, struct wf_waiter *other)
{
    return self->is_task && self->never_waits == NULL && wf_ctx_has_left(&wf_task_of(other)->ctx);
}

bool wf_wait_return_loan(struct wf_waiter *lender)
{
    return wf_load_rlx(&lender->cell) == WF_WAITING &&
           wf_load_seq(lender->cancel) == WF_FLAG_CANCELLED && wf_wait_claim_cancel(lender);
}

void wf_wait_wake(struct wf_waiter *waiter, enum wf_wake when)
{
    if (waiter->is_task) {
        /* The queue orders us before whoever pops the task, and that one switches to it; TSan,
         * which sees no order in a switch, is told directly. */
        wf_san_disown(waiter);
        wf_ready(wf_task_of(waiter), when);
        return;
    }
    wake_thread(waiter);
}

int wf_claim_code(struct wf_waiter *self, uint32_t claim)
{
    switch (claim) {
    case WF_CLAIM_CANCELED: return wf_is_flag_set(self) ? WEFT_ECANCELED : 0;
    case WF_CLAIM_TIMEOUT: return WEFT_ETIMEDOUT;
    case WF_CLAIM_DEADLOCK: return WEFT_EDEADLK;
    default: return 0;
    }
}

WF_NOINLINE void wf_coop_slow(struct wf_waiter *self)
{
    self->budget = WF_OPERATIONS_PER_TURN;
    if (self->is_task)
        wf_yield(self);
}

void wf_yield(struct wf_waiter *self)
{
    if (!self->is_task) {
        wf_thread_yield();
        return;
    }
    wf_worker_yield_task(wf_task_of(self));
}
