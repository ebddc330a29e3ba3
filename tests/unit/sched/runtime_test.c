/* SPDX-License-Identifier: MIT
 * The runtime from inside: users, services, records of threads, starts that fail. */
#include "sched/worker.h"

#include "plat/mem.h"
#include "wt_test.h"

#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

WT_TEST(users_are_counted)
{
    MUST(wf_runtime_enter());
    MUST(wf_runtime_enter());
    ck_assert_int_eq(wf_rt.state, WF_RUNNING);
    ck_assert_uint_eq(wf_rt.n_users, 2);
    wf_runtime_leave();
    ck_assert_int_eq(wf_rt.state, WF_RUNNING);
    ck_assert_int_eq(wf_load_seq(&wf_rt.idle_stop_at_ns), WF_NEVER);
    wf_runtime_leave();
    ck_assert_uint_eq(wf_rt.n_users, 0);
    ck_assert_int_ne(wf_load_seq(&wf_rt.idle_stop_at_ns), WF_NEVER);
    MUST(weft_shutdown(0));
    ck_assert_int_eq(wf_rt.state, WF_STOPPED);
}

WT_TEST(the_seed_is_the_one_that_was_asked_for)
{
    for (uint64_t seed = 0; seed <= 7; seed += 7) {
        MUST(weft_configure(WEFT_CONFIG(.seed = seed)));
        MUST(wf_runtime_enter());
        ck_assert(seed != 0 ? wf_rt.config.seed == seed : wf_rt.config.seed != 0);
        wf_runtime_leave();
        MUST(weft_shutdown(WEFT_SEC(10)));
    }
}

/* ---- services -------------------------------------------------------------------------------- */

static int stopped[3], n_stopped;

static void stop_a(int64_t until_ns) { (void)until_ns, stopped[n_stopped++] = 'a'; }
static void stop_b(int64_t until_ns) { (void)until_ns, stopped[n_stopped++] = 'b'; }
static void add_jobs(weft_stats *stats) { stats->blocking_jobs += 5; }

WT_TEST(services_stop_in_reverse_order_and_once)
{
    static struct wf_service a = { .name = "a", .stop = stop_a },
                             b = { .name = "b", .stop = stop_b, .stats = add_jobs };
    weft_stats stats = { .size_ = sizeof stats };
    for (int round = 0; round < 2; round++) {
        n_stopped = 0;
        wf_service_register(&a);
        wf_service_register(&b);
        wf_service_register(&a);
        MUST(wf_runtime_enter());
        MUST(weft_stats_get(&stats));
        ck_assert_uint_eq(stats.blocking_jobs, 5);
        wf_runtime_leave();
        MUST(weft_shutdown(WEFT_SEC(10)));
        ck_assert_int_eq(n_stopped, 2);
        ck_assert_int_eq(stopped[0], 'b');
        ck_assert_int_eq(stopped[1], 'a');
        MUST(weft_shutdown(WEFT_SEC(10)));
        ck_assert_int_eq(n_stopped, 2);
    }
}

/* ---- records --------------------------------------------------------------------------------- */

static void make_record(void *out)
{
    struct wf_waiter *self = wf_waiter_self();
    ck_assert_ptr_nonnull(self);
    ck_assert_ptr_eq(wf_waiter_self(), self);
    *(uint64_t *)out = self->id;
}

WT_TEST(a_threads_record_goes_with_it)
{
    uint64_t ids[4];
    (void)wf_waiter_self();
    size_t n_live = wf_mem_live();
    for (int i = 0; i < 4; i++) {
        wt_thread_join(wt_thread_start(make_record, &ids[i]));
        ck_assert_uint_eq(wf_load_seq(&wf_rt.n_plain), 1);
        for (int k = 0; k < i; k++)
            ck_assert_uint_ne(ids[k], ids[i]);
    }
    ck_assert_uint_eq(wf_mem_live(), n_live);
}

/* ---- failing starts -------------------------------------------------------------------------- */

static void start_and_stop(void *arg)
{
    (void)arg;
    wt_fault_on(WT_FAULT_ALL);
    int rc = wf_runtime_enter();
    wt_fault_off();
    if (rc >= 0) { /* it can do without a signal stack, and a guard probe */
        wf_runtime_leave();
    } else {
        ck_assert(rc == WEFT_ENOMEM || rc == WEFT_EAGAIN || rc == -EMFILE);
        ck_assert_int_eq(wf_rt.state, WF_STOPPED);
        ck_assert_uint_eq(wf_rt.n_users, 0);
    }
    MUST(wf_runtime_enter());
    wf_runtime_leave();
}

WT_TEST(a_start_that_fails_leaves_nothing)
{
    wt_seeds_at_most(5);
    ck_assert_uint_gt(wt_fault_run(start_and_stop, NULL), 4);
}

WT_MAIN("runtime")
