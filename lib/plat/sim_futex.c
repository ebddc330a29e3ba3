/* SPDX-License-Identifier: MIT
 * Futexes of virtual threads.
 *
 * There is no point between the look at the word and the wait: they are one step, and the look sees
 * the newest, as the kernel's does. Which sleepers a wake picks is drawn, and one wait in
 * SPURIOUS_ONE_IN returns early for no reason: the contract allows both. */
#include "plat/futex.h"

#include "plat/sim_core.h"

#include <errno.h>

#define SPURIOUS_ONE_IN 64

int wf_futex_wait(_Atomic uint32_t *word, uint32_t expected, int64_t at_ns)
{
    wf_sim_point();
    wf_sim_saw_newest(WF_SIM_ADDRESS_(word), WF_SIM_relaxed);
    if (wf_load_acq_raw(word) != expected)
        return 0;
    if (!wf_sim.is_running)
        wf_sim_refuse("a wait on a futex");
    if (at_ns <= wf_sim.now_ns)
        return -ETIMEDOUT;
    if (wf_sim_draw(SPURIOUS_ONE_IN) == 0)
        return 0;
    return wf_sim_wait(WF_SIM_ON_FUTEX, word, at_ns) ? 0 : -ETIMEDOUT;
}

void wf_futex_wake(_Atomic uint32_t *word, int n)
{
    wf_sim_point();
    if (wf_sim.is_running)
        wf_sim_wake(word, n);
}
