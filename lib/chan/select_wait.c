/* SPDX-License-Identifier: MIT
 * Select when nothing was ready: leaves a node on the channel of each case and waits.
 *
 * Case by case, each under the lock of its own channel, while others may claim it already:
 *
 *   X1  Under the lock a case either is not ready, and gets its node at once; or is, and then the
 *       select first withdraws its wait (wait.h). So nothing falls between the look and the node.
 *   X2  It moves a value itself only when it has withdrawn: from then on nobody can claim it, and
 *       its nodes elsewhere are to others those of a waiter whose wait is over (C4). If it can't
 *       withdraw, somebody has done a case of it: it parks, for the wake is on its way (W1, W2).
 *   X3  Ready is what the operation would find: a value, a place, an end, or a waiter of the other
 *       side who is not itself and whose wait is not over. Nodes of those whose wait is over are
 *       taken off, so that C2 holds when its own is put beside them.
 *   X4  Whichever way it ends, all its nodes are off before the cell leaves IDLE again, and before
 *       the call returns: a case that lost leaves no trace.
 *
 * Between the look and the operation the other waiter's wait may end, by a cancel or by its own
 * withdrawal: two selects that meet on two channels may each withdraw because of the other. Nobody
 * has moved anything then. Both take their nodes off and go the second way:
 *
 * At one instant: all channels locked together, in the order of their addresses. Looks again while
 * the cell is idle; with nothing ready takes the "nothing" case, which needs such an instant, or
 * puts its nodes. Who is first to lock both channels finds no node of the other, or a live one: of
 * two that meet one commits. It costs a sort and as many locks at once as there are channels.
 *
 * A source that is not a channel says on which channel its state shows (select_on, asked before
 * anything is locked), and perhaps where it takes an item from it; a node without a slot there only
 * wakes the select. Either way the select starts over and asks the source. So it does when a channel
 * ended: the survey finds the end. A commit through a claimed node has happened,
 * whatever else is true by then; every other way back moved nothing.
 *
 * Rejected: trying with the nodes in place and the cell WAITING, then claiming both cells: each
 * claimed what the other needs, or a value was taken for a case while another one was done. */
#include "chan/select.h"
#include "chan/weight.h"
#include "plat/mem.h"

enum { N_INLINE = 8 }; /* cases that wait without an allocation; bounded by the frame's size */

/* A case that takes part. */
struct part {
    struct wf_node node;
    struct wf_chan *chan; /* where the node goes; NULL: a timer, or a source that waits for time */
    const weft_case *what;
    bool is_of_chan; /* what comes through the node is the case's; else its source's */
};

struct wait {
    struct wf_selection *s;
    size_t n_parts;
    struct part *parts;
    struct wf_chan **chans; /* at one instant: distinct, ascending */
    size_t n_chans;
    int64_t limit_ns; /* when a timer, or a source that waits for time, is next */
};

static bool is_send(const struct part *part) { return part->what->kind == WEFT_CASE_SEND; }

static struct wf_list *list_of(const struct part *part)
{
    return is_send(part) ? &part->chan->senders : &part->chan->receivers;
}

/* ---- which channels -------------------------------------------------------------------------- */

static void *room_of(weft_receiver *rx) { return rx->ops->room != NULL ? rx->ops->room(rx) : NULL; }

static void add_part(struct wait *w, const weft_case *c, struct wf_chan *ch)
{
    struct part *part = &w->parts[w->n_parts];
    bool is_of_chan = ch != NULL && wf_case_is_of_chan(c);
    void *slot = is_of_chan ? c->value : ch != NULL ? room_of(c->half) : NULL;
    /* One by one: a struct assigned as a whole is cleared first, by a slow string instruction. */
    wf_node_init(&part->node, w->s->self, slot, 1);
    part->node.claim += (uint32_t)w->n_parts++;
    part->node.wakes_last = true;
    part->chan = ch;
    part->what = c;
    part->is_of_chan = is_of_chan;
    wf_link_init(&part->node.link);
}

