/* SPDX-License-Identifier: MIT
 * By way of a proxy: what it is asked, what it is told, and what it may do. */
#include "evil.h"
#include "nginx.h"
#include "proxy.h"
#include "wt_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_websocket.h>

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define ALADDIN  "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="

static const struct evil_reply hello = { .bytes = OK_HELLO };

static int fetch_in(weft_http_session *session, const char *url,
                    const weft_http_request_opts *request, char **out_text)
{
    WEFT_AUTO(weft_http_response, response);
    char *text;
    WEFT_TRY(weft_http_get(session, url, request, &response));
    WEFT_TRY(weft_http_text(response, &text));
    if (out_text != NULL)
        *out_text = text;
    else
        weft_free(text);
    return weft_http_status(response);
}

static int fetch(const char *url, const weft_http_session_opts *opts)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_TRY(weft_http_session_open(opts, &session));
    return fetch_in(session, url, NULL, NULL);
}

/* Once through the proxy, to a server that says hello. */
static int fetch_hello(struct proxy *proxy, struct evil *server, const weft_http_session_opts *opts)
{
    weft_http_session_opts all = *opts;
    evil_start(server, &hello, 1);
    proxy_start(proxy);
    all.proxy = all.proxy == NULL ? proxy->url : all.proxy;
    int rc = fetch(server->url, &all);
    proxy_stop(proxy);
    evil_stop(server);
    return rc;
}

WT_TEST(a_plain_request_is_the_proxys_to_make)
{
    struct proxy proxy = { .target_port = 0 };
    struct evil server;
    char line[128];
    ck_assert_int_eq(fetch_hello(&proxy, &server, WEFT_OPTS(http_session)), 200);
    (void)snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\n", server.url);
    ck_assert_ptr_nonnull(strstr(proxy.heads, line));
    ck_assert_ptr_null(strstr(proxy.heads, "Proxy-Authorization"));
}

/* ---- through a tunnel -------------------------------------------------------------------------------- */

static struct nginx nginx;

static void start_nginx(void)
{
    nginx_start_with(&nginx, "location /who { return 200 \"[$http_proxy_authorization]"
                             "[$http_authorization][$http_x_secret]\"; }");
}

static const char *tls_url(const char *path)
{
    static char url[128];
    (void)snprintf(url, sizeof(url), "%s%s", nginx.tls_url, path);
    return url;
}

WT_TEST(what_goes_through_tls_is_not_the_proxys_to_read)
{
    struct proxy proxy = { .authorization = ALADDIN };
    weft_http_session *session = NULL;
    char *text = NULL, line[64];
    start_nginx();
    proxy_start(&proxy);
    const weft_http_field secret[] = { { "X-Secret", "mine" }, { 0 } };
    ck_assert_int_eq(
        weft_http_session_open(WEFT_OPTS(http_session, .ca_file = nginx.ca_file, .proxy = proxy.url,
                                         .proxy_user = "Aladdin", .proxy_password = "open sesame",
                                         .headers = secret),
                               &session),
        0);
    ck_assert_int_eq(
        fetch_in(session, tls_url("/who"), WEFT_OPTS(http_request, .bearer = "token"), &text), 200);
    ck_assert_str_eq(text, "[][Bearer token][mine]");
    weft_free(text);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    proxy_stop(&proxy);
    nginx_stop(&nginx);
    (void)snprintf(line, sizeof(line), "CONNECT localhost:%d HTTP/1.1\r\n", nginx.tls_port);
    ck_assert_ptr_nonnull(strstr(proxy.heads, line));
    const char *const secrets[] = { "token", "mine", "X-Secret", "/who", "\nAuthorization" };
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        ck_assert_ptr_null(strstr(proxy.heads, secrets[i]));
}

/* A WebSocket always has a tunnel: so what its server is sent can be seen. */
WT_TEST(a_server_is_not_told_what_the_proxy_is)
{
    struct proxy proxy = { .authorization = ALADDIN };
    struct evil server;
    weft_http_session *session = NULL;
    weft_websocket *socket = NULL;
    evil_start(&server, &hello, 1);
    proxy_start(&proxy);
    ck_assert_int_eq(
        weft_http_session_open(WEFT_OPTS(http_session, .proxy = proxy.url, .proxy_user = "Aladdin",
                                         .proxy_password = "open sesame", .user = "me"),
                               &session),
        0);
    ck_assert_int_eq(weft_websocket_open(session, server.url, NULL, &socket), WEFT_EHTTPSTATUS);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    proxy_stop(&proxy);
    evil_stop(&server);
    ck_assert_ptr_nonnull(strstr(proxy.heads, "Proxy-Authorization: " ALADDIN));
    ck_assert_ptr_null(strstr(proxy.heads, "\nAuthorization:"));
    ck_assert_ptr_nonnull(strstr(server.requests, "\nAuthorization:"));
    ck_assert_ptr_null(strstr(server.requests, "Proxy-"));
}

