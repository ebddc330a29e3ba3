/* SPDX-License-Identifier: MIT
 * The semaphore: never more out than there are, none lost, in order, tasks and threads alike. */
#include "parties.h"

#include <stdatomic.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

/* ---- so many at a time ----------------------------------------------------------------------- */

enum { N_PERMITS = 3 };

struct limited {
    weft_semaphore places;
    unsigned n_rounds;
    _Atomic int n_inside, n_most;
};

static void note_inside(struct limited *it, int n)
{
    int now = atomic_fetch_add(&it->n_inside, n) + n, most = atomic_load(&it->n_most);
    ck_assert_int_le(now, N_PERMITS);
    while (now > most && !atomic_compare_exchange_weak(&it->n_most, &most, now))
        ;
}

static int be_inside(struct limited *it, uint32_t n)
{
    WEFT_ACQUIRE(&it->places, n);
    note_inside(it, (int)n);
    int rc = wt_random_below(3) == 0 ? weft_pause() : 0;
    atomic_fetch_sub(&it->n_inside, (int)n);
    return rc;
}

static int go_in_and_out(void *arg, unsigned index)
{
    struct limited *it = arg;
    for (unsigned i = 0; i < it->n_rounds; i++)
        WEFT_TRY(be_inside(it, 1 + (i + index) % N_PERMITS));
    return 0;
}

WT_TEST(never_more_than_there_are)
{
    struct limited it = { .places = WEFT_SEMAPHORE_INIT(N_PERMITS, .max = N_PERMITS),
                          .n_rounds = wt_scaled(5000) };
    run_parties(4, 4, go_in_and_out, &it);
    WANT(it.n_inside, 0);
    ck_assert_int_gt(it.n_most, 0);
    ck_assert_uint_eq(weft_semaphore_free(&it.places), N_PERMITS);
    weft_semaphore_destroy(&it.places);
}

/* ---- permits belong to nobody ---------------------------------------------------------------- */

struct handover {
    weft_semaphore there, back;
    unsigned n_rounds;
    long n; /* plain: each release and acquire orders it */
};

static int play(void *arg, unsigned index)
{
    struct handover *it = arg;
    for (unsigned i = 0; i < it->n_rounds; i++) {
        WEFT_TRY(weft_semaphore_acquire(index % 2 == 0 ? &it->there : &it->back, 1));
        it->n++;
        weft_semaphore_release(index % 2 == 0 ? &it->back : &it->there, 1);
    }
    return 0;
}

static void play_with(unsigned n_tasks, unsigned n_threads)
{
    struct handover it = { .there = WEFT_SEMAPHORE_INIT(1),
                           .back = WEFT_SEMAPHORE_INIT(0),
                           .n_rounds = wt_scaled(5000) };
    run_parties(n_tasks, n_threads, play, &it);
    WANT(it.n, 2 * (long)it.n_rounds);
    weft_semaphore_destroy(&it.there);
    weft_semaphore_destroy(&it.back);
}

WT_TEST(one_acquires_and_another_releases)
{
    play_with(2, 0);
    play_with(1, 1);
    play_with(0, 2);
}

/* ---- the codes ------------------------------------------------------------------------------- */

static int codes(void *arg)
{
    (void)arg;
    weft_semaphore two = WEFT_SEMAPHORE_INIT(2, .max = 2);
    weft_semaphore none = WEFT_SEMAPHORE_INIT(0);
    WANT(weft_semaphore_acquire(NULL, 1), WEFT_EINVAL);
    WANT(weft_semaphore_try_acquire(NULL, 1), WEFT_EINVAL);
    WANT(weft_semaphore_acquire(&two, 0), WEFT_EINVAL);
    WANT(weft_semaphore_acquire(&two, 3), WEFT_EINVAL); /* it would wait for ever */
    WANT(weft_semaphore_try_acquire(&two, 3), WEFT_EINVAL);
    WANT(weft_semaphore_acquire(&none, WEFT_PERMITS_MAX + 1), WEFT_EINVAL);
    MUST(weft_semaphore_acquire(&two, 1));
    WANT(weft_semaphore_try_acquire(&two, 2), WEFT_EAGAIN);
    WANT(weft_semaphore_try_acquire(&none, 1), WEFT_EAGAIN);
    weft_semaphore_release(&none, 5);
    MUST(weft_semaphore_try_acquire(&none, 3));
    ck_assert_uint_eq(weft_semaphore_free(&none), 2);
    ck_assert_uint_eq(weft_semaphore_free(&two), 1);
    weft_semaphore_release(&two, 1);
    return 0;
}

WT_TEST(what_the_calls_return) { in_both(codes); }

