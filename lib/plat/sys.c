/* SPDX-License-Identifier: MIT
 * The real entries of the table of plat/sys.h: libc's calls, with errno turned into a result.
 *
 * Calls that a signal cut short are made again, except close(), whose descriptor is gone even
 * then. Every descriptor is close-on-exec: a program that weft's user starts inherits none. */
#define _GNU_SOURCE 1
#include "plat/sys.h"

#include "plat/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft/error.h>

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

/* ---- sockets ------------------------------------------------------------------------------------- */

static int result(int rc) { return rc < 0 ? -errno : rc; }

static int real_socket(int family, int type)
{
    return result(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

static int real_bind(int fd, const struct sockaddr *at, socklen_t size)
{
    return result(bind(fd, at, size));
}

static int real_listen(int fd, int backlog) { return result(listen(fd, backlog)); }

/* Not again after EINTR: it goes on by itself, as after EINPROGRESS. */
static int real_connect(int fd, const struct sockaddr *to, socklen_t size)
{
    return result(connect(fd, to, size));
}

static int real_accept(int fd, struct sockaddr *from, socklen_t *size)
{
    int made;
    AGAIN_ON_EINTR(made, accept4(fd, from, size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    return result(made);
}

static int real_shutdown(int fd, int how) { return result(shutdown(fd, how)); }

static int real_set_option(int fd, int level, int option, int value)
{
    return result(setsockopt(fd, level, option, &value, sizeof(value)));
}

static int real_socket_type(int fd)
{
    int type = 0;
    socklen_t size = sizeof(type);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ? -errno : type;
}

static int real_socket_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof(error);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

static int real_socket_address(int fd, bool of_peer, struct sockaddr *out, socklen_t *size)
{
    return result(of_peer ? getpeername(fd, out, size) : getsockname(fd, out, size));
}

static int real_set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return result(flags < 0 ? flags : fcntl(fd, F_SETFL, flags | O_NONBLOCK));
}

static int real_set_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return result(flags < 0 ? flags : fcntl(fd, F_SETFL, flags & ~O_NONBLOCK));
}

static ssize_t real_recv(int fd, void *buf, size_t size)
{
    ssize_t n;
    AGAIN_ON_EINTR(n, recv(fd, buf, size, 0));
    return n < 0 ? -errno : n;
}

static ssize_t real_send(int fd, const void *data, size_t size)
{
    ssize_t n;
    AGAIN_ON_EINTR(n, send(fd, data, size, MSG_NOSIGNAL));
    return n < 0 ? -errno : n;
}

static ssize_t real_recv_from(int fd, void *buf, size_t size, struct sockaddr *from,
                              socklen_t *n_from)
{
    ssize_t n;
    AGAIN_ON_EINTR(n, recvfrom(fd, buf, size, MSG_TRUNC, from, n_from));
    return n < 0 ? -errno : n;
}

static ssize_t real_send_to(int fd, const void *data, size_t size, const struct sockaddr *to,
                            socklen_t n_to)
{
    ssize_t n;
    AGAIN_ON_EINTR(n, sendto(fd, data, size, MSG_NOSIGNAL, to, n_to));
    return n < 0 ? -errno : n;
}

static int real_resolve(const char *host, const char *service, struct addrinfo **out)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    switch (getaddrinfo(host, service, &hints, out)) {
    case 0: return 0;
    case EAI_SYSTEM: return errno != 0 ? -errno : -EIO;
    case EAI_MEMORY: return -ENOMEM;
    case EAI_AGAIN: return -EAGAIN;
    default: return WEFT_ENAME;
    }
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
        .socket = real_socket,                   \
        .bind = real_bind,                       \
        .listen = real_listen,                   \
        .connect = real_connect,                 \
        .accept = real_accept,                   \
        .shutdown = real_shutdown,               \
        .set_option = real_set_option,           \
        .socket_type = real_socket_type,         \
        .socket_error = real_socket_error,       \
        .socket_address = real_socket_address,   \
        .set_nonblocking = real_set_nonblocking, \
        .set_blocking = real_set_blocking,       \
        .recv = real_recv,                       \
        .send = real_send,                       \
        .recv_from = real_recv_from,             \
        .send_to = real_send_to,                 \
        .resolve = real_resolve,                 \
        .pipe = wf_sys_pipe,                     \
        .copy_fd = wf_sys_copy_fd,               \
        .spawn = wf_sys_spawn,                   \
    }
/* clang-format on */

const struct wf_sys wf_sys_real = WF_SYS_REAL_TABLE;
struct wf_sys wf_sys = WF_SYS_REAL_TABLE;
