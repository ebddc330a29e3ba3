/* SPDX-License-Identifier: MIT
 * Select: one of several sends, receives and timers, and just that one.
 *
 *   pass 1   the cases in turn, each under its own lock alone: the common end of most selects
 *   pass 2   all channels locked together, in the order of their addresses: looks again, and, with
 *            nothing ready at that one instant, takes the "nothing" case, or leaves a node on each
 *            and waits
 *   after    takes its nodes off (wait.h, W3) and reads which one was claimed
 *
 * A source that is not a channel says on which channel its state shows (select_on, asked before
 * anything is locked); a node without a slot there only wakes the select, which starts over. So
 * does a channel that ended: pass 1 finds the end. A commit through a claimed node has happened,
 * whatever else is true by then; every other way back moved nothing.
 *
 * Two selects may meet each other: each tries while its own cell is idle and it has no node
 * anywhere, so it can't meet itself, and who comes second finds the other's node.
 *
 * Rejected: locking all channels at once only. One lock is enough whenever something is ready. */
#include "chan/chan.h"
#include "plat/mem.h"

#include <weft/select.h>

enum { N_INLINE = 8 }; /* cases without an allocation; bounded by the frame's size */
#define MAX_CASES ((size_t)UINT16_MAX)
#define NO_CASE   SIZE_MAX

/* A case that takes part: a half that is there, or a timer. */
struct part {
    struct wf_node node;
    struct wf_chan *chan; /* where the node goes; NULL: a timer */
};

struct selection {
    const weft_case *cases;
    struct wf_waiter *self;
    bool is_ordered;

    /* Parts in the order in which they are looked at; a part's index is its case's. */
    uint16_t *order;
    size_t n_live;
    struct part *parts;     /* by position in order; valid in pass 2 and after */
    struct wf_chan **chans; /* distinct, ascending */
    size_t n_chans;

    size_t nothing, timer; /* the "nothing" case, the earliest timer; or NO_CASE */
};

static bool is_of_chan(const weft_case *c)
{
    return c->kind == WEFT_CASE_SEND || ((const weft_receiver *)c->half)->ops == &wf_chan_ops;
}

/* ---- checking the cases ---------------------------------------------------------------------- */

static int check_half(const weft_case *c)
{
    const struct wf_half *half = c->half;
    bool is_recv = c->kind == WEFT_CASE_RECV;
    wf_half_must_be(half, is_recv ? WF_HALF_RECEIVER : WF_HALF_SENDER, "weft_select",
                    is_recv ? "the half of a receive case" : "the half of a send case");
    if (c->size != (is_recv ? ((const weft_receiver *)c->half)->elem_size
                            : ((const weft_sender *)c->half)->elem_size))
        return WEFT_EMSGSIZE;
    if (c->value == NULL)
        return WEFT_EINVAL;
    if (is_recv) {
        const struct wf_source_ops *ops = ((const weft_receiver *)c->half)->ops;
        if (ops->try_recv == NULL || ops->select_on == NULL)
            return WEFT_ENOTSUP;
    }
    return 0;
}

/* 1 the case takes part, 0 it does not, or what is wrong with it. */
static int check_case(struct selection *s, size_t i)
{
    const weft_case *c = &s->cases[i];
    switch (c->kind) {
    case WEFT_CASE_NONE: return 0;
    case WEFT_CASE_NOTHING:
        if (s->nothing == NO_CASE)
            s->nothing = i;
        return 0;
    case WEFT_CASE_AFTER:
        if (s->timer == NO_CASE || c->at_ns < s->cases[s->timer].at_ns)
            s->timer = i;
        return 1;
    case WEFT_CASE_RECV:
    case WEFT_CASE_SEND:
        if (c->half == NULL)
            return 0;
        int rc = check_half(c);
        return rc < 0 ? rc : 1;
    default: return WEFT_EINVAL;
    }
}

