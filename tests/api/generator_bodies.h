/* SPDX-License-Identifier: MIT
 * The bodies that the tests of generators share. */
#ifndef WT_GENERATOR_BODIES_H
#define WT_GENERATOR_BODIES_H

#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#include "token.h"

static _Atomic int n_begun, n_ended, last_code;

__attribute__((unused)) static void reset(void)
{
    atomic_store(&n_begun, 0);
    atomic_store(&n_ended, 0);
    atomic_store(&last_code, 1);
    tokens_begin();
}

__attribute__((unused)) static void run(int (*main_task)(void *))
{
    reset();
    ck_assert_int_eq(weft_run(main_task, NULL), 0);
    ck_assert_int_eq(atomic_load(&n_begun), atomic_load(&n_ended));
    tokens_check();
}

/* Counts every body that begins and ends, and remembers the code it ended with. */
static int ended_with(int rc)
{
    atomic_store(&last_code, rc);
    atomic_fetch_add(&n_ended, 1);
    return rc;
}

static int yield_all(int last, weft_receiver *self)
{
    for (int n = 1; n <= last; n++) {
        int rc = weft_generator_yield(self, &n, sizeof n);
        if (rc < 0)
            return rc;
    }
    return 0;
}

WEFT_GENERATOR(count_to, weft_rx(int), (int, last))
{
    atomic_fetch_add(&n_begun, 1);
    return ended_with(yield_all(last, WEFT_RX_RAW_(weft_this_generator)));
}

WEFT_GENERATOR(fail_after, weft_rx(int), (int, last), (int, code))
{
    atomic_fetch_add(&n_begun, 1);
    int rc = yield_all(last, WEFT_RX_RAW_(weft_this_generator));
    return ended_with(rc < 0 ? rc : code);
}

/* Waits elsewhere than in a yield. */
WEFT_GENERATOR(sleeper, weft_rx(int))
{
    atomic_fetch_add(&n_begun, 1);
    int rc = weft_sleep(WEFT_SEC(1000000));
    weft_shield shield;
    weft_shield_begin(&shield);
    ck_assert_int_eq(weft_sleep(1), 0);
    weft_shield_end(&shield);
    ck_assert_int_eq(weft_checkpoint(), WEFT_ECANCELED);
    return ended_with(rc);
}

WEFT_GENERATOR(slow_tokens, weft_rx(struct token *), (int64_t, d_ns))
{
    atomic_fetch_add(&n_begun, 1);
    int rc = 0;
    for (int n = 1; rc >= 0; n++) {
        rc = weft_sleep(d_ns);
        if (rc >= 0)
            rc = weft_yield(token_new(n));
    }
    return ended_with(rc);
}

__attribute__((unused)) static const weft_generator_opts dropping = { .drop = token_drop };

#endif
