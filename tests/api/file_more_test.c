/* SPDX-License-Identifier: MIT
 * Lines of an open file, locks, terminals, and what is asked about paths and their file systems. */
#include "wt_test.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <weft.h>

static weft_file *file_with(const char *text)
{
    weft_file *file;
    ck_assert_int_eq(weft_temp_open_named(NULL, &file), 0);
    ck_assert_int_eq(weft_file_write(file, text, strlen(text)), 0);
    ck_assert_int_eq(weft_file_seek(file, 0, SEEK_SET), 0);
    return file;
}

static void expect_line(weft_file *file, const char *wanted)
{
    char *line;
    ck_assert_int_eq(weft_file_read_line(file, 0, &line), 1);
    ck_assert_str_eq(line, wanted);
    weft_free(line);
}

/* ---- lines ----------------------------------------------------------------------------------------- */

WT_TEST(lines_are_read_one_by_one)
{
    wt_seeds_at_most(5);
    WEFT_AUTO(weft_file, file);
    file = file_with("one\r\ntwo\n\n\r\n\rlast");
    expect_line(file, "one");
    ck_assert_int_eq(weft_file_tell(file), 5);
    expect_line(file, "two");
    expect_line(file, "");
    expect_line(file, "");
    expect_line(file, "\rlast");
    char *line = NULL;
    ck_assert_int_eq(weft_file_read_line(file, 0, &line), 0);
    ck_assert_ptr_null(line);
    ck_assert_int_eq(weft_file_read_line(NULL, 0, &line), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_read_line(file, 0, NULL), WEFT_EINVAL);
}

WT_TEST(a_line_may_be_as_long_as_the_limit)
{
    wt_seeds_at_most(5);
    enum { LONG = 2000 };
    static char text[LONG + 3];
    char *line = NULL;
    memset(text, 'x', LONG);
    memcpy(text + LONG, "\r\n", 3);
    WEFT_AUTO(weft_file, file);
    file = file_with(text);
    ck_assert_int_eq(weft_file_read_line(file, LONG, &line), 1);
    ck_assert_uint_eq(strlen(line), LONG);
    weft_free(line);
    ck_assert_int_eq(weft_file_seek(file, 0, SEEK_SET), 0);
    ck_assert_int_eq(weft_file_read_line(file, LONG - 1, &line), WEFT_ELINE);
    ck_assert_int_eq(weft_file_seek(file, 0, SEEK_SET), 0);
    ck_assert_int_eq(weft_file_read_line(file, 10, &line), WEFT_ELINE);
}

WT_TEST(what_follows_a_line_of_a_pipe_stays_there)
{
    wt_seeds_at_most(5);
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(write(ends[1], "head\nrest", 9), 9);
    close(ends[1]);
    WEFT_AUTO(weft_file, file);
    ck_assert_int_eq(weft_file_adopt(ends[0], &file), 0);
    expect_line(file, "head");
    char rest[8];
    ck_assert_int_eq(weft_file_read(file, rest, sizeof rest), 4);
    ck_assert_int_eq(memcmp(rest, "rest", 4), 0);
}

static int count_lines(void *file)
{
    int n = 0;
    WEFT_RX(weft_line, lines);
    WEFT_TRY(weft_file_lines(file, NULL, &lines));
    weft_each (line, lines)
        n += (int)line.size;
    WEFT_TRY(weft_error(lines));
    return n;
}

WT_TEST(the_lines_from_the_position_on_are_a_receiver)
{
    wt_seeds_at_most(5);
    WEFT_AUTO(weft_file, file);
    file = file_with("header\na\nbb\nccc");
    expect_line(file, "header");
    ck_assert_int_eq(weft_run(count_lines, file), 6);
    weft_receiver *unused;
    ck_assert_int_eq(weft_file_lines_open(NULL, NULL, &unused), WEFT_EINVAL);
}

/* ---- locks ----------------------------------------------------------------------------------------- */

static weft_file *again(weft_file *file)
{
    weft_file *other;
    ck_assert_int_eq(weft_file_open(weft_file_path(file), "r+", &other), 0);
    return other;
}

