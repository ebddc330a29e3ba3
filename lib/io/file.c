/* SPDX-License-Identifier: MIT
 * Files. Each operation is one blocking job with its arguments on the caller's stack, so a started
 * one is always waited for and never writes to memory that has been left.
 *
 * A file has one position, so one operation at a time uses it: is_busy turns a second one away
 * instead of letting the two mix. It costs an exchange beside a trip to a thread. */
#include "blocking/pool.h"
#include "io/raw.h"
#include "plat/mem.h"
#include "plat/sys.h"
#include "task/ledger.h"

#include <fcntl.h>
#include <string.h>
#include <weft/file.h>

struct weft_file {
    int fd;                   /* constant */
    _Atomic uint32_t is_busy; /* any thread: whoever turns it from 0 to 1 may operate */
    weft_resource entry;
    char path[]; /* a copy, for the ledger */
};

/* One operation on its way through the pool. */
struct file_op {
    weft_file *file;
    void *buf; /* read into, or written from */
    size_t size;
    size_t n_done;   /* bytes moved, also by a call that failed; none if the job never began */
    bool is_counted; /* the caller learns n_done: a cancel may cut it short */
    char *data;      /* of read_all, size bytes of it filled */
};

static int run_op(weft_file *file, const char *name, int (*fn)(void *arg), struct file_op *op)
{
    if (file == NULL)
        return WEFT_EINVAL;
    /* acquire [file-op]: after all that the operation before did. */
    if (wf_xchg_acq(&file->is_busy, 1u) != 0)
        return WEFT_EBUSY;
    op->file = file;
    int rc = wf_blocking_call(name, fn, op);
    /* release [file-op] */
    wf_store_rel(&file->is_busy, 0u);
    return rc;
}

/* ---- open and close -------------------------------------------------------------------------------- */

struct open_job {
    const char *path;
    int flags;
};

static int open_job(void *arg)
{
    const struct open_job *job = arg;
    struct stat unused;
    return wf_raw_open(job->path, job->flags, &unused);
}

/* Takes one letter off the set behind the first one. Each may come once. */
static bool take_letter(char *set, char letter)
{
    char *at = letter != '\0' ? strchr(set, letter) : NULL;
    if (at == NULL)
        return false;
    *at = ' ';
    return true;
}

static int parse_mode(const char *mode)
{
    char allowed[] = "+xbe";
    int flags, access = O_WRONLY;
    switch (mode[0]) {
    case 'r': flags = 0, access = O_RDONLY; break;
    case 'w': flags = O_CREAT | O_TRUNC; break;
    case 'a': flags = O_CREAT | O_APPEND; break;
    default: return WEFT_EINVAL;
    }
    for (const char *at = mode + 1; *at != '\0'; at++) {
        if (*at == ' ' || !take_letter(allowed, *at))
            return WEFT_EINVAL;
        if (*at == '+')
            access = O_RDWR;
        else if (*at == 'x' && (flags & O_CREAT) == 0)
            return WEFT_EINVAL;
        else if (*at == 'x')
            flags |= O_EXCL;
    }
    return flags | access;
}

int weft_file_open(const char *path, const char *mode, weft_file **out_file)
{
    if (path == NULL || mode == NULL || out_file == NULL)
        return WEFT_EINVAL;
    struct open_job job = { path, parse_mode(mode) };
    if (job.flags < 0)
        return job.flags;
    size_t path_size = strlen(path) + 1;
    weft_file *file = wf_alloc(1, sizeof *file + path_size);
    if (file == NULL)
        return WEFT_ENOMEM;
    file->fd = wf_blocking_call("weft_file_open", open_job, &job);
    if (file->fd < 0) {
        int rc = file->fd;
        wf_free(file);
        return rc;
    }
    memcpy(file->path, path, path_size);
    wf_ledger_open_at_large(&file->entry, "file", file->path);
    *out_file = file;
    return 0;
}

int weft_file_close(weft_file *file)
{
    if (file == NULL)
        return 0;
    /* acquire [file-op] */
    if (wf_xchg_acq(&file->is_busy, 1u) != 0)
        return WEFT_EBUSY;
    int rc = wf_blocking_call_shielded("weft_file_close", wf_raw_close_job, &file->fd);
    weft_resource_closed(&file->entry);
    wf_free(file);
    return rc;
}

/* ---- reading and writing ------------------------------------------------------------------------------ */

static int read_job(void *arg)
{
    struct file_op *op = arg;
    ssize_t n = wf_raw_read(op->file->fd, op->buf, op->size);
    if (n < 0)
        return (int)n;
    op->n_done = (size_t)n;
    return 0;
}

int64_t weft_file_read(weft_file *file, void *buf, size_t size)
{
    struct file_op op = { .buf = buf, .size = size };
    int rc = run_op(file, "weft_file_read", read_job, &op);
    return rc < 0 ? rc : (int64_t)op.n_done;
}

/* Between two calls of the system, which a regular file needs for over 2 GiB alone: a pipe may let
 * either one wait for long. */
