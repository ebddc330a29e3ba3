/* SPDX-License-Identifier: MIT */
/* Blocking calls: trivial ones, from one task and from 64 at once, ones that compute for 100 us, and
 * ones that sleep for 1 ms. */
#include "bench.h"

#include <poll.h>
#include <stdatomic.h>

int case_to_thread(struct bench *b);
int case_to_thread_c64(struct bench *b);
int case_to_thread_100us(struct bench *b);
int case_blocking_sleep1ms(struct bench *b);
int case_blocking_sleep1ms_c1(struct bench *b);
int case_blocking_sleep1ms_c1000(struct bench *b);

WEFT_TASK(trivial, (int64_t, n)) { return (int)(n & 1); }

WEFT_TASK(compute_100us, (int64_t, n))
{
    int64_t began_ns = weft_now_ns();
    while (weft_now_ns() - began_ns < WEFT_US(100))
        ;
    return (int)(n & 1);
}

WEFT_TASK(sleep_1ms, (int64_t, n))
{
    (void)poll(NULL, 0, 1);
    return (int)(n & 1);
}

enum what { TRIVIAL, COMPUTES, SLEEPS };

static int call(enum what what, int64_t i)
{
    if (what == TRIVIAL)
        return weft_blocking(trivial, i);
    return what == COMPUTES ? weft_blocking(compute_100us, i) : weft_blocking(sleep_1ms, i);
}

WEFT_TASK(call_all, (int64_t, n), (enum what, what), (atomic_llong *, sum))
{
    int64_t own_sum = 0;
    for (int64_t i = 0; i < n; i++)
        own_sum += call(what, i);
    atomic_fetch_add(sum, own_sum);
    return 0;
}

static int call_from(struct bench *b, int n_tasks, enum what what)
{
    atomic_llong sum = 0;
    int64_t n_each = b->n / n_tasks > 0 ? b->n / n_tasks : 1;
    WEFT_SCOPE(scope);
    bench_begin(b);
    WEFT_TRY(weft_spawn_n(&scope, n_tasks, call_all, n_each, what, &sum));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("calls", atomic_load(&sum), n_each / 2 * n_tasks));
    return what == SLEEPS ? bench_time(b, 1, "ms") : bench_time(b, n_each * n_tasks, "ns");
}

int case_to_thread(struct bench *b) { return call_from(b, 1, TRIVIAL); }
int case_to_thread_c64(struct bench *b) { return call_from(b, 64, TRIVIAL); }
int case_to_thread_100us(struct bench *b) { return call_from(b, 1, COMPUTES); }
int case_blocking_sleep1ms(struct bench *b) { return call_from(b, 64, SLEEPS); }
int case_blocking_sleep1ms_c1(struct bench *b) { return call_from(b, 1, SLEEPS); }
int case_blocking_sleep1ms_c1000(struct bench *b) { return call_from(b, 1000, SLEEPS); }
