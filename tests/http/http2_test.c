/* SPDX-License-Identifier: MIT
 * HTTP/2 against nginx: many requests on one connection, none of which holds up another. */
#include "nginx.h"
#include "wt_test.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <malloc.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>

/* ---- a libcurl that has it, and one that has not -------------------------------------------------------- */

static bool has_no_http2;
static unsigned version_num; /* 0: as it is */

/* In place of libcurl's own, which it calls. */
curl_version_info_data *curl_version_info(CURLversion age)
{
    static curl_version_info_data about;
    curl_version_info_data *(*own)(CURLversion) = NULL;
    *(void **)&own = dlsym(RTLD_NEXT, "curl_version_info");
    ck_assert(own != NULL);
    about = *own(age);
    if (has_no_http2)
        about.features &= ~CURL_VERSION_HTTP2;
    if (version_num != 0)
        about.version_num = version_num;
    return &about;
}

WT_TEST(without_http2_in_libcurl_it_is_refused)
{
    weft_http_session *session = NULL;
    has_no_http2 = true;
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .http2 = true), &session),
                     WEFT_ENOTSUP);
    ck_assert_ptr_null(session);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
}

static void start_with(struct nginx *server, const char *lines, weft_http_session **out_session)
{
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2))
        wt_skip("no HTTP/2 in this libcurl");
    nginx_start_with(server, lines);
    ck_assert_int_eq(
        weft_http_session_open(WEFT_OPTS(http_session, .ca_file = server->ca_file, .http2 = true),
                               out_session),
        0);
}

static void start(struct nginx *server, weft_http_session **out_session)
{
    start_with(server, "", out_session);
}

static void stop(struct nginx *server, weft_http_session *session)
{
    ck_assert_int_eq(weft_http_session_close(session), 0);
    nginx_stop(server);
}

/* ---- by which connection an answer comes ---------------------------------------------------------------- */

static int ask(weft_http_session *session, const char *base, int *out_version)
{
    WEFT_AUTO(weft_http_response, response);
    char url[96], *text;
    (void)snprintf(url, sizeof(url), "%s/connection", base);
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    *out_version = weft_http_version_of(response);
    WEFT_TRY(weft_http_text(response, &text));
    int connection = atoi(text);
    ck_assert_ptr_nonnull(strstr(text, *out_version == 20 ? " HTTP/2.0" : " HTTP/1.1"));
    weft_free(text);
    return connection;
}

static void expect_version(weft_http_session *session, const char *base, int expected)
{
    int version = 0;
    ck_assert_int_gt(ask(session, base, &version), 0);
    ck_assert_int_eq(version, expected);
}

WT_TEST(it_is_spoken_over_tls_and_only_if_asked_for)
{
    struct nginx server;
    weft_http_session *session, *plain;
    start(&server, &session);
    expect_version(session, server.tls_url, 20);
    expect_version(session, server.url, 11);
    ck_assert_int_eq(
        weft_http_session_open(WEFT_OPTS(http_session, .ca_file = server.ca_file), &plain), 0);
    expect_version(plain, server.tls_url, 11);
    ck_assert_int_eq(weft_http_session_close(plain), 0);
    stop(&server, session);
}

static _Atomic int first_connection;

WEFT_TASK(ask_often, (weft_http_session *, session), (const char *, base), (int, n))
{
    for (int i = 0; i < n; i++) {
        int version = 0, none = 0, connection = ask(session, base, &version);
        WEFT_TRY(connection);
        if (version != 20 ||
            (!atomic_compare_exchange_strong(&first_connection, &none, connection) &&
             none != connection))
            return -EIO;
    }
    return 0;
}

/* Also those that come while the connection is still being made. */
WT_TEST(many_at_once_share_one_connection)
{
    struct nginx server;
    weft_http_session *session;
    start(&server, &session);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn_with(&scope, WEFT_OPTS(spawn, .copies = 12), ask_often, session,
                                         server.tls_url, (int)wt_scaled(5)),
                         0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    stop(&server, session);
}

/* ---- bodies that nobody reads --------------------------------------------------------------------------- */

enum { HUGE = 128 << 20, MOST_AHEAD = 80 << 20 };

static _Atomic int64_t n_live, n_most;

static void *count(void *p)
{
    int64_t live = atomic_fetch_add(&n_live, (int64_t)malloc_usable_size(p)), most = n_most;
    while (live > most && !atomic_compare_exchange_weak(&n_most, &most, live))
        continue;
    return p;
}

static void curl_free_counted(void *p)
{
    atomic_fetch_sub(&n_live, (int64_t)malloc_usable_size(p));
    free(p);
}

static void *curl_realloc_counted(void *old, size_t size)
{
    atomic_fetch_sub(&n_live, (int64_t)malloc_usable_size(old));
    return count(realloc(old, size));
}

