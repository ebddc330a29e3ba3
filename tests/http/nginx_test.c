/* SPDX-License-Identifier: MIT
 * The client against nginx, what it says to it and how it takes what nginx says: methods, heads, users,
 * versions of TLS, kept connections, interim answers, ranges, a Unix socket, a thousand requests at once,
 * and a server that is told to start over under load. */
#include "nginx.h"
#include "wt_test.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>

struct it {
    struct nginx server;
    weft_http_session *session;
};

static void open_with(struct it *it, const char *lines, const weft_http_session_opts *opts)
{
    nginx_start_with(&it->server, lines);
    ck_assert_int_eq(weft_http_session_open(opts, &it->session), 0);
}

static void close_it(struct it *it)
{
    ck_assert_int_eq(weft_http_session_close(it->session), 0);
    nginx_stop(&it->server);
}

static weft_http_response *ask(const struct it *it, const char *method, const char *path,
                               const weft_http_request_opts *opts)
{
    weft_http_response *response;
    char url[160];
    (void)snprintf(url, sizeof(url), "%s%s", it->server.url, path);
    ck_assert_int_eq(weft_http_request(it->session, method, url, opts, &response), 0);
    return response;
}

static void expect_text(weft_http_response *response, int status, const char *expected)
{
    char *text;
    ck_assert_int_eq(weft_http_status(response), status);
    ck_assert_int_eq(weft_http_text(response, &text), 0);
    ck_assert_str_eq(text, expected);
    weft_free(text);
    ck_assert_int_eq(weft_http_response_close(response), 0);
}

static void expect_status(weft_http_response *response, int status)
{
    ck_assert_int_eq(weft_http_status(response), status);
    ck_assert_int_eq(weft_http_response_close(response), 0);
}

/* ---- methods and heads ---------------------------------------------------------------------------------- */

WT_TEST(methods_with_and_without_bodies)
{
    static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" };
    const weft_http_field fields[] = { { "a", "b" }, { 0 } };
    struct it it;
    open_with(&it, "", NULL);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char expected[32];
        (void)snprintf(expected, sizeof(expected), "%s  [][]", methods[i]);
        expect_text(ask(&it, methods[i], "/echo", NULL), 200, expected);
    }
    for (size_t i = 1; i < sizeof(methods) / sizeof(methods[0]); i++) {
        char expected[32];
        (void)snprintf(expected, sizeof(expected), "%s 3", methods[i]);
        expect_text(ask(&it, methods[i], "/put", WEFT_OPTS(http_request, .urlencoded = fields)),
                    200, expected);
    }
    close_it(&it);
}

/* It says how long the body would be, and none is waited for: the connection goes on. */
WT_TEST(a_head_has_no_body)
{
    struct it it;
    open_with(&it, "", WEFT_OPTS(http_session, .limit = 1));
    for (int i = 0; i < 3; i++) {
        weft_http_response *response = ask(&it, "HEAD", "/big.bin", NULL);
        ck_assert_str_eq(weft_http_header(response, "Content-Length"), "1048576");
        expect_text(response, 200, "");
        expect_text(ask(&it, "GET", "/connection", NULL), 200, "1 HTTP/1.1");
    }
    close_it(&it);
}

WT_TEST(headers_come_in_their_order_each_of_several_in_any_case)
{
    static const char *const expected[][2] = { { "X-B", "1" }, { "x-a", "2" }, { "X-B", "3" } };
    struct it it;
    weft_http_field field;
    size_t n = 0;
    open_with(&it, "add_header X-B 1; add_header x-a 2; add_header X-B 3;", NULL);
    weft_http_response *response = ask(&it, "GET", "/small.txt", NULL);
    for (size_t i = 0; weft_http_header_at(response, i, &field); i++)
        if (strncasecmp(field.name, "X-", 2) == 0) {
            ck_assert_uint_lt(n, 3);
            ck_assert_str_eq(field.name, expected[n][0]);
            ck_assert_str_eq(field.value, expected[n++][1]);
        }
    ck_assert_uint_eq(n, 3);
    ck_assert_str_eq(weft_http_header(response, "x-b"), "1");
    ck_assert_str_eq(weft_http_header(response, "X-A"), "2");
    expect_status(response, 200);
    close_it(&it);
}

WT_TEST(interim_answers_and_ranges)
{
    const weft_http_field wait[] = { { "Expect", "100-continue" }, { 0 } };
    const weft_http_field some[] = { { "Range", "bytes=2-5" }, { 0 } };
    const weft_http_field none[] = { { "Range", "bytes=2000-" }, { 0 } };
    struct it it;
    open_with(&it, "", NULL);
    expect_text(ask(&it, "PUT", "/put",
                    WEFT_OPTS(http_request, .headers = wait, .body = "data", .body_size = 4)),
                200, "PUT 4");
    weft_http_response *response = ask(&it, "GET", "/small.txt",
                                       WEFT_OPTS(http_request, .headers = some));
    ck_assert_str_eq(weft_http_header(response, "Content-Range"), "bytes 2-5/1024");
    expect_text(response, 206, "cdef");
    expect_status(ask(&it, "GET", "/small.txt", WEFT_OPTS(http_request, .headers = none)), 416);
    close_it(&it);
}

/* ---- who asks, and how ----------------------------------------------------------------------------------- */

static void make_private(const char *path)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs("me:{PLAIN}secret\n", file);
    (void)fclose(file);
}

