/* SPDX-License-Identifier: MIT
 * Streams with tasks of their own: buffer, map_parallel, for_each. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#include "token.h"

#include "stream_items.h"

/* ---- buffer ----------------------------------------------------------------------------------- */

static int buffer_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, rx);
    struct token *token;
    int n = 0;
    WEFT_TRY(open_tokens(20, -EIO, &source));
    WEFT_TRY(weft_buffer(WEFT_MOVE(source), 4, &rx));
    weft_each (t, rx)
        ck_assert_int_eq(token_end(t), ++n);
    ck_assert_int_eq(n, 20);
    ck_assert_int_eq(weft_error(rx), -EIO);
    ck_assert_int_eq(atomic_load(&n_source_ended), 1);
    ck_assert_int_eq(weft_recv(rx, &token), 0);
    return 0;
}

WT_TEST(a_buffer_gives_all_in_order_then_the_error) { run_tokens(buffer_main); }

static int ahead_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, rx);
    struct token *token;
    WEFT_TRY(open_tokens(20, 0, &source));
    WEFT_TRY(weft_buffer(WEFT_MOVE(source), 4, &rx));
    for (int i = 0; i < 1000; i++)
        WEFT_TRY(weft_pause());
    ck_assert_int_le(atomic_load(&n_pulled), 6); /* four, one in hand, one asked for */
    ck_assert_int_eq(weft_recv(rx, &token), 1);
    ck_assert_int_eq(token_end(token), 1);
    ck_assert_int_eq(weft_close(rx), 0);
    ck_assert_int_eq(atomic_load(&n_source_ended), atomic_load(&n_source_begun));
    return 0;
}

WT_TEST(a_buffer_stops_when_full_and_its_close_ends_the_source) { run_tokens(ahead_main); }

/* Its own destructor is for the item in its task's hand, too; the source has none. */
static int own_drop_main(void *arg)
{
    (void)arg;
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, source);
    WEFT_TRY(weft_chan_open(&tx, &source, 0));
    weft_receiver *ahead = NULL;
    struct token *first;
    WEFT_TRY(weft_buffer_open(weft_half_take(&source), sizeof first,
                              WEFT_OPTS(buffer, .capacity = 1, .drop = token_drop), &ahead));
    for (int n = 1; n <= 2; n++)
        WEFT_TRY(weft_send(tx, token_new(n)));
    ck_assert_int_eq(weft_receiver_recv(ahead, &first, sizeof first), 1);
    (void)token_end(first);
    WEFT_TRY(weft_send(tx, token_new(3))); /* in its hand: there is no room for it */
    weft_half_drop(&ahead);
    return 0;
}

WT_TEST(a_buffer_drops_what_is_in_its_hand) { run_tokens(own_drop_main); }

static int selected_buffer_main(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, numbers);
    WEFT_RX(struct token *, waiting);
    WEFT_RX(struct token *, rx);
    struct token *token;
    int rc, n = 0;
    WEFT_TRY(weft_range(1, 10, 1, &numbers));
    WEFT_TRY(token_of_with(WEFT_OPTS(stream, .drop = token_drop), WEFT_MOVE(numbers), &waiting));
    WEFT_TRY(weft_buffer(WEFT_MOVE(waiting), 2, &rx));
    for (;;) {
        int i = weft_select(&rc, weft_on_recv(rx, &token), weft_on_after(WEFT_SEC(1000)));
        ck_assert_int_eq(i, 0);
        if (rc <= 0)
            break;
        ck_assert_int_eq(token_end(token), ++n);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(n, 9);
    return 0;
}

WT_TEST(a_buffer_makes_a_waiting_source_a_case_of_select) { run_tokens(selected_buffer_main); }

static _Atomic int n_shared;

WEFT_TASK(takes_tokens, (rx, struct token *, in))
{
    weft_each (token, in) {
        token_end(token);
        atomic_fetch_add(&n_shared, 1);
    }
    return weft_error(in);
}

static int shared_buffer_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, rx);
    atomic_store(&n_shared, 0);
    WEFT_TRY(open_tokens(30, 0, &source));
    WEFT_TRY(weft_buffer(WEFT_MOVE(source), 4, &rx));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn_n(&scope, 3, takes_tokens, WEFT_MOVE(rx)));
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert_int_eq(atomic_load(&n_shared), 30);
    return 0;
}

