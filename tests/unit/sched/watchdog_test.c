/* SPDX-License-Identifier: MIT
 * Tasks that hold their worker, which are real ones or virtual ones alike: they sleep on a futex that
 * weft knows nothing of. */
#include "sched/watchdog.h"
#include "plat/futex.h"
#include "plat/symbol.h"
#include "wt_test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>

enum { N_OTHERS = 10, ROUNDS = 20 };
#define LIMIT_NS WEFT_MS(5)

static _Atomic uint32_t released, n_holding, n_done;

static void reset(unsigned workers)
{
    wf_store_seq(&released, 0u);
    wf_store_seq(&n_holding, 0u);
    wf_store_seq(&n_done, 0u);
    wt_capture_reports();
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = workers, .watchdog_ns = LIMIT_NS)), 0);
}

static void block_until_released(void)
{
    (void)wf_add_seq(&n_holding, 1u);
    while (wf_load_seq(&released) == 0)
        (void)wf_futex_wait(&released, 0, WF_NEVER);
}

static void release(void)
{
    wf_store_seq(&released, 1u);
    wf_futex_wake(&released, INT32_MAX);
}

WEFT_TASK(hold_worker)
{
    block_until_released();
    return 0;
}

/* When all workers are held up it has rounds to go yet; the last of them ends the hold. Until then
 * time has to pass, also where it stands still while tasks run. */
WEFT_TASK(go_round, (uint32_t, n_holders))
{
    while (wf_load_seq(&n_holding) < n_holders)
        WEFT_TRY(weft_sleep(WEFT_US(100)));
    for (int i = 0; i < ROUNDS; i++)
        WEFT_TRY(weft_pause());
    if (wf_add_seq(&n_done, 1u) + 1 == N_OTHERS)
        release();
    return 0;
}

static int hold_all(void *arg)
{
    uint32_t n_holders = *(uint32_t *)arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn_n(&scope, (int)n_holders, hold_worker));
    WEFT_TRY(weft_spawn_n(&scope, N_OTHERS, go_round, n_holders));
    return weft_scope_wait(&scope);
}

static unsigned count(const char *text, const char *words)
{
    unsigned n = 0;
    while ((text = strstr(text, words)) != NULL) {
        text++;
        n++;
    }
    return n;
}

static void check_that_others_go_on(uint32_t n_holders)
{
    wt_seeds_at_most(50);
    reset(n_holders);
    ck_assert_int_eq(weft_run(hold_all, &n_holders), 0);
    unsigned n_said = count(wt_reports(), "\"hold_worker\" (");
    ck_assert_uint_ge(n_said, 1);
    ck_assert_uint_le(n_said, n_holders);
    ck_assert_ptr_nonnull(strstr(wt_reports(), "weft: watchdog: task #"));
}

WT_TEST(behind_the_only_worker_others_go_on) { check_that_others_go_on(1); }

WT_TEST(behind_all_of_several_workers_others_go_on) { check_that_others_go_on(3); }

/* One of two: the other one takes what is behind it, as ever, and it is said all the same. */
static int hold_one(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, hold_worker));
    for (int i = 0; i < N_OTHERS; i++)
        WEFT_TRY(weft_spawn(&scope, go_round, 1));
    return weft_scope_wait(&scope);
}

WT_TEST(beside_one_of_two_workers_others_go_on)
{
    wt_seeds_at_most(50);
    reset(2);
    ck_assert_int_eq(weft_run(hold_one, NULL), 0);
    ck_assert_uint_le(count(wt_reports(), "\"hold_worker\" ("), 1);
}

/* ---- its last wait ------------------------------------------------------------------------------- */

WEFT_TASK(receive_and_hold, (rx, int, rx))
{
    int value;
    WEFT_TRY(weft_recv(rx, &value));
    block_until_released();
    return 0;
}

WEFT_TASK(pause_and_hold)
{
    WEFT_TRY(weft_pause());
    block_until_released();
    return 0;
}

static bool has_reported(void *arg) { return strstr(wt_reports(), arg) != NULL; }

