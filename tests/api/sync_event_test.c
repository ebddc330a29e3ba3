/* SPDX-License-Identifier: MIT
 * Event, once, barrier and wait group: who waits goes on when it has happened, and not before. */
#include "parties.h"

#include <stdatomic.h>
#include <stdlib.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

/* ---- event ----------------------------------------------------------------------------------- */

struct news {
    weft_event event;
    int word; /* plain: the event orders it */
};

static int tell_or_hear(void *arg, unsigned index)
{
    struct news *it = arg;
    if (index == 3) {
        it->word = 42;
        weft_event_set(&it->event);
        weft_event_set(&it->event);
        return 0;
    }
    WEFT_TRY(weft_event_wait(&it->event));
    ck_assert(weft_event_is_set(&it->event));
    WANT(it->word, 42);
    return weft_event_wait(&it->event);
}

WT_TEST(event_wakes_all_and_stays)
{
    struct news it = { .event = WEFT_EVENT_INIT(.name = "news") };
    run_parties(5, 4, tell_or_hear, &it);
    weft_event_destroy(&it.event);
}

/* It lives where the first to hear of it ends its life. */
static int free_when_heard(void *arg, unsigned index)
{
    struct news **slot = arg;
    if (index == 0) {
        weft_event_set(&(*slot)->event);
        return 0;
    }
    WEFT_TRY(weft_event_wait(&(*slot)->event));
    *slot = (free(*slot), NULL);
    return 0;
}

WT_TEST(event_may_go_when_it_was_heard)
{
    for (unsigned i = 0; i < wt_scaled(300); i++) {
        struct news *it = calloc(1, sizeof *it);
        ck_assert_ptr_nonnull(it);
        run_parties(i % 3, 2 - i % 3, free_when_heard, &it);
        ck_assert_ptr_null(it);
    }
}

WEFT_TASK(wait_for_event, (weft_event *, event), (int, rc))
{
    WANT(weft_event_wait(event), rc);
    return 0;
}

static int event_codes(void *arg)
{
    (void)arg;
    weft_event event = WEFT_EVENT_INIT();
    WANT(weft_event_wait(NULL), WEFT_EINVAL);
    ck_assert(!weft_event_is_set(NULL));
    ck_assert(!weft_event_is_set(&event));
    weft_event_reset(&event);
    weft_event_set(&event);
    MUST(weft_event_wait(&event));
    {
        WEFT_SCOPE(scope);
        weft_scope_cancel(&scope);
        WANT(weft_event_wait(&event), WEFT_ECANCELED);
        MUST(weft_scope_wait(&scope));
    }
    weft_event_reset(&event);
    ck_assert(!weft_event_is_set(&event));
    {
        WEFT_SCOPE(scope);
        MUST(weft_spawn_n(&scope, 3, wait_for_event, &event, WEFT_ECANCELED));
        MUST(weft_sleep(WEFT_US(wt_random_below(40))));
        weft_scope_cancel(&scope);
        MUST(weft_scope_wait(&scope));
    }
    weft_event_destroy(&event);
    return 0;
}

WT_TEST(event_codes_and_cancel) { in_both(event_codes); }

struct bells {
    weft_event bell;
    unsigned n_rounds;
};

static int ring_or_come(void *arg, unsigned index)
{
    struct bells *it = arg;
    for (unsigned i = 0; i < it->n_rounds; i++) {
        if (index < 2) {
            weft_event_set(&it->bell);
            continue;
        }
        WEFT_SCOPE(scope, .timeout_ns = (int64_t)wt_random_below(5000) + 1);
        ignored(weft_event_wait(&it->bell));
        weft_event_reset(&it->bell);
        ignored(weft_scope_wait(&scope));
    }
    return 0;
}

WT_TEST(event_set_reset_and_deadlines_at_once)
{
    struct bells it = { .n_rounds = wt_scaled(3000) };
    run_parties(4, 3, ring_or_come, &it);
    weft_event_destroy(&it.bell);
}

/* ---- once ------------------------------------------------------------------------------------ */

struct setting {
    weft_once once;
    _Atomic int n_runs;
    int n_to_fail;
    int value;
};

static int set_up(void *arg)
{
    struct setting *it = arg;
    int run = atomic_fetch_add(&it->n_runs, 1);
    ignored(weft_pause());
    if (run < it->n_to_fail)
        return -7;
    WANT(it->value, 0);
    it->value = 5;
    return 1;
}

static int need_it(void *arg, unsigned index)
{
    struct setting *it = arg;
    (void)index;
    int rc;
    while ((rc = weft_once_run(&it->once, set_up, it)) == -7)
        ;
    WANT(it->value, 5);
    ck_assert(weft_once_is_done(&it->once));
    return rc;
}

