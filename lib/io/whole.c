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

enum { SMALLEST_ROOM = 4096, IS_NOT_REGULAR = 1 };

struct whole_job {
    const char *path;
    int flags;
    char *data;
    size_t size, room;
    int fd; /* what was opened and is not regular; -1: a named pipe without a reader */
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

/* A regular file gives less than what was asked for at its end alone; that is believed where its
 * size says the same, which saves the read that would find nothing. */
static int read_all(struct whole_job *job, int fd, size_t stated_size)
{
    for (;;) {
        size_t asked = job->room - job->size - 1;
        ssize_t n = wf_raw_read(fd, job->data + job->size, asked);
        if (n <= 0)
            return (int)n;
        job->size += (size_t)n;
        if ((size_t)n < asked && job->size == stated_size)
            return 0;
        if (weft_job_cancelled())
            return WEFT_ECANCELED;
        if (job->room - job->size < 2) {
            int rc = have_room(job, wf_size_with(job->room, 1, job->room / 2));
            if (rc < 0)
                return rc;
        }
    }
}

static int read_open(struct whole_job *job, int fd, const struct stat *about)
{
    if (!S_ISREG(about->st_mode))
        return IS_NOT_REGULAR;
    size_t stated_size = about->st_size > 0 ? (size_t)about->st_size : 0;
    int rc = have_room(job, stated_size > 0 ? wf_size_with(2, 1, stated_size) : SMALLEST_ROOM);
    if (rc == 0)
        rc = read_all(job, fd, stated_size);
    if (rc == 0)
        job->data[job->size] = '\0';
    return rc;
}

static int read_job(void *arg)
{
    struct whole_job *job = arg;
    struct stat about;
    int fd = wf_raw_open(job->path, O_RDONLY | O_NONBLOCK, &about);
    if (fd < 0)
        return fd;
    int rc = read_open(job, fd, &about);
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

static int read_as_file(int fd, char **out_data, size_t *out_size)
{
    weft_file *file;
    int rc = adopt(fd, &file);
    if (rc < 0)
        return rc;
    rc = wf_unnoted(weft_file_read_all(file, out_data, out_size));
    int closed = wf_unnoted(weft_file_close(file));
    if (rc < 0 || closed == 0)
        return rc;
    wf_free(*out_data);
    return closed;
}

int weft_whole_read(const char *path, char **out_data, size_t *out_size)
{
    wf_note_call();
    if (path == NULL || out_data == NULL || out_size == NULL)
        return WEFT_EINVAL;
    struct whole_job job = { .path = path };
    int rc = wf_blocking_call("weft_whole_read", read_job, &job);
    if (rc == 0) {
        *out_data = job.data;
        *out_size = job.size;
        return 0;
    }
    wf_free(job.data);
    return rc == IS_NOT_REGULAR ? read_as_file(job.fd, out_data, out_size) : rc;
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
