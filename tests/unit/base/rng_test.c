/* SPDX-License-Identifier: MIT
 * The generators: repeatable, different for each stream, within bounds, not lopsided. */
#include "base/rng.h"

#include "wt_test.h"

WT_TEST(a_seed_repeats_and_streams_differ)
{
    struct wf_rng a, b, other;
    wf_rng_seed(&a, 7, 0);
    wf_rng_seed(&b, 7, 0);
    wf_rng_seed(&other, 7, 1);
    unsigned n_equal = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = wf_rng_next(&a);
        ck_assert_uint_eq(x, wf_rng_next(&b));
        n_equal += x == wf_rng_next(&other);
    }
    ck_assert_uint_eq(n_equal, 0);
}

WT_TEST(no_seed_gives_a_stuck_generator)
{
    static const uint64_t seeds[] = { 0, 1, UINT64_MAX, -0x9E3779B97F4A7C15u };
    for (int i = 0; i < 4; i++)
        for (uint64_t stream = 0; stream < 100; stream++) {
            struct wf_rng rng;
            wf_rng_seed(&rng, seeds[i], stream);
            ck_assert_uint_ne(rng.state, 0);
            ck_assert_uint_ne(wf_rng_next(&rng), wf_rng_next(&rng));
        }
}

WT_TEST(below_stays_below_and_reaches_all)
{
    struct wf_rng rng;
    wf_rng_seed(&rng, 3, 3);
    ck_assert_uint_eq(wf_rng_below(&rng, 1), 0);
    unsigned counts[10] = { 0 };
    for (int i = 0; i < 100000; i++)
        counts[wf_rng_below(&rng, 10)]++;
    for (int i = 0; i < 10; i++) {
        ck_assert_uint_ge(counts[i], 9000);
        ck_assert_uint_le(counts[i], 11000);
    }
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_lt(wf_rng_below(&rng, UINT32_MAX), UINT32_MAX);
}

WT_MAIN_BARE("rng")
