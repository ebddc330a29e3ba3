/* SPDX-License-Identifier: MIT
 * Transfers over descriptors: complete, or told how far they came. */
#include "sched/iowait.h"

#include "plat/sys.h"
#include "wt_test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft.h>

enum { UNTOUCHED = 99, PIPE_SIZE = 4096, MOST_BYTES = 40000, FEW_BYTES = 20 };

struct pipe_ends {
    int read_end, write_end;
};

/* The smallest that the system has: what does not fit is soon seen. */
static struct pipe_ends open_pipe(void)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE), PIPE_SIZE);
    return (struct pipe_ends){ fds[0], fds[1] };
}

static void close_pipe(struct pipe_ends ends)
{
    close(ends.read_end);
    close(ends.write_end);
}

static void fill(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 7 + i / 251);
}

struct transfer {
    int fd;
    bool is_write;
    char *bytes;
    size_t size, n;
    int rc;
};

static int move_bytes(struct transfer *it)
{
    it->n = UNTOUCHED;
    it->rc = it->is_write ? weft_fd_write_all(it->fd, it->bytes, it->size, &it->n)
                          : weft_fd_read_exact(it->fd, it->bytes, it->size, &it->n);
    return it->rc;
}

WEFT_TASK(transfer_task, (struct transfer *, transfer)) { return move_bytes(transfer); }

static void expect(struct transfer it, int code, size_t n)
{
    move_bytes(&it);
    ck_assert_int_eq(it.rc, code);
    ck_assert_uint_eq(it.n, n);
}

/* These two alone: workers that start may be using the rest of the table. */
static void move_as_usual(void)
{
    wf_sys.read = wf_sys_real.read;
    wf_sys.write = wf_sys_real.write;
}

/* ---- complete ------------------------------------------------------------------------------------------- */

static void send_and_receive(size_t size)
{
    static char sent[MOST_BYTES], received[MOST_BYTES];
    struct pipe_ends ends = open_pipe();
    struct transfer out = { .fd = ends.write_end, .is_write = true, .bytes = sent, .size = size };
    struct transfer in = { .fd = ends.read_end, .bytes = received, .size = size };
    fill(sent, size);
    memset(received, 0, size);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, transfer_task, &in), 0);
        ck_assert_int_eq(weft_spawn(&scope, transfer_task, &out), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_uint_eq(out.n, size);
    ck_assert_uint_eq(in.n, size);
    ck_assert_int_eq(memcmp(sent, received, size), 0);
    close_pipe(ends);
}

WT_TEST(all_goes_through_a_small_pipe)
{
    wt_seeds_at_most(100);
    send_and_receive(MOST_BYTES);
    send_and_receive(1);
    send_and_receive(0);
}

/* Every call moves one byte, and every second one is interrupted first. Here and below larger calls
 * are not ours: the runtime reads, too. */
static _Atomic unsigned n_calls;

static ssize_t stuttering_read(int fd, void *buf, size_t size)
{
    if (size > FEW_BYTES)
        return wf_sys_real.read(fd, buf, size);
    return atomic_fetch_add(&n_calls, 1u) % 2 == 0 ? -EINTR : wf_sys_real.read(fd, buf, 1);
}

static ssize_t stuttering_write(int fd, const void *buf, size_t size)
{
    if (size > FEW_BYTES)
        return wf_sys_real.write(fd, buf, size);
    return atomic_fetch_add(&n_calls, 1u) % 2 == 0 ? -EINTR : wf_sys_real.write(fd, buf, 1);
}

WT_TEST(short_and_interrupted_calls_are_completed)
{
    wt_seeds_at_most(100);
    wf_sys.read = stuttering_read;
    wf_sys.write = stuttering_write;
    send_and_receive(FEW_BYTES);
    move_as_usual();
}

/* ---- cancelled in the middle ------------------------------------------------------------------------------ */

static bool is_armed(void *arg)
{
    (void)arg;
    return wf_io_armed() > 0;
}

/* Cancels the transfer when it waits for more, which it does with `n` bytes done. */
static void cancel_when_waiting(struct transfer *it, size_t n)
{
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, transfer_task, it), 0);
        wt_until(is_armed, NULL);
        weft_scope_cancel(&scope);
    }
    ck_assert_int_eq(it->rc, WEFT_ECANCELED);
    ck_assert_uint_eq(it->n, n);
    ck_assert_uint_eq(wf_io_armed(), 0);
}

