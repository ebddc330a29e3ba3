/* SPDX-License-Identifier: MIT
 * The pool of task stacks: credits, the workers' caches, and giving memory back.
 *
 * Slabs (stack_slab.c) are mapped as credits are asked for. Caches are their owner's alone.
 *
 * Invariants, under pool.lock:
 *   S1  credits given out + n_credits == n_mapped; given out is what tasks and caches have.
 *   S2  whoever holds a credit and has no stack yet finds one: in its own cache, in the pool, or
 *       in the hands of a thread that is trimming. It follows from S1 and S3.
 *   S3  a cache holds at most as many stacks as credits, so that no stack which somebody's credit
 *       was promised hides in a cache.
 *   S4  every stack that is handed out has its guard.
 *   S5  slabs with a stack in use come before those wholly free in the list of slabs.
 *
 * Free stacks are on two lists: dirty ones, whose memory is committed and warm, are taken first,
 * last in first out; clean ones were never used or have been released. Memory goes back
 *   - when a slab is wholly free and more than DIRTY_KEEP stacks are dirty, in one call;
 *   - from the coldest slabs, run by run, when more stacks lie dirty than are in use;
 *   - with the whole slab, page tables and guards included (half a KiB a stack, which no process's
 *     size shows), when more than FREE_KEEP credits are free beyond as many as are given out.
 * Who gives stacks or credits back does it, a few slabs at a time, without the lock: as fast as
 * they come back, so nothing is left to do after a burst's end, and nobody is held up for longer
 * than some tens of microseconds.
 *
 * Rejected: MADV_FREE, which leaves the memory in the process's size until there is pressure.
 * Rejected: one mapping per stack. Several system calls per task, and half as many stacks. */
#include "plat/stack.h"

#include "plat/sanitizer.h"
#include "plat/stack_guard.h"
#include "plat/stack_slab.h"
#include "plat/thread.h"

#include <errno.h>
#include <string.h>

enum {
    DIRTY_KEEP = 1024, /* 4 MiB as a rule: a first touch and a release cost 2 us a stack */
    FREE_KEEP = 4096,  /* a stack that is mapped again needs a guard again: 750 ns */
    UNMAP_AT_ONCE = 2, /* slabs: more stacks than come back at once */
    CREDIT_KEEP = 3 * WF_CREDIT_BATCH, /* credits a cache keeps at most */
    SCARCE = 8 * WF_CREDIT_BATCH,      /* fewer credits left than this go out one by one */
};

struct list {
    struct wf_stack *first, *last;
    size_t n;
};

static struct {
    /* Constant while the pool runs. */
    size_t stack_size;
    size_t limit; /* stacks that may be mapped */
    bool guard_by_madvise;

    _Atomic bool is_scarce; /* writers: under lock; readers: any, as a hint */

    WF_CACHE_ALIGNED _Atomic uint32_t lock; /* 0 free, 1 taken */

    /* Under lock. */
    struct wf_slab *first_slab, *last_slab; /* S5 */
    struct list dirty, clean;
    size_t n_mapped;
    size_t n_mapping; /* being mapped, by a thread that dropped the lock */
    size_t n_credits;
    size_t n_trimming; /* off the lists while their memory is released */
    size_t n_trimmed;  /* so far */
} pool;

static void lock_pool(void)
{
    unsigned n_spins = 0;
    /* acquire [stack-pool]: what the last holder did to the pool. */
    while (wf_xchg_acq(&pool.lock, 1U) != 0) {
        wf_cpu_relax();
        if (++n_spins % 64 == 0)
            wf_thread_yield();
    }
}

static void unlock_pool(void)
{
    /* release [stack-pool] */
    wf_store_rel(&pool.lock, 0U);
}

/* Lets another thread finish what it does without the lock. */
static void wait_locked(void)
{
    unlock_pool();
    wf_thread_yield();
    wf_cpu_relax();
    lock_pool();
}

/* ---- slabs ---- */

static void link_slab_locked(struct wf_slab *slab, bool is_in_use)
{
    slab->prev = is_in_use ? NULL : pool.last_slab;
    slab->next = is_in_use ? pool.first_slab : NULL;
    *(slab->prev != NULL ? &slab->prev->next : &pool.first_slab) = slab;
    *(slab->next != NULL ? &slab->next->prev : &pool.last_slab) = slab;
}

static void unlink_slab_locked(struct wf_slab *slab)
{
    *(slab->prev != NULL ? &slab->prev->next : &pool.first_slab) = slab->next;
    *(slab->next != NULL ? &slab->next->prev : &pool.last_slab) = slab->prev;
}

