/* SPDX-License-Identifier: MIT */
/* Buffered readers: lines and pieces of exact size from a socket or a descriptor.
 *
 *     WEFT_AUTO(weft_reader, in);
 *     WEFT_TRY(weft_reader_open(peer, NULL, &in));
 *     weft_line line;
 *     int rc;
 *     while ((rc = weft_reader_line(in, &line)) > 0)
 *         printf("%.*s\n", (int)line.size, line.data);
 *
 * What it gives is a view into its buffer, valid until the next call. It reads ahead, so that
 * nobody else reads from there meanwhile. One task at a time uses it. An error of the other
 * side stays: each later call returns it, once what was read before has been given out. A
 * cancel does not, and loses nothing.
 */
#ifndef WEFT_READER_H
#define WEFT_READER_H

#include <weft/line.h>
#include <weft/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_reader weft_reader;

typedef struct weft_reader_opts {
    size_t size_;
    size_t max_line;     /* a longer line or piece, its end not counted, is WEFT_ELINE; default 64 KiB */
    size_t block_size;   /* bytes read at once, if there are as many; default 4 KiB */
    bool keep_ends;      /* leave \n or \r\n at the end of each line */
} weft_reader_opts;

/* Makes a reader of a socket, which stays the caller's and is closed after it. opts may be NULL.
 *
 * Waits    no
 * From     any thread
 * Returns  0, WEFT_EINVAL, WEFT_ENOMEM                                                      */
WEFT_API WEFT_MUST_CHECK int weft_reader_open(weft_socket *from, const weft_reader_opts *opts,
                                              weft_reader **out_reader);

/* The same of a descriptor that does not block: a pipe, a terminal, a socket.
 *
 * Waits    no
 * From     any thread
 * Returns  0, WEFT_ENOMEM; WEFT_EINVAL: fd would block, or is none                          */
WEFT_API WEFT_MUST_CHECK int weft_reader_open_fd(int fd, const weft_reader_opts *opts,
                                                 weft_reader **out_reader);

/* The next line. It ends with \n or \r\n, the last one maybe with the end of all.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, if it has to read: nothing is lost
 * From     any thread, one at a time
 * Returns  1; 0 at the end
 *          WEFT_ELINE      the line is longer than the limit; that stays
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_ENOMEM, or the code of weft_socket_read or of read                          */
WEFT_API WEFT_MUST_CHECK int weft_reader_line(weft_reader *reader, weft_line *out_line);

/* The lines from here on as a receiver of weft_line; max_line and the like are those of opts,
 * which may be NULL.
 *
 * The reader stays the caller's, and outlives the receiver, which reads ahead: what a line's
 * block holds behind it is not in the reader any more. Whoever reads pieces of other kinds in
 * between takes lines by weft_reader_line. A receive returns WEFT_ELINE for a line over the
 * limit and the reader's errors, once; then the lines end. It waits inside: a select of it is
 * WEFT_ENOTSUP, unless a weft_buffer lies between. Usually called by weft_reader_lines.
 *
 * Waits    no; a receive waits as weft_reader_read does
 * Cancel   of a receive: yes, and nothing is lost
 * From     any thread
 * Returns  0; WEFT_EINVAL for NULL, WEFT_ENOMEM                                             */
WEFT_API WEFT_MUST_CHECK int weft_reader_lines_open(weft_reader *reader,
                                                    const weft_lines_opts *opts,
                                                    weft_receiver **out_rx);

/* All up to the next end of end_size bytes, which is passed over. As weft_reader_line else.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, if it has to read: nothing is lost
 * From     any thread, one at a time
 * Returns  1; 0 at the end, if nothing was left
 *          WEFT_EEOF       something was left, and the end did not come: read it otherwise
 *          WEFT_EINVAL     end_size is 0; else as weft_reader_line                          */
WEFT_API WEFT_MUST_CHECK int weft_reader_until(weft_reader *reader, const void *end,
                                               size_t end_size, weft_line *out_piece);

/* What there is, up to size bytes: from the buffer, or read into buf.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, if it has to read: nothing is lost
 * From     any thread, one at a time
 * Returns  how many bytes, 1 or more; 0 at the end
 *          WEFT_EINVAL     size is 0
 *          WEFT_ECANCELED, or the code of weft_socket_read or of read                       */
WEFT_API WEFT_MUST_CHECK int64_t weft_reader_read(weft_reader *reader, void *buf, size_t size);

/* size bytes. *out_n, unlike other results, is written also when this fails: how many bytes
 * are in buf.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, if it has to read: those that were read count
 * From     any thread, one at a time
 * Returns  0               all size bytes
 *          WEFT_EEOF       the end came before
 *          else as weft_reader_read                                                         */
WEFT_API WEFT_MUST_CHECK int weft_reader_exact(weft_reader *reader, void *buf, size_t size,
                                               size_t *out_n);

/* Frees it. The socket or descriptor stays open; what was read ahead is gone. NULL is 0.
 *
 * Waits    no
 * From     any thread
 * Returns  0                                                                                */
WEFT_API int weft_reader_close(weft_reader *reader);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_reader, weft_reader_close)

/* weft_reader_lines(in, NULL, &lines) or with WEFT_OPTS(lines, ...). */
#define weft_reader_lines(reader, opts, rx) \
    weft_reader_lines_open(reader, opts, WEFT_RX_SLOT_(weft_line, rx))

#endif
#endif
