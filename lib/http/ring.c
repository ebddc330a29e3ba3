/* SPDX-License-Identifier: MIT
 * The bytes between a reader and a writer: session.h, E4. */
#include "http/session.h"

#include "plat/mem.h"

#include <string.h>

/* The whole body if it is known to be small, so that small answers need little memory. */
size_t wf_http_room_for(const struct wf_http_head *head)
{
    bool is_small = head->length >= 0 && !head->is_encoded && head->length < WF_HTTP_RING;
    return is_small ? (size_t)head->length + 1 : WF_HTTP_RING;
}

int wf_http_ring_reserve(struct wf_http_ring *ring, size_t room)
{
    if (ring->data != NULL)
        return 0;
    ring->data = wf_realloc(NULL, room);
    if (ring->data == NULL)
        return WEFT_ENOMEM;
    ring->room = room;
    return 0;
}

void wf_http_ring_copy_in(struct wf_http_ring *ring, const char *data, size_t size)
{
    size_t at = ring->tail % ring->room;
    size_t first = WF_MIN(size, ring->room - at);
    memcpy(ring->data + at, data, first);
    if (size > first)
        memcpy(ring->data, data + first, size - first);
}

void wf_http_ring_copy_out(const struct wf_http_ring *ring, char *data, size_t size)
{
    if (size == 0)
        return;
    size_t at = ring->head % ring->room;
    size_t first = WF_MIN(size, ring->room - at);
    memcpy(data, ring->data + at, first);
    if (size > first)
        memcpy(data + first, ring->data, size - first);
}
