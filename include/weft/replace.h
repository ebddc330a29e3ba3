/* SPDX-License-Identifier: MIT */
/* Replacing a file's content in one step: others see the old one or the new one, never half.
 *
 *     WEFT_AUTO(weft_replace, it);
 *     WEFT_TRY(weft_replace_open("config.json", NULL, &it));
 *     int rc = weft_file_write(weft_replace_file(it), text, size);
 *     return weft_close_with(it, rc);              // 0: the new content is in place
 *
 * What is written goes to a file beside it, which takes its place when all is well: its
 * content, and the name, are on the device by then. A brace that is left by an error or a
 * cancel leaves the old file as it was and nothing beside it. A symbolic link is replaced
 * itself. No thread can be had: WEFT_EAGAIN.
 */
#ifndef WEFT_REPLACE_H
#define WEFT_REPLACE_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>
#include <weft/file.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_replace weft_replace;

typedef struct weft_replace_opts {
    size_t size_;
    bool no_sync;        /* not made durable: after a power cut the file may be empty */
} weft_replace_opts;

/* Opens a file that is to replace the one at path, whose permissions it gets, but for setuid
 * and setgid: it is the caller's. There may be none. A relative path is that of the working
 * folder at this call. opts may be NULL.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM, WEFT_ECANCELED
 *          -errno          of open; -EISDIR if a folder is there                            */
WEFT_API WEFT_MUST_CHECK int weft_replace_open(const char *path, const weft_replace_opts *opts,
                                               weft_replace **out_replace);

/* The file to be written. weft_replace_close closes it: it is not the caller's to close.
 *
 * Waits    no
 * From     any thread
 * Returns  the file; NULL for NULL                                                          */
WEFT_API weft_file *weft_replace_file(weft_replace *replace);

/* With rc >= 0: puts the new file in the old one's place. Otherwise removes it. NULL is rc.
 *
 * Usually called by weft_close_with, or by the brace, which says WEFT_ABANDONED.
 *
 * Waits    the task, or a plain thread
 * Cancel   no: shielded
 * From     any thread, when no other call uses the file
 * Returns  rc, if that is negative
 *          rc, if the new file is in place
 *          -errno          of fsync, close or rename: the old one is as it was; of the
 *                          folder's fsync: the new one is in place, maybe not for good
 *          WEFT_EBUSY      another call uses the file: nothing has happened, it stays open  */
WEFT_API int weft_replace_close(weft_replace *replace, int rc);

/* All of it by one call: the file at path holds these bytes afterwards, or what it held.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts, and between two writes of the system
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM, WEFT_ECANCELED
 *          -errno          as weft_replace_open and weft_replace_close, or of write         */
WEFT_API WEFT_MUST_CHECK int weft_replace_whole(const char *path, const void *data, size_t size);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO_STATUS(weft_replace, weft_replace_close)

#endif
#endif
