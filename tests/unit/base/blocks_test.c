/* SPDX-License-Identifier: MIT
 * Blocks of one size: apart, reused, and back with the system after a burst. */
#include "base/blocks.h"

#include "plat/sys.h"
#include "wt_test.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 304, N = 10000 };

static struct wf_blocks blocks = WF_BLOCKS_INIT(blocks, SIZE, 0);
static size_t n_mapped, n_unmapped; /* chunks */

static void *count_map(size_t size)
{
    n_mapped++;
    return wf_sys_real.map(size);
}

static int count_unmap(void *base, size_t size)
{
    n_unmapped++;
    return wf_sys_real.unmap(base, size);
}

static void *refuse_to_map(size_t size)
{
    (void)size;
    return NULL;
}

static unsigned char *take(unsigned mark)
{
    unsigned char *block = wf_blocks_take(&blocks);
    ck_assert(block != NULL && (uintptr_t)block % 16 == 0);
    memset(block, (int)(mark & 0xff), SIZE);
    return block;
}

static void give(unsigned char *block, unsigned mark)
{
    bool is_mine = true;
    for (unsigned i = 0; i < SIZE; i++)
        is_mine &= block[i] == (mark & 0xff);
    ck_assert(is_mine);
    wf_blocks_give(&blocks, block);
}

/* In the order they came, the other way round, or mixed. */
static void burst(int order)
{
    static unsigned char *held[N];
    static unsigned at[N];
    unsigned n = wt_scaled(N);
    for (unsigned i = 0; i < n; i++) {
        held[i] = take(i);
        at[i] = order == 1 ? n - 1 - i : i;
    }
    for (unsigned i = n; order == 2 && i-- > 1;) {
        unsigned j = wt_random_below(i + 1), other = at[i];
        at[i] = at[j];
        at[j] = other;
    }
    for (unsigned i = 0; i < n; i++)
        give(held[at[i]], at[i]);
}

WT_TEST(a_burst_goes_back_in_whatever_order_it_ends)
{
    wf_sys.map = count_map;
    wf_sys.unmap = count_unmap;
    for (int order = 0; order < 3; order++) {
        burst(order);
        ck_assert_uint_le(n_mapped - n_unmapped, 4);
        ck_assert_uint_eq(blocks.n_chunks, n_mapped - n_unmapped);
    }
}

WT_TEST(who_goes_up_and_down_maps_nothing)
{
    unsigned char *held[100];
    for (unsigned i = 0; i < 100; i++)
        held[i] = take(i);
    wf_sys.map = refuse_to_map;
    wf_sys.unmap = count_unmap;
    n_unmapped = 0;
    for (unsigned round = 0; round < 50; round++) {
        unsigned n = 1 + wt_random_below(20);
        for (unsigned i = 0; i < n; i++)
            give(held[i], i);
        for (unsigned i = 0; i < n; i++)
            held[i] = take(i);
    }
    ck_assert_uint_eq(n_unmapped, 0);
    for (unsigned i = 0; i < 100; i++)
        give(held[i], i);
}

WT_TEST(no_memory_is_said_and_not_for_ever)
{
    unsigned char *held[5000];
    unsigned n = 0;
    held[n] = take(n);
    n++;
    wf_sys.map = refuse_to_map;
    while (n < 5000 && (held[n] = wf_blocks_take(&blocks)) != NULL)
        memset(held[n], (int)(n & 0xff), SIZE), n++;
    ck_assert_uint_lt(n, 5000);
    wf_sys.map = wf_sys_real.map;
    held[n] = take(n);
    for (unsigned i = 0; i <= n; i++)
        give(held[i], i);
}

/* ---- several threads -------------------------------------------------------------------------- */

static void churn(void *arg)
{
    unsigned char *held[30];
    unsigned n = 0, mark = *(unsigned *)arg, n_turns = wt_scaled(2000), state = mark + 1;
    for (unsigned turn = 0; turn < n_turns; turn++) {
        state = state * 1664525 + 1013904223;
        if (n < 30 && (n == 0 || state >> 30 != 0))
            held[n++] = take(mark);
        else
            give(held[--n], mark);
    }
    while (n > 0)
        give(held[--n], mark);
}

WT_TEST(threads_share_them)
{
    wt_thread *threads[3];
    unsigned marks[3] = { 1, 2, 3 };
    for (int i = 0; i < 3; i++)
        threads[i] = wt_thread_start(churn, &marks[i]);
    for (int i = 0; i < 3; i++)
        wt_thread_join(threads[i]);
}

WT_MAIN("blocks")
