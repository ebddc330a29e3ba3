/* SPDX-License-Identifier: MIT
 * Scopes from inside: the tree, who counts, and what a cancel leaves in it. */
#include "task/scope.h"

#include "sched/worker.h"
#include "wt_test.h"

#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

static unsigned n_roots;

static void count_root(struct weft_scope *root, void *arg)
{
    (void)root, (void)arg;
    n_roots++;
}

static unsigned roots_now(void)
{
    n_roots = 0;
    wf_scope_each_root(count_root, NULL);
    return n_roots;
}

static unsigned length(struct wf_list *list)
{
    unsigned n = 0;
    wf_list_each (link, list)
        n++;
    return n;
}

WT_TEST(a_scope_is_in_the_tree_from_enter_to_leave)
{
    ck_assert_uint_eq(roots_now(), 0);
    {
        WEFT_SCOPE(root);
        ck_assert(wf_scope_of(&root)->is_root);
        ck_assert_uint_eq(roots_now(), 1);
        ck_assert_uint_eq(wf_rt.n_users, 1);
        {
            WEFT_SCOPE(a);
            WEFT_SCOPE(b);
            ck_assert_ptr_eq(wf_scope_of(&a)->parent, &root);
            ck_assert_ptr_eq(wf_scope_of(&b)->parent, &a);
            ck_assert_uint_eq(length(&wf_scope_of(&root)->scopes), 1);
            ck_assert_uint_eq(length(&wf_scope_of(&a)->scopes), 1);
            ck_assert_ptr_eq(wf_waiter_self()->scope, &b);
            MUST(weft_scope_wait(&b));
            ck_assert_ptr_eq(wf_waiter_self()->scope, &a);
        }
        ck_assert_uint_eq(length(&wf_scope_of(&root)->scopes), 0);
        ck_assert_uint_eq(roots_now(), 1);
    }
    ck_assert_uint_eq(roots_now(), 0);
    ck_assert_uint_eq(wf_rt.n_users, 0);
    ck_assert_ptr_null(wf_waiter_self()->scope);
    ck_assert_ptr_eq(wf_waiter_self()->cancel, &wf_never_cancelled);
}

WEFT_TASK(wait_long, (int, rc))
{
    int slept = weft_sleep(INT64_MAX);
    return slept == WEFT_ECANCELED ? rc : -1;
}

static bool has_parked(void *scope)
{
    struct wf_scope *s = wf_scope_of(scope);
    bool all_wait = true;
    wf_lock_acquire(&s->lock);
    wf_list_each (link, &s->tasks) {
        struct wf_waiter *task = &WF_CONTAINER(link, struct wf_task, home_link)->waiter;
        all_wait &= wf_load_rlx(&task->wait_kind) == WF_ON_SLEEP;
    }
    wf_lock_release(&s->lock);
    return all_wait;
}

WT_TEST(children_count_until_they_end)
{
    WEFT_SCOPE(scope);
    struct wf_scope *s = wf_scope_of(&scope);
    for (unsigned n = 1; n <= 5; n++) {
        MUST(weft_spawn(&scope, wait_long, 0));
        wf_lock_acquire(&s->lock);
        ck_assert_uint_eq(s->n_tasks, n);
        ck_assert_uint_eq(length(&s->tasks), n);
        wf_lock_release(&s->lock);
    }
    wt_until(has_parked, &scope);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    ck_assert_uint_eq(s->n_tasks, 0);
    ck_assert(wf_list_is_empty(&s->tasks));
    ck_assert(s->is_ended && !s->has_left);
}

WT_TEST(the_first_error_is_kept_with_its_task)
{
    WEFT_SCOPE(scope);
    struct wf_scope *s = wf_scope_of(&scope);
    MUST(weft_spawn(&scope, wait_long, -EPERM));
    MUST(weft_spawn_with(&scope, WEFT_OPTS(spawn, .name = "culprit"), wait_long, -EPERM));
    wt_until(has_parked, &scope);
    weft_scope_cancel(&scope);
    ck_assert_int_eq(weft_scope_wait(&scope), -EPERM);
    ck_assert_int_eq(s->errors.first.rc, -EPERM);
    ck_assert_str_ne(s->errors.first.name, "");
    ck_assert_ptr_nonnull(s->errors.first.file);
    ck_assert_int_eq(s->reason.kind, WF_REASON_ASKED);
}

/* ---- the deadline's timer -------------------------------------------------------------------- */

WT_TEST(a_deadline_leaves_no_timer_behind)
{
    struct wf_timerq *queue = wf_thread_self()->timers;
    for (int i = 0; i < 3; i++) {
        WEFT_SCOPE(far, .timeout_ns = WEFT_SEC(3600));
        ck_assert_int_ne(wf_load_rlx(&queue->next_ns), WF_NEVER);
        WEFT_SCOPE(past, .timeout_ns = -1);
        ck_assert_int_eq(wf_scope_of(&past)->reason.kind, WF_REASON_DEADLINE);
        ck_assert_int_eq(weft_pause(), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&past), WEFT_ETIMEDOUT);
        if (i == 0)
            MUST(weft_scope_wait(&far));
        else if (i == 1)
            weft_scope_cancel(&far);
    }
    ck_assert_int_eq(wf_load_rlx(&queue->next_ns), WF_NEVER);
}

WT_MAIN("task_scope")
