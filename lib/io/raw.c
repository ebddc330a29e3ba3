/* SPDX-License-Identifier: MIT */
#include "io/raw.h"

#include "plat/sys.h"

#include <errno.h>
#include <fcntl.h>

/* What the kernel does at most in one call; more would be cut there anyway. */
#define MAX_AT_ONCE ((size_t)0x7ffff000)

enum { MODE_OF_NEW_FILES = 0666 };

int wf_raw_open(const char *path, int flags, struct stat *out_stat)
{
    int fd;
    do
        fd = wf_sys.open(path, flags | O_CLOEXEC | O_NOCTTY, MODE_OF_NEW_FILES);
    while (fd == -EINTR);
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

int wf_raw_close_job(void *arg) { return wf_sys.close(*(int *)arg); }
