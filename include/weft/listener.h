/* SPDX-License-Identifier: MIT */
/* Listeners: where connections come in.
 *
 *     WEFT_AUTO(weft_listener, door);
 *     WEFT_TRY(weft_listen("127.0.0.1:8080", NULL, &door));
 *     for (;;) {
 *         weft_socket *peer;
 *         WEFT_TRY(weft_accept(door, &peer));
 *         WEFT_TRY(weft_spawn(&scope, serve, WEFT_MOVE(peer)));      // (auto, weft_socket, peer)
 *     }
 */
#ifndef WEFT_LISTENER_H
#define WEFT_LISTENER_H

#include <weft/half.h>
#include <weft/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_listener weft_listener;

typedef struct weft_listen_opts {
    size_t size_;
    int backlog;                 /* connections that may wait to be accepted; default 4096 */
    bool share_port;             /* others may listen on the port as well (SO_REUSEPORT) */
    bool coalesce;               /* of its connections, as in weft_connect_opts */
    bool keepalive;
} weft_listen_opts;

/* Listens at where: "127.0.0.1:80", "[::1]:80", ":80" (all addresses), "unix:/path",
 * "unix:@name". Port 0 is any that is free: weft_listener_address says which.
 *
 * opts may be NULL. The file of a Unix socket stays when it is closed, and must not exist yet.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL     where is none of the forms
 *          WEFT_EOVERFLOW  a path that is too long
 *          WEFT_ENOMEM, or -errno: -EADDRINUSE, -EACCES, -EADDRNOTAVAIL ...                 */
WEFT_API WEFT_MUST_CHECK int weft_listen(const char *where, const weft_listen_opts *opts,
                                         weft_listener **out_listener);

/* The next connection.
 *
 * One that was gone before it was accepted is passed over. While descriptors or memory have
 * run out it tries again now and then, and connections wait in the backlog.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: no connection is taken
 * From     any thread, one at a time
 * Returns  0
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EBUSY      another accepts
 *          WEFT_ECLOSED    it was closed meanwhile
 *          -errno          of accept                                                        */
WEFT_API WEFT_MUST_CHECK int weft_accept(weft_listener *listener, weft_socket **out_socket);

/* The connections as a receiver of weft_socket *, each its receiver's to close.
 *
 * A connection is accepted by the receive that gives it; one that lies in a channel behind it
 * (weft_buffer) and is never received is closed. The receiver consumes listener, also if this
 * fails: to close it is to stop listening. Whoever wants its address asks before. A receive
 * returns the codes of weft_accept, and another goes on after each. It waits inside: a select
 * of it is WEFT_ENOTSUP, unless a weft_buffer lies between. Usually called by
 * weft_listener_connections.
 *
 * Waits    no; a receive waits as weft_accept does
 * From     any thread
 * Returns  0; WEFT_EINVAL for NULL, WEFT_ENOMEM                                             */
WEFT_API WEFT_MUST_CHECK int weft_listener_connections_open(weft_listener *listener,
                                                            weft_receiver **out_rx);

/* Where it listens, its port included.
 *
 * Waits    no
 * From     any thread
 * Returns  0, or -errno                                                                     */
WEFT_API int weft_listener_address(const weft_listener *listener, weft_address *out_address);

/* Closes it: who accepts meanwhile gets WEFT_ECLOSED; connections it gave stay. NULL is 0.
 *
 * Waits    no
 * From     any thread, once
 * Returns  0, or -errno of close; it is gone either way                                     */
WEFT_API int weft_listener_close(weft_listener *listener);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_listener, weft_listener_close)

/* weft_listener_connections(WEFT_MOVE(door), &peers), with WEFT_RX(weft_socket *, peers). */
#define weft_listener_connections(listener, rx)                                           \
    weft_listener_connections_open(WEFT_STEAL(*(weft_listener **){ listener }),           \
                                   WEFT_RX_SLOT_(weft_socket *, rx))

#endif
#endif
