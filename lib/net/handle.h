/* SPDX-License-Identifier: MIT
 * What sockets, listeners and datagram sockets have in common: a descriptor of weft's own, who uses
 * it, its line in the ledger.
 *
 * Invariants:
 *   N1  `state` holds a bit for each call under way (one to read, one to write, and a close) and
 *       whether it was closed. A call begins by setting its bit, a close by setting CLOSED.
 *   N2  Whoever takes the last bit of one that is closed, closes the descriptor and frees it: so
 *       no call ever touches a descriptor number that may be somebody else's by now.
 *   N3  A close forgets the descriptor after it has set CLOSED. A call that has not begun to wait
 *       by then finds it forgotten under iowait's lock; one that has is woken. */
#ifndef WF_NET_HANDLE_H
#define WF_NET_HANDLE_H

#include "plat/atomic.h"
#include "sched/iowait.h"

#include <weft/address.h>
#include <weft/resource.h>

#include <sys/socket.h>

enum { WF_NET_READS = 1, WF_NET_WRITES = 2, WF_NET_CLOSES = 4, WF_NET_CLOSED = 8 };

struct wf_net {
    struct wf_io_owned io;
    _Atomic uint32_t state;
    weft_resource entry;
    char name[WEFT_ADDRESS_TEXT]; /* for the ledger */
};

/* A handle of size bytes, which begins with its struct wf_net, for fd. NULL: no memory. */
void *wf_net_make(size_t size, int fd);
/* It is open: from here on the ledger has it, by the address `of_peer` or its own. */
void wf_net_opened(struct wf_net *net, const char *kind, const weft_address *address);
/* One that was never opened goes with its descriptor. */
void wf_net_discard(struct wf_net *net);

/* A call begins: 0, WEFT_EBUSY, WEFT_ECLOSED, WEFT_ECANCELED. Only after 0 it ends. */
WF_MUST_CHECK int wf_net_begin(struct wf_net *net, uint32_t bit);
void wf_net_end(struct wf_net *net, uint32_t bit);
int wf_net_close(struct wf_net *net);

/* For a call under way: was it closed meanwhile? */
static inline bool wf_net_is_closed(const struct wf_net *net)
{
    return (wf_load_acq(&net->state) & WF_NET_CLOSED) != 0;
}

/* The address of an end of the descriptor. */
WF_MUST_CHECK int wf_net_address(int fd, bool of_peer, weft_address *out);

/* ---- address.c ----------------------------------------------------------------------------------- */

static inline struct sockaddr *wf_sockaddr(weft_address *address)
{
    return (struct sockaddr *)(void *)address->sockaddr_;
}
static inline const struct sockaddr *wf_sockaddr_of(const weft_address *address)
{
    return (const struct sockaddr *)(const void *)address->sockaddr_;
}
int wf_address_family(const weft_address *address);
void wf_address_set(weft_address *out, const struct sockaddr *from, socklen_t size);

/* "host:port" in two; the host without its brackets. */
enum { WF_HOST_SIZE = 256, WF_SERVICE_SIZE = 32 };
struct wf_place {
    char host[WF_HOST_SIZE], service[WF_SERVICE_SIZE];
};
WF_MUST_CHECK int wf_place_split(const char *where, struct wf_place *out);

/* A descriptor bound to where; type is SOCK_STREAM or SOCK_DGRAM. */
WF_MUST_CHECK int wf_net_bind(const char *where, int type, bool share_port);

#endif
