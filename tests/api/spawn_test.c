/* SPDX-License-Identifier: MIT
 * Spawning: what is refused, and that owned arguments are dropped exactly once on every path. */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

/* ---- an argument that is counted ------------------------------------------------------------- */

typedef struct token {
    _Atomic int n_closed;
    bool waits;
} token;

static int token_close(token *it)
{
    int rc = it->waits ? weft_sleep(WEFT_US(1)) : 0;
    atomic_fetch_add(&it->n_closed, 1);
    return rc;
}

WEFT_DEFINE_AUTO(token, token_close)

static _Atomic int n_ran;

WEFT_TASK(hold_token, (auto, token, it), (int, rc))
{
    WANT(it->n_closed, 0);
    atomic_fetch_add(&n_ran, 1);
    int paused = weft_pause();
    return rc != 0 ? rc : paused;
}

WEFT_TASK(hold_three, (auto, token, a), (auto, token, b), (auto, token, c))
{
    (void)a, (void)b, (void)c;
    atomic_fetch_add(&n_ran, 1);
    return 0;
}

static void begin(void) { atomic_store(&n_ran, 0); }

/* ---- owned arguments ------------------------------------------------------------------------- */

WT_TEST(they_are_dropped_after_the_body)
{
    begin();
    token it = { .waits = true };
    WEFT_SCOPE(scope);
    token *owner = &it;
    MUST(weft_spawn(&scope, hold_token, WEFT_MOVE(owner), 0));
    ck_assert_ptr_null(owner);
    MUST(weft_scope_wait(&scope));
    WANT(it.n_closed, 1);
    WANT(n_ran, 1);
}

WT_TEST(a_task_that_was_accepted_runs_even_when_cancelled)
{
    begin();
    token it = { .waits = true };
    {
        WEFT_SCOPE(scope);
        weft_scope_cancel(&scope);
        token *owner = &it;
        MUST(weft_spawn(&scope, hold_token, WEFT_MOVE(owner), 0));
    }
    WANT(it.n_closed, 1);
    WANT(n_ran, 1);
}

static int spawn_into_ended(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        token it = { .waits = true };
        WEFT_SCOPE(scope);
        MUST(weft_scope_wait(&scope));
        token *owner = &it;
        WANT(weft_spawn(&scope, hold_token, WEFT_MOVE(owner), 0), WEFT_ECLOSED);
        ck_assert_ptr_null(owner);
        WANT(it.n_closed, 1);
    }
    return 0;
}

/* A closer waits, so that the spawner may go on in another worker. */
WT_TEST(they_are_dropped_by_a_refusal)
{
    begin();
    MUST(spawn_into_ended(NULL));
    MUST(weft_run(spawn_into_ended, NULL));
    WANT(n_ran, 0);
}

WEFT_TASK(refuse_many, (int, n))
{
    while (n-- > 0)
        MUST(spawn_into_ended(NULL));
    return 0;
}

/* Refusals give the struct, the credit and the arguments' memory back to the right worker. */
WT_TEST(refusals_on_all_workers)
{
    begin();
    WEFT_SCOPE(scope);
    for (int i = 0; i < 8; i++)
        MUST(weft_spawn(&scope, refuse_many, (int)wt_scaled(40)));
    MUST(weft_scope_wait(&scope));
}

WT_TEST(an_empty_one_is_refused_and_the_others_dropped)
{
    begin();
    token a = { .waits = false }, c = { .waits = true };
    WEFT_SCOPE(scope);
    token *owner_a = &a, *owner_b = NULL, *owner_c = &c;
    WANT(weft_spawn(&scope, hold_three, WEFT_MOVE(owner_a), WEFT_MOVE(owner_b), WEFT_MOVE(owner_c)),
         WEFT_EINVAL);
    WANT(a.n_closed, 1);
    WANT(c.n_closed, 1);
    MUST(weft_scope_wait(&scope));
    WANT(n_ran, 0);
}

/* ---- copies ---------------------------------------------------------------------------------- */

WEFT_TASK(count_up, (tx, int, out), (int, n))
{
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_send(out, i));
    return 0;
}

