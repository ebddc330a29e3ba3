/* SPDX-License-Identifier: MIT
 * Lines of real files. */
#include "wt_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>

static char test_path[64];

/* Before there are threads; each run of the binary has its own. */
__attribute__((constructor)) static void make_path(void)
{
    snprintf(test_path, sizeof test_path, "/tmp/weft-api-lines-%d", (int)getpid());
}

static void make_file(unsigned n_lines)
{
    FILE *file = fopen(test_path, "we");
    ck_assert_ptr_nonnull(file);
    for (unsigned i = 0; i < n_lines; i++)
        fprintf(file, "line %u%s\n", i, i % 3 == 0 ? "\r" : "");
    fclose(file);
}

static void check_line(weft_line line, unsigned i)
{
    char wanted[32];
    int size = snprintf(wanted, sizeof wanted, "line %u", i);
    ck_assert_uint_eq(line.size, (size_t)size);
    ck_assert_int_eq(memcmp(line.data, wanted, line.size), 0);
}

WT_TEST(all_lines_come_in_order)
{
    wt_seeds_at_most(3);
    unsigned n = wt_scaled(100000), i = 0;
    make_file(n);
    WEFT_RX(weft_line, lines);
    ck_assert_int_eq(weft_lines(test_path, NULL, &lines), 0);
    weft_each (line, lines)
        check_line(line, i++);
    ck_assert_int_eq(weft_error(lines), 0);
    ck_assert_uint_eq(i, n);
    unlink(test_path);
}

/* ---- lines through combinators --------------------------------------------------------------- */

WT_TEST(taken_lines_last_until_the_next_receive)
{
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, three);
    unsigned i = 0;
    make_file(10);
    ck_assert_int_eq(weft_lines(test_path, WEFT_OPTS(lines, .block_size = 16), &lines), 0);
    ck_assert_int_eq(weft_take(WEFT_MOVE(lines), 3, &three), 0);
    weft_each (line, three)
        check_line(line, i++);
    ck_assert_uint_eq(i, 3);
    unlink(test_path);
}

WEFT_FILTER(every_line, weft_line, line) { return line.size > 0; }

WEFT_GENERATOR(pass_on, weft_rx(weft_line), (rx, weft_line, lines), (bool *, has_ended))
{
    int rc = 0;
    weft_each (line, lines)
        if (rc >= 0)
            rc = weft_yield(line);
    *has_ended = true;
    return rc;
}

/* The generator's lines are those of its source, which goes with it. */
WT_TEST(a_generator_lends_lines_on)
{
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, passed);
    WEFT_RX(weft_line, some);
    WEFT_RX(weft_line, two);
    bool has_ended = false;
    weft_line line;
    make_file(10);
    ck_assert_int_eq(weft_lines(test_path, NULL, &lines), 0);
    ck_assert_int_eq(pass_on(WEFT_MOVE(lines), &has_ended, &passed), 0);
    ck_assert_int_eq(every_line(WEFT_MOVE(passed), &some), 0);
    ck_assert_int_eq(weft_take(WEFT_MOVE(some), 2, &two), 0);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(weft_recv(two, &line), 1);
        ck_assert(!has_ended);
        check_line(line, i);
    }
    ck_assert_int_eq(weft_recv(two, &line), 0);
    ck_assert(has_ended);
    ck_assert_int_eq(weft_recv(two, &line), 0);
    unlink(test_path);
}

/* ---- the rest -------------------------------------------------------------------------------- */

WEFT_TASK(count_task, (int *, out_n))
{
    WEFT_RX(weft_line, lines);
    WEFT_TRY(weft_lines(test_path, WEFT_OPTS(lines, .block_size = 100), &lines));
    weft_each (line, lines)
        ++*out_n;
    return weft_error(lines);
}

WT_TEST(several_tasks_read_one_file)
{
    wt_seeds_at_most(10);
    int n[4] = { 0 };
    make_file(200);
    WEFT_SCOPE(scope);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(weft_spawn(&scope, count_task, &n[i]), 0);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(n[i], 200);
    unlink(test_path);
}

WT_TEST(what_cannot_be_opened_is_reported)
{
    WEFT_RX(weft_line, lines);
    ck_assert_int_eq(weft_lines("/no/such/file", NULL, &lines), -ENOENT);
    ck_assert_int_eq(weft_lines("/tmp", NULL, &lines), -EISDIR);
    ck_assert_int_eq(weft_lines(NULL, NULL, &lines), WEFT_EINVAL);
    ck_assert(lines == NULL);
}

