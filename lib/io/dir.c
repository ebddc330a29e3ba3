/* SPDX-License-Identifier: MIT
 * Folders made and removed. */
#include "io/dir.h"

#include "blocking/pool.h"
#include "io/entries.h"
#include "plat/fs.h"
#include "plat/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

struct dir_job {
    const char *path;
    unsigned mode;
};

static int run(const char *name, int (*fn)(void *arg), const char *path, unsigned mode)
{
    struct dir_job job = { path, mode };
    return path == NULL ? WEFT_EINVAL : wf_blocking_call(name, fn, &job);
}

/* ---- made ------------------------------------------------------------------------------------------- */

static int make_job(void *arg)
{
    const struct dir_job *job = arg;
    return wf_fs.mkdir(job->path, job->mode);
}

int weft_dir_make(const char *path, unsigned mode)
{
    wf_note_call();
    return run("weft_dir_make", make_job, path, mode);
}

/* 0 also if there is one: it, or another maker's. */
static int make_if_missing(const char *path, unsigned mode)
{
    int rc = wf_fs.mkdir(path, mode);
    struct stat about;
    if (rc != -EEXIST)
        return rc;
    rc = wf_fs.stat_at(AT_FDCWD, path, 0, &about);
    return rc < 0 ? rc : S_ISDIR(about.st_mode) ? 0 : -ENOTDIR;
}

/* From the top down, a part at a time: at[-1] is never a slash at the beginning. */
static int make_parts(char *path, unsigned mode)
{
    for (char *at = path + 1; *at != '\0'; at++) {
        if (*at != '/' || at[-1] == '/')
            continue;
        *at = '\0';
        int rc = make_if_missing(path, mode);
        *at = '/';
        if (rc < 0)
            return rc;
    }
    return make_if_missing(path, mode);
}

int wf_dir_make_all(const char *path, unsigned mode)
{
    int rc = make_if_missing(path, mode);
    if (rc != -ENOENT || path[0] == '\0')
        return rc;
    char *parts = wf_copy_text(path);
    if (parts == NULL)
        return WEFT_ENOMEM;
    rc = make_parts(parts, mode);
    wf_free(parts);
    return rc;
}

static int make_all_job(void *arg)
{
    const struct dir_job *job = arg;
    return wf_dir_make_all(job->path, job->mode);
}

int weft_dir_make_all(const char *path, unsigned mode)
{
    wf_note_call();
    return run("weft_dir_make_all", make_all_job, path, mode);
}

/* ---- removed ------------------------------------------------------------------------------------------ */

static int remove_job(void *arg)
{
    const struct dir_job *job = arg;
    return wf_fs.unlink_at(AT_FDCWD, job->path, AT_REMOVEDIR);
}

int weft_dir_remove(const char *path)
{
    wf_note_call();
    return run("weft_dir_remove", remove_job, path, 0);
}

static int remove_below(int at, const char *path, bool is_cancellable);

enum pass { NOTHING_THERE, NOTHING_REMOVED, SOME_REMOVED };

/* One that somebody else was faster with is gone all the same. */
static int remove_entry(int at, const weft_dir_entry *entry, bool is_cancellable)
{
    if (is_cancellable && weft_job_cancelled())
        return WEFT_ECANCELED;
    int rc = entry->kind == WEFT_ENTRY_DIR ? remove_below(at, entry->name, is_cancellable)
                                           : wf_fs.unlink_at(at, entry->name, 0);
    return rc == -ENOENT ? NOTHING_REMOVED : rc < 0 ? rc : SOME_REMOVED;
}

/* What it has come to, as far as entries go: an enum pass, or -errno. */
static int remove_pass(int at, const char *path, bool is_cancellable)
{
    struct wf_entries in;
    weft_dir_entry entry;
    int most = NOTHING_THERE;
    int rc = wf_entries_open(&in, at, path, O_NOFOLLOW);
    while (rc >= 0 && in.fd >= 0) {
        while (rc >= 0 && wf_entries_next(&in, &entry) > 0) {
            rc = remove_entry(in.fd, &entry, is_cancellable);
            most = WF_MAX(most, rc);
        }
        if (rc >= 0)
            rc = wf_entries_read_job(&in);
    }
    wf_entries_end(&in);
    return rc < 0 ? rc : most;
}

enum { MOST_IDLE_PASSES = 100 };

/* Again until a pass finds nothing: removing entries moves those that were not read yet. Whoever else
 * removes them makes a pass idle; but a file system that lists what it says is not there would keep a
 * teardown for ever. */
static int remove_below(int at, const char *path, bool is_cancellable)
{
    int rc, n_idle = 0;
    while ((rc = remove_pass(at, path, is_cancellable)) > 0 && n_idle < MOST_IDLE_PASSES)
        n_idle = rc == NOTHING_REMOVED ? n_idle + 1 : 0;
    return rc < 0 ? rc : wf_fs.unlink_at(at, path, AT_REMOVEDIR);
}

static int remove_all_job(void *arg)
{
    const struct dir_job *job = arg;
    return remove_below(AT_FDCWD, job->path, true);
}

int weft_dir_remove_all(const char *path)
{
    wf_note_call();
    return run("weft_dir_remove_all", remove_all_job, path, 0);
}

int wf_dir_remove_all_job(void *path) { return remove_below(AT_FDCWD, path, false); }
