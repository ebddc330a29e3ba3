/* SPDX-License-Identifier: MIT
 * Waiting for descriptors: readiness, one waiter a direction, forgetting, stale events. */
#include "sched/iowait.h"

#include "plat/futex.h"
#include "plat/sys.h"
#include "sched/worker.h"
#include "wt_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft.h>

struct io_pair {
    int read_end, write_end;
};

static struct io_pair open_pipe(void)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    return (struct io_pair){ fds[0], fds[1] };
}

static void close_pipe(struct io_pair pipe)
{
    close(pipe.read_end);
    close(pipe.write_end);
}

static void put(int fd) { ck_assert_int_eq(write(fd, "x", 1), 1); }

struct reader {
    int fd;
    unsigned events;
    int rc;
    weft_scope *scope;
    _Atomic bool has_ended;
};

static void wait_on_thread(void *arg)
{
    struct reader *reader = arg;
    reader->rc = wf_io_wait(reader->fd, reader->events);
}

static bool is_armed(void *arg) { return wf_io_armed() >= *(unsigned *)arg; }

static void until_armed(unsigned n) { wt_until(is_armed, &n); }

static wt_thread *start_reader(struct reader *reader, unsigned n_armed)
{
    wt_thread *thread = wt_thread_start(wait_on_thread, reader);
    until_armed(n_armed);
    return thread;
}

WT_TEST(what_is_ready_is_found_at_once)
{
    struct io_pair pipe = open_pipe();
    ck_assert_int_eq(wf_io_wait(pipe.write_end, WF_POLL_OUT), WF_POLL_OUT);
    put(pipe.write_end);
    ck_assert_int_eq(wf_io_wait(pipe.read_end, WF_POLL_IN), WF_POLL_IN);
    ck_assert_uint_eq(wf_io_armed(), 0);
    close_pipe(pipe);
}

WT_TEST(a_waiter_wakes_when_data_comes)
{
    struct io_pair pipe = open_pipe();
    struct reader reader = { .fd = pipe.read_end, .events = WF_POLL_IN };
    wt_thread *thread = start_reader(&reader, 1);
    put(pipe.write_end);
    wt_thread_join(thread);
    ck_assert_int_eq(reader.rc, WF_POLL_IN);
    ck_assert_uint_eq(wf_io_armed(), 0);
    close_pipe(pipe);
}

WEFT_TASK(read_task, (struct reader *, reader))
{
    reader->rc = wf_io_wait(reader->fd, reader->events);
    return 0;
}

WEFT_TASK(write_task, (int, fd))
{
    put(fd);
    return 0;
}

WT_TEST(a_task_waits_for_another_task)
{
    struct io_pair pipe = open_pipe();
    struct reader reader = { .fd = pipe.read_end, .events = WF_POLL_IN };
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, read_task, &reader), 0);
        ck_assert_int_eq(weft_spawn(&scope, write_task, pipe.write_end), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_int_eq(reader.rc, WF_POLL_IN);
    close_pipe(pipe);
}

WT_TEST(a_hang_up_wakes_the_waiter)
{
    struct io_pair pipe = open_pipe();
    struct reader reader = { .fd = pipe.read_end, .events = WF_POLL_IN };
    wt_thread *thread = start_reader(&reader, 1);
    close(pipe.write_end);
    wt_thread_join(thread);
    ck_assert_int_eq(reader.rc, WF_POLL_IN);
    close(pipe.read_end);
}

WT_TEST(one_waiter_a_direction)
{
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    char full[4096];
    memset(full, 0, sizeof full);
    while (write(fds[0], full, sizeof full) > 0)
        ;
    struct reader in = { .fd = fds[0], .events = WF_POLL_IN };
    struct reader out = { .fd = fds[0], .events = WF_POLL_OUT };
    wt_thread *in_thread = start_reader(&in, 1);
    ck_assert_int_eq(wf_io_wait(fds[0], WF_POLL_IN), WEFT_EBUSY);
    ck_assert_int_eq(wf_io_wait(fds[0], WF_POLL_IN | WF_POLL_OUT), WEFT_EBUSY);
    wt_thread *out_thread = start_reader(&out, 2);
    ck_assert_int_eq(wf_io_wait(fds[0], WF_POLL_OUT), WEFT_EBUSY);

    /* The event for one direction leaves the other one armed. */
    put(fds[1]);
    wt_thread_join(in_thread);
    ck_assert_int_eq(in.rc, WF_POLL_IN);
    ck_assert_uint_eq(wf_io_armed(), 1);
    while (read(fds[1], full, sizeof full) > 0)
        ;
    wt_thread_join(out_thread);
    ck_assert_int_eq(out.rc, WF_POLL_OUT);
    close(fds[0]);
    close(fds[1]);
}

