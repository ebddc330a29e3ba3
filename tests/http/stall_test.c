/* SPDX-License-Identifier: MIT
 * Who waits for whom: readers that stop, sources that are slow, and deadlines while another drives. */
#include "evil.h"
#include "flood.h"
#include "peer.h"
#include "wt_loopback.h"
#include "wt_test.h"

#include "http/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_events.h>
#include <weft/http_websocket.h>

static weft_http_session *open_session(const weft_http_session_opts *opts)
{
    weft_http_session *session = NULL;
    ck_assert_int_eq(weft_http_session_open(opts, &session), 0);
    return session;
}

/* A request whose body never ends: whoever reads it drives, and rests without a time to wake at. */
struct endless {
    struct evil server;
    weft_http_response *response;
    weft_scope scope;
};

static const struct evil_reply stuck = { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall",
                                         .then = EVIL_HOLD };

WEFT_TASK(read_on, (weft_http_response *, response))
{
    char buf[16];
    int64_t n;
    while ((n = weft_http_read(response, buf, sizeof(buf))) > 0)
        continue;
    return (int)n;
}

static bool is_resting(weft_http_session *session)
{
    wf_http_role_lock(&session->role);
    bool is = session->role.is_resting;
    wf_http_role_unlock(&session->role);
    return is;
}

static void drive_meanwhile(struct endless *other, weft_http_session *session)
{
    evil_start(&other->server, &stuck, 1);
    ck_assert_int_eq(weft_http_get(session, other->server.url,
                                   WEFT_OPTS(http_request, .timeouts.idle_ns = -1),
                                   &other->response),
                     0);
    other->scope.opts = (weft_scope_opts){ .size_ = sizeof(weft_scope_opts) };
    weft_scope_enter(&other->scope, __FILE__, __LINE__);
    ck_assert_int_eq(weft_spawn(&other->scope, read_on, other->response), 0);
    while (!is_resting(session))
        ck_assert_int_eq(weft_pause(), 0);
}

static void stop_driving(struct endless *other)
{
    weft_scope_cancel(&other->scope);
    ck_assert_int_le(weft_scope_wait(&other->scope), 0);
    weft_scope_leave(&other->scope);
    ck_assert_int_eq(weft_http_response_close(other->response), 0);
    evil_stop(&other->server);
}

/* ---- readers that stop ---------------------------------------------------------------------------------- */

enum { BODY = 2 << 20, STORED = 65535 };

static void fill(char *to, size_t size, size_t from)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (char)((from + i) * 31 >> 3);
}

static size_t put_head(char *to, const char *head)
{
    memcpy(to, head, strlen(head));
    return strlen(head);
}

static size_t make_plain(char *to)
{
    size_t n = put_head(to, "HTTP/1.1 200 OK\r\nContent-Length: 2097152\r\n\r\n");
    fill(to + n, BODY, 0);
    return n + BODY;
}

/* By deflate's blocks that hold bytes as they are. */
static size_t make_packed(char *to)
{
    unsigned a = 1, b = 0;
    const size_t n_blocks = (BODY + STORED - 1) / STORED;
    size_t n = (size_t)snprintf(to, 128,
                                "HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n"
                                "Content-Length: %zu\r\n\r\n\x78\x01",
                                2 + n_blocks * 5 + BODY + 4);
    for (size_t from = 0; from < BODY; from += STORED) {
        size_t size = BODY - from < STORED ? BODY - from : STORED;
        const unsigned char head[] = { from + size == BODY, size & 0xff, (unsigned char)(size >> 8),
                                       ~size & 0xff, (unsigned char)(~size >> 8) };
        memcpy(to + n, head, sizeof(head));
        n += sizeof(head);
        fill(to + n, size, from);
        for (size_t i = 0; i < size; i++) {
            a = (a + (unsigned char)to[n + i]) % 65521;
            b = (b + a) % 65521;
        }
        n += size;
    }
    const unsigned sums[] = { b >> 8, b, a >> 8, a };
    for (int i = 0; i < 4; i++)
        to[n++] = (char)sums[i];
    return n;
}

