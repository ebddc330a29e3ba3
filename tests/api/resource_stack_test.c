/* SPDX-License-Identifier: MIT
 * Exit stacks: order, what each closer is told, handing over, and memory that ends. */
#include "wt_test.h"

#include <stdlib.h>
#include <string.h>
#include <weft.h>

/* Notes what it was told; returns that, or its answer if it has one. */
struct item {
    int told, turn, answer;
    bool has_answer;
};

static int n_closed;

static int item_close(void *at, int rc)
{
    struct item *item = at;
    item->told = rc;
    item->turn = ++n_closed;
    return item->has_answer ? item->answer : rc;
}

static int push(weft_exit_stack **stack, struct item *item)
{
    return weft_exit_push(stack, "item", item_close, item);
}

static void run(int (*main_task)(void *), int expected)
{
    n_closed = 0;
    ck_assert_int_eq(weft_run(main_task, NULL), expected);
}

static int order_main(void *arg)
{
    (void)arg;
    struct item items[20] = { { 0 } };
    {
        WEFT_AUTO(weft_exit_stack, stack);
        ck_assert_uint_eq(weft_exit_count(stack), 0);
        for (int i = 0; i < 20; i++)
            WEFT_TRY(push(&stack, &items[i]));
        ck_assert_uint_eq(weft_exit_count(stack), 20);
    }
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(items[i].turn, 20 - i);
        ck_assert_int_eq(items[i].told, WEFT_ABANDONED);
    }
    return 0;
}

WT_TEST(the_latest_closes_first_and_is_told_abandoned) { run(order_main, 0); }

static int close_three(struct item *items, int rc)
{
    WEFT_AUTO(weft_exit_stack, stack);
    for (int i = 0; i < 3; i++)
        WEFT_TRY(push(&stack, &items[i]));
    return weft_close_with(stack, rc);
}

static int outcome_main(void *arg)
{
    (void)arg;
    struct item plain[3] = { { 0 } };
    ck_assert_int_eq(close_three(plain, 5), 5);
    ck_assert_int_eq(plain[0].told, 5);
    struct item replaces[3] = { [1] = { .has_answer = true, .answer = -EPERM } };
    ck_assert_int_eq(close_three(replaces, -EIO), -EPERM);
    ck_assert_int_eq(replaces[2].told, -EIO);
    ck_assert_int_eq(replaces[1].told, -EIO);
    ck_assert_int_eq(replaces[0].told, -EPERM);
    struct item suppresses[3] = { [1] = { .has_answer = true, .answer = 0 } };
    ck_assert_int_eq(close_three(suppresses, -EIO), 0);
    ck_assert_int_eq(suppresses[0].told, 0);
    struct item fails[3] = {
        [2] = { .has_answer = true, .answer = -EIO }, [0] = { .has_answer = true, .answer = 0 }
    };
    ck_assert_int_eq(close_three(fails, 0), 0);
    ck_assert_int_eq(fails[1].told, -EIO);
    return 0;
}

WT_TEST(each_closer_is_told_what_the_one_before_made_of_it) { run(outcome_main, 0); }

static int abandoned_main(void *arg)
{
    (void)arg;
    struct item items[3] = {
        [2] = { .has_answer = true, .answer = 0 }, [1] = { .has_answer = true, .answer = -EIO }
    };
    {
        WEFT_AUTO(weft_exit_stack, stack);
        for (int i = 0; i < 3; i++)
            WEFT_TRY(push(&stack, &items[i]));
    }
    ck_assert_int_eq(items[1].told, WEFT_ABANDONED);
    ck_assert_int_eq(items[0].told, -EIO);
    return 0;
}

WT_TEST(an_error_found_at_the_brace_is_told_on_and_is_the_tasks) { run(abandoned_main, -EIO); }

static int pop_main(void *arg)
{
    (void)arg;
    struct item items[2] = { { 0 } };
    WEFT_AUTO(weft_exit_stack, stack);
    ck_assert_ptr_null(weft_exit_pop(&stack));
    WEFT_TRY(push(&stack, &items[0]));
    WEFT_TRY(push(&stack, &items[1]));
    ck_assert_ptr_eq(weft_exit_pop(&stack), &items[1]);
    ck_assert_int_eq(weft_close_with(stack, 0), 0);
    ck_assert_ptr_null(weft_exit_pop(&stack));
    ck_assert_int_eq(items[0].turn, 1);
    ck_assert_int_eq(items[1].turn, 0);
    return 0;
}

WT_TEST(what_was_popped_is_not_closed) { run(pop_main, 0); }

/* ---- handing over ---------------------------------------------------------------------------------- */

static int open_all(struct item *items, int n, bool fails, weft_exit_stack **out_stack)
{
    WEFT_AUTO(weft_exit_stack, stack);
    for (int i = 0; i < n; i++)
        WEFT_TRY(push(&stack, &items[i]));
    if (fails)
        return -EIO; /* the brace closes what there is */
    *out_stack = WEFT_STEAL(stack);
    return 0;
}

static int handed_out_main(void *arg)
{
    (void)arg;
    struct item items[3] = { { 0 } };
    WEFT_AUTO(weft_exit_stack, stack);
    ck_assert_int_eq(open_all(items, 3, true, &stack), -EIO);
    ck_assert_int_eq(n_closed, 3);
    ck_assert_ptr_null(stack);
    WEFT_TRY(open_all(items, 3, false, &stack));
    ck_assert_int_eq(n_closed, 3);
    WEFT_TRY(weft_close_with(stack, 0));
    ck_assert_int_eq(n_closed, 6);
    return 0;
}

