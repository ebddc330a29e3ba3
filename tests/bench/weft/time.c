/* SPDX-License-Identifier: MIT */
/* A million sleepers of 0 to 1 s: tasks, and timers that are receivers without a task. */
#include "bench.h"

#include <stdatomic.h>
#include <stdlib.h>

int case_timers_1M(struct bench *b);
int case_timers_1M_after(struct bench *b);
int case_timer_cancel(struct bench *b);

typedef weft_rx(int64_t) timer;

static int receive_all(const timer *timers, int64_t n, int64_t start_ns, int64_t *out_n_fired)
{
    int64_t n_fired = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t at_ns = 0;
        if (WEFT_TRY(weft_recv(timers[i], &at_ns)) == 0)
            continue;
        WEFT_TRY(bench_check("early timers", at_ns - start_ns < bench_delay_ns(i), 0));
        n_fired++;
    }
    *out_n_fired = n_fired;
    return 0;
}

static int fire_all(struct bench *b, timer *timers, int64_t *out_n_fired)
{
    for (int64_t i = 0; i < b->n; i++)
        WEFT_TRY(weft_after(bench_delay_ns(i), &timers[i]));
    return receive_all(timers, b->n, b->began_ns, out_n_fired);
}

int case_timers_1M_after(struct bench *b)
{
    int64_t n_fired = 0;
    timer *timers = calloc((size_t)b->n, sizeof *timers);
    if (timers == NULL)
        return WEFT_ENOMEM;
    bench_begin(b);
    int rc = fire_all(b, timers, &n_fired);
    for (int64_t i = 0; i < b->n; i++)
        WEFT_DROP(timers[i]);
    bench_end(b);
    free(timers);
    WEFT_TRY(rc);
    WEFT_TRY(bench_check("timers", n_fired, b->n));
    return bench_time(b, b->n, "ms");
}

WEFT_TASK(sleeper, (int64_t, d_ns), (atomic_llong *, n_woken))
{
    int64_t start_ns = weft_now_ns();
    WEFT_TRY(weft_sleep(d_ns));
    WEFT_TRY(bench_check("early sleepers", weft_now_ns() - start_ns < d_ns, 0));
    atomic_fetch_add_explicit(n_woken, 1, memory_order_relaxed);
    return 0;
}

int case_timers_1M(struct bench *b)
{
    atomic_llong n_woken = 0;
    WEFT_SCOPE(scope);
    bench_begin(b);
    for (int64_t i = 0; i < b->n; i++)
        WEFT_TRY(weft_spawn(&scope, sleeper, bench_delay_ns(i), &n_woken));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("sleepers", atomic_load(&n_woken), b->n));
    return bench_time(b, b->n, "ms");
}

/* ---- timers that are started and stopped, beside n of them that stay ------------------------- */

enum { N_PENDING = 100000 };

WEFT_TASK(sleep_until_cancelled) { return weft_sleep(WEFT_SEC(3600)); }

static int enter_and_leave(int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        WEFT_SCOPE(limited, .timeout_ns = WEFT_MS(100) + bench_delay_ns(i));
        WEFT_TRY(weft_scope_wait(&limited));
    }
    return 0;
}

int case_timer_cancel(struct bench *b)
{
    WEFT_SCOPE(scope);
    int64_t n_pending = b->n < N_PENDING ? b->n : N_PENDING;
    for (int64_t i = 0; i < n_pending; i++)
        WEFT_TRY(weft_spawn(&scope, sleep_until_cancelled));
    WEFT_TRY(weft_sleep(WEFT_MS(1)));
    bench_begin(b);
    WEFT_TRY(enter_and_leave(b->n));
    bench_end(b);
    weft_scope_cancel(&scope);
    WEFT_TRY(weft_scope_wait(&scope));
    return bench_time(b, b->n, "ns");
}
