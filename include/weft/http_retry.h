/* SPDX-License-Identifier: MIT */
/* Requests that are made again when they fail, for a session or for one request.
 *
 *     WEFT_TRY(weft_http_session_open(WEFT_OPTS(http_session,
 *         .retry = WEFT_OPTS(http_retry, .tries = 5)), &session));
 *
 * Made again is a request whose connection failed or was too slow, or whose answer's status says
 * that the server is busy. Waits in between double, with a part of chance; a server that says
 * when to come back (Retry-After) is heard. A wait ends with a cancel, and is not begun when the
 * scope's deadline or the request's total time would pass meanwhile: the caller gets what there
 * is. Only methods that may be repeated (GET, HEAD, OPTIONS, TRACE, PUT, DELETE), unless told
 * otherwise, and only bodies of memory or of a file.
 *
 * Without any of this, such a request is made once more if it was sent on a kept connection that
 * the server had closed meanwhile, and not a byte came back.
 *
 * Part of weft-http: weft/http.h has the session.
 */
#ifndef WEFT_HTTP_RETRY_H
#define WEFT_HTTP_RETRY_H

#include <weft/base.h>

/* 0 in a field is its default. */
typedef struct weft_http_retry_opts {
    size_t size_;
    int tries;               /* at most, the first one among them; 3 */
    int64_t wait_ns;         /* before the second, and twice as long before each other; 200 ms */
    int64_t max_wait_ns;     /* a server that wants a longer one isn't asked again; 30 s */
    int statuses[8];         /* 429, 502, 503, 504 */
    bool any_method;         /* POST too: only if the server knows it for a repetition */
} weft_http_retry_opts;

#endif