WT_TEST(each_copy_has_its_own_half)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 2));
    WEFT_SCOPE(scope);
    MUST(weft_spawn_n(&scope, 7, count_up, WEFT_MOVE(tx), 3));
    ck_assert(tx == NULL);
    int value, n = 0, rc;
    while ((rc = weft_recv(rx, &value)) == 1) /* ends when the last copy has dropped its own */
        n++;
    WANT(rc, 0);
    WANT(n, 21);
    MUST(weft_scope_wait(&scope));
}

WT_TEST(what_has_one_owner_is_not_copied)
{
    begin();
    token it = { .waits = false };
    WEFT_SCOPE(scope);
    token *owner = &it;
    WANT(weft_spawn_n(&scope, 2, hold_token, WEFT_MOVE(owner), 0), WEFT_EINVAL);
    WANT(it.n_closed, 1);
    token again = { .waits = false };
    owner = &again;
    MUST(weft_spawn_n(&scope, 1, hold_token, WEFT_MOVE(owner), 0));
    MUST(weft_scope_wait(&scope));
    WANT(again.n_closed, 1);
    WANT(n_ran, 1);
}

WT_TEST(no_copies_or_fewer_are_a_mistake)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_SCOPE(scope);
    static const int counts[] = { 0, -1, INT32_MIN };
    for (int i = 0; i < 3; i++) {
        int value;
        MUST(weft_chan_open(&tx, &rx, 2));
        WANT(weft_spawn_n(&scope, counts[i], count_up, WEFT_MOVE(tx), 3), WEFT_EINVAL);
        WANT(weft_recv(rx, &value), 0); /* the half was dropped */
        WEFT_DROP(rx);
    }
    MUST(weft_chan_open(&tx, &rx, 2));
    WANT(weft_spawn_with(&scope, WEFT_OPTS(spawn, .copies = -1), count_up, WEFT_MOVE(tx), 3),
         WEFT_EINVAL);
    MUST(weft_scope_wait(&scope));
}

/* ---- options --------------------------------------------------------------------------------- */

WEFT_TASK(check_name, (const char *, name), (uint64_t *, out_id))
{
    ck_assert_str_eq(weft_task_name(), name);
    *out_id = weft_task_id();
    return 0;
}

WT_TEST(tasks_have_names_and_numbers)
{
    uint64_t ids[3];
    ck_assert_str_eq(weft_task_name(), "");
    ck_assert_uint_eq(weft_task_id(), 0);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, check_name, "check_name", &ids[0]));
    MUST(weft_spawn_with(&scope, WEFT_OPTS(spawn, .name = "bob"), check_name, "bob", &ids[1]));
    MUST(weft_spawn_with(&scope, NULL, check_name, "check_name", &ids[2]));
    MUST(weft_scope_wait(&scope));
    for (int i = 0; i < 3; i++)
        for (int k = 0; k <= i; k++)
            ck_assert(ids[i] != 0 && (i == k || ids[i] != ids[k]));
}

/* Recursion, so that the frames can't be shared. */
static int touch(char *above, size_t size)
{
    volatile char frame[4096];
    memset((char *)frame, above[0], sizeof frame);
    return size <= sizeof frame ? frame[17] : touch((char *)frame, size - sizeof frame) + frame[5];
}

WEFT_TASK(use_stack, (size_t, size))
{
    char first[] = "x";
    return touch(first, size) != 0 ? 0 : -1;
}

WT_TEST(a_stack_of_another_size)
{
    static const size_t sizes[] = { 64 * 1024, 64 * 1024 + 1, 1024 * 1024, 3 * 1024 * 1024 + 77 };
    WEFT_SCOPE(scope);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 3; k++)
            MUST(weft_spawn_with(&scope, WEFT_OPTS(spawn, .stack_size = sizes[i]), use_stack,
                                 sizes[i] / 4));
    static const size_t bad[] = { 1, 4096, SIZE_MAX, (size_t)1 << 40 };
    for (int i = 0; i < 4; i++)
        WANT(weft_spawn_with(&scope, WEFT_OPTS(spawn, .stack_size = bad[i]), use_stack, 1),
             WEFT_EINVAL);
    MUST(weft_scope_wait(&scope));
}

struct large {
    long numbers[100];
};