WT_TEST(locks_keep_each_other_out)
{
    wt_seeds_at_most(5);
    WEFT_AUTO(weft_file, one);
    WEFT_AUTO(weft_file, other);
    one = file_with("");
    other = again(one);
    ck_assert_int_eq(weft_file_lock(one, WEFT_FILE_SHARED), 0);
    ck_assert_int_eq(weft_file_try_lock(other, WEFT_FILE_SHARED), 0);
    ck_assert_int_eq(weft_file_try_lock(one, WEFT_FILE_EXCLUSIVE), WEFT_EBUSY);
    ck_assert_int_eq(weft_file_unlock(other), 0);
    ck_assert_int_eq(weft_file_lock(one, WEFT_FILE_EXCLUSIVE), 0);
    ck_assert_int_eq(weft_file_try_lock(other, WEFT_FILE_SHARED), WEFT_EBUSY);
    ck_assert_int_eq(weft_file_unlock(one), 0);
    ck_assert_int_eq(weft_file_unlock(one), 0);
    ck_assert_int_eq(weft_file_lock(other, WEFT_FILE_EXCLUSIVE), 0);
    ck_assert_int_eq(weft_file_lock(NULL, WEFT_FILE_SHARED), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_lock(one, (weft_file_lock_kind)7), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_unlock(NULL), WEFT_EINVAL);
}

struct two {
    weft_file *holder, *waiter;
    atomic_bool is_locked;
};

WEFT_TASK(lock_other, (struct two *, files))
{
    int rc = weft_file_lock(files->waiter, WEFT_FILE_EXCLUSIVE);
    atomic_store(&files->is_locked, rc == 0);
    return rc;
}

static int unlock_before_a_waiter(void *arg)
{
    struct two *files = arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, lock_other, files));
    WEFT_TRY(weft_sleep(WEFT_MS(3)));
    ck_assert(!atomic_load(&files->is_locked));
    WEFT_TRY(weft_file_unlock(files->holder));
    return weft_scope_wait(&scope);
}

static int cancel_a_waiter(void *arg)
{
    struct two *files = arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, lock_other, files));
    WEFT_TRY(weft_sleep(WEFT_MS(3)));
    weft_scope_cancel(&scope);
    int rc = weft_scope_wait(&scope);
    return rc == WEFT_ECANCELED ? 0 : rc;
}

WT_TEST(a_lock_is_waited_for_and_a_cancel_ends_that)
{
    wt_seeds_at_most(20);
    WEFT_AUTO(weft_file, one);
    WEFT_AUTO(weft_file, other);
    one = file_with("");
    other = again(one);
    struct two files = { .holder = one, .waiter = other };
    ck_assert_int_eq(weft_file_lock(one, WEFT_FILE_EXCLUSIVE), 0);
    ck_assert_int_eq(weft_run(cancel_a_waiter, &files), 0);
    ck_assert(!atomic_load(&files.is_locked));
    ck_assert_int_eq(weft_run(unlock_before_a_waiter, &files), 0);
    ck_assert(atomic_load(&files.is_locked));
}

/* ---- terminals ------------------------------------------------------------------------------------- */

/* Both ends of one that passes bytes on as they are. */
static void open_terminal(weft_file **out_outer, weft_file **out_inner)
{
    struct termios how;
    int outer = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    ck_assert_int_ge(outer, 0);
    ck_assert_int_eq(grantpt(outer), 0);
    ck_assert_int_eq(unlockpt(outer), 0);
    ck_assert_int_eq(weft_file_open(ptsname(outer), "r+", out_inner), 0);
    ck_assert_int_eq(tcgetattr(weft_file_fd(*out_inner), &how), 0);
    cfmakeraw(&how);
    ck_assert_int_eq(tcsetattr(weft_file_fd(*out_inner), TCSANOW, &how), 0);
    ck_assert_int_eq(weft_file_adopt(outer, out_outer), 0);
}

WEFT_TASK(type_line, (weft_file *, outer)) { return weft_file_write(outer, "yes\n", 4); }

static int read_what_is_typed(void *arg)
{
    weft_file **ends = arg;
    char *line;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, type_line, ends[0]));
    WEFT_TRY(weft_file_read_line(ends[1], 0, &line));
    ck_assert_str_eq(line, "yes");
    weft_free(line);
    return weft_scope_wait(&scope);
}

WEFT_TASK(read_in_vain, (weft_file *, inner))
{
    char byte;
    return (int)weft_file_read(inner, &byte, 1);
}

static int cancel_a_reader(void *arg)
{
    weft_file **ends = arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, read_in_vain, ends[1]));
    WEFT_TRY(weft_sleep(WEFT_MS(1)));
    weft_scope_cancel(&scope);
    int rc = weft_scope_wait(&scope);
    return rc == WEFT_ECANCELED ? 0 : rc;
}