/* S5 */
static void move_slab_locked(struct wf_slab *slab, bool is_in_use)
{
    unlink_slab_locked(slab);
    link_slab_locked(slab, is_in_use);
}

/* ---- free stacks ---- */

static void push_locked(struct wf_stack *stack)
{
    struct list *list = stack->is_dirty ? &pool.dirty : &pool.clean;
    if (++stack->slab->n_free == WF_SLAB_STACKS)
        move_slab_locked(stack->slab, false);
    stack->is_free = true;
    stack->prev = NULL;
    stack->next = list->first;
    *(list->first != NULL ? &list->first->prev : &list->last) = stack;
    list->first = stack;
    list->n++;
}

static void remove_locked(struct wf_stack *stack)
{
    struct list *list = stack->is_dirty ? &pool.dirty : &pool.clean;
    if (stack->slab->n_free-- == WF_SLAB_STACKS)
        move_slab_locked(stack->slab, true);
    stack->is_free = false;
    *(stack->prev != NULL ? &stack->prev->next : &list->first) = stack->next;
    *(stack->next != NULL ? &stack->next->prev : &list->last) = stack->prev;
    list->n--;
}

/* NULL when there is none just now. */
static struct wf_stack *pop_locked(void)
{
    struct wf_stack *stack = pool.dirty.n != 0 ? pool.dirty.first : pool.clean.first;
    if (stack != NULL)
        remove_locked(stack);
    return stack;
}

static struct wf_stack *pop_promised_locked(void)
{
    struct wf_stack *stack;
    while ((stack = pop_locked()) == NULL) {
        if (pool.n_trimming == 0)
            wf_stack_die("weft: a stack credit without a stack, invariant S2 of plat/stack.c\n");
        wait_locked();
    }
    return stack;
}

static size_t n_in_use_locked(void)
{
    return pool.n_mapped - pool.dirty.n - pool.clean.n - pool.n_trimming;
}

/* ---- giving memory back ---- */

static uint64_t dirty_free_of(const struct wf_slab *slab)
{
    uint64_t which = 0;
    for (unsigned i = 0; i < WF_SLAB_STACKS; i++) {
        if (slab->stacks[i].is_free && slab->stacks[i].is_dirty)
            which |= (uint64_t)1 << i;
    }
    return which;
}

/* Drops the lock while it releases: the stacks are on no list, and S2 knows of them. */
static void trim_locked(struct wf_slab *slab)
{
    uint64_t which = dirty_free_of(slab);
    size_t n = (size_t)__builtin_popcountll(which);
    for (unsigned i = 0; i < WF_SLAB_STACKS; i++) {
        if (which >> i & 1)
            remove_locked(&slab->stacks[i]);
    }
    pool.n_trimming += n;
    unlock_pool();
    wf_slab_release(slab, which);
    lock_pool();
    for (unsigned i = 0; i < WF_SLAB_STACKS; i++) {
        if (which >> i & 1) {
            slab->stacks[i].is_dirty = false;
            push_locked(&slab->stacks[i]);
        }
    }
    pool.n_trimming -= n;
    pool.n_trimmed += n;
}

/* A wholly free slab, if there are many more credits than are given out; its own are then the
 * pool's (S1), and go with it. */
static struct wf_slab *spare_slab_locked(void)
{
    size_t n_given_out = pool.n_mapped - pool.n_credits;
    if (pool.n_credits <= FREE_KEEP + n_given_out)
        return NULL;
    struct wf_slab *slab = pool.last_slab;
    return slab->n_free == WF_SLAB_STACKS ? slab : NULL;
}

/* Drops the lock while it unmaps what nobody knows of any more. */
static void unmap_locked(struct wf_slab *slab)
{
    for (unsigned i = 0; i < WF_SLAB_STACKS; i++) {
        pool.n_trimmed += slab->stacks[i].is_dirty;
        remove_locked(&slab->stacks[i]);
    }
    unlink_slab_locked(slab);
    pool.n_mapped -= WF_SLAB_STACKS;
    pool.n_credits -= WF_SLAB_STACKS;
    unlock_pool();
    wf_slab_unmap(slab);
    lock_pool();
}

static bool unmap_some_locked(void)
{
    unsigned n = 0;
    for (struct wf_slab *slab; n < UNMAP_AT_ONCE && (slab = spare_slab_locked()) != NULL; n++)
        unmap_locked(slab);
    return n > 0;
}

