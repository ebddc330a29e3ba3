/* SPDX-License-Identifier: MIT */
/* Channels between two plain threads, with no task at all. */
#include "bench.h"

#include <pthread.h>

int case_chan_spsc8_cap128_os(struct bench *b);
int case_chan_pingpong_unbuf_os(struct bench *b);

/* What the second thread works with. Its halves are its own. */
struct peer {
    int64_t n;
    weft_tx(int64_t) out;
    weft_rx(int64_t) in;
    int rc;
};

static int start(pthread_t *out_thread, void *(*run)(void *), struct peer *peer)
{
    int rc = -pthread_create(out_thread, NULL, run, peer);
    if (rc < 0) {
        WEFT_DROP(peer->out);
        WEFT_DROP(peer->in);
    }
    return rc;
}

/* ---- chan_spsc8_cap128_os ------------------------------------------------------------------ */

static void *send_all(void *arg)
{
    struct peer *peer = arg;
    for (int64_t i = 0; i < peer->n && peer->rc == 0; i++)
        peer->rc = weft_send(peer->out, i);
    WEFT_DROP(peer->out);
    return NULL;
}

int case_chan_spsc8_cap128_os(struct bench *b)
{
    struct peer sender = { .n = b->n };
    pthread_t thread;
    int64_t sum = 0;
    WEFT_RX(int64_t, rx);
    WEFT_TRY(weft_chan_open(&sender.out, &rx, 128));
    bench_begin(b);
    WEFT_TRY(start(&thread, send_all, &sender));
    weft_each (value, rx)
        sum += value;
    pthread_join(thread, NULL);
    bench_end(b);
    WEFT_TRY(sender.rc);
    WEFT_TRY(bench_check("sum of values", sum, bench_sum_to(b->n)));
    return bench_time(b, b->n, "ns");
}

/* ---- chan_pingpong_unbuf_os ------------------------------------------------------------------ */

static void *answer_all(void *arg)
{
    struct peer *peer = arg;
    weft_each (value, peer->in) {
        peer->rc = weft_send(peer->out, value + 1);
        if (peer->rc < 0)
            break;
    }
    WEFT_DROP(peer->in);
    WEFT_DROP(peer->out);
    return NULL;
}

static int ask_all(int64_t n, weft_tx(int64_t) out, weft_rx(int64_t) in, int64_t *out_sum)
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

int case_chan_pingpong_unbuf_os(struct bench *b)
{
    struct peer pong = { .n = b->n };
    pthread_t thread;
    int64_t sum = 0;
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, rx);
    WEFT_TRY(weft_chan_open(&tx, &pong.in, 0));
    int rc = weft_chan_open(&pong.out, &rx, 0);
    if (rc < 0) {
        WEFT_DROP(pong.in);
        return rc;
    }
    bench_begin(b);
    WEFT_TRY(start(&thread, answer_all, &pong));
    rc = ask_all(b->n, tx, rx, &sum);
    WEFT_DROP(tx);
    pthread_join(thread, NULL);
    bench_end(b);
    WEFT_TRY(rc);
    WEFT_TRY(pong.rc);
    WEFT_TRY(bench_check("sum of answers", sum, bench_sum_to(b->n) + b->n));
    return bench_time(b, b->n, "ns");
}
