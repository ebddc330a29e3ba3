/* SPDX-License-Identifier: MIT
 * Files that may stay without data for long: named pipes, pipes, the standard streams. */
#include "wt_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft.h>

static char test_path[64];

static void make_fifo(void)
{
    snprintf(test_path, sizeof test_path, "/tmp/weft-api-fifo-%d", (int)getpid());
    unlink(test_path);
    ck_assert_int_eq(mkfifo(test_path, 0600), 0);
}

/* ---- a cancel ends the wait ---------------------------------------------------------------------------- */

WEFT_TASK(open_writer_of_nobody)
{
    weft_file *file = NULL;
    int rc = weft_file_open(test_path, "w", &file);
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    return rc;
}

WT_TEST(a_cancel_ends_the_wait_for_a_reader)
{
    wt_seeds_at_most(20);
    make_fifo();
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(5));
        ck_assert_int_eq(weft_spawn(&scope, open_writer_of_nobody), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    unlink(test_path);
}

WEFT_TASK(read_silent, (weft_file *, file))
{
    char buf[4];
    int64_t rc = weft_file_read(file, buf, sizeof buf);
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    return (int)rc;
}

static void cancel_a_read(bool has_writer)
{
    make_fifo();
    weft_file *file = NULL;
    char buf[8];
    size_t n;
    ck_assert_int_eq(weft_file_open(test_path, "r", &file), 0);
    int fd = has_writer ? open(test_path, O_WRONLY | O_CLOEXEC) : -1;
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(2));
        ck_assert_int_eq(weft_spawn(&scope, read_silent, file), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    fd = has_writer ? fd : open(test_path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(write(fd, "late", 4), 4);
    ck_assert_int_eq(weft_file_read_exact(file, buf, 4, &n), 0);
    ck_assert_int_eq(memcmp(buf, "late", 4), 0);
    close(fd);
    ck_assert_int_eq(weft_file_read(file, buf, 4), 0);
    ck_assert_int_eq(weft_file_close(file), 0);
    unlink(test_path);
}

WT_TEST(a_cancelled_read_of_a_silent_pipe_returns)
{
    wt_seeds_at_most(20);
    cancel_a_read(true);
}

WT_TEST(so_does_one_of_a_pipe_that_nobody_writes_to)
{
    wt_seeds_at_most(20);
    cancel_a_read(false);
}

enum { MUCH = 1 << 20 };

WEFT_TASK(write_to_full, (weft_file *, file))
{
    static const char data[MUCH];
    size_t n = 0;
    int rc = weft_file_write_all(file, data, sizeof data, &n);
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_lt(n, sizeof data);
    return rc;
}

static bool is_full(void *fds)
{
    int n = 0;
    return ioctl(*(int *)fds, FIONREAD, &n) == 0 && n == fcntl(*(int *)fds, F_GETPIPE_SZ);
}

static void fill_and_cancel(int extra_flags)
{
    int fds[2];
    weft_file *file = NULL;
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | extra_flags), 0);
    ck_assert_int_eq(weft_file_adopt(fds[1], &file), 0);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, write_to_full, file), 0);
        wt_until(is_full, fds);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_int_eq(weft_file_close(file), 0);
    close(fds[0]);
}

WT_TEST(a_cancelled_write_to_a_full_pipe_returns)
{
    wt_seeds_at_most(5);
    fill_and_cancel(O_NONBLOCK);
}

WT_TEST(also_if_the_pipe_is_one_that_blocks)
{
    wt_seeds_at_most(5);
    fill_and_cancel(0);
}

/* ---- everything through a pipe -------------------------------------------------------------------------- */

WEFT_TASK(write_through, (weft_file *, file))
{
    static char half[MUCH / 2];
    memset(half, 'h', sizeof half);
    const struct iovec parts[] = { { half, sizeof half }, { half, sizeof half } };
    size_t n;
    WEFT_TRY(weft_file_write_many(file, parts, 2, &n));
    ck_assert_uint_eq(n, MUCH);
    WEFT_TRY(weft_file_write(file, "end", 3));
    return weft_file_close(file);
}

