/* SPDX-License-Identifier: MIT
 * Forms, byte by byte as a server gets them. */
#include "evil.h"
#include "wt_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>

#define FINE     "HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n"
#define BUSY     "HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n"
#define BOUNDARY 37

static const char fields_type[] = "Content-Type: application/x-www-form-urlencoded\r\n";

/* ---- one request, or the same one several times ------------------------------------------------------ */

struct got {
    struct evil server;
    int rc;
};

static int post(weft_http_session *session, const char *url, const weft_http_request_opts *opts)
{
    WEFT_AUTO(weft_http_response, response);
    WEFT_TRY(weft_http_post(session, url, opts, &response));
    return weft_http_status(response);
}

static void send_form(struct got *got, const struct evil_reply *replies, size_t n,
                      const weft_http_request_opts *opts)
{
    weft_http_session *session;
    evil_start(&got->server, replies, n);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    got->rc = post(session, got->server.url, opts);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&got->server);
}

/* In what is expected, @ is the boundary. */
static size_t size_of(const char *expected)
{
    size_t size = 0;
    for (; *expected != '\0'; expected++)
        size += *expected == '@' ? BOUNDARY : 1;
    return size;
}

static void expect_body(const char *request, const char *expected)
{
    static const char before[] = "Content-Type: multipart/form-data; boundary=";
    const char *boundary = strstr(request, before), *at = strstr(request, "\r\n\r\n");
    ck_assert_ptr_nonnull(boundary);
    ck_assert_ptr_nonnull(at);
    boundary += strlen(before);
    ck_assert_int_eq(strncmp(boundary + BOUNDARY, "\r\n", 2), 0);
    for (at += 4; *expected != '\0'; expected++) {
        size_t n = *expected == '@' ? BOUNDARY : 1;
        ck_assert_msg(strncmp(at, *expected == '@' ? boundary : expected, n) == 0,
                      "\"%s\" is not \"%s\"", at, expected);
        at += n;
    }
}

static void expect_form(const weft_http_part *parts, const char *expected)
{
    struct got got;
    char length[64];
    send_form(&got, &(struct evil_reply){ .bytes = FINE, .request_body = size_of(expected) }, 1,
              WEFT_OPTS(http_request, .form = parts));
    ck_assert_int_eq(got.rc, 200);
    expect_body(got.server.requests, expected);
    (void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", size_of(expected));
    ck_assert_ptr_nonnull(strstr(got.server.requests, length));
}

/* ---- urlencoded -------------------------------------------------------------------------------------- */

static void expect_fields(const weft_http_field *fields, const char *expected)
{
    struct got got;
    send_form(&got, &(struct evil_reply){ .bytes = FINE, .request_body = strlen(expected) }, 1,
              WEFT_OPTS(http_request, .urlencoded = fields));
    ck_assert_int_eq(got.rc, 200);
    ck_assert_ptr_nonnull(strstr(got.server.requests, fields_type));
    ck_assert_str_eq(strstr(got.server.requests, "\r\n\r\n") + 4, expected);
}

/* With a type of the caller's own. */
static void expect_own_type(const weft_http_request_opts *opts)
{
    struct got got;
    send_form(&got, &(struct evil_reply){ .bytes = FINE, .request_body = 3 }, 1, opts);
    ck_assert_int_eq(got.rc, 200);
    ck_assert_ptr_null(strstr(got.server.requests, fields_type));
    char *type = strstr(got.server.requests, "Content-Type: a/b\r\n");
    ck_assert_ptr_nonnull(type);
    ck_assert_ptr_null(strstr(type + 1, "Content-Type:"));
}

WT_TEST(a_form_of_fields)
{
    const weft_http_field one[] = { { "a", "b" }, { 0 } };
    const weft_http_field type[] = { { "Content-Type", "a/b" }, { 0 } };
    expect_own_type(WEFT_OPTS(http_request, .urlencoded = one, .content_type = "a/b"));
    expect_own_type(WEFT_OPTS(http_request, .urlencoded = one, .headers = type));
    expect_own_type(WEFT_OPTS(http_request, .urlencoded = one, .cross_origin_headers = type));
    expect_fields(
        (const weft_http_field[]){
            { "a b", "&=\r\n\xe2\x82\xac~" }, { "*-._", "" }, { "+", "%" }, { 0 } },
        "a+b=%26%3D%0D%0A%E2%82%AC%7E&*-._=&%2B=%25");
    expect_fields((const weft_http_field[]){ { 0 } }, "");
}

/* ---- in parts ---------------------------------------------------------------------------------------- */

static char *make_file(char *path)
{
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "from a file", 11), 11);
    close(fd);
    return path;
}

