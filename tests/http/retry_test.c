/* SPDX-License-Identifier: MIT
 * Requests that are made again, and where redirects have led. Waits are a millisecond: what is counted
 * is requests. */
#include "evil.h"
#include "http/retry.h"
#include "wt_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>

#define HEAD(status, more) "HTTP/1.1 " status " x\r\n" more "\r\n"
#define EMPTY              "Content-Length: 0\r\n"

static const struct evil_reply fine = { .bytes = HEAD("200", EMPTY), .then = EVIL_KEEP };
static const struct evil_reply busy = { .bytes = HEAD("503", EMPTY), .then = EVIL_KEEP };
static const struct evil_reply dead = { .bytes = "" };

#define THREE_TRIES .retry = WEFT_OPTS(http_retry, .wait_ns = 1000000)

static int send_once(weft_http_session *session, const char *method, const char *url,
                     const weft_http_request_opts *opts)
{
    WEFT_AUTO(weft_http_response, response);
    WEFT_TRY(weft_http_request(session, method, url, opts, &response));
    return weft_http_status(response);
}

struct expected {
    int rc;
    unsigned n_requests;
};

static struct expected make(const struct evil_reply *replies, size_t n_replies,
                            const weft_http_session_opts *session_opts, const char *method,
                            const weft_http_request_opts *opts)
{
    struct evil server;
    struct expected got;
    weft_http_session *session;
    evil_start(&server, replies, n_replies);
    ck_assert_int_eq(weft_http_session_open(session_opts, &session), 0);
    got.rc = send_once(session, method, server.url, opts);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    got.n_requests = evil_count(server.requests, " HTTP/1.1\r\n");
    return got;
}

static void expect(struct expected got, int rc, unsigned n_requests)
{
    ck_assert_int_eq(got.rc, rc);
    ck_assert_uint_eq(got.n_requests, n_requests);
}

WT_TEST(a_busy_server_is_asked_again)
{
    const struct evil_reply replies[] = { { .bytes = HEAD("503", EMPTY) }, dead, fine };
    expect(make(replies, 3, NULL, "GET", WEFT_OPTS(http_request, THREE_TRIES)), 200, 3);
    expect(make(replies, 3, WEFT_OPTS(http_session, THREE_TRIES), "DELETE", NULL), 200, 3);
    expect(make(replies, 1, NULL, "GET", NULL), 503, 1);
}

WT_TEST(the_last_answer_is_the_callers)
{
    /* A connection that is kept, and dead, would be replaced without being a try. */
    const struct evil_reply replies[] = { { .bytes = HEAD("503", EMPTY) }, dead, busy };
    expect(make(replies, 3, NULL, "GET", WEFT_OPTS(http_request, THREE_TRIES)), 503, 3);
    expect(make(replies + 1, 1, NULL, "GET",
                WEFT_OPTS(http_request, .retry = WEFT_OPTS(http_retry, .tries = 1))),
           WEFT_EEOF, 1);
}

/* Of its three tries one is used up before the redirect, one behind it. */
WT_TEST(a_redirect_is_no_try)
{
    const struct evil_reply moved = { .bytes = HEAD("307", EMPTY "Location: /there\r\n"),
                                      .then = EVIL_KEEP };
    const struct evil_reply replies[] = { busy, moved, busy, fine };
    expect(make(replies, 4, NULL, "GET", WEFT_OPTS(http_request, THREE_TRIES)), 200, 4);
    const struct evil_reply in_vain[] = { busy, moved, busy, busy };
    expect(make(in_vain, 4, NULL, "GET", WEFT_OPTS(http_request, THREE_TRIES)), 503, 4);
}

WT_TEST(a_post_is_made_again_only_if_asked_for)
{
    struct evil_reply replies[] = { busy, fine };
    replies[0].request_body = replies[1].request_body = 4;
    expect(make(replies, 1, NULL, "POST",
                WEFT_OPTS(http_request, THREE_TRIES, .body = "data", .body_size = 4)),
           503, 1);
    expect(make(replies, 2, NULL, "POST",
                WEFT_OPTS(http_request, .body = "data", .body_size = 4,
                          .retry = WEFT_OPTS(http_retry, .wait_ns = 1000000, .any_method = true))),
           200, 2);
}

WT_TEST(only_the_statuses_that_were_named)
{
    const struct evil_reply teapot = { .bytes = HEAD("418", EMPTY), .then = EVIL_KEEP };
    const struct evil_reply replies[] = { teapot, busy };
    expect(make(replies, 2, NULL, "GET",
                WEFT_OPTS(http_request,
                          .retry = WEFT_OPTS(http_retry, .wait_ns = 1000000, .statuses = { 418 }))),
           503, 2);
    expect(make(replies, 1, NULL, "GET", WEFT_OPTS(http_request, THREE_TRIES)), 418, 1);
}

