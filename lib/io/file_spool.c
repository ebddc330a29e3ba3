/* SPDX-License-Identifier: MIT
 * Spooled files: in memory until they are too large for it.
 *
 * One is a file in memory to the system (memfd), so that every operation works on it. When it moves,
 * the new file takes over its descriptor (dup3): what reads beside, at places of its own, finds the
 * one or the other, both with the same content, since whoever writes has the file's turn. */
#include "blocking/pool.h"
#include "io/file.h"
#include "io/temp_name.h"
#include "plat/fs.h"
#include "plat/mem.h"
#include "plat/sys.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>
#include <weft/temp.h>

/* ---- moving ----------------------------------------------------------------------------------------- */

static int copy_to(int to, int from, int64_t size)
{
    off_t at = 0;
    while (at < size) {
        ssize_t n = wf_fs.send_file(to, from, &at, (size_t)(size - at));
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
    }
    return 0;
}

/* Content, position, descriptor. */
static int move_to(weft_file *file, int to, int64_t size)
{
    int rc = copy_to(to, file->fd, size);
    off_t at = rc < 0 ? rc : wf_sys.seek(file->fd, 0, SEEK_CUR);
    if (at >= 0)
        at = wf_sys.seek(to, at, SEEK_SET);
    if (at < 0)
        return (int)at;
    rc = wf_fs.put_in_place(to, file->fd);
    return rc < 0 ? rc : 0;
}

int wf_file_spill(weft_file *file)
{
    struct stat about;
    int rc = wf_sys.stat_fd(file->fd, &about);
    if (rc < 0 || about.st_size <= file->spool_max)
        return rc;
    int to = wf_temp_open_unnamed(file->spool_folder);
    if (to < 0)
        return to;
    rc = move_to(file, to, about.st_size);
    (void)wf_sys.close(to);
    if (rc == 0)
        file->is_spooled = false;
    return rc;
}

/* ---- opening ---------------------------------------------------------------------------------------- */

struct spooled_job {
    weft_file *file;
    const char *folder;
};

static int spooled_job(void *arg)
{
    const struct spooled_job *job = arg;
    int rc = wf_path_make_absolute(job->folder, &job->file->spool_folder);
    return rc < 0 ? rc : wf_fs.memory_file("weft-spooled");
}

int weft_temp_open_spooled(const weft_temp_opts *user_opts, size_t max_in_memory,
                           weft_file **out_file)
{
    wf_note_call();
    weft_temp_opts opts;
    if (out_file == NULL)
        return WEFT_EINVAL;
    wf_temp_read_opts(user_opts, &opts);
    weft_file *file = wf_file_make("a spooled file");
    if (file == NULL)
        return WEFT_ENOMEM;
    struct spooled_job job = { file, opts.folder };
    int fd = wf_blocking_call("weft_temp_open_spooled", spooled_job, &job);
    if (fd < 0) {
        wf_file_free(file);
        return fd;
    }
    file->spool_max = max_in_memory <= INT64_MAX ? (int64_t)max_in_memory : INT64_MAX;
    file->is_spooled = true;
    wf_file_opened(file, fd, S_IFREG);
    *out_file = file;
    return 0;
}
