/* SPDX-License-Identifier: MIT
 * Everything at once: accounts behind mutexes, a ledger behind a rwlock, so many tellers at a time,
 * and deadlines that strike anywhere. Not a coin is lost, and in the end everything is free. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

enum { N_TASKS = 8, N_THREADS = 4, N_ACCOUNTS = 5, N_TELLERS = 3, COINS = 1000 };

struct account {
    weft_mutex lock;
    weft_cond has_more;
    long coins; /* under lock */
};

static struct bank {
    weft_once opened;
    weft_semaphore tellers;
    weft_rwlock ledger;
    struct account accounts[N_ACCOUNTS];
    long n_transfers; /* under ledger, written */
    _Atomic long n_done;
    weft_barrier all_are_here;
    weft_wait_group customers;
    weft_event closed;
    unsigned n_rounds;
} bank;

static int open_bank(void *arg)
{
    (void)arg;
    for (int i = 0; i < N_ACCOUNTS; i++)
        bank.accounts[i].coins = COINS;
    return 0;
}

/* The account of the lower number first: so nobody waits in a ring. */
static int move_coins(struct account *from, struct account *to, long n)
{
    WEFT_LOCK(from < to ? &from->lock : &to->lock);
    WEFT_LOCK(from < to ? &to->lock : &from->lock);
    if (from->coins < n)
        return 0;
    from->coins -= n;
    if (wt_random_below(8) == 0)
        weft_cond_broadcast(&from->has_more); /* for nothing */
    to->coins += n;
    weft_cond_signal(&to->has_more);
    return 1;
}

static int note_transfer(void)
{
    WEFT_WRITE_LOCK(&bank.ledger);
    bank.n_transfers++;
    return 0;
}

static int transfer(unsigned from, unsigned to)
{
    WEFT_ACQUIRE(&bank.tellers, 1 + (uint32_t)wt_random_below(2));
    long n = (long)wt_random_below(COINS / 4) + 1;
    int rc = WEFT_TRY(move_coins(&bank.accounts[from], &bank.accounts[to], n));
    if (rc == 0)
        return 0;
    atomic_fetch_add(&bank.n_done, 1);
    weft_shield shield; /* what has been done is noted */
    weft_shield_begin(&shield);
    rc = note_transfer();
    weft_shield_end(&shield);
    return rc;
}

/* Until somebody pays something in, or the deadline comes. */
static int wait_for_more(struct account *account)
{
    WEFT_LOCK(&account->lock);
    long before = account->coins;
    while (account->coins <= before)
        WEFT_TRY(weft_cond_wait(&account->has_more, &account->lock));
    return 0;
}

static int read_ledger(void)
{
    WEFT_READ_LOCK(&bank.ledger);
    long n = bank.n_transfers;
    if (wt_random_below(4) == 0)
        WEFT_TRY(weft_pause());
    return bank.n_transfers == n ? 0 : WEFT_EBUSY;
}

static int do_something(void)
{
    unsigned a = (unsigned)wt_random_below(N_ACCOUNTS);
    unsigned b = (a + 1 + (unsigned)wt_random_below(N_ACCOUNTS - 1)) % N_ACCOUNTS;
    switch (wt_random_below(8)) {
    case 0: return wait_for_more(&bank.accounts[a]);
    case 1: return read_ledger();
    default: return transfer(a, b);
    }
}

static int be_customer(void)
{
    WEFT_TRY(weft_once_run(&bank.opened, open_bank, NULL));
    int rc = WEFT_TRY(weft_barrier_wait(&bank.all_are_here));
    ck_assert(rc == 0 || rc == 1);
    for (unsigned i = 0; i < bank.n_rounds; i++) {
        WEFT_SCOPE(scope, .timeout_ns = (int64_t)wt_random_below(100000) + 1);
        rc = do_something();
        ck_assert(rc == 0 || rc == WEFT_ECANCELED);
        rc = weft_scope_wait(&scope);
        ck_assert(rc == 0 || rc == WEFT_ETIMEDOUT);
    }
    weft_wait_group_done(&bank.customers);
    return weft_event_wait(&bank.closed);
}

WEFT_TASK(customer) { return be_customer(); }

static void customer_in_thread(void *arg) { *(int *)arg = be_customer(); }

WT_TEST(a_bank_loses_nothing)
{
    wt_seeds_at_most(60);
    wt_thread *threads[N_THREADS];
    int rcs[N_THREADS];
    bank = (struct bank){ .opened = WEFT_ONCE_INIT(.name = "opened"),
                          .tellers = WEFT_SEMAPHORE_INIT(N_TELLERS, .max = N_TELLERS),
                          .ledger = WEFT_RWLOCK_INIT(.name = "ledger"),
                          .all_are_here = WEFT_BARRIER_INIT(N_TASKS + N_THREADS),
                          .n_rounds = wt_scaled(5000) };
    weft_wait_group_add(&bank.customers, N_TASKS + N_THREADS);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn_n(&scope, N_TASKS, customer), 0);
        for (int i = 0; i < N_THREADS; i++)
            threads[i] = wt_thread_start(customer_in_thread, &rcs[i]);
        ck_assert_int_eq(weft_wait_group_wait(&bank.customers), 0);
        weft_event_set(&bank.closed);
        for (int i = 0; i < N_THREADS; i++) {
            wt_thread_join(threads[i]);
            ck_assert_int_eq(rcs[i], 0);
        }
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    long sum = 0;
    for (int i = 0; i < N_ACCOUNTS; i++) {
        sum += bank.accounts[i].coins;
        weft_cond_destroy(&bank.accounts[i].has_more);
        weft_mutex_destroy(&bank.accounts[i].lock);
    }
    ck_assert_int_eq(sum, (long)N_ACCOUNTS * COINS);
    ck_assert_int_eq(bank.n_transfers, bank.n_done);
    ck_assert_uint_eq(weft_semaphore_free(&bank.tellers), N_TELLERS);
    weft_rwlock_destroy(&bank.ledger);
    weft_barrier_destroy(&bank.all_are_here);
    weft_wait_group_destroy(&bank.customers);
    weft_event_destroy(&bank.closed);
    weft_once_destroy(&bank.opened);
}

WT_MAIN("stress_sync")
