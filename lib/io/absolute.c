/* SPDX-License-Identifier: MIT
 * Paths from the root on. */
#include "blocking/pool.h"
#include "io/temp_name.h"
#include "plat/fs.h"
#include "plat/mem.h"

#include <errno.h>
#include <string.h>
#include <weft/path.h>

enum { FIRST_ROOM = 256 };

/* The working folder, with room for `extra` bytes behind it. */
static int read_working_folder(size_t extra, char **out_path)
{
    for (size_t room = FIRST_ROOM;; room *= 2) {
        char *path = wf_alloc(1, wf_size_with(room, 1, extra));
        if (path == NULL)
            return WEFT_ENOMEM;
        ssize_t n = wf_fs.working_folder(path, room);
        if (n >= 0) {
            *out_path = path;
            return 0;
        }
        wf_free(path);
        if (n != -ERANGE)
            return (int)n;
    }
}

int wf_path_make_absolute(const char *path, char **out_path)
{
    size_t size = strlen(path) + 1;
    if (path[0] == '/') {
        *out_path = wf_copy_text(path);
        return *out_path != NULL ? 0 : WEFT_ENOMEM;
    }
    char *made = NULL;
    int rc = read_working_folder(size + 1, &made);
    if (rc < 0)
        return rc;
    size_t n = strlen(made);
    if (strcmp(path, ".") != 0) {
        made[n] = '/';
        memcpy(made + n + 1, path, size);
    }
    *out_path = made;
    return 0;
}

struct absolute_job {
    const char *path;
    char *made;
};

static int absolute_job(void *arg)
{
    struct absolute_job *job = arg;
    return wf_path_make_absolute(job->path, &job->made);
}

int weft_path_absolute(const char *path, char **out_path)
{
    wf_note_call();
    if (path == NULL || out_path == NULL)
        return WEFT_EINVAL;
    struct absolute_job job = { .path = path };
    int rc = wf_blocking_call("weft_path_absolute", absolute_job, &job);
    if (rc == 0)
        *out_path = job.made;
    return rc;
}