/* A file goes again from its beginning, a receiver can not. */
WEFT_GENERATOR(words, weft_rx(weft_http_chunk), (int, n))
{
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_yield((weft_http_chunk){ "word", 4 }));
    return 0;
}

static char *make_file(char *path)
{
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "data", 4), 4);
    close(fd);
    return path;
}

WT_TEST(a_body_goes_again_if_it_can_be_read_again)
{
    struct evil_reply replies[] = { busy, fine, busy };
    char path[] = "/tmp/weft-retry-XXXXXX";
    replies[0].request_body = replies[1].request_body = 4;
    replies[2].request_body = sizeof("4\r\nword\r\n0\r\n\r\n") - 1;
    make_file(path);
    expect(make(replies, 2, NULL, "PUT", WEFT_OPTS(http_request, THREE_TRIES, .body_path = path)),
           200, 2);
    (void)unlink(path);
    WEFT_RX(weft_http_chunk, body);
    ck_assert_int_eq(words(1, &body), 0);
    expect(make(replies + 2, 1, NULL, "PUT",
                WEFT_OPTS(http_request, THREE_TRIES, .body_rx = WEFT_MOVE(body))),
           503, 1);
}

/* ---- when ---------------------------------------------------------------------------------------------- */

WT_TEST(when_a_server_wants_to_be_asked_again)
{
    ck_assert_int_eq(wf_http_retry_after("7", 0), WEFT_SEC(7));
    ck_assert_int_eq(wf_http_retry_after("0", 0), 0);
    ck_assert_int_eq(wf_http_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111770), WEFT_SEC(7));
    ck_assert_int_eq(wf_http_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111800), 0);
    ck_assert_int_eq(wf_http_retry_after("99999999999999999999", 0), WEFT_SEC(INT32_MAX));
    ck_assert_int_eq(wf_http_retry_after("later", 0), -1);
    ck_assert_int_eq(wf_http_retry_after("", 0), -1);
}

WT_TEST(a_wait_that_is_too_long_is_not_begun)
{
    const struct evil_reply later = { .bytes = HEAD("503", EMPTY "Retry-After: 3600\r\n"),
                                      .then = EVIL_KEEP };
    weft_http_retry_opts patient = { .size_ = sizeof(patient), .max_wait_ns = WEFT_SEC(7200) };
    expect(make(&later, 1, NULL, "GET", WEFT_OPTS(http_request, THREE_TRIES)), 503, 1);
    expect(make(&later, 1, NULL, "GET",
                WEFT_OPTS(http_request, .retry = &patient, .timeouts.total_ns = WEFT_SEC(60))),
           503, 1);
    WEFT_SCOPE(scope, .timeout_ns = WEFT_SEC(60));
    expect(make(&later, 1, NULL, "GET", WEFT_OPTS(http_request, .retry = &patient)), 503, 1);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
}

WEFT_TASK(send_patiently, (weft_http_session *, session), (const char *, url), (int *, out_rc))
{
    *out_rc = send_once(
        session, "GET", url,
        WEFT_OPTS(http_request, .retry = WEFT_OPTS(http_retry, .wait_ns = WEFT_SEC(3600),
                                                   .max_wait_ns = WEFT_SEC(3600))));
    return 0;
}

WT_TEST(a_wait_ends_with_a_cancel)
{
    struct evil server;
    weft_http_session *session;
    int rc =
        WEFT_ECANCELED; /* that is so too if it is cancelled before it begins; if it is while a try
                                fails, there is no wait, and that failure is what is told */
    evil_start(&server, &dead, 1);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_spawn(&scope, send_patiently, session, server.url, &rc), 0);
    evil_stop(&server); /* it has had the request, and is gone */
    weft_scope_cancel(&scope);
    ck_assert_int_le(weft_scope_wait(&scope), 0);
    ck_assert_int_lt(rc, 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
}

WT_TEST(a_session_has_a_budget)
{
    struct evil server;
    struct evil_reply replies[22];
    weft_http_session *session;
    for (int i = 0; i < 22; i++)
        replies[i] = busy;
    evil_start(&server, replies, 22);
    ck_assert_int_eq(
        weft_http_session_open(
            WEFT_OPTS(http_session, .retry_percent = 10,
                      .retry = WEFT_OPTS(http_retry, .tries = 50, .wait_ns = 1, .max_wait_ns = 1)),
            &session),
        0);
    /* The ten that are free go with the first, and one more with the tenth. */
    for (int i = 0; i < 11; i++)
        ck_assert_int_eq(send_once(session, "GET", server.url, NULL), 503);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_uint_eq(evil_count(server.requests, "GET / "), 22);
}

