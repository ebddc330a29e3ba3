/* SPDX-License-Identifier: MIT
 * Time: the clock, sleeping, and a timer as a receiver.
 *
 * A timer that nobody waits for is a point in time, and costs as much: whoever receives from it
 * compares it with the clock, or sleeps until then as weft_sleep_until does. So opening one and
 * dropping it early touch neither a queue nor a lock.
 *
 * Rejected: a timer that sends into a channel when it fires. A million of them took 772 bytes and
 * two entries of a queue each, most of them for nothing: a timeout that works is seldom due. */
#include "chan/source.h"
#include "plat/mem.h"

#include <weft/task.h>
#include <weft/time.h>

#include <string.h>

int64_t weft_now_ns(void) { return wf_clock_now(); }

/* ---- sleeping ------------------------------------------------------------------------------- */

static int sleep_until(struct wf_waiter *self, int64_t at_ns)
{
    do {
        wf_wait_begin(self, WF_ON_SLEEP, NULL);
        uint32_t claim = wf_wait_park(self, at_ns);
        int code = claim == WF_CLAIM_TIMEOUT ? 0 : wf_claim_code(self, claim);
        if (code < 0)
            return code;
    } while (wf_clock_now() < at_ns);
    return 0;
}

int weft_sleep_until(int64_t at_ns)
{
    struct wf_waiter *self = wf_caller();
    if (self == NULL)
        return wf_no_waiter();
    if (at_ns <= wf_clock_now())
        return wf_unnoted(weft_pause());
    return wf_is_cancelled(self) ? WEFT_ECANCELED : sleep_until(self, at_ns);
}

int weft_sleep(int64_t d_ns)
{
    wf_note_call();
    return wf_unnoted(d_ns > 0 ? weft_sleep_until(wf_clock_after(d_ns)) : weft_pause());
}

/* ---- a timer as a receiver ------------------------------------------------------------------ */

struct after {
    weft_receiver rx; /* first: the two are freed as one */
    int64_t at_ns;    /* < WF_NEVER: waiting for it is no deadlock */
};

static int after_give(struct after *after, void *out)
{
    memcpy(out, &after->at_ns, sizeof after->at_ns);
    after->rx.is_ended = true;
    return 1;
}

static int after_recv(weft_receiver *rx, void *out)
{
    struct after *after = rx->source;
    int rc = wf_clock_now() < after->at_ns ? sleep_until(wf_waiter_self(), after->at_ns) : 0;
    return rc < 0 ? rc : after_give(after, out);
}

static int after_try_recv(weft_receiver *rx, void *out)
{
    struct after *after = rx->source;
    return wf_clock_now() < after->at_ns ? WF_NOT_READY : after_give(after, out);
}

static int64_t after_ready_at(weft_receiver *rx) { return ((struct after *)rx->source)->at_ns; }

static int after_close(weft_receiver *rx)
{
    (void)rx;
    return 0;
}

static const struct wf_source_ops after_ops = {
    .kind = "timer",
    .recv = after_recv,
    .try_recv = after_try_recv,
    .ready_at = after_ready_at,
    .close = after_close,
};

int weft_after_open(int64_t d_ns, weft_receiver **out_rx)
{
    if (out_rx == NULL)
        return WEFT_EINVAL;
    if (wf_caller() == NULL)
        return wf_no_waiter();
    struct after *after = wf_alloc(1, sizeof *after);
    if (after == NULL)
        return WEFT_ENOMEM;
    wf_receiver_init(&after->rx, &after_ops, after, sizeof(int64_t), "weft_after", 0);
    after->at_ns = WF_MIN(wf_clock_after(d_ns), WF_NEVER - 1);
    weft_receiver *rx = &after->rx;
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}
