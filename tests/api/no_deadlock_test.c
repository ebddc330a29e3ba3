/* SPDX-License-Identifier: MIT
 * Where something can still happen there is no deadlock, however much is at rest: nothing may be
 * reported, whatever the moment. */
#include "wt_test.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <weft.h>

#define expect_silence() ck_assert_str_eq(wt_reports(), "")

static bool is_set(void *arg) { return atomic_load((atomic_bool *)arg); }

/* ---- something is pending -------------------------------------------------------------------- */

WEFT_TASK(receive_value, (rx, int, from), (int, want))
{
    int value;
    ck_assert_int_eq(weft_recv(from, &value), 1);
    ck_assert_int_eq(value, want);
    return 0;
}

WEFT_TASK(send_later, (tx, int, to), (int64_t, d_ns))
{
    WEFT_TRY(weft_sleep(d_ns));
    return weft_send(to, 5);
}

static int wait_for_sleeper(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TRY(weft_chan_open(&tx, &rx, 0));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, receive_value, WEFT_MOVE(rx), 5));
    WEFT_TRY(weft_spawn(&scope, send_later, WEFT_MOVE(tx), *(int64_t *)arg));
    return weft_scope_wait(&scope);
}

WT_TEST(a_sleeper_will_wake)
{
    wt_capture_reports();
    for (unsigned i = wt_scaled(200); i > 0; i--) {
        int64_t d_ns = (int64_t)wt_random_below(100000);
        ck_assert_int_eq(weft_run(wait_for_sleeper, &d_ns), 0);
    }
    expect_silence();
}

static int wait_for_timeout(void *arg)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    WEFT_TRY(weft_chan_open(&tx, &rx, 1));
    WEFT_SCOPE(scope, .timeout_ns = *(int64_t *)arg);
    ck_assert_int_eq(weft_recv(rx, &value), WEFT_ECANCELED);
    return weft_scope_wait(&scope) == WEFT_ETIMEDOUT ? 0 : 1;
}

WT_TEST(a_deadline_will_come)
{
    wt_capture_reports();
    for (unsigned i = wt_scaled(200); i > 0; i--) {
        int64_t d_ns = 1 + (int64_t)wt_random_below(100000);
        ck_assert_int_eq(weft_run(wait_for_timeout, &d_ns), 0);
    }
    expect_silence();
}

/* A plain thread's own limit. */
WT_TEST(a_select_with_a_limit_ends)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value, rc;
    wt_capture_reports();
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    for (unsigned i = wt_scaled(100); i > 0; i--)
        ck_assert_int_eq(weft_select(&rc, weft_on_recv(rx, &value),
                                     weft_on_after((int64_t)wt_random_below(50000))),
                         1);
    expect_silence();
}

WT_TEST(a_timer_as_a_receiver_fires)
{
    int64_t at_ns;
    wt_capture_reports();
    for (unsigned i = wt_scaled(100); i > 0; i--) {
        WEFT_RX(int64_t, rx);
        ck_assert_int_eq(weft_after((int64_t)wt_random_below(50000), &rx), 0);
        ck_assert_int_eq(weft_recv(rx, &at_ns), 1);
    }
    expect_silence();
}

/* ---- blocking jobs --------------------------------------------------------------------------- */

WEFT_TASK(await_word, (atomic_bool *, word))
{
    wt_until(is_set, word);
    return 3;
}

WEFT_TASK(send_from_job, (tx, int, to)) { return weft_send(to, 5); }

static int wait_for_job(void *arg)
{
    (void)arg;
    return weft_blocking(send_from_job, WEFT_MOVE(*(weft_tx(int) *)arg));
}

/* The job is the only one that can do something, at the very moment that it ends. */
static int run_jobs(void *arg)
{
    for (int i = *(int *)arg; i > 0; i--) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        WEFT_TRY(weft_chan_open(&tx, &rx, i % 2 == 0));
        WEFT_SCOPE(scope);
        WEFT_TRY(weft_spawn(&scope, receive_value, WEFT_MOVE(rx), 5));
        WEFT_TRY(wait_for_job(&tx));
        WEFT_TRY(weft_scope_wait(&scope));
    }
    return 0;
}

