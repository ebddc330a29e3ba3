/* SPDX-License-Identifier: MIT
 * A file's content copied by the system, or through a buffer where it can't: between some file
 * systems, and on old ones. */
#include "blocking/pool.h"
#include "io/raw.h"
#include "plat/fs.h"
#include "plat/mem.h"
#include "plat/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <weft/path.h>

#define RANGE_SIZE ((size_t)8 << 20)

enum { BUFFER_SIZE = 128 << 10 };

struct copy_job {
    const char *from, *to;
};

/* Ways in which the system says that it can't, before the first byte. */
static bool is_unable(ssize_t rc)
{
    return rc == -EXDEV || rc == -EINVAL || rc == -ENOSYS || rc == -EOPNOTSUPP || rc == -EBADF ||
           rc == -EPERM || rc == -ETXTBSY;
}

static int copy_buffered(int from, int to)
{
    char *buf = wf_realloc(NULL, BUFFER_SIZE);
    if (buf == NULL)
        return WEFT_ENOMEM;
    int rc = 0;
    ssize_t n = 0;
    while (rc == 0 && (n = wf_raw_read(from, buf, BUFFER_SIZE)) > 0) {
        rc = wf_raw_write_all(to, buf, (size_t)n);
        if (rc == 0 && weft_job_cancelled())
            rc = WEFT_ECANCELED;
    }
    wf_free(buf);
    return rc < 0 ? rc : (int)n;
}

/* A copy of nothing may be a file of /proc, whose size is not known: read tells. */
static int copy_content(int from, int to)
{
    for (bool is_first = true;; is_first = false) {
        ssize_t n = wf_fs.copy_range(from, to, RANGE_SIZE);
        if (is_first && (n == 0 || is_unable(n)))
            return copy_buffered(from, to);
        if (n <= 0)
            return (int)n;
        if (weft_job_cancelled())
            return WEFT_ECANCELED;
    }
}

static bool is_same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* Permissions and content, once both are known to be regular files and not to be one: a device's or a
 * pipe's permissions are the system's. Content that nobody else may read is not shown to others even
 * while it is copied. Who runs a copy is another matter than who may read
 * it: it belongs to the caller, so setuid and setgid are not copied. */
static int copy_open(int from, const struct stat *about, int to)
{
    struct stat about_to;
    int rc = wf_sys.stat_fd(to, &about_to);
    if (rc == 0 && (!S_ISREG(about_to.st_mode) || is_same(about, &about_to)))
        rc = WEFT_EINVAL;
    if (rc == 0)
        rc = wf_fs.set_mode(to, about->st_mode & 0777u);
    if (rc == 0)
        rc = wf_fs.truncate_fd(to, 0);
    return rc < 0 ? rc : copy_content(from, to);
}

/* Which of the two opens succeeds says whether the file was made here. */
static int open_target(const char *path, bool *is_made)
{
    enum { MODE = 0600 };
    int flags = O_WRONLY | O_NONBLOCK | O_NOCTTY;
    int fd = wf_fs.open_at(AT_FDCWD, path, flags | O_CREAT | O_EXCL, MODE);
    *is_made = fd >= 0;
    return fd == -EEXIST ? wf_fs.open_at(AT_FDCWD, path, flags, 0) : fd;
}

static int copy_to(const char *path, int from, const struct stat *about)
{
    bool is_made;
    int to = open_target(path, &is_made);
    if (to < 0)
        return to;
    int rc = copy_open(from, about, to);
    int closed = wf_sys.close(to);
    if (rc == 0)
        rc = closed;
    if (rc < 0 && is_made)
        (void)wf_fs.unlink_at(AT_FDCWD, path, 0);
    return rc;
}

static int copy_job(void *arg)
{
    const struct copy_job *job = arg;
    struct stat about;
    int from = wf_raw_open(job->from, O_RDONLY | O_NONBLOCK, &about);
    if (from < 0)
        return from;
    int rc = S_ISREG(about.st_mode) ? copy_to(job->to, from, &about) : WEFT_EINVAL;
    (void)wf_sys.close(from);
    return rc;
}

int weft_path_copy(const char *from, const char *to)
{
    wf_note_call();
    if (from == NULL || to == NULL)
        return WEFT_EINVAL;
    struct copy_job job = { from, to };
    return wf_blocking_call("weft_path_copy", copy_job, &job);
}
