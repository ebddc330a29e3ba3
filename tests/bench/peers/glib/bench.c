/* SPDX-License-Identifier: MIT */
/* GLib's GAsyncQueue between threads. It has no bound: capacities are not kept. */
#include <glib.h>
#include <stdint.h>

struct queue {
    GAsyncQueue *values;
};

static struct queue *queue_new(size_t capacity)
{
    struct queue *q = g_new(struct queue, 1);
    (void)capacity;
    q->values = g_async_queue_new();
    return q;
}

/* A pointer is the value; NULL can't be sent, hence the 2. */
static void queue_put(struct queue *q, int64_t value)
{
    g_async_queue_push(q->values, (gpointer)(intptr_t)(value + 2));
}

static int64_t queue_get(struct queue *q)
{
    return (int64_t)(intptr_t)g_async_queue_pop(q->values) - 2;
}

static void queue_free(struct queue *q)
{
    g_async_queue_unref(q->values);
    g_free(q);
}

#include "pool.h"
#include "threads.h"

static const struct bench_case cases[] = {
    { "chan_pingpong_cap1", 100, pingpong },
    { "chan_spsc8_cap128", 10, spsc_cap128 },
    { "chan_spsc8_cap128_os", 10, spsc_cap128 },
    { "chan_spsc8_cap1024", 10, spsc_cap1024 },
    { "chan_mpmc4x4_cap128", 10, mpmc4x4 },
    { "chan_pingpong_unbuf_os", 10, pingpong },
    { "spread_125ns", 10, spread_125ns },
    { "spread_250ns", 10, spread_250ns },
    { "spread_500ns", 10, spread_500ns },
    { "to_thread", 100, to_thread },
    { "to_thread_c64", 20, to_thread_c64 },
    { "to_thread_100us", 1, to_thread_100us },
    { "blocking_sleep1ms", 1, blocking_sleep1ms },
    { "blocking_sleep1ms_c1", 1, blocking_sleep1ms_c1 },
    { "blocking_sleep1ms_c1000", 1, blocking_sleep1ms_c1000 },
    { NULL, 0, NULL },
};

int main(int argc, char **argv) { return run_cases(cases, "os", argc, argv); }
