/* SPDX-License-Identifier: MIT
 * Positions, sizes, several parts at once, descriptors made files. */
#include "wt_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft.h>

static char test_path[64];

/* Before there are threads; each run of the binary has its own. */
__attribute__((constructor)) static void make_path(void)
{
    snprintf(test_path, sizeof test_path, "/tmp/weft-api-at-%d", (int)getpid());
}

static weft_file *open_file(const char *mode)
{
    weft_file *file = NULL;
    ck_assert_int_eq(weft_file_open(test_path, mode, &file), 0);
    return file;
}

static weft_file *open_with(const char *text)
{
    weft_file *file = open_file("w+");
    ck_assert_int_eq(weft_file_write(file, text, strlen(text)), 0);
    return file;
}

static void expect_content(weft_file *file, const char *wanted)
{
    char buf[64];
    int64_t n = weft_file_read_at(file, 0, buf, sizeof buf);
    ck_assert_int_eq(n, strlen(wanted));
    ck_assert_int_eq(memcmp(buf, wanted, (size_t)n), 0);
}

static void end_test(weft_file *file)
{
    ck_assert_int_eq(weft_file_close(file), 0);
    unlink(test_path);
}

/* ---- positions and sizes ---------------------------------------------------------------------------- */

WT_TEST(the_position_is_moved_and_told)
{
    wt_seeds_at_most(5);
    weft_file *file = open_with("hello world");
    char buf[8];
    ck_assert_int_eq(weft_file_tell(file), 11);
    ck_assert_int_eq(weft_file_seek(file, 6, SEEK_SET), 6);
    ck_assert_int_eq(weft_file_read(file, buf, 2), 2);
    ck_assert_int_eq(memcmp(buf, "wo", 2), 0);
    ck_assert_int_eq(weft_file_seek(file, -4, SEEK_CUR), 4);
    ck_assert_int_eq(weft_file_seek(file, -1, SEEK_END), 10);
    ck_assert_int_eq(weft_file_seek(file, -1, SEEK_SET), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_seek(file, 0, 77), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_tell(file), 10);
    ck_assert_int_eq(weft_file_seek(NULL, 0, SEEK_SET), WEFT_EINVAL);
    end_test(file);
}

WT_TEST(behind_the_end_lies_a_hole)
{
    wt_seeds_at_most(5);
    weft_file *file = open_with("a");
    ck_assert_int_eq(weft_file_seek(file, 2, SEEK_END), 3);
    ck_assert_int_eq(weft_file_write(file, "b", 1), 0);
    char buf[4];
    ck_assert_int_eq(weft_file_read_at(file, 0, buf, 4), 4);
    ck_assert_int_eq(memcmp(buf, "a\0\0b", 4), 0);
    end_test(file);
}

WT_TEST(a_size_is_set_and_told)
{
    wt_seeds_at_most(5);
    struct stat about;
    weft_file *file = open_with("hello");
    ck_assert_int_eq(weft_file_truncate(file, 4), 0);
    expect_content(file, "hell");
    ck_assert_int_eq(weft_file_tell(file), 5);
    ck_assert_int_eq(weft_file_truncate(file, 100), 0);
    ck_assert_int_eq(weft_file_stat(file, &about), 0);
    ck_assert_int_eq(about.st_size, 100);
    ck_assert(S_ISREG(about.st_mode));
    ck_assert_int_eq(weft_file_truncate(file, -1), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_truncate(NULL, 0), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_stat(NULL, &about), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_sync_data(file), 0);
    end_test(file);
}

/* ---- places of one's own ------------------------------------------------------------------------------ */

WT_TEST(what_is_read_and_written_at_a_place_moves_nothing)
{
    wt_seeds_at_most(5);
    char buf[8];
    size_t n = 99;
    weft_file *file = open_with("0123456789");
    ck_assert_int_eq(weft_file_seek(file, 1, SEEK_SET), 1);
    ck_assert_int_eq(weft_file_read_at(file, 8, buf, 8), 2);
    ck_assert_int_eq(memcmp(buf, "89", 2), 0);
    ck_assert_int_eq(weft_file_read_at(file, 10, buf, 8), 0);
    ck_assert_int_eq(weft_file_write_at(file, 4, "xyz", 3, &n), 0);
    ck_assert_uint_eq(n, 3);
    ck_assert_int_eq(weft_file_tell(file), 1);
    expect_content(file, "0123xyz789");
    ck_assert_int_eq(weft_file_read_at(file, -1, buf, 8), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_write_at(file, -1, "x", 1, &n), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_write_at(file, 0, "x", 1, NULL), WEFT_EINVAL);
    end_test(file);
}

enum { N_TASKS = 8, N_BYTES = 64 };

WEFT_TASK(write_place, (weft_file *, file), (int, i))
{
    char data[N_BYTES], back[N_BYTES];
    size_t n;
    memset(data, 'a' + i, sizeof data);
    WEFT_TRY(weft_file_write_at(file, (int64_t)i * N_BYTES, data, N_BYTES, &n));
    ck_assert_int_eq(weft_file_read_at(file, (int64_t)i * N_BYTES, back, N_BYTES), N_BYTES);
    ck_assert_int_eq(memcmp(data, back, N_BYTES), 0);
    return 0;
}

static int write_places(void *arg)
{
    WEFT_SCOPE(scope);
    for (int i = 0; i < N_TASKS; i++)
        WEFT_TRY(weft_spawn(&scope, write_place, arg, i));
    return weft_scope_wait(&scope);
}

