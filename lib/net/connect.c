/* SPDX-License-Identifier: MIT
 * Connecting to one address. */
#include "net/connect.h"

#include "base/opts.h"
#include "plat/mem.h"
#include "plat/sys.h"
#include "sched/wait.h"

#include <weft/task.h>
#include <weft/time.h>

#include <errno.h>

enum { MOST_ADDRESSES = 16 };
#define STAGGER_NS    INT64_C(250000000)
#define FULL_PAUSE_NS INT64_C(1000000)

weft_connect_opts wf_connect_opts_of(const weft_connect_opts *opts)
{
    weft_connect_opts copy = { .size_ = 0 };
    wf_opts_copy(&copy, sizeof copy, opts);
    if (copy.stagger_ns <= 0)
        copy.stagger_ns = STAGGER_NS;
    return copy;
}

/* It goes on by itself: its end is reported as writable, with what came of it in SO_ERROR. */
static int await_connection(struct wf_net *net)
{
    int rc = wf_io_wait_owned(&net->io, WF_POLL_OUT);
    return rc >= 0 ? wf_sys.socket_error(net->io.fd) : rc;
}

static int connect_to(struct wf_net *net, const weft_address *to)
{
    for (;;) {
        int rc = wf_sys.connect(net->io.fd, wf_sockaddr_of(to), to->size);
        if (rc == -EINPROGRESS || rc == -EINTR)
            return await_connection(net);
        if (rc != -EAGAIN || wf_address_family(to) != AF_UNIX)
            return rc;
        /* The backlog of a Unix listener is full, and nothing tells when it no longer is. */
        rc = wf_unnoted(weft_sleep(FULL_PAUSE_NS));
        if (rc < 0)
            return rc;
    }
}

static int prepare(int fd, const weft_address *to, const weft_connect_opts *opts)
{
    int rc = wf_socket_set_options(fd, wf_address_family(to), opts->coalesce, opts->keepalive);
    if (rc >= 0 && opts->from != NULL)
        rc = wf_sys.bind(fd, wf_sockaddr_of(opts->from), opts->from->size);
    return rc;
}

int wf_connect_one(const weft_address *to, const weft_connect_opts *opts, weft_socket **out)
{
    int fd = wf_sys.socket(wf_address_family(to), SOCK_STREAM);
    if (fd < 0)
        return fd;
    weft_socket *made = wf_socket_make(fd, wf_address_family(to));
    if (made == NULL) {
        (void)wf_sys.close(fd);
        return WEFT_ENOMEM;
    }
    int rc = prepare(fd, to, opts);
    if (rc >= 0)
        rc = connect_to(&made->net, to);
    if (rc < 0) {
        wf_net_discard(&made->net);
        return rc;
    }
    wf_net_opened(&made->net, "socket", to);
    *out = made;
    return 0;
}

int weft_connect_to(const weft_address *address, const weft_connect_opts *opts,
                    weft_socket **out_socket)
{
    wf_note_call();
    if (address == NULL || out_socket == NULL)
        return WEFT_EINVAL;
    weft_connect_opts copy = wf_connect_opts_of(opts);
    int rc = wf_unnoted(weft_checkpoint());
    return rc < 0 ? rc : wf_connect_one(address, &copy, out_socket);
}

static int connect_to_name(const char *where, const weft_connect_opts *opts, weft_socket **out)
{
    weft_address *to = wf_alloc(MOST_ADDRESSES, sizeof *to);
    if (to == NULL)
        return WEFT_ENOMEM;
    int n = wf_unnoted(weft_resolve(where, to, MOST_ADDRESSES));
    int rc = n;
    if (n == 1)
        rc = wf_connect_one(&to[0], opts, out);
    else if (n > 1)
        rc = wf_unnoted(wf_connect_race(to, n, opts, out));
    wf_free(to);
    return rc;
}

int weft_connect(const char *where, const weft_connect_opts *opts, weft_socket **out_socket)
{
    wf_note_call();
    weft_address to;
    if (where == NULL || out_socket == NULL)
        return WEFT_EINVAL;
    int rc = weft_address_parse(where, &to);
    if (rc == 0)
        return wf_unnoted(weft_connect_to(&to, opts, out_socket));
    if (rc != WEFT_EINVAL) /* it may be a name */
        return rc;
    weft_connect_opts copy = wf_connect_opts_of(opts);
    return connect_to_name(where, &copy, out_socket);
}
