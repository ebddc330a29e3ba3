/* SPDX-License-Identifier: MIT
 * sqlite [FILE]: a database as a resource and as a manager, with transactions that end well, fail,
 * and are cancelled. What is in the file afterwards is what was committed. */
#include "database.h"

#include <stdio.h>

/* The same as a manager: who opens it borrows the connection that lives in here. */
WEFT_MANAGER(opened, database *, (const char *, path))
{
    WEFT_AUTO(database, db);
    WEFT_TRY(database_open(path, &db));
    WEFT_TRY(database_exec(db, "CREATE TABLE IF NOT EXISTS orders (number INTEGER)"));
    return weft_close_with(db, weft_yield(db));
}

/* Inserts a hundred orders, in one transaction; one in the middle fails or takes long. */
WEFT_TASK(take_orders, (database *, db), (const char *, in_the_middle))
{
    WEFT_AUTO(transaction, txn);
    WEFT_TRY(transaction_begin(db, &txn));
    for (int i = 0; i < 100; i++) {
        if (i == 50)
            WEFT_TRY(transaction_exec(txn, in_the_middle));
        WEFT_TRY(transaction_exec(txn, "INSERT INTO orders VALUES (1)"));
    }
    return transaction_commit(txn); /* every other way out rolls back, at the brace */
}

static int with_deadline(database *db, int64_t timeout_ns, const char *in_the_middle)
{
    WEFT_SCOPE(scope, .timeout_ns = timeout_ns);
    WEFT_TRY(weft_spawn(&scope, take_orders, db, in_the_middle));
    return weft_scope_wait(&scope);
}

static int count(const char *path, int64_t *out_n)
{
    WEFT_AUTO(database, db);
    WEFT_TRY(database_open(path, &db));
    WEFT_TRY(database_number(db, "SELECT count(*) FROM orders", out_n));
    return weft_close_with(db, 0);
}

static int take_all(const char *path)
{
    static const char for_ever[] =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    WEFT_AUTO(weft_lease, lease);
    database *db;
    WEFT_TRY(opened(path, &lease, &db));
    printf("committed: %s\n", weft_errname(with_deadline(db, WEFT_SEC(60), "SELECT 1")));
    printf("with an error: %s\n", weft_errname(with_deadline(db, WEFT_SEC(60), "nonsense")));
    printf("past its deadline: %s\n", weft_errname(with_deadline(db, WEFT_MS(100), for_ever)));
    return weft_close_with(lease, 0);
}

static int main_task(void *path)
{
    int64_t before = 0, after = 0;
    (void)count(path, &before); /* none, if there is no such file yet */
    WEFT_TRY(take_all(path));
    WEFT_TRY(count(path, &after));
    printf("opened again, it has %d orders more\n", (int)(after - before));
    return 0;
}

int main(int argc, char **argv)
{
    return weft_run(main_task, argc > 1 ? argv[1] : (void *)"orders.db") < 0;
}
