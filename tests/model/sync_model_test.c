/* SPDX-License-Identifier: MIT
 * Model of the synchronisers (sync/queue.h Q1 to Q5, sync/mutex.c M1 to M3): what is guarded is
 * guarded, who leaves the line without a grant lets others pass, and who lets go touches nothing
 * that may be gone. */
#include "model.h"

#include "sync/queue.h"

#include <string.h>

static void expect_idle(const void *object, uintptr_t word)
{
    const struct wf_sync *s = object;
    wf_sync_lock(s);
    ck_assert(!wf_sync_has_queue(s));
    ck_assert_uint_eq(wf_load_rlx(&s->word), word);
    wf_sync_unlock(s);
}

/* One task that is cancelled at some moment; beside it, and not cancelled, a plain thread. */
struct pair {
    int (*act)(void *arg);
    void (*beside)(void *arg);
    void *arg;
    int rc;
};

WEFT_TASK(act_cancelled, (struct pair *, pair))
{
    model_dawdle(30);
    pair->rc = pair->act(pair->arg);
    return 0;
}

/* Returns when the task has ended, the thread being in its call perhaps. */
static wt_thread *run_and_cancel(struct pair *pair)
{
    MUST(weft_configure(WEFT_CONFIG(.workers = 1 + (unsigned)wt_random_below(2))));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, act_cancelled, pair));
    wt_thread *thread = wt_thread_start(pair->beside, pair->arg);
    model_dawdle(200);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    return thread;
}

/* ---- mutex ------------------------------------------------------------------------------------- */

struct counter {
    weft_mutex lock;
    _Atomic int n; /* relaxed: the mutex alone orders it */
    _Atomic int n_locked;
};

static int add_one(struct counter *it)
{
    WEFT_LOCK(&it->lock);
    int seen = wf_load_rlx(&it->n);
    model_dawdle(3);
    wf_store_rlx(&it->n, seen + 1);
    (void)wf_add_rlx(&it->n_locked, 1);
    return 0;
}

static void add_three(void *arg)
{
    for (int i = 0; i < 3; i++)
        MUST(add_one(arg));
}

WT_TEST(a_mutex_lets_one_in_at_a_time)
{
    struct counter it = { .lock = WEFT_MUTEX_INIT() };
    struct actor actors[] = { { add_three, &it }, { add_three, &it }, { add_three, &it } };
    model_run(actors, 3);
    ck_assert_int_eq(wf_load_rlx(&it.n), 9);
    expect_idle(&it.lock, 0);
}

static int add_one_cancelled(void *arg)
{
    struct counter *it = arg;
    int rc = add_one(it);
    return rc == 0 ? add_one(it) : rc;
}

WT_TEST(a_cancelled_lock_took_nothing_and_kept_no_wake)
{
    struct counter it = { .lock = WEFT_MUTEX_INIT() };
    struct pair pair = { .act = add_one_cancelled, .beside = add_three, .arg = &it };
    wt_thread *thread = run_and_cancel(&pair);
    MUST(add_one(&it));
    wt_thread_join(thread);
    ck_assert(pair.rc == 0 || pair.rc == WEFT_ECANCELED);
    ck_assert_int_eq(wf_load_rlx(&it.n), wf_add_rlx(&it.n_locked, 0));
    expect_idle(&it.lock, 0);
}

/* ---- semaphore and rwlock: the line ------------------------------------------------------------ */

static int want_two(void *semaphore)
{
    int rc = weft_semaphore_acquire(semaphore, 2);
    if (rc == 0)
        weft_semaphore_release(semaphore, 2);
    return rc;
}

static void want_one(void *semaphore)
{
    model_dawdle(60);
    MUST(weft_semaphore_acquire(semaphore, 1));
    weft_semaphore_release(semaphore, 1);
}

/* There is one permit, and not two until the thread has had it. */
WT_TEST(who_leaves_the_line_of_a_semaphore_lets_the_next_pass)
{
    weft_semaphore semaphore = WEFT_SEMAPHORE_INIT(1, .max = 2);
    struct pair pair = { .act = want_two, .beside = want_one, .arg = &semaphore };
    wt_thread *thread = run_and_cancel(&pair);
    wt_thread_join(thread);
    ck_assert_int_eq(pair.rc, WEFT_ECANCELED);
    expect_idle(&semaphore, 2);
}

static int write_it(void *rwlock)
{
    int rc = weft_rwlock_write(rwlock);
    if (rc == 0)
        weft_rwlock_unlock(rwlock);
    return rc;
}

