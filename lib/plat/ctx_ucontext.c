/* SPDX-License-Identifier: MIT
 * Contexts over ucontext, for CPUs without an assembly file and as a second opinion in tests.
 *
 * swapcontext can't store anything once it has left, so the arriving side does it for the leaver:
 * whoever switches writes its own wf_ctx, and what its sp becomes, into the record of the one it
 * switches to, and that one stores the leaver's sp first of all. The record lies on the stack that is left, in the frame of
 * wf_ctx_switch(), and is what sp points to. Nothing here depends on the OS thread, so a context
 * may go on elsewhere.
 *
 * What differs from the assembly: the signal mask is switched too, at two system calls' cost.
 *
 * Rejected: setjmp and longjmp between stacks. Fortified glibc aborts on it, and TSan. */
#ifndef WF_CTX_UCONTEXT /* else the build says so */
#define WF_CTX_UCONTEXT 1
#endif
#include "plat/ctx.h"

#include "plat/sanitizer.h"

#include <ucontext.h>

/* The record is as large as the kernel's register state: 1 KiB on x86-64, 4.5 on aarch64. */
#pragma GCC diagnostic ignored "-Wframe-larger-than="

/* Written by its own context before it leaves, then by the one that switches to it. */
struct record {
    ucontext_t registers;
    struct wf_ctx *leaver; /* whose sp this context stores when it arrives, */
    void *leaver_sp;       /* and this is its value */
    void (*entry)(void *arg);
    void *arg;
};

_Static_assert(sizeof(struct record) < 6 * 1024, "leaves most of the smallest stack");

WF_SAN_INLINE struct record *prepare(struct wf_ctx *from, void *from_sp, struct wf_ctx *to,
                                     bool last)
{
    struct record *next = wf_load_acq_raw(&to->sp);
    wf_store_rel_raw(&to->sp, NULL);
    next->leaver = from;
    next->leaver_sp = from_sp;
    wf_store_rel_unseen(&from->sp);
    wf_san_leave(from, to, last);
    return next;
}

WF_SAN_INLINE void announce(struct record *mine)
{
    /* release [ctx-left] */
    wf_store_rel_raw(&mine->leaver->sp, mine->leaver_sp);
}

static void reset_fp_control(void)
{
#if defined(__x86_64__)
    uint32_t mxcsr = 0x1f80;
    uint16_t x87_cw = 0x037f;
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(x87_cw));
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
#endif
}

/* makecontext passes ints, so the record's address comes in two. */
WF_UNINSTRUMENTED static void begin(unsigned high, unsigned low)
{
    struct record *mine = (struct record *)(((uintptr_t)high << 16 << 16) | low);
    wf_san_begin();
    announce(mine);
    reset_fp_control();
    mine->entry(mine->arg);
    __builtin_trap(); /* entry ends with wf_ctx_exit */
}

void wf_ctx_make(struct wf_ctx *ctx, void *low, void *top, void (*entry)(void *arg), void *arg)
{
    wf_san_make_begin(ctx, low, top);
    uintptr_t end = ((uintptr_t)top - sizeof(struct record)) & ~(uintptr_t)63;
    struct record *mine = (struct record *)end;
    mine->leaver = NULL;
    mine->entry = entry;
    mine->arg = arg;
    getcontext(&mine->registers);
    mine->registers.uc_link = NULL;
    mine->registers.uc_stack.ss_sp = low;
    mine->registers.uc_stack.ss_size = end - (uintptr_t)low;
    makecontext(&mine->registers, (void (*)(void))begin, 2, (unsigned)((uintptr_t)mine >> 16 >> 16),
                (unsigned)(uintptr_t)mine);
    atomic_init(&ctx->sp, (void *)mine);
    wf_san_make_end(ctx);
}

WF_UNINSTRUMENTED void wf_ctx_switch(struct wf_ctx *from, struct wf_ctx *to)
{
    struct record mine;
    struct record *next = prepare(from, &mine, to, false);
    swapcontext(&mine.registers, &next->registers);
    wf_san_arrive(from);
    announce(&mine);
}

WF_UNINSTRUMENTED void wf_ctx_exit(struct wf_ctx *from, struct wf_ctx *to)
{
    struct record *next = prepare(from, from, to, true); /* never continued: any sp but NULL */
    setcontext(&next->registers);
    __builtin_trap();
}
