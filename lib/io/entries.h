/* SPDX-License-Identifier: MIT
 * The entries of one open folder, a block of them at a time. */
#ifndef WF_IO_ENTRIES_H
#define WF_IO_ENTRIES_H

#include "plat/cc.h"

#include <sys/types.h>
#include <weft/dir.h>

struct wf_entries {
    int fd; /* -1: closed, at its end or by an error */
    char *buf;
    size_t at, end;
    off_t paused_at;
};

/* In a job: opens the folder, below that of descriptor `at`; flags: further ones of open. The block
 * is freed by wf_entries_end, whatever this returns. */
WF_MUST_CHECK int wf_entries_open(struct wf_entries *in, int at, const char *path, int flags);

/* The next entry of the block: 1, or 0 if there is none. */
WF_MUST_CHECK int wf_entries_next(struct wf_entries *in, weft_dir_entry *out);

/* In a job: reads the next block: 1, or 0 at the end, or -errno; the folder stays open. */
WF_MUST_CHECK int wf_entries_read(struct wf_entries *in);

/* In a job: closes the folder for a while; what is left of the block can be used meanwhile. -errno:
 * it is open as before. */
WF_MUST_CHECK int wf_entries_pause(struct wf_entries *in);

/* In a job, after that: goes on with the same folder, opened again as fd, which it owns from here on.
 * -errno: paused as before. */
WF_MUST_CHECK int wf_entries_resume(struct wf_entries *in, int fd);

/* As a job, with a struct wf_entries: reads the next block. At the end, or after an error, the
 * folder is closed. */
int wf_entries_read_job(void *in);

/* In a job: closes the folder if it is open, and frees the block. */
void wf_entries_end(struct wf_entries *in);

#endif
