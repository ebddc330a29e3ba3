/* SPDX-License-Identifier: MIT
 * FUTEX_WAIT_BITSET, because it alone takes an absolute deadline on CLOCK_MONOTONIC: a wait that
 * a signal cut short starts again with the same deadline and so never waits too long. */
#include "plat/futex.h"

#include "plat/clock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if !defined(SYS_futex) && defined(SYS_futex_time64)
#define SYS_futex SYS_futex_time64
#endif

int wf_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t at_ns)
{
    /* A point before the clock began is in the past like any other; the kernel calls it EINVAL. */
    int64_t at = at_ns < 0 ? 0 : at_ns;
    struct timespec deadline = {
        .tv_sec = (time_t)(at / 1000000000),
        .tv_nsec = (long)(at % 1000000000),
    };
    long rc = syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
                      at_ns == WF_NEVER ? NULL : &deadline, NULL, FUTEX_BITSET_MATCH_ANY);
    /* EAGAIN, the word differs, and EINTR, a signal: both are early returns, as is a wake. */
    return rc < 0 && errno == ETIMEDOUT ? -ETIMEDOUT : 0;
}

void wf_futex_wake(_Atomic uint32_t *word, int n)
{
    /* EFAULT is expected when the word's memory is gone already. */
    (void)syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, n);
}
