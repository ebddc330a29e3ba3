/* SPDX-License-Identifier: MIT
 * Files with system calls that fail, give little or are interrupted. */
#include "../fail_nth.h"
#include "blocking/pool.h"
#include "plat/cc.h"
#include "plat/clock.h"
#include "plat/fs.h"
#include "plat/futex.h"
#include "wt_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>

static char test_path[64];

/* Before there are threads; each run of the binary has its own. */
__attribute__((constructor)) static void make_path(void)
{
    snprintf(test_path, sizeof test_path, "/tmp/weft-file-%d", (int)getpid());
}

/* Those that a test may have changed, and no other: threads of the runtime use the table, too. */
static void be_usual(void)
{
    wf_sys.open = wf_sys_real.open;
    wf_sys.close = wf_sys_real.close;
    wf_sys.read = wf_sys_real.read;
    wf_sys.write = wf_sys_real.write;
    wf_sys.sync = wf_sys_real.sync;
    wf_sys.stat_fd = wf_sys_real.stat_fd;
    wf_fs.writev = wf_fs_real.writev;
}

/* Every call moves one byte, and every second one is interrupted first. */
static _Atomic unsigned n_calls;

static ssize_t stuttering_read(int fd, void *buf, size_t size)
{
    if (atomic_fetch_add(&n_calls, 1u) % 2 == 0)
        return -EINTR;
    return wf_sys_real.read(fd, buf, WF_MIN(size, (size_t)1));
}

static ssize_t stuttering_write(int fd, const void *buf, size_t size)
{
    if (atomic_fetch_add(&n_calls, 1u) % 2 == 0)
        return -EINTR;
    return wf_sys_real.write(fd, buf, WF_MIN(size, (size_t)1));
}

static int stuttering_open(const char *path, int flags, unsigned mode)
{
    if (atomic_fetch_add(&n_calls, 1u) % 2 == 0)
        return -EINTR;
    return wf_sys_real.open(path, flags, mode);
}

WT_TEST(short_and_interrupted_calls_are_completed)
{
    wt_seeds_at_most(3);
    WEFT_AUTO(weft_file, file);
    char *data;
    size_t size;
    wf_sys.open = stuttering_open;
    wf_sys.read = stuttering_read;
    wf_sys.write = stuttering_write;
    ck_assert_int_eq(weft_file_open(test_path, "w", &file), 0);
    ck_assert_int_eq(weft_file_write(file, "hello world", 11), 0);
    ck_assert_int_eq(weft_close_with(file, 0), 0);
    ck_assert_int_eq(weft_file_open(test_path, "r", &file), 0);
    ck_assert_int_eq(weft_file_read_all(file, &data, &size), 0);
    ck_assert_uint_eq(size, 11);
    ck_assert_str_eq(data, "hello world");
    weft_free(data);
    be_usual();
    unlink(test_path);
}

static ssize_t nothing_written(int fd, const void *buf, size_t size)
{
    (void)fd, (void)buf, (void)size;
    return 0;
}

WT_TEST(a_write_that_goes_nowhere_is_an_error)
{
    WEFT_AUTO(weft_file, file);
    ck_assert_int_eq(weft_file_open(test_path, "w", &file), 0);
    wf_sys.write = nothing_written;
    ck_assert_int_eq(weft_file_write(file, "x", 1), -EIO);
    be_usual();
    unlink(test_path);
}

/* ---- several parts, a byte at a time --------------------------------------------------------------------- */

static ssize_t stuttering_writev(int fd, const struct iovec *parts, int n)
{
    (void)n;
    return stuttering_write(fd, parts->iov_base, parts->iov_len);
}

WT_TEST(parts_are_written_whole_however_little_a_call_takes)
{
    wt_seeds_at_most(3);
    WEFT_AUTO(weft_file, file);
    static char text[] = "abcdef";
    const struct iovec parts[] = { { text, 2 }, { text, 0 }, { text + 2, 1 }, { text + 3, 3 } };
    char buf[8];
    size_t n;
    wf_fs.writev = stuttering_writev;
    ck_assert_int_eq(weft_file_open(test_path, "w+", &file), 0);
    ck_assert_int_eq(weft_file_write_many(file, parts, 4, &n), 0);
    ck_assert_uint_eq(n, 6);
    ck_assert_int_eq(weft_file_read_at(file, 0, buf, 8), 6);
    ck_assert_int_eq(memcmp(buf, "abcdef", 6), 0);
    be_usual();
    unlink(test_path);
}

