/* SPDX-License-Identifier: MIT
 * Time: the clock, sleeping, and a timer as a receiver.
 *
 * A timer's receiver is one end of a channel of one value. Both belong to the struct behind it;
 * firing sends and ends, and closing stops the timer first, so the two never overlap. It counts as
 * a user of the runtime as long as it is open: somebody has to look after the time. */
#include "chan/chan.h"
#include "plat/mem.h"
#include "sched/timerq.h"
#include "sched/worker.h"

#include <weft/cleanup.h>
#include <weft/task.h>
#include <weft/time.h>

#include <string.h>

int64_t weft_now_ns(void) { return wf_clock_now(); }

/* ---- sleeping ------------------------------------------------------------------------------- */

int weft_sleep_until(int64_t at_ns)
{
    struct wf_waiter *self = wf_waiter_self();
    if (self == NULL)
        return wf_no_waiter();
    if (at_ns <= wf_clock_now())
        return weft_pause();
    if (wf_is_cancelled(self))
        return WEFT_ECANCELED;
    do {
        wf_wait_begin(self, WF_ON_SLEEP, NULL);
        uint32_t claim = wf_wait_park(self, at_ns);
        int code = claim == WF_CLAIM_TIMEOUT ? 0 : wf_claim_code(self, claim);
        if (code < 0)
            return code;
    } while (wf_clock_now() < at_ns);
    return 0;
}

int weft_sleep(int64_t d_ns)
{
    return d_ns > 0 ? weft_sleep_until(wf_clock_after(d_ns)) : weft_pause();
}

/* ---- a timer as a receiver ------------------------------------------------------------------ */

struct after {
    struct wf_timer timer;
    bool is_started;
    weft_sender *tx; /* both are its own; only fire uses tx */
    weft_receiver *rx;
};

static void send_time(struct after *after)
{
    struct wf_chan *ch = after->tx->chan;
    struct wf_chores chores = { 0 };
    int64_t now_ns = wf_clock_now();
    wf_chan_lock(ch);
    (void)wf_chan_try_send_locked(ch, &now_ns, &chores); /* it is empty */
    wf_chan_unlock(ch);
    wf_chores_do(ch, &chores);
    (void)wf_chan_end(ch, 0, false);
}

/* Under the timer queue's lock. A receiver that is woken may close at once: it waits there. */
static void fire(struct wf_timer *timer) { send_time(WF_CONTAINER(timer, struct after, timer)); }

static int after_recv(weft_receiver *rx, void *out)
{
    return wf_receiver_next(((struct after *)rx->source)->rx, out);
}

static int after_try_recv(weft_receiver *rx, void *out)
{
    return wf_receiver_try_next(((struct after *)rx->source)->rx, out);
}

static struct wf_chan *after_select_on(weft_receiver *rx)
{
    return ((struct after *)rx->source)->rx->source;
}

static void free_after(struct after *after)
{
    weft_half_drop(&after->rx);
    weft_half_drop(&after->tx);
    wf_free(after);
}

static int after_close(weft_receiver *rx)
{
    struct after *after = rx->source;
    if (after->is_started)
        (void)wf_timer_cancel(&after->timer);
    free_after(after);
    wf_runtime_leave();
    return 0;
}

static const struct wf_source_ops after_ops = {
    .kind = "timer",
    .recv = after_recv,
    .try_recv = after_try_recv,
    .select_on = after_select_on,
    .close = after_close,
};

static struct after *make_after(void)
{
    struct after *after = wf_alloc(1, sizeof *after);
    weft_chan_opts opts = { .capacity = 1, .name = "timer" };
    if (after == NULL)
        return NULL;
    if (wf_chan_open(sizeof(int64_t), &opts, "weft_after", 0, &after->tx, &after->rx) < 0) {
        wf_free(after);
        return NULL;
    }
    /* The time sends, whatever becomes of who opened it: no trap (reports.c). */
    wf_half_forget_holder(after->tx->chan, &after->tx->half);
    return after;
}

static int open_after(int64_t d_ns, weft_receiver **out_rx)
{
    int64_t at_ns = wf_clock_after(d_ns);
    struct after *after = make_after();
    if (after == NULL)
        return WEFT_ENOMEM;
    weft_receiver *rx = wf_receiver_make(&after_ops, after, sizeof(int64_t), "weft_after", 0);
    int rc = rx == NULL ? WEFT_ENOMEM : wf_runtime_enter();
    if (rc < 0) {
        if (rx != NULL)
            wf_receiver_free(rx);
        free_after(after);
        return rc;
    }
    after->is_started = d_ns > 0;
    if (after->is_started)
        wf_timer_start(&after->timer, at_ns, fire);
    else
        send_time(after);
    *out_rx = rx;
    return 0;
}

int weft_after_open(int64_t d_ns, weft_receiver **out_rx)
{
    weft_receiver *rx;
    if (out_rx == NULL)
        return WEFT_EINVAL;
    if (wf_waiter_self() == NULL)
        return wf_no_waiter();
    int rc = open_after(d_ns, &rx);
    if (rc >= 0)
        memcpy(out_rx, &rx, sizeof rx);
    return rc;
}
