/* SPDX-License-Identifier: MIT
 * The mutex: one at a time, tasks and plain threads alike; a cancel takes nothing; misuse is told. */
#include "parties.h"

#include <stdatomic.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

/* ---- one at a time --------------------------------------------------------------------------- */

struct counter {
    weft_mutex lock;
    unsigned n_rounds;
    long n; /* plain: TSan looks too */
};

static int add_once(struct counter *it)
{
    WEFT_LOCK(&it->lock);
    it->n++;
    return 0;
}

static int add_by_brace(void *arg, unsigned index)
{
    struct counter *it = arg;
    (void)index;
    for (unsigned i = 0; i < it->n_rounds; i++)
        WEFT_TRY(add_once(it));
    return 0;
}

WT_TEST(one_at_a_time)
{
    struct counter it = { .lock = WEFT_MUTEX_INIT(.name = "counter"),
                          .n_rounds = wt_scaled(20000) };
    run_parties(4, 4, add_by_brace, &it);
    WANT(it.n, 8 * (long)it.n_rounds);
    weft_mutex_destroy(&it.lock);
}

static int add_and_wait_inside(void *arg, unsigned index)
{
    struct counter *it = arg;
    for (unsigned i = 0; i < it->n_rounds; i++) {
        WEFT_TRY(weft_mutex_lock(&it->lock));
        long seen = it->n;
        if ((i + index) % 3 == 0)
            WEFT_TRY(weft_pause());
        if ((i + index) % 7 == 0)
            WEFT_TRY(weft_sleep(WEFT_US(5)));
        it->n = seen + 1;
        weft_mutex_unlock(&it->lock);
    }
    return 0;
}

/* Over a wait a task may change its worker: it holds the mutex all the same. */
WT_TEST(it_may_be_held_over_a_wait)
{
    struct counter it = { .lock = WEFT_MUTEX_INIT(), .n_rounds = wt_scaled(300) };
    run_parties(5, 3, add_and_wait_inside, &it);
    WANT(it.n, 8 * (long)it.n_rounds);
    weft_mutex_destroy(&it.lock);
}

static int add_by_trying(void *arg, unsigned index)
{
    struct counter *it = arg;
    for (unsigned i = 0; i < it->n_rounds; i++) {
        int rc = index % 2 == 0 ? weft_mutex_lock(&it->lock) : weft_mutex_try_lock(&it->lock);
        while (rc == WEFT_EAGAIN) {
            WEFT_TRY(weft_pause());
            rc = weft_mutex_try_lock(&it->lock);
        }
        WEFT_TRY(rc);
        it->n++;
        weft_mutex_unlock(&it->lock);
    }
    return 0;
}

WT_TEST(tries_and_locks_mixed)
{
    struct counter it = { .lock = WEFT_MUTEX_INIT(), .n_rounds = wt_scaled(3000) };
    run_parties(3, 3, add_by_trying, &it);
    WANT(it.n, 6 * (long)it.n_rounds);
    weft_mutex_destroy(&it.lock);
}

WEFT_TASK(note_a_turn, (_Atomic int *, n_turns))
{
    atomic_fetch_add(n_turns, 1);
    return 0;
}

static int lock_and_unlock_often(weft_mutex *lock)
{
    for (int i = 0; i < 5000; i++) { /* so that a task not yet begun has its turn */
        WEFT_TRY(weft_mutex_lock(lock));
        weft_mutex_unlock(lock);
    }
    return 0;
}

static int hold_one_and_lock_another(void *arg)
{
    (void)arg;
    weft_mutex held = WEFT_MUTEX_INIT(), other = WEFT_MUTEX_INIT();
    _Atomic int n_turns = 0;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, note_a_turn, &n_turns));
    MUST(weft_mutex_lock(&held));
    MUST(lock_and_unlock_often(&other));
    WANT(atomic_load(&n_turns), 0);
    weft_mutex_unlock(&held);
    MUST(lock_and_unlock_often(&other));
    WANT(atomic_load(&n_turns), 1);
    return weft_scope_wait(&scope);
}

