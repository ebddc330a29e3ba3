/* SPDX-License-Identifier: MIT
 * A ring of fixed-size values in memory that its owner provides. No locking, no waiting.
 *
 * Any capacity: the position wraps by comparison, so none is rounded up to a power of two. */
#ifndef WF_CHAN_RING_H
#define WF_CHAN_RING_H

#include "plat/cc.h"

#include <string.h>

struct wf_ring {
    unsigned char *data;        /* capacity * elem_size bytes */
    size_t elem_size, capacity; /* constant */
    size_t head;                /* the oldest value; < capacity unless that is 0 */
    size_t n_full;
};

/* The common sizes are a move or two, not a call. */
static inline void wf_copy_value(void *to, const void *from, size_t size)
{
    switch (size) {
    case 1: __builtin_memcpy(to, from, 1); break;
    case 2: __builtin_memcpy(to, from, 2); break;
    case 4: __builtin_memcpy(to, from, 4); break;
    case 8: __builtin_memcpy(to, from, 8); break;
    case 16: __builtin_memcpy(to, from, 16); break;
    default: memcpy(to, from, size);
    }
}

/* The i-th value from the oldest on, i < n_full; or, for n_full, the first free place. */
static inline void *wf_ring_at(const struct wf_ring *ring, size_t i)
{
    size_t at = ring->head + i;
    if (at >= ring->capacity)
        at -= ring->capacity;
    return ring->data + at * ring->elem_size;
}

static inline void wf_ring_push(struct wf_ring *ring, const void *value)
{
    wf_copy_value(wf_ring_at(ring, ring->n_full), value, ring->elem_size);
    ring->n_full++;
}

/* Forgets the oldest value, which has been read or is nobody's. */
static inline void wf_ring_skip(struct wf_ring *ring)
{
    ring->n_full--;
    if (++ring->head == ring->capacity)
        ring->head = 0;
}

static inline void wf_ring_pop(struct wf_ring *ring, void *out)
{
    wf_copy_value(out, wf_ring_at(ring, 0), ring->elem_size);
    wf_ring_skip(ring);
}

#endif
