/* SPDX-License-Identifier: MIT
 * Temporary and replaced files with calls of the system that fail: nothing is left. */
#include "../fail_nth.h"
#include "blocking/pool.h"
#include "plat/clock.h"
#include "plat/fs.h"
#include "wt_test.h"

#include <dirent.h>
#include <stdatomic.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft.h>

static char folder[64], target[96];
static weft_temp_opts opts;

/* Before there are threads; each run of the binary has its own. */
__attribute__((constructor)) static void make_paths(void)
{
    snprintf(folder, sizeof folder, "/tmp/weft-temp-%d", (int)getpid());
    snprintf(target, sizeof target, "%s/target", folder);
    opts.folder = folder;
}

/* How many entries the folder has beside the target, and that it is there. */
static int count_rest(void)
{
    int n = 0;
    DIR *dir = opendir(folder);
    ck_assert_ptr_nonnull(dir);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL)
        n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
    closedir(dir);
    return n;
}

static void prepare(void)
{
    unlink(target);
    ck_assert(rmdir(folder) == 0 || errno == ENOENT);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    wf_pool_stop(wf_clock_after(WEFT_SEC(5)));
}

static void done(void)
{
    unlink(target);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* ---- temporary ------------------------------------------------------------------------------------------ */

static int spool(void)
{
    WEFT_AUTO(weft_file, file);
    char buf[8];
    WEFT_TRY(weft_temp_open_spooled(&opts, 3, &file));
    WEFT_TRY(weft_file_write(file, "01", 2));
    WEFT_TRY(weft_file_write(file, "234", 3));
    WEFT_TRY(weft_file_read_at(file, 0, buf, 8));
    ck_assert_int_eq(memcmp(buf, "01234", 5), 0);
    return weft_close_with(file, 0);
}

static int unnamed(void)
{
    WEFT_AUTO(weft_file, file);
    WEFT_TRY(weft_temp_open(&opts, &file));
    return weft_close_with(file, 0);
}

static int use_temps(void *arg)
{
    (void)arg;
    int rc = unnamed();
    if (rc == 0)
        rc = spool();
    ck_assert_int_eq(count_rest(), 0);
    return rc;
}

WT_TEST(each_call_that_fails_is_reported)
{
    wt_seeds_at_most(3);
    ck_assert_uint_gt(fail_each(use_temps, NULL, prepare), 15);
    done();
}

static int open_unable(int at, const char *path, int flags, unsigned mode)
{
    if ((flags & O_TMPFILE) == O_TMPFILE)
        return -EOPNOTSUPP;
    return wf_fs_real.open_at(at, path, flags, mode);
}

WT_TEST(where_files_need_a_name_it_is_taken_away_at_once)
{
    wt_seeds_at_most(3);
    prepare();
    wf_fs.open_at = open_unable;
    ck_assert_int_eq(use_temps(NULL), 0);
    wf_fs.open_at = wf_fs_real.open_at;
    done();
}

/* ---- a write at a place beside a move -------------------------------------------------------------------- */

static weft_file *moving;
static int beside_rc;

static ssize_t send_then_write(int to, int from, off_t *offset, size_t size)
{
    size_t n;
    ssize_t sent = wf_fs_real.send_file(to, from, offset, size);
    beside_rc = weft_file_write_at(moving, 0, "X", 1, &n);
    return sent;
}

WT_TEST(no_write_beside_a_move_is_lost)
{
    wt_seeds_at_most(3);
    char first;
    prepare();
    ck_assert_int_eq(weft_temp_open_spooled(&opts, 3, &moving), 0);
    wf_fs.send_file = send_then_write;
    ck_assert_int_eq(weft_file_write(moving, "01234", 5), 0);
    wf_fs.send_file = wf_fs_real.send_file;
    ck_assert_int_eq(weft_file_read_at(moving, 0, &first, 1), 1);
    ck_assert_int_eq(first, beside_rc == 0 ? 'X' : '0');
    ck_assert_int_eq(weft_file_close(moving), 0);
    done();
}

/* The first names are taken. */
static _Atomic int n_taken;

static int mkdir_taken(const char *path, unsigned mode)
{
    return atomic_fetch_sub(&n_taken, 1) > 0 ? -EEXIST : wf_fs_real.mkdir(path, mode);
}

WT_TEST(a_name_that_is_taken_is_not_used)
{
    wt_seeds_at_most(3);
    weft_temp_dir *dir;
    prepare();
    wf_fs.mkdir = mkdir_taken;
    atomic_store(&n_taken, 5);
    ck_assert_int_eq(weft_temp_dir_open(&opts, &dir), 0);
    ck_assert_int_eq(weft_temp_dir_close(dir), 0);
    atomic_store(&n_taken, 1000);
    ck_assert_int_eq(weft_temp_dir_open(&opts, &dir), -EEXIST);
    wf_fs.mkdir = wf_fs_real.mkdir;
    done();
}

/* ---- replaced -------------------------------------------------------------------------------------------- */

static int write_and_close(const char *text)
{
    WEFT_AUTO(weft_replace, it);
    WEFT_TRY(weft_replace_open(target, NULL, &it));
    int rc = weft_file_write(weft_replace_file(it), text, strlen(text));
    return weft_close_with(it, rc);
}

static void put_old(void)
{
    prepare();
    FILE *file = fopen(target, "w");
    ck_assert_ptr_nonnull(file);
    fputs("old", file);
    fclose(file);
}

/* The old content or the new one, and nothing beside it. */
static void look(int rc)
{
    char text[8] = "";
    FILE *file = fopen(target, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
    fclose(file);
    ck_assert_msg(strcmp(text, "new") == 0 || (rc < 0 && strcmp(text, "old") == 0), "%d: %s", rc,
                  text);
    ck_assert_int_eq(count_rest(), 1);
}

static int replace_in_steps(void *arg)
{
    (void)arg;
    int rc = write_and_close("new");
    look(rc);
    return rc;
}

static int replace_at_once(void *arg)
{
    (void)arg;
    int rc = weft_replace_whole(target, "new", 3);
    look(rc);
    return rc;
}

WT_TEST(whatever_fails_the_old_content_or_the_new_is_there)
{
    wt_seeds_at_most(3);
    ck_assert_uint_gt(fail_each(replace_in_steps, NULL, put_old), 10);
    ck_assert_uint_gt(fail_each(replace_at_once, NULL, put_old), 10);
    done();
}

static int sync_fails(int fd)
{
    (void)fd;
    return -EIO;
}

WT_TEST(a_sync_that_failed_before_the_close_counts)
{
    put_old();
    {
        WEFT_AUTO(weft_replace, it);
        ck_assert_int_eq(weft_replace_open(target, NULL, &it), 0);
        ck_assert_int_eq(weft_file_write(weft_replace_file(it), "new", 3), 0);
        wf_sys.sync = sync_fails;
        ck_assert_int_eq(weft_file_sync(weft_replace_file(it)), -EIO);
        wf_sys.sync = wf_sys_real.sync;
        ck_assert_int_eq(weft_close_with(it, 0), -EIO);
    }
    look(-EIO);
    done();
}

/* As some file systems do. */
static int sync_of_files_alone(int fd)
{
    struct stat about;
    ck_assert_int_eq(fstat(fd, &about), 0);
    return S_ISDIR(about.st_mode) ? -EINVAL : wf_sys_real.sync(fd);
}

WT_TEST(a_folder_that_knows_no_sync_is_no_error)
{
    wt_seeds_at_most(3);
    put_old();
    wf_sys.sync = sync_of_files_alone;
    ck_assert_int_eq(weft_replace_whole(target, "new", 3), 0);
    wf_sys.sync = wf_sys_real.sync;
    look(0);
    done();
}

WT_TEST(what_replaces_a_setuid_file_is_not_setuid)
{
    wt_seeds_at_most(3);
    struct stat about;
    put_old();
    ck_assert_int_eq(chmod(target, 06750), 0);
    ck_assert_int_eq(weft_replace_whole(target, "new", 3), 0);
    ck_assert_int_eq(stat(target, &about), 0);
    ck_assert_int_eq(about.st_mode & 07777, 0750);
    done();
}

WT_MAIN("temp")
