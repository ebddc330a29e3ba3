/* SPDX-License-Identifier: MIT
 * Lines of a named pipe: nothing may come for long, and a cancel has to end that wait. */
#include "wt_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft.h>

static char test_path[64];

static void make_fifo(void)
{
    snprintf(test_path, sizeof test_path, "/tmp/weft-api-pipe-%d", (int)getpid());
    unlink(test_path);
    ck_assert_int_eq(mkfifo(test_path, 0600), 0);
}

static int open_writer(void)
{
    int fd = open(test_path, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    ck_assert_int_ge(fd, 0);
    return fd;
}

WEFT_TASK(write_and_leave, (int, fd))
{
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(write(fd, "one line\nand ", 13), 13);
        WEFT_TRY(weft_pause());
    }
    close(fd);
    return 0;
}

WT_TEST(a_pipe_gives_lines_until_its_writer_leaves)
{
    wt_seeds_at_most(20);
    make_fifo();
    {
        int n = 0;
        WEFT_SCOPE(scope);
        WEFT_RX(weft_line, lines);
        ck_assert_int_eq(weft_lines(test_path, NULL, &lines), 0);
        ck_assert_int_eq(weft_spawn(&scope, write_and_leave, open_writer()), 0);
        weft_each (line, lines) {
            const char *wanted = ++n == 1 ? "one line" : n < 4 ? "and one line" : "and ";
            ck_assert_uint_eq(line.size, strlen(wanted));
            ck_assert_int_eq(memcmp(line.data, wanted, line.size), 0);
        }
        ck_assert_int_eq(weft_error(lines), 0);
        ck_assert_int_eq(n, 4);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    unlink(test_path);
}

WEFT_TASK(read_silent_pipe, (weft_rx(weft_line), lines))
{
    weft_line line;
    int rc = weft_recv(lines, &line);
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    return rc;
}

/* With a writer that says nothing, and before any has come. The lines go on afterwards. */
static void cancel_a_read(bool has_writer)
{
    wt_seeds_at_most(20);
    make_fifo();
    {
        WEFT_RX(weft_line, lines);
        ck_assert_int_eq(weft_lines(test_path, NULL, &lines), 0);
        int fd = has_writer ? open_writer() : -1;
        {
            WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(2));
            ck_assert_int_eq(weft_spawn(&scope, read_silent_pipe, lines), 0);
            ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
        }
        fd = has_writer ? fd : open_writer();
        ck_assert_int_eq(write(fd, "late\n", 5), 5);
        weft_line line;
        ck_assert_int_eq(weft_recv(lines, &line), 1);
        ck_assert_uint_eq(line.size, 4);
        close(fd);
        ck_assert_int_eq(weft_recv(lines, &line), 0);
    }
    unlink(test_path);
}

WT_TEST(a_cancel_ends_the_wait_for_a_silent_writer) { cancel_a_read(true); }
WT_TEST(a_cancel_ends_the_wait_for_any_writer) { cancel_a_read(false); }

/* A line needs no count of what was read: the beginning stays in the reader. */
WT_TEST(a_cancel_keeps_the_beginning_of_a_line)
{
    wt_seeds_at_most(20);
    make_fifo();
    {
        WEFT_RX(weft_line, lines);
        ck_assert_int_eq(weft_lines(test_path, NULL, &lines), 0);
        int fd = open_writer();
        ck_assert_int_eq(write(fd, "begin", 5), 5);
        {
            WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(2));
            ck_assert_int_eq(weft_spawn(&scope, read_silent_pipe, lines), 0);
            ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
        }
        ck_assert_int_eq(write(fd, "ning\n", 5), 5);
        weft_line line;
        ck_assert_int_eq(weft_recv(lines, &line), 1);
        ck_assert_uint_eq(line.size, 9);
        ck_assert_int_eq(memcmp(line.data, "beginning", 9), 0);
        close(fd);
        ck_assert_int_eq(weft_recv(lines, &line), 0);
    }
    unlink(test_path);
}

WT_TEST(what_has_no_readiness_is_read_as_it_is)
{
    weft_line line;
    WEFT_RX(weft_line, nothing);
    ck_assert_int_eq(weft_lines("/dev/null", NULL, &nothing), 0);
    ck_assert_int_eq(weft_recv(nothing, &line), 0);
    WEFT_RX(weft_line, zeros);
    ck_assert_int_eq(weft_lines("/dev/zero", NULL, &zeros), 0);
    ck_assert_int_eq(weft_recv(zeros, &line), WEFT_ELINE);
}

WT_MAIN("line_pipe")
