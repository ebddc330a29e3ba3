/* SPDX-License-Identifier: MIT
 * A worker's queues, alone and with thieves: order, bounds, wrap-around, nothing lost or doubled.
 * In the simulator the ring has four places, so that every race is reached. */
#include "sched/runq.h"

#include "sched/switch.h"
#include "sched/task.h"
#include "wt_test.h"

#include <stdlib.h>
#include <string.h>

static struct wf_task tasks[4 * WF_RING_SIZE];
static struct wf_runq own, other;

/* Both start just below the wrap-around of their indices. */
static void begin(void)
{
    wf_runq_init(&own);
    wf_runq_init(&other);
    uint32_t start = UINT32_MAX - (uint32_t)wt_random_below(2 * WF_RING_SIZE);
    wf_store_rlx(&own.head, start);
    wf_store_rlx(&own.tail, start);
}

static int number_of(struct wf_task *task) { return task != NULL ? (int)(task - tasks) : -1; }

static void push_fresh(struct wf_task *task)
{
    task->next = NULL;
    wf_runq_push_fresh(&own, task, 1);
}

static void push(int from, int n)
{
    for (int i = from; i < from + n; i++)
        ck_assert(wf_runq_push(&own, &tasks[i]));
}

WT_TEST(the_ring_is_first_in_first_out_and_bounded)
{
    begin();
    for (int round = 0; round < 5; round++) {
        ck_assert_ptr_null(wf_runq_pop(&own));
        push(0, WF_RING_SIZE);
        ck_assert(!wf_runq_push(&own, &tasks[WF_RING_SIZE]));
        ck_assert_uint_eq(wf_runq_length(&own), WF_RING_SIZE);
        for (int i = 0; i < WF_RING_SIZE; i++) {
            ck_assert(wf_runq_has_work(&own));
            ck_assert_int_eq(number_of(wf_runq_pop(&own)), i);
        }
        ck_assert(!wf_runq_has_work(&own));
    }
}

WT_TEST(indices_wrap_around_with_the_ring_in_use)
{
    begin();
    push(0, 2);
    for (int i = 2; i < 8 * WF_RING_SIZE; i++) {
        ck_assert(wf_runq_push(&own, &tasks[i % (4 * WF_RING_SIZE)]));
        ck_assert_int_eq(number_of(wf_runq_pop(&own)), (i - 2) % (4 * WF_RING_SIZE));
    }
}

WT_TEST(a_thief_takes_the_older_half)
{
    for (int n = 1; n <= WF_RING_SIZE; n++) {
        int n_taken = n - n / 2;
        begin();
        push(0, n);
        ck_assert_int_eq(number_of(wf_runq_steal(&other, &own)), 0);
        for (int i = 1; i < n_taken; i++)
            ck_assert_int_eq(number_of(wf_runq_pop(&other)), i);
        ck_assert_ptr_null(wf_runq_pop(&other));
        for (int i = n_taken; i < n; i++)
            ck_assert_int_eq(number_of(wf_runq_pop(&own)), i);
        ck_assert_ptr_null(wf_runq_pop(&own));
    }
    begin();
    ck_assert_ptr_null(wf_runq_steal(&other, &own));
}

WT_TEST(a_full_thief_takes_one)
{
    begin();
    push(0, WF_RING_SIZE);
    for (int i = 0; i < WF_RING_SIZE; i++)
        ck_assert(wf_runq_push(&other, &tasks[WF_RING_SIZE + i]));
    ck_assert_int_eq(number_of(wf_runq_steal(&other, &own)), 0);
    ck_assert_uint_eq(wf_runq_length(&other), WF_RING_SIZE);
    ck_assert_uint_eq(wf_runq_length(&own), WF_RING_SIZE - 1);
}

