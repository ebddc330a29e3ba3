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
            struct wf_ring ring = { .data = data,
                                    .elem_size = (uint32_t)size,
                                    .capacity = (uint32_t)capacity };
            unsigned char in = 0, next = 0;
            for (int step = 0; step < 200; step++) {
                if (wf_ring_n_full(&ring) < capacity &&
                    (wf_ring_n_full(&ring) == 0 || wt_random() % 2)) {
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
                ck_assert_uint_eq(wf_ring_n_full(&ring), (unsigned char)(in - next));
            }
        }
    }
}

WT_TEST(a_value_can_be_looked_at_and_skipped)
{
    int data[3], values[8] = { 1, 2, 3, 4 }; /* gcc minds 16 bytes from the last on */
    struct wf_ring ring = { .data = (unsigned char *)data,
                            .elem_size = sizeof(int),
                            .capacity = 3 };
    for (int i = 0; i < 3; i++)
        wf_ring_push(&ring, &values[i]);
    wf_ring_skip(&ring, 1);
    wf_ring_push(&ring, &values[3]);
    for (uint32_t i = 0; i < 3; i++)
        ck_assert_int_eq(*(int *)wf_ring_at(&ring, i), values[i + 1]);
}

WT_TEST(runs_of_values_go_over_the_end)
{
    int data[7], values[7], out[7];
    for (uint32_t head = 0; head < 7; head++) {
        for (uint32_t n = 0; n <= 7; n++) {
            struct wf_ring ring = {
                .data = (unsigned char *)data, .elem_size = sizeof(int), .capacity = 7, .head = head
            };
            for (int i = 0; i < 7; i++) {
                values[i] = (int)(head * 100) + i;
                out[i] = data[i] = -1;
            }
            wf_ring_push_many(&ring, values, n);
            ck_assert_uint_eq(wf_ring_n_full(&ring), n);
            for (uint32_t i = 0; i < n; i++)
                ck_assert_int_eq(*(int *)wf_ring_at(&ring, i), values[i]);
            uint32_t n_first = n / 3;
            wf_ring_pop_many(&ring, out, n_first);
            wf_ring_pop_many(&ring, out + n_first, n - n_first);
            ck_assert_uint_eq(wf_ring_n_full(&ring), 0);
            ck_assert_mem_eq(out, values, n * sizeof(int));
            for (uint32_t i = n; i < 7; i++)
                ck_assert_int_eq(out[i], -1);
        }
    }
}

WT_MAIN("chan_ring")
