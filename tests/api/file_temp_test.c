/* SPDX-License-Identifier: MIT
 * Temporary files and folders, and files that are replaced in one step: nothing is left. */
#include "wt_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft.h>

static char folder[64], target[96];

/* Each run of the binary has its own. */
static void begin(void)
{
    wt_seeds_at_most(3);
    snprintf(folder, sizeof folder, "/tmp/weft-api-temp-%d", (int)getpid());
    snprintf(target, sizeof target, "%s/target", folder);
    ck_assert_int_eq(weft_dir_make(folder, 0700), 0);
}

/* Fails if anything but the target is there. */
static void end(void)
{
    unlink(target);
    ck_assert_int_eq(weft_dir_remove(folder), 0);
}

static const weft_temp_opts *here(void)
{
    static weft_temp_opts opts;
    opts = (weft_temp_opts){ .folder = folder, .prefix = "part-", .suffix = ".tmp" };
    return &opts;
}

static void expect(const char *path, const char *wanted)
{
    char *data;
    size_t size;
    ck_assert_int_eq(weft_whole_read(path, &data, &size), 0);
    ck_assert_str_eq(data, wanted);
    weft_free(data);
}

/* ---- temporary files --------------------------------------------------------------------------------- */

WT_TEST(a_temporary_file_has_no_name)
{
    begin();
    char buf[8];
    {
        WEFT_AUTO(weft_file, file);
        ck_assert_int_eq(weft_temp_open(here(), &file), 0);
        ck_assert_int_eq(weft_file_write(file, "hello", 5), 0);
        ck_assert_int_eq(weft_file_read_at(file, 0, buf, 8), 5);
        ck_assert_int_eq(weft_dir_remove(folder), 0);
        ck_assert_int_eq(weft_dir_make(folder, 0700), 0);
    }
    ck_assert_int_eq(weft_temp_open(NULL, NULL), WEFT_EINVAL);
    end();
}

WT_TEST(a_named_one_is_removed_with_its_file)
{
    begin();
    char path[128];
    {
        WEFT_AUTO(weft_file, file);
        WEFT_AUTO(weft_file, other);
        ck_assert_int_eq(weft_temp_open_named(here(), &file), 0);
        ck_assert_int_eq(weft_temp_open_named(here(), &other), 0);
        snprintf(path, sizeof path, "%s", weft_file_path(file));
        ck_assert_str_ne(path, weft_file_path(other));
        ck_assert_ptr_nonnull(strstr(path, "/part-"));
        ck_assert_str_eq(path + strlen(path) - 4, ".tmp");
        ck_assert_int_eq(weft_file_write(file, "hello", 5), 0);
        expect(path, "hello");
        struct stat about;
        ck_assert_int_eq(weft_file_stat(file, &about), 0);
        ck_assert_int_eq(about.st_mode & 0777, 0600);
    }
    ck_assert_int_eq(weft_path_exists(path), 0);
    end();
}

static int64_t device_of(weft_file *file)
{
    struct stat about;
    ck_assert_int_eq(weft_file_stat(file, &about), 0);
    return (int64_t)about.st_dev;
}

WT_TEST(a_spooled_one_moves_when_it_is_too_large)
{
    begin();
    char buf[16];
    const struct iovec part = { (void *)(uintptr_t) "56789", 5 };
    size_t n;
    WEFT_AUTO(weft_file, file);
    ck_assert_int_eq(weft_temp_open_spooled(here(), 8, &file), 0);
    ck_assert_int_eq(weft_file_write(file, "01234", 5), 0);
    int64_t memory = device_of(file);
    ck_assert_int_eq(weft_file_write_many(file, &part, 1, &n), 0);
    ck_assert_int_ne(device_of(file), memory);
    ck_assert_int_eq(weft_file_tell(file), 10);
    ck_assert_int_eq(weft_file_write(file, "X", 1), 0);
    ck_assert_int_eq(weft_file_read_at(file, 0, buf, 16), 11);
    ck_assert_int_eq(memcmp(buf, "0123456789X", 11), 0);
    ck_assert_int_eq(weft_close_with(file, 0), 0);
    end();
}

