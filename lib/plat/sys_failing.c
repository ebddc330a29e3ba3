/* SPDX-License-Identifier: MIT */
#include "plat/sys_failing.h"

#include "plat/fs.h"
#include "plat/sys.h"

#include <errno.h>

/* Written while there are no threads that use the table. */
static bool (*fails)(enum wf_sys_kind kind, const char *name);

static void *failing_alloc(size_t size)
{
    return fails(WF_SYS_MEMORY, "alloc") ? NULL : wf_sys_real.alloc(size);
}

static void *failing_realloc(void *old, size_t size)
{
    return fails(WF_SYS_MEMORY, "realloc") ? NULL : wf_sys_real.realloc(old, size);
}

static void *failing_map(size_t size)
{
    return fails(WF_SYS_MAP, "map") ? NULL : wf_sys_real.map(size);
}

static int failing_protect_none(void *base, size_t size)
{
    return fails(WF_SYS_MAP, "protect_none") ? -ENOMEM : wf_sys_real.protect_none(base, size);
}

static int failing_advise(void *base, size_t size, int advice)
{
    return fails(WF_SYS_ADVISE, "advise") ? -ENOMEM : wf_sys_real.advise(base, size, advice);
}

static int failing_thread_create(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    return fails(WF_SYS_THREAD, "thread_create") ? -EAGAIN
                                                 : wf_sys_real.thread_create(out, name, fn, arg);
}

static int failing_open(const char *path, int flags, unsigned mode)
{
    return fails(WF_SYS_FILE, "open") ? -EMFILE : wf_sys_real.open(path, flags, mode);
}

/* The descriptor is gone all the same, as with a real close that fails. */
static int failing_close(int fd)
{
    int rc = wf_sys_real.close(fd);
    return fails(WF_SYS_FILE, "close") ? -EIO : rc;
}

static ssize_t failing_read(int fd, void *buf, size_t size)
{
    return fails(WF_SYS_FILE, "read") ? -EIO : wf_sys_real.read(fd, buf, size);
}

static ssize_t failing_write(int fd, const void *buf, size_t size)
{
    return fails(WF_SYS_FILE, "write") ? -ENOSPC : wf_sys_real.write(fd, buf, size);
}

static off_t failing_seek(int fd, off_t offset, int whence)
{
    return fails(WF_SYS_FILE, "seek") ? -EINVAL : wf_sys_real.seek(fd, offset, whence);
}

static int failing_stat_fd(int fd, struct stat *out)
{
    return fails(WF_SYS_FILE, "stat_fd") ? -EIO : wf_sys_real.stat_fd(fd, out);
}

static int failing_sync(int fd) { return fails(WF_SYS_FILE, "sync") ? -EIO : wf_sys_real.sync(fd); }

static int failing_flags_of_fd(int fd)
{
    return fails(WF_SYS_FILE, "flags_of_fd") ? -EBADF : wf_sys_real.flags_of_fd(fd);
}

static int failing_epoll_create(void)
{
    return fails(WF_SYS_POLL, "epoll_create") ? -EMFILE : wf_sys_real.epoll_create();
}

static int failing_epoll_arm(int epoll_fd, int fd, unsigned events, uint64_t key)
{
    return fails(WF_SYS_POLL, "epoll_arm") ? -ENOMEM
                                           : wf_sys_real.epoll_arm(epoll_fd, fd, events, key);
}

static int failing_event_create(void)
{
    return fails(WF_SYS_POLL, "event_create") ? -EMFILE : wf_sys_real.event_create();
}

static int failing_socket(int family, int type)
{
    return fails(WF_SYS_NET, "socket") ? -EMFILE : wf_sys_real.socket(family, type);
}

static int failing_bind(int fd, const struct sockaddr *at, socklen_t size)
{
    return fails(WF_SYS_NET, "bind") ? -EADDRINUSE : wf_sys_real.bind(fd, at, size);
}

static int failing_listen(int fd, int backlog)
{
    return fails(WF_SYS_NET, "listen") ? -EADDRINUSE : wf_sys_real.listen(fd, backlog);
}

static int failing_connect(int fd, const struct sockaddr *to, socklen_t size)
{
    return fails(WF_SYS_NET, "connect") ? -ECONNREFUSED : wf_sys_real.connect(fd, to, size);
}

static int failing_accept(int fd, struct sockaddr *from, socklen_t *size)
{
    return fails(WF_SYS_NET, "accept") ? -EMFILE : wf_sys_real.accept(fd, from, size);
}

static int failing_shutdown(int fd, int how)
{
    return fails(WF_SYS_NET, "shutdown") ? -ENOTCONN : wf_sys_real.shutdown(fd, how);
}

static int failing_set_option(int fd, int level, int option, int value)
{
    return fails(WF_SYS_NET, "set_option") ? -ENOBUFS
                                           : wf_sys_real.set_option(fd, level, option, value);
}