static bool is_cut_short(const struct file_op *op)
{
    return op->is_counted && op->n_done > 0 && weft_job_cancelled();
}

static int read_exact_job(void *arg)
{
    struct file_op *op = arg;
    while (op->n_done < op->size) {
        if (is_cut_short(op))
            return WEFT_ECANCELED;
        ssize_t n = wf_raw_read(op->file->fd, (char *)op->buf + op->n_done, op->size - op->n_done);
        if (n <= 0)
            return n < 0 ? (int)n : WEFT_EEOF;
        op->n_done += (size_t)n;
    }
    return 0;
}

static int write_job(void *arg)
{
    struct file_op *op = arg;
    while (op->n_done < op->size) {
        if (is_cut_short(op))
            return WEFT_ECANCELED;
        const char *data = op->buf;
        ssize_t n = wf_raw_write(op->file->fd, data + op->n_done, op->size - op->n_done);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        op->n_done += (size_t)n;
    }
    return 0;
}

/* run_op with *out_n written whatever comes of it. */
static int run_counted(weft_file *file, const char *name, int (*fn)(void *arg), struct file_op *op,
                       size_t *out_n)
{
    if (out_n == NULL)
        return WEFT_EINVAL;
    op->is_counted = true;
    int rc = run_op(file, name, fn, op);
    *out_n = op->n_done;
    return rc;
}

int weft_file_read_exact(weft_file *file, void *buf, size_t size, size_t *out_n)
{
    struct file_op op = { .buf = buf, .size = size };
    return run_counted(file, "weft_file_read_exact", read_exact_job, &op, out_n);
}

int weft_file_write_all(weft_file *file, const void *data, size_t size, size_t *out_n)
{
    struct file_op op = { .buf = (void *)(uintptr_t)data, .size = size };
    return run_counted(file, "weft_file_write_all", write_job, &op, out_n);
}

int weft_file_write(weft_file *file, const void *data, size_t size)
{
    struct file_op op = { .buf = (void *)(uintptr_t)data, .size = size };
    return run_op(file, "weft_file_write", write_job, &op);
}

static int sync_job(void *arg) { return wf_sys.sync(*(int *)arg); }

/* Any number at a time and beside other calls: it uses no position. An error is not tried again,
 * since the kernel reports a lost page only once. */
int weft_file_sync(weft_file *file)
{
    if (file == NULL)
        return WEFT_EINVAL;
    return wf_blocking_call("weft_file_sync", sync_job, &file->fd);
}

/* ---- the whole file ----------------------------------------------------------------------------------- */

enum { SMALLEST_ROOM = 4096 };

/* Room for what the file says is left, for one byte more so that its end is seen without growing,
 * and for the 0 byte. A pipe or a file of /proc says 0. */
static size_t first_room(int fd)
{
    struct stat stat;
    off_t at = wf_sys.seek(fd, 0, SEEK_CUR);
    if (at < 0 || wf_sys.stat_fd(fd, &stat) < 0 || stat.st_size <= at)
        return SMALLEST_ROOM;
    size_t room;
    if (__builtin_add_overflow(stat.st_size - at, 2, &room))
        return SIZE_MAX;
    return WF_MAX(room, (size_t)SMALLEST_ROOM);
}

static bool grow(struct file_op *op, size_t *room)
{
    size_t bigger;
    if (__builtin_add_overflow(*room, *room / 2, &bigger) || bigger > PTRDIFF_MAX)
        return false;
    char *data = wf_realloc(op->data, bigger);
    if (data == NULL)
        return false;
    op->data = data;
    *room = bigger;
    return true;
}

/* Fills op->data until the end of the file. */
static int read_to_end(struct file_op *op, size_t room)
{
    for (;;) {
        if (room - op->size < 2 && !grow(op, &room))
            return WEFT_ENOMEM;
        ssize_t n = wf_raw_read(op->file->fd, op->data + op->size, room - op->size - 1);
        if (n <= 0)
            return (int)n;
        op->size += (size_t)n;
    }
}

static int read_all_job(void *arg)
{
    struct file_op *op = arg;
    size_t room = first_room(op->file->fd);
    op->data = wf_realloc(NULL, room);
    if (op->data == NULL)
        return WEFT_ENOMEM;
    int rc = read_to_end(op, room);
    if (rc < 0) {
        wf_free(op->data);
        return rc;
    }
    op->data[op->size] = '\0';
    char *trimmed = wf_realloc(op->data, op->size + 1);
    if (trimmed != NULL)
        op->data = trimmed;
    return 0;
}

int weft_file_read_all(weft_file *file, char **out_data, size_t *out_size)
{
    if (out_data == NULL || out_size == NULL)
        return WEFT_EINVAL;
    struct file_op op = { .size = 0 };
    int rc = run_op(file, "weft_file_read_all", read_all_job, &op);
    if (rc < 0)
        return rc;
    *out_data = op.data;
    *out_size = op.size;
    return 0;
}
