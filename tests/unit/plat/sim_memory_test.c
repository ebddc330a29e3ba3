/* SPDX-License-Identifier: MIT
 * The simulator's weak memory: litmus tests. What C11 allows is met within so many seeds, what it
 * forbids is never met; with strong memory only what is sequentially consistent is. */
#include "sim_toy.h"

enum { SEEDS = 2000 };

static int run_weak(uint64_t seed, void (*fn)(void *arg), void *arg)
{
    struct wf_sim_opts opts = { .seed = seed,
                                .is_weak = true,
                                .switch_percent = 30,
                                .pct_depth = seed % 2 == 0 ? 0 : 3,
                                .max_points = 1000000 };
    return wf_sim_run(&opts, fn, arg, NULL);
}

/* ---- two places, up to four threads ---------------------------------------------------------- */

static struct litmus {
    _Atomic uint32_t x, y, z;
    uint32_t seen[4];
} m;

typedef void body(void *arg);

struct program {
    body *bodies[4];
    unsigned n;
};

static void run_bodies(void *arg)
{
    const struct program *program = arg;
    struct wf_os_thread threads[4];
    m = (struct litmus){ 0 };
    for (unsigned i = 0; i < program->n; i++)
        threads[i] = toy_thread(program->bodies[i], NULL);
    for (unsigned i = 0; i < program->n; i++)
        wf_thread_join(&threads[i]);
}

/* In how many runs the outcome was seen. */
static unsigned count_outcome(bool (*is_seen)(void), unsigned n, body *a, body *b, body *c, body *d)
{
    struct program program = { { a, b, c, d }, n };
    unsigned n_seen = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        ck_assert_int_eq(run_weak(seed, run_bodies, &program), 0);
        n_seen += is_seen();
    }
    return n_seen;
}

#define ALLOWED(seen, n, ...)   ck_assert_uint_gt(count_outcome(seen, n, __VA_ARGS__), 0)
#define FORBIDDEN(seen, n, ...) ck_assert_uint_eq(count_outcome(seen, n, __VA_ARGS__), 0)

/* A body of one thread. */
#define BODY(name, ...)            \
    static void name(void *unused) \
    {                              \
        (void)unused;              \
        __VA_ARGS__                \
    }

/* ---- store buffering: each stores its own and reads the other's ------------------------------ */

static bool both_missed(void) { return m.seen[0] == 0 && m.seen[1] == 0; }

BODY(sb_rel_0, wf_store_rel(&m.x, 1); m.seen[0] = wf_load_acq(&m.y);)
BODY(sb_rel_1, wf_store_rel(&m.y, 1); m.seen[1] = wf_load_acq(&m.x);)
BODY(sb_seq_0, wf_store_seq(&m.x, 1); m.seen[0] = wf_load_seq(&m.y);)
BODY(sb_seq_1, wf_store_seq(&m.y, 1); m.seen[1] = wf_load_seq(&m.x);)
BODY(sb_fence_0, wf_store_rlx(&m.x, 1); wf_fence_seq(); m.seen[0] = wf_load_rlx(&m.y);)
BODY(sb_fence_1, wf_store_rlx(&m.y, 1); wf_fence_seq(); m.seen[1] = wf_load_rlx(&m.x);)
BODY(sb_no_fence, wf_store_rlx(&m.y, 1); m.seen[1] = wf_load_rlx(&m.x);)
BODY(sb_rmw_0, (void)wf_add_seq(&m.x, 1); m.seen[0] = wf_load_seq(&m.y);)
BODY(sb_cas_rel, wf_store_seq(&m.y, 1); uint32_t one = 1;
     m.seen[1] = wf_cas_acq_rel(&m.x, &one, 2);)
BODY(sb_cas_seq, wf_store_seq(&m.y, 1); uint32_t one = 1; m.seen[1] = wf_cas_seq(&m.x, &one, 2);)
BODY(sb_late_read, wf_store_seq(&m.y, 1); m.seen[1] = wf_load_acq(&m.x);)

