/* SPDX-License-Identifier: MIT
 * Completions: one result, brought once by whoever is first, from any thread; and never none. */
#include "parties.h"
#include "token.h"
#include "wt_test.h"

#include <weft.h>

/* ---- a C callback ----------------------------------------------------------------------------- */

/* A library as there are many: it calls back later, on a thread of its own. */
struct library {
    void (*callback)(void *arg, int error, int answer);
    void *arg;
    int error, answer;
};

static void library_thread(void *arg)
{
    struct library *library = arg;
    library->callback(library->arg, library->error, library->answer);
}

static void on_answer(void *arg, int error, int answer)
{
    WEFT_COMPLETION(int, done);
    done = weft_completion_of(int, arg);
    if (error == EINTR)
        return; /* forgets to say anything */
    if (error != 0)
        ck_assert_int_eq(weft_fail(done, -error), 0);
    else
        ck_assert_int_eq(weft_complete(done, answer), 0);
    ck_assert(done == NULL);
}

/* What the waiter gets, first and then. */
static int ask(int error, int answer, int *out_value, int *out_next)
{
    WEFT_COMPLETION(int, done);
    WEFT_RX(int, answers);
    WEFT_TRY(weft_completion_open(&done, &answers, .name = "answer"));
    struct library library = { on_answer, weft_completion_arg(done), error, answer };
    ck_assert(done == NULL);
    wt_thread *thread = wt_thread_start(library_thread, &library);
    int rc = weft_recv(answers, out_value);
    *out_next = weft_recv(answers, out_value);
    wt_thread_join(thread);
    return rc;
}

static int answers_come(void *arg)
{
    (void)arg;
    int value = 0, next;
    ck_assert_int_eq(ask(0, 42, &value, &next), 1);
    ck_assert_int_eq(value, 42);
    ck_assert_int_eq(next, 0);
    ck_assert_int_eq(ask(EIO, 0, &value, &next), -EIO);
    ck_assert_int_eq(next, 0);
    ck_assert_int_eq(ask(EINTR, 0, &value, &next), WEFT_ABANDONED);
    ck_assert_int_eq(next, 0);
    return 0;
}

WT_TEST(a_callback_completes_with_a_value_an_error_or_nothing) { in_both(answers_come); }

/* ---- once ------------------------------------------------------------------------------------- */

struct race {
    weft_completion(struct token *) done[MAX_PARTIES];
    weft_rx(struct token *) rx[MAX_PARTIES];
    _Atomic int n_first, n_received, n_ended;
};

static int complete_one(void *arg, unsigned index)
{
    struct race *race = arg;
    struct token *token = token_new((int)index);
    int rc = weft_complete(race->done[index], token);
    if (rc == 0)
        atomic_fetch_add(&race->n_first, 1);
    else
        (void)token_end(token);
    return rc == 0 || rc == WEFT_ECLOSED ? 0 : rc;
}

static int complete_or_receive(void *arg, unsigned index)
{
    struct race *race = arg;
    struct token *token;
    if (index % 2 == 0)
        return complete_one(race, index);
    int rc = weft_recv(race->rx[index], &token);
    if (rc > 0)
        (void)token_end(token);
    atomic_fetch_add(rc > 0 ? &race->n_received : &race->n_ended, 1);
    return rc < 0 ? rc : 0;
}

static void race_of(unsigned n, int (*party)(void *arg, unsigned index), struct race *race)
{
    ck_assert_int_eq(weft_completion_open(&race->done[0], &race->rx[0], .drop = token_drop), 0);
    for (unsigned i = 1; i < n; i++) {
        race->done[i] = weft_completion_ref(race->done[0]);
        race->rx[i] = *weft_ref(race->rx[0]);
        ck_assert(race->done[i] != NULL && race->rx[i] != NULL);
    }
    for (unsigned i = 1; i < n; i += 2)
        if (party == complete_or_receive)
            weft_completer_drop(&race->done[i]);
    run_parties(n / 2, n / 2, party, race);
}

static void end_race(struct race *race, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        weft_completer_drop(&race->done[i]);
        WEFT_DROP(race->rx[i]);
    }
    tokens_check();
}

WT_TEST(of_many_that_complete_the_first_decides)
{
    struct race race = { 0 };
    struct token *token;
    tokens_begin();
    race_of(6, complete_one, &race);
    ck_assert_int_eq(atomic_load(&race.n_first), 1);
    ck_assert_int_eq(weft_recv(race.rx[0], &token), 1);
    (void)token_end(token);
    ck_assert_int_eq(weft_recv(race.rx[1], &token), 0);
    end_race(&race, 6);
}

WT_TEST(of_many_that_receive_one_gets_it_and_the_others_the_end)
{
    struct race race = { 0 };
    tokens_begin();
    race_of(8, complete_or_receive, &race);
    ck_assert_int_eq(atomic_load(&race.n_first), 1);
    ck_assert_int_eq(atomic_load(&race.n_received), 1);
    ck_assert_int_eq(atomic_load(&race.n_ended), 3);
    end_race(&race, 8);
}

