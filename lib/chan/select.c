/* SPDX-License-Identifier: MIT
 * Select: one of several sends, receives and timers, and just that one.
 *
 *   probes   a case drawn at random; then, of up to 64, those that may be ready, in a random order
 *            (select_seen.h: which those are is remembered, when there are many), of more some
 *            drawn at random: the end of most selects
 *   survey   looks at all of them: what is wrong, what takes part, what may be ready
 *   choice   those that may be ready, in a random order: the first that is
 *   wait     select_wait.c
 *
 * The choice is fair: each ready case is as likely as the next. The first probe hits each of them
 * with the same chance, whatever the others are; and if it did not, so does the first place in a
 * random order. (Starting anywhere and going round would prefer a case that comes after many that
 * are not ready.)
 * An ordered select makes no probes, and looks from the first case on.
 *
 * A case is tried while the caller's cell is idle and it has no node anywhere, under the lock of its
 * channel alone: so nobody can do another case of it meanwhile, and it can't meet itself. */
#include "chan/select.h"
#include "chan/select_seen.h"
#include "plat/mem.h"
#include "sched/worker.h"

#include <limits.h>

enum {
    N_PROBES = 16,
    N_INLINE = 64, /* cases whose order takes no memory but the frame's */
};
#define MAX_CASES ((size_t)UINT16_MAX)

/* ---- one case -------------------------------------------------------------------------------- */

static inline int check_recv(const weft_case *c, const weft_receiver *rx)
{
    wf_half_must_be(&rx->half, WF_HALF_RECEIVER, "weft_select", "the half of a receive case");
    if (WF_UNLIKELY(c->size != rx->elem_size))
        return WEFT_EMSGSIZE;
    if (WF_UNLIKELY(c->value == NULL))
        return WEFT_EINVAL;
    bool may_try = rx->ops == &wf_chan_ops ||
                   (rx->ops->try_recv != NULL &&
                    (rx->ops->select_on != NULL || rx->ops->ready_at != NULL));
    return WF_LIKELY(may_try) ? 0 : WEFT_ENOTSUP;
}

static inline int check_send(const weft_case *c, const weft_sender *tx)
{
    wf_half_must_be(&tx->half, WF_HALF_SENDER, "weft_select", "the half of a send case");
    if (WF_UNLIKELY(c->size != tx->elem_size))
        return WEFT_EMSGSIZE;
    return WF_LIKELY(c->value != NULL) ? 0 : WEFT_EINVAL;
}

/* Of a case that takes part. */
static int check(const weft_case *c)
{
    switch (c->kind) {
    case WEFT_CASE_RECV: return check_recv(c, c->half);
    case WEFT_CASE_SEND: return check_send(c, c->half);
    default: return 0;
    }
}

static WF_NOINLINE int try_send_slow(weft_sender *tx, const void *value)
{
    struct wf_chores chores = { .spare = tx->spare };
    wf_chan_lock(tx->chan);
    int rc = wf_chan_try_send_locked(tx->chan, value, &chores);
    wf_chan_unlock(tx->chan);
    wf_chores_do(tx->chan, &chores);
    return rc == WEFT_EAGAIN ? WF_NOT_READY : rc;
}

static int visit_recv(const weft_case *c, weft_receiver *rx)
{
    if (rx->half.is_closed)
        return WEFT_ECLOSED;
    if (rx->ops != &wf_chan_ops)
        return wf_receiver_try_next(rx, c->value);
    bool was_given = rx->cause_given;
    int rc = wf_receiver_try_recv(rx, c->value, rx->elem_size);
    /* A cause may be that code, too. */
    return rc == WEFT_EAGAIN && rx->cause_given == was_given ? WF_NOT_READY : rc;
}

static int visit_send(const weft_case *c, weft_sender *tx)
{
    if (tx->half.is_closed)
        return WEFT_ECLOSED;
    return wf_chan_may_send(tx->chan) ? try_send_slow(tx, c->value) : WF_NOT_READY;
}

