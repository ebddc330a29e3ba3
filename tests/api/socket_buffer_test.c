/* SPDX-License-Identifier: MIT
 * Buffered readers and writers. */
#include "wt_test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft.h>

#define OK(call) ck_assert_int_eq((call), 0)

struct ends {
    weft_socket *here, *there;
};

static struct ends open_pair(void)
{
    int fds[2];
    struct ends pair;
    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    OK(weft_socket_adopt(fds[0], &pair.here));
    OK(weft_socket_adopt(fds[1], &pair.there));
    return pair;
}

static void close_pair(struct ends pair)
{
    OK(weft_socket_close(pair.here));
    OK(weft_socket_close(pair.there));
}

static void put(weft_socket *to, const char *text)
{
    size_t n;
    OK(weft_socket_write_all(to, text, strlen(text), &n));
}

static void expect_line(weft_reader *in, const char *text)
{
    weft_line line;
    ck_assert_int_eq(weft_reader_line(in, &line), 1);
    ck_assert_uint_eq(line.size, strlen(text));
    ck_assert_int_eq(memcmp(line.data, text, line.size), 0);
}

WEFT_TASK(write_slowly, (weft_socket *, to), (const char *, text))
{
    for (; *text != '\0'; text++) {
        size_t n;
        WEFT_TRY(weft_socket_write_all(to, text, 1, &n));
        WEFT_TRY(weft_pause());
    }
    return weft_socket_shutdown(to, WEFT_WRITABLE);
}

WT_TEST(lines_are_cut_wherever_the_blocks_end)
{
    wt_seeds_at_most(30);
    struct ends pair = open_pair();
    weft_reader_opts opts = { .size_ = sizeof opts, .block_size = 3 };
    weft_line line;
    {
        WEFT_SCOPE(scope);
        WEFT_AUTO(weft_reader, in);
        OK(weft_reader_open(pair.here, &opts, &in));
        OK(weft_spawn(&scope, write_slowly, pair.there, "one\r\ntwo\n\n\rx\r\r\nlast"));
        expect_line(in, "one");
        expect_line(in, "two");
        expect_line(in, "");
        expect_line(in, "\rx\r");
        expect_line(in, "last");
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(weft_reader_line(in, &line), 0);
        OK(weft_scope_wait(&scope));
    }
    close_pair(pair);
}

WT_TEST(ends_are_kept_and_lines_have_a_limit)
{
    struct ends pair = open_pair();
    weft_reader_opts opts = {
        .size_ = sizeof opts, .max_line = 4, .block_size = 2, .keep_ends = true
    };
    WEFT_AUTO(weft_reader, in);
    weft_line line;
    OK(weft_reader_open(pair.here, &opts, &in));
    put(pair.there, "1234\r\n123\n12345\nafter\n");
    expect_line(in, "1234\r\n");
    expect_line(in, "123\n");
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(weft_reader_line(in, &line), WEFT_ELINE);
    close_pair(pair);
}

WT_TEST(pieces_of_all_kinds)
{
    struct ends pair = open_pair();
    WEFT_AUTO(weft_reader, in);
    weft_line piece;
    char buf[32];
    size_t n;
    OK(weft_reader_open(pair.here, NULL, &in));
    put(pair.there, "head: x\r\n\r\nbody+tail\nrest");
    OK(weft_socket_shutdown(pair.there, WEFT_WRITABLE));
    ck_assert_int_eq(weft_reader_until(in, "\r\n\r\n", 4, &piece), 1);
    ck_assert_uint_eq(piece.size, 7);
    OK(weft_reader_exact(in, buf, 4, &n));
    ck_assert_int_eq(memcmp(buf, "body", 4), 0);
    ck_assert_int_eq((int)weft_reader_read(in, buf, 1), 1);
    expect_line(in, "tail");
    ck_assert_int_eq(weft_reader_until(in, "+", 1, &piece), WEFT_EEOF);
    ck_assert_int_eq((int)weft_reader_read(in, buf, sizeof buf), 4);
    ck_assert_int_eq((int)weft_reader_read(in, buf, sizeof buf), 0);
    ck_assert_int_eq(weft_reader_exact(in, buf, 1, &n), WEFT_EEOF);
    ck_assert_int_eq(weft_reader_until(in, "+", 1, &piece), 0);
    ck_assert_int_eq(weft_reader_until(in, "+", 0, &piece), WEFT_EINVAL);
    ck_assert_int_eq((int)weft_reader_read(in, buf, 0), WEFT_EINVAL);
    close_pair(pair);
}

