/* SPDX-License-Identifier: MIT
 * Digest, beside a server that challenges and looks at the proof. */
#include "proof.h"
#include "wt_test.h"

#include <stdio.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>

static struct proof_answer run(struct evil *server, const struct evil_reply *replies, size_t n,
                               const char *method, const char *path,
                               const weft_http_request_opts *opts)
{
    weft_http_session *session = NULL;
    char url[128];
    evil_start(server, replies, n);
    (void)snprintf(url, sizeof(url), "%s%s", server->url, path);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    struct proof_answer it = proof_ask(session, method, url, opts);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(server);
    return it;
}

/* RFC 2617, 3.5, as RFC 2069 has it: without a number of the client's. And RFC 7616, 3.9.1, likewise. */
WT_TEST(proofs_that_are_known)
{
    const struct evil_reply replies[] = { { .bytes = DENY(OLD), .then = EVIL_KEEP }, hello };
    const struct evil_reply sha[] = {
        { .bytes = DENY(
              "WWW-Authenticate: Digest realm=\"http-auth@example.org\", algorithm=SHA-256, "
              "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\"\r\n"),
          .then = EVIL_KEEP },
        hello,
    };
    struct evil server;
    proof_is_hello(
        run(&server, replies, 2, "GET", "dir/index.html", WEFT_OPTS(http_request, SIMBA)));
    ck_assert_str_eq(proof_said(&server, "response"), "670fd8c2df070c60b045671b8b24ff02");
    ck_assert_str_eq(proof_said(&server, "username"), "Mufasa");
    ck_assert_uint_eq(evil_count(server.requests, "Authorization"), 1);
    proof_is_hello(run(
        &server, sha, 2, "GET", "dir/index.html",
        WEFT_OPTS(http_request, .user = "Mufasa", .password = "Circle of Life", .digest = true)));
    ck_assert_str_eq(proof_said(&server, "response"),
                     "a1306b0595a6c7fe96c448631fb5cfbd5107bd1fe1da729d978dd7446b812363");
}

WT_TEST(a_proof_with_a_number_of_the_clients)
{
    const struct evil_reply replies[] = { { .bytes = DENY(QOP), .then = EVIL_KEEP }, hello };
    struct evil server;
    proof_is_hello(run(&server, replies, 2, "GET", "a?b=c", WEFT_OPTS(http_request, SIMBA)));
    proof_check(&server, "GET", NONCE);
    ck_assert_str_eq(proof_said(&server, "uri"), "/a?b=c");
    proof_is_hello(run(&server, replies, 2, "DELETE", "", WEFT_OPTS(http_request, SIMBA)));
    proof_check(&server, "DELETE", NONCE);
}

/* However the answer with the challenge ends. */
WT_TEST(challenges_of_all_kinds)
{
    static const struct evil_reply challenges[] = {
        { .bytes = "HTTP/1.1 401 No\r\nX-First: 1\r\n" QOP "Content-Length: 0\r\n\r\n",
          .then = EVIL_KEEP },
        { .bytes = "HTTP/1.1 401 No\r\nX-First: 1\r\n" QOP "Connection: close\r\n\r\ndenied" },
        { .bytes = "HTTP/1.1 401 No\r\nX-First: 1\r\n" QOP
                   "Transfer-Encoding: chunked\r\n\r\n6\r\ndenied\r\n0\r\n\r\n",
          .then = EVIL_KEEP },
        { .bytes = "HTTP/1.1 103 Hints\r\nX-First: 0\r\n\r\n" DENY(QOP), .then = EVIL_KEEP },
        { .bytes = DENY("WWW-Authenticate: Basic realm=\"a\"\r\n" QOP), .then = EVIL_KEEP },
    };
    for (size_t i = 0; i < N(challenges); i++) {
        const struct evil_reply replies[] = { challenges[i], hello };
        struct evil server;
        proof_is_hello(run(&server, replies, 2, "GET", "", WEFT_OPTS(http_request, SIMBA)));
        proof_check(&server, "GET", NONCE);
        ck_assert_ptr_null(strstr(server.requests, "Authorization: Basic"));
    }
}

