/* SPDX-License-Identifier: MIT
 * Generators from inside: budgets, memory that ends, and the scopes around them. What their users
 * see is in api/generator_test.c; cancels at every point in unit/stream/cancel_test.c. */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>

#include "../../api/token.h"
#include "task/generator.h"

static struct wf_generator *generator_of(weft_rx(int) rx) { return WEFT_RX_RAW_(rx)->source; }

WEFT_GENERATOR(count_to, weft_rx(int), (int, last))
{
    for (int n = 1; n <= last; n++)
        WEFT_TRY(weft_yield(n));
    return 0;
}

/* ---- states ------------------------------------------------------------------------------------- */

static bool is_in(struct wf_generator *g, enum wf_generator_state state, uint32_t refs)
{
    wf_chan_lock(g->chan);
    wf_generator_settle_locked(g);
    bool is_so = g->state == state && g->refs == refs;
    wf_chan_unlock(g->chan);
    return is_so;
}

static int until(struct wf_generator *g, enum wf_generator_state state, uint32_t refs)
{
    while (!is_in(g, state, refs))
        WEFT_TRY(weft_sleep(WEFT_US(20)));
    return 0;
}

static int states_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(count_to(1, &numbers));
    struct wf_generator *g = generator_of(numbers);
    ck_assert(is_in(g, WF_GENERATOR_NEW, 2));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    WEFT_TRY(until(g, WF_GENERATOR_PARKED, 3));
    ck_assert_int_eq(weft_recv(numbers, &n), 0);
    WEFT_TRY(until(g, WF_GENERATOR_DONE, 1));
    ck_assert(!wf_link_is_linked(&g->scope_link));
    return 0;
}

WT_TEST(states_and_references) { ck_assert_int_eq(weft_run(states_main, NULL), 0); }

/* An ended generator leaves its scope at once: a long scope does not collect them. */
static int many_main(void *arg)
{
    (void)arg;
    weft_rx(int) all[50] = { NULL };
    int n;
    for (int i = 0; i < 50; i++) {
        WEFT_TRY(count_to(i % 3, &all[i]));
        while (weft_recv(all[i], &n) > 0)
            continue;
        WEFT_TRY(until(generator_of(all[i]), WF_GENERATOR_DONE, 1));
    }
    struct wf_scope *scope = wf_scope_of(generator_of(all[0])->parent);
    wf_lock_acquire(&scope->lock);
    ck_assert(wf_list_is_empty(&scope->generators));
    ck_assert(wf_list_is_empty(&scope->scopes));
    wf_lock_release(&scope->lock);
    for (int i = 0; i < 50; i++)
        WEFT_DROP(all[i]);
    return 0;
}

WT_TEST(an_ended_one_leaves_its_scope) { ck_assert_int_eq(weft_run(many_main, NULL), 0); }

/* ---- the teardown budget -------------------------------------------------------------------------- */

/* Goes on until it is complained about. */
WEFT_GENERATOR(stubborn, weft_rx(int), (atomic_bool *, has_ended))
{
    int rc = weft_yield(1);
    while (!wt_has_report())
        ck_assert_int_eq(weft_sleep(WEFT_MS(1)), 0);
    atomic_store(has_ended, true);
    return rc;
}

static int stubborn_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, numbers);
    atomic_bool has_ended = false;
    int n;
    WEFT_TRY(stubborn_with(WEFT_OPTS(generator, .name = "mule"), &has_ended, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    ck_assert_int_eq(weft_close(numbers), 0);
    ck_assert(atomic_load(&has_ended));
    return 0;
}

static int n_times(const char *text, const char *word)
{
    int n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        n++;
    return n;
}

WT_TEST(past_its_budget_it_is_named_once_and_waited_for)
{
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.teardown_budget_ns = WEFT_MS(10))), 0);
    wt_capture_reports();
    ck_assert_int_eq(weft_run(stubborn_main, NULL), 0);
    ck_assert_int_eq(n_times(wt_reports(), "generator \"mule\""), 1);
    ck_assert_int_eq(n_times(wt_reports(), "teardown budget"), 1);
}

/* ---- shields and scopes --------------------------------------------------------------------------- */

