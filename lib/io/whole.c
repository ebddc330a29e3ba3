/* SPDX-License-Identifier: MIT
 * Whole files in one job each. What is not a regular file may stay without data, and goes the way
 * of weft_file instead, with the same descriptor: the other side of a pipe would take a second one's
 * absence for the end. */
#include "blocking/pool.h"
#include "io/raw.h"
#include "plat/mem.h"
#include "plat/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <weft/file.h>
#include <weft/whole.h>

enum { FIRST_ROOM = 8192, IS_NOT_REGULAR = 1 };

struct whole_job {
    const char *path;
    int flags;
    char *data;
    size_t size, room;
    size_t stated_size; /* of a regular file that was asked; 0: it was not, or did not say */
    int fd;             /* what was opened and is not regular; -1: a named pipe without a reader */
};

/* A negative code of the close counts if nothing else went wrong. */
static int close_after(int fd, int rc)
{
    int closed = wf_sys.close(fd);
    return rc != 0 ? rc : closed;
}

/* ---- reading -------------------------------------------------------------------------------------- */

static int have_room(struct whole_job *job, size_t room)
{
    char *data = room <= PTRDIFF_MAX ? wf_realloc(job->data, room) : NULL;
    if (data == NULL)
        return WEFT_ENOMEM;
    job->data = data;
    job->room = room;
    return 0;
}

/* When the first block is full: room for the rest of a file that says how large it is, else for half as
 * much again. */
static int have_more_room(struct whole_job *job, int fd)
{
    struct stat about;
    if (job->stated_size == 0 && wf_sys.stat_fd(fd, &about) == 0 && S_ISREG(about.st_mode) &&
        about.st_size > 0)
        job->stated_size = (size_t)about.st_size;
    if (job->stated_size > job->size)
        return have_room(job, wf_size_with(2, 1, job->stated_size));
    return have_room(job, wf_size_with(job->room, 1, job->room / 2));
}

/* Until there is no more; or the file is as large as it was said to be, and gave less than what was
 * asked for, as a regular one does at its end alone. To be told the end of a small file by a read of
 * nothing takes half the time that it takes to be told its size. */
static int read_all(struct whole_job *job, int fd)
{
    for (;;) {
        size_t asked = job->room - job->size - 1;
        ssize_t n = wf_raw_read(fd, job->data + job->size, asked);
        if (n <= 0)
            return (int)n;
        job->size += (size_t)n;
        if ((size_t)n < asked && job->size == job->stated_size)
            return 0;
        if (weft_job_cancelled())
            return WEFT_ECANCELED;
        if (job->room - job->size < 2) {
            int rc = have_more_room(job, fd);
            if (rc < 0)
                return rc;
        }
    }
}

/* It has nothing, or nothing yet. A named pipe without a writer says so, too. */
static int look_at_silent(int fd, int rc)
{
    struct stat about;
    int code = wf_sys.stat_fd(fd, &about);
    if (code < 0)
        return code;
    return S_ISREG(about.st_mode) ? rc : IS_NOT_REGULAR;
}

/* Most of a block that was too large goes back. */
static int finish_text(struct whole_job *job)
{
    job->data[job->size] = '\0';
    char *data = job->size < job->room / 2 ? wf_realloc(job->data, job->size + 1) : NULL;
    if (data != NULL)
        job->data = data;
    return 0;
}

static int read_open(struct whole_job *job, int fd)
{
    int rc = have_room(job, FIRST_ROOM);
    if (rc == 0)
        rc = read_all(job, fd);
    if ((rc == 0 && job->size == 0) || rc == -EAGAIN)
        rc = look_at_silent(fd, rc);
    return rc == 0 ? finish_text(job) : rc;
}

static int read_job(void *arg)
{
    struct whole_job *job = arg;
    int fd = wf_raw_open_unseen(job->path, O_RDONLY | O_NONBLOCK);
    if (fd < 0)
        return fd;
    int rc = read_open(job, fd);
    if (rc != IS_NOT_REGULAR)
        return close_after(fd, rc);
    job->fd = fd;
    return rc;
}

/* The descriptor is the file's, or closed. */
static int adopt(int fd, weft_file **out_file)
{
    int rc = wf_unnoted(weft_file_adopt(fd, out_file));
    if (rc < 0)
        (void)wf_sys.close(fd);
    return rc;
}

/* What comes after that which the job has. */
static int append(struct whole_job *job, const char *data, size_t size)
{
    int rc = have_room(job, wf_size_with(job->size + 1, 1, size));
    if (rc < 0)
        return rc;
    if (size > 0)
        memcpy(job->data + job->size, data, size);
    job->size += size;
    return finish_text(job);
}

static int read_as_file(struct whole_job *job)
{
    weft_file *file;
    char *data;
    size_t size;
    int rc = adopt(job->fd, &file);
    if (rc < 0)
        return rc;
    rc = wf_unnoted(weft_file_read_all(file, &data, &size));
    int closed = wf_unnoted(weft_file_close(file));
    if (rc < 0)
        return rc;
    rc = closed < 0 ? closed : append(job, data, size);
    wf_free(data);
    return rc;
}

int weft_whole_read(const char *path, char **out_data, size_t *out_size)
{
    wf_note_call();
    if (path == NULL || out_data == NULL || out_size == NULL)
        return WEFT_EINVAL;
    struct whole_job job = { .path = path };
    int rc = wf_blocking_call("weft_whole_read", read_job, &job);
    if (rc == IS_NOT_REGULAR)
        rc = read_as_file(&job);
    if (rc < 0) {
        wf_free(job.data);
        return rc;
    }
    *out_data = job.data;
    *out_size = job.size;
    return 0;
}

/* ---- writing -------------------------------------------------------------------------------------- */

static int write_job(void *arg)
{
    struct whole_job *job = arg;
    struct stat about;
    int fd = wf_raw_open(job->path, O_WRONLY | O_CREAT | O_NONBLOCK | job->flags, &about);
    /* A named pipe without a reader is one that has to be waited for. */
    if (fd == -ENXIO && wf_raw_is_fifo(job->path))
        return IS_NOT_REGULAR;
    if (fd < 0)
        return fd;
    if (S_ISREG(about.st_mode))
        return close_after(fd, wf_raw_write_all(fd, job->data, job->size));
    job->fd = fd;
    return IS_NOT_REGULAR;
}

static int write_as_file(const struct whole_job *job)
{
    weft_file *file;
    int rc = job->fd >= 0 ? adopt(job->fd, &file)
                          : wf_unnoted(weft_file_open(job->path, "a", &file));
    if (rc < 0)
        return rc;
    rc = wf_unnoted(weft_file_write(file, job->data, job->size));
    int closed = wf_unnoted(weft_file_close(file));
    return rc < 0 ? rc : closed;
}

static int write_whole(const char *name, const char *path, int flags, const void *data, size_t size)
{
    if (path == NULL || (data == NULL && size > 0))
        return WEFT_EINVAL;
    struct whole_job job = {
        .path = path, .flags = flags, .data = (char *)(uintptr_t)data, .size = size, .fd = -1
    };
    int rc = wf_blocking_call(name, write_job, &job);
    return rc == IS_NOT_REGULAR ? write_as_file(&job) : rc;
}

int weft_whole_write(const char *path, const void *data, size_t size)
{
    wf_note_call();
    return write_whole("weft_whole_write", path, O_TRUNC, data, size);
}

int weft_whole_append(const char *path, const void *data, size_t size)
{
    wf_note_call();
    return write_whole("weft_whole_append", path, O_APPEND, data, size);
}
