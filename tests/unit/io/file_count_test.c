/* SPDX-License-Identifier: MIT
 * How many bytes were moved, told on every way out of weft_file_read_exact and _write_all. */
#include "blocking/pool.h"
#include "plat/clock.h"
#include "plat/sys.h"
#include "wt_test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>

enum { UNTOUCHED = 99, MOST_BYTES = 8 };

static char test_path[64];

/* Before there are threads; each run of the binary has its own. */
__attribute__((constructor)) static void make_path(void)
{
    snprintf(test_path, sizeof test_path, "/tmp/weft-file-count-%d", (int)getpid());
}

static void put(const char *text)
{
    WEFT_AUTO(weft_file, file);
    ck_assert_int_eq(weft_file_open(test_path, "w", &file), 0);
    ck_assert_int_eq(weft_file_write(file, text, strlen(text)), 0);
    ck_assert_int_eq(weft_close_with(file, 0), 0);
}

static void expect_content(const char *wanted)
{
    WEFT_AUTO(weft_file, file);
    char *data;
    size_t size;
    ck_assert_int_eq(weft_file_open(test_path, "r", &file), 0);
    ck_assert_int_eq(weft_file_read_all(file, &data, &size), 0);
    ck_assert_str_eq(data, wanted);
    weft_free(data);
}

static weft_file *open_file(const char *mode)
{
    weft_file *file = NULL;
    ck_assert_int_eq(weft_file_open(test_path, mode, &file), 0);
    return file;
}

/* These two alone: workers that start may be using the rest of the table. */
static void move_as_usual(void)
{
    wf_sys.read = wf_sys_real.read;
    wf_sys.write = wf_sys_real.write;
}

static void end_test(weft_file *file)
{
    move_as_usual();
    ck_assert_int_eq(weft_file_close(file), 0);
    unlink(test_path);
}

/* ---- reads and writes that do little ------------------------------------------------------------------ */

/* Each call moves one byte, every second one is interrupted first. After n_left bytes the calls
 * fail with error, or go on if that is 0. Larger ones are not ours: the runtime reads, too. */
static struct {
    unsigned n_left;
    int error;
    weft_scope *scope; /* cancelled as the last byte is moved */
    bool was_interrupted;
} slow;

/* 0, or what the call returns instead of moving a byte. */
static int before_byte(void)
{
    slow.was_interrupted = !slow.was_interrupted;
    if (slow.was_interrupted)
        return -EINTR;
    if (slow.n_left == 0)
        return slow.error;
    if (--slow.n_left == 0 && slow.scope != NULL)
        weft_scope_cancel(slow.scope);
    return 0;
}

static ssize_t slow_read(int fd, void *buf, size_t size)
{
    if (size > MOST_BYTES)
        return wf_sys_real.read(fd, buf, size);
    int rc = before_byte();
    return rc < 0 ? rc : wf_sys_real.read(fd, buf, 1);
}

static ssize_t slow_write(int fd, const void *buf, size_t size)
{
    if (size > MOST_BYTES)
        return wf_sys_real.write(fd, buf, size);
    int rc = before_byte();
    return rc < 0 ? rc : wf_sys_real.write(fd, buf, 1);
}

static void be_slow(unsigned n_left, int error, weft_scope *scope)
{
    slow.n_left = n_left;
    slow.error = error;
    slow.scope = scope;
    slow.was_interrupted = false;
    wf_sys.read = slow_read;
    wf_sys.write = slow_write;
}

WT_TEST(all_bytes_or_an_end_that_came_early)
{
    wt_seeds_at_most(10);
    char buf[MOST_BYTES];
    size_t n = UNTOUCHED;
    put("abcdefg");
    weft_file *file = open_file("r");
    ck_assert_int_eq(weft_file_read_exact(file, buf, 5, &n), 0);
    ck_assert_uint_eq(n, 5);
    ck_assert_int_eq(memcmp(buf, "abcde", 5), 0);
    ck_assert_int_eq(weft_file_read_exact(file, buf, 5, &n), WEFT_EEOF);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(memcmp(buf, "fg", 2), 0);
    ck_assert_int_eq(weft_file_read_exact(file, buf, 5, &n), WEFT_EEOF);
    ck_assert_uint_eq(n, 0);
    n = UNTOUCHED;
    ck_assert_int_eq(weft_file_read_exact(file, buf, 0, &n), 0);
    ck_assert_uint_eq(n, 0);
    end_test(file);
}

