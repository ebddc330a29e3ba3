/* SPDX-License-Identifier: MIT */
/* libuv's timers, on its one thread. They count in whole ms from a whole ms on, hence the 2. */
#include "common.h"

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

static const struct bench_case cases[] = {
    { "timers_1M", 1, timers }, /* it has no tasks that could sleep */
    { "timers_1M_after", 1, timers },
    { "timer_start_cancel", 1, start_cancel },
    { NULL, 0, NULL },
};

int main(int argc, char **argv) { return run_cases(cases, "-", argc, argv); }