static int count_live(struct selection *s, size_t n_cases)
{
    for (size_t i = 0; i < n_cases; i++) {
        int rc = check_case(s, i);
        if (rc < 0)
            return rc;
        s->n_live += (size_t)rc;
    }
    return s->n_live == 0 && s->nothing == NO_CASE ? WEFT_EINVAL : 0;
}

/* ---- pass 1 ---------------------------------------------------------------------------------- */

static bool try_send_case(weft_sender *tx, const void *value, int *rc)
{
    struct wf_chores chores = { .spare = tx->spare };
    wf_chan_lock(tx->chan);
    *rc = wf_chan_try_send_locked(tx->chan, value, &chores);
    wf_chan_unlock(tx->chan);
    wf_chores_do(tx->chan, &chores);
    return *rc != WEFT_EAGAIN;
}

static bool try_recv_case(weft_receiver *rx, void *out, int *rc)
{
    if (rx->ops != &wf_chan_ops) {
        int last_error = rx->last_error;
        *rc = wf_receiver_try_next(rx, out);
        if (*rc == WEFT_EAGAIN)
            rx->last_error = last_error; /* a case that loses leaves no trace */
        return *rc != WEFT_EAGAIN;
    }
    struct wf_chan *ch = rx->source;
    struct wf_chores chores = { 0 };
    wf_chan_lock(ch);
    int got = wf_chan_try_recv_locked(ch, out, &chores);
    wf_chan_unlock(ch);
    wf_chores_do(ch, &chores);
    if (got == WEFT_EAGAIN)
        return false;
    *rc = wf_chan_recv_code(rx, got);
    return true;
}

/* Does the case if it is ready; *rc is what its operation returned. */
static bool try_case(const weft_case *c, int *rc)
{
    if (c->kind == WEFT_CASE_AFTER) {
        *rc = 0;
        return wf_clock_now() >= c->at_ns;
    }
    if (((const struct wf_half *)c->half)->is_closed) {
        *rc = WEFT_ECLOSED;
        return true;
    }
    return c->kind == WEFT_CASE_SEND ? try_send_case(c->half, c->value, rc)
                                     : try_recv_case(c->half, c->value, rc);
}

/* Puts one of the cases not yet looked at in place i: each equally likely, so that the first
 * ready one is a uniform choice among those that are ready. */
static void draw(struct selection *s, size_t i)
{
    size_t n_left = s->n_live - i;
    if (s->is_ordered || n_left < 2)
        return;
    size_t j = i + wf_random_below(s->self, (uint32_t)n_left);
    uint16_t drawn = s->order[j];
    s->order[j] = s->order[i];
    s->order[i] = drawn;
}

static size_t pass_1(struct selection *s, int *rc)
{
    for (size_t i = 0; i < s->n_live; i++) {
        draw(s, i);
        if (try_case(&s->cases[s->order[i]], rc))
            return s->order[i];
    }
    return NO_CASE;
}

/* ---- pass 2 ---------------------------------------------------------------------------------- */

static void add_chan(struct selection *s, struct wf_chan *ch)
{
    size_t i = s->n_chans;
    while (i > 0 && s->chans[i - 1] > ch)
        i--;
    if (i > 0 && s->chans[i - 1] == ch)
        return;
    for (size_t j = s->n_chans++; j > i; j--)
        s->chans[j] = s->chans[j - 1];
    s->chans[i] = ch;
}

/* Finds the channels to wait on. 0; WF_NODE_RETRY: one says it never makes wait; WEFT_ENOTSUP. */
static int find_chans(struct selection *s)
{
    s->n_chans = 0;
    for (size_t i = 0; i < s->n_live; i++) {
        const weft_case *c = &s->cases[s->order[i]];
        struct part *part = &s->parts[i];
        *part = (struct part){ .node = { .waiter = s->self,
                                         .claim = WF_CLAIM_FIRST + (uint32_t)i } };
        wf_link_init(&part->node.link);
        if (c->kind == WEFT_CASE_AFTER)
            continue;
        if (c->kind == WEFT_CASE_SEND) {
            part->chan = ((weft_sender *)c->half)->chan;
        } else {
            weft_receiver *rx = c->half;
            part->chan = rx->ops->select_on(rx);
            if (part->chan == NULL)
                return WEFT_ENOTSUP;
            if (part->chan->is_always_ready)
                return WF_NODE_RETRY;
        }
        part->node.slot = is_of_chan(c) ? c->value : NULL;
        add_chan(s, part->chan);
    }
    return 0;
}