WT_TEST(a_cancelled_read_tells_how_far_it_came)
{
    wt_seeds_at_most(200);
    char buf[11] = { 0 };
    struct pipe_ends ends = open_pipe();
    struct transfer in = { .fd = ends.read_end, .bytes = buf, .size = 10 };
    ck_assert_int_eq(write(ends.write_end, "hello", 5), 5);
    cancel_when_waiting(&in, 5);
    ck_assert_int_eq(write(ends.write_end, "world", 5), 5);
    in.bytes += in.n;
    in.size -= in.n;
    expect(in, 0, 5);
    ck_assert_str_eq(buf, "helloworld");
    close_pipe(ends);
}

WT_TEST(a_cancelled_write_tells_how_far_it_came)
{
    wt_seeds_at_most(200);
    static char sent[PIPE_SIZE + 100], received[PIPE_SIZE + 100];
    struct pipe_ends ends = open_pipe();
    struct transfer out = { ends.write_end, true, sent, sizeof sent, 0, 0 };
    fill(sent, sizeof sent);
    cancel_when_waiting(&out, PIPE_SIZE);
    ck_assert_int_eq(read(ends.read_end, received, sizeof received), PIPE_SIZE);
    out.bytes += out.n;
    out.size -= out.n;
    expect(out, 0, 100);
    ck_assert_int_eq(read(ends.read_end, received + PIPE_SIZE, 100), 100);
    ck_assert_int_eq(memcmp(sent, received, sizeof sent), 0);
    close_pipe(ends);
}

/* A byte at a time; the scope is cancelled as the third one is moved. */
static struct {
    weft_scope *scope;
    unsigned n;
} third;

static void count_byte(void)
{
    if (++third.n == 3)
        weft_scope_cancel(third.scope);
}

static ssize_t cancelling_read(int fd, void *buf, size_t size)
{
    if (size > FEW_BYTES)
        return wf_sys_real.read(fd, buf, size);
    count_byte();
    return wf_sys_real.read(fd, buf, 1);
}

static ssize_t cancelling_write(int fd, const void *buf, size_t size)
{
    if (size > FEW_BYTES)
        return wf_sys_real.write(fd, buf, size);
    count_byte();
    return wf_sys_real.write(fd, buf, 1);
}

/* Of 6 bytes it has 3 when it hears of it; of 3 it has all, and did well. */
static void cancel_at_third(struct transfer it)
{
    wf_sys.read = cancelling_read;
    wf_sys.write = cancelling_write;
    for (unsigned size = 3; size <= 6; size += 3) {
        WEFT_SCOPE(scope);
        third.scope = &scope;
        third.n = 0;
        it.size = size;
        expect(it, size == 3 ? 0 : WEFT_ECANCELED, 3);
    }
    move_as_usual();
}

WT_TEST(a_cancel_is_heard_though_the_descriptor_is_ready)
{
    char buf[16] = "abcdefghijkl";
    struct pipe_ends ends = open_pipe();
    cancel_at_third((struct transfer){ .fd = ends.write_end, .is_write = true, .bytes = buf });
    ck_assert_int_eq(write(ends.write_end, "xyz", 3), 3);
    cancel_at_third((struct transfer){ .fd = ends.read_end, .bytes = buf });
    ck_assert_int_eq(read(ends.read_end, buf, sizeof buf), 3);
    close_pipe(ends);
}

/* ---- the other side, and errors --------------------------------------------------------------------------- */

WT_TEST(an_early_end_tells_what_came_before)
{
    wt_seeds_at_most(10);
    char buf[8] = { 0 };
    struct pipe_ends ends = open_pipe();
    struct transfer in = { .fd = ends.read_end, .bytes = buf, .size = 8 };
    ck_assert_int_eq(write(ends.write_end, "abc", 3), 3);
    close(ends.write_end);
    expect(in, WEFT_EEOF, 3);
    ck_assert_str_eq(buf, "abc");
    expect(in, WEFT_EEOF, 0);
    in.size = 0;
    expect(in, 0, 0);
    close(ends.read_end);
}

WT_TEST(a_reader_that_left_is_an_error)
{
    wt_seeds_at_most(10);
    int fds[2];
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    struct transfer out = { .fd = fds[0], .is_write = true, .bytes = (char[]){ "abc" }, .size = 3 };
    expect(out, 0, 3);
    close(fds[1]);
    expect(out, -EPIPE, 0);
    close(fds[0]);
    signal(SIGPIPE, SIG_DFL);
}

