/* SPDX-License-Identifier: MIT
 * A folder removed with all that is in it.
 *
 *   R1  levels[0 .. n) are the folders from the removal's own down to the one being emptied. Each
 *       was opened below the one before, so no link is followed.
 *   R2  However deep the tree: the removal's own folder is open, and those of [first_open .. n), at
 *       most MOST_OPEN; fewer where descriptors run out. The others know their device and inode.
 *   R3  A level that is no longer open is opened again as the ".." of the one below, or from the top
 *       by its names, and nothing is removed in it unless it is the same folder.
 *   R4  name_at of a level above the deepest is where its block names the next one.
 *
 * What can't be removed does not keep the rest: the first error is what the removal returns.
 *
 * Rejected: a descriptor for each level (a tree deeper than RLIMIT_NOFILE could not be removed), and
 * moving what is deep to the top (what fails then is left where nobody looks for it). */
#include "blocking/pool.h"
#include "io/dir.h"
#include "io/entries.h"
#include "plat/fs.h"
#include "plat/mem.h"
#include "plat/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>

enum { MOST_OPEN = 16, MOST_IDLE_PASSES = 100 };

enum pass { NOTHING_THERE, NOTHING_REMOVED, SOME_REMOVED };

struct level {
    struct wf_entries in;
    size_t name_at;
    dev_t device;
    ino_t inode;
    enum pass pass;
    int n_idle;
    bool has_failed; /* an entry in this pass, or the reading of the folder */
};

struct removal {
    bool is_cancellable;
    int error; /* the first, or 0 */
    struct level *levels;
    size_t n, room, first_open;
};

static struct level *deepest(const struct removal *it) { return &it->levels[it->n - 1]; }

static void note_error(struct removal *it, struct level *level, int rc)
{
    level->has_failed = true;
    if (it->error == 0)
        it->error = rc;
}

/* After an entry was to be removed. One that somebody else was faster with is gone all the same. */
static void note_entry(struct removal *it, struct level *level, int rc)
{
    if (rc < 0 && rc != -ENOENT)
        note_error(it, level, rc);
    else if (rc >= 0)
        level->pass = SOME_REMOVED;
    else if (level->pass == NOTHING_THERE)
        level->pass = NOTHING_REMOVED;
}

/* ---- levels that are not open ------------------------------------------------------------------------ */

/* Closes the topmost but the removal's own and the deepest, which the next is opened below. */
static bool close_one(struct removal *it)
{
    struct stat about;
    if (it->first_open + 1 >= it->n)
        return false;
    struct level *level = &it->levels[it->first_open];
    if (wf_sys.stat_fd(level->in.fd, &about) < 0 || wf_entries_pause(&level->in) < 0)
        return false;
    level->device = about.st_dev;
    level->inode = about.st_ino;
    it->first_open++;
    return true;
}

