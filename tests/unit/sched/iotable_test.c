/* SPDX-License-Identifier: MIT
 * The table of descriptors: a slot is found once it was made, and stays where it is. */
#include "sched/iotable.h"

#include "wt_test.h"

#include <limits.h>

WT_TEST(a_slot_is_found_once_it_was_made)
{
    struct wf_io_table table = { 0 };
    ck_assert_ptr_null(wf_io_table_find(&table, 0));
    ck_assert_ptr_null(wf_io_table_find(&table, -1));
    struct wf_io_slot *slot = wf_io_table_find_or_make(&table, 5);
    ck_assert_ptr_nonnull(slot);
    ck_assert_uint_eq(slot->generation, 0);
    ck_assert(slot->waits[0] == NULL && slot->waits[1] == NULL);
    ck_assert_ptr_eq(wf_io_table_find(&table, 5), slot);
    ck_assert_ptr_eq(wf_io_table_find_or_make(&table, 5), slot);
    ck_assert_ptr_ne(wf_io_table_find_or_make(&table, 6), slot);
    ck_assert_ptr_null(wf_io_table_find(&table, 700)); /* another chunk, which nobody made */
    ck_assert_ptr_null(wf_io_table_find(&table, INT_MAX));
    ck_assert_ptr_null(wf_io_table_find(&table, INT_MIN));
    wf_io_table_free(&table);
    ck_assert_ptr_null(wf_io_table_find(&table, 5));
}

WT_TEST(slots_stay_where_they_are_while_the_table_grows)
{
    static const int fds[] = { 0, 255, 256, 1023, 1024, 5000, 1 << 20 };
    enum { N = sizeof fds / sizeof fds[0] };
    struct wf_io_table table = { 0 };
    struct wf_io_slot *slots[N];
    for (unsigned i = 0; i < N; i++) {
        slots[i] = wf_io_table_find_or_make(&table, fds[i]);
        ck_assert_ptr_nonnull(slots[i]);
        slots[i]->generation = i + 1;
    }
    for (unsigned i = 0; i < N; i++) {
        ck_assert_ptr_eq(wf_io_table_find(&table, fds[i]), slots[i]);
        ck_assert_uint_eq(slots[i]->generation, i + 1);
    }
    ck_assert_ptr_null(wf_io_table_find(&table, 1 << 19));
    wf_io_table_free(&table);
}

static void grow_with_faults(void *arg)
{
    (void)arg;
    struct wf_io_table table = { 0 };
    struct wf_io_slot *first = wf_io_table_find_or_make(&table, 3);
    wt_fault_on(WT_FAULT_MEMORY);
    struct wf_io_slot *far = wf_io_table_find_or_make(&table, 100000);
    wt_fault_off();
    ck_assert_ptr_eq(wf_io_table_find(&table, 100000), far);
    ck_assert_ptr_eq(wf_io_table_find(&table, 3), first);
    ck_assert((far == NULL) == wt_fault_hit());
    ck_assert_ptr_nonnull(wf_io_table_find_or_make(&table, 100000));
    wf_io_table_free(&table);
}

WT_TEST(without_memory_it_is_as_it_was)
{
    ck_assert_uint_eq(wt_fault_run(grow_with_faults, NULL), 3);
}

WT_MAIN("iotable")