/* Where the receiver's state shows: a channel, or NULL when it is a matter of time. As list_parts. */
static int find_source(struct wait *w, weft_receiver *rx, struct wf_chan **out_chan)
{
    const struct wf_source_ops *ops = rx->ops;
    int64_t at_ns = ops->ready_at != NULL ? ops->ready_at(rx) : WF_NEVER;
    w->limit_ns = WF_MIN(w->limit_ns, at_ns);
    struct wf_chan *ch = at_ns == WF_NEVER && ops->select_on != NULL ? ops->select_on(rx) : NULL;
    if (ch == NULL && at_ns == WF_NEVER)
        return WEFT_ENOTSUP;
    *out_chan = ch;
    return ch != NULL && ch->is_always_ready ? WF_NODE_RETRY : 0;
}

/* 0; WF_NODE_RETRY: one says it never makes wait; WEFT_ENOTSUP. */
static int list_parts(struct wait *w)
{
    w->limit_ns = w->s->timer != WF_NO_CASE ? w->s->cases[w->s->timer].at_ns : WF_NEVER;
    for (size_t i = 0; i < w->s->n_cases; i++) {
        const weft_case *c = &w->s->cases[i];
        struct wf_chan *ch = NULL;
        if (!wf_case_is_live(c))
            continue;
        if (c->kind == WEFT_CASE_SEND)
            ch = ((weft_sender *)c->half)->chan;
        else if (c->kind == WEFT_CASE_RECV && wf_case_is_of_chan(c))
            ch = ((weft_receiver *)c->half)->source;
        int rc = c->kind == WEFT_CASE_RECV && ch == NULL ? find_source(w, c->half, &ch) : 0;
        if (rc != 0)
            return rc;
        add_part(w, c, ch);
    }
    return 0;
}

/* The n-th part from the first on, going round. */
static struct part *nth_part(const struct wait *w, size_t first, size_t n)
{
    size_t i = first + n;
    return &w->parts[i < w->n_parts ? i : i - w->n_parts];
}

static const void *first_chan(const struct wait *w)
{
    for (size_t i = 0; i < w->n_parts; i++)
        if (w->parts[i].chan != NULL)
            return w->parts[i].chan;
    return NULL;
}

/* ---- under one channel's lock ---------------------------------------------------------------- */

/* X3: has a waiter of the other side, who is not this one, a value or room for one? */
static bool has_other_locked(struct wf_list *list, const struct wf_waiter *self)
{
    wf_list_each (link, list) {
        struct wf_node *node = WF_CONTAINER(link, struct wf_node, link);
        if (node->waiter == self)
            continue;
        if (!wf_wait_is_open(node->waiter))
            wf_list_remove(link);
        else if (node->slot != NULL)
            return true;
    }
    return false;
}

/* Receivers that only want to be told that there is a sender now: those of others. */
static void tell_receivers_locked(struct wf_chan *ch, const struct wf_waiter *self,
                                  struct wf_chores *chores)
{
    wf_list_each (link, &ch->receivers) {
        struct wf_node *node = WF_CONTAINER(link, struct wf_node, link);
        if (node->waiter == self || node->slot != NULL)
            continue;
        wf_list_remove(link);
        (void)wf_node_claim(node, WF_NODE_RETRY, chores);
    }
}

bool wf_chan_is_readable_locked(struct wf_chan *ch, const struct wf_waiter *self)
{
    if (wf_ring_n_full(&ch->ring) > 0 || wf_chan_is_over_locked(ch))
        return true;
    bool has_sender = has_other_locked(&ch->senders, self);
    wf_chan_mark_locked(ch);
    return has_sender;
}

static bool is_writable_locked(struct wf_chan *ch, const void *value, const struct wf_waiter *self)
{
    bool never_waits = ch->overflow != WEFT_BLOCK && ch->overflow != WEFT_FAIL;
    bool has_room = ch->is_weighed ? wf_weights_would_let_in_locked(ch, value, self)
                                   : wf_ring_n_full(&ch->ring) + ch->n_reserved < ch->ring.capacity;
    return ch->refuses_values || never_waits || has_room || has_other_locked(&ch->receivers, self);
}

