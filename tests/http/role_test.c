/* SPDX-License-Identifier: MIT
 * The driver's role over an engine without a network: items arrive for parties, and only a turn of
 * the engine hands them on. */
#include "wt_test.h"

#include "http/role.h"

#include <string.h>
#include <weft.h>

enum { MOST_PARTIES = 8 };

struct reader {
    struct wf_http_party party;
    struct wf_http_engine *engine;
    int n_arrived, n_seen, wanted; /* under the role's lock */
};

struct wf_http_engine {
    struct wf_http_role role;
    struct reader readers[MOST_PARTIES];
    int n_readers;
    weft_event signal;
    bool is_inside; /* the driver's: D1 says that no race can be on it */
    int n_turns, n_freed;
};

/* ---- the engine ---------------------------------------------------------------------------------- */

static int fake_turn(struct wf_http_engine *engine)
{
    ck_assert(!engine->is_inside);
    engine->is_inside = true;
    engine->n_turns++;
    for (int i = 0; i < engine->n_readers; i++) {
        struct reader *reader = &engine->readers[i];
        wf_http_role_lock(&engine->role);
        if (reader->n_arrived > 0) {
            reader->n_seen += reader->n_arrived;
            reader->n_arrived = 0;
            wf_http_role_tell_locked(&engine->role, &reader->party);
        }
        wf_http_role_unlock_in_turn(&engine->role);
    }
    engine->is_inside = false;
    return 0;
}

static int fake_rest(struct wf_http_engine *engine)
{
    ck_assert(!engine->is_inside);
    engine->is_inside = true;
    int rc = weft_event_wait(&engine->signal);
    if (rc >= 0)
        weft_event_reset(&engine->signal);
    engine->is_inside = false;
    return rc;
}

static void fake_wake(struct wf_http_engine *engine) { weft_event_set(&engine->signal); }

static void fake_free(struct wf_http_engine *engine, struct wf_http_party *party)
{
    (void)party;
    engine->n_freed++;
}

static const struct wf_http_engine_ops fake_ops = {
    fake_turn,
    fake_rest,
    fake_wake,
    fake_free,
};

static void set_up(struct wf_http_engine *engine, int n_readers)
{
    memset(engine, 0, sizeof(*engine));
    wf_http_role_init(&engine->role, &fake_ops, engine);
    engine->n_readers = n_readers;
    for (int i = 0; i < n_readers; i++) {
        wf_http_party_init(&engine->readers[i].party);
        engine->readers[i].engine = engine;
    }
}

static void tear_down(struct wf_http_engine *engine)
{
    ck_assert_ptr_null(engine->role.driver);
    ck_assert(wf_list_is_empty(&engine->role.waiting));
    ck_assert(wf_list_is_empty(&engine->role.woken));
    for (int i = 0; i < engine->n_readers; i++)
        wf_http_party_unref(&engine->role, &engine->readers[i].party);
    ck_assert_int_eq(engine->n_freed, engine->n_readers);
}

/* ---- parties ------------------------------------------------------------------------------------- */

static bool has_wanted(void *arg)
{
    const struct reader *reader = arg;
    return reader->n_seen >= reader->wanted;
}

static int read_until(struct reader *reader, int wanted)
{
    struct wf_http_role *role = &reader->engine->role;
    wf_http_role_lock(role);
    reader->wanted = wanted;
    wf_http_role_unlock(role);
    return wf_http_role_wait(role, &reader->party, has_wanted, reader);
}

WEFT_TASK(read_items, (struct reader *, reader), (int, n))
{
    for (int i = 1; i <= n; i++)
        WEFT_TRY(read_until(reader, i));
    return 0;
}

/* As a server would: from outside, by the engine's own signal. */
static void arrive(struct reader *reader)
{
    struct wf_http_engine *engine = reader->engine;
    wf_http_role_lock(&engine->role);
    reader->n_arrived++;
    wf_http_role_unlock(&engine->role);
    weft_event_set(&engine->signal);
}

WEFT_TASK(serve_items, (struct wf_http_engine *, engine), (int, n))
{
    for (int i = 0; i < n * engine->n_readers; i++) {
        arrive(&engine->readers[i % engine->n_readers]);
        if (wt_random_below(3) == 0)
            WEFT_TRY(weft_sleep(WEFT_US(10)));
    }
    return 0;
}