WT_TEST(a_cancel_loses_nothing_and_an_error_stays)
{
    struct ends pair = open_pair();
    WEFT_AUTO(weft_reader, in);
    weft_line line;
    OK(weft_reader_open(pair.here, NULL, &in));
    put(pair.there, "half");
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
        ck_assert_int_eq(weft_reader_line(in, &line), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    put(pair.there, " and half\nmore");
    expect_line(in, "half and half");
    /* Unread data at a close is a reset to the other side. */
    put(pair.here, "unread");
    OK(weft_socket_close(pair.there));
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(weft_reader_line(in, &line), -ECONNRESET);
    OK(weft_socket_close(pair.here));
}

WT_TEST(small_writes_are_gathered)
{
    struct ends pair = open_pair();
    weft_writer *out;
    char buf[64];
    size_t n;
    OK(weft_writer_open(pair.here, 8, &out));
    OK(weft_writer_write(out, "abc", 3, &n));
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
        ck_assert_int_eq((int)weft_socket_read(pair.there, buf, sizeof buf), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    OK(weft_writer_write(out, "defghi", 6, &n)); /* full after the fifth */
    OK(weft_socket_read_exact(pair.there, buf, 8, &n));
    OK(weft_writer_flush(out));
    OK(weft_socket_read_exact(pair.there, buf, 1, &n));
    OK(weft_writer_write(out, "0123456789", 10, &n)); /* past the buffer */
    OK(weft_socket_read_exact(pair.there, buf, 10, &n));
    OK(weft_writer_write(out, "end", 3, &n));
    OK(weft_writer_close(out));
    OK(weft_socket_read_exact(pair.there, buf, 3, &n));
    ck_assert_int_eq(memcmp(buf, "end", 3), 0);
    close_pair(pair);
}

WT_TEST(a_writer_that_is_cancelled_goes_on_later)
{
    wt_seeds_at_most(5);
    static char big[1 << 20];
    struct ends pair = open_pair();
    WEFT_AUTO(weft_writer, out);
    size_t n;
    OK(weft_writer_open(pair.here, sizeof big, &out));
    OK(weft_writer_write(out, big, sizeof big - 1, &n));
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
        ck_assert_int_eq(weft_writer_flush(out), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    OK(weft_socket_close(pair.there));
    for (int i = 0; i < 2; i++) /* an error stays */
        ck_assert_int_eq(weft_writer_flush(out), -EPIPE);
    ck_assert_int_eq(weft_writer_write(out, "x", 1, &n), -EPIPE);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(weft_close_with(out, 0), -EPIPE);
    OK(weft_socket_close(pair.here));
}

WEFT_TASK(write_lines, (int, fd), (int, n_lines))
{
    WEFT_AUTO(weft_writer, out);
    size_t n;
    WEFT_TRY(weft_writer_open_fd(fd, 16, &out));
    for (int i = 0; i < n_lines; i++)
        WEFT_TRY(weft_writer_write(out, "a line\n", 7, &n));
    return weft_close_with(out, 0);
}

WT_TEST(descriptors_that_do_not_block_too)
{
    wt_seeds_at_most(10);
    int fds[2];
    weft_line line;
    weft_reader *none;
    weft_writer *no_writer;
    OK(pipe2(fds, O_CLOEXEC));
    ck_assert_int_eq(weft_reader_open_fd(fds[0], NULL, &none), WEFT_EINVAL);
    ck_assert_int_eq(weft_writer_open_fd(-1, 0, &no_writer), WEFT_EINVAL);
    OK(fcntl(fds[0], F_SETFL, O_NONBLOCK));
    OK(fcntl(fds[1], F_SETFL, O_NONBLOCK));
    {
        WEFT_SCOPE(scope);
        WEFT_AUTO(weft_reader, in);
        OK(weft_reader_open_fd(fds[0], NULL, &in));
        OK(weft_spawn(&scope, write_lines, fds[1], 20));
        for (int i = 0; i < 20; i++)
            expect_line(in, "a line");
        OK(weft_scope_wait(&scope));
        OK(weft_fd_close(fds[1]));
        ck_assert_int_eq(weft_reader_line(in, &line), 0);
    }
    OK(weft_fd_close(fds[0]));
    OK(weft_reader_close(NULL));
    OK(weft_writer_close(NULL));
}

WT_MAIN("socket_buffer")