WT_TEST(a_form_in_parts)
{
    char path[] = "/tmp/weft-form-XXXXXX", expected[512];
    make_file(path);
    (void)snprintf(expected, sizeof(expected),
                   "--@\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nabc"
                   "\r\n--@\r\nContent-Disposition: form-data; name=\"f\"; filename=\"%s\"\r\n"
                   "Content-Type: application/octet-stream\r\n\r\nfrom a file"
                   "\r\n--@\r\nContent-Disposition: form-data; name=\"g\"; filename=\"g.txt\"\r\n"
                   "Content-Type: text/plain\r\n\r\n"
                   "\r\n--@--\r\n",
                   path + strlen("/tmp/"));
    expect_form(
        (const weft_http_part[]){
            { .name = "a", .data = "abcdef", .data_size = 3 },
            { .name = "f", .path = path },
            { .name = "g", .value = "", .type = "text/plain", .filename = "g.txt" },
            { 0 } },
        expected);
    expect_form((const weft_http_part[]){ { 0 } }, "--@--\r\n");
    unlink(path);
}

WT_TEST(no_line_begins_in_a_name)
{
    expect_form(
        (const weft_http_part[]){
            { .name = "a\r\nX: 1\"%", .value = "v", .filename = "\"; name=\"b\n" }, { 0 } },
        "--@\r\nContent-Disposition: form-data; name=\"a%0D%0AX: 1%22%\"; "
        "filename=\"%22; name=%22b%0A\"\r\n"
        "Content-Type: application/octet-stream\r\n\r\nv\r\n--@--\r\n");
}

WEFT_GENERATOR(words, weft_rx(weft_http_chunk), (int, n))
{
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_yield((weft_http_chunk){ "word", 4 }));
    return 0;
}

WT_TEST(a_part_of_a_receiver_goes_in_chunks)
{
    static const char expected[] = "55\r\n--@\r\nContent-Disposition: form-data; name=\"r\"\r\n\r\n"
                                   "\r\n4\r\nword\r\n4\r\nword\r\n2d\r\n\r\n--@--\r\n\r\n0\r\n\r\n";
    struct got got;
    WEFT_RX(weft_http_chunk, rx);
    ck_assert_int_eq(words(2, &rx), 0);
    const weft_http_part parts[] = { { .name = "r", .rx = WEFT_MOVE(rx) }, { 0 } };
    send_form(&got, &(struct evil_reply){ .bytes = FINE, .request_body = size_of(expected) }, 1,
              WEFT_OPTS(http_request, .form = parts));
    ck_assert_int_eq(got.rc, 200);
    ck_assert_ptr_nonnull(strstr(got.server.requests, "Transfer-Encoding: chunked\r\n"));
    expect_body(got.server.requests, expected);
}

static void copy_boundary(const struct got *got, char boundary[BOUNDARY + 1])
{
    const char *at = strstr(got->server.requests, "boundary=");
    ck_assert_ptr_nonnull(at);
    memcpy(boundary, at + strlen("boundary="), BOUNDARY);
    boundary[BOUNDARY] = '\0';
}

WT_TEST(no_boundary_is_that_of_another_form)
{
    char first[BOUNDARY + 1], second[BOUNDARY + 1];
    const weft_http_part parts[] = { { 0 } };
    struct evil_reply reply = { .bytes = FINE, .request_body = size_of("--@--\r\n") };
    struct got got;
    send_form(&got, &reply, 1, WEFT_OPTS(http_request, .form = parts));
    copy_boundary(&got, first);
    send_form(&got, &reply, 1, WEFT_OPTS(http_request, .form = parts));
    copy_boundary(&got, second);
    ck_assert_str_ne(first, second);
}

/* ---- again ------------------------------------------------------------------------------------------- */

#define AGAIN .retry = WEFT_OPTS(http_retry, .wait_ns = 1000000, .any_method = true)

static const char one_file[] =
    "--@\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n"
    "Content-Type: text/plain\r\n\r\nfrom a file\r\n--@--\r\n";

