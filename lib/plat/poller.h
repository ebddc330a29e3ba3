/* SPDX-License-Identifier: MIT
 * Readiness of file descriptors: one epoll instance with an eventfd to interrupt it.
 *
 * Any thread may arm, disarm and interrupt; one thread at a time waits (the sched layer sees
 * to it). Events carry the 64-bit key they were armed with. */
#ifndef WF_PLAT_POLLER_H
#define WF_PLAT_POLLER_H

#include "plat/atomic.h"

enum {
    WF_POLL_IN = 1,
    WF_POLL_OUT = 2,
    WF_POLL_HUP = 4,    /* in an event: the end can be read, for good; never asked for */
    WF_POLL_URGENT = 8, /* the same of one that is kept: a read may stop short at an urgent byte */
};

struct wf_poller {
    int epoll_fd, event_fd;
};

struct wf_poll_event {
    uint64_t key;
    unsigned events; /* WF_POLL_*; errors and hang-ups set both directions */
};

WF_MUST_CHECK int wf_poller_open(struct wf_poller *poller);
void wf_poller_close(struct wf_poller *poller);

/* Reports fd once when any of `events` holds (EPOLLONESHOT); arming again replaces.
 * 0, or -errno; -EPERM for what has no readiness (a regular file). */
WF_MUST_CHECK int wf_poller_arm(struct wf_poller *poller, int fd, unsigned events, uint64_t key);
/* Reports fd whenever one of its directions becomes ready (EPOLLET), and as it is now, until it is
 * forgotten; keeping again reports it as it is once more. 0, or -errno as above. */
WF_MUST_CHECK int wf_poller_keep(struct wf_poller *poller, int fd, uint64_t key);
void wf_poller_forget(struct wf_poller *poller, int fd);

/* Waits until an event, an interrupt, or at_ns (0: do not wait). Returns the number of events
 * stored, 0 for an interrupt or when the time has come. */
int wf_poller_wait(struct wf_poller *poller, struct wf_poll_event *events, int max, int64_t at_ns);

/* Makes the current or else the next wf_poller_wait return at once. */
void wf_poller_interrupt(struct wf_poller *poller);

#endif