/* ---- a sync that fails ------------------------------------------------------------------------------------ */

static int sync_fails(int fd)
{
    (void)fd;
    return -EIO;
}

WT_TEST(the_error_of_a_sync_stays)
{
    WEFT_AUTO(weft_file, file);
    weft_file *other;
    ck_assert_int_eq(weft_file_open(test_path, "w", &file), 0);
    wf_sys.sync = sync_fails;
    ck_assert_int_eq(weft_file_sync(file), -EIO);
    be_usual();
    ck_assert_int_eq(weft_file_sync(file), -EIO);
    ck_assert_int_eq(weft_file_sync_data(file), -EIO);
    ck_assert_int_eq(weft_file_open(test_path, "r", &other), 0);
    ck_assert_int_eq(weft_file_sync(other), 0);
    ck_assert_int_eq(weft_file_close(other), 0);
    unlink(test_path);
}

static int close_fails(int fd)
{
    (void)wf_sys_real.close(fd);
    return -EIO;
}

WT_TEST(the_error_of_a_close_counts)
{
    WEFT_AUTO(weft_file, file);
    ck_assert_int_eq(weft_file_open(test_path, "w", &file), 0);
    wf_sys.close = close_fails;
    ck_assert_int_eq(weft_close_with(file, 0), -EIO);
    be_usual();
    unlink(test_path);
}

static int no_thread(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    (void)out, (void)name, (void)fn, (void)arg;
    return -EAGAIN;
}

WT_TEST(a_close_needs_no_thread)
{
    weft_file *file;
    ck_assert_int_eq(weft_file_open(test_path, "w", &file), 0);
    wf_pool_stop(wf_clock_after(WEFT_SEC(5)));
    wf_sys.thread_create = no_thread;
    ck_assert_int_eq(weft_file_write(file, "x", 1), WEFT_EAGAIN);
    ck_assert_int_eq(weft_file_close(file), 0);
    wf_sys.thread_create = wf_sys_real.thread_create;
    unlink(test_path);
}

/* Of the pool alone: the runtime may start. */
static int no_pool_thread(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    if (strcmp(name, WF_POOL_THREAD_NAME) == 0)
        return -EAGAIN;
    return wf_sys_real.thread_create(out, name, fn, arg);
}

/* Both are ready, so that whoever took the code for "not now" would ask for ever. */
WT_TEST(without_a_thread_what_is_ready_is_not_waited_for)
{
    weft_file *pipe_end, *file;
    int ends[2];
    char byte;
    size_t n;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(weft_file_adopt(ends[0], &pipe_end), 0);
    ck_assert_int_eq(weft_file_open(test_path, "w+", &file), 0);
    ck_assert_int_eq(weft_file_write(file, "x", 1), 0);
    wf_pool_stop(wf_clock_after(WEFT_SEC(5)));
    wf_sys.thread_create = no_pool_thread;
    ck_assert_int_eq(weft_file_read(pipe_end, &byte, 1), WEFT_EAGAIN);
    ck_assert_int_eq(weft_file_send_at(file, 0, ends[1], 1, &n), WEFT_EAGAIN);
    wf_sys.thread_create = wf_sys_real.thread_create;
    ck_assert_int_eq(weft_file_read(pipe_end, &byte, 1), 1);
    ck_assert_int_eq(weft_file_close(pipe_end), 0);
    ck_assert_int_eq(weft_file_close(file), 0);
    close(ends[1]);
    unlink(test_path);
}

WT_TEST(what_moves_nothing_waits_for_nothing)
{
    wt_seeds_at_most(3);
    weft_file *from, *to;
    int ends[2];
    char room[4096] = "";
    size_t n;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(weft_file_adopt(ends[0], &from), 0);
    ck_assert_int_eq(weft_file_adopt(ends[1], &to), 0);
    ck_assert_int_eq(weft_file_read(from, room, 0), 0);
    ck_assert_int_eq(weft_file_read_exact(from, room, 0, &n), 0);
    while (write(ends[1], room, sizeof room) > 0)
        ;
    ck_assert_int_eq(weft_file_write(to, room, 0), 0);
    ck_assert_int_eq(weft_file_write_all(to, room, 0, &n), 0);
    ck_assert_int_eq(weft_file_write_many(to, NULL, 0, &n), 0);
    ck_assert_int_eq(weft_file_close(from), 0);
    ck_assert_int_eq(weft_file_close(to), 0);
}

