/* SPDX-License-Identifier: MIT
 * The poller for virtual threads: real descriptors in a real epoll instance, virtual waiting.
 *
 * A wait never blocks the process: it looks, and if there is nothing suspends the virtual thread.
 * The core looks for it from time to time (wf_sim_poll_fds), and waits in earnest only when
 * nothing else can happen. The real eventfd is not in the epoll set: it is the interrupt flag.
 *
 * What a run does with pipes and sockets between its own virtual threads repeats exactly; what
 * other processes do does not. */
#include "plat/poller.h"

#include "plat/sim_core.h"
#include "plat/sys.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MAX_FDS     4096
#define MAX_POLLERS 8
#define MAX_BATCH   32

/* What each descriptor was armed with: epoll carries the fd, so that an event finds its entry. */
static struct armed {
    const struct wf_poller *poller; /* NULL: not armed */
    uint64_t key;
    bool is_kept;
} armed[MAX_FDS];
static unsigned n_armed;

static void set_armed(int fd, const struct wf_poller *poller, uint64_t key, bool is_kept)
{
    if (armed[fd].poller != NULL)
        n_armed--;
    if (poller != NULL)
        n_armed++;
    armed[fd] = (struct armed){ poller, key, is_kept };
}

void wf_sim_forget_fds(void)
{
    memset(armed, 0, sizeof(armed));
    n_armed = 0;
}

int wf_poller_open(struct wf_poller *poller)
{
    int epoll_fd = wf_sys.epoll_create();
    if (epoll_fd < 0)
        return epoll_fd;
    int event_fd = wf_sys.event_create();
    if (event_fd < 0) {
        (void)wf_sys.close(epoll_fd);
        return event_fd;
    }
    *poller = (struct wf_poller){ epoll_fd, event_fd };
    return 0;
}

void wf_poller_close(struct wf_poller *poller)
{
    for (int fd = 0; fd < MAX_FDS; fd++)
        if (armed[fd].poller == poller)
            set_armed(fd, NULL, 0, false);
    (void)wf_sys.close(poller->event_fd);
    (void)wf_sys.close(poller->epoll_fd);
    *poller = (struct wf_poller){ -1, -1 };
}

static int arm(struct wf_poller *poller, int fd, unsigned wanted, uint64_t key)
{
    wf_sim_point();
    if (fd >= MAX_FDS)
        return -ENOSPC;
    int rc = wf_sys.epoll_arm(poller->epoll_fd, fd, wanted, (uint64_t)fd);
    if (rc == 0)
        set_armed(fd, poller, key, (wanted & EPOLLET) != 0);
    return rc;
}

int wf_poller_arm(struct wf_poller *poller, int fd, unsigned events, uint64_t key)
{
    unsigned wanted = EPOLLONESHOT;
    if (events & WF_POLL_IN)
        wanted |= EPOLLIN | EPOLLRDHUP;
    if (events & WF_POLL_OUT)
        wanted |= EPOLLOUT;
    return arm(poller, fd, wanted, key);
}

int wf_poller_keep(struct wf_poller *poller, int fd, uint64_t key)
{
    return arm(poller, fd, EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLOUT | EPOLLET, key);
}

void wf_poller_forget(struct wf_poller *poller, int fd)
{
    wf_sim_point();
    struct epoll_event unused = { 0 };
    (void)epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, fd, &unused);
    if (fd >= 0 && fd < MAX_FDS)
        set_armed(fd, NULL, 0, false);
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

static int collect(const struct wf_poller *poller, struct wf_poll_event *events, int max)
{
    struct epoll_event found[MAX_BATCH];
    int n = epoll_wait(poller->epoll_fd, found, WF_MIN(max, MAX_BATCH), 0);
    int n_stored = 0;
    for (int i = 0; i < n; i++) {
        int fd = (int)found[i].data.u64;
        if (armed[fd].poller != poller)
            continue;
        events[n_stored++] = (struct wf_poll_event){ armed[fd].key, translate(found[i].events) };
        if (!armed[fd].is_kept)
            set_armed(fd, NULL, 0, false);
    }
    if (n_stored > 0)
        wf_sim_all_know();
    return n_stored;
}

static bool take_interrupt(const struct wf_poller *poller)
{
    uint64_t n;
    wf_sim_learn_from_system();
    return read(poller->event_fd, &n, sizeof(n)) == (ssize_t)sizeof(n);
}

int wf_poller_wait(struct wf_poller *poller, struct wf_poll_event *events, int max, int64_t at_ns)
{
    wf_sim_point();
    for (;;) {
        bool was_interrupted = take_interrupt(poller);
        int n = collect(poller, events, max);
        if (n > 0 || was_interrupted || at_ns <= wf_sim.now_ns)
            return n;
        if (!wf_sim.is_running)
            wf_sim_refuse("a wait for file descriptors");
        (void)wf_sim_wait(WF_SIM_ON_POLLER, poller, at_ns);
    }
}

void wf_poller_interrupt(struct wf_poller *poller)
{
    uint64_t one = 1;
    wf_sim_point();
    wf_sim_teach_system();
    if (write(poller->event_fd, &one, sizeof(one)) > 0)
        wf_sim_wake(poller, INT_MAX);
}

bool wf_sim_poll_fds(int timeout_ms)
{
    struct pollfd fds[MAX_POLLERS];
    const struct wf_poller *pollers[MAX_POLLERS];
    nfds_t n = 0;
    if (n_armed == 0)
        return false;
    for (struct wf_sim_thread *t = wf_sim.threads; t != NULL && n < MAX_POLLERS; t = t->next)
        if (t->waits == WF_SIM_ON_POLLER) {
            pollers[n] = t->wait_on;
            fds[n] = (struct pollfd){ .fd = pollers[n]->epoll_fd, .events = POLLIN };
            n++;
        }
    if (n == 0 || poll(fds, n, timeout_ms) <= 0)
        return false;
    for (nfds_t i = 0; i < n; i++)
        if (fds[i].revents != 0)
            wf_sim_wake(pollers[i], INT_MAX);
    return true;
}
