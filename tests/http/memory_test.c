/* SPDX-License-Identifier: MIT
 * Requests that run out of memory, at each place where weft or libcurl asks for some: every one says
 * so, and none goes anywhere but to where it was told. And a session that is closed when no thread can
 * be had. */
#include "ask.h"
#include "evil.h"
#include "nginx.h"
#include "peer.h"
#include "wt_loopback.h"
#include "wt_test.h"

#include "plat/sys_failing.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_cookies.h>

/* ---- memory that ends -------------------------------------------------------------------------------- */

static _Atomic unsigned n_asked, refused_at;

static bool is_refused(void)
{
    return atomic_fetch_add(&n_asked, 1u) + 1 == atomic_load(&refused_at);
}

static bool refuses_weft(enum wf_sys_kind kind, const char *name)
{
    (void)name;
    return kind == WF_SYS_MEMORY && is_refused();
}

static void *curl_malloc(size_t size) { return is_refused() ? NULL : malloc(size); }
static void *curl_realloc(void *old, size_t size)
{
    return is_refused() ? NULL : realloc(old, size);
}
static void *curl_calloc(size_t n, size_t size) { return is_refused() ? NULL : calloc(n, size); }
static char *curl_strdup(const char *text) { return is_refused() ? NULL : strdup(text); }

/* The application has initialised libcurl before weft does, with memory of its own. */
static void begin(void)
{
    ck_assert_int_eq(curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, free, curl_realloc,
                                          curl_strdup, curl_calloc),
                     CURLE_OK);
    wf_sys_fail_when(refuses_weft);
}

/* ---- a request for each place ------------------------------------------------------------------------- */

struct asked {
    const char *url;
    const weft_http_session_opts *opts;
    const weft_http_request_opts *request;
};

static int fetch(const void *arg)
{
    const struct asked *asked = arg;
    WEFT_AUTO(weft_http_session, session);
    char *text;
    for (int i = 0; i < 2; i++) { /* a second one has the easy handle of the first */
        WEFT_AUTO(weft_http_response, response);
        WEFT_TRY(i == 0 ? weft_http_session_open(asked->opts, &session) : 0);
        WEFT_TRY(weft_http_request(session, "PUT", asked->url, asked->request, &response));
        if (weft_http_status(response) == 401)
            return -EACCES;
        WEFT_TRY(weft_http_text(response, &text));
        bool is_right = strcmp(text, "hello") == 0;
        weft_free(text);
        if (!is_right)
            return -EIO;
    }
    return 0;
}

/* libcurl takes memory that it lacks for an address as an unknown name, and for a proof as a challenge that it
 * has no answer to. What it lacks for HTTP/2 (7.88) is told as of the server, or of the connection. What weft
 * lacks for a thread is told as that. */
static bool may_be_told(int rc, bool is_http2)
{
    return rc == WEFT_ENOMEM || rc == WEFT_ENAME || rc == -EACCES || rc == WEFT_EAGAIN ||
           (is_http2 && (rc == WEFT_EHTTPPROTO || rc == -ECONNRESET));
}

static void try_all_places(int (*ask)(const void *arg), const void *arg, int expected,
                           bool is_http2)
{
    unsigned n_failed = 0;
    ck_assert_int_eq(ask(arg), expected); /* and the runtime is up */
    for (unsigned n = 1;; n++) {
        atomic_store(&n_asked, 0u);
        atomic_store(&refused_at, n);
        int rc = ask(arg);
        unsigned n_seen = atomic_load(&n_asked);
        atomic_store(&refused_at, 0u);
        ck_assert_msg(rc == expected || may_be_told(rc, is_http2), "without the %u-th: %d", n, rc);
        n_failed += rc == WEFT_ENOMEM;
        if (n_seen < n)
            break;
        ck_assert_uint_lt(n, 2000);
    }
    ck_assert_uint_gt(n_failed, 10);
}

static void try_without_memory(int (*ask)(const void *arg), const void *arg, int expected)
{
    try_all_places(ask, arg, expected, false);
}

/* ---- a handle that was told a part --------------------------------------------------------------------- */

