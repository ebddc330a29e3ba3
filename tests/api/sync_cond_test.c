/* SPDX-License-Identifier: MIT
 * The condition: no signal is missed or lost, the mutex is held again on every path. */
#include "parties.h"

#include <stdatomic.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

/* ---- a bounded queue of two conditions ------------------------------------------------------- */

enum { ROOM = 3 };

struct store {
    weft_mutex lock;
    weft_cond has_some, has_room;
    int n; /* under lock, as what follows */
    long n_put, n_taken;
    unsigned n_rounds;
};

static int put(struct store *it)
{
    WEFT_LOCK(&it->lock);
    while (it->n == ROOM)
        WEFT_TRY(weft_cond_wait(&it->has_room, &it->lock));
    it->n++;
    it->n_put++;
    weft_cond_signal(&it->has_some);
    return 0;
}

static int take(struct store *it)
{
    WEFT_LOCK(&it->lock);
    while (it->n == 0)
        WEFT_TRY(weft_cond_wait(&it->has_some, &it->lock));
    it->n--;
    it->n_taken++;
    weft_cond_signal(&it->has_room);
    return 0;
}

static int put_or_take(void *arg, unsigned index)
{
    struct store *it = arg;
    for (unsigned i = 0; i < it->n_rounds; i++)
        WEFT_TRY(index % 2 == 0 ? put(it) : take(it));
    return 0;
}

static void expect_empty(struct store *it)
{
    WANT(it->n, 0);
    WANT(it->n_put, it->n_taken);
    weft_cond_destroy(&it->has_some);
    weft_cond_destroy(&it->has_room);
    weft_mutex_destroy(&it->lock);
}

WT_TEST(a_bounded_queue)
{
    struct store it = { .lock = WEFT_MUTEX_INIT(),
                        .has_some = WEFT_COND_INIT(.name = "has some"),
                        .has_room = WEFT_COND_INIT(.name = "has room"),
                        .n_rounds = wt_scaled(5000) };
    run_parties(4, 4, put_or_take, &it);
    WANT(it.n_put, 4 * (long)it.n_rounds);
    expect_empty(&it);
}

/* ---- a cancelled waiter does not keep a signal ----------------------------------------------- */

static int take_before(struct store *it, int64_t timeout_ns, int *n_taken)
{
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns);
    int rc = take(it);
    ck_assert(rc == 0 || rc == WEFT_ECANCELED);
    *n_taken += rc == 0;
    rc = weft_scope_wait(&scope);
    return rc == WEFT_ETIMEDOUT ? 0 : rc;
}

static int take_impatiently(struct store *it, int n)
{
    for (int n_taken = 0; n_taken < n;)
        WEFT_TRY(take_before(it, (int64_t)wt_random_below(20000) + 1, &n_taken));
    return 0;
}

static int put_or_take_impatiently(void *arg, unsigned index)
{
    struct store *it = arg;
    for (unsigned i = 0; index % 2 == 0 && i < it->n_rounds; i++)
        WEFT_TRY(put(it));
    return index % 2 == 0 ? 0 : take_impatiently(it, (int)it->n_rounds);
}

WT_TEST(deadlines_at_every_moment)
{
    struct store it = { .lock = WEFT_MUTEX_INIT(), .n_rounds = wt_scaled(1000) };
    run_parties(3, 3, put_or_take_impatiently, &it);
    expect_empty(&it);
}

/* ---- broadcast ------------------------------------------------------------------------------- */

struct gate {
    weft_mutex lock;
    weft_cond opened;
    bool is_open;
    int n_through;
};

static int pass(void *arg, unsigned index)
{
    struct gate *it = arg;
    WEFT_LOCK(&it->lock);
    if (index == 0) {
        it->is_open = true;
        weft_cond_broadcast(&it->opened);
    }
    while (!it->is_open)
        WEFT_TRY(weft_cond_wait(&it->opened, &it->lock));
    it->n_through++;
    return 0;
}