WT_TEST(unstarted_newest_first_for_the_owner_oldest_first_for_thieves)
{
    enum { N = 4 * WF_RING_SIZE };
    begin();
    for (int i = 0; i < N; i++)
        push_fresh(&tasks[i]);
    ck_assert(wf_runq_has_work(&own));
    ck_assert_uint_eq(wf_runq_length(&own), N);
    for (int i = 0; i < N / 2; i++) {
        ck_assert_int_eq(number_of(wf_runq_pop_fresh(&own)), N - 1 - i);
        ck_assert_int_eq(number_of(wf_runq_steal_fresh(&own)), i);
    }
    ck_assert_ptr_null(wf_runq_pop_fresh(&own));
    ck_assert_ptr_null(wf_runq_steal_fresh(&own));
    ck_assert(!wf_runq_has_work(&own));
}

WT_TEST(several_unstarted_ones_are_pushed_at_once)
{
    for (int n = 1; n <= 4; n++) {
        begin();
        push_fresh(&tasks[0]);
        for (int i = 1; i <= n; i++)
            tasks[i].next = i < n ? &tasks[i + 1] : NULL;
        wf_runq_push_fresh(&own, &tasks[1], (uint32_t)n);
        ck_assert_uint_eq(wf_runq_length(&own), n + 1);
        for (int i = n; i > 0; i--)
            ck_assert_int_eq(number_of(wf_runq_pop_fresh(&own)), i);
        ck_assert_int_eq(number_of(wf_runq_steal_fresh(&own)), 0);
        ck_assert_ptr_null(wf_runq_steal_fresh(&own));
        ck_assert_ptr_null(wf_runq_pop_fresh(&own));
    }
}

WT_TEST(the_slot_is_taken_once)
{
    begin();
    wf_store_rlx(&own.slot, &tasks[3]);
    ck_assert_uint_eq(wf_runq_length(&own), 1);
    ck_assert(!wf_runq_has_work(&own));
    ck_assert_int_eq(number_of(wf_runq_take_slot(&own)), 3);
    ck_assert_ptr_null(wf_runq_take_slot(&own));
}

/* ---- with thieves ---------------------------------------------------------------------------- */

enum { THIEVES = 3 };

static struct {
    _Atomic bool is_over;
    _Atomic unsigned n_taken;
    unsigned n;
    struct wf_task *all;
    _Atomic uint8_t *times; /* how often each was taken */
} run;

static void took(struct wf_task *task)
{
    (void)wf_add_seq(&run.times[task - run.all], (uint8_t)1);
    (void)wf_add_seq(&run.n_taken, 1u);
}

static void steal_all(void *arg)
{
    struct wf_runq mine;
    (void)arg;
    wf_runq_init(&mine);
    for (;;) {
        bool is_over = wf_load_seq(&run.is_over);
        struct wf_task *task = wf_runq_steal(&mine, &own);
        if (task == NULL)
            task = wf_runq_steal_fresh(&own);
        if (task == NULL)
            task = wf_runq_take_slot(&own);
        for (; task != NULL; task = wf_runq_pop(&mine))
            took(task);
        if (is_over && !wf_runq_has_work(&own))
            return;
        wf_cpu_relax();
    }
}

/* Each task through the slot, the ring or the unstarted ones, as the owner does it. */
static void offer(struct wf_task *task)
{
    struct wf_task *displaced;
    bool is_queued = false;
    switch (wt_random_below(3)) {
    case 0:
        displaced = wf_runq_fill_slot(&own, task);
        is_queued = displaced == NULL || wf_runq_push(&own, displaced);
        task = displaced;
        break;
    case 1: is_queued = wf_runq_push(&own, task); break;
    default: push_fresh(task); is_queued = true;
    }
    if (!is_queued)
        took(task);
}

static void pop_some(void)
{
    for (uint64_t n = wt_random_below(3); n > 0; n--) {
        struct wf_task *task = wf_runq_pop(&own);
        if (task == NULL)
            task = wf_runq_pop_fresh(&own);
        if (task != NULL)
            took(task);
    }
}

