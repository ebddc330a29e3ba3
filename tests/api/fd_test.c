/* SPDX-License-Identifier: MIT
 * weft_fd_wait as a program uses it. What it promises in detail is in unit/sched/iowait_test.c. */
#include "wt_test.h"

#include <fcntl.h>
#include <unistd.h>
#include <weft.h>

WEFT_TASK(read_bytes, (int, fd), (int, n))
{
    char byte;
    while (n > 0) {
        ssize_t got;
        while ((got = read(fd, &byte, 1)) < 0 && errno == EAGAIN)
            WEFT_TRY(weft_fd_wait(fd, WEFT_READABLE));
        ck_assert_int_eq(got, 1);
        n--;
    }
    return 0;
}

WEFT_TASK(write_bytes, (int, fd), (int, n))
{
    while (n-- > 0) {
        WEFT_TRY(weft_fd_wait(fd, WEFT_WRITABLE));
        ck_assert_int_eq(write(fd, "x", 1), 1);
        WEFT_TRY(weft_pause());
    }
    return 0;
}

WT_TEST(tasks_talk_through_a_pipe)
{
    wt_seeds_at_most(20);
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, read_bytes, fds[0], 30), 0);
        ck_assert_int_eq(weft_spawn(&scope, write_bytes, fds[1], 30), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    close(fds[0]);
    close(fds[1]);
}

WT_TEST(a_wait_ends_with_its_deadline)
{
    int fds[2];
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
        ck_assert_int_eq(weft_fd_wait(fds[0], WEFT_READABLE), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    close(fds[0]);
    close(fds[1]);
}

WT_TEST(a_file_is_not_waited_for)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(weft_fd_wait(fd, WEFT_READABLE), WEFT_ENOTSUP);
    close(fd);
    ck_assert_int_eq(weft_fd_wait(fd, WEFT_READABLE), -EBADF);
    ck_assert_int_eq(weft_fd_wait(fd, 8), WEFT_EINVAL);
}

WT_MAIN("fd")
