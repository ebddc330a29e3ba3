/* SPDX-License-Identifier: MIT
 * Paths and whole files with calls of the system that fail or can't. */
#include "../fail_nth.h"
#include "blocking/pool.h"
#include "plat/clock.h"
#include "plat/fs.h"
#include "wt_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft.h>

static char one[64], two[64];

/* Before there are threads; each run of the binary has its own. */
__attribute__((constructor)) static void make_paths(void)
{
    snprintf(one, sizeof one, "/tmp/weft-path-one-%d", (int)getpid());
    snprintf(two, sizeof two, "/tmp/weft-path-two-%d", (int)getpid());
}

static void stop_pool(void)
{
    unlink(one);
    unlink(two);
    wf_pool_stop(wf_clock_after(WEFT_SEC(5)));
}

static int use_paths(void *arg)
{
    (void)arg;
    char *text;
    size_t size;
    WEFT_TRY(weft_whole_write(one, "hello", 5));
    WEFT_TRY(weft_path_link(one, two));
    WEFT_TRY(weft_path_remove(two));
    WEFT_TRY(weft_path_symlink(one, two));
    WEFT_TRY(weft_path_read_link(two, &text));
    weft_free(text);
    WEFT_TRY(weft_path_is_same(one, two));
    WEFT_TRY(weft_path_access(one, R_OK));
    WEFT_TRY(weft_path_rename(two, one));
    WEFT_TRY(weft_path_is_link(one));
    WEFT_TRY(weft_path_remove(one));
    WEFT_TRY(weft_whole_append(one, "bye", 3));
    WEFT_TRY(weft_whole_read(one, &text, &size));
    weft_free(text);
    WEFT_TRY(weft_path_exists(one));
    return 0;
}

WT_TEST(each_call_that_fails_is_reported)
{
    wt_seeds_at_most(3);
    ck_assert_uint_gt(fail_each(use_paths, NULL, stop_pool), 20);
    stop_pool();
}

/* ---- copies ------------------------------------------------------------------------------------------ */

static int copy_it(void *arg)
{
    (void)arg;
    int rc = weft_path_copy(one, two);
    ck_assert_int_eq(access(two, F_OK) == 0, rc == 0);
    return rc;
}

static void prepare_copy(void)
{
    stop_pool();
    FILE *file = fopen(one, "w");
    ck_assert_ptr_nonnull(file);
    fputs("content", file);
    fclose(file);
}

WT_TEST(a_copy_that_fails_leaves_nothing)
{
    wt_seeds_at_most(3);
    ck_assert_uint_gt(fail_each(copy_it, NULL, prepare_copy), 8);
    stop_pool();
}

static ssize_t unable(int from, int to, size_t size)
{
    (void)from, (void)to, (void)size;
    return -EXDEV;
}

WT_TEST(what_the_system_can_not_copy_goes_through_a_buffer)
{
    wt_seeds_at_most(3);
    char *data;
    size_t size;
    prepare_copy();
    wf_fs.copy_range = unable;
    ck_assert_int_eq(weft_path_copy(one, two), 0);
    wf_fs.copy_range = wf_fs_real.copy_range;
    ck_assert_int_eq(weft_whole_read(two, &data, &size), 0);
    ck_assert_str_eq(data, "content");
    weft_free(data);
    stop_pool();
}

static mode_t mode_of(const char *path)
{
    struct stat about;
    ck_assert_int_eq(stat(path, &about), 0);
    return about.st_mode & 07777;
}

static mode_t mode_meanwhile;

static ssize_t looking_copy(int from, int to, size_t size)
{
    mode_meanwhile = mode_of(two);
    return wf_fs_real.copy_range(from, to, size);
}

WT_TEST(a_copy_is_never_open_to_more_than_the_original)
{
    wt_seeds_at_most(3);
    mode_t mask = umask(0);
    prepare_copy();
    ck_assert_int_eq(chmod(one, 0600), 0);
    wf_fs.copy_range = looking_copy;
    ck_assert_int_eq(weft_path_copy(one, two), 0);
    ck_assert_int_eq(mode_meanwhile, 0600);
    ck_assert_int_eq(chmod(two, 0666), 0);
    ck_assert_int_eq(weft_path_copy(one, two), 0);
    ck_assert_int_eq(mode_meanwhile, 0600);
    wf_fs.copy_range = wf_fs_real.copy_range;
    umask(mask);
    stop_pool();
}

WT_TEST(a_copy_of_a_setuid_file_is_not_setuid)
{
    wt_seeds_at_most(3);
    prepare_copy();
    ck_assert_int_eq(chmod(one, 06750), 0);
    ck_assert_int_eq(weft_path_copy(one, two), 0);
    ck_assert_int_eq(mode_of(two), 0750);
    stop_pool();
}

/* ---- named pipes ------------------------------------------------------------------------------------- */

static _Atomic int n_opened;

/* Others are not ours: the runtime asks how many CPUs there are. */
static int counted_open(const char *path, int flags, unsigned mode)
{
    atomic_fetch_add(&n_opened, strcmp(path, one) == 0);
    return wf_sys_real.open(path, flags, mode);
}

static int last_writer;

/* Small ones are not ours: the runtime reads, too. */
static ssize_t read_then_end(int fd, void *buf, size_t size)
{
    ssize_t n = wf_sys_real.read(fd, buf, size);
    if (size > 8 && last_writer >= 0) {
        close(last_writer);
        last_writer = -1;
    }
    return n;
}

static void begin_pipe(void)
{
    stop_pool();
    ck_assert_int_eq(mkfifo(one, 0600), 0);
    atomic_store(&n_opened, 0);
    wf_sys.open = counted_open;
}

static void end_pipe(void)
{
    wf_sys.open = wf_sys_real.open;
    ck_assert_int_eq(atomic_load(&n_opened), 1);
    unlink(one);
}

/* Opened twice, the other side could see an end, or lose what it has written in between. */
WT_TEST(a_named_pipe_is_opened_once_to_be_written)
{
    wt_seeds_at_most(3);
    char buf[8];
    begin_pipe();
    int reader = open(one, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_eq(weft_whole_write(one, "hello", 5), 0);
    ck_assert_int_eq(read(reader, buf, sizeof buf), 5);
    close(reader);
    end_pipe();
}

WT_TEST(a_named_pipe_is_opened_once_to_be_read)
{
    wt_seeds_at_most(3);
    char *data;
    size_t size;
    begin_pipe();
    int reader = open(one, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    last_writer = open(one, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(write(last_writer, "hello", 5), 5);
    wf_sys.read = read_then_end;
    ck_assert_int_eq(weft_whole_read(one, &data, &size), 0);
    wf_sys.read = wf_sys_real.read;
    ck_assert_str_eq(data, "hello");
    weft_free(data);
    close(reader);
    end_pipe();
}

WT_MAIN("path")