WT_TEST(a_waiter_for_both_wakes_once)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    ck_assert_int_eq(wf_io_wait(fd, WF_POLL_IN | WF_POLL_OUT), WF_POLL_OUT);
    uint64_t one = 1;
    ck_assert_int_eq(write(fd, &one, sizeof one), sizeof one);
    ck_assert_int_eq(wf_io_wait(fd, WF_POLL_IN | WF_POLL_OUT), WF_POLL_IN | WF_POLL_OUT);
    ck_assert_uint_eq(wf_io_armed(), 0);
    close(fd);
}

WT_TEST(what_cannot_be_waited_for_is_refused)
{
    char path[] = "/tmp/weft-iowait-XXXXXX";
    int fd = mkstemp(path);
    unlink(path);
    ck_assert_int_eq(wf_io_wait(fd, WF_POLL_IN), -EPERM);
    ck_assert_int_eq(weft_fd_wait(fd, WEFT_READABLE), WEFT_ENOTSUP);
    close(fd);
    ck_assert_int_eq(wf_io_wait(fd, WF_POLL_IN), -EBADF);
    ck_assert_int_eq(wf_io_wait(-1, WF_POLL_IN), -EBADF);
    ck_assert_int_eq(wf_io_wait(0, 0), WEFT_EINVAL);
    ck_assert_int_eq(wf_io_wait(0, 4), WEFT_EINVAL);
    ck_assert_uint_eq(wf_io_armed(), 0);
}

static void wait_in_scope(void *arg)
{
    struct reader *reader = arg;
    WEFT_SCOPE(scope);
    reader->scope = &scope;
    reader->rc = wf_io_wait(reader->fd, reader->events);
}

WT_TEST(a_cancelled_wait_leaves_nothing_behind)
{
    struct io_pair pipe = open_pipe();
    struct reader reader = { .fd = pipe.read_end, .events = WF_POLL_IN };
    wt_thread *thread = wt_thread_start(wait_in_scope, &reader);
    until_armed(1);
    weft_scope_cancel(reader.scope);
    wt_thread_join(thread);
    ck_assert_int_eq(reader.rc, WEFT_ECANCELED);
    ck_assert_uint_eq(wf_io_armed(), 0);
    put(pipe.write_end); /* the event that finds nobody */
    ck_assert_int_eq(wf_io_wait(pipe.read_end, WF_POLL_IN), WF_POLL_IN);
    close_pipe(pipe);

    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    ck_assert_int_eq(wf_io_wait(0, WF_POLL_IN), WEFT_ECANCELED);
}

static void cancel_it(void *arg) { weft_scope_cancel(arg); }

WT_TEST(a_cancel_and_an_event_at_once)
{
    struct io_pair pipe = open_pipe();
    struct reader reader = { .fd = pipe.read_end, .events = WF_POLL_IN };
    wt_thread *canceller;
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, read_task, &reader), 0);
        until_armed(1);
        canceller = wt_thread_start(cancel_it, &scope);
        put(pipe.write_end);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
        wt_thread_join(canceller);
    }
    ck_assert(reader.rc == WF_POLL_IN || reader.rc == WEFT_ECANCELED);
    ck_assert_uint_eq(wf_io_armed(), 0);
    close_pipe(pipe);
}

WT_TEST(forgetting_wakes_both_waiters)
{
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    char full[4096];
    memset(full, 0, sizeof full);
    while (write(fds[0], full, sizeof full) > 0)
        ;
    struct reader in = { .fd = fds[0], .events = WF_POLL_IN };
    struct reader out = { .fd = fds[0], .events = WF_POLL_OUT };
    wt_thread *in_thread = start_reader(&in, 1);
    wt_thread *out_thread = start_reader(&out, 2);
    wf_io_forget(fds[0]);
    wt_thread_join(in_thread);
    wt_thread_join(out_thread);
    ck_assert_int_eq(in.rc, WEFT_ECLOSED);
    ck_assert_int_eq(out.rc, WEFT_ECLOSED);
    ck_assert_uint_eq(wf_io_armed(), 0);
    wf_io_forget(fds[0]);
    wf_io_forget(-1);
    wf_io_forget(100000);
    close(fds[0]);
    close(fds[1]);
}

