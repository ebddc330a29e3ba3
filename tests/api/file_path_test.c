/* SPDX-License-Identifier: MIT
 * Whole files, and what paths name. */
#include "wt_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft.h>

static char folder[64], one[96], two[96];

/* Each run of the binary has its own. */
static void begin(void)
{
    wt_seeds_at_most(3);
    snprintf(folder, sizeof folder, "/tmp/weft-api-path-%d", (int)getpid());
    snprintf(one, sizeof one, "%s/one", folder);
    snprintf(two, sizeof two, "%s/two", folder);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
}

/* Fails if a test has left anything else behind. */
static void end(void)
{
    unlink(one);
    unlink(two);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void expect(const char *path, const char *wanted)
{
    char *data;
    size_t size;
    ck_assert_int_eq(weft_whole_read(path, &data, &size), 0);
    ck_assert_uint_eq(size, strlen(wanted));
    ck_assert_str_eq(data, wanted);
    weft_free(data);
}

/* ---- whole files ----------------------------------------------------------------------------------- */

WT_TEST(a_whole_file_is_written_and_read)
{
    begin();
    ck_assert_int_eq(weft_whole_write(one, "hello world", 11), 0);
    expect(one, "hello world");
    ck_assert_int_eq(weft_whole_write(one, "bye", 3), 0);
    expect(one, "bye");
    ck_assert_int_eq(weft_whole_append(one, "!", 1), 0);
    ck_assert_int_eq(weft_whole_append(two, "new", 3), 0);
    expect(one, "bye!");
    expect(two, "new");
    ck_assert_int_eq(weft_whole_write(one, NULL, 0), 0);
    expect(one, "");
    end();
}

WT_TEST(a_file_that_states_no_size_is_read_whole)
{
    wt_seeds_at_most(3);
    char *data;
    size_t size;
    ck_assert_int_eq(weft_whole_read("/proc/self/stat", &data, &size), 0);
    ck_assert_uint_gt(size, 10);
    ck_assert_uint_eq(strlen(data), size);
    weft_free(data);
    ck_assert_int_eq(weft_whole_read("/dev/null", &data, &size), 0);
    ck_assert_uint_eq(size, 0);
    weft_free(data);
    ck_assert_int_eq(weft_whole_write("/dev/full", "x", 1), -ENOSPC);
}

/* Around what is read at once, and of what is more. */
WT_TEST(whole_files_are_read_whatever_their_size)
{
    static const size_t sizes[] = { 1, 8190, 8191, 8192, 12286, 12287, 100000 };
    wt_seeds_at_most(3);
    begin();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *text = malloc(sizes[i] + 1);
        ck_assert_ptr_nonnull(text);
        memset(text, 'a' + (int)i, sizes[i]);
        text[sizes[i]] = '\0';
        ck_assert_int_eq(weft_whole_write(one, text, sizes[i]), 0);
        expect(one, text);
        free(text);
    }
    end();
}

WT_TEST(whole_files_refuse_what_is_none)
{
    begin();
    char *data = NULL;
    size_t size;
    ck_assert_int_eq(weft_whole_read(folder, &data, &size), -EISDIR);
    ck_assert_int_eq(weft_whole_write(folder, "x", 1), -EISDIR);
    ck_assert_int_eq(weft_whole_read(one, &data, &size), -ENOENT);
    ck_assert_int_eq(weft_whole_read(NULL, &data, &size), WEFT_EINVAL);
    ck_assert_int_eq(weft_whole_read(one, NULL, &size), WEFT_EINVAL);
    ck_assert_int_eq(weft_whole_read(one, &data, NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_whole_write(NULL, "x", 1), WEFT_EINVAL);
    ck_assert_int_eq(weft_whole_write(one, NULL, 1), WEFT_EINVAL);
    ck_assert_ptr_null(data);
    end();
}

WEFT_TASK(write_whole) { return weft_whole_write(one, "through", 7); }

WT_TEST(whole_files_go_through_a_named_pipe)
{
    begin();
    ck_assert_int_eq(mkfifo(one, 0600), 0);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, write_whole), 0);
        expect(one, "through");
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    end();
}

/* Something is there at once, and the rest comes when that was taken. */
WEFT_TASK(write_rest, (int, fd))
{
    int n_left = 1;
    while (n_left > 0) {
        ck_assert_int_eq(ioctl(fd, FIONREAD, &n_left), 0);
        ck_assert_int_eq(weft_sleep(WEFT_US(10)), 0);
    }
    ck_assert_int_eq(write(fd, "rest", 4), 4);
    return close(fd);
}

WT_TEST(what_a_pipe_gave_at_once_comes_before_its_rest)
{
    begin();
    ck_assert_int_eq(mkfifo(one, 0600), 0);
    int fd = open(one, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(write(fd, "first, ", 7), 7);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, write_rest, fd), 0);
        expect(one, "first, rest");
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    end();
}

WEFT_TASK(read_whole)
{
    char *data;
    size_t size;
    return weft_whole_read(one, &data, &size);
}

WT_TEST(a_cancel_ends_one_that_nobody_answers)
{
    begin();
    ck_assert_int_eq(mkfifo(one, 0600), 0);
    ck_assert_int_eq(mkfifo(two, 0600), 0);
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(3));
        ck_assert_int_eq(weft_spawn(&scope, read_whole), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    end();
}

/* ---- asked about ------------------------------------------------------------------------------------- */

