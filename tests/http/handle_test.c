/* SPDX-License-Identifier: MIT
 * One request after the other on one handle of libcurl's: each says what it would say alone, and nothing
 * of the one before. */
#include "ask.h"
#include "evil.h"
#include "wt_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>

#define ONE_FIELD(name_, value_) \
    (const weft_http_field[])    \
    {                            \
        { name_, value_ }, { 0 } \
    }

/* ---- kinds of requests --------------------------------------------------------------------------------- */

struct kind {
    const char *name, *method, *path; /* NULL: none */
    weft_http_request_opts opts;
    bool has_rx;
    size_t body; /* bytes behind the head */
};

static const struct kind kinds[] = {
    { .name = "plain", .method = "GET" },
    { .name = "head", .method = "HEAD" },
    { .name = "another method", .method = "DELETE" },
    { .name = "a header", .method = "GET", .opts.headers = ONE_FIELD("X-Own", "secret") },
    { .name = "a User-Agent", .method = "GET", .opts.headers = ONE_FIELD("User-Agent", "own") },
    { .name = "codings", .method = "GET", .opts.headers = ONE_FIELD("Accept-Encoding", "br;q=1") },
    { .name = "a range", .method = "GET", .opts.headers = ONE_FIELD("Range", "bytes=3-") },
    { .name = "cookies", .method = "GET", .opts.headers = ONE_FIELD("Cookie", "own=1") },
    { .name = "a query", .method = "GET", .opts.query = ONE_FIELD("q", "1") },
    { .name = "a path", .method = "GET", .path = "a/b?c=d" },
    { .name = "another path", .method = "GET", .path = "a/b?c" },
    { .name = "a path with dots", .method = "GET", .path = "x/../dots" },
    { .name = "an encoded path", .method = "GET", .path = "a%20b" },
    { .name = "a fragment", .method = "GET", .path = "a/b#c" },
    { .name = "basic", .method = "GET", .opts.user = "me", .opts.password = "secret" },
    { .name = "bearer", .method = "GET", .opts.bearer = "secret" },
    { .name = "a body",
      .method = "POST",
      .opts.body = "hello",
      .opts.body_size = 5,
      .opts.content_type = "text/x-own",
      .body = 5 },
    { .name = "no body", .method = "POST", .opts.body = "" },
    { .name = "a form", .method = "POST", .opts.urlencoded = ONE_FIELD("a", "b"), .body = 3 },
    { .name = "chunks", .method = "PUT", .has_rx = true, .body = 14 },
    { .name = "time to connect", .method = "GET", .opts.timeouts.connect_ns = WEFT_SEC(7) },
};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

WEFT_GENERATOR(one_word, weft_rx(weft_http_chunk))
{
    return weft_yield((weft_http_chunk){ "word", 4 });
}

static void send_kind(weft_http_session *session, const char *url, const struct kind *kind)
{
    WEFT_RX(weft_http_chunk, body);
    weft_http_request_opts opts = kind->opts;
    char whole[128];
    (void)snprintf(whole, sizeof whole, "%s%s", url, kind->path != NULL ? kind->path : "");
    if (kind->has_rx)
        ck_assert_int_eq(one_word(&body), 0);
    if (kind->has_rx)
        opts.body_rx = WEFT_MOVE(body);
    ck_assert_int_eq(send_once(session, kind->method, whole, &opts), 200);
}

/* ---- what the server gets -------------------------------------------------------------------------------- */

static struct evil_reply reply_to(const struct kind *kind)
{
    return (struct evil_reply){ .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                                .then = EVIL_KEEP,
                                .request_body = kind->body };
}

/* With no port, which another server has. To be freed. */
static char *without_port(const struct evil *server, const char *requests)
{
    char port[16];
    char *text = strdup(requests);
    (void)snprintf(port, sizeof port, ":%d", server->port);
    for (char *at; (at = strstr(text, port)) != NULL;)
        memmove(at, at + strlen(port), strlen(at + strlen(port)) + 1);
    return text;
}

