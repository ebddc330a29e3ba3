/* SPDX-License-Identifier: MIT
 * Contexts over the assembly of plat/arch: the first frame, and what sanitizers are told.
 *
 * A context that has not run yet looks like one that left by wf_ctx_swap(): its frame restores
 * the ABI's initial control words and returns into wf_ctx_trampoline, which calls
 * wf_ctx_begin(entry, arg) below.
 *
 * No atomic of plat/atomic.h is used here but the unscheduled ones: the simulator's own switches
 * pass through these functions. */
#include "plat/ctx.h"

#include "plat/sanitizer.h"

#ifndef WF_CTX_UCONTEXT

#if defined(WF_ASAN) || defined(WF_TSAN)
void wf_ctx_swap(_Atomic(void *) *from_sp, _Atomic(void *) *to_sp);
#endif
void wf_ctx_trampoline(void);
WF_NORETURN void wf_ctx_begin(void (*entry)(void *arg), void *arg);

/* The frame map is on top of the assembly file. */
#if defined(__x86_64__)
struct frame {
    uint32_t mxcsr;
    uint32_t x87_cw;
    uintptr_t r12, r13, r14, r15, rbx, rbp, rip;
};
_Static_assert(sizeof(struct frame) == 64, "as the assembly lays it out");

static void fill(struct frame *frame, uintptr_t entry, uintptr_t arg)
{
    *frame = (struct frame){
        .mxcsr = 0x1f80,
        .x87_cw = 0x037f,
        .rbx = entry,
        .r12 = arg,
        .rip = (uintptr_t)wf_ctx_trampoline,
    };
}
#elif defined(__aarch64__)
struct frame {
    uintptr_t x19_to_x28[10], x29, x30;
    uint64_t d8_to_d15[8];
    uint64_t fpcr, unused;
};
_Static_assert(sizeof(struct frame) == 176, "as the assembly lays it out");

static void fill(struct frame *frame, uintptr_t entry, uintptr_t arg)
{
    *frame = (struct frame){
        .x19_to_x28 = { entry, arg },
        .x30 = (uintptr_t)wf_ctx_trampoline,
    };
}
#else
#error "no assembly for this CPU: build with WEFT_CTX=ucontext"
#endif

WF_UNINSTRUMENTED void wf_ctx_begin(void (*entry)(void *arg), void *arg)
{
    wf_san_begin();
    entry(arg);
    __builtin_trap(); /* entry ends with wf_ctx_exit */
}

void wf_ctx_make(struct wf_ctx *ctx, void *low, void *top, void (*entry)(void *arg), void *arg)
{
    wf_san_make_begin(ctx, low, top);
    /* 16 bytes of nothing above the first frame, where a debugger would look for its caller. */
    uintptr_t end = ((uintptr_t)top & ~(uintptr_t)15) - 16;
    struct frame *frame = (struct frame *)(end - sizeof(struct frame));
    ((uintptr_t *)end)[0] = ((uintptr_t *)end)[1] = 0;
    fill(frame, (uintptr_t)entry, (uintptr_t)arg);
    atomic_init(&ctx->sp, (void *)frame);
    wf_san_make_end(ctx);
}

#if defined(WF_ASAN) || defined(WF_TSAN)
WF_UNINSTRUMENTED void wf_ctx_switch(struct wf_ctx *from, struct wf_ctx *to)
{
    wf_store_rel_unseen(&from->sp);
    wf_san_leave(from, to, false);
    wf_ctx_swap(&from->sp, &to->sp);
    wf_san_arrive(from);
}
#endif

WF_UNINSTRUMENTED void wf_ctx_exit(struct wf_ctx *from, struct wf_ctx *to)
{
    wf_store_rel_unseen(&from->sp);
    wf_san_leave(from, to, true);
    wf_ctx_swap(&from->sp, &to->sp);
    __builtin_trap(); /* nobody may continue what has exited */
}

#endif

WF_UNINSTRUMENTED void wf_ctx_adopt(struct wf_ctx *ctx)
{
    atomic_init(&ctx->sp, NULL);
    wf_san_adopt(ctx);
}

/* A thread's own fiber is TSan's, never ours to destroy. */
void wf_ctx_unadopt(struct wf_ctx *ctx) { wf_san_unadopt(ctx); }

void wf_ctx_done(struct wf_ctx *ctx) { wf_san_done(ctx); }