/* Without a place for it a value is taken only by who waits already. */
static int hold_after_a_receive(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int rc;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 0, .name = "numbers"));
    WEFT_TRY(weft_spawn(&scope, receive_and_hold, WEFT_MOVE(rx)));
    while ((rc = weft_try_send(tx, 1)) == WEFT_EAGAIN)
        WEFT_TRY(weft_pause());
    ck_assert_int_eq(rc, 0);
    WEFT_TRY(weft_spawn_n(&scope, N_OTHERS, go_round, 1));
    return weft_scope_wait(&scope);
}

WT_TEST(its_last_wait_is_named)
{
    wt_seeds_at_most(50);
    reset(1);
    ck_assert_int_eq(weft_run(hold_after_a_receive, NULL), 0);
    ck_assert(has_reported("Its last wait: receives from channel \"numbers\" ("));
    ck_assert(has_reported("watchdog_test.c:"));
}

static int hold_after_a_pause(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, pause_and_hold));
    WEFT_TRY(weft_spawn_n(&scope, N_OTHERS, go_round, 1));
    return weft_scope_wait(&scope);
}

WT_TEST(a_pause_is_named_as_its_last_wait)
{
    wt_seeds_at_most(50);
    reset(1);
    ck_assert_int_eq(weft_run(hold_after_a_pause, NULL), 0);
    ck_assert(has_reported("Its last wait: pauses"));
}

/* ---- its last call ------------------------------------------------------------------------------- */

/* In a section of its own, whose bounds the linker knows. */
#define CALLER __attribute__((section("last_call_here"), noinline))
extern const char __start_last_call_here[], __stop_last_call_here[];

static CALLER void try_to_send(weft_tx(int) tx)
{
    ck_assert_int_eq(weft_try_send(tx, 1), 0);
    ck_assert_int_eq(weft_try_send(tx, 2), WEFT_EAGAIN);
}

WEFT_TASK(try_and_hold, (tx, int, tx))
{
    WEFT_TRY(weft_pause());
    try_to_send(tx);
    block_until_released();
    return 0;
}

static int hold_after_a_try(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_TRY(weft_spawn(&scope, try_and_hold, WEFT_MOVE(tx)));
    WEFT_TRY(weft_spawn_n(&scope, N_OTHERS, go_round, 1));
    return weft_scope_wait(&scope);
}

/* The place in its module that a report says of whoever held a worker after try_to_send. */
static size_t said_place(void)
{
    const char *said = strstr(wt_reports(), "Its last call: ");
    ck_assert_ptr_nonnull(said);
    said = strstr(said, "at ");
    ck_assert_ptr_nonnull(said);
    const char *plus = strchr(said, '+');
    ck_assert_ptr_nonnull(plus);
    return (size_t)strtoull(plus + 1, NULL, 16);
}

WT_TEST(a_call_that_did_not_wait_is_named_by_its_place)
{
    struct wf_symbol first, last;
    wt_seeds_at_most(50);
    reset(1);
    ck_assert_int_eq(weft_run(hold_after_a_try, NULL), 0);
    wf_symbol_of_return(__start_last_call_here + 1, &first);
    wf_symbol_of_return(__stop_last_call_here, &last);
    ck_assert_uint_ge(said_place(), first.in_module);
    ck_assert_uint_le(said_place(), last.in_module);
    ck_assert(has_reported("Its last wait: pauses"));
}

/* ---- a real sleep ---------------------------------------------------------------------------------- */

static _Atomic uint32_t n_rounds;

/* Time of a simulated process stands still while a thread of the system sleeps. */
static void block_in_sleep(void)
{
#ifdef WF_SIM
    (void)wf_futex_wait(&n_holding, 1u, wf_clock_after(WEFT_SEC(1)));
#else
    (void)sleep(1);
#endif
}

/* It never lets anybody run: they have another worker, or it sleeps for ever. */
WEFT_TASK(sleep_outside)
{
    (void)wf_add_seq(&n_holding, 1u);
    while (wf_load_seq(&n_rounds) < N_OTHERS * ROUNDS)
        block_in_sleep();
    return 0;
}

