/* SPDX-License-Identifier: MIT */
/* Streams: combinators in one task, work in parallel, stages with a task each. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

int case_stream_fused(struct bench *b);
int case_pmap_alone(struct bench *b);
int case_pmap_ordered(struct bench *b);
int case_pmap_alone_25us(struct bench *b);
int case_pmap_ordered_25us(struct bench *b);
int case_pipeline_4stage(struct bench *b);
int case_pipeline_4stage_api(struct bench *b);
int case_pipeline_weighed(struct bench *b);

/* ---- fused: map, filter, take over an array ----------------------------------------------------- */

enum { N_ITEMS = 4096 };

WEFT_MAP(tripled, int64_t, out, int64_t, n)
{
    *out = 3 * n;
    return 0;
}

WEFT_FILTER(not_of_seven, int64_t, n) { return n % 7 != 0; }

static int64_t items[N_ITEMS];

static int sum_of_one(int64_t n, int64_t *sum)
{
    WEFT_RX(int64_t, all);
    WEFT_RX(int64_t, more);
    WEFT_RX(int64_t, some);
    WEFT_RX(int64_t, few);
    WEFT_TRY(weft_array(items, (size_t)n, &all));
    WEFT_TRY(tripled(WEFT_MOVE(all), &more));
    WEFT_TRY(not_of_seven(WEFT_MOVE(more), &some));
    WEFT_TRY(weft_take(WEFT_MOVE(some), N_ITEMS, &few));
    weft_each (item, few)
        *sum += item;
    return weft_error(few);
}

/* Once more by a plain loop, for the check. */
static int64_t sum_by_hand(int64_t n)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += 3 * i % 7 != 0 ? 3 * i : 0;
    return sum;
}

int case_stream_fused(struct bench *b)
{
    int64_t sum = 0, wanted = 0;
    for (int64_t i = 0; i < N_ITEMS; i++)
        items[i] = i;
    bench_begin(b);
    for (int64_t n_left = b->n; n_left > 0; n_left -= N_ITEMS)
        WEFT_TRY(sum_of_one(n_left < N_ITEMS ? n_left : N_ITEMS, &sum));
    bench_end(b);
    for (int64_t n_left = b->n; n_left > 0; n_left -= N_ITEMS)
        wanted += sum_by_hand(n_left < N_ITEMS ? n_left : N_ITEMS);
    WEFT_TRY(bench_check("sum of items", sum, wanted));
    return bench_time(b, b->n, "ns");
}

/* ---- pmap: uneven work, alone and in several tasks ----------------------------------------------- */

static volatile uint64_t lcg_a = 6364136223846793005u;

/* One in eight takes sixteen times as long as the others. */
static int64_t uneven_work(int64_t n, int rounds)
{
    uint64_t x = (uint64_t)n, a = lcg_a;
    for (int i = n % 8 == 0 ? 16 * rounds : rounds; i > 0; i--)
        x = x * a + 1;
    return (int64_t)(x & 1) + n;
}

enum { SHORT = 400, LONG = 20 * SHORT }; /* on average 1.3 and 25 us, on 3 GHz */

WEFT_MAP(worked, int64_t, out, int64_t, n, (int, rounds))
{
    *out = uneven_work(n, rounds);
    return 0;
}

WEFT_MAP_PARALLEL(worked_at_once, int64_t, out, int64_t, n, (int, rounds))
{
    *out = uneven_work(n, rounds);
    return 0;
}

/* The results come in order, each n or n + 1. */
static int check_results(struct bench *b, weft_rx(int64_t) rx)
{
    int64_t n_in_order = 0, i = 0;
    weft_each (n, rx) {
        n_in_order += n == i || n == i + 1;
        i++;
    }
    bench_end(b);
    WEFT_TRY(weft_error(rx));
    WEFT_TRY(bench_check("results in order", n_in_order, b->n));
    return bench_time(b, b->n, "ns");
}

static int work_alone(struct bench *b, int rounds)
{
    WEFT_RX(int64_t, numbers);
    WEFT_RX(int64_t, rx);
    WEFT_TRY(weft_range(0, b->n, 1, &numbers));
    bench_begin(b);
    WEFT_TRY(worked(WEFT_MOVE(numbers), rounds, &rx));
    return check_results(b, rx);
}

static int work_at_once(struct bench *b, int rounds)
{
    WEFT_RX(int64_t, numbers);
    WEFT_RX(int64_t, rx);
    WEFT_TRY(weft_range(0, b->n, 1, &numbers));
    bench_begin(b);
    WEFT_TRY(
        worked_at_once_with(WEFT_OPTS(parallel, .limit = 64), WEFT_MOVE(numbers), rounds, &rx));
    return check_results(b, rx);
}

int case_pmap_alone(struct bench *b) { return work_alone(b, SHORT); }
int case_pmap_ordered(struct bench *b) { return work_at_once(b, SHORT); }
int case_pmap_alone_25us(struct bench *b) { return work_alone(b, LONG); }
int case_pmap_ordered_25us(struct bench *b) { return work_at_once(b, LONG); }

/* ---- pipeline: four tasks, three channels -------------------------------------------------------- */

WEFT_TASK(make_numbers, (int64_t, n), (tx, int64_t, out))
{
    for (int64_t i = 0; i < n; i++)
        WEFT_TRY(weft_send(out, i));
    return 0;
}

