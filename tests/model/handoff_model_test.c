/* SPDX-License-Identifier: MIT
 * Model of the hand-off (blocking/handoff.h, H1 to H6): each function runs once, whoever runs a task
 * has its worker, nothing waits for a thread that nobody sees to. */
#include "model.h"

#include "blocking/handoff.h"
#include "plat/futex.h"

/* ---- who has a worker ---------------------------------------------------------------------------- */

/* Who runs on each worker: raised by a task while it goes on, so that two threads of one worker
 * would meet. */
static _Atomic uint32_t n_on_worker[4];

WF_WORKER_LOCAL static void go_on_alone(void)
{
    struct wf_thread *thread = wf_self_get();
    struct wf_worker *w = thread->worker;
    ck_assert_ptr_eq(w->host, wf_self_host_get());
    ck_assert_uint_eq(wf_add_seq(&n_on_worker[w->index], 1u), 0);
    model_dawdle(6);
    ck_assert_uint_eq(wf_sub_seq(&n_on_worker[w->index], 1u), 1);
}

WEFT_TASK(dawdle, (unsigned, n))
{
    model_dawdle(n);
    return (int)n;
}

WEFT_TASK(call_twice, (_Atomic uint32_t *, n_ran))
{
    for (unsigned i = 0; i < 2; i++) {
        unsigned n = 10 + (unsigned)wt_random_below(30);
        ck_assert_int_eq(weft_blocking(dawdle, n), (int)n);
        (void)wf_add_seq(n_ran, 1u);
        go_on_alone();
    }
    return 0;
}

static void call_from_three_tasks(void)
{
    _Atomic uint32_t n_ran = 0;
    WEFT_SCOPE(scope);
    for (unsigned i = 0; i < 3; i++)
        MUST(weft_spawn(&scope, call_twice, &n_ran));
    MUST(weft_scope_wait(&scope));
    ck_assert_uint_eq(n_ran, 6);
}

WT_TEST(a_worker_has_one_thread_at_a_time)
{
    MUST(weft_configure(WEFT_CONFIG(.workers = 1 + (unsigned)wt_random_below(2))));
    call_from_three_tasks();
    ck_assert_uint_eq(wf_rt.jobs, 0);
}

/* ---- who sees to it that it is lent ---------------------------------------------------------------- */

static _Atomic uint32_t gate;

/* Nobody is told that it waits: only a tick shows it. */
WEFT_TASK(wait_for_gate)
{
    while (wf_load_seq(&gate) == 0)
        (void)wf_futex_wait(&gate, 0, WF_NEVER);
    return 0;
}

WEFT_TASK(open_gate)
{
    wf_store_seq(&gate, 1u);
    wf_futex_wake(&gate, 1);
    return 0;
}

WEFT_TASK(wait_in_function) { return weft_blocking(wait_for_gate); }

/* Calls come while the monitor of the calls before gives up its role. */
static void wait_when_the_monitor_leaves(int64_t after_ns)
{
    wf_store_seq(&gate, 0u);
    MUST(weft_sleep(after_ns));
    model_dawdle(60);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, wait_in_function));
    MUST(weft_spawn(&scope, open_gate));
    MUST(weft_scope_wait(&scope));
}

WT_TEST(a_call_finds_a_monitor_or_the_monitor_the_call)
{
    MUST(weft_configure(WEFT_CONFIG(.workers = 1)));
    WEFT_SCOPE(scope);
    wait_when_the_monitor_leaves(0);
    for (unsigned i = 0; i < 8; i++)
        wait_when_the_monitor_leaves(WEFT_MS(2 + (int64_t)wt_random_below(3)));
    MUST(weft_scope_wait(&scope));
}

/* ---- what a function waits for --------------------------------------------------------------------- */

WEFT_TASK(receive_from, (rx, int, in))
{
    int n = 0;
    int rc = weft_recv(in, &n);
    return rc < 0 ? rc : n;
}

WEFT_TASK(receive_in_function, (rx, int, in), (int, n))
{
    ck_assert_int_eq(weft_blocking(receive_from, weft_ref(in)), n);
    go_on_alone();
    return 0;
}

WEFT_TASK(send_to, (tx, int, out), (int, n)) { return weft_send(out, n); }

WT_TEST(what_a_function_waits_for_may_be_behind_it)
{
    MUST(weft_configure(WEFT_CONFIG(.workers = 1 + (unsigned)wt_random_below(2))));
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, receive_in_function, WEFT_MOVE(rx), 7));
    MUST(weft_spawn(&scope, send_to, WEFT_MOVE(tx), 7));
    MUST(weft_scope_wait(&scope));
}

WEFT_TASK(receive_until_cancelled, (rx, int, in))
{
    int rc = weft_blocking(receive_from, weft_ref(in));
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    go_on_alone();
    return rc;
}

WEFT_TASK(cancel, (weft_scope *, scope))
{
    model_dawdle(150);
    weft_scope_cancel(scope);
    return 0;
}

WT_TEST(a_cancel_reaches_what_a_function_waits_for)
{
    MUST(weft_configure(WEFT_CONFIG(.workers = 1 + (unsigned)wt_random_below(2))));
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    WEFT_SCOPE(outer);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, receive_until_cancelled, WEFT_MOVE(rx)));
    MUST(weft_spawn(&outer, cancel, &scope));
    (void)!weft_scope_wait(&scope);
    MUST(weft_scope_wait(&outer));
}

WT_MAIN("model_handoff")
