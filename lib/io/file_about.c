/* SPDX-License-Identifier: MIT
 * What an open file can do, and whether two are the same. */
#include "io/file.h"

#include "blocking/pool.h"
#include "plat/sys.h"

#include <weft/file_at.h>

#include <errno.h>
#include <fcntl.h>

static int has_access(const weft_file *file, int refused)
{
    if (file == NULL)
        return WEFT_EINVAL;
    int flags = wf_sys.flags_of_fd(file->fd);
    return flags < 0 ? flags : (flags & O_ACCMODE) != refused;
}

int weft_file_is_readable(const weft_file *file) { return has_access(file, O_WRONLY); }

int weft_file_is_writable(const weft_file *file) { return has_access(file, O_RDONLY); }

/* Where it is now is no question to a device: it moves nothing. */
int weft_file_is_seekable(const weft_file *file)
{
    if (file == NULL)
        return WEFT_EINVAL;
    off_t at = wf_sys.seek(file->fd, 0, SEEK_CUR);
    return at == -ESPIPE ? 0 : at < 0 ? (int)at : 1;
}

struct same_job {
    const weft_file *file, *other;
};

static int is_same_job(void *arg)
{
    const struct same_job *job = arg;
    struct stat one, other;
    int rc = wf_sys.stat_fd(job->file->fd, &one);
    if (rc >= 0)
        rc = wf_sys.stat_fd(job->other->fd, &other);
    return rc < 0 ? rc : one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

int weft_file_is_same(weft_file *file, weft_file *other)
{
    wf_note_call();
    struct same_job job = { file, other };
    return file != NULL && other != NULL ? wf_blocking_call("weft_file_is_same", is_same_job, &job)
                                         : WEFT_EINVAL;
}