static void expect_stalled(const struct flood *server, weft_http_response *const *responses)
{
    for (int i = 0; i < server->n_connections; i++) {
        weft_http_response *x = responses[i];
        ck_assert_msg(server->left[i] > 0, "all of body %d was taken, and nobody has read it", i);
        wf_http_role_lock(&x->session->role);
        bool is_paused = x->is_paused, is_over = x->stage == WF_HTTP_OVER;
        bool is_timed = x->timer.at_ns != INT64_MAX;
        size_t held = x->in.tail - x->in.head, room = x->in.room;
        wf_http_role_unlock(&x->session->role);
        ck_assert(is_paused && !is_over && !is_timed);
        ck_assert_uint_le(held, room);
        ck_assert_uint_le(room, WF_HTTP_RING);
    }
}

static void expect_body(weft_http_response *response)
{
    static char buf[50000], expected[50000];
    int64_t n, sum = 0;
    while ((n = weft_http_read(response, buf, sizeof(buf))) > 0) {
        fill(expected, (size_t)n, (size_t)sum);
        ck_assert_int_eq(memcmp(buf, expected, (size_t)n), 0);
        sum += n;
    }
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(sum, BODY);
}

/* The idle time does not run either: it is the reader who is waited for. */
static void stop_and_go_on(size_t (*make)(char *to), int n)
{
    weft_http_response *responses[FLOOD_MOST];
    struct endless other;
    struct flood server = { .n_connections = n, .bytes = NULL };
    char *bytes = malloc(BODY + 4096);
    server.size = make(bytes);
    server.bytes = bytes;
    flood_start(&server);
    weft_http_session *session = open_session(NULL);
    drive_meanwhile(&other, session);
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(weft_http_get(session, server.url, NULL, &responses[i]), 0);
    ck_assert_int_eq(weft_event_wait(&server.stalled), 0);
    expect_stalled(&server, responses);
    for (int i = 0; i < n; i++)
        expect_body(responses[i]);
    for (int i = 0; i < n; i++)
        ck_assert_int_eq(weft_http_response_close(responses[i]), 0);
    stop_driving(&other);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    flood_stop(&server);
    free(bytes);
}

WT_TEST(a_reader_that_stops_stops_the_server) { stop_and_go_on(make_plain, 1); }
WT_TEST(a_reader_of_a_packed_body_likewise) { stop_and_go_on(make_packed, 1); }
WT_TEST(many_readers_that_stop) { stop_and_go_on(make_plain, 4); }

/* ---- sources that are slow ------------------------------------------------------------------------------ */

static weft_event may_go_on = WEFT_EVENT_INIT(.name = "may go on");

WEFT_GENERATOR(slow, weft_rx(weft_http_chunk))
{
    WEFT_TRY(weft_yield((weft_http_chunk){ "word", 4 }));
    WEFT_TRY(weft_event_wait(&may_go_on));
    return weft_yield((weft_http_chunk){ "word", 4 });
}

WEFT_TASK(send_slowly, (weft_http_session *, session), (const char *, url))
{
    WEFT_AUTO(weft_http_response, response);
    WEFT_RX(weft_http_chunk, body);
    WEFT_TRY(slow(&body));
    return weft_http_request(session, "PUT", url,
                             WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(body)), &response);
}

/* Whether there is a request that waits for its source; no time of it runs then. */
static bool waits_for_source(weft_http_session *session)
{
    bool waits = false;
    wf_http_role_lock(&session->role);
    wf_list_each (link, &session->running) {
        const weft_http_response *x = WF_CONTAINER(link, weft_http_response, link);
        waits |= x->is_up_paused;
        ck_assert(!x->is_up_paused || x->timer.at_ns == INT64_MAX);
    }
    wf_http_role_unlock(&session->role);
    return waits;
}

