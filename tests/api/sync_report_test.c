/* SPDX-License-Identifier: MIT
 * What people get to see: who waits for which synchroniser, who holds it, and a deadlock of locks. */
#include "parties.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define expect_word(text, word) \
    ck_assert_msg(strstr((text), (word)) != NULL, "'%s' is not in\n%s", (word), (text))

/* ---- a deadlock of locks --------------------------------------------------------------------- */

static weft_mutex first = WEFT_MUTEX_INIT(.name = "first");
static weft_mutex second = WEFT_MUTEX_INIT(.name = "second");

static int lock_both(weft_barrier *both, weft_mutex *one, weft_mutex *other)
{
    WEFT_LOCK(one);
    WEFT_TRY(weft_barrier_wait(both));
    WEFT_LOCK(other);
    return 0;
}

WEFT_TASK(forwards, (weft_barrier *, both)) { return lock_both(both, &first, &second); }
WEFT_TASK(backwards, (weft_barrier *, both)) { return lock_both(both, &second, &first); }

static int embrace(void *arg)
{
    (void)arg;
    weft_barrier both = WEFT_BARRIER_INIT(2);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, forwards, &both));
    WEFT_TRY(weft_spawn(&scope, backwards, &both));
    return weft_scope_wait(&scope);
}

WT_TEST(two_mutexes_the_wrong_way_round)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(embrace, NULL), WEFT_EDEADLK);
    expect_word(wt_reports(), "weft: deadlock");
    expect_word(wt_reports(), "waits for mutex \"first\" (");
    expect_word(wt_reports(), "waits for mutex \"second\" (");
    expect_word(wt_reports(), "held by task #");
    expect_word(wt_reports(), "\"forwards\"");
    weft_mutex_destroy(&first);
    weft_mutex_destroy(&second);
}

/* A plain thread outside every scope hears of it from its own call. */
WT_TEST(a_thread_alone)
{
    weft_semaphore none = WEFT_SEMAPHORE_INIT(0, .name = "none");
    weft_event never = WEFT_EVENT_INIT(.name = "never");
    weft_mutex lock = WEFT_MUTEX_INIT();
    weft_cond cond = WEFT_COND_INIT(.name = "cond");
    wt_capture_reports();
    ck_assert_int_eq(weft_semaphore_acquire(&none, 2), WEFT_EDEADLK);
    expect_word(wt_reports(), "waits for semaphore \"none\" (");
    expect_word(wt_reports(), "0 free, the first in line wants 2");
    ck_assert_int_eq(weft_event_wait(&never), WEFT_EDEADLK);
    expect_word(wt_reports(), "waits for event \"never\" (");
    ck_assert_int_eq(weft_mutex_lock(&lock), 0);
    ck_assert_int_eq(weft_cond_wait(&cond, &lock), WEFT_EDEADLK);
    expect_word(wt_reports(), "waits for condition \"cond\" (");
    weft_mutex_unlock(&lock);
    weft_mutex_destroy(&lock);
}

/* ---- a dump of each -------------------------------------------------------------------------- */

struct shown {
    weft_mutex mutex;
    weft_rwlock rwlock;
    weft_semaphore semaphore;
    weft_event event;
    weft_once once;
    weft_barrier barrier;
    weft_wait_group group;
    weft_event may_end;
};

static int stay(void *arg)
{
    struct shown *it = arg;
    return weft_event_wait(&it->may_end);
}

static int hold(struct shown *it)
{
    WEFT_LOCK(&it->mutex);
    WEFT_WRITE_LOCK(&it->rwlock);
    return weft_once_run(&it->once, stay, it);
}

WEFT_TASK(holds, (struct shown *, it)) { return hold(it); }

static int lock_once(weft_mutex *lock)
{
    WEFT_LOCK(lock);
    return 0;
}

static int read_once(weft_rwlock *lock)
{
    WEFT_READ_LOCK(lock);
    return 0;
}