static void read_it(void *rwlock)
{
    model_dawdle(60);
    MUST(weft_rwlock_read(rwlock));
    weft_rwlock_unlock(rwlock);
}

WT_TEST(who_leaves_the_line_of_a_rwlock_lets_the_next_pass)
{
    weft_rwlock rwlock = WEFT_RWLOCK_INIT();
    MUST(weft_rwlock_read(&rwlock));
    struct pair pair = { .act = write_it, .beside = read_it, .arg = &rwlock };
    wt_thread *thread = run_and_cancel(&pair);
    wt_thread_join(thread);
    ck_assert_int_eq(pair.rc, WEFT_ECANCELED);
    weft_rwlock_unlock(&rwlock);
    expect_idle(&rwlock, 0);
}

struct table {
    weft_rwlock lock;
    _Atomic int a, b; /* relaxed: the rwlock alone orders them */
};

static void write_twice(void *arg)
{
    struct table *it = arg;
    for (int i = 0; i < 2; i++) {
        MUST(weft_rwlock_write(&it->lock));
        wf_store_rlx(&it->a, wf_load_rlx(&it->a) + 1);
        model_dawdle(3);
        wf_store_rlx(&it->b, wf_load_rlx(&it->b) + 1);
        weft_rwlock_unlock(&it->lock);
    }
}

static void read_twice(void *arg)
{
    struct table *it = arg;
    for (int i = 0; i < 2; i++) {
        MUST(weft_rwlock_read(&it->lock));
        ck_assert_int_eq(wf_load_rlx(&it->a), wf_load_rlx(&it->b));
        weft_rwlock_unlock(&it->lock);
    }
}

WT_TEST(a_rwlock_lets_readers_see_whole_writes)
{
    struct table it = { .lock = WEFT_RWLOCK_INIT() };
    struct actor actors[] = {
        { write_twice, &it }, { read_twice, &it }, { write_twice, &it }, { read_twice, &it }
    };
    model_run(actors, 4);
    ck_assert_int_eq(wf_load_rlx(&it.a), 4);
    expect_idle(&it.lock, 0);
}

/* ---- condition --------------------------------------------------------------------------------- */

struct box {
    weft_mutex lock;
    weft_cond filled;
    int n; /* under lock */
};

static int take_from_box(void *arg)
{
    struct box *box = arg;
    WEFT_LOCK(&box->lock);
    while (box->n == 0)
        WEFT_TRY(weft_cond_wait(&box->filled, &box->lock));
    box->n--;
    return 0;
}

static void must_take(void *arg) { MUST(take_from_box(arg)); }

static int put_into_box(struct box *box)
{
    WEFT_LOCK(&box->lock);
    box->n++;
    weft_cond_signal(&box->filled);
    return 0;
}

static void put_later(void *arg)
{
    model_dawdle(200);
    MUST(put_into_box(arg));
}

/* Two wait, one of them is cancelled, and there is one signal for each that takes. */
WT_TEST(a_cancelled_waiter_keeps_no_signal)
{
    struct box box = { .lock = WEFT_MUTEX_INIT(), .filled = WEFT_COND_INIT() };
    struct pair pair = { .act = take_from_box, .beside = must_take, .arg = &box };
    wt_thread *putter = wt_thread_start(put_later, &box);
    wt_thread *taker = run_and_cancel(&pair);
    if (pair.rc == 0) /* it had the one there was */
        MUST(put_into_box(&box));
    wt_thread_join(putter);
    wt_thread_join(taker);
    ck_assert_int_eq(box.n, 0);
    expect_idle(&box.filled, 0);
    expect_idle(&box.lock, 0);
}

/* ---- what may be gone -------------------------------------------------------------------------- */

enum { GONE = 0x5a };

/* Whoever hears first ends its life, as a program may that frees it. */
struct mortal {
    union {
        weft_event event;
        weft_wait_group group;
        unsigned char bytes[sizeof(weft_event)];
    };
    _Atomic int news; /* relaxed: what was told before */
};

static void end_life(struct mortal *it)
{
    ck_assert_int_eq(wf_load_rlx(&it->news), 1);
    memset(it->bytes, GONE, sizeof it->bytes);
}

static void expect_untouched(const struct mortal *it)
{
    for (size_t i = 0; i < sizeof it->bytes; i++)
        ck_assert_uint_eq(it->bytes[i], GONE);
}

static void set_event(void *arg)
{
    struct mortal *it = arg;
    model_dawdle(60);
    wf_store_rlx(&it->news, 1);
    weft_event_set(&it->event);
}

