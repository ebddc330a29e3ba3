/* SPDX-License-Identifier: MIT
 * Folders with calls of the system that fail, or say little. */
#include "../fail_nth.h"
#include "blocking/pool.h"
#include "plat/clock.h"
#include "plat/fs.h"
#include "wt_test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>

static char folder[64], file[96], inner[96];

/* Before there are threads; each run of the binary has its own. */
__attribute__((constructor)) static void make_paths(void)
{
    snprintf(folder, sizeof folder, "/tmp/weft-dir-%d", (int)getpid());
    snprintf(inner, sizeof inner, "%s/a/b", folder);
    snprintf(file, sizeof file, "%s/a/file", folder);
}

/* By the system alone, whatever a failed run has left. */
static void remove_rest(void)
{
    char upper[96];
    snprintf(upper, sizeof upper, "%s/a", folder);
    unlink(file);
    rmdir(inner);
    rmdir(upper);
    rmdir(folder);
    wf_pool_stop(wf_clock_after(WEFT_SEC(5)));
}

static int list(void)
{
    WEFT_RX(weft_text, names);
    weft_text text;
    WEFT_TRY(weft_dir_list(folder, &names));
    int rc, n = 0;
    while ((rc = weft_recv(names, &text)) > 0) {
        weft_text_drop(&text);
        n++;
    }
    if (rc == 0)
        ck_assert_int_eq(n, 1);
    return rc;
}

static int walk(void)
{
    WEFT_RX(weft_walk_entry, entries);
    WEFT_TRY(weft_dir_walk(folder, NULL, &entries));
    int n = 0, error = 0;
    weft_each (entry, entries) {
        n++;
        error = entry.error < 0 ? entry.error : error;
    }
    int rc = weft_error(entries);
    if (rc == 0 && error == 0)
        ck_assert_int_eq(n, 3);
    return rc < 0 ? rc : error;
}

static int use_folders(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_dir_make(folder, 0700));
    WEFT_TRY(weft_dir_make_all(inner, 0700));
    WEFT_TRY(weft_whole_write(file, "x", 1));
    WEFT_TRY(list());
    WEFT_TRY(walk());
    return weft_dir_remove_all(folder);
}

WT_TEST(each_call_that_fails_is_reported)
{
    wt_seeds_at_most(3);
    ck_assert_uint_gt(fail_each(use_folders, NULL, remove_rest), 40);
    remove_rest();
}

/* ---- a file system that does not say what an entry is -------------------------------------------------- */

static ssize_t entries_of_no_kind(int fd, void *buf, size_t size)
{
    ssize_t n = wf_fs_real.entries(fd, buf, size);
    for (ssize_t at = 0; at < n;) {
        struct dirent64 *entry = (struct dirent64 *)(void *)((char *)buf + at);
        entry->d_type = DT_UNKNOWN;
        at += entry->d_reclen;
    }
    return n;
}

WT_TEST(an_entry_of_unknown_kind_is_asked)
{
    wt_seeds_at_most(3);
    wf_fs.entries = entries_of_no_kind;
    ck_assert_int_eq(use_folders(NULL), 0);
    ck_assert_int_eq(access(folder, F_OK), -1);
    wf_fs.entries = wf_fs_real.entries;
}

/* ---- file systems that are not like others --------------------------------------------------------------- */

static void fill_folder(void)
{
    remove_rest();
    ck_assert_int_eq(weft_dir_make_all(inner, 0700), 0);
    ck_assert_int_eq(weft_whole_write(file, "x", 1), 0);
}

static int listed_but_not_there(int at, const char *path, int flags)
{
    return flags == 0 ? -ENOENT : wf_fs_real.unlink_at(at, path, flags);
}

WT_TEST(what_is_listed_but_not_there_does_not_hold_up_a_removal)
{
    wt_seeds_at_most(3);
    fill_folder();
    wf_fs.unlink_at = listed_but_not_there;
    ck_assert_int_eq(weft_dir_remove_all(folder), -ENOTEMPTY);
    wf_fs.unlink_at = wf_fs_real.unlink_at;
    ck_assert_int_eq(weft_dir_remove_all(folder), 0);
}