/* As a request would: posted by the party itself, which then waits. */
WEFT_TASK(ask_and_read, (struct reader *, reader), (int, n))
{
    struct wf_http_role *role = &reader->engine->role;
    for (int i = 1; i <= n; i++) {
        wf_http_role_lock(role);
        reader->n_arrived++;
        wf_http_role_post_locked(role);
        wf_http_role_unlock(role);
        WEFT_TRY(read_until(reader, i));
    }
    return 0;
}

/* ---- tests --------------------------------------------------------------------------------------- */

WT_TEST(who_is_alone_drives_itself)
{
    struct wf_http_engine engine;
    set_up(&engine, 1);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, ask_and_read, &engine.readers[0], 5), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_int_ge(engine.n_turns, 5);
    tear_down(&engine);
}

WT_TEST(one_turns_the_engine_and_all_get_theirs)
{
    struct wf_http_engine engine;
    set_up(&engine, 4);
    {
        WEFT_SCOPE(scope);
        for (int i = 0; i < engine.n_readers; i++)
            ck_assert_int_eq(weft_spawn(&scope, read_items, &engine.readers[i], 4), 0);
        ck_assert_int_eq(weft_spawn(&scope, serve_items, &engine, 4), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    tear_down(&engine);
}

WEFT_TASK(ask_by_many, (struct wf_http_engine *, engine))
{
    WEFT_SCOPE(scope);
    for (int i = 1; i < engine->n_readers; i++)
        WEFT_TRY(weft_spawn(&scope, ask_and_read, &engine->readers[i], 4));
    return weft_scope_wait(&scope);
}

/* Nothing comes for the first party until the others are done: often it is the driver, and only what
 * they post ends its rest. */
WT_TEST(work_that_is_posted_wakes_a_driver_that_rests)
{
    struct wf_http_engine engine;
    set_up(&engine, 3);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, read_items, &engine.readers[0], 1), 0);
        WEFT_SCOPE(others);
        ck_assert_int_eq(weft_spawn(&others, ask_by_many, &engine), 0);
        ck_assert_int_eq(weft_scope_wait(&others), 0);
        arrive(&engine.readers[0]);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    tear_down(&engine);
}

/* Its reader is cancelled in whatever it does then. */
WEFT_TASK(read_for_a_while, (struct reader *, reader))
{
    WEFT_SCOPE(scope, .supervisor = true);
    WEFT_TRY(weft_spawn(&scope, read_items, reader, 1000));
    WEFT_TRY(weft_sleep(WEFT_US(30)));
    weft_scope_cancel(&scope);
    return weft_scope_wait(&scope);
}

WT_TEST(a_driver_that_is_cancelled_gives_the_role_up)
{
    struct wf_http_engine engine;
    set_up(&engine, 4);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, read_for_a_while, &engine.readers[0]), 0);
        ck_assert_int_eq(weft_spawn(&scope, read_for_a_while, &engine.readers[1]), 0);
        ck_assert_int_eq(weft_spawn(&scope, read_items, &engine.readers[2], 4), 0);
        ck_assert_int_eq(weft_spawn(&scope, ask_and_read, &engine.readers[3], 4), 0);
        ck_assert_int_eq(weft_spawn(&scope, serve_items, &engine, 4), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    tear_down(&engine);
}

static void read_in_thread(void *arg)
{
    struct reader *reader = arg;
    for (int i = 1; i <= 4; i++)
        ck_assert_int_eq(read_until(reader, i), 0);
}

WT_TEST(threads_and_tasks_share_the_role)
{
    struct wf_http_engine engine;
    set_up(&engine, 4);
    wt_thread *threads[2];
    for (int i = 0; i < 2; i++)
        threads[i] = wt_thread_start(read_in_thread, &engine.readers[i]);
    {
        WEFT_SCOPE(scope);
        for (int i = 2; i < engine.n_readers; i++)
            ck_assert_int_eq(weft_spawn(&scope, read_items, &engine.readers[i], 4), 0);
        ck_assert_int_eq(weft_spawn(&scope, serve_items, &engine, 4), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    for (int i = 0; i < 2; i++)
        wt_thread_join(threads[i]);
    tear_down(&engine);
}

WT_TEST(what_has_come_needs_no_driver)
{
    struct wf_http_engine engine;
    set_up(&engine, 1);
    ck_assert_int_eq(read_until(&engine.readers[0], 0), 0);
    ck_assert_int_eq(engine.n_turns, 0);
    tear_down(&engine);
}

WT_MAIN("http_role")
