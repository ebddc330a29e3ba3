/* SPDX-License-Identifier: MIT */
/* libuv's timers and its thread pool, on its one thread and those of the pool. They count in whole ms from a whole ms on, hence the 2. */
#include "file.h"
#include "net.h"

#include <poll.h>
#include <stdbool.h>
#include <uv.h>

struct timer {
    uv_timer_t timer;
    int64_t index;
};

static int64_t n_fired, start_ns;

static void fire(uv_timer_t *handle)
{
    struct timer *t = (struct timer *)handle;
    check("early timers", now_ns() - start_ns < delay_ns(t->index), 0);
    n_fired++;
    uv_close((uv_handle_t *)handle, NULL);
}

static void timers(int64_t n, int workers)
{
    struct timer *all = calloc((size_t)n, sizeof *all);
    uv_loop_t *loop = uv_default_loop();
    (void)workers;
    if (all == NULL)
        fail("no memory");
    start_ns = now_ns();
    for (int64_t i = 0; i < n; i++) {
        all[i].index = i;
        if (i % 1024 == 0)
            uv_update_time(loop);
        if (uv_timer_init(loop, &all[i].timer) != 0 ||
            uv_timer_start(&all[i].timer, fire, (uint64_t)(delay_ns(i) / 1000000 + 2), 0) != 0)
            fail("no timer");
    }
    uv_run(loop, UV_RUN_DEFAULT);
    int64_t took_ns = now_ns() - start_ns;
    free(all);
    check("timers", n_fired, n);
    in_ms(took_ns);
}

static void never(uv_timer_t *handle)
{
    (void)handle;
    fail("a timer of an hour has fired");
}

static void start_cancel(int64_t n, int workers)
{
    uv_timer_t timer;
    (void)workers;
    uv_timer_init(uv_default_loop(), &timer);
    int64_t began_ns = now_ns();
    for (int64_t i = 0; i < n; i++)
        if (uv_timer_start(&timer, never, 3600000, 0) != 0 || uv_timer_stop(&timer) != 0)
            fail("no timer");
    per_op(now_ns() - began_ns, n);
}

/* ---- calls on the pool: so many callers, each with one call at a time ------------------------ */

struct caller {
    uv_work_t work;
    int64_t n_left;
};

enum what { TRIVIAL, COMPUTES, SLEEPS };

static enum what what_calls_do;
static int64_t n_calls;

static void call(uv_work_t *work)
{
    (void)work;
    int64_t began_ns = now_ns();
    while (what_calls_do == COMPUTES && now_ns() - began_ns < 100000)
        ;
    if (what_calls_do == SLEEPS)
        (void)poll(NULL, 0, 1);
}

static void called(uv_work_t *work, int status)
{
    struct caller *caller = (struct caller *)work;
    check("status of a call", status, 0);
    n_calls++;
    if (--caller->n_left > 0 && uv_queue_work(uv_default_loop(), work, call, called) != 0)
        fail("no call");
}

static void call_from(int64_t n, int n_callers, enum what what)
{
    struct caller *callers = calloc((size_t)n_callers, sizeof *callers);
    int64_t n_each = n / n_callers > 0 ? n / n_callers : 1;
    if (callers == NULL)
        fail("no memory");
    what_calls_do = what;
    setenv("UV_THREADPOOL_SIZE", what == SLEEPS ? "512" : "4", 1);
    int64_t began_ns = now_ns();
    for (int i = 0; i < n_callers; i++) {
        callers[i].n_left = n_each;
        if (uv_queue_work(uv_default_loop(), &callers[i].work, call, called) != 0)
            fail("no call");
    }
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    int64_t took_ns = now_ns() - began_ns;
    free(callers);
    check("calls", n_calls, n_each * n_callers);
    if (what == SLEEPS)
        in_ms(took_ns);
    else
        per_op(took_ns, n_calls);
}

static void to_thread(int64_t n, int workers) { (void)workers, call_from(n, 1, TRIVIAL); }
static void to_thread_c64(int64_t n, int workers) { (void)workers, call_from(n, 64, TRIVIAL); }
static void to_thread_100us(int64_t n, int workers) { (void)workers, call_from(n, 1, COMPUTES); }
static void sleep1ms(int64_t n, int workers) { (void)workers, call_from(n, 64, SLEEPS); }
static void sleep1ms_c1(int64_t n, int workers) { (void)workers, call_from(n, 1, SLEEPS); }
static void sleep1ms_c1000(int64_t n, int workers) { (void)workers, call_from(n, 1000, SLEEPS); }

static const struct bench_case cases[] = {
    { "timers_1M", 1, timers }, /* it has no tasks that could sleep */
    { "timers_1M_after", 1, timers },
    { "timer_start_cancel", 1, start_cancel },
    { "to_thread", 100, to_thread },
    { "to_thread_c64", 20, to_thread_c64 },
    { "to_thread_100us", 1, to_thread_100us },
    { "blocking_sleep1ms", 1, sleep1ms },
    { "blocking_sleep1ms_c1", 1, sleep1ms_c1 },
    { "blocking_sleep1ms_c1000", 1, sleep1ms_c1000 },
    { "tcp_echo_c1", 1, tcp_echo_c1 },
    { "tcp_echo_c64", 1, tcp_echo_c64 },
    { "tcp_echo_c1000", 1, tcp_echo_c1000 },
    { "file_read_many_10k_c64", 1, read_many },
    { "file_random_4k", 10, read_random },
    { "file_random_4k_direct", 1, read_random_direct },
    { NULL, 0, NULL },
};

int main(int argc, char **argv) { return run_cases(cases, "-", argc, argv); }
