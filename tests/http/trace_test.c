/* SPDX-License-Identifier: MIT
 * What a session's on_trace is told of a request, phase by phase. */
#include "evil.h"
#include "nginx.h"
#include "peer.h"
#include "wt_loopback.h"
#include "wt_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_websocket.h>

#define HEAD(status, more) "HTTP/1.1 " status " x\r\n" more "\r\n"
#define HELLO              HEAD("200", "Content-Length: 5\r\n") "hello"
#define EMPTY              "Content-Length: 0\r\n"

/* A new connection's phases, up to the answer's head. */
#define UP_TO_SENDING      "queued, admitted, named, connected, sending, "
#define NEW                UP_TO_SENDING "head received, "

struct told {
    char phases[1024]; /* with ", " after each; of chunks that follow each other only the first */
    size_t sent, received;
    unsigned n_ends;
    weft_http_trace last; /* its texts are gone */
    char url[128], method[16];
    int64_t at_ns;
    int code, status; /* of the last retry, or redirect */
};

static void note(const weft_http_trace *trace, void *arg)
{
    struct told *told = arg;
    const char *name = weft_http_phase_name(trace->phase);
    size_t size = strlen(told->phases);
    bool is_chunk = trace->size > 0 && trace->phase == told->last.phase;
    if (!is_chunk)
        (void)snprintf(told->phases + size, sizeof(told->phases) - size, "%s, ", name);
    told->sent += trace->phase == WEFT_HTTP_CHUNK_SENT ? trace->size : 0;
    told->received += trace->phase == WEFT_HTTP_CHUNK_RECEIVED ? trace->size : 0;
    told->n_ends += trace->phase == WEFT_HTTP_ENDED || trace->phase == WEFT_HTTP_FAILED;
    if (trace->phase == WEFT_HTTP_REDIRECTED || trace->phase == WEFT_HTTP_RETRIED) {
        told->code = trace->code;
        told->status = trace->status;
    }
    ck_assert_int_ge(trace->at_ns, told->at_ns);
    told->at_ns = trace->phase == WEFT_HTTP_ENDED ? 0 : trace->at_ns;
    told->last = *trace;
    (void)snprintf(told->url, sizeof(told->url), "%s", trace->url);
    (void)snprintf(told->method, sizeof(told->method), "%s", trace->method);
}

static weft_http_session *open_traced(struct told *told)
{
    weft_http_session *session;
    *told = (struct told){ .n_ends = 0 };
    ck_assert_int_eq(weft_http_session_open(
                         WEFT_OPTS(http_session, .on_trace = note, .trace_arg = told), &session),
                     0);
    return session;
}

static int fetch(weft_http_session *session, const char *method, const char *url,
                 const weft_http_request_opts *opts)
{
    WEFT_AUTO(weft_http_response, response);
    char *text;
    WEFT_TRY(weft_http_request(session, method, url, opts, &response));
    WEFT_TRY(weft_http_text(response, &text));
    weft_free(text);
    return weft_http_status(response);
}

/* One request of a session of its own, its body read. */
static struct told trace(const struct evil_reply *replies, size_t n_replies, const char *method,
                         const weft_http_request_opts *opts, int rc)
{
    struct evil server;
    struct told told;
    evil_start(&server, replies, n_replies);
    weft_http_session *session = open_traced(&told);
    ck_assert_int_eq(fetch(session, method, server.url, opts), rc);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_uint_eq(told.n_ends, 1);
    ck_assert_int_eq(told.last.code, rc < 0 ? rc : 0);
    return told;
}

/* ---- what is told -------------------------------------------------------------------------------------- */

WT_TEST(of_a_plain_get)
{
    const struct evil_reply reply = { .bytes = HELLO };
    struct told told = trace(&reply, 1, "GET", NULL, 200);
    ck_assert_str_eq(told.phases, NEW "chunk received, ended, ");
    ck_assert_uint_eq(told.received, 5);
    ck_assert_uint_eq(told.last.id, 1);
    ck_assert_int_eq(told.last.status, 200);
    ck_assert_int_eq(told.last.version, 11);
    ck_assert_int_eq(told.last.received, 5);
    ck_assert_int_gt(told.last.at_ns, 0);
    ck_assert(!told.last.is_reused);
    ck_assert_str_eq(told.method, "GET");
    ck_assert_ptr_ne(strstr(told.url, "http://127.0.0.1:"), NULL);
}

