/* SPDX-License-Identifier: MIT
 * Streams that a step opens, in a receive, belong to the scope that the whole was opened in: not to one
 * that is there for that receive alone. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

static _Atomic int n_begun, n_ended;

/* 1 to last, then the code. */
WEFT_GENERATOR(numbers, weft_rx(int), (int, last), (int, code))
{
    int rc = 0;
    atomic_fetch_add(&n_begun, 1);
    for (int n = 1; n <= last && rc >= 0; n++)
        rc = weft_yield(n);
    atomic_fetch_add(&n_ended, 1);
    return rc < 0 ? rc : code;
}

typedef weft_rx(int) * slot;

static void run(int (*main_task)(void *))
{
    atomic_store(&n_begun, 0);
    atomic_store(&n_ended, 0);
    ck_assert_int_eq(weft_run(main_task, NULL), 0);
    ck_assert_int_eq(atomic_load(&n_ended), atomic_load(&n_begun));
}

/* ---- a scope for each receive ---------------------------------------------------------------------- */

WEFT_FLAT_MAP(up_to, int, out_rx, int64_t, n) { return numbers((int)n, 0, out_rx); }
WEFT_FLAT_MAP(ahead_up_to, int, out_rx, int64_t, n)
{
    WEFT_RX(int, source);
    WEFT_TRY(numbers((int)n, 0, &source));
    return weft_buffer(WEFT_MOVE(source), 1, out_rx);
}
WEFT_FLAT_MAP(up_to_each, int, out_rx, int64_t, n)
{
    WEFT_RX(int64_t, one);
    WEFT_TRY(weft_range(n, n + 1, 1, &one));
    return up_to(WEFT_MOVE(one), out_rx);
}
WEFT_CATCH(or_three, int, code, out_rx) { return code == -EIO ? numbers(3, 0, out_rx) : code; }
WEFT_RETRY(three_at_last, int, out_rx, (int *, n_tries))
{
    return numbers(3, ++*n_tries < 3 ? -EIO : 0, out_rx);
}

static int open_flat(slot out)
{
    WEFT_RX(int64_t, three);
    WEFT_TRY(weft_range(3, 4, 1, &three));
    return up_to(WEFT_MOVE(three), out);
}
static int open_flat_ahead(slot out)
{
    WEFT_RX(int64_t, three);
    WEFT_TRY(weft_range(3, 4, 1, &three));
    return ahead_up_to(WEFT_MOVE(three), out);
}
static int open_nested(slot out)
{
    WEFT_RX(int64_t, three);
    WEFT_TRY(weft_range(3, 4, 1, &three));
    return up_to_each(WEFT_MOVE(three), out);
}
static int open_caught(slot out)
{
    WEFT_RX(int, failing);
    WEFT_TRY(numbers(0, -EIO, &failing));
    return or_three(WEFT_MOVE(failing), out);
}

static int receive_once(weft_rx(int) rx, int *out)
{
    WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(1000));
    return weft_recv(rx, out);
}

static void check_three(weft_rx(int) rx)
{
    int n = 0;
    for (int expected = 1; expected <= 3; expected++) {
        ck_assert_int_eq(receive_once(rx, &n), 1);
        ck_assert_int_eq(n, expected);
    }
}

static int each_main(void *arg)
{
    static int (*const opens[])(slot) = { open_flat, open_flat_ahead, open_nested, open_caught };
    (void)arg;
    for (size_t i = 0; i < sizeof opens / sizeof opens[0]; i++) {
        WEFT_RX(int, rx);
        int n;
        WEFT_TRY(opens[i](&rx));
        check_three(rx);
        ck_assert_int_eq(receive_once(rx, &n), 0);
    }
    return 0;
}

WT_TEST(a_scope_for_each_receive_loses_none_of_what_a_step_opened) { run(each_main); }

static int retry_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, rx);
    int n_tries = 0, n;
    WEFT_TRY(three_at_last_with(WEFT_OPTS(retry, .delay_ns = 1), &n_tries, &rx));
    for (int i = 0; i < 3; i++)
        check_three(rx);
    ck_assert_int_eq(receive_once(rx, &n), 0);
    ck_assert_int_eq(n_tries, 3);
    return 0;
}

WT_TEST(so_it_is_with_what_is_opened_again) { run(retry_main); }

