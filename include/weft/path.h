/* SPDX-License-Identifier: MIT */
/* What paths name: asked about, renamed, removed, linked, copied.
 *
 *     if (WEFT_TRY(weft_path_is_file("draft.txt")))
 *         WEFT_TRY(weft_path_rename("draft.txt", "final.txt"));
 *
 * Each call is one piece of blocking work, which a cancel withdraws before it starts; no
 * thread can be had: WEFT_EAGAIN. Symbolic links are followed unless a call says otherwise.
 * Folders: weft/dir.h.
 */
#ifndef WEFT_PATH_H
#define WEFT_PATH_H

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the system knows of the path: kind, size, times (stat).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ECANCELED, or -errno of stat                                             */
WEFT_API WEFT_MUST_CHECK int weft_path_stat(const char *path, struct stat *out_stat);

/* The same of a symbolic link itself (lstat).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ECANCELED, or -errno of lstat                                            */
WEFT_API WEFT_MUST_CHECK int weft_path_lstat(const char *path, struct stat *out_stat);

/* Whether there is anything at path. A link to nothing is nothing.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  1 or 0; WEFT_ECANCELED, or -errno if that can't be said                          */
WEFT_API WEFT_MUST_CHECK int weft_path_exists(const char *path);
/* As weft_path_exists. Returns 1 for a regular file, 0 for anything else or nothing. */
WEFT_API WEFT_MUST_CHECK int weft_path_is_file(const char *path);
/* As weft_path_exists. Returns 1 for a folder, 0 for anything else or nothing. */
WEFT_API WEFT_MUST_CHECK int weft_path_is_dir(const char *path);
/* As weft_path_exists. Returns 1 for a symbolic link, 0 for anything else or nothing. */
WEFT_API WEFT_MUST_CHECK int weft_path_is_link(const char *path);

/* Whether two paths name the same file or folder.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  1 or 0; WEFT_ECANCELED, or -errno of stat                                        */
WEFT_API WEFT_MUST_CHECK int weft_path_is_same(const char *path, const char *other);

/* Whether a file system is mounted there: a folder on another device than the one above it,
 * or the root. A folder that its own file system is bound to is not told apart.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  1 or 0, also if there is nothing, or a symbolic link
 *          WEFT_ENOMEM, WEFT_ECANCELED, or -errno of stat                                   */
WEFT_API WEFT_MUST_CHECK int weft_path_is_mount(const char *path);

/* What the system knows of the file system that the path lies on: its size, what is free
 * (statvfs).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ECANCELED, or -errno of statvfs                                          */
WEFT_API WEFT_MUST_CHECK int weft_path_stat_fs(const char *path, struct statvfs *out_stat);

/* The path from the root on: behind the working folder of now, if it is relative. Nothing
 * else of it changes. "." is the working folder.
 *
 * *out_path is the caller's, to be freed with weft_free.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ENOMEM, WEFT_ECANCELED, or -errno of getcwd                              */
WEFT_API WEFT_MUST_CHECK int weft_path_absolute(const char *path, char **out_path);

/* Whether this process may do that with the path: R_OK, W_OK, X_OK or their union (access,
 * with the effective user).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; -EACCES if not, WEFT_ECANCELED, or -errno of access                           */
WEFT_API WEFT_MUST_CHECK int weft_path_access(const char *path, int how);

/* Gives the file or folder another path, in one step: what was at `to` is replaced.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ECANCELED, or -errno of rename; -EXDEV: `to` is on another file system   */
WEFT_API WEFT_MUST_CHECK int weft_path_rename(const char *from, const char *to);

/* The same, but what is at `to` stays, and -EEXIST says so.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ECANCELED, or -errno of renameat2                                        */
WEFT_API WEFT_MUST_CHECK int weft_path_rename_new(const char *from, const char *to);

/* As weft_path_rename, and makes folders above `to` that are missing, then removes those
 * above `from` as weft_dir_remove_above does (os.renames). What it has made stays when the
 * rename fails.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ENOMEM, WEFT_ECANCELED, or -errno of mkdir or rename                     */
WEFT_API WEFT_MUST_CHECK int weft_path_rename_above(const char *from, const char *to);

/* Removes a file, or a symbolic link itself (unlink).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ECANCELED, or -errno of unlink; -EISDIR for a folder                     */
WEFT_API WEFT_MUST_CHECK int weft_path_remove(const char *path);

/* Gives the file at path another name (a hard link).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ECANCELED, or -errno of link                                             */
WEFT_API WEFT_MUST_CHECK int weft_path_link(const char *path, const char *name);

/* Makes name a symbolic link to target, whether there is something or not.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ECANCELED, or -errno of symlink                                          */
WEFT_API WEFT_MUST_CHECK int weft_path_symlink(const char *target, const char *name);

/* Where a symbolic link points.
 *
 * *out_target is the caller's, to be freed with weft_free.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ENOMEM, WEFT_ECANCELED, or -errno of readlink                            */
WEFT_API WEFT_MUST_CHECK int weft_path_read_link(const char *path, char **out_target);

/* Copies what the file at `from` holds, and its permissions, to a file at `to`, which is
 * made or replaced. Within one file system that may cost no copy at all. The copy is the
 * caller's, and never setuid or setgid.
 *
 * When this fails a file that it made is removed again; one that was there before may hold
 * some of it.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts, and every 8 MiB
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL     both are the same file, or one of them is not a regular one
 *          WEFT_ECANCELED, WEFT_ENOMEM
 *          -errno          of open, copy_file_range, read, write or close                   */
WEFT_API WEFT_MUST_CHECK int weft_path_copy(const char *from, const char *to);

#ifdef __cplusplus
}
#endif
#endif
