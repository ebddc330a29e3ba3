/* SPDX-License-Identifier: MIT
 * Lets the n-th fallible call of a test fail, for n = 1, 2, ... until one run sees no failure.
 * Covers what layers above the platform use: memory, threads, files. One source file includes it,
 * since it has state. */
#ifndef WT_FAIL_NTH_H
#define WT_FAIL_NTH_H

#include "plat/sys.h"
#include "wt_test.h"

#include <errno.h>
#include <stdatomic.h>

static _Atomic unsigned fail_seen, fail_at;

static bool fail_now(void) { return atomic_fetch_add(&fail_seen, 1u) + 1 == atomic_load(&fail_at); }

static void *failing_alloc(size_t size) { return fail_now() ? NULL : wf_sys_real.alloc(size); }

static void *failing_realloc(void *old, size_t size)
{
    return fail_now() ? NULL : wf_sys_real.realloc(old, size);
}

static int failing_thread_create(uintptr_t *out, const char *name, void (*fn)(void *), void *arg)
{
    return fail_now() ? -EAGAIN : wf_sys_real.thread_create(out, name, fn, arg);
}

static int failing_open(const char *path, int flags, unsigned mode)
{
    return fail_now() ? -EMFILE : wf_sys_real.open(path, flags, mode);
}

static int failing_close(int fd)
{
    int rc = wf_sys_real.close(fd);
    return fail_now() ? -EIO : rc;
}

static ssize_t failing_read(int fd, void *buf, size_t size)
{
    return fail_now() ? -EIO : wf_sys_real.read(fd, buf, size);
}

static ssize_t failing_write(int fd, const void *buf, size_t size)
{
    return fail_now() ? -ENOSPC : wf_sys_real.write(fd, buf, size);
}

static off_t failing_seek(int fd, off_t offset, int whence)
{
    return fail_now() ? -EINVAL : wf_sys_real.seek(fd, offset, whence);
}

static int failing_stat_fd(int fd, struct stat *out)
{
    return fail_now() ? -EIO : wf_sys_real.stat_fd(fd, out);
}

static int failing_sync(int fd) { return fail_now() ? -EIO : wf_sys_real.sync(fd); }

static int failing_epoll_arm(int epoll_fd, int fd, unsigned events, uint64_t key)
{
    return fail_now() ? -ENOMEM : wf_sys_real.epoll_arm(epoll_fd, fd, events, key);
}

/* Runs fn(arg) with each call failing once; fn returns what went wrong, or 0. prepare, if any, runs
 * before each with nothing failing. A failure must show, unless the call may do without: then
 * fn says 0. Returns the number of runs. */
static inline unsigned fail_each(int (*fn)(void *arg), void *arg, void (*prepare)(void))
{
    for (unsigned n = 1;; n++) {
        if (prepare != NULL)
            prepare();
        atomic_store(&fail_seen, 0u);
        atomic_store(&fail_at, n);
        wf_sys.alloc = failing_alloc;
        wf_sys.realloc = failing_realloc;
        wf_sys.thread_create = failing_thread_create;
        wf_sys.open = failing_open;
        wf_sys.close = failing_close;
        wf_sys.read = failing_read;
        wf_sys.write = failing_write;
        wf_sys.seek = failing_seek;
        wf_sys.stat_fd = failing_stat_fd;
        wf_sys.sync = failing_sync;
        wf_sys.epoll_arm = failing_epoll_arm;
        int rc = fn(arg);
        unsigned seen = atomic_load(&fail_seen);
        wf_sys = wf_sys_real;
        if (seen < n) {
            ck_assert_msg(rc == 0, "nothing failed, and yet %d", rc);
            return n;
        }
        ck_assert_msg(n < 10000, "it never ends");
    }
}

#endif
