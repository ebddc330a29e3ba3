/* SPDX-License-Identifier: MIT
 * WebSockets, with a server that keeps to the rules or not. */
#include "peer.h"
#include "wt_loopback.h"
#include "wt_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_websocket.h>

enum { FINAL = 0x80, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

/* ---- servers -------------------------------------------------------------------------------------------- */

/* Sends every message back, piece by piece, and the end. */
static void echo(struct peer *peer, int fd)
{
    struct peer_frame *frame = malloc(sizeof(*frame));
    ck_assert_ptr_nonnull(frame);
    peer_agree(peer, fd, "");
    do {
        peer_read_frame(fd, frame);
        if (frame->opcode < 0)
            break;
        ck_assert(frame->is_masked);
        peer_send_frame(fd, frame->opcode, frame->data, frame->size);
    } while (frame->opcode != (FINAL | CLOSE));
    free(frame);
}

/* After the handshake these bytes; then it reads until the client closes. */
struct script {
    const char *bytes;
    size_t size;
    bool closes; /* at once */
    int opcode;  /* of the first frame that came */
    size_t n;
    unsigned char data[128];
};

static void play(struct peer *peer, int fd)
{
    struct script *script = peer->arg;
    struct peer_frame *frame = malloc(sizeof(*frame));
    ck_assert_ptr_nonnull(frame);
    peer_agree(peer, fd, "");
    (void)wt_send_all(fd, script->bytes, script->size);
    if (script->closes)
        (void)shutdown(fd, SHUT_WR);
    peer_read_frame(fd, frame);
    script->opcode = frame->opcode;
    script->n = frame->size < sizeof(script->data) ? frame->size : 0;
    if (frame->opcode >= 0)
        memcpy(script->data, frame->data, script->n);
    if (!script->closes)
        (void)shutdown(fd, SHUT_WR);
    peer_wait_for_end(fd);
    free(frame);
}

static int code_said(const struct script *script)
{
    if (script->opcode != (FINAL | CLOSE))
        return -1;
    return script->n < 2 ? 1005 : script->data[0] << 8 | script->data[1];
}

/* ---- messages both ways ----------------------------------------------------------------------------------- */

static int open_socket(const char *url, const weft_websocket_opts *opts,
                       weft_http_session **session, weft_websocket **socket)
{
    WEFT_TRY(weft_http_session_open(NULL, session));
    return weft_websocket_open(*session, url, opts, socket);
}

static void expect(weft_websocket *socket, const char *data, size_t size, bool is_text)
{
    weft_websocket_message message;
    ck_assert_int_eq(weft_websocket_receive(socket, &message), 1);
    ck_assert_uint_eq(message.size, size);
    ck_assert_mem_eq(message.data, data, size);
    ck_assert_int_eq(message.is_text, is_text);
}

static int talk(void *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_websocket, socket);
    WEFT_TRY(open_socket(url, NULL, &session, &socket));
    ck_assert_ptr_null(weft_websocket_protocol(socket));
    WEFT_TRY(weft_websocket_send_text(socket, "h\xc3\xa9llo"));
    expect(socket, "h\xc3\xa9llo", 6, true);
    WEFT_TRY(weft_websocket_send(socket, "\0\xff", 2));
    WEFT_TRY(weft_websocket_send(socket, NULL, 0));
    expect(socket, "\0\xff", 2, false);
    expect(socket, "", 0, false);
    ck_assert_int_eq(weft_websocket_send_text(socket, "\xff"), WEFT_EINVAL);
    return weft_close_with(socket, 0);
}

WT_TEST(messages_there_and_back_in_a_task_and_in_a_thread)
{
    struct peer peer;
    peer_start(&peer, echo, NULL);
    ck_assert_int_eq(talk(peer.url), 0);
    ck_assert_int_eq(weft_run(talk, peer.url), 0);
    peer_stop(&peer);
}

enum { LARGE = 1 << 20 };

WEFT_TASK(send_many, (weft_websocket *, socket), (const char *, data))
{
    for (int i = 0; i < 20; i++)
        WEFT_TRY(weft_websocket_send(socket, data, (size_t)i * 1000));
    WEFT_TRY(weft_websocket_send(socket, data, LARGE));
    return weft_websocket_end(socket, 1000, "done");
}