/* ---- two at once --------------------------------------------------------------------------------------- */

static _Atomic uint32_t is_reading, may_read;

static ssize_t held_read(int fd, void *buf, size_t size)
{
    wf_store_seq(&is_reading, 1u);
    while (wf_load_seq(&may_read) == 0)
        (void)wf_futex_wait(&may_read, 0, WF_NEVER);
    return wf_sys_real.read(fd, buf, size);
}

static bool is_set(void *arg) { return wf_load_seq((_Atomic uint32_t *)arg) != 0; }

static void read_on_thread(void *arg)
{
    char byte;
    ck_assert_int_eq(weft_file_read(arg, &byte, 1), 0);
}

WT_TEST(a_second_user_is_turned_away)
{
    weft_file *file;
    char byte, *data;
    size_t size;
    wf_store_seq(&is_reading, 0u);
    wf_store_seq(&may_read, 0u);
    ck_assert_int_eq(weft_file_open(test_path, "w+", &file), 0);
    wf_sys.read = held_read;
    wt_thread *thread = wt_thread_start(read_on_thread, file);
    wt_until(is_set, &is_reading);
    ck_assert_int_eq(weft_file_read(file, &byte, 1), WEFT_EBUSY);
    ck_assert_int_eq(weft_file_write(file, "x", 1), WEFT_EBUSY);
    ck_assert_int_eq(weft_file_read_all(file, &data, &size), WEFT_EBUSY);
    ck_assert_int_eq(weft_file_close(file), WEFT_EBUSY);
    ck_assert_int_eq(weft_file_sync(file), 0);
    wf_store_seq(&may_read, 1u);
    wf_futex_wake(&may_read, 1);
    wt_thread_join(thread);
    ck_assert_int_eq(weft_file_write(file, "x", 1), 0);
    ck_assert_int_eq(weft_file_close(file), 0);
    be_usual();
    unlink(test_path);
}

/* ---- cancelled between two reads ----------------------------------------------------------------------- */

enum { AT_ONCE = 8 };

static weft_scope *to_cancel;

/* Small ones are not ours: the runtime reads, too. */
static ssize_t cancelling_read(int fd, void *buf, size_t size)
{
    if (size > AT_ONCE)
        weft_scope_cancel(to_cancel);
    return wf_sys_real.read(fd, buf, WF_MIN(size, (size_t)AT_ONCE));
}

WT_TEST(read_all_hears_a_cancel_between_two_reads)
{
    wt_seeds_at_most(3);
    weft_file *file;
    char *data = NULL;
    size_t size;
    ck_assert_int_eq(weft_file_open(test_path, "w+", &file), 0);
    ck_assert_int_eq(weft_file_write(file, "more than is read at once", 25), 0);
    ck_assert_int_eq(weft_file_seek(file, 0, SEEK_SET), 0);
    {
        WEFT_SCOPE(scope);
        to_cancel = &scope;
        wf_sys.read = cancelling_read;
        ck_assert_int_eq(weft_file_read_all(file, &data, &size), WEFT_ECANCELED);
        be_usual();
    }
    ck_assert_ptr_null(data);
    ck_assert_int_eq(weft_file_tell(file), AT_ONCE);
    ck_assert_int_eq(weft_file_close(file), 0);
    unlink(test_path);
}

static ssize_t read_that_fails_later(int fd, void *buf, size_t size)
{
    if (size > AT_ONCE && wf_sys_real.seek(fd, 0, SEEK_CUR) > 0)
        return -EIO;
    return wf_sys_real.read(fd, buf, WF_MIN(size, (size_t)AT_ONCE));
}

