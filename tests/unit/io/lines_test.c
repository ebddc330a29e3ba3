/* SPDX-License-Identifier: MIT
 * Cutting lines: block edges at every offset, limits, short reads, failures. */
#include "../fail_nth.h"
#include "blocking/pool.h"
#include "plat/clock.h"
#include "plat/mem.h"
#include "wt_lines.h"
#include "wt_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>

/* ---- a file that is made up ------------------------------------------------------------------------- */

static struct {
    const char *data;
    size_t size, at;
    size_t at_most;      /* bytes in one read; 0: what is asked for */
    bool is_interrupted; /* every second read is -EINTR */
    int error;           /* instead of the end */
    unsigned n_reads;
} fake;

static ssize_t fake_read(int fd, void *buf, size_t size)
{
    (void)fd;
    if (fake.is_interrupted && fake.n_reads++ % 2 == 0)
        return -EINTR;
    size_t n = WF_MIN(size, fake.size - fake.at);
    if (fake.at_most > 0)
        n = WF_MIN(n, fake.at_most);
    if (n == 0 && size > 0 && fake.error != 0)
        return fake.error;
    memcpy(buf, fake.data + fake.at, n);
    fake.at += n;
    return (ssize_t)n;
}

static void use_fake(const char *data, size_t size)
{
    memset(&fake, 0, sizeof fake);
    fake.data = data;
    fake.size = size;
    wf_sys.read = fake_read;
}

static char test_path[64];

/* Before there are threads; each run of the binary has its own. */
__attribute__((constructor)) static void make_path(void)
{
    snprintf(test_path, sizeof test_path, "/tmp/weft-lines-%d", (int)getpid());
}