/* Nor are they taken for trapped: the sender is the buffer's task's, not its opener's. */
WT_TEST(a_buffer_may_have_several_receivers)
{
    wt_capture_reports();
    run_tokens(shared_buffer_main);
    ck_assert(!wt_has_report());
}

static int mistaken_buffer_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, none);
    WEFT_RX(struct token *, rx);
    weft_receiver *out = NULL;
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(none), 4, &rx), WEFT_EINVAL);
    WEFT_TRY(open_tokens(30, 0, &none));
    ck_assert_int_eq(weft_buffer_open((weft_receiver *)weft_slot_take(&none), 1, NULL, &out),
                     WEFT_EMSGSIZE);
    WEFT_TRY(open_tokens(30, 0, &none));
    return weft_buffer_open((weft_receiver *)weft_slot_take(&none), sizeof(struct token *), NULL,
                            (weft_receiver **)(void *)&rx);
}

WT_TEST(mistakes_have_codes_and_an_unread_buffer_ends) { run_tokens(mistaken_buffer_main); }

/* ---- map_parallel ----------------------------------------------------------------------------- */

static _Atomic int n_in_work, most_in_work;

static void enter_work(void)
{
    int n = atomic_fetch_add(&n_in_work, 1) + 1;
    int most = atomic_load(&most_in_work);
    while (n > most && !atomic_compare_exchange_weak(&most_in_work, &most, n))
        ;
}

WEFT_MAP_PARALLEL(doubled, struct token *, out, struct token *, token, (int, fail_at))
{
    int n = token_end(token);
    enter_work();
    int rc = n % 3 == 0 ? weft_sleep(WEFT_US(20)) : weft_pause();
    if (rc >= 0 && n == fail_at)
        rc = -EDOM;
    if (rc >= 0)
        *out = token_new(2 * n);
    atomic_fetch_sub(&n_in_work, 1);
    return rc;
}

static int sum_parallel(const weft_parallel_opts *opts, int last, int code, int fail_at, int *out_n)
{
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, rx);
    struct token *token;
    int sum = 0;
    *out_n = 0;
    atomic_store(&n_in_work, 0);
    atomic_store(&most_in_work, 0);
    WEFT_TRY(open_tokens(last, code, &source));
    WEFT_TRY(doubled_with(opts, WEFT_MOVE(source), fail_at, &rx));
    weft_each (t, rx) {
        int n = token_end(t);
        ++*out_n;
        ck_assert(opts->unordered || n == 2 * *out_n);
        /* What is in work, or finished and not given: */
        ck_assert_int_le(atomic_load(&n_pulled), *out_n + (int)opts->limit);
        sum += n;
    }
    ck_assert_int_le(atomic_load(&most_in_work), (int)opts->limit);
    int rc = weft_error(rx);
    ck_assert_int_eq(weft_recv(rx, &token), 0);
    return rc < 0 ? rc : sum;
}

static int parallel_main(void *arg)
{
    (void)arg;
    int n;
    for (unsigned limit = 1; limit <= 4; limit += 3)
        for (int unordered = 0; unordered < 2; unordered++) {
            const weft_parallel_opts opts = { .limit = limit,
                                              .unordered = unordered,
                                              .drop = token_drop };
            ck_assert_int_eq(sum_parallel(&opts, 20, 0, 0, &n), 420);
            ck_assert_int_eq(n, 20);
            ck_assert_int_eq(sum_parallel(&opts, 0, 0, 0, &n), 0);
            ck_assert_int_eq(sum_parallel(&opts, 10, -EIO, 0, &n), -EIO);
            ck_assert_int_eq(n, 10);
            /* The source's own code, and not a cancel of the work. */
            ck_assert_int_eq(sum_parallel(&opts, 10, WEFT_ECANCELED, 0, &n), WEFT_ECANCELED);
            ck_assert_int_eq(n, 10);
            ck_assert_int_eq(sum_parallel(&opts, 20, 0, 7, &n), -EDOM);
            ck_assert(unordered ? n < 20 : n == 6);
        }
    return 0;
}