WT_TEST(of_a_connection_that_is_used_again)
{
    const struct evil_reply replies[] = { { .bytes = HELLO, .then = EVIL_KEEP },
                                          { .bytes = HELLO } };
    struct evil server;
    struct told told;
    evil_start(&server, replies, 2);
    weft_http_session *session = open_traced(&told);
    ck_assert_int_eq(fetch(session, "GET", server.url, NULL), 200);
    told.phases[0] = '\0';
    ck_assert_int_eq(fetch(session, "GET", server.url, NULL), 200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_str_eq(told.phases,
                     "queued, admitted, reused, sending, head received, chunk received, ended, ");
    ck_assert(told.last.is_reused);
    ck_assert_uint_eq(told.last.id, 2);
    ck_assert_uint_eq(told.n_ends, 2);
}

WT_TEST(of_a_connection_with_tls)
{
    struct nginx server;
    struct told told = { .n_ends = 0 };
    weft_http_session *session;
    char url[128];
    nginx_start(&server);
    (void)snprintf(url, sizeof(url), "%s/small.txt", server.tls_url);
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .ca_file = server.ca_file,
                                                      .on_trace = note, .trace_arg = &told),
                                            &session),
                     0);
    ck_assert_int_eq(fetch(session, "GET", url, NULL), 200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    nginx_stop(&server);
    ck_assert_str_eq(told.phases, "queued, admitted, named, connected, secured, sending, "
                                  "head received, chunk received, ended, ");
    ck_assert_uint_eq(told.received, 1024);
}

WT_TEST(of_a_redirect)
{
    const struct evil_reply replies[] = { { .bytes = HEAD("302", "Location: /there\r\n" EMPTY) },
                                          { .bytes = HELLO } };
    struct told told = trace(replies, 2, "GET", NULL, 200);
    ck_assert_str_eq(told.phases, NEW "redirected, " NEW "chunk received, ended, ");
    ck_assert_int_eq(told.status, 302);
    ck_assert_ptr_ne(strstr(told.url, "/there"), NULL);
}

/* The answer with the challenge is not told of; the last one's head is known only once it is over. */
WT_TEST(of_a_proof_that_does_not_hold)
{
#define CHALLENGE HEAD("401", "WWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n" EMPTY)
    const struct evil_reply replies[] = { { .bytes = CHALLENGE, .then = EVIL_KEEP },
                                          { .bytes = CHALLENGE } };
    struct told told = trace(replies, 2, "GET",
                             WEFT_OPTS(http_request, .user = "a", .digest = true), 401);
    ck_assert_str_eq(told.phases, NEW "ended, ");
    ck_assert(!told.last.is_reused);
}

WT_TEST(of_another_try)
{
    const struct evil_reply replies[] = { { .bytes = HEAD("503", EMPTY) }, { .bytes = HELLO } };
    const struct evil_reply dead[] = { { .bytes = "" }, { .bytes = HELLO } };
    const weft_http_request_opts *opts = WEFT_OPTS(
        http_request, .retry = WEFT_OPTS(http_retry, .wait_ns = 1000000));
    struct told told = trace(replies, 2, "GET", opts, 200);
    ck_assert_str_eq(told.phases, NEW "retried, " NEW "chunk received, ended, ");
    ck_assert_int_eq(told.status, 503);
    ck_assert_int_eq(told.code, 0);
    told = trace(dead, 2, "GET", opts, 200);
    ck_assert_str_eq(told.phases, UP_TO_SENDING "retried, " NEW "chunk received, ended, ");
    ck_assert_int_eq(told.status, 0);
    ck_assert_int_eq(told.code, WEFT_EEOF);
}

WT_TEST(of_an_error_while_it_connects)
{
    struct evil server;
    struct told told;
    evil_start(&server, NULL, 0);
    evil_stop(&server); /* a port where nobody listens */
    weft_http_session *session = open_traced(&told);
    ck_assert_int_eq(fetch(session, "GET", server.url, NULL), -ECONNREFUSED);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    ck_assert_str_eq(told.phases, "queued, admitted, named, failed, ");
    ck_assert_int_eq(told.last.code, -ECONNREFUSED);
    ck_assert_int_eq(told.last.status, 0);
}

WT_TEST(of_a_body_that_is_cut)
{
    const struct evil_reply reply = { .bytes = HEAD("200", "Content-Length: 9\r\n") "hello" };
    struct told told = trace(&reply, 1, "GET", NULL, WEFT_EEOF);
    ck_assert_str_eq(told.phases, NEW "chunk received, failed, ");
    ck_assert_int_eq(told.last.status, 200);
    ck_assert_int_eq(told.last.received, 5);
}