static void hear_of_event(void *arg)
{
    struct mortal *it = arg;
    MUST(weft_event_wait(&it->event));
    end_life(it);
}

WT_TEST(an_event_is_not_touched_once_it_was_heard)
{
    struct mortal it = { .event = WEFT_EVENT_INIT() };
    struct actor actors[] = { { set_event, &it }, { hear_of_event, &it } };
    model_run(actors, 2);
    expect_untouched(&it);
}

static void be_done(void *arg)
{
    struct mortal *it = arg;
    model_dawdle(60);
    wf_store_rlx(&it->news, 1);
    weft_wait_group_done(&it->group);
}

static void wait_until_done(void *arg)
{
    struct mortal *it = arg;
    MUST(weft_wait_group_wait(&it->group));
    end_life(it);
}

WT_TEST(a_wait_group_is_not_touched_once_all_is_done)
{
    struct mortal it = { .group = WEFT_WAIT_GROUP_INIT() };
    weft_wait_group_add(&it.group, 1);
    struct actor actors[] = { { be_done, &it }, { wait_until_done, &it } };
    model_run(actors, 2);
    expect_untouched(&it);
}

static int wait_for_event(void *arg) { return weft_event_wait(&((struct mortal *)arg)->event); }

/* The setter has seen that somebody waits, who has left when it comes to wake them. */
WT_TEST(nor_when_its_waiter_has_left)
{
    struct mortal it = { .event = WEFT_EVENT_INIT() };
    struct pair pair = { .act = wait_for_event, .beside = set_event, .arg = &it };
    wt_thread *thread = run_and_cancel(&pair);
    hear_of_event(&it);
    wt_thread_join(thread);
    expect_untouched(&it);
}

static int wait_for_group(void *arg)
{
    return weft_wait_group_wait(&((struct mortal *)arg)->group);
}

WT_TEST(nor_a_wait_group_whose_waiter_has_left)
{
    struct mortal it = { .group = WEFT_WAIT_GROUP_INIT() };
    weft_wait_group_add(&it.group, 1);
    struct pair pair = { .act = wait_for_group, .beside = be_done, .arg = &it };
    wt_thread *thread = run_and_cancel(&pair);
    wait_until_done(&it);
    wt_thread_join(thread);
    expect_untouched(&it);
}

/* ---- barrier and once -------------------------------------------------------------------------- */

struct meeting {
    weft_barrier barrier;
    int beside_rc;
};

static int come(void *arg) { return weft_barrier_wait(&((struct meeting *)arg)->barrier); }

static void come_beside(void *arg)
{
    struct meeting *it = arg;
    model_dawdle(60);
    it->beside_rc = come(it);
}

/* Both have met, or the cancelled one has not come. */
WT_TEST(a_cancelled_party_has_met_the_other_or_not_come)
{
    struct meeting it = { .barrier = WEFT_BARRIER_INIT(2), .beside_rc = 99 };
    struct pair pair = { .act = come, .beside = come_beside, .arg = &it };
    wt_thread *thread = run_and_cancel(&pair);
    int rc = pair.rc >= 0 ? pair.rc : come(&it);
    wt_thread_join(thread);
    ck_assert(pair.rc >= 0 || pair.rc == WEFT_ECANCELED);
    ck_assert_int_eq(rc + it.beside_rc, 1);
    expect_idle(&it.barrier, 0);
}

struct setting {
    weft_once once;
    _Atomic int n_runs, value; /* relaxed: the once alone orders them */
};

static int set_up(void *arg)
{
    struct setting *it = arg;
    int n = wf_load_rlx(&it->n_runs);
    wf_store_rlx(&it->n_runs, n + 1);
    if (n == 0)
        return -7;
    wf_store_rlx(&it->value, wf_load_rlx(&it->value) + 1);
    return 0;
}

static void need_it(void *arg)
{
    struct setting *it = arg;
    int rc = weft_once_run(&it->once, set_up, it);
    if (rc == -7)
        rc = weft_once_run(&it->once, set_up, it);
    MUST(rc);
    ck_assert_int_eq(wf_load_rlx(&it->value), 1);
}

WT_TEST(once_fails_and_is_run_again_once)
{
    struct setting it = { .once = WEFT_ONCE_INIT() };
    struct actor actors[] = { { need_it, &it }, { need_it, &it }, { need_it, &it } };
    model_run(actors, 3);
    ck_assert_int_eq(wf_load_rlx(&it.n_runs), 2);
    ck_assert(weft_once_is_done(&it.once));
}

WT_MAIN("sync_model")