WT_TEST(once_is_run_once)
{
    struct setting it = { .once = WEFT_ONCE_INIT(.name = "setting") };
    run_parties(5, 4, need_it, &it);
    WANT(it.n_runs, 1);
    weft_once_destroy(&it.once);
}

WT_TEST(once_is_run_again_when_it_failed)
{
    struct setting it = { .once = WEFT_ONCE_INIT(), .n_to_fail = 4 };
    run_parties(4, 3, need_it, &it);
    WANT(it.n_runs, 5);
}

static int need_it_soon(void *arg, unsigned index)
{
    struct setting *it = arg;
    int rc = WEFT_ECANCELED;
    (void)index;
    while (rc == WEFT_ECANCELED || rc == -7) {
        WEFT_SCOPE(scope, .timeout_ns = (int64_t)wt_random_below(10000) + 1);
        rc = weft_once_run(&it->once, set_up, it);
        ignored(weft_scope_wait(&scope));
    }
    WANT(it->value, 5);
    return rc;
}

WT_TEST(once_with_deadlines_at_every_moment)
{
    struct setting it = { .n_to_fail = 6 };
    run_parties(4, 3, need_it_soon, &it);
    WANT(it.n_runs, 7);
}

static weft_once recursive = WEFT_ONCE_INIT();

static int run_itself(void *arg)
{
    WANT(weft_once_run(&recursive, run_itself, arg), WEFT_EDEADLK);
    return -3;
}

static int once_codes(void *arg)
{
    weft_once once = WEFT_ONCE_INIT();
    WANT(weft_once_run(NULL, set_up, NULL), WEFT_EINVAL);
    WANT(weft_once_run(&once, NULL, NULL), WEFT_EINVAL);
    WANT(weft_once_run(&recursive, run_itself, arg), -3);
    ck_assert(!weft_once_is_done(&recursive));
    ck_assert(!weft_once_is_done(NULL));
    return 0;
}

WT_TEST(once_codes_and_recursion) { in_both(once_codes); }

/* ---- barrier --------------------------------------------------------------------------------- */

enum { N_STEPS = 7 };

struct steps {
    weft_barrier barrier;
    unsigned n_rounds;
    long parts[N_STEPS]; /* plain: the barrier orders them */
    _Atomic int n_last;
};

static int step_together(void *arg, unsigned index)
{
    struct steps *it = arg;
    for (long round = 1; round <= (long)it->n_rounds; round++) {
        it->parts[index] = round;
        int rc = WEFT_TRY(weft_barrier_wait(&it->barrier));
        atomic_fetch_add(&it->n_last, rc);
        for (int i = 0; i < N_STEPS; i++)
            WANT(it->parts[i], round);
        WEFT_TRY(weft_barrier_wait(&it->barrier));
    }
    return 0;
}

WT_TEST(barrier_round_by_round)
{
    struct steps it = { .barrier = WEFT_BARRIER_INIT(N_STEPS, .name = "step"),
                        .n_rounds = wt_scaled(1000) };
    run_parties(4, 3, step_together, &it);
    WANT(it.n_last, (int)it.n_rounds);
    weft_barrier_destroy(&it.barrier);
}

/* Comes until it has been through n rounds; some of its waits end early. */
static int step_impatiently(void *arg, unsigned index)
{
    struct steps *it = arg;
    for (unsigned n = 0; n < it->n_rounds;) {
        WEFT_SCOPE(scope, .timeout_ns = (int64_t)wt_random_below(10000) + 1);
        int rc = weft_barrier_wait(&it->barrier);
        ck_assert(rc == 0 || rc == 1 || rc == WEFT_ECANCELED);
        n += rc >= 0;
        it->parts[index] += rc >= 0;
        atomic_fetch_add(&it->n_last, rc == 1);
        ignored(weft_scope_wait(&scope));
    }
    return 0;
}

/* A cancelled party has not come: each round has exactly as many as there are parties. */
WT_TEST(barrier_with_deadlines_at_every_moment)
{
    struct steps it = { .barrier = WEFT_BARRIER_INIT(2), .n_rounds = wt_scaled(100) };
    run_parties(1, 1, step_impatiently, &it);
    WANT(it.parts[0] + it.parts[1], 2 * (long)it.n_last);
    weft_barrier_destroy(&it.barrier);
}

static int barrier_codes(void *arg)
{
    (void)arg;
    weft_barrier none = WEFT_BARRIER_INIT(0), one = WEFT_BARRIER_INIT(1);
    WANT(weft_barrier_wait(NULL), WEFT_EINVAL);
    WANT(weft_barrier_wait(&none), WEFT_EINVAL);
    WANT(weft_barrier_wait(&one), 1);
    WANT(weft_barrier_wait(&one), 1);
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    WANT(weft_barrier_wait(&one), WEFT_ECANCELED);
    return weft_scope_wait(&scope);
}