WT_TEST(of_a_status_that_is_an_error)
{
    const struct evil_reply reply = { .bytes = HEAD("404", EMPTY) };
    struct told told = trace(&reply, 1, "GET", WEFT_OPTS(http_request, .raise_for_status = true),
                             WEFT_EHTTPSTATUS);
    ck_assert_str_eq(told.phases, NEW "failed, ");
    ck_assert_int_eq(told.last.status, 404);
}

WT_TEST(of_a_body_that_nobody_reads)
{
    const struct evil_reply replies[] = { { .bytes = HELLO, .then = EVIL_KEEP },
                                          { .bytes = HEAD("200", "Content-Length: 9\r\n"),
                                            .then = EVIL_HOLD } };
    struct evil server;
    struct told told;
    evil_start(&server, replies, 2);
    weft_http_session *session = open_traced(&told);
    for (unsigned i = 0; i < 2; i++) { /* all of it has come, then nothing does */
        weft_http_response *response;
        ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
        ck_assert_uint_eq(told.n_ends, i);
        ck_assert_int_eq(weft_http_response_close(response), 0);
        ck_assert_uint_eq(told.n_ends, i + 1);
        ck_assert_int_eq(told.last.phase, WEFT_HTTP_ENDED);
    }
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

WT_TEST(of_a_request_that_was_refused_nothing)
{
    struct told told;
    weft_http_session *session = open_traced(&told);
    ck_assert_int_eq(fetch(session, "NOT ONE", "http://127.0.0.1/", NULL), WEFT_EINVAL);
    ck_assert_int_eq(fetch(session, "GET", "nonsense", NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    ck_assert_str_eq(told.phases, "");
}

WT_TEST(without_a_user_and_a_password)
{
    struct evil server;
    struct told told;
    char url[128];
    evil_start(&server, NULL, 0);
    evil_stop(&server);
    (void)snprintf(url, sizeof(url), "http://me:secret@127.0.0.1:%d/", server.port);
    weft_http_session *session = open_traced(&told);
    ck_assert_int_eq(fetch(session, "GET", url, NULL), -ECONNREFUSED);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    ck_assert_ptr_eq(strstr(told.url, "secret"), NULL);
    ck_assert_ptr_eq(strstr(told.url, "me:"), NULL);
}

/* ---- bodies that are sent ----------------------------------------------------------------------------- */

WT_TEST(of_a_body_of_memory)
{
    const struct evil_reply reply = { .bytes = HELLO, .request_body = 4 };
    struct told told = trace(&reply, 1, "POST",
                             WEFT_OPTS(http_request, .body = "data", .body_size = 4), 200);
    ck_assert_str_eq(told.phases,
                     UP_TO_SENDING "chunk sent, head received, chunk received, ended, ");
    ck_assert_uint_eq(told.sent, 4);
    ck_assert_int_eq(told.last.sent, 4);
}

WEFT_GENERATOR(words, weft_rx(weft_http_chunk), (int, n))
{
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_yield((weft_http_chunk){ "word", 4 }));
    return 0;
}

WT_TEST(of_a_body_in_chunks)
{
    const struct evil_reply reply = { .bytes = HELLO,
                                      .request_body = 3 * sizeof("4\r\nword\r") + 5 };
    WEFT_RX(weft_http_chunk, body);
    ck_assert_int_eq(words(3, &body), 0);
    struct told told = trace(&reply, 1, "PUT", WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(body)),
                             200);
    ck_assert_str_eq(told.phases,
                     UP_TO_SENDING "chunk sent, head received, chunk received, ended, ");
    ck_assert_uint_eq(told.sent, 12);
}

/* ---- cancels, and what a function may do ------------------------------------------------------------------ */

WEFT_TASK(fetch_in_task, (weft_http_session *, session), (const char *, url), (int *, out_rc))
{
    *out_rc = fetch(session, "GET", url, NULL);
    return 0;
}

struct canceller {
    struct told told;
    weft_scope *scope;
};

static void cancel_when_queued(const weft_http_trace *trace, void *arg)
{
    struct canceller *canceller = arg;
    note(trace, &canceller->told);
    if (trace->phase == WEFT_HTTP_QUEUED)
        weft_scope_cancel(canceller->scope);
}

WT_TEST(of_a_request_that_is_cancelled)
{
    struct evil server;
    struct canceller canceller = { .scope = NULL };
    weft_http_session *session;
    int rc = 0;
    evil_start(&server, &(struct evil_reply){ .bytes = HELLO }, 1);
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .on_trace = cancel_when_queued,
                                                      .trace_arg = &canceller),
                                            &session),
                     0);
    WEFT_SCOPE(scope);
    canceller.scope = &scope;
    ck_assert_int_eq(weft_spawn(&scope, fetch_in_task, session, server.url, &rc), 0);
    ck_assert_int_le(weft_scope_wait(&scope), 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    if (canceller.told.phases[0] != '\0') { /* it has begun before its scope was cancelled */
        ck_assert_int_eq(rc, WEFT_ECANCELED);
        ck_assert_str_eq(canceller.told.phases, "queued, failed, ");
        ck_assert_int_eq(canceller.told.last.code, WEFT_ECANCELED);
    }
}

