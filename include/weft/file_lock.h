/* SPDX-License-Identifier: MIT
 * Locks on files, between processes: advisory, so that they keep out only who asks for one.
 *
 *     WEFT_TRY(weft_file_lock(file, WEFT_FILE_EXCLUSIVE));
 *     ...
 *     WEFT_TRY(weft_file_unlock(file));
 *
 * A lock is the open file's (flock): two that a program opened of one path keep each other
 * out, descriptors copied or inherited share it, and the close of the last of these ends it.
 * One open file has one lock at most: locking it again changes its kind.
 */
#ifndef WEFT_FILE_LOCK_H
#define WEFT_FILE_LOCK_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/file.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum weft_file_lock_kind {
    WEFT_FILE_SHARED,    /* beside other shared ones */
    WEFT_FILE_EXCLUSIVE  /* alone */
} weft_file_lock_kind;

/* Locks the file, once nobody has a lock that keeps it out.
 *
 * The system tells nobody that a lock ends: it is asked again and again, every 64 ms in the
 * end, and whoever asks first has it. No thread is held meanwhile. While the kind of a lock
 * is changed, another may come first: then there is none while this waits, nor if it fails.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, also while it waits
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL     NULL, or no such kind
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EAGAIN     no thread could be made for it
 *          -errno          of flock                                                         */
WEFT_API WEFT_MUST_CHECK int weft_file_lock(weft_file *file, weft_file_lock_kind kind);

/* The same if it can be had now.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0
 *          WEFT_EBUSY      it is locked
 *          others          as weft_file_lock                                                */
WEFT_API WEFT_MUST_CHECK int weft_file_try_lock(weft_file *file, weft_file_lock_kind kind);

/* Ends the file's lock. One that has none is 0.
 *
 * Waits    the task, or a plain thread
 * Cancel   no: shielded
 * From     any thread
 * Returns  0, WEFT_EINVAL for NULL, or -errno of flock                                      */
WEFT_API int weft_file_unlock(weft_file *file);

#ifdef __cplusplus
}
#endif
#endif