WEFT_TASK(add_one, (rx, int64_t, in), (tx, int64_t, out))
{
    weft_each (n, in)
        WEFT_TRY(weft_send(out, n + 1));
    return weft_error(in);
}

WEFT_TASK(add_up, (rx, int64_t, in), (int64_t *, out_sum))
{
    weft_each (n, in)
        *out_sum += n;
    return weft_error(in);
}

int case_pipeline_4stage(struct bench *b)
{
    int64_t sum = 0;
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 128));
    bench_begin(b);
    WEFT_TRY(weft_spawn(&scope, make_numbers, b->n, WEFT_MOVE(tx)));
    for (int i = 0; i < 2; i++) {
        WEFT_RX(int64_t, next);
        WEFT_TRY(weft_chan_open(&tx, &next, 128));
        WEFT_TRY(weft_spawn(&scope, add_one, WEFT_MOVE(rx), WEFT_MOVE(tx)));
        rx = WEFT_STEAL(next);
    }
    WEFT_TRY(weft_spawn(&scope, add_up, WEFT_MOVE(rx), &sum));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("sum", sum, bench_sum_to(b->n) + 2 * b->n));
    return bench_time(b, b->n, "ns");
}

/* ---- the same by weft_pipeline -------------------------------------------------------------------- */

WEFT_STAGE_SOURCE(number_stage, int64_t, out, (int64_t, n))
{
    for (int64_t i = 0; i < n; i++)
        WEFT_TRY(weft_send(out, i));
    return 0;
}

WEFT_STAGE(add_one_stage, int64_t, out, int64_t, in)
{
    weft_each (n, in)
        WEFT_TRY(weft_send(out, n + 1));
    return weft_error(in);
}

WEFT_STAGE_SINK(add_up_stage, int64_t, in, (int64_t *, out_sum))
{
    weft_each (n, in)
        *out_sum += n;
    return weft_error(in);
}

int case_pipeline_4stage_api(struct bench *b)
{
    int64_t sum = 0;
    const weft_stage_opts *opts = WEFT_OPTS(stage, .capacity = 128);
    WEFT_RX(int64_t, first);
    WEFT_RX(int64_t, second);
    WEFT_PIPELINE(p);
    bench_begin(b);
    WEFT_TRY(number_stage(&p, opts, b->n, &first));
    WEFT_TRY(add_one_stage(&p, opts, WEFT_MOVE(first), &second));
    WEFT_TRY(add_one_stage(&p, opts, WEFT_MOVE(second), &first));
    WEFT_TRY(add_up_stage(&p, NULL, WEFT_MOVE(first), &sum));
    WEFT_TRY(weft_pipeline_wait(&p));
    bench_end(b);
    WEFT_TRY(bench_check("sum", sum, bench_sum_to(b->n) + 2 * b->n));
    return bench_time(b, b->n, "ns");
}

/* ---- items of any size, bounded by their weight --------------------------------------------------- */

enum { BLOB_MOST = 512 << 10, LINK_BYTES = 1 << 20 };

struct blob {
    size_t size;
    char *bytes;
};

static void blob_drop(void *item) { free(((struct blob *)item)->bytes); }
static size_t blob_weight(const void *item) { return ((const struct blob *)item)->size; }

/* From 1 byte to 512 KiB, a quarter of a MiB in the middle. */
WEFT_STAGE_SOURCE(blob_stage, struct blob, out, (int64_t, n))
{
    uint64_t random = 1;
    for (int64_t i = 0; i < n; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        struct blob blob = { .size = 1 + (size_t)(random >> 33) % BLOB_MOST };
        blob.bytes = malloc(blob.size);
        if (blob.bytes == NULL)
            return WEFT_ENOMEM;
        memset(blob.bytes, (int)(i & 127), blob.size);
        int rc = weft_send(out, blob);
        if (rc < 0) {
            blob_drop(&blob);
            return rc;
        }
    }
    return 0;
}

WEFT_STAGE_MAP(look_at_blob, struct blob, out, struct blob, in)
{
    *out = in;
    return in.bytes[0] == in.bytes[in.size - 1] ? 0 : -EBADMSG;
}

WEFT_STAGE_SINK(count_blobs, struct blob, in, (int64_t *, out_n))
{
    weft_each (blob, in) {
        ++*out_n;
        blob_drop(&blob);
    }
    return weft_error(in);
}

int case_pipeline_weighed(struct bench *b)
{
    int64_t n = 0;
    const weft_stage_opts *opts = WEFT_OPTS(stage, .capacity = 1024, .weigh = blob_weight,
                                            .max_weight = LINK_BYTES, .drop = blob_drop);
    WEFT_RX(struct blob, made);
    WEFT_RX(struct blob, seen);
    WEFT_PIPELINE(p);
    bench_begin(b);
    WEFT_TRY(blob_stage(&p, opts, b->n, &made));
    WEFT_TRY(look_at_blob(&p, opts, WEFT_MOVE(made), &seen));
    WEFT_TRY(count_blobs(&p, NULL, WEFT_MOVE(seen), &n));
    WEFT_TRY(weft_pipeline_wait(&p));
    bench_end(b);
    WEFT_TRY(bench_check("items", n, b->n));
    return bench_time(b, b->n, "ns");
}
