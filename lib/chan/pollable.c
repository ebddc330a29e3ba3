/* SPDX-License-Identifier: MIT
 * Pollable receivers: an eventfd that is readable while a receive would not wait.
 *
 * It owns its source and looks one result ahead. While it has none, a node of its own waits on the
 * channel that the source's state shows on, as a select's would; but its waiter is nobody's: a wake
 * writes to the eventfd instead.
 *
 *   L1  With a result the eventfd is set: by its holder, when the result was found.
 *   L2  Without one it is armed: the node was put under the channel's lock, which found nothing to
 *       receive, after the eventfd had been cleared; or whoever claimed the node since then is about
 *       to write, or has written. So no edge is lost, and what is there too much is a write after a
 *       result has been taken already: the next try clears it.
 *   L3  The cell is WAITING_SHIELDED from the arming to the claim, and IDLE again after the write,
 *       which is the last that the waker touches. The holder alone arms, clears and disarms; it does
 *       not arm, clear or go before the cell is IDLE.
 *
 * Rejected: telling without an item in hand. Another holder might take what was told of, and of a
 * generator that nobody has asked there would never be anything to tell. */
#include "base/spin.h"
#include "chan/select.h"
#include "plat/mem.h"
#include "plat/sys.h"
#include "plat/thread.h"
#include "sched/worker.h"

#include <weft/broadcast.h>
#include <weft/pollable.h>

#include <string.h>

struct pollable {
    struct wf_thread waker; /* no thread: the waiter of the node */
    struct wf_node node;
    struct wf_chan *chan; /* where the node is, or was */
    weft_receiver *source;
    int fd;
    bool is_armed; /* the node was put, and no end of that seen yet */
    bool is_set;   /* the eventfd, as far as its holder knows */
    bool has_result;
    int result;      /* as of a try: 1 with the item, 0, or an error */
    uint64_t n_held; /* what the source had missed by then */
    uint64_t n_missed;
    WF_CACHE_ALIGNED unsigned char item[];
};

/* ---- the eventfd ----------------------------------------------------------------------------- */

static void write_event(int fd)
{
    uint64_t one = 1;
    (void)wf_sys.write(fd, &one, sizeof one); /* fails only when it is set already */
}

static void set(struct pollable *p)
{
    if (!p->is_set)
        write_event(p->fd);
    p->is_set = true;
}

static void clear(struct pollable *p)
{
    uint64_t n;
    if (p->is_set)
        (void)wf_sys.read(p->fd, &n, sizeof n);
    p->is_set = false;
}

/* ---- the node -------------------------------------------------------------------------------- */

/* The wake of the node, on the waker's thread, without a lock (W2). */
static void wake(struct wf_thread *waker)
{
    struct pollable *p = WF_CONTAINER(waker, struct pollable, waker);
    write_event(p->fd);
    /* release [polled]: the last that is touched (L3). */
    wf_store_rel(&waker->own.cell, (uint32_t)WF_WAIT_IDLE);
}

/* Has whoever claimed the node written by now? */
static bool has_written(struct pollable *p)
{
    /* acquire [polled] */
    return wf_load_acq(&p->waker.own.cell) == WF_WAIT_IDLE;
}

static void note_written(struct pollable *p)
{
    if (!p->is_armed || !has_written(p))
        return;
    p->is_armed = false;
    p->is_set = true;
}

/* Nobody claims it any more. False: somebody has. What makes the source let the channel go, an item
 * or the end, claims the node before: so with one that is not, the channel is there. */
static bool withdraw(struct pollable *p)
{
    if (!wf_wait_is_open(&p->waker.own))
        return false;
    wf_chan_lock(p->chan);
    wf_list_remove(&p->node.link);
    wf_chan_unlock(p->chan);
    return wf_wait_withdraw(&p->waker.own);
}

/* Nobody will touch it any more, but for one who writes just now, and is waited for. */
static void disarm(struct pollable *p)
{
    if (!p->is_armed)
        return;
    if (withdraw(p)) {
        p->is_armed = false;
        return;
    }
    for (unsigned turn = 0; !has_written(p); turn++) {
        if (turn < 30)
            wf_spin(turn);
        else
            wf_thread_yield(); /* it was preempted, perhaps for us */
    }
    note_written(p);
}

static bool is_ready_locked(struct pollable *p, struct wf_chan *ch)
{
    weft_receiver *source = p->source;
    bool is_readable = wf_chan_is_readable_locked(ch, &p->waker.own);
    return source->ops->is_ready != NULL ? source->ops->is_ready(source, is_readable) : is_readable;
}

/* False: there may be something now. */
static bool arm_locked(struct pollable *p, struct wf_chan *ch)
{
    if (is_ready_locked(p, ch))
        return false;
    p->node.rc = 0;
    p->chan = ch;
    wf_wait_begin_shielded(&p->waker.own, WF_ON_RECV, ch);
    wf_list_push_back(&ch->receivers, &p->node.link);
    p->is_armed = true;
    return true;
}

/* Nothing was there a moment ago. True: it is armed (L2). */
static bool arm(struct pollable *p, struct wf_chan *ch)
{
    note_written(p);
    if (p->is_armed && p->chan == ch)
        return true;
    disarm(p);
    clear(p);
    if (ch->is_always_ready)
        return false;
    wf_chan_lock(ch);
    bool is_armed = arm_locked(p, ch);
    wf_chan_unlock(ch);
    return is_armed;
}

/* ---- looking ahead --------------------------------------------------------------------------- */

static void have_result(struct pollable *p, int result)
{
    p->has_result = true;
    p->result = result;
    p->n_held = weft_receiver_missed(p->source);
    note_written(p);
    disarm(p);
    set(p);
}

