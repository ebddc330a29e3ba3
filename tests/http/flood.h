/* SPDX-License-Identifier: MIT
 * A server that sends the same answer on each connection, as fast as it is taken, and tells when nobody
 * takes any more of it: one thread, on loopback. */
#ifndef WT_FLOOD_H
#define WT_FLOOD_H

#include <poll.h>
#include <stddef.h>
#include <weft/event.h>

enum { FLOOD_MOST = 16 };

struct flood {
    const char *bytes; /* of the answer, head and body */
    size_t size;
    int n_connections; /* so many will come */
    char url[64];

    /* Set when all have come and none can be written to, for a moment; from then on constant until it
     * is: how much each has left. */
    weft_event stalled;
    size_t left[FLOOD_MOST];

    int fd;
    struct pollfd polled[FLOOD_MOST + 1];
    struct wt_thread *thread;
};

/* bytes, size and n_connections are the caller's to fill in. */
void flood_start(struct flood *server);
void flood_stop(struct flood *server); /* when the client has closed all of them, or taken all */

#endif
