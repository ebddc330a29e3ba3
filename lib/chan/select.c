/* SPDX-License-Identifier: MIT
 * Select: one of several sends, receives and timers, and just that one.
 *
 *   probes   a few cases drawn at random, each done if it is ready: the end of most selects, and
 *            its cost does not grow with the number of cases
 *   survey   looks at all of them: what is wrong, what takes part, what may be ready
 *   choice   those that may be ready, in a random order: the first that is
 *   wait     select_wait.c
 *
 * The choice is fair: each ready case is as likely as the next. A probe hits each of them with the
 * same chance, whatever the others are; and if none did, so does the first place in a random order.
 * (Starting anywhere and going round would prefer a case that comes after many that are not ready.)
 * An ordered select makes no probes, and looks from the first case on.
 *
 * A case is tried while the caller's cell is idle and it has no node anywhere, under the lock of its
 * channel alone: so nobody can do another case of it meanwhile, and it can't meet itself. */
#include "chan/select.h"
#include "plat/mem.h"

enum {
    N_PROBES = 4,
    N_INLINE = 64, /* cases whose order takes no memory but the frame's */
};
#define MAX_CASES ((size_t)UINT16_MAX)

/* What came of a case that was visited. */
enum visit {
    NOT_READY, /* or it takes no part */
    DONE,      /* *rc: what its operation returned */
    WRONG,     /* *rc: what select returns */
};

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

static enum visit try_send(weft_sender *tx, const void *value, int *rc)
{
    struct wf_chores chores = { .spare = tx->spare };
    wf_chan_lock(tx->chan);
    *rc = wf_chan_try_send_locked(tx->chan, value, &chores);
    wf_chan_unlock(tx->chan);
    wf_chores_do(tx->chan, &chores);
    return *rc != WEFT_EAGAIN ? DONE : NOT_READY;
}

static enum visit try_recv(weft_receiver *rx, void *out, int *rc)
{
    struct wf_chan *ch = rx->source;
    struct wf_chores chores = { 0 };
    wf_chan_lock(ch);
    int got = wf_chan_try_recv_locked(ch, out, &chores);
    wf_chan_unlock(ch);
    wf_chores_do(ch, &chores);
    if (got == WEFT_EAGAIN)
        return NOT_READY;
    *rc = wf_chan_recv_code(rx, got);
    return DONE;
}

/* From what is not a channel. */
static WF_NOINLINE enum visit try_source(weft_receiver *rx, void *out, int *rc)
{
    *rc = wf_receiver_try_next(rx, out);
    return *rc != WEFT_EAGAIN ? DONE : NOT_READY;
}

static enum visit try_timer(const weft_case *c, int *rc)
{
    *rc = 0;
    return wf_clock_now() >= c->at_ns ? DONE : NOT_READY;
}

static inline enum visit visit_recv(const weft_case *c, weft_receiver *rx, int *rc)
{
    if (rx == NULL)
        return NOT_READY;
    *rc = check_recv(c, rx);
    if (WF_UNLIKELY(*rc < 0))
        return WRONG;
    if (WF_UNLIKELY(rx->half.is_closed)) {
        *rc = WEFT_ECLOSED;
        return DONE;
    }
    if (WF_UNLIKELY(rx->ops != &wf_chan_ops))
        return try_source(rx, c->value, rc);
    return try_recv(rx, c->value, rc);
}

static inline enum visit visit_send(const weft_case *c, weft_sender *tx, int *rc)
{
    if (tx == NULL)
        return NOT_READY;
    *rc = check_send(c, tx);
    if (WF_UNLIKELY(*rc < 0))
        return WRONG;
    if (WF_UNLIKELY(tx->half.is_closed)) {
        *rc = WEFT_ECLOSED;
        return DONE;
    }
    return try_send(tx, c->value, rc);
}