/* ---- who may use it ---------------------------------------------------------------------------------- */

WT_TEST(a_proxy_that_wants_to_know_who_asks)
{
    struct proxy proxy = { .authorization = ALADDIN };
    struct evil server;
    char url[96];
    ck_assert_int_eq(fetch_hello(&proxy, &server,
                                 WEFT_OPTS(http_session, .proxy_user = "Aladdin",
                                           .proxy_password = "open sesame")),
                     200);
    ck_assert_ptr_null(strstr(server.requests, "Proxy-Authorization"));
    proxy = (struct proxy){ .authorization = ALADDIN };
    ck_assert_int_eq(fetch_hello(&proxy, &server, WEFT_OPTS(http_session)), 407);
    proxy = (struct proxy){ .authorization = ALADDIN };
    ck_assert_int_eq(fetch_hello(&proxy, &server, WEFT_OPTS(http_session, .proxy_user = "other")),
                     407);
    proxy = (struct proxy){ .authorization = ALADDIN };
    evil_start(&server, &hello, 1);
    proxy_start(&proxy);
    (void)snprintf(url, sizeof(url), "http://Aladdin:open%%20sesame@127.0.0.1:%d", proxy.port);
    ck_assert_int_eq(fetch(server.url, WEFT_OPTS(http_session, .proxy = url)), 200);
    proxy_stop(&proxy);
    evil_stop(&server);
}

/* The code, with a proxy that does this when it is asked to connect; no server is needed. */
static int connect_by(struct proxy proxy, const weft_http_session_opts *opts)
{
    weft_http_session_opts all = *opts;
    proxy_start(&proxy);
    all.proxy = proxy.url;
    int rc = fetch("https://localhost:1/", &all);
    proxy_stop(&proxy);
    ck_assert_ptr_nonnull(strstr(proxy.heads, "CONNECT localhost:1 "));
    return rc;
}

WT_TEST(a_proxy_that_refuses_to_connect)
{
    const char *const answers[] = {
        "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 502 No\r\nContent-Length: 5\r\n\r\nsorry",
        "HTTP/1.1 502 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsorry\r\n0\r\n\r\n",
        "HTTP/1.0 403 No\r\n\r\nsorry",
        "HTTP/1.1 302 There\r\nLocation: https://localhost:2/\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        ck_assert_int_eq(
            connect_by((struct proxy){ .refusal = answers[i] }, WEFT_OPTS(http_session)),
            WEFT_EHTTPPROXY);
    ck_assert_int_eq(connect_by((struct proxy){ .authorization = ALADDIN },
                                WEFT_OPTS(http_session, .proxy_user = "other")),
                     WEFT_EHTTPPROXY);
}

WT_TEST(a_proxy_that_gives_up_while_it_is_asked)
{
    static const char answer[] = "HTTP/1.1 200 Go On\r\nX: y\r\n\r\n";
    ck_assert_int_lt(connect_by((struct proxy){ .refusal = "" }, WEFT_OPTS(http_session)), 0);
    for (size_t size = 1; size < sizeof(answer); size++)
        ck_assert_int_lt(connect_by((struct proxy){ .refusal = answer, .refusal_size = size },
                                    WEFT_OPTS(http_session)),
                         0);
    const char *const nonsense[] = { "hello, this is no HTTP\r\n\r\n", "HTTP/1.1 2x0 What\r\n\r\n",
                                     "HTTP/1.1 200 OK\r\n\r\nthis is no TLS, and long enough" };
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
        ck_assert_int_lt(
            connect_by((struct proxy){ .refusal = nonsense[i] }, WEFT_OPTS(http_session)), 0);
    const weft_http_session_opts *hasty = WEFT_OPTS(http_session,
                                                    .timeouts.connect_ns = WEFT_MS(20));
    ck_assert_int_eq(connect_by((struct proxy){ .is_silent = 1 }, hasty), WEFT_EHTTPCONNECT);
    ck_assert_int_eq(connect_by((struct proxy){ .refusal = "HTTP/1.1 2", .is_silent = 1 }, hasty),
                     WEFT_EHTTPCONNECT);
}

/* ---- past it ----------------------------------------------------------------------------------------- */