static int fail_one(void *arg, unsigned index)
{
    struct race *race = arg;
    if (weft_fail(race->done[index], -100 - (int)index) == 0)
        atomic_fetch_add(&race->n_first, 1);
    return 0;
}

WT_TEST(an_error_comes_once_to_each_reference)
{
    struct race race = { 0 };
    struct token *token;
    tokens_begin();
    race_of(4, fail_one, &race);
    ck_assert_int_eq(atomic_load(&race.n_first), 1);
    int code = weft_recv(race.rx[0], &token);
    ck_assert(code <= -100 && code > -104);
    ck_assert_int_eq(weft_error(race.rx[0]), code);
    ck_assert_int_eq(weft_recv(race.rx[0], &token), 0);
    ck_assert_int_eq(weft_recv(race.rx[1], &token), code);
    end_race(&race, 4);
}

WT_TEST(only_the_last_reference_that_goes_abandons)
{
    WEFT_COMPLETION(int, done);
    WEFT_COMPLETION(int, other);
    WEFT_RX(int, rx);
    int value;
    ck_assert_int_eq(weft_completion_open(&done, &rx), 0);
    other = weft_completion_ref(done);
    weft_completer_drop(&done);
    weft_completer_drop(&done);
    ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_EAGAIN);
    weft_completer_drop(&other);
    ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_ABANDONED);
    ck_assert_int_eq(weft_try_recv(rx, &value), 0);
}

/* ---- who leaves ------------------------------------------------------------------------------- */

struct late {
    void *arg;
    _Atomic bool is_left;
    int rc;
};

static bool is_left(void *arg) { return atomic_load(&((struct late *)arg)->is_left); }

static void late_callback(void *arg)
{
    struct late *late = arg;
    wt_until(is_left, late);
    weft_completion(struct token *) done = weft_completion_of(struct token *, late->arg);
    struct token *token = token_new(1);
    late->rc = weft_complete(done, token);
    if (late->rc < 0)
        (void)token_end(token);
}

static int leave_early(void *arg)
{
    struct late *late = arg;
    WEFT_COMPLETION(struct token *, done);
    WEFT_RX(struct token *, rx);
    struct token *token;
    WEFT_TRY(weft_completion_open(&done, &rx, .drop = token_drop));
    late->arg = weft_completion_arg(done);
    wt_thread *thread = wt_thread_start(late_callback, late);
    {
        WEFT_SCOPE(scope);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_recv(rx, &token), WEFT_ECANCELED);
    }
    WEFT_DROP(rx);
    atomic_store(&late->is_left, true);
    wt_thread_join(thread);
    return 0;
}

WT_TEST(a_callback_after_the_waiter_left_keeps_its_value)
{
    struct late late = { 0 };
    tokens_begin();
    ck_assert_int_eq(weft_run(leave_early, &late), 0);
    ck_assert_int_eq(late.rc, WEFT_ECLOSED);
    tokens_check();
}

WEFT_TASK(wait_for_token, (rx, struct token *, rx), (_Atomic int *, n))
{
    struct token *token;
    int rc = weft_recv(rx, &token);
    if (rc > 0) {
        (void)token_end(token);
        atomic_fetch_add(n, 1);
    }
    return rc < 0 ? rc : 0;
}

WEFT_TASK(bring_token, (void *, arg))
{
    WEFT_COMPLETION(struct token *, done);
    done = weft_completion_of(struct token *, arg);
    struct token *token = token_new(1);
    int rc = weft_complete(done, token);
    if (rc < 0)
        (void)token_end(token);
    return 0;
}

/* The cancel comes before, between or after: the value is received or dropped, never both. */
static int cancel_meets_completion(void *arg)
{
    _Atomic int n_received = 0;
    WEFT_COMPLETION(struct token *, done);
    WEFT_RX(struct token *, rx);
    (void)arg;
    WEFT_TRY(weft_completion_open(&done, &rx, .drop = token_drop));
    WEFT_SCOPE(outer);
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_spawn(&scope, wait_for_token, WEFT_MOVE(rx), &n_received), 0);
    ck_assert_int_eq(weft_spawn(&outer, bring_token, weft_completion_arg(done)), 0);
    ck_assert_int_eq(weft_pause(), 0);
    weft_scope_cancel(&scope);
    ignored(weft_scope_wait(&scope));
    return weft_scope_wait(&outer);
}

WT_TEST(a_cancel_that_meets_the_completion_loses_nothing)
{
    tokens_begin();
    ck_assert_int_eq(weft_run(cancel_meets_completion, NULL), 0);
    tokens_check();
}