WT_TEST(a_job_will_end)
{
    int n = (int)wt_scaled(300);
    wt_capture_reports();
    ck_assert_int_eq(weft_run(run_jobs, &n), 0);
    ck_assert_int_eq(run_jobs(&n), 0); /* the same from a plain thread */
    expect_silence();
}

static int await_in_job(void *arg) { return weft_blocking(await_word, (atomic_bool *)arg); }

static void run_with_job(void *arg) { ck_assert_int_eq(weft_run(await_in_job, arg), 3); }

static bool has_parked(void *arg)
{
    weft_stats stats = { .size_ = sizeof stats };
    ck_assert_int_eq(weft_stats_get(&stats), 0);
    return stats.parks >= *(uint64_t *)arg;
}

/* Everybody sleeps but a job that takes its time, and we, who have not said anything to weft. */
WT_TEST(a_job_that_takes_long)
{
    atomic_bool is_said = false;
    uint64_t enough = 2;
    wt_capture_reports();
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 2)), 0);
    wt_thread *thread = wt_thread_start(run_with_job, &is_said);
    wt_until(has_parked, &enough);
    atomic_store(&is_said, true);
    wt_thread_join(thread);
    expect_silence();
}

/* ---- threads that are elsewhere -------------------------------------------------------------- */

static int receive_five(void *arg)
{
    WEFT_RX(int, rx);
    int value = 0;
    weft_rx(int) *slot = arg;
    rx = *slot;
    *slot = NULL;
    WEFT_TRY(weft_recv(rx, &value));
    return value;
}

static void run_receiver(void *arg) { ck_assert_int_eq(weft_run(receive_five, arg), 5); }

/* We are a thread that weft knows, and does not wait in it. */
WT_TEST(a_known_thread_that_is_elsewhere)
{
    uint64_t enough = 2;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    wt_capture_reports();
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 2)), 0);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
    wt_thread *thread = wt_thread_start(run_receiver, &rx);
    wt_until(has_parked, &enough);
    ck_assert_int_eq(weft_send(tx, 5), 0);
    wt_thread_join(thread);
    expect_silence();
}

struct late {
    int fd;
    weft_tx(int) tx;
};

/* Unknown to weft until it sends. */
static void send_when_told(void *arg)
{
    struct late *it = arg;
    char byte;
    ck_assert_int_eq(read(it->fd, &byte, 1), 1);
    ck_assert_int_eq(weft_send(it->tx, 5), 0);
    WEFT_DROP(it->tx);
}

static int be_told_later(void *arg)
{
    int fds[2];
    WEFT_RX(int, rx);
    struct late it;
    int value = 0;
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    WEFT_TRY(weft_chan_open(&it.tx, &rx, 0));
    it.fd = fds[0];
    (void)arg;
    /* In the simulator a thread that sleeps in the system sleeps with all others. */
    if (wt_is_sim())
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
    wt_thread *thread = wt_thread_start(send_when_told, &it);
    if (!wt_is_sim()) {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(20)); /* some looks for a deadlock */
        ck_assert_int_eq(weft_recv(rx, &value), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
    }
    WEFT_TRY(weft_recv(rx, &value));
    wt_thread_join(thread);
    (void)close(fds[0]);
    (void)close(fds[1]);
    return value;
}

WT_TEST(an_unknown_thread_that_waits_in_the_system)
{
    wt_capture_reports();
    ck_assert_int_eq(weft_run(be_told_later, NULL), 5);
    expect_silence();
}

/* What the kernel or another process does is no thread of ours. */
static int wait_for_the_kernel(void *arg)
{
    (void)arg;
    struct itimerspec soon = { .it_value.tv_nsec = 5000000 };
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(timerfd_settime(fd, 0, &soon, NULL), 0);
    int rc = weft_fd_wait(fd, WEFT_READABLE);
    (void)close(fd);
    return rc < 0 ? rc : 0;
}

