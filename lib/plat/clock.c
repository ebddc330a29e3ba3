/* SPDX-License-Identifier: MIT
 * CLOCK_MONOTONIC in nanoseconds. It can't fail with a valid clock and a valid pointer. */
#include "plat/clock.h"

#include <time.h>

int64_t wf_clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t wf_clock_after(int64_t d_ns)
{
    int64_t at_ns;
    return __builtin_add_overflow(wf_clock_now(), d_ns, &at_ns) ? WF_NEVER : at_ns;
}
