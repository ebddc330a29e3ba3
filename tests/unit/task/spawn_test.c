/* SPDX-License-Identifier: MIT
 * Spawn from inside: callables made by hand, whose every enter, drop and clone is counted. */
#include "sched/worker.h"
#include "task/scope.h"
#include "wt_test.h"

#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

/* What a set of arguments owns is one unit: made by the test or a clone, ended by enter or drop. */
struct args {
    char bulk[200]; /* more than fits into the task itself */
    int fails_at;   /* the clone of this number fails */
};

static _Atomic int n_entered, n_dropped, n_cloned;

static int enter(void *args, void *self)
{
    (void)args, (void)self;
    (void)wf_add_seq(&n_entered, 1);
    return 0;
}

static void drop(void *args)
{
    (void)args;
    (void)wf_add_seq(&n_dropped, 1);
}

static int clone_args(void *opaque)
{
    struct args *args = opaque;
    if (wf_load_seq(&n_cloned) + 1 == args->fails_at)
        return -EMFILE;
    (void)wf_add_seq(&n_cloned, 1);
    return 0;
}

static const weft_callable counted = {
    .enter = enter,
    .drop = drop,
    .clone = clone_args,
    .args_size = sizeof(struct args),
    .name = "counted",
    .file = __FILE__,
    .line = __LINE__,
};

static void begin(void)
{
    wf_store_seq(&n_entered, 0);
    wf_store_seq(&n_dropped, 0);
    wf_store_seq(&n_cloned, 0);
}

static void expect_conserved(int n_made)
{
    ck_assert_int_eq(wf_load_seq(&n_entered) + wf_load_seq(&n_dropped),
                     n_made + wf_load_seq(&n_cloned));
}

static int spawn_copies(int copies, int fails_at)
{
    struct args args = { .fails_at = fails_at };
    WEFT_SCOPE(scope);
    int rc = weft_scope_spawn(&scope, WEFT_OPTS(spawn, .copies = copies), &counted, &args, "x", 1);
    MUST(weft_scope_wait(&scope));
    return rc;
}

WT_TEST(copies_are_clones_and_the_last_is_the_original)
{
    for (int n = 1; n <= 20; n++) {
        begin();
        MUST(spawn_copies(n, 0));
        ck_assert_int_eq(wf_load_seq(&n_cloned), n - 1);
        ck_assert_int_eq(wf_load_seq(&n_entered), n);
        expect_conserved(1);
    }
}

WT_TEST(when_a_clone_fails_none_runs_and_all_are_dropped)
{
    for (int fails_at = 1; fails_at < 10; fails_at++) {
        begin();
        ck_assert_int_eq(spawn_copies(10, fails_at), -EMFILE);
        ck_assert_int_eq(wf_load_seq(&n_entered), 0);
        ck_assert_int_eq(wf_load_seq(&n_cloned), fails_at - 1);
        expect_conserved(1);
    }
}

static void spawn_without_memory(void *arg)
{
    (void)arg;
    begin();
    {
        WEFT_SCOPE(scope);
        struct args args = { .fails_at = 0 };
        wt_fault_on(WT_FAULT_MEMORY | WT_FAULT_MAP);
        int rc = weft_scope_spawn(&scope, WEFT_OPTS(spawn, .copies = 4), &counted, &args, "x", 1);
        wt_fault_off();
        ck_assert(rc == 0 || rc == WEFT_ENOMEM);
        ck_assert(rc == 0 || wt_fault_hit());
        MUST(weft_scope_wait(&scope));
        ck_assert_int_eq(wf_load_seq(&n_entered), rc == 0 ? 4 : 0);
    }
    expect_conserved(1);
}

WT_TEST(without_memory_none_runs_and_all_are_dropped)
{
    wt_seeds_at_most(5);
    ck_assert_uint_gt(wt_fault_run(spawn_without_memory, NULL), 3);
}

WT_TEST(a_refusal_drops_them_too)
{
    struct args args = { .fails_at = 0 };
    begin();
    ck_assert_int_eq(weft_scope_spawn(NULL, NULL, &counted, &args, "x", 1), WEFT_EINVAL);
    expect_conserved(1);
    begin();
    ck_assert_int_eq(spawn_copies(-3, 0), WEFT_EINVAL);
    expect_conserved(1);
    begin();
    {
        WEFT_SCOPE(scope);
        MUST(weft_scope_wait(&scope));
        ck_assert_int_eq(
            weft_scope_spawn(&scope, WEFT_OPTS(spawn, .copies = 3), &counted, &args, "x", 1),
            WEFT_ECLOSED);
    }
    ck_assert_int_eq(wf_load_seq(&n_entered), 0);
    expect_conserved(1);
}

/* ---- tasks that were made and never started -------------------------------------------------- */

WT_TEST(a_task_is_made_and_given_up)
{
    struct args args = { .fails_at = 0 };
    WEFT_SCOPE(scope);
    uint64_t before = wf_live_tasks();
    for (int owns = 0; owns < 2; owns++) {
        struct wf_task *task;
        begin();
        MUST(wf_task_make(
            &(struct wf_task_opts){
                .what = &counted,
                .args = &args,
                .home = &scope,
                .on_done = wf_scope_child_done,
            },
            &task));
        ck_assert_str_eq(task->waiter.name, "counted");
        ck_assert_ptr_ne(task->args, task->inline_args);
        wf_task_unmake(task, owns != 0);
        ck_assert_int_eq(wf_load_seq(&n_dropped), owns);
    }
    ck_assert_uint_eq(wf_live_tasks(), before);
    MUST(weft_scope_wait(&scope));
}

WT_MAIN("task_spawn")
