/* SPDX-License-Identifier: MIT
 * The real entries of the table of plat/fs.h: calls that a signal cut short are made again, and
 * every descriptor is close-on-exec. */
#define _GNU_SOURCE 1
#include "plat/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The call's result, made again after a signal; -errno if it failed. */
#define RESULT_OF(type, call)                 \
    do {                                      \
        type result;                          \
        do                                    \
            result = (call);                  \
        while (result < 0 && errno == EINTR); \
        return result < 0 ? -errno : result;  \
    } while (0)

static ssize_t real_pread(int fd, void *buf, size_t size, off_t offset)
{
    RESULT_OF(ssize_t, pread(fd, buf, size, offset));
}

static ssize_t real_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    RESULT_OF(ssize_t, pwrite(fd, data, size, offset));
}

static ssize_t real_writev(int fd, const struct iovec *parts, int n)
{
    RESULT_OF(ssize_t, writev(fd, parts, n));
}

static int real_truncate_fd(int fd, off_t size) { RESULT_OF(int, ftruncate(fd, size)); }

/* Never again after an error, as wf_sys.sync. */
static int real_sync_data(int fd) { return fdatasync(fd) < 0 ? -errno : 0; }

static ssize_t real_copy_range(int from, int to, size_t size)
{
    RESULT_OF(ssize_t, copy_file_range(from, NULL, to, NULL, size, 0));
}

static ssize_t real_send_file(int to, int from, off_t *offset, size_t size)
{
    RESULT_OF(ssize_t, sendfile(to, from, offset, size));
}

static int real_open_at(int at, const char *path, int flags, unsigned mode)
{
    RESULT_OF(int, openat(at, path, flags | O_CLOEXEC, (mode_t)mode));
}

static int real_stat_at(int at, const char *path, int flags, struct stat *out)
{
    RESULT_OF(int, fstatat(at, path, out, flags));
}

static int real_rename(const char *from, const char *to, unsigned flags)
{
    if (flags == 0)
        RESULT_OF(int, rename(from, to));
    RESULT_OF(int, renameat2(AT_FDCWD, from, AT_FDCWD, to, flags));
}

static int real_unlink_at(int at, const char *path, int flags)
{
    RESULT_OF(int, unlinkat(at, path, flags));
}

static int real_mkdir(const char *path, unsigned mode)
{
    RESULT_OF(int, mkdir(path, (mode_t)mode));
}

static int real_link(const char *from, const char *to) { RESULT_OF(int, link(from, to)); }

static int real_symlink(const char *to, const char *path) { RESULT_OF(int, symlink(to, path)); }

static ssize_t real_read_link(const char *path, char *buf, size_t size)
{
    RESULT_OF(ssize_t, readlink(path, buf, size));
}

static int real_access(const char *path, int how)
{
    RESULT_OF(int, faccessat(AT_FDCWD, path, how, AT_EACCESS));
}

static int real_set_mode(int fd, unsigned mode) { RESULT_OF(int, fchmod(fd, (mode_t)mode)); }

/* readdir would need memory, and a lock, for each folder. */
static ssize_t real_entries(int fd, void *buf, size_t size)
{
    RESULT_OF(ssize_t, (ssize_t)syscall(SYS_getdents64, fd, buf, size));
}

static int real_lock(int fd, int how) { RESULT_OF(int, flock(fd, how)); }

static int real_stat_fs(const char *path, struct statvfs *out)
{
    RESULT_OF(int, statvfs(path, out));
}

static ssize_t real_working_folder(char *buf, size_t size)
{
    return getcwd(buf, size) != NULL ? (ssize_t)strlen(buf) : -errno;
}

static int real_memory_file(const char *name) { RESULT_OF(int, memfd_create(name, MFD_CLOEXEC)); }

static int real_put_in_place(int fd, int of) { RESULT_OF(int, dup3(fd, of, O_CLOEXEC)); }

#define REAL_ENTRY(type, name, parameters, arguments, error) .name = real_##name,
#define REAL_TABLE              \
    {                           \
        WF_FS_CALLS(REAL_ENTRY) \
    }

const struct wf_fs wf_fs_real = REAL_TABLE;
struct wf_fs wf_fs = REAL_TABLE;

/* ---- calls that fail ------------------------------------------------------------------------- */

/* Written while there are no threads that use the table. */
static bool (*fails_now)(const char *name);

#define FAILING(type, name, parameters, arguments, error)              \
    static type failing_##name parameters                              \
    {                                                                  \
        return fails_now(#name) ? (error) : wf_fs_real.name arguments; \
    }
WF_FS_CALLS(FAILING)

#define FAILING_ENTRY(type, name, parameters, arguments, error) .name = failing_##name,
static const struct wf_fs failing = { WF_FS_CALLS(FAILING_ENTRY) };

void wf_fs_fail_when(bool (*fails)(const char *name))
{
    fails_now = fails;
    wf_fs = fails != NULL ? failing : wf_fs_real;
}
