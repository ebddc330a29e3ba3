/* SPDX-License-Identifier: MIT
 * Files, for the sources that work on them.
 *
 * An operation is a step, which makes one call of the system, and is repeated until it says that it
 * is done. On a regular file all steps are one blocking job, with its arguments on the caller's
 * stack: one that has begun is waited for, and never writes to memory that has been left. Of what
 * may stay without data for long (a pipe, a terminal, a socket) each step is made once the file is
 * ready, so that a cancel ends the wait; a job that sleeps in read would not hear of it.
 *
 * A file has one position, so one operation at a time uses it: is_busy turns a second one away
 * instead of letting the two mix. It costs an exchange beside a call of the system. What is at a
 * place of its own (pread) goes beside others. */
#ifndef WF_IO_FILE_H
#define WF_IO_FILE_H

#include "plat/atomic.h"
#include "plat/cc.h"
#include "task/ledger.h"

#include <weft/file.h>

struct weft_file {
    /* Constant; what a spooled file's descriptor means changes. */
    int fd;
    bool is_standard;    /* the process's own: closing it does nothing */
    bool is_nonblocking; /* so its steps need no job */

    _Atomic uint32_t is_busy; /* any thread: whoever turns it from 0 to 1 may operate */

    /* The operator's. */
    bool by_readiness;  /* not a regular file, as far as is known */
    bool is_spooled;    /* in memory, as long as it is not larger than spool_max */
    int64_t spool_max;  /* constant */
    char *spool_folder; /* constant: where it goes then */

    _Atomic int sync_error; /* of the first sync that failed: the pages are lost, so it stays */
    weft_resource entry;
    const char *path; /* for the ledger; of one without, what it is */
    char *own_path;   /* the same, of a temporary file: it is removed with the file, and freed */
};

/* One operation on its way. */
struct wf_file_op {
    weft_file *file;
    int (*step)(struct wf_file_op *op); /* 1: go on; 0: done, or -errno */
    bool is_write;
    bool is_counted;  /* a cancel may cut it short: n_done is told, or of no use */
    bool is_empty;    /* moves no bytes, and so waits for none */
    bool would_block; /* the last step has found nothing, or no room */

    void *buf; /* read into, or written from */
    size_t size;
    size_t n_done;  /* bytes moved, also by a call that failed; none if nothing has begun */
    size_t at_most; /* bytes that one step may move without being held up */

    /* Where the operation has more to say. */
    char *data; /* of read_all: its memory, `room` bytes */
    size_t room;
    const struct iovec
        *parts; /* of write_many: what is left, from part_done bytes of the first on */
    size_t n_parts, part_done;
    int64_t offset; /* of a seek, a truncate: in and out */
    int whence;
};

/* Does the whole operation, or WEFT_EBUSY. name: the call's, for reports. */
WF_MUST_CHECK int wf_file_run(weft_file *file, const char *name, struct wf_file_op *op);

/* The same as one job, whatever the file is: for what never waits for data. */
WF_MUST_CHECK int wf_file_run_job(weft_file *file, const char *name, struct wf_file_op *op);

WF_MUST_CHECK bool wf_file_take(weft_file *file);
void wf_file_release(weft_file *file);

/* file_spool.c: in a job, by the operator, after a write: what has grown too large for memory goes
 * to a disk, under the same descriptor. */
WF_MUST_CHECK int wf_file_spill(weft_file *file);

/* file_open.c: a file that is not open yet, with room for a copy of path. NULL: no memory. */
WF_MUST_CHECK weft_file *wf_file_make(const char *path);
/* It is open now: fd, and what fstat said of it. */
void wf_file_opened(weft_file *file, int fd, mode_t mode);
void wf_file_free(weft_file *file); /* one that was never opened */

#endif
