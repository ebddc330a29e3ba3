/* SPDX-License-Identifier: MIT
 * Compiler attributes and small arithmetic that every layer uses. */
#ifndef WF_PLAT_CC_H
#define WF_PLAT_CC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WF_LIKELY(x)     __builtin_expect(!!(x), 1)
#define WF_UNLIKELY(x)   __builtin_expect(!!(x), 0)
#define WF_NOINLINE      __attribute__((noinline))
#define WF_INLINE        static inline __attribute__((always_inline))
#define WF_COLD          __attribute__((noinline, cold))
#define WF_UNUSED        __attribute__((unused))
#define WF_NORETURN      __attribute__((noreturn))
#define WF_MUST_CHECK    __attribute__((warn_unused_result))
#define WF_PRINTF(f, a)  __attribute__((format(printf, f, a)))
#define WF_CACHE_LINE    64
#define WF_CACHE_ALIGNED __attribute__((aligned(WF_CACHE_LINE)))

#define WF_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
/* Each argument is evaluated once: it may be a load of what another thread changes. */
#define WF_MIN(a, b)                       \
    (__extension__({                       \
        __auto_type min_a_ = (a);          \
        __auto_type min_b_ = (b);          \
        min_a_ < min_b_ ? min_a_ : min_b_; \
    }))
#define WF_MAX(a, b)                       \
    (__extension__({                       \
        __auto_type max_a_ = (a);          \
        __auto_type max_b_ = (b);          \
        max_a_ > max_b_ ? max_a_ : max_b_; \
    }))
#define WF_CONTAINER(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#if defined(__SANITIZE_ADDRESS__)
#define WF_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WF_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WF_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WF_TSAN 1
#endif
#endif

/* For code that runs where a sanitizer's bookkeeping is not set up. */
#if defined(__clang__)
#define WF_NO_SANITIZE __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define WF_NO_SANITIZE __attribute__((no_sanitize_address, no_sanitize_thread))
#endif

/* On functions that, running on a task's stack, touch plain data of the worker below it. TSan
 * takes each task for a thread of its own and would call that a race. Their atomics stay
 * instrumented (clang; gcc's TSan is not a lane of ours), so no real edge is lost. */
#if defined(WF_TSAN) && defined(__clang__)
#define WF_WORKER_LOCAL __attribute__((no_sanitize("thread")))
#define WF_INLINE_LOCAL WF_WORKER_LOCAL static inline /* not into what is instrumented */
#else
#define WF_WORKER_LOCAL
#define WF_INLINE_LOCAL WF_INLINE
#endif

#endif
