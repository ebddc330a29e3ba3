/* SPDX-License-Identifier: MIT */
/* Bytes resident for each of n things at rest, and what is left of a burst. The processes are new,
 * so memory that the allocator had before is not counted as free. */
#include "bench.h"

#include <stdatomic.h>
#include <stdlib.h>

int case_memory_task_spawned(struct bench *b);
int case_memory_task_parked(struct bench *b);
int case_memory_task_finished(struct bench *b);
int case_memory_chan(struct bench *b);
int case_memory_scope(struct bench *b);
int case_memory_timer(struct bench *b);
int case_memory_generator(struct bench *b);
int case_burst_1M(struct bench *b);

static int report_each(struct bench *b, int64_t before, int64_t after)
{
    return bench_report("memory", (double)(after - before) / (double)b->n, "B");
}

/* ---- tasks ---------------------------------------------------------------------------------- */

WEFT_TASK(wait_for_end, (rx, int, in), (atomic_llong *, n_waiting))
{
    atomic_fetch_add(n_waiting, 1);
    weft_each (value, in)
        return -EBADMSG; /* nothing is ever sent */
    return weft_error(in);
}

WEFT_TASK(count_one, (atomic_llong *, n))
{
    atomic_fetch_add(n, 1);
    return 0;
}

/* With one worker and no wait in between none has begun; with more, some of them have. */
int case_memory_task_spawned(struct bench *b)
{
    atomic_llong n_run = 0;
    WEFT_SCOPE(scope);
    int64_t before = bench_resident_size();
    for (int64_t i = 0; i < b->n; i++)
        WEFT_TRY(weft_spawn(&scope, count_one, &n_run));
    int64_t after = bench_resident_size();
    WEFT_TRY(weft_scope_wait(&scope));
    WEFT_TRY(bench_check("tasks", atomic_load(&n_run), b->n));
    return report_each(b, before, after);
}

int case_memory_task_finished(struct bench *b)
{
    atomic_llong n_run = 0;
    WEFT_SCOPE(scope);
    int64_t before = bench_resident_size();
    for (int64_t i = 0; i < b->n; i++) {
        WEFT_TRY(weft_spawn(&scope, count_one, &n_run));
        if (i % 100 == 99)
            WEFT_TRY(weft_pause());
    }
    while (atomic_load(&n_run) < b->n)
        WEFT_TRY(weft_pause());
    int64_t after = bench_resident_size(); /* the scope has not been waited for */
    WEFT_TRY(weft_scope_wait(&scope));
    return report_each(b, before, after);
}

struct waiters {
    int64_t start, peak; /* resident before them, and with all of them parked */
};

/* n tasks wait at once, then all end. */
static int park_and_end(int64_t n, struct waiters *out)
{
    atomic_llong n_waiting = 0;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 0));
    out->start = bench_resident_size();
    for (int64_t i = 0; i < n; i++)
        WEFT_TRY(weft_spawn(&scope, wait_for_end, weft_ref(rx), &n_waiting));
    while (atomic_load(&n_waiting) < n)
        WEFT_TRY(weft_pause());
    out->peak = bench_resident_size();
    WEFT_DROP(tx);
    return weft_scope_wait(&scope);
}

int case_memory_task_parked(struct bench *b)
{
    struct waiters waiters;
    WEFT_TRY(park_and_end(b->n, &waiters));
    return report_each(b, waiters.start, waiters.peak);
}

/* What is left a second after the last has ended, and how much it was. */
int case_burst_1M(struct bench *b)
{
    struct waiters waiters;
    bench_begin(b);
    WEFT_TRY(park_and_end(b->n, &waiters));
    bench_end(b);
    WEFT_TRY(weft_sleep(WEFT_SEC(1)));
    bench_report("left", (double)(bench_resident_size() - waiters.start), "B");
    bench_report("start", (double)waiters.start, "B");
    bench_report("peak", (double)waiters.peak, "B");
    return bench_time(b, b->n, "ns");
}

/* ---- the others ----------------------------------------------------------------------------- */

struct pair {
    weft_tx(int64_t) tx;
    weft_rx(int64_t) rx;
};

/* With both of its halves and a place for one value. */
int case_memory_chan(struct bench *b)
{
    int rc = 0;
    int64_t n_open = 0;
    struct pair *pairs = calloc((size_t)b->n, sizeof *pairs);
    if (pairs == NULL)
        return WEFT_ENOMEM;
    int64_t before = bench_resident_size();
    for (; rc == 0 && n_open < b->n; n_open++)
        rc = weft_chan_open(&pairs[n_open].tx, &pairs[n_open].rx, 1);
    int64_t after = bench_resident_size() - b->n * (int64_t)sizeof *pairs;
    for (int64_t i = 0; i < n_open; i++) {
        WEFT_DROP(pairs[i].tx);
        WEFT_DROP(pairs[i].rx);
    }
    free(pairs);
    WEFT_TRY(rc);
    return report_each(b, before, after);
}

static int nest(int64_t n, int64_t *out_resident)
{
    WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(3600));
    if (n > 1)
        WEFT_TRY(nest(n - 1, out_resident));
    else
        *out_resident = bench_resident_size();
    return weft_scope_wait(&scope);
}

WEFT_TASK(nest_in_task, (int64_t, n), (int64_t *, out_resident)) { return nest(n, out_resident); }

/* A scope is a variable: what it takes is the stack under it, and no memory besides. */
int case_memory_scope(struct bench *b)
{
    int64_t before = bench_resident_size(), after = 0;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, nest_in_task, b->n, &after));
    WEFT_TRY(weft_scope_wait(&scope));
    return report_each(b, before, after);
}

int case_memory_timer(struct bench *b)
{
    int rc = 0;
    int64_t n_open = 0;
    weft_rx(int64_t) *timers = calloc((size_t)b->n, sizeof *timers);
    if (timers == NULL)
        return WEFT_ENOMEM;
    int64_t before = bench_resident_size();
    for (; rc == 0 && n_open < b->n; n_open++)
        rc = weft_after(WEFT_SEC(3600), &timers[n_open]);
    int64_t after = bench_resident_size() - b->n * (int64_t)sizeof *timers;
    for (int64_t i = 0; i < n_open; i++)
        WEFT_DROP(timers[i]);
    free(timers);
    WEFT_TRY(rc);
    return report_each(b, before, after);
}

WEFT_GENERATOR(count_up, weft_rx(int64_t), (int64_t, from))
{
    for (int64_t i = from;; i++)
        WEFT_TRY(weft_yield(i));
    return 0;
}

/* Started: each has given an item and waits for the next demand, on a stack of its own. */
int case_memory_generator(struct bench *b)
{
    int rc = 0;
    int64_t n_open = 0, sum = 0;
    weft_rx(int64_t) *numbers = calloc((size_t)b->n, sizeof *numbers);
    if (numbers == NULL)
        return WEFT_ENOMEM;
    int64_t before = bench_resident_size();
    for (; rc >= 0 && n_open < b->n; n_open++) {
        int64_t number = 0;
        rc = count_up(n_open, &numbers[n_open]);
        if (rc >= 0)
            rc = weft_recv(numbers[n_open], &number);
        sum += number;
    }
    int64_t after = bench_resident_size() - b->n * (int64_t)sizeof *numbers;
    for (int64_t i = 0; i < n_open; i++)
        WEFT_DROP(numbers[i]);
    free(numbers);
    WEFT_TRY(rc);
    WEFT_TRY(bench_check("sum of first items", sum, bench_sum_to(b->n)));
    return report_each(b, before, after);
}
