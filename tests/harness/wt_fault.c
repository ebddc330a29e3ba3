/* SPDX-License-Identifier: MIT
 * Faults: entries for the table of plat/sys.h that can be told to fail.
 *
 * The entries are in the table from the start of wt_fault_run() to its end, since the table may
 * only change while no runtime is up; what they do is decided by the atomics below, which any
 * thread may read at any time. One failure a run: the n-th call of those that count. */
#define WEFT_KEEP_ERRNO
#include "wt_internal.h"

#include "plat/sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_RUNS 100000

static _Atomic unsigned kinds_on; /* of calls that count; 0: none fails */
static _Atomic unsigned n_seen, fail_at;
static _Atomic bool was_hit, io_is_short;
static bool was_on;

static bool fails(unsigned kind, const char *name)
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

static size_t shortened(size_t size)
{
    if (!atomic_load(&io_is_short) || size <= 1)
        return size;
    return 1 + (size_t)wt_random_below(size < 16 ? size : 16);
}

/* ---- the entries ----------------------------------------------------------------------------- */

static void *fault_alloc(size_t size)
{
    return fails(WT_FAULT_MEMORY, "alloc") ? NULL : wf_sys_real.alloc(size);
}

static void *fault_realloc(void *old, size_t size)
{
    return fails(WT_FAULT_MEMORY, "realloc") ? NULL : wf_sys_real.realloc(old, size);
}

static void *fault_map(size_t size)
{
    return fails(WT_FAULT_MAP, "map") ? NULL : wf_sys_real.map(size);
}

static int fault_protect_none(void *base, size_t size)
{
    return fails(WT_FAULT_MAP, "protect_none") ? -ENOMEM : wf_sys_real.protect_none(base, size);
}

static int fault_advise(void *base, size_t size, int advice)
{
    return fails(WT_FAULT_ADVISE, "advise") ? -ENOMEM : wf_sys_real.advise(base, size, advice);
}

static int fault_thread_create(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    return fails(WT_FAULT_THREAD, "thread_create") ? -EAGAIN
                                                   : wf_sys_real.thread_create(out, name, fn, arg);
}

static int fault_open(const char *path, int flags, unsigned mode)
{
    return fails(WT_FAULT_FILE, "open") ? -EMFILE : wf_sys_real.open(path, flags, mode);
}

/* The descriptor is gone all the same, as with a real close that fails. */
static int fault_close(int fd)
{
    int rc = wf_sys_real.close(fd);
    return fails(WT_FAULT_FILE, "close") ? -EIO : rc;
}

static ssize_t fault_read(int fd, void *buf, size_t size)
{
    return fails(WT_FAULT_FILE, "read") ? -EIO : wf_sys_real.read(fd, buf, shortened(size));
}

static ssize_t fault_write(int fd, const void *buf, size_t size)
{
    return fails(WT_FAULT_FILE, "write") ? -ENOSPC : wf_sys_real.write(fd, buf, shortened(size));
}

static off_t fault_seek(int fd, off_t offset, int whence)
{
    return fails(WT_FAULT_FILE, "seek") ? -EINVAL : wf_sys_real.seek(fd, offset, whence);
}

static int fault_stat_fd(int fd, struct stat *out)
{
    return fails(WT_FAULT_FILE, "stat_fd") ? -EIO : wf_sys_real.stat_fd(fd, out);
}

static int fault_sync(int fd) { return fails(WT_FAULT_FILE, "sync") ? -EIO : wf_sys_real.sync(fd); }

static int fault_epoll_create(void)
{
    return fails(WT_FAULT_POLL, "epoll_create") ? -EMFILE : wf_sys_real.epoll_create();
}

static int fault_epoll_arm(int epoll_fd, int fd, unsigned events, uint64_t key)
{
    return fails(WT_FAULT_POLL, "epoll_arm") ? -ENOMEM
                                             : wf_sys_real.epoll_arm(epoll_fd, fd, events, key);
}

static int fault_event_create(void)
{
    return fails(WT_FAULT_POLL, "event_create") ? -EMFILE : wf_sys_real.event_create();
}

static void install(void)
{
    wf_sys.alloc = fault_alloc;
    wf_sys.realloc = fault_realloc;
    wf_sys.map = fault_map;
    wf_sys.protect_none = fault_protect_none;
    wf_sys.advise = fault_advise;
    wf_sys.thread_create = fault_thread_create;
    wf_sys.open = fault_open;
    wf_sys.close = fault_close;
    wf_sys.read = fault_read;
    wf_sys.write = fault_write;
    wf_sys.seek = fault_seek;
    wf_sys.stat_fd = fault_stat_fd;
    wf_sys.sync = fault_sync;
    wf_sys.epoll_create = fault_epoll_create;
    wf_sys.epoll_arm = fault_epoll_arm;
    wf_sys.event_create = fault_event_create;
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
    install();
    do {
        run_with_fault(++n, body, arg);
        ck_assert_msg(was_on, "the body of wt_fault_run() never called wt_fault_on()");
        ck_assert_msg(n < MAX_RUNS, "each of %d runs had one more call to fail", MAX_RUNS);
    } while (wt_fault_hit() && n != wt_opts.n_faults);
    wf_sys = wf_sys_real;
    return n;
}

void wt_short_io(void)
{
    install();
    atomic_store(&io_is_short, true);
}

void wt_faults_reset(void)
{
    wt_fault_off();
    atomic_store(&io_is_short, false);
    wf_sys = wf_sys_real;
}
