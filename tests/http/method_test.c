/* SPDX-License-Identifier: MIT
 * A call for each method, and what is asked for and told beside the body. */
#include "evil.h"
#include "wt_test.h"

#include <string.h>
#include <weft.h>
#include <weft/http.h>

#define FINE "HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n"

typedef int method_call(weft_http_session *, const char *, const weft_http_request_opts *,
                        weft_http_response **);

WT_TEST(a_call_for_each_method)
{
    static const struct {
        method_call *call;
        const char *line;
    } cases[] = { { weft_http_put, "PUT / " },
                  { weft_http_patch, "PATCH / " },
                  { weft_http_delete, "DELETE / " },
                  { weft_http_head, "HEAD / " },
                  { weft_http_options, "OPTIONS / " } };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct evil server;
        weft_http_session *session;
        weft_http_response *response;
        evil_start(&server, &(struct evil_reply){ .bytes = FINE }, 1);
        ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
        ck_assert_int_eq(cases[i].call(session, server.url, NULL, &response), 0);
        ck_assert_int_eq(weft_http_response_close(response), 0);
        ck_assert_int_eq(weft_http_session_close(session), 0);
        evil_stop(&server);
        ck_assert_ptr_eq(strstr(server.requests, cases[i].line), server.requests);
    }
}

static bool asks_for_packed(const weft_http_session_opts *opts)
{
    struct evil server;
    weft_http_session *session;
    evil_start(&server, &(struct evil_reply){ .bytes = FINE }, 1);
    ck_assert_int_eq(weft_http_session_open(opts, &session), 0);
    weft_http_response *response;
    ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert(strstr(server.requests, "Accept-Encoding: gzip\r\n") != NULL ||
              strstr(server.requests, "Accept-Encoding:") == NULL);
    return strstr(server.requests, "Accept-Encoding:") != NULL;
}

/* By gzip alone: of no other packing is a cut noticed. */
WT_TEST(packed_answers_are_asked_for_unless_told_otherwise)
{
    ck_assert(asks_for_packed(NULL));
    ck_assert(!asks_for_packed(WEFT_OPTS(http_session, .no_compression = true)));
}

static int version_of(const char *bytes)
{
    struct evil server;
    weft_http_session *session;
    weft_http_response *response;
    evil_start(&server, &(struct evil_reply){ .bytes = bytes }, 1);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
    int version = weft_http_version_of(response);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    return version;
}

WT_TEST(an_answer_tells_its_version)
{
    ck_assert_int_eq(version_of(FINE), 11);
    ck_assert_int_eq(version_of("HTTP/1.0 200 x\r\nContent-Length: 0\r\n\r\n"), 10);
    ck_assert_int_eq(weft_http_version_of(NULL), WEFT_EINVAL);
}

WT_MAIN("http_method")
