/* SPDX-License-Identifier: MIT
 * Allocation: overflow checks, and a count of live blocks for the leak gates of tests.
 *
 * The count is kept in stripes, chosen by the block's address, so that workers which allocate at
 * the same time rarely meet on one cache line. Builds with WEFT_CHECK=0 keep none.
 *
 * An aligned block is a larger plain one whose start is written just below the address handed
 * out: one allocator to replace in tests, and free() knows what it gets. */
#include "plat/mem.h"

#include "plat/atomic.h"
#include "plat/sys.h"

#include <stdlib.h>
#include <string.h>

#ifndef WEFT_CHECK
#define WEFT_CHECK 1
#endif

#if WEFT_CHECK >= 1
enum { N_STRIPES = 16 };

/* Writers: any thread, relaxed, for it orders nothing. Readers: wf_mem_live(). A stripe alone
 * may wrap below zero for a moment of wf_realloc; their sum is right whenever all is quiet. */
static struct {
    WF_CACHE_ALIGNED _Atomic size_t n_live;
} stripes[N_STRIPES];

static _Atomic size_t *stripe_of(const void *p)
{
    uintptr_t bits = (uintptr_t)p >> 4;
    return &stripes[(bits ^ (bits >> 8)) % N_STRIPES].n_live;
}
#endif

static void *count_in(void *p)
{
#if WEFT_CHECK >= 1
    if (p != NULL)
        (void)wf_add_rlx_raw(stripe_of(p), (size_t)1);
#endif
    return p;
}

static void count_out(const void *p)
{
#if WEFT_CHECK >= 1
    if (p != NULL)
        (void)wf_add_rlx_raw(stripe_of(p), (size_t)-1);
#else
    (void)p;
#endif
}

void wf_mem_count_in(const void *p) { (void)count_in((void *)(uintptr_t)p); }
void wf_mem_count_out(const void *p) { count_out(p); }

void *wf_alloc(size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total) || total > PTRDIFF_MAX)
        return NULL;
    /* One byte at least, so that NULL always means no memory. */
    void *p = wf_sys.alloc(WF_MAX(total, (size_t)1));
    wf_new_memory(p, total);
    return count_in(p);
}

void *wf_alloc_aligned(size_t size, size_t align)
{
    size_t total;
    if (__builtin_add_overflow(size, align + sizeof(void *), &total))
        return NULL;
    char *raw = wf_alloc(total, 1);
    if (raw == NULL)
        return NULL;
    size_t lead = sizeof(void *);
    lead += -((uintptr_t)raw + lead) & (align - 1);
    char *block = raw + lead;
    memcpy(block - sizeof(void *), &raw, sizeof(void *));
    return block;
}

void *wf_realloc(void *old, size_t size)
{
    if (size > PTRDIFF_MAX)
        return NULL;
    /* Counted out before: afterwards the compiler may not look at `old` any more. */
    count_out(old);
    void *p = wf_sys.realloc(old, WF_MAX(size, (size_t)1));
    if (p == NULL) {
        count_in(old);
        return NULL;
    }
    return count_in(p);
}

void wf_free(void *p)
{
    count_out(p);
    free(p);
}

void wf_free_aligned(void *p)
{
    if (p == NULL)
        return;
    void *raw;
    memcpy(&raw, (char *)p - sizeof(void *), sizeof(void *));
    wf_free(raw);
}

size_t wf_size_with(size_t head, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total) || __builtin_add_overflow(total, head, &total))
        return SIZE_MAX;
    return total;
}

size_t wf_mem_live(void)
{
    size_t n_live = 0;
#if WEFT_CHECK >= 1
    for (size_t i = 0; i < N_STRIPES; i++)
        n_live += wf_load_rlx(&stripes[i].n_live);
#endif
    return n_live;
}