/* After stacks were pushed, one of `slab` as the last. */
static void trim_surplus_locked(struct wf_slab *slab)
{
    if (!unmap_some_locked() && pool.dirty.n > DIRTY_KEEP && slab->n_free == WF_SLAB_STACKS)
        trim_locked(slab);
    while (pool.dirty.n > DIRTY_KEEP + n_in_use_locked())
        trim_locked(pool.dirty.last->slab);
}

/* ---- credits ---- */

static void note_scarcity_locked(void)
{
    size_t n_left = pool.limit - pool.n_mapped - pool.n_mapping + pool.n_credits;
    bool is_scarce = n_left < SCARCE;
    if (is_scarce != wf_load_rlx(&pool.is_scarce))
        wf_store_rlx(&pool.is_scarce, is_scarce);
}

static void add_slab_locked(struct wf_slab *slab, size_t n_usable)
{
    link_slab_locked(slab, true);
    for (size_t i = n_usable; i-- > 0;)
        push_locked(&slab->stacks[i]);
    pool.n_mapped += n_usable;
    pool.n_credits += n_usable;
}

/* Maps a slab with the lock dropped. 0: look again for credits; -ENOMEM: at the limit, which may
 * end in the middle of a slab, or refused by the system. */
static int grow_locked(void)
{
    size_t n_before = pool.n_mapped + pool.n_mapping;
    if (n_before >= pool.limit) {
        if (pool.n_mapping == 0)
            return -ENOMEM;
        wait_locked();
        return 0;
    }
    size_t n_usable = WF_MIN((size_t)WF_SLAB_STACKS, pool.limit - n_before);
    pool.n_mapping += n_usable;
    unlock_pool();
    struct wf_slab *slab = wf_slab_map(pool.stack_size, pool.guard_by_madvise, n_before);
    lock_pool();
    pool.n_mapping -= n_usable;
    if (slab == NULL)
        return -ENOMEM;
    add_slab_locked(slab, n_usable);
    return 0;
}

/* At most `wanted` of the credits that are there; one when they are scarce. */
static unsigned draw_locked(unsigned wanted)
{
    note_scarcity_locked();
    size_t n = wf_load_rlx(&pool.is_scarce) ? 1 : wanted;
    n = WF_MIN(n, pool.n_credits);
    pool.n_credits -= n;
    return (unsigned)n;
}

static void give_to_pool_locked(struct wf_stack_cache *cache, unsigned n_stacks)
{
    /* The oldest, which are the coldest. */
    struct wf_stack *last = NULL;
    for (unsigned i = 0; i < n_stacks; i++)
        push_locked(last = cache->stacks[i]);
    cache->n_stacks -= n_stacks;
    memmove(cache->stacks, cache->stacks + n_stacks, cache->n_stacks * sizeof(cache->stacks[0]));
    if (last != NULL)
        trim_surplus_locked(last->slab);
}

/* The pool has no credit. One that a cached stack stands on will do, if the stack goes (S3). */
static int free_cached_credit_locked(struct wf_stack_cache *cache)
{
    if (cache == NULL || cache->n_credits == 0)
        return -ENOMEM;
    if (cache->n_stacks == cache->n_credits)
        give_to_pool_locked(cache, (cache->n_stacks + 1) / 2);
    cache->n_credits--;
    return 0;
}

static WF_NOINLINE int credit_take_slow(struct wf_stack_cache *cache)
{
    int rc = 0;
    lock_pool();
    while (pool.n_credits == 0 && rc == 0)
        rc = grow_locked();
    if (pool.n_credits != 0) {
        rc = 0;
        unsigned n = draw_locked(cache != NULL ? WF_CREDIT_BATCH : 1);
        if (cache != NULL)
            cache->n_credits += n - 1;
    } else {
        rc = free_cached_credit_locked(cache);
    }
    unlock_pool();
    return rc;
}

int wf_stack_credit_take(struct wf_stack_cache *cache)
{
    if (cache == NULL || cache->n_credits <= cache->n_stacks)
        return credit_take_slow(cache);
    cache->n_credits--;
    return 0;
}

static WF_NOINLINE void credits_to_pool(struct wf_stack_cache *cache, unsigned n)
{
    lock_pool();
    if (cache != NULL)
        cache->n_credits -= n;
    pool.n_credits += n;
    note_scarcity_locked();
    (void)unmap_some_locked();
    unlock_pool();
}

