/* SPDX-License-Identifier: MIT
 * What ASan, LSan, TSan and valgrind have to be told about stacks. Empty in other builds.
 *
 * The functions run between two stacks. So they are always inlined into functions that are
 * themselves uninstrumented: an instrumented one keeps its locals on the stack that is being
 * left (ASan), or pops the other side's shadow stack when it returns (TSan). */
#ifndef WF_PLAT_SANITIZER_H
#define WF_PLAT_SANITIZER_H

#include "plat/ctx.h"
#include "plat/self.h"

#ifdef WF_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif

#ifdef WF_TSAN
/* Declared here: gcc 12 has no header for the fibers. */
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_release(void *addr);
void __tsan_acquire(void *addr);
#define WF_TSAN_NO_SYNC 1U
#endif

#if !defined(WF_NO_VALGRIND) && defined(__has_include)
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#define WF_VALGRIND 1
#endif
#endif

#if defined(__clang__) && __has_attribute(disable_sanitizer_instrumentation)
/* clang's no_sanitize("thread") still marks where a function begins and ends. */
#define WF_UNINSTRUMENTED __attribute__((disable_sanitizer_instrumentation)) WF_NO_SANITIZE
#else
#define WF_UNINSTRUMENTED WF_NO_SANITIZE
#endif
#define WF_SAN_INLINE static inline __attribute__((always_inline)) WF_UNINSTRUMENTED

/* Brackets a use of what belongs to one worker (its caches) by code that runs on tasks' stacks:
 * a real edge, since only one of them runs on the worker at a time. Not the address of an atomic: to
 * TSan a store there forgets who released it before. */
static inline void wf_san_own(void *what)
{
    (void)what;
#ifdef WF_TSAN
    __tsan_acquire(what);
#endif
}

static inline void wf_san_disown(void *what)
{
    (void)what;
#ifdef WF_TSAN
    __tsan_release(what);
#endif
}

/* Before anything is written to the new context's stack, which may hold the marks of frames that
 * ended without returning. */
WF_SAN_INLINE void wf_san_make_begin(struct wf_ctx *ctx, void *low, void *top)
{
    (void)ctx, (void)low, (void)top;
#ifdef WF_ASAN
    ctx->stack_low = low;
    ctx->stack_size = (size_t)((char *)top - (char *)low);
    ctx->asan_fake = NULL;
    __asan_unpoison_memory_region(ctx->stack_low, ctx->stack_size);
#endif
}

/* After everything: TSan orders what came before this with the new context's beginning. */
WF_SAN_INLINE void wf_san_make_end(struct wf_ctx *ctx)
{
    (void)ctx;
#ifdef WF_TSAN
    ctx->tsan_fiber = __tsan_create_fiber(0);
    __tsan_release(&ctx->sp); /* that store came after the fiber's clock was copied */
#endif
}

/* ASan tells the bounds of the current stack only to who leaves it: two leaps on the spot. */
WF_SAN_INLINE void wf_san_adopt(struct wf_ctx *ctx)
{
    (void)ctx;
#ifdef WF_ASAN
    void *fake = NULL;
    const void *low, *unused_low;
    size_t size, unused_size;
    __sanitizer_start_switch_fiber(&fake, &fake, 1);
    __sanitizer_finish_switch_fiber(fake, &low, &size);
    __sanitizer_start_switch_fiber(&fake, low, size);
    __sanitizer_finish_switch_fiber(fake, &unused_low, &unused_size);
    ctx->stack_low = (void *)(uintptr_t)low;
    ctx->stack_size = size;
    ctx->asan_fake = NULL;
#endif
#ifdef WF_TSAN
    ctx->tsan_fiber = __tsan_get_current_fiber();
#endif
}

WF_SAN_INLINE void wf_san_unadopt(struct wf_ctx *ctx)
{
    (void)ctx;
#ifdef WF_TSAN
    ctx->tsan_fiber = NULL;
#endif
}

/* Last thing before the stack changes. `last`: from will not come back. */
WF_SAN_INLINE void wf_san_leave(struct wf_ctx *from, struct wf_ctx *to, bool last)
{
    (void)from, (void)to, (void)last;
#ifdef WF_ASAN
    __sanitizer_start_switch_fiber(last ? NULL : &from->asan_fake, to->stack_low, to->stack_size);
#endif
#ifdef WF_TSAN
    /* release [ctx-left], for TSan: the store itself is in assembly, which it does not see. */
    __tsan_acquire(&to->sp);
    __tsan_release(&from->sp);
    /* release [tsan-errno]: the contexts of one thread use its errno one after the other. */
    wf_san_disown(wf_errno_location());
    __tsan_switch_to_fiber(to->tsan_fiber, WF_TSAN_NO_SYNC);
#endif
}

/* First thing on a stack that has been switched back to. */
WF_SAN_INLINE void wf_san_arrive(struct wf_ctx *ctx)
{
    (void)ctx;
#ifdef WF_ASAN
    __sanitizer_finish_switch_fiber(ctx->asan_fake, NULL, NULL);
#endif
}

/* First thing on a new stack. */
WF_SAN_INLINE void wf_san_begin(void)
{
#ifdef WF_ASAN
    __sanitizer_finish_switch_fiber(NULL, NULL, NULL);
#endif
}

WF_SAN_INLINE void wf_san_done(struct wf_ctx *ctx)
{
    (void)ctx;
#ifdef WF_TSAN
    __tsan_destroy_fiber(ctx->tsan_fiber);
    ctx->tsan_fiber = NULL;
#endif
}

/* A stack in use is where LSan has to look for pointers: it does not know our mappings. */
static inline void wf_san_stack_used(void *low, size_t size)
{
    (void)low, (void)size;
#ifdef WF_ASAN
    __lsan_register_root_region(low, size);
#endif
}

static inline void wf_san_stack_unused(void *low, size_t size)
{
    (void)low, (void)size;
#ifdef WF_ASAN
    __lsan_unregister_root_region(low, size);
    __asan_unpoison_memory_region(low, size);
#endif
}

/* Memory that its owner keeps for later: nobody else may touch it until it is handed out again. */
static inline void wf_san_memory_kept(void *low, size_t size)
{
    (void)low, (void)size;
#ifdef WF_ASAN
    __asan_poison_memory_region(low, size);
#endif
}

static inline void wf_san_memory_out(void *low, size_t size)
{
    (void)low, (void)size;
#ifdef WF_ASAN
    __asan_unpoison_memory_region(low, size);
#endif
}

/* Tells valgrind that [low, low + size) is a stack; the result is for wf_san_stack_gone. */
static inline unsigned wf_san_stack_new(void *low, size_t size)
{
    (void)low, (void)size;
#ifdef WF_VALGRIND
    return VALGRIND_STACK_REGISTER(low, (char *)low + size);
#else
    return 0;
#endif
}

static inline bool wf_san_is_valgrind(void)
{
#ifdef WF_VALGRIND
    return RUNNING_ON_VALGRIND != 0;
#else
    return false;
#endif
}

static inline void wf_san_stack_gone(unsigned id)
{
    (void)id;
#ifdef WF_VALGRIND
    VALGRIND_STACK_DEREGISTER(id);
#endif
}

#endif
