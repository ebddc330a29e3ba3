/* SPDX-License-Identifier: MIT
 * The stack pool: credits that end cleanly, guards that hold, memory that goes back. */
#include "wt_test.h"

#include "plat/atomic.h"
#include "plat/mem.h"
#include "plat/stack.h"
#include "plat/sys.h"
#include "plat/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GUARD_INSTALL = 102 };

static struct wf_stack_info info(void)
{
    struct wf_stack_info now;
    wf_stack_info(&now);
    return now;
}

/* Whether touching the address kills a process. */
static bool kills(char *address)
{
    int status;
    fflush(NULL);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *)address = 1;
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0)
        ck_assert_int_eq(errno, EINTR);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void expect_guarded(struct wf_stack *stack)
{
    char *low = wf_stack_low(stack), *top = wf_stack_top(stack);
    ck_assert(kills(low - 1));
    ck_assert(kills(low - WF_STACK_GUARD));
    ck_assert(kills(low - WF_STACK_GUARD / 2));
    ck_assert(!kills(low));
    ck_assert(!kills(top - 1));
    ck_assert(wf_stack_guard_holds(stack, low - 1));
    ck_assert(wf_stack_guard_holds(stack, low - WF_STACK_GUARD));
    ck_assert(!wf_stack_guard_holds(stack, low));
    ck_assert(!wf_stack_guard_holds(stack, low - WF_STACK_GUARD - 1));
}

static void expect_nothing_out(void)
{
    ck_assert_uint_eq(info().in_use, 0);
    wf_stack_pool_stop();
}

/* ---- failures, through the table ------------------------------------------------------------- */

static int refuse_guards(void *base, size_t size, int advice)
{
    return advice == GUARD_INSTALL ? -EINVAL : wf_sys_real.advise(base, size, advice);
}

static int feign_guards(void *base, size_t size, int advice)
{
    return advice == GUARD_INSTALL ? 0 : wf_sys_real.advise(base, size, advice);
}

static int n_protects_left;

static int protect_some(void *base, size_t size)
{
    return n_protects_left-- > 0 ? wf_sys_real.protect_none(base, size) : -ENOMEM;
}

static void *refuse_memory(size_t size)
{
    (void)size;
    return NULL;
}

/* ---- stacks ----------------------------------------------------------------------------------- */

WT_TEST(sizes_are_checked_and_rounded)
{
    ck_assert_int_eq(wf_stack_pool_start(0, 0), -EINVAL);
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_MAX + 1, 0), -EINVAL);
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_MIN + 1, 1), 0);
    ck_assert_int_eq(wf_stack_credit_take(NULL), 0);
    struct wf_stack *stack = wf_stack_take(NULL);
    ck_assert_uint_gt(wf_stack_size(stack), WF_STACK_MIN);
    ck_assert_uint_eq(wf_stack_size(stack) % 4096, 0);
    ck_assert_uint_eq((uintptr_t)wf_stack_low(stack) % 4096, 0);
    wf_stack_give(NULL, stack);
    wf_stack_credit_give(NULL);
    expect_nothing_out();
}

WT_TEST(stacks_are_apart_and_their_tops_spread)
{
    enum { N = 150 };
    struct wf_stack *stacks[N];
    unsigned n_of_line[64] = { 0 };
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_DEFAULT, 0), 0);
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(wf_stack_credit_take(NULL), 0);
        stacks[i] = wf_stack_take(NULL);
        char *low = wf_stack_low(stacks[i]), *top = wf_stack_top(stacks[i]);
        ck_assert_uint_le((size_t)(low + wf_stack_size(stacks[i]) - top), 1024);
        n_of_line[(uintptr_t)top / 64 % 64]++;
        memset(low, i + 1, 64);
        memset(top - 64, i + 1, 64);
    }
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(((char *)wf_stack_low(stacks[i]))[63], (char)(i + 1));
        ck_assert_int_eq(((char *)wf_stack_top(stacks[i]))[-64], (char)(i + 1));
    }
    for (int i = 0; i < 64; i++)
        ck_assert_uint_le(n_of_line[i], 2 * N / 16);
    for (int i = 0; i < N; i++) {
        wf_stack_give(NULL, stacks[i]);
        wf_stack_credit_give(NULL);
    }
    expect_nothing_out();
}

