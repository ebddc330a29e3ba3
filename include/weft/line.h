/* SPDX-License-Identifier: MIT */
/* Lines of a file, as a receiver: memory stays constant whatever the file's size.
 *
 *     WEFT_RX(weft_line, lines);
 *     WEFT_TRY(weft_lines("server.log", NULL, &lines));
 *     weft_each (line, lines)
 *         printf("%.*s\n", (int)line.size, line.data);
 *     return weft_error(lines);
 *
 * A weft_line is a view into the reader's block, valid until the next receive from the
 * same receiver, or from the one above it that passes it on (a filter, a generator). To keep
 * one, or to send it through a channel, copy it into a weft_text, whose drop function fits a
 * channel's .drop:
 *
 *     WEFT_TRY(weft_text_copy(line, &text));
 *
 * A line ends with \n or \r\n; the last one may end with the file. 0 bytes are legal.
 */
#ifndef WEFT_LINE_H
#define WEFT_LINE_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/half.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A view of one line, not ended by a 0 byte. */
typedef struct weft_line {
    char *data;
    size_t size;
} weft_line;

/* A copy of a line that its holder owns, ended by a 0 byte that size does not count. */
typedef struct weft_text {
    char *data;
    size_t size;
} weft_text;

typedef struct weft_lines_opts {
    size_t size_;
    size_t max_line;     /* a longer line, its end not counted, is WEFT_ELINE; default 1 MiB */
    size_t block_size;   /* bytes read at once; default 128 KiB */
    bool keep_ends;      /* leave \n or \r\n at the end of each line */
    bool universal;      /* a \r alone ends a line, too, as in Python */
} weft_lines_opts;

/* Opens the file at path as a receiver of weft_line.
 *
 * The receiver is the caller's to drop, and is written by memcpy. opts may be NULL. A
 * receive returns WEFT_ELINE for a line over the limit and -errno of a read that failed,
 * once; then the lines end. One receive of many gives what the block that was read holds.
 * A pipe or a terminal is waited for as weft_fd_wait does, so that a cancel ends the wait.
 * Usually called by weft_lines.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM     also of a receive that would need a larger block
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EAGAIN     no thread could be made for it, also of a receive
 *          -errno          of open; -EISDIR for a folder                                    */
WEFT_API WEFT_MUST_CHECK int weft_lines_open(const char *path, const weft_lines_opts *opts,
                                             weft_receiver **out_rx);

/* The lines of what read gives, which is called in the consumer's task or thread: how many
 * bytes it has put into buf, 1 to size; 0: the end; negative: an error, after which the lines
 * end. But WEFT_ECANCELED, _EBUSY, _EAGAIN and _ENOMEM pass: the receive returns them, loses
 * nothing, and the next one calls read again. It may wait. arg outlives the receiver.
 *
 * Waits    no; a receive waits as read does
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM     also of a receive that would need a larger block                 */
WEFT_API WEFT_MUST_CHECK int weft_lines_read_by(int64_t (*read)(void *arg, void *buf, size_t size),
                                                void *arg, const weft_lines_opts *opts,
                                                weft_receiver **out_rx);

/* Copies a line into memory of its own, which weft_text_drop frees.
 *
 * Waits    no
 * From     any thread
 * Returns  0, or WEFT_ENOMEM                                                                */
WEFT_API WEFT_MUST_CHECK int weft_text_copy(weft_line line, weft_text *out_text);

/* Frees what a weft_text holds, and empties it.
 *
 * text is a weft_text *: void, so that the function fits .drop of a channel.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_text_drop(void *text);

#ifdef __cplusplus
}
#else

/* weft_lines("file", NULL, &lines) or weft_lines("file", WEFT_OPTS(lines, ...), &lines). */
#define weft_lines(path, opts, rx) weft_lines_open(path, opts, WEFT_RX_SLOT_(weft_line, rx))

#endif
#endif
