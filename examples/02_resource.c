/* SPDX-License-Identifier: MIT */
/* A connection as a scoped resource: opened by a call that waits, closed at its brace by another,
 * however the brace is left. The Python model is a class with __aenter__ and __aexit__. */
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>

typedef struct database {
    const char *dsn, *status;
} database;

static int database_open(const char *dsn, database **out_db)
{
    printf("Connecting to %s\n", dsn);
    WEFT_TRY(weft_sleep(WEFT_MS(100)));
    database *db = malloc(sizeof *db);
    if (db == NULL)
        return WEFT_ENOMEM;
    *db = (database){ dsn, "connected" };
    *out_db = db;
    return 0;
}

static int database_close(database *db)
{
    puts("Closing connection");
    int rc = weft_sleep(WEFT_MS(50)); /* shielded: it waits even when the scope is cancelled */
    free(db);
    return rc;
}
WEFT_DEFINE_AUTO(database, database_close)

static int use_database(bool fails)
{
    WEFT_AUTO(database, db);
    WEFT_TRY(database_open("postgres://localhost/db", &db));
    printf("Connection status: %s\n", db->status);
    if (fails)
        return -EIO;
    puts("Working with the database");
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    WEFT_TRY(use_database(false));
    printf("with an error: %s\n", weft_errname(use_database(true)));
    return 0;
}

int main(void) { return weft_run(main_task, NULL) < 0; }
