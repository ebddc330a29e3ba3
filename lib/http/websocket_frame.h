/* SPDX-License-Identifier: MIT
 * Frames of a WebSocket (RFC 6455, 5): messages out of a server's bytes, wherever these are split, and
 * the bytes of a client's frames. It knows nothing of connections. */
#ifndef WF_HTTP_WEBSOCKET_FRAME_H
#define WF_HTTP_WEBSOCKET_FRAME_H

#include "plat/cc.h"

enum {
    WF_FRAME_CONTINUED = 0,
    WF_FRAME_TEXT = 1,
    WF_FRAME_BINARY = 2,
    WF_FRAME_CLOSE = 8,
    WF_FRAME_PING = 9,
    WF_FRAME_PONG = 10,

    WF_FRAME_CONTROL_MOST = 125,
    WF_FRAME_HEAD_MOST = 14,
};

struct wf_frame_parser {
    size_t max_message;

    /* The frame under way. */
    unsigned char head[10];
    unsigned n_head;
    bool has_head, is_final;
    int opcode;
    uint64_t left; /* bytes of it that are still to come */

    /* The message under way, of which control frames may come in the middle. */
    int type; /* WF_FRAME_TEXT, WF_FRAME_BINARY; 0: there is none */
    bool has_given;
    char *data;
    size_t size, room;
    unsigned n_control;
    char control[WF_FRAME_CONTROL_MOST + 1]; /* of the last control frame, ended by 0 */

    int close_code; /* after WF_FRAME_CLOSE what it says, after an error what to say */
};

void wf_frame_parser_init(struct wf_frame_parser *parser, size_t max_message);
void wf_frame_parser_destroy(struct wf_frame_parser *parser);

/* Takes bytes until a message or a control frame is complete. TEXT or BINARY: a whole message, in data
 * until the next call; CLOSE, PING, PONG: what it carries is in control; 0: all bytes were taken; < 0:
 * the other side breaks the rules, or the limit. *n_taken is written in every case. */
WF_MUST_CHECK int wf_frame_parse(struct wf_frame_parser *parser, const char *data, size_t size,
                                 size_t *n_taken);

/* Writes a frame: at most WF_FRAME_HEAD_MOST + size bytes. How many. */
size_t wf_frame_write(char *to, int opcode, bool is_final, const unsigned char mask[4],
                      const void *data, size_t size);

bool wf_is_utf8(const char *text, size_t size);

#endif
