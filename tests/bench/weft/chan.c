/* SPDX-License-Identifier: MIT */
/* Channels between tasks: round trips, streams of values, a ring of tasks, the prime sieve. */
#include "bench.h"

int case_chan_pingpong_unbuf(struct bench *b);
int case_chan_pingpong_cap1(struct bench *b);
int case_chan_spsc8_cap128(struct bench *b);
int case_chan_spsc8_cap128_batch64(struct bench *b);
int case_chan_spsc8_cap1024(struct bench *b);
int case_chan_spsc64_cap128(struct bench *b);
int case_chan_mpmc4x4_cap128(struct bench *b);
int case_ring503(struct bench *b);
int case_sieve2000(struct bench *b);

/* ---- chan_pingpong: there and back over two channels ------------------------------------- */

WEFT_TASK(pong, (rx, int64_t, in), (tx, int64_t, out))
{
    weft_each (value, in)
        WEFT_TRY(weft_send(out, value + 1));
    return weft_error(in);
}

WEFT_TASK(ping, (int64_t, n), (tx, int64_t, out), (rx, int64_t, in), (int64_t *, out_sum))
{
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t answer = 0;
        WEFT_TRY(weft_send(out, i));
        if (WEFT_TRY(weft_recv(in, &answer)) == 0)
            break;
        sum += answer;
    }
    *out_sum = sum;
    return 0;
}

static int pingpong(struct bench *b, size_t capacity)
{
    int64_t sum = 0;
    WEFT_TX(int64_t, there_tx);
    WEFT_RX(int64_t, there_rx);
    WEFT_TX(int64_t, back_tx);
    WEFT_RX(int64_t, back_rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&there_tx, &there_rx, capacity));
    WEFT_TRY(weft_chan_open(&back_tx, &back_rx, capacity));
    bench_begin(b);
    WEFT_TRY(weft_spawn(&scope, pong, WEFT_MOVE(there_rx), WEFT_MOVE(back_tx)));
    WEFT_TRY(weft_spawn(&scope, ping, b->n, WEFT_MOVE(there_tx), WEFT_MOVE(back_rx), &sum));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("sum of answers", sum, bench_sum_to(b->n) + b->n));
    return bench_time(b, b->n, "ns");
}

int case_chan_pingpong_unbuf(struct bench *b) { return pingpong(b, 0); }

int case_chan_pingpong_cap1(struct bench *b) { return pingpong(b, 1); }

/* ---- values of 8 bytes, from some senders to some receivers --------------------------------- */

WEFT_TASK(send8, (int64_t, first), (int64_t, n), (tx, int64_t, out))
{
    for (int64_t i = first; i < first + n; i++)
        WEFT_TRY(weft_send(out, i));
    return 0;
}

WEFT_TASK(recv8, (rx, int64_t, in), (int64_t *, out_sum))
{
    int64_t sum = 0;
    weft_each (value, in)
        sum += value;
    *out_sum = sum;
    return weft_error(in);
}

static int stream8(struct bench *b, size_t capacity, int n_sides)
{
    int64_t sums[4] = { 0 }, sum = 0, share = b->n / n_sides;
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, capacity));
    bench_begin(b);
    for (int i = 0; i < n_sides; i++) {
        WEFT_TRY(weft_spawn(&scope, send8, i * share, share, weft_ref(tx)));
        WEFT_TRY(weft_spawn(&scope, recv8, weft_ref(rx), &sums[i]));
    }
    WEFT_DROP(tx);
    WEFT_DROP(rx);
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    for (int i = 0; i < n_sides; i++)
        sum += sums[i];
    WEFT_TRY(bench_check("sum of values", sum, bench_sum_to(share * n_sides)));
    return bench_time(b, share * n_sides, "ns");
}

int case_chan_spsc8_cap128(struct bench *b) { return stream8(b, 128, 1); }

int case_chan_spsc8_cap1024(struct bench *b) { return stream8(b, 1024, 1); }

int case_chan_mpmc4x4_cap128(struct bench *b) { return stream8(b, 128, 4); }

/* ---- the same, 64 values a call --------------------------------------------------------------- */

enum { N_BATCH = 64 };

WEFT_TASK(send8_batches, (int64_t, n), (tx, int64_t, out))
{
    int64_t values[N_BATCH];
    for (int64_t i = 0; i < n;) {
        size_t size = 0;
        while (size < N_BATCH && i < n)
            values[size++] = i++;
        WEFT_TRY(weft_send_many(out, values, size));
    }
    return 0;
}

WEFT_TASK(recv8_batches, (rx, int64_t, in), (int64_t *, out_sum))
{
    int64_t values[N_BATCH], sum = 0;
    int n_values;
    while ((n_values = WEFT_TRY(weft_recv_many(in, values, N_BATCH))) > 0)
        for (int i = 0; i < n_values; i++)
            sum += values[i];
    *out_sum = sum;
    return 0;
}

