/* SPDX-License-Identifier: MIT
 * Time: int64_t nanoseconds of CLOCK_MONOTONIC; virtual in the simulator. */
#ifndef WF_PLAT_CLOCK_H
#define WF_PLAT_CLOCK_H

#include <stdint.h>

#define WF_NEVER INT64_MAX /* a deadline that never comes */

int64_t wf_clock_now(void);

/* now + d_ns, saturating at WF_NEVER; a negative d_ns gives a point in the past. */
int64_t wf_clock_after(int64_t d_ns);

static inline int64_t wf_clock_from(int64_t now_ns, int64_t d_ns)
{
    int64_t at_ns;
    return __builtin_add_overflow(now_ns, d_ns, &at_ns) ? WF_NEVER : at_ns;
}

#endif
