/* SPDX-License-Identifier: MIT
 * Model of the wait cell (sched/wait.h, W1 to W5): one claim decides, its wake is never lost, nor is
 * a cancel; what the claimer wrote is there when the waiter runs. */
#include "model.h"

#include "sched/wait_task.h"

/* Where one waits and others come for it, as at a channel. */
struct place {
    struct wf_lock lock;
    struct wf_waiter *waiter; /* under lock, as the next two */
    unsigned n_claims;
    unsigned n_cancels; /* by the canceller, before the wake */
    uint32_t brought;   /* by who claimed, before the wake: its own number */
    _Atomic uint32_t flag;
    _Atomic(struct wf_waiter *) known; /* to the canceller, who does not look at the place */
    _Atomic unsigned n_done;
};

static void place_init(struct place *place)
{
    *place = (struct place){ .waiter = NULL };
    wf_lock_init(&place->lock, WF_RANK_CHANNEL);
}

/* As any waiter, or as a task does it where that is inlined. */
static bool chooses_task_way(struct wf_waiter *self)
{
    return self->is_task && wt_random_below(2) == 0;
}

static void begin_wait(struct place *place, struct wf_waiter *self, bool is_task_way)
{
    wf_lock_acquire(&place->lock);
    if (is_task_way)
        wf_wait_begin_task(self, WF_ON_RECV, place);
    else
        wf_wait_begin(self, WF_ON_RECV, place);
    place->waiter = self;
    wf_lock_release(&place->lock);
}

static void end_wait(struct place *place)
{
    wf_lock_acquire(&place->lock);
    place->waiter = NULL; /* W3 */
    wf_lock_release(&place->lock);
}

static bool come_for(struct place *place, uint32_t number)
{
    wf_lock_acquire(&place->lock);
    struct wf_waiter *waiter = place->waiter;
    bool is_mine = waiter != NULL && wf_wait_claim(waiter, WF_CLAIM_FIRST + number);
    if (is_mine) {
        place->n_claims++;
        place->brought = number;
        place->waiter = NULL;
    }
    wf_lock_release(&place->lock);
    if (is_mine)
        wf_wait_wake(waiter, number % 2 == 0 ? WF_WAKE_NEXT : WF_WAKE_LAST);
    return is_mine;
}

/* The waiter's cancel flag is the place's while it is there. */
static _Atomic uint32_t *come_in(struct place *place, struct wf_waiter *self)
{
    _Atomic uint32_t *outer = self->cancel;
    self->cancel = &place->flag;
    wf_store_rel(&place->known, self);
    return outer;
}

static struct wf_waiter *await_waiter(struct place *place)
{
    struct wf_waiter *waiter;
    while ((waiter = wf_load_acq(&place->known)) == NULL)
        wf_cpu_relax();
    return waiter;
}

/* ---- claims against each other, time and cancels ---------------------------------------------- */

enum { ROUNDS = 3 };

static void wait_rounds(void *arg)
{
    struct place *place = arg;
    struct wf_waiter *self = wf_waiter_self();
    _Atomic uint32_t *outer = come_in(place, self);
    unsigned n_timeouts = 0, n_cancels = 0;
    for (unsigned round = 1; round <= ROUNDS; round++) {
        bool is_timed = wt_random_below(2) == 0;
        bool is_task_way = !is_timed && chooses_task_way(self);
        begin_wait(place, self, is_task_way);
        int64_t at_ns = is_timed ? wf_clock_after((int64_t)wt_random_below(3000)) : WF_NEVER;
        uint32_t claim = is_task_way ? wf_wait_park_task(self) : wf_wait_park(self, at_ns);
        end_wait(place);
        if (claim == WF_CLAIM_TIMEOUT) {
            ck_assert(is_timed && wf_clock_now() >= at_ns);
            n_timeouts++;
        } else if (claim == WF_CLAIM_CANCELED) {
            ck_assert_int_eq(wf_claim_code(self, claim), 0); /* W4 */
            ck_assert_uint_eq(place->n_cancels, ++n_cancels);
        } else {
            ck_assert_uint_eq(claim, WF_CLAIM_FIRST + place->brought);
        }
        ck_assert_uint_eq(place->n_claims + n_timeouts + n_cancels, round);
    }
    wf_store_seq(&place->n_done, 1u);
    while (wf_load_acq(&place->n_done) < 2) /* the canceller may still look at our cell */
        wf_cpu_relax();
    self->cancel = outer;
}

static void claim_as(struct place *place, uint32_t number)
{
    while (wf_load_seq(&place->n_done) == 0) {
        if (come_for(place, number))
            model_dawdle(3);
        wf_cpu_relax();
        if (!wf_waiter_self()->is_task)
            continue;
        MUST(weft_pause());
    }
}

