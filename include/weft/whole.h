/* SPDX-License-Identifier: MIT */
/* Whole files: read or written by one call, and one trip to the system's side.
 *
 *     char *text;
 *     size_t size;
 *     WEFT_TRY(weft_whole_read("config.json", &text, &size));
 *     ...
 *     weft_free(text);
 *
 * Opening, reading and closing are one piece of blocking work; no thread can be had:
 * WEFT_EAGAIN. To read in parts: weft/file.h; to replace a file so that nobody ever sees
 * half of it: weft/replace.h.
 */
#ifndef WEFT_WHOLE_H
#define WEFT_WHOLE_H

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Reads all that the file at path holds into memory of its own.
 *
 * *out_data is the caller's, to be freed with weft_free; a 0 byte follows the last one. A
 * named pipe is read until its writer leaves.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts, and between two reads of the system
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM, WEFT_ECANCELED
 *          -errno          of open or read; -EISDIR for a folder                            */
WEFT_API WEFT_MUST_CHECK int weft_whole_read(const char *path, char **out_data, size_t *out_size);

/* Makes the file at path hold these bytes: it is made, or what it held is gone.
 *
 * When this fails the file may hold some of them.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts, and between two writes of the system
 * From     any thread
 * Returns  0
 *          WEFT_ECANCELED
 *          -errno          of open, write or close                                          */
WEFT_API WEFT_MUST_CHECK int weft_whole_write(const char *path, const void *data, size_t size);

/* The same behind what the file at path holds.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts, and between two writes of the system
 * From     any thread
 * Returns  as weft_whole_write                                                              */
WEFT_API WEFT_MUST_CHECK int weft_whole_append(const char *path, const void *data, size_t size);

#ifdef __cplusplus
}
#endif
#endif
