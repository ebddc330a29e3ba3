/* SPDX-License-Identifier: MIT
 * SQLite on weft. What blocks is in the WEFT_TASKs, which run on the pool's threads. */
#include "database.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct database {
    sqlite3 *handle;
    weft_semaphore lane; /* one permit: who has it may use the handle */
    weft_resource entry;
    char path[];
};

struct transaction {
    database *db;
    bool is_over; /* committed */
};

enum { STEPS_BETWEEN_LOOKS = 1000 };

static int code_of(int sqlite_rc)
{
    switch (sqlite_rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return 0;
    case SQLITE_INTERRUPT: return WEFT_ECANCELED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return weft_job_cancelled() ? WEFT_ECANCELED : WEFT_EBUSY;
    case SQLITE_NOMEM: return WEFT_ENOMEM;
    default: return -EIO;
    }
}

/* ---- opening and closing -------------------------------------------------------------------- */

/* By SQLite, while a statement runs: not 0 interrupts it. */
static int look_for_cancel(void *unused)
{
    (void)unused;
    return weft_job_cancelled();
}

/* By SQLite, when another connection has the lock: not 0 tries again. */
static int wait_for_lock(void *unused, int n_tries)
{
    (void)unused;
    return n_tries < 5000 && weft_sleep(WEFT_MS(1)) == 0;
}

/* A copy, since who is cancelled leaves while the thread goes on. */
struct path {
    char text[512];
};

static void close_handle(void *result) { (void)sqlite3_close(*(sqlite3 **)result); }

WEFT_TASK(open_handle, (struct path, path))
{
    sqlite3 **result = weft_job_result();
    int rc = sqlite3_open(path.text, result);
    if (rc != SQLITE_OK) {
        close_handle(result); /* SQLite makes a handle even then */
        return code_of(rc);
    }
    sqlite3_progress_handler(*result, STEPS_BETWEEN_LOOKS, look_for_cancel, NULL);
    sqlite3_busy_handler(*result, wait_for_lock, NULL);
    return 0;
}

int database_open(const char *path, database **out_db)
{
    struct path copy = { "" };
    size_t size = strlen(path) + 1;
    if (size > sizeof copy.text)
        return WEFT_EOVERFLOW;
    memcpy(copy.text, path, size);
    database *db = malloc(sizeof *db + size);
    if (db == NULL)
        return WEFT_ENOMEM;
    *db = (database){ .lane = WEFT_SEMAPHORE_INIT(1, .max = 1, .name = "connection") };
    memcpy(db->path, path, size);
    int rc = weft_blocking_with(WEFT_OPTS(blocking, .lane = WEFT_LANE_DB, .abandon = true,
                                          .result = &db->handle, .result_size = sizeof db->handle,
                                          .drop_result = close_handle),
                                open_handle, copy);
    if (rc < 0) {
        free(db);
        return rc;
    }
    WEFT_OPENED(&db->entry, "database", db->path);
    *out_db = db;
    return 0;
}

WEFT_TASK(close_now, (sqlite3 *, handle)) { return code_of(sqlite3_close(handle)); }

static const weft_blocking_opts on_db = { .size_ = sizeof on_db, .lane = WEFT_LANE_DB };

int database_close(database *db)
{
    int rc = weft_blocking_with(&on_db, close_now, db->handle);
    weft_resource_closed(&db->entry);
    free(db);
    return rc;
}

/* ---- statements ------------------------------------------------------------------------------ */

WEFT_TASK(exec_now, (sqlite3 *, handle), (const char *, sql))
{
    return code_of(sqlite3_exec(handle, sql, NULL, NULL, NULL));
}

static int exec(database *db, const char *sql)
{
    return weft_blocking_with(&on_db, exec_now, db->handle, sql);
}

int database_exec(database *db, const char *sql)
{
    WEFT_ACQUIRE(&db->lane, 1);
    return exec(db, sql);
}

WEFT_TASK(number_now, (sqlite3 *, handle), (const char *, sql), (int64_t *, out_number))
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *out_number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? -ENOENT : code_of(rc);
}

int database_number(database *db, const char *sql, int64_t *out_number)
{
    WEFT_ACQUIRE(&db->lane, 1);
    return weft_blocking_with(&on_db, number_now, db->handle, sql, out_number);
}

/* ---- transactions ---------------------------------------------------------------------------- */

int transaction_begin(database *db, transaction **out_txn)
{
    transaction *txn = malloc(sizeof *txn);
    if (txn == NULL)
        return WEFT_ENOMEM;
    *txn = (transaction){ .db = db };
    int rc = weft_semaphore_acquire(&db->lane, 1);
    if (rc >= 0 && (rc = exec(db, "BEGIN IMMEDIATE")) < 0)
        weft_semaphore_release(&db->lane, 1);
    if (rc < 0) {
        free(txn);
        return rc;
    }
    *out_txn = txn;
    return 0;
}

int transaction_exec(transaction *txn, const char *sql)
{
    return txn->is_over ? WEFT_ECLOSED : exec(txn->db, sql);
}

int transaction_commit(transaction *txn)
{
    int rc = transaction_exec(txn, "COMMIT");
    txn->is_over = rc >= 0;
    return rc;
}

/* An error may have rolled it back already: SQLite is in autocommit mode again then. */
int transaction_close(transaction *txn)
{
    database *db = txn->db;
    int rc = sqlite3_get_autocommit(db->handle) ? 0 : exec(db, "ROLLBACK");
    weft_semaphore_release(&db->lane, 1);
    free(txn);
    return rc;
}
