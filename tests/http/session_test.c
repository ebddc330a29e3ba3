/* SPDX-License-Identifier: MIT
 * The client against nginx. */
#include "nginx.h"
#include "wt_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>

static char *join(const char *base, const char *path)
{
    static char urls[8][160];
    static unsigned n;
    char *url = urls[n++ % 8];
    (void)snprintf(url, sizeof(urls[0]), "%s%s", base, path);
    return url;
}

static void get_text(weft_http_session *session, const char *url,
                     const weft_http_request_opts *opts, int status, const char *expected)
{
    WEFT_AUTO(weft_http_response, response);
    char *text = NULL;
    ck_assert_int_eq(weft_http_get(session, url, opts, &response), 0);
    ck_assert_int_eq(weft_http_status(response), status);
    ck_assert_int_eq(weft_http_text(response, &text), 0);
    ck_assert_str_eq(text, expected);
    weft_free(text);
}

/* ---- one after the other, and many at once -------------------------------------------------------- */

static int fetch_urls(const char *const *urls, size_t n_urls, char **out_texts)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    for (size_t i = 0; i < n_urls; i++) {
        WEFT_AUTO(weft_http_response, response);
        WEFT_TRY(weft_http_get(session, urls[i], NULL, &response));
        WEFT_TRY(weft_http_text(response, &out_texts[i]));
    }
    return 0;
}

static int fetch_three(void *arg)
{
    const struct nginx *server = arg;
    const char *urls[3] = { join(server->url, "/small.txt"), join(server->url, "/lines.txt"),
                            join(server->url, "/small.txt") };
    char *texts[3] = { NULL, NULL, NULL };
    int rc = fetch_urls(urls, 3, texts);
    ck_assert_uint_eq(strlen(texts[0]), 1024);
    ck_assert_ptr_nonnull(strstr(texts[1], "line 999\n"));
    ck_assert_str_eq(texts[0], texts[2]);
    for (int i = 0; i < 3; i++)
        weft_free(texts[i]);
    return rc;
}

WT_TEST(several_urls_one_after_the_other)
{
    struct nginx server;
    nginx_start(&server);
    ck_assert_int_eq(weft_run(fetch_three, &server), 0);
    ck_assert_int_eq(fetch_three(&server), 0); /* from a plain thread too */
    nginx_stop(&server);
}

WEFT_TASK(fetch_some, (weft_http_session *, session), (const char *, url), (int, n))
{
    for (int i = 0; i < n; i++) {
        WEFT_AUTO(weft_http_response, response);
        char *text;
        size_t size;
        WEFT_TRY(weft_http_get(session, url, NULL, &response));
        WEFT_TRY(weft_http_read_all(response, &text, &size));
        weft_free(text);
        if (size != 1024)
            return -EIO;
    }
    return 0;
}

static void fetch_in_thread(void *arg)
{
    void **args = arg;
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_spawn(&scope, fetch_some, args[0], args[1], 20), 0);
    for (int i = 0; i < 20; i++)
        get_text(args[0], args[2], NULL, 200, "GET  [][]");
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
}

WT_TEST(tasks_and_threads_at_once_with_few_places)
{
    struct nginx server;
    nginx_start(&server);
    {
        WEFT_AUTO(weft_http_session, session);
        ck_assert_int_eq(
            weft_http_session_open(WEFT_OPTS(http_session, .limit = 5, .host_limit = 3), &session),
            0);
        void *args[] = { session, join(server.url, "/small.txt"), join(server.url, "/echo") };
        wt_thread *thread = wt_thread_start(fetch_in_thread, args);
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn_with(&scope, WEFT_OPTS(spawn, .copies = 20), fetch_some,
                                         session, args[1], (int)wt_scaled(20)),
                         0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
        wt_thread_join(thread);
        ck_assert_int_eq(weft_close_with(session, 0), 0);
    }
    nginx_stop(&server);
}

/* ---- what is sent ----------------------------------------------------------------------------------- */

WT_TEST(what_goes_to_the_server)
{
    struct nginx server;
    nginx_start(&server);
    {
        WEFT_AUTO(weft_http_session, session);
        const weft_http_field ours[] = { { "X-Secret", "s" }, { 0 } };
        ck_assert_int_eq(
            weft_http_session_open(WEFT_OPTS(http_session, .base_url = server.url, .headers = ours),
                                   &session),
            0);
        get_text(session, "/echo", NULL, 200, "GET  [s][]");
        const weft_http_field query[] = { { "q", "a b&c" }, { "n", "1" }, { 0 } };
        get_text(session, "/echo", WEFT_OPTS(http_request, .query = query), 200,
                 "GET q=a+b%26c&n=1 [s][]");
        get_text(session, "/echo", WEFT_OPTS(http_request, .bearer = "t"), 200,
                 "GET  [s][Bearer t]");
        const weft_http_field other[] = { { "x-secret", "other" }, { 0 } };
        get_text(session, "/echo", WEFT_OPTS(http_request, .headers = other), 200,
                 "GET  [other][]");
    }
    nginx_stop(&server);
}

