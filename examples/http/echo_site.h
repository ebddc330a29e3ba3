/* SPDX-License-Identifier: MIT */
/* A WebSocket on loopback, served by a task of the same program, that sends each message back. No model
 * of a server: it knows messages of one frame below 126 bytes, and takes what it gets for granted. */
#ifndef ECHO_SITE_H
#define ECHO_SITE_H

#include <weft.h>

/* As long as the scope; *door is the caller's to close, after it. url: ws://127.0.0.1:PORT/. */
int echo_site_open(weft_scope *scope, weft_listener **door, char *url, size_t size);

#endif