/* The server that is asked directly resets: what the proxy had said before is not what that means. */
WT_TEST(a_host_that_is_asked_directly)
{
    const struct evil_reply replies[] = { { .bytes = OK_HELLO },
                                          { .bytes = "HTTP/1.1 2", .then = EVIL_RESET } };
    struct proxy proxy = { .refusal = "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n" };
    struct evil server;
    weft_http_session *session = NULL;
    evil_start(&server, replies, 2);
    proxy_start(&proxy);
    const weft_http_session_opts *opts = WEFT_OPTS(http_session, .proxy = proxy.url,
                                                   .proxy_user = "me", .no_proxy = "127.0.0.1,x");
    ck_assert_int_eq(weft_http_session_open(opts, &session), 0);
    ck_assert_int_eq(fetch_in(session, server.url, NULL, NULL), 200);
    ck_assert_int_eq(fetch_in(session, "https://localhost:1/", NULL, NULL), WEFT_EHTTPPROXY);
    ck_assert_int_eq(fetch_in(session, server.url, NULL, NULL), -ECONNRESET);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    proxy_stop(&proxy);
    evil_stop(&server);
    ck_assert_ptr_null(strstr(server.requests, "Proxy-"));
    ck_assert_ptr_null(strstr(proxy.heads, "127.0.0.1"));
}

/* Each of its own process, as all tests: nobody else reads this environment. */
WT_TEST(the_environment_is_asked_on_request_alone)
{
    struct proxy proxy = { .target_port = 0 };
    struct evil server;
    evil_start(&server, &hello, 1);
    setenv("http_proxy", "http://127.0.0.1:1", 1); /* nobody is there */
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    ck_assert_int_eq(fetch(server.url, NULL), 200);
    evil_stop(&server);
    setenv("no_proxy", "*", 1);
    ck_assert_int_eq(fetch_hello(&proxy, &server, WEFT_OPTS(http_session)), 200);
    ck_assert_ptr_nonnull(strstr(proxy.heads, "GET http://"));
    unsetenv("no_proxy");
    proxy = (struct proxy){ .target_port = 0 };
    evil_start(&server, &hello, 1);
    proxy_start(&proxy);
    setenv("http_proxy", proxy.url, 1);
    ck_assert_int_eq(fetch(server.url, WEFT_OPTS(http_session, .proxy_from_environment = true)),
                     200);
    proxy_stop(&proxy);
    evil_stop(&server);
    ck_assert_ptr_nonnull(strstr(proxy.heads, "GET http://"));
}

/* ---- by TLS ------------------------------------------------------------------------------------------ */

/* This nginx takes whatever it is asked for its own, and connects nowhere. */
WT_TEST(a_proxy_that_is_reached_by_tls)
{
    struct evil plain;
    char url[64];
    start_nginx();
    const weft_http_session_opts known = { .ca_file = nginx.ca_file, .proxy = nginx.tls_url };
    ck_assert_int_eq(fetch("http://127.0.0.1:1/echo", &known), 200);
    ck_assert_int_eq(fetch("https://localhost:1/", &known), WEFT_EHTTPPROXY);
    ck_assert_int_eq(
        fetch("http://127.0.0.1:1/echo", WEFT_OPTS(http_session, .proxy = nginx.tls_url)),
        WEFT_EHTTPTLS);
    nginx_stop(&nginx);
    evil_start(&plain, &(struct evil_reply){ .bytes = OK_HELLO, .at_once = true }, 1);
    (void)snprintf(url, sizeof(url), "https://localhost:%d", plain.port);
    ck_assert_int_eq(fetch("http://127.0.0.1:1/echo", WEFT_OPTS(http_session, .proxy = url)),
                     WEFT_EHTTPTLS);
    evil_stop(&plain);
    ck_assert_ptr_null(memmem(plain.requests, plain.size, "echo", 4));
}

static int open_with(const weft_http_session_opts *opts)
{
    weft_http_session *session = NULL;
    int rc = weft_http_session_open(opts, &session);
    return rc < 0 ? rc : weft_http_session_close(session);
}

WT_TEST(what_is_no_proxy)
{
    const char *const bad[] = { "", "socks5://127.0.0.1:1", "socks5h://x", "ftp://x", "://x" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(open_with(WEFT_OPTS(http_session, .proxy = bad[i])), WEFT_EINVAL);
    ck_assert_int_eq(open_with(WEFT_OPTS(http_session, .proxy = "127.0.0.1:1")), 0);
    ck_assert_int_eq(open_with(WEFT_OPTS(http_session, .proxy_user = "x")), WEFT_EINVAL);
    ck_assert_int_eq(open_with(WEFT_OPTS(http_session, .no_proxy = "x")), WEFT_EINVAL);
    ck_assert_int_eq(
        open_with(WEFT_OPTS(http_session, .proxy = "http://a:1", .refuse_private = true)),
        WEFT_EINVAL);
    ck_assert_int_eq(
        open_with(WEFT_OPTS(http_session, .proxy_from_environment = true, .refuse_private = true)),
        WEFT_EINVAL);
    ck_assert_int_eq(open_with(WEFT_OPTS(http_session, .proxy = "x", .proxy_user = "a:b")),
                     WEFT_EINVAL);
    ck_assert_int_eq(open_with(WEFT_OPTS(http_session, .proxy = "x", .proxy_password = "b")),
                     WEFT_EINVAL);
}

WT_MAIN("http_proxy")
