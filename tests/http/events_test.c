/* SPDX-License-Identifier: MIT
 * Streams of events over connections that break. */
#include "evil.h"
#include "wt_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_events.h>
#include <weft/http_websocket.h>

#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"
#define CHUNKS \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
#define NO_MORE "HTTP/1.1 204 No Content\r\n\r\n"
#define SOON    .retry_ns = WEFT_US(1), .max_retry_ns = WEFT_US(10)

/* All events, [type|data|id] each; the code they end with. */
static int collect(const char *url, const weft_http_events_opts *opts, char *text, size_t size)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_RX(weft_http_event, events);
    text[0] = '\0';
    WEFT_TRY(weft_http_session_open(NULL, &session));
    WEFT_TRY(weft_http_events(session, url, opts, &events));
    weft_each (event, events) {
        size_t at = strlen(text);
        (void)snprintf(text + at, size - at, "[%s|%s|%s]", event.type, event.data, event.id);
    }
    return weft_error(events);
}

struct run {
    struct evil server;
    char text[1024];
    int rc;
};

static void run(struct run *run, const struct evil_reply *replies, size_t n,
                const weft_http_events_opts *opts)
{
    evil_start(&run->server, replies, n);
    run->rc = collect(run->server.url, opts, run->text, sizeof(run->text));
    evil_stop(&run->server);
}

static unsigned n_times(const char *text, const char *what)
{
    unsigned n = 0;
    while ((text = strstr(text, what)) != NULL)
        n++, text++;
    return n;
}

/* ---- tests -------------------------------------------------------------------------------------------- */

WT_TEST(a_stream_that_breaks_off_within_an_event_goes_on_after_the_last_whole_one)
{
    struct evil_reply replies[] = {
        { .bytes = CHUNKS "1d\r\nid: 1\ndata: a\n\nid: 2\ndata: \r\n" },
        { .bytes = STREAM "id: 2\ndata: b\n\ndata: c\n", .then = EVIL_RESET },
        { .bytes = STREAM "retry: 1\nid: 3\ndata: c\n\n" },
        { .bytes = NO_MORE },
    };
    struct run it;
    run(&it, replies, 4, WEFT_OPTS(http_events, SOON));
    ck_assert_int_eq(it.rc, 0);
    ck_assert_str_eq(it.text, "[message|a|1][message|b|2][message|c|3]");
    ck_assert_uint_eq(n_times(it.server.requests, "Accept: text/event-stream\r\n"), 4);
    ck_assert_uint_eq(n_times(it.server.requests, "Last-Event-ID: 1\r\n"), 1);
    ck_assert_uint_eq(n_times(it.server.requests, "Last-Event-ID: 2\r\n"), 1);
    ck_assert_uint_eq(n_times(it.server.requests, "Last-Event-ID: 3\r\n"), 1);
}

WT_TEST(a_stream_cut_at_every_byte)
{
    static const char whole[] = CHUNKS "11\r\nid: 1\ndata: one\n\n\r\n";
    for (size_t size = strlen(CHUNKS); size < strlen(whole); size++) {
        struct evil_reply replies[] = {
            { .bytes = whole, .size = size },
            { .bytes = STREAM "id: 1\ndata: one\n\n" },
            { .bytes = NO_MORE },
        };
        struct run it;
        run(&it, replies, 3, WEFT_OPTS(http_events, SOON));
        ck_assert_int_eq(it.rc, 0);
        const char *after = strstr(it.text, "[message|one|1]");
        ck_assert_ptr_nonnull(after);
        /* Twice if it was whole before the cut: then it says so, and this server does not care. */
        ck_assert_uint_eq(n_times(it.text, "one"),
                          1 + n_times(it.server.requests, "Last-Event-ID") / 2);
    }
}

WT_TEST(from_where_to_go_on_and_what_else_is_sent)
{
    struct evil_reply replies[] = {
        { .bytes = STREAM "data: a\n\n", .request_body = 2 },
        { .bytes = NO_MORE, .request_body = 2 },
    };
    const weft_http_field headers[] = { { "X-Own", "y" }, { "accept", "*/*" }, { 0 } };
    struct run it;
    run(&it, replies, 2,
        WEFT_OPTS(http_events, SOON, .method = "POST", .last_id = "41",
                  .request = WEFT_OPTS(http_request, .headers = headers, .bearer = "t",
                                       .body = "{}", .body_size = 2)));
    ck_assert_int_eq(it.rc, 0);
    ck_assert_str_eq(it.text, "[message|a|41]");
    const char *const twice[] = { "POST / ",           "X-Own: y", "accept: */*",
                                  "Last-Event-ID: 41", "Bearer t", "\r\n\r\n{}" };
    for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++)
        ck_assert_msg(n_times(it.server.requests, twice[i]) == 2, "%s", twice[i]);
    ck_assert_uint_eq(n_times(it.server.requests, "text/event-stream"), 0);
}

