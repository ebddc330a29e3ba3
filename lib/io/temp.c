/* SPDX-License-Identifier: MIT
 * Temporary files and folders. */
#include "blocking/pool.h"
#include "base/opts.h"
#include "io/dir.h"
#include "io/file.h"
#include "io/temp_name.h"
#include "plat/fs.h"
#include "plat/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <weft/temp.h>

struct weft_temp_dir {
    char *path;
    weft_resource entry;
};

struct temp_job {
    weft_temp_opts opts;
    char *path;
};

void wf_temp_read_opts(const weft_temp_opts *user_opts, weft_temp_opts *out)
{
    memset(out, 0, sizeof *out);
    wf_opts_copy(out, sizeof *out, user_opts);
    if (out->folder == NULL)
        out->folder = secure_getenv("TMPDIR");
    if (out->folder == NULL || out->folder[0] == '\0')
        out->folder = "/tmp";
    if (out->prefix == NULL)
        out->prefix = "weft-";
    if (out->suffix == NULL)
        out->suffix = "";
}

/* ---- files ------------------------------------------------------------------------------------------ */

static int make_file(const char *path, void *unused)
{
    (void)unused;
    enum { MODE = 0600 };
    return wf_fs.open_at(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL, MODE);
}

static int named_job(void *arg)
{
    struct temp_job *job = arg;
    return wf_temp_make(job->opts.folder, job->opts.prefix, job->opts.suffix, make_file, NULL,
                        &job->path);
}

static int unnamed_job(void *arg)
{
    const struct temp_job *job = arg;
    return wf_temp_open_unnamed(job->opts.folder);
}

int weft_temp_open(const weft_temp_opts *opts, weft_file **out_file)
{
    wf_note_call();
    struct temp_job job;
    if (out_file == NULL)
        return WEFT_EINVAL;
    wf_temp_read_opts(opts, &job.opts);
    weft_file *file = wf_file_make("a temporary file");
    if (file == NULL)
        return WEFT_ENOMEM;
    int fd = wf_blocking_call("weft_temp_open", unnamed_job, &job);
    if (fd < 0) {
        wf_file_free(file);
        return fd;
    }
    wf_file_opened(file, fd, S_IFREG);
    *out_file = file;
    return 0;
}

/* The file has no room for a path that is not known before it is made, and owns it. */
int weft_temp_open_named(const weft_temp_opts *opts, weft_file **out_file)
{
    wf_note_call();
    struct temp_job job;
    if (out_file == NULL)
        return WEFT_EINVAL;
    wf_temp_read_opts(opts, &job.opts);
    weft_file *file = wf_file_make("");
    if (file == NULL)
        return WEFT_ENOMEM;
    int fd = wf_blocking_call("weft_temp_open_named", named_job, &job);
    if (fd < 0) {
        wf_file_free(file);
        return fd;
    }
    file->own_path = job.path;
    file->path = job.path;
    wf_file_opened(file, fd, S_IFREG);
    *out_file = file;
    return 0;
}

/* ---- folders ---------------------------------------------------------------------------------------- */

static int make_folder(const char *path, void *unused)
{
    (void)unused;
    enum { MODE = 0700 };
    return wf_fs.mkdir(path, MODE);
}

static int dir_job(void *arg)
{
    struct temp_job *job = arg;
    return wf_temp_make(job->opts.folder, job->opts.prefix, job->opts.suffix, make_folder, NULL,
                        &job->path);
}

int weft_temp_dir_open(const weft_temp_opts *opts, weft_temp_dir **out_dir)
{
    wf_note_call();
    struct temp_job job;
    if (out_dir == NULL)
        return WEFT_EINVAL;
    wf_temp_read_opts(opts, &job.opts);
    weft_temp_dir *dir = wf_alloc(1, sizeof *dir);
    if (dir == NULL)
        return WEFT_ENOMEM;
    int rc = wf_blocking_call("weft_temp_dir_open", dir_job, &job);
    if (rc < 0) {
        wf_free(dir);
        return rc;
    }
    dir->path = job.path;
    wf_ledger_open_at_large(&dir->entry, "temporary folder", dir->path);
    *out_dir = dir;
    return 0;
}

const char *weft_temp_dir_path(const weft_temp_dir *dir) { return dir != NULL ? dir->path : NULL; }

int weft_temp_dir_close(weft_temp_dir *dir)
{
    wf_note_call();
    if (dir == NULL)
        return 0;
    int rc = wf_blocking_call_shielded("weft_temp_dir_close", wf_dir_remove_all_job, dir->path);
    weft_resource_closed(&dir->entry);
    wf_free(dir->path);
    wf_free(dir);
    return rc == -ENOENT ? 0 : rc;
}
