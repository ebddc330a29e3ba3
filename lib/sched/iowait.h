/* SPDX-License-Identifier: MIT
 * Waiting for file descriptors: one waiter per descriptor and direction. */
#ifndef WF_SCHED_IOWAIT_H
#define WF_SCHED_IOWAIT_H

#include "plat/poller.h"

/* Parks the caller until fd is ready for any of events (WF_POLL_*). Positive: the ready ones;
 * -EBUSY: somebody waits for that direction already; -EPERM: fd has no readiness; WEFT_ECANCELED;
 * WEFT_ECLOSED: wf_io_forget was called. */
int wf_io_wait(int fd, unsigned events);

/* A descriptor that is weft's own, closed by nobody else: it is registered once, for good, and a
 * wait makes no system call. Kept in what owns it; zeroed but for fd. */
struct wf_io_owned {
    int fd;
    bool is_closed; /* under the lock: wf_io_forget_owned was called */
};

/* The same for one of those. Its waiter has been told EAGAIN, or has read less than it asked for,
 * since it last waited: what happened before that may not be reported again. Returns at once what
 * happened since. WEFT_ECLOSED whenever it was forgotten. */
int wf_io_wait_owned(struct wf_io_owned *it, unsigned events);

/* The same until at_ns at most: WEFT_ETIMEDOUT. */
int wf_io_wait_owned_until(struct wf_io_owned *it, unsigned events, int64_t at_ns);

/* For good: waits that are to come end as well. */
void wf_io_forget_owned(struct wf_io_owned *it);

/* Before fd is closed: its waiters get WEFT_ECLOSED, and no event of it reaches a later fd of the
 * same number. */
void wf_io_forget(int fd);

/* For the worker that polls. */
void wf_io_ready(const struct wf_poll_event *events, int n);

unsigned wf_io_armed(void); /* descriptors that somebody waits for */
bool wf_io_is_in_use(void); /* is there any descriptor to poll for? */
void wf_io_stop(void);      /* frees the table; nobody waits any more */

#endif
