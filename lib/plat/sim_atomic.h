/* SPDX-License-Identifier: MIT
 * The simulator's half of plat/atomic.h, which alone includes this.
 *
 * An access is evaluated in this order: its arguments, the scheduling point, the real access, and
 * in a run with weak memory the model, which is told what was there and may give a load an older
 * value. Nothing can come between the last three. The real access is made here, in the code that
 * asked for it, since that is instrumented for TSan and the simulator is not. */
#ifndef WF_PLAT_SIM_ATOMIC_H
#define WF_PLAT_SIM_ATOMIC_H

enum wf_sim_order {
    WF_SIM_relaxed = 0,
    WF_SIM_acquire = 1,
    WF_SIM_release = 2,
    WF_SIM_acq_rel = 3,
    WF_SIM_seq_cst = 7, /* both, and in the one order of all of these */
};

/* Where virtual threads are switched (sim.c). */
void wf_sim_point(void);
void wf_sim_spin(void);

/* Has the run weak memory? Else none of the others need be called. */
extern bool wf_sim_is_weak;

/* What was done at `at` by the current thread (sim_memory.c). value, before, after: of `size` bytes,
 * what is there; wf_sim_loaded() may put an older value in its place. */
void wf_sim_loaded(const void *at, void *value, size_t size, enum wf_sim_order order);
void wf_sim_stored(const void *at, const void *before, const void *after, size_t size,
                   enum wf_sim_order order);
void wf_sim_exchanged(const void *at, const void *before, const void *after, size_t size,
                      enum wf_sim_order order);

/* Whether a compare-and-swap that the newest value would let succeed fails, having loaded an older
 * one, which then is in *expected. */
bool wf_sim_cas_misses(const void *at, void *expected, size_t size, enum wf_sim_order failed);

/* The newest was seen: by a compare-and-swap that failed, by a call of the system. */
void wf_sim_saw_newest(const void *at, enum wf_sim_order order);

void wf_sim_fenced(void);
void wf_sim_stored_unseen(const void *at);

/* The memory has a new owner: what was stored there before is gone. */
void wf_sim_forget(const void *low, size_t size);

/* Each use of a macro has its own names, so that one may stand in another's arguments. */
#define WF_SIM_PASTE_(a, b) a##b
#define WF_SIM_NAME_(a, b)  WF_SIM_PASTE_(a, b)
#define WF_SIM_ADDRESS_(at) ((const void *)(uintptr_t)(at))

#define WF_LOAD_(p, order)  WF_SIM_LOAD_1_(p, order, __COUNTER__)
#define WF_SIM_LOAD_1_(p, order, n) \
    WF_SIM_LOAD_2_(p, order, WF_SIM_NAME_(wf_at_, n), WF_SIM_NAME_(wf_value_, n))
