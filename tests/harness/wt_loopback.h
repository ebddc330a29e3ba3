/* SPDX-License-Identifier: MIT
 * Sockets of servers that tests run themselves. */
#ifndef WT_LOOPBACK_H
#define WT_LOOPBACK_H

#include "wt_test.h"

#include <arpa/inet.h>
#include <sys/socket.h>

/* Listens on a free port of loopback. Whoever connects waits in its queue until somebody accepts, so
 * nobody has to wait until a server is up. flags: SOCK_CLOEXEC, SOCK_NONBLOCK. */
static inline int wt_listen(int flags, int backlog, int *out_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | flags, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *out_port = ntohs(at.sin_port);
    return fd;
}

/* False: the other side has closed. */
static inline bool wt_send_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        size -= (size_t)n;
    }
    return true;
}

#endif
