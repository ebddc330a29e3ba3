/* SPDX-License-Identifier: MIT
 * Base64 (RFC 4648). libcurl has it, and does not give it. */
#ifndef WF_HTTP_BASE64_H
#define WF_HTTP_BASE64_H

#include "plat/cc.h"

/* out has room for 4 characters for each 3 bytes begun, and a 0. */
void wf_http_base64(const unsigned char *data, size_t size, char *out);

#endif