WT_TEST(a_redirect_to_another_origin_leads_to_the_same_place_in_the_same_stream)
{
    const struct evil_reply replies[] = { { .bytes = STREAM "id: 7\ndata: a\n\n" },
                                          { .bytes = NO_MORE } };
    const weft_http_field headers[] = { { "X-Own", "y" }, { 0 } };
    const weft_http_field anywhere[] = { { "X-Any", "z" }, { 0 } };
    struct evil there;
    struct run it;
    char away[128];
    evil_start(&there, replies, 2);
    (void)snprintf(away, sizeof(away),
                   "HTTP/1.1 307 Away\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", there.url);
    run(&it, (struct evil_reply[]){ { .bytes = away }, { .bytes = away } }, 2,
        WEFT_OPTS(http_events, SOON,
                  .request = WEFT_OPTS(http_request, .headers = headers,
                                       .cross_origin_headers = anywhere)));
    evil_stop(&there);
    ck_assert_int_eq(it.rc, 0);
    ck_assert_str_eq(it.text, "[message|a|7]");
    ck_assert_uint_eq(n_times(there.requests, "Accept: text/event-stream\r\n"), 2);
    ck_assert_uint_eq(n_times(there.requests, "Cache-Control: no-store\r\n"), 2);
    ck_assert_uint_eq(n_times(there.requests, "Last-Event-ID: 7\r\n"), 1);
    ck_assert_uint_eq(n_times(there.requests, "X-Any: z\r\n"), 2);
    ck_assert_uint_eq(n_times(there.requests, "X-Own"), 0);
    ck_assert_uint_eq(n_times(it.server.requests, "X-Own: y\r\n"), 2);
}