WT_TEST(all_of_it_can_be_handed_out) { run(handed_out_main, 0); }

WEFT_TASK(keep, (auto, weft_exit_stack, stack))
{
    ck_assert_uint_eq(weft_exit_count(stack), 2);
    ck_assert_int_eq(n_closed, 0);
    return 0;
}

static int moved_main(void *arg)
{
    (void)arg;
    struct item items[2] = { { 0 } };
    WEFT_AUTO(weft_exit_stack, stack);
    WEFT_TRY(push(&stack, &items[0]));
    WEFT_TRY(push(&stack, &items[1]));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, keep, WEFT_MOVE(stack)));
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert_int_eq(n_closed, 2);
    return 0;
}

WT_TEST(a_task_may_take_it_over) { run(moved_main, 0); }

static int loop_main(void *arg)
{
    (void)arg;
    struct item items[2] = { { 0 } };
    for (int i = 0; i < 5; i++) {
        WEFT_AUTO(weft_exit_stack, stack);
        ck_assert_int_eq(n_closed, 2 * i);
        WEFT_TRY(push(&stack, &items[0]));
        WEFT_TRY(push(&stack, &items[1]));
        if (i == 3)
            continue;
    }
    ck_assert_int_eq(n_closed, 10);
    return 0;
}

WT_TEST(in_a_loop_it_closes_at_each_turn) { run(loop_main, 0); }

/* ---- resources of a type ----------------------------------------------------------------------------- */

typedef struct thing {
    int found;
} thing;

static int n_things;

static int thing_open(int found, thing **out_thing)
{
    thing *it = malloc(sizeof *it);
    ck_assert_ptr_nonnull(it);
    it->found = found;
    n_things++;
    *out_thing = it;
    return 0;
}
static int thing_close(thing *it)
{
    int found = it->found;
    n_things--;
    free(it);
    int rc = weft_sleep(WEFT_US(10)); /* shielded */
    return rc < 0 ? rc : found;
}
WEFT_DEFINE_AUTO(thing, thing_close)

static int keep_things(int n, int found, int rc)
{
    WEFT_AUTO(weft_exit_stack, stack);
    for (int i = 0; i < n; i++) {
        WEFT_AUTO(thing, it);
        WEFT_TRY(thing_open(i == 0 ? found : 0, &it));
        WEFT_TRY(weft_exit_keep(&stack, thing, it));
        ck_assert_ptr_null(it);
    }
    ck_assert_int_eq(n_things, n);
    return weft_close_with(stack, rc);
}

static int things_main(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    ck_assert_int_eq(keep_things(10, 0, 3), 3);
    ck_assert_int_eq(keep_things(3, -EIO, 3), -EIO);
    ck_assert_int_eq(keep_things(3, -EIO, -EPERM), -EPERM);
    ck_assert_int_eq(n_things, 0);
    WEFT_AUTO(weft_exit_stack, stack);
    WEFT_AUTO(thing, nothing);
    ck_assert_int_eq(weft_exit_keep(&stack, thing, nothing), WEFT_EINVAL);
    return weft_scope_wait(&scope);
}

WT_TEST(it_keeps_what_variables_owned) { run(things_main, 0); }

/* What can't be pushed is closed at once, and so is, by the brace, what was. */
static int faulty_main(void *arg)
{
    struct item *items = arg;
    WEFT_AUTO(weft_exit_stack, stack);
    wt_fault_on(WT_FAULT_MEMORY);
    for (int i = 0; i < 20; i++) {
        int rc = push(&stack, &items[i]);
        ck_assert(rc == 0 || (rc == WEFT_ENOMEM && items[i].told == WEFT_ENOMEM));
        ck_assert_int_eq(n_closed, rc == 0 ? 0 : 1);
        if (rc < 0)
            return rc;
    }
    wt_fault_off();
    return 0;
}

static void faulty_body(void *arg)
{
    (void)arg;
    struct item items[20] = { { 0 } };
    n_closed = 0;
    int rc = weft_run(faulty_main, items);
    ck_assert(rc == 0 || wt_fault_hit());
    for (int i = 0; i < 20 && items[i].turn > 0; i++)
        ck_assert_int_ne(items[i].told, 0);
    ck_assert(n_closed == 20 || rc < 0);
}

WT_TEST(what_cannot_be_pushed_is_closed_at_once)
{
    ck_assert_uint_gt(wt_fault_run(faulty_body, NULL), 3);
}

WT_TEST(mistakes_are_codes)
{
    weft_exit_stack *stack = NULL;
    struct item item = { 0 };
    ck_assert_int_eq(weft_exit_push(NULL, "item", item_close, &item), WEFT_EINVAL);
    ck_assert_int_eq(weft_exit_push(&stack, "item", NULL, &item), WEFT_EINVAL);
    ck_assert_int_eq(weft_exit_push(&stack, "item", item_close, NULL), WEFT_EINVAL);
    ck_assert_ptr_null(weft_exit_pop(NULL));
    ck_assert_int_eq(weft_exit_stack_close(NULL, -EIO), -EIO);
}

WT_MAIN("resource_stack")