WT_TEST(parallel_results_are_complete_ordered_and_end_with_the_error) { run_tokens(parallel_main); }

static int left_parallel_main(void *arg)
{
    (void)arg;
    const weft_parallel_opts opts = { .limit = 4, .drop = token_drop };
    for (int n_taken = 0; n_taken < 4; n_taken++) {
        WEFT_RX(struct token *, source);
        WEFT_RX(struct token *, rx);
        struct token *token;
        WEFT_TRY(open_tokens(100, 0, &source));
        WEFT_TRY(doubled_with(&opts, WEFT_MOVE(source), 0, &rx));
        for (int i = 1; i <= n_taken; i++) {
            ck_assert_int_eq(weft_recv(rx, &token), 1);
            ck_assert_int_eq(token_end(token), 2 * i);
        }
        ck_assert_int_eq(weft_close(rx), 0);
        ck_assert_int_eq(atomic_load(&n_source_ended), atomic_load(&n_source_begun));
    }
    return 0;
}

WT_TEST(a_consumer_that_leaves_ends_the_work) { run_tokens(left_parallel_main); }

WEFT_MAP_PARALLEL(told_too, int, out, int64_t, n, (tx, int64_t, log))
{
    *out = (int)n;
    return weft_send(log, n);
}

static int owned_parallel_main(void *arg)
{
    (void)arg;
    WEFT_TX(int64_t, tx);
    WEFT_RX(int64_t, log);
    WEFT_RX(int64_t, numbers);
    WEFT_RX(int, rx);
    int sum = 0;
    WEFT_TRY(weft_chan_open(&tx, &log, 100));
    WEFT_TRY(weft_range(0, 20, 1, &numbers));
    WEFT_TRY(told_too(WEFT_MOVE(numbers), WEFT_MOVE(tx), &rx));
    weft_each (n, rx)
        sum += n;
    ck_assert_int_eq(sum, 190);
    weft_each (n, log) /* ends: no task holds a sender still */
        sum -= (int)n;
    ck_assert_int_eq(sum, 0);
    return weft_error(rx);
}

WT_TEST(each_task_has_references_of_its_own) { run_tokens(owned_parallel_main); }

/* ---- for_each --------------------------------------------------------------------------------- */

WEFT_FOR_EACH(add_up, struct token *, token, (_Atomic int *, sum), (int, fail_at), (int, code))
{
    int n = token_end(token);
    WEFT_TRY(weft_pause());
    atomic_fetch_add(sum, n);
    return n == fail_at ? code : 0;
}

static int for_each_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    _Atomic int sum = 0;
    for (unsigned n = 1; n <= 3; n++) {
        atomic_store(&sum, 0);
        WEFT_TRY(open_tokens(20, 0, &source));
        WEFT_TRY(add_up(n, WEFT_MOVE(source), &sum, 0, 0));
        ck_assert_int_eq(atomic_load(&sum), 210);
        WEFT_TRY(open_tokens(20, -EIO, &source));
        ck_assert_int_eq(add_up(n, WEFT_MOVE(source), &sum, 0, 0), -EIO);
        WEFT_TRY(open_tokens(20, 0, &source));
        ck_assert_int_eq(add_up(n, WEFT_MOVE(source), &sum, 5, -EDOM), -EDOM);
        WEFT_TRY(open_tokens(20, 0, &source));
        ck_assert_int_eq(add_up(n, WEFT_MOVE(source), &sum, 5, WEFT_ECLOSED), WEFT_ECLOSED);
        ck_assert_int_eq(atomic_load(&n_source_ended), atomic_load(&n_source_begun));
    }
    ck_assert_int_eq(add_up(1, WEFT_MOVE(source), &sum, 0, 0), WEFT_EINVAL);
    return 0;
}

WT_TEST(for_each_does_all_or_fails_with_the_first_error) { run_tokens(for_each_main); }

WEFT_FOR_EACH(leave_at, int, n, (int, last)) { return n == last ? WEFT_ECLOSED : 0; }

