/* SPDX-License-Identifier: MIT
 * Folders: made, removed, listed, walked. */
#include "wt_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weft.h>

static char folder[64];

/* Each run of the binary has its own. */
static void begin(void)
{
    wt_seeds_at_most(3);
    snprintf(folder, sizeof folder, "/tmp/weft-api-folder-%d", (int)getpid());
    ck_assert_int_eq(weft_dir_make(folder, 0700), 0);
}

static void end(void)
{
    ck_assert_int_eq(weft_dir_remove_all(folder), 0);
    ck_assert_int_eq(weft_path_exists(folder), 0);
}

static const char *in_folder(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name)
{
    ck_assert_int_eq(weft_whole_write(in_folder(name), name, strlen(name)), 0);
}

/* ---- made and removed ------------------------------------------------------------------------------ */

WT_TEST(folders_are_made_with_those_above_them)
{
    begin();
    ck_assert_int_eq(weft_dir_make(folder, 0700), -EEXIST);
    ck_assert_int_eq(weft_dir_make(in_folder("a/b"), 0700), -ENOENT);
    ck_assert_int_eq(weft_dir_make_all(in_folder("a/b//c/"), 0700), 0);
    ck_assert_int_eq(weft_dir_make_all(in_folder("a/b/c"), 0700), 0);
    ck_assert_int_eq(weft_path_is_dir(in_folder("a/b/c")), 1);
    ck_assert_int_eq(weft_dir_remove(in_folder("a")), -ENOTEMPTY);
    ck_assert_int_eq(weft_dir_remove(in_folder("a/b/c")), 0);
    put("file");
    ck_assert_int_eq(weft_dir_make_all(in_folder("file"), 0700), -ENOTDIR);
    ck_assert_int_eq(weft_dir_make_all(in_folder("file/below"), 0700), -ENOTDIR);
    ck_assert_int_eq(weft_dir_make_all("", 0700), -ENOENT);
    ck_assert_int_eq(weft_dir_make_all(NULL, 0700), WEFT_EINVAL);
    end();
}

WT_TEST(empty_folders_above_are_removed_too)
{
    begin();
    put("stays");
    ck_assert_int_eq(weft_dir_make_all(in_folder("a/b/c"), 0700), 0);
    ck_assert_int_eq(weft_dir_remove_above(in_folder("a/b")), -ENOTEMPTY);
    ck_assert_int_eq(weft_dir_remove_above(in_folder("a/b//c/")), 0);
    ck_assert_int_eq(weft_path_exists(in_folder("a")), 0);
    ck_assert_int_eq(weft_path_is_dir(folder), 1);
    ck_assert_int_eq(weft_dir_remove_above(in_folder("a/b")), -ENOENT);
    ck_assert_int_eq(weft_dir_remove_above(in_folder("stays")), -ENOTDIR);
    ck_assert_int_eq(weft_dir_remove_above("/"), -EBUSY);
    ck_assert_int_eq(weft_dir_remove_above(""), -ENOENT);
    ck_assert_int_eq(weft_dir_remove_above(NULL), WEFT_EINVAL);
    end();
}

