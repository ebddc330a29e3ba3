/* SPDX-License-Identifier: MIT
 * What also changes the folders above: a removal that takes empty ones along, a rename that makes those
 * it lacks. Python's os.removedirs and os.renames. */
#include "io/dir.h"

#include "blocking/pool.h"
#include "plat/fs.h"
#include "plat/mem.h"

#include <weft/path.h>

#include <fcntl.h>
#include <string.h>

struct above_job {
    const char *path, *to;
};

/* "a/b//" becomes "a"; false: there is nothing above it in the path. */
static bool cut_last_part(char *path)
{
    size_t size = strlen(path);
    while (size > 0 && path[size - 1] == '/')
        size--;
    while (size > 0 && path[size - 1] != '/')
        size--;
    while (size > 0 && path[size - 1] == '/')
        size--;
    path[size] = '\0';
    return size > 0;
}

/* As far as it goes: one that is not empty, or not to be removed by us, ends it. */
static void remove_empty_above(char *path)
{
    while (cut_last_part(path) && wf_fs.unlink_at(AT_FDCWD, path, AT_REMOVEDIR) >= 0)
        ;
}

static int remove_job(void *arg)
{
    const struct above_job *job = arg;
    char *path = wf_copy_text(job->path);
    if (path == NULL)
        return WEFT_ENOMEM;
    int rc = wf_fs.unlink_at(AT_FDCWD, path, AT_REMOVEDIR);
    if (rc >= 0)
        remove_empty_above(path);
    wf_free(path);
    return rc;
}

int weft_dir_remove_above(const char *path)
{
    wf_note_call();
    struct above_job job = { .path = path };
    return path != NULL ? wf_blocking_call("weft_dir_remove_above", remove_job, &job) : WEFT_EINVAL;
}

static int rename_making(const char *from, const char *to, char *above)
{
    int rc = cut_last_part(above) ? wf_dir_make_all(above, 0777) : 0;
    return rc >= 0 ? wf_fs.rename(from, to, 0) : rc;
}

static int rename_job(void *arg)
{
    const struct above_job *job = arg;
    char *left = wf_copy_text(job->path), *made = wf_copy_text(job->to);
    int rc = left != NULL && made != NULL ? rename_making(job->path, job->to, made) : WEFT_ENOMEM;
    if (rc >= 0)
        remove_empty_above(left);
    wf_free(left);
    wf_free(made);
    return rc;
}

int weft_path_rename_above(const char *from, const char *to)
{
    wf_note_call();
    struct above_job job = { from, to };
    return from != NULL && to != NULL ? wf_blocking_call("weft_path_rename_above", rename_job, &job)
                                      : WEFT_EINVAL;
}
