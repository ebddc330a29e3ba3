/* SPDX-License-Identifier: MIT
 * A request to a server of raw bytes, and its answer. */
#ifndef WT_ASK_H
#define WT_ASK_H

#include "evil.h"
#include "wt_test.h"

#include <weft.h>
#include <weft/http.h>

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static const struct evil_reply hello = { .bytes = OK_HELLO, .then = EVIL_KEEP };

/* The status, the body being read, or < 0. */
static inline int send_once(weft_http_session *session, const char *method, const char *url,
                            const weft_http_request_opts *opts)
{
    WEFT_AUTO(weft_http_response, response);
    char *text;
    WEFT_TRY(weft_http_request(session, method, url, opts, &response));
    WEFT_TRY(weft_http_text(response, &text));
    weft_free(text);
    return weft_http_status(response);
}

static inline weft_http_session *open_session(const weft_http_session_opts *opts)
{
    weft_http_session *session = NULL;
    ck_assert_int_eq(weft_http_session_open(opts, &session), 0);
    return session;
}

#endif
