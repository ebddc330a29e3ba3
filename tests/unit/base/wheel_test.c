/* SPDX-License-Identifier: MIT
 * The timing wheel against a plain array, with times from nanoseconds to centuries. */
#include "base/wheel.h"

#include "wt_test.h"

#include <stdlib.h>

enum { N = 300 };

static struct wf_wheel wheel;
static struct wf_heap_node nodes[N];
static bool is_in[N];
static int64_t now_ns;

static void begin(int64_t start_ns)
{
    wheel = (struct wf_wheel){ 0 };
    for (int i = 0; i < N; i++)
        is_in[i] = false;
    now_ns = start_ns;
    wf_wheel_advance(&wheel, now_ns);
}

static int64_t least(void)
{
    int64_t key = INT64_MAX;
    for (int i = 0; i < N; i++)
        if (is_in[i])
            key = WF_MIN(key, nodes[i].key);
    return key;
}

static void expect_least(void)
{
    struct wf_heap_node *first = wf_wheel_first(&wheel);
    ck_assert_int_eq(first != NULL ? first->key : INT64_MAX, least());
}

/* A bit is set exactly where something is. */
static void expect_bits(void)
{
    for (unsigned level = 0; level < WF_WHEEL_LEVELS; level++) {
        ck_assert_int_eq(wheel.levels >> level & 1, wheel.slots[level] != 0);
        for (unsigned slot = 0; slot < WF_WHEEL_SLOTS; slot++)
            ck_assert_int_eq(wheel.slots[level] >> slot & 1, wheel.heaps[level][slot].root != NULL);
    }
}

/* Up to 2^bits from now, now and then before; bits are drawn too, so that every level is met. */
static int64_t draw_time(void)
{
    unsigned bits = wt_random_below(56);
    int64_t d_ns = (int64_t)(((uint64_t)wt_random_below(1u << 28) << 28 |
                              wt_random_below(1u << 28)) >>
                             (56 - bits));
    return wt_random_below(8) == 0 ? now_ns - d_ns : now_ns + d_ns;
}

static void toggle(int i)
{
    if (is_in[i]) {
        wf_wheel_remove(&wheel, &nodes[i]);
    } else {
        nodes[i].key = draw_time();
        wf_wheel_insert(&wheel, &nodes[i]);
    }
    is_in[i] = !is_in[i];
}

static void pop_due(void)
{
    struct wf_heap_node *node;
    int64_t last_ns = INT64_MIN;
    while ((node = wf_wheel_pop(&wheel, now_ns)) != NULL) {
        ck_assert(is_in[node - nodes]);
        ck_assert_int_le(node->key, now_ns);
        ck_assert_int_ge(node->key, last_ns);
        last_ns = node->key;
        is_in[node - nodes] = false;
    }
    ck_assert_int_gt(least(), now_ns);
}

/* Time goes on a little, by leaps, or straight to the least. */
static void pass_time(void)
{
    int64_t to_ns = draw_time();
    if (wt_random_below(2) == 0 && least() != INT64_MAX)
        to_ns = least();
    now_ns = WF_MAX(now_ns, to_ns);
    if (now_ns > INT64_MAX / 4)
        now_ns -= wheel.levels == 0 ? now_ns : 0;
    if (wt_random_below(2) == 0)
        wf_wheel_advance(&wheel, now_ns); /* as who adds one does, before what is due was fired */
    else
        pop_due();
}

WT_TEST(the_least_is_at_hand_and_comes_out_in_order)
{
    unsigned n_steps = wt_scaled(30000);
    begin((int64_t)wt_random_below(1u << 30) << 20);
    for (unsigned step = 0; step < n_steps; step++) {
        if (wt_random_below(10) == 0)
            pass_time();
        else
            toggle((int)wt_random_below(N));
        expect_least();
        if (step % 1000 == 0)
            expect_bits();
    }
    now_ns = INT64_MAX - 1;
    pop_due();
    expect_bits();
    ck_assert_uint_eq(wheel.levels, 0);
}

static void fill_and_drain(int n, int64_t (*time_of)(int i))
{
    struct wf_heap_node *all = calloc((size_t)n, sizeof *all), *node;
    begin(0);
    for (int i = 0; i < n; i++) {
        all[i].key = time_of(i);
        wf_wheel_insert(&wheel, &all[i]);
    }
    int n_out = 0;
    for (int64_t last_ns = INT64_MIN; (node = wf_wheel_pop(&wheel, INT64_MAX)) != NULL; n_out++) {
        ck_assert_int_ge(node->key, last_ns);
        last_ns = node->key;
    }
    ck_assert_int_eq(n_out, n);
    expect_bits();
    free(all);
}

static int64_t rising(int i) { return i * INT64_C(1000); }
static int64_t falling(int i) { return INT64_C(1000000000000) - i * INT64_C(100000); }
static int64_t far_and_near(int i) { return i % 2 == 0 ? INT64_MAX - i : INT64_MIN + i; }
static int64_t same(int i) { return i == 0 ? 5 : INT64_C(1) << 40; }
static int64_t at_the_edges(int i) { return (INT64_C(1) << (i % 63)) - (i / 63) % 2; }

/* Long rows and long chains are spread without recursion. */
WT_TEST(all_come_out_whatever_their_shape)
{
    int n = (int)wt_scaled(30000);
    fill_and_drain(n, rising);
    fill_and_drain(n, falling);
    fill_and_drain(n, far_and_near);
    fill_and_drain(n, same);
    fill_and_drain(n, at_the_edges);
}

/* One far timer, which is the least for long, does not make the near ones share a slot. */
WT_TEST(near_timers_find_fine_slots_beside_a_far_one)
{
    struct wf_heap_node far = { .key = INT64_C(1) << 50 }, near[64] = { { .key = 0 } };
    begin(0);
    wf_wheel_insert(&wheel, &far);
    now_ns = INT64_C(1) << 45;
    wf_wheel_advance(&wheel, now_ns);
    for (int i = 0; i < 64; i++) {
        near[i].key = now_ns + ((int64_t)i << WF_WHEEL_UNIT_BITS);
        wf_wheel_insert(&wheel, &near[i]);
    }
    ck_assert_uint_eq(wheel.slots[0], UINT64_MAX);
    for (int i = 0; i < 64; i++)
        ck_assert(wf_wheel_pop(&wheel, now_ns + (INT64_C(1) << 30)) == &near[i]);
    ck_assert(wf_wheel_first(&wheel) == &far);
}

WT_MAIN_BARE("wheel")
