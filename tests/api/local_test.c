/* SPDX-License-Identifier: MIT
 * Task-locals: seen by who bound them and by all that was spawned meanwhile, dropped once. */
#include "parties.h"
#include "token.h"

#include <string.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

WEFT_LOCAL(int, depth);
WEFT_LOCAL(const char *, who);
WEFT_LOCAL(struct token *, owned, .drop = token_drop);

WEFT_DECLARE_LOCAL(long, shared_by_files);
WEFT_DEFINE_LOCAL(shared_by_files);

/* ---- binding --------------------------------------------------------------------------------- */

static int bind_deeper(int left)
{
    const int *outer = weft_local(depth);
    int seen = outer != NULL ? *outer : 0;
    WEFT_BIND(depth, seen + 1);
    WANT(*weft_local(depth), seen + 1);
    if (left > 0)
        WEFT_TRY(bind_deeper(left - 1));
    WANT(*weft_local(depth), seen + 1);
    return 0;
}

static int bind_and_see(void *arg)
{
    (void)arg;
    ck_assert_ptr_null(weft_local(depth));
    WEFT_TRY(bind_deeper(5));
    ck_assert_ptr_null(weft_local(depth));
    WEFT_BIND(who, "somebody");
    WEFT_BIND(shared_by_files, 5);
    ck_assert_str_eq(*weft_local(who), "somebody");
    WANT(*weft_local(shared_by_files), 5);
    ck_assert_ptr_null(weft_local(depth));
    WEFT_TRY(weft_pause());
    ck_assert_str_eq(*weft_local(who), "somebody");
    return 0;
}

WT_TEST(bound_to_the_brace) { in_both(bind_and_see); }

static int codes(void *arg)
{
    (void)arg;
    weft_binding binding;
    int one = 1;
    WANT(weft_local_bind(&binding, NULL, &one), WEFT_EINVAL);
    weft_local_unbind(&binding);
    WANT(weft_local_bind(&binding, &depth.key_, NULL), WEFT_EINVAL);
    weft_local_unbind(&binding);
    MUST(weft_local_bind(&binding, &depth.key_, &one));
    weft_local_unbind(&binding);
    weft_local_unbind(&binding);
    ck_assert_ptr_null(weft_local_get(NULL));
    return 0;
}

WT_TEST(what_the_calls_return) { in_both(codes); }

/* ---- inheriting ------------------------------------------------------------------------------ */

WEFT_TASK(child, (int, seen), (int, n_below))
{
    ck_assert_str_eq(*weft_local(who), "parent");
    WANT(*weft_local(depth), seen);
    WEFT_BIND(depth, seen + 1);
    WEFT_TRY(weft_pause());
    WEFT_SCOPE(scope);
    for (int i = 0; i < n_below; i++)
        WEFT_TRY(weft_spawn(&scope, child, seen + 1, n_below - 1));
    WANT(*weft_local(depth), seen + 1);
    return weft_scope_wait(&scope);
}

static int be_inherited_from(void *arg)
{
    (void)arg;
    WEFT_BIND(who, "parent");
    WEFT_BIND(depth, 1);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn_n(&scope, 3, child, 1, 3));
    WEFT_TRY(weft_scope_wait(&scope));
    WANT(*weft_local(depth), 1);
    return 0;
}

WT_TEST(children_see_what_was_bound_and_parents_not_what_they_bind) { in_both(be_inherited_from); }

static int see_the_callers(void *arg)
{
    (void)arg;
    WANT(*weft_local(depth), 7);
    return 0;
}

static int run_from_thread(void)
{
    WEFT_BIND(depth, 7);
    return weft_run(see_the_callers, NULL);
}

WT_TEST(a_run_sees_its_threads) { MUST(run_from_thread()); }

WEFT_TASK(see_in_call, (int, seen))
{
    WANT(*weft_local(depth), seen);
    WEFT_BIND(depth, seen + 1);
    WANT(*weft_local(depth), seen + 1);
    return seen;
}

static int call_blocking(void *arg)
{
    (void)arg;
    WEFT_BIND(depth, 3);
    WANT(weft_blocking(see_in_call, 3), 3);
    WANT(*weft_local(depth), 3);
    WEFT_BIND(depth, 4);
    WANT(weft_blocking(see_in_call, 4), 4);
    return 0;
}

