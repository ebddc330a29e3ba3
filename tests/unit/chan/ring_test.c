/* SPDX-License-Identifier: MIT
 * The ring alone: values of every small size, capacities that are no power of two. */
#include "wt_test.h"

#include "chan/ring.h"

WT_TEST(values_leave_in_order_whatever_the_size)
{
    wt_seeds_at_most(1);
    for (size_t size = 1; size <= 40; size++) {
        for (size_t capacity = 1; capacity <= 5; capacity++) {
            unsigned char data[200], value[40], out[41] = { 0 };
            struct wf_ring ring = { .data = data, .elem_size = size, .capacity = capacity };
            unsigned char in = 0, next = 0;
            for (int step = 0; step < 200; step++) {
                if (ring.n_full < capacity && (ring.n_full == 0 || wt_random() % 2)) {
                    memset(value, ++in, size);
                    wf_ring_push(&ring, value);
                } else {
                    out[size] = 77;
                    wf_ring_pop(&ring, out);
                    next++;
                    for (size_t i = 0; i < size; i++)
                        ck_assert_uint_eq(out[i], next);
                    ck_assert_uint_eq(out[size], 77);
                }
                ck_assert_uint_eq(ring.n_full, (unsigned char)(in - next));
            }
        }
    }
}

WT_TEST(a_value_can_be_looked_at_and_skipped)
{
    int data[3], values[] = { 1, 2, 3, 4 };
    struct wf_ring ring = { .data = (unsigned char *)data,
                            .elem_size = sizeof(int),
                            .capacity = 3 };
    for (int i = 0; i < 3; i++)
        wf_ring_push(&ring, &values[i]);
    wf_ring_skip(&ring);
    wf_ring_push(&ring, &values[3]);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(*(int *)wf_ring_at(&ring, i), values[i + 1]);
}

WT_MAIN("chan_ring")
