/* SPDX-License-Identifier: MIT
 * The wait cell: one claim wins, a wake is never lost, a cancel means "look". */
#include "sched/wait.h"

#include "plat/clock.h"
#include "plat/thread.h"
#include "sched/worker.h"
#include "wt_test.h"

#include <stdlib.h>
#include <weft.h>

/* ---- one plain thread ------------------------------------------------------------------------ */

WT_TEST(a_claim_before_the_park_ends_it_at_once)
{
    struct wf_waiter *self = wf_waiter_self();
    wf_wait_begin(self, WF_ON_RECV, NULL);
    ck_assert(wf_wait_claim(self, WF_CLAIM_FIRST + 3));
    ck_assert(!wf_wait_claim(self, WF_CLAIM_FIRST));
    ck_assert(!wf_wait_claim_cancel(self));
    wf_wait_wake(self, WF_WAKE_NEXT);
    ck_assert_uint_eq(wf_wait_park(self, WF_NEVER), WF_CLAIM_FIRST + 3);
    ck_assert(!wf_wait_claim(self, WF_CLAIM_FIRST));
    ck_assert_uint_eq(wf_load_rlx(&self->cell), WF_WAIT_IDLE);
}

WT_TEST(a_time_limit_ends_it_and_is_not_early)
{
    struct wf_waiter *self = wf_waiter_self();
    static const int64_t waits_ns[] = { -5, 0, 1, 1000000, 20000000 };
    for (int i = 0; i < 5; i++) {
        int64_t at_ns = wf_clock_after(waits_ns[i]);
        wf_wait_begin(self, WF_ON_SLEEP, NULL);
        ck_assert_uint_eq(wf_wait_park(self, at_ns), WF_CLAIM_TIMEOUT);
        ck_assert_int_ge(wf_clock_now(), at_ns);
    }
}

WT_TEST(a_set_flag_ends_it_unless_shielded)
{
    _Atomic uint32_t flag = 1;
    struct wf_waiter *self = wf_waiter_self();
    self->cancel = &flag;
    wf_wait_begin(self, WF_ON_RECV, NULL);
    uint32_t claim = wf_wait_park(self, WF_NEVER);
    ck_assert_uint_eq(claim, WF_CLAIM_CANCELED);
    ck_assert_int_eq(wf_claim_code(self, claim), WEFT_ECANCELED);
    wf_wait_begin_shielded(self, WF_ON_CHILDREN, NULL);
    ck_assert(!wf_wait_claim_cancel(self));
    ck_assert_uint_eq(wf_wait_park(self, wf_clock_after(1000)), WF_CLAIM_TIMEOUT);
    wf_store_seq(&flag, 0u);
    ck_assert_int_eq(wf_claim_code(self, claim), 0);
    self->cancel = &wf_never_cancelled;
}

/* ---- claimers against each other ------------------------------------------------------------- */

enum { CLAIMERS = 3 };

struct contest {
    _Atomic(struct wf_waiter *) waiter;
    _Atomic unsigned round; /* claimers do one attempt in each */
    _Atomic unsigned n_ready, n_won;
    _Atomic bool is_over;
};

static void claim_each_round(void *arg)
{
    struct contest *c = arg;
    for (unsigned round = 1;; round++) {
        while (wf_load_seq(&c->round) < round && !wf_load_seq(&c->is_over))
            wf_thread_yield();
        if (wf_load_seq(&c->is_over))
            return;
        struct wf_waiter *waiter = wf_load_seq(&c->waiter);
        bool is_mine = round % 3 == 0 ? wf_wait_claim_cancel(waiter)
                                      : wf_wait_claim(waiter, WF_CLAIM_FIRST + round % 7);
        if (is_mine) {
            (void)wf_add_seq(&c->n_won, 1u);
            wf_wait_wake(waiter, WF_WAKE_LAST);
        }
        (void)wf_add_seq(&c->n_ready, 1u);
    }
}

static bool all_ready(void *arg)
{
    return wf_load_seq(&((struct contest *)arg)->n_ready) == CLAIMERS;
}