static int pass_much(void *arg)
{
    int fds[2];
    weft_file *from, *to;
    char *data;
    size_t size;
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC | *(int *)arg), 0);
    WEFT_TRY(weft_file_adopt(fds[0], &from));
    WEFT_TRY(weft_file_adopt(fds[1], &to));
    ck_assert_int_eq(weft_file_seek(from, 0, SEEK_SET), -ESPIPE);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, write_through, to));
    WEFT_TRY(weft_file_read_all(from, &data, &size));
    ck_assert_uint_eq(size, MUCH + 3);
    ck_assert_str_eq(data + MUCH - 1, "hend");
    weft_free(data);
    WEFT_TRY(weft_file_close(from));
    return weft_scope_wait(&scope);
}

WT_TEST(more_goes_through_a_pipe_than_it_holds)
{
    wt_seeds_at_most(2);
    int flags = O_NONBLOCK;
    ck_assert_int_eq(weft_run(pass_much, &flags), 0);
}

WT_TEST(and_through_one_that_blocks)
{
    wt_seeds_at_most(2);
    int flags = 0;
    ck_assert_int_eq(weft_run(pass_much, &flags), 0);
}

WEFT_TASK(open_and_write)
{
    WEFT_AUTO(weft_file, file);
    WEFT_TRY(weft_file_open(test_path, "w", &file));
    WEFT_TRY(weft_file_write(file, "hello", 5));
    return weft_close_with(file, 0);
}

/* The writer may be first: it waits until there is a reader. */
WT_TEST(two_sides_of_a_named_pipe_find_each_other)
{
    wt_seeds_at_most(50);
    make_fifo();
    {
        weft_file *file = NULL;
        char buf[8];
        size_t n = 0;
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, open_and_write), 0);
        ck_assert_int_eq(weft_file_open(test_path, "r", &file), 0);
        ck_assert_int_eq(weft_file_read_exact(file, buf, 6, &n), WEFT_EEOF);
        ck_assert_uint_eq(n, 5);
        ck_assert_int_eq(memcmp(buf, "hello", 5), 0);
        ck_assert_int_eq(weft_file_close(file), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    unlink(test_path);
}

/* ---- the standard streams ---------------------------------------------------------------------------------- */

/* They are descriptors 0 to 2 whatever these are: a pipe here, while the test's own wait aside. */
static void use_standard(void)
{
    int fds[2], aside[2] = { dup(0), dup(1) };
    char buf[8];
    size_t n;
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    dup2(fds[0], 0);
    dup2(fds[1], 1);
    close(fds[0]);
    close(fds[1]);
    ck_assert_int_eq(weft_file_write(weft_stdout(), "hello", 5), 0);
    ck_assert_int_eq(weft_file_read_exact(weft_stdin(), buf, 5, &n), 0);
    ck_assert_int_eq(memcmp(buf, "hello", 5), 0);
    ck_assert_int_eq(weft_file_close(weft_stdin()), 0);
    ck_assert_int_eq(weft_file_close(weft_stdout()), 0);
    ck_assert_int_eq(weft_file_write(weft_stdout(), "again", 5), 0);
    ck_assert_int_eq(weft_file_read(weft_stdin(), buf, 8), 5);
    dup2(aside[0], 0);
    dup2(aside[1], 1);
    close(aside[0]);
    close(aside[1]);
}

WT_TEST(the_standard_streams_are_files_that_stay)
{
    wt_seeds_at_most(5);
    ck_assert_int_eq(weft_file_fd(weft_stderr()), 2);
    use_standard();
}

WT_TEST(a_device_that_is_always_ready_needs_no_wait)
{
    wt_seeds_at_most(5);
    WEFT_AUTO(weft_file, null);
    char byte;
    ck_assert_int_eq(weft_file_open("/dev/null", "r+", &null), 0);
    ck_assert_int_eq(weft_file_read(null, &byte, 1), 0);
    ck_assert_int_eq(weft_file_write(null, "x", 1), 0);
}

WT_MAIN("file_pipe")
