/* SPDX-License-Identifier: MIT */
/* Tasks alone: switching between them, starting and joining them, a tree of them, parked ones. */
#include "bench.h"

#include <stdatomic.h>

int case_ctx_switch(struct bench *b);
int case_spawn_join_b1000(struct bench *b);
int case_spawn_join_b1000_batch(struct bench *b);
int case_skynet(struct bench *b);
int case_parked_1M(struct bench *b);

/* ---- ctx_switch: two tasks yield to each other ------------------------------------------ */

WEFT_TASK(yielder, (int64_t, n), (int64_t *, out_n_yields))
{
    int64_t n_yields = 0;
    for (int64_t i = 0; i < n; i++) {
        WEFT_TRY(weft_pause());
        n_yields++;
    }
    *out_n_yields = n_yields;
    return 0;
}

int case_ctx_switch(struct bench *b)
{
    int64_t n_yields[2] = { 0, 0 };
    WEFT_SCOPE(scope);
    bench_begin(b);
    for (int i = 0; i < 2; i++)
        WEFT_TRY(weft_spawn(&scope, yielder, b->n / 2, &n_yields[i]));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("yields", n_yields[0] + n_yields[1], b->n / 2 * 2));
    return bench_time(b, b->n, "ns");
}

/* ---- spawn_join_b1000: a thousand empty tasks at a time ------------------------------------ */

enum { N_BATCH = 1000 };

WEFT_TASK(nothing) { return 0; }

static int spawn_each(int64_t n)
{
    WEFT_SCOPE(scope);
    for (int64_t i = 0; i < n; i++)
        WEFT_TRY(weft_spawn(&scope, nothing));
    return weft_scope_wait(&scope);
}

static int spawn_copies(int64_t n)
{
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn_n(&scope, (int)n, nothing));
    return weft_scope_wait(&scope);
}

static int spawn_join(struct bench *b, int (*spawn)(int64_t n))
{
    weft_stats before = { .size_ = sizeof before }, after = before;
    WEFT_TRY(weft_stats_get(&before));
    bench_begin(b);
    for (int64_t left = b->n; left > 0; left -= N_BATCH)
        WEFT_TRY(spawn(left < N_BATCH ? left : N_BATCH));
    bench_end(b);
    WEFT_TRY(weft_stats_get(&after));
    WEFT_TRY(bench_check("tasks", (int64_t)(after.completed - before.completed), b->n));
    return bench_time(b, b->n, "ns");
}

int case_spawn_join_b1000(struct bench *b) { return spawn_join(b, spawn_each); }

int case_spawn_join_b1000_batch(struct bench *b) { return spawn_join(b, spawn_copies); }

/* ---- skynet: each task starts ten until n are leaves; their numbers are added up ------------ */

WEFT_TASK(node, (int64_t, first), (int64_t, size), (int64_t *, out_sum))
{
    int64_t sums[10], sum = 0;
    if (size == 1) {
        *out_sum = first;
        return 0;
    }
    WEFT_SCOPE(scope);
    for (int i = 0; i < 10; i++)
        WEFT_TRY(weft_spawn(&scope, node, first + i * (size / 10), size / 10, &sums[i]));
    WEFT_TRY(weft_scope_wait(&scope));
    for (int i = 0; i < 10; i++)
        sum += sums[i];
    *out_sum = sum;
    return 0;
}

int case_skynet(struct bench *b)
{
    int64_t sum = 0;
    WEFT_SCOPE(scope);
    bench_begin(b);
    WEFT_TRY(weft_spawn(&scope, node, 0, b->n, &sum));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("sum of leaves", sum, bench_sum_to(b->n)));
    return bench_time(b, b->n, "ms");
}

/* ---- parked_1M: tasks that wait for a value, and the memory each takes ------------------------ */

WEFT_TASK(parked, (rx, int64_t, in), (atomic_llong *, n_waiting), (atomic_llong *, n_ended))
{
    atomic_fetch_add(n_waiting, 1);
    weft_each (value, in)
        return -EBADMSG; /* nothing is ever sent */
    atomic_fetch_add(n_ended, 1);
    return weft_error(in);
}

int case_parked_1M(struct bench *b)
{
    atomic_llong n_waiting = 0, n_ended = 0;
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 0));
    int64_t before = bench_resident_size();
    bench_begin(b);
    for (int64_t i = 0; i < b->n; i++)
        WEFT_TRY(weft_spawn(&scope, parked, weft_ref(rx), &n_waiting, &n_ended));
    while (atomic_load(&n_waiting) < b->n)
        WEFT_TRY(weft_pause());
    bench_end(b);
    int64_t after = bench_resident_size();
    WEFT_DROP(tx); /* the end of the channel is the end of them all */
    WEFT_TRY(weft_scope_wait(&scope));
    WEFT_TRY(bench_check("tasks", atomic_load(&n_ended), b->n));
    bench_report("memory", (double)(after - before) / (double)b->n, "B");
    return bench_time(b, b->n, "ns");
}
