/* SPDX-License-Identifier: MIT
 * A context switch: leave one stack, continue on another.
 *
 * struct wf_ctx::sp is the saved stack pointer and, at once, the answer to "has it left its
 * stack?": NULL while the context runs or is still leaving; the switch leaves the old stack
 * first and stores sp afterwards (release [ctx-left]). So a task may be made ready, and popped by
 * another worker, before it has parked: that worker looks at wf_ctx_has_left() (acquire
 * [ctx-left]) and switches only then. Whoever waits for that must not itself be leaving a stack
 * that somebody else waits for: it waits on its worker's native stack.
 *
 * Saved: callee-saved registers, MXCSR and the x87 control word (aarch64: x19-x30, d8-d15,
 * FPCR). Not saved: the signal mask, errno (the sched layer's), anything caller-saved.
 *
 * A switch tells ASan, TSan and valgrind about the stacks. To TSan a switch orders nothing, so that
 * races between tasks of one worker are seen: what a context and the one that resumes it both
 * touch is atomic, or ordered by wf_ctx_has_left(), or by wf_san_disown() and wf_san_own() of
 * plat/sanitizer.h. A context's beginning comes after its wf_ctx_make(). */
#ifndef WF_PLAT_CTX_H
#define WF_PLAT_CTX_H

#include "plat/atomic.h"

struct wf_ctx {
    _Atomic(void *) sp; /* writers: the switch; readers: whoever wants to resume it */
#ifdef WF_ASAN
    void *stack_low; /* lowest address of its stack, and its size */
    size_t stack_size;
    void *asan_fake; /* ASan's fake stack while switched out */
#endif
#ifdef WF_TSAN
    void *tsan_fiber;
#endif
};

/* Makes a context that will run entry(arg) on [low, top) when first switched to. entry must not
 * return: it ends with wf_ctx_exit. top need not be aligned. The debugger's backtrace of the new
 * stack ends cleanly at its first frame. */
void wf_ctx_make(struct wf_ctx *ctx, void *low, void *top, void (*entry)(void *arg), void *arg);

/* Describes the calling thread's own stack, so that it can switch away and be switched back to. */
void wf_ctx_adopt(struct wf_ctx *ctx);
void wf_ctx_unadopt(struct wf_ctx *ctx);

/* Saves the caller in *from and continues *to, which has left its stack. Returns when somebody
 * switches to *from, maybe on another OS thread. */
#if defined(WF_CTX_UCONTEXT) || defined(WF_ASAN) || defined(WF_TSAN)
#define WF_CTX_HAS_CALL 0
void wf_ctx_switch(struct wf_ctx *from, struct wf_ctx *to);
#else
void wf_ctx_swap(_Atomic(void *) *from_sp, _Atomic(void *) *to_sp); /* plat/arch */
static inline void wf_ctx_switch(struct wf_ctx *from, struct wf_ctx *to)
{
    wf_store_rel_unseen(&from->sp);
    wf_ctx_swap(&from->sp, &to->sp);
}

/* Leaves the caller's stack and calls fn(arg) on the one that *to has left, below what it has there.
 * True: the caller goes on, as if it had not left. False: *to goes on, as by a switch to it, and
 * this returns when somebody switches to *from, which may be before fn has returned. What is a call
 * and its return the CPU guesses; of two switches it guesses neither (plat/jump.h). *to must not be
 * switched to meanwhile, unless fn returns false with the calling thread to go on there; but its
 * record may be put to another use. There is none where sanitizers or ucontext see to a switch. */
#define WF_CTX_HAS_CALL 1
void wf_ctx_swap_call(_Atomic(void *) *from_sp, _Atomic(void *) *to_sp, bool (*fn)(void *arg),
                      void *arg); /* plat/arch */
static inline void wf_ctx_call(struct wf_ctx *from, struct wf_ctx *to, bool (*fn)(void *arg),
                               void *arg)
{
    wf_store_rel_unseen(&from->sp);
    wf_ctx_swap_call(&from->sp, &to->sp, fn, arg);
}
#endif

/* The last switch of *from: it will not be continued; from->sp is set, as by any switch, once its
 * stack is free to be reused. */
WF_NORETURN void wf_ctx_exit(struct wf_ctx *from, struct wf_ctx *to);

/* The running context goes on as `to`, and `from` is over. */
static inline void wf_ctx_inherit(struct wf_ctx *to, struct wf_ctx *from)
{
    void *running = NULL;
    *to = *from;
    atomic_init(&to->sp, running);
}

/* Releases what sanitizers hold for a context that made its last switch. */
void wf_ctx_done(struct wf_ctx *ctx);

static inline bool wf_ctx_has_left(struct wf_ctx *ctx)
{
    /* acquire [ctx-left]: everything it did before leaving has happened. */
    return wf_load_acq(&ctx->sp) != NULL;
}

#endif