void wf_stack_credit_give(struct wf_stack_cache *cache)
{
    if (cache == NULL) {
        credits_to_pool(NULL, 1);
        return;
    }
    cache->n_credits++;
    if (wf_load_rlx(&pool.is_scarce) && cache->n_credits > cache->n_stacks)
        credits_to_pool(cache, cache->n_credits - cache->n_stacks);
    else if (cache->n_credits > CREDIT_KEEP)
        credits_to_pool(cache, WF_CREDIT_BATCH);
}

/* ---- stacks ---- */

/* Credits for n_stacks cached stacks, if the pool has them to spare. */
static bool cover_locked(struct wf_stack_cache *cache, unsigned n_stacks)
{
    if (cache->n_credits < n_stacks)
        cache->n_credits += draw_locked(WF_CREDIT_BATCH);
    return cache->n_credits >= n_stacks;
}

static WF_NOINLINE struct wf_stack *take_slow(struct wf_stack_cache *cache)
{
    lock_pool();
    struct wf_stack *stack = pop_promised_locked(), *more;
    if (cache != NULL) {
        (void)cover_locked(cache, WF_STACK_BATCH - 1);
        unsigned n_more = WF_MIN(cache->n_credits, (unsigned)WF_STACK_BATCH - 1);
        while (cache->n_stacks < n_more && (more = pop_locked()) != NULL)
            cache->stacks[cache->n_stacks++] = more;
    }
    unlock_pool();
    return stack;
}

struct wf_stack *wf_stack_take(struct wf_stack_cache *cache)
{
    struct wf_stack *stack;
    if (cache != NULL && cache->n_stacks != 0)
        stack = cache->stacks[--cache->n_stacks];
    else
        stack = take_slow(cache);
    if (!stack->is_guarded)
        wf_stack_guard(stack);
    stack->is_dirty = true;
    wf_san_stack_used(stack->low, stack->size);
    return stack;
}

static WF_NOINLINE void give_slow(struct wf_stack_cache *cache, struct wf_stack *stack)
{
    lock_pool();
    if (cache != NULL && cache->n_stacks == WF_STACK_CACHE)
        give_to_pool_locked(cache, WF_STACK_BATCH);
    if (cache != NULL && cover_locked(cache, cache->n_stacks + 1)) {
        cache->stacks[cache->n_stacks++] = stack;
    } else {
        push_locked(stack);
        trim_surplus_locked(stack->slab);
    }
    unlock_pool();
}

void wf_stack_give(struct wf_stack_cache *cache, struct wf_stack *stack)
{
    wf_san_stack_unused(stack->low, stack->size);
    if (cache == NULL || cache->n_stacks == WF_STACK_CACHE || cache->n_stacks >= cache->n_credits) {
        give_slow(cache, stack);
        return;
    }
    cache->stacks[cache->n_stacks++] = stack;
}

void wf_stack_cache_flush(struct wf_stack_cache *cache)
{
    lock_pool();
    give_to_pool_locked(cache, cache->n_stacks);
    unlock_pool();
    credits_to_pool(cache, cache->n_credits);
}

/* ---- the pool ---- */

int wf_stack_pool_start(size_t size, size_t max_stacks)
{
    if (size < WF_STACK_MIN || size > WF_STACK_MAX)
        return -EINVAL;
    size_t page = wf_page_size();
    pool.stack_size = (size + page - 1) & ~(page - 1);
    pool.guard_by_madvise = wf_guard_probe();
    /* Half of a 47-bit address space is where counting ends; the system refuses earlier. */
    pool.limit = ((size_t)1 << 46) / (pool.stack_size + WF_STACK_GUARD);
    if (!pool.guard_by_madvise)
        pool.limit = WF_MIN(pool.limit, wf_guard_mprotect_limit());
    if (max_stacks != 0)
        pool.limit = WF_MIN(pool.limit, max_stacks);
    lock_pool();
    note_scarcity_locked();
    unlock_pool();
    return 0;
}

void wf_stack_pool_stop(void)
{
    struct wf_slab *slab = pool.first_slab, *next;
    pool.first_slab = pool.last_slab = NULL;
    for (; slab != NULL; slab = next) {
        next = slab->next;
        wf_slab_unmap(slab);
    }
    pool.dirty = pool.clean = (struct list){ 0 };
    pool.n_mapped = pool.n_credits = pool.n_trimmed = 0;
}

void wf_stack_info(struct wf_stack_info *out)
{
    lock_pool();
    *out = (struct wf_stack_info){
        .mapped = pool.n_mapped,
        .in_use = n_in_use_locked(),
        .cached = pool.dirty.n,
        .trimmed = pool.n_trimmed,
        .credit_limit = pool.limit,
        .guard_by_madvise = pool.guard_by_madvise,
    };
    unlock_pool();
}
