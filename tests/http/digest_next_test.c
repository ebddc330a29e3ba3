/* SPDX-License-Identifier: MIT
 * Digest, when the server has challenged before. */
#include "proof.h"
#include "wt_test.h"

#include <stdio.h>
#include <string.h>

WEFT_GENERATOR(body_in_pieces, weft_rx(weft_http_chunk))
{
    return weft_yield((weft_http_chunk){ "body", 4 });
}

/* An answer to so many requests, and then the session is closed. */
struct next {
    const char *method;
    const weft_http_request_opts *opts;
};

static void ask_all(struct evil *server, const struct evil_reply *replies, size_t n,
                    const struct next *asked, size_t n_asked)
{
    weft_http_session *session = NULL;
    evil_start(server, replies, n);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    for (size_t i = 0; i < n_asked; i++)
        proof_is_hello(proof_ask(session, asked[i].method, server->url, asked[i].opts));
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(server);
}

WT_TEST(the_next_request_has_the_proof_with_it)
{
    const struct evil_reply with_body = { .bytes = OK_HELLO, .then = EVIL_KEEP, .request_body = 4 };
    const struct evil_reply replies[] = {
        { .bytes = DENY(QOP), .then = EVIL_KEEP }, hello, hello, with_body, hello
    };
    const weft_http_request_opts *body = WEFT_OPTS(http_request, SIMBA, .body = "body",
                                                   .body_size = 4);
    const weft_http_request_opts *plain = WEFT_OPTS(http_request, SIMBA);
    const struct next asked[] = {
        { "GET", plain }, { "DELETE", plain }, { "POST", body }, { "GET", plain }
    };
    struct evil server;
    ask_all(&server, replies, N(replies), asked, N(asked));
    proof_check(&server, "GET", NONCE);
    ck_assert_str_eq(proof_said(&server, "nc"), "00000004");
    ck_assert_uint_eq(evil_count(server.requests, " HTTP/1.1\r\n"), 5);
    ck_assert_uint_eq(evil_count(server.requests, "POST "), 1);
    ck_assert_uint_eq(evil_count(server.requests, "body"), 1);
}

/* However the server says so: the second request is answered as if it were the first. */
WT_TEST(a_server_that_has_forgotten_its_challenge)
{
    const struct evil_reply with_body = { .bytes = OK_HELLO, .then = EVIL_KEEP, .request_body = 4 };
    const struct evil_reply challenge = { .bytes = DENY(QOP), .then = EVIL_KEEP };
    const struct evil_reply refused = { .bytes = DENY(QOP), .then = EVIL_KEEP, .request_body = 4 };
    const struct evil_reply late = { .bytes = DENY(STALE), .then = EVIL_KEEP, .request_body = 4 };
    const struct evil_reply empty = {
        .bytes = "HTTP/1.1 401 No\r\nX-First: 1\r\n" QOP "Content-Length: 0\r\n\r\n",
        .then = EVIL_KEEP,
        .request_body = 4,
    };
    const struct evil_reply cut = {
        .bytes = "HTTP/1.1 401 No\r\nX-First: 1\r\n" QOP "Connection: close\r\n\r\ndenied",
        .request_body = 4,
    };
    static const char packed_no[] = /* RFC 1952: "no", stored */
        "HTTP/1.1 401 No\r\nX-First: 1\r\n" QOP
        "Content-Encoding: gzip\r\nContent-Length: 25\r\n\r\n"
        "\x1f\x8b\x08\0\0\0\0\0\0\x03\x01\x02\0\xfd\xff"
        "no"
        "\x1f\x28\xaa\x67"
        "\x02\0\0\0";
    const struct evil_reply packed = {
        .bytes = packed_no, .size = sizeof(packed_no) - 1, .then = EVIL_KEEP, .request_body = 4
    };
    const struct evil_reply *firsts[] = { &refused, &empty, &cut, &packed };
    const struct next asked[] = {
        { "GET", WEFT_OPTS(http_request, SIMBA) },
        { "POST", WEFT_OPTS(http_request, SIMBA, .body = "body", .body_size = 4) },
    };
    struct evil server;
    for (size_t i = 0; i < N(firsts); i++) {
        const struct evil_reply replies[] = { challenge, hello, *firsts[i], challenge, with_body };
        ask_all(&server, replies, N(replies), asked, 2);
        proof_check(&server, "POST", NONCE);
        ck_assert_str_eq(proof_said(&server, "nc"), "00000001");
        ck_assert_uint_eq(evil_count(server.requests, "\r\n\r\nbody"), 2);
    }
    const struct evil_reply replies[] = { challenge, hello, late, with_body };
    ask_all(&server, replies, N(replies), asked, 2);
    proof_check(&server, "POST", "another");
    ck_assert_uint_eq(evil_count(server.requests, "\r\n\r\nbody"), 2);
}

