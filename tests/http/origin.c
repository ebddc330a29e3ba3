/* SPDX-License-Identifier: MIT */
#include "origin.h"

#include "wt_loopback.h"
#include "wt_test.h"

#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 1000 };

static bool send_text(int fd, const char *text) { return wt_send_all(fd, text, strlen(text)); }

static bool read_head(int fd, char *head, size_t room)
{
    head[0] = '\0';
    for (size_t size = 0; strstr(head, "\r\n\r\n") == NULL;) {
        if (size == room - 1 || recv(fd, head + size, 1, 0) != 1)
            return false;
        head[++size] = '\0';
    }
    return true;
}

static bool send_piece(int fd, size_t from, size_t size, bool is_chunked)
{
    unsigned char piece[PIECE];
    char line[16];
    for (size_t i = 0; i < size; i++)
        piece[i] = origin_byte(from + i);
    (void)snprintf(line, sizeof(line), "%zx\r\n", size);
    return (!is_chunked || send_text(fd, line)) && wt_send_all(fd, piece, size) &&
           (!is_chunked || send_text(fd, "\r\n"));
}

static bool send_body(int fd, size_t size, bool is_chunked)
{
    for (size_t i = 0; i < size; i += PIECE)
        if (!send_piece(fd, i, size - i < PIECE ? size - i : PIECE, is_chunked))
            return false;
    return !is_chunked || send_text(fd, "0\r\n\r\n");
}

/* Whether the connection goes on. */
static bool answer_get(int fd, const char *head)
{
    char line[128];
    size_t size = 0;
    if (sscanf(head, "GET /length/%zu", &size) == 1) {
        (void)snprintf(line, sizeof(line), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
        return send_text(fd, line) && send_body(fd, size, false);
    }
    if (sscanf(head, "GET /chunked/%zu", &size) == 1)
        return send_text(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") &&
               send_body(fd, size, true);
    if (sscanf(head, "GET /close/%zu", &size) == 1)
        (void)(send_text(fd, "HTTP/1.1 200 OK\r\n\r\n") && send_body(fd, size, false));
    return false;
}

static bool answer_body(int fd, size_t size)
{
    unsigned char block[PIECE];
    char line[128], body[64];
    unsigned long sum = 0;
    for (size_t left = size; left > 0;) {
        ssize_t n = recv(fd, block, left < sizeof(block) ? left : sizeof(block), 0);
        if (n <= 0)
            return false;
        for (ssize_t i = 0; i < n; i++)
            sum += block[i];
        left -= (size_t)n;
    }
    (void)snprintf(body, sizeof(body), "%zu %lu", size, sum);
    (void)snprintf(line, sizeof(line), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                   strlen(body), body);
    return send_text(fd, line);
}

static void serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char head[4096];
    for (bool goes_on = true; goes_on && read_head(fd, head, sizeof(head));) {
        const char *length = strstr(head, "Content-Length: ");
        goes_on = length != NULL ? answer_body(fd, strtoul(length + 16, NULL, 10))
                                 : answer_get(fd, head);
    }
    close(fd);
}

static void accept_all(void *arg)
{
    struct origin *origin = arg;
    for (int fd; (fd = accept(origin->fd, NULL, NULL)) >= 0;) {
        int now = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof(now));
        ck_assert_uint_lt(origin->n_links, sizeof(origin->links) / sizeof(origin->links[0]));
        origin->links[origin->n_links++] = wt_thread_start(serve, (void *)(intptr_t)fd);
    }
}

void origin_start(struct origin *origin)
{
    memset(origin, 0, sizeof(*origin));
    origin->fd = wt_listen(SOCK_CLOEXEC, 128, &origin->port);
    origin->thread = wt_thread_start(accept_all, origin);
}

void origin_stop(struct origin *origin)
{
    (void)shutdown(origin->fd, SHUT_RDWR); /* an accept that waits returns */
    wt_thread_join(origin->thread);
    for (unsigned i = 0; i < origin->n_links; i++)
        wt_thread_join(origin->links[i]);
    close(origin->fd);
}