static void *curl_malloc_counted(size_t size) { return count(malloc(size)); }
static void *curl_calloc_counted(size_t n, size_t size) { return count(calloc(n, size)); }
static char *curl_strdup_counted(const char *text) { return count(strdup(text)); }

static void get_file(const struct nginx *server, weft_http_session *session, const char *name,
                     weft_http_response **out_response)
{
    char url[96];
    (void)snprintf(url, sizeof(url), "%s/%s", server->tls_url, name);
    ck_assert_int_eq(weft_http_get(session, url, NULL, out_response), 0);
    ck_assert_int_eq(weft_http_status(*out_response), 200);
}

static int number_at(weft_http_session *session, const struct nginx *server, const char *name)
{
    weft_http_response *response;
    char *text;
    get_file(server, session, name, &response);
    ck_assert_int_eq(weft_http_text(response, &text), 0);
    int number = atoi(text);
    weft_free(text);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    return number;
}

static void make_zeros(const struct nginx *server, off_t size)
{
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/root/zeros.bin", server->folder);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(ftruncate(fileno(file), size), 0);
    (void)fclose(file);
}

WT_TEST(a_body_that_nobody_reads_holds_up_no_other)
{
    struct nginx server;
    weft_http_session *session;
    weft_http_response *response;
    start(&server, &session);
    get_file(&server, session, "big.bin", &response);
    for (int i = 0; i < 20; i++)
        expect_version(session, server.tls_url, 20);
    ck_assert_int_eq(nginx_count_bytes(response), 1 << 20);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    stop(&server, session);
}

/* libcurl takes in what it has let the server send ahead: it allocates twice that at most. */
WT_TEST(of_a_body_that_nobody_reads_only_so_much_is_taken_in)
{
    struct nginx server;
    weft_http_session *session;
    weft_http_response *response;
    ck_assert_int_eq(curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc_counted,
                                          curl_free_counted, curl_realloc_counted,
                                          curl_strdup_counted, curl_calloc_counted),
                     CURLE_OK);
    start(&server, &session);
    make_zeros(&server, HUGE);
    get_file(&server, session, "zeros.bin", &response);
    for (int i = 0; i < 20; i++)
        expect_version(session, server.tls_url, 20);
    ck_assert_int_lt(n_most, MOST_AHEAD);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    stop(&server, session);
}

/* ---- one of many ---------------------------------------------------------------------------------------- */

WT_TEST(a_body_left_half_way_leaves_the_connection)
{
    struct nginx server;
    weft_http_session *session;
    weft_http_response *response, *other;
    int version;
    start(&server, &session);
    make_zeros(&server, HUGE);
    int connection = ask(session, server.tls_url, &version);
    get_file(&server, session, "big.bin", &other);
    get_file(&server, session, "zeros.bin", &response);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    ck_assert_int_eq(ask(session, server.tls_url, &version), connection);
    ck_assert_int_eq(nginx_count_bytes(other), 1 << 20);
    ck_assert_int_eq(weft_http_response_close(other), 0);
    stop(&server, session);
}

/* libcurl 7.88 forgets what it has taken in of a response that is left while others are open, and would
 * give it to whoever has the handle next. */
WT_TEST(nothing_of_a_body_that_was_left_comes_to_another)
{
    struct nginx server;
    weft_http_session *session;
    weft_http_response *left[2], *next;
    start(&server, &session);
    make_zeros(&server, 1 << 20);
    get_file(&server, session, "zeros.bin", &left[0]);
    get_file(&server, session, "zeros.bin", &left[1]);
    for (int i = 0; i < 5; i++)
        expect_version(session, server.tls_url, 20);
    ck_assert_int_eq(weft_http_response_close(left[0]), 0);
    get_file(&server, session, "big.bin", &next);
    expect_version(session, server.tls_url, 20);
    ck_assert_int_eq(nginx_count_bytes(next), 1 << 20);
    ck_assert_int_eq(weft_http_response_close(next), 0);
    ck_assert_int_eq(weft_http_response_close(left[1]), 0);
    stop(&server, session);
}

/* What was let through for each of them would use up the connection's window, were it not given back. */
WT_TEST(bodies_left_again_and_again_leave_the_connection_its_window)
{
    struct nginx server;
    weft_http_session *session;
    int version;
    start(&server, &session);
    make_zeros(&server, HUGE);
    int connection = ask(session, server.tls_url, &version);
    for (unsigned i = 0; i < wt_scaled(10); i++) {
        weft_http_response *response;
        get_file(&server, session, "zeros.bin", &response);
        ck_assert_int_eq(ask(session, server.tls_url, &version), connection);
        ck_assert_int_eq(weft_http_response_close(response), 0);
    }
    weft_http_response *whole;
    get_file(&server, session, "big.bin", &whole);
    ck_assert_int_eq(nginx_count_bytes(whole), 1 << 20);
    ck_assert_int_eq(weft_http_response_close(whole), 0);
    stop(&server, session);
}