/* Does the case if it is ready. */
static inline enum visit visit(const weft_case *c, int *rc)
{
    switch (c->kind) {
    case WEFT_CASE_RECV: return visit_recv(c, c->half, rc);
    case WEFT_CASE_SEND: return visit_send(c, c->half, rc);
    case WEFT_CASE_AFTER: return try_timer(c, rc);
    case WEFT_CASE_NONE:
    case WEFT_CASE_NOTHING: return NOT_READY;
    default: *rc = WEFT_EINVAL; return WRONG;
    }
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Looks at each case and does none: 0, or what is wrong. */
static int survey(struct wf_selection *s, uint16_t *order)
{
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
        if (c->kind == WEFT_CASE_AFTER &&
            (s->timer == WF_NO_CASE || c->at_ns < s->cases[s->timer].at_ns))
            s->timer = i;
        order[s->n_live++] = (uint16_t)i;
    }
    return s->n_live == 0 && s->nothing == WF_NO_CASE ? WEFT_EINVAL : 0;
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
        if (visit(&s->cases[order[i]], rc) == DONE)
            return order[i];
    }
    return WF_NO_CASE;
}

static int look_and_wait(struct wf_selection *s, uint16_t *order, int *out_rc)
{
    for (;;) {
        int rc = survey(s, order);
        if (rc < 0)
            return rc;
        if (s->nothing == WF_NO_CASE && wf_is_cancelled(s->self))
            return WEFT_ECANCELED;
        size_t i = choose(s, order, s->n_live, &rc);
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

static WF_NOINLINE int look_and_wait_slow(struct wf_selection *s, int *out_rc)
{
    uint16_t few[N_INLINE];
    uint16_t *order = s->n_cases <= N_INLINE ? few : wf_alloc(s->n_cases, sizeof *order);
    if (order == NULL)
        return WEFT_ENOMEM;
    int rc = look_and_wait(s, order, out_rc);
    if (order != few)
        wf_free(order);
    return rc;
}

/* ---- the call -------------------------------------------------------------------------------- */

/* Visits some cases, drawn with putting back. True: that was it, *rc is what select returns. */
static inline bool probe(struct wf_selection *s, int *out_rc, int *rc)
{
    size_t n = WF_MIN(s->n_cases, (size_t)N_PROBES);
    for (size_t turn = 0; turn < n; turn++) {
        size_t i = wf_rng_below(&s->rng, (uint32_t)s->n_cases);
        int case_rc;
        enum visit came = visit(&s->cases[i], &case_rc);
        if (came == NOT_READY)
            continue;
        *rc = came == DONE ? (int)i : case_rc;
        if (came == DONE && out_rc != NULL)
            *out_rc = case_rc;
        return true;
    }
    return false;
}

/* A half that is none dies with its sentence here too, as in every other call. */
static WF_COLD int refuse(const weft_case *cases, size_t n_cases)
{
    for (size_t i = 0; i < n_cases; i++)
        if (wf_case_is_live(&cases[i]))
            (void)check(&cases[i]);
    return wf_no_waiter();
}

static int select_from(const weft_case *cases, size_t n_cases, int *out_rc, bool is_ordered)
{
    int rc;
    if (cases == NULL || n_cases == 0)
        return WEFT_EINVAL;
    if (n_cases > MAX_CASES)
        return WEFT_EOVERFLOW;
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return refuse(cases, n_cases);
    wf_coop(self);
    struct wf_selection s = {
        .cases = cases, .n_cases = n_cases, .self = self, .is_ordered = is_ordered
    };
    if (!is_ordered) {
        s.rng.state = wf_random(self);
        if (WF_LIKELY(!wf_is_cancelled(self)) && probe(&s, out_rc, &rc))
            return rc;
    }
    return look_and_wait_slow(&s, out_rc);
}

int weft_select_from(const weft_case *cases, size_t n_cases, int *out_rc)
{
    return select_from(cases, n_cases, out_rc, false);
}

int weft_select_from_ordered(const weft_case *cases, size_t n_cases, int *out_rc)
{
    return select_from(cases, n_cases, out_rc, true);
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