static void expect_twice(const char *first_reply)
{
    char path[] = "/tmp/weft-form-XXXXXX";
    struct evil_reply replies[] = { { .bytes = first_reply, .then = EVIL_KEEP },
                                    { .bytes = FINE, .then = EVIL_KEEP } };
    struct got got;
    make_file(path);
    const weft_http_part parts[] = {
        { .name = "f", .path = path, .type = "text/plain", .filename = "x" }, { 0 }
    };
    replies[0].request_body = replies[1].request_body = size_of(one_file);
    send_form(&got, replies, 2, WEFT_OPTS(http_request, .form = parts, AGAIN));
    ck_assert_int_eq(got.rc, 200);
    expect_body(got.server.requests, one_file);
    const char *second = strstr(got.server.requests + 1, "POST ");
    ck_assert_ptr_nonnull(second);
    expect_body(second, one_file);
    unlink(path);
}

static int send_receiver(const char *first_reply)
{
    struct evil_reply replies[] = { { .bytes = first_reply }, { .bytes = FINE } };
    struct got got;
    WEFT_RX(weft_http_chunk, rx);
    ck_assert_int_eq(words(1, &rx), 0);
    const weft_http_part parts[] = { { .name = "r", .rx = WEFT_MOVE(rx) }, { 0 } };
    send_form(&got, replies, 2, WEFT_OPTS(http_request, .form = parts, AGAIN));
    return got.rc;
}

#define MOVED "HTTP/1.1 307 x\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"

WT_TEST(a_form_goes_again_unless_a_receiver_is_in_it)
{
    expect_twice(BUSY);
    expect_twice(MOVED);
    ck_assert_int_eq(send_receiver(BUSY), 503);
    ck_assert_int_eq(send_receiver(MOVED), WEFT_EHTTPREDIRECT);
}

/* As the server of a form answers most often. */
WT_TEST(a_form_that_leads_to_a_page)
{
    struct evil_reply replies[] = {
        { .bytes = "HTTP/1.1 303 x\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
          .then = EVIL_KEEP },
        { .bytes = FINE, .then = EVIL_KEEP },
    };
    const weft_http_part parts[] = { { .name = "a", .value = "b" }, { 0 } };
    struct got got;
    replies[0].request_body = size_of(
        "--@\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--@--\r\n");
    send_form(&got, replies, 2, WEFT_OPTS(http_request, .form = parts));
    ck_assert_int_eq(got.rc, 200);
    const char *second = strstr(got.server.requests, "GET /there HTTP/1.1\r\n");
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_null(strstr(second, "Content-"));
}

/* ---- what can't be sent ------------------------------------------------------------------------------ */

static int refuse(const weft_http_request_opts *opts)
{
    weft_http_session *session;
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    int rc = post(session, "http://127.0.0.1:1/", opts);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    return rc;
}

static int refuse_part(weft_http_part part)
{
    const weft_http_part parts[] = { part, { 0 } };
    return refuse(WEFT_OPTS(http_request, .form = parts));
}

WT_TEST(forms_that_can_not_be_sent)
{
    const weft_http_part good[] = { { .name = "a", .value = "b" }, { 0 } };
    const weft_http_field fields[] = { { "a", "b" }, { 0 } }, half[] = { { "a", NULL }, { 0 } };
    const weft_http_field typed[] = { { "content-type", "text/plain" }, { 0 } };
    ck_assert_int_eq(refuse_part((weft_http_part){ .name = "a" }), WEFT_EINVAL);
    ck_assert_int_eq(refuse_part((weft_http_part){ .name = "a", .value = "b", .data = "c" }),
                     WEFT_EINVAL);
    ck_assert_int_eq(refuse_part((weft_http_part){ .name = "a", .value = "b", .path = "/" }),
                     WEFT_EINVAL);
    ck_assert_int_eq(refuse_part((weft_http_part){ .name = "a", .path = "/", .data_size = 1 }),
                     WEFT_EINVAL);
    ck_assert_int_eq(refuse_part((weft_http_part){ .name = "a", .value = "b", .type = "c\r\nd" }),
                     WEFT_EINVAL);
    /* Nobody listens there, and nobody is asked. */
    ck_assert_int_eq(refuse_part((weft_http_part){ .name = "a", .path = "/weft-no-such-file" }),
                     -ENOENT);
    ck_assert_int_eq(refuse(WEFT_OPTS(http_request, .body_path = "/weft-no-such-file")), -ENOENT);
    ck_assert_int_eq(refuse(WEFT_OPTS(http_request, .form = good, .urlencoded = fields)),
                     WEFT_EINVAL);
    ck_assert_int_eq(refuse(WEFT_OPTS(http_request, .form = good, .body = "x", .body_size = 1)),
                     WEFT_EINVAL);
    ck_assert_int_eq(refuse(WEFT_OPTS(http_request, .form = good, .content_type = "a/b")),
                     WEFT_EINVAL);
    ck_assert_int_eq(refuse(WEFT_OPTS(http_request, .form = good, .headers = typed)), WEFT_EINVAL);
    ck_assert_int_eq(refuse(WEFT_OPTS(http_request, .urlencoded = half)), WEFT_EINVAL);
}