WEFT_TASK(get_for_ever, (weft_http_session *, session), (const char *, base))
{
    for (;;) {
        int version;
        WEFT_TRY(ask(session, base, &version));
    }
}

WT_TEST(a_cancel_of_some_leaves_the_others_and_the_connection)
{
    struct nginx server;
    weft_http_session *session;
    int version;
    start(&server, &session);
    int connection = ask(session, server.tls_url, &version);
    for (unsigned i = 0; i < wt_scaled(20); i++) {
        WEFT_SCOPE(scope, .move_on = true);
        ck_assert_int_eq(weft_spawn_with(&scope, WEFT_OPTS(spawn, .copies = 5), get_for_ever,
                                         session, server.tls_url),
                         0);
        ck_assert_int_eq(ask(session, server.tls_url, &version), connection);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_int_eq(ask(session, server.tls_url, &version), connection);
    stop(&server, session);
}

#define WORKER "location /worker { return 200 $pid; }"
#define SLOW   "location /slow/ { limit_rate 32k; rewrite ^/slow(/.*) $1 break; }"

/* ---- a connection that ends ------------------------------------------------------------------------------ */

/* All that share it, in the middle of their bodies, and none of them is complete. */
WT_TEST(a_connection_that_is_cut_is_an_error_of_all_that_share_it)
{
    struct nginx server;
    weft_http_session *session;
    weft_http_response *cut[3];
    start_with(&server, SLOW WORKER, &session);
    int version, worker = number_at(session, &server, "worker");
    for (int i = 0; i < 3; i++)
        get_file(&server, session, "slow/big.bin", &cut[i]);
    ck_assert_int_eq(kill(worker, SIGKILL), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_lt(nginx_count_bytes(cut[i]), 0);
        ck_assert_int_eq(weft_http_response_close(cut[i]), 0);
    }
    ck_assert_int_gt(ask(session, server.tls_url, &version), 0);
    ck_assert_int_eq(version, 20);
    stop(&server, session);
}

/* One word, and then nothing for longer than anybody waits. */
WEFT_GENERATOR(word_and_silence, weft_rx(weft_http_chunk), (_Atomic int *, n_silent))
{
    WEFT_TRY(weft_yield((weft_http_chunk){ "word", 4 }));
    atomic_fetch_add(n_silent, 1);
    return weft_sleep(WEFT_SEC(36000));
}

WEFT_TASK(put_in_vain, (weft_http_session *, session), (const char *, base),
          (_Atomic int *, n_silent))
{
    char url[96];
    WEFT_RX(weft_http_chunk, body);
    WEFT_AUTO(weft_http_response, response);
    (void)snprintf(url, sizeof(url), "%s/wait", base);
    WEFT_TRY(word_and_silence(n_silent, &body));
    ck_assert_int_lt(weft_http_request(session, "PUT", url,
                                       WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(body)),
                                       &response),
                     0);
    return 0;
}

static bool all_are_silent(void *n_silent) { return atomic_load((_Atomic int *)n_silent) == 3; }

/* Each of them, though nobody sends or reads. */
WT_TEST(a_connection_that_is_cut_ends_all_that_wait_for_their_bodies)
{
    struct nginx server;
    weft_http_session *session;
    version_num = 0x080100;
    start_with(&server, "location /wait { proxy_pass http://127.0.0.1:1; }" WORKER, &session);
    for (int i = 0; i < 5; i++) {
        _Atomic int n_silent = 0;
        int worker = number_at(session, &server, "worker");
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn_with(&scope, WEFT_OPTS(spawn, .copies = 3), put_in_vain,
                                         session, server.tls_url, &n_silent),
                         0);
        wt_until(all_are_silent, &n_silent);
        ck_assert_int_eq(number_at(session, &server, "worker"), worker); /* and paused, by then */
        ck_assert_int_eq(kill(worker, i % 2 == 0 ? SIGKILL : SIGTERM), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    stop(&server, session);
}

static _Atomic bool is_enough;

WEFT_TASK(ask_until_enough, (weft_http_session *, session), (const char *, base))
{
    int version;
    while (!atomic_load(&is_enough))
        WEFT_TRY(ask(session, base, &version));
    return 0;
}

/* nginx says that it takes no more requests on a connection. */
WT_TEST(a_server_that_is_told_to_start_over_under_load_loses_no_request)
{
    struct nginx server;
    weft_http_session *session;
    start_with(&server, WORKER, &session);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn_with(&scope, WEFT_OPTS(spawn, .copies = 10), ask_until_enough,
                                         session, server.tls_url),
                         0);
        for (unsigned i = 0; i < wt_scaled(3); i++) {
            int worker = number_at(session, &server, "worker");
            ck_assert_int_eq(kill(server.pid, SIGHUP), 0);
            while (number_at(session, &server, "worker") == worker)
                continue;
        }
        atomic_store(&is_enough, true);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    stop(&server, session);
}

