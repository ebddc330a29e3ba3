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
 *   S5  a slab says which of its stacks are free, and which of those are dirty: their memory may be
 *       committed. It is on the list of its kind, which says how many of either there are.
 *
 * Warm stacks are taken first, and those of slabs that are in use anyway before others. There is a
 * surplus of memory
 *   - when a slab is wholly free and more than DIRTY_KEEP stacks are dirty: it goes in one call;
 *   - when more stacks lie dirty than are in use: it goes run by run, the coldest slabs' first;
 *   - when more than FREE_KEEP credits are free beyond as many as are given out: it goes with the
 *     whole slab, page tables and guards included (half a KiB a stack, which no process's size
 *     shows).
 * A surplus goes back a slab at a time, without the lock, by whoever calls wf_stack_trim: a worker
 * that has nothing else to do (sched/idle.c), or now and then one that always has (sched/worker.c).
 * Who ends a task only leaves the stack here: a release is 300 to 1,300 ns a stack, an end without
 * it some 200. A plain thread, which never comes by again, gives back what it makes free itself.
 *
 * Rejected: MADV_FREE, which leaves the memory in the process's size until there is pressure.
 * Rejected: that the one whose stack makes a surplus gives it back. A cancel of 100,000 parked tasks
 * took 2,100 ns a task, 1,400 of them in the kernel.
 * Rejected: the free stacks in lists of their own, through their descriptions: a cache line or two
 * a stack, where that of the slab will do.
 * Rejected: one mapping per stack. Several system calls per task, and half as many stacks. */
#include "plat/stack.h"

#include "plat/sanitizer.h"
#include "plat/stack_guard.h"
#include "plat/stack_slab.h"
#include "plat/thread.h"

#include <errno.h>
#include <string.h>

#ifdef WF_SIM
enum { DIRTY_KEEP = 8, FREE_KEEP = 64 };
#else
enum {
    DIRTY_KEEP = 1024, /* 4 MiB as a rule: a first touch and a release cost 2 us a stack */
    FREE_KEEP = 4096,  /* a stack that is mapped again needs a guard again: 750 ns */
};
#endif
enum {
    TRIM_AT_ONCE = 2,                  /* slabs: more stacks than come back at once */
    CREDIT_KEEP = 3 * WF_CREDIT_BATCH, /* credits a cache keeps at most */
    SCARCE = 8 * WF_CREDIT_BATCH,      /* fewer credits left than this go out one by one */
};

struct list {
    struct wf_slab *first, *last;
};

static struct {
    /* Constant while the pool runs. */
    size_t stack_size;
    size_t limit; /* stacks that may be mapped */
    bool guard_by_madvise;

    /* Writers: under lock; readers: any, as a hint. */
    _Atomic bool is_scarce;
    _Atomic size_t surplus; /* n_free when there is one, else 0 */

    WF_CACHE_ALIGNED _Atomic uint32_t lock; /* 0 free, 1 taken */

