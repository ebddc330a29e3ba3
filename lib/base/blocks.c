/* SPDX-License-Identifier: MIT
 * Under the lock: a chunk is on the list if and only if a block of it is free, and behind all others
 * if all are. The blocks of a chunk that were never used follow those that were. */
#include "base/blocks.h"

#include "plat/sanitizer.h"
#include "plat/sys.h"

#ifdef WF_SIM
enum { CHUNK_SIZE = 4096, CHUNKS_KEPT = 2, FREED_AT_ONCE = 2 };
#else
enum { CHUNK_SIZE = 256 * 1024, CHUNKS_KEPT = 2, FREED_AT_ONCE = 2 };
#endif

struct block {
    struct chunk *chunk;
    struct block *next; /* free ones */
};

_Static_assert(sizeof(struct block) == 16, "what follows a block's header is not aligned");

struct chunk {
    struct wf_link link;
    struct block *free;
    unsigned n_used, n_begun; /* in use; ever in use */
};

/* Where the first block's header is, in a chunk, which begins a page. */
static size_t first_at(const struct wf_blocks *blocks)
{
    size_t hot_at = sizeof(struct chunk) + sizeof(struct block) + blocks->hot_at;
    return sizeof(struct chunk) + (-hot_at & (WF_CACHE_LINE - 1));
}

static unsigned blocks_in_chunk(const struct wf_blocks *blocks)
{
    return (unsigned)((CHUNK_SIZE - first_at(blocks)) / (sizeof(struct block) + blocks->size));
}

static struct chunk *add_chunk_locked(struct wf_blocks *blocks)
{
    struct chunk *chunk = wf_sys.map(CHUNK_SIZE); /* zeroed: nothing used, nothing begun */
    if (chunk == NULL)
        return NULL;
    wf_san_stack_used((char *)chunk, CHUNK_SIZE);
    wf_list_push_back(&blocks->chunks, &chunk->link);
    blocks->n_chunks++;
    blocks->n_free += blocks_in_chunk(blocks);
    return chunk;
}

static void free_chunk(struct chunk *chunk)
{
    wf_san_stack_unused((char *)chunk, CHUNK_SIZE);
    (void)wf_sys.unmap(chunk, CHUNK_SIZE);
}

static struct block *take_from(struct wf_blocks *blocks, struct chunk *chunk)
{
    struct block *block = chunk->free;
    if (block != NULL) {
        chunk->free = block->next;
    } else {
        size_t at = first_at(blocks) + chunk->n_begun++ * (sizeof *block + blocks->size);
        block = (struct block *)(void *)((char *)chunk + at);
        block->chunk = chunk;
    }
    chunk->n_used++;
    blocks->n_free--;
    return block;
}

void *wf_blocks_take(struct wf_blocks *blocks)
{
    struct block *block = NULL;
    wf_lock_acquire(&blocks->lock);
    struct wf_link *first = wf_list_first(&blocks->chunks);
    struct chunk *chunk = first != NULL ? WF_CONTAINER(first, struct chunk, link)
                                        : add_chunk_locked(blocks);
    if (chunk != NULL) {
        block = take_from(blocks, chunk);
        if (chunk->n_used == blocks_in_chunk(blocks))
            wf_list_remove(&chunk->link);
    }
    wf_lock_release(&blocks->lock);
    if (block == NULL)
        return NULL;
    wf_san_memory_out(block + 1, blocks->size);
    return block + 1;
}

/* Some chunks and a quarter of all may lie free: who goes up and down maps nothing. */
static bool is_surplus_locked(const struct wf_blocks *blocks)
{
    size_t n_in_chunk = blocks_in_chunk(blocks);
    return blocks->n_free > (CHUNKS_KEPT + blocks->n_chunks / 4) * n_in_chunk;
}

static void put_back_locked(struct wf_blocks *blocks, struct block *block)
{
    struct chunk *chunk = block->chunk;
    block->next = chunk->free;
    chunk->free = block;
    blocks->n_free++;
    if (chunk->n_used-- == blocks_in_chunk(blocks))
        wf_list_push_front(&blocks->chunks, &chunk->link);
    if (chunk->n_used == 0) {
        wf_list_remove(&chunk->link);
        wf_list_push_back(&blocks->chunks, &chunk->link);
    }
}

/* A chunk that is the caller's to free, or NULL. */
static struct chunk *take_surplus_locked(struct wf_blocks *blocks)
{
    struct chunk *last = WF_CONTAINER(blocks->chunks.head.prev, struct chunk, link);
    if (!is_surplus_locked(blocks) || last->n_used > 0)
        return NULL;
    wf_list_remove(&last->link);
    blocks->n_chunks--;
    blocks->n_free -= blocks_in_chunk(blocks);
    return last;
}

/* Two a time: those that were kept when there was more in use go, too. */
void wf_blocks_give(struct wf_blocks *blocks, void *memory)
{
    struct chunk *surplus[FREED_AT_ONCE];
    unsigned n = 0;
    wf_san_memory_kept(memory, blocks->size);
    wf_lock_acquire(&blocks->lock);
    put_back_locked(blocks, (struct block *)memory - 1);
    while (n < FREED_AT_ONCE && (surplus[n] = take_surplus_locked(blocks)) != NULL)
        n++;
    wf_lock_release(&blocks->lock);
    while (n > 0)
        free_chunk(surplus[--n]);
}