/* As one who has set the flag of a scope that the waiter has left: it may claim, no more. */
static void cancel_in_vain(void *arg)
{
    struct place *place = arg;
    struct wf_waiter *waiter = await_waiter(place);
    while (wf_load_seq(&place->n_done) == 0) {
        if (wf_wait_claim_cancel(waiter)) {
            place->n_cancels++;
            wf_wait_wake(waiter, WF_WAKE_LAST);
        }
        wf_cpu_relax();
    }
    wf_store_rel(&place->n_done, 2u);
}

static void claim_as_1(void *place) { claim_as(place, 1); }
static void claim_as_2(void *place) { claim_as(place, 2); }

WT_TEST(one_claim_decides)
{
    struct place place;
    place_init(&place);
    wt_thread *canceller = wt_thread_start(cancel_in_vain, &place);
    struct actor actors[] = { { wait_rounds, &place },
                              { claim_as_1, &place },
                              { claim_as_2, &place } };
    model_run(actors, 3);
    wt_thread_join(canceller);
}

/* ---- a cancel -------------------------------------------------------------------------------- */

static void wait_for_cancel(void *arg)
{
    struct place *place = arg;
    struct wf_waiter *self = wf_waiter_self();
    _Atomic uint32_t *outer = come_in(place, self);
    model_dawdle(6);
    bool is_task_way = chooses_task_way(self);
    begin_wait(place, self, is_task_way);
    uint32_t claim = is_task_way ? wf_wait_park_task(self) : wf_wait_park(self, WF_NEVER);
    ck_assert_uint_eq(claim, WF_CLAIM_CANCELED);
    ck_assert_int_eq(wf_claim_code(self, claim), WEFT_ECANCELED);
    while (wf_load_acq(&place->n_done) == 0) /* the canceller may still look at our cell */
        wf_cpu_relax();
    self->cancel = outer;
}

static void cancel_once(void *arg)
{
    struct place *place = arg;
    struct wf_waiter *waiter = await_waiter(place);
    model_dawdle(6);
    wf_store_seq(&place->flag, 1u);
    if (wf_wait_claim_cancel(waiter))
        wf_wait_wake(waiter, WF_WAKE_LAST);
    wf_store_rel(&place->n_done, 1u);
}

WT_TEST(a_cancel_is_never_lost)
{
    struct place place;
    place_init(&place);
    wt_thread *canceller = wt_thread_start(cancel_once, &place);
    struct actor waits = { wait_for_cancel, &place };
    model_run(&waits, 1);
    wt_thread_join(canceller);
}

/* The same by a scope, which sets the flag and finds who is in it: its owner, or a child. */
static void cancel_scope(void *scope)
{
    model_dawdle(30);
    weft_scope_cancel(scope);
}

WT_TEST(a_scopes_cancel_reaches_its_owner)
{
    struct pipe pipe = model_open(NULL);
    int value;
    MUST(weft_configure(WEFT_CONFIG(.workers = 1)));
    WEFT_SCOPE(scope);
    wt_thread *canceller = wt_thread_start(cancel_scope, &scope);
    model_dawdle(30);
    ck_assert_int_eq(model_recv(pipe.rx, &value), WEFT_ECANCELED);
    wt_thread_join(canceller);
    MUST(weft_scope_wait(&scope));
    weft_half_drop(&pipe.tx);
    weft_half_drop(&pipe.rx);
}

WEFT_TASK(receive_in_vain, (rx, int, rx), (int *, out_rc))
{
    int value;
    model_dawdle(20);
    *out_rc = weft_recv(rx, &value);
    return 0;
}

WT_TEST(a_scopes_cancel_reaches_a_child)
{
    int rc = 99;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_configure(WEFT_CONFIG(.workers = 1 + (unsigned)wt_random_below(2))));
    MUST(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, receive_in_vain, WEFT_MOVE(rx), &rc));
    model_dawdle(150);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    ck_assert_int_eq(rc, WEFT_ECANCELED);
}

/* A task that is cancelled may have picked already who runs next, and stays. */
WEFT_TASK(go_round)
{
    for (int i = 0; i < 6; i++)
        if (weft_pause() < 0)
            return 0;
    return 0;
}

WT_TEST(a_cancelled_wait_holds_up_nobody)
{
    int rc = 99;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_configure(WEFT_CONFIG(.workers = 1 + (unsigned)wt_random_below(2))));
    MUST(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, go_round));
    MUST(weft_spawn(&scope, receive_in_vain, WEFT_MOVE(rx), &rc));
    MUST(weft_spawn(&scope, go_round));
    model_dawdle(200);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    ck_assert_int_eq(rc, WEFT_ECANCELED);
}

WT_MAIN("wait_model")
