/* SPDX-License-Identifier: MIT
 * Lets the n-th fallible call of a test fail, for n = 1, 2, ... until one run sees no failure.
 * Covers what layers above the platform use: memory, threads, files. One source file includes it,
 * since it has state. */
#ifndef WT_FAIL_NTH_H
#define WT_FAIL_NTH_H

#include "plat/sys.h"
#include "plat/sys_failing.h"
#include "wt_test.h"

#include <stdatomic.h>

static _Atomic unsigned fail_seen, fail_at;

static bool fail_now(enum wf_sys_kind kind, const char *name)
{
    (void)name;
    return (kind & (WF_SYS_MAP | WF_SYS_ADVISE)) == 0 &&
           atomic_fetch_add(&fail_seen, 1u) + 1 == atomic_load(&fail_at);
}

/* Puts the calls that can fail in place, none of which does yet: before threads are there that make
 * such calls. */
static inline void fail_begin(void)
{
    atomic_store(&fail_at, 0u);
    wf_sys_fail_when(fail_now);
}

/* Runs fn(arg) with each call failing once; fn returns what went wrong, or 0. prepare, if any, runs
 * before each with nothing failing. A failure must show, unless the call may do without: then
 * fn says 0. Returns the number of runs. After fail_begin. */
static inline unsigned fail_each_begun(int (*fn)(void *arg), void *arg, void (*prepare)(void))
{
    for (unsigned n = 1;; n++) {
        if (prepare != NULL)
            prepare();
        atomic_store(&fail_seen, 0u);
        atomic_store(&fail_at, n);
        int rc = fn(arg);
        unsigned seen = atomic_load(&fail_seen);
        atomic_store(&fail_at, 0u);
        if (seen < n) {
            ck_assert_msg(rc == 0, "nothing failed, and yet %d", rc);
            return n;
        }
        ck_assert_msg(n < 10000, "it never ends");
    }
}

static inline unsigned fail_each(int (*fn)(void *arg), void *arg, void (*prepare)(void))
{
    fail_begin();
    unsigned n = fail_each_begun(fn, arg, prepare);
    wf_sys_fail_when(NULL);
    return n;
}

#endif
