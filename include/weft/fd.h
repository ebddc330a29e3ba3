/* SPDX-License-Identifier: MIT */
/* File descriptors: waiting until one is ready, and moving bytes, without holding a thread.
 *
 * The descriptor stays the caller's, and is best non-blocking:
 *
 *     ssize_t n;
 *     while ((n = read(fd, buf, sizeof buf)) < 0 && errno == EAGAIN)
 *         WEFT_TRY(weft_fd_wait(fd, WEFT_READABLE));
 *
 * For pipes, eventfds, sockets of your own and the like; weft/socket.h has sockets. A
 * regular file is always ready: use weft/file.h. One waiter for each direction; while
 * somebody waits, it is closed by weft_fd_close, or given away after weft_fd_forget.
 */
#ifndef WEFT_FD_H
#define WEFT_FD_H

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weft_fd_events {
    WEFT_READABLE = 1,   /* data, a connection, the end, or an error to be read */
    WEFT_WRITABLE = 2    /* room, or an error to be found by writing */
};

/* Waits until fd is ready for one of the events, a union of weft_fd_events.
 *
 * Readiness may pass again before the caller acts on it.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes
 * From     any thread
 * Returns  the events that are ready, more than 0
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EBUSY      another waits on fd for the same direction
 *          WEFT_ECLOSED    weft_fd_close or weft_fd_forget was called for fd
 *          WEFT_ENOTSUP    a regular file or folder, which can't be waited for
 *          WEFT_EINVAL     no such event; -EBADF: no such descriptor
 *          WEFT_ENOMEM, WEFT_EAGAIN    in a plain thread: the runtime could not start       */
WEFT_API WEFT_MUST_CHECK int weft_fd_wait(int fd, unsigned events);

/* Reads size bytes from fd, and waits for them as often as it has to.
 *
 * fd is non-blocking. *out_n, unlike other results, is written also when this fails: how
 * many bytes were read, 0 to size; they are in buf and gone from fd.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, whenever bytes are missing: those that were read count
 * From     any thread, one at a time for each descriptor and direction
 * Returns  0               all size bytes
 *          WEFT_EEOF       the end came before; *out_n is 0 if nothing did
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EBUSY      another waits on fd for the same direction
 *          WEFT_ECLOSED    weft_fd_close or weft_fd_forget was called for fd meanwhile
 *          WEFT_EINVAL     fd would block
 *          -errno          of read
 *          WEFT_ENOMEM, WEFT_EAGAIN    in a plain thread: the runtime could not start       */
WEFT_API WEFT_MUST_CHECK int weft_fd_read_exact(int fd, void *buf, size_t size, size_t *out_n);

/* Writes all size bytes to fd, and waits for room as often as it has to.
 *
 * fd is non-blocking. *out_n, unlike other results, is written also when this fails: how
 * many bytes fd has taken, 0 to size. Where nobody reads any more this is -EPIPE in a
 * task; a plain thread gets SIGPIPE, as of write, unless the program ignores that.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, whenever bytes are left: those that were written count
 * From     any thread, one at a time for each descriptor and direction
 * Returns  0               all size bytes
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EBUSY      another waits on fd for the same direction
 *          WEFT_ECLOSED    weft_fd_close or weft_fd_forget was called for fd meanwhile
 *          WEFT_EINVAL     fd would block
 *          -errno          of write
 *          WEFT_ENOMEM, WEFT_EAGAIN    in a plain thread: the runtime could not start       */
WEFT_API WEFT_MUST_CHECK int weft_fd_write_all(int fd, const void *data, size_t size,
                                               size_t *out_n);

/* Ends all that weft does with fd: whoever waits for it gets WEFT_ECLOSED.
 *
 * Before fd is closed by others, or handed to a library that watches it itself. Nobody may
 * be about to begin a wait. It stays open, and may be waited for again.
 *
 * Waits    no
 * From     any thread                                                                       */
WEFT_API void weft_fd_forget(int fd);

/* Closes fd: whoever waits for it gets WEFT_ECLOSED, and no event of it reaches the next
 * descriptor of that number.
 *
 * For what close(2) never waits for, as it doesn't for pipes and sockets.
 *
 * Waits    no
 * From     any thread
 * Returns  0, or -errno of close; the descriptor is gone either way                         */
WEFT_API int weft_fd_close(int fd);

#ifdef __cplusplus
}
#endif
#endif
