/* SPDX-License-Identifier: MIT
 * An SQLite database as a scoped resource, with transactions that roll back unless committed.
 *
 *     WEFT_AUTO(database, db);
 *     WEFT_TRY(database_open("shop.db", &db));
 *     WEFT_AUTO(transaction, txn);
 *     WEFT_TRY(transaction_begin(db, &txn));
 *     WEFT_TRY(transaction_exec(txn, "INSERT INTO orders VALUES (1)"));
 *     return transaction_commit(txn);              // every other way out rolls back
 *
 * Each call of SQLite runs on a thread of the blocking pool while the task waits. A connection is
 * one lane: calls on it come one after the other, and a transaction has it from begin to close.
 * When the caller is cancelled, a statement that runs is interrupted, and one that waits for
 * another process's lock gives up. */
#ifndef DATABASE_H
#define DATABASE_H

#include <weft.h>

typedef struct database database;
typedef struct transaction transaction;

/* Opens or makes the file. Cancelled meanwhile, whoever opens it then closes it again. */
WEFT_MUST_CHECK int database_open(const char *path, database **out_db);
int database_close(database *db);
WEFT_DEFINE_AUTO(database, database_close)

/* Runs statements, each committed by itself. WEFT_ECANCELED: interrupted, and undone. */
WEFT_MUST_CHECK int database_exec(database *db, const char *sql);

/* The number that a query gives in its first row and column. */
WEFT_MUST_CHECK int database_number(database *db, const char *sql, int64_t *out_number);

/* Waits until it has the connection for itself. */
WEFT_MUST_CHECK int transaction_begin(database *db, transaction **out_txn);
WEFT_MUST_CHECK int transaction_exec(transaction *txn, const char *sql);
WEFT_MUST_CHECK int transaction_commit(transaction *txn);

/* Rolls back what was not committed, and gives the connection back. */
int transaction_close(transaction *txn);
WEFT_DEFINE_AUTO(transaction, transaction_close)

#endif