static void expect_same_head(const char *one, const char *other)
{
    size_t size = (size_t)(strstr(one, "\r\n\r\n") - one);
    ck_assert_msg(strncmp(one, other, size + 4) == 0, "%s", other);
}

/* The second of three requests lacks the n-th; the third is as the first. Whether there was an n-th. */
static bool ask_between(unsigned n)
{
    static const weft_http_field own[] = { { "X-Own", "secret" }, { 0 } };
    const struct evil_reply replies[] = { hello, hello, hello };
    const char *last = NULL;
    struct evil server;
    WEFT_AUTO(weft_http_session, session);
    evil_start(&server, replies, 3);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    ck_assert_int_eq(send_once(session, "GET", server.url, NULL), 200);
    atomic_store(&n_asked, 0u);
    atomic_store(&refused_at, n);
    int rc = send_once(session, "DELETE", server.url, WEFT_OPTS(http_request, .headers = own));
    bool was_one = atomic_load(&n_asked) >= n;
    atomic_store(&refused_at, 0u);
    ck_assert_msg(rc == 200 || may_be_told(rc, false), "without the %u-th: %d", n, rc);
    ck_assert_int_eq(send_once(session, "GET", server.url, NULL), 200);
    ck_assert_int_eq(weft_http_session_close(WEFT_STEAL(session)), 0);
    evil_stop(&server);
    for (const char *at = server.requests; (at = strstr(at, "GET / ")) != NULL; at++)
        last = at;
    ck_assert_ptr_ne(last, server.requests);
    expect_same_head(server.requests, last);
    return was_one;
}

WT_TEST(what_a_request_without_memory_was_told_is_not_the_next_ones)
{
    unsigned n = 1;
    begin();
    while (ask_between(n))
        n++;
    ck_assert_uint_gt(n, 10);
}

/* Listens, answers nobody, and knows whether somebody came. */
static int listen_for_strays(char url[64])
{
    int port, fd = wt_listen(SOCK_CLOEXEC | SOCK_NONBLOCK, 8, &port);
    (void)snprintf(url, 64, "http://127.0.0.1:%d/", port);
    return fd;
}

static void expect_no_stray(int fd)
{
    ck_assert_int_eq(accept(fd, NULL, NULL), -1);
    close(fd);
}

/* Where it is told to go nobody listens. If that were lost for want of memory, it would come here. */
static void goes_nowhere_else(const weft_http_session_opts *opts, int expected)
{
    char url[64];
    int fd = listen_for_strays(url);
    begin();
    try_without_memory(fetch, &(struct asked){ url, opts, NULL }, expected);
    expect_no_stray(fd);
}

WT_TEST(a_request_for_a_unix_socket_goes_nowhere_else)
{
    goes_nowhere_else(WEFT_OPTS(http_session, .unix_socket = "/nowhere/at/all"), -ENOENT);
}

WT_TEST(a_request_for_a_proxy_goes_nowhere_else)
{
    goes_nowhere_else(WEFT_OPTS(http_session, .proxy = "http://127.0.0.1:1"), -ECONNREFUSED);
}

static int answer_at_once(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    const weft_http_field headers[] = { { "X-A", arg }, { "X-B", "2" }, { 0 } };
    return weft_http_answer(
        call, WEFT_OPTS(http_answer, .headers = headers, .body = "hello", .body_size = 5),
        out_response);
}

WT_TEST(an_answer_that_is_made_without_memory)
{
    const weft_http_middleware list[] = { { answer_at_once, "1" }, { 0 } };
    goes_nowhere_else(WEFT_OPTS(http_session, .middleware = list), 0);
}

/* Of each request that has told of its beginning one end is told. */
static void balance(const weft_http_trace *trace, void *arg)
{
    int *n_open = arg;
    bool is_end = trace->phase == WEFT_HTTP_ENDED || trace->phase == WEFT_HTTP_FAILED;
    *n_open += (trace->phase == WEFT_HTTP_QUEUED) - is_end;
}

WT_TEST(a_traced_request_without_memory)
{
    int n_open = 0;
    goes_nowhere_else(WEFT_OPTS(http_session, .proxy = "http://127.0.0.1:1", .on_trace = balance,
                                .trace_arg = &n_open),
                      -ECONNREFUSED);
    ck_assert_int_eq(n_open, 0);
}

