/* SPDX-License-Identifier: MIT */
#include "flood.h"

#include "wt_loopback.h"
#include "wt_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SEND_ROOM = 192 << 10, A_MOMENT_MS = 50 };

static bool accept_one(struct flood *server, int i)
{
    char request[4096];
    size_t size = 0;
    int fd = accept(server->fd, NULL, NULL);
    if (fd < 0)
        return false;
    server->polled[i] = (struct pollfd){ .fd = fd, .events = POLLOUT };
    server->left[i] = server->size;
    while (size < sizeof(request) - 1) {
        ssize_t n = recv(fd, request + size, sizeof(request) - 1 - size, 0);
        size += n > 0 ? (size_t)n : 0;
        request[size] = '\0';
        if (n <= 0 || strstr(request, "\r\n\r\n") != NULL)
            break;
    }
    return true;
}

/* A connection that is done with stays open for the client to close, and is polled no more. */
static void send_some(struct flood *server, int i)
{
    struct pollfd *polled = &server->polled[i];
    const char *from = server->bytes + server->size - server->left[i];
    ssize_t n = send(polled->fd, from, server->left[i], MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        server->left[i] -= (size_t)n;
    if (n < 0 || server->left[i] == 0) {
        close(polled->fd);
        polled->fd = -1;
    }
}

static bool is_done(const struct flood *server)
{
    for (int i = 0; i <= server->n_connections; i++)
        if (server->polled[i].fd >= 0)
            return false;
    return true;
}

/* The listener is polled behind the connections, until all have come. */
static void serve(void *arg)
{
    struct flood *server = arg;
    struct pollfd *listener = &server->polled[server->n_connections];
    int n_here = 0;
    bool has_told = false;
    for (int i = 0; i < server->n_connections; i++)
        server->polled[i].fd = -1;
    *listener = (struct pollfd){ .fd = server->fd, .events = POLLIN };
    while (!is_done(server)) {
        bool may_tell = n_here == server->n_connections && !has_told;
        int n = poll(server->polled, (nfds_t)server->n_connections + 1,
                     may_tell ? A_MOMENT_MS : -1);
        if (n == 0) {
            has_told = true;
            weft_event_set(&server->stalled);
            continue;
        }
        for (int i = 0; i < n_here; i++)
            if (server->polled[i].revents != 0)
                send_some(server, i);
        if (listener->revents != 0 && !accept_one(server, n_here++))
            return;
        if (n_here == server->n_connections)
            listener->fd = -1;
    }
}

void flood_start(struct flood *server)
{
    int room =
        SEND_ROOM; /* loopback's segments have 64 KiB: of fewer each would wait for its ACK */
    int port;
    server->stalled = (weft_event)WEFT_EVENT_INIT(.name = "flood");
    server->fd = wt_listen(SOCK_CLOEXEC, FLOOD_MOST, &port);
    ck_assert_int_eq(setsockopt(server->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
    (void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d/", port);
    server->thread = wt_thread_start(serve, server);
}

void flood_stop(struct flood *server)
{
    (void)shutdown(server->fd, SHUT_RDWR);
    wt_thread_join(server->thread);
    close(server->fd);
}
