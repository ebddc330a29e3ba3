/* SPDX-License-Identifier: MIT */
/* errno is looked up through weft, whatever is included after it; WEFT_E... are its negatives. */
#include <weft.h>
#include <errno.h>
#include <stdlib.h>

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
_Static_assert(sizeof TEXT(errno) == sizeof "(*weft_errno_location())", "errno is weft's");
_Static_assert(WEFT_ECANCELED == -ECANCELED && WEFT_ENOYIELD == -EPROTO, "codes are -errno");
_Static_assert(WEFT_ECLOSED == -5001 && WEFT_ABANDONED == -5005, "or of weft's own");
_Static_assert(WEFT_SEC(1) == WEFT_MS(1000) && WEFT_MS(1) == WEFT_US(1000) &&
                   WEFT_US(1) == WEFT_NS(1000),
               "units");

int *use_errno(void);
int *use_errno(void)
{
    errno = 0;
    return &errno;
}