WT_TEST(two_that_store_and_look_may_both_miss)
{
    ALLOWED(both_missed, 2, sb_rel_0, sb_rel_1, NULL, NULL);
    ALLOWED(both_missed, 2, sb_fence_0, sb_no_fence, NULL, NULL);
    ALLOWED(both_missed, 2, sb_seq_0, sb_rel_1, NULL, NULL);
    ALLOWED(both_missed, 2, sb_seq_0, sb_late_read, NULL, NULL);
    ALLOWED(both_missed, 2, sb_seq_0, sb_cas_rel, NULL, NULL);
}

WT_TEST(with_fences_or_seq_cst_on_both_sides_one_sees_the_other)
{
    FORBIDDEN(both_missed, 2, sb_seq_0, sb_seq_1, NULL, NULL);
    FORBIDDEN(both_missed, 2, sb_fence_0, sb_fence_1, NULL, NULL);
    FORBIDDEN(both_missed, 2, sb_rmw_0, sb_seq_1, NULL, NULL);
    FORBIDDEN(both_missed, 2, sb_seq_0, sb_cas_seq, NULL, NULL);
    FORBIDDEN(both_missed, 2, sb_seq_0, sb_fence_1, NULL, NULL);
}

/* ---- message passing: data, then a flag ------------------------------------------------------ */

static bool flag_without_data(void) { return m.seen[0] == 1 && m.seen[1] == 0; }

BODY(mp_put_rlx, wf_store_rlx(&m.x, 1); wf_store_rlx(&m.y, 1);)
BODY(mp_put_rel, wf_store_rlx(&m.x, 1); wf_store_rel(&m.y, 1);)
BODY(mp_put_fence, wf_store_rlx(&m.x, 1); wf_fence_seq(); wf_store_rlx(&m.y, 1);)
BODY(mp_get_rlx, m.seen[0] = wf_load_rlx(&m.y); m.seen[1] = wf_load_rlx(&m.x);)
BODY(mp_get_acq, m.seen[0] = wf_load_acq(&m.y); m.seen[1] = wf_load_rlx(&m.x);)
BODY(mp_get_fence, m.seen[0] = wf_load_rlx(&m.y); wf_fence_seq(); m.seen[1] = wf_load_rlx(&m.x);)
BODY(mp_get_cas, uint32_t one = 1; m.seen[0] = wf_cas_acq(&m.y, &one, 2);
     m.seen[1] = wf_load_rlx(&m.x);)

WT_TEST(a_flag_without_release_and_acquire_may_come_before_its_data)
{
    ALLOWED(flag_without_data, 2, mp_put_rlx, mp_get_acq, NULL, NULL);
    ALLOWED(flag_without_data, 2, mp_put_rel, mp_get_rlx, NULL, NULL);
}

WT_TEST(a_released_flag_brings_its_data)
{
    FORBIDDEN(flag_without_data, 2, mp_put_rel, mp_get_acq, NULL, NULL);
    FORBIDDEN(flag_without_data, 2, mp_put_rel, mp_get_fence, NULL, NULL);
    FORBIDDEN(flag_without_data, 2, mp_put_rel, mp_get_cas, NULL, NULL);
    FORBIDDEN(flag_without_data, 2, mp_put_fence, mp_get_acq, NULL, NULL);
    FORBIDDEN(flag_without_data, 2, mp_put_fence, mp_get_fence, NULL, NULL);
}

/* A third one's read-modify-write comes between; then somebody else's store does. */
static bool two_without_data(void) { return m.seen[0] == 2 && m.seen[1] == 0; }

BODY(mp_add, while (wf_load_rlx(&m.y) == 0) wf_cpu_relax(); (void)wf_add_rlx(&m.y, 1);)
BODY(mp_overwrite, while (wf_load_rlx(&m.y) == 0) wf_cpu_relax(); wf_store_rel(&m.y, 2);)

WT_TEST(read_modify_writes_pass_on_what_was_released_and_stores_do_not)
{
    FORBIDDEN(two_without_data, 3, mp_put_rel, mp_add, mp_get_acq, NULL);
    ALLOWED(two_without_data, 3, mp_put_rel, mp_overwrite, mp_get_acq, NULL);
}