static int open_below(int at, const char *name)
{
    return wf_fs.open_at(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

/* fd, if it is the level's folder; else it is closed. */
static int only_if_same(const struct level *level, int fd)
{
    struct stat about;
    int rc = fd < 0 ? fd : wf_sys.stat_fd(fd, &about);
    if (rc >= 0 && (about.st_dev != level->device || about.st_ino != level->inode))
        rc = -ENOENT;
    if (rc >= 0)
        return fd;
    if (fd >= 0)
        (void)wf_sys.close(fd);
    return rc;
}

static int open_by_names(const struct removal *it)
{
    const struct level *level = it->levels;
    int fd = open_below(level->in.fd, level->in.buf + level->name_at);
    while (fd >= 0 && ++level != deepest(it)) {
        int next = open_below(fd, level->in.buf + level->name_at);
        (void)wf_sys.close(fd);
        fd = next;
    }
    return only_if_same(level, fd);
}

/* The deepest again, from the one that was below it, which may be closed itself. */
static int open_again(struct removal *it, int below)
{
    struct level *level = deepest(it);
    int fd = below >= 0 ? only_if_same(level, open_below(below, "..")) : below;
    if (fd < 0)
        fd = open_by_names(it);
    it->first_open = it->n - 1;
    return fd < 0 ? fd : wf_entries_resume(&level->in, fd);
}

/* ---- down and up ---------------------------------------------------------------------------------------- */

static bool have_room(struct removal *it)
{
    if (it->n < it->room)
        return true;
    size_t room = 2 * it->room + MOST_OPEN;
    struct level *levels = wf_realloc(it->levels, room * sizeof *levels);
    if (levels == NULL)
        return false;
    it->levels = levels;
    it->room = room;
    return true;
}

static int enter(struct removal *it, int at, const char *path)
{
    if (!have_room(it))
        return WEFT_ENOMEM;
    struct level *next = &it->levels[it->n];
    *next = (struct level){ .n_idle = 0 };
    int rc;
    while ((rc = wf_entries_open(&next->in, at, path, O_NOFOLLOW)) < 0) {
        wf_entries_end(&next->in);
        if ((rc != -EMFILE && rc != -ENFILE) || !close_one(it))
            return rc;
    }
    it->n++;
    if (it->n - it->first_open > MOST_OPEN)
        (void)close_one(it);
    return 0;
}

/* A level that can't be opened again stays as it is, and is left in turn. */
static void leave(struct removal *it)
{
    struct level left = *deepest(it);
    it->n--;
    if (it->n > 0) {
        struct level *level = deepest(it);
        int rc = level->in.fd < 0 ? open_again(it, left.in.fd) : 0;
        if (rc < 0)
            note_error(it, level, rc);
        else if (left.has_failed)
            level->has_failed = true;
        else
            note_entry(it, level,
                       wf_fs.unlink_at(level->in.fd, level->in.buf + level->name_at, AT_REMOVEDIR));
    }
    wf_entries_end(&left.in);
}

/* ---- entries -------------------------------------------------------------------------------------------- */

static void remove_folder(struct removal *it, const weft_dir_entry *entry)
{
    struct level *level = deepest(it);
    int at = level->in.fd;
    level->name_at = (size_t)(entry->name - level->in.buf);
    int rc = enter(it, at, entry->name);
    if (rc >= 0)
        return;
    /* An empty one need not be readable. */
    if (rc != -ENOENT && wf_fs.unlink_at(at, entry->name, AT_REMOVEDIR) >= 0)
        rc = 0;
    note_entry(it, deepest(it), rc);
}

/* Again until a pass finds nothing: removing entries moves those that were not read yet. Whoever else
 * removes them makes a pass idle; but a file system that lists what it says is not there would keep a
 * teardown for ever. */
static bool is_worth_another(struct level *level)
{
    if (level->pass == SOME_REMOVED) {
        level->n_idle = 0;
        return true;
    }
    return level->pass == NOTHING_REMOVED && !level->has_failed &&
           ++level->n_idle < MOST_IDLE_PASSES;
}

static void end_pass(struct removal *it)
{
    struct level *level = deepest(it);
    if (!is_worth_another(level)) {
        leave(it);
        return;
    }
    level->pass = NOTHING_THERE;
    level->has_failed = false;
    off_t at = wf_sys.seek(level->in.fd, 0, SEEK_SET);
    if (at < 0)
        note_error(it, level, (int)at);
}

static void read_on(struct removal *it)
{
    struct level *level = deepest(it);
    int rc = wf_entries_read(&level->in);
    if (rc < 0) {
        note_error(it, level, rc);
        leave(it);
    } else if (rc == 0) {
        end_pass(it);
    }
}

static int step(struct removal *it)
{
    struct level *level = deepest(it);
    weft_dir_entry entry;
    if (it->is_cancellable && weft_job_cancelled())
        return WEFT_ECANCELED;
    if (level->in.fd < 0)
        leave(it);
    else if (wf_entries_next(&level->in, &entry) <= 0)
        read_on(it);
    else if (entry.kind == WEFT_ENTRY_DIR)
        remove_folder(it, &entry);
    else
        note_entry(it, level, wf_fs.unlink_at(level->in.fd, entry.name, 0));
    return 0;
}

static int remove_all(const char *path, bool is_cancellable)
{
    struct removal it = { .is_cancellable = is_cancellable, .first_open = 1 };
    int rc = enter(&it, AT_FDCWD, path);
    while (rc >= 0 && it.n > 0)
        rc = step(&it);
    while (it.n > 0)
        wf_entries_end(&it.levels[--it.n].in);
    wf_free(it.levels);
    if (rc < 0)
        return rc;
    return it.error < 0 ? it.error : wf_fs.unlink_at(AT_FDCWD, path, AT_REMOVEDIR);
}

static int remove_all_job(void *path) { return remove_all(path, true); }

int weft_dir_remove_all(const char *path)
{
    wf_note_call();
    void *job_path = (void *)(uintptr_t)path;
    return path == NULL ? WEFT_EINVAL
                        : wf_blocking_call("weft_dir_remove_all", remove_all_job, job_path);
}

int wf_dir_remove_all_job(void *path) { return remove_all(path, false); }
