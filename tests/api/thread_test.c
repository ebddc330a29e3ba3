/* SPDX-License-Identifier: MIT
 * Plain threads: they open scopes, wait, spawn and end, as tasks do. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#define MUST(rc)       ck_assert_int_eq(rc, 0)
#define WANT(rc, code) ck_assert_int_eq(rc, code)

enum { THREADS = 5 };

static void on_threads(void (*fn)(void *arg), void *arg)
{
    wt_thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        threads[i] = wt_thread_start(fn, arg);
    for (int i = 0; i < THREADS; i++)
        wt_thread_join(threads[i]);
}

WEFT_TASK(add_one, (_Atomic long *, sum))
{
    WEFT_TRY(weft_pause());
    atomic_fetch_add(sum, 1);
    return 0;
}

static void use_scopes(void *arg)
{
    _Atomic long *total = arg;
    for (unsigned i = wt_scaled(100); i > 0; i--) {
        _Atomic long sum = 0;
        WEFT_SCOPE(scope);
        MUST(weft_spawn_n(&scope, 10, add_one, &sum));
        MUST(weft_scope_wait(&scope));
        WANT(sum, 10);
        atomic_fetch_add(total, sum);
    }
}

WT_TEST(each_thread_has_scopes_of_its_own)
{
    _Atomic long total = 0;
    on_threads(use_scopes, (void *)&total);
    WANT(total, (long)THREADS * wt_scaled(100) * 10);
}

/* Its record is freed with it, also when it waited, slept, or did no more than ask. */
static void come_and_go(void *arg)
{
    (void)arg;
    ck_assert_str_eq(weft_task_name(), "");
    ck_assert_ptr_null(weft_root_scope());
    MUST(weft_pause());
    MUST(weft_checkpoint());
    MUST(weft_sleep(WEFT_US(1)));
}

WT_TEST(threads_come_and_go)
{
    for (unsigned i = wt_scaled(50); i > 0; i--)
        on_threads(come_and_go, NULL);
}

/* ---- one scope, many threads ----------------------------------------------------------------- */

struct shared {
    weft_scope *scope;
    _Atomic long sum;
};

static void spawn_into_shared(void *arg)
{
    struct shared *shared = arg;
    for (unsigned i = wt_scaled(200); i > 0; i--)
        MUST(weft_spawn(shared->scope, add_one, &shared->sum));
}

WT_TEST(threads_spawn_into_one_scope)
{
    struct shared shared = { .sum = 0 };
    WEFT_SCOPE(scope);
    shared.scope = &scope;
    on_threads(spawn_into_shared, &shared);
    MUST(weft_scope_wait(&scope));
    WANT(shared.sum, (long)THREADS * wt_scaled(200));
}

/* ---- values between threads and tasks -------------------------------------------------------- */

WEFT_TASK(echo, (rx, long, in), (tx, long, out))
{
    weft_each (value, in)
        WEFT_TRY(weft_send(out, value + 1));
    return weft_error(in);
}

static void ask_echo(void *arg)
{
    _Atomic long *total = arg;
    WEFT_TX(long, to);
    WEFT_RX(long, in);
    WEFT_TX(long, out);
    WEFT_RX(long, from);
    MUST(weft_chan_open(&to, &in, 0));
    MUST(weft_chan_open(&out, &from, 1));
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, echo, WEFT_MOVE(in), WEFT_MOVE(out)));
    for (long i = 0; i < (long)wt_scaled(500); i++) {
        long value = 0;
        MUST(weft_send(to, i));
        WANT(weft_recv(from, &value), 1);
        WANT(value, i + 1);
        atomic_fetch_add(total, 1);
    }
    WEFT_DROP(to);
    MUST(weft_scope_wait(&scope));
}

WT_TEST(threads_talk_to_tasks)
{
    _Atomic long total = 0;
    on_threads(ask_echo, (void *)&total);
    WANT(total, (long)THREADS * wt_scaled(500));
}

/* ---- nothing starts for what needs no worker ------------------------------------------------- */

static void send_one(void *tx) { MUST(weft_send((weft_tx(int))tx, 5)); }

WT_TEST(a_channel_between_threads_needs_no_runtime)
{
    weft_stats stats = { .size_ = sizeof stats };
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_chan_open(&tx, &rx, 0));
    wt_thread *thread = wt_thread_start(send_one, (void *)tx);
    int value = 0;
    WANT(weft_recv(rx, &value), 1);
    WANT(value, 5);
    wt_thread_join(thread);
    MUST(weft_stats_get(&stats));
    ck_assert_uint_eq(stats.workers, 0);
}

WT_MAIN("thread")
