/* SPDX-License-Identifier: MIT
 * The futex and the clock. */
#include "wt_test.h"

#include "plat/clock.h"
#include "plat/futex.h"
#include "plat/sanitizer.h"
#include "plat/thread.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/time.h>

static _Atomic uint32_t word;
static _Atomic uint32_t n_awake;

WT_TEST(the_clock_does_not_go_back)
{
    int64_t last = wf_clock_now();
    ck_assert_int_gt(last, 0);
    for (int i = 0; i < 10000; i++) {
        int64_t now = wf_clock_now();
        ck_assert_int_ge(now, last);
        last = now;
    }
}

WT_TEST(time_saturates)
{
    int64_t now = wf_clock_now();
    ck_assert_int_ge(wf_clock_after(5), now + 5);
    ck_assert_int_lt(wf_clock_after(-now - 1000000000000), 0);
    ck_assert_int_eq(wf_clock_after(WF_NEVER), WF_NEVER);
    ck_assert_int_eq(wf_clock_after(WF_NEVER - 1), WF_NEVER);
}

WT_TEST(a_different_word_does_not_wait)
{
    wf_store_rlx(&word, 5U);
    ck_assert_int_eq(wf_futex_wait(&word, 4, WF_NEVER), 0);
}

static void on_alarm(int sig) { (void)sig; }

WT_TEST(a_timeout_is_never_early)
{
    struct sigaction action = { .sa_handler = on_alarm };
    struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
    sigaction(SIGALRM, &action, NULL);
    wf_store_rlx(&word, 0U);
    for (int with_signals = 0; with_signals < 2; with_signals++) {
        setitimer(ITIMER_REAL, with_signals ? &often : &never, NULL);
        for (int64_t d_ns = -1000000; d_ns < 4000000; d_ns += 170001) {
            int64_t at_ns = wf_clock_after(d_ns);
            int rc;
            while ((rc = wf_futex_wait(&word, 0, at_ns)) == 0)
                ;
            ck_assert_int_eq(rc, -ETIMEDOUT);
            ck_assert_int_ge(wf_clock_now(), at_ns);
        }
    }
    setitimer(ITIMER_REAL, &never, NULL);
    ck_assert_int_eq(wf_futex_wait(&word, 0, INT64_MIN), -ETIMEDOUT);
    ck_assert_int_eq(wf_futex_wait(&word, 0, 0), -ETIMEDOUT);
}

static void wait_for_word(void *arg)
{
    (void)arg;
    while (wf_load_acq(&word) == 0)
        ck_assert_int_eq(wf_futex_wait(&word, 0, WF_NEVER), 0);
    wf_add_acq_rel(&n_awake, 1U);
}

WT_TEST(a_wake_ends_the_wait)
{
    struct wf_os_thread threads[4];
    for (unsigned turn = 0; turn < wt_scaled(200); turn++) {
        wf_store_rlx(&word, 0U);
        wf_store_rlx(&n_awake, 0U);
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(wf_thread_create(&threads[i], "waiter", wait_for_word, NULL), 0);
        wf_store_rel(&word, 1U);
        wf_futex_wake(&word, 4);
        for (int i = 0; i < 4; i++)
            wf_thread_join(&threads[i]);
        ck_assert_uint_eq(wf_load_acq(&n_awake), 4);
    }
}

WT_TEST(waking_a_word_that_is_gone_does_no_harm)
{
    if (wf_san_is_valgrind())
        wt_skip("valgrind takes the address for a mistake");
    _Atomic uint32_t *gone = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                  -1, 0);
    munmap(gone, 4096);
    wf_futex_wake(gone, 1);
}

WT_MAIN("plat_futex")