static int send_and_receive(void *url)
{
    char *data = malloc(LARGE);
    ck_assert_ptr_nonnull(data);
    for (size_t i = 0; i < LARGE; i++)
        data[i] = (char)(i * 7);
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_websocket, socket);
    WEFT_TRY(open_socket(url, NULL, &session, &socket));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, send_many, socket, data));
    WEFT_RX(weft_websocket_message, messages);
    WEFT_TRY(weft_websocket_messages(socket, &messages));
    size_t n = 0;
    weft_each (message, messages) {
        ck_assert_uint_eq(message.size, n < 20 ? n * 1000 : (size_t)LARGE);
        ck_assert_mem_eq(message.data, data, message.size);
        n++;
    }
    ck_assert_int_eq(weft_error(messages), 0);
    ck_assert_uint_eq(n, 21);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    free(data);
    const char *reason;
    ck_assert_int_eq(weft_websocket_close_code(socket, &reason), 1000);
    ck_assert_str_eq(reason, "done");
    ck_assert_int_eq(weft_websocket_send_text(socket, "late"), WEFT_ECLOSED);
    ck_assert_int_eq(weft_websocket_end(socket, 1000, NULL), WEFT_ECLOSED);
    return 0;
}

WT_TEST(one_sends_while_another_receives)
{
    struct peer peer;
    peer_start(&peer, echo, NULL);
    ck_assert_int_eq(weft_run(send_and_receive, peer.url), 0);
    peer_stop(&peer);
}

/* ---- what the other side does ----------------------------------------------------------------------------- */

/* All messages, each followed by ;, and the code they end with. */
static int collect(const char *url, const weft_websocket_opts *opts, char *text, int *close_code)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_websocket, socket);
    weft_websocket_message message;
    int rc;
    *text = '\0';
    WEFT_TRY(open_socket(url, opts, &session, &socket));
    while ((rc = weft_websocket_receive(socket, &message)) > 0)
        strcat(strcat(text, message.data), ";");
    ck_assert_int_eq(weft_websocket_receive(socket, &message), rc); /* again and again */
    *close_code = weft_websocket_close_code(socket, NULL);
    return rc;
}

static int after(struct script *script, const weft_websocket_opts *opts, char *text, int *code)
{
    struct peer peer;
    peer_start(&peer, play, script);
    int rc = collect(peer.url, opts, text, code);
    peer_stop(&peer);
    return rc;
}

