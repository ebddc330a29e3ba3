/* SPDX-License-Identifier: MIT
 * Opening and closing files.
 *
 * Everything is opened without waiting for another side: a named pipe to be read at once, and one
 * to be written when it has a reader, which is asked for again and again, since the system has no
 * other way to tell. */
#include "blocking/pool.h"
#include "io/file.h"
#include "io/raw.h"
#include "plat/fs.h"
#include "plat/mem.h"
#include "plat/sys.h"
#include "sched/iowait.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ---- the mode ------------------------------------------------------------------------------------- */

/* Takes one letter off the set behind the first one. Each may come once. */
static bool take_letter(char *set, char letter)
{
    char *at = letter != '\0' ? strchr(set, letter) : NULL;
    if (at == NULL)
        return false;
    *at = ' ';
    return true;
}

static int parse_mode(const char *mode)
{
    char allowed[] = "+xbe";
    int flags, access = O_WRONLY;
    switch (mode[0]) {
    case 'r': flags = 0, access = O_RDONLY; break;
    case 'w': flags = O_CREAT | O_TRUNC; break;
    case 'a': flags = O_CREAT | O_APPEND; break;
    case 'x': flags = O_CREAT | O_EXCL; break;
    default: return WEFT_EINVAL;
    }
    for (const char *at = mode + 1; *at != '\0'; at++) {
        if (*at == ' ' || !take_letter(allowed, *at))
            return WEFT_EINVAL;
        if (*at == '+')
            access = O_RDWR;
        else if (*at == 'x' && (flags & O_CREAT) == 0)
            return WEFT_EINVAL;
        else if (*at == 'x')
            flags |= O_EXCL;
    }
    return flags | access;
}

/* ---- the object ----------------------------------------------------------------------------------- */

weft_file *wf_file_make(const char *path)
{
    size_t path_size = strlen(path) + 1;
    weft_file *file = wf_alloc(1, wf_size_with(sizeof *file, 1, path_size));
    if (file == NULL)
        return NULL;
    file->path = memcpy(file + 1, path, path_size);
    return file;
}

void wf_file_opened(weft_file *file, int fd, mode_t mode)
{
    file->fd = fd;
    file->by_readiness = !S_ISREG(mode) && !S_ISBLK(mode);
    wf_ledger_open_at_large(&file->entry, "file", file->path);
}

void wf_file_free(weft_file *file)
{
    wf_free(file->own_path);
    wf_free(file->spool_folder);
    wf_free(file);
}

/* ---- by path ---------------------------------------------------------------------------------------- */

struct open_job {
    const char *path;
    int flags;
    struct stat about;
    bool lacks_reader; /* a named pipe that nobody reads yet */
};

static int open_job(void *arg)
{
    struct open_job *job = arg;
    int fd = wf_raw_open(job->path, job->flags, &job->about);
    job->lacks_reader = fd == -ENXIO && wf_raw_is_fifo(job->path);
    return fd;
}

static int open_waiting(struct open_job *job)
{
    int64_t pause_ns = 0;
    int fd = wf_blocking_call("weft_file_open", open_job, job);
    while (fd < 0 && job->lacks_reader) {
        int rc = wf_raw_pause(&pause_ns);
        if (rc < 0)
            return rc;
        fd = wf_blocking_call("weft_file_open", open_job, job);
    }
    return fd;
}

int weft_file_open(const char *path, const char *mode, weft_file **out_file)
{
    wf_note_call();
    if (path == NULL || mode == NULL || out_file == NULL)
        return WEFT_EINVAL;
    int flags = parse_mode(mode);
    if (flags < 0)
        return flags;
    weft_file *file = wf_file_make(path);
    if (file == NULL)
        return WEFT_ENOMEM;
    struct open_job job = { .path = path, .flags = flags | O_NONBLOCK };
    int fd = open_waiting(&job);
    if (fd < 0) {
        wf_file_free(file);
        return fd;
    }
    file->is_nonblocking = true;
    wf_file_opened(file, fd, job.about.st_mode);
    *out_file = file;
    return 0;
}

/* ---- by descriptor ----------------------------------------------------------------------------------- */

int weft_file_adopt(int fd, weft_file **out_file)
{
    wf_note_call();
    if (out_file == NULL)
        return WEFT_EINVAL;
    struct stat about;
    int flags = wf_sys.flags_of_fd(fd);
    int rc = flags < 0 ? flags : wf_sys.stat_fd(fd, &about);
    if (rc < 0)
        return rc;
    if (S_ISDIR(about.st_mode))
        return -EISDIR;
    weft_file *file = wf_file_make("a descriptor");
    if (file == NULL)
        return WEFT_ENOMEM;
    file->is_nonblocking = (flags & O_NONBLOCK) != 0;
    wf_file_opened(file, fd, about.st_mode);
    *out_file = file;
    return 0;
}

/* What they are is found out by the first operation. They are shared with other processes, and so
 * never made non-blocking. */
static weft_file standard[] = {
    { .fd = STDIN_FILENO, .is_standard = true, .by_readiness = true, .path = "stdin" },
    { .fd = STDOUT_FILENO, .is_standard = true, .by_readiness = true, .path = "stdout" },
    { .fd = STDERR_FILENO, .is_standard = true, .by_readiness = true, .path = "stderr" },
};

weft_file *weft_stdin(void) { return &standard[0]; }
weft_file *weft_stdout(void) { return &standard[1]; }
weft_file *weft_stderr(void) { return &standard[2]; }

const char *weft_file_path(const weft_file *file) { return file != NULL ? file->path : NULL; }

int weft_file_fd(const weft_file *file) { return file != NULL ? file->fd : WEFT_EINVAL; }

int weft_file_is_terminal(const weft_file *file)
{
    return file != NULL ? isatty(file->fd) : WEFT_EINVAL;
}

/* ---- closing ------------------------------------------------------------------------------------------ */

static int close_job(void *arg)
{
    weft_file *file = arg;
    if (file->own_path != NULL)
        (void)wf_fs.unlink_at(AT_FDCWD, file->own_path, 0); /* its owner may have moved it */
    return wf_sys.close(file->fd);
}

int weft_file_close(weft_file *file)
{
    wf_note_call();
    if (file == NULL || file->is_standard)
        return 0;
    if (!wf_file_take(file))
        return WEFT_EBUSY;
    if (file->by_readiness)
        wf_io_forget(file->fd);
    int rc = wf_blocking_call_shielded("weft_file_close", close_job, file);
    weft_resource_closed(&file->entry);
    wf_file_free(file);
    return rc;
}
