/* SPDX-License-Identifier: MIT */
/* Files: read and written without stalling other tasks.
 *
 *     WEFT_AUTO(weft_file, f);
 *     WEFT_TRY(weft_file_open("out.txt", "w", &f));
 *     WEFT_TRY(weft_file_write(f, "hello\n", 6));
 *     return weft_close_with(f, 0);               // the error of the close counts
 *
 * Each call is one piece of blocking work; no thread can be had: WEFT_EAGAIN. A pipe or a
 * terminal is waited for as by weft_fd_wait, and a cancel ends that wait. A file has one
 * position, which reads and writes move: a call that finds another one using the file
 * returns WEFT_EBUSY. Nothing is buffered: what a call has written is with the system when
 * it returns, and there is nothing to flush. A plain thread that writes to a pipe which
 * nobody reads may get SIGPIPE, as of write; in a task it is -EPIPE. Positions and sizes:
 * weft/file_at.h. Lines: weft/line.h,
 * weft/file_line.h. Locks: weft/file_lock.h.
 */
#ifndef WEFT_FILE_H
#define WEFT_FILE_H

#include <sys/uio.h>
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
 * "b" and "e" (both always so) allowed behind it; "x" alone is "wx". The caller closes the
 * file. A named pipe that is opened to be written is waited for until it has a reader; one
 * opened to be read is open at once, and its first read waits for a writer.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts, and while a named pipe has no reader
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL     a mode it does not know
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          -errno          of open; -EISDIR for a folder                                    */
WEFT_API WEFT_MUST_CHECK int weft_file_open(const char *path, const char *mode,
                                            weft_file **out_file);

/* Makes a file of a descriptor, which is the file's from then on: its close closes it.
 *
 * A pipe, socket or terminal is best non-blocking: if not, another process that uses it too
 * may be faster, and the call then holds a thread until there is more.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM, -EBADF, -EISDIR for a folder: the descriptor is the caller's still  */
WEFT_API WEFT_MUST_CHECK int weft_file_adopt(int fd, weft_file **out_file);

/* The process's standard streams as files. They are always there; closing one does nothing.
 *
 * stdio's buffers know nothing of them: what printf holds back may come later than what is
 * written here.
 *
 * Waits    no
 * From     any thread
 * Returns  the file                                                                         */
WEFT_API weft_file *weft_stdin(void);
/* As weft_stdin: Returns the standard output. */
WEFT_API weft_file *weft_stdout(void);
/* As weft_stdin: Returns the standard error. */
WEFT_API weft_file *weft_stderr(void);

/* The file's descriptor, for calls that weft has not.
 *
 * Waits    no
 * From     any thread
 * Returns  the descriptor; WEFT_EINVAL for NULL                                             */
WEFT_API int weft_file_fd(const weft_file *file);

/* Whether the file is a terminal (isatty).
 *
 * Waits    no
 * From     any thread
 * Returns  1 or 0; WEFT_EINVAL for NULL                                                     */
WEFT_API int weft_file_is_terminal(const weft_file *file);

/* Whether the file was opened to be read.
 *
 * Waits    no
 * From     any thread
 * Returns  1 or 0; WEFT_EINVAL for NULL, -errno of fcntl                                    */
WEFT_API int weft_file_is_readable(const weft_file *file);
/* As weft_file_is_readable. Returns 1 for one opened to be written. */
WEFT_API int weft_file_is_writable(const weft_file *file);
/* As weft_file_is_readable. Returns 1 for one with a position: no pipe, socket or terminal. */
WEFT_API int weft_file_is_seekable(const weft_file *file);

/* The path that the file was opened by, as it was given; of a file without one, what it is.
 *
 * Waits    no
 * From     any thread
 * Returns  text that lives as long as the file; NULL for NULL                               */
WEFT_API const char *weft_file_path(const weft_file *file);

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

/* Writes n parts, one after the other, at the file's position (writev).
 *
 * *out_n as for weft_file_write_all. Parts may be empty.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, as weft_file_write_all
 * From     any thread, one at a time
 * Returns  0               all bytes of all parts
 *          WEFT_ECANCELED, or -errno of writev                                              */
WEFT_API WEFT_MUST_CHECK int weft_file_write_many(weft_file *file, const struct iovec *parts,
                                                  size_t n, size_t *out_n);

/* Reads from the file's position to its end into memory of its own.
 *
 * *out_data is the caller's, to be freed with weft_free; a 0 byte follows the last one. When
 * this fails, what was read is gone: of a pipe for good, of a file until it is sought.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts and between two reads of the system
 * From     any thread, one at a time
 * Returns  0
 *          WEFT_ENOMEM, WEFT_ECANCELED, or -errno of read                                   */
WEFT_API WEFT_MUST_CHECK int weft_file_read_all(weft_file *file, char **out_data,
                                                size_t *out_size);

/* Waits until what was written is on the device (fsync).
 *
 * An error stays: the system has given the data up, and another sync would know nothing of
 * it. So each later sync of this file returns the first one's error at once.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0
 *          WEFT_ECANCELED, or -errno of fsync                                               */
WEFT_API WEFT_MUST_CHECK int weft_file_sync(weft_file *file);

/* The same for the data alone, without times and the like (fdatasync).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  as weft_file_sync                                                                */
WEFT_API WEFT_MUST_CHECK int weft_file_sync_data(weft_file *file);

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