WEFT_TASK(sum_large, (struct large, all), (long *, out_sum))
{
    MUST(weft_pause());
    *out_sum = 0;
    for (int i = 0; i < 100; i++)
        *out_sum += all.numbers[i];
    return 0;
}

WEFT_TASK(add, (int, a), (char, b), (long, c), (double, d), (float, e), (short, f),
          (unsigned char, g), (double *, out_sum))
{
    *out_sum = (double)a + b + (double)c + d + (double)e + f + g;
    return 0;
}

WT_TEST(arguments_arrive_small_and_large)
{
    struct large all;
    long sum = 0;
    double other = 0;
    for (int i = 0; i < 100; i++)
        all.numbers[i] = i;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, sum_large, all, &sum));
    memset(&all, 0, sizeof all); /* copied before the return */
    MUST(weft_spawn(&scope, add, 1, 2, 3, 4.5, 5.5f, 6, 7, &other));
    MUST(weft_scope_wait(&scope));
    ck_assert_int_eq(sum, 4950);
    ck_assert(other == 29.0);
}

static _Atomic int n_bare;

static int enter_bare(void *args, void *self)
{
    ck_assert_ptr_null(self);
    ck_assert_ptr_nonnull(args);
    atomic_fetch_add(&n_bare, 1);
    return 0;
}

/* As a binding for another language fills it: no drop, no clone, no arguments. */
WT_TEST(a_callable_made_by_hand)
{
    static const weft_callable bare = {
        .enter = enter_bare, .name = "bare", .file = "x", .line = 1
    };
    atomic_store(&n_bare, 0);
    WEFT_SCOPE(scope);
    MUST(weft_scope_spawn(&scope, NULL, &bare, NULL, "x", 1));
    WANT(weft_scope_spawn(&scope, WEFT_OPTS(spawn, .copies = 2), &bare, NULL, "x", 1), WEFT_EINVAL);
    WANT(weft_scope_spawn(&scope, NULL, NULL, NULL, "x", 1), WEFT_EINVAL);
    MUST(weft_scope_wait(&scope));
    WANT(n_bare, 1);
}

/* ---- limits ---------------------------------------------------------------------------------- */

WEFT_TASK(wait_for_end, (auto, token, it))
{
    (void)it;
    atomic_fetch_add(&n_ran, 1);
    int rc = weft_sleep(INT64_MAX);
    return rc == WEFT_ECANCELED ? 0 : rc;
}

enum { LIMIT = 5 };

static int reach_the_limit(void *from)
{
    begin();
    int n_free = LIMIT - (from != NULL);
    token tokens[LIMIT + 3] = { { .waits = false } };
    WEFT_SCOPE(scope);
    for (int i = 0; i < LIMIT + 3; i++) {
        token *owner = &tokens[i];
        int rc = weft_spawn(&scope, wait_for_end, WEFT_MOVE(owner));
        ck_assert_msg(rc == (i < n_free ? 0 : WEFT_ENOMEM), "task %d of %d: %d", i, n_free, rc);
        WANT(tokens[i].n_closed, i < n_free ? 0 : 1);
    }
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    for (int i = 0; i < LIMIT + 3; i++)
        WANT(tokens[i].n_closed, 1);
    WANT(n_ran, n_free);
    return 0;
}

WT_TEST(credits_end_and_come_back)
{
    MUST(weft_configure(WEFT_CONFIG(.workers = 2, .max_tasks = LIMIT)));
    for (int i = 0; i < 3; i++) {
        MUST(reach_the_limit(NULL));
        MUST(weft_run(reach_the_limit, "a task"));
    }
}

WEFT_TASK(spawn_up_to, (int, n))
{
    WEFT_SCOPE(scope);
    token tokens[LIMIT];
    for (int i = 0; i < n; i++) {
        tokens[i] = (token){ .waits = false };
        token *owner = &tokens[i];
        MUST(weft_spawn(&scope, hold_token, WEFT_MOVE(owner), 0));
    }
    return weft_scope_wait(&scope);
}

