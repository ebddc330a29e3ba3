/* SPDX-License-Identifier: MIT
 * Slabs of 64 stacks, and stacks mapped alone. For stack.c, whose pool hands them out. */
#ifndef WF_PLAT_STACK_SLAB_H
#define WF_PLAT_STACK_SLAB_H

#include "plat/stack.h"

enum { WF_SLAB_STACKS = 64 };
#define WF_SLAB_ALL UINT64_MAX /* bit i is stack i */

/* In this order stacks are taken. */
enum wf_slab_kind {
    WF_SLAB_BUSY,       /* none is free */
    WF_SLAB_WARM,       /* some are, with memory */
    WF_SLAB_IDLE_WARM,  /* all are, some with memory */
    WF_SLAB_CLEAN,      /* some are, none with memory */
    WF_SLAB_IDLE_CLEAN, /* all are, none with memory */
    WF_SLAB_KINDS
};

struct wf_slab;

struct wf_stack {
    /* Constant once mapped. */
    char *low;
    size_t size;
    struct wf_slab *slab; /* NULL: mapped alone */
    unsigned valgrind_id;
    uint8_t colour; /* cache lines that the top is below low + size */
    uint8_t index;  /* in its slab */

    /* The holder's: whoever took it, or the pool under its lock. */
    bool is_guarded;
    bool is_dirty; /* its memory may be committed; while it is free, the slab knows */
};

/* Lies in the slab's own first page. */
struct wf_slab {
    size_t size; /* of the mapping that begins here; constant */

    /* The pool's, under its lock. */
    struct wf_slab *next, *prev;
    enum wf_slab_kind kind; /* that of its list */
    uint64_t free, dirty;   /* which of its stacks; the dirty ones are free as well */

    struct wf_stack stacks[WF_SLAB_STACKS];
};

/* A slab of stacks of stack_size, NULL when the system refuses. Guarded at once unless
 * guard_later, in which case each of its stacks needs wf_stack_guard() before its first use. */
struct wf_slab *wf_slab_map(size_t stack_size, bool guard_later, size_t n_before);
void wf_slab_unmap(struct wf_slab *slab);

/* Gives the memory of the slab's stacks i with (which >> i & 1) back to the system. */
void wf_slab_release(struct wf_slab *slab, uint64_t which);

/* Guards a stack by whatever works. Aborts with a sentence when nothing does. */
void wf_stack_guard(struct wf_stack *stack);

/* Last words of the stack layer: writes the sentence and aborts. */
WF_COLD WF_NORETURN void wf_stack_die(const char *sentence);

#endif
