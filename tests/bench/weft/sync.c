/* SPDX-License-Identifier: MIT */
/* Synchronisers: a mutex that nobody else wants, one that four tasks want, and permits that two
 * tasks give each other. */
#include "bench.h"

int case_mutex_alone(struct bench *b);
int case_mutex_contended4(struct bench *b);
int case_semaphore_pingpong(struct bench *b);

int case_mutex_alone(struct bench *b)
{
    weft_mutex lock = WEFT_MUTEX_INIT();
    int64_t n = 0;
    bench_begin(b);
    for (int64_t i = 0; i < b->n; i++) {
        WEFT_TRY(weft_mutex_lock(&lock));
        n++;
        weft_mutex_unlock(&lock);
    }
    bench_end(b);
    WEFT_TRY(bench_check("locks", n, b->n));
    return bench_time(b, b->n, "ns");
}

struct shared {
    weft_mutex lock;
    int64_t n;
};

WEFT_TASK(add, (struct shared *, it), (int64_t, n))
{
    for (int64_t i = 0; i < n; i++) {
        WEFT_TRY(weft_mutex_lock(&it->lock));
        it->n++;
        weft_mutex_unlock(&it->lock);
    }
    return 0;
}

int case_mutex_contended4(struct bench *b)
{
    struct shared it = { .lock = WEFT_MUTEX_INIT() };
    int64_t share = b->n / 4;
    WEFT_SCOPE(scope);
    bench_begin(b);
    WEFT_TRY(weft_spawn_n(&scope, 4, add, &it, share));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("locks", it.n, 4 * share));
    return bench_time(b, 4 * share, "ns");
}

WEFT_TASK(pass_permits, (weft_semaphore *, from), (weft_semaphore *, to), (int64_t, n),
          (int64_t *, out_n))
{
    for (int64_t i = 0; i < n; i++) {
        WEFT_TRY(weft_semaphore_acquire(from, 1));
        ++*out_n;
        weft_semaphore_release(to, 1);
    }
    return 0;
}

int case_semaphore_pingpong(struct bench *b)
{
    weft_semaphore there = WEFT_SEMAPHORE_INIT(1), back = WEFT_SEMAPHORE_INIT(0);
    int64_t n = 0;
    WEFT_SCOPE(scope);
    bench_begin(b);
    WEFT_TRY(weft_spawn(&scope, pass_permits, &there, &back, b->n, &n));
    WEFT_TRY(weft_spawn(&scope, pass_permits, &back, &there, b->n, &n));
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    WEFT_TRY(bench_check("permits", n, 2 * b->n));
    return bench_time(b, b->n, "ns");
}
