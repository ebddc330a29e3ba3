/* SPDX-License-Identifier: MIT
 * System calls on files as blocking jobs make them: again after an interruption, and refusing what
 * is not a file. They block: a task calls read and write itself only for a non-blocking descriptor,
 * and the others never. */
#ifndef WF_IO_RAW_H
#define WF_IO_RAW_H

#include "plat/cc.h"

#include <sys/stat.h>
#include <sys/types.h>

/* open, close-on-exec. -EISDIR for a folder, also when it was opened to be read. */
WF_MUST_CHECK int wf_raw_open(const char *path, int flags, struct stat *out_stat);

/* The same without a look at what it is. */
WF_MUST_CHECK int wf_raw_open_unseen(const char *path, int flags);

/* Whether the path names a named pipe. */
bool wf_raw_is_fifo(const char *path);

/* read and write once: how many bytes, or -errno. */
WF_MUST_CHECK ssize_t wf_raw_read(int fd, void *buf, size_t size);
WF_MUST_CHECK ssize_t wf_raw_write(int fd, const void *data, size_t size);

/* In a job: all of it, however many writes that takes; a cancel is heard between two of them. */
WF_MUST_CHECK int wf_raw_write_all(int fd, const char *data, size_t size);

/* For the caller, between two tries of what only asking again can tell: sleeps for 1 ms, the next time
 * for twice as long, and never for more than 64. *pause_ns begins as 0. As weft_sleep. */
WF_MUST_CHECK int wf_raw_pause(int64_t *pause_ns);

/* close as a job: arg points at the descriptor, which is gone whatever this returns. */
int wf_raw_close_job(void *arg);

#endif
