/* SPDX-License-Identifier: MIT
 * The proof that a server speaks WebSocket (RFC 6455, 4): it answers a key with its hash. No secret
 * depends on it. */
#ifndef WF_HTTP_WEBSOCKET_KEY_H
#define WF_HTTP_WEBSOCKET_KEY_H

#include "plat/cc.h"

enum { WF_WEBSOCKET_KEY = 25, WF_WEBSOCKET_ACCEPT = 29 }; /* in base64, with a 0 */

void wf_websocket_key(const unsigned char random[16], char key[WF_WEBSOCKET_KEY]);
void wf_websocket_accept(const char *key, char accept[WF_WEBSOCKET_ACCEPT]);

#endif
