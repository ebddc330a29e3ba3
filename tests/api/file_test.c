/* SPDX-License-Identifier: MIT
 * Files as a program uses them. */
#include "wt_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft.h>

static char test_path[64];

/* Before there are threads; each run of the binary has its own. */
__attribute__((constructor)) static void make_path(void)
{
    snprintf(test_path, sizeof test_path, "/tmp/weft-api-file-%d", (int)getpid());
}

static int put(const char *mode, const char *text)
{
    WEFT_AUTO(weft_file, file);
    WEFT_TRY(weft_file_open(test_path, mode, &file));
    WEFT_TRY(weft_file_write(file, text, strlen(text)));
    return weft_close_with(file, 0);
}

static void expect_content(const char *wanted)
{
    WEFT_AUTO(weft_file, file);
    char *data;
    size_t size;
    ck_assert_int_eq(weft_file_open(test_path, "r", &file), 0);
    ck_assert_int_eq(weft_file_read_all(file, &data, &size), 0);
    ck_assert_uint_eq(size, strlen(wanted));
    ck_assert_str_eq(data, wanted);
    weft_free(data);
}

WT_TEST(modes_are_those_of_fopen)
{
    wt_seeds_at_most(5);
    unlink(test_path);
    ck_assert_int_eq(put("r", "x"), -ENOENT);
    ck_assert_int_eq(put("r+", "x"), -ENOENT);
    ck_assert_int_eq(put("w", "hello"), 0);
    expect_content("hello");
    ck_assert_int_eq(put("r", "x"), -EBADF);
    ck_assert_int_eq(put("a", " you"), 0);
    expect_content("hello you");
    ck_assert_int_eq(put("r+", "J"), 0);
    expect_content("Jello you");
    ck_assert_int_eq(put("a+be", "!"), 0);
    expect_content("Jello you!");
    ck_assert_int_eq(put("wx", "x"), -EEXIST);
    ck_assert_int_eq(put("w+xb", "x"), -EEXIST);
    ck_assert_int_eq(put("w+b", "new"), 0);
    expect_content("new");
    unlink(test_path);
    ck_assert_int_eq(put("wxe", "mine"), 0);
    expect_content("mine");
    unlink(test_path);
}

WT_TEST(other_modes_are_refused)
{
    static const char *const modes[] = { "",    "+",  "b",  "q",   "rw", "r++",
                                         "wxx", "rx", "r ", "w,x", "rt", "R" };
    weft_file *file = NULL;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        ck_assert_int_eq(weft_file_open(test_path, modes[i], &file), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_open(NULL, "r", &file), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_open(test_path, NULL, &file), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_open(test_path, "r", NULL), WEFT_EINVAL);
    ck_assert_ptr_null(file);
}

WT_TEST(what_is_no_file_is_refused)
{
    weft_file *file = NULL;
    ck_assert_int_eq(weft_file_open("/tmp", "r", &file), -EISDIR);
    ck_assert_int_eq(weft_file_open("/tmp", "w", &file), -EISDIR);
    ck_assert_int_eq(weft_file_open("/tmp/no/such/folder", "w", &file), -ENOENT);
    ck_assert_ptr_null(file);
    ck_assert_int_eq(weft_file_close(NULL), 0);
    ck_assert_int_eq(weft_file_read(NULL, NULL, 0), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_write(NULL, "", 0), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_sync(NULL), WEFT_EINVAL);
}

WT_TEST(what_is_not_allowed_is_refused)
{
    if (geteuid() == 0)
        wt_skip("root may read everything");
    weft_file *file = NULL;
    ck_assert_int_eq(put("w", "secret"), 0);
    chmod(test_path, 0);
    ck_assert_int_eq(weft_file_open(test_path, "r", &file), -EACCES);
    unlink(test_path);
}

WT_TEST(reading_moves_on_to_the_end)
{
    char buf[4];
    WEFT_AUTO(weft_file, file);
    ck_assert_int_eq(put("w", "abcdef"), 0);
    ck_assert_int_eq(weft_file_open(test_path, "r", &file), 0);
    ck_assert_int_eq(weft_file_read(file, buf, 4), 4);
    ck_assert_int_eq(memcmp(buf, "abcd", 4), 0);
    ck_assert_int_eq(weft_file_read(file, buf, 4), 2);
    ck_assert_int_eq(memcmp(buf, "ef", 2), 0);
    ck_assert_int_eq(weft_file_read(file, buf, 4), 0);
    char *data;
    size_t size;
    ck_assert_int_eq(weft_file_read_all(file, &data, &size), 0);
    ck_assert_uint_eq(size, 0);
    ck_assert_str_eq(data, "");
    weft_free(data);
    ck_assert_int_eq(weft_file_read_all(file, NULL, &size), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_read_all(file, &data, NULL), WEFT_EINVAL);
    unlink(test_path);
}

