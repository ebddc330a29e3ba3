/* SPDX-License-Identifier: MIT
 * Every atomic access of weft, with its order in its name: _rlx, _acq, _rel, _acq_rel, _seq.
 *
 * The only file that says memory_order_*. Two builds change what it means:
 *   WF_SIM   each access is first a scheduling point of the simulator (plat/sim.h), so that a
 *            seeded run may switch virtual threads at any of them; in a run with weak memory it
 *            is then told to the model of plat/sim_memory.c, which may let a load see less.
 *   TSan     does not model fences, so a fence becomes a read-modify-write of one shared word;
 *            weaker than a fence in the memory model, equal to it for TSan's happens-before.
 *
 * Fields are declared with C11's _Atomic and touched only through these, so that an access with
 * an implicit order is a compiler warning (clang -Watomic-implicit-seq-cst). */
#ifndef WF_PLAT_ATOMIC_H
#define WF_PLAT_ATOMIC_H

#include "plat/cc.h"

#include <stdatomic.h>

#ifdef WF_SIM
#include "plat/sim_atomic.h"
#else
#define WF_LOAD_(p, order)     atomic_load_explicit((p), memory_order_##order)
#define WF_STORE_(p, v, order) atomic_store_explicit((p), (v), memory_order_##order)
#define WF_XCHG_(p, v, order)  atomic_exchange_explicit((p), (v), memory_order_##order)
#define WF_CAS_(p, expected, v, order, failed)                                          \
    atomic_compare_exchange_strong_explicit((p), (expected), (v), memory_order_##order, \
                                            memory_order_##failed)
#define WF_FETCH_(op, p, v, order) atomic_fetch_##op##_explicit((p), (v), memory_order_##order)
#endif

#define wf_load_rlx(p)                 WF_LOAD_(p, relaxed)
#define wf_load_acq(p)                 WF_LOAD_(p, acquire)
#define wf_load_seq(p)                 WF_LOAD_(p, seq_cst)

#define wf_store_rlx(p, v)             WF_STORE_(p, v, relaxed)
#define wf_store_rel(p, v)             WF_STORE_(p, v, release)
#define wf_store_seq(p, v)             WF_STORE_(p, v, seq_cst)

#define wf_xchg_rlx(p, v)              WF_XCHG_(p, v, relaxed)
#define wf_xchg_acq(p, v)              WF_XCHG_(p, v, acquire)
#define wf_xchg_acq_rel(p, v)          WF_XCHG_(p, v, acq_rel)
#define wf_xchg_seq(p, v)              WF_XCHG_(p, v, seq_cst)

/* Compare-and-swap, strong. expected is a pointer; a failed one has stored what it saw there. */
#define wf_cas_acq(p, expected, v)     WF_CAS_(p, expected, v, acquire, relaxed)
#define wf_cas_acq_rel(p, expected, v) WF_CAS_(p, expected, v, acq_rel, acquire)
#define wf_cas_seq(p, expected, v)     WF_CAS_(p, expected, v, seq_cst, seq_cst)

#define wf_add_rlx(p, v)               WF_FETCH_(add, p, v, relaxed)
#define wf_add_acq_rel(p, v)           WF_FETCH_(add, p, v, acq_rel)
#define wf_add_seq(p, v)               WF_FETCH_(add, p, v, seq_cst)
#define wf_sub_rlx(p, v)               WF_FETCH_(sub, p, v, relaxed)
#define wf_sub_acq_rel(p, v)           WF_FETCH_(sub, p, v, acq_rel)
#define wf_sub_seq(p, v)               WF_FETCH_(sub, p, v, seq_cst)
#define wf_or_acq_rel(p, v)            WF_FETCH_(or, p, v, acq_rel)

/* The same without a scheduling point, for what the simulator itself passes through: the context
 * switch, and counters that nothing is decided by. */
#define wf_load_rlx_raw(p)             atomic_load_explicit((p), memory_order_relaxed)
#define wf_store_rlx_raw(p, v)         atomic_store_explicit((p), (v), memory_order_relaxed)
#define wf_load_acq_raw(p)             atomic_load_explicit((p), memory_order_acquire)
#define wf_store_rel_raw(p, v)         atomic_store_explicit((p), (v), memory_order_release)
#define wf_add_rlx_raw(p, v)           atomic_fetch_add_explicit((p), (v), memory_order_relaxed)

static inline void wf_fence_seq(void)
{
#ifdef WF_SIM
    wf_sim_point();
    wf_sim_fenced();
#endif
#ifdef WF_TSAN
    static _Atomic unsigned char fence_word;
    (void)atomic_fetch_add_explicit(&fence_word, 1, memory_order_seq_cst);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* The same after a read-modify-write by the caller, which on x86 is one already. What was stored
 * before that comes before what is loaded after this. */
static inline void wf_fence_after_rmw(void)
{
#if defined(__x86_64__) && !defined(WF_SIM) && !defined(WF_TSAN)
    __asm__ volatile("" ::: "memory");
#else
    wf_fence_seq();
#endif
}

/* What only the simulator has to be told: a release store to *p by assembly is about to come; the
 * memory has a new owner. */
#ifdef WF_SIM
#define wf_store_rel_unseen(p)   wf_sim_stored_unseen(WF_SIM_ADDRESS_(p))
#define wf_new_memory(low, size) wf_sim_forget((low), (size))
#else
#define wf_store_rel_unseen(p)   ((void)(p))
#define wf_new_memory(low, size) ((void)(low), (void)(size))
#endif

/* A turn of a spin loop. In the simulator the spinner must let somebody else run. */
#ifdef WF_SIM
static inline void wf_cpu_relax(void) { wf_sim_spin(); }
#else
static inline void wf_cpu_relax(void)
{
#if defined(__x86_64__)
    __asm__ volatile("pause");
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#else
    __asm__ volatile("");
#endif
}
#endif

/* A statistics counter that one thread writes and any may read: no read-modify-write. */
#define wf_count_one(p)                                                             \
    atomic_store_explicit((p), atomic_load_explicit((p), memory_order_relaxed) + 1, \
                          memory_order_relaxed)

#endif
