/* SPDX-License-Identifier: MIT
 * A stack that runs over: the last words name the task and the size of its stack, also when it is
 * one of many that wait. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

/* Two calls, so that it is no loop. */
static int dig(volatile char *above, unsigned depth)
{
    volatile char frame[512];
    frame[0] = (char)(above[0] + 1);
    if (depth == 0)
        return frame[0];
    return dig(frame, depth - 1) + dig(frame, 0);
}

WEFT_TASK(overflows, (unsigned, depth))
{
    volatile char first[1] = { 1 };
    return dig(first, depth) == 12345;
}

static void overflow_default(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    MUST(weft_spawn_with(&scope, WEFT_OPTS(spawn, .name = "digger"), overflows, 100000));
    MUST(weft_scope_wait(&scope));
}

static void overflow_own_size(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    MUST(weft_spawn_with(&scope, WEFT_OPTS(spawn, .name = "small", .stack_size = 32 * 1024),
                         overflows, 100000));
    MUST(weft_scope_wait(&scope));
}

#define SAYS(fn, arg, text)             \
    do {                                \
        wt_seeds_at_most(1);            \
        wt_expect_abort(fn, arg, text); \
    } while (0)

WT_TEST(the_task_and_its_stack_are_named)
{
    SAYS(overflow_default, NULL, "a task ran over its stack of 256 KiB [task #");
    SAYS(overflow_default, NULL, "\"digger\", spawned at ");
}

WT_TEST(a_stack_of_another_size_too)
{
    SAYS(overflow_own_size, NULL, "a task ran over its stack of 32 KiB [task #");
    SAYS(overflow_own_size, NULL, "\"small\", spawned at ");
}

/* ---- one of many ----------------------------------------------------------------------------- */

WEFT_TASK(wait_or_overflow, (rx, int, in))
{
    int depth;
    WEFT_TRY(weft_recv(in, &depth));
    return depth < 0 ? 0 : overflows((unsigned)depth);
}

static void overflow_among_parked(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    WEFT_SCOPE(scope);
    MUST(weft_spawn_n(&scope, *(int *)arg, wait_or_overflow, WEFT_MOVE(rx)));
    for (int i = 0; i < *(int *)arg / 2; i++)
        MUST(weft_send(tx, -1));
    MUST(weft_send(tx, 100000));
    MUST(weft_scope_wait(&scope));
}

WT_TEST(among_many_that_wait)
{
    int n = (int)wt_scaled(2000) + 10;
    SAYS(overflow_among_parked, &n, "a task ran over its stack of 256 KiB [task #");
    SAYS(overflow_among_parked, &n, "\"wait_or_overflow\", spawned at ");
}

WT_TEST(deep_but_not_too_deep)
{
    WEFT_SCOPE(scope);
    for (int i = 0; i < 20; i++)
        MUST(weft_spawn(&scope, overflows, 150));
    MUST(weft_scope_wait(&scope));
}

WT_MAIN("overflow")
