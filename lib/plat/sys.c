/* SPDX-License-Identifier: MIT
 * The real entries of the table of plat/sys.h: libc's calls, with errno turned into a result.
 *
 * Calls that a signal cut short are made again, except close(), whose descriptor is gone even
 * then. Every descriptor is close-on-exec: a program that weft's user starts inherits none. */
#define _GNU_SOURCE 1
#include "plat/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define AGAIN_ON_EINTR(rc, call) \
    do                           \
        (rc) = (call);           \
    while ((rc) < 0 && errno == EINTR)

static void *real_alloc(size_t size) { return calloc(1, size); }

static void *real_realloc(void *old, size_t size) { return realloc(old, size); }

static void *real_map(size_t size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    return base == MAP_FAILED ? NULL : base;
}

static int real_unmap(void *base, size_t size) { return munmap(base, size) < 0 ? -errno : 0; }

static int real_advise(void *base, size_t size, int advice)
{
    return madvise(base, size, advice) < 0 ? -errno : 0;
}

static int real_protect_none(void *base, size_t size)
{
    return mprotect(base, size, PROT_NONE) < 0 ? -errno : 0;
}

static int real_open(const char *path, int flags, unsigned mode)
{
    int fd;
    AGAIN_ON_EINTR(fd, open(path, flags | O_CLOEXEC, (mode_t)mode));
    return fd < 0 ? -errno : fd;
}

static int real_close(int fd) { return close(fd) < 0 && errno != EINTR ? -errno : 0; }

static ssize_t real_read(int fd, void *buf, size_t size)
{
    ssize_t n;
    AGAIN_ON_EINTR(n, read(fd, buf, size));
    return n < 0 ? -errno : n;
}

static ssize_t real_write(int fd, const void *buf, size_t size)
{
    ssize_t n;
    AGAIN_ON_EINTR(n, write(fd, buf, size));
    return n < 0 ? -errno : n;
}

static off_t real_seek(int fd, off_t offset, int whence)
{
    off_t at = lseek(fd, offset, whence);
    return at < 0 ? -errno : at;
}

static int real_stat_fd(int fd, struct stat *out) { return fstat(fd, out) < 0 ? -errno : 0; }

static int real_sync(int fd)
{
    /* Never again after an error, EINTR included: the kernel reports a lost page only once. */
    return fsync(fd) < 0 ? -errno : 0;
}

static int real_flags_of_fd(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -errno : flags;
}

static int real_epoll_create(void)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* For one shot arming again is the common case and tried first, for good it is adding. The loop
 * ends: it goes on only when another thread armed or forgot the descriptor between the two calls. */
static int real_epoll_arm(int epoll_fd, int fd, unsigned events, uint64_t key)
{
    struct epoll_event event = { .events = events, .data.u64 = key };
    int op = (events & EPOLLONESHOT) != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    while (epoll_ctl(epoll_fd, op, fd, &event) < 0) {
        if (errno != (op == EPOLL_CTL_MOD ? ENOENT : EEXIST))
            return -errno;
        op = op == EPOLL_CTL_MOD ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    }
    return 0;
}

static int real_event_create(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

/* clang-format off */
#define WF_SYS_REAL_TABLE                        \
    {                                            \
        .alloc = real_alloc,                     \
        .realloc = real_realloc,                 \
        .map = real_map,                         \
        .unmap = real_unmap,                     \
        .advise = real_advise,                   \
        .protect_none = real_protect_none,       \
        .thread_create = wf_sys_thread_create,   \
        .open = real_open,                       \
        .close = real_close,                     \
        .read = real_read,                       \
        .write = real_write,                     \
        .seek = real_seek,                       \
        .stat_fd = real_stat_fd,                 \
        .sync = real_sync,                       \
        .flags_of_fd = real_flags_of_fd,         \
        .epoll_create = real_epoll_create,       \
        .epoll_arm = real_epoll_arm,             \
        .event_create = real_event_create,       \
    }
/* clang-format on */

const struct wf_sys wf_sys_real = WF_SYS_REAL_TABLE;
struct wf_sys wf_sys = WF_SYS_REAL_TABLE;
