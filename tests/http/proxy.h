/* SPDX-License-Identifier: MIT
 * A proxy between the client and a server on loopback: one of HTTP, which connects where it is asked to, or
 * one that nobody sees; and what may go wrong with the bytes on their way. A thread for each connection. */
#ifndef WT_PROXY_H
#define WT_PROXY_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum proxy_fault_kind {
    FAULT_NONE,
    FAULT_SLICES,    /* a few bytes at a time */
    FAULT_LATENCY,   /* each block comes later */
    FAULT_BANDWIDTH, /* so many bytes in a millisecond: `at` */
    FAULT_CUT,       /* these happen once `at` bytes of the server's are through */
    FAULT_CUT_UP,    /* ... of the client's */
    FAULT_HALF_OPEN, /* nothing more comes, and nothing ends */
    FAULT_RESET,
    FAULT_CORRUPT, /* one bit */
};

struct proxy_fault {
    enum proxy_fault_kind kind;
    size_t at;
};

struct proxy {
    /* What it does, written before it is started. */
    int target_port;           /* to where all goes; 0: to where it is asked */
    const char *authorization; /* what it wants to be told; else it says 407 */
    const char *refusal;       /* its answer to whatever is asked; then it ends, */
    size_t refusal_size;       /* with so many bytes of it; 0: all */
    int is_silent;             /* ... or says nothing and waits */
    struct proxy_fault fault;
    uint64_t seed;

    int fd, port;
    char url[64]; /* http://127.0.0.1:PORT */
    struct wt_thread *thread;
    struct wt_thread *links[128];
    unsigned n_links;
    pthread_mutex_t mutex;
    char heads[16384]; /* under the mutex while it runs: what it was asked, ended by 0 */
    size_t size;
};

void proxy_start(struct proxy *proxy);
void proxy_stop(struct proxy *proxy); /* once the client has closed its connections */

#endif