/* Others may want what it holds. */
WT_TEST(who_holds_one_gives_way_to_nobody_at_the_next)
{
    MUST(weft_configure(WEFT_CONFIG(.workers = 1)));
    MUST(weft_run(hold_one_and_lock_another, NULL));
}

/* ---- the codes ------------------------------------------------------------------------------- */

static int codes(void *arg)
{
    (void)arg;
    weft_mutex lock = WEFT_MUTEX_INIT();
    WANT(weft_mutex_lock(NULL), WEFT_EINVAL);
    WANT(weft_mutex_try_lock(NULL), WEFT_EINVAL);
    weft_mutex_destroy(NULL);
    MUST(weft_mutex_lock(&lock));
    WANT(weft_mutex_lock(&lock), WEFT_EDEADLK);
    WANT(weft_mutex_try_lock(&lock), WEFT_EDEADLK);
    weft_mutex_unlock(&lock);
    MUST(weft_mutex_try_lock(&lock));
    weft_mutex_unlock(&lock);
    weft_mutex_destroy(&lock);
    return 0;
}

WT_TEST(twice_by_the_same_is_refused) { in_both(codes); }

static weft_mutex all_zero;

static int use_all_zero(void *arg)
{
    (void)arg;
    WEFT_LOCK(&all_zero);
    return 0;
}

WT_TEST(all_zero_is_a_mutex) { in_both(use_all_zero); }

static int lock_by_brace(weft_mutex *lock)
{
    WEFT_LOCK(lock);
    return 7;
}

static int in_a_cancelled_scope(void *arg)
{
    (void)arg;
    weft_mutex lock = WEFT_MUTEX_INIT();
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    WANT(weft_mutex_lock(&lock), WEFT_ECANCELED);
    WANT(lock_by_brace(&lock), WEFT_ECANCELED);
    MUST(weft_mutex_try_lock(&lock));
    weft_mutex_unlock(&lock);
    MUST(weft_scope_wait(&scope));
    WANT(lock_by_brace(&lock), 7);
    weft_mutex_destroy(&lock);
    return 0;
}

WT_TEST(a_cancelled_scope_is_seen_on_entry) { in_both(in_a_cancelled_scope); }

/* ---- cancel and deadline while waiting ------------------------------------------------------- */

struct held {
    weft_mutex lock;
    _Atomic int n_ended;
};

WEFT_TASK(lock_until_cancelled, (struct held *, it))
{
    WANT(weft_mutex_lock(&it->lock), WEFT_ECANCELED);
    atomic_fetch_add(&it->n_ended, 1);
    return WEFT_ECANCELED;
}

static int cancel_waiters(void *arg)
{
    (void)arg;
    struct held it = { .lock = WEFT_MUTEX_INIT() };
    MUST(weft_mutex_lock(&it.lock));
    {
        WEFT_SCOPE(scope);
        MUST(weft_spawn_n(&scope, 5, lock_until_cancelled, &it));
        if (wt_random_below(2) == 0)
            MUST(weft_sleep(WEFT_US(wt_random_below(30))));
        weft_scope_cancel(&scope);
        MUST(weft_scope_wait(&scope));
    }
    WANT(it.n_ended, 5);
    weft_mutex_unlock(&it.lock);
    weft_mutex_destroy(&it.lock);
    return 0;
}

WT_TEST(a_cancel_ends_the_wait) { in_both(cancel_waiters); }

static int wait_with_deadline(weft_mutex *lock)
{
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(2));
    WANT(weft_mutex_lock(lock), WEFT_ECANCELED);
    return weft_scope_wait(&scope);
}

WEFT_TASK(lock_with_deadline, (weft_mutex *, lock))
{
    WANT(wait_with_deadline(lock), WEFT_ETIMEDOUT);
    return 0;
}

static int deadlines(void *arg)
{
    (void)arg;
    weft_mutex lock = WEFT_MUTEX_INIT();
    MUST(weft_mutex_lock(&lock));
    {
        WEFT_SCOPE(scope);
        MUST(weft_spawn_n(&scope, 3, lock_with_deadline, &lock));
        MUST(weft_scope_wait(&scope));
    }
    weft_mutex_unlock(&lock);
    weft_mutex_destroy(&lock);
    return 0;
}