/* ---- folders that are made while others are removed ------------------------------------------------------ */

static int n_removed, n_made_in_vain;

/* The folder above the innermost is gone whenever that is to be made, n_removed times. */
static int mkdir_too_late(const char *path, unsigned mode)
{
    char upper[96];
    snprintf(upper, sizeof upper, "%s/a", folder);
    if (strcmp(path, inner) == 0 && n_made_in_vain < n_removed) {
        n_made_in_vain++;
        rmdir(upper);
    }
    return wf_fs_real.mkdir(path, mode);
}

static int make_beside_removals(int n)
{
    remove_rest();
    n_removed = n;
    n_made_in_vain = 0;
    wf_fs.mkdir = mkdir_too_late;
    int rc = weft_dir_make_all(inner, 0700);
    wf_fs.mkdir = wf_fs_real.mkdir;
    return rc;
}

WT_TEST(what_is_removed_while_more_is_made_below_it_is_made_again)
{
    wt_seeds_at_most(3);
    ck_assert_int_eq(make_beside_removals(5), 0);
    ck_assert_int_eq(access(inner, F_OK), 0);
    ck_assert_int_eq(make_beside_removals(1000), -ENOENT); /* not for ever */
    remove_rest();
}

/* ---- a removal that something is in the way of -------------------------------------------------------- */

static int stuck_are_kept(int at, const char *path, int flags)
{
    return strncmp(path, "stuck", 5) == 0 ? path[5] == '1' ? -EPERM : -EBUSY
                                          : wf_fs_real.unlink_at(at, path, flags);
}