WT_TEST(a_password_that_holds_no_more)
{
    const struct evil_reply challenge = { .bytes = DENY(QOP), .then = EVIL_KEEP };
    const struct evil_reply replies[] = { challenge, hello,     challenge, challenge,
                                          challenge, challenge, hello };
    struct evil server;
    weft_http_session *session = NULL;
    evil_start(&server, replies, N(replies));
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, SIMBA), &session), 0);
    proof_is_hello(proof_ask(session, "GET", server.url, NULL));
    proof_is_denied(proof_ask(session, "GET", server.url, NULL));
    proof_is_hello(proof_ask(session, "GET", server.url,
                             NULL)); /* a handle that was refused is not used again */
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_uint_eq(evil_count(server.requests, "GET "), 7);
    ck_assert_uint_eq(evil_count(server.requests, "Authorization: Digest"), 4);
}

/* It could not be sent again to a server that has forgotten its challenge. */
WT_TEST(a_body_that_is_there_once_waits_for_a_challenge)
{
    const struct evil_reply challenge = { .bytes = DENY(QOP), .then = EVIL_KEEP };
    const struct evil_reply replies[] = {
        challenge,
        hello,
        challenge,
        { .bytes = OK_HELLO, .then = EVIL_KEEP, .request_body = sizeof(CHUNKS) - 1 },
    };
    struct evil server;
    WEFT_RX(weft_http_chunk, rx);
    ck_assert_int_eq(body_in_pieces(&rx), 0);
    const struct next asked[] = {
        { "GET", WEFT_OPTS(http_request, SIMBA) },
        { "POST", WEFT_OPTS(http_request, SIMBA, .body_rx = WEFT_MOVE(rx)) },
    };
    ask_all(&server, replies, N(replies), asked, 2);
    proof_check(&server, "POST", NONCE);
    ck_assert_uint_eq(evil_count(server.requests, "Content-Length: 0\r\n"), 1);
    ck_assert_uint_eq(evil_count(server.requests, "chunked\r\n\r\n" CHUNKS), 1);
}

/* Another user, another password, another server, and one who is not to be proved. */
WT_TEST(a_proof_goes_to_no_other)
{
    const struct evil_reply challenge = { .bytes = DENY(QOP), .then = EVIL_KEEP };
    const struct evil_reply replies[] = { challenge, hello, challenge, hello,
                                          challenge, hello, hello,     hello };
    const struct evil_reply others[] = { challenge, hello };
    struct evil server, other;
    char url[96];
    weft_http_session *session = NULL;
    evil_start(&server, replies, N(replies));
    evil_start(&other, others, N(others));
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    proof_is_hello(proof_ask(session, "GET", server.url, WEFT_OPTS(http_request, SIMBA)));
    proof_is_hello(
        proof_ask(session, "GET", server.url,
                  WEFT_OPTS(http_request, .user = "Mufasa", .password = "", .digest = true)));
    (void)snprintf(url, sizeof(url), "http://Nala:b@127.0.0.1:%d/", server.port);
    proof_is_hello(proof_ask(session, "GET", url, WEFT_OPTS(http_request, .digest = true)));
    proof_is_hello(proof_ask(session, "GET", other.url, WEFT_OPTS(http_request, SIMBA)));
    proof_is_hello(proof_ask(session, "GET", server.url, NULL));
    proof_is_hello(proof_ask(session, "GET", server.url, WEFT_OPTS(http_request, SIMBA)));
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    evil_stop(&other);
    proof_check(&server, "GET", NONCE);
    ck_assert_str_eq(proof_said(&server, "nc"), "00000002");
    ck_assert_uint_eq(evil_count(server.requests, "Authorization: Digest"), 4);
    ck_assert_uint_eq(evil_count(server.requests, "Digest username=\"Nala\""), 1);
    ck_assert_uint_eq(evil_count(other.requests, "GET "), 2);
    ck_assert_uint_eq(evil_count(other.requests, "Authorization: Digest"), 1);
}

static void ask_as_number(weft_http_session *session, const struct evil *server, int user)
{
    char url[96];
    (void)snprintf(url, sizeof(url), "http://user%d:b@127.0.0.1:%d/", user, server->port);
    proof_is_hello(proof_ask(session, "GET", url, NULL));
}

WT_TEST(the_last_ones_are_remembered)
{
    enum { MOST = 128, REPLIES = 2 * (MOST + 1) + 1 + 2 };
    struct evil_reply replies[REPLIES];
    struct evil server;
    weft_http_session *session = NULL;
    for (int i = 0; i < REPLIES; i++)
        replies[i] = hello;
    for (int i = 0; i <= MOST; i++)
        replies[2 * i] = (struct evil_reply){ .bytes = DENY(QOP), .then = EVIL_KEEP };
    replies[REPLIES - 2] = replies[0];
    evil_start(&server, replies, REPLIES);
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .digest = true), &session), 0);
    for (int i = 0; i <= MOST; i++)
        ask_as_number(session, &server, i);
    ask_as_number(session, &server, 1);
    ask_as_number(session, &server, 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_str_eq(proof_said(&server, "username"), "user0");
    ck_assert_str_eq(proof_said(&server, "nc"), "00000001");
}
