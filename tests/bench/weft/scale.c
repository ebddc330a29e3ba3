/* SPDX-License-Identifier: MIT */
/* What one operation costs when n of its kind exist at once: tasks, scopes, timers. Channels and
 * select are in scale_chan.c. A small n is repeated until the clock can see it. */
#include "bench.h"

#include <stdatomic.h>
#include <stdlib.h>

int case_scale_spawn(struct bench *b);
int case_scale_parked_wake(struct bench *b);
int case_scale_cancel(struct bench *b);
int case_scale_scope(struct bench *b);
int case_scale_timers(struct bench *b);
int case_scale_fire(struct bench *b);

/* ---- tasks ------------------------------------------------------------------------------ */

WEFT_TASK(count_one, (atomic_llong *, n_run))
{
    atomic_fetch_add_explicit(n_run, 1, memory_order_relaxed);
    return 0;
}

static int spawn_and_wait(int64_t n, atomic_llong *n_run)
{
    WEFT_SCOPE(scope);
    for (int64_t i = 0; i < n; i++)
        WEFT_TRY(weft_spawn(&scope, count_one, n_run));
    return weft_scope_wait(&scope);
}

int case_scale_spawn(struct bench *b)
{
    atomic_llong n_run = 0;
    int64_t n_rounds = bench_rounds(b);
    bench_begin(b);
    for (int64_t i = 0; i < n_rounds; i++)
        WEFT_TRY(spawn_and_wait(b->n, &n_run));
    bench_end(b);
    WEFT_TRY(bench_check("tasks", atomic_load(&n_run), n_rounds * b->n));
    return bench_time(b, n_rounds * b->n, "ns");
}

struct crowd {
    atomic_llong n_waiting, n_taken;
};

WEFT_TASK(take_all, (rx, int64_t, in), (struct crowd *, crowd))
{
    atomic_fetch_add_explicit(&crowd->n_waiting, 1, memory_order_relaxed);
    weft_each (value, in)
        atomic_fetch_add_explicit(&crowd->n_taken, value, memory_order_relaxed);
    return 0;
}

static int await(atomic_llong *count, int64_t n)
{
    while (atomic_load_explicit(count, memory_order_relaxed) < n)
        WEFT_TRY(weft_pause());
    return 0;
}

/* All wait for one channel, first come first served: each is woken once a round. */
int case_scale_parked_wake(struct bench *b)
{
    struct crowd crowd = { 0, 0 };
    int64_t n_wakes = bench_rounds(b) * b->n;
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 0));
    WEFT_TRY(weft_spawn_n(&scope, (int)b->n, take_all, WEFT_MOVE(rx), &crowd));
    WEFT_TRY(await(&crowd.n_waiting, b->n));
    bench_begin(b);
    for (int64_t i = 0; i < n_wakes; i++)
        WEFT_TRY(weft_send(tx, 1));
    WEFT_TRY(await(&crowd.n_taken, n_wakes));
    bench_end(b);
    WEFT_DROP(tx);
    WEFT_TRY(weft_scope_wait(&scope));
    WEFT_TRY(bench_check("wakes", atomic_load(&crowd.n_taken), n_wakes));
    return bench_time(b, n_wakes, "ns");
}

/* ---- scopes ------------------------------------------------------------------------------- */

/* A scope with n parked tasks is cancelled; adds the time until all have ended. */
static int cancel_crowd(struct bench *b, int64_t *took_ns)
{
    struct crowd crowd = { 0, 0 };
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 0));
    WEFT_TRY(weft_spawn_n(&scope, (int)b->n, take_all, WEFT_MOVE(rx), &crowd));
    WEFT_TRY(await(&crowd.n_waiting, b->n));
    bench_begin(b);
    weft_scope_cancel(&scope);
    int rc = weft_scope_wait(&scope);
    bench_end(b);
    *took_ns += b->took_ns;
    return rc;
}

int case_scale_cancel(struct bench *b)
{
    int64_t n_rounds = bench_rounds(b), took_ns = 0;
    for (int64_t i = 0; i < n_rounds; i++)
        WEFT_TRY(cancel_crowd(b, &took_ns));
    b->took_ns = took_ns;
    return bench_time(b, n_rounds * b->n, "ns");
}

/* n scopes, each in the one before it. */
static int nest(weft_scope *scopes, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        scopes[i] = (weft_scope){ .opts = { .size_ = sizeof(weft_scope_opts) } };
        weft_scope_enter(&scopes[i], __FILE__, __LINE__);
    }
    bool is_cancelled = weft_scope_is_cancelled(&scopes[n - 1]);
    for (int64_t i = n; i > 0; i--)
        weft_scope_leave(&scopes[i - 1]);
    return bench_check("cancelled scopes", is_cancelled, 0);
}

int case_scale_scope(struct bench *b)
{
    int64_t n_rounds = bench_rounds(b);
    weft_scope *scopes = calloc((size_t)b->n, sizeof *scopes);
    int rc = scopes == NULL ? WEFT_ENOMEM : 0;
    bench_begin(b);
    for (int64_t i = 0; i < n_rounds && rc == 0; i++)
        rc = nest(scopes, b->n);
    bench_end(b);
    free(scopes);
    WEFT_TRY(rc);
    return bench_time(b, n_rounds * b->n, "ns");
}

/* ---- timers --------------------------------------------------------------------------------- */

typedef weft_rx(int64_t) timer;

/* Due after d_ns and up to spread times 1 s, in an order that jumps. */
static int start_timers(timer *timers, int64_t n, int64_t d_ns, int64_t spread)
{
    for (int64_t i = 0; i < n; i++)
        WEFT_TRY(weft_after(d_ns + spread * bench_delay_ns(i), &timers[i]));
    return 0;
}

static int await_timers(const timer *timers, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t at_ns = 0;
        int got = WEFT_TRY(weft_recv(timers[i], &at_ns));
        WEFT_TRY(bench_check("fired timers", got, 1));
    }
    return 0;
}

/* Starts n timers and drops them, as often as it takes. Awaited, they are due at once: what is
 * measured is the work, not the waiting. Others are due in an hour. */
static int time_timers(struct bench *b, bool has_to_fire)
{
    int64_t n_rounds = bench_rounds(b);
    timer *timers = calloc((size_t)b->n, sizeof *timers);
    int rc = timers == NULL ? WEFT_ENOMEM : 0;
    bench_begin(b);
    for (int64_t r = 0; r < n_rounds && rc == 0; r++) {
        rc = has_to_fire ? start_timers(timers, b->n, 1, 0)
                         : start_timers(timers, b->n, WEFT_SEC(3600), 1);
        if (rc == 0 && has_to_fire)
            rc = await_timers(timers, b->n);
        for (int64_t i = 0; i < b->n; i++)
            WEFT_DROP(timers[i]);
    }
    bench_end(b);
    free(timers);
    WEFT_TRY(rc);
    return bench_time(b, n_rounds * b->n, "ns");
}

int case_scale_timers(struct bench *b) { return time_timers(b, false); }

int case_scale_fire(struct bench *b) { return time_timers(b, true); }
