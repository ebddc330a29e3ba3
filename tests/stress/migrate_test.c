/* SPDX-License-Identifier: MIT
 * A task that goes to another thread at every switch: its errno is its own, and what belongs to the
 * worker is the worker's it is on. Compilers keep both over a call if they can (plat/self.h), so
 * that migrate.sh builds this with several of them, optimised in several ways.
 *
 * The traveller gives way by waiting for the anchor's answer. When the anchor runs on the worker
 * that the traveller left, it answers and keeps that worker until the traveller runs on the other;
 * else it answers and goes to sleep, and the traveller follows it. */
#define WEFT_KEEP_ERRNO /* the C library's, where we mean that one */
#include "plat/self.h"
#include "plat/thread.h"
#include "sched/worker.h"
#include "wt_test.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <weft.h>

#undef errno
#define errno    (*weft_errno_location()) /* as a user has it */

#define MUST(rc) ck_assert_int_eq(rc, 0)

enum { WORKERS = 2, ANCHORS_ERRNO = 9999 };

static _Atomic unsigned n_arrivals;
static _Atomic long tid_of[WORKERS];

struct departure {
    long tid;
    unsigned n_arrivals;
};

static long tid_now(void) { return syscall(SYS_gettid); }

WEFT_TASK(anchor, (rx, struct departure, in), (tx, int, out))
{
    weft_each (from, in) {
        errno = ANCHORS_ERRNO;
        bool is_there = from.tid == tid_now();
        MUST(weft_send(out, 0));
        while (is_there && atomic_load(&n_arrivals) == from.n_arrivals)
            wf_thread_yield(); /* the CPU, not the worker */
    }
    return weft_error(in);
}

/* The state that a switch changes, looked at twice within one function: before and after. */
WF_WORKER_LOCAL static void check_place(long tid)
{
    struct wf_worker *worker = wf_thread_self()->worker;
    ck_assert_ptr_eq(worker, wf_rt.workers + worker->index);
    ck_assert_ptr_eq(&worker->thread, wf_self_get());
    ck_assert_ptr_eq(worker->thread.current, wf_waiter_self());
    long expected = 0;
    if (!atomic_compare_exchange_strong(&tid_of[worker->index], &expected, tid))
        ck_assert_int_eq(expected, tid);
}

struct trip {
    unsigned n, n_moves;
};

WEFT_TASK(traveller, (tx, struct departure, to_anchor), (rx, int, from_anchor),
          (struct trip *, trip))
{
    int answer;
    for (unsigned i = 1; i <= trip->n; i++) {
        long tid_before = tid_now();
        struct wf_worker *worker_before = wf_thread_self()->worker;
        int *errno_before = &errno;
        check_place(tid_before);
        errno = (int)i;

        MUST(weft_send(to_anchor, (struct departure){ tid_before, atomic_load(&n_arrivals) }));
        ck_assert_int_eq(weft_recv(from_anchor, &answer), 1);
        atomic_fetch_add(&n_arrivals, 1);

        long tid = tid_now();
        ck_assert_int_eq(errno, (int)i);
        check_place(tid);
        bool has_moved = tid != tid_before;
        ck_assert(has_moved == (wf_thread_self()->worker != worker_before));
        ck_assert(has_moved == (&errno != errno_before));
        ck_assert_int_eq(close(-1), -1); /* written through the C library's own address */
        ck_assert_int_eq(errno, EBADF);
        trip->n_moves += has_moved;
    }
    return 0;
}

static int travel(void *arg)
{
    WEFT_TX(struct departure, to_anchor);
    WEFT_RX(struct departure, in);
    WEFT_TX(int, out);
    WEFT_RX(int, from_anchor);
    WEFT_TRY(weft_chan_open(&to_anchor, &in, 1));
    WEFT_TRY(weft_chan_open(&out, &from_anchor, 1));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, anchor, WEFT_MOVE(in), WEFT_MOVE(out)));
    WEFT_TRY(weft_spawn(&scope, traveller, WEFT_MOVE(to_anchor), WEFT_MOVE(from_anchor), arg));
    return weft_scope_wait(&scope);
}

WT_TEST(a_task_that_moves_at_every_switch_keeps_what_is_its_own)
{
    struct trip trip = { .n = wt_scaled(5000) };
    MUST(weft_configure(WEFT_CONFIG(.workers = WORKERS)));
    MUST(weft_run(travel, &trip));
    /* A thief may take it back; a switch that moved nothing proves nothing. */
    ck_assert_uint_ge(trip.n_moves, trip.n / 4);
}

WT_MAIN("migrate")