static void use_guards(void)
{
    struct wf_stack *stacks[3];
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(wf_stack_credit_take(NULL), 0);
        stacks[i] = wf_stack_take(NULL);
        expect_guarded(stacks[i]);
    }
    for (int i = 0; i < 3; i++) {
        wf_stack_give(NULL, stacks[i]);
        wf_stack_credit_give(NULL);
    }
    /* The same one again. */
    ck_assert_int_eq(wf_stack_credit_take(NULL), 0);
    struct wf_stack *stack = wf_stack_take(NULL);
    expect_guarded(stack);
    wf_stack_give(NULL, stack);
    wf_stack_credit_give(NULL);
}

WT_TEST(guards_hold)
{
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_DEFAULT, 0), 0);
    use_guards();
    expect_nothing_out();
}

WT_TEST(guards_hold_by_mprotect)
{
    wf_sys.advise = refuse_guards;
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_DEFAULT, 0), 0);
    ck_assert(!info().guard_by_madvise);
    use_guards();
    expect_nothing_out();
}

WT_TEST(a_guard_that_only_seems_to_be_is_not_trusted)
{
    wf_sys.advise = feign_guards;
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_DEFAULT, 0), 0);
    ck_assert(!info().guard_by_madvise);
    use_guards();
    expect_nothing_out();
}

WT_TEST(a_guard_refused_later_is_made_by_mprotect)
{
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_DEFAULT, 0), 0);
    wf_sys.advise = refuse_guards;
    use_guards();
    expect_nothing_out();
}

static void take_unguardable(void *arg)
{
    (void)arg;
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_DEFAULT, 0), 0);
    ck_assert_int_eq(wf_stack_credit_take(NULL), 0);
    wf_sys.advise = refuse_guards;
    wf_sys.protect_none = protect_some;
    n_protects_left = 0;
    (void)wf_stack_take(NULL);
}

WT_TEST(a_stack_without_a_guard_is_never_used)
{
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_DEFAULT, 0), 0);
    bool by_madvise = info().guard_by_madvise;
    wf_stack_pool_stop();
    if (!by_madvise)
        wt_skip("guards are made when a slab is mapped here");
    wt_expect_abort(take_unguardable, NULL, "refuses to guard");
}

WT_TEST(a_stack_mapped_alone)
{
    size_t sizes[] = { 1, WF_STACK_MIN, (size_t)3 * 1024 * 1024 + 1 };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct wf_stack *stack = wf_stack_map(sizes[i]);
        ck_assert_ptr_nonnull(stack);
        ck_assert_uint_ge(wf_stack_size(stack), sizes[i]);
        ck_assert_uint_ge(wf_stack_size(stack), WF_STACK_MIN);
        expect_guarded(stack);
        wf_stack_unmap(stack);
    }
    size_t n_live = wf_mem_live();
    ck_assert_ptr_null(wf_stack_map(WF_STACK_MAX + 1));
    wf_sys.map = refuse_memory;
    ck_assert_ptr_null(wf_stack_map(WF_STACK_MIN));
    wf_sys.map = wf_sys_real.map;
    wf_sys.protect_none = protect_some;
    n_protects_left = 0;
    ck_assert_ptr_null(wf_stack_map(WF_STACK_MIN));
    wf_sys.alloc = refuse_memory;
    ck_assert_ptr_null(wf_stack_map(WF_STACK_MIN));
    wf_sys.alloc = wf_sys_real.alloc; /* for the end of the test */
    ck_assert_uint_eq(wf_mem_live(), n_live);
}

/* ---- credits ---------------------------------------------------------------------------------- */

WT_TEST(credits_end_at_the_limit)
{
    struct wf_stack_cache cache = { 0 };
    for (size_t limit = 1; limit < 300; limit += 37) {
        ck_assert_int_eq(wf_stack_pool_start(WF_STACK_MIN, limit), 0);
        ck_assert_uint_eq(info().credit_limit, limit);
        for (int round = 0; round < 3; round++) {
            struct wf_stack_cache *mine = round == 1 ? NULL : &cache;
            for (size_t i = 0; i < limit; i++)
                ck_assert_int_eq(wf_stack_credit_take(mine), 0);
            ck_assert_int_eq(wf_stack_credit_take(mine), -ENOMEM);
            ck_assert_int_eq(wf_stack_credit_take(NULL), -ENOMEM);
            for (size_t i = 0; i < limit; i++)
                wf_stack_credit_give(mine);
        }
        wf_stack_cache_flush(&cache);
        expect_nothing_out();
    }
}