/* ---- kept connections that are dead ---------------------------------------------------------------------- */

static int on_dead_connection(const char *method)
{
    struct evil server;
    struct evil_reply replies[] = { fine, { .bytes = "", .request_body = 1 }, fine };
    weft_http_session *session;
    replies[2].request_body = 1;
    evil_start(&server, replies, 3);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    ck_assert_int_eq(send_once(session, "GET", server.url, NULL), 200);
    const weft_http_request_opts *opts = WEFT_OPTS(http_request, .body = "x", .body_size = 1);
    int rc = send_once(session, method, server.url, opts);
    if (rc < 0) /* so that the server comes to its end */
        ck_assert_int_eq(send_once(session, "POST", server.url, opts), 200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    return rc;
}

WT_TEST(a_body_that_may_be_repeated_is_on_a_dead_connection)
{
    ck_assert_int_eq(on_dead_connection("PUT"), 200);
    ck_assert_int_lt(on_dead_connection("PATCH"), 0);
}

/* ---- redirects ------------------------------------------------------------------------------------------ */

/* The method after it, or NULL: not followed. `opts` is sent, with a body of four bytes. */
static const char *redirected(const char *status, const char *method, const char *body,
                              char *out_second)
{
    struct evil server;
    char answer[128];
    size_t size = body != NULL ? strlen(body) : 0;
    weft_http_session *session;
    (void)snprintf(answer, sizeof(answer), HEAD("%s", EMPTY "Location: /there\r\n"), status);
    bool keeps = status[1] == '0' && (status[2] >= '7' || strcmp(method, "POST") != 0);
    keeps = keeps && (strcmp(status, "303") != 0);
    struct evil_reply replies[] = { { .bytes = answer, .then = EVIL_KEEP }, fine };
    replies[0].request_body = size;
    replies[1].request_body = keeps ? size : 0;
    evil_start(&server, replies, 2);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    ck_assert_int_eq(send_once(session, method, server.url,
                               WEFT_OPTS(http_request, .body = body, .body_size = size)),
                     200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    const char *second = strstr(server.requests, " /there ");
    ck_assert_ptr_nonnull(second);
    const char *begin = second;
    while (begin > server.requests && begin[-1] >= 'A' && begin[-1] <= 'Z')
        begin--;
    (void)snprintf(out_second, 16, "%.*s%s", (int)(second - begin), begin,
                   size > 0 && strstr(second, "\r\n\r\ndata") != NULL ? "+body" : "");
    return out_second;
}

WT_TEST(what_becomes_of_a_method)
{
    static const struct {
        const char *status, *method, *body, *expected;
    } cases[] = {
        { "301", "POST", "data", "GET" },       { "302", "POST", "data", "GET" },
        { "303", "POST", "data", "GET" },       { "303", "PUT", "data", "GET" },
        { "303", "HEAD", NULL, "HEAD" },        { "301", "PUT", "data", "PUT+body" },
        { "302", "DELETE", NULL, "DELETE" },    { "307", "POST", "data", "POST+body" },
        { "308", "POST", "data", "POST+body" }, { "308", "HEAD", NULL, "HEAD" },
    };
    char second[16];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_str_eq(redirected(cases[i].status, cases[i].method, cases[i].body, second),
                         cases[i].expected);
}

static void note_redirect(const weft_http_trace *trace, void *arg)
{
    *(bool *)arg |= trace->phase == WEFT_HTTP_REDIRECTED;
}

WEFT_GENERATOR(until_redirected, weft_rx(weft_http_chunk), (const bool *, is_redirected))
{
    static const char some[8192];
    while (!*is_redirected)
        WEFT_TRY(weft_yield((weft_http_chunk){ some, sizeof(some) }));
    return -EIO;
}

/* What is left of a body is not asked for once the request goes on without it. */
WT_TEST(a_body_ends_where_a_redirect_leads_away_from_it)
{
    struct evil server;
    const struct evil_reply replies[] = {
        { .bytes = HEAD("303", EMPTY "Location: /there\r\n"), .then = EVIL_HOLD },
        fine,
    };
    weft_http_session *session;
    bool is_redirected = false;
    WEFT_RX(weft_http_chunk, rx);
    evil_start(&server, replies, 2);
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .on_trace = note_redirect,
                                                      .trace_arg = &is_redirected),
                                            &session),
                     0);
    ck_assert_int_eq(until_redirected(&is_redirected, &rx), 0);
    ck_assert_int_eq(
        send_once(session, "POST", server.url, WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(rx))),
        200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

