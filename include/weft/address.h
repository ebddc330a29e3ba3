/* SPDX-License-Identifier: MIT */
/* Addresses of sockets, as text and as the system has them.
 *
 *     weft_address at;
 *     char text[WEFT_ADDRESS_TEXT];
 *     WEFT_TRY(weft_address_parse("[::1]:8080", &at));
 *     WEFT_TRY(weft_address_text(&at, text, sizeof text));
 *
 * As text they are "127.0.0.1:80", "[::1]:80" and "unix:/run/it.sock"; "unix:@it" has no
 * file. Names of hosts become addresses by weft_resolve, which weft_connect calls itself.
 */
#ifndef WEFT_ADDRESS_H
#define WEFT_ADDRESS_H

#include <weft/base.h>
#include <weft/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { WEFT_ADDRESS_TEXT = 128 };        /* room for any address as text */

/* A struct sockaddr of size bytes; size 0: none. */
typedef struct weft_address {
    uint64_t sockaddr_[16];
    uint32_t size;
} weft_address;

/* Reads an address from text. One that is local to a link has its interface behind it, by
 * name or number: "[fe80::1%eth0]:80"; it is written by number. Port 0 lets a listener have any that is free.
 *
 * Waits    no
 * From     any thread
 * Returns  0
 *          WEFT_EINVAL     not one of the forms above, or a host that is a name
 *          WEFT_EOVERFLOW  a path that is too long                                          */
WEFT_API WEFT_MUST_CHECK int weft_address_parse(const char *text, weft_address *out_address);

/* Writes an address as text, ended by a 0 byte.
 *
 * Waits    no
 * From     any thread
 * Returns  how many bytes, the 0 byte not counted
 *          WEFT_EOVERFLOW  size is too small: WEFT_ADDRESS_TEXT never is                    */
WEFT_API int weft_address_text(const weft_address *address, char *text, size_t size);

/* The port of an address.
 *
 * Waits    no
 * From     any thread
 * Returns  the port, 0 where there is none                                                  */
WEFT_API uint16_t weft_address_port(const weft_address *address);

/* Finds the addresses of where, "host:port": at most max of them, in the order in which to
 * try them, families in turn (RFC 8305). A host that is an address already is not looked up.
 *
 * Names are looked up by the system's resolver, on the lane WEFT_LANE_DNS.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes, at any time: the look-up goes on alone
 * From     any thread
 * Returns  how many, 1 or more
 *          WEFT_ENAME      no such name, or it has no address
 *          WEFT_EINVAL     where is none of the forms
 *          WEFT_EOVERFLOW  a path that is too long
 *          WEFT_ECANCELED  the caller's scope is cancelled or past its deadline
 *          WEFT_EAGAIN     no thread could be made for it, or the name servers did not answer
 *          WEFT_ENOMEM, or -errno                                                           */
WEFT_API WEFT_MUST_CHECK int weft_resolve(const char *where, weft_address *out_addresses,
                                          size_t max);

#ifdef __cplusplus
}
#endif
#endif