static void lock_all(struct selection *s)
{
    for (size_t i = 0; i < s->n_chans; i++)
        wf_chan_lock(s->chans[i]);
}

static void unlock_all(struct selection *s)
{
    for (size_t i = s->n_chans; i-- > 0;)
        wf_chan_unlock(s->chans[i]);
}

/* Looks again, with all locked: the position that committed, or NO_CASE with *rc EAGAIN, or RETRY
 * when a source that only its own functions can pull has become readable. */
static size_t look_again_locked(struct selection *s, struct wf_chores *chores, int *rc)
{
    *rc = WEFT_EAGAIN;
    for (size_t i = 0; i < s->n_live; i++) {
        const weft_case *c = &s->cases[s->order[i]];
        struct part *part = &s->parts[i];
        if (c->kind == WEFT_CASE_SEND) {
            chores->spare = ((weft_sender *)c->half)->spare;
            *rc = wf_chan_try_send_locked(part->chan, c->value, chores);
        } else if (c->kind == WEFT_CASE_RECV && is_of_chan(c)) {
            *rc = wf_chan_try_recv_locked(part->chan, c->value, chores);
        } else if (c->kind == WEFT_CASE_RECV && wf_chan_is_readable_locked(part->chan)) {
            *rc = WF_NODE_RETRY;
            return NO_CASE;
        }
        if (*rc != WEFT_EAGAIN)
            return i;
    }
    return NO_CASE;
}

static void append_all_locked(struct selection *s)
{
    for (size_t i = 0; i < s->n_live; i++) {
        const weft_case *c = &s->cases[s->order[i]];
        struct part *part = &s->parts[i];
        if (part->chan == NULL)
            continue;
        if (is_of_chan(c))
            wf_half_set_holder(c->half, s->self);
        wf_list_push_back(c->kind == WEFT_CASE_SEND ? &part->chan->senders : &part->chan->receivers,
                          &part->node.link);
    }
}

static void unlink_all(struct selection *s, uint32_t claim)
{
    for (size_t i = 0; i < s->n_live; i++) {
        struct part *part = &s->parts[i];
        if (part->chan == NULL || part->node.claim == claim)
            continue; /* the claimer has unlinked that one */
        wf_chan_lock(part->chan);
        wf_list_remove(&part->node.link);
        wf_chan_unlock(part->chan);
    }
}

/* The result of the case at position i. */
static size_t done(struct selection *s, size_t i, int *rc)
{
    const weft_case *c = &s->cases[s->order[i]];
    if (c->kind == WEFT_CASE_RECV)
        *rc = wf_chan_recv_code(c->half, *rc);
    return s->order[i];
}

/* Nodes are on all channels, the locks released: waits. As pass_2. */
static size_t await(struct selection *s, int *rc)
{
    uint32_t claim = wf_wait_park(s->self,
                                  s->timer != NO_CASE ? s->cases[s->timer].at_ns : WF_NEVER);
    unlink_all(s, claim);
    if (claim >= WF_CLAIM_FIRST) {
        size_t i = claim - WF_CLAIM_FIRST;
        *rc = s->parts[i].node.rc;
        return *rc == WF_NODE_RETRY ? NO_CASE : done(s, i, rc);
    }
    if (claim == WF_CLAIM_TIMEOUT) {
        *rc = 0;
        return s->timer;
    }
    int code = wf_claim_code(s->self, claim);
    *rc = code < 0 ? code : WF_NODE_RETRY;
    return NO_CASE;
}