/* Through another's hands: it has acquired, and releases something else. */
static bool second_without_data(void) { return m.seen[2] == 1 && m.seen[1] == 0; }

BODY(pass_on, while (wf_load_acq(&m.y) == 0) wf_cpu_relax(); wf_store_rel(&m.z, 1);)
BODY(get_second, m.seen[2] = wf_load_acq(&m.z); m.seen[1] = wf_load_rlx(&m.x);)

WT_TEST(what_was_acquired_is_released_along)
{
    FORBIDDEN(second_without_data, 3, mp_put_rel, pass_on, get_second, NULL);
    ALLOWED(second_without_data, 3, mp_put_rlx, pass_on, get_second, NULL);
}

/* ---- two observers of two writers ------------------------------------------------------------ */

static bool orders_differ(void)
{
    return m.seen[0] == 1 && m.seen[1] == 0 && m.seen[2] == 1 && m.seen[3] == 0;
}

BODY(write_x_rel, wf_store_rel(&m.x, 1);)
BODY(write_y_rel, wf_store_rel(&m.y, 1);)
BODY(write_x_seq, wf_store_seq(&m.x, 1);)
BODY(write_y_seq, wf_store_seq(&m.y, 1);)
BODY(see_xy_acq, m.seen[0] = wf_load_acq(&m.x); m.seen[1] = wf_load_acq(&m.y);)
BODY(see_yx_acq, m.seen[2] = wf_load_acq(&m.y); m.seen[3] = wf_load_acq(&m.x);)
BODY(see_xy_seq, m.seen[0] = wf_load_seq(&m.x); m.seen[1] = wf_load_seq(&m.y);)
BODY(see_yx_seq, m.seen[2] = wf_load_seq(&m.y); m.seen[3] = wf_load_seq(&m.x);)

WT_TEST(observers_may_disagree_unless_all_is_seq_cst)
{
    ALLOWED(orders_differ, 4, write_x_rel, write_y_rel, see_xy_acq, see_yx_acq);
    FORBIDDEN(orders_differ, 4, write_x_seq, write_y_seq, see_xy_seq, see_yx_seq);
}

/* ---- one place ------------------------------------------------------------------------------- */

static bool went_back(void) { return m.seen[0] > m.seen[1] || m.seen[1] > m.seen[2]; }
static bool was_late(void) { return m.seen[0] == 1 && wf_load_rlx(&m.x) == 3; }

BODY(count_up, for (uint32_t i = 1; i <= 3; i++) wf_store_rlx(&m.x, i);)
BODY(look_thrice, for (int i = 0; i < 3; i++) m.seen[i] = wf_load_rlx(&m.x);)
BODY(look_when_done, while (wf_load_rlx(&m.x) == 0) wf_cpu_relax(); m.seen[0] = wf_load_rlx(&m.x);)

WT_TEST(nobody_sees_one_place_go_back)
{
    FORBIDDEN(went_back, 2, count_up, look_thrice, NULL, NULL);
    ALLOWED(was_late, 2, count_up, look_when_done, NULL, NULL);
}

static bool one_was_lost(void) { return wf_load_rlx(&m.x) != 40; }

BODY(add_ten, for (int i = 0; i < 10; i++)(void) wf_add_rlx(&m.x, 1);)

WT_TEST(read_modify_writes_lose_nothing)
{
    FORBIDDEN(one_was_lost, 4, add_ten, add_ten, add_ten, add_ten);
}

static bool own_was_missed(void) { return m.seen[0] != 7; }

BODY(see_own, wf_store_rlx(&m.x, 7); m.seen[0] = wf_load_rlx(&m.x);)

WT_TEST(a_thread_sees_its_own_stores) { FORBIDDEN(own_was_missed, 1, see_own, NULL, NULL, NULL); }

/* ---- what orders without an atomic ----------------------------------------------------------- */

static void expect_all_of_x(void *arg)
{
    (void)arg;
    ck_assert_uint_eq(wf_load_rlx(&m.x), 1);
    wf_store_rlx(&m.y, 1);
}