WT_TEST(barrier_codes) { in_both(barrier_codes); }

/* ---- wait group ------------------------------------------------------------------------------ */

struct work {
    weft_wait_group group;
    long done[8]; /* plain: the group orders them */
};

static int work_or_wait(void *arg, unsigned index)
{
    struct work *it = arg;
    if (index >= 6) {
        WEFT_TRY(weft_wait_group_wait(&it->group));
        for (int i = 0; i < 6; i++)
            WANT(it->done[i], 1);
        return 0;
    }
    weft_wait_group_add(&it->group, 2);
    weft_wait_group_done(&it->group);
    it->done[index] = 1;
    weft_wait_group_done(&it->group);
    weft_wait_group_done(&it->group);
    return 0;
}

WT_TEST(wait_group_waits_for_all)
{
    struct work it = { .group = WEFT_WAIT_GROUP_INIT(.name = "work") };
    weft_wait_group_add(&it.group, 6);
    run_parties(7, 1, work_or_wait, &it);
    MUST(weft_wait_group_wait(&it.group));
    weft_wait_group_destroy(&it.group);
}

static int work_for_who_frees(void *arg, unsigned index)
{
    struct work **slot = arg;
    if (index == 0) {
        weft_wait_group_done(&(*slot)->group);
        return 0;
    }
    WEFT_TRY(weft_wait_group_wait(&(*slot)->group));
    *slot = (free(*slot), NULL);
    return 0;
}

WT_TEST(wait_group_may_go_when_all_is_done)
{
    for (unsigned i = 0; i < wt_scaled(300); i++) {
        struct work *it = calloc(1, sizeof *it);
        ck_assert_ptr_nonnull(it);
        weft_wait_group_add(&it->group, 1);
        run_parties(i % 3, 2 - i % 3, work_for_who_frees, &it);
        ck_assert_ptr_null(it);
    }
}

WEFT_TASK(wait_for_group, (weft_wait_group *, group))
{
    WANT(weft_wait_group_wait(group), WEFT_ECANCELED);
    return 0;
}

static int group_codes(void *arg)
{
    (void)arg;
    weft_wait_group group = WEFT_WAIT_GROUP_INIT();
    WANT(weft_wait_group_wait(NULL), WEFT_EINVAL);
    MUST(weft_wait_group_wait(&group));
    weft_wait_group_add(&group, 1);
    {
        WEFT_SCOPE(scope);
        MUST(weft_spawn_n(&scope, 3, wait_for_group, &group));
        MUST(weft_sleep(WEFT_US(wt_random_below(40))));
        weft_scope_cancel(&scope);
        WANT(weft_wait_group_wait(&group), WEFT_ECANCELED);
        MUST(weft_scope_wait(&scope));
    }
    weft_wait_group_done(&group);
    MUST(weft_wait_group_wait(&group));
    weft_wait_group_destroy(&group);
    return 0;
}

WT_TEST(wait_group_codes_and_cancel) { in_both(group_codes); }

/* ---- misuse ---------------------------------------------------------------------------------- */

static weft_wait_group misused = WEFT_WAIT_GROUP_INIT(.name = "misused");
static weft_once misused_once = WEFT_ONCE_INIT(.name = "misused once");

static void done_too_often(void *arg)
{
    (void)arg;
    weft_wait_group_add(&misused, 1);
    weft_wait_group_done(&misused);
    weft_wait_group_done(&misused);
}

static void add_too_much(void *arg)
{
    (void)arg;
    weft_wait_group_add(&misused, UINT32_MAX);
}

static void destroy_with_work(void *arg)
{
    (void)arg;
    weft_wait_group_add(&misused, 1);
    weft_wait_group_destroy(&misused);
}

static int destroy_itself(void *arg)
{
    weft_once_destroy(arg);
    return 0;
}

static void destroy_running_once(void *arg)
{
    (void)arg;
    ignored(weft_once_run(&misused_once, destroy_itself, &misused_once));
}

static void set_none(void *arg)
{
    (void)arg;
    weft_event_set(NULL);
}

WT_TEST(misuse_ends_the_program)
{
    wt_seeds_at_most(1);
    wt_expect_abort(done_too_often, NULL, "wait group \"misused\"");
    wt_expect_abort(done_too_often, NULL, "has nothing to be done");
    wt_expect_abort(add_too_much, NULL, "would have too much to be done");
    wt_expect_abort(destroy_with_work, NULL, "has something left to be done");
    wt_expect_abort(destroy_running_once, NULL, "once \"misused once\"");
    wt_expect_abort(set_none, NULL, "weft_event_set: the event is NULL");
}

WT_MAIN("api_sync_event")