WT_TEST(a_path_is_asked_about)
{
    begin();
    struct stat about;
    ck_assert_int_eq(weft_whole_write(one, "12345", 5), 0);
    ck_assert_int_eq(weft_path_symlink("one", two), 0);
    ck_assert_int_eq(weft_path_stat(two, &about), 0);
    ck_assert_int_eq(about.st_size, 5);
    ck_assert_int_eq(weft_path_lstat(two, &about), 0);
    ck_assert(S_ISLNK(about.st_mode));
    ck_assert_int_eq(weft_path_exists(one), 1);
    ck_assert_int_eq(weft_path_is_file(one), 1);
    ck_assert_int_eq(weft_path_is_file(folder), 0);
    ck_assert_int_eq(weft_path_is_dir(folder), 1);
    ck_assert_int_eq(weft_path_is_dir(two), 0);
    ck_assert_int_eq(weft_path_is_link(two), 1);
    ck_assert_int_eq(weft_path_is_link(one), 0);
    ck_assert_int_eq(weft_path_is_same(one, two), 1);
    ck_assert_int_eq(weft_path_is_same(one, folder), 0);
    ck_assert_int_eq(weft_path_access(one, R_OK | W_OK), 0);
    ck_assert_int_eq(weft_path_access(one, X_OK), -EACCES);
    ck_assert_int_eq(weft_path_remove(one), 0);
    ck_assert_int_eq(weft_path_exists(two), 0);
    ck_assert_int_eq(weft_path_is_link(two), 1);
    ck_assert_int_eq(weft_path_exists("/dev/null/x"), 0);
    ck_assert_int_eq(weft_path_stat(one, &about), -ENOENT);
    ck_assert_int_eq(weft_path_stat(one, NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_path_exists(NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_path_is_same(one, NULL), WEFT_EINVAL);
    end();
}

/* ---- changed ------------------------------------------------------------------------------------------ */

WT_TEST(a_rename_replaces_or_not)
{
    begin();
    ck_assert_int_eq(weft_whole_write(one, "1", 1), 0);
    ck_assert_int_eq(weft_whole_write(two, "2", 1), 0);
    ck_assert_int_eq(weft_path_rename_new(one, two), -EEXIST);
    expect(two, "2");
    ck_assert_int_eq(weft_path_rename(one, two), 0);
    expect(two, "1");
    ck_assert_int_eq(weft_path_rename_new(two, one), 0);
    ck_assert_int_eq(weft_path_rename(two, one), -ENOENT);
    ck_assert_int_eq(weft_path_rename(NULL, one), WEFT_EINVAL);
    end();
}

WT_TEST(links_of_both_kinds)
{
    begin();
    char *target;
    char longer[600];
    ck_assert_int_eq(weft_whole_write(one, "1", 1), 0);
    ck_assert_int_eq(weft_path_link(one, two), 0);
    ck_assert_int_eq(weft_path_remove(one), 0);
    expect(two, "1");
    ck_assert_int_eq(weft_path_read_link(two, &target), WEFT_EINVAL);
    memset(longer, 'l', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    ck_assert_int_eq(weft_path_symlink(longer, one), 0);
    ck_assert_int_eq(weft_path_read_link(one, &target), 0);
    ck_assert_str_eq(target, longer);
    weft_free(target);
    ck_assert_int_eq(weft_path_symlink(longer, one), -EEXIST);
    ck_assert_int_eq(weft_path_remove(folder), -EISDIR);
    ck_assert_int_eq(weft_path_read_link(one, NULL), WEFT_EINVAL);
    end();
}

WT_TEST(a_copy_is_the_same_with_the_same_permissions)
{
    begin();
    struct stat about;
    ck_assert_int_eq(weft_whole_write(one, "content", 7), 0);
    chmod(one, 0640);
    ck_assert_int_eq(weft_path_copy(one, two), 0);
    expect(two, "content");
    ck_assert_int_eq(weft_path_stat(two, &about), 0);
    ck_assert_int_eq(about.st_mode & 07777, 0640);
    ck_assert_int_eq(weft_whole_write(two, "longer than before", 18), 0);
    ck_assert_int_eq(weft_path_copy(one, two), 0);
    expect(two, "content");
    ck_assert_int_eq(weft_path_copy(one, one), WEFT_EINVAL);
    expect(one, "content");
    ck_assert_int_eq(weft_path_copy(folder, two), -EISDIR);
    ck_assert_int_eq(weft_path_copy("/dev/null", two), WEFT_EINVAL);
    ck_assert_int_eq(weft_path_copy(one, NULL), WEFT_EINVAL);
    end();
}

/* What is no regular file is nobody's copy: the system's /dev/null would get the permissions. */
WT_TEST(a_copy_leaves_what_is_no_regular_file_as_it_is)
{
    begin();
    struct stat about = { 0 };
    ck_assert_int_eq(weft_whole_write(one, "content", 7), 0);
    chmod(one, 0640);
    ck_assert_int_eq(mkfifo(two, 0600), 0);
    int reader = open(two, O_RDONLY | O_NONBLOCK);
    ck_assert_int_ge(reader, 0);
    ck_assert_int_eq(weft_path_copy(one, two), WEFT_EINVAL);
    ck_assert_int_eq(stat(two, &about), 0);
    ck_assert_int_eq(about.st_mode & 07777, 0600);
    close(reader);
    end();
}

WT_TEST(a_copy_of_a_file_that_states_no_size)
{
    begin();
    char *data;
    size_t size;
    ck_assert_int_eq(weft_path_copy("/proc/self/status", two), 0);
    ck_assert_int_eq(weft_whole_read(two, &data, &size), 0);
    ck_assert_uint_gt(size, 10);
    weft_free(data);
    chmod(two, 0600);
    end();
}

WT_MAIN("file_path")