WT_TEST(what_is_no_stream_is_an_error_at_once_and_later)
{
    static const struct {
        const char *bytes;
        int rc;
    } answers[] = {
        { "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", WEFT_EHTTPSTATUS },
        { "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", WEFT_EHTTPSTATUS },
        { "HTTP/1.1 206 Part\r\nContent-Type: text/event-stream\r\n\r\n", WEFT_EHTTPSTATUS },
        { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n", WEFT_EHTTPPROTO },
        { "HTTP/1.1 200 OK\r\nContent-Type: text/event-streams\r\n\r\n", WEFT_EHTTPPROTO },
        { "HTTP/1.1 200 OK\r\n\r\ndata: x\n\n", WEFT_EHTTPPROTO },
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct run it;
        struct evil_reply replies[] = { { .bytes = STREAM "data: a\n\n" },
                                        { .bytes = answers[i].bytes } };
        run(&it, &replies[1], 1, WEFT_OPTS(http_events, SOON));
        ck_assert_int_eq(it.rc, answers[i].rc);
        run(&it, replies, 2, WEFT_OPTS(http_events, SOON));
        ck_assert_int_eq(it.rc, answers[i].rc);
        ck_assert_str_eq(it.text, "[message|a|]");
    }
}

WT_TEST(a_server_that_wants_no_more_is_the_end)
{
    struct run it;
    run(&it, &(struct evil_reply){ .bytes = NO_MORE }, 1, NULL);
    ck_assert_int_eq(it.rc, 0);
    ck_assert_str_eq(it.text, "");
    ck_assert_uint_eq(it.server.n_connections, 1);
}

WT_TEST(the_first_connection_is_tried_once)
{
    struct run it;
    run(&it, &(struct evil_reply){ .bytes = "", .then = EVIL_RESET }, 1,
        WEFT_OPTS(http_events, SOON));
    ck_assert_int_lt(it.rc, 0);
    ck_assert_uint_eq(it.server.n_connections, 1);
}

WT_TEST(attempts_that_bring_nothing_are_limited_and_a_byte_is_something)
{
    struct evil_reply replies[] = {
        { .bytes = STREAM "data: a\n\n" },
        { .bytes = STREAM },
        { .bytes = STREAM },
        { .bytes = STREAM ":\n" },
        { .bytes = STREAM },
        { .bytes = STREAM },
        { .bytes = STREAM },
    };
    struct run it;
    run(&it, replies, 7, WEFT_OPTS(http_events, SOON, .max_retries = 3));
    ck_assert_int_eq(it.rc, WEFT_EEOF);
    ck_assert_uint_eq(it.server.n_connections, 7);
    struct evil_reply resets[] = {
        { .bytes = STREAM "data: a\n\n" },
        { .bytes = "", .then = EVIL_RESET },
        { .bytes = "H", .then = EVIL_RESET },
    };
    run(&it, resets, 3, WEFT_OPTS(http_events, SOON, .max_retries = 2));
    ck_assert_int_lt(it.rc, 0);
    ck_assert_uint_eq(it.server.n_connections, 3);
}

WT_TEST(a_stream_that_is_read_once)
{
    struct run it;
    struct evil_reply whole = { .bytes = STREAM "data: a\n\ndata: b" };
    run(&it, &whole, 1, WEFT_OPTS(http_events, SOON, .max_retries = -1));
    ck_assert_int_eq(it.rc, 0);
    ck_assert_str_eq(it.text, "[message|a|]");
    struct evil_reply cut = { .bytes = CHUNKS "9\r\ndata: a\n\n\r\n" };
    run(&it, &cut, 1, WEFT_OPTS(http_events, SOON, .max_retries = -1));
    ck_assert_int_eq(it.rc, WEFT_EEOF);
    ck_assert_str_eq(it.text, "[message|a|]");
}

WT_TEST(an_event_without_an_end)
{
    static char bytes[8192];
    struct run it;
    memset(bytes, 'x', sizeof(bytes) - 1);
    memcpy(bytes, STREAM "data:", strlen(STREAM) + 5);
    run(&it, &(struct evil_reply){ .bytes = bytes }, 1, WEFT_OPTS(http_events, .max_event = 4096));
    ck_assert_int_eq(it.rc, WEFT_EHTTPLIMIT);
}

WT_TEST(silence_is_an_error_only_if_asked_for)
{
    struct evil_reply replies[] = {
        { .bytes = STREAM "data: a\n\n", .then = EVIL_HOLD },
        { .bytes = STREAM "data: b\n\n" },
        { .bytes = NO_MORE },
    };
    struct run it;
    run(&it, replies, 3,
        WEFT_OPTS(http_events, SOON,
                  .request = WEFT_OPTS(http_request, .timeouts.idle_ns = WEFT_MS(20))));
    ck_assert_int_eq(it.rc, 0);
    ck_assert_str_eq(it.text, "[message|a|][message|b|]");
}

/* In a scope with a deadline: what a cancelled receive leaves, the next one takes up. */
static int receive_for(weft_rx(weft_http_event) events, int64_t d_ns, weft_http_event *event)
{
    WEFT_SCOPE(scope, .timeout_ns = d_ns);
    int rc = weft_recv(events, event);
    return weft_scope_wait_with(&scope, rc < 0 ? rc : 0);
}

static int cancel_and_go_on(void *arg)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_RX(weft_http_event, events);
    weft_http_event event;
    WEFT_TRY(weft_http_session_open(NULL, &session));
    WEFT_TRY(weft_http_events(session, arg, WEFT_OPTS(http_events, SOON), &events));
    ck_assert_int_eq(weft_recv(events, &event), 1);
    ck_assert_str_eq(event.data, "a");
    ck_assert_int_eq(receive_for(events, WEFT_MS(5), &event), WEFT_ETIMEDOUT);
    ck_assert_int_eq(receive_for(events, WEFT_MS(5), &event), WEFT_ETIMEDOUT);
    return 0;
}

WT_TEST(a_receive_that_was_cancelled_may_be_called_again)
{
    struct evil server;
    struct evil_reply replies[] = { { .bytes = STREAM "data: a\n\ndata: b", .then = EVIL_HOLD },
                                    { .bytes = STREAM "data: a\n\ndata: b", .then = EVIL_HOLD } };
    evil_start(&server, replies, 2);
    ck_assert_int_eq(cancel_and_go_on(server.url), 0);
    ck_assert_int_eq(weft_run(cancel_and_go_on, server.url), 0);
    evil_stop(&server);
    ck_assert_uint_eq(server.n_connections, 2);
}

/* Between two connections, for as long as the server has asked for. */
WT_TEST(the_wait_before_a_new_connection_ends_with_a_cancel)
{
    struct evil server;
    struct evil_reply reply = { .bytes = STREAM "retry: 3600000\ndata: a\n\n" };
    evil_start(&server, &reply, 1);
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_RX(weft_http_event, events);
        weft_http_event event;
        ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
        ck_assert_int_eq(weft_http_events(session, server.url, NULL, &events), 0);
        ck_assert_int_eq(weft_recv(events, &event), 1);
        ck_assert(event.retry_ns == WEFT_SEC(3600));
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(receive_for(events, WEFT_MS(5), &event), WEFT_ETIMEDOUT);
    }
    evil_stop(&server);
}

