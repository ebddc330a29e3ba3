/* SPDX-License-Identifier: MIT
 * Streams: reading and writing.
 *
 * A call tries first and waits when the system says EAGAIN. A read that gave less than it was asked
 * for has taken all there was, so the next one need not be told EAGAIN: it waits at once, and
 * an echo costs one read, one write, and its part of a poll. What comes after the short read is an
 * edge, which ends the wait or was noted (iowait.c, I4); so is the end.
 *
 * Only for TCP: a Unix socket's read may stop short at a message that carries descriptors. TCP's does
 * so at an urgent byte: once the poller has told of one, a short read is not believed any more. */
#include "net/socket.h"

#include "plat/mem.h"
#include "plat/sys.h"
#include "sched/wait.h"

#include <weft/task.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

weft_socket *wf_socket_make(int fd, int family)
{
    weft_socket *made = wf_net_make(sizeof *made, fd);
    if (made != NULL)
        made->is_tcp = family == AF_INET || family == AF_INET6;
    return made;
}

int wf_socket_set_options(int fd, int family, bool coalesce, bool keepalive)
{
    int rc = 0;
    if (family != AF_UNIX && !coalesce)
        rc = wf_sys.set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (rc >= 0 && family != AF_UNIX && keepalive)
        rc = wf_sys.set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    return rc;
}

int weft_socket_adopt(int fd, weft_socket **out_socket)
{
    wf_note_call();
    weft_address peer;
    if (out_socket == NULL)
        return WEFT_EINVAL;
    /* Of anything but a stream a short read does not mean that no more is there. */
    int rc = wf_sys.socket_type(fd);
    if (rc >= 0)
        rc = rc == SOCK_STREAM ? wf_net_address(fd, true, &peer) : -EPROTOTYPE;
    if (rc >= 0)
        rc = wf_sys.set_nonblocking(fd);
    if (rc < 0)
        return rc;
    weft_socket *made = wf_socket_make(fd, wf_address_family(&peer));
    if (made == NULL)
        return WEFT_ENOMEM;
    wf_net_opened(&made->net, "socket", &peer);
    *out_socket = made;
    return 0;
}

int weft_socket_fd(const weft_socket *socket)
{
    return socket != NULL ? socket->net.io.fd : WEFT_EINVAL;
}

/* ---- one transfer, between begin and end --------------------------------------------------------- */

static ssize_t read_some(weft_socket *socket, void *buf, size_t size)
{
    for (;;) {
        ssize_t n = socket->is_drained ? -EAGAIN : wf_sys.recv(socket->net.io.fd, buf, size);
        if (n != -EAGAIN) {
            socket->is_drained = socket->is_tcp && n > 0 && (size_t)n < size;
            return n;
        }
        int rc = wf_io_wait_owned(&socket->net.io, WF_POLL_IN);
        if (rc < 0)
            return rc;
        socket->is_drained = false;
        if (WF_UNLIKELY((rc & WF_POLL_URGENT) != 0))
            socket->is_tcp = false;
    }
}

static ssize_t write_some(weft_socket *socket, const void *data, size_t size)
{
    for (;;) {
        ssize_t n = wf_sys.send(socket->net.io.fd, data, size);
        if (n != -EAGAIN)
            return n;
        int rc = wf_io_wait_owned(&socket->net.io, WF_POLL_OUT);
        if (rc < 0)
            return rc;
    }
}

/* ---- public -------------------------------------------------------------------------------------- */

int64_t weft_socket_read(weft_socket *socket, void *buf, size_t size)
{
    wf_note_call();
    if (socket == NULL || size == 0)
        return WEFT_EINVAL;
    int rc = wf_net_begin(&socket->net, WF_NET_READS);
    if (rc < 0)
        return rc;
    ssize_t n = read_some(socket, buf, size);
    wf_net_end(&socket->net, WF_NET_READS);
    return n;
}

int64_t weft_socket_write(weft_socket *socket, const void *data, size_t size)
{
    wf_note_call();
    if (socket == NULL || size == 0)
        return WEFT_EINVAL;
    int rc = wf_net_begin(&socket->net, WF_NET_WRITES);
    if (rc < 0)
        return rc;
    ssize_t n = write_some(socket, data, size);
    wf_net_end(&socket->net, WF_NET_WRITES);
    return n;
}

/* After a transfer of n while `left` bytes were missing. Whoever has all is not cancelled any more.
 * A peer that is as fast lets it never wait, which is where it would learn of a close. */
static int go_on(const weft_socket *socket, ssize_t n, size_t left, size_t *n_done)
{
    if (n < 0)
        return (int)n;
    *n_done += (size_t)n;
    if ((size_t)n >= left)
        return 0;
    return wf_net_is_closed(&socket->net) ? WEFT_ECLOSED : wf_unnoted(weft_checkpoint());
}

int weft_socket_read_exact(weft_socket *socket, void *buf, size_t size, size_t *out_n)
{
    wf_note_call();
    if (socket == NULL || out_n == NULL)
        return WEFT_EINVAL;
    *out_n = 0;
    int rc = wf_net_begin(&socket->net, WF_NET_READS);
    if (rc < 0)
        return rc;
    while (rc == 0 && *out_n < size) {
        ssize_t n = read_some(socket, (char *)buf + *out_n, size - *out_n);
        rc = go_on(socket, n != 0 ? n : WEFT_EEOF, size - *out_n, out_n);
    }
    wf_net_end(&socket->net, WF_NET_READS);
    return rc;
}

int weft_socket_write_all(weft_socket *socket, const void *data, size_t size, size_t *out_n)
{
    wf_note_call();
    if (socket == NULL || out_n == NULL)
        return WEFT_EINVAL;
    *out_n = 0;
    int rc = wf_net_begin(&socket->net, WF_NET_WRITES);
    if (rc < 0)
        return rc;
    while (rc == 0 && *out_n < size) {
        ssize_t n = write_some(socket, (const char *)data + *out_n, size - *out_n);
        rc = go_on(socket, n, size - *out_n, out_n);
    }
    wf_net_end(&socket->net, WF_NET_WRITES);
    return rc;
}

int weft_socket_shutdown(weft_socket *socket, unsigned halves)
{
    wf_note_call();
    static const int how[] = { [WEFT_READABLE] = SHUT_RD,
                               [WEFT_WRITABLE] = SHUT_WR,
                               [WEFT_READABLE | WEFT_WRITABLE] = SHUT_RDWR };
    if (socket == NULL || halves == 0 || halves > (WEFT_READABLE | WEFT_WRITABLE))
        return WEFT_EINVAL;
    return wf_sys.shutdown(socket->net.io.fd, how[halves]);
}

int weft_socket_local(const weft_socket *socket, weft_address *out_address)
{
    if (socket == NULL || out_address == NULL)
        return WEFT_EINVAL;
    return wf_net_address(socket->net.io.fd, false, out_address);
}

int weft_socket_peer(const weft_socket *socket, weft_address *out_address)
{
    if (socket == NULL || out_address == NULL)
        return WEFT_EINVAL;
    return wf_net_address(socket->net.io.fd, true, out_address);
}

int weft_socket_close(weft_socket *socket)
{
    wf_note_call();
    return socket != NULL ? wf_net_close(&socket->net) : 0;
}
