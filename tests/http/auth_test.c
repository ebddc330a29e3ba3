/* SPDX-License-Identifier: MIT
 * Who asks, and whom not to connect to. */
#include "evil.h"
#include "http/address.h"
#include "wt_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define ALADDIN  "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"

static const struct evil_reply hello = { .bytes = OK_HELLO, .then = EVIL_KEEP };

static int send_once(weft_http_session *session, const char *url,
                     const weft_http_request_opts *opts)
{
    WEFT_AUTO(weft_http_response, response);
    char *text;
    WEFT_TRY(weft_http_get(session, url, opts, &response));
    WEFT_TRY(weft_http_text(response, &text));
    weft_free(text);
    return weft_http_status(response);
}

static weft_http_session *open_session(const weft_http_session_opts *opts)
{
    weft_http_session *session = NULL;
    ck_assert_int_eq(weft_http_session_open(opts, &session), 0);
    return session;
}

/* Whether the one request that comes of it has this line, and one Authorization at most. */
static bool sends(const weft_http_session_opts *session_opts, const char *before, const char *line,
                  const weft_http_request_opts *opts)
{
    struct evil server;
    char url[96];
    evil_start(&server, &hello, 1);
    (void)snprintf(url, sizeof(url), "http://%s127.0.0.1:%d/", before, server.port);
    weft_http_session *session = open_session(session_opts);
    ck_assert_int_eq(send_once(session, url, opts), 200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    const char *first = strstr(server.requests, "Authorization:");
    ck_assert(first == NULL || strstr(first + 1, "Authorization:") == NULL);
    return line == NULL ? first == NULL : strstr(server.requests, line) != NULL;
}

WT_TEST(a_user_and_a_password)
{
    const weft_http_request_opts *own = WEFT_OPTS(http_request, .user = "Aladdin",
                                                  .password = "open sesame");
    const weft_http_session_opts *all = WEFT_OPTS(http_session, .user = "Aladdin",
                                                  .password = "open sesame");
    const weft_http_session_opts *other = WEFT_OPTS(http_session, .user = "other");
    const weft_http_session_opts *header = WEFT_OPTS(
        http_session, .headers = (const weft_http_field[]){ { "Authorization", "Other" }, { 0 } });
    ck_assert(sends(NULL, "", NULL, NULL));
    ck_assert(sends(NULL, "", ALADDIN, own));
    ck_assert(sends(all, "", ALADDIN, NULL));
    ck_assert(sends(other, "", ALADDIN, own));
    ck_assert(sends(header, "", ALADDIN, own));
    ck_assert(sends(other, "", "Authorization: Basic b3RoZXI6\r\n", NULL));
    ck_assert(sends(other, "", "Authorization: Bearer token\r\n",
                    WEFT_OPTS(http_request, .bearer = "token")));
    ck_assert(sends(NULL, "Aladdin:open%20sesame@", ALADDIN, NULL));
    ck_assert(sends(other, "a:b@", ALADDIN, own));
}

WT_TEST(credentials_that_can_not_be_sent)
{
    weft_http_session *session = open_session(NULL);
    const char *url = "http://127.0.0.1:1/";
    weft_http_session *none = NULL;
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .user = "a:b"), &none),
                     WEFT_EINVAL);
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .password = "alone"), &none),
                     WEFT_EINVAL);
    ck_assert_int_eq(send_once(session, url, WEFT_OPTS(http_request, .user = "a:b")), WEFT_EINVAL);
    ck_assert_int_eq(send_once(session, url, WEFT_OPTS(http_request, .user = "a\r\nb")),
                     WEFT_EINVAL);
    ck_assert_int_eq(send_once(session, url, WEFT_OPTS(http_request, .password = "alone")),
                     WEFT_EINVAL);
    ck_assert_int_eq(send_once(session, url, WEFT_OPTS(http_request, .user = "a", .bearer = "b")),
                     WEFT_EINVAL);
    ck_assert_int_eq(weft_http_session_close(session), 0);
}

/* From one port to the same, then to another. */
static void follow(const char *before, const weft_http_session_opts *session_opts)
{
    struct evil other, server;
    char away[128], url[96];
    evil_start(&other, &hello, 1);
    (void)snprintf(away, sizeof(away),
                   "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", other.url);
    const struct evil_reply replies[] = {
        { .bytes = "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n",
          .then = EVIL_KEEP },
        { .bytes = away, .then = EVIL_KEEP },
    };
    evil_start(&server, replies, 2);
    (void)snprintf(url, sizeof(url), "http://%s127.0.0.1:%d/", before, server.port);
    weft_http_session *session = open_session(session_opts);
    ck_assert_int_eq(send_once(session, url, NULL), 200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    evil_stop(&other);
    const char *first = strstr(server.requests, ALADDIN);
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first + 1, ALADDIN));
    ck_assert_ptr_null(strstr(other.requests, "Authorization"));
}

WT_TEST(credentials_stay_with_their_origin)
{
    follow("", WEFT_OPTS(http_session, .user = "Aladdin", .password = "open sesame"));
    follow("Aladdin:open%20sesame@", NULL);
}

/* ---- addresses --------------------------------------------------------------------------------------- */

static bool is_private(const char *text)
{
    struct sockaddr_storage at = { .ss_family = AF_INET };
    struct in_addr in;
    if (inet_pton(AF_INET, text, &in) == 1) {
        ((struct sockaddr_in *)(void *)&at)->sin_addr = in;
    } else {
        at.ss_family = AF_INET6;
        ck_assert_int_eq(
            inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)(void *)&at)->sin6_addr), 1);
    }
    return wf_http_is_private((const struct sockaddr *)&at);
}

WT_TEST(which_addresses_are_private)
{
    static const char *const private[] = {
        "0.0.0.0",
        "10.255.255.255",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.0.9",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "198.19.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001:0:1::",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
    };
    static const char *const public[] = {
        "1.1.1.1",        "9.255.255.255",    "11.0.0.0",        "100.63.255.255",
        "100.128.0.0",    "126.0.0.1",        "128.0.0.1",       "169.253.0.1",
        "172.15.0.1",     "172.32.0.1",       "192.0.1.1",       "192.167.0.1",
        "192.169.0.1",    "223.255.255.1",    "2606:4700::1111", "2001:4860:4860::8888",
        "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::",
    };
    for (size_t i = 0; i < WF_ARRAY_SIZE(private); i++)
        ck_assert_msg(is_private(private[i]), "%s", private[i]);
    for (size_t i = 0; i < WF_ARRAY_SIZE(public); i++)
        ck_assert_msg(!is_private(public[i]), "%s", public[i]);
}

WT_TEST(private_addresses_are_refused_if_asked_for)
{
    struct evil server;
    const weft_http_session_opts *opts = WEFT_OPTS(http_session, .refuse_private = true);
    weft_http_session *session = open_session(opts);
    evil_start(&server, &hello, 1);
    ck_assert_int_eq(send_once(session, server.url, NULL), -EACCES);
    ck_assert_int_eq(send_once(session, "http://[::1]:1/", NULL), -EACCES);
    ck_assert_int_eq(send_once(session, "http://[::ffff:127.0.0.1]:1/", NULL), -EACCES);
    ck_assert_int_eq(send_once(session, "http://2130706433:1/", NULL), -EACCES);
    ck_assert_int_eq(send_once(session, "http://localhost:1/", NULL), -EACCES);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_uint_eq(server.n_connections, 0);
}

WT_MAIN("http_auth")