/* ---- bodies there --------------------------------------------------------------------------------------- */

WEFT_GENERATOR(blocks, weft_rx(weft_http_chunk), (int, n))
{
    static const char block[10000];
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_yield((weft_http_chunk){ block, sizeof(block) }));
    return 0;
}

/* Its length is not known, and HTTP/2 has no chunks. nginx counts it. */
static void put_blocks(const struct nginx *server, weft_http_session *session, int n, int version,
                       int status, const char *expected)
{
    weft_http_response *response;
    char url[96], *text;
    WEFT_RX(weft_http_chunk, rx);
    ck_assert_int_eq(blocks(n, &rx), 0);
    (void)snprintf(url, sizeof(url), "%s/put", server->tls_url);
    ck_assert_int_eq(
        weft_http_put(session, url, WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(rx)), &response),
        0);
    ck_assert_int_eq(weft_http_version_of(response), version);
    ck_assert_int_eq(weft_http_status(response), status);
    ck_assert_int_eq(weft_http_text(response, &text), 0);
    ck_assert_ptr_nonnull(strstr(text, expected));
    weft_free(text);
    ck_assert_int_eq(weft_http_response_close(response), 0);
}

WT_TEST(a_body_whose_length_is_not_known_and_one_that_is_too_long)
{
    struct nginx server;
    weft_http_session *session;
    version_num = 0x080100;
    start(&server, &session);
    put_blocks(&server, session, 50, 20, 200, "PUT 500000");
    put_blocks(&server, session, 1000, 20, 413, "413 Request Entity Too Large");
    expect_version(session, server.tls_url, 20);
    stop(&server, session);
}

static void put_text(const struct nginx *server, weft_http_session *session, int version)
{
    weft_http_response *response = NULL;
    char url[96];
    (void)snprintf(url, sizeof(url), "%s/put", server->tls_url);
    ck_assert_int_eq(
        weft_http_put(session, url, WEFT_OPTS(http_request, .body = "text"), &response), 0);
    ck_assert_int_eq(weft_http_version_of(response), version);
    ck_assert_int_eq(weft_http_response_close(response), 0);
}

/* Its end would take bytes from what others read slowly. The handles are the same for all of them. */
WT_TEST(with_an_older_libcurl_a_body_of_unknown_length_goes_by_http1)
{
    struct nginx server;
    weft_http_session *session;
    version_num = 0x080001;
    start(&server, &session);
    for (int i = 0; i < 3; i++) {
        expect_version(session, server.tls_url, 20);
        put_blocks(&server, session, 50, 11, 200, "PUT 500000");
        put_text(&server, session, 20);
        put_blocks(&server, session, 1000, 11, 413, "413 Request Entity Too Large");
    }
    stop(&server, session);
}

/* nginx packs them while it sends them: each comes to the end of its packing, by either version. */
WT_TEST(packed_pages_are_whole)
{
    static const char *const paths[] = { "small.txt", "lines.txt" };
    struct nginx server;
    weft_http_session *session = NULL;
    start(&server, &session);
    for (int i = 0; i < 4; i++) {
        WEFT_AUTO(weft_http_response, plain);
        WEFT_AUTO(weft_http_response, packed);
        const char *base = i < 2 ? server.tls_url : server.url;
        char url[128], *text = NULL, *unpacked = NULL;
        size_t size = 0, unpacked_size = 0;
        (void)snprintf(url, sizeof(url), "%s/%s", base, paths[i % 2]);
        ck_assert_int_eq(weft_http_get(session, url, NULL, &plain), 0);
        ck_assert_int_eq(weft_http_read_all(plain, &text, &size), 0);
        (void)snprintf(url, sizeof(url), "%s/zip/%s", base, paths[i % 2]);
        ck_assert_int_eq(weft_http_get(session, url, NULL, &packed), 0);
        ck_assert_int_eq(weft_http_read_all(packed, &unpacked, &unpacked_size), 0);
        ck_assert_str_eq(weft_http_header(packed, "Content-Encoding"), "gzip");
        ck_assert_uint_eq(size, unpacked_size);
        ck_assert_int_eq(memcmp(text, unpacked, size), 0);
        weft_free(text);
        weft_free(unpacked);
    }
    stop(&server, session);
}

WT_MAIN("http_http2")