struct asker {
    weft_http_session *session;
    const char *url;
    unsigned depth, n_told;
};

/* In the task that makes the request: it may wait, and ask for something itself. */
static void wait_and_ask(const weft_http_trace *trace, void *arg)
{
    struct asker *asker = arg;
    asker->n_told++;
    ck_assert_int_eq(weft_sleep(1), 0);
    if (trace->phase == WEFT_HTTP_QUEUED && asker->depth == 0) {
        asker->depth++;
        ck_assert_int_eq(fetch(asker->session, "GET", asker->url, NULL), 200);
    }
}

WT_TEST(to_a_function_that_waits_and_makes_requests)
{
    const struct evil_reply replies[] = { { .bytes = HELLO, .then = EVIL_KEEP },
                                          { .bytes = HELLO } };
    struct evil server;
    struct asker asker = { .depth = 0 };
    int rc;
    evil_start(&server, replies, 2);
    ck_assert_int_eq(
        weft_http_session_open(
            WEFT_OPTS(http_session, .on_trace = wait_and_ask, .trace_arg = &asker), &asker.session),
        0);
    asker.url = server.url;
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_spawn(&scope, fetch_in_task, asker.session, server.url, &rc), 0);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    ck_assert_int_eq(weft_http_session_close(asker.session), 0);
    evil_stop(&server);
    ck_assert_int_eq(rc, 200);
    ck_assert_uint_eq(asker.n_told, 8 + 7);
}

/* ---- WebSockets --------------------------------------------------------------------------------------------- */

static void agree(struct peer *peer, int fd)
{
    peer_agree(peer, fd, "");
    peer_wait_for_end(fd);
}

static void disagree(struct peer *peer, int fd)
{
    static const char answer[] = HEAD("403", EMPTY);
    if (peer_read_request(peer, fd))
        wt_send_all(fd, answer, sizeof(answer) - 1);
}

static struct told trace_websocket(void (*serve)(struct peer *peer, int fd), int rc)
{
    struct peer peer;
    struct told told;
    weft_websocket *socket = NULL;
    peer_start(&peer, serve, NULL);
    weft_http_session *session = open_traced(&told);
    ck_assert_int_eq(weft_websocket_open(session, peer.url,
                                         WEFT_OPTS(websocket, .close_timeout_ns = 1000000),
                                         &socket),
                     rc);
    (void)weft_websocket_close(socket);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    peer_stop(&peer);
    ck_assert_uint_eq(told.n_ends, 1);
    return told;
}

WT_TEST(of_a_websocket)
{
    struct told told = trace_websocket(agree, 0);
    const char expected[] = "queued, admitted, named, connected, head received, ";
    ck_assert_mem_eq(told.phases, expected, sizeof(expected) - 1);
    ck_assert_int_eq(told.last.status, 101);
    told = trace_websocket(disagree, WEFT_EHTTPSTATUS);
    ck_assert_str_eq(told.phases, "queued, admitted, named, connected, head received, failed, ");
    ck_assert_int_eq(told.last.status, 403);
}

/* ---- names -------------------------------------------------------------------------------------------------- */

WT_TEST(each_phase_has_a_name)
{
    for (int i = WEFT_HTTP_QUEUED; i <= WEFT_HTTP_FAILED; i++)
        for (int j = WEFT_HTTP_QUEUED; j < i; j++)
            ck_assert_str_ne(weft_http_phase_name((weft_http_phase)i),
                             weft_http_phase_name((weft_http_phase)j));
    ck_assert_str_ne(weft_http_phase_name(WEFT_HTTP_FAILED), "?");
    ck_assert_str_eq(weft_http_phase_name((weft_http_phase)0), "?");
}

WT_MAIN("http_trace")
