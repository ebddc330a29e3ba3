/* SPDX-License-Identifier: MIT
 * Folders removed with all in them: trees deeper than there are descriptors, with files on each
 * level. */
#include "wt_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft.h>

enum { DEPTH = 700, FEW = 48 };

static char folder[64];

static void fill_level(int at)
{
    static const char *const names[] = { "a", "m", "z" };
    for (int i = 0; i < 3; i++) {
        int fd = openat(at, names[i], O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        close(fd);
    }
    ck_assert_int_eq(mkdirat(at, "empty", 0700), 0);
}

/* Far longer than a path may be. */
static void make_deep(const char *path)
{
    int at = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < DEPTH; i++) {
        ck_assert_int_ge(at, 0);
        fill_level(at);
        ck_assert_int_eq(mkdirat(at, "level-of-a-tree", 0700), 0);
        int next = openat(at, "level-of-a-tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(at);
        at = next;
    }
    close(at);
}

static void begin(void)
{
    wt_seeds_at_most(2);
    snprintf(folder, sizeof folder, "/tmp/weft-api-remove-%d", (int)getpid());
    ck_assert_int_eq(weft_dir_make(folder, 0700), 0);
    make_deep(folder);
}

static void limit_descriptors(rlim_t n)
{
    struct rlimit limit = { .rlim_cur = 0 };
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = n;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

WT_TEST(a_tree_deeper_than_there_are_descriptors_is_removed)
{
    begin();
    limit_descriptors(FEW);
    ck_assert_int_eq(weft_dir_remove_all(folder), 0);
    ck_assert_int_eq(access(folder, F_OK), -1);
}

/* Uses up all but n. */
static int use_up(int *used, int most, int n)
{
    int n_used = 0;
    while (n_used < most && (used[n_used] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n_used++;
    for (int i = 0; i < n; i++)
        close(used[--n_used]);
    return n_used;
}

WT_TEST(four_descriptors_are_enough)
{
    int used[FEW];
    begin();
    limit_descriptors(FEW);
    int n_used = use_up(used, FEW, 4);
    ck_assert_int_eq(weft_dir_remove_all(folder), 0);
    ck_assert_int_eq(access(folder, F_OK), -1);
    while (n_used > 0)
        close(used[--n_used]);
}

WT_TEST(also_that_of_a_temporary_folder)
{
    wt_seeds_at_most(2);
    weft_temp_dir *dir = NULL;
    ck_assert_int_eq(weft_temp_dir_open(NULL, &dir), 0);
    snprintf(folder, sizeof folder, "%s", weft_temp_dir_path(dir));
    make_deep(folder);
    limit_descriptors(FEW);
    ck_assert_int_eq(weft_temp_dir_close(dir), 0);
    ck_assert_int_eq(access(folder, F_OK), -1);
}

WT_MAIN("folder_remove")
