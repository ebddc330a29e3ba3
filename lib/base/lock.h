/* SPDX-License-Identifier: MIT
 * A lock that is held for a few instructions: who finds it taken spins, then yields the CPU.
 *
 * Owner-free: it may be taken on one OS thread and released on another, which pthread_mutex_t may
 * not (and which TSan reports as a false error). No task switches while it holds one.
 *
 * The word: 0 free, 1 held. Any thread writes. A release is a plain store: with sleepers to wake
 * it would have to be an exchange, which is half of what an uncontended pair costs.
 *
 * Rejected: sleeping on a futex when the spin fails. Held times are tens of instructions; a holder
 * that was preempted runs again when the spinners yield. */
#ifndef WF_BASE_LOCK_H
#define WF_BASE_LOCK_H

#include "base/lockrank.h"
#include "plat/atomic.h"

struct wf_lock {
    _Atomic uint32_t word;
    uint16_t rank;
    _Atomic uint16_t mark; /* the owner's: written under the lock, read without it as a hint */
};

#define WF_LOCK_INIT(r) \
    {                   \
        0, (r), 0       \
    }

static inline void wf_lock_init(struct wf_lock *lock, enum wf_rank rank)
{
    wf_store_rlx(&lock->word, 0u);
    wf_store_rlx(&lock->mark, (uint16_t)0);
    lock->rank = (uint16_t)rank;
}

void wf_lock_acquire_slow(struct wf_lock *lock);

#if defined(WEFT_CHECK) && WEFT_CHECK >= 2
void wf_lock_check_taken(struct wf_lock *lock);
void wf_lock_check_released(struct wf_lock *lock);
#else
static inline void wf_lock_check_taken(struct wf_lock *lock) { (void)lock; }
static inline void wf_lock_check_released(struct wf_lock *lock) { (void)lock; }
#endif

static inline bool wf_lock_try(struct wf_lock *lock)
{
    uint32_t free_word = 0;
    /* acquire [lock]: sees what the last holder did. */
    if (!wf_cas_acq(&lock->word, &free_word, 1u))
        return false;
    wf_lock_check_taken(lock);
    return true;
}

static inline void wf_lock_acquire(struct wf_lock *lock)
{
    uint32_t free_word = 0;
    if (WF_UNLIKELY(!wf_cas_acq(&lock->word, &free_word, 1u)))
        wf_lock_acquire_slow(lock);
    wf_lock_check_taken(lock);
}

static inline void wf_lock_release(struct wf_lock *lock)
{
    wf_lock_check_released(lock);
    /* release [lock]: what was done under it comes first. */
    wf_store_rel(&lock->word, 0u);
}

#endif