WT_TEST(many_tasks_use_places_of_their_own)
{
    weft_file *file = open_file("w+");
    ck_assert_int_eq(weft_run(write_places, file), 0);
    struct stat about;
    ck_assert_int_eq(weft_file_stat(file, &about), 0);
    ck_assert_int_eq(about.st_size, N_TASKS * N_BYTES);
    end_test(file);
}

/* ---- several parts -------------------------------------------------------------------------------------- */

#define PART(text)                                  \
    {                                               \
        (void *)(uintptr_t)(text), sizeof(text) - 1 \
    }

WT_TEST(several_parts_are_written_in_a_row)
{
    wt_seeds_at_most(5);
    const struct iovec parts[] = { PART("one "), PART(""), PART("two "), PART("three"), PART("") };
    size_t n = 99;
    weft_file *file = open_file("w+");
    ck_assert_int_eq(weft_file_write_many(file, parts, 5, &n), 0);
    ck_assert_uint_eq(n, 13);
    expect_content(file, "one two three");
    ck_assert_int_eq(weft_file_write_many(file, parts, 0, &n), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(weft_file_write_many(file, NULL, 0, &n), 0);
    ck_assert_int_eq(weft_file_write_many(file, NULL, 1, &n), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_write_many(file, parts, 1, NULL), WEFT_EINVAL);
    end_test(file);
}

WT_TEST(more_parts_than_one_call_takes)
{
    wt_seeds_at_most(3);
    enum { N_PARTS = 100 };
    struct iovec parts[N_PARTS];
    static char text[] = "ab";
    for (int i = 0; i < N_PARTS; i++)
        parts[i] = (struct iovec){ text, 2 };
    size_t n;
    weft_file *file = open_file("w+");
    ck_assert_int_eq(weft_file_write_many(file, parts, N_PARTS, &n), 0);
    ck_assert_uint_eq(n, 2 * N_PARTS);
    ck_assert_int_eq(weft_file_tell(file), 2 * N_PARTS);
    end_test(file);
}

/* ---- descriptors ----------------------------------------------------------------------------------------- */

WT_TEST(a_descriptor_becomes_a_file)
{
    wt_seeds_at_most(5);
    weft_file *file = NULL;
    int fd = open(test_path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(weft_file_adopt(fd, &file), 0);
    ck_assert_int_eq(weft_file_fd(file), fd);
    ck_assert_int_eq(weft_file_write(file, "hello", 5), 0);
    expect_content(file, "hello");
    end_test(file);
    ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
    ck_assert_int_eq(weft_file_adopt(fd, &file), -EBADF);
    ck_assert_int_eq(weft_file_adopt(fd, NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_fd(NULL), WEFT_EINVAL);
    fd = open("/tmp", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(weft_file_adopt(fd, &file), -EISDIR);
    close(fd);
}

/* ---- sending ----------------------------------------------------------------------------------------------- */

enum { MUCH = 1 << 20 };

static char received[MUCH], sent[MUCH + 5];

WEFT_TASK(receive_much, (int, fd))
{
    size_t n;
    WEFT_TRY(weft_fd_read_exact(fd, received, MUCH, &n));
    ck_assert_int_eq(memcmp(received, sent + 5, MUCH), 0);
    return 0;
}

static int send_much(void *arg)
{
    int *fds = arg;
    size_t n = 0;
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 7);
    WEFT_AUTO(weft_file, file);
    WEFT_TRY(weft_file_open(test_path, "w+", &file));
    WEFT_TRY(weft_file_write(file, sent, sizeof sent));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, receive_much, fds[1]));
    WEFT_TRY(weft_file_send_at(file, 5, fds[0], MUCH, &n));
    ck_assert_uint_eq(n, MUCH);
    WEFT_TRY(weft_scope_wait(&scope));
    ck_assert_int_eq(weft_file_send_at(file, MUCH, fds[0], 100, &n), WEFT_EEOF);
    ck_assert_uint_eq(n, 5);
    return 0;
}

WEFT_TASK(send_into_the_void, (weft_file *, file), (int, fd))
{
    size_t n = 0;
    int rc = weft_file_send_at(file, 0, fd, MUCH, &n);
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    ck_assert_uint_gt(n, 0);
    ck_assert_uint_lt(n, MUCH);
    return rc;
}

static void make_pair(int fds[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
}

WT_TEST(a_file_is_sent_to_a_socket_that_takes_little)
{
    wt_seeds_at_most(2);
    int fds[2];
    make_pair(fds);
    ck_assert_int_eq(weft_run(send_much, fds), 0);
    close(fds[0]);
    close(fds[1]);
    unlink(test_path);
}

static bool has_come(void *fd)
{
    int n = 0;
    return ioctl(*(int *)fd, FIONREAD, &n) == 0 && n > 0;
}

WT_TEST(a_cancel_ends_a_sending_that_goes_nowhere)
{
    wt_seeds_at_most(5);
    int fds[2];
    size_t n;
    make_pair(fds);
    weft_file *file = open_file("w+");
    ck_assert_int_eq(weft_file_truncate(file, MUCH), 0);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, send_into_the_void, file, fds[0]), 0);
        wt_until(has_come, &fds[1]);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_int_eq(weft_file_send_at(file, -1, fds[0], 1, &n), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_send_at(file, 0, -1, 1, &n), -EBADF);
    ck_assert_int_eq(weft_file_send_at(file, 0, fds[0], 1, NULL), WEFT_EINVAL);
    close(fds[0]);
    close(fds[1]);
    end_test(file);
}

WT_MAIN("file_at")