WT_TEST(a_full_device_is_reported)
{
    WEFT_AUTO(weft_file, file);
    ck_assert_int_eq(weft_file_open("/dev/full", "w", &file), 0);
    ck_assert_int_eq(weft_file_write(file, "x", 1), -ENOSPC);
}

WT_TEST(a_file_without_a_size_is_read_whole)
{
    WEFT_AUTO(weft_file, file);
    char *data;
    size_t size;
    ck_assert_int_eq(weft_file_open("/proc/self/status", "r", &file), 0);
    ck_assert_int_eq(weft_file_read_all(file, &data, &size), 0);
    ck_assert_uint_gt(size, 100);
    ck_assert_uint_eq(strlen(data), size);
    weft_free(data);
}

WT_TEST(descriptors_are_not_inherited)
{
    WEFT_AUTO(weft_file, file);
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(next);
    ck_assert_int_eq(weft_file_open("/dev/null", "r", &file), 0);
    ck_assert_int_eq(fcntl(next, F_GETFD), FD_CLOEXEC);
}

WEFT_TASK(copy_text, (int, number))
{
    char path[80], text[32];
    WEFT_AUTO(weft_file, file);
    char *data;
    size_t size;
    snprintf(path, sizeof path, "%s-%d", test_path, number);
    snprintf(text, sizeof text, "number %d", number);
    WEFT_TRY(weft_file_open(path, "w+", &file));
    WEFT_TRY(weft_file_write(file, text, strlen(text)));
    WEFT_TRY(weft_close_with(file, 0));
    WEFT_TRY(weft_file_open(path, "r", &file));
    WEFT_TRY(weft_file_read_all(file, &data, &size));
    int rc = strcmp(data, text) == 0 ? 0 : -EIO;
    weft_free(data);
    unlink(path);
    return weft_close_with(file, rc);
}

WT_TEST(many_tasks_use_files)
{
    wt_seeds_at_most(10);
    WEFT_SCOPE(scope);
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(weft_spawn(&scope, copy_text, i), 0);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
}

WT_TEST(in_a_cancelled_scope_only_close_works)
{
    weft_file *file, *other = NULL;
    char byte = 'x';
    ck_assert_int_eq(weft_file_open(test_path, "w+", &file), 0);
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    ck_assert_int_eq(weft_file_open(test_path, "r", &other), WEFT_ECANCELED);
    ck_assert_ptr_null(other);
    ck_assert_int_eq(weft_file_read(file, &byte, 1), WEFT_ECANCELED);
    ck_assert_int_eq(weft_file_write(file, &byte, 1), WEFT_ECANCELED);
    ck_assert_int_eq(weft_file_sync(file), WEFT_ECANCELED);
    ck_assert_int_eq(weft_file_close(file), 0);
    unlink(test_path);
}

/* ---- descriptors ------------------------------------------------------------------------------------ */

enum { FDS_LOOKED_AT = 256 };

static int sleep_a_moment(void *arg)
{
    (void)arg;
    return weft_sleep(1);
}

/* Of those that weft opens: files, and what its workers poll with. */
WT_TEST(no_program_that_is_executed_inherits_a_descriptor)
{
    bool was_open[FDS_LOOKED_AT];
    unsigned n_new = 0;
    for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
        was_open[fd] = fcntl(fd, F_GETFD) >= 0;
    ck_assert_int_eq(weft_run(sleep_a_moment, NULL), 0);
    WEFT_AUTO(weft_file, file);
    WEFT_RX(weft_line, lines);
    ck_assert_int_eq(weft_file_open("/proc/self/exe", "r", &file), 0);
    ck_assert_int_eq(weft_lines("/proc/self/exe", NULL, &lines), 0);
    for (int fd = 0; fd < FDS_LOOKED_AT; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags < 0 || was_open[fd])
            continue;
        n_new++;
        ck_assert_msg((flags & FD_CLOEXEC) != 0, "descriptor %d would be inherited", fd);
    }
    ck_assert_uint_ge(n_new, wt_is_sim() ? 2 : 4);
}

WT_MAIN("file")
