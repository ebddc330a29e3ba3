/* SPDX-License-Identifier: MIT
 * Model of a worker's queues and of stealing (sched/runq.h, R1 to R4): every task is taken exactly
 * once and an owner's own are in order. */
#include "model.h"

#include "sched/runq.h"

#include <string.h>

enum { TASKS = 7, THIEVES = 2 };

static struct {
    struct wf_runq owned;
    struct wf_task tasks[TASKS]; /* never run: only their addresses matter */
    _Atomic unsigned n_taken[TASKS];
    _Atomic unsigned n_all, n_ready;
} ring;

static void take(struct wf_task *task)
{
    size_t i = (size_t)(task - ring.tasks);
    ck_assert_uint_lt(i, TASKS);
    ck_assert_uint_eq(wf_add_rlx(&ring.n_taken[i], 1u), 0);
    (void)wf_add_rlx(&ring.n_all, 1u);
}

static bool has_all(void) { return wf_load_rlx(&ring.n_all) == TASKS; }

/* ---- the ring alone ---------------------------------------------------------------------------- */

static void steal_until_over(void *arg)
{
    struct wf_runq own;
    (void)arg;
    wf_runq_init(&own);
    while (!has_all()) {
        struct wf_task *task = wf_runq_steal(&own, &ring.owned);
        if (task == NULL)
            wf_cpu_relax();
        else
            take(task);
        while ((task = wf_runq_pop(&own)) != NULL)
            take(task);
    }
}

static void own_ring(void *arg)
{
    unsigned n_pushed = 0;
    (void)arg;
    while (n_pushed < TASKS) {
        if (wf_runq_push(&ring.owned, &ring.tasks[n_pushed])) {
            n_pushed++;
            if (wt_random_below(3) > 0)
                continue;
        }
        struct wf_task *task = wf_runq_pop(&ring.owned);
        if (task != NULL)
            take(task);
    }
    struct wf_task *task, *last = NULL;
    while ((task = wf_runq_pop(&ring.owned)) != NULL) {
        ck_assert(task > last);
        last = task;
        take(task);
    }
}

static void begin(void)
{
    memset(&ring, 0, sizeof ring);
    wf_runq_init(&ring.owned);
    uint32_t start = UINT32_MAX - (uint32_t)wt_random_below(WF_RING_SIZE);
    wf_store_rlx(&ring.owned.head, start);
    wf_store_rlx(&ring.owned.tail, start);
}

static void run_with_thieves(void (*own)(void *arg), void (*steal)(void *arg))
{
    wt_thread *thieves[THIEVES];
    begin();
    for (unsigned i = 0; i < THIEVES; i++)
        thieves[i] = wt_thread_start(steal, NULL);
    own(NULL);
    for (unsigned i = 0; i < THIEVES; i++)
        wt_thread_join(thieves[i]);
    for (unsigned i = 0; i < TASKS; i++)
        ck_assert_uint_eq(wf_load_rlx(&ring.n_taken[i]), 1);
}

WT_TEST(each_task_of_the_ring_is_taken_once) { run_with_thieves(own_ring, steal_until_over); }

/* ---- with the slot and the unstarted ones ------------------------------------------------------ */

static void steal_anything(void *arg)
{
    struct wf_runq own;
    (void)arg;
    wf_runq_init(&own);
    while (!has_all()) {
        struct wf_task *task = wf_runq_steal(&own, &ring.owned);
        if (task == NULL)
            task = wf_runq_steal_fresh(&ring.owned);
        if (task == NULL)
            task = wf_runq_take_slot(&ring.owned);
        if (task == NULL)
            wf_cpu_relax();
        else
            take(task);
        while ((task = wf_runq_pop(&own)) != NULL)
            take(task);
    }
}

static bool offer(struct wf_task *task)
{
    switch (wt_random_below(3)) {
    case 0: return wf_runq_push(&ring.owned, task);
    case 1: wf_runq_push_fresh(&ring.owned, task, 1); return true;
    default:
        task = wf_runq_fill_slot(&ring.owned, task);
        if (task != NULL && !wf_runq_push(&ring.owned, task))
            take(task);
        return true;
    }
}

static struct wf_task *pop_any(void)
{
    struct wf_task *task = wf_runq_take_slot(&ring.owned);
    if (task == NULL)
        task = wf_runq_pop(&ring.owned);
    return task != NULL ? task : wf_runq_pop_fresh(&ring.owned);
}

static void own_all(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < TASKS; i++) {
        if (!offer(&ring.tasks[i]))
            take(&ring.tasks[i]);
        struct wf_task *task = wt_random_below(2) == 0 ? pop_any() : NULL;
        if (task != NULL)
            take(task);
    }
    for (struct wf_task *task; (task = pop_any()) != NULL;)
        take(task);
}

WT_TEST(each_task_of_all_queues_is_taken_once) { run_with_thieves(own_all, steal_anything); }

/* ---- real workers ------------------------------------------------------------------------------ */

WEFT_TASK(count_run, (_Atomic unsigned *, n_runs), (unsigned, n_pauses))
{
    (void)wf_add_rlx(n_runs, 1u);
    while (n_pauses-- > 0)
        MUST(weft_pause());
    return 0;
}

WT_TEST(each_task_runs_once_wherever)
{
    _Atomic unsigned n_runs[TASKS] = { 0 };
    MUST(weft_configure(WEFT_CONFIG(.workers = 2 + (unsigned)wt_random_below(2))));
    WEFT_SCOPE(scope);
    for (unsigned i = 0; i < TASKS; i++)
        MUST(weft_spawn(&scope, count_run, &n_runs[i], (unsigned)wt_random_below(4)));
    MUST(weft_scope_wait(&scope));
    for (unsigned i = 0; i < TASKS; i++)
        ck_assert_uint_eq(wf_load_rlx(&n_runs[i]), 1);
}

WT_MAIN("ring_model")
