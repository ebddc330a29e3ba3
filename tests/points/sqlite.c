/* SPDX-License-Identifier: MIT
 * The SQLite example: whatever is cancelled or fails, no transaction is there in part. */
#include "points.h"

int main_of_example(int argc, char **argv);
#define main main_of_example
#include EXAMPLE
#undef main

static int take_some(database *db)
{
    int64_t n = 0;
    WEFT_TRY(with_deadline(db, WEFT_SEC(60), "SELECT 1"));
    int rc = with_deadline(db, WEFT_SEC(60), "nonsense");
    if (rc >= 0)
        abort();
    WEFT_TRY(database_number(db, "SELECT count(*) FROM orders", &n));
    if (n % 100 != 0)
        abort();
    return 0;
}

static int scenario(void *path)
{
    WEFT_AUTO(weft_lease, lease);
    database *db;
    WEFT_TRY(opened(path, &lease, &db));
    int rc = take_some(db);
    return weft_close_with(lease, rc);
}

int main(int argc, char **argv)
{
    static char path[] = "points.db";
    (void)unlink(path);
    return try_it(&(weft_points_opts){ .name = "sqlite" }, scenario, path, argc, argv);
}
