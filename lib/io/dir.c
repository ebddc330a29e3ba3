/* SPDX-License-Identifier: MIT
 * Folders made and removed. */
#include "io/dir.h"

#include "blocking/pool.h"
#include "plat/fs.h"
#include "plat/mem.h"

#include <errno.h>
#include <fcntl.h>

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

/* Who removes empty folders meanwhile may take one that was there just before: again then, but a link
 * that leads nowhere says the same. */
static int make_parts_again(char *path, unsigned mode)
{
    enum { MOST_TRIES = 20 };
    int rc = -ENOENT;
    for (int n = 0; rc == -ENOENT && n < MOST_TRIES; n++)
        rc = make_parts(path, mode);
    return rc;
}

int wf_dir_make_all(const char *path, unsigned mode)
{
    int rc = make_if_missing(path, mode);
    if (rc != -ENOENT || path[0] == '\0')
        return rc;
    char *parts = wf_copy_text(path);
    if (parts == NULL)
        return WEFT_ENOMEM;
    rc = make_parts_again(parts, mode);
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