WT_TEST(a_proof_that_does_not_hold_is_one_answer)
{
    const struct evil_reply full[] = { { .bytes = DENY(QOP), .then = EVIL_KEEP },
                                       { .bytes = DENY(QOP), .then = EVIL_KEEP } };
    const struct evil_reply empty[] = {
        { .bytes = DENY(QOP), .then = EVIL_KEEP },
        { .bytes = "HTTP/1.1 401 No\r\nX-First: 1\r\n" QOP "Content-Length: 0\r\n\r\n",
          .then = EVIL_KEEP },
    };
    const struct evil_reply basic = { .bytes = DENY("WWW-Authenticate: Basic realm=\"a\"\r\n"),
                                      .then = EVIL_KEEP };
    struct evil server;
    proof_is_denied(run(&server, full, 2, "GET", "", WEFT_OPTS(http_request, SIMBA)));
    ck_assert_uint_eq(evil_count(server.requests, "GET "), 2);
    struct proof_answer it = run(&server, empty, 2, "GET", "", WEFT_OPTS(http_request, SIMBA));
    ck_assert(it.rc == 0 && it.status == 401 && it.text[0] == '\0' && it.has_first);
    proof_is_denied(run(&server, &basic, 1, "GET", "", WEFT_OPTS(http_request, SIMBA)));
    ck_assert_ptr_null(strstr(server.requests, "Authorization"));
    it = run(&server, full, 2, "GET", "", WEFT_OPTS(http_request, SIMBA, .raise_for_status = true));
    ck_assert_int_eq(it.rc, WEFT_EHTTPSTATUS);
}

WT_TEST(a_proof_that_came_too_late)
{
    const struct evil_reply once[] = { { .bytes = DENY(QOP), .then = EVIL_KEEP },
                                       { .bytes = DENY(STALE), .then = EVIL_KEEP },
                                       hello };
    const struct evil_reply always[] = {
        { .bytes = DENY(STALE), .then = EVIL_KEEP }, { .bytes = DENY(STALE), .then = EVIL_KEEP },
        { .bytes = DENY(STALE), .then = EVIL_KEEP }, { .bytes = DENY(STALE), .then = EVIL_KEEP },
        { .bytes = DENY(STALE), .then = EVIL_KEEP }, { .bytes = DENY(STALE), .then = EVIL_KEEP },
    };
    struct evil server;
    proof_is_hello(run(&server, once, 3, "GET", "", WEFT_OPTS(http_request, SIMBA)));
    proof_check(&server, "GET", "another");
    struct proof_answer it = run(&server, always, 6, "GET", "", WEFT_OPTS(http_request, SIMBA));
    ck_assert_int_eq(it.rc, WEFT_EHTTPPROTO);
    ck_assert_uint_le(evil_count(server.requests, "GET "), 4);
}

/* ---- bodies ---------------------------------------------------------------------------------------------- */

WEFT_GENERATOR(body_in_pieces, weft_rx(weft_http_chunk))
{
    return weft_yield((weft_http_chunk){ "body", 4 });
}

static struct proof_answer post_file(struct evil *server, const struct evil_reply *replies,
                                     size_t n)
{
    weft_temp_dir *dir = NULL;
    char path[256];
    ck_assert_int_eq(weft_temp_dir_open(NULL, &dir), 0);
    (void)snprintf(path, sizeof(path), "%s/body", weft_temp_dir_path(dir));
    ck_assert_int_eq(weft_whole_write(path, "body", 4), 0);
    struct proof_answer it = run(server, replies, n, "POST", "",
                                 WEFT_OPTS(http_request, SIMBA, .body_path = path));
    ck_assert_int_eq(weft_temp_dir_close(dir), 0);
    return it;
}

WT_TEST(a_body_goes_with_the_proof)
{
    const struct evil_reply replies[] = {
        { .bytes = DENY(QOP), .then = EVIL_KEEP },
        { .bytes = OK_HELLO, .then = EVIL_KEEP, .request_body = 4 },
    };
    const struct evil_reply unchallenged[] = {
        { .bytes = "HTTP/1.1 201 Done\r\nX-First: 1\r\nContent-Length: 6\r\n\r\ndenied",
          .then = EVIL_KEEP },
        { .bytes = OK_HELLO, .then = EVIL_KEEP, .request_body = 4 },
    };
    struct evil server;
    const weft_http_request_opts *memory = WEFT_OPTS(http_request, SIMBA, .body = "body",
                                                     .body_size = 4);
    proof_is_hello(run(&server, replies, 2, "POST", "", memory));
    proof_check(&server, "POST", NONCE);
    ck_assert_uint_eq(evil_count(server.requests, "Content-Length: 0\r\n"), 1);
    ck_assert_uint_eq(evil_count(server.requests, "body"), 1);
    proof_is_hello(post_file(&server, replies, 2));
    proof_check(&server, "POST", NONCE);
    proof_is_hello(run(&server, unchallenged, 2, "PUT", "", memory));
    ck_assert_uint_eq(evil_count(server.requests, "body"), 1);
}

