/* SPDX-License-Identifier: MIT
 * A server that answers with the bytes it was given, whatever they are: one thread, one connection at
 * a time, on loopback. */
#ifndef WT_EVIL_H
#define WT_EVIL_H

#include <stdbool.h>
#include <stddef.h>

enum evil_then {
    EVIL_CLOSE, /* the connection ends */
    EVIL_KEEP,  /* the next request comes over the same one */
    EVIL_RESET, /* it ends by a reset */
    EVIL_HOLD,  /* it stays open, and nothing comes, until the client closes it */
};

struct evil_reply {
    const char *bytes;
    size_t size; /* 0: bytes is a string */
    enum evil_then then;
    unsigned repeat;     /* the bytes, so many times more */
    size_t request_body; /* read that much after the request's head */
    bool at_once;        /* after the first bytes, whatever they are */
};

struct evil {
    int fd, port;
    char url[64]; /* http://127.0.0.1:PORT/ */
    const struct evil_reply *replies;
    size_t n_replies;
    char requests[16384]; /* what came, one after the other, ended by 0; the last ones, if many */
    size_t size;
    unsigned n_connections;
    struct wt_thread *thread;
};

void evil_start(struct evil *server, const struct evil_reply *replies, size_t n_replies);

/* It ends when all replies are used up; until then it is waited for, unless it waits itself. */
void evil_stop(struct evil *server);

/* How often a text, a server's requests say, has that part. */
unsigned evil_count(const char *text, const char *part);

#endif
