/* SPDX-License-Identifier: MIT
 * A process that weft has started, as the files that deal with it share it.
 *
 *   E1  Its number is taken until it was reaped, which happens under the lock, by us alone: so a
 *       signal that is sent under the lock before that meets this process and no other. One that
 *       leads a group is reaped at the close, because the group's number goes with it. Where the
 *       program has reaped it meanwhile (SIGCHLD ignored, a wait for any child), its group is reached
 *       by the pidfd, if that could still be opened, or not at all.
 *   E2  A pipe's end is ours until it was handed over to a receiver or sender, or closed; fds says
 *       which. The calls that use one are made one at a time for each stream. */
#ifndef WF_IO_PROCESS_H
#define WF_IO_PROCESS_H

#include "base/lock.h"
#include "plat/spawn.h"

#include <weft/process.h>
#include <weft/resource.h>

enum { WF_N_STREAMS = 3 };

struct weft_process {
    /* Constant. */
    int pid;
    int watch_fd; /* a pidfd; -1: the kernel has none */
    bool has_group;
    int64_t grace_ns;
    size_t max_output;

    int fds[WF_N_STREAMS]; /* E2; -1: no pipe, or not ours */

    /* Under lock. */
    struct wf_lock lock;
    bool has_ended, is_reaped;
    bool is_unknown; /* somebody else has taken how it ended */
    weft_exit end;

    weft_resource entry;
    char name[];
};

/* The end of a pipe, which is the caller's then. WEFT_EINVAL: there is none. */
WF_MUST_CHECK int wf_process_take_fd(weft_process *process, int stream);

/* One that is the caller's; waits for it end. */
void wf_process_close_fd(int *fd);

/* All that are ours. */
void wf_process_close_pipes(weft_process *process);

/* Bytes to fd, a pipe's end; as weft_process_write. */
WF_MUST_CHECK int wf_process_feed(int fd, const void *data, size_t size, size_t *out_n);

#endif
