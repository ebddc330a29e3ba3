/* SPDX-License-Identifier: MIT
 * The ledger: what is left open is named, when the scope ends or the process does, and only then. */
#include "wt_test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>

typedef struct database {
    weft_resource entry;
} database;

static int database_open(const char *name, database **out_db)
{
    database *db = malloc(sizeof *db);
    ck_assert_ptr_nonnull(db);
    WEFT_OPENED(&db->entry, "database", name);
    *out_db = db;
    return 0;
}
static int database_close(database *db)
{
    weft_resource_closed(&db->entry);
    free(db);
    return 0;
}
WEFT_DEFINE_AUTO(database, database_close)

static bool was_reported(const char *text) { return strstr(wt_reports(), text) != NULL; }

/* ---- nothing to say -------------------------------------------------------------------------------- */

WEFT_TASK(use)
{
    WEFT_AUTO(database, db);
    WEFT_TRY(database_open("orders", &db));
    return weft_pause();
}

WEFT_TASK(use_moved, (auto, database, db)) { return weft_pause() + (db == NULL); }

static int well_main(void *arg)
{
    (void)arg;
    WEFT_AUTO(database, db);
    WEFT_AUTO(database, other);
    {
        WEFT_SCOPE(scope);
        WEFT_TRY(weft_spawn(&scope, use));
        WEFT_TRY(database_open("of the owner", &db)); /* stays open longer than the scope */
        WEFT_TRY(database_open("handed over", &other));
        WEFT_TRY(weft_spawn(&scope, use_moved, WEFT_MOVE(other)));
        WEFT_TRY(weft_scope_wait(&scope));
    }
    return 0;
}

WT_TEST(what_is_closed_is_not_named)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(well_main, NULL), 0);
    ck_assert_str_eq(wt_reports(), "");
}

/* ---- leaks ------------------------------------------------------------------------------------------ */

static database *lost[2];

WEFT_TASK(lose, (const char *, name), (int, at))
{
    WEFT_AUTO(database, db);
    WEFT_TRY(database_open(name, &db));
    lost[at] = WEFT_STEAL(db);
    return 0;
}

static int leak_main(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope, .name = "pool");
    WEFT_TRY(weft_spawn(&scope, lose, "orders", 0));
    WEFT_TRY(weft_spawn(&scope, use));
    WEFT_TRY(weft_scope_wait(&scope));
    weft_scope_leave(&scope);
    ck_assert(was_reported("leak: scope \"pool\" (tests/api/resource_ledger_test.c:"));
    ck_assert(was_reported("database \"orders\" (tests/api/resource_ledger_test.c:"));
    ck_assert(was_reported("\"lose\""));
    ck_assert_int_eq(database_close(lost[0]), 0); /* late, and harmless */
    return 0;
}

WT_TEST(a_leak_is_named_when_its_scope_ends)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(leak_main, NULL), 0);
    ck_assert_int_eq(weft_shutdown(WEFT_SEC(5)), 0);
    ck_assert_ptr_null(strstr(strstr(wt_reports(), "leak:") + 1, "leak:"));
}

WT_TEST(what_outlives_what_it_stands_on_is_named_once)
{
    weft_resource never = { { NULL } };
    database *db;
    wt_capture_reports();
    weft_resource_left(&never, "nothing");
    ck_assert_int_eq(database_open("orders", &db), 0);
    weft_resource_left(&db->entry, "the pool is closed, and this");
    weft_resource_left(&db->entry, "again");
    ck_assert(
        was_reported("weft: leak: the pool is closed, and this is open: database \"orders\""));
    ck_assert_int_eq(database_close(db), 0);
    ck_assert_ptr_null(strstr(strstr(wt_reports(), "leak:") + 1, "leak:"));
}

static int adopt_main(void *arg)
{
    (void)arg;
    {
        WEFT_SCOPE(scope);
        WEFT_TRY(weft_spawn(&scope, lose, "orders", 0));
        WEFT_TRY(weft_scope_wait(&scope));
        weft_resource_adopted(&lost[0]->entry);
    }
    return database_close(lost[0]);
}

WT_TEST(what_was_adopted_outlives_its_task)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(adopt_main, NULL), 0);
    ck_assert_str_eq(wt_reports(), "");
}

WEFT_TASK(open_and_end)
{
    database *db;
    WEFT_TRY(database_open("orders", &db));
    return weft_ready(db);
}

static int ready_main(void *arg)
{
    (void)arg;
    database *db;
    {
        WEFT_SCOPE(scope);
        WEFT_TRY(weft_spawn_ready(&scope, &db, open_and_end));
        WEFT_TRY(weft_scope_wait(&scope)); /* it has ended by now */
        weft_resource_adopted(&db->entry);
    }
    return database_close(db);
}

WT_TEST(what_was_handed_over_by_ready_can_be_adopted_until_the_scope_ends)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(ready_main, NULL), 0);
    ck_assert_str_eq(wt_reports(), "");
}