WEFT_TASK(count_rounds)
{
    while (wf_load_seq(&n_holding) == 0)
        WEFT_TRY(weft_sleep(WEFT_US(100)));
    for (int i = 0; i < ROUNDS; i++) {
        (void)wf_add_seq(&n_rounds, 1u);
        WEFT_TRY(weft_pause());
    }
    return 0;
}

static int sleep_on_one_of_two(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, sleep_outside));
    WEFT_TRY(weft_spawn_n(&scope, N_OTHERS, count_rounds));
    return weft_scope_wait(&scope);
}

WT_TEST(beside_one_of_two_workers_in_sleep_others_finish)
{
    wt_seeds_at_most(50);
    reset(2);
    wf_store_seq(&n_rounds, 0u);
    ck_assert_int_eq(weft_run(sleep_on_one_of_two, NULL), 0);
}

/* ---- who is not reported ----------------------------------------------------------------------- */

WEFT_TASK(hold_native)
{
    block_until_released();
    return 0;
}

WEFT_TASK(call_blocking) { return weft_blocking(hold_native); }

static int hold_a_blocking_call(void *arg)
{
    (void)arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, call_blocking));
    WEFT_TRY(weft_sleep(3 * LIMIT_NS));
    release();
    return weft_scope_wait(&scope);
}

WT_TEST(a_blocking_call_is_no_hold)
{
    wt_seeds_at_most(50);
    reset(2);
    ck_assert_int_eq(weft_run(hold_a_blocking_call, NULL), 0);
    ck_assert_uint_eq(count(wt_reports(), "\"call_blocking\""), 0);
}

WT_TEST(without_a_limit_there_is_none)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 2, .watchdog_ns = -1)), 0);
    ck_assert_int_eq(wf_runtime_enter(), 0);
    ck_assert_uint_eq(wf_rt.n_workers_max, 2);
    wf_runtime_leave();
}

/* ---- a process that stood still ----------------------------------------------------------------- */

/* One worker with one task, and no thread that looks. */
static struct wf_worker *lone_worker(void)
{
    static struct wf_worker worker;
    static struct wf_task task;
    memset((void *)&worker, 0, sizeof worker);
    worker.thread.current = &task.waiter;
    wf_rt.workers = &worker;
    wf_rt.config.watchdog_ns = LIMIT_NS;
    wf_store_rlx(&wf_rt.n_workers, 1u);
    return &worker;
}

static void forget_worker(void)
{
    wf_rt.workers = NULL;
    wf_rt.config.watchdog_ns = 0;
    wf_store_rlx(&wf_rt.n_workers, 0u);
}

WT_TEST(time_in_which_nobody_looked_is_no_hold)
{
    struct wf_worker *w = lone_worker();
    int64_t now_ns = wf_clock_now();
    wf_watchdog_look(now_ns);
    wf_watchdog_look(now_ns += WEFT_SEC(10));
    ck_assert(!w->is_hog_told);
    for (int i = 0; i < 2; i++)
        wf_watchdog_look(now_ns += WEFT_SEC(10)); /* two of five ticks each time */
    ck_assert(w->is_hog_told);
    forget_worker();
}

/* ---- rest -------------------------------------------------------------------------------------- */

static bool sleeps(void *arg) { return (void)arg, wf_load_seq(&wf_watchdog_sleeps); }

static bool is_awake(void *arg) { return !sleeps(arg); }

/* Keeps its worker awake until that was seen. */
WEFT_TASK(receive, (rx, int, rx), (_Atomic bool *, was_seen))
{
    int value;
    WEFT_TRY(weft_recv(rx, &value));
    while (!wf_load_seq(was_seen))
        WEFT_TRY(weft_pause());
    return 0;
}

WT_TEST(it_rests_while_all_workers_do)
{
    wt_seeds_at_most(50);
    reset(2);
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    _Atomic bool was_seen = false;
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    ck_assert_int_eq(weft_spawn(&scope, receive, WEFT_MOVE(rx), &was_seen), 0);
    wt_until(sleeps, NULL);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    wt_until(is_awake, NULL);
    wf_store_seq(&was_seen, true);
    wt_until(sleeps, NULL);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
}

WT_MAIN("watchdog")