WT_TEST(breaking_the_rules_is_answered_with_what_was_wrong)
{
    static const struct {
        const char *bytes;
        size_t size;
        int rc, says;
    } cases[] = {
        { "\x81\x01"
          "a\x83\x00",
          5, WEFT_EHTTPPROTO, 1002 },
        { "\x81\x01"
          "a\x81\x01\xff",
          6, WEFT_EHTTPPROTO, 1007 },
        { "\x81\x01"
          "a\x81\x7e\x01\x00",
          7, WEFT_EHTTPLIMIT, 1009 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct script script = { .bytes = cases[i].bytes, .size = cases[i].size };
        char text[64];
        int code;
        int rc = after(&script, WEFT_OPTS(websocket, .max_message = 200), text, &code);
        ck_assert_int_eq(rc, cases[i].rc);
        ck_assert_int_eq(code_said(&script), cases[i].says);
        ck_assert_str_eq(text, "a;");
        ck_assert_int_eq(code, 1006);
    }
}

WT_TEST(an_end_is_answered_with_the_same)
{
    static const struct {
        const char *bytes;
        size_t size;
        int code;
    } cases[] = {
        { "\x81\x01"
          "a\x88\x00",
          5, 1005 },
        { "\x81\x01"
          "a\x88\x02\x03\xe9",
          7, 1001 },
        { "\x81\x01"
          "a\x88\x05\x03\xf3"
          "bye",
          10, 1011 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct script script = { .bytes = cases[i].bytes, .size = cases[i].size };
        char text[64];
        int code;
        ck_assert_int_eq(after(&script, NULL, text, &code), 0);
        ck_assert_str_eq(text, "a;");
        ck_assert_int_eq(code, cases[i].code);
        ck_assert_int_eq(code_said(&script), cases[i].code);
    }
}

WT_TEST(a_connection_cut_at_every_byte)
{
    static const char whole[] = "\x81\x02"
                                "ab\x01\x01"
                                "c\x89\x01p\x80\x01"
                                "d\x88\x02\x03\xe8";
    for (size_t size = 0; size < sizeof(whole) - 1; size++) {
        struct script script = { .bytes = whole, .size = size, .closes = true };
        char text[64];
        int code;
        ck_assert_int_eq(after(&script, NULL, text, &code), WEFT_EEOF);
        ck_assert_str_eq(text, size < 4 ? "" : size < 13 ? "ab;" : "ab;cd;");
        ck_assert_int_eq(code, 1006);
    }
}

WT_TEST(pings_are_answered)
{
    struct script script = { .bytes = "\x89\x04what\x81\x01\x61", .size = 9 };
    char text[64];
    int code;
    ck_assert_int_eq(after(&script, NULL, text, &code), WEFT_EEOF);
    ck_assert_int_eq(script.opcode, FINAL | PONG);
    ck_assert_mem_eq(script.data, "what", 4);
}

static void answer_pings(struct peer *peer, int fd)
{
    struct peer_frame *frame = malloc(sizeof(*frame));
    ck_assert_ptr_nonnull(frame);
    peer_agree(peer, fd, "");
    peer_read_frame(fd, frame);
    ck_assert_int_eq(frame->opcode, FINAL | PING);
    peer_send_frame(fd, FINAL | PONG, frame->data, frame->size);
    /* That a ping comes again says that the first was answered. */
    peer_read_frame(fd, frame);
    ck_assert_int_eq(frame->opcode, FINAL | PING);
    peer_send_frame(fd, FINAL | TEXT, "ok", 2);
    peer_send_frame(fd, FINAL | CLOSE, "", 0);
    peer_wait_for_end(fd);
    free(frame);
}

WT_TEST(a_heartbeat_goes_on_while_it_is_answered)
{
    struct peer peer;
    char text[64];
    int code;
    peer_start(&peer, answer_pings, NULL);
    ck_assert_int_eq(
        collect(peer.url, WEFT_OPTS(websocket, .heartbeat_ns = WEFT_MS(250)), text, &code), 0);
    ck_assert_str_eq(text, "ok;");
    peer_stop(&peer);
}

static void agree_and_hold(struct peer *peer, int fd)
{
    peer_agree(peer, fd, "");
    peer_wait_for_end(fd);
}

WT_TEST(a_heartbeat_that_is_not_answered)
{
    struct peer peer;
    char text[64];
    int code;
    peer_start(&peer, agree_and_hold, NULL);
    ck_assert_int_eq(
        collect(peer.url,
                WEFT_OPTS(websocket, .heartbeat_ns = WEFT_MS(10), .close_timeout_ns = WEFT_MS(1)),
                text, &code),
        WEFT_EHTTPIDLE);
    peer_stop(&peer);
}

/* ---- cancel, and the end ----------------------------------------------------------------------------------- */

static int receive_for(weft_websocket *socket, int64_t d_ns)
{
    weft_websocket_message message;
    WEFT_SCOPE(scope, .timeout_ns = d_ns);
    int rc = weft_websocket_receive(socket, &message);
    return weft_scope_wait_with(&scope, rc < 0 ? rc : 0);
}

static int cancel_receives(void *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_websocket, socket);
    WEFT_TRY(open_socket(url, NULL, &session, &socket));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(receive_for(socket, WEFT_MS(3)), WEFT_ETIMEDOUT);
        WEFT_TRY(weft_websocket_send_text(socket, "a"));
        expect(socket, "a", 1, true);
    }
    return 0;
}

WT_TEST(a_receive_that_was_cancelled_has_received_nothing)
{
    struct peer peer;
    peer_start(&peer, echo, NULL);
    ck_assert_int_eq(cancel_receives(peer.url), 0);
    ck_assert_int_eq(weft_run(cancel_receives, peer.url), 0);
    peer_stop(&peer);
}

struct deaf {
    weft_event has_begun, is_done;
};

/* Reads one byte, and then nothing. */
static void agree_and_be_deaf(struct peer *peer, int fd)
{
    struct deaf *deaf = peer->arg;
    char byte;
    peer_agree(peer, fd, "");
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 1);
    weft_event_set(&deaf->has_begun);
    ck_assert_int_eq(weft_event_wait(&deaf->is_done), 0);
}

