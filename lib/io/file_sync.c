/* SPDX-License-Identifier: MIT
 * Until what was written is on the device.
 *
 * The kernel tells a lost page to the first who asks, drops it and calls the file clean: a second
 * sync would say that all is well. So the first error stays with the file. Any number at a time and
 * beside other calls: it uses no position. */
#include "blocking/pool.h"
#include "io/file.h"
#include "plat/fs.h"
#include "plat/sys.h"

struct sync_job {
    weft_file *file;
    int (*sync)(int fd);
};

static int sync_job(void *arg)
{
    const struct sync_job *job = arg;
    int rc = job->sync(job->file->fd);
    int none = 0;
    if (rc < 0)
        (void)wf_cas_acq_rel(&job->file->sync_error, &none, rc);
    return rc;
}

static int sync_file(weft_file *file, const char *name, int (*sync)(int fd))
{
    if (file == NULL)
        return WEFT_EINVAL;
    int error = wf_load_acq(&file->sync_error);
    if (error < 0)
        return error;
    struct sync_job job = { file, sync };
    return wf_blocking_call(name, sync_job, &job);
}

int weft_file_sync(weft_file *file)
{
    wf_note_call();
    return sync_file(file, "weft_file_sync", wf_sys.sync);
}

int weft_file_sync_data(weft_file *file)
{
    wf_note_call();
    return sync_file(file, "weft_file_sync_data", wf_fs.sync_data);
}
