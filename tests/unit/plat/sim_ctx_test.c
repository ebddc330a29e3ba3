/* SPDX-License-Identifier: MIT
 * The simulator: virtual threads that are switched while they are on the stack of a task. */
#include "sim_toy.h"

#include "plat/ctx.h"
#include "plat/sanitizer.h"

#include <stdlib.h>
#include <string.h>

/* Tasks, each on a stack of its own, that move between two virtual threads at every switch. */
enum { N_ROUNDS = 30, N_TASKS = 3, TASK_STACK_SIZE = 64 * 1024 };

struct roamer {
    struct wf_ctx ctx;
    _Atomic(struct wf_ctx *) resumed_by;
    void *stack;
    unsigned stack_id;
    _Atomic unsigned n_rounds;
    _Atomic bool has_ended;
};

struct roamers {
    _Atomic uint32_t lock, n_live;
    unsigned n_ready;
    struct roamer *ready[N_TASKS];
    struct roamer all[N_TASKS];
};

static struct roamers *roamers;

static void roam(void *arg)
{
    struct roamer *me = arg;
    char text[256];
    for (int i = 0; i < N_ROUNDS; i++) {
        memset(text, i, sizeof text);
        wf_sim_point();
        for (size_t k = 0; k < sizeof text; k++)
            if (text[k] != i)
                ck_abort_msg("a task's stack was written to while it was switched out");
        (void)wf_add_rlx(&me->n_rounds, 1);
        wf_ctx_switch(&me->ctx, wf_load_acq(&me->resumed_by));
    }
    struct wf_ctx *back = wf_load_acq(&me->resumed_by);
    wf_store_rel(&me->has_ended, true);
    wf_san_disown(me);
    wf_ctx_exit(&me->ctx, back);
}

static struct roamer *take_roamer(void)
{
    struct roamer *taken = NULL;
    while (wf_xchg_acq(&roamers->lock, 1) != 0)
        wf_cpu_relax();
    if (roamers->n_ready > 0) {
        taken = roamers->ready[0];
        memmove(&roamers->ready[0], &roamers->ready[1], sizeof roamers->ready - sizeof taken);
        roamers->n_ready--;
    }
    wf_store_rel(&roamers->lock, 0);
    return taken;
}

static void put_roamer(struct roamer *roamer)
{
    while (wf_xchg_acq(&roamers->lock, 1) != 0)
        wf_cpu_relax();
    if (wf_load_acq(&roamer->has_ended))
        (void)wf_sub_rlx(&roamers->n_live, 1);
    else
        roamers->ready[roamers->n_ready++] = roamer;
    wf_store_rel(&roamers->lock, 0);
}

static void carry_roamers(void *arg)
{
    struct wf_ctx mine;
    (void)arg;
    wf_ctx_adopt(&mine);
    while (wf_load_acq(&roamers->n_live) > 0) {
        struct roamer *roamer = take_roamer();
        if (roamer == NULL) {
            wf_cpu_relax();
            continue;
        }
        wf_store_rel(&roamer->resumed_by, &mine);
        wf_ctx_switch(&mine, &roamer->ctx);
        put_roamer(roamer);
    }
    wf_ctx_unadopt(&mine);
}

static void roamers_main(void *arg)
{
    for (int i = 0; i < N_TASKS; i++) {
        struct roamer *roamer = &roamers->all[i];
        roamer->stack = malloc(TASK_STACK_SIZE);
        roamer->stack_id = wf_san_stack_new(roamer->stack, TASK_STACK_SIZE);
        wf_ctx_make(&roamer->ctx, roamer->stack, (char *)roamer->stack + TASK_STACK_SIZE, roam,
                    roamer);
        roamers->ready[roamers->n_ready++] = roamer;
        (void)wf_add_rlx(&roamers->n_live, 1);
    }
    struct wf_os_thread other = toy_thread(carry_roamers, arg);
    carry_roamers(arg);
    wf_thread_join(&other);
    for (int i = 0; i < N_TASKS; i++) {
        wf_san_own(&roamers->all[i]);
        ck_assert_uint_eq(wf_load_rlx(&roamers->all[i].n_rounds), N_ROUNDS);
        wf_ctx_done(&roamers->all[i].ctx);
        wf_san_stack_gone(roamers->all[i].stack_id);
        free(roamers->all[i].stack);
    }
}

WT_TEST(a_thread_may_be_switched_while_it_is_on_a_tasks_stack)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct roamers some = { .n_ready = 0 };
        roamers = &some;
        ck_assert_int_eq(toy_run(seed, roamers_main, NULL), 0);
    }
}