WT_TEST(exactly_one_claim_wins)
{
    struct contest c = { .round = 0 };
    wt_thread *threads[CLAIMERS];
    struct wf_waiter *self = wf_waiter_self();
    _Atomic uint32_t flag = 0;
    self->cancel = &flag; /* without one it would be shielded from claim_cancel */
    wf_store_seq(&c.waiter, self);
    for (int i = 0; i < CLAIMERS; i++)
        threads[i] = wt_thread_start(claim_each_round, &c);
    unsigned n_rounds = wt_scaled(5000), n_timeouts = 0;
    for (unsigned round = 1; round <= n_rounds; round++) {
        wf_store_seq(&c.n_ready, 0u);
        wf_wait_begin(self, WF_ON_RECV, NULL);
        wf_store_seq(&c.round, round);
        int64_t at_ns = round % 2 == 0 ? WF_NEVER : wf_clock_after((int64_t)wt_random_below(3000));
        n_timeouts += wf_wait_park(self, at_ns) == WF_CLAIM_TIMEOUT;
        wt_until(all_ready, &c);
        ck_assert_uint_eq(wf_load_seq(&c.n_won) + n_timeouts, round);
    }
    wf_store_seq(&c.is_over, true);
    for (int i = 0; i < CLAIMERS; i++)
        wt_thread_join(threads[i]);
    self->cancel = &wf_never_cancelled;
}

/* ---- park and wake, tasks and threads -------------------------------------------------------- */

/* A box with one place: whoever waits at it is in `waiter`. */
struct box {
    struct wf_lock lock;
    bool is_full; /* under lock, as waiter */
    struct wf_waiter *waiter;
};

static void take(struct box *box)
{
    struct wf_waiter *self = wf_waiter_self();
    wf_lock_acquire(&box->lock);
    while (!box->is_full) {
        wf_wait_begin(self, WF_ON_RECV, box);
        box->waiter = self;
        wf_lock_release(&box->lock);
        ck_assert_uint_eq(wf_wait_park(self, WF_NEVER), WF_CLAIM_FIRST);
        wf_lock_acquire(&box->lock);
    }
    box->is_full = false;
    wf_lock_release(&box->lock);
}

static void put(struct box *box, enum wf_wake when)
{
    struct wf_waiter *waiter = NULL;
    wf_lock_acquire(&box->lock);
    box->is_full = true;
    if (box->waiter != NULL && wf_wait_claim(box->waiter, WF_CLAIM_FIRST))
        waiter = box->waiter;
    box->waiter = NULL;
    wf_lock_release(&box->lock);
    if (waiter != NULL)
        wf_wait_wake(waiter, when);
}

struct pair {
    struct box there, back;
    unsigned n;
};

static void pair_init(struct pair *pair, unsigned n)
{
    *pair = (struct pair){ .n = n };
    wf_lock_init(&pair->there.lock, WF_RANK_CHANNEL);
    wf_lock_init(&pair->back.lock, WF_RANK_CHANNEL);
}

static void ping(struct pair *pair)
{
    for (unsigned i = 0; i < pair->n; i++) {
        put(&pair->there, i % 2 == 0 ? WF_WAKE_NEXT : WF_WAKE_LAST);
        take(&pair->back);
    }
}

static void pong(struct pair *pair)
{
    for (unsigned i = 0; i < pair->n; i++) {
        take(&pair->there);
        put(&pair->back, i % 3 == 0 ? WF_WAKE_LAST : WF_WAKE_NEXT);
    }
}

WEFT_TASK(ping_task, (struct pair *, pair))
{
    ping(pair);
    return 0;
}

WEFT_TASK(pong_task, (struct pair *, pair))
{
    pong(pair);
    return 0;
}

static void ping_thread(void *pair) { ping(pair); }
static void pong_thread(void *pair) { pong(pair); }

WT_TEST(no_wake_is_lost_between_tasks)
{
    struct pair pairs[4];
    WEFT_SCOPE(scope);
    for (int i = 0; i < 4; i++) {
        pair_init(&pairs[i], wt_scaled(20000));
        ck_assert_int_eq(weft_spawn(&scope, ping_task, &pairs[i]), 0);
        ck_assert_int_eq(weft_spawn(&scope, pong_task, &pairs[i]), 0);
    }
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
}

WT_TEST(no_wake_is_lost_between_a_task_and_a_thread)
{
    struct pair pairs[4];
    wt_thread *threads[4];
    unsigned n = wt_scaled(10000);
    WEFT_SCOPE(scope);
    for (int i = 0; i < 4; i++) {
        pair_init(&pairs[i], n);
        threads[i] = wt_thread_start(i % 2 == 0 ? ping_thread : pong_thread, &pairs[i]);
        int rc = i % 2 == 0 ? weft_spawn(&scope, pong_task, &pairs[i])
                            : weft_spawn(&scope, ping_task, &pairs[i]);
        ck_assert_int_eq(rc, 0);
    }
    for (int i = 0; i < 4; i++)
        wt_thread_join(threads[i]);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
}

WT_TEST(no_wake_is_lost_between_threads)
{
    struct pair pair;
    pair_init(&pair, wt_scaled(10000));
    wt_thread *thread = wt_thread_start(ping_thread, &pair);
    pong(&pair);
    wt_thread_join(thread);
}

WT_MAIN("wait")