/* Whoever reads on finds the line, not its rest. */
WT_TEST(a_line_that_fails_is_left_where_it_begins)
{
    wt_seeds_at_most(3);
    weft_file *file;
    char *line = NULL;
    ck_assert_int_eq(weft_file_open(test_path, "w+", &file), 0);
    ck_assert_int_eq(weft_file_write(file, "more than is read at once\n", 26), 0);
    ck_assert_int_eq(weft_file_seek(file, 0, SEEK_SET), 0);
    {
        WEFT_SCOPE(scope);
        to_cancel = &scope;
        wf_sys.read = cancelling_read;
        ck_assert_int_eq(weft_file_read_line(file, 0, &line), WEFT_ECANCELED);
        be_usual();
    }
    ck_assert_int_eq(weft_file_tell(file), 0);
    wf_sys.read = read_that_fails_later;
    ck_assert_int_eq(weft_file_read_line(file, 0, &line), -EIO);
    be_usual();
    ck_assert_ptr_null(line);
    ck_assert_int_eq(weft_file_read_line(file, 0, &line), 1);
    ck_assert_str_eq(line, "more than is read at once");
    weft_free(line);
    ck_assert_int_eq(weft_file_close(file), 0);
    unlink(test_path);
}

/* ---- read_all ------------------------------------------------------------------------------------------- */

static off_t stated_size;

static int stat_with_size(int fd, struct stat *out)
{
    int rc = wf_sys_real.stat_fd(fd, out);
    out->st_size = stated_size;
    return rc;
}

WT_TEST(read_all_believes_no_size)
{
    wt_seeds_at_most(3);
    static char text[20000];
    memset(text, 't', sizeof text);
    static const off_t sizes[] = { 0, 1, 4095, 19999, 20000, 20001, 100000, -5 };
    for (size_t i = 0; i < WF_ARRAY_SIZE(sizes); i++) {
        WEFT_AUTO(weft_file, file);
        char *data;
        size_t size;
        stated_size = sizes[i];
        wf_sys.stat_fd = stat_with_size;
        ck_assert_int_eq(weft_file_open(test_path, "w+", &file), 0);
        ck_assert_int_eq(weft_file_write(file, text, sizeof text), 0);
        ck_assert_int_eq(weft_close_with(file, 0), 0);
        ck_assert_int_eq(weft_file_open(test_path, "r", &file), 0);
        ck_assert_int_eq(weft_file_read_all(file, &data, &size), 0);
        ck_assert_uint_eq(size, sizeof text);
        ck_assert_int_eq(data[size], 0);
        weft_free(data);
    }
    stated_size = INT64_MAX;
    WEFT_AUTO(weft_file, file);
    char *data;
    size_t size;
    ck_assert_int_eq(weft_file_open(test_path, "r", &file), 0);
    ck_assert_int_eq(weft_file_read_all(file, &data, &size), WEFT_ENOMEM);
    be_usual();
    unlink(test_path);
}

/* ---- everything once ---------------------------------------------------------------------------------------- */

static int use_file(void *arg)
{
    (void)arg;
    WEFT_AUTO(weft_file, file);
    char *data = NULL, byte;
    size_t size;
    struct stat about;
    static char lo[] = "lo";
    const struct iovec part = { lo, 2 };
    WEFT_TRY(weft_file_open(test_path, "w+", &file));
    WEFT_TRY(weft_file_write(file, "hello", 5));
    WEFT_TRY(weft_file_sync(file));
    WEFT_TRY(weft_file_sync_data(file));
    WEFT_TRY(weft_file_truncate(file, 3));
    WEFT_TRY(weft_file_seek(file, 3, SEEK_SET));
    WEFT_TRY(weft_file_write_many(file, &part, 1, &size));
    WEFT_TRY(weft_file_write_at(file, 1, "E", 1, &size));
    WEFT_TRY(weft_file_read_at(file, 1, &byte, 1));
    WEFT_TRY(weft_file_send_at(file, 0, weft_file_fd(file), 1, &size));
    WEFT_TRY(weft_file_stat(file, &about));
    ck_assert_int_eq(about.st_size, 6);
    WEFT_TRY(weft_close_with(file, 0));
    WEFT_TRY(weft_file_open(test_path, "r", &file));
    WEFT_TRY(weft_file_read(file, &byte, 1));
    WEFT_TRY(weft_file_read_all(file, &data, &size));
    ck_assert_str_eq(data, "Elloh");
    weft_free(data);
    return weft_close_with(file, 0);
}

static void stop_pool(void) { wf_pool_stop(wf_clock_after(WEFT_SEC(5))); }

WT_TEST(each_call_that_fails_is_reported)
{
    wt_seeds_at_most(3);
    ck_assert_uint_gt(fail_each(use_file, NULL, stop_pool), 25);
    unlink(test_path);
}

WT_MAIN("file")
