/* SPDX-License-Identifier: MIT
 * Memory: sizes checked for overflow, allocations counted, all through the table of plat/sys.h. */
#ifndef WF_PLAT_MEM_H
#define WF_PLAT_MEM_H

#include "plat/cc.h"

#include <string.h>

/* NULL when there is no memory or n * size overflows. Zeroed. wf_free(NULL) does nothing. */
WF_MUST_CHECK void *wf_alloc(size_t n, size_t size);
WF_MUST_CHECK void *wf_alloc_aligned(size_t size, size_t align); /* freed with wf_free_aligned */
WF_MUST_CHECK void *wf_realloc(void *old, size_t size);
void wf_free(void *p);
void wf_free_aligned(void *p);

/* head + n * size, or SIZE_MAX when that overflows (no allocation of SIZE_MAX succeeds). */
size_t wf_size_with(size_t head, size_t n, size_t size);

/* A copy of the text, which is the caller's; NULL: no memory. */
WF_MUST_CHECK static inline char *wf_copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = wf_realloc(NULL, size);
    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

/* For memory that is handed out in another way and belongs to the count of live blocks, too. */
void wf_mem_count_in(const void *p);
void wf_mem_count_out(const void *p);

/* Blocks allocated and not freed, for leak gates in tests. */
size_t wf_mem_live(void);

#endif
