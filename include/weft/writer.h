/* SPDX-License-Identifier: MIT */
/* Buffered writers: many small writes to a socket or a descriptor in few calls of the system.
 *
 *     WEFT_AUTO(weft_writer, out);
 *     WEFT_TRY(weft_writer_open(peer, 0, &out));
 *     WEFT_TRY(weft_writer_write(out, "hello\n", 6, &n));
 *     return weft_close_with(out, 0);               // writes what is left, and says if it can't
 *
 * One task at a time uses it. An error of the other side stays: each later call returns it. A
 * cancel does not, and loses nothing.
 */
#ifndef WEFT_WRITER_H
#define WEFT_WRITER_H

#include <weft/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_writer weft_writer;

/* Makes a writer to a socket, which stays the caller's and is closed after it. size is that of
 * its buffer; 0: 4 KiB.
 *
 * Waits    no
 * From     any thread
 * Returns  0, WEFT_EINVAL, WEFT_ENOMEM                                                      */
WEFT_API WEFT_MUST_CHECK int weft_writer_open(weft_socket *to, size_t size,
                                              weft_writer **out_writer);

/* The same to a descriptor that does not block: a pipe, a terminal, a socket.
 *
 * Waits    no
 * From     any thread
 * Returns  0, WEFT_ENOMEM; WEFT_EINVAL: fd would block, or is none                          */
WEFT_API WEFT_MUST_CHECK int weft_writer_open_fd(int fd, size_t size, weft_writer **out_writer);

/* Takes size bytes, and writes when its buffer is full. *out_n, unlike other results, is
 * written also when this fails: how many bytes it has taken.
 *
 * Waits    the task, or a plain thread, when the buffer is full
 * Cancel   yes, then: those that were taken count
 * From     any thread, one at a time
 * Returns  0               all size bytes
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          else the code of weft_socket_write or of write                                   */
WEFT_API WEFT_MUST_CHECK int weft_writer_write(weft_writer *writer, const void *data, size_t size,
                                               size_t *out_n);

/* Writes what it has taken. What a cancel leaves is written by the next call.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes
 * From     any thread, one at a time
 * Returns  0               nothing is left
 *          else as weft_writer_write                                                        */
WEFT_API WEFT_MUST_CHECK int weft_writer_flush(weft_writer *writer);

/* Flushes and frees it. The socket or descriptor stays open. NULL is 0.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes; run by a brace it is shielded, within the teardown budget
 * From     any thread
 * Returns  as weft_writer_flush; it is gone either way                                      */
WEFT_API int weft_writer_close(weft_writer *writer);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_writer, weft_writer_close)

#endif
#endif
