/* SPDX-License-Identifier: MIT */
/* Where in a file: its position, its size, and reading and writing at any place.
 *
 *     char header[64];
 *     int64_t n = WEFT_TRY(weft_file_read_at(file, 0, header, sizeof header));
 *     int64_t end = WEFT_TRY(weft_file_seek(file, 0, SEEK_END));
 *
 * What reads and writes at a place of its own neither uses nor moves the file's position,
 * so any number of tasks may do so at once. weft_file_seek, _tell and _truncate go one at a
 * time, and beside a read or write return WEFT_EBUSY, as that one would.
 */
#ifndef WEFT_FILE_AT_H
#define WEFT_FILE_AT_H

#include <stdio.h>
#include <sys/stat.h>
#include <weft/base.h>
#include <weft/error.h>
#include <weft/file.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Moves the position to offset from the start (SEEK_SET), from itself (SEEK_CUR) or from
 * the end (SEEK_END). Behind the end is allowed: a write there leaves a hole of 0 bytes.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread, one at a time
 * Returns  the position, from the start
 *          WEFT_EINVAL     before the start, or no such whence; -ESPIPE for a pipe
 *          WEFT_ECANCELED                                                                   */
WEFT_API WEFT_MUST_CHECK int64_t weft_file_seek(weft_file *file, int64_t offset, int whence);

/* Where the next read or write will be.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread, one at a time
 * Returns  the position; -ESPIPE for a pipe, WEFT_ECANCELED                                 */
WEFT_API WEFT_MUST_CHECK int64_t weft_file_tell(weft_file *file);

/* Makes the file so large: cut off, or with 0 bytes put to its end. The position stays.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread, one at a time
 * Returns  0
 *          WEFT_ECANCELED, or -errno of ftruncate                                           */
WEFT_API WEFT_MUST_CHECK int weft_file_truncate(weft_file *file, int64_t size);

/* What the system knows of the file: its size, kind, times (fstat).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0
 *          WEFT_ECANCELED, or -errno of fstat                                               */
WEFT_API WEFT_MUST_CHECK int weft_file_stat(weft_file *file, struct stat *out_stat);

/* Whether two open files are the same one (os.path.sameopenfile).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  1 or 0; WEFT_EINVAL for NULL, WEFT_ECANCELED, or -errno of fstat                 */
WEFT_API WEFT_MUST_CHECK int weft_file_is_same(weft_file *file, weft_file *other);

/* Reads up to size bytes at offset (pread).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts: nothing is read
 * From     any thread, any number at once
 * Returns  how many bytes, 1 or more; 0 at or behind the end of the file
 *          WEFT_ECANCELED, or -errno of pread; -ESPIPE for a pipe                           */
WEFT_API WEFT_MUST_CHECK int64_t weft_file_read_at(weft_file *file, int64_t offset, void *buf,
                                                   size_t size);

/* Writes all size bytes at offset (pwrite).
 *
 * *out_n, unlike other results, is written also when this fails: how many bytes were
 * written. A file opened to append takes them at its end, whatever offset says.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts and between two writes of the system
 * From     any thread, any number at once
 * Returns  0               all size bytes
 *          WEFT_ECANCELED, or -errno of pwrite; -ESPIPE for a pipe
 *          WEFT_EBUSY      a spooled file (weft/temp.h) that another call uses              */
WEFT_API WEFT_MUST_CHECK int weft_file_write_at(weft_file *file, int64_t offset,
                                                const void *data, size_t size, size_t *out_n);

/* Sends size bytes of the file from offset on to a descriptor, a socket or another file,
 * without bringing them to the program (sendfile).
 *
 * A socket or pipe is non-blocking and is waited for while it takes no more. *out_n, unlike
 * other results, is written also when this fails: how many bytes fd has taken.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts, between two calls of the system, and while fd is full
 * From     any thread, one at a time for each fd
 * Returns  0               all size bytes
 *          WEFT_EEOF       the file ends before
 *          WEFT_ECANCELED, WEFT_EBUSY if another waits on fd, or -errno of sendfile         */
WEFT_API WEFT_MUST_CHECK int weft_file_send_at(weft_file *file, int64_t offset, int fd,
                                               size_t size, size_t *out_n);

#ifdef __cplusplus
}
#endif
#endif