WT_TEST(nothing_is_lost_or_taken_twice)
{
    wt_thread *thieves[THIEVES];
    begin();
    run.n = wt_is_sim() ? 60 : wt_scaled(400000);
    run.all = calloc(run.n, sizeof *run.all);
    run.times = calloc(run.n, sizeof *run.times);
    wf_store_rlx(&run.is_over, false);
    wf_store_rlx(&run.n_taken, 0u);
    for (int i = 0; i < THIEVES; i++)
        thieves[i] = wt_thread_start(steal_all, NULL);
    for (unsigned i = 0; i < run.n; i++) {
        offer(&run.all[i]);
        pop_some();
    }
    struct wf_task *task;
    while ((task = wf_runq_pop(&own)) != NULL || (task = wf_runq_pop_fresh(&own)) != NULL ||
           (task = wf_runq_take_slot(&own)) != NULL)
        took(task);
    wf_store_seq(&run.is_over, true);
    for (int i = 0; i < THIEVES; i++)
        wt_thread_join(thieves[i]);
    ck_assert_uint_eq(wf_load_seq(&run.n_taken), run.n);
    for (unsigned i = 0; i < run.n; i++)
        ck_assert_uint_eq(wf_load_rlx(&run.times[i]), 1);
    free(run.all);
    free((void *)run.times);
}

/* ---- whose turn it is --------------------------------------------------------------------------- */

/* A worker whose ring never gets empty, with two tasks that have started and one that has not. */
static struct wf_worker *busy_worker(void)
{
    static struct wf_worker worker;
    memset((void *)&worker, 0, sizeof worker);
    wf_runq_init(&worker.runq);
    for (int i = 0; i < 2; i++)
        ck_assert(wf_runq_push(&worker.runq, &tasks[i]));
    tasks[2].next = NULL;
    wf_runq_push_fresh(&worker.runq, &tasks[2], 1);
    return &worker;
}

/* After so many picks since the last one. */
WF_WORKER_LOCAL static struct wf_task *pop_after(struct wf_worker *w, uint64_t n_picks)
{
    wf_store_rlx(&w->stats[WF_SWITCHES], wf_load_rlx(&w->stats[WF_SWITCHES]) + n_picks);
    struct wf_task *task = wf_worker_pop(w);
    if (task != &tasks[2])
        ck_assert(wf_runq_push(&w->runq, task));
    return task;
}

/* A blocking call is a pick as well, and does not pop. */
WT_TEST(an_unstarted_task_has_its_turn_however_many_picks_lie_between_pops)
{
    for (uint64_t n_picks = 1; n_picks <= 64; n_picks++)
        for (uint64_t first = 1; first <= 16; first++) {
            struct wf_worker *w = busy_worker();
            bool has_begun = pop_after(w, first) == &tasks[2];
            for (int i = 0; i < WF_FRESH_PICKS && !has_begun; i++)
                has_begun = pop_after(w, n_picks) == &tasks[2];
            ck_assert(has_begun);
        }
}

WF_WORKER_LOCAL static void look_until_oldest_is_due(struct wf_worker *w)
{
    do
        wf_pace_look(w);
    while (!w->is_oldest_due);
}

/* Not 16 runs later: each may be long. */
WT_TEST(once_the_oldest_is_due_it_is_the_next)
{
    struct wf_worker *w = busy_worker();
    wf_runq_init(&w->runq);
    ck_assert(wf_runq_push(&w->runq, &tasks[0]));
    ck_assert_ptr_eq(pop_after(w, 1), &tasks[0]); /* nothing was there to begin: its turn is over */
    tasks[2].next = NULL;
    wf_runq_push_fresh(&w->runq, &tasks[2], 1);
    ck_assert_ptr_eq(pop_after(w, 1), &tasks[0]);
    wf_store_rlx(&wf_rt.n_workers, 1u);
    look_until_oldest_is_due(w);
    wf_store_rlx(&wf_rt.n_workers, 0u);
    ck_assert_ptr_eq(pop_after(w, 1), &tasks[2]);
}

WT_MAIN("runq")