WT_TEST(short_and_interrupted_calls_are_completed)
{
    wt_seeds_at_most(10);
    char buf[MOST_BYTES];
    size_t n = UNTOUCHED;
    weft_file *file = open_file("w");
    be_slow(0, 0, NULL);
    ck_assert_int_eq(weft_file_write_all(file, "hello", 5, &n), 0);
    ck_assert_uint_eq(n, 5);
    n = UNTOUCHED;
    ck_assert_int_eq(weft_file_write_all(file, "", 0, &n), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(weft_file_close(file), 0);
    file = open_file("r");
    ck_assert_int_eq(weft_file_read_exact(file, buf, 5, &n), 0);
    ck_assert_uint_eq(n, 5);
    ck_assert_int_eq(memcmp(buf, "hello", 5), 0);
    end_test(file);
}

WT_TEST(an_error_leaves_the_count)
{
    wt_seeds_at_most(10);
    char buf[MOST_BYTES];
    size_t n = UNTOUCHED;
    weft_file *file = open_file("w+");
    be_slow(3, -ENOSPC, NULL);
    ck_assert_int_eq(weft_file_write_all(file, "hello", 5, &n), -ENOSPC);
    ck_assert_uint_eq(n, 3);
    move_as_usual();
    ck_assert_int_eq(weft_file_close(file), 0);
    expect_content("hel");
    file = open_file("r");
    be_slow(2, -EIO, NULL);
    ck_assert_int_eq(weft_file_read_exact(file, buf, 3, &n), -EIO);
    ck_assert_uint_eq(n, 2);
    ck_assert_int_eq(memcmp(buf, "he", 2), 0);
    end_test(file);
}

WT_TEST(a_full_device_has_taken_nothing)
{
    size_t n = UNTOUCHED;
    WEFT_AUTO(weft_file, file);
    ck_assert_int_eq(weft_file_open("/dev/full", "w", &file), 0);
    ck_assert_int_eq(weft_file_write_all(file, "x", 1, &n), -ENOSPC);
    ck_assert_uint_eq(n, 0);
}

/* ---- cancelled in the middle --------------------------------------------------------------------------- */

/* The cancel comes while a byte is being moved: that one counts, and no other is tried. What is
 * missing follows outside of the scope. */
WT_TEST(a_cancelled_read_tells_how_far_it_came)
{
    char buf[MOST_BYTES] = { 0 };
    size_t n = UNTOUCHED, n_more = UNTOUCHED;
    put("abcdef");
    weft_file *file = open_file("r");
    {
        WEFT_SCOPE(scope);
        be_slow(4, -EIO, &scope);
        ck_assert_int_eq(weft_file_read_exact(file, buf, 6, &n), WEFT_ECANCELED);
    }
    ck_assert_uint_eq(n, 4);
    be_slow(0, 0, NULL);
    ck_assert_int_eq(weft_file_read_exact(file, buf + n, 6 - n, &n_more), 0);
    ck_assert_uint_eq(n_more, 2);
    ck_assert_str_eq(buf, "abcdef");
    end_test(file);
}

WT_TEST(a_cancelled_write_tells_how_far_it_came)
{
    size_t n = UNTOUCHED, n_more = UNTOUCHED;
    weft_file *file = open_file("w");
    {
        WEFT_SCOPE(scope);
        be_slow(4, -EIO, &scope);
        ck_assert_int_eq(weft_file_write_all(file, "abcdef", 6, &n), WEFT_ECANCELED);
    }
    ck_assert_uint_eq(n, 4);
    be_slow(0, 0, NULL);
    ck_assert_int_eq(weft_file_write_all(file, &"abcdef"[n], 6 - n, &n_more), 0);
    ck_assert_uint_eq(n_more, 2);
    expect_content("abcdef");
    end_test(file);
}

WT_TEST(who_has_all_is_not_cancelled)
{
    char buf[4];
    size_t n = UNTOUCHED;
    weft_file *file = open_file("w+");
    {
        WEFT_SCOPE(scope);
        be_slow(3, -EIO, &scope);
        ck_assert_int_eq(weft_file_write_all(file, "abc", 3, &n), 0);
        ck_assert_uint_eq(n, 3);
        ck_assert_int_eq(weft_file_read_exact(file, buf, 1, &n), WEFT_ECANCELED);
        ck_assert_uint_eq(n, 0);
    }
    end_test(file);
}

WT_TEST(a_write_without_a_count_is_not_cut_short)
{
    weft_file *file = open_file("w");
    {
        WEFT_SCOPE(scope);
        be_slow(2, 0, &scope);
        ck_assert_int_eq(weft_file_write(file, "abcdef", 6), 0);
    }
    expect_content("abcdef");
    end_test(file);
}

/* ---- not even begun -------------------------------------------------------------------------------------- */

static int no_thread(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    (void)out, (void)name, (void)fn, (void)arg;
    return -EAGAIN;
}

static void expect_none(weft_file *file, int code)
{
    char byte = 'x';
    size_t n = UNTOUCHED;
    ck_assert_int_eq(weft_file_read_exact(file, &byte, 1, &n), code);
    ck_assert_uint_eq(n, 0);
    n = UNTOUCHED;
    ck_assert_int_eq(weft_file_write_all(file, &byte, 1, &n), code);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(weft_file_read_exact(file, &byte, 1, NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_write_all(file, &byte, 1, NULL), WEFT_EINVAL);
}

WT_TEST(what_never_began_moved_nothing)
{
    wt_seeds_at_most(10);
    expect_none(NULL, WEFT_EINVAL);
    weft_file *file = open_file("w+");
    {
        WEFT_SCOPE(scope);
        weft_scope_cancel(&scope);
        expect_none(file, WEFT_ECANCELED);
    }
    end_test(file);
}

WT_TEST(without_a_thread_nothing_is_moved)
{
    weft_file *file = open_file("w+");
    wf_pool_stop(wf_clock_after(WEFT_SEC(5)));
    wf_sys.thread_create = no_thread;
    expect_none(file, WEFT_EAGAIN);
    wf_sys.thread_create = wf_sys_real.thread_create;
    end_test(file);
}

WT_MAIN("file_count")