WEFT_TASK(send_all, (weft_websocket *, socket), (const char *, data), (size_t, size))
{
    return weft_websocket_send(socket, data, size);
}

WT_TEST(a_long_message_that_is_cancelled_ends_the_connection)
{
    enum { HUGE = 32 << 20 };
    struct peer peer;
    struct deaf deaf = { WEFT_EVENT_INIT(), WEFT_EVENT_INIT() };
    char *data = calloc(1, HUGE);
    ck_assert_ptr_nonnull(data);
    peer_start(&peer, agree_and_be_deaf, &deaf);
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_AUTO(weft_websocket, socket);
        weft_websocket_message message;
        ck_assert_int_eq(open_socket(peer.url, NULL, &session, &socket), 0);
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, send_all, socket, data, (size_t)HUGE), 0);
        ck_assert_int_eq(weft_event_wait(&deaf.has_begun), 0);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
        ck_assert_int_eq(weft_websocket_send_text(socket, "x"), WEFT_ECLOSED);
        ck_assert_int_eq(weft_websocket_receive(socket, &message), WEFT_ECLOSED);
        weft_event_set(&deaf.is_done);
    }
    peer_stop(&peer);
    free(data);
}

WEFT_TASK(receive_when_free, (weft_websocket *, socket))
{
    weft_websocket_message message;
    int rc;
    while ((rc = weft_websocket_receive(socket, &message)) == WEFT_EBUSY)
        WEFT_TRY(weft_pause());
    return rc;
}

WT_TEST(one_receives_at_a_time)
{
    struct peer peer;
    int rc;
    peer_start(&peer, agree_and_hold, NULL);
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_AUTO(weft_websocket, socket);
        ck_assert_int_eq(open_socket(peer.url, WEFT_OPTS(websocket, .close_timeout_ns = WEFT_MS(1)),
                                     &session, &socket),
                         0);
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, receive_when_free, socket), 0);
        while ((rc = receive_for(socket, WEFT_MS(1))) == WEFT_ETIMEDOUT)
            continue;
        ck_assert_int_eq(rc, WEFT_EBUSY);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
        ck_assert_int_eq(weft_close_with(socket, 0), WEFT_EHTTPIDLE);
    }
    peer_stop(&peer);
}

WT_TEST(what_can_not_be_said_at_the_end)
{
    struct peer peer;
    peer_start(&peer, echo, NULL);
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_AUTO(weft_websocket, socket);
        char words[125];
        memset(words, 'x', sizeof(words));
        words[124] = '\0';
        ck_assert_int_eq(open_socket(peer.url, NULL, &session, &socket), 0);
        static const int codes[] = { 0, 999, 1004, 1005, 1006, 1015, 2999, 5000 };
        for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
            ck_assert_int_eq(weft_websocket_end(socket, codes[i], NULL), WEFT_EINVAL);
        ck_assert_int_eq(weft_websocket_end(socket, 1000, words), WEFT_EINVAL);
        ck_assert_int_eq(weft_websocket_end(socket, 1000, "\xff"), WEFT_EINVAL);
        ck_assert_int_eq(weft_websocket_close_code(socket, NULL), 1006);
        words[123] = '\0';
        ck_assert_int_eq(weft_websocket_end(socket, 4999, words), 0);
        weft_websocket_message message;
        ck_assert_int_eq(weft_websocket_receive(socket, &message), 0);
        const char *reason;
        ck_assert_int_eq(weft_websocket_close_code(socket, &reason), 4999);
        ck_assert_str_eq(reason, words);
    }
    peer_stop(&peer);
}

WT_TEST(a_close_does_not_wait_for_ever)
{
    struct peer peer;
    peer_start(&peer, agree_and_hold, NULL);
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_AUTO(weft_websocket, socket);
        ck_assert_int_eq(open_socket(peer.url, WEFT_OPTS(websocket, .close_timeout_ns = WEFT_MS(5)),
                                     &session, &socket),
                         0);
        ck_assert_int_eq(weft_close_with(socket, 0), WEFT_EHTTPIDLE);
    }
    peer_stop(&peer);
}

