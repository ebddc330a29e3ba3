/* SPDX-License-Identifier: MIT
 * Twenty thousand tasks parked on channels at once, each on a guarded stack of its own. The million
 * is a benchmark's (tests/bench/parked.c). */
#include "wt_test.h"

#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

WEFT_TASK(wait_for_value, (rx, int, in), (_Atomic long *, sum))
{
    int value;
    int rc = weft_recv(in, &value);
    if (rc == 1)
        *sum += value;
    return rc < 0 ? rc : 0;
}

struct parked {
    unsigned n;
    _Atomic long sum;
};

static int park_all(void *arg)
{
    struct parked *parked = arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 0));
    WEFT_SCOPE(scope);
    for (unsigned i = 0; i < parked->n; i++)
        WEFT_TRY(weft_spawn(&scope, wait_for_value, weft_ref(rx), &parked->sum));
    WEFT_DROP(rx);
    for (unsigned i = 0; i < parked->n; i++)
        WEFT_TRY(weft_send(tx, 1));
    return weft_scope_wait(&scope);
}

WT_TEST(many_parked_tasks_all_get_their_value)
{
    wt_seeds_at_most(2);
    struct parked parked = { .n = wt_is_sim() ? 300 : wt_scaled(20000) };
    MUST(weft_run(park_all, &parked));
    ck_assert_int_eq(parked.sum, parked.n);
    MUST(weft_run(park_all, &parked));
    ck_assert_int_eq(parked.sum, 2 * (long)parked.n);
}

WT_TEST(many_parked_tasks_are_cancelled_at_once)
{
    wt_seeds_at_most(2);
    struct parked parked = { .n = wt_is_sim() ? 300 : wt_scaled(20000) };
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    wt_capture_reports();
    MUST(weft_chan_open(&tx, &rx, 0));
    WEFT_SCOPE(scope);
    MUST(weft_spawn_n(&scope, (int)parked.n, wait_for_value, WEFT_MOVE(rx), &parked.sum));
    MUST(weft_sleep(WEFT_MS(5)));
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    ck_assert_int_eq(parked.sum, 0);
    ck_assert_int_eq(weft_send(tx, 1), WEFT_ECLOSED);
}

WT_MAIN("parked")