/* Does a live case that was checked, if it is ready: what its operation returned, or WF_NOT_READY. */
static int visit(const weft_case *c)
{
    switch (c->kind) {
    case WEFT_CASE_RECV: return visit_recv(c, c->half);
    case WEFT_CASE_SEND: return visit_send(c, c->half);
    default: return wf_clock_now() >= c->at_ns ? 0 : WF_NOT_READY;
    }
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* May visiting it do anything? Of a live case that is well made. */
static bool may_be_ready(const weft_case *c)
{
    if (c->kind == WEFT_CASE_AFTER)
        return wf_clock_now() >= c->at_ns;
    if (((const struct wf_half *)c->half)->is_closed || !wf_case_is_of_chan(c))
        return true;
    return c->kind == WEFT_CASE_RECV ? wf_chan_may_recv(((weft_receiver *)c->half)->source)
                                     : wf_chan_may_send(((weft_sender *)c->half)->chan);
}

static void note_timer(struct wf_selection *s, size_t i)
{
    if (s->timer == WF_NO_CASE || s->cases[i].at_ns < s->cases[s->timer].at_ns)
        s->timer = i;
}

/* Looks at each case and does none: how many may be ready, which go into `order`, or what is
 * wrong. */
static int survey(struct wf_selection *s, uint16_t *order)
{
    int n_ready = 0;
    s->n_live = 0;
    s->nothing = s->timer = WF_NO_CASE;
    for (size_t i = 0; i < s->n_cases; i++) {
        const weft_case *c = &s->cases[i];
        if (c->kind < WEFT_CASE_NONE || c->kind > WEFT_CASE_NOTHING)
            return WEFT_EINVAL;
        if (c->kind == WEFT_CASE_NOTHING && s->nothing == WF_NO_CASE)
            s->nothing = i;
        if (!wf_case_is_live(c))
            continue;
        int rc = check(c);
        if (rc < 0)
            return rc;
        if (c->kind == WEFT_CASE_AFTER)
            note_timer(s, i);
        s->n_live++;
        if (may_be_ready(c))
            order[n_ready++] = (uint16_t)i;
    }
    return s->n_live == 0 && s->nothing == WF_NO_CASE ? WEFT_EINVAL : n_ready;
}

/* Puts one of order[i] and those after it in place i, each equally likely. */
static void draw(struct wf_selection *s, uint16_t *order, size_t i, size_t n)
{
    if (s->is_ordered || n - i < 2)
        return;
    size_t j = i + wf_rng_below(&s->rng, (uint32_t)(n - i));
    uint16_t drawn = order[j];
    order[j] = order[i];
    order[i] = drawn;
}

/* Does one that is ready: the case, or WF_NO_CASE. */
static size_t choose(struct wf_selection *s, uint16_t *order, size_t n, int *rc)
{
    for (size_t i = 0; i < n; i++) {
        draw(s, order, i, n);
        *rc = visit(&s->cases[order[i]]);
        if (*rc != WF_NOT_READY)
            return order[i];
    }
    return WF_NO_CASE;
}

static int look_and_wait(struct wf_selection *s, uint16_t *order, int *out_rc)
{
    for (;;) {
        int n_ready = survey(s, order), rc;
        if (n_ready < 0)
            return n_ready;
        if (s->nothing == WF_NO_CASE && wf_is_cancelled(s->self))
            return WEFT_ECANCELED;
        size_t i = choose(s, order, (size_t)n_ready, &rc);
        if (i == WF_NO_CASE)
            i = wf_select_wait(s, &rc);
        if (i != WF_NO_CASE) {
            if (out_rc != NULL)
                *out_rc = rc;
            return (int)i;
        }
        if (rc != WF_NODE_RETRY)
            return rc;
    }
}

/* ---- probes ---------------------------------------------------------------------------------- */

/* What select returns when it has done a case. */
static inline int done(size_t i, int rc, int *out_rc, struct wf_waiter *self)
{
    self->budget--;
    if (out_rc != NULL)
        *out_rc = rc;
    return (int)i;
}

/* A well-made case whose channel has a value of 8 bytes in the ring, as far as can be seen: the most
 * frequent one, done without calls (quick.c). */
static inline bool has_word(const weft_case *c)
{
    const weft_receiver *rx = c->half;
    return c->kind == WEFT_CASE_RECV && rx != NULL && rx->half.kind == WF_HALF_RECEIVER &&
           c->size == sizeof(uint64_t) && rx->elem_size == sizeof(uint64_t) && c->value != NULL &&
           rx->ops == &wf_chan_ops && !rx->half.is_closed &&
           wf_load_rlx(&((struct wf_chan *)rx->source)->ring.n_full) > 0;
}

static inline bool take_word(const weft_case *c)
{
    weft_receiver *rx = c->half;
    struct wf_chan *ch = rx->source;
    if (WF_UNLIKELY(!wf_lock_try(&ch->lock)))
        return false;
    bool is_there = wf_ring_n_full(&ch->ring) > 0 && wf_list_is_empty(&ch->senders);
    if (WF_LIKELY(is_there)) {
        wf_ring_pop_sized(&ch->ring, c->value, sizeof(uint64_t));
        ch->n_received++;
        rx->last_error = 0;
    }
    wf_chan_unlock(ch);
    return is_there;
}

/* Does a case if it is ready: what select returns, or WF_NOT_READY. */
static int probe_one(const weft_case *cases, size_t i, int *out_rc, struct wf_waiter *self)
{
    const weft_case *c = &cases[i];
    if (!wf_case_is_live(c))
        return WF_NOT_READY;
    int rc = check(c);
    if (WF_UNLIKELY(rc < 0))
        return rc;
    rc = visit(c);
    return rc != WF_NOT_READY ? done(i, rc, out_rc, self) : WF_NOT_READY;
}

/* Of more than 64: visits some, drawn with putting back. */
static WF_NOINLINE int probe_some(const weft_case *cases, size_t n_cases, int *out_rc,
                                  struct wf_waiter *self, struct wf_rng *rng)
{
    int rc = WF_NOT_READY;
    for (size_t turn = 1; turn < N_PROBES && rc == WF_NOT_READY; turn++)
        rc = probe_one(cases, wf_rng_below(rng, (uint32_t)n_cases), out_rc, self);
    return rc;
}

/* May a probe of it do anything, if only find it wrong? */
static inline bool is_worth_a_probe(const weft_case *c)
{
    const weft_receiver *rx = c->half;
    if (WF_LIKELY(c->kind == WEFT_CASE_RECV && rx != NULL && rx->half.kind == WF_HALF_RECEIVER &&
                  rx->ops == &wf_chan_ops && !rx->half.is_closed))
        return wf_chan_may_recv(rx->source);
    return wf_case_is_live(c) && (check(c) < 0 || may_be_ready(c));
}

static uint64_t look_at_all(const weft_case *cases, size_t n_cases)
{
    uint64_t set = 0;
    for (size_t i = 0; i < n_cases; i++)
        set |= (uint64_t)is_worth_a_probe(&cases[i]) << i;
    return set;
}

/* Of those that may be ready, each equally likely. */
static int probe_set(const weft_case *cases, size_t n_cases, uint64_t *set, int *out_rc,
                     struct wf_waiter *self, struct wf_rng *rng)
{
    for (size_t i; *set != 0; *set = wf_set_without(*set, i)) {
        i = wf_set_draw(*set, n_cases, rng);
        if (has_word(&cases[i]) && take_word(&cases[i]))
            return done(i, 1, out_rc, self);
        int rc = probe_one(cases, i, out_rc, self);
        if (rc != WF_NOT_READY)
            return rc;
    }
    return WF_NOT_READY;
}

/* Of up to 64. */
static WF_NOINLINE int probe_few(const weft_case *cases, size_t n_cases, int *out_rc,
                                 const void *site, struct wf_waiter *self, struct wf_rng *rng)
{
    uint64_t seen = wf_seen_recall(site, cases, n_cases);
    int rc = WF_NOT_READY;
    if (seen != 0) {
        rc = probe_set(cases, n_cases, &seen, out_rc, self, rng);
        wf_seen_correct(site, cases, n_cases, seen);
    }
    if (rc != WF_NOT_READY)
        return rc;
    seen = look_at_all(cases, n_cases);
    if (n_cases >= 2 * WF_SEEN_SHARE)
        wf_seen_remember(site, cases, n_cases, seen);
    return probe_set(cases, n_cases, &seen, out_rc, self, rng);
}

/* ---- the call -------------------------------------------------------------------------------- */

static inline bool may_probe(struct wf_waiter *self, const weft_case *cases, size_t n_cases)
{
    return WF_LIKELY(self != NULL && self->budget > 0 && cases != NULL && n_cases - 1 < MAX_CASES &&
                     !wf_may_be_cancelled(self));
}

/* A half that is none dies with its sentence here too, as in every other call. */
static WF_COLD int refuse(const weft_case *cases, size_t n_cases)
{
    for (size_t i = 0; i < n_cases; i++)
        if (wf_case_is_live(&cases[i]))
            (void)check(&cases[i]);
    return wf_no_waiter();
}

static int select_all(const weft_case *cases, size_t n_cases, int *out_rc, bool is_ordered)
{
    if (cases == NULL || n_cases == 0)
        return WEFT_EINVAL;
    if (n_cases > MAX_CASES)
        return WEFT_EOVERFLOW;
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return refuse(cases, n_cases);
    wf_coop(self);
    struct wf_selection s = { .cases = cases,
                              .n_cases = n_cases,
                              .self = self,
                              .rng.state = wf_random(),
                              .is_ordered = is_ordered };
    WEFT_UNSET_ uint16_t few[N_INLINE];
    if (n_cases <= N_INLINE)
        return look_and_wait(&s, few, out_rc);
    uint16_t *order = wf_alloc(n_cases, sizeof *order);
    if (order == NULL)
        return WEFT_ENOMEM;
    int rc = look_and_wait(&s, order, out_rc);
    wf_free(order);
    return rc;
}

/* Of the case that was drawn no word could be taken; it may be ready all the same. */
static int probe(const weft_case *cases, size_t n_cases, int *out_rc, size_t drawn,
                 const void *site, struct wf_waiter *self)
{
    int rc = is_worth_a_probe(&cases[drawn]) ? probe_one(cases, drawn, out_rc, self) : WF_NOT_READY;
    if (WF_LIKELY(rc != WF_NOT_READY))
        return rc;
    struct wf_rng rng = { wf_random() };
    return n_cases <= WF_SEEN_MAX ? probe_few(cases, n_cases, out_rc, site, self, &rng)
                                  : probe_some(cases, n_cases, out_rc, self, &rng);
}

static WF_NOINLINE int select_slow(const weft_case *cases, size_t n_cases, int *out_rc,
                                   size_t drawn, const void *site)
{
    struct wf_waiter *self = wf_waiter_known();
    int rc = WF_NOT_READY;
    if (may_probe(self, cases, n_cases))
        rc = probe(cases, n_cases, out_rc, drawn, site, self);
    return rc != WF_NOT_READY ? rc : select_all(cases, n_cases, out_rc, false);
}

int weft_select_from(const weft_case *cases, size_t n_cases, int *out_rc)
{
    struct wf_waiter *self = wf_caller_known();
    size_t i = 0;
    if (may_probe(self, cases, n_cases)) {
        i = (size_t)(((wf_random() >> 32) * n_cases) >> 32);
        if (has_word(&cases[i]) && take_word(&cases[i]))
            return done(i, 1, out_rc, self);
    }
    return select_slow(cases, n_cases, out_rc, i, __builtin_return_address(0));
}

int weft_select_from_ordered(const weft_case *cases, size_t n_cases, int *out_rc)
{
    wf_note_call();
    return select_all(cases, n_cases, out_rc, true);
}

/* ---- making cases ---------------------------------------------------------------------------- */

weft_case weft_case_recv(weft_receiver *rx, void *out, size_t size)
{
    return (weft_case){ .kind = WEFT_CASE_RECV, .half = rx, .value = out, .size = size };
}

weft_case weft_case_send(weft_sender *tx, const void *value, size_t size)
{
    return (weft_case){
        .kind = WEFT_CASE_SEND, .half = tx, .value = (void *)(uintptr_t)value, .size = size
    };
}

weft_case weft_on_after(int64_t d_ns)
{
    return (weft_case){ .kind = WEFT_CASE_AFTER, .at_ns = wf_clock_after(d_ns) };
}

weft_case weft_on_nothing(void) { return (weft_case){ .kind = WEFT_CASE_NOTHING }; }