WT_TEST(an_event_of_an_older_arming_is_dropped)
{
    struct io_pair pipe = open_pipe();
    struct reader reader = { .fd = pipe.read_end, .events = WF_POLL_IN };
    wt_thread *thread = start_reader(&reader, 1);
    /* Every key but the current one. */
    for (uint64_t generation = 0; generation < 8; generation++) {
        struct wf_poll_event event = { generation << 32 | (uint32_t)pipe.read_end, WF_POLL_IN };
        if (generation != 1)
            wf_io_ready(&event, 1);
    }
    struct wf_poll_event unknown = { 1ull << 32 | 70000, WF_POLL_IN };
    wf_io_ready(&unknown, 1);
    ck_assert_uint_eq(wf_io_armed(), 1);
    put(pipe.write_end);
    wt_thread_join(thread);
    ck_assert_int_eq(reader.rc, WF_POLL_IN);
    close_pipe(pipe);
}

WT_TEST(a_number_that_is_used_again_is_another_descriptor)
{
    for (unsigned i = 0; i < 5; i++) {
        struct io_pair pipe = open_pipe();
        struct reader reader = { .fd = pipe.read_end, .events = WF_POLL_IN };
        wt_thread *thread = start_reader(&reader, 1);
        int other = dup(pipe.read_end); /* keeps the old registration alive */
        wf_io_forget(pipe.read_end);
        wt_thread_join(thread);
        ck_assert_int_eq(reader.rc, WEFT_ECLOSED);
        close(pipe.read_end);
        put(pipe.write_end);

        struct io_pair next = open_pipe();
        ck_assert_int_eq(next.read_end, pipe.read_end);
        reader.fd = next.read_end;
        thread = start_reader(&reader, 1);
        put(next.write_end);
        wt_thread_join(thread);
        ck_assert_int_eq(reader.rc, WF_POLL_IN);
        close_pipe(next);
        close(other);
        close(pipe.write_end);
    }
}