WT_TEST(a_value_that_nobody_receives_is_dropped_once)
{
    WEFT_COMPLETION(struct token *, done);
    tokens_begin();
    {
        WEFT_RX(struct token *, rx);
        ck_assert_int_eq(weft_completion_open(&done, &rx, .drop = token_drop), 0);
        ck_assert_int_eq(weft_complete(done, token_new(7)), 0);
        ck_assert_int_eq(atomic_load(&tokens_ended), 0);
    }
    ck_assert_int_eq(atomic_load(&tokens_ended), 1);
    tokens_check();
}

/* ---- as any receiver -------------------------------------------------------------------------- */

static int in_a_select(void *arg)
{
    (void)arg;
    WEFT_COMPLETION(int, done);
    WEFT_RX(int, rx);
    int value = 0, rc, values[4];
    WEFT_TRY(weft_completion_open(&done, &rx));
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(rx, &value), weft_on_after(WEFT_US(10))), 1);
    struct library library = { on_answer, weft_completion_arg(done), 0, 5 };
    wt_thread *thread = wt_thread_start(library_thread, &library);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(rx, &value)), 0);
    ck_assert_int_eq(rc, 1);
    ck_assert_int_eq(value, 5);
    wt_thread_join(thread);
    WEFT_DROP(rx);
    WEFT_TRY(weft_completion_open(&done, &rx));
    ck_assert_int_eq(weft_complete(done, 6), 0);
    ck_assert_int_eq(weft_recv_many(rx, values, 4), 1);
    ck_assert_int_eq(values[0], 6);
    weft_each (never, rx)
        ck_abort_msg("a second value %d", never);
    return weft_error(rx);
}

WT_TEST(a_completion_in_selects_batches_and_loops) { in_both(in_a_select); }

/* ---- mistakes --------------------------------------------------------------------------------- */

WT_TEST(mistakes_with_completions_are_codes)
{
    weft_completer *done;
    weft_receiver *rx;
    int value = 1;
    ck_assert_int_eq(weft_completer_open(0, NULL, &done, &rx, __FILE__, __LINE__), WEFT_EINVAL);
    ck_assert_int_eq(weft_completer_open(4, NULL, NULL, &rx, __FILE__, __LINE__), WEFT_EINVAL);
    ck_assert_int_eq(weft_completer_complete(NULL, &value, sizeof value), WEFT_EINVAL);
    ck_assert_int_eq(weft_completer_fail(NULL, -1), WEFT_EINVAL);
    ck_assert_ptr_null(weft_completer_ref(NULL, __FILE__, __LINE__));
    /* Used up all the same: the receiver does not wait for ever. */
    ck_assert_int_eq(weft_completer_open(4, NULL, &done, &rx, __FILE__, __LINE__), 0);
    ck_assert_int_eq(weft_completer_complete(done, &value, 3), WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_receiver_recv(rx, &value, sizeof value), WEFT_ABANDONED);
    weft_half_drop(&rx);
    ck_assert_int_eq(weft_completer_open(4, NULL, &done, &rx, __FILE__, __LINE__), 0);
    ck_assert_int_eq(weft_completer_fail(done, 0), WEFT_EINVAL);
    ck_assert_int_eq(weft_receiver_recv(rx, &value, sizeof value), WEFT_ABANDONED);
    weft_half_drop(&rx);
}

static void complete_it(void *arg)
{
    int value = 1;
    ignored(weft_completer_complete(arg, &value, sizeof value));
}

static void drop_it_as_a_half(void *arg) { weft_half_drop(&arg); }

WT_TEST(what_is_no_completion_is_told_so)
{
    weft_completer *done;
    weft_receiver *rx;
    ck_assert_int_eq(weft_completer_open(4, NULL, &done, &rx, __FILE__, __LINE__), 0);
    wt_expect_abort(complete_it, rx, "weft_complete: done is a receiver");
    wt_expect_abort(drop_it_as_a_half, done, "WEFT_DROP: half is a completion");
    weft_completer_drop(&done);
    weft_half_drop(&rx);
}

static void open_without_memory(void *arg)
{
    (void)arg;
    WEFT_COMPLETION(int, done);
    WEFT_COMPLETION(int, other);
    WEFT_RX(int, rx);
    int value = 0;
    wt_fault_on(WT_FAULT_MEMORY);
    int rc = weft_completion_open(&done, &rx);
    if (rc == 0)
        other = weft_completion_ref(done);
    wt_fault_off();
    ck_assert_int_eq(rc, rc == 0 ? 0 : WEFT_ENOMEM);
    ck_assert(rc == 0 || (done == NULL && rx == NULL));
    ck_assert(wt_fault_hit() || other != NULL);
    if (rc == 0) {
        ck_assert_int_eq(weft_complete(done, 3), 0);
        ck_assert_int_eq(weft_recv(rx, &value), 1);
    }
}

WT_TEST(a_completion_without_memory_leaves_nothing)
{
    ck_assert_uint_ge(wt_fault_run(open_without_memory, NULL), 4);
}

WT_MAIN("completion")
