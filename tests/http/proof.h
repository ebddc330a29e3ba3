/* SPDX-License-Identifier: MIT
 * What the tests of Digest share: challenges, requests that are answered, and a look at the proofs that came. */
#ifndef WT_PROOF_H
#define WT_PROOF_H

#include "evil.h"

#include <weft.h>
#include <weft/http.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))
#define REALM    "testrealm@host.com"
#define NONCE    "dcd98b7102dd2f0e8b11d0f600bfb0c093"
#define OLD      "WWW-Authenticate: Digest realm=\"" REALM "\", nonce=\"" NONCE "\"\r\n"
#define QOP \
    "WWW-Authenticate: Digest realm=\"" REALM "\", qop=\"auth,auth-int\", nonce=\"" NONCE "\"\r\n"
#define STALE \
    "WWW-Authenticate: Digest realm=\"" REALM "\", qop=\"auth\", stale=true, nonce=\"another\"\r\n"
#define DENY(fields) "HTTP/1.1 401 No\r\nX-First: 1\r\n" fields "Content-Length: 6\r\n\r\ndenied"
#define OK_HELLO     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define CHUNKS       "4\r\nbody\r\n0\r\n\r\n"
#define SIMBA        .user = "Mufasa", .password = "Circle Of Life", .digest = true

static const struct evil_reply hello = { .bytes = OK_HELLO, .then = EVIL_KEEP };

struct proof_answer {
    int rc, status;
    char text[64];
    bool has_first;
};

struct proof_answer proof_ask(weft_http_session *session, const char *method, const char *url,
                              const weft_http_request_opts *opts);
void proof_is_hello(struct proof_answer it);
void proof_is_denied(struct proof_answer it);

const char *proof_said(const struct evil *server, const char *name); /* in the last Authorization */
void proof_check(const struct evil *server, const char *method,
                 const char *nonce); /* the last one */

#endif