/* It has no query: libcurl 7.88 leaves out one for which it has no memory, and says nothing. */
WT_TEST(a_request_is_sent_as_it_is_or_not_at_all)
{
    static struct evil_reply replies[2000];
    struct evil server;
    const weft_http_field fields[] = { { "X-A", "1" }, { "X-B", "2" }, { 0 } };
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
        replies[i] = (struct evil_reply){
            .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            .then = EVIL_KEEP,
            .request_body = 4
        };
    evil_start(&server, replies, sizeof(replies) / sizeof(replies[0]));
    begin();
    const struct asked asked = { server.url, NULL,
                                 WEFT_OPTS(http_request, .headers = fields, .bearer = "t",
                                           .body = "data", .body_size = 4) };
    try_without_memory(fetch, &asked, 0);
    evil_stop(&server);
    size_t n = 0;
    for (const char *at = server.requests; (at = strstr(at, " HTTP/1.1\r\n")) != NULL; at++, n++) {
        const char *end = strstr(at, "\r\n\r\ndata");
        if (end == NULL)
            break; /* what is kept of them is full */
        ck_assert_int_eq(memcmp(at - 5, "PUT /", 5), 0);
        const char *wanted[] = { "\r\nX-A: 1\r\n", "\r\nX-B: 2\r\n",
                                 "Authorization: Bearer t\r\n" };
        for (int i = 0; i < 3; i++)
            ck_assert(strstr(at, wanted[i]) != NULL && strstr(at, wanted[i]) < end);
    }
    ck_assert_uint_gt(n, 10);
}

/* libcurl has its memory from weft's test, OpenSSL and nghttp2 have theirs from the system. */
WT_TEST(a_request_over_http2_without_memory)
{
    struct nginx server;
    char url[96];
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2))
        wt_skip("no HTTP/2 in this libcurl");
    nginx_start_with(&server, "location /hello { return 200 hello; }");
    (void)snprintf(url, sizeof(url), "%s/hello", server.tls_url);
    begin();
    const struct asked asked = {
        url, WEFT_OPTS(http_session, .ca_file = server.ca_file, .http2 = true),
        WEFT_OPTS(http_request, .bearer = "t", .body = "data", .body_size = 4)
    };
    try_all_places(fetch, &asked, 0, true);
    nginx_stop(&server);
}

/* Each proof is good for once: the next request's is refused, and asked for anew. */
static void challenge(struct peer *peer, int fd)
{
    static const char refused[] = "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"a\", "
                                  "qop=\"auth\", nonce=\"b\"\r\nContent-Length: 2\r\n\r\nno";
    static const char taken[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    while (peer_read_request(peer, fd)) {
        bool is_proof = strstr(peer->request, "nc=00000001") != NULL;
        (void)wt_send_all(fd, is_proof ? taken : refused,
                          is_proof ? sizeof(taken) - 1 : sizeof(refused) - 1);
        peer->size = 0;
        peer->request[0] = '\0';
    }
}

WT_TEST(a_proof_without_memory)
{
    struct peer peer;
    char url[96];
    peer_start(&peer, challenge, NULL);
    (void)snprintf(url, sizeof(url), "http%s", strchr(peer.url, ':'));
    begin();
    const struct asked asked = {
        url, NULL, WEFT_OPTS(http_request, .user = "c", .password = "d", .digest = true)
    };
    try_without_memory(fetch, &asked, 0);
    peer_stop(&peer);
}

/* ---- cookies ------------------------------------------------------------------------------------------ */

static int has_saved(const char *path, const char *part)
{
    char *text;
    size_t size;
    WEFT_TRY(weft_whole_read(path, &text, &size));
    bool has_it = strstr(text, part) != NULL;
    weft_free(text);
    return has_it;
}

/* A jar that could not be listed is not an empty one. */
WT_TEST(cookies_are_saved_whole_or_not_at_all)
{
    static const char cookies[] = "# Netscape HTTP Cookie File\n"
                                  "example.org\tFALSE\t/\tFALSE\t0\tname\tvalue\n";
    WEFT_AUTO(weft_temp_dir, folder);
    WEFT_AUTO(weft_http_session, session);
    char path[256];
    unsigned n_failed = 0;
    begin();
    ck_assert_int_eq(weft_temp_dir_open(NULL, &folder), 0);
    (void)snprintf(path, sizeof(path), "%s/cookies", weft_temp_dir_path(folder));
    ck_assert_int_eq(weft_whole_write(path, cookies, sizeof(cookies) - 1), 0);
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .cookies = true), &session), 0);
    ck_assert_int_eq(weft_http_cookies_load(session, path), 0);
    for (unsigned n = 1; n == 1 || atomic_load(&n_asked) >= n - 1; n++) {
        atomic_store(&n_asked, 0u);
        atomic_store(&refused_at, n);
        int rc = weft_http_cookies_save(session, path);
        atomic_store(&refused_at, 0u);
        ck_assert_msg(rc == 0 || rc == WEFT_ENOMEM, "without the %u-th: %d", n, rc);
        ck_assert_msg(has_saved(path, "name\tvalue") == 1, "without the %u-th", n);
        n_failed += rc == WEFT_ENOMEM;
    }
    ck_assert_uint_gt(n_failed, 1);
    ck_assert_int_eq(weft_http_cookies_clear(session), 0);
    ck_assert_int_eq(weft_http_cookies_save(session, path), 0);
    ck_assert_int_eq(has_saved(path, "\t"), 0);
}

