/* SPDX-License-Identifier: MIT */
#ifndef WF_NET_SOCKET_H
#define WF_NET_SOCKET_H

#include "net/handle.h"

#include <weft/socket.h>

struct weft_socket {
    struct wf_net net;
    bool is_tcp;
    bool is_drained; /* the last read took all there was; the reader's (N1) */
};

/* A socket for a stream descriptor, which is connected or about to be. It has fd from then on, but
 * for a failure; NULL: no memory. */
weft_socket *wf_socket_make(int fd, int family);
int wf_socket_set_options(int fd, int family, bool coalesce, bool keepalive);

#endif