static void start_and_join(void *arg)
{
    (void)arg;
    m = (struct litmus){ 0 };
    wf_store_rlx(&m.x, 1);
    struct wf_os_thread thread = toy_thread(expect_all_of_x, NULL);
    wf_thread_join(&thread);
    ck_assert_uint_eq(wf_load_rlx(&m.y), 1);
}

WT_TEST(starting_and_joining_order)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        ck_assert_int_eq(run_weak(seed, start_and_join, NULL), 0);
}

/* The futex sees the newest, whatever the loads before it saw: the sleeper is always woken. */
static void sleep_on_x(void *arg)
{
    (void)arg;
    while (wf_load_rlx(&m.x) == 0)
        (void)wf_futex_wait(&m.x, 0, WF_NEVER);
}

static void wake_x(void *arg)
{
    (void)arg;
    wf_store_rlx(&m.x, 1);
    wf_futex_wake(&m.x, 1);
}

WT_TEST(a_futex_looks_at_the_newest)
{
    struct program program = { { sleep_on_x, wake_x }, 2 };
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        ck_assert_int_eq(run_weak(seed, run_bodies, &program), 0);
}

static void look_after_an_hour(void *arg)
{
    (void)arg;
    toy_sleep_until(wf_clock_after(HOUR_NS));
    ck_assert_uint_eq(wf_load_rlx(&m.x), 3);
}

WT_TEST(in_an_hour_every_store_has_come_through)
{
    struct program program = { { count_up, look_after_an_hour }, 2 };
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        ck_assert_int_eq(run_weak(seed, run_bodies, &program), 0);
}

/* What was stored in a former life of the memory is not seen in this one. */
static void reuse_plainly(void *arg)
{
    (void)arg;
    wf_store_rlx(&m.x, 7);
    m = (struct litmus){ 0 };
    wf_sim_forget(&m, sizeof m);
    wf_store_rlx(&m.y, 5);
    m.y = 0; /* plain: noticed by its value */
}

static void expect_new_life(void *arg)
{
    (void)arg;
    uint32_t x = wf_load_rlx(&m.x), y = wf_load_rlx(&m.y);
    ck_assert(x == 0 || x == 7);
    ck_assert(y == 0 || y == 5);
    if (wf_load_rlx(&m.z) == 1)
        ck_assert_uint_eq(wf_load_rlx(&m.x), 0);
}

static void live_twice(void *arg)
{
    struct wf_os_thread reader = toy_thread(expect_new_life, arg);
    m = (struct litmus){ 0 };
    reuse_plainly(arg);
    wf_store_seq(&m.z, 1);
    wf_thread_join(&reader);
}

WT_TEST(memory_with_a_new_owner_has_no_past)
{
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        ck_assert_int_eq(run_weak(seed, live_twice, NULL), 0);
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void nothing(void *arg) { (void)arg; }

/* More threads than the model has slots for. */
static void crowd(void *arg)
{
    struct wf_os_thread threads[40];
    (void)arg;
    for (unsigned i = 0; i < 40; i++)
        threads[i] = toy_thread(i % 2 == 0 ? nothing : mp_put_rel, NULL);
    for (unsigned i = 0; i < 40; i++)
        wf_thread_join(&threads[i]);
}

WT_TEST(a_crowd_has_strong_memory)
{
    for (uint64_t seed = 0; seed < 50; seed++)
        ck_assert_int_eq(run_weak(seed, crowd, NULL), 0);
}

WT_TEST(same_seed_is_the_same_weak_run)
{
    struct program program = { { sb_rel_0, sb_rel_1, mp_add, mp_put_rel }, 4 };
    for (uint64_t seed = 0; seed < 100; seed++) {
        ck_assert_int_eq(run_weak(seed, run_bodies, &program), 0);
        uint64_t first = wf_sim_signature(), points = wf_sim_points();
        struct litmus saw = m;
        ck_assert_int_eq(run_weak(seed + 1, run_bodies, &program), 0);
        ck_assert_int_eq(run_weak(seed, run_bodies, &program), 0);
        ck_assert_uint_eq(wf_sim_signature(), first);
        ck_assert_uint_eq(wf_sim_points(), points);
        ck_assert_mem_eq(saw.seen, m.seen, sizeof m.seen);
    }
}
