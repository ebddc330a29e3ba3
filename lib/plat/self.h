/* SPDX-License-Identifier: MIT
 * What belongs to the running OS thread, read so that no compiler can keep it over a switch.
 *
 * A task may continue on another thread after any call that parks. Compilers take the address of
 * a thread-local variable, and errno's, for constants of the function they compile and reuse them
 * after such a call (measured with gcc 12 and clang 14, llvm#49257). So: these functions are
 * noinline in a file of their own with an asm barrier in the body, nothing else in weft says
 * __thread, and a result is never kept across a call whose name contains park, yield or switch. */
#ifndef WF_PLAT_SELF_H
#define WF_PLAT_SELF_H

#include "plat/cc.h"

/* The pointer last given to wf_self_set() on this OS thread, NULL before that. The sched layer
 * keeps its struct wf_thread there. */
#if !defined(WF_SIM) && defined(__x86_64__) && !defined(__ILP32__)
WF_WORKER_LOCAL static inline void *wf_self_get(void)
{
    void *self;
    __asm__ volatile("movq wf_self_of_thread@gottpoff(%%rip), %0\n\t"
                     "movq %%fs:(%0), %0"
                     : "=r"(self)
                     :
                     : "memory");
    return self;
}
#elif !defined(WF_SIM) && defined(__aarch64__) && !defined(__ILP32__)
WF_WORKER_LOCAL static inline void *wf_self_get(void)
{
    void *self, *offset;
    __asm__ volatile("adrp %1, :gottprel:wf_self_of_thread\n\t"
                     "ldr %1, [%1, :gottprel_lo12:wf_self_of_thread]\n\t"
                     "mrs %0, tpidr_el0\n\t"
                     "ldr %0, [%0, %1]"
                     : "=&r"(self), "=&r"(offset)
                     :
                     : "memory");
    return self;
}
#else
void *wf_self_get(void);
#endif
void wf_self_set(void *self);

/* The same for a while, until what was there before is put back: the end of the thread does not
 * hear of it. */
#if !defined(WF_SIM) && defined(__x86_64__) && !defined(__ILP32__)
WF_WORKER_LOCAL static inline void wf_self_set_meanwhile(void *self)
{
    void *offset;
    __asm__ volatile("movq wf_self_of_thread@gottpoff(%%rip), %0\n\t"
                     "movq %1, %%fs:(%0)"
                     : "=&r"(offset)
                     : "r"(self)
                     : "memory");
}
#else
void wf_self_set_meanwhile(void *self);
#endif

/* What weft knows of this OS thread itself, whatever runs on it (sched/host.h): NULL on a thread
 * that is not weft's. Set once, by the thread. */
void *wf_self_host_get(void);
void wf_self_host_set(void *host);

/* This OS thread's own errno. */
int *wf_errno_location(void);

/* The ranks of the locks that this OS thread holds, for the check of base/lock.c. */
struct wf_held_ranks {
    uint32_t set;        /* a bit each */
    uint16_t counts[16]; /* for ranks that may be held several times */
};
struct wf_held_ranks *wf_self_ranks(void);

/* Calls fn(self) when an OS thread that set a non-NULL self ends. Set once, before threads. */
void wf_self_on_exit(void (*fn)(void *self));

#endif
