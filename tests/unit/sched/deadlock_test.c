/* SPDX-License-Identifier: MIT
 * When nothing can ever run again it is said, and all that waits ends with WEFT_EDEADLK; and it is
 * not said as long as anything could. */
#include "sched/worker.h"
#include "wt_test.h"

#include <string.h>
#include <weft.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

/* Holds both halves: nobody else will ever send. */
static int receive_from_self(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    WEFT_TRY(weft_chan_open(&tx, &rx, 0, .name = "lonely"));
    int rc = weft_recv(rx, &value);
    if (arg != NULL)
        *(int *)arg = rc;
    return rc;
}

WT_TEST(a_task_that_waits_for_itself_is_told)
{
    wt_capture_reports();
    for (int i = 0; i < 3; i++) {
        int seen = 0;
        WANT(weft_run(receive_from_self, &seen), WEFT_EDEADLK);
        WANT(seen, WEFT_ECANCELED);
        ck_assert_ptr_nonnull(strstr(wt_reports(), "deadlock"));
        ck_assert_ptr_nonnull(strstr(wt_reports(), "lonely"));
    }
}

WEFT_TASK(wait_for_other, (rx, int, in), (tx, int, out))
{
    int value;
    int rc = weft_recv(in, &value);
    return rc == 1 ? weft_send(out, value) : rc;
}

/* A ring of tasks, each of which waits for the one before it. */
static int wait_in_a_ring(void *arg)
{
    enum { N = 5 };
    weft_tx(int) tx[N];
    weft_rx(int) rx[N];
    (void)arg;
    for (int i = 0; i < N; i++) {
        tx[i] = NULL;
        rx[i] = NULL;
        WEFT_TRY(weft_chan_open(&tx[i], &rx[i], 0));
    }
    WEFT_SCOPE(scope);
    for (int i = 0; i < N; i++)
        WEFT_TRY(weft_spawn(&scope, wait_for_other, WEFT_MOVE(rx[i]), WEFT_MOVE(tx[(i + 1) % N])));
    return weft_scope_wait(&scope);
}

WT_TEST(a_ring_of_tasks_is_told)
{
    wt_capture_reports();
    WANT(weft_run(wait_in_a_ring, NULL), WEFT_EDEADLK);
    ck_assert_ptr_nonnull(strstr(wt_reports(), "wait_for_other"));
}

static void come_and_go(void *arg)
{
    (void)arg;
    MUST(weft_sleep(WEFT_SEC(11)));
    wf_thread_forget();
}

/* The one that waits asks at 10.2 s, and by itself not again before 20.4. */
WT_TEST(a_thread_that_goes_has_those_asked_that_wait)
{
    if (!wt_is_sim())
        wt_skip("elsewhere eleven seconds are eleven");
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    wt_capture_reports();
    MUST(weft_chan_open(&tx, &rx, 0));
    wt_thread *thread = wt_thread_start(come_and_go, NULL);
    int64_t before_ns = weft_now_ns();
    WANT(weft_recv(rx, &value), WEFT_EDEADLK);
    ck_assert_int_lt(weft_now_ns() - before_ns, WEFT_SEC(12));
    wt_thread_join(thread);
}

/* ---- what is no deadlock --------------------------------------------------------------------- */

static int sleep_a_little(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_MS(20));
}

WT_TEST(a_sleeper_is_no_deadlock)
{
    wt_capture_reports();
    MUST(weft_run(sleep_a_little, NULL));
    ck_assert_str_eq(wt_reports(), "");
}

WEFT_TASK(recv_one, (rx, int, in))
{
    int value;
    return weft_recv(in, &value) == 1 ? value : -1;
}

struct late {
    weft_tx(int) tx;
    _Atomic bool may_send;
};

static bool may_send(void *late) { return wf_load_seq(&((struct late *)late)->may_send); }

static void send_late(void *arg)
{
    struct late *late = arg;
    wt_until(may_send, late); /* a thread of the program's own, that is elsewhere */
    MUST(weft_send(late->tx, 0));
}

static bool all_sleep(void *arg)
{
    (void)arg;
    return wf_load_seq(&wf_rt.n_idle) == wf_n_workers();
}

WT_TEST(a_thread_that_may_still_send_is_no_deadlock)
{
    wt_capture_reports();
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    struct late late = { .tx = tx };
    wt_thread *thread = wt_thread_start(send_late, &late);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, recv_one, WEFT_MOVE(rx)));
    wt_until(all_sleep, NULL);
    wf_store_seq(&late.may_send, true);
    MUST(weft_scope_wait(&scope));
    wt_thread_join(thread);
    ck_assert_ptr_null(strstr(wt_reports(), "deadlock"));
}

/* Values go round between threads and tasks: at times all workers sleep, and each thread waits or
 * is about to wake somebody. */
struct ring {
    weft_tx(int) to;
    weft_rx(int) from;
    int n;
};

static void go_round(void *arg)
{
    struct ring *ring = arg;
    for (int i = 0; i < ring->n; i++) {
        int value;
        MUST(weft_send(ring->to, i));
        WANT(weft_recv(ring->from, &value), 1);
    }
}

WEFT_TASK(pass_on, (rx, int, in), (tx, int, out))
{
    weft_each (value, in)
        WEFT_TRY(weft_send(out, value));
    return weft_error(in);
}

WT_TEST(wakes_in_flight_are_no_deadlock)
{
    wt_capture_reports();
    WEFT_TX(int, a_tx);
    WEFT_RX(int, a_rx);
    WEFT_TX(int, b_tx);
    WEFT_RX(int, b_rx);
    MUST(weft_chan_open(&a_tx, &a_rx, 0));
    MUST(weft_chan_open(&b_tx, &b_rx, 0));
    {
        WEFT_SCOPE(scope);
        MUST(weft_spawn(&scope, pass_on, WEFT_MOVE(a_rx), WEFT_MOVE(b_tx)));
        struct ring ring = { a_tx, b_rx, wt_is_sim() ? 30 : (int)wt_scaled(3000) };
        wt_thread_join(wt_thread_start(go_round, &ring));
        go_round(&ring);
        WEFT_DROP(a_tx);
        MUST(weft_scope_wait(&scope));
    }
    ck_assert_ptr_null(strstr(wt_reports(), "deadlock"));
}

WT_MAIN("deadlock")
