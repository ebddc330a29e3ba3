/* SPDX-License-Identifier: MIT
 * The pairing heap against a plain array, and shapes that would break a recursive one. */
#include "base/heap.h"

#include "wt_test.h"

#include <stdlib.h>

enum { N = 300 };

static struct wf_heap_node nodes[N];
static bool is_in[N];

static int64_t least(void)
{
    int64_t key = INT64_MAX;
    for (int i = 0; i < N; i++)
        if (is_in[i] && nodes[i].key < key)
            key = nodes[i].key;
    return key;
}

static void toggle(struct wf_heap *heap, int i)
{
    if (is_in[i]) {
        wf_heap_remove(heap, &nodes[i]);
    } else {
        nodes[i].key = (int64_t)wt_random_below(100);
        wf_heap_insert(heap, &nodes[i]);
    }
    is_in[i] = !is_in[i];
}

WT_TEST(the_root_is_always_the_least)
{
    struct wf_heap heap = { NULL };
    unsigned n_steps = wt_scaled(100000);
    for (unsigned step = 0; step < n_steps; step++) {
        toggle(&heap, (int)wt_random_below(N));
        if (heap.root == NULL)
            ck_assert_int_eq(least(), INT64_MAX);
        else
            ck_assert_int_eq(heap.root->key, least());
    }
    while (heap.root != NULL) {
        ck_assert_int_eq(heap.root->key, least());
        toggle(&heap, (int)(heap.root - nodes));
    }
    for (int i = 0; i < N; i++)
        ck_assert(!is_in[i]);
}

static void drain_in_order(const int64_t *keys, int n)
{
    struct wf_heap heap = { NULL };
    struct wf_heap_node *all = calloc((size_t)n, sizeof *all);
    for (int i = 0; i < n; i++) {
        all[i].key = keys[i];
        wf_heap_insert(&heap, &all[i]);
    }
    int64_t last = INT64_MIN;
    for (int i = 0; i < n; i++) {
        ck_assert_int_ge(heap.root->key, last);
        last = heap.root->key;
        wf_heap_remove(&heap, heap.root);
    }
    ck_assert_ptr_null(heap.root);
    free(all);
}

/* Rising keys give the root n children, falling ones a chain of n. */
WT_TEST(long_rows_and_long_chains)
{
    int n = (int)wt_scaled(100000);
    int64_t *keys = calloc((size_t)n, sizeof *keys);
    for (int i = 0; i < n; i++)
        keys[i] = i;
    drain_in_order(keys, n);
    for (int i = 0; i < n; i++)
        keys[i] = -i;
    drain_in_order(keys, n);
    for (int i = 0; i < n; i++)
        keys[i] = i % 2 == 0 ? INT64_MAX - 1 : INT64_MIN;
    drain_in_order(keys, n);
    free(keys);
}

WT_TEST(equal_keys_all_come_out)
{
    static int64_t keys[1000];
    drain_in_order(keys, 1000);
}

WT_MAIN_BARE("heap")
