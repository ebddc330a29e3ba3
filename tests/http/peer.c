/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include "wt_loopback.h"
#include "wt_test.h"

#include "http/websocket_key.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve_all(void *arg)
{
    struct peer *peer = arg;
    for (int fd; (fd = accept(peer->fd, NULL, NULL)) >= 0; close(fd)) {
        int now = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &now, sizeof(now));
        peer->n_connections++;
        peer->size = 0;
        peer->serve(peer, fd);
    }
}

void peer_start(struct peer *peer, void (*serve)(struct peer *peer, int fd), void *arg)
{
    memset(peer, 0, sizeof(*peer));
    peer->serve = serve;
    peer->arg = arg;
    peer->fd = wt_listen(SOCK_CLOEXEC, 128, &peer->port);
    (void)snprintf(peer->url, sizeof(peer->url), "ws://127.0.0.1:%d/", peer->port);
    peer->thread = wt_thread_start(serve_all, peer);
}

void peer_stop(struct peer *peer)
{
    (void)shutdown(peer->fd, SHUT_RDWR); /* an accept that waits returns */
    wt_thread_join(peer->thread);
    close(peer->fd);
}

bool peer_read_request(struct peer *peer, int fd)
{
    while (strstr(peer->request, "\r\n\r\n") == NULL || peer->size == 0) {
        if (peer->size == sizeof(peer->request) - 1 ||
            recv(fd, peer->request + peer->size, 1, 0) != 1)
            return false;
        peer->request[++peer->size] = '\0';
    }
    return true;
}

void peer_agree(struct peer *peer, int fd, const char *more)
{
    static const char field[] = "Sec-WebSocket-Key: ";
    char accept_line[WF_WEBSOCKET_ACCEPT], answer[1024];
    if (!peer_read_request(peer, fd))
        return;
    const char *key = strstr(peer->request, field);
    ck_assert_ptr_nonnull(key);
    wf_websocket_accept(key + strlen(field), accept_line);
    int n = snprintf(answer, sizeof(answer),
                     "HTTP/1.1 101 Switching Protocols\r\n%sUpgrade: WebSocket\r\n"
                     "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                     more, accept_line);
    (void)wt_send_all(fd, answer, (size_t)n);
}

void peer_send_frame(int fd, int first_byte, const void *data, size_t size)
{
    unsigned char head[10] = { (unsigned char)first_byte, (unsigned char)size };
    size_t n = 2;
    if (size > 125) {
        n = size > 0xffff ? 10 : 4;
        head[1] = n == 10 ? 127 : 126;
        for (size_t i = 2; i < n; i++)
            head[i] = (unsigned char)((unsigned long long)size >> 8 * (n - 1 - i));
    }
    if (wt_send_all(fd, head, n))
        (void)wt_send_all(fd, data, size);
}

static bool receive_all(int fd, void *to, size_t size)
{
    return size == 0 || recv(fd, to, size, MSG_WAITALL) == (ssize_t)size;
}

void peer_read_frame(int fd, struct peer_frame *frame)
{
    unsigned char head[2], length[8], mask[4] = { 0 };
    frame->opcode = -1;
    if (!receive_all(fd, head, 2))
        return;
    size_t n_length = (head[1] & 127) == 126 ? 2 : (head[1] & 127) == 127 ? 8 : 0;
    frame->is_masked = (head[1] & 128) != 0;
    frame->size = n_length > 0 ? 0 : head[1] & 127;
    if (!receive_all(fd, length, n_length))
        return;
    for (size_t i = 0; i < n_length; i++)
        frame->size = frame->size << 8 | length[i];
    ck_assert_uint_lt(frame->size, sizeof(frame->data));
    if ((frame->is_masked && !receive_all(fd, mask, 4)) ||
        !receive_all(fd, frame->data, frame->size))
        return;
    for (size_t i = 0; i < frame->size; i++)
        frame->data[i] ^= mask[i % 4];
    frame->data[frame->size] = '\0';
    frame->opcode = head[0];
}

void peer_wait_for_end(int fd)
{
    char spill[4096];
    while (recv(fd, spill, sizeof(spill), 0) > 0)
        continue;
}