WT_TEST(so_does_a_deadline) { in_both(deadlines); }

struct contest {
    weft_mutex lock;
    unsigned n_rounds;
    long n; /* under lock */
    _Atomic long n_locked;
};

/* Locks again and again; some tries have a deadline that is about to pass, or has. */
static int lock_or_not(struct contest *it, int64_t timeout_ns)
{
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns);
    int rc = weft_mutex_lock(&it->lock);
    if (rc == 0) {
        it->n++;
        if (wt_random_below(4) == 0)
            ignored(weft_pause()); /* cancelled or not */
        atomic_fetch_add(&it->n_locked, 1);
        weft_mutex_unlock(&it->lock);
    }
    ck_assert(rc == 0 || rc == WEFT_ECANCELED);
    rc = weft_scope_wait(&scope);
    return rc == WEFT_ETIMEDOUT ? 0 : rc;
}

static int contend(void *arg, unsigned index)
{
    struct contest *it = arg;
    for (unsigned i = 0; i < it->n_rounds; i++)
        WEFT_TRY(lock_or_not(it, (i + index) % 2 == 0 ? 0 : (int64_t)wt_random_below(20000) + 1));
    return 0;
}

/* Whatever a deadline meets, a grant that is on its way included: no lock is lost, none doubled. */
WT_TEST(deadlines_at_every_moment)
{
    struct contest it = { .lock = WEFT_MUTEX_INIT(), .n_rounds = wt_scaled(2000) };
    run_parties(4, 3, contend, &it);
    WANT(it.n, it.n_locked);
    ck_assert_int_ge(it.n, 7 * (long)it.n_rounds / 2);
    weft_mutex_destroy(&it.lock);
}

/* ---- misuse ---------------------------------------------------------------------------------- */

static weft_mutex misused = WEFT_MUTEX_INIT(.name = "misused");

static void unlock_free(void *arg)
{
    (void)arg;
    weft_mutex_unlock(&misused);
}

WEFT_TASK(unlock_others)
{
    weft_mutex_unlock(&misused);
    return 0;
}

static void unlock_anothers(void *arg)
{
    (void)arg;
    MUST(weft_mutex_lock(&misused));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, unlock_others));
    ignored(weft_scope_wait(&scope));
}

static void unlock_none(void *arg)
{
    (void)arg;
    weft_mutex_unlock(NULL);
}

static void destroy_held(void *arg)
{
    (void)arg;
    MUST(weft_mutex_lock(&misused));
    weft_mutex_destroy(&misused);
}

WEFT_TASK(keep) { return weft_mutex_lock(&misused); }

static void end_holding(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, keep));
    ignored(weft_scope_wait(&scope));
}

static void keep_in_thread(void *arg)
{
    (void)arg;
    MUST(weft_mutex_lock(&misused));
}

static void end_thread_holding(void *arg)
{
    (void)arg;
    wt_thread_join(wt_thread_start(keep_in_thread, NULL));
}

WT_TEST(misuse_ends_the_program)
{
    wt_seeds_at_most(1);
    wt_expect_abort(unlock_free, NULL, "weft_mutex_unlock: mutex \"misused\"");
    wt_expect_abort(unlock_free, NULL, "is not held by the caller");
    wt_expect_abort(unlock_anothers, NULL, "task #");
    wt_expect_abort(unlock_anothers, NULL, "is not held by the caller");
    wt_expect_abort(unlock_none, NULL, "weft_mutex_unlock: the mutex is NULL");
    wt_expect_abort(destroy_held, NULL, "weft_mutex_destroy: mutex \"misused\"");
    wt_expect_abort(end_holding, NULL, "a task ended while it held a mutex or rwlock");
    wt_expect_abort(end_thread_holding, NULL, "ended while it held a mutex or rwlock");
}

WT_MAIN("api_sync_mutex")
