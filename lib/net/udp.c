/* SPDX-License-Identifier: MIT
 * Datagrams. A short one says nothing of whether more are there, so each call tries first. */
#include "net/handle.h"
#include "plat/sys.h"
#include "sched/wait.h"

#include <weft/udp.h>

#include <errno.h>

struct weft_udp {
    struct wf_net net;
};

int weft_udp_open(const char *where, weft_udp **out_udp)
{
    wf_note_call();
    if (where == NULL || out_udp == NULL)
        return WEFT_EINVAL;
    int fd = wf_net_bind(where, SOCK_DGRAM, false);
    if (fd < 0)
        return fd;
    weft_address address;
    weft_udp *made = NULL;
    int rc = wf_net_address(fd, false, &address);
    if (rc >= 0 && (made = wf_net_make(sizeof *made, fd)) == NULL)
        rc = WEFT_ENOMEM;
    if (rc < 0) {
        (void)wf_sys.close(fd);
        return rc;
    }
    wf_net_opened(&made->net, "udp", &address);
    *out_udp = made;
    return 0;
}

int64_t weft_udp_recv(weft_udp *udp, void *buf, size_t size, weft_address *out_from)
{
    wf_note_call();
    if (udp == NULL || (buf == NULL && size > 0))
        return WEFT_EINVAL;
    int64_t rc = wf_net_begin(&udp->net, WF_NET_READS);
    if (rc < 0)
        return rc;
    weft_address from = { .size = 0 };
    while (rc == 0) {
        socklen_t n_from = sizeof from.sockaddr_;
        ssize_t n = wf_sys.recv_from(udp->net.io.fd, buf, size, wf_sockaddr(&from), &n_from);
        from.size = n_from;
        if (n != -EAGAIN) {
            rc = n;
            break;
        }
        rc = WF_MIN(wf_io_wait_owned(&udp->net.io, WF_POLL_IN), 0);
    }
    wf_net_end(&udp->net, WF_NET_READS);
    if (rc >= 0 && out_from != NULL)
        *out_from = from;
    return rc;
}

int weft_udp_send(weft_udp *udp, const void *data, size_t size, const weft_address *to)
{
    wf_note_call();
    if (udp == NULL || to == NULL || (data == NULL && size > 0))
        return WEFT_EINVAL;
    int rc = wf_net_begin(&udp->net, WF_NET_WRITES);
    if (rc < 0)
        return rc;
    ssize_t n;
    do {
        n = wf_sys.send_to(udp->net.io.fd, data, size, wf_sockaddr_of(to), to->size);
        if (n == -EAGAIN)
            rc = WF_MIN(wf_io_wait_owned(&udp->net.io, WF_POLL_OUT), 0);
    } while (n == -EAGAIN && rc == 0);
    wf_net_end(&udp->net, WF_NET_WRITES);
    return rc < 0 ? rc : (int)WF_MIN(n, (ssize_t)0);
}

int weft_udp_address(const weft_udp *udp, weft_address *out_address)
{
    if (udp == NULL || out_address == NULL)
        return WEFT_EINVAL;
    return wf_net_address(udp->net.io.fd, false, out_address);
}

int weft_udp_close(weft_udp *udp)
{
    wf_note_call();
    return udp != NULL ? wf_net_close(&udp->net) : 0;
}