int case_chan_spsc8_cap128_batch64(struct bench *b)
{
    int64_t sum = 0;
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 128));
    bench_begin(b);
    WEFT_TRY(weft_spawn(&scope, send8_batches, b->n, WEFT_MOVE(tx)));
    WEFT_TRY(weft_spawn(&scope, recv8_batches, WEFT_MOVE(rx), &sum));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("sum of values", sum, bench_sum_to(b->n)));
    return bench_time(b, b->n, "ns");
}

/* ---- values of 64 bytes -------------------------------------------------------------------------- */

struct value64 {
    int64_t words[8];
};

WEFT_TASK(send64, (int64_t, n), (tx, struct value64, out))
{
    for (int64_t i = 0; i < n; i++)
        WEFT_TRY(weft_send(out, (struct value64){ { i, 0, 0, 0, 0, 0, 0, i } }));
    return 0;
}

WEFT_TASK(recv64, (rx, struct value64, in), (int64_t *, out_sum))
{
    int64_t sum = 0;
    weft_each (value, in)
        sum += value.words[0] + value.words[7];
    *out_sum = sum;
    return weft_error(in);
}

int case_chan_spsc64_cap128(struct bench *b)
{
    int64_t sum = 0;
    WEFT_TX(struct value64, tx);
    WEFT_RX(struct value64, rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 128));
    bench_begin(b);
    WEFT_TRY(weft_spawn(&scope, send64, b->n, WEFT_MOVE(tx)));
    WEFT_TRY(weft_spawn(&scope, recv64, WEFT_MOVE(rx), &sum));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("sum of values", sum, 2 * bench_sum_to(b->n)));
    return bench_time(b, b->n, "ns");
}

/* ---- ring503: a token passed around 503 tasks -------------------------------------------------------- */

enum { N_RING = 503 };

WEFT_TASK(pass, (int64_t, place), (rx, int64_t, in), (tx, int64_t, out), (int64_t *, out_last))
{
    weft_each (n_hops, in) {
        if (n_hops == 0) {
            *out_last = place;
            break; /* in and out are dropped, which ends the neighbours in turn */
        }
        WEFT_TRY(weft_send(out, n_hops - 1));
    }
    return weft_error(in);
}

int case_ring503(struct bench *b)
{
    int64_t last = -1;
    WEFT_TX(int64_t, first_tx);
    WEFT_RX(int64_t, rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&first_tx, &rx, 0));
    for (int i = 0; i < N_RING - 1; i++) {
        WEFT_TX(int64_t, next_tx);
        WEFT_RX(int64_t, next_rx);
        WEFT_TRY(weft_chan_open(&next_tx, &next_rx, 0));
        WEFT_TRY(weft_spawn(&scope, pass, i, WEFT_MOVE(rx), WEFT_MOVE(next_tx), &last));
        rx = WEFT_STEAL(next_rx);
    }
    WEFT_TRY(weft_spawn(&scope, pass, N_RING - 1, WEFT_MOVE(rx), weft_ref(first_tx), &last));
    bench_begin(b);
    WEFT_TRY(weft_send(first_tx, b->n));
    WEFT_DROP(first_tx);
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("last task", last, b->n % N_RING));
    return bench_time(b, b->n, "ns");
}

/* ---- sieve2000: a task a prime, each passing on what its prime does not divide ------------------------- */

WEFT_TASK(count_up, (tx, int64_t, out))
{
    for (int64_t i = 2;; i++)
        WEFT_TRY(weft_send(out, i));
}

WEFT_TASK(sieve_out, (int64_t, prime), (rx, int64_t, in), (tx, int64_t, out))
{
    weft_each (value, in)
        if (value % prime != 0)
            WEFT_TRY(weft_send(out, value));
    return weft_error(in);
}

static int64_t sum_of_primes(int64_t n)
{
    int64_t sum = 0;
    for (int64_t i = 2; n > 0; i++) {
        int64_t divisor = 2;
        while (divisor * divisor <= i && i % divisor != 0)
            divisor++;
        if (divisor * divisor > i) {
            sum += i;
            n--;
        }
    }
    return sum;
}

int case_sieve2000(struct bench *b)
{
    int64_t sum = 0;
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, rx);
    WEFT_SCOPE(scope);
    bench_begin(b);
    WEFT_TRY(weft_chan_open(&tx, &rx, 0));
    WEFT_TRY(weft_spawn(&scope, count_up, WEFT_MOVE(tx)));
    for (int64_t i = 0; i < b->n; i++) {
        int64_t prime = 0;
        WEFT_TX(int64_t, next_tx);
        WEFT_RX(int64_t, next_rx);
        if (WEFT_TRY(weft_recv(rx, &prime)) == 0)
            return WEFT_ECLOSED;
        sum += prime;
        WEFT_TRY(weft_chan_open(&next_tx, &next_rx, 0));
        WEFT_TRY(weft_spawn(&scope, sieve_out, prime, WEFT_MOVE(rx), WEFT_MOVE(next_tx)));
        rx = WEFT_STEAL(next_rx);
    }
    bench_end(b);
    WEFT_DROP(rx); /* the last filter ends, then the one before it, ... */
    WEFT_TRY(weft_scope_wait(&scope));
    WEFT_TRY(bench_check("sum of primes", sum, sum_of_primes(b->n)));
    return bench_time(b, b->n, "ms");
}
