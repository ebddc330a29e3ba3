/* SPDX-License-Identifier: MIT
 * Tickers: like a timer a point in time (time.c), which moves on by an interval with each tick.
 *
 * Its state is its holder's alone, and a tick is made when it is received: so there is none on its
 * way that a reset or a stop could miss. */
#include "chan/source.h"
#include "base/opts.h"
#include "plat/mem.h"

#include <weft/ticker.h>
#include <weft/time.h>

#include <string.h>

struct ticker {
    weft_receiver rx; /* first: the two are freed as one */
    int64_t interval_ns;
    int64_t due_ns; /* the next tick; < WF_NEVER: waiting for it is no deadlock */
    enum weft_missed_ticks missed;
    bool is_stopped;
};

static int64_t later(int64_t at_ns, int64_t d_ns)
{
    return at_ns > WF_NEVER - 1 - d_ns ? WF_NEVER - 1 : at_ns + d_ns;
}

/* When the tick after the one that was due, and is received now, is due. */
static int64_t next_due(const struct ticker *ticker, int64_t now_ns)
{
    int64_t late_ns = now_ns - ticker->due_ns;
    if (late_ns < ticker->interval_ns || ticker->missed == WEFT_TICKS_BURST)
        return later(ticker->due_ns, ticker->interval_ns);
    int64_t from_ns = now_ns;
    if (ticker->missed == WEFT_TICKS_SKIP)
        from_ns -= late_ns % ticker->interval_ns;
    return later(from_ns, ticker->interval_ns);
}

static int ticker_try_recv(weft_receiver *rx, void *out)
{
    struct ticker *ticker = rx->source;
    if (ticker->is_stopped)
        return 0;
    int64_t now_ns = wf_clock_now();
    if (now_ns < ticker->due_ns)
        return WF_NOT_READY;
    memcpy(out, &ticker->due_ns, sizeof ticker->due_ns);
    ticker->due_ns = next_due(ticker, now_ns);
    return 1;
}

static int ticker_recv(weft_receiver *rx, void *out)
{
    struct ticker *ticker = rx->source;
    int rc = ticker_try_recv(rx, out);
    if (rc == WF_NOT_READY)
        rc = wf_unnoted(weft_sleep_until(ticker->due_ns));
    return rc != 0 || ticker->is_stopped ? rc : ticker_try_recv(rx, out);
}

static int64_t ticker_ready_at(weft_receiver *rx)
{
    const struct ticker *ticker = rx->source;
    return ticker->is_stopped ? 0 : ticker->due_ns;
}

static int ticker_close(weft_receiver *rx)
{
    (void)rx;
    return 0;
}

static const struct wf_source_ops ticker_ops = {
    .kind = "ticker",
    .recv = ticker_recv,
    .try_recv = ticker_try_recv,
    .ready_at = ticker_ready_at,
    .close = ticker_close,
};

static int64_t first_due(int64_t interval_ns, int64_t first_ns)
{
    return WF_MIN(wf_clock_after(first_ns == 0 ? interval_ns : WF_MAX(first_ns, 0)), WF_NEVER - 1);
}

int weft_ticker_open(int64_t interval_ns, const weft_ticker_opts *opts, weft_receiver **out_rx)
{
    weft_ticker_opts all = { 0 };
    wf_opts_copy(&all, sizeof(all), opts);
    if (out_rx == NULL || interval_ns <= 0 || all.missed < WEFT_TICKS_BURST ||
        all.missed > WEFT_TICKS_SKIP)
        return WEFT_EINVAL;
    if (wf_caller() == NULL)
        return wf_no_waiter();
    struct ticker *ticker = wf_alloc(1, sizeof *ticker);
    if (ticker == NULL)
        return WEFT_ENOMEM;
    wf_receiver_init(&ticker->rx, &ticker_ops, ticker, sizeof(int64_t), "weft_ticker", 0);
    ticker->interval_ns = interval_ns;
    ticker->due_ns = first_due(interval_ns, all.first_ns);
    ticker->missed = all.missed;
    ticker->is_stopped = false;
    weft_receiver *rx = &ticker->rx;
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}

/* 0, or why it can't be told anything. */
static int check_ticker(weft_receiver *rx, const char *call)
{
    if (rx == NULL)
        return WEFT_EINVAL;
    wf_half_must_be(&rx->half, WF_HALF_RECEIVER, call, "rx");
    if (rx->ops != &ticker_ops)
        return WEFT_ENOTSUP;
    return rx->half.is_closed ? WEFT_ECLOSED : 0;
}

int weft_receiver_reset_ticks(weft_receiver *rx, int64_t interval_ns)
{
    wf_note_call();
    int rc = interval_ns <= 0 ? WEFT_EINVAL : check_ticker(rx, "weft_ticker_reset");
    if (rc < 0)
        return rc;
    struct ticker *ticker = rx->source;
    ticker->interval_ns = interval_ns;
    ticker->due_ns = first_due(interval_ns, 0);
    ticker->is_stopped = false;
    rx->is_ended = false;
    return 0;
}

int weft_receiver_stop_ticks(weft_receiver *rx)
{
    wf_note_call();
    int rc = check_ticker(rx, "weft_ticker_stop");
    if (rc == 0)
        ((struct ticker *)rx->source)->is_stopped = true;
    return rc;
}