/* ---- forms ------------------------------------------------------------------------------------------- */

/* Nobody listens. Parts are put together before that is known. */
#define NOWHERE "http://127.0.0.1:1/"

WEFT_GENERATOR(one_word, weft_rx(weft_http_chunk), (const char *, word))
{
    return weft_yield((weft_http_chunk){ word, strlen(word) });
}

static int send_form(const void *path)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    WEFT_RX(weft_http_chunk, rx);
    WEFT_TRY(one_word("word", &rx));
    const weft_http_part parts[] = { { .name = "a", .value = "b" },
                                     { .name = "f", .path = path },
                                     { .name = "r", .rx = WEFT_MOVE(rx) },
                                     { 0 } };
    WEFT_TRY(weft_http_session_open(NULL, &session));
    return weft_http_post(session, NOWHERE, WEFT_OPTS(http_request, .form = parts), &response);
}

static int send_fields(const void *fields)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    return weft_http_post(session, NOWHERE, WEFT_OPTS(http_request, .urlencoded = fields),
                          &response);
}

WT_TEST(a_form_without_memory)
{
    const weft_http_field fields[] = { { "a", "b" }, { 0 } };
    begin();
    try_without_memory(send_form, "/dev/null", -ECONNREFUSED);
    try_without_memory(send_fields, fields, -ECONNREFUSED);
}

/* ---- threads that are not to be had --------------------------------------------------------------------- */

static _Atomic bool has_no_threads;

static bool refuses_threads(enum wf_sys_kind kind, const char *name)
{
    (void)name;
    return kind == WF_SYS_THREAD && atomic_load(&has_no_threads);
}

/* In a task, whose stack is none for libcurl: it asks for a thread, and is refused one. */
static int close_without_threads(void *session)
{
    atomic_store(&has_no_threads, true);
    int rc = weft_http_session_close(session);
    atomic_store(&has_no_threads, false);
    return rc;
}

WT_TEST(a_session_is_closed_for_which_there_is_no_thread)
{
    struct evil server;
    const struct evil_reply replies[] = {
        { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", .then = EVIL_KEEP },
        { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", .then = EVIL_HOLD },
    };
    char *text;
    wf_sys_fail_when(refuses_threads);
    wt_capture_reports();
    evil_start(&server, replies, 2);
    for (int n_open = 0; n_open < 2; n_open++) { /* nothing is under way, then something is */
        weft_http_session *session;
        weft_http_response *response;
        ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
        ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
        if (n_open == 0) {
            ck_assert_int_eq(weft_http_text(response, &text), 0);
            weft_free(text);
            ck_assert_int_eq(weft_http_response_close(response), 0);
        }
        ck_assert_int_eq(weft_run(close_without_threads, session), n_open);
        if (n_open > 0)
            ck_assert_int_eq(weft_http_response_close(response), 0);
    }
    evil_stop(&server);
}

WT_MAIN("http_memory")
