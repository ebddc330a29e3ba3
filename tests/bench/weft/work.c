/* SPDX-License-Identifier: MIT */
/* A generator's items one by one, and work that is worth a second core. */
#include "bench.h"

int case_generator(struct bench *b);
int case_generator_asend(struct bench *b);
int case_spread_125ns(struct bench *b);
int case_spread_250ns(struct bench *b);
int case_spread_500ns(struct bench *b);

/* ---- generator ------------------------------------------------------------------------------ */

WEFT_GENERATOR(count_to, weft_rx(int64_t), (int64_t, n))
{
    for (int64_t i = 0; i < n; i++)
        WEFT_TRY(weft_yield(i));
    return 0;
}

int case_generator(struct bench *b)
{
    int64_t sum = 0;
    WEFT_RX(int64_t, numbers);
    bench_begin(b);
    WEFT_TRY(count_to(b->n, &numbers));
    weft_each (number, numbers)
        sum += number;
    bench_end(b);
    WEFT_TRY(weft_error(numbers));
    WEFT_TRY(bench_check("sum of items", sum, bench_sum_to(b->n)));
    return bench_time(b, b->n, "ns");
}

/* Each item is what was sent with the demand for it. */
WEFT_GENERATOR(echo, weft_rx(int64_t, int64_t))
{
    for (int64_t answer = 0;;)
        WEFT_TRY(weft_yield_into(&answer, answer));
}

int case_generator_asend(struct bench *b)
{
    int64_t sum = 0, item = 0;
    WEFT_RX(int64_t, items, int64_t);
    WEFT_TRY(echo(&items));
    WEFT_TRY(weft_recv(items, &item));
    bench_begin(b);
    for (int64_t i = 0; i < b->n; i++) {
        WEFT_TRY(weft_resume(items, &item, i));
        sum += item;
    }
    bench_end(b);
    WEFT_TRY(bench_check("sum of items", sum, bench_sum_to(b->n)));
    return bench_time(b, b->n, "ns");
}

/* ---- spread: one producer, four workers, some work an item ------------------------------------- */

enum { N_WORKERS = 4 };

/* A multiplier and an increment the compiler can't see, so that every round is done. */
static volatile uint64_t lcg_a = 6364136223846793005u, lcg_c = 1442695040888963407u;

/* A chain of n_rounds multiplications and additions: 4 cycles each on the CPUs of today. */
static uint64_t work(uint64_t x, int n_rounds, uint64_t a, uint64_t c)
{
    for (int i = 0; i < n_rounds; i++)
        x = x * a + c;
    return x;
}

/* What all items' work adds up to, without doing it: the rounds make one such round. */
static uint64_t sum_of_work(int64_t n, int n_rounds)
{
    uint64_t a = 1, c = 0;
    for (int i = 0; i < n_rounds; i++) {
        a *= lcg_a;
        c = c * lcg_a + lcg_c;
    }
    return a * (uint64_t)bench_sum_to(n) + c * (uint64_t)n;
}

WEFT_TASK(produce, (int64_t, n), (tx, int64_t, out))
{
    for (int64_t i = 0; i < n; i++)
        WEFT_TRY(weft_send(out, i));
    return 0;
}

WEFT_TASK(work_on, (int, n_rounds), (rx, int64_t, in), (uint64_t *, out_sum))
{
    uint64_t sum = 0, a = lcg_a, c = lcg_c;
    weft_each (item, in)
        sum += work((uint64_t)item, n_rounds, a, c);
    *out_sum = sum;
    return weft_error(in);
}

static int spread(struct bench *b, int n_rounds)
{
    uint64_t sums[N_WORKERS] = { 0 }, sum = 0;
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 128));
    bench_begin(b);
    WEFT_TRY(weft_spawn(&scope, produce, b->n, WEFT_MOVE(tx)));
    for (int i = 0; i < N_WORKERS; i++)
        WEFT_TRY(weft_spawn(&scope, work_on, n_rounds, weft_ref(rx), &sums[i]));
    WEFT_DROP(rx);
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    for (int i = 0; i < N_WORKERS; i++)
        sum += sums[i];
    WEFT_TRY(bench_check("sum of work", (int64_t)sum, (int64_t)sum_of_work(b->n, n_rounds)));
    return bench_time(b, b->n, "ns");
}

/* Rounds that take the time in the name on a CPU of 3 GHz. */
int case_spread_125ns(struct bench *b) { return spread(b, 94); }

int case_spread_250ns(struct bench *b) { return spread(b, 188); }

int case_spread_500ns(struct bench *b) { return spread(b, 376); }