static bool is_receivable_locked(const struct part *part, const struct wf_waiter *self)
{
    weft_receiver *rx = part->what->half;
    bool is_readable = wf_chan_is_readable_locked(part->chan, self);
    return rx->ops->is_ready != NULL ? rx->ops->is_ready(rx, is_readable) : is_readable;
}

static bool is_ready_locked(const struct part *part, const struct wf_waiter *self)
{
    return is_send(part) ? is_writable_locked(part->chan, part->what->value, self)
                         : is_receivable_locked(part, self);
}

static void put_node_locked(struct part *part, struct wf_chores *chores)
{
    struct wf_waiter *self = part->node.waiter;
    if (is_send(part))
        tell_receivers_locked(part->chan, self, chores);
    if (part->is_of_chan)
        wf_half_set_holder(part->what->half, self);
    wf_list_push_back(list_of(part), &part->node.link);
    wf_chan_mark_locked(part->chan); /* those whose wait is over are gone, too */
}

/* The operation of a case, by who has no node that could be claimed: its result, WEFT_EAGAIN, or
 * WF_NODE_RETRY: only the source itself can do it. */
static int do_locked(const struct part *part, struct wf_chores *chores)
{
    if (is_send(part))
        return wf_chan_try_send_locked(part->chan, part->what->value, chores);
    if (part->is_of_chan)
        return wf_chan_try_recv_locked(part->chan, part->what->value, chores);
    return is_receivable_locked(part, part->node.waiter) ? WF_NODE_RETRY : WEFT_EAGAIN;
}

static struct wf_chores chores_of(const struct part *part)
{
    return (struct wf_chores){ .spare = is_send(part) ? ((weft_sender *)part->what->half)->spare
                                                      : NULL };
}

/* ---- the end of a wait ----------------------------------------------------------------------- */

static size_t case_of(const struct wait *w, const struct part *part)
{
    return (size_t)(part->what - w->s->cases);
}

/* The case was done with this result. */
static size_t done(struct wait *w, const struct part *part, int *rc)
{
    if (!is_send(part))
        *rc = wf_chan_recv_code(part->what->half, *rc);
    return case_of(w, part);
}

static WF_NOINLINE void take_off_sender(struct part *part)
{
    struct wf_chores chores = { 0 };
    wf_chan_lock(part->chan);
    wf_chan_unlink_locked(part->chan, &part->node, &chores);
    wf_chan_unlock(part->chan);
    wf_chores_do(part->chan, &chores);
}

/* X4: takes the nodes off; that of the claim, its claimer has. */
static void take_off(struct part *part, uint32_t claim)
{
    /* add_part has written each: the analyser does not follow its loop. */
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
    if (part->chan == NULL || part->node.claim == claim)
        return;
    if (WF_UNLIKELY(is_send(part))) {
        take_off_sender(part);
        return;
    }
    wf_chan_lock(part->chan);
    wf_list_remove(&part->node.link);
    wf_chan_unlock(part->chan);
}

/* The cell is WAITING or claimed, nodes from the first on are in place. As wf_select_wait. */
static size_t await(struct wait *w, size_t first, size_t n, int *rc)
{
    struct wf_selection *s = w->s;
    uint32_t claim = wf_wait_park(s->self, w->limit_ns);
    for (size_t k = 0; k < n; k++)
        take_off(nth_part(w, first, k), claim);
    if (claim >= WF_CLAIM_FIRST) {
        struct part *part = &w->parts[claim - WF_CLAIM_FIRST];
        *rc = part->node.rc;
        if (part->is_of_chan && *rc != WF_NODE_RETRY)
            return done(w, part, rc);
        if (*rc == 1)
            ((weft_receiver *)part->what->half)->ops->filled(part->what->half);
        *rc = WF_NODE_RETRY;
        return WF_NO_CASE;
    }
    if (claim == WF_CLAIM_TIMEOUT) {
        bool is_timer = s->timer != WF_NO_CASE && s->cases[s->timer].at_ns <= w->limit_ns;
        *rc = is_timer ? 0 : WF_NODE_RETRY;
        return is_timer ? s->timer : WF_NO_CASE;
    }
    int code = wf_claim_code(s->self, claim);
    *rc = code < 0 ? code : WF_NODE_RETRY;
    return WF_NO_CASE;
}