WT_TEST(a_rename_makes_folders_and_leaves_no_empty_one)
{
    char from[256];
    begin();
    put("stays");
    ck_assert_int_eq(weft_dir_make_all(in_folder("a/b"), 0700), 0);
    put("a/b/file");
    strcpy(from, in_folder("a/b/file"));
    ck_assert_int_eq(weft_path_rename_above(from, in_folder("c/d/e")), 0);
    ck_assert_int_eq(weft_path_is_file(in_folder("c/d/e")), 1);
    ck_assert_int_eq(weft_path_exists(in_folder("a")), 0);
    ck_assert_int_eq(weft_path_rename_above(from, in_folder("f/g")), -ENOENT);
    ck_assert_int_eq(weft_path_is_dir(in_folder("f")), 1); /* made before, and stays */
    strcpy(from, in_folder("c/d/e"));
    ck_assert_int_eq(weft_path_rename_above(from, in_folder("stays/g")), -ENOTDIR);
    ck_assert_int_eq(weft_path_is_file(from), 1);
    ck_assert_int_eq(weft_path_rename_above(from, NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_path_rename_above(NULL, from), WEFT_EINVAL);
    end();
}

WT_TEST(what_is_removed_with_all_in_it_follows_no_link)
{
    begin();
    char outside[96];
    snprintf(outside, sizeof outside, "%s-outside", folder);
    ck_assert_int_eq(weft_dir_make(outside, 0700), 0);
    char kept[128];
    snprintf(kept, sizeof kept, "%s/kept", outside);
    ck_assert_int_eq(weft_whole_write(kept, "x", 1), 0);
    ck_assert_int_eq(weft_dir_make_all(in_folder("a/b"), 0700), 0);
    ck_assert_int_eq(weft_path_symlink(outside, in_folder("a/b/link")), 0);
    ck_assert_int_eq(weft_dir_remove_all(in_folder("a/b/link")), -ENOTDIR);
    put("a/b/file");
    end();
    ck_assert_int_eq(weft_path_exists(kept), 1);
    ck_assert_int_eq(weft_dir_remove_all(outside), 0);
    ck_assert_int_eq(weft_dir_remove_all(outside), -ENOENT);
}

/* ---- listed --------------------------------------------------------------------------------------------- */

enum { N_FILES = 300 };

WT_TEST(a_folder_gives_each_entry_once)
{
    begin();
    char name[32];
    bool seen[N_FILES] = { false };
    for (int i = 0; i < N_FILES; i++) {
        snprintf(name, sizeof name, "%d", i);
        put(name);
    }
    int n = 0;
    {
        WEFT_RX(weft_dir_entry, entries);
        ck_assert_int_eq(weft_dir_scan(folder, &entries), 0);
        weft_each (entry, entries) {
            int i = -1;
            ck_assert_int_eq(sscanf(entry.name, "%d", &i), 1);
            ck_assert(i >= 0 && i < N_FILES && !seen[i]);
            seen[i] = true;
            ck_assert_int_eq(entry.kind, WEFT_ENTRY_FILE);
            n++;
        }
        ck_assert_int_eq(weft_error(entries), 0);
    }
    ck_assert_int_eq(n, N_FILES);
    end();
}

/* The names fill more than one of the blocks that the system is asked for. */
WT_TEST(a_folder_that_is_removed_while_it_is_read_ends)
{
    begin();
    char name[192];
    ck_assert_int_eq(weft_dir_make(in_folder("d"), 0700), 0);
    for (int i = 0; i < N_FILES; i++) {
        snprintf(name, sizeof name, "d/%0160d", i);
        put(name);
    }
    {
        WEFT_RX(weft_dir_entry, entries);
        weft_dir_entry entry = { 0 };
        int n = 0, rc = -1;
        ck_assert_int_eq(weft_dir_scan(in_folder("d"), &entries), 0);
        ck_assert_int_eq(weft_recv(entries, &entry), 1);
        ck_assert_int_eq(weft_dir_remove_all(in_folder("d")), 0);
        while ((rc = weft_recv(entries, &entry)) > 0)
            n++;
        ck_assert_int_eq(rc, 0);
        ck_assert_int_lt(n, N_FILES - 1);
    }
    end();
}

WT_TEST(an_entry_says_what_it_is)
{
    begin();
    put("file");
    ck_assert_int_eq(weft_dir_make(in_folder("dir"), 0700), 0);
    ck_assert_int_eq(weft_path_symlink("dir", in_folder("link")), 0);
    ck_assert_int_eq(mkfifo(in_folder("other"), 0600), 0);
    int n = 0;
    {
        WEFT_RX(weft_dir_entry, entries);
        ck_assert_int_eq(weft_dir_scan(folder, &entries), 0);
        weft_each (entry, entries) {
            n++;
            static const char *const names[] = { "other", "file", "dir", "link" };
            ck_assert_str_eq(entry.name, names[entry.kind]);
        }
    }
    ck_assert_int_eq(n, 4);
    end();
}

WT_TEST(names_of_a_list_are_their_receivers)
{
    begin();
    put("one");
    put("two");
    weft_text held[2] = { { NULL, 0 } };
    {
        WEFT_RX(weft_text, names);
        ck_assert_int_eq(weft_dir_list(folder, &names), 0);
        ck_assert_int_eq(weft_recv(names, &held[0]), 1);
        ck_assert_int_eq(weft_recv(names, &held[1]), 1);
    }
    ck_assert_uint_eq(held[0].size, 3);
    ck_assert_int_eq(strcmp(held[0].data, held[1].data) < 0 ? held[0].data[0] : held[1].data[0],
                     'o');
    weft_text_drop(&held[0]);
    weft_text_drop(&held[1]);
    end();
}

WT_TEST(what_is_no_folder_is_not_listed)
{
    begin();
    put("file");
    WEFT_RX(weft_dir_entry, entries);
    WEFT_RX(weft_text, names);
    WEFT_RX(weft_walk_entry, walk);
    ck_assert_int_eq(weft_dir_scan(in_folder("file"), &entries), -ENOTDIR);
    ck_assert_int_eq(weft_dir_list(in_folder("none"), &names), -ENOENT);
    ck_assert_int_eq(weft_dir_walk(in_folder("file"), NULL, &walk), -ENOTDIR);
    ck_assert_int_eq(weft_dir_scan(NULL, &entries), WEFT_EINVAL);
    end();
}

/* ---- walked ---------------------------------------------------------------------------------------------- */

static void make_tree(void)
{
    ck_assert_int_eq(weft_dir_make_all(in_folder("a/b/c"), 0700), 0);
    put("top");
    put("a/in-a");
    put("a/b/in-b");
    put("a/b/c/in-c");
    ck_assert_int_eq(weft_path_symlink("..", in_folder("a/up")), 0);
}

static unsigned walk_tree(const weft_walk_opts *opts, unsigned *out_deepest)
{
    unsigned n = 0;
    *out_deepest = 0;
    WEFT_RX(weft_walk_entry, entries);
    ck_assert_int_eq(weft_dir_walk(folder, opts, &entries), 0);
    weft_each (entry, entries) {
        struct stat about;
        n++;
        ck_assert_int_eq(entry.error, 0);
        ck_assert_int_eq(lstat(entry.path, &about), 0);
        ck_assert_int_eq(entry.kind == WEFT_ENTRY_DIR, S_ISDIR(about.st_mode));
        ck_assert_str_eq(strrchr(entry.path, '/') + 1, entry.name);
        unsigned n_slashes = 0;
        for (const char *at = entry.path + strlen(folder); *at != '\0'; at++)
            n_slashes += *at == '/';
        ck_assert_uint_eq(entry.depth, n_slashes);
        if (entry.depth > *out_deepest)
            *out_deepest = entry.depth;
    }
    ck_assert_int_eq(weft_error(entries), 0);
    return n;
}

WT_TEST(a_walk_gives_all_below_and_follows_no_link)
{
    begin();
    unsigned deepest;
    make_tree();
    ck_assert_uint_eq(walk_tree(NULL, &deepest), 8);
    ck_assert_uint_eq(deepest, 4);
    ck_assert_uint_eq(walk_tree(WEFT_OPTS(walk, .max_depth = 2), &deepest), 5);
    ck_assert_uint_eq(deepest, 2);
    end();
}

WT_TEST(a_walk_that_is_left_closes_its_folders)
{
    begin();
    make_tree();
    {
        WEFT_RX(weft_walk_entry, entries);
        weft_walk_entry entry;
        ck_assert_int_eq(weft_dir_walk(folder, NULL, &entries), 0);
        do
            ck_assert_int_eq(weft_recv(entries, &entry), 1);
        while (entry.depth < 3);
    }
    end();
}

/* It is gone before the walk goes into it. */
WT_TEST(a_folder_that_can_not_be_read_is_an_entry_of_its_own)
{
    begin();
    ck_assert_int_eq(weft_dir_make(in_folder("gone"), 0700), 0);
    {
        WEFT_RX(weft_walk_entry, entries);
        weft_walk_entry entry;
        ck_assert_int_eq(weft_dir_walk(folder, NULL, &entries), 0);
        ck_assert_int_eq(weft_recv(entries, &entry), 1);
        ck_assert_int_eq(entry.error, 0);
        ck_assert_int_eq(weft_dir_remove(in_folder("gone")), 0);
        ck_assert_int_eq(weft_recv(entries, &entry), 1);
        ck_assert_int_eq(entry.error, -ENOENT);
        ck_assert_str_eq(entry.name, "gone");
        ck_assert_int_eq(weft_recv(entries, &entry), 0);
    }
    end();
}

WT_TEST(a_cancelled_walk_says_so_and_can_go_on)
{
    begin();
    make_tree();
    {
        WEFT_RX(weft_walk_entry, entries);
        weft_walk_entry entry;
        int rc, n = 0;
        ck_assert_int_eq(weft_dir_walk(folder, NULL, &entries), 0);
        {
            WEFT_SCOPE(scope);
            weft_scope_cancel(&scope);
            while ((rc = weft_recv(entries, &entry)) > 0)
                n++;
            ck_assert_int_eq(rc, WEFT_ECANCELED);
        }
        while ((rc = weft_recv(entries, &entry)) > 0)
            n++;
        ck_assert_int_eq(rc, 0);
        ck_assert_int_eq(n, 8);
    }
    end();
}

WT_MAIN("folder")
