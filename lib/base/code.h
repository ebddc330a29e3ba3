/* SPDX-License-Identifier: MIT
 * What codes mean to whoever may make the same call again. */
#ifndef WF_BASE_CODE_H
#define WF_BASE_CODE_H

#include <stdbool.h>
#include <stdint.h>
#include <weft/error.h>

/* Does the code of a read or a write say something of the other side, which won't change? */
static inline bool wf_is_final(int64_t rc)
{
    return rc < 0 && rc != WEFT_ECANCELED && rc != WEFT_EBUSY && rc != WEFT_ENOMEM &&
           rc != WEFT_EAGAIN;
}

#endif
