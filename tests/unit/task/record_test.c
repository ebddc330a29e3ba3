/* SPDX-License-Identifier: MIT
 * Records and lists of errors without memory: what is lost is said, nothing else is. */
#include "../fail_nth.h"
#include "task/record.h"

#include <weft.h>

#define MUST(rc) ck_assert_int_eq(rc, 0)

/* ---- errors ---------------------------------------------------------------------------------- */

static atomic_bool is_memory_gone;

static void *alloc_unless_gone(size_t size)
{
    return atomic_load(&is_memory_gone) ? NULL : wf_sys_real.alloc(size);
}

WEFT_TASK(end_with, (int, rc), (bool, takes_memory))
{
    atomic_store(&is_memory_gone, takes_memory);
    return rc;
}

static bool has_so_many(void *arg)
{
    const struct {
        weft_scope *scope;
        size_t n;
    } *want = arg;
    return weft_scope_n_errors(want->scope) == want->n;
}

WT_TEST(an_error_without_memory_is_counted_all_the_same)
{
    static const int kept[] = { -1, -2, -5 };
    enum { MANY = 5 };
    weft_task_end end;
    wf_sys.alloc = alloc_unless_gone;
    WEFT_SCOPE(scope, .supervisor = true);
    for (int i = 0; i < MANY; i++) {
        struct {
            weft_scope *scope;
            size_t n;
        } want = { &scope, (size_t)i + 1 };
        MUST(weft_spawn(&scope, end_with, -1 - i, i == 2 || i == 3));
        wt_until(has_so_many, &want);
        atomic_store(&is_memory_gone, false);
    }
    MUST(weft_scope_wait(&scope));
    wf_sys = wf_sys_real;
    ck_assert_uint_eq(weft_scope_n_errors(&scope), MANY);
    for (size_t i = 0; i < 3; i++) {
        MUST(weft_scope_error(&scope, i, &end));
        ck_assert_int_eq(end.rc, kept[i]);
    }
    ck_assert_int_eq(weft_scope_error(&scope, 3, &end), WEFT_ENOMEM);
    ck_assert_int_eq(weft_scope_error(&scope, 4, &end), WEFT_ENOMEM);
    ck_assert_int_eq(weft_scope_error(&scope, 5, &end), WEFT_EINVAL);
}

/* ---- every call that can fail ---------------------------------------------------------------- */

static _Atomic int n_owned, n_dropped;

typedef struct owned {
    int unused;
} owned;

static int owned_close(owned *it)
{
    (void)it;
    atomic_fetch_sub(&n_owned, 1);
    return 0;
}

WEFT_DEFINE_AUTO(owned, owned_close)

struct large {
    char bytes[100];
};

static void count_drop(void *value)
{
    (void)value;
    atomic_fetch_add(&n_dropped, 1);
}

static _Atomic int n_given;

WEFT_TASK(use_all, (auto, owned, it))
{
    (void)it;
    WEFT_TRY(weft_ready(3));
    atomic_fetch_add(&n_given, 1);
    return weft_result((struct large){ { 1 } });
}

static int join_all(weft_scope *scope, int *n_taken)
{
    weft_task_end end;
    struct large large;
    int rc, first = 0;
    while ((rc = weft_join_next_result(scope, &end, &large)) == 1) {
        *n_taken += end.has_result;
        first = first < 0 ? first : end.rc;
    }
    return rc < 0 ? rc : first;
}

static int spawn_all(void *arg)
{
    static owned it;
    int value = 0, n_taken = 0, rc = 0;
    (void)arg;
    {
        WEFT_AUTO(weft_task, handle);
        WEFT_SCOPE(scope, .joins = true, .supervisor = true, .limit = 2, .drop = count_drop);
        for (int i = 0; i < 3 && rc == 0; i++) {
            owned *owner = &it;
            atomic_fetch_add(&n_owned, 1);
            rc = i == 0   ? weft_spawn_ready(&scope, &value, use_all, WEFT_MOVE(owner))
                 : i == 1 ? weft_spawn_task(&scope, &handle, use_all, WEFT_MOVE(owner))
                          : weft_spawn(&scope, use_all, WEFT_MOVE(owner));
        }
        int joined = join_all(&scope, &n_taken);
        rc = rc < 0 ? rc : joined;
        MUST(weft_scope_wait(&scope));
    }
    ck_assert_int_eq(n_owned, 0);
    ck_assert_int_eq(atomic_exchange(&n_given, 0), n_taken + atomic_exchange(&n_dropped, 0));
    return rc;
}

WT_TEST(each_failing_call_of_a_spawn_with_rules)
{
    wt_seeds_at_most(20);
    fail_begin();
    WEFT_SCOPE(root);
    MUST(weft_spawn(&root, end_with, 0, false)); /* the runtime is there */
    ck_assert_uint_gt(fail_each_begun(spawn_all, NULL, NULL), 5);
    MUST(weft_scope_wait(&root));
}

WT_MAIN("record")
