/* SPDX-License-Identifier: MIT */
/* Files: read and written without stalling other tasks.
 *
 *     WEFT_AUTO(weft_file, f);
 *     WEFT_TRY(weft_file_open("out.txt", "w", &f));
 *     WEFT_TRY(weft_file_write(f, "hello\n", 6));
 *     return weft_close_with(f, 0);               // the error of the close counts
 *
 * Each call is one piece of blocking work; no thread can be had: WEFT_EAGAIN. A file has
 * one position, which reads and writes move: a call that finds another one using the file
 * returns WEFT_EBUSY. For lines: weft/line.h.
 */
#ifndef WEFT_FILE_H
#define WEFT_FILE_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_file weft_file;

/* Opens the file at path.
 *
 * mode is that of fopen: "r", "w", "a", "r+", "w+" or "a+", with "x" (must not exist yet),
 * "b" and "e" (both always so) allowed behind it. The caller closes the file.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL     a mode it does not know
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          -errno          of open; -EISDIR for a folder                                    */
WEFT_API WEFT_MUST_CHECK int weft_file_open(const char *path, const char *mode,
                                            weft_file **out_file);

/* Reads up to size bytes at the file's position.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts: nothing is read
 * From     any thread, one at a time
 * Returns  how many bytes, 1 or more; 0 at the end of the file
 *          WEFT_ECANCELED, or -errno of read                                                */
WEFT_API WEFT_MUST_CHECK int64_t weft_file_read(weft_file *file, void *buf, size_t size);

/* Reads size bytes at the file's position, however many reads of the system that takes.
 *
 * *out_n, unlike other results, is written also when this fails: how many bytes were read,
 * 0 to size, and how far the position has moved. An end of the file before the last byte
 * is an error, not a smaller count: 0 always means all.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts and between two reads of the system: one that has begun
 *          is waited for, and its bytes count
 * From     any thread, one at a time
 * Returns  0               all size bytes
 *          WEFT_EEOF       the file ends before; *out_n is 0 if it was at its end
 *          WEFT_ECANCELED, or -errno of read                                                */
WEFT_API WEFT_MUST_CHECK int weft_file_read_exact(weft_file *file, void *buf, size_t size,
                                                  size_t *out_n);

/* Writes all size bytes at the file's position. It has happened when this returns.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts: nothing is written
 * From     any thread, one at a time
 * Returns  0
 *          WEFT_ECANCELED, or -errno of write, with some of it perhaps written: who has to
 *          know how much calls weft_file_write_all                                          */
WEFT_API WEFT_MUST_CHECK int weft_file_write(weft_file *file, const void *data, size_t size);

/* Writes all size bytes at the file's position, and tells how many if it can't.
 *
 * *out_n, unlike other results, is written also when this fails: how many bytes were
 * written, 0 to size. What is left is data + *out_n.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts and between two writes of the system: one that has begun
 *          is waited for, and its bytes count
 * From     any thread, one at a time
 * Returns  0               all size bytes
 *          WEFT_ECANCELED, or -errno of write                                               */
WEFT_API WEFT_MUST_CHECK int weft_file_write_all(weft_file *file, const void *data, size_t size,
                                                 size_t *out_n);

/* Reads from the file's position to its end into memory of its own.
 *
 * *out_data is the caller's, to be freed with weft_free; a 0 byte follows the last one.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts: nothing is read
 * From     any thread, one at a time
 * Returns  0
 *          WEFT_ENOMEM, WEFT_ECANCELED, or -errno of read                                   */
WEFT_API WEFT_MUST_CHECK int weft_file_read_all(weft_file *file, char **out_data,
                                                size_t *out_size);

/* Waits until what was written is on the device (fsync).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0
 *          WEFT_ECANCELED, or -errno of fsync                                               */
WEFT_API WEFT_MUST_CHECK int weft_file_sync(weft_file *file);

/* Closes the file. NULL is 0.
 *
 * Waits    the task, or a plain thread
 * Cancel   no: shielded
 * From     any thread, when no other call uses the file
 * Returns  0, or -errno of close; the file is gone either way
 *          WEFT_EBUSY      another call uses it: it stays open                              */
WEFT_API int weft_file_close(weft_file *file);

/* Frees memory that weft gave. NULL is allowed.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_free(void *memory);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_file, weft_file_close)

#endif
#endif
