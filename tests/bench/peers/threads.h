/* SPDX-License-Identifier: MIT */
/* The cases of threads with a queue between them, for any queue of int64_t:
 *
 *     struct queue *queue_new(size_t capacity);
 *     void queue_put(struct queue *q, int64_t value);
 *     int64_t queue_get(struct queue *q);
 *     void queue_free(struct queue *q);
 *
 * A value of END, one for each receiver, ends a stream. */
#ifndef THREADS_H
#define THREADS_H

#include "common.h"

#include <pthread.h>

enum { END = -1 };

/* ---- round trips --------------------------------------------------------------------------- */

struct both_ways {
    struct queue *there, *back;
};

static void *answer_all(void *arg)
{
    struct both_ways *ways = (struct both_ways *)arg;
    int64_t value;
    while ((value = queue_get(ways->there)) != END)
        queue_put(ways->back, value + 1);
    return NULL;
}

static void pingpong(int64_t n, int workers)
{
    struct both_ways ways = { queue_new(1), queue_new(1) };
    pthread_t thread;
    int64_t sum = 0, start_ns = now_ns();
    (void)workers;
    if (pthread_create(&thread, NULL, answer_all, &ways) != 0)
        fail("no thread");
    for (int64_t i = 0; i < n; i++) {
        queue_put(ways.there, i);
        sum += queue_get(ways.back);
    }
    queue_put(ways.there, END);
    pthread_join(thread, NULL);
    int64_t took_ns = now_ns() - start_ns;
    queue_free(ways.there);
    queue_free(ways.back);
    check("sum of answers", sum, sum_to(n) + n);
    per_op(took_ns, n);
}

/* ---- streams -------------------------------------------------------------------------------- */

struct side {
    struct queue *queue;
    int64_t first, n;
    int n_rounds;
    uint64_t sum;
};

static void *send_share(void *arg)
{
    struct side *side = (struct side *)arg;
    for (int64_t i = side->first; i < side->first + side->n; i++)
        queue_put(side->queue, i);
    return NULL;
}

static void *recv_all(void *arg)
{
    struct side *side = (struct side *)arg;
    uint64_t sum = 0, a = lcg_a, c = lcg_c;
    int64_t value;
    while ((value = queue_get(side->queue)) != END)
        sum += work((uint64_t)value, side->n_rounds, a, c);
    side->sum = sum;
    return NULL;
}

static void start_thread(pthread_t *out_thread, void *(*run)(void *), struct side *side)
{
    if (pthread_create(out_thread, NULL, run, side) != 0)
        fail("no thread");
}

/* n values, that much work on each; the sum of what came out. */
static uint64_t stream(int64_t n, size_t capacity, int n_senders, int n_receivers, int n_rounds)
{
    struct queue *queue = queue_new(capacity);
    struct side senders[4], receivers[4];
    pthread_t sending[4], receiving[4];
    uint64_t sum = 0;
    for (int i = 0; i < n_receivers; i++) {
        receivers[i] = (struct side){ queue, 0, 0, n_rounds, 0 };
        start_thread(&receiving[i], recv_all, &receivers[i]);
    }
    for (int i = 0; i < n_senders; i++) {
        senders[i] = (struct side){ queue, n / n_senders * i, n / n_senders, 0, 0 };
        start_thread(&sending[i], send_share, &senders[i]);
    }
    for (int i = 0; i < n_senders; i++)
        pthread_join(sending[i], NULL);
    for (int i = 0; i < n_receivers; i++)
        queue_put(queue, END);
    for (int i = 0; i < n_receivers; i++) {
        pthread_join(receiving[i], NULL);
        sum += receivers[i].sum;
    }
    queue_free(queue);
    return sum;
}

static void streaming(int64_t n, size_t capacity, int n_senders, int n_receivers, int n_rounds)
{
    int64_t start_ns = now_ns();
    uint64_t sum = stream(n, capacity, n_senders, n_receivers, n_rounds);
    int64_t took_ns = now_ns() - start_ns;
    n = n / n_senders * n_senders;
    check("sum of values", (int64_t)sum, (int64_t)sum_of_work(n, n_rounds));
    per_op(took_ns, n);
}

static void spsc_cap128(int64_t n, int workers)
{
    (void)workers;
    streaming(n, 128, 1, 1, 0);
}

static void spsc_cap1024(int64_t n, int workers)
{
    (void)workers;
    streaming(n, 1024, 1, 1, 0);
}

static void mpmc4x4(int64_t n, int workers)
{
    (void)workers;
    streaming(n, 128, 4, 4, 0);
}

static void spread_125ns(int64_t n, int workers)
{
    (void)workers;
    streaming(n, 128, 1, 4, 94);
}

static void spread_250ns(int64_t n, int workers)
{
    (void)workers;
    streaming(n, 128, 1, 4, 188);
}

static void spread_500ns(int64_t n, int workers)
{
    (void)workers;
    streaming(n, 128, 1, 4, 376);
}

#endif