/* The sender is open: nothing but the step says that it is over. */
static int for_each_left_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 4));
    for (int n = 1; n <= 3; n++)
        WEFT_TRY(weft_send(tx, n));
    ck_assert_int_eq(leave_at(2, WEFT_MOVE(rx), 3), WEFT_ECLOSED);
    return 0;
}

WT_TEST(a_step_that_leaves_ends_for_each_while_others_wait) { run_tokens(for_each_left_main); }

/* ---- teardown --------------------------------------------------------------------------------- */

/* Many items or few, and a close that fails. */
static int next_number(int *n_left, int *out)
{
    *out = --*n_left;
    return *n_left >= 0;
}
static int fail_to_close(int *n_left)
{
    (void)n_left;
    return -EBADF;
}
WEFT_ITERATOR(failing_at_close, int, int, next_number, fail_to_close);

WEFT_MAP_PARALLEL(same, int, out, int, n)
{
    *out = n;
    return 0;
}

typedef int wrap(weft_rx(int) * in, weft_rx(int) * out_rx);
static int over_buffer(weft_rx(int) * in, weft_rx(int) * out_rx)
{
    return weft_buffer(in, 2, out_rx);
}
static int over_tee(weft_rx(int) * in, weft_rx(int) * out_rx)
{
    return weft_tee(in, WEFT_OPTS(tee, .capacity = 2), out_rx);
}
static int over_parallel(weft_rx(int) * in, weft_rx(int) * out_rx) { return same(in, out_rx); }

static int left_teardown_main(void *arg)
{
    static wrap *const wraps[] = { over_buffer, over_tee, over_parallel };
    (void)arg;
    for (size_t i = 0; i < sizeof wraps / sizeof wraps[0]; i++) {
        WEFT_RX(int, in);
        WEFT_RX(int, out);
        int n;
        WEFT_TRY(failing_at_close(1000, &in));
        WEFT_TRY(wraps[i](&in, &out));
        ck_assert_int_eq(weft_recv(out, &n), 1);
        ck_assert_int_eq(weft_close(out), -EBADF);
        ck_assert_int_eq(weft_close(out), 0);
    }
    return 0;
}

WT_TEST(who_leaves_hears_of_the_teardown)
{
    ck_assert_int_eq(weft_run(left_teardown_main, NULL), 0);
}

/* Once the task has ended by itself, and closed the source. */
static int ended_teardown_main(void *arg)
{
    static wrap *const wraps[] = { over_buffer, over_tee };
    (void)arg;
    for (size_t i = 0; i < sizeof wraps / sizeof wraps[0]; i++) {
        WEFT_RX(int, in);
        WEFT_RX(int, out);
        int n_items = 0, n;
        WEFT_TRY(failing_at_close(3, &in));
        WEFT_TRY(wraps[i](&in, &out));
        while (weft_recv(out, &n) > 0)
            n_items++;
        ck_assert_int_eq(n_items, 3);
        ck_assert_int_eq(weft_error(out), 0);
        ck_assert_int_eq(weft_close(out), -EBADF);
        ck_assert_int_eq(weft_close(out), 0);
    }
    return 0;
}

WT_TEST(so_does_who_closes_after_the_end)
{
    ck_assert_int_eq(weft_run(ended_teardown_main, NULL), 0);
}

/* ---- cancel ----------------------------------------------------------------------------------- */

/* Whatever a cancel hits, each token is ended once and each source closed. */
static int cancelled_main(void *arg)
{
    (void)arg;
    const weft_parallel_opts opts = { .limit = 3, .drop = token_drop };
    for (int i = 0; i < 12; i++) {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_US(10) * i + 1);
        WEFT_RX(struct token *, source);
        WEFT_RX(struct token *, mapped);
        WEFT_RX(struct token *, rx);
        int rc = open_tokens(100, 0, &source);
        if (rc >= 0)
            rc = doubled_with(&opts, WEFT_MOVE(source), 0, &mapped);
        if (rc >= 0)
            rc = weft_buffer(WEFT_MOVE(mapped), 2, &rx);
        if (rc < 0)
            continue;
        weft_each (token, rx)
            token_end(token);
    }
    return 0;
}

WT_TEST(a_cancel_at_any_time_loses_nothing) { run_tokens(cancelled_main); }

WT_MAIN("api_stream_task")
