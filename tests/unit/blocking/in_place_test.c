/* SPDX-License-Identifier: MIT
 * Functions that compute on a large stack, and stay on their worker's thread. */
#include "blocking/handoff.h"

#include "plat/thread.h"
#include "wt_test.h"

#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

WEFT_TASK(thread_id) { return wf_thread_id(); }

/* Taken for long, so that any other would go to the pool. */
WEFT_TASK(compare_in_place, (unsigned *, n_here))
{
    static const weft_blocking_opts in_place = { .in_place = true };
    for (unsigned i = 0; i < 200; i++) {
        wf_site_overran(&thread_id_callable_);
        *n_here += weft_blocking_with(&in_place, thread_id) == wf_thread_id();
    }
    return 0;
}

/* But for one that the system has kept from running for so long that its worker was lent. */
WT_TEST(they_stay_however_long_the_last_ones_were)
{
    unsigned n_here = 0;
    MUST(weft_configure(WEFT_CONFIG(.workers = 1)));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, compare_in_place, &n_here));
    MUST(weft_scope_wait(&scope));
    ck_assert_uint_gt(n_here, wt_is_sim() ? 1 : 100);
}

WT_MAIN("in_place")
