/* SPDX-License-Identifier: MIT */
#include "http/packing.h"

#include <string.h>

/* The head and the end of a gzip, with nothing between. */
enum { LEAST = 18 };

static void keep(struct wf_http_packing *packing, const char *bytes, size_t size)
{
    size_t n = WF_MIN(size, sizeof(packing->last));
    memmove(packing->last, packing->last + n, sizeof(packing->last) - n);
    memcpy(packing->last + sizeof(packing->last) - n, bytes + size - n, n);
    packing->n += size;
}

/* 16: none. */
static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* Of a line, which libcurl has checked or will. */
static void take_framing(struct wf_http_packing *packing, char c)
{
    bool is_size = packing->part == WF_CHUNK_BEGIN || packing->part == WF_CHUNK_SIZE;
    if (is_size && digit_of(c) < 16) {
        packing->left = packing->left * 16 + digit_of(c);
        packing->part = WF_CHUNK_SIZE;
    } else if (packing->part == WF_CHUNK_BEGIN) {
        *packing = (struct wf_http_packing){ .is_watched = false }; /* P1: no chunk begins so */
    } else if (c != '\n') {
        packing->part = is_size ? WF_CHUNK_REST : packing->part;
    } else if (packing->part == WF_CHUNK_END) {
        packing->part = WF_CHUNK_BEGIN;
    } else {
        packing->part = packing->left > 0 ? WF_CHUNK_BYTES : WF_CHUNK_LAST;
    }
}

static size_t take_bytes(struct wf_http_packing *packing, const char *bytes, size_t size)
{
    size_t n = packing->left < size ? (size_t)packing->left : size;
    keep(packing, bytes, n);
    packing->left -= n;
    return n;
}

void wf_http_packing_take(struct wf_http_packing *packing, const char *bytes, size_t size)
{
    if (packing->is_watched && !packing->is_chunked) {
        (void)take_bytes(packing, bytes, size);
        return;
    }
    while (size > 0 && packing->is_watched && packing->part != WF_CHUNK_LAST) {
        size_t n = 1;
        if (packing->part != WF_CHUNK_BYTES) {
            take_framing(packing, *bytes);
        } else {
            n = take_bytes(packing, bytes, size);
            packing->part = packing->left == 0 ? WF_CHUNK_END : WF_CHUNK_BYTES;
        }
        bytes += n;
        size -= n;
    }
}

bool wf_http_packing_is_cut(const struct wf_http_packing *packing, int64_t n_unpacked)
{
    const unsigned char *last = packing->last;
    uint32_t size = (uint32_t)last[0] | (uint32_t)last[1] << 8 | (uint32_t)last[2] << 16 |
                    (uint32_t)last[3] << 24;
    if (!packing->is_watched || packing->n == 0) /* P1; or there is no body at all */
        return false;
    return packing->n < LEAST || size != (uint32_t)n_unpacked;
}
