/* SPDX-License-Identifier: MIT
 * Which addresses are not of the public Internet. */
#ifndef WF_HTTP_ADDRESS_H
#define WF_HTTP_ADDRESS_H

#include "plat/cc.h"

#include <sys/socket.h>

/* Of this host, a private or shared network, one link, many hosts, or reserved: also when an IPv6
 * address stands for such an IPv4 one. A Unix socket is not: only the session's own option leads there. */
bool wf_http_is_private(const struct sockaddr *address);

#endif
