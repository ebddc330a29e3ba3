/* SPDX-License-Identifier: MIT
 * What comes while a long message is on its way to the other side. */
#include "peer.h"
#include "wt_test.h"

#include <stdlib.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_websocket.h>

enum { FINAL = 0x80, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

/* More than the system takes in while nobody reads. */
enum { HUGE = 32 << 20 };

/* Reads the first piece of a message, says something, and reads on when it was heard. */
struct listener {
    int opcode;
    const char *data;
    weft_event is_heard;
    bool is_answered; /* within the message, and alike */
    int n_pieces;
    int last; /* the opcode of the last frame that was read */
};

static void read_on(struct listener *it, int fd, struct peer_frame *frame)
{
    int answer = FINAL | (it->opcode == PING ? PONG : CLOSE);
    for (bool is_over = false; !is_over; it->last = frame->opcode) {
        peer_read_frame(fd, frame);
        bool is_piece = frame->opcode >= 0 && (frame->opcode & 0x0f) < CLOSE;
        it->n_pieces += is_piece;
        it->is_answered |= frame->opcode == answer && frame->size == strlen(it->data) &&
                           memcmp(frame->data, it->data, frame->size) == 0;
        is_over = frame->opcode < 0 || frame->opcode == (FINAL | CLOSE) ||
                  (is_piece && (frame->opcode & FINAL) != 0);
    }
}

static void interrupt(struct peer *peer, int fd)
{
    struct listener *it = peer->arg;
    struct peer_frame *frame = malloc(sizeof(*frame));
    ck_assert_ptr_nonnull(frame);
    peer_agree(peer, fd, "");
    peer_read_frame(fd, frame);
    ck_assert_int_eq(frame->opcode, BINARY);
    peer_send_frame(fd, FINAL | it->opcode, it->data, strlen(it->data));
    if (it->opcode != CLOSE)
        peer_send_frame(fd, FINAL | TEXT, "go", 2);
    ck_assert_int_eq(weft_event_wait(&it->is_heard), 0);
    read_on(it, fd, frame);
    if (it->opcode != CLOSE)
        peer_send_frame(fd, FINAL | CLOSE, "", 0);
    peer_wait_for_end(fd);
    free(frame);
}

WEFT_TASK(send_long, (weft_websocket *, socket), (const char *, data), (int, expected))
{
    ck_assert_int_eq(weft_websocket_send(socket, data, HUGE), expected);
    return 0;
}

/* What the first receive says while the message is sent, to which the server says what it says. */
static int send_and_hear(struct listener *it, int sent)
{
    struct peer peer;
    char *data = calloc(1, HUGE);
    int rc = -1;
    ck_assert_ptr_nonnull(data);
    peer_start(&peer, interrupt, it);
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_AUTO(weft_websocket, socket);
        weft_websocket_message message;
        ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
        ck_assert_int_eq(weft_websocket_open(session, peer.url, NULL, &socket), 0);
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, send_long, socket, data, sent), 0);
        rc = weft_websocket_receive(socket, &message);
        weft_event_set(&it->is_heard);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
        ck_assert_int_eq(weft_close_with(socket, 0), 0);
    }
    peer_stop(&peer);
    free(data);
    return rc;
}

WT_TEST(a_ping_is_answered_within_a_long_message)
{
    struct listener it = { .opcode = PING, .data = "what", .is_heard = WEFT_EVENT_INIT() };
    ck_assert_int_eq(send_and_hear(&it, 0), 1);
    ck_assert(it.is_answered);
    ck_assert_int_eq(it.last, FINAL);
    ck_assert_int_eq(it.n_pieces, HUGE / (16 << 10) - 1);
}

WT_TEST(an_end_is_answered_within_a_long_message)
{
    struct listener it = { .opcode = CLOSE, .data = "\x03\xe9", .is_heard = WEFT_EVENT_INIT() };
    ck_assert_int_eq(send_and_hear(&it, WEFT_ECLOSED), 0);
    ck_assert(it.is_answered);
    ck_assert_int_lt(it.n_pieces, HUGE / (16 << 10) - 1);
}
