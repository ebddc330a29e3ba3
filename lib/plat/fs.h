/* SPDX-License-Identifier: MIT
 * Calls on files, paths and folders beyond those of plat/sys.h, through a table of the same kind:
 * tests overwrite entries, and wf_sys_fail_when lets them fail. Each returns 0 or positive, or
 * -errno. `at` is the descriptor of a folder that a relative path begins in, or AT_FDCWD. */
#ifndef WF_PLAT_FS_H
#define WF_PLAT_FS_H

#include "plat/cc.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

/* X(type, name, parameters, arguments, the error that is most likely in earnest) */
#define WF_FS_CALLS(X)                                                                             \
    X(ssize_t, pread, (int fd, void *buf, size_t size, off_t offset), (fd, buf, size, offset),     \
      -EIO)                                                                                        \
    X(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t offset),                      \
      (fd, data, size, offset), -ENOSPC)                                                           \
    X(ssize_t, writev, (int fd, const struct iovec *parts, int n), (fd, parts, n), -ENOSPC)        \
    X(int, truncate_fd, (int fd, off_t size), (fd, size), -EFBIG)                                  \
    X(int, sync_data, (int fd), (fd), -EIO)                                                        \
    X(ssize_t, copy_range, (int from, int to, size_t size), (from, to, size), -EXDEV)              \
    X(ssize_t, send_file, (int to, int from, off_t *offset, size_t size),                          \
      (to, from, offset, size), -EIO)                                                              \
    X(int, open_at, (int at, const char *path, int flags, unsigned mode), (at, path, flags, mode), \
      -EMFILE)                                                                                     \
    X(int, stat_at, (int at, const char *path, int flags, struct stat *out),                       \
      (at, path, flags, out), -EACCES)                                                             \
    X(int, rename, (const char *from, const char *to, unsigned flags), (from, to, flags), -EXDEV)  \
    X(int, unlink_at, (int at, const char *path, int flags), (at, path, flags), -EACCES)           \
    X(int, mkdir, (const char *path, unsigned mode), (path, mode), -ENOSPC)                        \
    X(int, link, (const char *from, const char *to), (from, to), -EMLINK)                          \
    X(int, symlink, (const char *to, const char *path), (to, path), -ENOSPC)                       \
    X(ssize_t, read_link, (const char *path, char *buf, size_t size), (path, buf, size), -EACCES)  \
    X(int, access, (const char *path, int how), (path, how), -EACCES)                              \
    X(int, set_mode, (int fd, unsigned mode), (fd, mode), -EPERM)                                  \
    X(ssize_t, entries, (int fd, void *buf, size_t size), (fd, buf, size), -EIO)                   \
    X(int, lock, (int fd, int how), (fd, how), -ENOLCK)                                            \
    X(int, stat_fs, (const char *path, struct statvfs *out), (path, out), -EACCES)                 \
    X(ssize_t, working_folder, (char *buf, size_t size), (buf, size), -ENOENT)                     \
    X(int, memory_file, (const char *name), (name), -EMFILE)                                       \
    X(int, put_in_place, (int fd, int of), (fd, of), -EMFILE)

#define WF_FS_MEMBER_(type, name, parameters, arguments, error) type(*name) parameters;

struct wf_fs {
    WF_FS_CALLS(WF_FS_MEMBER_)
};

/* The real table, and the one in use: as with wf_sys_real and wf_sys. */
extern const struct wf_fs wf_fs_real;
extern struct wf_fs wf_fs;

/* For wf_sys_fail_when: the table whose calls ask first, or the real one. */
void wf_fs_fail_when(bool (*fails)(const char *name));

#endif
