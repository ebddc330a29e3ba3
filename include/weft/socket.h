/* SPDX-License-Identifier: MIT */
/* Connections: TCP and Unix streams that close themselves, read and written by tasks.
 *
 *     WEFT_AUTO(weft_socket, peer);
 *     WEFT_TRY(weft_connect("example.org:7", NULL, &peer));
 *     WEFT_TRY(weft_socket_write_all(peer, "hello\n", 6, &n));
 *     int64_t got = weft_socket_read(peer, buf, sizeof buf);    // 0: the peer has ended
 *
 * One reader and one writer at a time, from any task or thread. No call sends SIGPIPE. The
 * time a call may take is the deadline of the scope it is made in. Lines and the like:
 * weft/reader.h. The other side: weft/listener.h.
 */
#ifndef WEFT_SOCKET_H
#define WEFT_SOCKET_H

#include <weft/address.h>
#include <weft/cleanup.h>
#include <weft/fd.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_socket weft_socket;

typedef struct weft_connect_opts {
    size_t size_;
    bool coalesce;               /* TCP: small writes may wait for one another (no TCP_NODELAY) */
    bool keepalive;              /* TCP: a silent peer is asked whether it is there */
    int64_t stagger_ns;          /* ahead of the next address of a name; default 250 ms */
    const weft_address *from;    /* the address to come from; default any */
} weft_connect_opts;

/* Connects to where: "host:port", "127.0.0.1:80", "[::1]:80", "unix:/path", "unix:@name".
 *
 * Of a name with several addresses the next is tried as soon as one has failed, or has not
 * answered for a while, and the first to answer is taken (RFC 8305). opts may be NULL.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: whatever was begun is closed
 * From     any thread
 * Returns  0
 *          WEFT_ENAME      no such host
 *          WEFT_EINVAL     where is none of the forms
 *          WEFT_EOVERFLOW  a path that is too long
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_ENOMEM, or -errno of connect: of several addresses, that of the first       */
WEFT_API WEFT_MUST_CHECK int weft_connect(const char *where, const weft_connect_opts *opts,
                                          weft_socket **out_socket);

/* Connects to one address.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: whatever was begun is closed
 * From     any thread
 * Returns  as weft_connect                                                                  */
WEFT_API WEFT_MUST_CHECK int weft_connect_to(const weft_address *address,
                                             const weft_connect_opts *opts,
                                             weft_socket **out_socket);

/* Makes a weft_socket of a connected stream socket, which it owns from then on.
 *
 * On failure fd stays the caller's. It is set to be non-blocking.
 *
 * Waits    no
 * From     any thread
 * Returns  0, WEFT_ENOMEM, or -errno: -ENOTSOCK, -ENOTCONN, -EPROTOTYPE: no stream ...      */
WEFT_API WEFT_MUST_CHECK int weft_socket_adopt(int fd, weft_socket **out_socket);

/* The descriptor, which stays the socket's: for options that weft has no name for.
 *
 * Waits    no
 * From     any thread
 * Returns  the descriptor, or WEFT_EINVAL                                                   */
WEFT_API int weft_socket_fd(const weft_socket *socket);

/* Reads what there is, up to size bytes; waits if there is nothing.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: nothing is read
 * From     any thread, one at a time
 * Returns  how many bytes, 1 or more; 0 at the end: the peer writes no more
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EBUSY      another reads
 *          WEFT_ECLOSED    it was closed meanwhile
 *          WEFT_EINVAL     size is 0
 *          -errno          of recv: -ECONNRESET ...                                         */
WEFT_API WEFT_MUST_CHECK int64_t weft_socket_read(weft_socket *socket, void *buf, size_t size);

/* Writes as much as there is room for, 1 byte at least; waits if there is none.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: nothing is written
 * From     any thread, one at a time
 * Returns  how many bytes, 1 to size
 *          WEFT_ECANCELED, WEFT_EBUSY, WEFT_ECLOSED, WEFT_EINVAL    as weft_socket_read
 *          -errno          of send: -EPIPE, -ECONNRESET ...                                 */
WEFT_API WEFT_MUST_CHECK int64_t weft_socket_write(weft_socket *socket, const void *data,
                                                   size_t size);

/* Reads size bytes. *out_n, unlike other results, is written also when this fails: how many
 * bytes were read, 0 to size.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, whenever bytes are missing: those that were read count
 * From     any thread, one at a time
 * Returns  0               all size bytes
 *          WEFT_EEOF       the end came before
 *          else as weft_socket_read                                                         */
WEFT_API WEFT_MUST_CHECK int weft_socket_read_exact(weft_socket *socket, void *buf, size_t size,
                                                    size_t *out_n);

/* Writes size bytes. *out_n, unlike other results, is written also when this fails: how many
 * bytes the system has taken, 0 to size.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, whenever bytes are left: those that were written count
 * From     any thread, one at a time
 * Returns  0               all size bytes
 *          else as weft_socket_write                                                        */
WEFT_API WEFT_MUST_CHECK int weft_socket_write_all(weft_socket *socket, const void *data,
                                                   size_t size, size_t *out_n);

/* Ends one half, or both: a union of weft_fd_events. After WEFT_WRITABLE the peer reads all
 * that was written, then its end; after WEFT_READABLE the end is read here.
 *
 * Waits    no
 * From     any thread
 * Returns  0, WEFT_EINVAL, or -errno of shutdown                                            */
WEFT_API int weft_socket_shutdown(weft_socket *socket, unsigned halves);

/* The address of its own end.
 *
 * Waits    no
 * From     any thread
 * Returns  0, or -errno                                                                     */
WEFT_API int weft_socket_local(const weft_socket *socket, weft_address *out_address);

/* The address of the peer's end.
 *
 * Waits    no
 * From     any thread
 * Returns  0, or -errno: -ENOTCONN when it is gone ...                                      */
WEFT_API int weft_socket_peer(const weft_socket *socket, weft_address *out_address);

/* Closes it. A call that reads or writes meanwhile ends with WEFT_ECLOSED. NULL is 0.
 *
 * Waits    no
 * From     any thread, once
 * Returns  0, or -errno of close; it is gone either way                                     */
WEFT_API int weft_socket_close(weft_socket *socket);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_socket, weft_socket_close)

#endif
#endif