WT_TEST(a_terminal_is_waited_for_and_a_cancel_ends_that)
{
    wt_seeds_at_most(5);
    WEFT_AUTO(weft_file, outer);
    WEFT_AUTO(weft_file, inner);
    open_terminal(&outer, &inner);
    weft_file *ends[] = { outer, inner };
    ck_assert_int_eq(weft_file_is_terminal(inner), 1);
    ck_assert_int_eq(weft_run(cancel_a_reader, ends), 0);
    ck_assert_int_eq(weft_run(read_what_is_typed, ends), 0);
}

WT_TEST(a_file_is_no_terminal)
{
    wt_seeds_at_most(5);
    WEFT_AUTO(weft_file, file);
    file = file_with("");
    ck_assert_int_eq(weft_file_is_terminal(file), 0);
    ck_assert_int_eq(weft_file_is_terminal(NULL), WEFT_EINVAL);
}

/* ---- what a file can do ----------------------------------------------------------------------------- */

WT_TEST(a_file_says_what_it_can_do)
{
    int fds[2];
    wt_seeds_at_most(5);
    WEFT_AUTO(weft_file, file);
    WEFT_AUTO(weft_file, from);
    WEFT_AUTO(weft_file, to);
    file = file_with("");
    ck_assert_int_eq(weft_file_is_readable(file), 1);
    ck_assert_int_eq(weft_file_is_writable(file), 1);
    ck_assert_int_eq(weft_file_is_seekable(file), 1);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(weft_file_adopt(fds[0], &from), 0);
    ck_assert_int_eq(weft_file_adopt(fds[1], &to), 0);
    ck_assert_int_eq(weft_file_is_readable(from), 1);
    ck_assert_int_eq(weft_file_is_writable(from), 0);
    ck_assert_int_eq(weft_file_is_readable(to), 0);
    ck_assert_int_eq(weft_file_is_writable(to), 1);
    ck_assert_int_eq(weft_file_is_seekable(to), 0);
    ck_assert_int_eq(weft_file_is_readable(NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_is_writable(NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_is_seekable(NULL), WEFT_EINVAL);
}

WT_TEST(two_open_files_may_be_the_same)
{
    wt_seeds_at_most(5);
    WEFT_AUTO(weft_file, one);
    WEFT_AUTO(weft_file, other);
    WEFT_AUTO(weft_file, again);
    one = file_with("");
    other = file_with("");
    int fd = dup(weft_file_fd(one));
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(weft_file_adopt(fd, &again), 0);
    ck_assert_int_eq(weft_file_is_same(one, again), 1);
    ck_assert_int_eq(weft_file_is_same(one, other), 0);
    ck_assert_int_eq(weft_file_is_same(one, NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_file_is_same(NULL, one), WEFT_EINVAL);
}

/* ---- paths ----------------------------------------------------------------------------------------- */

WT_TEST(mounts_and_file_systems_are_told)
{
    wt_seeds_at_most(5);
    struct statvfs about = { .f_bsize = 0 };
    WEFT_AUTO(weft_temp_dir, dir);
    ck_assert_int_eq(weft_temp_dir_open(NULL, &dir), 0);
    ck_assert_int_eq(weft_path_is_mount("/"), 1);
    ck_assert_int_eq(weft_path_is_mount(weft_temp_dir_path(dir)), 0);
    ck_assert_int_eq(weft_path_is_mount("/dev/null"), 0);
    ck_assert_int_eq(weft_path_is_mount("/none/such"), 0);
    ck_assert_int_eq(weft_path_is_mount(NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_path_stat_fs(weft_temp_dir_path(dir), &about), 0);
    ck_assert_uint_gt(about.f_bsize, 0);
    ck_assert_int_eq(weft_path_stat_fs("/none/such", &about), -ENOENT);
    ck_assert_int_eq(weft_path_stat_fs("/", NULL), WEFT_EINVAL);
}

static void expect_absolute(const char *path, const char *wanted)
{
    char *made;
    ck_assert_int_eq(weft_path_absolute(path, &made), 0);
    ck_assert_str_eq(made, wanted);
    weft_free(made);
}

/* The working folder is what it was afterwards. */
WT_TEST(relative_paths_are_made_absolute)
{
    wt_seeds_at_most(5);
    static char was[4096], wanted[4200], folder[4096];
    ck_assert_ptr_nonnull(getcwd(was, sizeof was));
    WEFT_AUTO(weft_temp_dir, dir);
    ck_assert_int_eq(weft_temp_dir_open(NULL, &dir), 0);
    ck_assert_int_eq(chdir(weft_temp_dir_path(dir)), 0);
    ck_assert_ptr_nonnull(getcwd(folder, sizeof folder));
    expect_absolute(".", folder);
    expect_absolute("/a/../b", "/a/../b");
    snprintf(wanted, sizeof wanted, "%s/a/b", folder);
    expect_absolute("a/b", wanted);
    ck_assert_int_eq(chdir(was), 0);
    char *unused;
    ck_assert_int_eq(weft_path_absolute(NULL, &unused), WEFT_EINVAL);
    ck_assert_int_eq(weft_path_absolute("a", NULL), WEFT_EINVAL);
}

static void expect_content(const char *path, const char *wanted)
{
    char *text = NULL;
    size_t size = 0;
    ck_assert_int_eq(weft_whole_read(path, &text, &size), 0);
    ck_assert_str_eq(text, wanted);
    weft_free(text);
}

WT_TEST(temporary_ones_of_a_relative_folder_are_removed_from_elsewhere)
{
    wt_seeds_at_most(5);
    static char was[4096];
    ck_assert_ptr_nonnull(getcwd(was, sizeof was));
    WEFT_AUTO(weft_temp_dir, dir);
    ck_assert_int_eq(weft_temp_dir_open(NULL, &dir), 0);
    ck_assert_int_eq(chdir(weft_temp_dir_path(dir)), 0);
    weft_temp_dir *inner;
    weft_file *file, *spooled;
    ck_assert_int_eq(weft_temp_dir_open(WEFT_OPTS(temp, .folder = "."), &inner), 0);
    ck_assert_int_eq(weft_temp_open_named(WEFT_OPTS(temp, .folder = "."), &file), 0);
    ck_assert_int_eq(weft_temp_open_spooled(WEFT_OPTS(temp, .folder = "."), 1, &spooled), 0);
    ck_assert_int_eq(chdir(was), 0);
    ck_assert_int_eq(weft_path_is_file(weft_file_path(file)), 1);
    ck_assert_int_eq(weft_file_write(spooled, "more", 4), 0);
    ck_assert_int_eq(weft_file_close(spooled), 0);
    ck_assert_int_eq(weft_file_close(file), 0);
    ck_assert_int_eq(weft_temp_dir_close(inner), 0);
    ck_assert_int_eq(weft_dir_remove(weft_temp_dir_path(dir)), 0);
}

WT_TEST(a_replaced_file_is_the_one_that_was_meant_at_its_opening)
{
    wt_seeds_at_most(5);
    static char was[4096];
    ck_assert_ptr_nonnull(getcwd(was, sizeof was));
    WEFT_AUTO(weft_temp_dir, dir);
    ck_assert_int_eq(weft_temp_dir_open(NULL, &dir), 0);
    ck_assert_int_eq(chdir(weft_temp_dir_path(dir)), 0);
    ck_assert_int_eq(weft_dir_make("elsewhere", 0700), 0);
    ck_assert_int_eq(weft_whole_write("elsewhere/file", "other", 5), 0);
    weft_replace *it = NULL;
    ck_assert_int_eq(weft_replace_open("file", NULL, &it), 0);
    ck_assert_int_eq(weft_file_write(weft_replace_file(it), "new", 3), 0);
    ck_assert_int_eq(chdir("elsewhere"), 0);
    ck_assert_int_eq(weft_replace_close(it, 0), 0);
    expect_content("file", "other");
    expect_content("../file", "new");
    ck_assert_int_eq(chdir(was), 0);
}

WT_TEST(nothing_is_replaced_in_a_working_folder_that_is_gone)
{
    wt_seeds_at_most(5);
    static char was[4096];
    ck_assert_ptr_nonnull(getcwd(was, sizeof was));
    WEFT_AUTO(weft_temp_dir, dir);
    ck_assert_int_eq(weft_temp_dir_open(NULL, &dir), 0);
    ck_assert_int_eq(chdir(weft_temp_dir_path(dir)), 0);
    ck_assert_int_eq(weft_dir_remove(weft_temp_dir_path(dir)), 0);
    weft_replace *it = NULL;
    ck_assert_int_eq(weft_replace_open("file", NULL, &it), -ENOENT);
    ck_assert_int_eq(weft_replace_whole("file", "new", 3), -ENOENT);
    ck_assert_int_eq(chdir(was), 0);
}

WT_MAIN("file_more")
