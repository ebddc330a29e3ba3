/* SPDX-License-Identifier: MIT
 * A tunnel: a transfer that is a connection, with bytes both ways (CURLOPT_CONNECT_ONLY). libcurl makes
 * the connection, through proxies and TLS; then its driver moves bytes between the socket and the two
 * rings by curl_easy_recv and curl_easy_send, in turns of the engine like everything else.
 *
 *   N1  From IDLE to OVER it is a transfer like any other: it waits for a place, has the limits of time,
 *       and is ended by a close of its session or by an abort. has_head says that it is connected.
 *   N2  Its easy handle stays in the multi handle until it is OVER, for taking it out is what closes the
 *       connection; the engine's entry of its socket is the tunnel's meanwhile, and libcurl is not told of
 *       that socket's events.
 *   N3  `in` is E4's: its reader waits as x->party. Bytes for `out` are put in under the lock, since two may
 *       do so at once; who waits for them to go does so as x->up_party, a part of x->party.
 *   N4  TLS may hold bytes that the socket no longer shows: a move ends at EAGAIN, at a full ring, which
 *       its reader reports when there is room again, or with another move asked for. */
#ifndef WF_HTTP_TUNNEL_H
#define WF_HTTP_TUNNEL_H

#include "http/session.h"

/* With the url set, no timeouts: waits until it is connected. */
WF_MUST_CHECK int wf_http_tunnel_open(weft_http_response *x);

/* With the lock held: puts bytes in, of which keep are left free after them. False: there is no room. */
bool wf_http_tunnel_put_locked(weft_http_response *x, const char *data, size_t size, size_t keep);

/* For the engine, in a turn: it is connected; its socket is ready, or something was asked for; before
 * its end. */
void wf_http_tunnel_begin(weft_http_response *x);
void wf_http_tunnel_move(weft_http_response *x);
void wf_http_tunnel_detach(weft_http_response *x);

#endif