/* Everything that a body does after its consumer has left can wait, in whatever scope. */
WEFT_GENERATOR(inner_scope, weft_rx(int))
{
    int rc;
    {
        WEFT_SCOPE(scope);
        rc = weft_yield(1);
        ck_assert_int_eq(rc, WEFT_ECLOSED);
        ck_assert_int_eq(weft_sleep(WEFT_US(10)), 0);
        WEFT_SCOPE(deeper);
        ck_assert_int_eq(weft_sleep(WEFT_US(10)), 0);
        ck_assert_int_eq(weft_scope_wait(&deeper), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_int_eq(weft_sleep(WEFT_US(10)), 0);
    return rc;
}

WEFT_TASK(cancel_later, (weft_scope *, scope), (int64_t, d_ns))
{
    WEFT_TRY(weft_sleep(d_ns));
    weft_scope_cancel(scope);
    return 0;
}

static int shielded_main(void *arg)
{
    (void)arg;
    WEFT_SCOPE(outer);
    WEFT_SCOPE(scope);
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(inner_scope(&numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    WEFT_TRY(weft_spawn(&outer, cancel_later, &scope, WEFT_US(15)));
    ck_assert_int_eq(weft_close(numbers), 0);
    WEFT_TRY(weft_scope_wait(&scope));
    return weft_scope_wait(&outer);
}

WT_TEST(a_cancel_during_the_teardown_does_not_reach_it)
{
    if (!wt_is_sim())
        wt_skip("only a virtual clock makes the cancel come in between");
    ck_assert_int_eq(weft_run(shielded_main, NULL), 0);
}

/* Shields and scopes that were there before the yield end as they were begun; the teardown goes on. */
WEFT_GENERATOR(behind_shields, weft_rx(int), (_Atomic int *, n_slept))
{
    weft_shield outer, inner, later;
    weft_shield_begin(&outer);
    {
        WEFT_SCOPE(scope);
        weft_shield_begin(&inner);
        ck_assert_int_eq(weft_yield(1), WEFT_ECLOSED);
        weft_shield_begin(&later);
        weft_shield_end(&later);
        atomic_fetch_add(n_slept, weft_sleep(WEFT_US(1)) == 0);
        weft_shield_end(&inner);
        atomic_fetch_add(n_slept, weft_sleep(WEFT_US(1)) == 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    weft_shield_end(&outer);
    atomic_fetch_add(n_slept, weft_sleep(WEFT_US(1)) == 0);
    weft_shield_begin(&later);
    atomic_fetch_add(n_slept, weft_sleep(WEFT_US(1)) == 0);
    weft_shield_end(&later);
    atomic_fetch_add(n_slept, weft_sleep(WEFT_US(1)) == 0);
    return weft_checkpoint();
}

static int behind_shields_main(void *arg)
{
    _Atomic int n_slept = 0;
    (void)arg;
    WEFT_SCOPE(scope);
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(behind_shields(&n_slept, &numbers));
    ck_assert_int_eq(weft_recv(numbers, &n), 1);
    weft_scope_cancel(&scope);
    ck_assert_int_eq(weft_close(numbers), 0);
    ck_assert_int_eq(atomic_load(&n_slept), 5);
    return weft_scope_wait(&scope);
}

WT_TEST(the_end_of_a_shield_before_the_last_yield_does_not_end_the_teardown)
{
    ck_assert_int_eq(weft_run(behind_shields_main, NULL), 0);
}

/* A generator opened in a body ends with it, whoever holds its receiver by then. */
WEFT_GENERATOR(opens_inner, weft_rx(int), (tx, weft_receiver *, out))
{
    weft_rx(int) inner = NULL;
    int n;
    WEFT_TRY(count_to(10, &inner));
    WEFT_TRY(weft_recv(inner, &n));
    WEFT_TRY(weft_send(out, WEFT_RX_RAW_(inner)));
    return weft_yield(n);
}

static int inner_main(void *arg)
{
    (void)arg;
    WEFT_TX(weft_receiver *, tx);
    WEFT_RX(weft_receiver *, rx);
    WEFT_RX(int, outer);
    weft_receiver *inner;
    int n;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_TRY(opens_inner(WEFT_MOVE(tx), &outer));
    ck_assert_int_eq(weft_recv(outer, &n), 1);
    ck_assert_int_eq(weft_recv(rx, &inner), 1);
    ck_assert_int_eq(weft_receiver_recv(inner, &n, sizeof n), 1);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(weft_recv(outer, &n), 0);
    ck_assert_int_eq(weft_receiver_recv(inner, &n, sizeof n), WEFT_ECANCELED);
    weft_half_drop(&inner);
    return 0;
}

WT_TEST(one_opened_in_a_body_ends_with_it) { ck_assert_int_eq(weft_run(inner_main, NULL), 0); }

/* A body that holds its own receiver can't wait for its own end. */
WEFT_GENERATOR(closes_itself, weft_rx(int), (rx, weft_receiver *, own))
{
    weft_receiver *mine;
    WEFT_TRY(weft_recv(own, &mine));
    ck_assert_int_eq(weft_half_close(mine), WEFT_EDEADLK);
    ck_assert_int_eq(weft_yield(1), WEFT_ECLOSED);
    return 0;
}

static int itself_main(void *arg)
{
    (void)arg;
    WEFT_TX(weft_receiver *, tx);
    WEFT_RX(weft_receiver *, rx);
    WEFT_RX(int, numbers);
    int n;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_TRY(closes_itself(WEFT_MOVE(rx), &numbers));
    WEFT_TRY(weft_send(tx, WEFT_RX_RAW_(numbers)));
    ck_assert_int_eq(weft_recv(numbers, &n), WEFT_ECLOSED);
    return 0;
}

WT_TEST(closing_it_from_inside_is_a_deadlock) { ck_assert_int_eq(weft_run(itself_main, NULL), 0); }

/* ---- memory that ends ------------------------------------------------------------------------------ */

WEFT_GENERATOR(tokens, weft_rx(struct token *), (int, last))
{
    int rc = 0;
    for (int n = 1; n <= last && rc >= 0; n++)
        rc = weft_yield(token_new(n));
    return rc;
}

static int faulty_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items);
    struct token *item;
    WEFT_TRY(tokens_with(WEFT_OPTS(generator, .drop = token_drop), 3, &items));
    int rc = weft_recv(items, &item);
    if (rc == WEFT_ENOMEM)
        rc = weft_recv(items, &item); /* the body could not start: it may be tried again */
    if (rc == 1)
        (void)token_end(item);
    return WEFT_TRY(rc) == 1 ? 0 : -EPROTO;
}

static void with_faults(void *arg)
{
    (void)arg;
    tokens_begin();
    wt_fault_on(WT_FAULT_ALL);
    int rc = weft_run(faulty_main, NULL);
    wt_fault_off();
    ck_assert(rc == 0 || wt_fault_hit());
    tokens_check();
}

WT_TEST(every_allocation_may_fail_in_a_task) { (void)wt_fault_run(with_faults, NULL); }

static void in_thread_with_faults(void *arg)
{
    (void)arg;
    tokens_begin();
    wt_fault_on(WT_FAULT_ALL);
    int rc = faulty_main(NULL);
    wt_fault_off();
    ck_assert(rc == 0 || wt_fault_hit());
    tokens_check();
}

WT_TEST(every_allocation_may_fail_in_a_thread) { (void)wt_fault_run(in_thread_with_faults, NULL); }

/* ---- many ------------------------------------------------------------------------------------------ */

WEFT_TASK(pull, (rx, int, numbers), (_Atomic int *, total))
{
    weft_each (n, numbers)
        atomic_fetch_add(total, n);
    return weft_error(numbers);
}

static int stress_main(void *arg)
{
    _Atomic int total = 0;
    int n_generators = (int)wt_scaled(200);
    (void)arg;
    WEFT_SCOPE(scope);
    for (int i = 0; i < n_generators; i++) {
        WEFT_RX(int, numbers);
        WEFT_TRY(count_to(50, &numbers));
        WEFT_TRY(weft_spawn(&scope, pull, WEFT_MOVE(numbers), &total));
    }
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert_int_eq(atomic_load(&total), n_generators * 50 * 51 / 2);
    return 0;
}

WT_TEST(many_on_all_cores) { ck_assert_int_eq(weft_run(stress_main, NULL), 0); }

WT_MAIN("task_generator")
