/* SPDX-License-Identifier: MIT
 * The errno of the running OS thread, through a function that no compiler takes for constant.
 *
 * glibc declares __errno_location const, so a caller that asks twice around a switch gets the
 * old thread's address the second time. See plat/self.c for why the asm is needed. */
#include "plat/self.h"

#include "plat/sanitizer.h"

#include <errno.h>

WF_NOINLINE int *wf_errno_location(void)
{
    __asm__ volatile("" ::: "memory");
    /* acquire [tsan-errno] */
    wf_san_own(&errno);
    return &errno;
}