WT_TEST(a_body_whose_proof_came_too_late)
{
    const struct evil_reply replies[] = {
        { .bytes = DENY(QOP), .then = EVIL_KEEP },
        { .bytes = DENY(STALE), .then = EVIL_KEEP, .request_body = 4 },
        { .bytes = OK_HELLO, .then = EVIL_KEEP, .request_body = 4 },
    };
    const struct evil_reply no_more[] = { replies[0], replies[1] };
    struct evil server;
    proof_is_hello(run(&server, replies, 3, "POST", "",
                       WEFT_OPTS(http_request, SIMBA, .body = "body", .body_size = 4)));
    proof_check(&server, "POST", "another");
    ck_assert_uint_eq(evil_count(server.requests, "body"), 2);
    struct proof_answer it = post_file(&server, no_more, 2);
    ck_assert_int_eq(it.status, 401);
    ck_assert_int_lt(it.rc, 0);
}

/* Whether the server has done what it was asked is not known. */
WT_TEST(a_body_whose_connection_dies_is_sent_again_if_that_may_be)
{
    const struct evil_reply replies[] = {
        { .bytes = DENY(QOP), .then = EVIL_KEEP },
        { .bytes = "", .request_body = 4 },
        { .bytes = DENY(QOP), .then = EVIL_KEEP },
        { .bytes = OK_HELLO, .then = EVIL_KEEP, .request_body = 4 },
    };
    const struct evil_reply to_post[] = { replies[0], replies[1], replies[3] };
    struct evil server;
    const weft_http_request_opts *memory = WEFT_OPTS(http_request, SIMBA, .body = "body",
                                                     .body_size = 4);
    struct proof_answer it = run(&server, to_post, 3, "POST", "", memory);
    ck_assert(it.rc < 0 && it.status == 0);
    ck_assert_uint_eq(evil_count(server.requests, "POST "), 2);
    it = post_file(&server, to_post, 3);
    ck_assert(it.rc < 0 && it.status == 0);
    ck_assert_uint_eq(evil_count(server.requests, "POST "), 2);
    proof_is_hello(run(&server, replies, 4, "PUT", "", memory));
    ck_assert_uint_eq(evil_count(server.requests, "body"), 2);
}

static struct proof_answer post_pieces(struct evil *server, const struct evil_reply *replies,
                                       size_t n, const char *method)
{
    WEFT_RX(weft_http_chunk, rx);
    ck_assert_int_eq(body_in_pieces(&rx), 0);
    return run(server, replies, n, method, "",
               WEFT_OPTS(http_request, SIMBA, .body_rx = WEFT_MOVE(rx)));
}

/* libcurl announces no chunks where it expects to be challenged, but an empty body. */
WT_TEST(a_body_of_unknown_length)
{
    const struct evil_reply replies[] = {
        { .bytes = DENY(QOP), .then = EVIL_KEEP },
        { .bytes = OK_HELLO, .then = EVIL_KEEP, .request_body = sizeof(CHUNKS) - 1 },
    };
    const struct evil_reply unchallenged[] = {
        { .bytes = "HTTP/1.1 204 Done\r\nX-First: 1\r\n\r\n", .then = EVIL_KEEP },
        replies[1],
    };
    static const char *const methods[] = { "POST", "PUT", "DELETE" };
    struct evil server;
    for (size_t i = 0; i < N(methods); i++) {
        proof_is_hello(post_pieces(&server, replies, 2, methods[i]));
        proof_check(&server, methods[i], NONCE);
        ck_assert_uint_eq(evil_count(server.requests, "Content-Length: 0\r\n"), 1);
        ck_assert_uint_eq(evil_count(server.requests, "chunked\r\n\r\n" CHUNKS), 1);
        proof_is_hello(post_pieces(&server, unchallenged, 2, methods[i]));
        ck_assert_uint_eq(evil_count(server.requests, "chunked\r\n\r\n" CHUNKS), 1);
    }
}

/* By the same easy handle, which has announced chunks before. */
WT_TEST(a_body_of_unknown_length_after_another)
{
    const struct evil_reply with_body = { .bytes = OK_HELLO,
                                          .then = EVIL_KEEP,
                                          .request_body = sizeof(CHUNKS) - 1 };
    const struct evil_reply replies[] = {
        with_body,
        { .bytes = DENY(QOP), .then = EVIL_KEEP },
        with_body,
    };
    struct evil server;
    weft_http_session *session = NULL;
    evil_start(&server, replies, N(replies));
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    for (int i = 0; i < 2; i++) {
        WEFT_RX(weft_http_chunk, rx);
        ck_assert_int_eq(body_in_pieces(&rx), 0);
        proof_is_hello(proof_ask(session, "POST", server.url,
                                 i == 0
                                     ? WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(rx))
                                     : WEFT_OPTS(http_request, SIMBA, .body_rx = WEFT_MOVE(rx))));
    }
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    proof_check(&server, "POST", NONCE);
    ck_assert_uint_eq(evil_count(server.requests, "chunked\r\n\r\n" CHUNKS), 2);
    ck_assert_uint_eq(evil_count(server.requests, "Content-Length: 0\r\n"), 1);
}