/* ---- case by case ---------------------------------------------------------------------------- */

enum joined { JOINED, WITHDRAWN, CLAIMED };

/* Is a receive ready when its channel is readable, and not otherwise? */
static inline bool is_as_its_chan(const struct part *part)
{
    return part->is_of_chan || ((weft_receiver *)part->what->half)->ops->is_ready == NULL;
}

/* The most frequent part: a receive, and nobody has sent or will. */
static inline bool joins_locked(struct part *part)
{
    struct wf_chan *ch = part->chan;
    if (is_send(part) || wf_ring_n_full(&ch->ring) > 0 || !wf_list_is_empty(&ch->senders) ||
        ch->has_ended || !is_as_its_chan(part))
        return false;
    if (part->is_of_chan)
        wf_half_set_holder(part->what->half, part->node.waiter);
    wf_list_push_back(&ch->receivers, &part->node.link);
    return true;
}

/* X1, X2. *rc is do_locked's after WITHDRAWN. With the lock, which it releases. */
static WF_NOINLINE enum joined join_locked_slow(struct part *part, int *rc)
{
    struct wf_waiter *self = part->node.waiter;
    struct wf_chores chores = chores_of(part);
    enum joined joined = JOINED;
    if (!is_ready_locked(part, self)) {
        put_node_locked(part, &chores);
    } else if (wf_wait_withdraw(self)) {
        joined = WITHDRAWN;
        *rc = do_locked(part, &chores);
    } else {
        joined = CLAIMED;
    }
    wf_chan_unlock(part->chan);
    wf_chores_do(part->chan, &chores);
    return joined;
}

static enum joined join(struct part *part, int *rc)
{
    if (part->chan == NULL)
        return JOINED;
    wf_chan_lock(part->chan);
    if (WF_UNLIKELY(!joins_locked(part)))
        return join_locked_slow(part, rc);
    wf_chan_unlock(part->chan);
    return JOINED;
}

/* The wait was withdrawn at a case that was ready, after n others had got their nodes. */
static size_t leave(struct wait *w, size_t first, size_t n, int *rc)
{
    struct part *part = nth_part(w, first, n);
    for (size_t k = 0; k < n; k++)
        take_off(nth_part(w, first, k), WF_WAIT_IDLE);
    if (*rc != WEFT_EAGAIN && *rc != WF_NODE_RETRY)
        return done(w, part, rc);
    w->s->is_at_once |= *rc == WEFT_EAGAIN; /* it met somebody who was withdrawing, too */
    *rc = WF_NODE_RETRY;
    return WF_NO_CASE;
}

/* An ordered select begins with the first: when a case is found to be ready, those before it have
 * their nodes and were not. */
static size_t wait_case_by_case(struct wait *w, int *rc)
{
    struct wf_selection *s = w->s;
    size_t first = s->is_ordered || w->n_parts < 2 ? 0
                                                   : wf_rng_below(&s->rng, (uint32_t)w->n_parts);
    size_t n = 0;
    wf_wait_begin(s->self, WF_ON_SELECT, first_chan(w));
    while (n < w->n_parts) {
        enum joined joined = join(nth_part(w, first, n), rc);
        if (joined == WITHDRAWN)
            return leave(w, first, n, rc);
        if (joined == CLAIMED)
            break;
        n++;
    }
    return await(w, first, n, rc);
}

/* ---- at one instant -------------------------------------------------------------------------- */