/* What one gets of the last of these. To be freed. */
static char *last_of(const struct kind *const *list, size_t n)
{
    struct evil server;
    struct evil_reply replies[2];
    size_t n_before = 0;
    for (size_t i = 0; i < n; i++)
        replies[i] = reply_to(list[i]);
    evil_start(&server, replies, n);
    weft_http_session *session = open_session(NULL);
    for (size_t i = 0; i < n; i++) {
        n_before = server.size;
        send_kind(session, server.url, list[i]);
    }
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_uint_eq(server.n_connections, 1);
    return without_port(&server, server.requests + n_before);
}

/* ---- alone, and after each other -------------------------------------------------------------------------- */

WT_TEST(each_request_says_once_who_asks_and_which_codings_it_reads)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *kind = &kinds[i];
        char *text = last_of(&kind, 1);
        ck_assert_msg(evil_count(text, "\nUser-Agent: ") == 1, "%s: %s", kind->name, text);
        ck_assert_msg(evil_count(text, "\nAccept-Encoding: ") == 1, "%s: %s", kind->name, text);
        ck_assert_msg(strncmp(text, kind->method, strlen(kind->method)) == 0, "%s: %s", kind->name,
                      text);
        free(text);
    }
}

WT_TEST(a_request_says_nothing_of_the_one_before_it)
{
    for (size_t i = 0; i < N_KINDS * N_KINDS; i++) {
        const struct kind *list[] = { &kinds[i / N_KINDS], &kinds[i % N_KINDS] };
        char *alone = last_of(&list[1], 1), *second = last_of(list, 2);
        ck_assert_msg(strcmp(second, alone) == 0, "%s after %s:\n%s\nand alone:\n%s", list[1]->name,
                      list[0]->name, second, alone);
        free(alone);
        free(second);
    }
}

/* ---- what libcurl starts over ------------------------------------------------------------------------------ */

static void send_to(weft_http_session *session, const struct evil *server, const char *path)
{
    const struct kind kind = { .method = "GET", .path = path };
    send_kind(session, server->url, &kind);
}

/* The connection ends under the second request, which goes to where it was to go. */
WT_TEST(a_request_that_is_sent_again_goes_where_it_was_to)
{
    struct evil server;
    const struct evil_reply replies[] = {
        hello, { .bytes = "", .then = EVIL_CLOSE }, hello, hello
    };
    evil_start(&server, replies, 4);
    weft_http_session *session = open_session(NULL);
    send_to(session, &server, "first");
    send_to(session, &server, "second");
    send_to(session, &server, "third");
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_uint_eq(server.n_connections, 2);
    ck_assert_uint_eq(evil_count(server.requests, "GET /first "), 1);
    ck_assert_uint_eq(evil_count(server.requests, "GET /second "), 2);
    ck_assert_uint_eq(evil_count(server.requests, "GET /third "), 1);
}

/* So does one that was answered by a challenge. */
WT_TEST(a_proof_goes_where_the_request_was_to)
{
    struct evil server;
    const struct evil_reply challenge = {
        .bytes = "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"
                 "Content-Length: 0\r\n\r\n",
        .then = EVIL_KEEP
    };
    const struct evil_reply replies[] = { challenge, hello, challenge, hello, hello };
    const weft_http_request_opts proof = { .user = "me", .password = "secret", .digest = true };
    const struct kind first = { .method = "GET", .path = "first", .opts = proof };
    const struct kind second = { .method = "GET", .path = "second", .opts = proof };
    evil_start(&server, replies, 5);
    weft_http_session *session = open_session(NULL);
    send_kind(session, server.url, &first);
    send_kind(session, server.url, &second); /* its proof is refused, and the next one taken */
    send_to(session, &server, "third");
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_uint_eq(evil_count(server.requests, "GET /first "), 2);
    ck_assert_uint_eq(evil_count(server.requests, "uri=\"/first\""), 1);
    ck_assert_uint_eq(evil_count(server.requests, "GET /second "), 2);
    ck_assert_uint_ge(evil_count(server.requests, "uri=\"/second\""), 1);
    ck_assert_uint_eq(evil_count(server.requests, "GET /third "), 1);
}

WT_MAIN("http_handle")
