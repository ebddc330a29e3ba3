/* SPDX-License-Identifier: MIT
 * Task stacks: slabs of lazily committed address space, guarded, cached per worker.
 *
 * Credits and stacks are two things. A credit is taken at spawn and is a promise that a stack can
 * be had later: it is backed by a mapped slab, so a first run never fails for lack of mappings.
 * A stack is taken when a task first runs and given back when it ends.
 *
 * Guards (64 KiB below each stack) come from MADV_GUARD_INSTALL where a probe (install one, touch
 * it, see the fault) shows that it holds; then each stack is guarded when first used. Else from
 * mprotect when its slab is mapped, which splits mappings: credits then end before
 * vm.max_map_count does. No stack is ever used without a guard. */
#ifndef WF_PLAT_STACK_H
#define WF_PLAT_STACK_H

#include "plat/cc.h"

#define WF_STACK_GUARD   ((size_t)64 * 1024)
#define WF_STACK_DEFAULT ((size_t)256 * 1024)
#define WF_STACK_MIN     ((size_t)16 * 1024)
#define WF_STACK_MAX     ((size_t)1 << 30)
#define WF_STACK_CACHE   64 /* stacks a worker keeps at most */
#define WF_STACK_BATCH   32 /* moved at once between a cache and the pool */
#define WF_CREDIT_BATCH  64 /* credits a worker takes at once */

struct wf_stack; /* one stack of a slab, or one mapped alone */

/* A worker's own; owner thread only. Zeroed is empty. */
struct wf_stack_cache {
    unsigned n_stacks, n_credits;
    struct wf_stack *stacks[WF_STACK_CACHE];
};

struct wf_stack_info {
    size_t mapped;
    size_t in_use;  /* had by tasks and by workers' caches */
    size_t cached;  /* free in the pool, memory committed */
    size_t trimmed; /* how often a stack's memory was given back so far, or the stack unmapped */
    size_t credit_limit;
    bool guard_by_madvise;
};

/* Starts the pool. size is rounded up to pages; max_stacks 0 means as many as the system lets.
 * 0, or -errno. Stop unmaps everything; every stack must have been given back. */
WF_MUST_CHECK int wf_stack_pool_start(size_t size, size_t max_stacks);
void wf_stack_pool_stop(void);

/* A credit for one task: 0, or -ENOMEM when they have ended. cache may be NULL (a plain thread). */
WF_MUST_CHECK int wf_stack_credit_take(struct wf_stack_cache *cache);
void wf_stack_credit_give(struct wf_stack_cache *cache);

/* For a caller that holds a credit: never fails. A stack is given back before its credit.
 * Aborts with a sentence if the kernel refuses to guard it. */
struct wf_stack *wf_stack_take(struct wf_stack_cache *cache);
void wf_stack_give(struct wf_stack_cache *cache, struct wf_stack *stack);

/* Returns all to the pool: before a worker ends, and good before it sleeps for long, for what it
 * keeps is lost to the others when credits run short. */
void wf_stack_cache_flush(struct wf_stack_cache *cache);

/* How many stacks are free while too many of them are (stack.c); 0: they are not. No lock. */
size_t wf_stack_surplus(void);

/* Gives some of that surplus back to the system: a slab's worth, some tens of microseconds. False:
 * there is none. */
bool wf_stack_trim(void);

/* One stack of another size, mapped alone; NULL: no memory. Freed by wf_stack_unmap. */
WF_MUST_CHECK struct wf_stack *wf_stack_map(size_t size);
void wf_stack_unmap(struct wf_stack *stack);

void *wf_stack_low(const struct wf_stack *stack); /* lowest usable address */
void *wf_stack_top(const struct wf_stack *stack); /* one past the highest, staggered */
size_t wf_stack_size(const struct wf_stack *stack);
bool wf_stack_guard_holds(const struct wf_stack *stack, const void *address);

void wf_stack_info(struct wf_stack_info *out);

#endif
