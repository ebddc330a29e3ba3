/* SPDX-License-Identifier: MIT
 * Model of what scopes add to spawning: places of a limit, "ready", joins, a deadline that moves. */
#include "model.h"

struct scene {
    weft_scope *scope;
    weft_event leave; /* set: the child that holds a place may end */
    _Atomic uint32_t n_ready;
};

WEFT_TASK(hold, (weft_event *, leave)) { return weft_event_wait(leave); }

WEFT_TASK(nothing) { return 0; }

/* ---- the line of spawners ---------------------------------------------------------------------- */

static void cancel_soon(void *scope)
{
    model_dawdle(60);
    weft_scope_cancel(scope);
}

/* Wants more places than there are before the next one has had its turn, and may give up. */
static void want_two(void *arg)
{
    struct scene *scene = arg;
    WEFT_SCOPE(inner);
    wt_thread *canceller = wt_thread_start(cancel_soon, &inner);
    int rc = weft_spawn_n(scene->scope, 2, nothing);
    ck_assert(rc == 0 || rc == WEFT_ECANCELED);
    wt_thread_join(canceller);
    MUST(weft_scope_wait(&inner));
}

/* The child stays until this one has had its turn, which it has only if the one before it, when it
 * leaves the line, lets it pass. */
static void want_one(void *arg)
{
    struct scene *scene = arg;
    model_dawdle(60);
    MUST(weft_spawn(scene->scope, nothing));
    weft_event_set(&scene->leave);
}

WT_TEST(who_leaves_the_line_of_spawners_lets_the_next_pass)
{
    struct scene scene = { .leave = WEFT_EVENT_INIT() };
    WEFT_SCOPE(scope, .limit = 2);
    scene.scope = &scope;
    MUST(weft_spawn(&scope, hold, &scene.leave));
    wt_thread *two = wt_thread_start(want_two, &scene);
    wt_thread *one = wt_thread_start(want_one, &scene);
    wt_thread_join(two);
    wt_thread_join(one);
    MUST(weft_scope_wait(&scope));
}

/* ---- ready ------------------------------------------------------------------------------------- */

WEFT_TASK(start, (struct scene *, scene))
{
    WEFT_TRY(weft_pause());
    WEFT_TRY(weft_ready(1));
    (void)wf_add_seq(&scene->n_ready, 1u);
    return weft_sleep(INT64_MAX);
}

WT_TEST(a_task_is_ready_or_its_spawner_has_given_up)
{
    struct scene scene = { .n_ready = 0 };
    int value = 0, rc;
    WEFT_SCOPE(scope);
    {
        WEFT_SCOPE(inner);
        wt_thread *canceller = wt_thread_start(cancel_soon, &inner);
        rc = weft_spawn_ready(&scope, &value, start, &scene);
        wt_thread_join(canceller);
        MUST(weft_scope_wait(&inner));
    }
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    ck_assert(rc == 0 || rc == WEFT_ECANCELED);
    ck_assert_int_eq(value, rc == 0);
    ck_assert_uint_eq(wf_load_seq(&scene.n_ready), rc == 0);
}

/* ---- joins ------------------------------------------------------------------------------------- */

static void join_it(void *task)
{
    weft_task_end end;
    model_dawdle(40);
    MUST(weft_join(task, &end));
    ck_assert_int_eq(end.rc, 0);
}

WT_TEST(all_who_join_learn_of_the_end)
{
    WEFT_AUTO(weft_task, it);
    WEFT_SCOPE(scope);
    MUST(weft_spawn_task(&scope, &it, nothing));
    wt_thread *threads[3];
    for (int i = 0; i < 3; i++)
        threads[i] = wt_thread_start(join_it, it);
    for (int i = 0; i < 3; i++)
        wt_thread_join(threads[i]);
    MUST(weft_scope_wait(&scope));
}

/* ---- a deadline that moves --------------------------------------------------------------------- */

struct mover {
    weft_scope *scope;
    int64_t at_ns;
    int rc;
};

static void move_later(void *arg)
{
    struct mover *mover = arg;
    model_spin(40); /* time may pass */
    mover->rc = weft_scope_set_deadline(mover->scope, mover->at_ns);
}

WT_TEST(a_deadline_that_was_moved_is_not_early)
{
    int64_t near_ns = weft_now_ns() + 1000;
    WEFT_SCOPE(scope, .deadline_at_ns = near_ns);
    struct mover mover = { .scope = &scope, .at_ns = near_ns + WEFT_SEC(1) };
    wt_thread *thread = wt_thread_start(move_later, &mover);
    ck_assert_int_eq(weft_sleep(INT64_MAX), WEFT_ECANCELED);
    int64_t ended_ns = weft_now_ns();
    wt_thread_join(thread);
    ck_assert(mover.rc == 0 || mover.rc == WEFT_ETIMEDOUT);
    ck_assert_int_ge(ended_ns, mover.rc == 0 ? mover.at_ns : near_ns);
    ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
}

WT_MAIN("scope model")