/* Workers keep stacks by them; whoever has joined finds room all the same. */
WT_TEST(the_limit_is_exact_on_all_workers)
{
    MUST(weft_configure(WEFT_CONFIG(.workers = 4, .max_tasks = 2 * LIMIT)));
    WEFT_SCOPE(outer);
    for (unsigned i = wt_scaled(2000); i > 0; i--) {
        WEFT_SCOPE(scope);
        MUST(weft_spawn(&scope, spawn_up_to, LIMIT - 1));
        MUST(weft_spawn(&scope, spawn_up_to, LIMIT - 1));
        MUST(weft_scope_wait(&scope));
    }
    MUST(weft_scope_wait(&outer));
}

WEFT_TASK(wait_with_half, (tx, int, out))
{
    (void)out;
    atomic_fetch_add(&n_ran, 1);
    int rc = weft_sleep(INT64_MAX);
    return rc == WEFT_ECANCELED ? 0 : rc;
}

WT_TEST(copies_beyond_the_limit_none_of_them_runs)
{
    MUST(weft_configure(WEFT_CONFIG(.workers = 2, .max_tasks = LIMIT)));
    begin();
    for (int n = LIMIT + 1; n < LIMIT + 4; n++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int value;
        MUST(weft_chan_open(&tx, &rx, 0));
        WEFT_SCOPE(scope);
        WANT(weft_spawn_n(&scope, n, wait_with_half, WEFT_MOVE(tx)), WEFT_ENOMEM);
        WANT(weft_recv(rx, &value), 0); /* every reference was dropped */
        MUST(weft_scope_wait(&scope));
    }
    WANT(n_ran, 0);
}

/* ---- each fallible call fails once ----------------------------------------------------------- */

static void is_failure(int rc)
{
    ck_assert(rc == WEFT_ENOMEM || rc == WEFT_EAGAIN || rc == -EMFILE);
}

static void spawn_with_failures(void *arg)
{
    begin();
    (void)arg;
    int value, rc;
    token it = { .waits = false };
    struct large all = { { 0 } };
    long sum;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    wt_fault_on(WT_FAULT_ALL);
    {
        WEFT_SCOPE(scope);
        token *owner = &it;
        rc = weft_spawn(&scope, hold_token, WEFT_MOVE(owner), 0);
        if (rc < 0)
            is_failure(rc);
        rc = weft_spawn_n(&scope, 3, count_up, WEFT_MOVE(tx), 0);
        if (rc < 0)
            is_failure(rc);
        rc = weft_spawn(&scope, sum_large, all, &sum);
        if (rc < 0)
            is_failure(rc);
        rc = weft_spawn_with(&scope, WEFT_OPTS(spawn, .stack_size = 100000), use_stack, 1000);
        if (rc < 0)
            is_failure(rc);
        rc = weft_scope_wait(&scope);
        if (rc < 0)
            is_failure(rc);
        if (!wt_fault_hit()) {
            MUST(rc);
            WANT(n_ran, 1);
        }
    }
    wt_fault_off();
    WANT(it.n_closed, 1);
    WANT(weft_recv(rx, &value), 0);
}

WT_TEST(whatever_fails_nothing_is_lost)
{
    wt_seeds_at_most(3);
    ck_assert_uint_gt(wt_fault_run(spawn_with_failures, NULL), 5);
}

static int spawn_in_task(void *arg)
{
    (void)arg;
    token it = { .waits = true };
    WEFT_SCOPE(scope);
    token *owner = &it;
    int rc = weft_spawn(&scope, hold_token, WEFT_MOVE(owner), 0);
    if (rc < 0)
        is_failure(rc);
    rc = weft_scope_wait(&scope);
    WANT(it.n_closed, 1);
    return rc;
}

static void run_with_failures(void *arg)
{
    (void)arg;
    wt_fault_on(WT_FAULT_ALL);
    int rc = weft_run(spawn_in_task, NULL);
    wt_fault_off();
    if (rc < 0)
        is_failure(rc);
    if (!wt_fault_hit())
        MUST(rc);
    MUST(weft_run(spawn_in_task, NULL)); /* and the next one is well */
}

WT_TEST(the_runtime_survives_a_start_that_failed)
{
    wt_seeds_at_most(3);
    ck_assert_uint_gt(wt_fault_run(run_with_failures, NULL), 5);
}

WT_MAIN("spawn")
