/* SPDX-License-Identifier: MIT
 * Calls on paths: one job for each, with its arguments on the caller's stack. */
#include "blocking/pool.h"
#include "plat/fs.h"
#include "plat/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <weft/path.h>

struct path_job {
    const char *path, *other;
    int flags;
    struct stat about;
    char *text;
};

static int run(const char *name, int (*fn)(void *arg), struct path_job *job)
{
    return job->path == NULL ? WEFT_EINVAL : wf_blocking_call(name, fn, job);
}

static int run_two(const char *name, int (*fn)(void *arg), struct path_job *job)
{
    return job->other == NULL ? WEFT_EINVAL : run(name, fn, job);
}

/* ---- asked about ------------------------------------------------------------------------------------ */

static int stat_job(void *arg)
{
    struct path_job *job = arg;
    return wf_fs.stat_at(AT_FDCWD, job->path, job->flags, &job->about);
}

static int stat_path(const char *name, const char *path, int flags, struct stat *out_stat)
{
    struct path_job job = { .path = path, .flags = flags };
    int rc = out_stat == NULL ? WEFT_EINVAL : run(name, stat_job, &job);
    if (rc < 0)
        return rc;
    *out_stat = job.about;
    return 0;
}

int weft_path_stat(const char *path, struct stat *out_stat)
{
    wf_note_call();
    return stat_path("weft_path_stat", path, 0, out_stat);
}

int weft_path_lstat(const char *path, struct stat *out_stat)
{
    wf_note_call();
    return stat_path("weft_path_lstat", path, AT_SYMLINK_NOFOLLOW, out_stat);
}

/* 1 with what is there, 0: nothing is. */
static int find(const char *name, const char *path, int flags, struct stat *out_stat)
{
    int rc = stat_path(name, path, flags, out_stat);
    if (rc == -ENOENT || rc == -ENOTDIR)
        return 0;
    return rc < 0 ? rc : 1;
}

int weft_path_exists(const char *path)
{
    wf_note_call();
    struct stat unused;
    return find("weft_path_exists", path, 0, &unused);
}

int weft_path_is_file(const char *path)
{
    wf_note_call();
    struct stat about;
    int rc = find("weft_path_is_file", path, 0, &about);
    return rc > 0 ? S_ISREG(about.st_mode) : rc;
}

int weft_path_is_dir(const char *path)
{
    wf_note_call();
    struct stat about;
    int rc = find("weft_path_is_dir", path, 0, &about);
    return rc > 0 ? S_ISDIR(about.st_mode) : rc;
}

int weft_path_is_link(const char *path)
{
    wf_note_call();
    struct stat about;
    int rc = find("weft_path_is_link", path, AT_SYMLINK_NOFOLLOW, &about);
    return rc > 0 ? S_ISLNK(about.st_mode) : rc;
}

