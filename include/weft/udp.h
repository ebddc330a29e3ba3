/* SPDX-License-Identifier: MIT */
/* UDP: datagrams with their addresses.
 *
 *     WEFT_AUTO(weft_udp, here);
 *     WEFT_TRY(weft_udp_open("127.0.0.1:0", &here));
 *     weft_address from;
 *     int64_t n = weft_udp_recv(here, buf, sizeof buf, &from);
 *     WEFT_TRY(weft_udp_send(here, buf, (size_t)n, &from));
 */
#ifndef WEFT_UDP_H
#define WEFT_UDP_H

#include <weft/address.h>
#include <weft/cleanup.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_udp weft_udp;

/* Opens a socket for datagrams at where: "127.0.0.1:53", "[::1]:53", ":53" (all addresses).
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL     where is none of the forms
 *          WEFT_ENOMEM, or -errno of bind                                                   */
WEFT_API WEFT_MUST_CHECK int weft_udp_open(const char *where, weft_udp **out_udp);

/* Receives one datagram, and where it came from (out_from may be NULL).
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: none is taken
 * From     any thread, one at a time
 * Returns  the size of the datagram, 0 or more; more than size if it was cut to fit
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EBUSY      another receives
 *          WEFT_ECLOSED    it was closed meanwhile
 *          -errno          of recv                                                          */
WEFT_API WEFT_MUST_CHECK int64_t weft_udp_recv(weft_udp *udp, void *buf, size_t size,
                                               weft_address *out_from);

/* Sends one datagram, whole.
 *
 * Waits    the task, or a plain thread, while the system has no room for it
 * Cancel   yes: nothing is sent
 * From     any thread, one at a time
 * Returns  0
 *          WEFT_ECANCELED, WEFT_EBUSY, WEFT_ECLOSED    as weft_udp_recv
 *          WEFT_EMSGSIZE   too large for a datagram
 *          -errno          of send                                                          */
WEFT_API WEFT_MUST_CHECK int weft_udp_send(weft_udp *udp, const void *data, size_t size,
                                           const weft_address *to);

/* Where it is, its port included.
 *
 * Waits    no
 * From     any thread
 * Returns  0, or -errno                                                                     */
WEFT_API int weft_udp_address(const weft_udp *udp, weft_address *out_address);

/* Closes it: calls under way end with WEFT_ECLOSED. NULL is 0.
 *
 * Waits    no
 * From     any thread, once
 * Returns  0, or -errno of close; it is gone either way                                     */
WEFT_API int weft_udp_close(weft_udp *udp);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_udp, weft_udp_close)

#endif
#endif
