/* SPDX-License-Identifier: MIT
 * Bodies as receivers, middleware, a stream of events and a WebSocket, cancelled at every point: each run ends, and
 * nothing is left. */
#include "evil.h"
#include "nginx.h"
#include "peer.h"
#include "wt_test.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_events.h>
#include <weft/http_websocket.h>
#include <weft/testing.h>

static void try_all_with(int (*scenario)(void *), void *arg, const char *name)
{
    weft_points tried = { .size_ = sizeof tried };
    const weft_points_opts opts = { .name = name, .max_runs = 40 };
    ck_assert_int_eq(weft_try_every_point(scenario, arg, &opts, &tried), 0);
    ck_assert_int_eq(tried.rc, 0);
    ck_assert_uint_gt(tried.cancel_runs, 0);
}

static void try_all(int (*scenario)(void *), const char *name)
{
    try_all_with(scenario, NULL, name);
}

/* Each run has a server of its own, since each is a process of its own. */
static int with_server(int (*use)(const char *url), const struct evil_reply *replies, size_t n)
{
    struct evil server;
    evil_start(&server, replies, n);
    int rc = use(server.url);
    evil_stop(&server);
    return rc;
}

/* ---- bodies ------------------------------------------------------------------------------------------- */

#define BODY \
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na\nb\n\r\n2\r\nc\n\r\n0\r\n\r\n"

static int read_chunks(const char *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    WEFT_RX(weft_http_chunk, chunks);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    WEFT_TRY(weft_http_chunks(response, &chunks));
    weft_each (chunk, chunks)
        ck_assert_uint_gt(chunk.size, 0);
    return weft_error(chunks);
}

static int read_lines(const char *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    WEFT_RX(weft_line, lines);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    WEFT_TRY(weft_http_lines(response, NULL, &lines));
    weft_each (line, lines)
        ck_assert_uint_eq(line.size, 1);
    return weft_error(lines);
}

static int chunks_of_a_body(void *arg)
{
    (void)arg;
    return with_server(read_chunks, &(struct evil_reply){ .bytes = BODY }, 1);
}

static int lines_of_a_body(void *arg)
{
    (void)arg;
    return with_server(read_lines, &(struct evil_reply){ .bytes = BODY }, 1);
}

WT_TEST(the_chunks_of_a_body_at_every_point) { try_all(chunks_of_a_body, "chunks"); }
WT_TEST(the_lines_of_a_body_at_every_point) { try_all(lines_of_a_body, "lines"); }

/* ---- what is around a request ---------------------------------------------------------------------------- */

static int twice(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    (void)arg;
    WEFT_TRY(weft_http_next(call, out_response));
    WEFT_TRY(weft_sleep(1));
    WEFT_TRY(weft_http_next(call, out_response));
    return weft_http_answer(call, NULL, out_response);
}

static int get_twice(const char *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    const weft_http_middleware list[] = { { twice, NULL }, { 0 } };
    WEFT_TRY(weft_http_session_open(WEFT_OPTS(http_session, .middleware = list), &session));
    return weft_http_get(session, url, NULL, &response);
}

static int around_a_request(void *arg)
{
    const struct evil_reply replies[] = { { .bytes = BODY }, { .bytes = BODY } };
    (void)arg;
    return with_server(get_twice, replies, 2);
}

WT_TEST(middleware_at_every_point) { try_all(around_a_request, "middleware"); }

/* ---- proofs -------------------------------------------------------------------------------------------- */

static int prove_twice(const char *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_TRY(weft_http_session_open(
        WEFT_OPTS(http_session, .user = "a", .password = "b", .digest = true), &session));
    for (int i = 0; i < 2; i++) {
        WEFT_AUTO(weft_http_response, response);
        WEFT_TRY(weft_http_post(session, url, NULL, &response));
        if (weft_http_status(response) != 200)
            return -EACCES;
    }
    return 0;
}

/* The second one is refused at first, by a server that has forgotten its challenge. */
static int two_proofs(void *arg)
{
    static const struct evil_reply no = {
        .bytes = "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n"
                 "Content-Length: 2\r\n\r\nno",
        .then = EVIL_KEEP,
    };
    static const struct evil_reply yes = { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                                           .then = EVIL_KEEP };
    const struct evil_reply replies[] = { no, yes, no, no, yes };
    (void)arg;
    return with_server(prove_twice, replies, 5);
}

WT_TEST(proofs_at_every_point) { try_all(two_proofs, "proofs"); }

/* ---- forms -------------------------------------------------------------------------------------------- */

WEFT_GENERATOR(two_words, weft_rx(weft_http_chunk), (const char *, word))
{
    WEFT_TRY(weft_yield((weft_http_chunk){ word, strlen(word) }));
    return weft_yield((weft_http_chunk){ word, strlen(word) });
}

