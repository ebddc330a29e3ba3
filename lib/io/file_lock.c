/* SPDX-License-Identifier: MIT
 * Locks on files.
 *
 * Rejected: flock that waits, in a thread of the pool. Its caller's cancel could end it by a signal
 * alone, and as many waiters as the lane has threads would keep those that they wait for from it. */
#include "blocking/pool.h"
#include "io/file.h"
#include "io/raw.h"
#include "plat/fs.h"

#include <errno.h>
#include <sys/file.h>
#include <weft/file_lock.h>

struct lock_job {
    int fd, how;
};

/* What EWOULDBLOCK means is told apart from a job that no thread could be had for. */
static int lock_job(void *arg)
{
    const struct lock_job *job = arg;
    int rc = wf_fs.lock(job->fd, job->how);
    return rc == -EWOULDBLOCK ? WEFT_EBUSY : rc;
}

static int try_lock(const char *name, weft_file *file, weft_file_lock_kind kind)
{
    if (file == NULL || (kind != WEFT_FILE_SHARED && kind != WEFT_FILE_EXCLUSIVE))
        return WEFT_EINVAL;
    struct lock_job job = { file->fd, (kind == WEFT_FILE_SHARED ? LOCK_SH : LOCK_EX) | LOCK_NB };
    return wf_blocking_call(name, lock_job, &job);
}

int weft_file_try_lock(weft_file *file, weft_file_lock_kind kind)
{
    wf_note_call();
    return try_lock("weft_file_try_lock", file, kind);
}

int weft_file_lock(weft_file *file, weft_file_lock_kind kind)
{
    wf_note_call();
    int64_t pause_ns = 0;
    int rc;
    while ((rc = try_lock("weft_file_lock", file, kind)) == WEFT_EBUSY) {
        rc = wf_raw_pause(&pause_ns);
        if (rc < 0)
            return rc;
    }
    return rc;
}

int weft_file_unlock(weft_file *file)
{
    wf_note_call();
    if (file == NULL)
        return WEFT_EINVAL;
    struct lock_job job = { file->fd, LOCK_UN };
    return wf_blocking_call_shielded("weft_file_unlock", lock_job, &job);
}
