/* SPDX-License-Identifier: MIT
 * The poller: one event per arming, interrupts that are not lost, deadlines never early. */
#include "wt_test.h"

#include "plat/clock.h"
#include "plat/poller.h"
#include "plat/sys.h"
#include "plat/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static struct wf_poller poller;

static void open_poller(void) { ck_assert_int_eq(wf_poller_open(&poller), 0); }

static int look(struct wf_poll_event *events) { return wf_poller_wait(&poller, events, 8, 0); }

WT_TEST(an_armed_descriptor_reports_once)
{
    struct wf_poll_event events[8];
    int ends[2];
    open_poller();
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(wf_poller_arm(&poller, ends[0], WF_POLL_IN, 42), 0);
    ck_assert_int_eq(look(events), 0);
    ck_assert_int_eq((int)write(ends[1], "x", 1), 1);
    ck_assert_int_eq(look(events), 1);
    ck_assert_uint_eq(events[0].key, 42);
    ck_assert_uint_eq(events[0].events, WF_POLL_IN);
    ck_assert_int_eq(look(events), 0);

    ck_assert_int_eq(wf_poller_arm(&poller, ends[0], WF_POLL_IN, 43), 0);
    ck_assert_int_eq(look(events), 1);
    ck_assert_uint_eq(events[0].key, 43);

    ck_assert_int_eq(wf_poller_arm(&poller, ends[0], WF_POLL_IN, 44), 0);
    wf_poller_forget(&poller, ends[0]);
    wf_poller_forget(&poller, ends[0]);
    ck_assert_int_eq(look(events), 0);
    close(ends[0]);
    close(ends[1]);
    wf_poller_close(&poller);
}

WT_TEST(directions_and_hang_ups)
{
    struct wf_poll_event events[8];
    int ends[2];
    open_poller();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ck_assert_int_eq(wf_poller_arm(&poller, ends[0], WF_POLL_IN | WF_POLL_OUT, 1), 0);
    ck_assert_int_eq(look(events), 1);
    ck_assert_uint_eq(events[0].events, WF_POLL_OUT);

    ck_assert_int_eq(wf_poller_arm(&poller, ends[0], WF_POLL_IN, 1), 0);
    shutdown(ends[1], SHUT_WR);
    ck_assert_int_eq(look(events), 1);
    ck_assert_uint_eq(events[0].events, WF_POLL_IN | WF_POLL_HUP);

    ck_assert_int_eq(wf_poller_arm(&poller, ends[0], WF_POLL_OUT, 1), 0);
    close(ends[1]);
    ck_assert_int_eq(look(events), 1);
    ck_assert_uint_eq(events[0].events, WF_POLL_IN | WF_POLL_OUT | WF_POLL_HUP);
    close(ends[0]);
    wf_poller_close(&poller);
}

WT_TEST(one_that_is_kept_reports_each_change)
{
    struct wf_poll_event events[8];
    int ends[2];
    open_poller();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ck_assert_int_eq(wf_poller_keep(&poller, ends[0], 42), 0);
    ck_assert_int_eq(look(events), 1); /* as it is now */
    ck_assert_uint_eq(events[0].events, WF_POLL_OUT);
    ck_assert_int_eq(look(events), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq((int)write(ends[1], "x", 1), 1);
        ck_assert_int_eq(look(events), 1);
        ck_assert_uint_eq(events[0].key, 42);
        ck_assert_uint_eq(events[0].events & WF_POLL_IN, WF_POLL_IN);
        ck_assert_int_eq(look(events), 0);
    }
    ck_assert_int_eq(wf_poller_keep(&poller, ends[0], 43), 0);
    ck_assert_int_eq(look(events), 1);
    ck_assert_uint_eq(events[0].key, 43);
    wf_poller_forget(&poller, ends[0]);
    ck_assert_int_eq((int)write(ends[1], "x", 1), 1);
    ck_assert_int_eq(look(events), 0);
    close(ends[0]);
    close(ends[1]);
    wf_poller_close(&poller);
}

WT_TEST(what_has_no_readiness_is_refused)
{
    open_poller();
    int fd = memfd_create("regular", 0);
    ck_assert_int_eq(wf_poller_arm(&poller, fd, WF_POLL_IN, 1), -EPERM);
    close(fd);
    ck_assert_int_eq(wf_poller_arm(&poller, fd, WF_POLL_IN, 1), -EBADF);
    wf_poller_forget(&poller, fd);
    wf_poller_close(&poller);
}