    /* Under lock. */
    struct list slabs[WF_SLAB_KINDS]; /* S5 */
    size_t n_free, n_dirty;           /* stacks; the dirty ones are free as well */
    size_t n_mapped;
    size_t n_mapping; /* being mapped, by a thread that dropped the lock */
    size_t n_credits;
    size_t n_trimming; /* not free while their memory is released */
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

static enum wf_slab_kind kind_of(const struct wf_slab *slab)
{
    if (slab->free == 0)
        return WF_SLAB_BUSY;
    if (slab->free == WF_SLAB_ALL)
        return slab->dirty != 0 ? WF_SLAB_IDLE_WARM : WF_SLAB_IDLE_CLEAN;
    return slab->dirty != 0 ? WF_SLAB_WARM : WF_SLAB_CLEAN;
}

static void link_slab_locked(struct wf_slab *slab)
{
    slab->kind = kind_of(slab);
    struct list *list = &pool.slabs[slab->kind];
    slab->prev = NULL;
    slab->next = list->first;
    *(slab->next != NULL ? &slab->next->prev : &list->last) = slab;
    list->first = slab;
}

static void unlink_slab_locked(struct wf_slab *slab)
{
    struct list *list = &pool.slabs[slab->kind];
    *(slab->prev != NULL ? &slab->prev->next : &list->first) = slab->next;
    *(slab->next != NULL ? &slab->next->prev : &list->last) = slab->prev;
}

/* ---- free stacks ---- */

static size_t count(uint64_t which) { return (size_t)__builtin_popcountll(which); }

/* S5. dirty: some of those in `which`. */
static void add_free_locked(struct wf_slab *slab, uint64_t which, uint64_t dirty)
{
    slab->free |= which;
    slab->dirty |= dirty;
    pool.n_free += count(which);
    pool.n_dirty += count(dirty);
    if (slab->kind != kind_of(slab)) {
        unlink_slab_locked(slab);
        link_slab_locked(slab);
    }
}

static void remove_free_locked(struct wf_slab *slab, uint64_t which)
{
    pool.n_free -= count(which);
    pool.n_dirty -= count(slab->dirty & which);
    slab->free &= ~which;
    slab->dirty &= ~which;
    if (slab->kind != kind_of(slab)) {
        unlink_slab_locked(slab);
        link_slab_locked(slab);
    }
}

static void push_locked(struct wf_stack *stack)
{
    uint64_t which = (uint64_t)1 << stack->index;
    add_free_locked(stack->slab, which, stack->is_dirty ? which : 0);
}

/* NULL when there is none just now. */
static struct wf_stack *pop_locked(void)
{
    struct wf_slab *slab = NULL;
    for (int kind = WF_SLAB_WARM; slab == NULL && kind < WF_SLAB_KINDS; kind++)
        slab = pool.slabs[kind].first;
    if (slab == NULL)
        return NULL;
    bool is_dirty = slab->dirty != 0;
    unsigned i = (unsigned)__builtin_ctzll(is_dirty ? slab->dirty : slab->free);
    remove_free_locked(slab, (uint64_t)1 << i);
    slab->stacks[i].is_dirty = is_dirty;
    return &slab->stacks[i];
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

static size_t n_in_use_locked(void) { return pool.n_mapped - pool.n_free - pool.n_trimming; }

/* ---- giving memory back ---- */

/* Drops the lock while it releases: the stacks are not free, and S2 knows of them. */
static void release_locked(struct wf_slab *slab)
{
    uint64_t which = slab->dirty;
    remove_free_locked(slab, which);
    pool.n_trimming += count(which);
    unlock_pool();
    wf_slab_release(slab, which);
    lock_pool();
    pool.n_trimming -= count(which);
    pool.n_trimmed += count(which);
    add_free_locked(slab, which, 0);
}

/* Drops the lock while it unmaps what nobody knows of any more. Its own credits are the pool's, as
 * all of its stacks are (S1), and go with it. */
static void unmap_locked(struct wf_slab *slab)
{
    pool.n_trimmed += count(slab->dirty);
    remove_free_locked(slab, WF_SLAB_ALL);
    unlink_slab_locked(slab);
    pool.n_mapped -= WF_SLAB_STACKS;
    pool.n_credits -= WF_SLAB_STACKS;
    unlock_pool();
    wf_slab_unmap(slab);
    lock_pool();
}

/* A wholly free slab, if there are many more credits than are given out. */
static struct wf_slab *spare_locked(void)
{
    size_t n_given_out = pool.n_mapped - pool.n_credits;
    if (pool.n_credits <= FREE_KEEP + n_given_out)
        return NULL;
    struct wf_slab *slab = pool.slabs[WF_SLAB_IDLE_WARM].last;
    return slab != NULL ? slab : pool.slabs[WF_SLAB_IDLE_CLEAN].last;
}

/* One with more dirty stacks than are worth keeping. */
static struct wf_slab *too_warm_locked(void)
{
    struct wf_slab *slab = pool.slabs[WF_SLAB_IDLE_WARM].last;
    if (pool.n_dirty > DIRTY_KEEP && slab != NULL)
        return slab;
    return pool.n_dirty > DIRTY_KEEP + n_in_use_locked() ? pool.slabs[WF_SLAB_WARM].last : NULL;
}

static void note_surplus_locked(void)
{
    bool has_surplus = spare_locked() != NULL || too_warm_locked() != NULL;
    size_t surplus = has_surplus ? pool.n_free : 0;
    if (surplus != wf_load_rlx(&pool.surplus))
        wf_store_rlx(&pool.surplus, surplus);
}

/* A slab's worth. */
static bool trim_locked(void)
{
    struct wf_slab *slab = spare_locked();
    if (slab != NULL)
        unmap_locked(slab);
    else if ((slab = too_warm_locked()) != NULL)
        release_locked(slab);
    note_surplus_locked();
    return slab != NULL;
}

/* After stacks or credits have come back: to a worker's pool, or (cache NULL) from a plain thread. */
static void settle_locked(const struct wf_stack_cache *cache)
{
    note_surplus_locked();
    for (unsigned n = 0; cache == NULL && n < TRIM_AT_ONCE && trim_locked(); n++)
        continue;
}

size_t wf_stack_surplus(void) { return wf_load_rlx(&pool.surplus); }

bool wf_stack_trim(void)
{
    lock_pool();
    bool has_trimmed = trim_locked();
    unlock_pool();
    return has_trimmed;
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
    link_slab_locked(slab);
    add_free_locked(slab, WF_SLAB_ALL >> (WF_SLAB_STACKS - n_usable), 0);
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
    for (unsigned i = 0; i < n_stacks; i++)
        push_locked(cache->stacks[i]);
    cache->n_stacks -= n_stacks;
    memmove(cache->stacks, cache->stacks + n_stacks, cache->n_stacks * sizeof(cache->stacks[0]));
    settle_locked(cache);
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
    settle_locked(cache);
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
        settle_locked(cache);
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
    for (int kind = 0; kind < WF_SLAB_KINDS; kind++) {
        struct wf_slab *slab = pool.slabs[kind].first, *next;
        pool.slabs[kind] = (struct list){ 0 };
        for (; slab != NULL; slab = next) {
            next = slab->next;
            wf_slab_unmap(slab);
        }
    }
    pool.n_free = pool.n_dirty = 0;
    pool.n_mapped = pool.n_credits = pool.n_trimmed = 0;
    wf_store_rlx(&pool.surplus, (size_t)0);
}

void wf_stack_info(struct wf_stack_info *out)
{
    lock_pool();
    *out = (struct wf_stack_info){
        .mapped = pool.n_mapped,
        .in_use = n_in_use_locked(),
        .cached = pool.n_dirty,
        .trimmed = pool.n_trimmed,
        .credit_limit = pool.limit,
        .guard_by_madvise = pool.guard_by_madvise,
    };
    unlock_pool();
}