/* Headers that go to any origin go there once. */
WT_TEST(a_redirect_repeats_no_header)
{
    struct evil server, other;
    char away[160];
    weft_http_session *session;
    const weft_http_field fields[] = { { "Accept-Encoding", "identity" },
                                       { "Range", "bytes=0-4" },
                                       { 0 } };
    evil_start(&other, &fine, 1);
    (void)snprintf(away, sizeof(away), HEAD("307", EMPTY "Location: %s\r\n"), other.url);
    const struct evil_reply replies[] = { { .bytes = away, .then = EVIL_KEEP } };
    evil_start(&server, replies, 1);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    ck_assert_int_eq(send_once(session, "GET", server.url,
                               WEFT_OPTS(http_request, .cross_origin_headers = fields)),
                     200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    evil_stop(&other);
    ck_assert_uint_eq(evil_count(other.requests, "\r\nRange: "), 1);
    ck_assert_uint_eq(evil_count(other.requests, "\r\nAccept-Encoding: "), 1);
}

WT_TEST(where_redirects_have_led)
{
    struct evil server;
    const struct evil_reply replies[] = {
        { .bytes = HEAD("301", EMPTY "Location: /a\r\n"), .then = EVIL_KEEP },
        { .bytes = HEAD("307", EMPTY "Location: /b\r\n"), .then = EVIL_KEEP },
        fine,
    };
    weft_http_session *session;
    weft_http_response *response;
    weft_http_hop hop;
    evil_start(&server, replies, 3);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
    ck_assert(weft_http_history_at(response, 0, &hop));
    ck_assert_int_eq(hop.status, 301);
    ck_assert_str_eq(hop.url, server.url);
    ck_assert(weft_http_history_at(response, 1, &hop));
    ck_assert_int_eq(hop.status, 307);
    ck_assert_str_eq(hop.url + strlen(server.url), "a");
    ck_assert(!weft_http_history_at(response, 2, &hop));
    ck_assert_str_eq(weft_http_url(response) + strlen(server.url), "b");
    ck_assert_int_eq(weft_http_response_close(response), 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

WT_TEST(only_headers_marked_for_it_go_to_another_origin)
{
    struct evil from, to;
    char answer[160];
    weft_http_session *session;
    const weft_http_field own[] = { { "X-Own", "1" }, { 0 } };
    const weft_http_field ours[] = { { "X-Trace", "2" }, { "X-Both", "session" }, { 0 } };
    const weft_http_field any[] = { { "X-Both", "request" }, { 0 } };
    evil_start(&to, &fine, 1);
    (void)snprintf(answer, sizeof(answer), HEAD("307", EMPTY "Location: %s\r\n"), to.url);
    const struct evil_reply reply = { .bytes = answer, .then = EVIL_KEEP };
    evil_start(&from, &reply, 1);
    ck_assert_int_eq(
        weft_http_session_open(
            WEFT_OPTS(http_session, .headers = own, .cross_origin_headers = ours), &session),
        0);
    ck_assert_int_eq(send_once(session, "GET", from.url,
                               WEFT_OPTS(http_request, .bearer = "t", .headers = own,
                                         .cross_origin_headers = any)),
                     200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&from);
    evil_stop(&to);
    ck_assert_uint_eq(evil_count(from.requests, "X-Own: 1\r\n"), 1);
    ck_assert_uint_eq(evil_count(from.requests, "Authorization: Bearer t\r\n"), 1);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(evil_count((i == 0 ? &from : &to)->requests, "X-Trace: 2\r\n"), 1);
        ck_assert_uint_eq(evil_count((i == 0 ? &from : &to)->requests, "X-Both: request\r\n"), 1);
        ck_assert_uint_eq(evil_count((i == 0 ? &from : &to)->requests, "X-Both: session\r\n"), 0);
    }
    ck_assert_uint_eq(evil_count(to.requests, "X-Own"), 0);
    ck_assert_uint_eq(evil_count(to.requests, "Authorization"), 0);
}

WT_TEST(a_status_that_is_an_error_gives_its_connection_back)
{
    struct evil server;
    const struct evil_reply replies[] = { busy, fine };
    weft_http_session *session;
    evil_start(&server, replies, 2);
    ck_assert_int_eq(
        weft_http_session_open(WEFT_OPTS(http_session, .raise_for_status = true), &session), 0);
    ck_assert_int_eq(send_once(session, "GET", server.url, NULL), WEFT_EHTTPSTATUS);
    ck_assert_int_eq(send_once(session, "GET", server.url, NULL), 200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_uint_eq(server.n_connections, 1);
}

WT_MAIN("http_retry")
