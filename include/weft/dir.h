/* SPDX-License-Identifier: MIT */
/* Folders: made, removed, listed and walked.
 *
 *     WEFT_RX(weft_dir_entry, entries);
 *     WEFT_TRY(weft_dir_scan("/etc", &entries));
 *     weft_each (entry, entries)
 *         printf("%s\n", entry.name);
 *     return weft_error(entries);
 *
 * Entries come in the system's order, without "." and ".."; what is made or removed
 * meanwhile may come or not. Names and paths in an entry are views, valid until the next
 * receive from the same receiver. Many entries are read at once, so that most receives
 * make no call of the system. No thread can be had: WEFT_EAGAIN.
 */
#ifndef WEFT_DIR_H
#define WEFT_DIR_H

#include <weft/base.h>
#include <weft/error.h>
#include <weft/half.h>
#include <weft/line.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What an entry is: the link itself where it is one. */
typedef enum weft_entry_kind {
    WEFT_ENTRY_OTHER,    /* a pipe, a socket, a device, or gone before it could be asked */
    WEFT_ENTRY_FILE,
    WEFT_ENTRY_DIR,
    WEFT_ENTRY_LINK
} weft_entry_kind;

typedef struct weft_dir_entry {
    const char *name;
    weft_entry_kind kind;
    uint64_t inode;
} weft_dir_entry;

typedef struct weft_walk_entry {
    const char *path;    /* from the path that the walk was given on */
    const char *name;    /* its last part */
    weft_entry_kind kind;
    unsigned depth;      /* 1 for what lies in the folder itself */
    int error;           /* not 0: path is a folder that could not be read (any further) */
} weft_walk_entry;

typedef struct weft_walk_opts {
    size_t size_;
    unsigned max_depth;  /* folders of this depth are not gone into; default: all are */
} weft_walk_opts;

/* Makes a folder. mode is what chmod takes, less the process's mask; 0777 is usual.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ECANCELED, or -errno of mkdir; -EEXIST: there is something              */
WEFT_API WEFT_MUST_CHECK int weft_dir_make(const char *path, unsigned mode);

/* Makes a folder and those above it that are missing. One that is there already is 0.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM, WEFT_ECANCELED
 *          -errno          of mkdir; -ENOTDIR: something else is there                      */
WEFT_API WEFT_MUST_CHECK int weft_dir_make_all(const char *path, unsigned mode);

/* Removes an empty folder (rmdir).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ECANCELED, or -errno of rmdir; -ENOTEMPTY                                */
WEFT_API WEFT_MUST_CHECK int weft_dir_remove(const char *path);

/* Removes an empty folder, then those above it in the path as long as they are empty
 * (os.removedirs): one that is not, or that can't be removed, ends it and is no error.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts
 * From     any thread
 * Returns  0; WEFT_ENOMEM, WEFT_ECANCELED, or -errno of rmdir for path itself               */
WEFT_API WEFT_MUST_CHECK int weft_dir_remove_above(const char *path);

/* Removes a folder and all that is in it. Symbolic links are removed, never followed.
 *
 * What can't be removed stays, with the folders above it; the rest goes, and the first error
 * is returned. The tree may be deeper than the process has file descriptors.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts, and between two entries
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM, WEFT_ECANCELED
 *          -errno          of openat, getdents or unlinkat, the first                       */
WEFT_API WEFT_MUST_CHECK int weft_dir_remove_all(const char *path);

/* Opens the folder at path as a receiver of weft_dir_entry.
 *
 * The receiver is the caller's to drop, and is written by memcpy. A receive returns -errno
 * of a read that failed, once; then the entries end. Usually called by weft_dir_scan.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts, and each time before more entries are read
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM, WEFT_ECANCELED
 *          -errno          of open; -ENOTDIR                                                */
WEFT_API WEFT_MUST_CHECK int weft_dir_scan_open(const char *path, weft_receiver **out_rx);

/* The same as a receiver of weft_text: names that their receiver owns and drops by
 * weft_text_drop, and may send on. Usually called by weft_dir_list.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, as weft_dir_scan_open
 * From     any thread
 * Returns  as weft_dir_scan_open; a receive also WEFT_ENOMEM, and may be tried again        */
WEFT_API WEFT_MUST_CHECK int weft_dir_list_open(const char *path, weft_receiver **out_rx);

/* Opens all that lies below the folder at path as a receiver of weft_walk_entry.
 *
 * A folder comes before what lies in it. Symbolic links are entries, and are never gone
 * into. A folder that can't be read comes a second time, with an error, and the walk goes
 * on; only path itself fails here. A descriptor is open for each folder on the way down.
 * opts may be NULL. Usually called by weft_dir_walk.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, before it starts, and each time before more entries are read
 * From     any thread
 * Returns  0
 *          WEFT_ENOMEM, WEFT_ECANCELED
 *          -errno          of open; -ENOTDIR                                                */
WEFT_API WEFT_MUST_CHECK int weft_dir_walk_open(const char *path, const weft_walk_opts *opts,
                                                weft_receiver **out_rx);

#ifdef __cplusplus
}
#else

/* weft_dir_scan("folder", &entries), weft_dir_list("folder", &names),
 * weft_dir_walk("folder", NULL, &entries) or with WEFT_OPTS(walk, .max_depth = 2). */
#define weft_dir_scan(path, rx) weft_dir_scan_open(path, WEFT_RX_SLOT_(weft_dir_entry, rx))
#define weft_dir_list(path, rx) weft_dir_list_open(path, WEFT_RX_SLOT_(weft_text, rx))
#define weft_dir_walk(path, opts, rx) \
    weft_dir_walk_open(path, opts, WEFT_RX_SLOT_(weft_walk_entry, rx))

#endif
#endif
