/* SPDX-License-Identifier: MIT
 * A lock that is held for a few instructions: it spins, then sleeps on a futex.
 *
 * Owner-free: it may be taken on one OS thread and released on another, which pthread_mutex_t may
 * not (and which TSan reports as a false error). No task switches while it holds one.
 *
 * The word: 0 free, 1 held, 2 held and somebody may sleep. Any thread writes. */
#ifndef WF_BASE_LOCK_H
#define WF_BASE_LOCK_H

#include "base/lockrank.h"
#include "plat/atomic.h"

struct wf_lock {
    _Atomic uint32_t word;
    uint32_t rank;
};

#define WF_LOCK_INIT(r) { 0, (r) }

static inline void wf_lock_init(struct wf_lock *lock, enum wf_rank rank)
{
    wf_store_rlx(&lock->word, 0u);
    lock->rank = rank;
}

void wf_lock_acquire_slow(struct wf_lock *lock);
void wf_lock_release_slow(struct wf_lock *lock);

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
    if (WF_UNLIKELY(wf_xchg_acq_rel(&lock->word, 0u) == 2))
        wf_lock_release_slow(lock);
}

#endif