WT_TEST(what_can_not_be_sent)
{
    WEFT_AUTO(weft_http_session, session);
    weft_http_response *response = NULL;
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    const weft_http_field bad[][2] = {
        { { "X", "a\r\nEvil: 1" }, { 0 } }, { { "X\r\nEvil", "1" }, { 0 } },
        { { "X:", "1" }, { 0 } },           { { "", "1" }, { 0 } },
        { { "X", NULL }, { 0 } },           { { "X", "\x7f" }, { 0 } },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(weft_http_get(session, "http://127.0.0.1:1/",
                                       WEFT_OPTS(http_request, .headers = bad[i]), &response),
                         WEFT_EINVAL);
    ck_assert_int_eq(weft_http_get(session, "http://127.0.0.1:1/",
                                   WEFT_OPTS(http_request, .bearer = "a\nb"), &response),
                     WEFT_EINVAL);
    const char *const methods[] = { "", "GET /x HTTP/1.1\r\nX:", "G T" };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        ck_assert_int_eq(
            weft_http_request(session, methods[i], "http://127.0.0.1:1/", NULL, &response),
            WEFT_EINVAL);
    const char *const urls[] = { "ftp://127.0.0.1/", "file:///etc/passwd",       "/no/base", "",
                                 "http://a b/",      "http://127.0.0.1/\r\nX: y" };
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        ck_assert_int_eq(weft_http_get(session, urls[i], NULL, &response), WEFT_EINVAL);
    ck_assert_ptr_null(response);
    ck_assert_int_eq(weft_http_get(session, "http://127.0.0.1:1/", NULL, &response), -ECONNREFUSED);
}

/* ---- what comes back ------------------------------------------------------------------------------- */

WT_TEST(heads_are_read_in_order_and_in_any_case)
{
    struct nginx server;
    nginx_start(&server);
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_AUTO(weft_http_response, response);
        weft_http_field field;
        ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
        ck_assert_int_eq(weft_http_get(session, join(server.url, "/small.txt"), NULL, &response),
                         0);
        ck_assert_str_eq(weft_http_header(response, "content-LENGTH"), "1024");
        ck_assert_ptr_null(weft_http_header(response, "Content"));
        ck_assert(weft_http_header_at(response, 0, &field));
        ck_assert_str_eq(field.name, "Server");
        ck_assert(!weft_http_header_at(response, 100, &field));
        ck_assert_str_eq(weft_http_url(response), join(server.url, "/small.txt"));
    }
    nginx_stop(&server);
}

WT_TEST(statuses_are_errors_on_request_alone)
{
    struct nginx server;
    nginx_start(&server);
    {
        WEFT_AUTO(weft_http_session, session);
        weft_http_response *response = NULL;
        ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
        get_text(session, join(server.url, "/status/404"), NULL, 404, "not here");
        ck_assert_int_eq(weft_http_get(session, join(server.url, "/status/404"),
                                       WEFT_OPTS(http_request, .raise_for_status = true),
                                       &response),
                         WEFT_EHTTPSTATUS);
        ck_assert_ptr_null(response);
    }
    nginx_stop(&server);
}

static int64_t count_lines(weft_http_response *response)
{
    int64_t n = 0;
    WEFT_RX(weft_line, lines);
    WEFT_TRY(weft_http_lines(response, NULL, &lines));
    weft_each (line, lines) {
        char expected[32];
        size_t size = (size_t)snprintf(expected, sizeof(expected), "line %d", (int)n++);
        ck_assert_uint_eq(line.size, size);
        ck_assert_int_eq(memcmp(line.data, expected, size), 0);
    }
    WEFT_TRY(weft_error(lines));
    return n;
}