WEFT_TASK(see_nothing)
{
    ck_assert_ptr_null(weft_local(depth));
    return 0;
}

static int call_blocking_bare(void *arg)
{
    WEFT_TRY(call_blocking(arg));
    return weft_blocking(see_nothing); /* on the same thread perhaps */
}

WT_TEST(a_blocking_call_sees_its_callers) { in_both(call_blocking_bare); }

WEFT_GENERATOR(depths, weft_rx(int), (int, n))
{
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_yield(*weft_local(depth)));
    return 0;
}

static int open_depths(weft_rx(int) * out_rx)
{
    WEFT_BIND(depth, 9);
    return depths(2, out_rx);
}

static int consume(void *arg)
{
    (void)arg;
    WEFT_RX(int, rx);
    WEFT_RX(int, never_started);
    WEFT_TRY(open_depths(&rx));
    WEFT_TRY(open_depths(&never_started));
    WEFT_BIND(depth, 1);
    weft_each (seen, rx)
        WANT(seen, 9);
    return weft_error(rx);
}

WT_TEST(a_generator_sees_what_was_bound_where_it_was_opened) { in_both(consume); }

/* ---- what is owned --------------------------------------------------------------------------- */

WEFT_TASK(outlive, (weft_event *, may_end))
{
    WEFT_TRY(weft_event_wait(may_end));
    WANT((*weft_local(owned))->n, 8);
    return 0;
}

static int spawn_and_unbind(weft_scope *scope, weft_event *may_end)
{
    WEFT_BIND(owned, token_new(8));
    return weft_spawn_n(scope, 4, outlive, may_end);
}

static int outlive_the_binding(void *arg)
{
    (void)arg;
    weft_event may_end = WEFT_EVENT_INIT();
    WEFT_SCOPE(scope);
    WEFT_TRY(spawn_and_unbind(&scope, &may_end));
    ck_assert_ptr_null(weft_local(owned));
    WANT(atomic_load(&tokens_ended), 0);
    weft_event_set(&may_end);
    WEFT_TRY(weft_scope_wait(&scope));
    WANT(atomic_load(&tokens_ended), 1);
    tokens_begin();
    return 0;
}

WT_TEST(dropped_when_the_last_that_sees_it_has_ended)
{
    tokens_begin();
    in_both(outlive_the_binding);
}

WEFT_TASK(bind_own, (int, n))
{
    WEFT_BIND(owned, token_new(n));
    WEFT_TRY(weft_pause());
    WEFT_SCOPE(scope);
    if (n > 0)
        WEFT_TRY(weft_spawn_n(&scope, 2, bind_own, n - 1));
    WANT((*weft_local(owned))->n, n);
    return weft_scope_wait(&scope);
}

static int bind_many(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn_n(&scope, 3, bind_own, 6));
    return weft_scope_wait(&scope);
}

WT_TEST(each_is_dropped_once)
{
    tokens_begin();
    in_both(bind_many);
    WANT(atomic_load(&tokens_made), 2 * 3 * 127);
    tokens_check();
}

static void bind_without_memory(void *arg)
{
    (void)arg;
    tokens_begin();
    struct token *token = token_new(1);
    weft_binding binding;
    wt_fault_on(WT_FAULT_MEMORY);
    int rc = weft_local_bind(&binding, &owned.key_, &token);
    wt_fault_off();
    ck_assert(rc == 0 || rc == WEFT_ENOMEM);
    weft_local_unbind(&binding);
    tokens_check();
}

WT_TEST(without_memory_it_is_dropped_too)
{
    ck_assert_uint_ge(wt_fault_run(bind_without_memory, NULL), 2);
}

/* ---- misuse ---------------------------------------------------------------------------------- */

static void unbind_in_the_wrong_order(void *arg)
{
    (void)arg;
    weft_binding first, second;
    int value = 1;
    MUST(weft_local_bind(&first, &depth.key_, &value));
    MUST(weft_local_bind(&second, &depth.key_, &value));
    weft_local_unbind(&first);
}

WT_TEST(bindings_end_in_reverse_order)
{
    wt_seeds_at_most(1);
    wt_expect_abort(unbind_in_the_wrong_order, NULL, "weft_local_unbind: \"depth\"");
}

WT_MAIN("api_local")
