/* SPDX-License-Identifier: MIT
 * Tasks and workers from inside: fairness, memory kept and given back, what a panic says. */
#include "sched/task.h"

#include "base/panic.h"
#include "plat/mem.h"
#include "sched/worker.h"
#include "wt_test.h"

#include <string.h>
#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

static void with_workers(unsigned n) { MUST(weft_configure(WEFT_CONFIG(.workers = n))); }

/* ---- fairness, on one worker ----------------------------------------------------------------- */

WEFT_TASK(set_flag, (_Atomic uint32_t *, flag))
{
    wf_store_seq(flag, 1u);
    return 0;
}

WEFT_TASK(do_nothing, (int, n)) { return n; }

static _Atomic uint32_t flag;

/* Newest first: the one spawned before the loop is the oldest, and would never begin. */
static int spawn_until_old_one_ran(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer);
    WEFT_TRY(weft_spawn(&outer, set_flag, &flag));
    while (wf_load_seq(&flag) == 0) {
        WEFT_SCOPE(inner);
        WEFT_TRY(weft_spawn(&inner, do_nothing, 0));
        WEFT_TRY(weft_spawn(&inner, do_nothing, 0));
        WEFT_TRY(weft_scope_wait(&inner));
    }
    return weft_scope_wait(&outer);
}

WT_TEST(the_oldest_unstarted_task_begins_in_the_end)
{
    with_workers(1);
    wf_store_seq(&flag, 0u);
    MUST(weft_run(spawn_until_old_one_ran, NULL));
}

static int pause_until_set(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, set_flag, &flag));
    for (unsigned n = 0; wf_load_seq(&flag) == 0; n++) {
        ck_assert_uint_lt(n, 1000);
        WEFT_TRY(weft_pause());
    }
    return weft_scope_wait(&scope);
}

WT_TEST(a_task_that_pauses_lets_an_unstarted_one_begin)
{
    with_workers(1);
    wf_store_seq(&flag, 0u);
    MUST(weft_run(pause_until_set, NULL));
}

/* Two that wake each other through the slot, for as long as a third has not run. */
WEFT_TASK(bounce, (rx, int, in), (tx, int, out))
{
    int value = 0;
    for (unsigned n = 0; wf_load_seq(&flag) == 0; n++) {
        ck_assert_uint_lt(n, 100000);
        WEFT_TRY(weft_send(out, value));
        WEFT_TRY(weft_recv(in, &value));
    }
    return 0;
}

WEFT_TASK(set_flag_after, (int, n))
{
    while (n-- > 0)
        WEFT_TRY(weft_pause());
    wf_store_seq(&flag, 1u);
    return 0;
}

WT_TEST(a_pair_that_wakes_each_other_does_not_starve_others)
{
    with_workers(1);
    wf_store_seq(&flag, 0u);
    WEFT_TX(int, a_tx);
    WEFT_RX(int, a_rx);
    WEFT_TX(int, b_tx);
    WEFT_RX(int, b_rx);
    MUST(weft_chan_open(&a_tx, &a_rx, 1));
    MUST(weft_chan_open(&b_tx, &b_rx, 1));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, bounce, WEFT_MOVE(a_rx), WEFT_MOVE(b_tx)));
    MUST(weft_spawn(&scope, bounce, WEFT_MOVE(b_rx), WEFT_MOVE(a_tx)));
    MUST(weft_spawn(&scope, set_flag_after, 20));
    MUST(weft_scope_wait(&scope));
}

/* Operations that never wait: the budget makes way for others. */
WEFT_TASK(never_waits, (int, unused))
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    for (unsigned n = 0; wf_load_seq(&flag) == 0; n++) {
        ck_assert_uint_lt(n, 1000000);
        WEFT_TRY(weft_send(tx, unused));
        WEFT_TRY(weft_recv(rx, &unused));
    }
    return 0;
}

WEFT_TASK(checks_only, (int, unused))
{
    (void)unused;
    for (unsigned n = 0; wf_load_seq(&flag) == 0; n++) {
        ck_assert_uint_lt(n, 1000000);
        WEFT_TRY(weft_checkpoint());
    }
    return 0;
}

WT_TEST(a_task_whose_calls_never_wait_gives_way_all_the_same)
{
    wt_seeds_at_most(20);
    with_workers(1);
    wf_store_seq(&flag, 0u);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, never_waits, 0));
    MUST(weft_spawn(&scope, checks_only, 0));
    MUST(weft_spawn(&scope, set_flag_after, 5)); /* last: it has to get its turn beside them */
    MUST(weft_scope_wait(&scope));
}

/* A timer fires though the worker is never idle. */
static int pause_until_deadline(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
    int rc;
    while ((rc = weft_pause()) == 0)
        wf_cpu_relax();
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    return 0;
}

WT_TEST(a_busy_worker_looks_at_the_time)
{
    if (wt_is_sim())
        wt_skip("virtual time stands still while a task is busy");
    with_workers(1);
    MUST(weft_run(pause_until_deadline, NULL));
}

/* ---- more than the queues hold --------------------------------------------------------------- */

WEFT_TASK(pause_some, (_Atomic unsigned *, n_done))
{
    for (int i = 0; i < 3; i++)
        WEFT_TRY(weft_pause());
    (void)wf_add_seq(n_done, 1u);
    return 0;
}

static int spawn_many(void *arg)
{
    unsigned n = *(unsigned *)arg;
    _Atomic unsigned n_done = 0;
    WEFT_SCOPE(scope);
    for (unsigned i = 0; i < n; i++)
        MUST(weft_spawn(&scope, pause_some, &n_done));
    MUST(weft_scope_wait(&scope));
    ck_assert_uint_eq(wf_load_seq(&n_done), n);
    return 0;
}

WT_TEST(queues_overflow_into_the_shared_one)
{
    unsigned n = wt_is_sim() ? 30 : 2000;
    for (unsigned workers = 1; workers <= 3; workers++) {
        with_workers(workers);
        MUST(spawn_many(&n));
        MUST(weft_run(spawn_many, &n));
        MUST(weft_shutdown(WEFT_SEC(10)));
    }
}

/* ---- what a panic says ----------------------------------------------------------------------- */

WEFT_TASK(panics, (int, n))
{
    wf_panic("%d is too much", n);
    return 0;
}

static void run_panicking(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    MUST(weft_spawn_with(&scope, WEFT_OPTS(spawn, .name = "timid"), panics, 9));
    MUST(weft_scope_wait(&scope));
}

WT_TEST(last_words_name_the_task_and_its_place)
{
    wt_seeds_at_most(1);
    wt_expect_abort(run_panicking, NULL, "9 is too much [task #");
    wt_expect_abort(run_panicking, NULL, "\"timid\", spawned at ");
}

WT_MAIN("task")
