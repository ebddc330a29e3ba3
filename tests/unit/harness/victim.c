/* SPDX-License-Identifier: MIT
 * Tests most of which fail, each in a way of its own. Not a test: harness_test.c runs it and looks
 * at what the harness makes of it. */
#include "wt_test.h"

#include "plat/futex.h"
#include "plat/mem.h"
#include "plat/sys.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

WT_TEST(passes) { ck_assert(true); }

static bool is_set(void *arg) { return wf_load_acq((_Atomic uint32_t *)arg) != 0; }

static void set(void *arg) { wf_store_rel((_Atomic uint32_t *)arg, 1); }

WT_TEST(waits_for_another_thread)
{
    _Atomic uint32_t flag = 0;
    wt_thread *thread = wt_thread_start(set, (void *)&flag);
    wt_until(is_set, (void *)&flag);
    wt_thread_join(thread);
}

WT_TEST(skips) { wt_skip("there is nothing to see"); }

WT_TEST(fails) { ck_assert_msg(false, "this one fails"); }

static void fail_there(void *arg)
{
    (void)arg;
    ck_assert_msg(false, "failed on the other thread");
}

WT_TEST(fails_on_a_thread) { wt_thread_join(wt_thread_start(fail_there, NULL)); }

WT_TEST(fails_with_seed_three) { ck_assert_msg(wt_seed() != 3, "three"); }

WT_TEST(crashes) { raise(SIGSEGV); }

static void *lost;

WT_TEST(leaks_memory)
{
    lost = wf_alloc(1, 10);
    ck_assert_ptr_nonnull(lost);
}

WT_TEST(leaks_a_descriptor) { ck_assert_int_ge(dup(STDERR_FILENO), 0); }

/* Never woken: a hang on real threads, a report in the simulator. */
WT_TEST(hangs)
{
    _Atomic uint32_t word = 0;
    while (wf_load_rlx(&word) == 0)
        (void)wf_futex_wait(&word, 0, INT64_MAX);
}

/* Forgets one block when the third allocation fails. */
static void allocate_carelessly(void *arg)
{
    (void)arg;
    wt_fault_on(WT_FAULT_MEMORY);
    void *a = wf_alloc(1, 10), *b = wf_alloc(1, 10), *c = wf_alloc(1, 10);
    wf_free(a);
    wf_free(c);
    if (a != NULL && b != NULL && c == NULL)
        return;
    wf_free(b);
}

WT_TEST(leaks_when_the_third_allocation_fails) { wt_fault_run(allocate_carelessly, NULL); }

static void do_nothing(void *arg) { (void)arg; }

WT_TEST(expects_a_death_that_does_not_come) { wt_expect_abort(do_nothing, NULL, ""); }

static void die_with_other_words(void *arg)
{
    (void)arg;
    fputs("weft: fatal: other words\n", stderr);
    abort();
}

WT_TEST(expects_other_last_words) { wt_expect_abort(die_with_other_words, NULL, "these words"); }

WT_MAIN("victim")