WT_TEST(every_credit_has_its_stack)
{
    enum { LIMIT = 1000 };
    static struct wf_stack *stacks[LIMIT];
    struct wf_stack_cache caches[4] = { 0 };
    size_t n_taken = 0;
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_MIN, LIMIT), 0);
    for (int round = 0; round < 50; round++) {
        size_t wanted = wt_random_below(LIMIT + 1);
        for (; n_taken < wanted; n_taken++) {
            int rc = wf_stack_credit_take(&caches[wt_random_below(4)]);
            if (rc == -ENOMEM) /* the rest is in caches */
                break;
            ck_assert_int_eq(rc, 0);
            stacks[n_taken] = wf_stack_take(&caches[wt_random_below(4)]);
            *(char *)wf_stack_low(stacks[n_taken]) = 1;
        }
        while (n_taken > wanted) {
            wf_stack_give(&caches[wt_random_below(4)], stacks[--n_taken]);
            wf_stack_credit_give(&caches[wt_random_below(4)]);
        }
        ck_assert_uint_le(info().mapped, LIMIT);
        for (int i = 0; i < 4; i++) {
            ck_assert_uint_le(caches[i].n_stacks, WF_STACK_CACHE);
            ck_assert_uint_le(caches[i].n_stacks, caches[i].n_credits);
        }
    }
    for (int i = 0; i < 4; i++)
        wf_stack_cache_flush(&caches[i]);
    ck_assert_uint_eq(info().in_use, n_taken);
    while (n_taken > 0) {
        wf_stack_give(NULL, stacks[--n_taken]);
        wf_stack_credit_give(NULL);
    }
    /* With the caches empty all credits are to be had again. */
    for (size_t i = 0; i < LIMIT; i++)
        ck_assert_int_eq(wf_stack_credit_take(NULL), 0);
    ck_assert_int_eq(wf_stack_credit_take(NULL), -ENOMEM);
    expect_nothing_out();
}

WT_TEST(a_refused_mapping_is_no_memory_and_not_for_ever)
{
    struct wf_stack_cache cache = { 0 };
    size_t n_live = wf_mem_live();
    wf_sys.advise = refuse_guards;
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_DEFAULT, 0), 0);
    wf_sys.map = refuse_memory;
    ck_assert_int_eq(wf_stack_credit_take(&cache), -ENOMEM);
    wf_sys.map = wf_sys_real.map;
    wf_sys.protect_none = protect_some;
    n_protects_left = 40;
    ck_assert_int_eq(wf_stack_credit_take(NULL), -ENOMEM);
    ck_assert_uint_eq(wf_mem_live(), n_live);
    n_protects_left = 64;
    ck_assert_int_eq(wf_stack_credit_take(NULL), 0);
    ck_assert_uint_eq(info().mapped, 64);
    wf_stack_credit_give(NULL);
    expect_nothing_out();
}

WT_TEST(mprotect_leaves_mappings_for_the_program)
{
    if (wt_scaled(10) == 1)
        wt_skip("valgrind has fewer mappings than the kernel");
    wf_sys.advise = refuse_guards;
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_MIN, 0), 0);
    size_t limit = info().credit_limit, n = 0;
    if (limit > 100000)
        wt_skip("vm.max_map_count is very large here");
    while (wf_stack_credit_take(NULL) == 0)
        n++;
    ck_assert_uint_eq(n, limit);
    /* There is room yet. */
    void *maps[100];
    for (int i = 0; i < 100; i++) {
        maps[i] = mmap(NULL, 4096, i % 2 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                       0);
        ck_assert_ptr_ne(maps[i], MAP_FAILED);
    }
    for (int i = 0; i < 100; i++)
        munmap(maps[i], 4096);
    expect_nothing_out();
}

/* ---- caches and memory ------------------------------------------------------------------------ */

WT_TEST(a_cache_keeps_stacks_until_it_is_flushed)
{
    struct wf_stack_cache cache = { 0 };
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_DEFAULT, 0), 0);
    ck_assert_int_eq(wf_stack_credit_take(&cache), 0);
    struct wf_stack *stack = wf_stack_take(&cache);
    wf_stack_give(&cache, stack);
    wf_stack_credit_give(&cache);
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(wf_stack_credit_take(&cache), 0);
        ck_assert(wf_stack_take(&cache) == stack);
        wf_stack_give(&cache, stack);
        wf_stack_credit_give(&cache);
    }
    ck_assert_uint_gt(info().in_use, 0);
    wf_stack_cache_flush(&cache);
    ck_assert_uint_eq(cache.n_stacks, 0);
    ck_assert_uint_eq(cache.n_credits, 0);
    expect_nothing_out();
}

static size_t resident_size(void)
{
    unsigned long total, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%lu %lu", &total, &resident), 2);
    fclose(file);
    return resident * 4096;
}

/* What stays in the pool, and the slab that came back last. */
enum { KEPT_WARM = 1024 + 64 };

