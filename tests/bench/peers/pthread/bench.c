/* SPDX-License-Identifier: MIT */
/* Threads of the system, and a bounded queue of a mutex and two conditions. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t has_value, has_room;
    size_t capacity, first, size;
    int64_t values[];
};

static struct queue *queue_new(size_t capacity)
{
    struct queue *q = calloc(1, sizeof *q + capacity * sizeof q->values[0]);
    if (q == NULL)
        abort();
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->has_value, NULL);
    pthread_cond_init(&q->has_room, NULL);
    q->capacity = capacity;
    return q;
}

static void queue_put(struct queue *q, int64_t value)
{
    pthread_mutex_lock(&q->lock);
    while (q->size == q->capacity)
        pthread_cond_wait(&q->has_room, &q->lock);
    size_t place = q->first + q->size++;
    q->values[place < q->capacity ? place : place - q->capacity] = value;
    pthread_mutex_unlock(&q->lock);
    pthread_cond_signal(&q->has_value);
}

static int64_t queue_get(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    while (q->size == 0)
        pthread_cond_wait(&q->has_value, &q->lock);
    int64_t value = q->values[q->first];
    q->first = q->first + 1 < q->capacity ? q->first + 1 : 0;
    q->size--;
    pthread_mutex_unlock(&q->lock);
    pthread_cond_signal(&q->has_room);
    return value;
}

static void queue_free(struct queue *q)
{
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->has_value);
    pthread_cond_destroy(&q->has_room);
    free(q);
}

#include "file.h"
#include "threads.h"

static void *nothing(void *arg) { return arg; }

static void spawn_join(int64_t n, int workers)
{
    static pthread_t threads[1000];
    int64_t n_ended = 0, start_ns = now_ns();
    (void)workers;
    for (int64_t left = n; left > 0; left -= 1000) {
        int batch = left < 1000 ? (int)left : 1000;
        for (int i = 0; i < batch; i++)
            if (pthread_create(&threads[i], NULL, nothing, &n_ended) != 0)
                fail("no thread");
        for (int i = 0; i < batch; i++) {
            void *result = NULL;
            pthread_join(threads[i], &result);
            n_ended += result == &n_ended;
        }
    }
    int64_t took_ns = now_ns() - start_ns;
    check("threads", n_ended, n);
    per_op(took_ns, n);
}

struct shared {
    pthread_mutex_t lock;
    int64_t n, share;
};

static void *add(void *arg)
{
    struct shared *it = arg;
    for (int64_t i = 0; i < it->share; i++) {
        pthread_mutex_lock(&it->lock);
        it->n++;
        pthread_mutex_unlock(&it->lock);
    }
    return NULL;
}

static void mutex(int64_t n, int n_threads)
{
    struct shared it = { PTHREAD_MUTEX_INITIALIZER, 0, n / n_threads };
    pthread_t threads[4];
    int64_t start_ns = now_ns();
    for (int i = 0; i < n_threads; i++)
        if (pthread_create(&threads[i], NULL, add, &it) != 0)
            fail("no thread");
    for (int i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    int64_t took_ns = now_ns() - start_ns;
    check("locks", it.n, it.share * n_threads);
    per_op(took_ns, it.share * n_threads);
}

static void mutex_alone(int64_t n, int workers)
{
    (void)workers;
    mutex(n, 1);
}

static void mutex_contended4(int64_t n, int workers)
{
    (void)workers;
    mutex(n, 4);
}

static const struct bench_case cases[] = {
    { "mutex_alone", 1, mutex_alone },
    { "mutex_contended4", 1, mutex_contended4 },
    { "spawn_join_b1000", 50, spawn_join },
    { "chan_pingpong_cap1", 100, pingpong },
    { "chan_spsc8_cap128", 10, spsc_cap128 },
    { "chan_spsc8_cap128_os", 10, spsc_cap128 },
    { "chan_spsc8_cap1024", 10, spsc_cap1024 },
    { "chan_mpmc4x4_cap128", 10, mpmc4x4 },
    { "chan_pingpong_unbuf_os", 10, pingpong }, /* of capacity 1 */
    { "spread_125ns", 10, spread_125ns },
    { "spread_250ns", 10, spread_250ns },
    { "spread_500ns", 10, spread_500ns },
    { "file_read_many_10k_c64", 1, read_many },
    { "file_random_4k", 1, read_random },
    { "file_random_4k_direct", 1, read_random_direct },
    { "file_pipeline_line_cap1024", 1, read_log },
    { NULL, 0, NULL },
};

int main(int argc, char **argv) { return run_cases(cases, "os", argc, argv); }