WT_TEST(a_full_device_has_taken_nothing)
{
    int fd = open("/dev/full", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    expect((struct transfer){ fd, true, (char[]){ "x" }, 1, 0, 0 }, -ENOSPC, 0);
    close(fd);
}

static int arming_fails(int epoll_fd, int fd, unsigned events, uint64_t key)
{
    (void)epoll_fd, (void)fd, (void)events, (void)key;
    return -ENOMEM;
}

WT_TEST(an_error_leaves_the_count)
{
    wt_seeds_at_most(10);
    char buf[8];
    struct pipe_ends ends = open_pipe();
    ck_assert_int_eq(write(ends.write_end, "abc", 3), 3);
    wf_sys.epoll_arm = arming_fails;
    expect((struct transfer){ ends.read_end, false, buf, 8, 0, 0 }, WEFT_ENOMEM, 3);
    wf_sys.epoll_arm = wf_sys_real.epoll_arm;
    close_pipe(ends);
}

static ssize_t nothing_written(int fd, const void *buf, size_t size)
{
    (void)fd, (void)buf, (void)size;
    return 0;
}

WT_TEST(a_write_that_goes_nowhere_is_an_error)
{
    struct pipe_ends ends = open_pipe();
    wf_sys.write = nothing_written;
    expect((struct transfer){ ends.write_end, true, (char[]){ "x" }, 1, 0, 0 }, -EIO, 0);
    move_as_usual();
    close_pipe(ends);
}

/* ---- refused ------------------------------------------------------------------------------------------------ */

static void expect_refused(int fd, size_t size, int code)
{
    char bytes[4] = { 0 };
    expect((struct transfer){ fd, false, bytes, size, 0, 0 }, code, 0);
    expect((struct transfer){ fd, true, bytes, size, 0, 0 }, code, 0);
}

WT_TEST(what_would_block_is_refused)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    expect_refused(fds[0], 1, WEFT_EINVAL);
    expect_refused(fds[1], 0, WEFT_EINVAL);
    close(fds[0]);
    close(fds[1]);
    expect_refused(fds[0], 1, -EBADF);
    expect_refused(-1, 0, -EBADF);
    ck_assert_int_eq(weft_fd_read_exact(0, NULL, 0, NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_fd_write_all(0, NULL, 0, NULL), WEFT_EINVAL);
}

WT_TEST(a_cancelled_caller_moves_nothing)
{
    struct pipe_ends ends = open_pipe();
    ck_assert_int_eq(write(ends.write_end, "abc", 3), 3);
    {
        WEFT_SCOPE(scope);
        weft_scope_cancel(&scope);
        expect_refused(ends.read_end, 3, WEFT_ECANCELED);
        expect_refused(ends.write_end, 0, WEFT_ECANCELED);
    }
    char buf[4];
    ck_assert_int_eq(read(ends.read_end, buf, sizeof buf), 3);
    close_pipe(ends);
}

/* ---- closing and giving away ---------------------------------------------------------------------- */

struct fd_wait {
    int fd;
    unsigned events;
    int rc;
};

WEFT_TASK(wait_task, (struct fd_wait *, it))
{
    it->rc = weft_fd_wait(it->fd, it->events);
    return 0;
}

static void wait_in_thread(void *arg)
{
    struct fd_wait *it = arg;
    it->rc = weft_fd_wait(it->fd, it->events);
}

static bool both_wait(void *arg)
{
    (void)arg;
    return wf_io_armed() == 2;
}

/* A socket that a task waits to read from and a plain thread to write to. */
static void end_both_waits(int (*end)(int fd))
{
    int fds[2];
    char full[4096] = { 0 };
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    while (write(fds[0], full, sizeof full) > 0)
        ;
    struct fd_wait in = { .fd = fds[0], .events = WEFT_READABLE };
    struct fd_wait out = { .fd = fds[0], .events = WEFT_WRITABLE };
    wt_thread *thread = wt_thread_start(wait_in_thread, &out);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, wait_task, &in), 0);
        wt_until(both_wait, NULL);
        ck_assert_int_eq(end(fds[0]), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    wt_thread_join(thread);
    ck_assert_int_eq(in.rc, WEFT_ECLOSED);
    ck_assert_int_eq(out.rc, WEFT_ECLOSED);
    close(fds[1]);
}

static int forget_and_use(int fd)
{
    weft_fd_forget(fd);
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    return close(fd);
}

WT_TEST(a_close_wakes_both_waiters) { end_both_waits(weft_fd_close); }
WT_TEST(a_forgotten_one_stays_open) { end_both_waits(forget_and_use); }

static int failing_close(int fd)
{
    (void)close(fd);
    return -EIO;
}

WT_TEST(a_close_says_what_went_wrong)
{
    struct pipe_ends ends = open_pipe();
    wf_sys.close = failing_close;
    ck_assert_int_eq(weft_fd_close(ends.read_end), -EIO);
    wf_sys.close = wf_sys_real.close;
    ck_assert_int_eq(weft_fd_close(ends.write_end), 0);
    ck_assert_int_eq(weft_fd_close(-1), -EBADF);
    weft_fd_forget(-1);
}

WT_MAIN("fd")
