/* SPDX-License-Identifier: MIT
 * A server that does what it should, for as many connections as come at once: /length/N, /chunked/N and
 * /close/N answer N bytes of origin_byte, in three ways of telling their end; a body is answered with how
 * many bytes it had and what they add up to. */
#ifndef WT_ORIGIN_H
#define WT_ORIGIN_H

#include <stddef.h>

struct origin {
    int fd, port;
    struct wt_thread *thread;
    struct wt_thread *links[128];
    unsigned n_links;
};

static inline unsigned char origin_byte(size_t i) { return (unsigned char)(i * 31 + i / 251); }

void origin_start(struct origin *origin);
void origin_stop(struct origin *origin); /* once its connections are closed */

#endif