/* Takes n stacks, touches 16 KiB of each, gives all but every keep-th back in a random order. */
static void burst(struct wf_stack **stacks, size_t n, size_t keep)
{
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(wf_stack_credit_take(NULL), 0);
        stacks[i] = wf_stack_take(NULL);
        memset((char *)wf_stack_top(stacks[i]) - 16384, 1, 16384);
    }
    for (size_t i = n; i-- > 1;) {
        size_t j = wt_random_below(i + 1);
        struct wf_stack *other = stacks[i];
        stacks[i] = stacks[j];
        stacks[j] = other;
    }
    for (size_t i = 0; i < n; i++) {
        if (keep != 0 && i % keep == 0)
            continue;
        wf_stack_give(NULL, stacks[i]);
        wf_stack_credit_give(NULL);
    }
}

WT_TEST(memory_goes_back_after_a_burst)
{
    enum { N = 6000, KEEP = 100 };
    static struct wf_stack *stacks[N];
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_DEFAULT, 0), 0);
    size_t before = resident_size();
    burst(stacks, N, 0);
    ck_assert_uint_le(info().cached, KEPT_WARM);
    ck_assert_uint_ge(info().trimmed, N - KEPT_WARM);
#if !defined(WF_ASAN) && !defined(WF_TSAN)
    ck_assert_uint_le(resident_size(), before + (size_t)N * 16384 / 2);
#else
    (void)before;
#endif

    /* Some that stay must not hold their neighbours' memory. */
    burst(stacks, N, KEEP);
    ck_assert_uint_le(info().cached, KEPT_WARM + N / KEEP);
    for (size_t i = 0; i < N; i += KEEP) {
        ck_assert_int_eq(*((char *)wf_stack_top(stacks[i]) - 1), 1);
        wf_stack_give(NULL, stacks[i]);
        wf_stack_credit_give(NULL);
    }
    expect_nothing_out();
}

/* ---- the rest of a burst, by what is asked of the system -------------------------------------- */

static void take_all(struct wf_stack **stacks, int n)
{
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(wf_stack_credit_take(NULL), 0);
        stacks[i] = wf_stack_take(NULL);
    }
}

static void give_all(struct wf_stack **stacks, int n)
{
    for (int i = 0; i < n; i++) {
        wf_stack_give(NULL, stacks[i]);
        wf_stack_credit_give(NULL);
    }
}

static struct {
    size_t n_advised, n_unmapped; /* calls */
    size_t largest;               /* bytes in one of them */
} released;

static int count_advice(void *base, size_t size, int advice)
{
    if (advice == MADV_DONTNEED) {
        released.n_advised++;
        released.largest = WF_MAX(released.largest, size);
    }
    return wf_sys_real.advise(base, size, advice);
}

static int count_unmaps(void *base, size_t size)
{
    released.n_unmapped++;
    released.largest = WF_MAX(released.largest, size);
    return wf_sys_real.unmap(base, size);
}

/* Of a plain thread's burst: no later call, no thread of ours, no time. */
WT_TEST(slabs_go_back_when_far_more_are_free_than_used)
{
    enum { N = 8000, KEPT = 4096 + 3 * 64, SLAB = 64 * (16384 + 65536) + 65536 };
    static struct wf_stack *stacks[N];
    wf_sys.advise = count_advice;
    wf_sys.unmap = count_unmaps;
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_MIN, 0), 0);
    if (!info().guard_by_madvise)
        wt_skip("that many guards are a mapping each here");
    released.n_advised = released.n_unmapped = released.largest = 0;
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(wf_stack_credit_take(NULL), 0);
        stacks[i] = wf_stack_take(NULL);
        *((char *)wf_stack_top(stacks[i]) - 1) = 1;
    }
    ck_assert_uint_ge(info().mapped, N);
    ck_assert_uint_eq(released.n_advised + released.n_unmapped, 0);
    give_all(stacks, N);
    ck_assert_uint_le(info().mapped, KEPT);
    ck_assert_uint_ge(info().mapped, 4096);
    ck_assert_uint_le(info().cached, KEPT_WARM);
    ck_assert_uint_ge(info().trimmed, N - KEPT_WARM);
    ck_assert_uint_ge(released.n_unmapped, (N - KEPT) / 64);
    ck_assert_uint_le(released.n_advised, N / 64); /* by ranges */
    ck_assert_uint_le(released.largest, SLAB);     /* and in small bits */

    /* What is left is guarded, what is mapped again as well. */
    take_all(stacks, N);
    expect_guarded(stacks[0]);
    expect_guarded(stacks[N - 1]);
    give_all(stacks, N);
    expect_nothing_out();
}