WT_TEST(what_a_form_owns_is_consumed_when_it_is_refused)
{
    WEFT_RX(weft_http_chunk, rx);
    ck_assert_int_eq(words(1, &rx), 0);
    const weft_http_part parts[] = { { .name = "r", .rx = WEFT_MOVE(rx) },
                                     { .name = "r", .rx = WEFT_MOVE(rx) },
                                     { 0 } };
    ck_assert_int_eq(refuse(WEFT_OPTS(http_request, .form = parts)), WEFT_EINVAL);
    ck_assert(rx == NULL);
    ck_assert_int_eq(words(1, &rx), 0);
    weft_http_response *response;
    ck_assert_int_eq(
        weft_http_post(NULL, "http://a/", WEFT_OPTS(http_request, .form = parts), &response),
        WEFT_EINVAL);
    ck_assert(rx == NULL);
}

/* The generator of the first part changes the file of the second, whose size is counted by then. */
WEFT_GENERATOR(change_file, weft_rx(weft_http_chunk), (const char *, path), (off_t, size))
{
    int rc = truncate(path, size) == 0 ? 0 : -EIO;
    return rc < 0 ? rc : weft_yield((weft_http_chunk){ "1", 1 });
}

static void send_changed(struct got *got, off_t size, const char *expected)
{
    char path[] = "/tmp/weft-form-XXXXXX";
    WEFT_RX(weft_http_chunk, rx);
    make_file(path);
    ck_assert_int_eq(change_file(path, size, &rx), 0);
    const weft_http_part parts[] = {
        { .name = "r", .rx = WEFT_MOVE(rx) },
        { .name = "f", .path = path, .type = "a/b", .filename = "f" },
        { 0 },
    };
    send_form(got, &(struct evil_reply){ .bytes = FINE, .request_body = size_of(expected) }, 1,
              WEFT_OPTS(http_request, .form = parts));
    unlink(path);
}

#define CHANGED                                                                       \
    "55\r\n--@\r\nContent-Disposition: form-data; name=\"r\"\r\n\r\n\r\n1\r\n1\r\n%s" \
    "\r\n--@\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n"       \
    "Content-Type: a/b\r\n\r\nfrom a file\r\n--@--\r\n\r\n0\r\n\r\n"

WT_TEST(of_a_file_that_grows_goes_what_it_had_and_one_that_shrinks_is_an_error)
{
    struct got got;
    char expected[400];
    (void)snprintf(expected, sizeof(expected), CHANGED, "b0\r\n");
    send_changed(&got, 1000, expected);
    ck_assert_int_eq(got.rc, 200);
    expect_body(got.server.requests, expected);
    send_changed(&got, 5, expected);
    ck_assert_int_eq(got.rc, WEFT_EEOF);
    ck_assert_ptr_null(strstr(got.server.requests, "--\r\n\r\n0\r\n\r\n"));
}

/* A receiver without an end: only the answer ends this. */
WEFT_GENERATOR(for_ever, weft_rx(weft_http_chunk), (int, size))
{
    static const char some[8192];
    for (;;)
        WEFT_TRY(weft_yield((weft_http_chunk){ some, (size_t)size }));
}

WT_TEST(an_early_answer_stops_a_form)
{
    struct got got;
    WEFT_RX(weft_http_chunk, rx);
    ck_assert_int_eq(for_ever(8192, &rx), 0);
    const weft_http_part parts[] = { { .name = "r", .rx = WEFT_MOVE(rx) }, { 0 } };
    send_form(&got,
              &(struct evil_reply){ .bytes = "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n",
                                    .then = EVIL_HOLD },
              1, WEFT_OPTS(http_request, .form = parts));
    ck_assert_int_eq(got.rc, 413);
}

WT_MAIN("http_form")
