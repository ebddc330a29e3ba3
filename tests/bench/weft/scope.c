/* SPDX-License-Identifier: MIT */
/* Scopes: one child in a scope of its own, beside one joined by its handle; a cancel of parked
 * tasks; a deadline that never fires. */
#include "bench.h"

#include <stdatomic.h>

int case_scope_spawn_join(struct bench *b);
int case_scope_handle_join(struct bench *b);
int case_scope_cancel(struct bench *b);
int case_deadline_scope(struct bench *b);

/* ---- one child at a time -------------------------------------------------------------------- */

WEFT_TASK(count_one, (int64_t *, n_run))
{
    ++*n_run;
    return 0;
}

static int spawn_in_scope(int64_t *n_run)
{
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, count_one, n_run));
    return weft_scope_wait(&scope);
}

int case_scope_spawn_join(struct bench *b)
{
    int64_t n_run = 0;
    bench_begin(b);
    for (int64_t i = 0; i < b->n; i++)
        WEFT_TRY(spawn_in_scope(&n_run));
    bench_end(b);
    WEFT_TRY(bench_check("tasks", n_run, b->n));
    return bench_time(b, b->n, "ns");
}

static int spawn_and_join(weft_scope *scope, int64_t *n_run)
{
    WEFT_AUTO(weft_task, task);
    WEFT_TRY(weft_spawn_task(scope, &task, count_one, n_run));
    return weft_join(task, NULL);
}

/* What the scope above is compared with: spawned into an open one, joined by its handle. */
int case_scope_handle_join(struct bench *b)
{
    int64_t n_run = 0;
    WEFT_SCOPE(scope);
    bench_begin(b);
    for (int64_t i = 0; i < b->n; i++)
        WEFT_TRY(spawn_and_join(&scope, &n_run));
    bench_end(b);
    WEFT_TRY(weft_scope_wait(&scope));
    WEFT_TRY(bench_check("tasks", n_run, b->n));
    return bench_time(b, b->n, "ns");
}

/* ---- a cancel --------------------------------------------------------------------------------- */

WEFT_TASK(park, (atomic_llong *, n_begun))
{
    atomic_fetch_add_explicit(n_begun, 1, memory_order_relaxed);
    return weft_sleep(INT64_MAX);
}

/* Adds the time of the cancel itself, and until all have ended. */
static int cancel_parked(struct bench *b, int64_t *cancel_ns, int64_t *took_ns)
{
    atomic_llong n_begun = 0;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn_n(&scope, (int)b->n, park, &n_begun));
    while (atomic_load_explicit(&n_begun, memory_order_relaxed) < b->n)
        WEFT_TRY(weft_pause());
    bench_begin(b);
    weft_scope_cancel(&scope);
    *cancel_ns += weft_now_ns() - b->began_ns;
    int rc = weft_scope_wait(&scope);
    bench_end(b);
    *took_ns += b->took_ns;
    return rc;
}

int case_scope_cancel(struct bench *b)
{
    int64_t n_rounds = bench_rounds(b), cancel_ns = 0, took_ns = 0;
    for (int64_t i = 0; i < n_rounds; i++)
        WEFT_TRY(cancel_parked(b, &cancel_ns, &took_ns));
    b->took_ns = took_ns;
    bench_report("cancel", (double)cancel_ns / (double)(n_rounds * b->n), "ns");
    return bench_time(b, n_rounds * b->n, "ns");
}

/* ---- a deadline ------------------------------------------------------------------------------- */

static int enter_and_leave(void)
{
    WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(3600));
    return weft_scope_wait(&scope);
}

int case_deadline_scope(struct bench *b)
{
    bench_begin(b);
    for (int64_t i = 0; i < b->n; i++)
        WEFT_TRY(enter_and_leave());
    bench_end(b);
    return bench_time(b, b->n, "ns");
}
