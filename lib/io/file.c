/* SPDX-License-Identifier: MIT
 * Operations on files: file.h has the argument. Reading and writing at the position. */
#include "io/file.h"

#include "blocking/pool.h"
#include "io/raw.h"
#include "plat/fs.h"
#include "sched/iowait.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

/* ---- running ------------------------------------------------------------------------------------ */

bool wf_file_take(weft_file *file)
{
    /* acquire [file-op]: after all that the operation before did. */
    return wf_xchg_acq(&file->is_busy, 1u) == 0;
}

void wf_file_release(weft_file *file)
{
    /* release [file-op] */
    wf_store_rel(&file->is_busy, 0u);
}

/* Between two calls of the system, which a regular file needs for over 2 GiB alone: a full disk or a
 * file of /proc may give less. */
static int run_steps(void *arg)
{
    struct wf_file_op *op = arg;
    int rc;
    while ((rc = op->step(op)) > 0)
        if (op->is_counted && weft_job_cancelled())
            return WEFT_ECANCELED;
    return rc;
}

/* The code alone would not do: a job that no thread could be made for says the same. */
static int run_step(void *arg)
{
    struct wf_file_op *op = arg;
    int rc = op->step(op);
    op->would_block = rc == -EAGAIN;
    return rc;
}

/* A descriptor that would block may be ready and yet not take all. */
static void limit_step(struct wf_file_op *op)
{
    op->at_most = op->file->is_nonblocking ? SIZE_MAX : PIPE_BUF;
}

/* One step of a file that may have to be waited for. Another one of its users may be faster, then
 * it is -EAGAIN and waited for anew. */
static int run_ready_step(weft_file *file, const char *name, struct wf_file_op *op)
{
    int rc = wf_io_wait(file->fd, op->is_write ? WF_POLL_OUT : WF_POLL_IN);
    if (rc == -EPERM) {
        file->by_readiness = false;
        op->at_most = SIZE_MAX;
        return 1;
    }
    if (rc < 0)
        return rc;
    limit_step(op);
    op->would_block = false;
    rc = file->is_nonblocking ? run_step(op) : wf_blocking_call(name, run_step, op);
    return op->would_block ? 1 : rc;
}

static int run(weft_file *file, const char *name, struct wf_file_op *op)
{
    int rc = 1;
    while (rc > 0 && file->by_readiness && !op->is_empty)
        rc = run_ready_step(file, name, op);
    return rc > 0 ? wf_blocking_call(name, run_steps, op) : rc;
}

int wf_file_run(weft_file *file, const char *name, struct wf_file_op *op)
{
    if (file == NULL)
        return WEFT_EINVAL;
    if (!wf_file_take(file))
        return WEFT_EBUSY;
    op->file = file;
    op->at_most = SIZE_MAX;
    int rc = run(file, name, op);
    wf_file_release(file);
    return rc;
}

int wf_file_run_job(weft_file *file, const char *name, struct wf_file_op *op)
{
    if (file == NULL)
        return WEFT_EINVAL;
    if (!wf_file_take(file))
        return WEFT_EBUSY;
    op->file = file;
    int rc = wf_blocking_call(name, run_steps, op);
    wf_file_release(file);
    return rc;
}

/* With the number of bytes, whatever comes of it. */
static int run_counted(weft_file *file, const char *name, struct wf_file_op *op, size_t *out_n)
{
    if (out_n == NULL)
        return WEFT_EINVAL;
    op->is_counted = true;
    int rc = wf_file_run(file, name, op);
    *out_n = op->n_done;
    return rc;
}

/* ---- reading ------------------------------------------------------------------------------------ */

static int read_step(struct wf_file_op *op)
{
    ssize_t n = wf_raw_read(op->file->fd, op->buf, op->size);
    if (n < 0)
        return (int)n;
    op->n_done = (size_t)n;
    return 0;
}

int64_t weft_file_read(weft_file *file, void *buf, size_t size)
{
    wf_note_call();
    struct wf_file_op op = { .step = read_step, .buf = buf, .size = size, .is_empty = size == 0 };
    int rc = wf_file_run(file, "weft_file_read", &op);
    return rc < 0 ? rc : (int64_t)op.n_done;
}

