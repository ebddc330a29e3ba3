/* SPDX-License-Identifier: MIT */
/* server: answers every request with 1 KiB, those for /later after one second, until its stdin ends.
 * Prints its port first. One thread; requests are read by their empty line alone. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS = 256, ROOM = 4096, BODY = 1024, DELAY_MS = 1000 };

/* What is due comes in the order of its arrival, for all wait equally long. */
struct waiting {
    int fd;
    int64_t at_ms;
};

static struct waiting *waiting;
static size_t first_waiting, n_waiting, room_waiting;
static char answer[ROOM];
static size_t answer_size;

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void fail(const char *text)
{
    perror(text);
    exit(1);
}

static void reply(int fd)
{
    if (send(fd, answer, answer_size, MSG_NOSIGNAL) != (ssize_t)answer_size)
        (void)shutdown(fd, SHUT_RDWR);
}

static void reply_later(int fd)
{
    if (n_waiting == room_waiting) {
        room_waiting = room_waiting * 2 + 1024;
        waiting = realloc(waiting, room_waiting * sizeof *waiting);
        if (waiting == NULL)
            fail("server");
    }
    waiting[n_waiting++] = (struct waiting){ fd, now_ms() + DELAY_MS };
}

static void reply_to_due(void)
{
    int64_t now = now_ms();
    for (; first_waiting < n_waiting && waiting[first_waiting].at_ms <= now; first_waiting++)
        reply(waiting[first_waiting].fd);
    if (first_waiting == n_waiting)
        first_waiting = n_waiting = 0;
}

static int delay_ms(void)
{
    if (first_waiting == n_waiting)
        return -1;
    int64_t left_ms = waiting[first_waiting].at_ms - now_ms();
    return left_ms > 0 ? (int)left_ms : 0;
}

static void take(int poller, int door)
{
    for (int fd; (fd = accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
            fail("server");
    }
}

/* A client sends a request in one piece, and no other before its answer. One that leaves while its
 * answer is due is kept open until then, so that the answer goes to nobody else. */
static void read_request(int fd)
{
    char request[ROOM];
    ssize_t n = recv(fd, request, sizeof request - 1, 0);
    if (n <= 0) {
        close(fd);
        return;
    }
    request[n] = '\0';
    if (strstr(request, "\r\n\r\n") == NULL)
        (void)shutdown(fd, SHUT_RDWR);
    else if (strncmp(request, "GET /later", 10) == 0)
        reply_later(fd);
    else
        reply(fd);
}

static int open_door(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) < 0 || listen(fd, 16384) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) < 0)
        fail("server");
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static void watch(int poller, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("server");
}

int main(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    answer_size = (size_t)snprintf(
        answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%0*d", BODY, BODY, 0);
    int poller = epoll_create1(EPOLL_CLOEXEC), door = open_door();
    watch(poller, door);
    watch(poller, STDIN_FILENO);
    for (;;) {
        struct epoll_event events[EVENTS];
        int n = epoll_wait(poller, events, EVENTS, delay_ms());
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == STDIN_FILENO)
                return 0;
            if (events[i].data.fd == door)
                take(poller, door);
            else
                read_request(events[i].data.fd);
        }
        reply_to_due();
    }
}
