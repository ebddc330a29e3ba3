/* SPDX-License-Identifier: MIT
 * The table of plat/sys.h with calls that fail when they are told to: for tests of what a program
 * does then. Each fails with the code that is most likely in earnest. */
#ifndef WF_PLAT_SYS_FAILING_H
#define WF_PLAT_SYS_FAILING_H

#include "plat/cc.h"

enum wf_sys_kind {
    WF_SYS_MEMORY = 1,  /* alloc, realloc */
    WF_SYS_MAP = 2,     /* map, protect_none */
    WF_SYS_THREAD = 4,  /* thread_create, spawn */
    WF_SYS_FILE = 8,    /* open, close, read, write, seek, stat_fd, sync, flags_of_fd, pipe,
                         * copy_fd, set_blocking, plat/fs.h */
    WF_SYS_POLL = 16,   /* epoll_create, epoll_arm, event_create */
    WF_SYS_ADVISE = 32, /* a guard that can't be had is fatal by contract */
    WF_SYS_NET = 64,    /* sockets */
};

/* From here on each call of the table asks first; fails may be called by any thread, also with
 * locks held. NULL: the real table again. Not while the runtime is up. */
void wf_sys_fail_when(bool (*fails)(enum wf_sys_kind kind, const char *name));

#endif