WT_TEST(leaving_early_closes_the_file)
{
    make_file(1000);
    WEFT_RX(weft_line, lines);
    weft_line line;
    ck_assert_int_eq(weft_lines(test_path, NULL, &lines), 0);
    ck_assert_int_eq(weft_recv(lines, &line), 1);
    ck_assert_int_eq(weft_close(lines), 0);
    ck_assert_int_eq(weft_recv(lines, &line), WEFT_ECLOSED);
    unlink(test_path);
}

WT_TEST(a_file_cut_short_just_ends)
{
    make_file(1000);
    WEFT_RX(weft_line, lines);
    weft_line line;
    unsigned n = 0;
    ck_assert_int_eq(weft_lines(test_path, WEFT_OPTS(lines, .block_size = 64), &lines), 0);
    for (; n < 10; n++)
        ck_assert_int_eq(weft_recv(lines, &line), 1);
    ck_assert_int_eq(truncate(test_path, 30), 0);
    while (weft_recv(lines, &line) > 0)
        n++;
    ck_assert_int_eq(weft_error(lines), 0);
    ck_assert_uint_lt(n, 1000);
    unlink(test_path);
}

WT_TEST(select_and_try_refuse_what_waits_inside)
{
    make_file(1);
    WEFT_RX(weft_line, lines);
    weft_line line;
    ck_assert_int_eq(weft_lines(test_path, NULL, &lines), 0);
    ck_assert_int_eq(weft_try_recv(lines, &line), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_recv(lines, &line), 1);
    unlink(test_path);
}

WT_TEST(a_cancelled_reader_may_go_on_outside)
{
    make_file(100);
    WEFT_RX(weft_line, lines);
    weft_line line;
    unsigned n = 0;
    ck_assert_int_eq(weft_lines(test_path, WEFT_OPTS(lines, .block_size = 64), &lines), 0);
    {
        WEFT_SCOPE(scope);
        for (; n < 10; n++)
            ck_assert_int_eq(weft_recv(lines, &line), 1);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_recv(lines, &line), WEFT_ECANCELED);
    }
    while (weft_recv(lines, &line) > 0)
        check_line(line, n++);
    ck_assert_uint_eq(n, 100);
    unlink(test_path);
}

WT_TEST(a_huge_line_is_refused)
{
    wt_seeds_at_most(1);
    int fd = open(test_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_eq(ftruncate(fd, 100 << 20), 0); /* 100 MiB of 0 bytes, none on the disk */
    close(fd);
    WEFT_RX(weft_line, lines);
    weft_line line;
    ck_assert_int_eq(weft_lines(test_path, NULL, &lines), 0);
    ck_assert_int_eq(weft_recv(lines, &line), WEFT_ELINE);
    ck_assert_int_eq(weft_recv(lines, &line), 0);
    unlink(test_path);
}

WEFT_TASK(keep_lines, (tx, weft_text, texts))
{
    WEFT_RX(weft_line, lines);
    WEFT_TRY(weft_lines(test_path, WEFT_OPTS(lines, .block_size = 50), &lines));
    weft_each (line, lines) {
        weft_text text;
        WEFT_TRY(weft_text_copy(line, &text));
        int rc = weft_send(texts, text);
        if (rc < 0) {
            weft_text_drop(&text);
            return rc;
        }
    }
    return weft_error(lines);
}

WT_TEST(texts_go_through_a_channel)
{
    wt_seeds_at_most(20);
    make_file(50);
    unsigned n = 0;
    {
        WEFT_SCOPE(scope);
        WEFT_TX(weft_text, tx);
        WEFT_RX(weft_text, rx);
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 4, .drop = weft_text_drop), 0);
        ck_assert_int_eq(weft_spawn(&scope, keep_lines, WEFT_MOVE(tx)), 0);
        weft_each (text, rx) {
            check_line((weft_line){ text.data, text.size }, n++);
            weft_text_drop(&text);
            if (n == 40)
                break; /* what is left in the channel is dropped */
        }
        WEFT_DROP(rx);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_uint_eq(n, 40);
    unlink(test_path);
}

WT_MAIN("lines")
