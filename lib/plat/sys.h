/* SPDX-License-Identifier: MIT
 * Every call that can fail, through one table that tests overwrite: fail the n-th, shorten a
 * read, run out of memory. Each returns 0 or positive, or -errno; errno itself stays in plat/. */
#ifndef WF_PLAT_SYS_H
#define WF_PLAT_SYS_H

#include "plat/cc.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

struct addrinfo;
struct wf_spawn;

struct wf_sys {
    void *(*alloc)(size_t size);              /* zeroed; NULL: no memory */
    void *(*realloc)(void *old, size_t size); /* NULL: no memory, old kept */
    void *(*map)(size_t size);                /* private, lazily committed; NULL: none */
    int (*unmap)(void *base, size_t size);
    int (*advise)(void *base, size_t size, int advice);
    int (*protect_none)(void *base, size_t size);
    int (*thread_create)(uintptr_t *out, const char *name, void (*fn)(void *), void *arg);
    int (*open)(const char *path, int flags, unsigned mode);
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *buf, size_t size);
    ssize_t (*write)(int fd, const void *buf, size_t size);
    off_t (*seek)(int fd, off_t offset, int whence);
    int (*stat_fd)(int fd, struct stat *out);
    int (*sync)(int fd);
    int (*flags_of_fd)(int fd); /* those of its open file: O_NONBLOCK */
    int (*epoll_create)(void);
    int (*epoll_arm)(int epoll_fd, int fd, unsigned events, uint64_t key);
    int (*event_create)(void); /* eventfd, non-blocking, close-on-exec */

    /* Sockets: non-blocking, close-on-exec, and none sends SIGPIPE. */
    int (*socket)(int family, int type);
    int (*bind)(int fd, const struct sockaddr *at, socklen_t size);
    int (*listen)(int fd, int backlog);
    int (*connect)(int fd, const struct sockaddr *to, socklen_t size);
    int (*accept)(int fd, struct sockaddr *from, socklen_t *size);
    int (*shutdown)(int fd, int how);
    int (*set_option)(int fd, int level, int option, int value);
    int (*socket_type)(int fd);  /* SOCK_STREAM ... */
    int (*socket_error)(int fd); /* takes SO_ERROR: 0 or -errno */
    int (*socket_address)(int fd, bool of_peer, struct sockaddr *out, socklen_t *size);
    int (*set_nonblocking)(int fd);
    int (*set_blocking)(int fd);
    ssize_t (*recv)(int fd, void *buf, size_t size);
    ssize_t (*send)(int fd, const void *data, size_t size);
    /* A datagram's whole size is returned, also if it was cut. */
    ssize_t (*recv_from)(int fd, void *buf, size_t size, struct sockaddr *from, socklen_t *n_from);
    ssize_t (*send_to)(int fd, const void *data, size_t size, const struct sockaddr *to,
                       socklen_t n_to);
    /* getaddrinfo: 0, WEFT_ENAME, -EAGAIN for no answer, -ENOMEM or -errno. */
    int (*resolve)(const char *host, const char *service, struct addrinfo **out);
    int (*pipe)(int ends[2]);
    int (*copy_fd)(int fd, int min);
    int (*spawn)(const struct wf_spawn *what); /* plat/spawn.h */
};

/* The real table's thread_create: thread.c's, or in the simulator sim_thread.c's. */
int wf_sys_thread_create(uintptr_t *out, const char *name, void (*fn)(void *), void *arg);

/* The real table, and the one in use. Tests copy the first, change entries, store it here before
 * the runtime starts. */
extern const struct wf_sys wf_sys_real;
extern struct wf_sys wf_sys;

#endif