WT_TEST(the_kernel_will_make_a_descriptor_ready)
{
    wt_seeds_at_most(20);
    wt_capture_reports();
    ck_assert_int_eq(weft_run(wait_for_the_kernel, NULL), 0);
    expect_silence();
}

static void greet(void *arg) { ck_assert_int_eq(weft_send(*(weft_tx(int) *)arg, 5), 0); }

static int be_greeted(void *arg)
{
    int value;
    for (int i = *(int *)arg; i > 0; i--) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        WEFT_TRY(weft_chan_open(&tx, &rx, i % 2 == 0));
        wt_thread *thread = wt_thread_start(greet, &tx);
        WEFT_TRY(weft_recv(rx, &value));
        wt_thread_join(thread);
    }
    return 0;
}

/* Threads that come, say one word and end. */
WT_TEST(threads_that_come_and_go)
{
    int n = (int)wt_scaled(200);
    wt_capture_reports();
    ck_assert_int_eq(weft_run(be_greeted, &n), 0);
    ck_assert_int_eq(be_greeted(&n), 0);
    expect_silence();
}

/* ---- descriptors ----------------------------------------------------------------------------- */

WEFT_TASK(wait_readable, (int, fd)) { return weft_fd_wait(fd, WEFT_READABLE); }

static int wait_for_descriptor(void *arg)
{
    int *fds = arg;
    char byte;
    for (unsigned i = wt_scaled(200); i > 0; i--) {
        WEFT_SCOPE(scope);
        WEFT_TRY(weft_spawn(&scope, wait_readable, fds[0]));
        WEFT_TRY(weft_pause());
        ck_assert_int_eq(write(fds[1], "x", 1), 1);
        WEFT_TRY(weft_scope_wait(&scope));
        ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    }
    return 0;
}

static void write_when_told(void *arg)
{
    int *fds = arg;
    uint64_t enough = 3;
    wt_until(has_parked, &enough);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
}

static int wait_for_writer(void *arg)
{
    char byte;
    int *fds = arg;
    ck_assert_int_eq(weft_fd_wait(fds[0], WEFT_READABLE), WEFT_READABLE);
    ck_assert_int_eq(read(fds[0], &byte, 1), 1);
    return 0;
}

WT_TEST(a_descriptor_will_be_ready)
{
    int fds[2];
    wt_capture_reports();
    wt_seeds_at_most(50);
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 2)), 0);
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(weft_run(wait_for_descriptor, fds), 0);
    if (!wt_is_sim()) {
        wt_thread *thread = wt_thread_start(write_when_told, fds);
        ck_assert_int_eq(weft_run(wait_for_writer, fds), 0);
        wt_thread_join(thread);
    }
    (void)close(fds[0]);
    (void)close(fds[1]);
    expect_silence();
}

/* ---- storms ---------------------------------------------------------------------------------- */

static int return_at_once(void *arg)
{
    (void)arg;
    return 9;
}

static void run_often(void *arg)
{
    for (unsigned i = *(unsigned *)arg; i > 0; i--)
        ck_assert_int_eq(weft_run(return_at_once, NULL), 9);
}

WT_TEST(quick_runs)
{
    unsigned n = wt_scaled(3000);
    wt_capture_reports();
    run_often(&n);
    wt_thread *a = wt_thread_start(run_often, &n);
    wt_thread *b = wt_thread_start(run_often, &n);
    wt_thread_join(a);
    wt_thread_join(b);
    expect_silence();
}

struct court {
    weft_tx(int) tx[2];
    weft_rx(int) rx[2];
    int n;
};

static void open_court(struct court *court, size_t capacity, int n)
{
    *court = (struct court){ .n = n };
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(weft_chan_open(&court->tx[i], &court->rx[i], capacity), 0);
}

