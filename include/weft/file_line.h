/* SPDX-License-Identifier: MIT
 * Lines of a file that is open: the next one, or all that follow as a receiver.
 *
 *     char *line;
 *     while (WEFT_TRY(weft_file_read_line(file, 0, &line)) > 0) {
 *         puts(line);
 *         weft_free(line);
 *     }
 *
 * To read one line leaves the file's position right behind it, so that other reads go on
 * there. Who reads all lines of a file is faster by weft_lines (weft/line.h), which reads
 * blocks.
 */
#ifndef WEFT_FILE_LINE_H
#define WEFT_FILE_LINE_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/file.h>
#include <weft/line.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reads the next line at the file's position.
 *
 * A line ends with \n or \r\n, which are not part of *out_line, or with the file. *out_line
 * is the caller's, to be freed with weft_free; a 0 byte follows the last one. max_line: the
 * most bytes, its end not counted; 0: 1 MiB. When this fails, but for WEFT_ELINE, the position
 * is where it was. A file without one (a pipe, a terminal) is read byte by byte, and what was
 * read when this fails is gone.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts and between two reads of the system
 * From     any thread, one at a time
 * Returns  1               a line; how long is strlen's to say if it holds no 0 bytes
 *          0               the end of the file
 *          WEFT_ELINE      a longer line; the position is somewhere in it
 *          WEFT_ENOMEM, WEFT_ECANCELED, WEFT_EBUSY, or -errno of read                       */
WEFT_API WEFT_MUST_CHECK int weft_file_read_line(weft_file *file, size_t max_line,
                                                 char **out_line);

/* The lines from the file's position on, as a receiver of weft_line. The file stays the
 * caller's and outlives the receiver; its position is behind the block that was read last.
 * opts may be NULL. Usually called by weft_file_lines.
 *
 * Waits    no; a receive waits as weft_file_read does
 * From     any thread
 * Returns  0; WEFT_EINVAL for NULL, WEFT_ENOMEM                                             */
WEFT_API WEFT_MUST_CHECK int weft_file_lines_open(weft_file *file, const weft_lines_opts *opts,
                                                  weft_receiver **out_rx);

#ifdef __cplusplus
}
#else

/* weft_file_lines(weft_stdin(), NULL, &lines) or with WEFT_OPTS(lines, ...). */
#define weft_file_lines(file, opts, rx) \
    weft_file_lines_open(file, opts, WEFT_RX_SLOT_(weft_line, rx))

#endif
#endif
