/* SPDX-License-Identifier: MIT
 * Starting other programs, and learning of their end. Each returns 0 or more, or -errno. */
#ifndef WF_PLAT_SPAWN_H
#define WF_PLAT_SPAWN_H

#include "plat/cc.h"

#include <stddef.h>
#include <sys/types.h>

struct wf_spawn {
    const char *const *argv;
    const char *const *env; /* NULL: ours */
    const char *folder;     /* NULL: ours */
    bool new_group;
    const int *fds; /* n_fds: what 0, 1, 2 ... are in the child, each n_fds or more; -1: as here */
    size_t n_fds;   /* all from here on are closed in the child, or close-on-exec */
};

/* Starts it, and returns when its program has been found: the process's number, more than 0. The
 * real entry of the table (plat/sys.h). */
WF_MUST_CHECK int wf_sys_spawn(const struct wf_spawn *what);

/* A descriptor that is readable once the process has ended. -ENOSYS: the kernel has none. */
WF_MUST_CHECK int wf_spawn_watch(int pid);

struct wf_process_status {
    int code, signal; /* -1 and what ended it; or what it returned, and 0 */
};

/* Has it ended? 1, and how; 0: no. With `keeps` its number stays taken; without it, it is gone. */
int wf_spawn_reap(int pid, bool keeps, struct wf_process_status *out);

/* To the process, whose number is not gone; or to the group that it leads. */
int wf_spawn_signal(int pid, bool is_group, int number);

/* The real entries of the table: a pipe, close-on-exec, whose ends[0] reads; a copy of fd,
 * close-on-exec, that is at least min. */
WF_MUST_CHECK int wf_sys_pipe(int ends[2]);
WF_MUST_CHECK int wf_sys_copy_fd(int fd, int min);

/* write, once, which answers -EPIPE without a signal. */
WF_MUST_CHECK ssize_t wf_write_quietly(int fd, const void *data, size_t size);

#endif