/* A body that waits goes on when the receive that asked is cut short. */
WEFT_GENERATOR(passed_on, weft_rx(int), (rx, int, in))
{
    atomic_fetch_add(&n_begun, 1);
    int n, rc = 1;
    while (rc > 0 && (rc = weft_recv(in, &n)) > 0)
        rc = weft_yield(n) < 0 ? WEFT_ECLOSED : 1;
    atomic_fetch_add(&n_ended, 1);
    return rc;
}
WEFT_FLAT_MAP(all_of, int, out_rx, int, n, (rx, int, in))
{
    (void)n;
    return passed_on(weft_ref(in), out_rx);
}

static int expired_main(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, in);
    WEFT_RX(int, one);
    WEFT_RX(int, rx);
    int n = 0;
    WEFT_TRY(weft_chan_open(&tx, &in, 1));
    WEFT_TRY(weft_array(((const int[]){ 1 }), 1, &one));
    WEFT_TRY(all_of(WEFT_MOVE(one), WEFT_MOVE(in), &rx));
    for (int i = 1; i <= 3; i++) {
        {
            WEFT_SCOPE(scope, .timeout_ns = WEFT_US(10));
            ck_assert_int_eq(weft_recv(rx, &n), WEFT_ECANCELED);
        }
        WEFT_TRY(weft_send(tx, i));
        ck_assert_int_eq(receive_once(rx, &n), 1);
        ck_assert_int_eq(n, i);
    }
    WEFT_DROP(tx);
    ck_assert_int_eq(receive_once(rx, &n), 0);
    return 0;
}

WT_TEST(one_that_expires_leaves_the_opened_stream_at_work) { run(expired_main); }

/* ---- where it ends ----------------------------------------------------------------------------------- */

static int outlived_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, rx);
    int n;
    {
        WEFT_SCOPE(scope);
        WEFT_TRY(open_flat(&rx));
        ck_assert_int_eq(receive_once(rx, &n), 1);
        ck_assert_int_eq(atomic_load(&n_ended), 0);
    }
    ck_assert_int_eq(atomic_load(&n_ended), 1);
    ck_assert_int_eq(weft_recv(rx, &n), WEFT_ECANCELED);
    return 0;
}

WT_TEST(it_ends_with_the_scope_that_all_was_opened_in) { run(outlived_main); }

/* That scope is not there any more when the step runs. */
static int moved_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, rx);
    int n;
    {
        WEFT_SCOPE(scope);
        WEFT_TRY(open_flat(&rx));
    }
    {
        WEFT_SCOPE(other);
        ck_assert_int_eq(weft_recv(rx, &n), 1);
    }
    ck_assert_int_eq(atomic_load(&n_ended), 1);
    return 0;
}

WT_TEST(elsewhere_it_belongs_to_the_receives_scope) { run(moved_main); }

WEFT_TASK(receive_three, (rx, int, rx))
{
    check_three(rx);
    return 0;
}

static int task_main(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    for (int i = 0; i < 4; i++) {
        WEFT_RX(int, rx);
        WEFT_TRY(open_flat(&rx));
        WEFT_TRY(weft_spawn(&scope, receive_three, WEFT_MOVE(rx)));
    }
    return weft_scope_wait(&scope);
}

WT_TEST(a_task_below_that_scope_receives_it_too) { run(task_main); }

/* A scope of the step's own ends what was opened in it. */
WEFT_FLAT_MAP(first_of, int, out_rx, int64_t, n)
{
    WEFT_RX(int, all);
    int first;
    {
        WEFT_SCOPE(own);
        WEFT_TRY(numbers((int)n, 0, &all));
        ck_assert_int_eq(weft_recv(all, &first), 1);
    }
    ck_assert_int_eq(atomic_load(&n_ended), 1);
    ck_assert_int_eq(weft_recv(all, &first), WEFT_ECANCELED);
    return numbers(1, 0, out_rx);
}

static int own_main(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, three);
    WEFT_RX(int, rx);
    int n;
    WEFT_TRY(weft_range(3, 4, 1, &three));
    WEFT_TRY(first_of(WEFT_MOVE(three), &rx));
    ck_assert_int_eq(receive_once(rx, &n), 1);
    ck_assert_int_eq(receive_once(rx, &n), 0);
    return 0;
}

WT_TEST(a_steps_own_scope_keeps_what_is_opened_in_it) { run(own_main); }

WT_MAIN("api_stream_opening")
