/* SPDX-License-Identifier: MIT */
/* What is left to others while a task keeps its worker for itself: it computes and
 * never waits. They start on that worker's queue, the worst place for them, and have to be found there.
 *
 * The task computes until they are done, and for 200 ms at most: with one worker they come after. */
#include "bench.h"

#include <stdatomic.h>
#include <stdlib.h>

int case_pinned_stream(struct bench *b);
int case_pinned_latency(struct bench *b);

static void compute_until(const atomic_bool *is_over)
{
    int64_t began_ns = weft_now_ns();
    while (!atomic_load_explicit(is_over, memory_order_relaxed) &&
           weft_now_ns() - began_ns < WEFT_MS(200)) {
        for (volatile int i = 0; i < 1000; i++)
            ;
    }
}

/* ---- pinned_stream: values from one task to another ------------------------------------------- */

WEFT_TASK(send_numbers, (int64_t, n), (tx, int64_t, out))
{
    for (int64_t i = 0; i < n; i++)
        WEFT_TRY(weft_send(out, i));
    return 0;
}

struct total {
    int64_t sum;
    atomic_bool is_over;
};

WEFT_TASK(add_up, (rx, int64_t, in), (struct total *, total))
{
    int64_t sum = 0;
    weft_each (value, in)
        sum += value;
    total->sum = sum;
    atomic_store(&total->is_over, true);
    return weft_error(in);
}

WEFT_TASK(start_stream, (weft_scope *, scope), (int64_t, n), (struct total *, total))
{
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 128));
    WEFT_TRY(weft_spawn(scope, send_numbers, n, WEFT_MOVE(tx)));
    WEFT_TRY(weft_spawn(scope, add_up, WEFT_MOVE(rx), total));
    compute_until(&total->is_over);
    return 0;
}

int case_pinned_stream(struct bench *b)
{
    struct total total = { 0, false };
    WEFT_SCOPE(scope);
    bench_begin(b);
    WEFT_TRY(weft_spawn(&scope, start_stream, &scope, b->n, &total));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("sum of values", total.sum, bench_sum_to(b->n)));
    return bench_time(b, b->n, "ns");
}

/* ---- pinned_latency: how much too late a task wakes that sleeps for 1 ms again and again --------- */

struct lateness {
    int64_t *late_ns, n, due_ns;
    atomic_bool is_over;
};

WEFT_TASK(measure, (struct lateness *, lateness))
{
    int64_t due_ns = lateness->due_ns;
    for (int64_t i = 0; i < lateness->n; i++) {
        WEFT_TRY(weft_sleep_until(due_ns));
        int64_t now_ns = weft_now_ns();
        lateness->late_ns[i] = now_ns - due_ns;
        due_ns = now_ns + WEFT_MS(1);
    }
    atomic_store(&lateness->is_over, true);
    return 0;
}

WEFT_TASK(start_measuring, (weft_scope *, scope), (struct lateness *, lateness))
{
    lateness->due_ns = weft_now_ns() + WEFT_MS(1); /* its way to a worker counts */
    WEFT_TRY(weft_spawn(scope, measure, lateness));
    compute_until(&lateness->is_over);
    return 0;
}

static int run_measuring(struct lateness *lateness)
{
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, start_measuring, &scope, lateness));
    return weft_scope_wait(&scope);
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int report_lateness(struct lateness *lateness)
{
    int64_t *late_ns = lateness->late_ns, n = lateness->n;
    qsort(late_ns, (size_t)n, sizeof *late_ns, ascending);
    WEFT_TRY(bench_check("early sleepers", late_ns[0] < 0, 0));
    WEFT_TRY(bench_report("time", (double)late_ns[n / 2], "ns"));
    return bench_report("latest", (double)late_ns[n - 1], "ns");
}

int case_pinned_latency(struct bench *b)
{
    struct lateness lateness = { calloc((size_t)b->n, sizeof(int64_t)), b->n, 0, false };
    if (lateness.late_ns == NULL)
        return WEFT_ENOMEM;
    int rc = run_measuring(&lateness);
    if (rc == 0)
        rc = report_lateness(&lateness);
    free(lateness.late_ns);
    return rc;
}
