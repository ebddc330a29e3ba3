/* SPDX-License-Identifier: MIT
 * A ring of fixed-size values in memory that its owner provides. No locking, no waiting.
 *
 * Any capacity: the position wraps by comparison, so none is rounded up to a power of two. */
#ifndef WF_CHAN_RING_H
#define WF_CHAN_RING_H

#include "plat/atomic.h"

#include <string.h>

struct wf_ring {
    unsigned char *data;          /* capacity * elem_size bytes */
    uint32_t elem_size, capacity; /* constant; capacity <= 2^31, so that head + n_full fits */
    uint32_t head;                /* the oldest value; < capacity unless that is 0 */
    _Atomic uint32_t n_full;      /* written by the owner; others may read it, as a hint */
};

static inline uint32_t wf_ring_n_full(const struct wf_ring *ring)
{
    return wf_load_rlx_raw(&ring->n_full);
}

static inline void wf_ring_set_n_full(struct wf_ring *ring, uint32_t n_full)
{
    wf_store_rlx_raw(&ring->n_full, n_full);
}

/* The common sizes are a move or two, not a call, and of these 8 the first. */
static inline void wf_copy_value(void *to, const void *from, size_t size)
{
    if (WF_LIKELY(size == 8)) {
        __builtin_memcpy(to, from, 8);
        return;
    }
    switch (size) {
    case 1: __builtin_memcpy(to, from, 1); break;
    case 2: __builtin_memcpy(to, from, 2); break;
    case 4: __builtin_memcpy(to, from, 4); break;
    case 16: __builtin_memcpy(to, from, 16); break;
    default: memcpy(to, from, size);
    }
}

/* Where the i-th value from the oldest on is, i <= n_full (the last: the first free place). */
static inline uint32_t wf_ring_index(const struct wf_ring *ring, uint32_t i)
{
    uint32_t at = ring->head + i;
    return at >= ring->capacity ? at - ring->capacity : at;
}

static inline void *wf_ring_at(const struct wf_ring *ring, uint32_t i)
{
    return ring->data + (size_t)wf_ring_index(ring, i) * ring->elem_size;
}

/* Forgets the n oldest values, which have been read or are nobody's. */
static inline void wf_ring_skip(struct wf_ring *ring, uint32_t n)
{
    ring->head = wf_ring_index(ring, n);
    wf_ring_set_n_full(ring, wf_ring_n_full(ring) - n);
}

/* elem_size: the ring's own, for callers that know it as a constant. */
static inline void wf_ring_push_sized(struct wf_ring *ring, const void *value, size_t elem_size)
{
    uint32_t n_full = wf_ring_n_full(ring);
    wf_copy_value(ring->data + wf_ring_index(ring, n_full) * elem_size, value, elem_size);
    wf_ring_set_n_full(ring, n_full + 1);
}

static inline void wf_ring_push(struct wf_ring *ring, const void *value)
{
    wf_ring_push_sized(ring, value, ring->elem_size);
}

static inline void wf_ring_pop_sized(struct wf_ring *ring, void *out, size_t elem_size)
{
    wf_copy_value(out, ring->data + ring->head * elem_size, elem_size);
    wf_ring_skip(ring, 1);
}

static inline void wf_ring_pop(struct wf_ring *ring, void *out)
{
    wf_ring_pop_sized(ring, out, ring->elem_size);
}

/* A run of values: two pieces at most, where it goes over the end. n has room, or is there. */
static inline void wf_ring_push_many(struct wf_ring *ring, const void *values, uint32_t n)
{
    uint32_t n_full = wf_ring_n_full(ring);
    uint32_t at = wf_ring_index(ring, n_full), n_first = WF_MIN(n, ring->capacity - at);
    size_t first_size = (size_t)n_first * ring->elem_size;
    memcpy(ring->data + (size_t)at * ring->elem_size, values, first_size);
    if (n_first < n)
        memcpy(ring->data, (const char *)values + first_size,
               (size_t)(n - n_first) * ring->elem_size);
    wf_ring_set_n_full(ring, n_full + n);
}

static inline void wf_ring_pop_many(struct wf_ring *ring, void *out, uint32_t n)
{
    uint32_t at = ring->head, n_first = WF_MIN(n, ring->capacity - at);
    size_t first_size = (size_t)n_first * ring->elem_size;
    memcpy(out, ring->data + (size_t)at * ring->elem_size, first_size);
    if (n_first < n)
        memcpy((char *)out + first_size, ring->data, (size_t)(n - n_first) * ring->elem_size);
    wf_ring_skip(ring, n);
}

#endif