static int in_a_cancelled_scope(void *arg)
{
    (void)arg;
    weft_semaphore one = WEFT_SEMAPHORE_INIT(1);
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    WANT(weft_semaphore_acquire(&one, 1), WEFT_ECANCELED);
    MUST(weft_semaphore_try_acquire(&one, 1));
    MUST(weft_scope_wait(&scope));
    return 0;
}

WT_TEST(a_cancelled_scope_is_seen_on_entry) { in_both(in_a_cancelled_scope); }

/* ---- leaving the line ------------------------------------------------------------------------ */

WEFT_TASK(want, (weft_semaphore *, from), (uint32_t, n), (int, rc), (_Atomic int *, n_ended))
{
    WANT(weft_semaphore_acquire(from, n), rc);
    atomic_fetch_add(n_ended, 1);
    return 0;
}

/* The first in line wants all and is cancelled: those behind it, who want few, get theirs. */
static int let_the_next_pass(void *arg)
{
    (void)arg;
    weft_semaphore two = WEFT_SEMAPHORE_INIT(1, .max = 2);
    _Atomic int n_ended = 0;
    WEFT_SCOPE(outer);
    {
        WEFT_SCOPE(greedy);
        MUST(weft_spawn(&greedy, want, &two, 2, WEFT_ECANCELED, &n_ended));
        MUST(weft_sleep(WEFT_US(50)));
        MUST(weft_spawn(&outer, want, &two, 1, 0, &n_ended));
        MUST(weft_sleep(WEFT_US(wt_random_below(60))));
        weft_scope_cancel(&greedy);
        MUST(weft_scope_wait(&greedy));
    }
    MUST(weft_scope_wait(&outer));
    WANT(n_ended, 2);
    ck_assert_uint_eq(weft_semaphore_free(&two), 0);
    weft_semaphore_destroy(&two);
    return 0;
}

WT_TEST(who_leaves_the_line_lets_the_next_pass) { in_both(let_the_next_pass); }

/* ---- conservation ---------------------------------------------------------------------------- */

static int acquire_or_not(struct limited *it, uint32_t n, int64_t timeout_ns)
{
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns);
    int rc = weft_semaphore_acquire(&it->places, n);
    ck_assert(rc == 0 || rc == WEFT_ECANCELED);
    if (rc == 0) {
        note_inside(it, (int)n);
        ignored(weft_pause());
        atomic_fetch_sub(&it->n_inside, (int)n);
        weft_semaphore_release(&it->places, n);
    }
    rc = weft_scope_wait(&scope);
    return rc == WEFT_ETIMEDOUT ? 0 : rc;
}

static int come_with_deadlines(void *arg, unsigned index)
{
    struct limited *it = arg;
    for (unsigned i = 0; i < it->n_rounds; i++)
        WEFT_TRY(acquire_or_not(it, 1 + (i + index) % N_PERMITS,
                                i % 2 == 0 ? 0 : (int64_t)wt_random_below(20000) + 1));
    return 0;
}

/* A permit that is granted to one who is cancelled at that moment is theirs or the next one's. */
WT_TEST(deadlines_at_every_moment)
{
    struct limited it = { .places = WEFT_SEMAPHORE_INIT(N_PERMITS, .max = N_PERMITS),
                          .n_rounds = wt_scaled(2000) };
    run_parties(4, 3, come_with_deadlines, &it);
    ck_assert_uint_eq(weft_semaphore_free(&it.places), N_PERMITS);
    weft_semaphore_destroy(&it.places);
}

/* ---- misuse ---------------------------------------------------------------------------------- */

static weft_semaphore misused = WEFT_SEMAPHORE_INIT(1, .max = 1, .name = "misused");

static void release_too_many(void *arg)
{
    (void)arg;
    weft_semaphore_release(&misused, 1);
}

static void release_past_the_end(void *arg)
{
    weft_semaphore many = WEFT_SEMAPHORE_INIT(WEFT_PERMITS_MAX - 1);
    (void)arg;
    weft_semaphore_release(&many, 1);
    weft_semaphore_release(&many, 1);
}

static void release_none(void *arg)
{
    (void)arg;
    weft_semaphore_release(NULL, 1);
}

WT_TEST(misuse_ends_the_program)
{
    wt_seeds_at_most(1);
    wt_expect_abort(release_too_many, NULL, "weft_semaphore_release: semaphore \"misused\"");
    wt_expect_abort(release_too_many, NULL, "more permits than it may have");
    wt_expect_abort(release_past_the_end, NULL, "more permits than it may have");
    wt_expect_abort(release_none, NULL, "weft_semaphore_release: the semaphore is NULL");
}

WT_MAIN("api_sync_semaphore")