/* What a worker's tasks leave behind costs it no system call. */
WT_TEST(who_is_idle_gives_back_what_others_leave)
{
    enum { N = 8000, KEPT = 4096 + 7 * 64 }; /* besides what the cache keeps */
    static struct wf_stack *stacks[N];
    struct wf_stack_cache cache = { 0 };
    wf_sys.advise = count_advice;
    wf_sys.unmap = count_unmaps;
    ck_assert_int_eq(wf_stack_pool_start(WF_STACK_MIN, 0), 0);
    if (!info().guard_by_madvise)
        wt_skip("that many guards are a mapping each here");
    for (int i = 0; i < N; i++) {
        ck_assert_int_eq(wf_stack_credit_take(&cache), 0);
        stacks[i] = wf_stack_take(&cache);
        *((char *)wf_stack_top(stacks[i]) - 1) = 1;
    }
    ck_assert(!wf_stack_trim());
    released.n_advised = released.n_unmapped = 0;
    for (int i = 0; i < N; i++) {
        wf_stack_give(&cache, stacks[i]);
        wf_stack_credit_give(&cache);
    }
    ck_assert_uint_eq(released.n_advised + released.n_unmapped, 0);
    ck_assert_uint_ge(info().cached, N - WF_STACK_CACHE);
    ck_assert_uint_ge(wf_stack_surplus(), N - WF_STACK_CACHE);

    for (size_t before = info().cached; wf_stack_trim(); before = info().cached)
        ck_assert_uint_ge(info().cached + 64, before); /* in small bits */
    ck_assert_uint_eq(wf_stack_surplus(), 0);
    ck_assert_uint_le(released.n_advised + released.n_unmapped, N / 64 + 1); /* by ranges */
    ck_assert_uint_le(info().mapped, KEPT);
    ck_assert_uint_le(info().cached, KEPT_WARM);
    wf_stack_cache_flush(&cache);
    expect_nothing_out();
}

WT_TEST(guards_outlive_a_trim)
{
    enum { N = 1300 };
    struct wf_stack *stacks[N];
    /* Small ones: valgrind looks through all of them whenever one of our children dies. */
    ck_assert_int_eq(wf_stack_pool_start(2 * WF_STACK_MIN, N), 0);
    burst(stacks, N, 0);
    ck_assert_uint_gt(info().trimmed, 0);
    take_all(stacks, N);
    for (size_t i = 0; i < N; i += N / wt_scaled(10))
        expect_guarded(stacks[i]);
    give_all(stacks, N);
    expect_nothing_out();
}

/* ---- several threads -------------------------------------------------------------------------- */

enum { N_THREADS = 4, HELD = 200 };

static void churn(void *arg)
{
    static _Atomic unsigned seeds;
    unsigned state = wf_add_rlx(&seeds, 1U) * 2654435761U + 1, n_turns = *(unsigned *)arg;
    struct wf_stack_cache cache = { 0 };
    struct wf_stack *held[HELD];
    unsigned n = 0;
    for (unsigned i = 0; i < n_turns; i++) {
        state = state * 1664525 + 1013904223;
        bool up = state >> 16 & (i / 500 % 2 ? 1 : 3);
        if (up && n < HELD && wf_stack_credit_take(&cache) == 0) {
            held[n] = wf_stack_take(&cache);
            *((char *)wf_stack_top(held[n++]) - 1) = 1;
        } else if (n > 0) {
            wf_stack_give(&cache, held[--n]);
            wf_stack_credit_give(&cache);
        } else {
            (void)wf_stack_trim();
        }
    }
    while (n > 0) {
        wf_stack_give(&cache, held[--n]);
        wf_stack_credit_give(&cache);
    }
    wf_stack_cache_flush(&cache);
}

WT_TEST(threads_share_the_pool)
{
    struct wf_os_thread threads[N_THREADS];
    unsigned n_turns = wt_scaled(200000);
    /* Less than they want, so that they meet at the limit. */
    for (size_t limit = 64; limit <= 1024; limit *= 4) {
        ck_assert_int_eq(wf_stack_pool_start(WF_STACK_MIN, limit), 0);
        for (int i = 0; i < N_THREADS; i++)
            ck_assert_int_eq(wf_thread_create(&threads[i], "churn", churn, &n_turns), 0);
        for (int i = 0; i < N_THREADS; i++)
            wf_thread_join(&threads[i]);
        ck_assert_uint_le(info().mapped, limit);
        expect_nothing_out();
    }
}

WT_MAIN("plat_stack")
