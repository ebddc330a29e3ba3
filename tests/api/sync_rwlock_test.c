/* SPDX-License-Identifier: MIT
 * The read-write lock: readers together, a writer alone, in order; misuse is told. */
#include "parties.h"

#include <stdatomic.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

struct table {
    weft_rwlock lock;
    unsigned n_rounds;
    _Atomic int n_readers;
    long a, b; /* equal whenever nobody writes */
};

static int read_once(struct table *it)
{
    WEFT_READ_LOCK(&it->lock);
    atomic_fetch_add(&it->n_readers, 1);
    long a = it->a;
    if (wt_random_below(4) == 0)
        ignored(weft_pause());
    ck_assert_int_eq(a, it->b);
    atomic_fetch_sub(&it->n_readers, 1);
    return 0;
}

static int write_once(struct table *it)
{
    WEFT_WRITE_LOCK(&it->lock);
    WANT(it->n_readers, 0);
    it->a++;
    if (wt_random_below(4) == 0)
        ignored(weft_pause());
    it->b++;
    return 0;
}

static int read_and_write(void *arg, unsigned index)
{
    struct table *it = arg;
    for (unsigned i = 0; i < it->n_rounds; i++)
        WEFT_TRY((i + index) % 4 == 0 ? write_once(it) : read_once(it));
    return 0;
}

WT_TEST(readers_together_a_writer_alone)
{
    struct table it = { .lock = WEFT_RWLOCK_INIT(.name = "table"), .n_rounds = wt_scaled(4000) };
    it.n_rounds = (it.n_rounds + 3) / 4 * 4;
    run_parties(4, 4, read_and_write, &it);
    WANT(it.a, 8 * (long)it.n_rounds / 4);
    WANT(it.b, it.a);
    weft_rwlock_destroy(&it.lock);
}

/* ---- the codes ------------------------------------------------------------------------------- */

static int codes(void *arg)
{
    (void)arg;
    weft_rwlock lock = WEFT_RWLOCK_INIT();
    WANT(weft_rwlock_read(NULL), WEFT_EINVAL);
    WANT(weft_rwlock_try_write(NULL), WEFT_EINVAL);
    MUST(weft_rwlock_read(&lock));
    MUST(weft_rwlock_read(&lock));
    MUST(weft_rwlock_try_read(&lock));
    WANT(weft_rwlock_write(&lock), WEFT_EDEADLK); /* an upgrade */
    WANT(weft_rwlock_try_write(&lock), WEFT_EDEADLK);
    for (int i = 0; i < 3; i++)
        weft_rwlock_unlock(&lock);
    MUST(weft_rwlock_write(&lock));
    WANT(weft_rwlock_write(&lock), WEFT_EDEADLK);
    WANT(weft_rwlock_read(&lock), WEFT_EDEADLK);
    WANT(weft_rwlock_try_read(&lock), WEFT_EDEADLK);
    weft_rwlock_unlock(&lock);
    MUST(weft_rwlock_try_write(&lock));
    weft_rwlock_unlock(&lock);
    weft_rwlock_destroy(&lock);
    return 0;
}

WT_TEST(what_the_calls_return) { in_both(codes); }

static int in_a_cancelled_scope(void *arg)
{
    (void)arg;
    weft_rwlock lock = WEFT_RWLOCK_INIT();
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    WANT(weft_rwlock_read(&lock), WEFT_ECANCELED);
    WANT(weft_rwlock_write(&lock), WEFT_ECANCELED);
    MUST(weft_rwlock_try_read(&lock));
    weft_rwlock_unlock(&lock);
    MUST(weft_scope_wait(&scope));
    weft_rwlock_destroy(&lock);
    return 0;
}

WT_TEST(a_cancelled_scope_is_seen_on_entry) { in_both(in_a_cancelled_scope); }

/* ---- with others ----------------------------------------------------------------------------- */

WEFT_TASK(try_both, (weft_rwlock *, lock), (int, rc_read), (int, rc_write))
{
    int rc = weft_rwlock_try_read(lock);
    WANT(rc, rc_read);
    if (rc == 0)
        weft_rwlock_unlock(lock);
    rc = weft_rwlock_try_write(lock);
    WANT(rc, rc_write);
    if (rc == 0)
        weft_rwlock_unlock(lock);
    return 0;
}

static void others_get(weft_rwlock *lock, int rc_read, int rc_write)
{
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, try_both, lock, rc_read, rc_write));
    MUST(weft_scope_wait(&scope));
}

WEFT_TASK(write_it, (weft_rwlock *, lock), (int, rc))
{
    WANT(weft_rwlock_write(lock), rc);
    if (rc == 0)
        weft_rwlock_unlock(lock);
    return 0;
}

static int while_a_writer_waits(void *arg)
{
    (void)arg;
    weft_rwlock lock = WEFT_RWLOCK_INIT();
    others_get(&lock, 0, 0);
    MUST(weft_rwlock_read(&lock));
    others_get(&lock, 0, WEFT_EAGAIN);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, write_it, &lock, 0));
    while (weft_rwlock_try_read(&lock) == 0) { /* until it waits */
        weft_rwlock_unlock(&lock);
        MUST(weft_pause());
    }
    others_get(&lock, WEFT_EAGAIN, WEFT_EAGAIN); /* new readers wait behind it */
    MUST(weft_rwlock_read(&lock));               /* who reads may read again */
    weft_rwlock_unlock(&lock);
    weft_rwlock_unlock(&lock);
    MUST(weft_scope_wait(&scope));
    weft_rwlock_destroy(&lock);
    return 0;
}

