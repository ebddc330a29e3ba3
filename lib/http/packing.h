/* SPDX-License-Identifier: MIT
 * Whether a body that is packed by gzip has come to the end of its packing, which its framing need not
 * tell: a server that was cut off behind a proxy, or a page that was kept half, has a length that is right.
 *
 * libcurl unpacks, and does not look at that end. But a gzip ends with the size of what was packed
 * (ISIZE, RFC 1952, 2.3.1), modulo 2^32, and zlib has checked it where it was reached. So the last four
 * bytes of what came are that size, or the end is missing; of one in 2^32 that is cut this is not seen.
 * What came is told by libcurl as it came from the connection, chunks and all, to those who ask for its
 * words; they are undone here.
 *
 *   P1  Nothing is judged that was not wholly seen: other packings, a part of a page (206), and all if
 *       this libcurl tells no bytes, or tells them when the chunks are undone already.
 *
 * Rejected: to unpack it ourselves, a second time or instead of libcurl: a zlib of our own, for every
 * program. */
#ifndef WF_HTTP_PACKING_H
#define WF_HTTP_PACKING_H

#include "plat/cc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wf_http_chunk_part {
    WF_CHUNK_BEGIN, /* the first digit of its size, */
    WF_CHUNK_SIZE,  /* the others */
    WF_CHUNK_REST,  /* of that line */
    WF_CHUNK_BYTES, /* `left` of them */
    WF_CHUNK_END,   /* the line's end behind them */
    WF_CHUNK_LAST   /* what follows is no body */
};

/* Of a body as it comes. Zeros: it is not watched. */
struct wf_http_packing {
    bool is_watched, is_chunked;
    uint64_t n; /* bytes of the packing */
    unsigned char last[4];
    enum wf_http_chunk_part part;
    uint64_t left; /* of a chunk, or of a body that has a length: what follows is none of it */
};

/* From its first byte. */
void wf_http_packing_take(struct wf_http_packing *packing, const char *bytes, size_t size);

/* Of what was unpacked to so many bytes, all in all. */
bool wf_http_packing_is_cut(const struct wf_http_packing *packing, int64_t n_unpacked);

#endif
