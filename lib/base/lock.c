/* SPDX-License-Identifier: MIT */
#include "base/lock.h"

#include "base/panic.h"
#include "plat/thread.h"

enum { SPINS_BEFORE_YIELD = 200 };

WF_NOINLINE void wf_lock_acquire_slow(struct wf_lock *lock)
{
    for (unsigned turn = 0;; turn++) {
        uint32_t seen = wf_load_rlx(&lock->word);
        if (seen == 0 && wf_cas_acq(&lock->word, &seen, 1u))
            return;
        if (turn < SPINS_BEFORE_YIELD)
            wf_cpu_relax();
        else
            wf_thread_yield();
    }
}

#if defined(WEFT_CHECK) && WEFT_CHECK >= 2
#include "plat/self.h"

static bool may_repeat(const struct wf_lock *lock)
{
    return lock->rank == WF_RANK_CHANNEL || lock->rank == WF_RANK_SCOPE;
}

WF_WORKER_LOCAL void wf_lock_check_taken(struct wf_lock *lock)
{
    struct wf_held_ranks *held = wf_self_ranks();
    uint32_t bit = 1u << lock->rank;
    if (lock->rank == WF_RANK_NONE)
        return;
    if (held->set >= (may_repeat(lock) ? bit << 1 : bit))
        wf_panic("a lock of rank %u was taken while ranks %#x were held", lock->rank, held->set);
    held->set |= bit;
    held->counts[lock->rank]++;
}

WF_WORKER_LOCAL void wf_lock_check_released(struct wf_lock *lock)
{
    struct wf_held_ranks *held = wf_self_ranks();
    if (lock->rank != WF_RANK_NONE && --held->counts[lock->rank] == 0)
        held->set &= ~(1u << lock->rank);
}
#endif