static void add_chan(struct wait *w, struct wf_chan *ch)
{
    size_t i = w->n_chans;
    while (i > 0 && w->chans[i - 1] > ch)
        i--;
    if (i > 0 && w->chans[i - 1] == ch)
        return;
    for (size_t j = w->n_chans++; j > i; j--)
        w->chans[j] = w->chans[j - 1];
    w->chans[i] = ch;
}

static void lock_all(struct wait *w)
{
    for (size_t i = 0; i < w->n_parts; i++)
        if (w->parts[i].chan != NULL)
            add_chan(w, w->parts[i].chan);
    for (size_t i = 0; i < w->n_chans; i++)
        wf_chan_lock(w->chans[i]);
}

static void unlock_all(struct wait *w)
{
    for (size_t i = w->n_chans; i-- > 0;)
        wf_chan_unlock(w->chans[i]);
}

/* Looks again, with all locked: the part that committed; or NULL with *rc EAGAIN, or RETRY when a
 * source that only its own functions can pull has become readable. */
static struct part *look_again_locked(struct wait *w, struct wf_chores *chores, int *rc)
{
    *rc = WEFT_EAGAIN;
    for (size_t i = 0; i < w->n_parts; i++) {
        struct part *part = &w->parts[i];
        if (part->chan == NULL)
            continue;
        chores->spare = chores_of(part).spare;
        *rc = do_locked(part, chores);
        if (*rc == WF_NODE_RETRY)
            return NULL;
        if (*rc != WEFT_EAGAIN)
            return part;
    }
    return NULL;
}

static size_t wait_at_once(struct wait *w, int *rc)
{
    struct wf_selection *s = w->s;
    struct wf_chores chores = { 0 };
    lock_all(w);
    struct part *part = look_again_locked(w, &chores, rc);
    bool must_wait = part == NULL && *rc == WEFT_EAGAIN && s->nothing == WF_NO_CASE;
    if (must_wait) {
        wf_wait_begin(s->self, WF_ON_SELECT, first_chan(w));
        for (size_t i = 0; i < w->n_parts; i++)
            if (w->parts[i].chan != NULL)
                put_node_locked(&w->parts[i], &chores);
    }
    unlock_all(w);
    /* Only the case that was done has a value to drop; any may have told others that it is here. */
    wf_chores_do(part != NULL ? part->chan : NULL, &chores);
    if (must_wait)
        return await(w, 0, w->n_parts, rc);
    if (part != NULL)
        return done(w, part, rc);
    if (*rc != WEFT_EAGAIN)
        return WF_NO_CASE;
    *rc = 0;
    return s->nothing;
}

/* ---- room for the parts ---------------------------------------------------------------------- */

static size_t wait_with(struct wait *w, int *rc)
{
    *rc = list_parts(w);
    if (*rc != 0)
        return WF_NO_CASE;
    if (w->s->nothing != WF_NO_CASE || w->s->is_at_once)
        return wait_at_once(w, rc);
    return wait_case_by_case(w, rc);
}

static size_t wait_inline(struct wf_selection *s, int *rc)
{
    WEFT_UNSET_ struct part parts[N_INLINE];
    WEFT_UNSET_ struct wf_chan *chans[N_INLINE];
    struct wait w = { .s = s, .parts = parts, .chans = chans };
    return wait_with(&w, rc);
}

static size_t wait_allocated(struct wf_selection *s, int *rc)
{
    struct wait w = { .s = s };
    w.parts = wf_alloc(s->n_live, sizeof *w.parts + sizeof(struct wf_chan *));
    if (w.parts == NULL) {
        *rc = WEFT_ENOMEM;
        return WF_NO_CASE;
    }
    w.chans = (struct wf_chan **)(void *)(w.parts + s->n_live);
    size_t i = wait_with(&w, rc);
    wf_free(w.parts);
    return i;
}

WF_NOINLINE size_t wf_select_wait(struct wf_selection *s, int *rc)
{
    return s->n_live <= N_INLINE ? wait_inline(s, rc) : wait_allocated(s, rc);
}