WEFT_TASK(wants_mutex, (struct shown *, it)) { return lock_once(&it->mutex); }
WEFT_TASK(wants_rwlock, (struct shown *, it)) { return read_once(&it->rwlock); }
WEFT_TASK(wants_permits, (struct shown *, it)) { return weft_semaphore_acquire(&it->semaphore, 2); }
WEFT_TASK(wants_event, (struct shown *, it)) { return weft_event_wait(&it->event); }
WEFT_TASK(wants_once, (struct shown *, it)) { return weft_once_run(&it->once, stay, it); }
WEFT_TASK(wants_others, (struct shown *, it))
{
    int rc = weft_barrier_wait(&it->barrier);
    return rc < 0 ? rc : 0;
}
WEFT_TASK(wants_no_work, (struct shown *, it)) { return weft_wait_group_wait(&it->group); }

static int dump_file = -1;

static const char *dump_now(void)
{
    static char text[1 << 16];
    ck_assert_int_eq(ftruncate(dump_file, 0), 0);
    ck_assert_int_eq(lseek(dump_file, 0, SEEK_SET), 0);
    ck_assert_int_eq(weft_dump(dump_file), 0);
    ssize_t n = pread(dump_file, text, sizeof text - 1, 0);
    ck_assert_int_gt(n, 0);
    text[n] = '\0';
    return text;
}

static bool says(void *word) { return strstr(dump_now(), word) != NULL; }

static void until_dump_says(const char *word) { wt_until(says, (void *)(uintptr_t)word); }

WT_TEST(a_dump_says_who_waits_for_which)
{
    wt_seeds_at_most(20);
    char path[] = "/tmp/weft-sync-XXXXXX";
    dump_file = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(dump_file, 0);
    ck_assert_int_eq(unlink(path), 0);
    struct shown it = { .mutex = WEFT_MUTEX_INIT(.name = "m"),
                        .rwlock = WEFT_RWLOCK_INIT(.name = "rw"),
                        .semaphore = WEFT_SEMAPHORE_INIT(1, .name = "s"),
                        .event = WEFT_EVENT_INIT(.name = "e"),
                        .once = WEFT_ONCE_INIT(.name = "o"),
                        .barrier = WEFT_BARRIER_INIT(2, .name = "b"),
                        .group = WEFT_WAIT_GROUP_INIT(.name = "g"),
                        .may_end = WEFT_EVENT_INIT(.name = "may end") };
    weft_wait_group_add(&it.group, 3);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, holds, &it), 0);
        until_dump_says("waits for event \"may end\"");
        ck_assert_int_eq(weft_spawn(&scope, wants_mutex, &it), 0);
        ck_assert_int_eq(weft_spawn(&scope, wants_rwlock, &it), 0);
        ck_assert_int_eq(weft_spawn(&scope, wants_permits, &it), 0);
        ck_assert_int_eq(weft_spawn(&scope, wants_event, &it), 0);
        ck_assert_int_eq(weft_spawn(&scope, wants_once, &it), 0);
        ck_assert_int_eq(weft_spawn(&scope, wants_others, &it), 0);
        ck_assert_int_eq(weft_spawn(&scope, wants_no_work, &it), 0);
        until_dump_says("waits for mutex \"m\" (");
        until_dump_says("waits for rwlock \"rw\" (");
        until_dump_says("written by task #");
        until_dump_says("to be read next");
        until_dump_says("waits for semaphore \"s\" (");
        until_dump_says("1 free, the first in line wants 2");
        until_dump_says("waits for event \"e\" (");
        until_dump_says("waits for once \"o\" (");
        until_dump_says("run by task #");
        until_dump_says("waits for barrier \"b\" (");
        until_dump_says("1 of 2 have come");
        until_dump_says("waits for wait group \"g\" (");
        until_dump_says("3 left");
        until_dump_says("\"holds\"");
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    weft_mutex_destroy(&it.mutex);
    weft_rwlock_destroy(&it.rwlock);
    ck_assert_int_eq(close(dump_file), 0);
}

WT_MAIN("api_sync_report")