WT_TEST(a_source_that_is_slow_is_not_the_servers_fault)
{
    struct evil server;
    struct endless other;
    static const char chunked[] = "4\r\nword\r\n4\r\nword\r\n0\r\n\r\n";
    struct evil_reply reply = { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                                .then = EVIL_KEEP,
                                .request_body = sizeof(chunked) - 1 };
    evil_start(&server, &reply, 1);
    weft_http_session *session = open_session(NULL);
    drive_meanwhile(&other, session);
    WEFT_SCOPE(scope);
    ck_assert_int_eq(weft_spawn(&scope, send_slowly, session, server.url), 0);
    while (!waits_for_source(session))
        ck_assert_int_eq(weft_pause(), 0);
    weft_event_set(&may_go_on);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    stop_driving(&other);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

/* ---- deadlines while another drives ---------------------------------------------------------------------- */

WT_TEST(a_place_is_waited_for_no_longer_than_told_while_another_drives)
{
    struct endless other;
    weft_http_response *response = NULL;
    weft_http_session *session = open_session(WEFT_OPTS(http_session, .limit = 1));
    drive_meanwhile(&other, session);
    for (int i = 0; i < 3; i++) /* the first could be found in time by a timer of its start */
        ck_assert_int_eq(weft_http_get(session, other.server.url,
                                       WEFT_OPTS(http_request, .timeouts.pool_ns = WEFT_MS(10)),
                                       &response),
                         WEFT_EHTTPPOOL);
    stop_driving(&other);
    ck_assert_int_eq(weft_http_session_close(session), 0);
}

/* ---- cancels while another drives ------------------------------------------------------------------------- */

WT_TEST(nothing_is_sent_in_a_cancelled_scope_while_another_drives)
{
    enum { TRIES = 300 };
    struct endless other;
    struct evil server;
    struct evil_reply replies[TRIES];
    for (size_t i = 0; i < TRIES; i++)
        replies[i] = (struct evil_reply){ .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                                          .then = EVIL_KEEP };
    weft_http_response *response = NULL;
    weft_http_session *session = open_session(NULL);
    evil_start(&server, replies, TRIES);
    drive_meanwhile(&other, session);
    for (int i = 0; i < TRIES; i++) {
        WEFT_SCOPE(scope);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), WEFT_ECANCELED);
    }
    stop_driving(&other);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    ck_assert_uint_eq(server.n_connections, 0);
}

/* ---- servers that say nothing, without an end ------------------------------------------------------------- */

/* Two bytes that are no message and no event, again and again: faster than they are taken. */
static void send_nothing(struct peer *peer, int fd)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
    static char block[32 << 10];
    const char *nothing = peer->arg;
    for (size_t i = 0; i < sizeof(block); i++)
        block[i] = nothing[i % 2];
    if (nothing[0] != ':')
        peer_agree(peer, fd, "");
    else if (peer_read_request(peer, fd))
        (void)wt_send_all(fd, head, sizeof(head) - 1);
    while (wt_send_all(fd, block, sizeof(block)))
        continue;
}

static void is_held_up_by_none(const char *frame)
{
    struct endless other;
    struct peer peer;
    weft_websocket *socket = NULL;
    weft_websocket_message message;
    weft_http_session *session = open_session(NULL);
    peer_start(&peer, send_nothing, (void *)(size_t)frame);
    drive_meanwhile(&other, session);
    ck_assert_int_eq(weft_websocket_open(session, peer.url,
                                         WEFT_OPTS(websocket, .close_timeout_ns = WEFT_MS(50)),
                                         &socket),
                     0);
    {
        WEFT_SCOPE(scope, .move_on = true, .timeout_ns = WEFT_MS(50));
        int rc = 1;
        while (rc > 0)
            rc = weft_websocket_receive(socket, &message);
        ck_assert_int_eq(rc, WEFT_ECANCELED);
        ck_assert_int_ge(weft_scope_wait(&scope), 0);
    }
    ck_assert_int_eq(weft_websocket_close(socket), WEFT_EHTTPIDLE);
    stop_driving(&other);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    peer_stop(&peer);
}

WT_TEST(frames_without_an_end_hold_up_no_cancel_and_no_close)
{
    is_held_up_by_none("\x89\0"); /* pings */
    is_held_up_by_none("\x81\0"); /* empty messages */
}

WT_TEST(comments_without_an_end_hold_up_no_cancel)
{
    struct endless other;
    struct peer peer;
    char url[96];
    weft_http_session *session = open_session(NULL);
    peer_start(&peer, send_nothing, (void *)(size_t) ":\n");
    (void)snprintf(url, sizeof(url), "http%s", strchr(peer.url, ':'));
    drive_meanwhile(&other, session);
    {
        WEFT_RX(weft_http_event, events);
        weft_http_event event;
        ck_assert_int_eq(weft_http_events(session, url, NULL, &events), 0);
        WEFT_SCOPE(scope, .move_on = true, .timeout_ns = WEFT_MS(50));
        ck_assert_int_eq(weft_recv(events, &event), WEFT_ECANCELED);
        ck_assert_int_ge(weft_scope_wait(&scope), 0);
    }
    stop_driving(&other);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    peer_stop(&peer);
}

WT_MAIN("http_stall")
