/* SPDX-License-Identifier: MIT
 * The other side of a WebSocket: a function of the test's that reads and writes bytes as it likes, for
 * each connection, in one thread, on loopback. */
#ifndef WT_PEER_H
#define WT_PEER_H

#include <stdbool.h>
#include <stddef.h>

struct peer {
    int fd, port;
    char url[64];                             /* ws://127.0.0.1:PORT/ */
    void (*serve)(struct peer *peer, int fd); /* which is closed afterwards */
    void *arg;
    unsigned n_connections;
    char request[4096]; /* the last one's head, ended by 0 */
    size_t size;
    struct wt_thread *thread;
};

struct peer_frame {
    int opcode; /* with the bit that says it is the last one; -1: the connection has ended */
    bool is_masked;
    size_t size;
    unsigned char data[70000];
};

void peer_start(struct peer *peer, void (*serve)(struct peer *peer, int fd), void *arg);
void peer_stop(struct peer *peer);

/* Reads the request, and agrees; more are lines of the answer, each with its end. */
void peer_agree(struct peer *peer, int fd, const char *more);
bool peer_read_request(struct peer *peer, int fd);
void peer_send_frame(int fd, int first_byte, const void *data, size_t size);
void peer_read_frame(int fd, struct peer_frame *frame);
void peer_wait_for_end(int fd); /* until the client closes */

#endif
