/* SPDX-License-Identifier: MIT */
#include "net/handle.h"

#include "plat/mem.h"
#include "plat/sys.h"
#include "task/ledger.h"

#include <weft/task.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

void *wf_net_make(size_t size, int fd)
{
    struct wf_net *net = wf_alloc(1, size);
    if (net != NULL)
        net->io.fd = fd;
    return net;
}

void wf_net_opened(struct wf_net *net, const char *kind, const weft_address *address)
{
    (void)weft_address_text(address, net->name, sizeof net->name);
    wf_ledger_open_at_large(&net->entry, kind, net->name);
}

void wf_net_discard(struct wf_net *net)
{
    wf_io_forget_owned(&net->io);
    (void)wf_sys.close(net->io.fd);
    wf_free(net);
}

static int finish(struct wf_net *net)
{
    int rc = wf_sys.close(net->io.fd);
    weft_resource_closed(&net->entry);
    wf_free(net);
    return rc;
}

/* acq_rel, as wf_net_begin's: whoever finishes comes after all that the others did. */
static int take_bit(struct wf_net *net, uint32_t bit)
{
    uint32_t before = wf_sub_acq_rel(&net->state, bit);
    return before - bit == WF_NET_CLOSED ? finish(net) : 0;
}

int wf_net_begin(struct wf_net *net, uint32_t bit)
{
    int rc = wf_unnoted(weft_checkpoint());
    if (rc < 0)
        return rc;
    uint32_t before = wf_or_acq_rel(&net->state, bit);
    if ((before & bit) != 0)
        return WEFT_EBUSY;
    if ((before & WF_NET_CLOSED) == 0)
        return 0;
    (void)take_bit(net, bit);
    return WEFT_ECLOSED;
}

void wf_net_end(struct wf_net *net, uint32_t bit) { (void)take_bit(net, bit); }

int wf_net_close(struct wf_net *net)
{
    (void)wf_or_acq_rel(&net->state, (uint32_t)(WF_NET_CLOSED | WF_NET_CLOSES));
    wf_io_forget_owned(&net->io);
    return take_bit(net, WF_NET_CLOSES);
}

int wf_net_address(int fd, bool of_peer, weft_address *out)
{
    weft_address found = { .size = 0 };
    socklen_t size = sizeof found.sockaddr_;
    int rc = wf_sys.socket_address(fd, of_peer, wf_sockaddr(&found), &size);
    if (rc < 0)
        return rc;
    found.size = size;
    *out = found;
    return 0;
}

/* ---- binding ------------------------------------------------------------------------------------- */

static int bind_to(int fd, const weft_address *address, bool share_port)
{
    int family = wf_address_family(address);
    int rc = 0;
    if (family != AF_UNIX)
        rc = wf_sys.set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (rc >= 0 && share_port)
        rc = wf_sys.set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    return rc >= 0 ? wf_sys.bind(fd, wf_sockaddr_of(address), address->size) : rc;
}

/* A descriptor for ":80", which is both families, whatever the system's default; where there is no
 * IPv6, *address becomes IPv4's. */
static int open_for_all(int type, weft_address *address)
{
    int fd = wf_sys.socket(AF_INET6, type);
    if (fd >= 0) {
        int rc = wf_sys.set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
        if (rc >= 0)
            return fd;
        (void)wf_sys.close(fd);
        return rc;
    }
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons(weft_address_port(address)) };
    wf_address_set(address, (const struct sockaddr *)&in, sizeof in);
    return fd == -EAFNOSUPPORT ? wf_sys.socket(AF_INET, type) : fd;
}

int wf_net_bind(const char *where, int type, bool share_port)
{
    weft_address address;
    int rc = weft_address_parse(where, &address);
    if (rc < 0)
        return rc;
    /* A full queue of a Unix socket shows only as EAGAIN, never as an edge to wait for. */
    if (type == SOCK_DGRAM && wf_address_family(&address) == AF_UNIX)
        return WEFT_EINVAL;
    int fd = where[0] == ':' ? open_for_all(type, &address)
                             : wf_sys.socket(wf_address_family(&address), type);
    if (fd < 0)
        return fd;
    /* A datagram socket's port is not shared with whoever comes later. */
    rc = type == SOCK_STREAM ? bind_to(fd, &address, share_port)
                             : wf_sys.bind(fd, wf_sockaddr_of(&address), address.size);
    if (rc >= 0)
        return fd;
    (void)wf_sys.close(fd);
    return rc;
}
