/* SPDX-License-Identifier: MIT
 * A new file takes an old one's place by a rename. The order that makes it last: content to the
 * device, then the name, then the folder that holds the name.
 *
 * Until the rename has succeeded nothing but the temporary file exists, and every way out removes
 * it. */
#include "blocking/pool.h"
#include "base/opts.h"
#include "io/file.h"
#include "io/raw.h"
#include "io/temp_name.h"
#include "plat/fs.h"
#include "plat/mem.h"
#include "plat/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <weft/replace.h>

struct weft_replace {
    weft_file *file;
    /* From the root on: the working folder may be another one by the close. NULL before they are
     * known. */
    char *path, *folder, *temp_path;
    bool no_sync;
    int rc; /* how the caller says it went, then what is made of it */
    char given_path[];
};

static weft_replace *make_replace(const char *path, const weft_replace_opts *user_opts)
{
    weft_replace_opts opts = { .size_ = 0 };
    wf_opts_copy(&opts, sizeof opts, user_opts);
    size_t size = strlen(path) + 1;
    weft_replace *it = wf_alloc(1, wf_size_with(sizeof *it, 1, size));
    if (it == NULL)
        return NULL;
    memcpy(it->given_path, path, size);
    it->no_sync = opts.no_sync;
    it->file = wf_file_make(path);
    if (it->file != NULL)
        return it;
    wf_free(it);
    return NULL;
}

static void free_replace(weft_replace *it)
{
    wf_file_free(it->file);
    wf_free(it->temp_path);
    wf_free(it->folder);
    wf_free(it->path);
    wf_free(it);
}

/* ---- jobs ------------------------------------------------------------------------------------------- */

static int find_paths(weft_replace *it)
{
    int rc = wf_path_make_absolute(it->given_path, &it->path);
    if (rc < 0)
        return rc;
    it->folder = wf_copy_text(it->path);
    if (it->folder == NULL)
        return WEFT_ENOMEM;
    char *slash = strrchr(it->folder, '/');
    slash[slash == it->folder] = '\0';
    return 0;
}

/* mode: what open is asked for, less the process's mask. */
static int make_file(const char *path, void *mode)
{
    return wf_fs.open_at(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, *(unsigned *)mode);
}

/* A new file is nobody else's until it has the permissions of the old one. It is the caller's, so it
 * is not setuid or setgid if that one was. */
static int open_beside(weft_replace *it, const struct stat *old)
{
    unsigned mode = old != NULL ? 0600 : 0666;
    int fd = wf_temp_make(it->folder, ".weft-", "", make_file, &mode, &it->temp_path);
    if (fd < 0 || old == NULL)
        return fd;
    int rc = wf_fs.set_mode(fd, old->st_mode & 0777u);
    if (rc == 0)
        return fd;
    (void)wf_sys.close(fd);
    (void)wf_fs.unlink_at(AT_FDCWD, it->temp_path, 0);
    return rc;
}

static int open_job(void *arg)
{
    weft_replace *it = arg;
    struct stat old;
    int rc = find_paths(it);
    if (rc < 0)
        return rc;
    rc = wf_fs.stat_at(AT_FDCWD, it->path, AT_SYMLINK_NOFOLLOW, &old);
    if (rc < 0 && rc != -ENOENT)
        return rc;
    if (rc == 0 && S_ISDIR(old.st_mode))
        return -EISDIR;
    return open_beside(it, rc == 0 && S_ISREG(old.st_mode) ? &old : NULL);
}

/* Some file systems have no fsync for folders, and say so by -EINVAL. */
static int sync_folder(const weft_replace *it)
{
    int fd = wf_fs.open_at(AT_FDCWD, it->folder, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    int rc = wf_sys.sync(fd);
    (void)wf_sys.close(fd);
    return rc == -EINVAL ? 0 : rc;
}

/* The content is complete, and the file closed: rc says how it went so far. */
static int put_in_place(const weft_replace *it, int rc)
{
    if (rc >= 0)
        rc = wf_fs.rename(it->temp_path, it->path, 0);
    if (rc < 0) {
        (void)wf_fs.unlink_at(AT_FDCWD, it->temp_path, 0);
        return rc;
    }
    return it->no_sync ? 0 : sync_folder(it);
}

static int end_content(const weft_replace *it, int fd)
{
    int error = wf_load_acq(&it->file->sync_error);
    int rc = it->rc < 0 ? it->rc : error;
    if (rc >= 0 && !it->no_sync)
        rc = wf_sys.sync(fd);
    int closed = wf_sys.close(fd);
    return rc < 0 ? rc : closed;
}

static int close_job(void *arg)
{
    const weft_replace *it = arg;
    return put_in_place(it, end_content(it, it->file->fd));
}

/* ---- public ------------------------------------------------------------------------------------------- */

int weft_replace_open(const char *path, const weft_replace_opts *opts, weft_replace **out_replace)
{
    wf_note_call();
    if (path == NULL || path[0] == '\0' || out_replace == NULL)
        return WEFT_EINVAL;
    weft_replace *it = make_replace(path, opts);
    if (it == NULL)
        return WEFT_ENOMEM;
    int fd = wf_blocking_call("weft_replace_open", open_job, it);
    if (fd < 0) {
        free_replace(it);
        return fd;
    }
    wf_file_opened(it->file, fd, S_IFREG);
    *out_replace = it;
    return 0;
}

weft_file *weft_replace_file(weft_replace *replace)
{
    wf_note_call();
    return replace != NULL ? replace->file : NULL;
}

int weft_replace_close(weft_replace *replace, int rc)
{
    wf_note_call();
    if (replace == NULL)
        return rc;
    if (!wf_file_take(replace->file))
        return WEFT_EBUSY;
    replace->rc = rc;
    int ended = wf_blocking_call_shielded("weft_replace_close", close_job, replace);
    weft_resource_closed(&replace->file->entry);
    free_replace(replace);
    return ended < 0 ? ended : rc;
}

/* ---- by one call --------------------------------------------------------------------------------------- */

struct whole_job {
    weft_replace *it;
    const char *data;
    size_t size;
};

static int whole_job(void *arg)
{
    const struct whole_job *job = arg;
    int fd = open_job(job->it);
    if (fd < 0)
        return fd;
    job->it->rc = wf_raw_write_all(fd, job->data, job->size);
    return put_in_place(job->it, end_content(job->it, fd));
}

int weft_replace_whole(const char *path, const void *data, size_t size)
{
    wf_note_call();
    if (path == NULL || path[0] == '\0' || (data == NULL && size > 0))
        return WEFT_EINVAL;
    weft_replace *it = make_replace(path, NULL);
    if (it == NULL)
        return WEFT_ENOMEM;
    struct whole_job job = { it, data, size };
    int rc = wf_blocking_call("weft_replace_whole", whole_job, &job);
    free_replace(it);
    return rc;
}