static void close_court(struct court *court)
{
    for (int i = 0; i < 2; i++) {
        WEFT_DROP(court->tx[i]);
        WEFT_DROP(court->rx[i]);
    }
}

static int serve(void *arg)
{
    struct court *court = arg;
    int value;
    for (int i = 0; i < court->n; i++) {
        WEFT_TRY(weft_send(court->tx[0], i));
        WEFT_TRY(weft_recv(court->rx[1], &value));
        ck_assert_int_eq(value, i);
    }
    return 0;
}

static void return_balls(void *arg)
{
    struct court *court = arg;
    int value;
    for (int i = 0; i < court->n; i++) {
        ck_assert_int_eq(weft_recv(court->rx[0], &value), 1);
        ck_assert_int_eq(weft_send(court->tx[1], value), 0);
    }
}

static int return_balls_in_task(void *arg)
{
    return_balls(arg);
    return 0;
}

static void run_return_balls(void *arg)
{
    ck_assert_int_eq(weft_run(return_balls_in_task, arg), 0);
}

/* At each exchange one of the two is the last that is awake. */
WT_TEST(threads_play_with_tasks_and_threads)
{
    wt_capture_reports();
    for (size_t capacity = 0; capacity <= 1; capacity++) {
        struct court court;
        open_court(&court, capacity, (int)wt_scaled(2000));
        wt_thread *thread = wt_thread_start(return_balls, &court);
        ck_assert_int_eq(serve(&court), 0); /* thread and thread */
        wt_thread_join(thread);
        thread = wt_thread_start(return_balls, &court);
        ck_assert_int_eq(weft_run(serve, &court), 0); /* thread and task */
        wt_thread_join(thread);
        thread = wt_thread_start(run_return_balls, &court);
        ck_assert_int_eq(weft_run(serve, &court), 0); /* two runs */
        wt_thread_join(thread);
        close_court(&court);
    }
    expect_silence();
}

WEFT_TASK(be_short, (int, n)) { return n; }

static int do_anything(void *arg)
{
    int pick = (int)wt_random_below(6);
    (void)arg;
    switch (pick) {
    case 0: return weft_blocking(be_short, 9) == 9 ? 9 : -1;
    case 1: WEFT_TRY(weft_sleep((int64_t)wt_random_below(30000))); return 9;
    case 2: {
        WEFT_SCOPE(scope);
        WEFT_TRY(weft_spawn(&scope, be_short, 1));
        WEFT_TRY(weft_spawn(&scope, be_short, 1));
        WEFT_TRY(weft_scope_wait(&scope));
        return 9;
    }
    case 3: {
        int64_t d_ns = 1 + (int64_t)wt_random_below(20000);
        WEFT_TRY(wait_for_timeout(&d_ns));
        return 9;
    }
    case 4: {
        int64_t d_ns = (int64_t)wt_random_below(20000);
        WEFT_TRY(wait_for_sleeper(&d_ns));
        return 9;
    }
    default: return 9;
    }
}

static void run_anything(void *arg)
{
    for (unsigned i = *(unsigned *)arg; i > 0; i--) {
        bool is_here = wt_random_below(3) == 0;
        ck_assert_int_eq(is_here ? do_anything(NULL) : weft_run(do_anything, NULL), 9);
    }
}

WT_TEST(anything_at_once)
{
    enum { THREADS = 3 };
    unsigned n = wt_scaled(500);
    wt_thread *threads[THREADS];
    wt_capture_reports();
    unsigned n_workers = 1 + (unsigned)(wt_seed() % 3);
    ck_assert_int_eq(
        weft_configure(WEFT_CONFIG(.workers = n_workers, .idle_stop_ns = WEFT_US(100))), 0);
    for (int i = 0; i < THREADS; i++)
        threads[i] = wt_thread_start(run_anything, &n);
    run_anything(&n);
    for (int i = 0; i < THREADS; i++)
        wt_thread_join(threads[i]);
    expect_silence();
}

WT_MAIN("api_no_deadlock")