/* The case that was done; or NO_CASE, *rc telling why: WF_NODE_RETRY or an error. */
static size_t pass_2(struct selection *s, int *rc)
{
    struct wf_chores chores = { 0 };
    *rc = find_chans(s);
    if (*rc != 0)
        return NO_CASE;
    lock_all(s);
    size_t i = look_again_locked(s, &chores, rc);
    bool must_wait = i == NO_CASE && *rc == WEFT_EAGAIN && s->nothing == NO_CASE;
    if (must_wait) {
        wf_wait_begin(s->self, WF_ON_SELECT, s->n_chans > 0 ? s->chans[0] : NULL);
        append_all_locked(s);
    }
    unlock_all(s);
    /* Only the case that was done has a value to drop; any may have told others that it is here. */
    wf_chores_do(i != NO_CASE ? s->parts[i].chan : NULL, &chores);
    if (must_wait)
        return await(s, rc);
    if (i != NO_CASE)
        return done(s, i, rc);
    if (*rc != WEFT_EAGAIN)
        return NO_CASE;
    *rc = 0;
    return s->nothing;
}

/* ---- the call -------------------------------------------------------------------------------- */

static int run(struct selection *s, int *out_rc)
{
    for (;;) {
        int rc = 0;
        if (s->nothing == NO_CASE && wf_is_cancelled(s->self))
            return WEFT_ECANCELED;
        size_t i = pass_1(s, &rc);
        if (i == NO_CASE)
            i = pass_2(s, &rc);
        if (i != NO_CASE) {
            if (out_rc != NULL)
                *out_rc = rc;
            return (int)i;
        }
        if (rc != WF_NODE_RETRY)
            return rc;
    }
}

static void list_live(struct selection *s, size_t n_cases)
{
    size_t n = 0;
    for (size_t i = 0; i < n_cases; i++) {
        const weft_case *c = &s->cases[i];
        bool is_live = c->kind == WEFT_CASE_AFTER ||
                       ((c->kind == WEFT_CASE_RECV || c->kind == WEFT_CASE_SEND) &&
                        c->half != NULL);
        if (is_live)
            s->order[n++] = (uint16_t)i;
    }
}

static int run_inline(struct selection *s, size_t n_cases, int *out_rc)
{
    struct part parts[N_INLINE];
    struct wf_chan *chans[N_INLINE];
    uint16_t order[N_INLINE] = { 0 };
    s->parts = parts;
    s->chans = chans;
    s->order = order;
    list_live(s, n_cases);
    int rc = run(s, out_rc);
    s->parts = NULL; /* they end here */
    s->chans = NULL;
    s->order = NULL;
    return rc;
}

static WF_NOINLINE int run_allocated_slow(struct selection *s, size_t n_cases, int *out_rc)
{
    char *memory = wf_alloc(s->n_live, sizeof *s->parts + sizeof *s->chans + sizeof *s->order);
    if (memory == NULL)
        return WEFT_ENOMEM;
    s->parts = (struct part *)(void *)memory;
    s->chans = (struct wf_chan **)(void *)(s->parts + s->n_live);
    s->order = (uint16_t *)(void *)(s->chans + s->n_live);
    list_live(s, n_cases);
    int rc = run(s, out_rc);
    wf_free(memory);
    return rc;
}

static int select_from(const weft_case *cases, size_t n_cases, int *out_rc, bool is_ordered)
{
    if (cases == NULL || n_cases == 0)
        return WEFT_EINVAL;
    if (n_cases > MAX_CASES)
        return WEFT_EOVERFLOW;
    struct selection s = {
        .cases = cases, .is_ordered = is_ordered, .nothing = NO_CASE, .timer = NO_CASE
    };
    int rc = count_live(&s, n_cases);
    if (rc < 0)
        return rc;
    s.self = wf_waiter_self();
    if (s.self == NULL)
        return wf_no_waiter();
    wf_coop(s.self);
    return s.n_live <= N_INLINE ? run_inline(&s, n_cases, out_rc)
                                : run_allocated_slow(&s, n_cases, out_rc);
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
