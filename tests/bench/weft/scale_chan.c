/* SPDX-License-Identifier: MIT */
/* What a message costs when n of them lie in a channel, or n channels are used in turn, and what a
 * case costs in a select of n. */
#include "bench.h"

#include <stdlib.h>

int case_scale_message(struct bench *b);
int case_scale_chan(struct bench *b);
int case_scale_select(struct bench *b);

/* ---- one channel that n messages lie in ------------------------------------------------------ */

static int fill_and_empty(int64_t n, weft_tx(int64_t) tx, weft_rx(int64_t) rx, int64_t *sum)
{
    for (int64_t i = 0; i < n; i++)
        WEFT_TRY(weft_send(tx, i));
    for (int64_t i = 0; i < n; i++) {
        int64_t value = 0;
        WEFT_TRY(weft_recv(rx, &value));
        *sum += value;
    }
    return 0;
}

int case_scale_message(struct bench *b)
{
    int64_t n_rounds = bench_rounds(b), sum = 0;
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, (size_t)b->n));
    bench_begin(b);
    for (int64_t i = 0; i < n_rounds; i++)
        WEFT_TRY(fill_and_empty(b->n, tx, rx, &sum));
    bench_end(b);
    WEFT_TRY(bench_check("sum of values", sum, n_rounds * bench_sum_to(b->n)));
    return bench_time(b, n_rounds * b->n, "ns");
}

/* ---- n channels --------------------------------------------------------------------------------- */

struct channel {
    weft_tx(int64_t) tx;
    weft_rx(int64_t) rx;
};

/* Opens n channels for a case, runs it, and drops them. */
static int with_channels(struct bench *b, size_t capacity,
                         int (*run)(struct bench *b, struct channel *channels))
{
    struct channel *channels = calloc((size_t)b->n, sizeof *channels);
    int rc = channels == NULL ? WEFT_ENOMEM : 0;
    for (int64_t i = 0; i < b->n && rc == 0; i++)
        rc = weft_chan_open(&channels[i].tx, &channels[i].rx, capacity);
    if (rc == 0)
        rc = run(b, channels);
    for (int64_t i = 0; i < b->n && channels != NULL; i++) {
        WEFT_DROP(channels[i].tx);
        WEFT_DROP(channels[i].rx);
    }
    free(channels);
    return rc;
}

static int send_to_each(int64_t n, const struct channel *channels)
{
    for (int64_t i = 0; i < n; i++)
        WEFT_TRY(weft_send(channels[i].tx, i));
    return 0;
}

static int recv_from_each(int64_t n, const struct channel *channels, int64_t *sum)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t value = 0;
        WEFT_TRY(weft_recv(channels[i].rx, &value));
        *sum += value;
    }
    return 0;
}

static int round_robin(struct bench *b, struct channel *channels)
{
    int64_t n_rounds = bench_rounds(b), sum = 0;
    bench_begin(b);
    for (int64_t i = 0; i < n_rounds; i++) {
        WEFT_TRY(send_to_each(b->n, channels));
        WEFT_TRY(recv_from_each(b->n, channels, &sum));
    }
    bench_end(b);
    WEFT_TRY(bench_check("sum of values", sum, n_rounds * bench_sum_to(b->n)));
    return bench_time(b, n_rounds * b->n, "ns");
}

int case_scale_chan(struct bench *b) { return with_channels(b, 1, round_robin); }

/* ---- select --------------------------------------------------------------------------------------- */

/* To one channel after the other, in an order that jumps. */
WEFT_TASK(send_somewhere, (struct channel *, channels), (int64_t, n), (int64_t, n_values))
{
    for (int64_t i = 0; i < n_values; i++)
        WEFT_TRY(weft_send(channels[(uint32_t)i * 2654435761u % (uint64_t)n].tx, i));
    return 0;
}

static int select_all(const weft_case *cases, int64_t n, int64_t n_values, const int64_t *value,
                      int64_t *sum)
{
    for (int64_t i = 0; i < n_values; i++) {
        int rc = 0;
        WEFT_TRY(weft_select_from(cases, (size_t)n, &rc));
        WEFT_TRY(rc);
        *sum += *value;
    }
    return 0;
}

static int select_among(struct bench *b, struct channel *channels)
{
    enum { N_LEAST = 16 };
    int64_t n_values = bench_rounds(b) < N_LEAST ? N_LEAST : bench_rounds(b), value = 0, sum = 0;
    weft_case *cases = calloc((size_t)b->n, sizeof *cases);
    WEFT_SCOPE(scope);
    if (cases == NULL)
        return WEFT_ENOMEM;
    for (int64_t i = 0; i < b->n; i++)
        cases[i] = weft_on_recv(channels[i].rx, &value);
    bench_begin(b);
    int rc = weft_spawn(&scope, send_somewhere, channels, b->n, n_values);
    if (rc == 0)
        rc = select_all(cases, b->n, n_values, &value, &sum);
    bench_end(b);
    free(cases);
    WEFT_TRY(rc);
    WEFT_TRY(weft_scope_wait(&scope));
    WEFT_TRY(bench_check("sum of values", sum, bench_sum_to(n_values)));
    WEFT_TRY(bench_time(b, n_values * b->n, "ns"));
    return bench_report("select", (double)b->took_ns / (double)n_values, "ns");
}

/* One receiver waits for n rendezvous channels and one sender: the time is that of one case, a
 * whole select takes n times as long. */
int case_scale_select(struct bench *b) { return with_channels(b, 0, select_among); }