WT_TEST(bodies_as_lines_as_chunks_and_into_a_file)
{
    struct nginx server;
    nginx_start(&server);
    {
        WEFT_AUTO(weft_http_session, session);
        ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
        WEFT_AUTO(weft_http_response, lines);
        ck_assert_int_eq(weft_http_get(session, join(server.url, "/lines.txt"), NULL, &lines), 0);
        ck_assert_int_eq(count_lines(lines), 1000);
        WEFT_AUTO(weft_http_response, zipped);
        ck_assert_int_eq(weft_http_get(session, join(server.url, "/zip/lines.txt"), NULL, &zipped),
                         0);
        ck_assert_str_eq(weft_http_header(zipped, "Content-Encoding"), "gzip");
        ck_assert_int_eq(count_lines(zipped), 1000);
        WEFT_AUTO(weft_http_response, chunks);
        ck_assert_int_eq(weft_http_get(session, join(server.url, "/big.bin"), NULL, &chunks), 0);
        ck_assert_int_eq(nginx_count_bytes(chunks), 1 << 20);
        WEFT_AUTO(weft_http_response, saved);
        int64_t size = 0;
        char *path = join(server.folder, "/saved");
        ck_assert_int_eq(weft_http_get(session, join(server.url, "/big.bin"), NULL, &saved), 0);
        ck_assert_int_eq(weft_http_save(saved, path, &size), 0);
        ck_assert_int_eq(size, 1 << 20);
    }
    nginx_stop(&server);
}

WT_TEST(a_whole_body_has_a_limit)
{
    struct nginx server;
    nginx_start(&server);
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_AUTO(weft_http_response, response);
        char *text = NULL;
        ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
        ck_assert_int_eq(weft_http_get(session, join(server.url, "/big.bin"),
                                       WEFT_OPTS(http_request, .max_body = 1000), &response),
                         0);
        ck_assert_int_eq(weft_http_text(response, &text), WEFT_EHTTPLIMIT);
        ck_assert_ptr_null(text);
    }
    nginx_stop(&server);
}

/* ---- redirects -------------------------------------------------------------------------------------- */

WT_TEST(redirects_are_followed_with_care)
{
    struct nginx server;
    nginx_start(&server);
    {
        WEFT_AUTO(weft_http_session, session);
        weft_http_response *response = NULL;
        const weft_http_field secret[] = { { "X-Secret", "s" }, { 0 } };
        const weft_http_request_opts *opts = WEFT_OPTS(http_request, .headers = secret,
                                                       .bearer = "t");
        ck_assert_int_eq(
            weft_http_session_open(WEFT_OPTS(http_session, .ca_file = server.ca_file), &session),
            0);
        get_text(session, join(server.url, "/moved/here"), opts, 200, "GET here [s][Bearer t]");
        get_text(session, join(server.url, "/moved/away"), opts, 200, "GET away [][]");
        const char *const refused[] = { join(server.url, "/moved/round"),
                                        join(server.url, "/moved/file"),
                                        join(server.tls_url, "/moved/plain") };
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(weft_http_get(session, refused[i], opts, &response),
                             WEFT_EHTTPREDIRECT);
        ck_assert_ptr_null(response);
        opts = WEFT_OPTS(http_request, .max_redirects = -1);
        WEFT_AUTO(weft_http_response, as_it_is);
        ck_assert_int_eq(weft_http_get(session, join(server.url, "/moved/here"), opts, &as_it_is),
                         0);
        ck_assert_int_eq(weft_http_status(as_it_is), 302);
    }
    nginx_stop(&server);
}

/* ---- TLS -------------------------------------------------------------------------------------------- */

WT_TEST(tls_is_for_those_who_are_trusted)
{
    struct nginx server;
    nginx_start(&server);
    {
        weft_http_response *response = NULL;
        WEFT_AUTO(weft_http_session, strict);
        ck_assert_int_eq(weft_http_session_open(NULL, &strict), 0);
        ck_assert_int_eq(weft_http_get(strict, join(server.tls_url, "/echo"), NULL, &response),
                         WEFT_EHTTPTLS);
        WEFT_AUTO(weft_http_session, knowing);
        ck_assert_int_eq(
            weft_http_session_open(WEFT_OPTS(http_session, .ca_file = server.ca_file), &knowing),
            0);
        get_text(knowing, join(server.tls_url, "/echo"), NULL, 200, "GET  [][]");
        char other_name[64];
        (void)snprintf(other_name, sizeof(other_name), "https://127.0.0.1:%d/", server.tls_port);
        ck_assert_int_eq(weft_http_get(knowing, other_name, NULL, &response), WEFT_EHTTPTLS);
        WEFT_AUTO(weft_http_session, blind);
        ck_assert_int_eq(weft_http_session_open(
                             WEFT_OPTS(http_session, .insecure_any_certificate = true), &blind),
                         0);
        get_text(blind, join(server.tls_url, "/echo"), NULL, 200, "GET  [][]");
    }
    nginx_stop(&server);
}

WT_MAIN("http_session")