static int is_same_job(void *arg)
{
    const struct path_job *job = arg;
    struct stat one, other;
    int rc = wf_fs.stat_at(AT_FDCWD, job->path, 0, &one);
    if (rc >= 0)
        rc = wf_fs.stat_at(AT_FDCWD, job->other, 0, &other);
    return rc < 0 ? rc : one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

int weft_path_is_same(const char *path, const char *other)
{
    wf_note_call();
    struct path_job job = { .path = path, .other = other };
    return run_two("weft_path_is_same", is_same_job, &job);
}

/* ".." of a symbolic link's target would be another's. */
static int is_mount_job(void *arg)
{
    const struct path_job *job = arg;
    struct stat one, above;
    int rc = wf_fs.stat_at(AT_FDCWD, job->path, AT_SYMLINK_NOFOLLOW, &one);
    if (rc < 0 || !S_ISDIR(one.st_mode))
        return rc;
    size_t size = strlen(job->path) + sizeof "/..";
    char *path = wf_alloc(1, size);
    if (path == NULL)
        return WEFT_ENOMEM;
    (void)snprintf(path, size, "%s/..", job->path);
    rc = wf_fs.stat_at(AT_FDCWD, path, 0, &above);
    wf_free(path);
    return rc < 0 ? rc : one.st_dev != above.st_dev || one.st_ino == above.st_ino;
}

int weft_path_is_mount(const char *path)
{
    wf_note_call();
    struct path_job job = { .path = path };
    int rc = run("weft_path_is_mount", is_mount_job, &job);
    return rc == -ENOENT || rc == -ENOTDIR ? 0 : rc;
}

struct stat_fs_job {
    const char *path;
    struct statvfs about;
};

static int stat_fs_job(void *arg)
{
    struct stat_fs_job *job = arg;
    return wf_fs.stat_fs(job->path, &job->about);
}

int weft_path_stat_fs(const char *path, struct statvfs *out_stat)
{
    wf_note_call();
    if (path == NULL || out_stat == NULL)
        return WEFT_EINVAL;
    struct stat_fs_job job = { .path = path };
    int rc = wf_blocking_call("weft_path_stat_fs", stat_fs_job, &job);
    if (rc < 0)
        return rc;
    *out_stat = job.about;
    return 0;
}

static int access_job(void *arg)
{
    const struct path_job *job = arg;
    return wf_fs.access(job->path, job->flags);
}

int weft_path_access(const char *path, int how)
{
    wf_note_call();
    struct path_job job = { .path = path, .flags = how };
    return run("weft_path_access", access_job, &job);
}

/* ---- changed ---------------------------------------------------------------------------------------- */

static int rename_job(void *arg)
{
    const struct path_job *job = arg;
    return wf_fs.rename(job->path, job->other, (unsigned)job->flags);
}

int weft_path_rename(const char *from, const char *to)
{
    wf_note_call();
    struct path_job job = { .path = from, .other = to };
    return run_two("weft_path_rename", rename_job, &job);
}

int weft_path_rename_new(const char *from, const char *to)
{
    wf_note_call();
    struct path_job job = { .path = from, .other = to, .flags = RENAME_NOREPLACE };
    return run_two("weft_path_rename_new", rename_job, &job);
}

static int remove_job(void *arg)
{
    const struct path_job *job = arg;
    return wf_fs.unlink_at(AT_FDCWD, job->path, 0);
}

int weft_path_remove(const char *path)
{
    wf_note_call();
    struct path_job job = { .path = path };
    return run("weft_path_remove", remove_job, &job);
}

static int link_job(void *arg)
{
    const struct path_job *job = arg;
    return wf_fs.link(job->path, job->other);
}

int weft_path_link(const char *path, const char *name)
{
    wf_note_call();
    struct path_job job = { .path = path, .other = name };
    return run_two("weft_path_link", link_job, &job);
}

static int symlink_job(void *arg)
{
    const struct path_job *job = arg;
    return wf_fs.symlink(job->path, job->other);
}

int weft_path_symlink(const char *target, const char *name)
{
    wf_note_call();
    struct path_job job = { .path = target, .other = name };
    return run_two("weft_path_symlink", symlink_job, &job);
}

/* ---- symbolic links ------------------------------------------------------------------------------------ */

enum { FIRST_ROOM = 256 };

/* The system cuts what does not fit without a word: what fills the room may be longer. */
static int read_link_job(void *arg)
{
    struct path_job *job = arg;
    for (size_t room = FIRST_ROOM;; room *= 2) {
        char *text = wf_realloc(job->text, room);
        if (text == NULL)
            return WEFT_ENOMEM;
        job->text = text;
        ssize_t n = wf_fs.read_link(job->path, text, room);
        if (n < 0)
            return (int)n;
        if ((size_t)n < room) {
            text[n] = '\0';
            return 0;
        }
    }
}

int weft_path_read_link(const char *path, char **out_target)
{
    wf_note_call();
    struct path_job job = { .path = path };
    int rc = out_target == NULL ? WEFT_EINVAL : run("weft_path_read_link", read_link_job, &job);
    if (rc < 0)
        wf_free(job.text);
    else
        *out_target = job.text;
    return rc;
}