WT_TEST(a_write_at_a_place_moves_it_too)
{
    begin();
    size_t n;
    WEFT_AUTO(weft_file, file);
    ck_assert_int_eq(weft_temp_open_spooled(here(), 8, &file), 0);
    int64_t memory = device_of(file);
    ck_assert_int_eq(weft_file_write_at(file, 0, "01234", 5, &n), 0);
    ck_assert_int_eq(device_of(file), memory);
    ck_assert_int_eq(weft_file_write_at(file, 5, "56789", 5, &n), 0);
    ck_assert_int_ne(device_of(file), memory);
    ck_assert_int_eq(weft_close_with(file, 0), 0);
    end();
}

static void expect_line(weft_rx(weft_line) lines, const char *wanted)
{
    weft_line line = { .size = 0 };
    ck_assert_int_eq(weft_recv(lines, &line), 1);
    ck_assert_uint_eq(line.size, strlen(wanted));
    ck_assert_int_eq(memcmp(line.data, wanted, line.size), 0);
}

/* Their blocks are so small that most of them are read after the move. */
WT_TEST(lines_of_a_spooled_one_go_on_when_it_moves)
{
    begin();
    {
        size_t n = 0;
        weft_line line;
        WEFT_AUTO(weft_file, file);
        WEFT_RX(weft_line, lines);
        ck_assert_int_eq(weft_temp_open_spooled(here(), 16, &file), 0);
        ck_assert_int_eq(weft_file_write(file, "one\ntwo\n", 8), 0);
        ck_assert_int_eq(weft_file_seek(file, 0, SEEK_SET), 0);
        int64_t memory = device_of(file);
        ck_assert_int_eq(weft_file_lines(file, WEFT_OPTS(lines, .block_size = 5), &lines), 0);
        expect_line(lines, "one");
        ck_assert_int_eq(weft_file_write_at(file, 8, "three\nfour", 10, &n), 0);
        ck_assert_int_ne(device_of(file), memory);
        expect_line(lines, "two");
        expect_line(lines, "three");
        expect_line(lines, "four");
        ck_assert_int_eq(weft_recv(lines, &line), 0);
    }
    end();
}

/* ---- temporary folders --------------------------------------------------------------------------------- */

static void fill(const weft_temp_dir *dir)
{
    char path[160];
    snprintf(path, sizeof path, "%s/a/b", weft_temp_dir_path(dir));
    ck_assert_int_eq(weft_dir_make_all(path, 0700), 0);
    snprintf(path, sizeof path, "%s/a/b/file", weft_temp_dir_path(dir));
    ck_assert_int_eq(weft_whole_write(path, "x", 1), 0);
}

WT_TEST(a_temporary_folder_is_removed_with_all_in_it)
{
    begin();
    {
        WEFT_AUTO(weft_temp_dir, dir);
        ck_assert_int_eq(weft_temp_dir_open(here(), &dir), 0);
        ck_assert_int_eq(weft_path_is_dir(weft_temp_dir_path(dir)), 1);
        fill(dir);
    }
    end();
}

WEFT_TASK(use_until_cancelled)
{
    WEFT_AUTO(weft_temp_dir, dir);
    WEFT_AUTO(weft_file, file);
    WEFT_TRY(weft_temp_dir_open(here(), &dir));
    WEFT_TRY(weft_temp_open_named(here(), &file));
    fill(dir);
    return weft_sleep(WEFT_SEC(3600));
}

WT_TEST(also_when_its_scope_is_cancelled)
{
    begin();
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(20));
        ck_assert_int_eq(weft_spawn(&scope, use_until_cancelled), 0);
        int rc = weft_scope_wait(&scope);
        ck_assert_int_eq(rc, WEFT_ETIMEDOUT);
    }
    end();
}

