/* SPDX-License-Identifier: MIT
 * The promise of a scoped resource, kept for a real database: what was committed is in the file, what
 * was not is not, however the brace is left. Each check opens the file again. */
#include "wt_test.h"

#include "../../examples/sqlite/database.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { N_ORDERS = 20 };

static char path[64];

static void remove_files(void)
{
    static const char *const ends[] = { "", "-journal", "-wal", "-shm" };
    char name[80];
    for (size_t i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

static int make_table(void)
{
    WEFT_AUTO(database, db);
    WEFT_TRY(database_open(path, &db));
    WEFT_TRY(database_exec(db, "PRAGMA synchronous = OFF; CREATE TABLE orders (number INTEGER)"));
    return weft_close_with(db, 0);
}

static int orders_in_file(void)
{
    WEFT_AUTO(database, db);
    int64_t n = -1;
    WEFT_TRY(database_open(path, &db));
    WEFT_TRY(database_number(db, "SELECT count(*) FROM orders", &n));
    return weft_close_with(db, (int)n);
}

static int (*the_body)(void);

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(make_table());
    return the_body();
}

static int run(int (*body)(void))
{
    wt_seeds_at_most(20);
    snprintf(path, sizeof path, "/tmp/weft-sqlite-%d", (int)getpid());
    remove_files();
    the_body = body;
    wt_capture_reports();
    int rc = weft_run(main_task, NULL);
    remove_files();
    ck_assert_str_eq(wt_reports(), "");
    return rc;
}

/* ---- the ways out -------------------------------------------------------------------------------- */

static int insert_all(transaction *txn)
{
    for (int i = 0; i < N_ORDERS; i++)
        WEFT_TRY(transaction_exec(txn, "INSERT INTO orders VALUES (1)"));
    return 0;
}

enum way { COMMIT, FALL_OUT, FAIL, BREAK_OUT };

static int take_orders(database *db, enum way way)
{
    for (int turn = 0; turn < 1; turn++) {
        WEFT_AUTO(transaction, txn);
        WEFT_TRY(transaction_begin(db, &txn));
        WEFT_TRY(insert_all(txn));
        if (way == FAIL)
            return transaction_exec(txn, "INSERT INTO nowhere VALUES (1)");
        if (way == BREAK_OUT)
            break;
        if (way == COMMIT)
            WEFT_TRY(transaction_commit(txn));
    }
    return 0;
}

static int ways_body(void)
{
    {
        WEFT_AUTO(database, db);
        WEFT_TRY(database_open(path, &db));
        ck_assert_int_eq(take_orders(db, FALL_OUT), 0);
        ck_assert_int_eq(take_orders(db, FAIL), -EIO);
        ck_assert_int_eq(take_orders(db, BREAK_OUT), 0);
    }
    ck_assert_int_eq(orders_in_file(), 0);
    {
        WEFT_AUTO(database, db);
        WEFT_TRY(database_open(path, &db));
        ck_assert_int_eq(take_orders(db, COMMIT), 0);
    }
    ck_assert_int_eq(orders_in_file(), N_ORDERS);
    return 0;
}

WT_TEST(only_an_explicit_commit_commits) { ck_assert_int_eq(run(ways_body), 0); }

static int closed_twice_body(void)
{
    WEFT_AUTO(database, db);
    WEFT_TRY(database_open(path, &db));
    WEFT_AUTO(transaction, txn);
    WEFT_TRY(transaction_begin(db, &txn));
    WEFT_TRY(insert_all(txn));
    WEFT_TRY(transaction_commit(txn));
    ck_assert_int_eq(transaction_exec(txn, "SELECT 1"), WEFT_ECLOSED);
    ck_assert_int_eq(transaction_commit(txn), WEFT_ECLOSED);
    WEFT_TRY(weft_close_with(txn, 0));
    WEFT_TRY(weft_close_with(db, 0));
    ck_assert_int_eq(orders_in_file(), N_ORDERS);
    return 0;
}

WT_TEST(after_the_commit_the_transaction_is_over) { ck_assert_int_eq(run(closed_twice_body), 0); }

/* ---- cancels ----------------------------------------------------------------------------------------- */

static const char for_ever[] =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

WEFT_TASK(insert_and_hang, (database *, db), (weft_event *, has_begun))
{
    WEFT_AUTO(transaction, txn);
    WEFT_TRY(transaction_begin(db, &txn));
    WEFT_TRY(insert_all(txn));
    weft_event_set(has_begun);
    ck_assert_int_eq(transaction_exec(txn, for_ever), WEFT_ECANCELED);
    return transaction_commit(txn);
}

static int interrupted_body(void)
{
    WEFT_AUTO(database, db);
    WEFT_TRY(database_open(path, &db));
    {
        weft_event has_begun = WEFT_EVENT_INIT();
        WEFT_SCOPE(scope);
        WEFT_TRY(weft_spawn(&scope, insert_and_hang, db, &has_begun));
        WEFT_TRY(weft_event_wait(&has_begun));
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_int_eq(orders_in_file(), 0);
    ck_assert_int_eq(take_orders(db, COMMIT), 0); /* the connection is as good as new */
    ck_assert_int_eq(orders_in_file(), N_ORDERS);
    return 0;
}

/* In the simulator a thread that computes is never left, so that nobody could cancel it. */
WT_TEST(a_cancel_interrupts_a_statement_and_rolls_back)
{
    if (wt_is_sim())
        wt_skip("a statement of SQLite makes no weft call that the simulator could switch at");
    ck_assert_int_eq(run(interrupted_body), 0);
}

WEFT_TASK(open_and_commit, (bool *, has_committed))
{
    WEFT_AUTO(database, db);
    WEFT_TRY(database_open(path, &db));
    WEFT_AUTO(transaction, txn);
    WEFT_TRY(transaction_begin(db, &txn));
    WEFT_TRY(insert_all(txn));
    WEFT_TRY(transaction_commit(txn));
    *has_committed = true;
    return 0;
}

WEFT_TASK(cancel_after, (weft_scope *, scope), (int64_t, d_ns))
{
    if (weft_sleep(d_ns) == 0)
        weft_scope_cancel(scope);
    return 0;
}

/* Whenever the cancel comes, while opening and while committing too: all or nothing. */
static int any_time_body(void)
{
    int n = 0;
    for (unsigned i = 0; i < wt_scaled(20); i++) {
        bool has_committed = false;
        {
            WEFT_SCOPE(scope);
            WEFT_TRY(weft_spawn(&scope, open_and_commit, &has_committed));
            WEFT_TRY(weft_spawn(&scope, cancel_after, &scope, WEFT_US(wt_random_below(4000))));
            ck_assert_int_eq(weft_scope_wait(&scope), 0);
        }
        n += has_committed ? N_ORDERS : 0;
        ck_assert_int_eq(orders_in_file(), n);
    }
    return 0;
}

WT_TEST(a_cancel_at_any_time_leaves_all_or_nothing) { ck_assert_int_eq(run(any_time_body), 0); }

static int cancelled_open_body(void)
{
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    WEFT_AUTO(database, db);
    ck_assert_int_eq(database_open(path, &db), WEFT_ECANCELED);
    ck_assert_ptr_null(db);
    return weft_scope_wait(&scope);
}

WT_TEST(a_cancelled_open_opens_nothing) { ck_assert_int_eq(run(cancelled_open_body), 0); }

/* The lock is another connection's: who waits for it on a thread of the pool gives up. */
static int locked_body(void)
{
    WEFT_AUTO(database, one);
    WEFT_AUTO(database, other);
    WEFT_AUTO(transaction, txn);
    WEFT_TRY(database_open(path, &one));
    WEFT_TRY(database_open(path, &other));
    WEFT_TRY(transaction_begin(one, &txn));
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(20));
        WEFT_AUTO(transaction, second);
        ck_assert_int_eq(transaction_begin(other, &second), WEFT_ECANCELED);
        ck_assert_ptr_null(second);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    WEFT_TRY(insert_all(txn));
    WEFT_TRY(transaction_commit(txn));
    WEFT_TRY(weft_close_with(txn, 0));
    ck_assert_int_eq(take_orders(other, COMMIT), 0);
    ck_assert_int_eq(orders_in_file(), 2 * N_ORDERS);
    return 0;
}

WT_TEST(a_wait_for_another_connections_lock_can_be_cancelled)
{
    ck_assert_int_eq(run(locked_body), 0);
}

/* ---- the lane ------------------------------------------------------------------------------------------ */

WEFT_TASK(take_in_turn, (database *, db), (bool, commits))
{
    return take_orders(db, commits ? COMMIT : FALL_OUT);
}

static int lane_body(void)
{
    WEFT_AUTO(database, db);
    WEFT_TRY(database_open(path, &db));
    WEFT_SCOPE(scope);
    for (int i = 0; i < 4; i++)
        WEFT_TRY(weft_spawn(&scope, take_in_turn, db, i % 2 == 0));
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert_int_eq(orders_in_file(), 2 * N_ORDERS);
    return 0;
}

WT_TEST(transactions_on_one_connection_take_turns) { ck_assert_int_eq(run(lane_body), 0); }

/* ---- as a manager ---------------------------------------------------------------------------------------- */

WEFT_MANAGER(in_transaction, transaction *, (database *, db))
{
    WEFT_AUTO(transaction, txn);
    WEFT_TRY(transaction_begin(db, &txn));
    int rc = weft_yield(txn);
    return rc < 0 ? rc : transaction_commit(txn);
}

static int insert_in_manager(database *db, int rc)
{
    WEFT_AUTO(weft_lease, lease);
    transaction *txn;
    WEFT_TRY(in_transaction(db, &lease, &txn));
    WEFT_TRY(insert_all(txn));
    return weft_close_with(lease, rc);
}

static int abandon_in_manager(database *db)
{
    WEFT_AUTO(weft_lease, lease);
    transaction *txn;
    WEFT_TRY(in_transaction(db, &lease, &txn));
    return insert_all(txn);
}

static int manager_body(void)
{
    WEFT_AUTO(database, db);
    WEFT_TRY(database_open(path, &db));
    ck_assert_int_eq(insert_in_manager(db, -EIO), -EIO);
    ck_assert_int_eq(abandon_in_manager(db), 0);
    ck_assert_int_eq(orders_in_file(), 0);
    ck_assert_int_eq(insert_in_manager(db, 0), 0);
    ck_assert_int_eq(orders_in_file(), N_ORDERS);
    return 0;
}

WT_TEST(a_manager_commits_when_told_that_it_went_well) { ck_assert_int_eq(run(manager_body), 0); }

WT_MAIN("sqlite")
