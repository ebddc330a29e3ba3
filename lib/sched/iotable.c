/* SPDX-License-Identifier: MIT */
#include "sched/iotable.h"

#include "plat/mem.h"

enum { SLOTS_PER_CHUNK = 256, FIRST_CHUNKS = 4 };

struct wf_io_slot *wf_io_table_find(struct wf_io_table *table, int fd)
{
    size_t chunk = (size_t)fd / SLOTS_PER_CHUNK;
    if (fd < 0 || chunk >= table->n_chunks || table->chunks[chunk] == NULL)
        return NULL;
    return &table->chunks[chunk][(size_t)fd % SLOTS_PER_CHUNK];
}

static bool grow(struct wf_io_table *table, size_t n_needed)
{
    size_t n = WF_MAX(table->n_chunks, (size_t)FIRST_CHUNKS);
    while (n < n_needed)
        n *= 2;
    struct wf_io_slot **chunks = wf_realloc(table->chunks, n * sizeof(*chunks));
    if (chunks == NULL)
        return false;
    for (size_t i = table->n_chunks; i < n; i++)
        chunks[i] = NULL;
    table->chunks = chunks;
    table->n_chunks = n;
    return true;
}

struct wf_io_slot *wf_io_table_find_or_make(struct wf_io_table *table, int fd)
{
    size_t chunk = (size_t)fd / SLOTS_PER_CHUNK;
    if (chunk >= table->n_chunks && !grow(table, chunk + 1))
        return NULL;
    if (table->chunks[chunk] == NULL)
        table->chunks[chunk] = wf_alloc(SLOTS_PER_CHUNK, sizeof(struct wf_io_slot));
    return wf_io_table_find(table, fd);
}

void wf_io_table_free(struct wf_io_table *table)
{
    for (size_t i = 0; i < table->n_chunks; i++)
        wf_free(table->chunks[i]);
    wf_free(table->chunks);
    *table = (struct wf_io_table){ 0 };
}