static int failing_socket_type(int fd)
{
    return fails(WF_SYS_NET, "socket_type") ? -ENOBUFS : wf_sys_real.socket_type(fd);
}

static int failing_socket_error(int fd)
{
    return fails(WF_SYS_NET, "socket_error") ? -ECONNREFUSED : wf_sys_real.socket_error(fd);
}

static int failing_socket_address(int fd, bool of_peer, struct sockaddr *out, socklen_t *size)
{
    return fails(WF_SYS_NET, "socket_address") ? -ENOBUFS
                                               : wf_sys_real.socket_address(fd, of_peer, out, size);
}

static int failing_set_nonblocking(int fd)
{
    return fails(WF_SYS_NET, "set_nonblocking") ? -EBADF : wf_sys_real.set_nonblocking(fd);
}

static int failing_set_blocking(int fd)
{
    return fails(WF_SYS_FILE, "set_blocking") ? -EBADF : wf_sys_real.set_blocking(fd);
}

static ssize_t failing_recv(int fd, void *buf, size_t size)
{
    return fails(WF_SYS_NET, "recv") ? -ECONNRESET : wf_sys_real.recv(fd, buf, size);
}

static ssize_t failing_send(int fd, const void *data, size_t size)
{
    return fails(WF_SYS_NET, "send") ? -EPIPE : wf_sys_real.send(fd, data, size);
}

static ssize_t failing_recv_from(int fd, void *buf, size_t size, struct sockaddr *from,
                                 socklen_t *n_from)
{
    return fails(WF_SYS_NET, "recv_from") ? -ENOBUFS
                                          : wf_sys_real.recv_from(fd, buf, size, from, n_from);
}

static ssize_t failing_send_to(int fd, const void *data, size_t size, const struct sockaddr *to,
                               socklen_t n_to)
{
    return fails(WF_SYS_NET, "send_to") ? -EPERM : wf_sys_real.send_to(fd, data, size, to, n_to);
}

static int failing_resolve(const char *host, const char *service, struct addrinfo **out)
{
    return fails(WF_SYS_NET, "resolve") ? -EAGAIN : wf_sys_real.resolve(host, service, out);
}

static int failing_pipe(int ends[2])
{
    return fails(WF_SYS_FILE, "pipe") ? -EMFILE : wf_sys_real.pipe(ends);
}

static int failing_copy_fd(int fd, int min)
{
    return fails(WF_SYS_FILE, "copy_fd") ? -EMFILE : wf_sys_real.copy_fd(fd, min);
}

static int failing_spawn(const struct wf_spawn *what)
{
    return fails(WF_SYS_THREAD, "spawn") ? -EAGAIN : wf_sys_real.spawn(what);
}

static bool file_fails(const char *name) { return fails(WF_SYS_FILE, name); }

void wf_sys_fail_when(bool (*when)(enum wf_sys_kind kind, const char *name))
{
    wf_sys = wf_sys_real;
    fails = when;
    wf_fs_fail_when(when != NULL ? file_fails : NULL);
    if (when == NULL)
        return;
    wf_sys.alloc = failing_alloc;
    wf_sys.realloc = failing_realloc;
    wf_sys.map = failing_map;
    wf_sys.protect_none = failing_protect_none;
    wf_sys.advise = failing_advise;
    wf_sys.thread_create = failing_thread_create;
    wf_sys.open = failing_open;
    wf_sys.close = failing_close;
    wf_sys.read = failing_read;
    wf_sys.write = failing_write;
    wf_sys.seek = failing_seek;
    wf_sys.stat_fd = failing_stat_fd;
    wf_sys.sync = failing_sync;
    wf_sys.flags_of_fd = failing_flags_of_fd;
    wf_sys.epoll_create = failing_epoll_create;
    wf_sys.epoll_arm = failing_epoll_arm;
    wf_sys.event_create = failing_event_create;
    wf_sys.socket = failing_socket;
    wf_sys.bind = failing_bind;
    wf_sys.listen = failing_listen;
    wf_sys.connect = failing_connect;
    wf_sys.accept = failing_accept;
    wf_sys.shutdown = failing_shutdown;
    wf_sys.set_option = failing_set_option;
    wf_sys.socket_type = failing_socket_type;
    wf_sys.socket_error = failing_socket_error;
    wf_sys.socket_address = failing_socket_address;
    wf_sys.set_nonblocking = failing_set_nonblocking;
    wf_sys.set_blocking = failing_set_blocking;
    wf_sys.recv = failing_recv;
    wf_sys.send = failing_send;
    wf_sys.recv_from = failing_recv_from;
    wf_sys.send_to = failing_send_to;
    wf_sys.resolve = failing_resolve;
    wf_sys.pipe = failing_pipe;
    wf_sys.copy_fd = failing_copy_fd;
    wf_sys.spawn = failing_spawn;
}