static int send_form(const char *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    WEFT_RX(weft_http_chunk, rx);
    WEFT_TRY(two_words("word", &rx));
    const weft_http_part parts[] = { { .name = "a", .value = "b" },
                                     { .name = "f", .path = "/dev/null" },
                                     { .name = "r", .rx = WEFT_MOVE(rx) },
                                     { 0 } };
    WEFT_TRY(weft_http_session_open(NULL, &session));
    return weft_http_post(session, url, WEFT_OPTS(http_request, .form = parts), &response);
}

static int a_form(void *arg)
{
    (void)arg;
    return with_server(send_form, &(struct evil_reply){ .bytes = BODY }, 1);
}

WT_TEST(a_form_at_every_point) { try_all(a_form, "form"); }

/* ---- HTTP/2 ------------------------------------------------------------------------------------------- */

/* Beside the others of its connection; one leaves in its middle. */
WEFT_TASK(read_big, (weft_http_session *, session), (const struct nginx *, server), (int64_t, most))
{
    WEFT_AUTO(weft_http_response, response);
    WEFT_RX(weft_http_chunk, chunks);
    char url[96];
    int64_t n = 0;
    (void)snprintf(url, sizeof(url), "%s/big.bin", server->tls_url);
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    ck_assert_int_eq(weft_http_version_of(response), 20);
    WEFT_TRY(weft_http_chunks(response, &chunks));
    weft_each (chunk, chunks) {
        n += (int64_t)chunk.size;
        if (n >= most)
            return 0;
    }
    WEFT_TRY(weft_error(chunks));
    return n == 1 << 20 ? 0 : -EIO;
}

static int put_words(weft_http_session *session, const struct nginx *server)
{
    WEFT_AUTO(weft_http_response, response);
    WEFT_RX(weft_http_chunk, rx);
    char url[96], *text;
    (void)snprintf(url, sizeof(url), "%s/put", server->tls_url);
    WEFT_TRY(two_words("word", &rx));
    WEFT_TRY(
        weft_http_put(session, url, WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(rx)), &response));
    WEFT_TRY(weft_http_text(response, &text));
    bool is_right = strcmp(text, "PUT 8") == 0;
    weft_free(text);
    return is_right ? 0 : -EIO;
}

static int share_a_connection(void *arg)
{
    const struct nginx *server = arg;
    WEFT_AUTO(weft_http_session, session);
    WEFT_TRY(weft_http_session_open(
        WEFT_OPTS(http_session, .ca_file = server->ca_file, .http2 = true), &session));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, read_big, session, server, (int64_t)INT64_MAX));
    WEFT_TRY(weft_spawn(&scope, read_big, session, server, (int64_t)100000));
    WEFT_TRY(put_words(session, server));
    return weft_scope_wait(&scope);
}

/* One server for all runs: it costs a certificate. */
WT_TEST(requests_that_share_a_connection_at_every_point)
{
    struct nginx server;
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2))
        wt_skip("no HTTP/2 in this libcurl");
    nginx_start(&server);
    try_all_with(share_a_connection, &server, "http2");
    nginx_stop(&server);
}

/* ---- streams of events ---------------------------------------------------------------------------------- */

static int read_events(const char *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_RX(weft_http_event, events);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    WEFT_TRY(
        weft_http_events(session, url, WEFT_OPTS(http_events, .retry_ns = WEFT_US(1)), &events));
    weft_each (event, events)
        ck_assert_uint_eq(event.size, 1);
    return weft_error(events);
}

static int events_of_two_connections(void *arg)
{
    const struct evil_reply replies[] = {
        { .bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: 1\ndata: a\n\n" },
        { .bytes = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: b\n\n" },
        { .bytes = "HTTP/1.1 204 No Content\r\n\r\n" },
    };
    (void)arg;
    return with_server(read_events, replies, 3);
}

WT_TEST(a_stream_of_events_at_every_point) { try_all(events_of_two_connections, "events"); }

/* ---- WebSockets ------------------------------------------------------------------------------------------ */

static void echo_once(struct peer *peer, int fd)
{
    struct peer_frame *frame = malloc(sizeof(*frame));
    ck_assert_ptr_nonnull(frame);
    peer_agree(peer, fd, "");
    peer_read_frame(fd, frame);
    if (frame->opcode >= 0)
        peer_send_frame(fd, frame->opcode, frame->data, frame->size);
    peer_send_frame(fd, 0x88, "", 0);
    peer_wait_for_end(fd);
    free(frame);
}

static int talk(const char *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_websocket, socket);
    WEFT_RX(weft_websocket_message, messages);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    WEFT_TRY(weft_websocket_open(session, url, NULL, &socket));
    WEFT_TRY(weft_websocket_send_text(socket, "a"));
    WEFT_TRY(weft_websocket_messages(socket, &messages));
    weft_each (message, messages)
        ck_assert_str_eq(message.data, "a");
    return weft_error(messages);
}

static int messages_there_and_back(void *arg)
{
    struct peer peer;
    (void)arg;
    peer_start(&peer, echo_once, NULL);
    int rc = talk(peer.url);
    peer_stop(&peer);
    return rc;
}

WT_TEST(a_websocket_at_every_point) { try_all(messages_there_and_back, "websocket"); }

WT_MAIN_BARE("http_points")