/* Any regular file will do to be opened. */
static const char *some_path(void)
{
    int fd = open(test_path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    return test_path;
}

static void done(void)
{
    wf_sys = wf_sys_real;
    unlink(test_path);
}

static int read_fake(const weft_lines_opts *opts, char *out, size_t room)
{
    WEFT_RX(weft_line, lines);
    ck_assert_int_eq(weft_lines(some_path(), opts, &lines), 0);
    return wt_join_lines(lines, out, room);
}

static void expect(const char *data, size_t block_size, bool keep_ends, const char *wanted)
{
    char got[512];
    use_fake(data, strlen(data));
    int rc = read_fake(WEFT_OPTS(lines, .block_size = block_size, .keep_ends = keep_ends), got,
                       sizeof got);
    ck_assert_int_eq(rc, 0);
    ck_assert_msg(strcmp(got, wanted) == 0, "block %zu: '%s' gave %s", block_size, data, got);
}

/* ---- cutting ------------------------------------------------------------------------------------------- */

WT_TEST(block_edges_at_every_offset)
{
    wt_seeds_at_most(2);
    for (size_t block = 1; block <= 24; block++) {
        expect("", block, false, "");
        expect("\n", block, false, "[]");
        expect("\r\n", block, false, "[]");
        expect("a", block, false, "[a]");
        expect("one\ntwo\nthree\n", block, false, "[one][two][three]");
        expect("one\ntwo\n\n\nthree", block, false, "[one][two][][][three]");
        expect("one\r\ntwo\r\n\r\nthree\r\n", block, false, "[one][two][][three]");
        expect("one\r\ntwo\r\n\r\nthree\r\n", block, true, "[one\r\n][two\r\n][\r\n][three\r\n]");
        expect("a\rb\nc\r", block, false, "[a\rb][c\r]");
        expect("\r\r\n\n", block, false, "[\r][]");
        expect("a line that is longer than any block\nx\n", block, false,
               "[a line that is longer than any block][x]");
    }
    done();
}

static void expect_universal(const char *data, size_t block_size, bool keep_ends,
                             const char *wanted)
{
    char got[512];
    use_fake(data, strlen(data));
    int rc = read_fake(WEFT_OPTS(lines, .block_size = block_size, .keep_ends = keep_ends,
                                 .max_line = 6, .universal = true),
                       got, sizeof got);
    ck_assert_int_eq(rc, 0);
    ck_assert_msg(strcmp(got, wanted) == 0, "block %zu: '%s' gave %s", block_size, data, got);
}

WT_TEST(universal_ends_at_every_offset)
{
    wt_seeds_at_most(2);
    for (size_t block = 1; block <= 16; block++) {
        expect_universal("", block, false, "");
        expect_universal("\r", block, false, "[]");
        expect_universal("a\rb\nc\r\nd", block, false, "[a][b][c][d]");
        expect_universal("a\rb\nc\r\nd", block, true, "[a\r][b\n][c\r\n][d]");
        expect_universal("\r\r\n\n\r", block, true, "[\r][\r\n][\n][\r]");
        expect_universal("123456\r123456\r\n123456", block, false, "[123456][123456][123456]");
        expect_universal("last\r", block, false, "[last]");
    }
    char got[64];
    use_fake("1\r1234567\rx", 11);
    ck_assert_int_eq(read_fake(WEFT_OPTS(lines, .max_line = 6, .universal = true), got, sizeof got),
                     WEFT_ELINE);
    ck_assert_str_eq(got, "[1]");
    done();
}

WT_TEST(short_and_interrupted_reads)
{
    wt_seeds_at_most(2);
    for (size_t at_most = 1; at_most < 9; at_most++) {
        char got[128];
        const char *data = "alpha\r\nbeta\n\ngamma";
        use_fake(data, strlen(data));
        fake.at_most = at_most;
        fake.is_interrupted = true;
        ck_assert_int_eq(read_fake(NULL, got, sizeof got), 0);
        ck_assert_str_eq(got, "[alpha][beta][][gamma]");
    }
    done();
}

WT_TEST(bytes_of_zero_are_like_others)
{
    use_fake("a\0b\n\0\n", 6);
    WEFT_RX(weft_line, lines);
    weft_line line;
    ck_assert_int_eq(weft_lines(some_path(), NULL, &lines), 0);
    ck_assert_int_eq(weft_recv(lines, &line), 1);
    ck_assert_uint_eq(line.size, 3);
    ck_assert_int_eq(memcmp(line.data, "a\0b", 3), 0);
    ck_assert_int_eq(weft_recv(lines, &line), 1);
    ck_assert_uint_eq(line.size, 1);
    ck_assert_int_eq(weft_recv(lines, &line), 0);
    ck_assert_int_eq(weft_recv(lines, &line), 0);
    done();
}

/* ---- the limit ---------------------------------------------------------------------------------------- */

static void expect_limited(const char *data, size_t block, const char *wanted, int wanted_rc)
{
    char got[128];
    use_fake(data, strlen(data));
    int rc = read_fake(WEFT_OPTS(lines, .block_size = block, .max_line = 4), got, sizeof got);
    ck_assert_msg(rc == wanted_rc && strcmp(got, wanted) == 0, "block %zu: '%s' gave %s, %d", block,
                  data, got, rc);
}

WT_TEST(the_limit_does_not_depend_on_blocks)
{
    wt_seeds_at_most(2);
    for (size_t block = 1; block <= 16; block++) {
        expect_limited("1234\n1234\r\n1234", block, "[1234][1234][1234]", 0);
        expect_limited("a\n12345\nb\n", block, "[a]", WEFT_ELINE);
        expect_limited("12345\r\nb\n", block, "", WEFT_ELINE);
        expect_limited("1234\rx\n", block, "", WEFT_ELINE);
        expect_limited("12345", block, "", WEFT_ELINE);
        expect_limited("1234\r", block, "", WEFT_ELINE);
    }
    done();
}

WT_TEST(after_a_line_that_is_too_long_comes_the_end)
{
    use_fake("123456\na\n", 9);
    WEFT_RX(weft_line, lines);
    weft_line line;
    ck_assert_int_eq(weft_lines(some_path(), WEFT_OPTS(lines, .max_line = 5), &lines), 0);
    ck_assert_int_eq(weft_recv(lines, &line), WEFT_ELINE);
    ck_assert_int_eq(weft_error(lines), WEFT_ELINE);
    ck_assert_int_eq(weft_recv(lines, &line), 0);
    ck_assert_int_eq(weft_recv(lines, &line), 0);
    done();
}

static _Atomic size_t most_memory;

static void *watched_realloc(void *old, size_t size)
{
    if (size > atomic_load(&most_memory))
        atomic_store(&most_memory, size);
    return wf_sys_real.realloc(old, size);
}

static ssize_t endless_read(int fd, void *buf, size_t size)
{
    (void)fd;
    memset(buf, 'x', size);
    fake.at += size;
    return (ssize_t)size;
}

WT_TEST(an_endless_line_takes_bounded_memory)
{
    wt_seeds_at_most(2);
    const size_t limit = 1 << 20, block = 64 << 10;
    use_fake(NULL, 0);
    atomic_store(&most_memory, 0);
    wf_sys.read = endless_read;
    wf_sys.realloc = watched_realloc;
    char got[16];
    ck_assert_int_eq(read_fake(WEFT_OPTS(lines, .block_size = block), got, sizeof got), WEFT_ELINE);
    ck_assert_uint_le(atomic_load(&most_memory), limit + block + 32);
    ck_assert_uint_le(fake.at, limit + 2 * block);
    done();
}

/* ---- batches ------------------------------------------------------------------------------------------- */

WT_TEST(a_batch_is_of_one_block)
{
    const char *data = "a\nb\nc\nd\ne";
    use_fake(data, strlen(data));
    WEFT_RX(weft_line, lines);
    weft_line batch[10];
    ck_assert_int_eq(weft_lines(some_path(), WEFT_OPTS(lines, .block_size = 6), &lines), 0);
    ck_assert_int_eq(weft_recv_many(lines, batch, 2), 2);
    ck_assert(batch[0].data[0] == 'a' && batch[1].data[0] == 'b');
    ck_assert_int_eq(weft_recv_many(lines, batch, 10), 1);
    ck_assert_int_eq(batch[0].data[0], 'c');
    ck_assert_int_eq(weft_recv_many(lines, batch, 10), 1);
    ck_assert_int_eq(batch[0].data[0], 'd');
    ck_assert_int_eq(weft_recv_many(lines, batch, 10), 1);
    ck_assert_int_eq(batch[0].data[0], 'e');
    ck_assert_int_eq(weft_recv_many(lines, batch, 10), 0);
    done();
}

/* Also where the rest of the block could hold one that is too long. */
WT_TEST(a_batch_of_short_lines_is_all_of_the_block)
{
    use_fake("a\nb\nc\nd\n", 8);
    WEFT_RX(weft_line, lines);
    weft_line batch[10];
    ck_assert_int_eq(weft_lines(some_path(), WEFT_OPTS(lines, .max_line = 2), &lines), 0);
    ck_assert_int_eq(weft_recv_many(lines, batch, 10), 4);
    ck_assert_int_eq(batch[3].data[0], 'd');
    ck_assert_int_eq(weft_recv_many(lines, batch, 10), 0);
    done();
}

WT_TEST(a_batch_loses_no_error)
{
    use_fake("a\nb\n123456\n", 11);
    WEFT_RX(weft_line, lines);
    weft_line batch[10];
    ck_assert_int_eq(weft_lines(some_path(), WEFT_OPTS(lines, .max_line = 5), &lines), 0);
    int n = 0, rc;
    while ((rc = weft_recv_many(lines, batch, 10)) > 0)
        n += rc;
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(rc, WEFT_ELINE);
    ck_assert_int_eq(weft_recv_many(lines, batch, 10), 0);
    done();
}

/* ---- trouble ------------------------------------------------------------------------------------------- */

WT_TEST(a_read_error_is_told_once)
{
    use_fake("a\nbc", 4);
    fake.error = -EIO;
    WEFT_RX(weft_line, lines);
    weft_line line;
    ck_assert_int_eq(weft_lines(some_path(), NULL, &lines), 0);
    ck_assert_int_eq(weft_recv(lines, &line), 1);
    ck_assert_int_eq(weft_recv(lines, &line), -EIO);
    ck_assert_int_eq(weft_error(lines), -EIO);
    ck_assert_int_eq(weft_recv(lines, &line), 0);
    done();
}

static void *no_more_room(void *old, size_t size)
{
    return old != NULL ? NULL : wf_sys_real.realloc(old, size);
}

WT_TEST(without_memory_for_a_long_line_it_may_be_tried_again)
{
    use_fake("a longer line\n", 14);
    WEFT_RX(weft_line, lines);
    weft_line line;
    ck_assert_int_eq(weft_lines(some_path(), WEFT_OPTS(lines, .block_size = 4), &lines), 0);
    wf_sys.realloc = no_more_room;
    ck_assert_int_eq(weft_recv(lines, &line), WEFT_ENOMEM);
    wf_sys.realloc = wf_sys_real.realloc;
    ck_assert_int_eq(weft_recv(lines, &line), 1);
    ck_assert_uint_eq(line.size, 13);
    done();
}

static const int passing[] = { WEFT_ECANCELED, WEFT_EBUSY, WEFT_EAGAIN, WEFT_ENOMEM };

/* Half a line, then a code, then the other half, for each code; then the end. */
static int64_t read_half_a_line(void *arg, void *buf, size_t size)
{
    unsigned turn = (*(unsigned *)arg)++;
    ck_assert_uint_ge(size, 4);
    if (turn / 3 == WF_ARRAY_SIZE(passing))
        return 0;
    if (turn % 3 == 1)
        return passing[turn / 3];
    memcpy(buf, turn % 3 == 0 ? "half" : "all\n", 4);
    return 4;
}

WT_TEST(what_passes_ends_no_lines_and_loses_none)
{
    WEFT_RX(weft_line, lines);
    weft_line line;
    unsigned turn = 0;
    ck_assert_int_eq(
        weft_lines_read_by(read_half_a_line, &turn, NULL, WEFT_RX_SLOT_(weft_line, &lines)), 0);
    for (size_t i = 0; i < WF_ARRAY_SIZE(passing); i++) {
        ck_assert_int_eq(weft_recv(lines, &line), passing[i]);
        ck_assert_int_eq(weft_recv(lines, &line), 1);
        ck_assert_uint_eq(line.size, 7);
        ck_assert_int_eq(memcmp(line.data, "halfall", 7), 0);
    }
    ck_assert_int_eq(weft_recv(lines, &line), 0);
}

static int count_lines(void *path)
{
    WEFT_RX(weft_line, lines);
    WEFT_TRY(weft_lines(path, WEFT_OPTS(lines, .block_size = 4), &lines));
    int n = 0;
    weft_each (line, lines)
        n++;
    int rc = weft_error(lines);
    if (rc == 0)
        ck_assert_int_eq(n, 3);
    int closed = weft_close(lines);
    return rc < 0 ? rc : closed;
}

static void stop_pool(void) { wf_pool_stop(wf_clock_after(WEFT_SEC(5))); }

WT_TEST(each_call_that_fails_is_reported)
{
    wt_seeds_at_most(3);
    const char *path = some_path();
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(write(fd, "a\nsomething longer\nc", 20), 20);
    close(fd);
    ck_assert_uint_gt(fail_each(count_lines, (void *)(uintptr_t)path, stop_pool), 8);
    done();
}

WT_MAIN("lines")
