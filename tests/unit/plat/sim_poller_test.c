/* SPDX-License-Identifier: MIT
 * The simulator: file descriptors. */
#include "sim_toy.h"

#include "plat/poller.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the poller ------------------------------------------------------------------------------ */

struct polled {
    struct wf_poller poller;
    int ends[2];
};

static void write_byte(void *arg)
{
    struct polled *polled = arg;
    toy_sleep_until(wf_clock_after(1000));
    ck_assert_int_eq(write(polled->ends[1], "x", 1), 1);
}

static void interrupt(void *arg)
{
    struct polled *polled = arg;
    wf_poller_interrupt(&polled->poller);
}

static void poll_main(void *arg)
{
    struct polled *polled = arg;
    struct wf_poller *poller = &polled->poller;
    struct wf_poll_event event;
    ck_assert_int_eq(wf_poller_open(poller), 0);
    ck_assert_int_eq(wf_poller_wait(poller, &event, 1, 0), 0);

    ck_assert_int_eq(wf_poller_arm(poller, polled->ends[0], WF_POLL_IN, 99), 0);
    struct wf_os_thread writer = toy_thread(write_byte, polled);
    ck_assert_int_eq(wf_poller_wait(poller, &event, 1, WF_NEVER), 1);
    ck_assert_uint_eq(event.key, 99);
    ck_assert_uint_eq(event.events, WF_POLL_IN);
    wf_thread_join(&writer);
    ck_assert_int_eq(wf_poller_wait(poller, &event, 1, 0), 0); /* reported once */

    int64_t at_ns = wf_clock_after(HOUR_NS);
    ck_assert_int_eq(wf_poller_wait(poller, &event, 1, at_ns), 0);
    ck_assert_int_eq(wf_clock_now(), at_ns);

    struct wf_os_thread other = toy_thread(interrupt, polled);
    ck_assert_int_eq(wf_poller_wait(poller, &event, 1, WF_NEVER), 0);
    wf_thread_join(&other);
    wf_poller_interrupt(poller);
    ck_assert_int_eq(wf_poller_wait(poller, &event, 1, WF_NEVER), 0);

    ck_assert_int_eq(wf_poller_arm(poller, polled->ends[0], WF_POLL_IN, 7), 0);
    wf_poller_forget(poller, polled->ends[0]);
    ck_assert_int_eq(wf_poller_wait(poller, &event, 1, 0), 0);
    wf_poller_close(poller);
}

WT_TEST(the_poller_reports_descriptors_interrupts_and_deadlines)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct polled polled;
        ck_assert_int_eq(pipe(polled.ends), 0);
        ck_assert_int_eq(toy_run(seed, poll_main, &polled), 0);
        close(polled.ends[0]);
        close(polled.ends[1]);
    }
}

static void poll_what_never_comes(void *arg)
{
    struct polled *polled = arg;
    struct wf_poll_event event;
    ck_assert_int_eq(wf_poller_open(&polled->poller), 0);
    (void)wf_poller_wait(&polled->poller, &event, 1, WF_NEVER);
}

WT_TEST(a_wait_for_no_descriptor_is_stuck)
{
    struct polled polled;
    ck_assert_int_eq(toy_run(1, poll_what_never_comes, &polled), -EDEADLK);
    ck_assert_ptr_nonnull(strstr(toy_why_stuck, "1 first waits for fds"));
    wf_poller_close(&polled.poller);
}

static void write_in_a_moment(int fd)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid > 0)
        return;
    for (int i = 0; i < 1000; i++)
        wf_thread_yield();
    _exit(write(fd, "x", 1) == 1 ? 0 : 1);
}

static void poll_another_process(void *arg)
{
    struct polled *polled = arg;
    struct wf_poll_event event;
    ck_assert_int_eq(wf_poller_open(&polled->poller), 0);
    ck_assert_int_eq(wf_poller_arm(&polled->poller, polled->ends[0], WF_POLL_IN, 5), 0);
    ck_assert_int_eq(wf_poller_wait(&polled->poller, &event, 1, WF_NEVER), 1);
    ck_assert_uint_eq(event.key, 5);
    wf_poller_close(&polled->poller);
}

WT_TEST(another_process_is_really_waited_for)
{
    struct polled polled;
    ck_assert_int_eq(pipe(polled.ends), 0);
    write_in_a_moment(polled.ends[1]);
    ck_assert_int_eq(toy_run(1, poll_another_process, &polled), 0);
    close(polled.ends[0]);
    close(polled.ends[1]);
    while (wait(NULL) > 0)
        ;
}
