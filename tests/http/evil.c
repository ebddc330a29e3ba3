/* SPDX-License-Identifier: MIT */
#include "evil.h"

#include "wt_loopback.h"
#include "wt_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* False: the client has closed. */
static bool read_more(struct evil *server, int fd)
{
    char spill[4096];
    size_t room = sizeof(server->requests) - 1 - server->size;
    char *to = room > 0 ? server->requests + server->size : spill;
    ssize_t n = recv(fd, to, room > 0 ? room : sizeof(spill), 0);
    if (n > 0 && room > 0) {
        server->size += (size_t)n;
        server->requests[server->size] = '\0';
    }
    return n > 0;
}

static bool read_request(struct evil *server, int fd, size_t body_size)
{
    if (server->size > sizeof(server->requests) * 3 / 4)
        server->size = 0;
    size_t from = server->size;
    server->requests[from] = '\0';
    for (;;) {
        char *end = strstr(server->requests + from, "\r\n\r\n");
        if (end != NULL && (size_t)(server->requests + server->size - end) >= 4 + body_size)
            return true;
        if (!read_more(server, fd))
            return false;
    }
}

static void send_reply(const struct evil_reply *reply, int fd)
{
    size_t size = reply->size > 0 ? reply->size : strlen(reply->bytes);
    for (unsigned i = 0; i <= reply->repeat; i++)
        if (!wt_send_all(fd, reply->bytes, size))
            return;
}

static void end_connection(struct evil *server, int fd, enum evil_then then)
{
    struct linger now = { 1, 0 };
    if (then == EVIL_HOLD)
        while (read_more(server, fd))
            continue;
    if (then == EVIL_RESET)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

static void serve(void *arg)
{
    struct evil *server = arg;
    int fd = -1;
    for (size_t i = 0; i < server->n_replies;) {
        const struct evil_reply *reply = &server->replies[i];
        if (fd < 0) {
            fd = accept(server->fd, NULL, NULL);
            if (fd < 0)
                return;
            server->n_connections++;
        }
        if (!(reply->at_once ? read_more(server, fd)
                             : read_request(server, fd, reply->request_body))) {
            close(fd);
            fd = -1;
            continue;
        }
        send_reply(reply, fd);
        i++;
        if (reply->then != EVIL_KEEP) {
            end_connection(server, fd, reply->then);
            fd = -1;
        }
    }
    if (fd >= 0)
        end_connection(server, fd, EVIL_HOLD);
}

void evil_start(struct evil *server, const struct evil_reply *replies, size_t n_replies)
{
    memset(server, 0, sizeof(*server));
    server->replies = replies;
    server->n_replies = n_replies;
    server->fd = wt_listen(SOCK_CLOEXEC, 128, &server->port);
    (void)snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%d/", server->port);
    server->thread = wt_thread_start(serve, server);
}

void evil_stop(struct evil *server)
{
    (void)shutdown(server->fd, SHUT_RDWR); /* an accept that waits returns */
    wt_thread_join(server->thread);
    close(server->fd);
}

unsigned evil_count(const char *text, const char *part)
{
    unsigned n = 0;
    while ((text = strstr(text, part)) != NULL)
        n++, text++;
    return n;
}
