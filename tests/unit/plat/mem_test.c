/* SPDX-License-Identifier: MIT
 * Allocation: overflow, alignment, the count of live blocks. */
#include "wt_test.h"

#include "plat/mem.h"
#include "plat/sys.h"

#include <string.h>

WT_TEST(blocks_are_zeroed_and_counted)
{
    size_t n_live = wf_mem_live();
    char *block = wf_alloc(100, 3);
    ck_assert_ptr_nonnull(block);
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(block[i], 0);
    ck_assert_uint_eq(wf_mem_live(), n_live + 1);
    memset(block, 7, 300);
    block = wf_realloc(block, 100000);
    ck_assert_ptr_nonnull(block);
    ck_assert_int_eq(block[299], 7);
    ck_assert_uint_eq(wf_mem_live(), n_live + 1);
    wf_free(block);
    wf_free(NULL);
    block = wf_realloc(NULL, 5);
    ck_assert_uint_eq(wf_mem_live(), n_live + 1);
    wf_free(block);
    ck_assert_uint_eq(wf_mem_live(), n_live);
}

WT_TEST(nothing_is_something)
{
    void *block = wf_alloc(0, 8);
    ck_assert_ptr_nonnull(block);
    wf_free(block);
    block = wf_realloc(NULL, 0);
    ck_assert_ptr_nonnull(block);
    wf_free(block);
}

WT_TEST(overflow_is_no_memory)
{
    ck_assert_ptr_null(wf_alloc(SIZE_MAX / 2, 3));
    ck_assert_ptr_null(wf_alloc_aligned(SIZE_MAX - 8, 64));
    ck_assert_uint_eq(wf_size_with(16, 10, 8), 96);
    ck_assert_uint_eq(wf_size_with(16, SIZE_MAX / 4, 8), SIZE_MAX);
    ck_assert_uint_eq(wf_size_with(SIZE_MAX, 1, 1), SIZE_MAX);
    ck_assert_ptr_null(wf_alloc(1, wf_size_with(SIZE_MAX, 1, 1)));
}

WT_TEST(aligned_blocks)
{
    size_t n_live = wf_mem_live();
    for (size_t align = 1; align <= 4096; align *= 2) {
        char *block = wf_alloc_aligned(100, align);
        ck_assert_ptr_nonnull(block);
        ck_assert_uint_eq((uintptr_t)block % align, 0);
        for (int i = 0; i < 100; i++)
            ck_assert_int_eq(block[i], 0);
        memset(block, 1, 100);
        wf_free_aligned(block);
    }
    wf_free_aligned(NULL);
    ck_assert_uint_eq(wf_mem_live(), n_live);
}

static void *refuse_to_alloc(size_t size)
{
    (void)size;
    return NULL;
}

static void *refuse_to_realloc(void *old, size_t size)
{
    (void)old, (void)size;
    return NULL;
}

WT_TEST(a_failed_allocation_changes_nothing)
{
    size_t n_live = wf_mem_live();
    char *block = wf_alloc(1, 10);
    wf_sys.realloc = refuse_to_realloc;
    ck_assert_ptr_null(wf_realloc(block, 20));
    ck_assert_uint_eq(wf_mem_live(), n_live + 1);
    wf_sys.alloc = refuse_to_alloc;
    ck_assert_ptr_null(wf_alloc(1, 1));
    ck_assert_ptr_null(wf_alloc_aligned(1, 16));
    ck_assert_uint_eq(wf_mem_live(), n_live + 1);
    wf_sys.alloc = wf_sys_real.alloc; /* for the end of the test */
    wf_free(block);
    ck_assert_uint_eq(wf_mem_live(), n_live);
}

WT_MAIN("plat_mem")