WT_TEST(one_that_was_removed_already_is_closed_well)
{
    begin();
    weft_temp_dir *dir;
    ck_assert_int_eq(weft_temp_dir_open(here(), &dir), 0);
    ck_assert_int_eq(weft_dir_remove(weft_temp_dir_path(dir)), 0);
    ck_assert_int_eq(weft_temp_dir_close(dir), 0);
    ck_assert_int_eq(weft_temp_dir_close(NULL), 0);
    ck_assert_int_eq(weft_temp_dir_open(NULL, NULL), WEFT_EINVAL);
    end();
}

/* ---- replaced in one step --------------------------------------------------------------------------------- */

static int replace(const char *text, int outcome)
{
    WEFT_AUTO(weft_replace, it);
    WEFT_TRY(weft_replace_open(target, NULL, &it));
    WEFT_TRY(weft_file_write(weft_replace_file(it), text, strlen(text)));
    return weft_close_with(it, outcome);
}

WT_TEST(a_replaced_file_is_the_old_one_until_the_close)
{
    begin();
    struct stat about;
    ck_assert_int_eq(replace("first", 0), 0);
    expect(target, "first");
    chmod(target, 0604);
    {
        WEFT_AUTO(weft_replace, it);
        ck_assert_int_eq(weft_replace_open(target, NULL, &it), 0);
        ck_assert_int_eq(weft_file_write(weft_replace_file(it), "second", 6), 0);
        expect(target, "first");
        ck_assert_int_eq(weft_close_with(it, 7), 7);
    }
    expect(target, "second");
    ck_assert_int_eq(weft_path_stat(target, &about), 0);
    ck_assert_int_eq(about.st_mode & 0777, 0604);
    ck_assert_int_eq(weft_replace_whole(target, "third", 5), 0);
    expect(target, "third");
    end();
}

WT_TEST(one_that_goes_wrong_leaves_the_old_and_nothing_beside_it)
{
    begin();
    ck_assert_int_eq(replace("old", 0), 0);
    ck_assert_int_eq(replace("new", -EIO), -EIO);
    expect(target, "old");
    {
        WEFT_AUTO(weft_replace, it);
        ck_assert_int_eq(weft_replace_open(target, NULL, &it), 0);
        ck_assert_int_eq(weft_file_write(weft_replace_file(it), "new", 3), 0);
        weft_take_close_error();
    }
    weft_take_close_error();
    expect(target, "old");
    end();
}

WEFT_TASK(replace_until_cancelled)
{
    WEFT_AUTO(weft_replace, it);
    WEFT_TRY(weft_replace_open(target, NULL, &it));
    WEFT_TRY(weft_file_write(weft_replace_file(it), "new", 3));
    int rc = weft_sleep(WEFT_SEC(3600));
    return weft_close_with(it, rc);
}

WT_TEST(a_cancelled_one_leaves_the_old_and_nothing_beside_it)
{
    begin();
    ck_assert_int_eq(weft_replace_whole(target, "old", 3), 0);
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(20));
        ck_assert_int_eq(weft_spawn(&scope, replace_until_cancelled), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    expect(target, "old");
    end();
}

WT_TEST(what_can_not_be_replaced_is_refused)
{
    begin();
    weft_replace *it = NULL;
    ck_assert_int_eq(weft_replace_open(folder, NULL, &it), -EISDIR);
    ck_assert_int_eq(weft_replace_open("", NULL, &it), WEFT_EINVAL);
    ck_assert_int_eq(weft_replace_open(NULL, NULL, &it), WEFT_EINVAL);
    ck_assert_int_eq(weft_replace_whole("/tmp/no/such/folder", "x", 1), -ENOENT);
    ck_assert_int_eq(weft_replace_whole(target, NULL, 1), WEFT_EINVAL);
    ck_assert_ptr_null(it);
    ck_assert_int_eq(weft_replace_close(NULL, 5), 5);
    ck_assert_ptr_null(weft_replace_file(NULL));
    end();
}

WT_MAIN("file_temp")