WT_TEST(a_waiting_writer_goes_before_new_readers) { in_both(while_a_writer_waits); }

WEFT_TASK(read_it, (weft_rwlock *, lock))
{
    MUST(weft_rwlock_read(lock));
    weft_rwlock_unlock(lock);
    return 0;
}

static int cancel_the_writer(void *arg)
{
    (void)arg;
    weft_rwlock lock = WEFT_RWLOCK_INIT();
    MUST(weft_rwlock_read(&lock));
    WEFT_SCOPE(outer);
    {
        WEFT_SCOPE(scope);
        MUST(weft_spawn(&scope, write_it, &lock, WEFT_ECANCELED));
        if (wt_random_below(2) == 0)
            MUST(weft_sleep(WEFT_US(20)));
        MUST(weft_spawn_n(&outer, 2, read_it, &lock));
        MUST(weft_sleep(WEFT_US(wt_random_below(40))));
        weft_scope_cancel(&scope);
        MUST(weft_scope_wait(&scope));
    }
    MUST(weft_scope_wait(&outer)); /* while we still read */
    weft_rwlock_unlock(&lock);
    weft_rwlock_destroy(&lock);
    return 0;
}

WT_TEST(a_writer_that_leaves_the_line_lets_readers_pass) { in_both(cancel_the_writer); }

/* ---- more read locks than a waiter keeps in mind --------------------------------------------- */

static int read_many(void *arg)
{
    (void)arg;
    enum { N = 6 };
    weft_rwlock locks[N];
    for (int i = 0; i < N; i++) {
        locks[i] = (weft_rwlock)WEFT_RWLOCK_INIT();
        MUST(weft_rwlock_read(&locks[i]));
    }
    for (int i = 0; i < N; i++)
        weft_rwlock_unlock(&locks[(i * 5 + 1) % N]);
    for (int i = 0; i < N; i++)
        weft_rwlock_destroy(&locks[i]);
    return 0;
}

WT_TEST(many_at_a_time) { in_both(read_many); }

/* ---- deadlines ------------------------------------------------------------------------------- */

static int lock_or_not(struct table *it, bool is_write, int64_t timeout_ns)
{
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns);
    int rc = is_write ? weft_rwlock_write(&it->lock) : weft_rwlock_read(&it->lock);
    ck_assert(rc == 0 || rc == WEFT_ECANCELED);
    if (rc == 0) {
        WANT(it->a, it->b);
        if (is_write)
            it->a++;
        ignored(weft_pause());
        if (is_write)
            it->b++;
        weft_rwlock_unlock(&it->lock);
    }
    rc = weft_scope_wait(&scope);
    return rc == WEFT_ETIMEDOUT ? 0 : rc;
}

static int come_with_deadlines(void *arg, unsigned index)
{
    struct table *it = arg;
    for (unsigned i = 0; i < it->n_rounds; i++)
        WEFT_TRY(lock_or_not(it, (i + index) % 3 == 0,
                             i % 2 == 0 ? 0 : (int64_t)wt_random_below(20000) + 1));
    return 0;
}

WT_TEST(deadlines_at_every_moment)
{
    struct table it = { .lock = WEFT_RWLOCK_INIT(), .n_rounds = wt_scaled(2000) };
    run_parties(4, 3, come_with_deadlines, &it);
    WANT(it.a, it.b);
    weft_rwlock_destroy(&it.lock);
}

/* ---- misuse ---------------------------------------------------------------------------------- */

static weft_rwlock misused = WEFT_RWLOCK_INIT(.name = "misused");

static void unlock_free(void *arg)
{
    (void)arg;
    weft_rwlock_unlock(&misused);
}

WEFT_TASK(unlock_others)
{
    weft_rwlock_unlock(&misused);
    return 0;
}

static void unlock_what_another_reads(void *arg)
{
    (void)arg;
    MUST(weft_rwlock_read(&misused));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, unlock_others));
    ignored(weft_scope_wait(&scope));
}

WEFT_TASK(keep) { return weft_rwlock_read(&misused); }

static void end_reading(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, keep));
    ignored(weft_scope_wait(&scope));
}

static void destroy_held(void *arg)
{
    (void)arg;
    MUST(weft_rwlock_write(&misused));
    weft_rwlock_destroy(&misused);
}

WT_TEST(misuse_ends_the_program)
{
    wt_seeds_at_most(1);
    wt_expect_abort(unlock_free, NULL, "weft_rwlock_unlock: rwlock \"misused\"");
    wt_expect_abort(unlock_what_another_reads, NULL, "is not held by the caller");
    wt_expect_abort(end_reading, NULL, "a task ended while it held a mutex or rwlock");
    wt_expect_abort(destroy_held, NULL, "weft_rwlock_destroy: rwlock \"misused\"");
}

WT_MAIN("api_sync_rwlock")