WT_TEST(an_interrupt_is_kept_for_the_next_wait)
{
    struct wf_poll_event events[8];
    open_poller();
    for (int i = 0; i < 1000; i++) {
        wf_poller_interrupt(&poller);
        ck_assert_int_eq(wf_poller_wait(&poller, events, 8, WF_NEVER), 0);
    }
    /* Many become one. */
    for (int i = 0; i < 10; i++)
        wf_poller_interrupt(&poller);
    ck_assert_int_eq(wf_poller_wait(&poller, events, 8, WF_NEVER), 0);
    int64_t at_ns = wf_clock_after(3 * 1000000);
    ck_assert_int_eq(wf_poller_wait(&poller, events, 8, at_ns), 0);
    ck_assert_int_ge(wf_clock_now(), at_ns);
    wf_poller_close(&poller);
}

static void interrupt_later(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        wf_thread_yield();
    wf_poller_interrupt(&poller);
}

WT_TEST(an_interrupt_ends_a_wait)
{
    struct wf_poll_event events[8];
    struct wf_os_thread thread;
    open_poller();
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(wf_thread_create(&thread, "later", interrupt_later, NULL), 0);
        ck_assert_int_eq(wf_poller_wait(&poller, events, 8, WF_NEVER), 0);
        wf_thread_join(&thread);
    }
    wf_poller_close(&poller);
}

static void expect_never_early(void)
{
    struct wf_poll_event events[8];
    for (int64_t d_ns = -1000; d_ns < 4000000; d_ns = d_ns * 3 + 70001) {
        int64_t at_ns = wf_clock_after(d_ns);
        ck_assert_int_eq(wf_poller_wait(&poller, events, 8, at_ns), 0);
        ck_assert_int_ge(wf_clock_now(), at_ns);
    }
}

static void on_alarm(int sig) { (void)sig; }

WT_TEST(a_deadline_is_never_early)
{
    open_poller();
    expect_never_early();
    /* Nor with signals in between. */
    struct sigaction action = { .sa_handler = on_alarm };
    struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    expect_never_early();
    setitimer(ITIMER_REAL, &never, NULL);
    wf_poller_close(&poller);
}

WT_TEST(a_batch_is_not_larger_than_asked_for)
{
    struct wf_poll_event events[200];
    int fds[100][2], n_seen = 0;
    bool seen[100] = { false };
    open_poller();
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(pipe(fds[i]), 0);
        ck_assert_int_eq(wf_poller_arm(&poller, fds[i][1], WF_POLL_OUT, (uint64_t)i), 0);
    }
    ck_assert_int_eq(wf_poller_wait(&poller, events, 3, WF_NEVER), 3);
    for (int n = 3; n > 0; n = wf_poller_wait(&poller, events, 200, 0)) {
        for (int i = 0; i < n; i++) {
            ck_assert(!seen[events[i].key]);
            seen[events[i].key] = true;
            n_seen++;
        }
    }
    ck_assert_int_eq(n_seen, 100);
    for (int i = 0; i < 100; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
    wf_poller_close(&poller);
}

/* ---- failures --------------------------------------------------------------------------------- */

static int n_calls_left;

static int fail_epoll_create(void)
{
    return n_calls_left-- > 0 ? wf_sys_real.epoll_create() : -EMFILE;
}

static int fail_event_create(void)
{
    return n_calls_left-- > 0 ? wf_sys_real.event_create() : -ENFILE;
}

static int fail_epoll_arm(int epoll_fd, int fd, unsigned events, uint64_t key)
{
    return n_calls_left-- > 0 ? wf_sys_real.epoll_arm(epoll_fd, fd, events, key) : -ENOSPC;
}

WT_TEST(opening_may_fail_at_each_step)
{
    wf_sys.epoll_create = fail_epoll_create;
    wf_sys.event_create = fail_event_create;
    wf_sys.epoll_arm = fail_epoll_arm;
    const int expected[] = { -EMFILE, -ENFILE, -ENOSPC, 0 };
    for (int i = 0; i < 4; i++) {
        n_calls_left = i;
        ck_assert_int_eq(wf_poller_open(&poller), expected[i]);
    }
    wf_poller_close(&poller);
}

WT_MAIN("plat_poller")
