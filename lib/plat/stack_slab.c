/* SPDX-License-Identifier: MIT
 * Mapping, describing, guarding and releasing stacks.
 *
 *   slab   [a page: struct wf_slab][guard][stack 0][guard][stack 1] ... [guard][stack 63]
 *
 * The first page also moves the slots off a 2 MiB boundary, where the kernel likes to put large
 * mappings. Within its slot a stack's top is `colour` cache lines below the end, so that the hottest
 * lines of many tasks do not meet in the same few cache sets.
 *
 * Rejected: the description in memory of the allocator. That of a million stacks, 64 MB, stayed
 * there when the slabs were gone. */
#include "plat/stack_slab.h"

#include "plat/mem.h"
#include "plat/sanitizer.h"
#include "plat/stack_guard.h"
#include "plat/sys.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    COLOURS = 16,
    COLOUR_STEP = 5, /* odd: neighbours differ by more than the prefetcher's reach */
};

_Static_assert(sizeof(struct wf_slab) <= 4096, "a slab's description does not fit into its page");

void wf_stack_die(const char *sentence)
{
    (void)!write(STDERR_FILENO, sentence, strlen(sentence));
    abort();
}

static void *map_untouched(size_t size)
{
    void *base = wf_sys.map(size);
    /* A huge page would commit 2 MiB at the first touch. Kernels without them refuse: fine. */
    if (base != NULL)
        (void)wf_sys.advise(base, size, MADV_NOHUGEPAGE);
    return base;
}

static void describe(struct wf_slab *slab, size_t stack_size, size_t n_before)
{
    char *slot = (char *)slab + wf_page_size();
    for (size_t i = 0; i < WF_SLAB_STACKS; i++, slot += WF_STACK_GUARD + stack_size) {
        struct wf_stack *stack = &slab->stacks[i];
        stack->low = slot + WF_STACK_GUARD;
        stack->size = stack_size;
        stack->slab = slab;
        stack->colour = (uint8_t)((n_before + i) * COLOUR_STEP % COLOURS);
        stack->index = (uint8_t)i;
        stack->valgrind_id = wf_san_stack_new(stack->low, stack_size);
    }
}

static bool guard_all(struct wf_slab *slab)
{
    for (size_t i = 0; i < WF_SLAB_STACKS; i++) {
        struct wf_stack *stack = &slab->stacks[i];
        if (wf_guard_by_mprotect(stack->low - WF_STACK_GUARD, WF_STACK_GUARD) < 0)
            return false;
        stack->is_guarded = true;
    }
    return true;
}

struct wf_slab *wf_slab_map(size_t stack_size, bool guard_later, size_t n_before)
{
    size_t size = wf_page_size() + WF_SLAB_STACKS * (WF_STACK_GUARD + stack_size);
    struct wf_slab *slab = map_untouched(size);
    if (slab == NULL)
        return NULL;
    slab->size = size;
    describe(slab, stack_size, n_before);
    if (!guard_later && !guard_all(slab)) {
        wf_slab_unmap(slab);
        return NULL;
    }
    return slab;
}

void wf_slab_unmap(struct wf_slab *slab)
{
    for (size_t i = 0; i < WF_SLAB_STACKS; i++)
        wf_san_stack_gone(slab->stacks[i].valgrind_id);
    (void)wf_sys.unmap(slab, slab->size);
}

void wf_slab_release(struct wf_slab *slab, uint64_t which)
{
    /* Neighbours go in one call: their guards lie between them, and stay. */
    for (unsigned first = 0, end; first < WF_SLAB_STACKS; first = end + 1) {
        for (end = first; end < WF_SLAB_STACKS && (which >> end & 1); end++)
            ;
        if (end == first)
            continue;
        char *low = slab->stacks[first].low;
        char *high = slab->stacks[end - 1].low + slab->stacks[end - 1].size;
        /* Fails for locked memory, which then simply stays. */
        (void)wf_sys.advise(low, (size_t)(high - low), MADV_DONTNEED);
    }
}

void wf_stack_guard(struct wf_stack *stack)
{
    void *guard = stack->low - WF_STACK_GUARD;
    if (wf_guard_by_madvise(guard, WF_STACK_GUARD) < 0 &&
        wf_guard_by_mprotect(guard, WF_STACK_GUARD) < 0)
        wf_stack_die("weft: the kernel refuses to guard a task's stack; out of memory?\n");
    stack->is_guarded = true;
}

struct wf_stack *wf_stack_map(size_t size)
{
    size_t page = wf_page_size();
    if (size > WF_STACK_MAX)
        return NULL;
    size = (WF_MAX(size, WF_STACK_MIN) + page - 1) & ~(page - 1);
    struct wf_stack *stack = wf_alloc(1, sizeof(*stack));
    if (stack == NULL)
        return NULL;
    char *base = map_untouched(WF_STACK_GUARD + size);
    /* Always by mprotect: one mapping more matters little to who asked for its own. */
    if (base == NULL || wf_guard_by_mprotect(base, WF_STACK_GUARD) < 0) {
        if (base != NULL)
            (void)wf_sys.unmap(base, WF_STACK_GUARD + size);
        wf_free(stack);
        return NULL;
    }
    stack->low = base + WF_STACK_GUARD;
    stack->size = size;
    stack->is_guarded = true;
    stack->valgrind_id = wf_san_stack_new(stack->low, size);
    wf_san_stack_used(stack->low, size);
    return stack;
}

void wf_stack_unmap(struct wf_stack *stack)
{
    wf_san_stack_unused(stack->low, stack->size);
    wf_san_stack_gone(stack->valgrind_id);
    (void)wf_sys.unmap(stack->low - WF_STACK_GUARD, WF_STACK_GUARD + stack->size);
    wf_free(stack);
}

void *wf_stack_low(const struct wf_stack *stack) { return stack->low; }

void *wf_stack_top(const struct wf_stack *stack)
{
    return stack->low + stack->size - (size_t)stack->colour * WF_CACHE_LINE;
}

size_t wf_stack_size(const struct wf_stack *stack) { return stack->size; }

bool wf_stack_guard_holds(const struct wf_stack *stack, const void *address)
{
    uintptr_t low = (uintptr_t)stack->low, at = (uintptr_t)address;
    return at < low && low - at <= WF_STACK_GUARD;
}