WT_TEST(a_user_whom_the_server_knows)
{
    char path[] = "/tmp/weft-users-XXXXXX", lines[128];
    struct it it;
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    make_private(path);
    (void)snprintf(lines, sizeof(lines), "auth_basic x; auth_basic_user_file %s;", path);
    open_with(&it, lines, NULL);
    expect_status(ask(&it, "HEAD", "/small.txt", NULL), 401);
    expect_status(
        ask(&it, "HEAD", "/small.txt", WEFT_OPTS(http_request, .user = "me", .password = "other")),
        401);
    expect_status(
        ask(&it, "HEAD", "/small.txt", WEFT_OPTS(http_request, .user = "me", .password = "secret")),
        200);
    close_it(&it);
    unlink(path);
}

static void expect_tls(const char *version)
{
    struct nginx server;
    weft_http_session *session;
    weft_http_response *response;
    char lines[128], url[96];
    (void)snprintf(lines, sizeof(lines),
                   "ssl_protocols %s; location /tls { return 200 $ssl_protocol; }", version);
    nginx_start_with(&server, lines);
    (void)snprintf(url, sizeof(url), "%s/tls", server.tls_url);
    ck_assert_int_eq(
        weft_http_session_open(WEFT_OPTS(http_session, .ca_file = server.ca_file), &session), 0);
    ck_assert_int_eq(weft_http_get(session, url, NULL, &response), 0);
    expect_text(response, 200, version);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    nginx_stop(&server);
}

WT_TEST(both_versions_of_tls)
{
    expect_tls("TLSv1.2");
    expect_tls("TLSv1.3");
}

/* The server's own host, by a name that leads nowhere else. What TCP brings says that it is up. */
WT_TEST(a_unix_socket)
{
    char folder[] = "/tmp/weft-unix-XXXXXX", path[64], lines[96];
    struct it it;
    weft_http_session *session;
    weft_http_response *response;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
    (void)snprintf(lines, sizeof(lines), "listen unix:%s;", path);
    open_with(&it, lines, NULL);
    expect_status(ask(&it, "GET", "/echo", NULL), 200);
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .unix_socket = path), &session),
                     0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(weft_http_get(session, "http://nowhere.invalid/echo?x",
                                       WEFT_OPTS(http_request, .bearer = "t"), &response),
                         0);
        expect_text(response, 200, "GET x [][Bearer t]");
    }
    ck_assert_int_eq(weft_http_session_close(session), 0);
    close_it(&it);
    unlink(path);
    rmdir(folder);
}

/* ---- connections ------------------------------------------------------------------------------------------ */

/* What the server answers there. */
static int number_of(const struct it *it, const char *path)
{
    char *text;
    weft_http_response *response = ask(it, "GET", path, NULL);
    ck_assert_int_eq(weft_http_text(response, &text), 0);
    int number = atoi(text);
    weft_free(text);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    return number;
}

WT_TEST(a_connection_is_kept_for_as_long_as_the_server_says)
{
    struct it it;
    open_with(&it, "keepalive_requests 3;", NULL);
    for (int i = 0; i < 9; i += 3) {
        int connection = number_of(&it, "/connection");
        ck_assert_int_eq(number_of(&it, "/connection"), connection);
        ck_assert_int_eq(number_of(&it, "/connection"), connection);
        ck_assert_int_ne(number_of(&it, "/connection"), connection);
        ck_assert_int_gt(number_of(&it, "/connection"), connection);
        ck_assert_int_gt(number_of(&it, "/connection"), connection);
    }
    close_it(&it);
}

static int get_once(weft_http_session *session, const char *url)
{
    WEFT_AUTO(weft_http_response, response);
    char *data;
    size_t size;
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    if (weft_http_status(response) != 200)
        return -EIO;
    WEFT_TRY(weft_http_read_all(response, &data, &size));
    weft_free(data);
    return size == 1024 ? 0 : -EIO;
}

WEFT_TASK(get_one, (weft_http_session *, session), (const char *, url))
{
    return get_once(session, url);
}

/* Of the client's and the server's descriptors; the server inherits the limit. */
static void need_descriptors(rlim_t n)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < n)
        wt_skip("too few descriptors here");
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= n)
        return;
    limit.rlim_cur = n;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

WT_TEST(a_thousand_at_once)
{
    struct it it;
    char url[96];
    need_descriptors(2048);
    open_with(&it, "", WEFT_OPTS(http_session, .limit = 1000));
    (void)snprintf(url, sizeof(url), "%s/small.txt", it.server.url);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn_with(&scope, WEFT_OPTS(spawn, .copies = (int)wt_scaled(1000)),
                                         get_one, it.session, url),
                         0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    close_it(&it);
}

/* ---- a server that starts over ---------------------------------------------------------------------------- */

static _Atomic bool is_enough;
static _Atomic unsigned n_done;

WEFT_TASK(get_until_enough, (weft_http_session *, session), (const char *, url))
{
    while (!atomic_load(&is_enough)) {
        WEFT_TRY(get_once(session, url));
        atomic_fetch_add(&n_done, 1u);
    }
    return 0;
}

/* Old workers close connections that are kept, with a request on its way in some: those are made again. */
WT_TEST(a_server_that_is_told_to_start_over_under_load_loses_no_request)
{
    struct it it;
    char url[96];
    open_with(&it, "location /worker { return 200 $pid; }", NULL);
    (void)snprintf(url, sizeof(url), "%s/small.txt", it.server.url);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn_with(&scope, WEFT_OPTS(spawn, .copies = 20), get_until_enough,
                                         it.session, url),
                         0);
        for (unsigned i = 0; i < wt_scaled(5); i++) {
            int worker = number_of(&it, "/worker");
            unsigned n_before = atomic_load(&n_done);
            ck_assert_int_eq(kill(it.server.pid, SIGHUP), 0);
            while (number_of(&it, "/worker") == worker || atomic_load(&n_done) - n_before < 40)
                continue;
        }
        atomic_store(&is_enough, true);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    close_it(&it);
}

WT_MAIN("http_nginx")
