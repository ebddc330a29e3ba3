/* SPDX-License-Identifier: MIT */
#include "io/raw.h"

#include "plat/fs.h"
#include "plat/sys.h"
#include "sched/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <weft/blocking.h>
#include <weft/time.h>
#include <weft/error.h>

/* What the kernel does at most in one call; more would be cut there anyway. */
#define MAX_AT_ONCE ((size_t)0x7ffff000)

enum { MODE_OF_NEW_FILES = 0666 };

static int open_once(const char *path, int flags)
{
    int fd;
    do
        fd = wf_sys.open(path, flags | O_CLOEXEC | O_NOCTTY, MODE_OF_NEW_FILES);
    while (fd == -EINTR);
    return fd;
}

int wf_raw_open_unseen(const char *path, int flags)
{
    int fd = open_once(path, flags);
    /* A file that somebody has a lease on is waited for, as an open that may block does. */
    if (fd == -EWOULDBLOCK && (flags & O_NONBLOCK) != 0)
        fd = open_once(path, flags & ~O_NONBLOCK);
    return fd;
}

int wf_raw_open(const char *path, int flags, struct stat *out_stat)
{
    int fd = wf_raw_open_unseen(path, flags);
    if (fd < 0)
        return fd;
    int rc = wf_sys.stat_fd(fd, out_stat);
    if (rc >= 0 && S_ISDIR(out_stat->st_mode))
        rc = -EISDIR;
    if (rc < 0) {
        (void)wf_sys.close(fd);
        return rc;
    }
    return fd;
}

bool wf_raw_is_fifo(const char *path)
{
    struct stat about;
    return wf_fs.stat_at(AT_FDCWD, path, 0, &about) >= 0 && S_ISFIFO(about.st_mode);
}

ssize_t wf_raw_read(int fd, void *buf, size_t size)
{
    ssize_t n;
    do
        n = wf_sys.read(fd, buf, WF_MIN(size, MAX_AT_ONCE));
    while (n == -EINTR);
    return n;
}

ssize_t wf_raw_write(int fd, const void *data, size_t size)
{
    ssize_t n;
    do
        n = wf_sys.write(fd, data, WF_MIN(size, MAX_AT_ONCE));
    while (n == -EINTR);
    return n;
}

int wf_raw_write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = wf_raw_write(fd, data, size);
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        data += n;
        size -= (size_t)n;
        if (size > 0 && weft_job_cancelled())
            return WEFT_ECANCELED;
    }
    return 0;
}

int wf_raw_pause(int64_t *pause_ns)
{
    *pause_ns = *pause_ns == 0 ? WEFT_MS(1) : WF_MIN(*pause_ns * 2, WEFT_MS(64));
    return wf_unnoted(weft_sleep(*pause_ns));
}

int wf_raw_close_job(void *arg) { return wf_sys.close(*(int *)arg); }