WT_TEST(a_thousand_waiters)
{
    enum { N = 400 };
    wt_seeds_at_most(3);
    static struct io_pair pipes[N];
    static struct reader readers[N];
    {
        WEFT_SCOPE(scope);
        for (unsigned i = 0; i < N; i++) {
            pipes[i] = open_pipe();
            readers[i] = (struct reader){ .fd = pipes[i].read_end, .events = WF_POLL_IN };
            ck_assert_int_eq(weft_spawn(&scope, read_task, &readers[i]), 0);
        }
        for (unsigned i = N; i-- > 0;)
            put(pipes[i].write_end);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    for (unsigned i = 0; i < N; i++) {
        ck_assert_int_eq(readers[i].rc, WF_POLL_IN);
        close_pipe(pipes[i]);
    }
}

/* ---- descriptors that are weft's own ------------------------------------------------------------- */

static void open_sockets(int fds[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

/* Of the calls to arm anything, those for other descriptors than the runtime's own. */
static _Atomic unsigned n_arms;

static int counting_arm(int epoll_fd, int fd, unsigned events, uint64_t key)
{
    if ((events & EPOLLOUT) != 0)
        atomic_fetch_add(&n_arms, 1u);
    return wf_sys_real.epoll_arm(epoll_fd, fd, events, key);
}

struct talk {
    struct wf_io_owned here;
    int there, n;
};

static int take_all(struct talk *talk)
{
    char byte;
    int n = 0;
    while (n < talk->n) {
        ssize_t got = read(talk->here.fd, &byte, 1);
        n += got == 1;
        if (got < 0)
            WEFT_TRY(wf_io_wait_owned(&talk->here, WF_POLL_IN));
    }
    return 0;
}

WEFT_TASK(take_all_task, (struct talk *, talk)) { return take_all(talk); }

WEFT_TASK(give_all, (struct talk *, talk))
{
    for (int i = 0; i < talk->n; i++) {
        put(talk->there);
        WEFT_TRY(weft_pause());
    }
    return 0;
}

WT_TEST(an_owned_descriptor_is_armed_once)
{
    int fds[2];
    open_sockets(fds);
    atomic_store(&n_arms, 0u);
    wf_sys.epoll_arm = counting_arm;
    struct talk talk = { .here = { .fd = fds[0] }, .there = fds[1], .n = 20 };
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, take_all_task, &talk), 0);
        ck_assert_int_eq(weft_spawn(&scope, give_all, &talk), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_uint_le(atomic_load(&n_arms), 1);
    ck_assert_uint_eq(wf_io_armed(), 0);
    wf_io_forget_owned(&talk.here);
    close(fds[0]);
    close(fds[1]);
    ck_assert_int_eq(weft_shutdown(WEFT_MS(10000)), 0);
    wf_sys.epoll_arm = wf_sys_real.epoll_arm;
}

WT_TEST(what_happens_while_nobody_waits_is_noted)
{
    int fds[2];
    open_sockets(fds);
    struct wf_io_owned here = { .fd = fds[0] };
    ck_assert_int_eq(wf_io_wait_owned(&here, WF_POLL_OUT), WF_POLL_OUT);
    char bytes[8];
    for (int i = 0; i < 3; i++) {
        put(fds[1]);
        ck_assert_int_eq(wf_io_wait_owned(&here, WF_POLL_IN), WF_POLL_IN);
        ck_assert_int_eq(read(fds[0], bytes, sizeof bytes), 1);
    }
    shutdown(fds[1], SHUT_WR);
    for (int i = 0; i < 3; i++) { /* an end is never used up */
        ck_assert_int_eq(wf_io_wait_owned(&here, WF_POLL_IN), WF_POLL_IN);
        ck_assert_int_eq(read(fds[0], bytes, sizeof bytes), 0);
    }
    wf_io_forget_owned(&here);
    close(fds[0]);
    close(fds[1]);
}

WT_TEST(an_ordinary_wait_for_an_owned_one_sees_what_is_there)
{
    int fds[2];
    open_sockets(fds);
    struct wf_io_owned here = { .fd = fds[0] };
    put(fds[1]);
    ck_assert_int_eq(wf_io_wait_owned(&here, WF_POLL_IN), WF_POLL_IN);
    for (int i = 0; i < 3; i++) /* the byte is still there, and no edge comes */
        ck_assert_int_eq(wf_io_wait(fds[0], WF_POLL_IN), WF_POLL_IN);
    wf_io_forget_owned(&here);
    close(fds[0]);
    close(fds[1]);
}

static void wait_for_fd(void *arg)
{
    ck_assert_int_eq(wf_io_wait(*(int *)arg, WF_POLL_IN), WF_POLL_IN);
}

/* The edge comes once, and whoever owns it has not seen it. */
WT_TEST(what_an_ordinary_wait_is_told_of_an_owned_one_stays_noted)
{
    wt_seeds_at_most(50);
    int fds[2];
    open_sockets(fds);
    struct wf_io_owned here = { .fd = fds[0] };
    ck_assert_int_eq(wf_io_wait_owned(&here, WF_POLL_OUT), WF_POLL_OUT);
    wt_thread *thread = wt_thread_start(wait_for_fd, &fds[0]);
    until_armed(1);
    put(fds[1]);
    wt_thread_join(thread);
    int64_t at_ns = wf_clock_after(WEFT_SEC(5));
    ck_assert_int_eq(wf_io_wait_owned_until(&here, WF_POLL_IN, at_ns), WF_POLL_IN);
    wf_io_forget_owned(&here);
    close(fds[0]);
    close(fds[1]);
}

WT_TEST(an_owned_one_that_is_forgotten_is_closed_to_later_waits)
{
    int fds[2];
    open_sockets(fds);
    struct wf_io_owned here = { .fd = fds[0] };
    wf_io_forget_owned(&here);
    ck_assert_int_eq(wf_io_wait_owned(&here, WF_POLL_IN), WEFT_ECLOSED);
    close(fds[0]);
    close(fds[1]);
}

WT_TEST(a_wait_for_an_owned_one_may_have_an_end)
{
    wt_seeds_at_most(50);
    int fds[2];
    open_sockets(fds);
    struct wf_io_owned here = { .fd = fds[0] };
    int64_t at_ns = wf_clock_after(WEFT_MS(1));
    ck_assert_int_eq(wf_io_wait_owned_until(&here, WF_POLL_IN, at_ns), WEFT_ETIMEDOUT);
    ck_assert_int_ge(wf_clock_now(), at_ns);
    ck_assert_uint_eq(wf_io_armed(), 0);
    put(fds[1]);
    ck_assert_int_eq(wf_io_wait_owned_until(&here, WF_POLL_IN, WF_NEVER), WF_POLL_IN);
    wf_io_forget_owned(&here);
    close(fds[0]);
    close(fds[1]);
}

static void wait_for_owned(void *arg)
{
    ck_assert_int_eq(wf_io_wait_owned(arg, WF_POLL_IN), WF_POLL_IN);
}

static int failing_arm(int epoll_fd, int fd, unsigned events, uint64_t key)
{
    (void)epoll_fd, (void)fd, (void)events, (void)key;
    return -ENOMEM;
}

WT_TEST(an_arming_that_fails_takes_nothing_from_who_waits)
{
    wt_seeds_at_most(50);
    int fds[2];
    open_sockets(fds);
    struct wf_io_owned here = { .fd = fds[0] };
    ck_assert_int_eq(wf_io_wait_owned(&here, WF_POLL_OUT), WF_POLL_OUT);
    wt_thread *thread = wt_thread_start(wait_for_owned, &here);
    until_armed(1);
    wf_sys.epoll_arm = failing_arm;
    ck_assert_int_eq(wf_io_wait(fds[0], WF_POLL_OUT), -ENOMEM);
    wf_sys.epoll_arm = wf_sys_real.epoll_arm;
    put(fds[1]);
    wt_thread_join(thread);
    wf_io_forget_owned(&here);
    close(fds[0]);
    close(fds[1]);
}

WEFT_TASK(take_until_closed, (struct talk *, talk))
{
    talk->n = 1 << 30;
    return take_all(talk);
}

WT_TEST(a_forgotten_one_ends_waits_whenever_they_begin)
{
    int fds[2];
    open_sockets(fds);
    struct talk talk = { .here = { .fd = fds[0] }, .there = fds[1] };
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, take_until_closed, &talk), 0);
        put(fds[1]);
        ck_assert_int_eq(weft_pause(), 0);
        wf_io_forget_owned(&talk.here);
        ck_assert_int_eq(weft_scope_wait(&scope), 0); /* WEFT_ECLOSED is no error of a scope */
    }
    ck_assert_uint_eq(wf_io_armed(), 0);
    close(fds[0]);
    close(fds[1]);
}