static bool is_time(weft_receiver *source)
{
    return source->ops->ready_at != NULL && source->ops->ready_at(source) != WF_NEVER;
}

/* After a try that found nothing: where more would show. NULL: nowhere. */
static struct wf_chan *shows_on(weft_receiver *source)
{
    return is_time(source) ? NULL : source->ops->select_on(source);
}

/* Afterwards it has a result or is armed. */
static void look(struct pollable *p)
{
    while (!p->has_result) {
        int rc = wf_receiver_try_next(p->source, p->item);
        struct wf_chan *ch = rc == WF_NOT_READY ? shows_on(p->source) : NULL;
        if (ch == NULL)
            have_result(p, rc == WF_NOT_READY ? WEFT_ENOTSUP : rc);
        else if (arm(p, ch))
            return;
    }
}

/* Hands the result over, and finds the next. After the end it stays. */
static int give(struct pollable *p, weft_receiver *rx, void *out)
{
    int rc = p->result;
    if (rc == 0)
        return 0;
    if (rc > 0)
        memcpy(out, p->item, rx->elem_size);
    p->n_missed = p->n_held;
    p->has_result = false;
    look(p);
    return rc;
}

static int pollable_try_recv(weft_receiver *rx, void *out)
{
    struct pollable *p = rx->source;
    if (!p->has_result)
        look(p);
    return p->has_result ? give(p, rx, out) : WF_NOT_READY;
}

static int pollable_recv(weft_receiver *rx, void *out)
{
    struct pollable *p = rx->source;
    if (p->has_result)
        return give(p, rx, out);
    int rc = wf_receiver_next(p->source, out);
    p->n_missed = weft_receiver_missed(p->source);
    look(p);
    return rc;
}

static struct wf_chan *pollable_select_on(weft_receiver *rx)
{
    struct pollable *p = rx->source;
    return p->has_result ? &wf_chan_always : p->source->ops->select_on(p->source);
}

static bool pollable_is_ready(weft_receiver *rx, bool is_readable)
{
    weft_receiver *source = ((struct pollable *)rx->source)->source;
    return source->ops->is_ready != NULL ? source->ops->is_ready(source, is_readable) : is_readable;
}

static uint64_t pollable_missed(weft_receiver *rx)
{
    return ((const struct pollable *)rx->source)->n_missed;
}

static int pollable_close(weft_receiver *rx)
{
    struct pollable *p = rx->source;
    disarm(p);
    if (p->has_result && p->result > 0 && p->source->drop_item != NULL)
        p->source->drop_item(p->item);
    int rc = wf_receiver_close_and_free(p->source);
    (void)wf_sys.close(p->fd);
    wf_free_aligned(p);
    return rc;
}

static const struct wf_source_ops pollable_ops = {
    .kind = "pollable",
    .recv = pollable_recv,
    .try_recv = pollable_try_recv,
    .select_on = pollable_select_on,
    .is_ready = pollable_is_ready,
    .missed = pollable_missed,
    .close = pollable_close,
};

/* ---- opening --------------------------------------------------------------------------------- */

/* Can it be told from outside, without a call that waits, when there is something? */
static bool can_tell(weft_receiver *source)
{
    const struct wf_source_ops *ops = source->ops;
    return ops->try_recv != NULL && ops->select_on != NULL && !is_time(source) &&
           !source->lends_items;
}

static struct pollable *make_pollable(weft_receiver *source)
{
    struct pollable *p = wf_alloc_aligned(wf_size_with(sizeof *p, 1, source->elem_size),
                                          WF_CACHE_LINE);
    if (p == NULL)
        return NULL;
    *p = (struct pollable){ .source = source };
    wf_waiter_init(&p->waker.own, false);
    p->waker.own.name = "pollable";
    p->waker.on_wake = wake;
    p->node = (struct wf_node){ .waiter = &p->waker.own, .claim = WF_CLAIM_FIRST };
    wf_link_init(&p->node.link);
    return p;
}

static int open_pollable(weft_receiver *source, weft_receiver **out_rx, int *out_fd)
{
    struct pollable *p = make_pollable(source);
    weft_receiver *rx = p == NULL ? NULL
                                  : wf_receiver_make(&pollable_ops, p, source->elem_size,
                                                     source->half.file, source->half.line);
    int fd = rx == NULL ? WEFT_ENOMEM : wf_sys.event_create();
    if (fd < 0) {
        if (rx != NULL)
            wf_receiver_free(rx);
        wf_free_aligned(p);
        return fd;
    }
    p->fd = fd;
    rx->drop_item = source->drop_item;
    look(p);
    memcpy(out_rx, &rx, sizeof rx);
    *out_fd = fd;
    return 0;
}

static int check(weft_receiver *source, size_t elem_size, const weft_pollable_opts *opts)
{
    if (source == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&source->half, WF_HALF_RECEIVER, "weft_pollable", "source");
    if (source->elem_size != elem_size)
        return WEFT_EMSGSIZE;
    if (wf_waiter_self() == NULL)
        return wf_no_waiter();
    bool lends_items = opts != NULL && opts->lends_items;
    return lends_items || !can_tell(source) ? WEFT_ENOTSUP : 0;
}

int weft_pollable_open(weft_receiver *source, size_t elem_size, const weft_pollable_opts *opts,
                       weft_receiver **out_rx, int *out_fd)
{
    wf_note_call();
    int rc = check(source, elem_size, opts);
    if (rc == 0 && (out_rx == NULL || out_fd == NULL))
        rc = WEFT_EINVAL;
    if (rc == 0)
        rc = open_pollable(source, out_rx, out_fd);
    if (rc < 0)
        (void)wf_receiver_close_and_free(source);
    return rc;
}
