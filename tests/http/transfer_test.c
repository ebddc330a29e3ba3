/* SPDX-License-Identifier: MIT
 * Bodies that are sent, answers that are left, places that are waited for, sessions that are closed. */
#include "ask.h"
#include "evil.h"
#include "wt_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>

#define STUCK "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall"

/* ---- bodies ------------------------------------------------------------------------------------------ */

static void expect_request(const struct evil *server, const char *first, const char *body)
{
    const char *end = strstr(server->requests, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    ck_assert_ptr_eq(strstr(server->requests, first), server->requests);
    ck_assert_str_eq(end + 4, body);
}

WT_TEST(a_body_of_memory)
{
    struct evil server;
    struct evil_reply reply = hello;
    reply.request_body = 4;
    evil_start(&server, &reply, 1);
    weft_http_session *session = open_session(NULL);
    ck_assert_int_eq(send_once(session, "POST", server.url,
                               WEFT_OPTS(http_request, .body = "data", .body_size = 4,
                                         .content_type = "text/plain")),
                     200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_ptr_nonnull(strstr(server.requests, "Content-Length: 4\r\n"));
    ck_assert_ptr_nonnull(strstr(server.requests, "Content-Type: text/plain\r\n"));
    ck_assert_ptr_null(strstr(server.requests, "Expect:"));
    expect_request(&server, "POST / HTTP/1.1\r\n", "data");
}

WT_TEST(an_empty_body_says_so)
{
    struct evil server;
    evil_start(&server, &hello, 1);
    weft_http_session *session = open_session(NULL);
    ck_assert_int_eq(send_once(session, "POST", server.url, NULL), 200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_ptr_nonnull(strstr(server.requests, "Content-Length: 0\r\n"));
}

WEFT_GENERATOR(words, weft_rx(weft_http_chunk), (int, n), (int, rc))
{
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_yield((weft_http_chunk){ "word", 4 }));
    return rc;
}

WT_TEST(a_body_of_a_generator_goes_in_chunks)
{
    struct evil server;
    struct evil_reply reply = hello;
    static const char chunked[] = "4\r\nword\r\n4\r\nword\r\n0\r\n\r\n";
    reply.request_body = sizeof(chunked) - 1;
    evil_start(&server, &reply, 1);
    weft_http_session *session = open_session(NULL);
    WEFT_RX(weft_http_chunk, body);
    ck_assert_int_eq(words(2, 0, &body), 0);
    ck_assert_int_eq(
        send_once(session, "PUT", server.url, WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(body))),
        200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_ptr_nonnull(strstr(server.requests, "Transfer-Encoding: chunked\r\n"));
    expect_request(&server, "PUT / HTTP/1.1\r\n", chunked);
}

WT_TEST(a_body_that_fails_is_not_sent_as_a_whole)
{
    struct evil server;
    struct evil_reply reply = hello;
    reply.request_body = 9 + 5;
    evil_start(&server, &reply, 1);
    weft_http_session *session = open_session(NULL);
    WEFT_RX(weft_http_chunk, body);
    ck_assert_int_eq(words(1, -ENODATA, &body), 0);
    ck_assert_int_eq(
        send_once(session, "PUT", server.url, WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(body))),
        -ENODATA);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_ptr_null(strstr(server.requests, "0\r\n\r\n"));
}

WT_TEST(a_server_that_answers_early_stops_the_body)
{
    struct evil server;
    struct evil_reply reply = { .bytes = "HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno",
                                .then = EVIL_HOLD };
    evil_start(&server, &reply, 1);
    weft_http_session *session = open_session(NULL);
    WEFT_RX(weft_http_chunk, body);
    ck_assert_int_eq(words(1 << 30, 0, &body), 0);
    ck_assert_int_eq(
        send_once(session, "PUT", server.url, WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(body))),
        413);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

WT_TEST(a_body_of_a_file)
{
    struct evil server;
    struct evil_reply reply = hello;
    char path[] = "/tmp/weft-body-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_eq(write(fd, "from a file", 11), 11);
    close(fd);
    reply.request_body = 11;
    evil_start(&server, &reply, 1);
    weft_http_session *session = open_session(NULL);
    ck_assert_int_eq(
        send_once(session, "POST", server.url, WEFT_OPTS(http_request, .body_path = path)), 200);
    ck_assert_int_eq(send_once(session, "POST", server.url,
                               WEFT_OPTS(http_request, .body_path = "/tmp/weft-no-such-file")),
                     -ENOENT);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    unlink(path);
    ck_assert_ptr_nonnull(strstr(server.requests, "Content-Length: 11\r\n"));
    expect_request(&server, "POST / HTTP/1.1\r\n", "from a file");
}

/* An answer that is no error stops it as well. */
WT_TEST(an_early_answer_is_complete_without_the_rest_of_the_request)
{
    struct evil server;
    struct evil_reply reply = { .bytes = OK_HELLO, .then = EVIL_HOLD };
    evil_start(&server, &reply, 1);
    weft_http_session *session = open_session(
        WEFT_OPTS(http_session, .timeouts.idle_ns = WEFT_SEC(5)));
    WEFT_RX(weft_http_chunk, body);
    ck_assert_int_eq(words(1 << 30, 0, &body), 0);
    ck_assert_int_eq(
        send_once(session, "PUT", server.url, WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(body))),
        200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

/* The system says of each of these that it has a page, and gives less. */
WT_TEST(a_file_that_is_shorter_than_it_was_is_not_sent_as_a_whole)
{
    static const char path[] = "/sys/devices/system/cpu/online";
    struct evil server;
    struct evil_reply reply = hello;
    if (access(path, R_OK) != 0)
        wt_skip("no sysfs here");
    reply.request_body = 4096;
    evil_start(&server, &reply, 1);
    weft_http_session *session = open_session(
        WEFT_OPTS(http_session, .timeouts.first_byte_ns = WEFT_SEC(5)));
    ck_assert_int_eq(
        send_once(session, "POST", server.url, WEFT_OPTS(http_request, .body_path = path)),
        WEFT_EEOF);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

static unsigned count(const char *text, const char *part)
{
    unsigned n = 0;
    while ((text = strstr(text, part)) != NULL)
        n++, text++;
    return n;
}

WT_TEST(what_a_request_says_itself_goes_before_the_session)
{
    struct evil server;
    const weft_http_field ours[] = { { "authorization", "Basic c2Vzc2lvbg==" },
                                     { "content-type", "text/html" },
                                     { 0 } };
    evil_start(&server, &hello, 1);
    weft_http_session *session = open_session(WEFT_OPTS(http_session, .headers = ours));
    ck_assert_int_eq(send_once(session, "POST", server.url,
                               WEFT_OPTS(http_request, .bearer = "t", .content_type = "text/css")),
                     200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_uint_eq(count(server.requests, "uthorization:"), 1);
    ck_assert_uint_eq(count(server.requests, "ontent-"), 2);
    ck_assert_ptr_nonnull(strstr(server.requests, "Authorization: Bearer t\r\n"));
    ck_assert_ptr_nonnull(strstr(server.requests, "Content-Type: text/css\r\n"));
}

/* ---- a whole body -------------------------------------------------------------------------------------- */

static int whole(const char *method, const char *reply, size_t max_body)
{
    struct evil server;
    evil_start(&server, &(struct evil_reply){ .bytes = reply }, 1);
    weft_http_session *session = open_session(NULL);
    int rc = send_once(session, method, server.url, WEFT_OPTS(http_request, .max_body = max_body));
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    return rc;
}

WT_TEST(a_whole_body_may_be_as_long_as_memory)
{
    ck_assert_int_eq(whole("GET", OK_HELLO, SIZE_MAX), 200);
    ck_assert_int_eq(whole("GET", OK_HELLO, SIZE_MAX - 1), 200);
}

WT_TEST(a_length_without_a_body_asks_for_no_memory)
{
    ck_assert_int_eq(whole("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", 0),
                     200);
    ck_assert_int_eq(whole("GET", "HTTP/1.1 304 Same\r\nContent-Length: 99999999999\r\n\r\n", 0),
                     304);
}

/* ---- connections that have died ------------------------------------------------------------------------ */

static int on_dead_connection(const char *method, const weft_http_request_opts *opts,
                              size_t body_size)
{
    struct evil server;
    struct evil_reply replies[] = { hello, { .bytes = "", .request_body = body_size }, hello };
    replies[2].request_body = body_size;
    evil_start(&server, replies, 3);
    weft_http_session *session = open_session(NULL);
    ck_assert_int_eq(send_once(session, "GET", server.url, NULL), 200);
    int rc = send_once(session, method, server.url, opts);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    return rc;
}

WT_TEST(only_what_may_be_repeated_is_on_a_dead_connection)
{
    ck_assert_int_eq(on_dead_connection("GET", NULL, 0), 200);
    ck_assert_int_lt(
        on_dead_connection("POST", WEFT_OPTS(http_request, .body = "x", .body_size = 1), 1), 0);
}

/* ---- leaving ------------------------------------------------------------------------------------------- */

WT_TEST(an_answer_left_early_gives_its_connection_back_or_drops_it)
{
    struct evil server;
    struct evil_reply little = hello, endless = { .bytes = "HTTP/1.1 200 OK\r\n"
                                                           "Content-Length: 9000000\r\n\r\nall",
                                                  .then = EVIL_HOLD };
    struct evil_reply replies[] = { little, little, endless, little };
    weft_http_response *response;
    evil_start(&server, replies, 4);
    weft_http_session *session = open_session(NULL);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
        ck_assert_int_eq(weft_http_response_close(response), 0);
    }
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_uint_eq(server.n_connections, 2);
}

WT_TEST(a_reader_that_is_slow_holds_the_server_up)
{
    static char block[65536];
    struct evil server;
    struct evil_reply reply = { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n" };
    /* The head is the first 'repeat' of the same bytes, so all of it is one text. */
    size_t head = strlen(reply.bytes), size = head + 8388608;
    char *all = malloc(size);
    memcpy(all, reply.bytes, head);
    memset(all + head, 'x', size - head);
    reply.bytes = all;
    reply.size = size;
    evil_start(&server, &reply, 1);
    weft_http_session *session = open_session(NULL);
    weft_http_response *response;
    int64_t n, sum = 0;
    ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
    while ((n = weft_http_read(response, block, sizeof(block))) > 0)
        sum += n;
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(sum, 8388608);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    free(all);
}

WT_TEST(a_read_sees_a_cancel_though_there_is_something_to_read)
{
    struct evil server;
    weft_http_response *response = NULL;
    char two[2], *text = NULL;
    evil_start(&server, &hello, 1);
    weft_http_session *session = open_session(NULL);
    ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
    ck_assert_int_eq(weft_http_read(response, two, 2), 2);
    {
        WEFT_SCOPE(scope);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_http_read(response, two, 2), WEFT_ECANCELED);
        ck_assert_int_eq(weft_http_text(response, &text), WEFT_ECANCELED);
    }
    ck_assert_int_eq(weft_http_text(response, &text), 0);
    ck_assert_str_eq(text, "llo");
    weft_free(text);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

/* ---- places and sessions -------------------------------------------------------------------------------- */

WT_TEST(waiting_for_a_place_has_a_limit_of_its_own)
{
    struct evil server;
    struct evil_reply stuck[] = { { .bytes = STUCK, .then = EVIL_HOLD }, hello };
    weft_http_response *first, *second = NULL;
    evil_start(&server, stuck, 2);
    weft_http_session *session = open_session(
        WEFT_OPTS(http_session, .limit = 1, .timeouts.pool_ns = WEFT_MS(10)));
    ck_assert_int_eq(weft_http_get(session, server.url, NULL, &first), 0);
    ck_assert_int_eq(weft_http_get(session, server.url, NULL, &second), WEFT_EHTTPPOOL);
    ck_assert_int_eq(weft_http_response_close(first), 0);
    ck_assert_int_eq(weft_http_get(session, server.url, NULL, &second), 0);
    ck_assert_int_eq(weft_http_response_close(second), 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

WEFT_TASK(read_the_rest, (weft_http_response *, response), (int *, out_rc))
{
    char buf[16];
    int64_t n;
    while ((n = weft_http_read(response, buf, sizeof(buf))) > 0)
        continue;
    *out_rc = (int)n;
    return 0;
}

WT_TEST(a_session_that_is_closed_ends_what_is_under_way)
{
    struct evil server;
    struct evil_reply stuck = { .bytes = STUCK, .then = EVIL_HOLD };
    weft_http_response *response, *late = NULL;
    int rc = 1;
    evil_start(&server, &stuck, 1);
    weft_http_session *session = open_session(NULL);
    ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, read_the_rest, response, &rc), 0);
        ck_assert_int_eq(weft_pause(), 0);
        ck_assert_int_eq(weft_http_session_close(session), 1);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    ck_assert_int_eq(rc, WEFT_ECLOSED);
    ck_assert_int_eq(weft_http_status(response), 200);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    ck_assert_ptr_null(late);
    evil_stop(&server);
}

WT_TEST(a_close_may_wait_for_what_is_under_way)
{
    struct evil server;
    evil_start(&server, &hello, 1);
    weft_http_response *response;
    char *text;
    weft_http_session *session = open_session(
        WEFT_OPTS(http_session, .close_wait_ns = WEFT_SEC(10)));
    ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
    ck_assert_int_eq(weft_http_session_close(session), 1);
    ck_assert_int_eq(weft_http_text(response, &text), 0);
    ck_assert_str_eq(text, "hello");
    weft_free(text);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    evil_stop(&server);
}

static int leave_it_open(void *arg)
{
    weft_http_response *response;
    void **args = arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_http_get(args[0], args[1], NULL, &response));
    ck_assert_str_eq(weft_http_url(response), args[1]);
    args[2] = response;
    return weft_scope_wait(&scope);
}

WT_TEST(a_response_that_is_left_open_is_named)
{
    struct evil server;
    evil_start(&server, &hello, 1);
    wt_capture_reports();
    weft_http_session *session = open_session(NULL);
    void *args[3] = { session, server.url, NULL };
    ck_assert_int_eq(weft_run(leave_it_open, args), 0);
    ck_assert_ptr_nonnull(strstr(wt_reports(), "HTTP response"));
    ck_assert_int_eq(weft_http_response_close(args[2]), 0);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

/* By its close as well, and neither names the user's password. */
WT_TEST(a_session_that_is_closed_names_what_is_open)
{
    struct evil server;
    const struct evil_reply replies[] = { hello, hello };
    weft_http_response *response, *other;
    char url[128];
    evil_start(&server, replies, 2);
    (void)snprintf(url, sizeof(url), "http://me:pass%%40@127.0.0.1:%d/left?a@b", server.port);
    wt_capture_reports();
    weft_http_session *session = open_session(WEFT_OPTS(http_session, .base_url = url));
    ck_assert_int_eq(weft_http_get(session, url, NULL, &response), 0);
    ck_assert_int_eq(weft_http_get(session, "/closed", NULL, &other), 0);
    ck_assert_int_eq(weft_http_response_close(other), 0);
    weft_dump(2);
    ck_assert_int_eq(weft_http_session_close(session), 1);
    const char *leak = strstr(wt_reports(), "weft: leak: an HTTP session is closed, and this is "
                                            "open: HTTP response \"127.0.0.1:");
    ck_assert_ptr_nonnull(leak);
    ck_assert_ptr_nonnull(strstr(leak, "/left?a@b\""));
    ck_assert_ptr_null(strstr(leak + 1, "weft: leak:"));
    ck_assert_ptr_null(strstr(wt_reports(), "pass"));
    ck_assert_ptr_null(strstr(wt_reports(), "/closed"));
    ck_assert_int_eq(weft_http_response_close(response), 0);
    evil_stop(&server);
}

/* The first answer is left while little of it is missing, which is waited for until the time is up. */
WT_TEST(the_total_is_that_of_all_redirects)
{
    struct evil server;
    struct evil_reply replies[] = {
        { .bytes = "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 9\r\n\r\nall",
          .then = EVIL_HOLD },
        hello,
    };
    weft_http_response *response = NULL;
    evil_start(&server, replies, 2);
    weft_http_session *session = open_session(
        WEFT_OPTS(http_session, .timeouts.total_ns = WEFT_MS(100)));
    ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), WEFT_EHTTPTOTAL);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

/* What a forked child has of a session is its parent's. */
WT_TEST(a_forked_child_leaves_the_session_alone)
{
    struct evil server;
    struct evil_reply replies[] = { hello, hello };
    weft_http_response *response, *other = NULL;
    int status;
    evil_start(&server, replies, 2);
    weft_http_session *session = open_session(NULL);
    ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        char buf[8];
        bool is_told = weft_http_get(session, server.url, NULL, &other) == WEFT_EFORK &&
                       weft_http_read(response, buf, sizeof(buf)) == WEFT_EFORK &&
                       weft_http_response_close(response) == WEFT_EFORK &&
                       weft_http_session_close(session) == WEFT_EFORK;
        _exit(is_told ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    ck_assert_int_eq(send_once(session, "GET", server.url, NULL), 200);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_uint_eq(server.n_connections, 1);
}

WT_MAIN("http_transfer")