static int lose_main(void *arg)
{
    (void)arg;
    return database_open("of main", &lost[0]);
}

WT_TEST(main_tasks_leaks_are_named_when_the_run_ends)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(lose_main, NULL), 0);
    ck_assert(was_reported("leak: scope \"weft_run\""));
    ck_assert(was_reported("database \"of main\""));
    ck_assert_int_eq(database_close(lost[0]), 0);
}

WEFT_GENERATOR(yields_open, weft_rx(database *))
{
    database *db;
    WEFT_TRY(database_open("of a body", &db));
    return weft_yield(db);
}

static int generator_main(void *arg)
{
    bool adopts = arg != NULL;
    database *db = NULL;
    {
        WEFT_RX(database *, all);
        WEFT_TRY(yields_open(&all));
        ck_assert_int_eq(weft_recv(all, &db), 1);
        if (adopts)
            weft_resource_adopted(&db->entry);
    }
    ck_assert(was_reported("database \"of a body\"") != adopts);
    return database_close(db);
}

WT_TEST(what_a_generator_opened_ends_with_it)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(generator_main, lost), 0);
    ck_assert_int_eq(weft_run(generator_main, NULL), 0);
}

WT_TEST(a_plain_threads_leak_is_named_at_the_shutdown)
{
    wt_capture_reports();
    database *db, *closed;
    ck_assert_int_eq(database_open("of a thread", &db), 0);
    ck_assert_int_eq(database_open("closed", &closed), 0);
    ck_assert_int_eq(database_close(closed), 0);
    ck_assert_int_eq(weft_shutdown(WEFT_SEC(5)), 0);
    ck_assert(was_reported("weft_shutdown"));
    ck_assert(was_reported("database \"of a thread\""));
    ck_assert(!was_reported("\"closed\""));
    ck_assert_int_eq(database_close(db), 0);
}

static int lose_file_main(void *arg)
{
    weft_file *file;
    WEFT_AUTO(weft_file, closed);
    WEFT_TRY(weft_file_open("/dev/zero", "r", &closed));
    WEFT_TRY(weft_file_open("/dev/null", "w", &file));
    *(weft_file **)arg = file;
    return 0;
}

WT_TEST(a_file_is_named_by_its_path_at_the_shutdown)
{
    wt_capture_reports();
    weft_file *file;
    ck_assert_int_eq(weft_run(lose_file_main, &file), 0);
    ck_assert_str_eq(wt_reports(), ""); /* the run's caller may close it yet */
    ck_assert_int_eq(weft_shutdown(WEFT_SEC(5)), 0);
    ck_assert(was_reported("file \"/dev/null\" of task"));
    ck_assert(!was_reported("/dev/zero"));
    ck_assert_int_eq(weft_file_close(file), 0);
}

/* ---- what else is in it -------------------------------------------------------------------------------- */

WEFT_MANAGER(managed, int) { return weft_yield(1); }

static bool has_open_lease(void)
{
    char text[4096] = { 0 };
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(weft_dump(fds[1]), 0);
    ck_assert_int_gt((int)read(fds[0], text, sizeof text - 1), 0);
    close(fds[0]);
    close(fds[1]);
    return strstr(text, "open: lease of manager \"managed\" (tests/api/resource_ledger_test.c:") !=
           NULL;
}

static int lease_main(void *arg)
{
    (void)arg;
    int value;
    {
        WEFT_AUTO(weft_lease, lease);
        WEFT_TRY(managed(&lease, &value));
        ck_assert(has_open_lease());
    }
    ck_assert(!has_open_lease());
    weft_lease *lost_lease;
    WEFT_TRY(managed(&lost_lease, &value));
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    return weft_lease_close(lost_lease, 0);
}

WT_TEST(a_dump_lists_what_is_open_and_leases_are)
{
    ck_assert_int_eq(weft_run(lease_main, NULL), 0);
}

WT_TEST(an_entry_that_was_never_opened_may_be_closed)
{
    weft_resource entry = { { NULL } };
    weft_resource_adopted(&entry);
    weft_resource_closed(&entry);
}

/* At exit the ledger speaks from a destructor: in a process of its own. */
static void exit_with_one_open(int stderr_to)
{
    dup2(stderr_to, STDERR_FILENO);
    if (database_open("left behind", &lost[0]) == 0)
        exit(0);
    _exit(1);
}

WT_TEST(what_is_open_when_the_process_exits_is_named)
{
    char text[1024] = { 0 };
    size_t size = 0;
    ssize_t n;
    int fds[2];
    if (wt_is_sim())
        wt_skip("the simulator has no exit of its own");
    ck_assert_int_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0)
        exit_with_one_open(fds[1]);
    close(fds[1]);
    while ((n = read(fds[0], text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)n;
    close(fds[0]);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_ptr_nonnull(strstr(text, "the process exits"));
    ck_assert_ptr_nonnull(strstr(text, "database \"left behind\""));
}

WT_MAIN("resource_ledger")