static const char *below(const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

WT_TEST(what_can_not_be_removed_does_not_keep_the_rest)
{
    wt_seeds_at_most(3);
    static const char *const gone[] = { "a/b", "a/file", "a/k/z", "z" };
    fill_folder();
    ck_assert_int_eq(weft_dir_make_all(below("a/k/z/y"), 0700), 0);
    ck_assert_int_eq(weft_dir_make(below("z"), 0700), 0);
    ck_assert_int_eq(weft_whole_write(below("a/k/stuck1"), "x", 1), 0);
    wf_fs.unlink_at = stuck_are_kept;
    ck_assert_int_eq(weft_dir_remove_all(folder), -EPERM);
    wf_fs.unlink_at = wf_fs_real.unlink_at;
    for (int i = 0; i < 4; i++)
        ck_assert_msg(access(below(gone[i]), F_OK) != 0, "%s", gone[i]);
    ck_assert_int_eq(access(below("a/k/stuck1"), F_OK), 0);
    ck_assert_int_eq(weft_dir_remove_all(folder), 0);
}

WT_TEST(the_first_error_is_told)
{
    wt_seeds_at_most(3);
    fill_folder();
    ck_assert_int_eq(weft_whole_write(below("a/b/stuck1"), "x", 1), 0);
    ck_assert_int_eq(weft_dir_make(below("a/b/stuck2"), 0700), 0);
    wf_fs.unlink_at = stuck_are_kept;
    int rc = weft_dir_remove_all(folder);
    ck_assert_msg(rc == -EPERM || rc == -EBUSY, "%d", rc);
    wf_fs.unlink_at = wf_fs_real.unlink_at;
    ck_assert_int_eq(weft_dir_remove_all(folder), 0);
}

static int unreadable(int at, const char *path, int flags, unsigned mode)
{
    return strcmp(path, "b") == 0 ? -EACCES : wf_fs_real.open_at(at, path, flags, mode);
}

WT_TEST(an_empty_folder_need_not_be_readable)
{
    wt_seeds_at_most(3);
    fill_folder();
    wf_fs.open_at = unreadable;
    ck_assert_int_eq(weft_dir_remove_all(folder), 0);
    wf_fs.open_at = wf_fs_real.open_at;
    ck_assert_int_eq(access(folder, F_OK), -1);
}

/* ---- a tree that is changed while it is removed --------------------------------------------------------- */

enum { DEEP = 20 }; /* more than are open at once */

static void make_deep(void)
{
    char path[64 + 2 * DEEP];
    int size = snprintf(path, sizeof path, "%s", folder);
    fill_folder();
    for (int i = 0; i < DEEP; i++)
        size += snprintf(path + size, sizeof path - (size_t)size, "/d");
    ck_assert_int_eq(weft_dir_make_all(path, 0700), 0);
}

/* Where ".." leads when the folder was moved meanwhile. */
static char elsewhere[96];
static _Atomic int n_above;

static int above_is_elsewhere(int at, const char *path, int flags, unsigned mode)
{
    if (strcmp(path, "..") != 0)
        return wf_fs_real.open_at(at, path, flags, mode);
    n_above++;
    return wf_fs_real.open_at(AT_FDCWD, elsewhere, flags, mode);
}

WT_TEST(a_folder_that_was_moved_does_not_lead_a_removal_elsewhere)
{
    wt_seeds_at_most(3);
    char kept[128];
    snprintf(elsewhere, sizeof elsewhere, "%s-elsewhere", folder);
    snprintf(kept, sizeof kept, "%s/d", elsewhere);
    make_deep();
    ck_assert_int_eq(weft_dir_make_all(kept, 0700), 0);
    n_above = 0;
    wf_fs.open_at = above_is_elsewhere;
    ck_assert_int_eq(weft_dir_remove_all(folder), 0);
    wf_fs.open_at = wf_fs_real.open_at;
    ck_assert_int_gt(n_above, 0);
    ck_assert_int_eq(access(folder, F_OK), -1);
    ck_assert_int_eq(access(kept, F_OK), 0);
    ck_assert_int_eq(weft_dir_remove_all(elsewhere), 0);
}

/* ... and when its names do not lead there either. */
static int way_is_lost(int at, const char *path, int flags, unsigned mode)
{
    if (strcmp(path, "..") == 0)
        n_above++;
    return n_above > 0 && at != AT_FDCWD ? -EACCES : wf_fs_real.open_at(at, path, flags, mode);
}

WT_TEST(a_removal_that_has_lost_its_way_ends_and_says_so)
{
    wt_seeds_at_most(3);
    make_deep();
    n_above = 0;
    wf_fs.open_at = way_is_lost;
    ck_assert_int_eq(weft_dir_remove_all(folder), -EACCES);
    wf_fs.open_at = wf_fs_real.open_at;
    ck_assert_int_eq(weft_dir_remove_all(folder), 0);
}

static int remove_deep(void *arg)
{
    (void)arg;
    return weft_dir_remove_all(folder);
}

WT_TEST(of_a_deep_tree_each_call_that_fails_is_reported)
{
    wt_seeds_at_most(1);
    ck_assert_uint_gt(fail_each(remove_deep, NULL, make_deep), 4 * DEEP);
    remove_rest();
}

/* ---- long names ------------------------------------------------------------------------------------------ */

enum { LONG_NAME = 4000 };

static _Atomic int n_long_names;

/* One entry, of a name that no usual file system has. */
static ssize_t entry_of_a_long_name(int fd, void *buf, size_t size)
{
    enum { NAME_AT = offsetof(struct dirent64, d_name) };
    const struct dirent64 head = { .d_reclen = NAME_AT + LONG_NAME + 8, .d_type = DT_REG };
    (void)fd, (void)size;
    if (n_long_names++ > 0)
        return 0;
    memcpy(buf, &head, NAME_AT);
    memset((char *)buf + NAME_AT, 'n', LONG_NAME);
    memset((char *)buf + NAME_AT + LONG_NAME, 0, 8);
    return head.d_reclen;
}

WT_TEST(a_walk_has_room_for_any_name)
{
    wt_seeds_at_most(3);
    WEFT_RX(weft_walk_entry, entries);
    weft_walk_entry entry;
    fill_folder();
    n_long_names = 0;
    wf_fs.entries = entry_of_a_long_name;
    ck_assert_int_eq(weft_dir_walk(folder, NULL, &entries), 0);
    ck_assert_int_eq(weft_recv(entries, &entry), 1);
    ck_assert_uint_eq(strlen(entry.name), LONG_NAME);
    ck_assert_int_eq(weft_recv(entries, &entry), 0);
    wf_fs.entries = wf_fs_real.entries;
    remove_rest();
}

WT_MAIN("dir")
