/* SPDX-License-Identifier: MIT */
/* Temporary files and folders: gone when they are closed, whichever way that comes.
 *
 *     WEFT_AUTO(weft_temp_dir, dir);
 *     WEFT_TRY(weft_temp_dir_open(NULL, &dir));
 *     snprintf(path, sizeof path, "%s/part", weft_temp_dir_path(dir));
 *     ...                                          // removed at the brace, with all in it
 *
 * A brace runs its closer also when the scope is cancelled, and shielded. What a killed
 * process leaves are named files and folders only: a file without a name is gone with it.
 * They are made for their user alone (0600, 0700). No thread can be had: WEFT_EAGAIN.
 */
#ifndef WEFT_TEMP_H
#define WEFT_TEMP_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>
#include <weft/file.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_temp_dir weft_temp_dir;

typedef struct weft_temp_opts {
    size_t size_;
    const char *folder;  /* where; default $TMPDIR, or /tmp */
    const char *prefix;  /* what the name begins with, default "weft-" */
    const char *suffix;  /* ... and ends with */
} weft_temp_opts;

/* Opens a file without a name, to be read and written. opts may be NULL.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ENOMEM, WEFT_ECANCELED, or -errno of open                                */
WEFT_API WEFT_MUST_CHECK int weft_temp_open(const weft_temp_opts *opts, weft_file **out_file);

/* The same with a name (weft_file_path), which weft_file_close removes.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ENOMEM, WEFT_ECANCELED, or -errno of open                                */
WEFT_API WEFT_MUST_CHECK int weft_temp_open_named(const weft_temp_opts *opts,
                                                  weft_file **out_file);

/* The same without a name, and in memory as long as it is no larger than max_in_memory
 * bytes; the write that makes it larger moves it to the folder. A write at a place
 * (weft_file_write_at) goes one at a time here, and beside another call is WEFT_EBUSY.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ENOMEM, WEFT_ECANCELED, or -errno of memfd_create; a write also -errno
 *          of open, when the file had to move and could not: what was written is there      */
WEFT_API WEFT_MUST_CHECK int weft_temp_open_spooled(const weft_temp_opts *opts,
                                                    size_t max_in_memory, weft_file **out_file);

/* Makes a folder that weft_temp_dir_close removes, with all that is in it then.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ENOMEM, WEFT_ECANCELED, or -errno of mkdir                               */
WEFT_API WEFT_MUST_CHECK int weft_temp_dir_open(const weft_temp_opts *opts,
                                                weft_temp_dir **out_dir);

/* Where it is, as long as it is open.
 *
 * Waits    no
 * From     any thread
 * Returns  the path; NULL for NULL                                                          */
WEFT_API const char *weft_temp_dir_path(const weft_temp_dir *dir);

/* Removes the folder and all that is in it, as weft_dir_remove_all. NULL is 0.
 *
 * Waits    the task, or a plain thread
 * Cancel   no: shielded
 * From     any thread
 * Returns  0, also if it was gone
 *          -errno of the first that could not be removed: that alone is left, and what is
 *          above it                                                                         */
WEFT_API int weft_temp_dir_close(weft_temp_dir *dir);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_temp_dir, weft_temp_dir_close)

#endif
#endif
