/* SPDX-License-Identifier: MIT
 * Virtual time. It starts at an arbitrary point and sim_choice.c moves it. */
#include "plat/clock.h"

#include "plat/sim_core.h"

int64_t wf_clock_now(void) { return wf_sim.now_ns; }

int64_t wf_clock_after(int64_t d_ns)
{
    int64_t at_ns;
    return __builtin_add_overflow(wf_sim.now_ns, d_ns, &at_ns) ? WF_NEVER : at_ns;
}