static int read_exact_step(struct wf_file_op *op)
{
    if (op->n_done == op->size)
        return 0;
    ssize_t n = wf_raw_read(op->file->fd, (char *)op->buf + op->n_done, op->size - op->n_done);
    if (n <= 0)
        return n < 0 ? (int)n : WEFT_EEOF;
    op->n_done += (size_t)n;
    return op->n_done < op->size;
}

int weft_file_read_exact(weft_file *file, void *buf, size_t size, size_t *out_n)
{
    wf_note_call();
    struct wf_file_op op = {
        .step = read_exact_step, .buf = buf, .size = size, .is_empty = size == 0
    };
    return run_counted(file, "weft_file_read_exact", &op, out_n);
}

/* ---- writing ------------------------------------------------------------------------------------ */

/* A spooled file that has grown out of memory is moved when all has been written. */
static int end_write(struct wf_file_op *op)
{
    return WF_UNLIKELY(op->file->is_spooled) ? wf_file_spill(op->file) : 0;
}

static int write_step(struct wf_file_op *op)
{
    if (op->n_done == op->size)
        return 0;
    size_t left = WF_MIN(op->size - op->n_done, op->at_most);
    ssize_t n = wf_raw_write(op->file->fd, (const char *)op->buf + op->n_done, left);
    if (n <= 0)
        return n < 0 ? (int)n : -EIO;
    op->n_done += (size_t)n;
    return op->n_done < op->size ? 1 : end_write(op);
}

static struct wf_file_op write_of(const void *data, size_t size)
{
    return (struct wf_file_op){ .step = write_step,
                                .is_write = true,
                                .buf = (void *)(uintptr_t)data,
                                .size = size,
                                .is_empty = size == 0 };
}

int weft_file_write_all(weft_file *file, const void *data, size_t size, size_t *out_n)
{
    wf_note_call();
    struct wf_file_op op = write_of(data, size);
    return run_counted(file, "weft_file_write_all", &op, out_n);
}

int weft_file_write(weft_file *file, const void *data, size_t size)
{
    wf_note_call();
    struct wf_file_op op = write_of(data, size);
    return wf_file_run(file, "weft_file_write", &op);
}

/* ---- several parts ------------------------------------------------------------------------------- */

enum { PARTS_AT_ONCE = 32 };

/* What is left, as far as one call takes it. */
static int gather(const struct wf_file_op *op, struct iovec *parts)
{
    int n = 0;
    size_t skip = op->part_done, room = op->at_most;
    for (size_t i = 0; i < op->n_parts && n < PARTS_AT_ONCE && room > 0; i++, skip = 0) {
        size_t size = WF_MIN(op->parts[i].iov_len - skip, room);
        if (size == 0)
            continue;
        parts[n++] = (struct iovec){ (char *)op->parts[i].iov_base + skip, size };
        room -= size;
    }
    return n;
}

static void step_over(struct wf_file_op *op, size_t n)
{
    op->n_done += n;
    op->part_done += n;
    while (op->n_parts > 0 && op->part_done >= op->parts->iov_len) {
        op->part_done -= op->parts->iov_len;
        op->parts++;
        op->n_parts--;
    }
}

static int write_many_step(struct wf_file_op *op)
{
    struct iovec parts[PARTS_AT_ONCE];
    int n_parts = gather(op, parts);
    if (n_parts == 0)
        return 0;
    ssize_t n = wf_fs.writev(op->file->fd, parts, n_parts);
    if (n == -EINTR)
        return 1;
    if (n <= 0)
        return n < 0 ? (int)n : -EIO;
    step_over(op, (size_t)n);
    return op->n_parts > 0 ? 1 : end_write(op);
}

int weft_file_write_many(weft_file *file, const struct iovec *parts, size_t n, size_t *out_n)
{
    wf_note_call();
    if (parts == NULL && n > 0)
        return WEFT_EINVAL;
    struct wf_file_op op = {
        .step = write_many_step, .is_write = true, .parts = parts, .n_parts = n, .is_empty = n == 0
    };
    return run_counted(file, "weft_file_write_many", &op, out_n);
}