WT_TEST(a_body_of_unknown_length_that_is_not_wanted)
{
    const struct evil_reply basic = { .bytes = DENY("WWW-Authenticate: Basic realm=\"a\"\r\n"),
                                      .then = EVIL_KEEP };
    const struct evil_reply late[] = {
        { .bytes = DENY(QOP), .then = EVIL_KEEP },
        { .bytes = DENY(STALE), .then = EVIL_KEEP, .request_body = sizeof(CHUNKS) - 1 },
    };
    struct evil server;
    proof_is_denied(post_pieces(&server, &basic, 1, "POST"));
    ck_assert_ptr_null(strstr(server.requests, "chunked"));
    struct proof_answer it = post_pieces(&server, late, 2, "POST");
    ck_assert_int_eq(it.status, 401);
    ck_assert_int_lt(it.rc, 0);
}

/* ---- who, and to whom ---------------------------------------------------------------------------------- */

WT_TEST(whom_a_proof_is_for)
{
    const struct evil_reply challenge = { .bytes = DENY(QOP), .then = EVIL_KEEP };
    const struct evil_reply denied[] = { challenge };
    struct evil other, server;
    char away[128], url[96];
    weft_http_session *session = NULL;
    evil_start(&other, denied, 1);
    (void)snprintf(away, sizeof(away),
                   "HTTP/1.1 307 Away\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", other.url);
    const struct evil_reply replies[] = {
        challenge,
        { .bytes = "HTTP/1.1 302 There\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
          .then = EVIL_KEEP },
        { .bytes = away, .then = EVIL_KEEP },
        hello,
        challenge,
        hello,
    };
    evil_start(&server, replies, N(replies));
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, SIMBA), &session), 0);
    proof_is_denied(proof_ask(session, "GET", server.url, NULL));
    proof_is_hello(
        proof_ask(session, "GET", server.url, WEFT_OPTS(http_request, .bearer = "token")));
    ck_assert_int_eq(weft_http_session_close(session), 0);
    (void)snprintf(url, sizeof(url), "http://Mufasa:Circle%%20Of%%20Life@127.0.0.1:%d/c",
                   server.port);
    weft_http_session *plain = NULL;
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .digest = true), &plain), 0);
    proof_is_hello(proof_ask(plain, "GET", url, NULL));
    proof_check(&server, "GET", NONCE);
    ck_assert_uint_eq(evil_count(server.requests, "uri=\"/b\""), 1);
    ck_assert_int_eq(weft_http_session_close(plain), 0);
    evil_stop(&server);
    evil_stop(&other);
    ck_assert_uint_eq(evil_count(other.requests, "GET "), 1);
    ck_assert_uint_eq(evil_count(other.requests, "Authorization"), 0);
    ck_assert_uint_eq(evil_count(server.requests, "Authorization: Bearer token"), 1);
    ck_assert_uint_eq(evil_count(server.requests, "Authorization: Digest"), 3);
}

static int ask_as(const char *user)
{
    const struct evil_reply replies[] = { { .bytes = DENY(QOP), .then = EVIL_KEEP }, hello };
    struct evil server;
    char url[128];
    weft_http_session *session = NULL;
    evil_start(&server, replies, 2);
    (void)snprintf(url, sizeof(url), "http://%s:pass@127.0.0.1:%d/", user, server.port);
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .digest = true), &session), 0);
    int rc = proof_ask(session, "GET", url, NULL).rc;
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_ptr_null(strstr(server.requests, "\r\nX-Evil"));
    return rc;
}

WT_TEST(a_user_of_an_url_who_is_no_text)
{
    ck_assert_int_eq(ask_as("a%0d%0aX-Evil:%20b"), WEFT_EINVAL);
}

WT_TEST(proofs_that_can_not_be)
{
    const weft_http_field own[] = { { "Authorization", "own" }, { 0 } };
    weft_http_session *session = NULL, *none = NULL;
    const char *url = "http://127.0.0.1:1/";
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    const weft_http_request_opts *bad[] = {
        WEFT_OPTS(http_request, .digest = true, .bearer = "token"),
        WEFT_OPTS(http_request, .digest = true, .headers = own),
        WEFT_OPTS(http_request, .digest = true, .cross_origin_headers = own),
        WEFT_OPTS(http_request, .digest = true, .user = "a:b"),
        WEFT_OPTS(http_request, .digest = true, .user = "a\r\nb"),
    };
    for (size_t i = 0; i < N(bad); i++)
        ck_assert_int_eq(proof_ask(session, "GET", url, bad[i]).rc, WEFT_EINVAL);
    ck_assert_int_eq(
        weft_http_session_open(WEFT_OPTS(http_session, .user = "a:b", .digest = true), &none),
        WEFT_EINVAL);
    ck_assert_int_eq(weft_http_session_close(session), 0);
}

WT_MAIN("http_digest")
