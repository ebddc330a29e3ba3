/* SPDX-License-Identifier: MIT
 * errno belongs to the task: saved where it waits, restored where it goes on, whatever others do to
 * the thread's in between; and weft never reports through it. */
#include "wt_test.h"

#include <errno.h>
#include <unistd.h>
#include <weft.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

WEFT_TASK(keep_errno, (int, mine), (int, n))
{
    errno = mine;
    while (n-- > 0) {
        switch (wt_random_below(3)) {
        case 0: MUST(weft_pause()); break;
        case 1: MUST(weft_sleep(WEFT_US(wt_random_below(20)))); break;
        default: MUST(weft_checkpoint());
        }
        WANT(errno, mine);
        if (wt_random_below(4) == 0) {
            WANT(close(-1), -1); /* the C library writes to where we read */
            WANT(errno, EBADF);
            errno = mine;
        }
    }
    return 0;
}

WT_TEST(each_task_has_its_own)
{
    WEFT_SCOPE(scope);
    for (int i = 1; i <= 20; i++)
        MUST(weft_spawn(&scope, keep_errno, i, (int)wt_scaled(500)));
    MUST(weft_scope_wait(&scope));
}

WEFT_TASK(see_errno, (int *, out_seen))
{
    *out_seen = errno;
    errno = 77;
    return 0;
}

static int wait_in_all_ways(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value, seen = -1;
    errno = 42;
    MUST(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(3600));
    MUST(weft_spawn(&scope, see_errno, &seen));
    MUST(weft_send(tx, 1));
    WANT(weft_try_send(tx, 1), WEFT_EAGAIN);
    WANT(weft_recv(rx, &value), 1);
    MUST(weft_sleep(WEFT_US(5)));
    MUST(weft_pause());
    MUST(weft_scope_wait(&scope));
    WANT(errno, 42);
    WANT(seen, 0); /* a new task's is 0, whatever the thread's was */
    return 0;
}

WT_TEST(it_is_the_same_after_each_wait) { MUST(weft_run(wait_in_all_ways, NULL)); }

WT_MAIN("errno")
