/* SPDX-License-Identifier: MIT
 * Listening and accepting. */
#include "net/socket.h"
#include "base/opts.h"
#include "plat/clock.h"
#include "plat/mem.h"
#include "plat/sys.h"
#include "sched/wait.h"

#include <weft/listener.h>

#include <errno.h>

enum { DEFAULT_BACKLOG = 4096 };

/* While descriptors have run out: connections wait in the backlog, where nothing is lost. */
#define FIRST_PAUSE_NS INT64_C(5000000)
#define MOST_PAUSE_NS  INT64_C(100000000)

struct weft_listener {
    struct wf_net net;
    weft_listen_opts opts;
};

int weft_listen(const char *where, const weft_listen_opts *opts, weft_listener **out_listener)
{
    wf_note_call();
    if (where == NULL || out_listener == NULL)
        return WEFT_EINVAL;
    weft_listen_opts copy = { .size_ = 0 };
    wf_opts_copy(&copy, sizeof copy, opts);
    int fd = wf_net_bind(where, SOCK_STREAM, copy.share_port);
    if (fd < 0)
        return fd;
    weft_address address;
    weft_listener *made = NULL;
    int rc = wf_sys.listen(fd, copy.backlog > 0 ? copy.backlog : DEFAULT_BACKLOG);
    if (rc >= 0)
        rc = wf_net_address(fd, false, &address);
    if (rc >= 0 && (made = wf_net_make(sizeof *made, fd)) == NULL)
        rc = WEFT_ENOMEM;
    if (rc < 0) {
        (void)wf_sys.close(fd);
        return rc;
    }
    made->opts = copy;
    wf_net_opened(&made->net, "listener", &address);
    *out_listener = made;
    return 0;
}

/* ---- accepting ----------------------------------------------------------------------------------- */

static bool is_out_of_resources(int rc)
{
    return rc == -EMFILE || rc == -ENFILE || rc == -ENOBUFS || rc == -ENOMEM;
}

/* Of the connection, not of the listener: Linux reports what has befallen it meanwhile. */
static bool is_of_the_connection(int rc)
{
    return rc == -ECONNABORTED || rc == -EPROTO || rc == -EPERM || rc == -ENETDOWN ||
           rc == -ENOPROTOOPT || rc == -EHOSTDOWN || rc == -ENONET || rc == -EHOSTUNREACH ||
           rc == -ENETUNREACH || rc == -ETIMEDOUT || rc == -ECONNRESET;
}

/* Nothing can be written to a listener: only its close ends this early. */
static int pause_for(weft_listener *listener, int64_t d_ns)
{
    int rc = wf_io_wait_owned_until(&listener->net.io, WF_POLL_OUT, wf_clock_after(d_ns));
    return rc == WEFT_ETIMEDOUT ? 0 : rc;
}

static int accept_one(weft_listener *listener, weft_address *peer)
{
    int64_t pause_ns = FIRST_PAUSE_NS;
    for (;;) {
        socklen_t size = sizeof peer->sockaddr_;
        int rc = wf_sys.accept(listener->net.io.fd, wf_sockaddr(peer), &size);
        if (rc >= 0) {
            peer->size = size;
            return rc;
        }
        if (rc == -EAGAIN) {
            rc = wf_io_wait_owned(&listener->net.io, WF_POLL_IN);
        } else if (is_out_of_resources(rc)) {
            rc = pause_for(listener, pause_ns);
            pause_ns = WF_MIN(2 * pause_ns, MOST_PAUSE_NS);
        } else if (is_of_the_connection(rc)) {
            rc = 0;
        }
        if (rc < 0)
            return rc;
        if (wf_net_is_closed(&listener->net))
            return WEFT_ECLOSED;
    }
}

static int make_socket(const weft_listener *listener, int fd, const weft_address *peer,
                       weft_socket **out_socket)
{
    int family = wf_address_family(peer);
    /* A connection that is gone already is as good as one that goes now: its options don't matter. */
    (void)wf_socket_set_options(fd, family, listener->opts.coalesce, listener->opts.keepalive);
    weft_socket *made = wf_socket_make(fd, family);
    if (made == NULL) {
        (void)wf_sys.close(fd);
        return WEFT_ENOMEM;
    }
    wf_net_opened(&made->net, "socket", peer);
    *out_socket = made;
    return 0;
}

int weft_accept(weft_listener *listener, weft_socket **out_socket)
{
    wf_note_call();
    if (listener == NULL || out_socket == NULL)
        return WEFT_EINVAL;
    int rc = wf_net_begin(&listener->net, WF_NET_READS);
    if (rc < 0)
        return rc;
    weft_address peer = { .size = 0 };
    int fd = accept_one(listener, &peer);
    if (fd >= 0)
        rc = make_socket(listener, fd, &peer, out_socket);
    wf_net_end(&listener->net, WF_NET_READS);
    return fd >= 0 ? rc : fd;
}

int weft_listener_address(const weft_listener *listener, weft_address *out_address)
{
    if (listener == NULL || out_address == NULL)
        return WEFT_EINVAL;
    return wf_net_address(listener->net.io.fd, false, out_address);
}

int weft_listener_close(weft_listener *listener)
{
    wf_note_call();
    return listener != NULL ? wf_net_close(&listener->net) : 0;
}