WT_TEST(a_session_that_is_closed_ends_its_sockets)
{
    struct peer peer;
    weft_websocket_message message;
    peer_start(&peer, agree_and_hold, NULL);
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_AUTO(weft_websocket, socket);
        ck_assert_int_eq(open_socket(peer.url, NULL, &session, &socket), 0);
        ck_assert_int_ge(weft_close_with(session, 0), 0);
        ck_assert_int_eq(weft_websocket_receive(socket, &message), WEFT_ECLOSED);
        ck_assert_int_eq(weft_websocket_send_text(socket, "a"), WEFT_ECLOSED);
        ck_assert_int_eq(weft_close_with(socket, 0), 0);
    }
    peer_stop(&peer);
}

static int say_something(void *arg)
{
    WEFT_AUTO(weft_websocket, socket);
    void **args = arg;
    WEFT_TRY(weft_websocket_open(args[0], args[1], NULL, &socket));
    for (int i = 0; i < 5; i++) {
        WEFT_TRY(weft_websocket_send_text(socket, "a"));
        expect(socket, "a", 1, true);
    }
    return weft_close_with(socket, 0);
}

WEFT_TASK(say_something_in_task, (void **, args)) { return say_something(args); }

WT_TEST(places_are_given_back)
{
    struct peer peer;
    peer_start(&peer, echo, NULL);
    {
        WEFT_AUTO(weft_http_session, session);
        ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .limit = 1), &session), 0);
        void *args[] = { session, peer.url };
        WEFT_SCOPE(scope);
        for (int i = 0; i < 8; i++)
            ck_assert_int_eq(weft_spawn(&scope, say_something_in_task, args), 0);
        ck_assert_int_eq(say_something(args), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
        ck_assert_int_eq(weft_close_with(session, 0), 0);
    }
    peer_stop(&peer);
}

/* ---- who asks ---------------------------------------------------------------------------------------------- */

static const char *asked_with(struct peer *peer, const weft_websocket_opts *opts)
{
    static const weft_http_session_opts as_user = { .user = "Aladdin", .password = "open sesame" };
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_websocket, socket);
    ck_assert_int_eq(weft_http_session_open(&as_user, &session), 0);
    ck_assert_int_eq(weft_websocket_open(session, peer->url, opts, &socket), 0);
    const char *line = strstr(peer->request, "\r\nAuthorization: ");
    ck_assert_ptr_nonnull(line);
    ck_assert_ptr_null(strstr(line + 2, "\r\nAuthorization: "));
    return line;
}

WT_TEST(a_sessions_user_asks_unless_the_socket_says_who_does)
{
    struct peer peer;
    peer_start(&peer, echo, NULL);
    ck_assert_ptr_nonnull(
        strstr(asked_with(&peer, NULL), ": Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
    ck_assert_ptr_nonnull(
        strstr(asked_with(&peer, WEFT_OPTS(websocket, .bearer = "t")), ": Bearer t\r\n"));
    peer_stop(&peer);
}

/* ---- without memory -------------------------------------------------------------------------------------- */

static int say_hello(weft_http_session *session, const char *url)
{
    WEFT_AUTO(weft_websocket, socket);
    weft_websocket_message message;
    WEFT_TRY(weft_websocket_open(session, url, WEFT_OPTS(websocket, .bearer = "t"), &socket));
    WEFT_TRY(weft_websocket_send_text(socket, "hello"));
    WEFT_TRY(weft_websocket_receive(socket, &message));
    ck_assert_str_eq(message.data, "hello");
    return weft_close_with(socket, 0);
}

static void say_hello_with_faults(void *arg)
{
    struct peer peer;
    (void)arg;
    peer_start(&peer, echo, NULL);
    {
        WEFT_AUTO(weft_http_session, session);
        ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
        wt_fault_on(WT_FAULT_MEMORY);
        int rc = say_hello(session, peer.url);
        wt_fault_off();
        ck_assert_msg(rc == 0 || rc == WEFT_ENOMEM, "%d", rc);
    }
    peer_stop(&peer);
}

WT_TEST(without_memory_there_is_an_error_and_nothing_left)
{
    ck_assert_uint_gt(wt_fault_run(say_hello_with_faults, NULL), 8);
}

WT_MAIN("http_websocket")
