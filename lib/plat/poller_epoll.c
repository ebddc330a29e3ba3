/* SPDX-License-Identifier: MIT
 * The poller over epoll.
 *
 * Invariants:
 *   I1  descriptors are armed with EPOLLONESHOT: an event is delivered to one wait, once. Those that
 *       are kept are edge-triggered: each change is delivered once.
 *   I2  the eventfd is armed edge-triggered and never read: each write to it is a new edge, so
 *       an interrupt costs one system call and nobody has to empty it. Its counter overflows
 *       after 2^64 - 2 interrupts.
 *   I3  no wait ends before its deadline has come: a remainder is rounded up.
 *
 * Rejected: reading the eventfd after each interrupt. It costs a call per wake-up, and a reader
 * that is late takes the edge of the next interrupt with it. */
#define _GNU_SOURCE 1
#include "plat/poller.h"

#include "plat/clock.h"
#include "plat/sys.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(SYS_epoll_pwait2)
#define NR_EPOLL_PWAIT2 SYS_epoll_pwait2
#else
#define NR_EPOLL_PWAIT2 441 /* one number on every architecture */
#endif

enum { MAX_BATCH = 48 }; /* at most 768 bytes of a worker's stack */

#define INTERRUPT_KEY UINT64_MAX

/* Set by the first wait that finds no epoll_pwait2 (Linux < 5.11); relaxed, since a thread that
 * sees it late only asks once more. */
static _Atomic bool has_no_pwait2;

int wf_poller_open(struct wf_poller *poller)
{
    int epoll_fd = wf_sys.epoll_create();
    if (epoll_fd < 0)
        return epoll_fd;
    int event_fd = wf_sys.event_create();
    int rc = event_fd;
    if (rc >= 0)
        rc = wf_sys.epoll_arm(epoll_fd, event_fd, EPOLLIN | EPOLLET, INTERRUPT_KEY);
    if (rc < 0) {
        if (event_fd >= 0)
            (void)wf_sys.close(event_fd);
        (void)wf_sys.close(epoll_fd);
        return rc;
    }
    poller->epoll_fd = epoll_fd;
    poller->event_fd = event_fd;
    return 0;
}

void wf_poller_close(struct wf_poller *poller)
{
    (void)wf_sys.close(poller->event_fd);
    (void)wf_sys.close(poller->epoll_fd);
    poller->epoll_fd = poller->event_fd = -1;
}

int wf_poller_arm(struct wf_poller *poller, int fd, unsigned events, uint64_t key)
{
    unsigned wanted = EPOLLONESHOT;
    if (events & WF_POLL_IN)
        wanted |= EPOLLIN | EPOLLRDHUP;
    if (events & WF_POLL_OUT)
        wanted |= EPOLLOUT;
    return wf_sys.epoll_arm(poller->epoll_fd, fd, wanted, key);
}

int wf_poller_keep(struct wf_poller *poller, int fd, uint64_t key)
{
    unsigned wanted = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLOUT | EPOLLET;
    return wf_sys.epoll_arm(poller->epoll_fd, fd, wanted, key);
}

void wf_poller_forget(struct wf_poller *poller, int fd)
{
    struct epoll_event unused = { 0 }; /* kernels before 2.6.9 want a pointer */
    (void)epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, &unused);
}

/* epoll_wait in milliseconds, rounded up (I3). A wait longer than an int of them ends early and
 * is continued by the caller's loop: -EINTR stands for "not yet". */
static int wait_in_ms(int epoll_fd, struct epoll_event *found, int max, int64_t left_ns)
{
    int timeout = -1;
    if (left_ns != WF_NEVER) {
        int64_t ms = left_ns / 1000000 + (left_ns % 1000000 != 0);
        timeout = ms > INT_MAX ? INT_MAX : (int)ms;
    }
    int n = epoll_wait(epoll_fd, found, max, timeout);
    if (n == 0 && timeout == INT_MAX)
        return -EINTR;
    return n < 0 ? -errno : n;
}

/* One wait of at most left_ns. */
static int wait_once(int epoll_fd, struct epoll_event *found, int max, int64_t left_ns)
{
    if (wf_load_rlx(&has_no_pwait2))
        return wait_in_ms(epoll_fd, found, max, left_ns);
    struct timespec left = {
        .tv_sec = (time_t)(left_ns / 1000000000),
        .tv_nsec = (long)(left_ns % 1000000000),
    };
    /* The raw call: glibc has a wrapper only since 2.35. */
    long n = syscall(NR_EPOLL_PWAIT2, epoll_fd, found, max, left_ns == WF_NEVER ? NULL : &left,
                     NULL, (size_t)0);
    if (n >= 0)
        return (int)n;
    /* EPERM is what a sandbox answers to a call it does not know. */
    if (errno != ENOSYS && errno != EPERM)
        return -errno;
    wf_store_rlx(&has_no_pwait2, true);
    return wait_in_ms(epoll_fd, found, max, left_ns);
}

static int64_t time_left(int64_t at_ns)
{
    if (at_ns == WF_NEVER || at_ns <= 0)
        return at_ns == WF_NEVER ? WF_NEVER : 0;
    int64_t left_ns = at_ns - wf_clock_now();
    return WF_MAX(left_ns, (int64_t)0);
}

static unsigned translate(uint32_t found)
{
    unsigned events = 0;
    if (found & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP))
        events |= WF_POLL_IN;
    if (found & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        events |= WF_POLL_OUT;
    if (found & (EPOLLRDHUP | EPOLLHUP))
        events |= WF_POLL_HUP;
    if (found & EPOLLPRI)
        events |= WF_POLL_URGENT;
    return events;
}

int wf_poller_wait(struct wf_poller *poller, struct wf_poll_event *events, int max, int64_t at_ns)
{
    struct epoll_event found[MAX_BATCH];
    int n;
    do
        n = wait_once(poller->epoll_fd, found, WF_MIN(max, (int)MAX_BATCH), time_left(at_ns));
    while (n == -EINTR);

    int n_stored = 0;
    for (int i = 0; i < n; i++) {
        if (found[i].data.u64 == INTERRUPT_KEY)
            continue;
        events[n_stored].key = found[i].data.u64;
        events[n_stored++].events = translate(found[i].events);
    }
    return n_stored;
}

void wf_poller_interrupt(struct wf_poller *poller)
{
    /* Not through wf_sys: nothing could be done about a failure, and a wake-up would be lost. */
    uint64_t one = 1;
    while (write(poller->event_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}
