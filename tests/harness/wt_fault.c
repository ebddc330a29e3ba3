/* SPDX-License-Identifier: MIT
 * Faults: the calls of plat/sys.h told to fail.
 *
 * They are in the table from the start of wt_fault_run() to its end, since the table may
 * only change while no runtime is up; what they do is decided by the atomics below, which any
 * thread may read at any time. One failure a run: the n-th call of those that count. */
#define WEFT_KEEP_ERRNO
#include "wt_internal.h"

#include "plat/sys.h"
#include "plat/sys_failing.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_RUNS 100000

static _Atomic unsigned kinds_on; /* of calls that count; 0: none fails */
static _Atomic unsigned n_seen, fail_at;
static _Atomic bool was_hit;
static bool was_on;

static bool fails(enum wf_sys_kind kind, const char *name)
{
    if ((atomic_load(&kinds_on) & kind) == 0)
        return false;
    unsigned n = atomic_fetch_add(&n_seen, 1) + 1;
    if (n != atomic_load(&fail_at))
        return false;
    atomic_store(&was_hit, true);
    snprintf(wt_status->fault, sizeof wt_status->fault, "fault %u: a failing %s", n, name);
    return true;
}

/* ---- reads and writes that move little ---------------------------------------------------------- */

static size_t shortened(size_t size)
{
    return size <= 1 ? size : 1 + (size_t)wt_random_below(size < 16 ? size : 16);
}

static ssize_t short_read(int fd, void *buf, size_t size)
{
    return wf_sys_real.read(fd, buf, shortened(size));
}

static ssize_t short_write(int fd, const void *buf, size_t size)
{
    return wf_sys_real.write(fd, buf, shortened(size));
}

/* ---- runs ------------------------------------------------------------------------------------ */

void wt_fault_on(unsigned kinds)
{
    was_on = true;
    atomic_store(&kinds_on, kinds);
}

void wt_fault_off(void) { atomic_store(&kinds_on, 0); }

bool wt_fault_hit(void) { return atomic_load(&was_hit); }

static void run_with_fault(unsigned n, void (*body)(void *arg), void *arg)
{
    struct wt_resources before = wt_count_resources();
    atomic_store(&n_seen, 0);
    atomic_store(&was_hit, false);
    atomic_store(&fail_at, n);
    body(arg);
    wt_fault_off();
    wt_end_runtime();
    wt_expect_no_more_than(before);
    wt_status->fault[0] = '\0';
}

unsigned wt_fault_run(void (*body)(void *arg), void *arg)
{
    unsigned n = 0;
    wf_sys_fail_when(fails);
    do {
        run_with_fault(++n, body, arg);
        ck_assert_msg(was_on, "the body of wt_fault_run() never called wt_fault_on()");
        ck_assert_msg(n < MAX_RUNS, "each of %d runs had one more call to fail", MAX_RUNS);
    } while (wt_fault_hit() && n != wt_opts.n_faults);
    wf_sys_fail_when(NULL);
    return n;
}

void wt_short_io(void)
{
    wf_sys.read = short_read;
    wf_sys.write = short_write;
}

void wt_faults_reset(void)
{
    wt_fault_off();
    wf_sys_fail_when(NULL);
}
