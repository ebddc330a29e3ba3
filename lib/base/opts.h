/* SPDX-License-Identifier: MIT
 * Options as callers give them: structs that begin with their size_, or 0 for all of them. A program
 * built with an older header has a shorter one; what it lacks is 0. */
#ifndef WF_BASE_OPTS_H
#define WF_BASE_OPTS_H

#include "plat/cc.h"

#include <stddef.h>
#include <string.h>

/* into: zeros, or defaults, of this size. user: NULL for none. */
static inline void wf_opts_copy(void *into, size_t size, const void *user)
{
    size_t has;
    if (user == NULL)
        return;
    memcpy(&has, user, sizeof has);
    memcpy(into, user, has != 0 && has < size ? has : size);
}

#endif
