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
        wf_site_overran(&thread_id_callable_, WF_SITE_VERY_LONG);
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

/* ---- without being asked for ------------------------------------------------------------------- */

struct counted {
    enum wf_site_length length; /* of the last calls */
    bool waits_for_idle;        /* for the other worker to be so */
    unsigned n_here;
};

static bool is_one_idle(void *arg)
{
    (void)arg;
    return wf_load_seq(&wf_rt.n_idle) > 0;
}

WEFT_TASK(count_here, (struct counted *, it))
{
    for (unsigned i = 0; i < 100; i++) {
        if (it->waits_for_idle)
            wt_until(is_one_idle, NULL);
        wf_site_overran(&thread_id_callable_, it->length);
        it->n_here += weft_blocking(thread_id) == wf_thread_id();
    }
    return 0;
}

static unsigned how_often_here(unsigned n_workers, enum wf_site_length length)
{
    if (wt_is_sim())
        wt_skip("there the seed says what is long");
    struct counted it = { .length = length, .waits_for_idle = n_workers > 1 };
    MUST(weft_configure(WEFT_CONFIG(.workers = n_workers)));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, count_here, &it));
    MUST(weft_scope_wait(&scope));
    return it.n_here;
}

WT_TEST(a_long_one_stays_where_nobody_has_to_wait_for_it)
{
    ck_assert_uint_gt(how_often_here(2, WF_SITE_LONG), 50);
}

WT_TEST(it_does_not_where_somebody_may_have_to)
{
    ck_assert_uint_eq(how_often_here(1, WF_SITE_LONG), 0);
}

WT_TEST(a_very_long_one_never_does) { ck_assert_uint_eq(how_often_here(2, WF_SITE_VERY_LONG), 0); }

WT_MAIN("in_place")