WT_TEST(a_cancelled_wait_for_an_owned_one_loses_no_edge)
{
    int fds[2];
    open_sockets(fds);
    struct talk talk = { .here = { .fd = fds[0] }, .there = fds[1], .n = 1 };
    wt_thread *canceller;
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, take_all_task, &talk), 0);
        until_armed(1);
        canceller = wt_thread_start(cancel_it, &scope);
        put(fds[1]);
        int rc = weft_scope_wait(&scope);
        ck_assert(rc == 0 || rc == WEFT_ECANCELED);
        wt_thread_join(canceller);
    }
    char byte;
    while (read(fds[0], &byte, 1) == 1)
        ;
    put(fds[1]);
    ck_assert_int_eq(wf_io_wait_owned(&talk.here, WF_POLL_IN), WF_POLL_IN);
    ck_assert_uint_eq(wf_io_armed(), 0);
    wf_io_forget_owned(&talk.here);
    close(fds[0]);
    close(fds[1]);
}

WT_TEST(owned_ones_outlive_the_runtime)
{
    int fds[2];
    open_sockets(fds);
    struct talk talk = { .here = { .fd = fds[0] }, .there = fds[1], .n = 5 };
    for (int i = 0; i < 2; i++) {
        {
            WEFT_SCOPE(scope);
            ck_assert_int_eq(weft_spawn(&scope, take_all_task, &talk), 0);
            ck_assert_int_eq(weft_spawn(&scope, give_all, &talk), 0);
            ck_assert_int_eq(weft_scope_wait(&scope), 0);
        }
        ck_assert_int_eq(weft_shutdown(WEFT_MS(10000)), 0);
    }
    wf_io_forget_owned(&talk.here);
    close(fds[0]);
    close(fds[1]);
}

WT_MAIN("iowait")