#define WF_SIM_LOAD_2_(p, order, at, value)                                            \
    (__extension__({                                                                   \
        __auto_type at = (p);                                                          \
        wf_sim_point();                                                                \
        __auto_type value = atomic_load_explicit(at, memory_order_##order);            \
        if (wf_sim_is_weak)                                                            \
            wf_sim_loaded(WF_SIM_ADDRESS_(at), &value, sizeof(value), WF_SIM_##order); \
        value;                                                                         \
    }))

#define WF_STORE_(p, v, order) WF_SIM_STORE_1_(p, v, order, __COUNTER__)
#define WF_SIM_STORE_1_(p, v, order, n)                                               \
    WF_SIM_STORE_2_(p, v, order, WF_SIM_NAME_(wf_at_, n), WF_SIM_NAME_(wf_value_, n), \
                    WF_SIM_NAME_(wf_before_, n))
#define WF_SIM_STORE_2_(p, v, order, at, value, before)                                         \
    (__extension__({                                                                            \
        __auto_type at = (p);                                                                   \
        __typeof__(atomic_load_explicit(at, memory_order_relaxed)) value = (v);                 \
        wf_sim_point();                                                                         \
        __auto_type before = atomic_load_explicit(at, memory_order_relaxed);                    \
        atomic_store_explicit(at, value, memory_order_##order);                                 \
        if (wf_sim_is_weak)                                                                     \
            wf_sim_stored(WF_SIM_ADDRESS_(at), &before, &value, sizeof(value), WF_SIM_##order); \
    }))

#define WF_XCHG_(p, v, order) WF_SIM_XCHG_1_(p, v, order, __COUNTER__)
#define WF_SIM_XCHG_1_(p, v, order, n)                                               \
    WF_SIM_XCHG_2_(p, v, order, WF_SIM_NAME_(wf_at_, n), WF_SIM_NAME_(wf_value_, n), \
                   WF_SIM_NAME_(wf_before_, n))
#define WF_SIM_XCHG_2_(p, v, order, at, value, before)                                             \
    (__extension__({                                                                               \
        __auto_type at = (p);                                                                      \
        __typeof__(atomic_load_explicit(at, memory_order_relaxed)) value = (v);                    \
        wf_sim_point();                                                                            \
        __auto_type before = atomic_exchange_explicit(at, value, memory_order_##order);            \
        if (wf_sim_is_weak)                                                                        \
            wf_sim_exchanged(WF_SIM_ADDRESS_(at), &before, &value, sizeof(value), WF_SIM_##order); \
        before;                                                                                    \
    }))

#define WF_FETCH_(op, p, v, order) WF_SIM_FETCH_1_(op, p, v, order, __COUNTER__)
#define WF_SIM_FETCH_1_(op, p, v, order, n)                                               \
    WF_SIM_FETCH_2_(op, p, v, order, WF_SIM_NAME_(wf_at_, n), WF_SIM_NAME_(wf_value_, n), \
                    WF_SIM_NAME_(wf_before_, n))
#define WF_SIM_FETCH_2_(op, p, v, order, at, value, before)                                        \
    (__extension__({                                                                               \
        __auto_type at = (p);                                                                      \
        __typeof__(atomic_load_explicit(at, memory_order_relaxed)) value = (v);                    \
        wf_sim_point();                                                                            \
        __auto_type before = atomic_fetch_##op##_explicit(at, value, memory_order_##order);        \
        value = atomic_load_explicit(at, memory_order_relaxed);                                    \
        if (wf_sim_is_weak)                                                                        \
            wf_sim_exchanged(WF_SIM_ADDRESS_(at), &before, &value, sizeof(value), WF_SIM_##order); \
        before;                                                                                    \
    }))

#define WF_CAS_(p, expected, v, order, failed) \
    WF_SIM_CAS_1_(p, expected, v, order, failed, __COUNTER__)
#define WF_SIM_CAS_1_(p, expected, v, order, failed, n)                    \
    WF_SIM_CAS_2_(p, expected, v, order, failed, WF_SIM_NAME_(wf_at_, n),  \
                  WF_SIM_NAME_(wf_value_, n), WF_SIM_NAME_(wf_before_, n), \
                  WF_SIM_NAME_(wf_done_, n))
#define WF_SIM_CAS_2_(p, expected, v, order, failed, at, value, before, done)                  \
    (__extension__({                                                                           \
        __auto_type at = (p);                                                                  \
        __auto_type before = (expected);                                                       \
        __typeof__(atomic_load_explicit(at, memory_order_relaxed)) value = (v);                \
        wf_sim_point();                                                                        \
        bool done = false;                                                                     \
        if (!wf_sim_is_weak ||                                                                 \
            !wf_sim_cas_misses(WF_SIM_ADDRESS_(at), before, sizeof(value), WF_SIM_##failed)) { \
            done = atomic_compare_exchange_strong_explicit(                                    \
                at, before, value, memory_order_##order, memory_order_##failed);               \
            if (wf_sim_is_weak && done)                                                        \
                wf_sim_exchanged(WF_SIM_ADDRESS_(at), before, &value, sizeof(value),           \
                                 WF_SIM_##order);                                              \
            else if (wf_sim_is_weak)                                                           \
                wf_sim_saw_newest(WF_SIM_ADDRESS_(at), WF_SIM_##failed);                       \
        }                                                                                      \
        done;                                                                                  \
    }))

#endif