WT_TEST(a_broadcast_wakes_all)
{
    struct gate it = { .is_open = false };
    run_parties(5, 4, pass, &it);
    WANT(it.n_through, 9);
    weft_cond_destroy(&it.opened);
}

/* ---- the codes ------------------------------------------------------------------------------- */

static int codes(void *arg)
{
    (void)arg;
    weft_mutex lock = WEFT_MUTEX_INIT();
    weft_cond cond = WEFT_COND_INIT();
    WANT(weft_cond_wait(&cond, &lock), WEFT_EINVAL); /* not held */
    WEFT_LOCK(&lock);
    WANT(weft_cond_wait(NULL, &lock), WEFT_EINVAL);
    WANT(weft_cond_wait(&cond, NULL), WEFT_EINVAL);
    weft_cond_signal(&cond);
    weft_cond_broadcast(&cond);
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    WANT(weft_cond_wait(&cond, &lock), WEFT_ECANCELED);
    WANT(weft_mutex_try_lock(&lock), WEFT_EDEADLK); /* still held */
    return weft_scope_wait(&scope);
}

WT_TEST(what_the_calls_return) { in_both(codes); }

static int expire(void *arg)
{
    (void)arg;
    weft_mutex lock = WEFT_MUTEX_INIT();
    weft_cond never = WEFT_COND_INIT();
    WEFT_LOCK(&lock);
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
    int rc;
    while ((rc = weft_cond_wait(&never, &lock)) == 0)
        ;
    WANT(rc, WEFT_ECANCELED);
    WANT(weft_mutex_try_lock(&lock), WEFT_EDEADLK);
    WANT(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    weft_cond_destroy(&never);
    return 0;
}

WT_TEST(a_deadline_ends_the_wait_with_the_mutex_held) { in_both(expire); }

WEFT_TASK(wait_with, (weft_cond *, cond), (weft_mutex *, lock), (_Atomic int *, n_waiting))
{
    WEFT_LOCK(lock);
    atomic_fetch_add(n_waiting, 1);
    return weft_cond_wait(cond, lock);
}

static int wait_with_another(void *arg)
{
    (void)arg;
    weft_mutex one = WEFT_MUTEX_INIT(), other = WEFT_MUTEX_INIT();
    weft_cond cond = WEFT_COND_INIT();
    _Atomic int n_waiting = 0;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, wait_with, &cond, &one, &n_waiting));
    while (n_waiting == 0)
        MUST(weft_pause());
    MUST(weft_mutex_lock(&one)); /* so it waits */
    weft_mutex_unlock(&one);
    MUST(weft_mutex_lock(&other));
    WANT(weft_cond_wait(&cond, &other), WEFT_EINVAL);
    weft_mutex_unlock(&other);
    weft_cond_signal(&cond);
    MUST(weft_scope_wait(&scope));
    weft_cond_destroy(&cond);
    return 0;
}

WT_TEST(one_condition_one_mutex) { in_both(wait_with_another); }

/* ---- misuse ---------------------------------------------------------------------------------- */

static void signal_none(void *arg)
{
    (void)arg;
    weft_cond_signal(NULL);
}

static weft_mutex misused_lock = WEFT_MUTEX_INIT();
static weft_cond misused = WEFT_COND_INIT(.name = "misused");

static void destroy_waited_for(void *arg)
{
    (void)arg;
    _Atomic int n_waiting = 0;
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, wait_with, &misused, &misused_lock, &n_waiting));
    while (n_waiting == 0)
        MUST(weft_pause());
    MUST(weft_mutex_lock(&misused_lock));
    weft_cond_destroy(&misused);
}

WT_TEST(misuse_ends_the_program)
{
    wt_seeds_at_most(1);
    wt_expect_abort(signal_none, NULL, "weft_cond_signal: the condition is NULL");
    wt_expect_abort(destroy_waited_for, NULL, "weft_cond_destroy: condition \"misused\"");
}

WT_MAIN("api_sync_cond")
