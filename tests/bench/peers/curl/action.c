/* SPDX-License-Identifier: MIT */
/* curl_multi_socket_action over epoll. */
#include "../common.h"
#include "bench.h"

#include <sys/epoll.h>

enum { EVENTS = 256 };

static int poller;
static int64_t timer_at_ns; /* -1: none */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *is_known)
{
    (void)easy;
    struct epoll_event event = { .data.fd = fd };
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(poller, EPOLL_CTL_DEL, fd, &event);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                   (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    if (epoll_ctl(poller, is_known != NULL ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) < 0)
        fail("epoll_ctl");
    curl_multi_assign(arg, fd, &poller);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *unused)
{
    (void)multi, (void)unused;
    timer_at_ns = timeout_ms < 0 ? -1 : now_ns() + timeout_ms * 1000000;
    return 0;
}

static int delay_ms(void)
{
    if (timer_at_ns < 0)
        return 1000;
    int64_t left_ns = timer_at_ns - now_ns();
    return left_ns <= 0 ? 0 : (int)((left_ns + 999999) / 1000000);
}

static void do_events(struct many *it, int *n_running)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(poller, events, EVENTS, delay_ms());
    for (int i = 0; i < n; i++) {
        int bits = (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (events[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(it->multi, events[i].data.fd, bits, n_running);
    }
    if (timer_at_ns >= 0 && timer_at_ns <= now_ns()) {
        timer_at_ns = -1;
        curl_multi_socket_action(it->multi, CURL_SOCKET_TIMEOUT, 0, n_running);
    }
}

static void loop(struct many *it)
{
    int n_running;
    curl_multi_setopt(it->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(it->multi, CURLMOPT_SOCKETDATA, it->multi);
    curl_multi_setopt(it->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    many_start(it);
    while (it->n_done < it->n) {
        do_events(it, &n_running);
        many_next(it);
    }
}

static void run(const char *server, const char *path, int n_handles, int64_t n)
{
    poller = epoll_create1(EPOLL_CLOEXEC);
    timer_at_ns = -1;
    if (poller < 0)
        fail("epoll");
    many_run(loop, server, path, n_handles, n);
    close(poller);
}

static void many64(int64_t n, int workers) { (void)workers, run("BENCH_HTTP", "/1k", 64, n); }
static void many5000(int64_t n, int workers) { (void)workers, run("BENCH_SLOW", "/now", 5000, n); }
static void slow(int64_t n, int workers) { (void)workers, run("BENCH_SLOW", "/later", (int)n, n); }

const struct bench_case action_cases[] = {
    { "http_many", 1, many64 },
    { "http_many_c5000", 1, many5000 },
    { "http_slow_8k_conc", 1, slow },
    { NULL, 0, NULL },
};
