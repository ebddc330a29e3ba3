/* SPDX-License-Identifier: MIT */
/* A file that asks for it keeps the C library's errno. */
#define WEFT_KEEP_ERRNO
#include <weft.h>

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
_Static_assert(sizeof TEXT(errno) != sizeof "(*weft_errno_location())", "errno is not weft's");