WT_TEST(a_wait_may_be_longer_than_any_time)
{
    struct evil server;
    const struct evil_reply replies[] = { { .bytes = STREAM "retry: 9223372036854\ndata: a\n\n" },
                                          { .bytes = STREAM "data: b\n\n" } };
    WEFT_AUTO(weft_http_session, session);
    evil_start(&server, replies, 2);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    {
        WEFT_RX(weft_http_event, events);
        weft_http_event event;
        ck_assert_int_eq(weft_http_events(session, server.url,
                                          WEFT_OPTS(http_events, .max_retry_ns = INT64_MAX),
                                          &events),
                         0);
        ck_assert_int_eq(weft_recv(events, &event), 1);
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(receive_for(events, WEFT_MS(5), &event), WEFT_ETIMEDOUT);
    }
    evil_stop(&server);
}

WT_TEST(what_can_not_be_asked_for)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_RX(weft_http_event, events);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    const char *url = "http://127.0.0.1:1/";
    ck_assert_int_eq(weft_http_events(NULL, url, NULL, &events), WEFT_EINVAL);
    ck_assert_int_eq(weft_http_events(session, NULL, NULL, &events), WEFT_EINVAL);
    ck_assert_int_eq(
        weft_http_events(session, url, WEFT_OPTS(http_events, .last_id = "a\nb"), &events),
        WEFT_EINVAL);
    const weft_http_field id[] = { { "last-event-id", "7" }, { 0 } };
    const weft_http_request_opts *requests[] = {
        WEFT_OPTS(http_request, .headers = id),
        WEFT_OPTS(http_request, .cross_origin_headers = id),
    };
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(
            weft_http_events(session, url, WEFT_OPTS(http_events, .request = requests[i]), &events),
            WEFT_EINVAL);
    ck_assert_int_eq(
        weft_http_events(session, url, WEFT_OPTS(http_events, .method = "G T"), &events),
        WEFT_EINVAL);
    ck_assert_int_eq(weft_http_events(session, "ftp://127.0.0.1/", NULL, &events), WEFT_EINVAL);
    ck_assert_int_eq(weft_http_events(session, url, NULL, &events), -ECONNREFUSED);
    ck_assert_ptr_null(events);
}

static int take_two(const char *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_RX(weft_http_event, events);
    WEFT_RX(weft_http_event, two);
    weft_http_event event = { .data = "" };
    WEFT_TRY(weft_http_session_open(NULL, &session));
    WEFT_TRY(weft_http_events(session, url, NULL, &events));
    WEFT_TRY(weft_take(WEFT_MOVE(events), 2, &two));
    ck_assert_int_eq(weft_recv(two, &event), 1);
    ck_assert_str_eq(event.data, "a");
    ck_assert_int_eq(weft_recv(two, &event), 1);
    ck_assert_str_eq(event.data, "b");
    return weft_recv(two, &event);
}

WT_TEST(the_last_event_that_is_taken_stays)
{
    struct evil_reply replies[] = { { .bytes = STREAM "data: a\n\ndata: b\n\ndata: c\n\n" } };
    struct evil server;
    evil_start(&server, replies, 1);
    ck_assert_int_eq(take_two(server.url), 0);
    evil_stop(&server);
}

/* What a step makes is its source's, too: nobody may keep it. */
WEFT_MAP(as_event, weft_http_event, out, int64_t, n)
{
    *out = (weft_http_event){ .data = "", .retry_ns = n };
    return 0;
}

WEFT_MAP(as_message, weft_websocket_message, out, int64_t, n)
{
    *out = (weft_websocket_message){ .data = "", .size = (size_t)n };
    return 0;
}

WT_TEST(what_is_made_anew_is_lent_as_well)
{
    WEFT_RX(int64_t, numbers);
    WEFT_RX(int64_t, others);
    WEFT_RX(weft_http_event, events);
    WEFT_RX(weft_http_event, kept);
    WEFT_RX(weft_websocket_message, messages);
    WEFT_RX(weft_websocket_message, kept_messages);
    ck_assert_int_eq(weft_range(0, 3, 1, &numbers), 0);
    ck_assert_int_eq(as_event(WEFT_MOVE(numbers), &events), 0);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(events), 4, &kept), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_range(0, 3, 1, &others), 0);
    ck_assert_int_eq(as_message(WEFT_MOVE(others), &messages), 0);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(messages), 4, &kept_messages), WEFT_ENOTSUP);
}

WT_MAIN("http_events")
