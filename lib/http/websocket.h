/* SPDX-License-Identifier: MIT
 * A WebSocket: a tunnel, a parser of what comes, and what was said of the end.
 *
 *   K1  One sender and one receiver at a time; each has fields of its own. What both touch, the ring and
 *       the end, is under the role's lock.
 *   K2  A frame is put into the ring whole, so that control frames of the receiver's never come within
 *       one of the sender's; the sender leaves room for them, and all leave room for the last one. A pong
 *       for which there is no room is left out: the other side reads nothing anyway.
 *   K3  Nothing is put in after a frame that says the end. */
#ifndef WF_HTTP_WEBSOCKET_H
#define WF_HTTP_WEBSOCKET_H

#include "http/tunnel.h"
#include "http/websocket_frame.h"

#include <weft/http_websocket.h>

enum { WF_WEBSOCKET_PIECE = 16 << 10 };

struct weft_websocket {
    weft_http_response *x;
    int64_t heartbeat_ns, close_timeout_ns;
    const char *protocol; /* of the head of the answer */

    /* Under the role's lock. */
    bool has_said_end, is_sending, is_receiving;

    /* The sender's. */
    char frame[WF_FRAME_HEAD_MOST + WF_WEBSOCKET_PIECE];
    bool is_broken; /* a message was left in its middle */

    /* The receiver's. */
    struct wf_frame_parser parser;
    bool has_heard_end, has_result;
    int result; /* what receives return from now on */
    int close_code;
    char reason[WF_FRAME_CONTROL_MOST];
};

/* websocket_open.c: what the transfer is; then, with its fields set, asks for it, and reads the answer,
 * whose bytes are taken. */
WF_MUST_CHECK int wf_websocket_prepare(weft_http_response *x, const char *url,
                                       const weft_websocket_opts *opts);
WF_MUST_CHECK int wf_websocket_shake_hands(weft_websocket *socket, const weft_websocket_opts *opts);

#endif
