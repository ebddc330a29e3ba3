/* SPDX-License-Identifier: MIT
 * The shared queue: order, batches, nothing lost between several producers and consumers. */
#include "sched/inject.h"

#include "sched/task.h"
#include "sched/worker.h"
#include "wt_test.h"

#include <stdlib.h>

static struct wf_inject queue;

static void push_run(struct wf_task *tasks, uint32_t n)
{
    for (uint32_t i = 0; i + 1 < n; i++)
        tasks[i].next = &tasks[i + 1];
    wf_inject_push(&queue, &tasks[0], &tasks[n - 1], n);
}

WT_TEST(first_in_is_first_out_over_batches)
{
    static struct wf_task tasks[10];
    wf_inject_init(&queue);
    ck_assert_ptr_null(wf_inject_pop(&queue));
    for (int round = 0; round < 3; round++) {
        push_run(&tasks[0], 1);
        push_run(&tasks[1], 4);
        ck_assert_ptr_eq(wf_inject_pop(&queue), &tasks[0]);
        push_run(&tasks[5], 5);
        ck_assert_uint_eq(wf_load_rlx(&queue.n), 9);
        for (int i = 1; i < 10; i++)
            ck_assert_ptr_eq(wf_inject_pop(&queue), &tasks[i]);
        ck_assert_ptr_null(wf_inject_pop(&queue));
        ck_assert_uint_eq(wf_load_rlx(&queue.n), 0);
    }
}

/* A worker's share of it: the first to run, the next ones to its ring. */
static void expect_shared(unsigned n_workers, uint32_t n)
{
    static struct wf_task tasks[10];
    static struct wf_worker worker;
    wf_store_rlx(&wf_rt.n_workers, n_workers);
    wf_inject_init(&queue);
    wf_runq_init(&worker.runq);
    ck_assert_ptr_null(wf_inject_take(&queue, &worker));
    push_run(tasks, n);
    uint32_t share = WF_MIN((n + n_workers - 1) / n_workers, (uint32_t)WF_RING_SIZE / 2);
    ck_assert_ptr_eq(wf_inject_take(&queue, &worker), &tasks[0]);
    ck_assert_uint_eq(wf_runq_ring_length(&worker.runq), share - 1);
    ck_assert_uint_eq(wf_load_rlx(&queue.n), n - share);
    for (uint32_t i = 1; i < n; i++)
        ck_assert_ptr_eq(i < share ? wf_runq_pop(&worker.runq) : wf_inject_pop(&queue), &tasks[i]);
    wf_store_rlx(&wf_rt.n_workers, 0u);
}

WT_TEST(who_takes_one_takes_its_share_along)
{
    for (unsigned n_workers = 1; n_workers <= 3; n_workers++)
        for (uint32_t n = 1; n <= 10; n++)
            expect_shared(n_workers, n);
}

enum { PRODUCERS = 2, CONSUMERS = 2, BATCH = 3 };

static struct wf_task *all;
static unsigned n_each;
static _Atomic unsigned n_popped;

static void produce(void *arg)
{
    struct wf_task *mine = arg;
    for (unsigned i = 0; i < n_each; i += BATCH)
        push_run(&mine[i], BATCH);
}

/* Of one producer the order holds: marked by the line that it is given. */
static void consume(void *arg)
{
    struct wf_task *last[PRODUCERS] = { NULL };
    (void)arg;
    while (wf_load_seq(&n_popped) < PRODUCERS * n_each) {
        struct wf_task *task = wf_inject_pop(&queue);
        if (task == NULL) {
            wf_cpu_relax();
            continue;
        }
        unsigned who = (unsigned)(task - all) / n_each;
        ck_assert(last[who] == NULL || last[who] < task);
        last[who] = task;
        task->spawn_line++;
        (void)wf_add_seq(&n_popped, 1u);
    }
}

WT_TEST(nothing_is_lost_between_several)
{
    wt_thread *threads[PRODUCERS + CONSUMERS];
    wf_inject_init(&queue);
    n_each = (wt_is_sim() ? 8 : wt_scaled(50000) + 1) * BATCH;
    all = calloc((size_t)PRODUCERS * n_each, sizeof *all);
    wf_store_rlx(&n_popped, 0u);
    for (unsigned i = 0; i < PRODUCERS + CONSUMERS; i++)
        threads[i] = i < PRODUCERS ? wt_thread_start(produce, &all[i * n_each])
                                   : wt_thread_start(consume, NULL);
    for (unsigned i = 0; i < PRODUCERS + CONSUMERS; i++)
        wt_thread_join(threads[i]);
    for (unsigned i = 0; i < PRODUCERS * n_each; i++)
        ck_assert_int_eq(all[i].spawn_line, 1);
    ck_assert_ptr_null(wf_inject_pop(&queue));
    free(all);
}

WT_MAIN("inject")
