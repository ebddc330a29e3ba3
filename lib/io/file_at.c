/* SPDX-License-Identifier: MIT
 * Where in a file: its position, its size, and reading and writing at a place of one's own. */
#include "blocking/pool.h"
#include "io/file.h"
#include "plat/fs.h"
#include "plat/sys.h"
#include "sched/iowait.h"

#include <errno.h>
#include <stdint.h>
#include <weft/file_at.h>

/* ---- the position --------------------------------------------------------------------------------- */

static int seek_step(struct wf_file_op *op)
{
    off_t at = wf_sys.seek(op->file->fd, (off_t)op->offset, op->whence);
    if (at < 0)
        return (int)at;
    op->offset = at;
    return 0;
}

static int64_t seek(weft_file *file, const char *name, int64_t offset, int whence)
{
    struct wf_file_op op = { .step = seek_step, .offset = offset, .whence = whence };
    int rc = wf_file_run_job(file, name, &op);
    return rc < 0 ? rc : op.offset;
}

int64_t weft_file_seek(weft_file *file, int64_t offset, int whence)
{
    wf_note_call();
    return seek(file, "weft_file_seek", offset, whence);
}

int64_t weft_file_tell(weft_file *file)
{
    wf_note_call();
    return seek(file, "weft_file_tell", 0, SEEK_CUR);
}

/* ---- the size ------------------------------------------------------------------------------------- */

static int truncate_step(struct wf_file_op *op)
{
    return wf_fs.truncate_fd(op->file->fd, (off_t)op->offset);
}

int weft_file_truncate(weft_file *file, int64_t size)
{
    wf_note_call();
    struct wf_file_op op = { .step = truncate_step, .offset = size };
    return wf_file_run_job(file, "weft_file_truncate", &op);
}

struct stat_job {
    weft_file *file;
    struct stat *out;
};

static int stat_job(void *arg)
{
    const struct stat_job *job = arg;
    return wf_sys.stat_fd(job->file->fd, job->out);
}

int weft_file_stat(weft_file *file, struct stat *out_stat)
{
    wf_note_call();
    if (file == NULL || out_stat == NULL)
        return WEFT_EINVAL;
    struct stat about;
    struct stat_job job = { file, &about };
    int rc = wf_blocking_call("weft_file_stat", stat_job, &job);
    if (rc == 0)
        *out_stat = about;
    return rc;
}

/* ---- at a place of one's own ------------------------------------------------------------------------ */

/* What the kernel does at most in one call; more would be cut there anyway. */
#define MAX_AT_ONCE ((size_t)0x7ffff000)

struct at_job {
    weft_file *file;
    char *buf;
    size_t size, n_done;
    int64_t offset;
    bool is_write;
};

static ssize_t move_once(const struct at_job *job)
{
    size_t left = WF_MIN(job->size - job->n_done, MAX_AT_ONCE);
    off_t at = (off_t)job->offset + (off_t)job->n_done;
    ssize_t n;
    do
        n = job->is_write ? wf_fs.pwrite(job->file->fd, job->buf + job->n_done, left, at)
                          : wf_fs.pread(job->file->fd, job->buf + job->n_done, left, at);
    while (n == -EINTR);
    return n;
}

static int read_at_job(void *arg)
{
    struct at_job *job = arg;
    ssize_t n = move_once(job);
    if (n < 0)
        return (int)n;
    job->n_done = (size_t)n;
    return 0;
}

static int write_at_job(void *arg)
{
    struct at_job *job = arg;
    while (job->n_done < job->size) {
        ssize_t n = move_once(job);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        job->n_done += (size_t)n;
        if (job->n_done < job->size && weft_job_cancelled())
            return WEFT_ECANCELED;
    }
    return 0;
}

static int write_spooled_at_job(void *arg)
{
    const struct at_job *job = arg;
    int rc = write_at_job(arg);
    return rc == 0 && job->file->is_spooled ? wf_file_spill(job->file) : rc;
}

/* A spooled file may move: what is written meanwhile to the one that it leaves would be lost. So
 * whoever writes to it has the turn. */
static int write_at(struct at_job *job)
{
    if (job->file->spool_folder == NULL)
        return wf_blocking_call("weft_file_write_at", write_at_job, job);
    if (!wf_file_take(job->file))
        return WEFT_EBUSY;
    int rc = wf_blocking_call("weft_file_write_at", write_spooled_at_job, job);
    wf_file_release(job->file);
    return rc;
}

int64_t weft_file_read_at(weft_file *file, int64_t offset, void *buf, size_t size)
{
    wf_note_call();
    if (file == NULL || offset < 0)
        return WEFT_EINVAL;
    struct at_job job = { .file = file, .buf = buf, .size = size, .offset = offset };
    int rc = wf_blocking_call("weft_file_read_at", read_at_job, &job);
    return rc < 0 ? rc : (int64_t)job.n_done;
}

int weft_file_write_at(weft_file *file, int64_t offset, const void *data, size_t size,
                       size_t *out_n)
{
    wf_note_call();
    if (file == NULL || offset < 0 || out_n == NULL)
        return WEFT_EINVAL;
    struct at_job job = { .file = file,
                          .buf = (char *)(uintptr_t)data,
                          .size = size,
                          .offset = offset,
                          .is_write = true };
    int rc = write_at(&job);
    *out_n = job.n_done;
    return rc;
}

/* ---- from a file to a descriptor ---------------------------------------------------------------------- */

struct send_job {
    int to, from;
    off_t offset;
    size_t size, n_done;
    bool is_full; /* `to` took no more */
};

/* Until all is sent, the file ends, or `to` takes no more at once. A pipe or socket that is not
 * non-blocking is sent only what the caller asked for, and may hold the job up. */
static int send_job(void *arg)
{
    struct send_job *job = arg;
    while (job->n_done < job->size) {
        ssize_t n = wf_fs.send_file(job->to, job->from, &job->offset,
                                    WF_MIN(job->size - job->n_done, MAX_AT_ONCE));
        if (n == -EINTR)
            continue;
        job->is_full = n == -EAGAIN;
        if (n <= 0)
            return n < 0 ? (int)n : WEFT_EEOF;
        job->n_done += (size_t)n;
        if (job->n_done < job->size && weft_job_cancelled())
            return WEFT_ECANCELED;
    }
    return 0;
}

int weft_file_send_at(weft_file *file, int64_t offset, int fd, size_t size, size_t *out_n)
{
    wf_note_call();
    if (file == NULL || offset < 0 || out_n == NULL)
        return WEFT_EINVAL;
    struct send_job job = { .to = fd, .from = file->fd, .offset = (off_t)offset, .size = size };
    int rc;
    do {
        job.is_full = false;
        rc = wf_blocking_call("weft_file_send_at", send_job, &job);
    } while (job.is_full && (rc = WF_MIN(wf_io_wait(fd, WF_POLL_OUT), 0)) == 0);
    *out_n = job.n_done;
    return rc;
}
