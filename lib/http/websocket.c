/* SPDX-License-Identifier: MIT
 * Messages both ways, and the end: websocket.h has the rules. */
#include "http/trace.h"
#include "http/websocket.h"

#include "base/opts.h"
#include "plat/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <weft/iterator.h>
#include <weft/scope.h>
#include <weft/task.h>
#include <weft/time.h>

enum {
    CLOSE_MOST = WF_FRAME_HEAD_MOST + WF_FRAME_CONTROL_MOST,
    CONTROL_ROOM = 4 * CLOSE_MOST,

    SAYS_NORMAL = 1000,
    SAYS_NOTHING = 1005,
    SAYS_NO_END = 1006,
};

/* ---- frames into the ring ------------------------------------------------------------------------------- */

/* RFC 6455, 10.3: nobody may foresee it. Without the system's numbers nothing is sent. */
static size_t write_frame(char *to, int opcode, bool is_final, const void *data, size_t size)
{
    unsigned char mask[4];
    if (getrandom(mask, sizeof(mask), 0) != (ssize_t)sizeof(mask))
        return 0;
    return wf_frame_write(to, opcode, is_final, mask, data, size);
}

/* K2, K3. The last one has room that nobody else takes. */
static bool put_control(weft_websocket *socket, int opcode, const void *data, size_t size)
{
    struct wf_http_role *role = &socket->x->session->role;
    char frame[CLOSE_MOST];
    size_t n = write_frame(frame, opcode, true, data, size);
    bool is_end = opcode == WF_FRAME_CLOSE;
    wf_http_role_lock(role);
    bool is_put = n > 0 && !socket->has_said_end &&
                  wf_http_tunnel_put_locked(socket->x, frame, n, is_end ? 0 : CLOSE_MOST);
    socket->has_said_end |= is_put && is_end;
    if (is_end) /* who waits for room waits for nothing */
        wf_http_role_tell_locked(role, &socket->x->up_party);
    wf_http_role_unlock(role);
    return is_put;
}

static bool say_end(weft_websocket *socket, int code, const char *reason, size_t size)
{
    char data[WF_FRAME_CONTROL_MOST] = { (char)(code >> 8), (char)code };
    memcpy(data + 2, reason, size);
    return put_control(socket, WF_FRAME_CLOSE, data, code == SAYS_NOTHING ? 0 : size + 2);
}

/* ---- sending --------------------------------------------------------------------------------------------- */

struct room {
    weft_websocket *socket;
    size_t size;
    size_t mark; /* all up to here has gone */
};

static bool is_over(const weft_websocket *socket) { return socket->x->stage == WF_HTTP_OVER; }

static bool has_room(void *arg)
{
    const struct room *wanted = arg;
    const struct wf_http_ring *out = &wanted->socket->x->out;
    return is_over(wanted->socket) || wanted->socket->has_said_end ||
           out->room - (out->tail - out->head) >= wanted->size + CONTROL_ROOM;
}

static bool has_gone(void *arg)
{
    const struct room *wanted = arg;
    return is_over(wanted->socket) || (ptrdiff_t)(wanted->socket->x->out.head - wanted->mark) >= 0;
}

/* With the lock held: 0: it can be sent to. */
static int state_of(const weft_websocket *socket)
{
    if (socket->has_said_end || socket->is_broken)
        return WEFT_ECLOSED;
    return !is_over(socket) ? 0 : socket->x->code < 0 ? socket->x->code : WEFT_EEOF;
}

static int wait_for(struct room *wanted, bool (*has_come)(void *arg))
{
    weft_http_response *x = wanted->socket->x;
    return wf_http_role_wait(&x->session->role, &x->up_party, has_come, wanted);
}

static int put_piece(weft_websocket *socket, size_t n, size_t *mark)
{
    weft_http_response *x = socket->x;
    struct wf_http_role *role = &x->session->role;
    struct room wanted = { .socket = socket, .size = n };
    bool is_put = false;
    int rc = n > 0 ? 0 : -EIO;
    while (rc == 0 && !is_put) {
        rc = wait_for(&wanted, has_room);
        wf_http_role_lock(role);
        if (rc == 0)
            rc = state_of(socket);
        is_put = rc == 0 && wf_http_tunnel_put_locked(x, socket->frame, n, CONTROL_ROOM);
        *mark = x->out.tail;
        wf_http_role_unlock(role);
    }
    return rc;
}

static int put_message(weft_websocket *socket, int opcode, const char *data, size_t size,
                       size_t *mark)
{
    size_t at = 0, n;
    do {
        n = WF_MIN(size - at, (size_t)WF_WEBSOCKET_PIECE);
        int kind = at == 0 ? opcode : WF_FRAME_CONTINUED;
        size_t n_frame = write_frame(socket->frame, kind, at + n == size, data + at, n);
        int rc = put_piece(socket, n_frame, mark);
        if (rc < 0) {
            socket->is_broken |= at > 0;
            return rc;
        }
        at += n;
    } while (at < size);
    return 0;
}

/* A cancel comes too late for what is in the ring: the next driver sends it. */
static int await_sent(weft_websocket *socket, size_t mark)
{
    struct room wanted = { .socket = socket, .mark = mark };
    int rc = wait_for(&wanted, has_gone);
    struct wf_http_role *role = &socket->x->session->role;
    wf_http_role_lock(role);
    bool is_sent = (ptrdiff_t)(socket->x->out.head - mark) >= 0;
    if (rc == 0 && !is_sent)
        rc = state_of(socket);
    wf_http_role_unlock(role);
    return is_sent || rc == WEFT_ECANCELED ? 0 : rc;
}

static int take_turn(weft_websocket *socket, bool *turn)
{
    struct wf_http_role *role = &socket->x->session->role;
    wf_http_role_lock(role);
    int rc = *turn ? WEFT_EBUSY : 0;
    *turn = true;
    wf_http_role_unlock(role);
    return rc;
}

static void give_turn_back(weft_websocket *socket, bool *turn)
{
    struct wf_http_role *role = &socket->x->session->role;
    wf_http_role_lock(role);
    *turn = false;
    wf_http_role_unlock(role);
}

/* A message was left in its middle: nothing can follow it, but a frame that says the end may be under way. */
static void give_up(weft_websocket *socket, int code)
{
    struct wf_http_role *role = &socket->x->session->role;
    wf_http_role_lock(role);
    if (!socket->has_said_end)
        wf_http_abort_locked(socket->x, code);
    wf_http_role_unlock(role);
}

static int send_message(weft_websocket *socket, int opcode, const char *data, size_t size)
{
    size_t mark = 0;
    if (wf_http_has_forked(socket->x->session))
        return WEFT_EFORK;
    int rc = weft_checkpoint();
    if (rc == 0)
        rc = take_turn(socket, &socket->is_sending);
    if (rc < 0)
        return rc;
    rc = put_message(socket, opcode, data, size, &mark);
    if (rc == 0)
        rc = await_sent(socket, mark);
    if (rc < 0 && socket->is_broken)
        give_up(socket, WEFT_ECLOSED);
    give_turn_back(socket, &socket->is_sending);
    return rc;
}

int weft_websocket_send(weft_websocket *socket, const void *data, size_t size)
{
    if (socket == NULL || (data == NULL && size > 0))
        return WEFT_EINVAL;
    return send_message(socket, WF_FRAME_BINARY, data, size);
}

int weft_websocket_send_text(weft_websocket *socket, const char *text)
{
    size_t size = text != NULL ? strlen(text) : 0;
    if (socket == NULL || text == NULL || !wf_is_utf8(text, size))
        return WEFT_EINVAL;
    return send_message(socket, WF_FRAME_TEXT, text, size);
}

static bool may_be_said(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

int weft_websocket_end(weft_websocket *socket, int code, const char *reason)
{
    size_t size = reason != NULL ? strlen(reason) : 0;
    if (socket == NULL || !may_be_said(code) || size > WF_FRAME_CONTROL_MOST - 2 ||
        (size > 0 && !wf_is_utf8(reason, size)))
        return WEFT_EINVAL;
    if (wf_http_has_forked(socket->x->session))
        return WEFT_EFORK;
    return say_end(socket, code, reason != NULL ? reason : "", size) ? 0 : WEFT_ECLOSED;
}

/* ---- receiving ------------------------------------------------------------------------------------------- */

/* WEFT_ETIMEDOUT: nothing has come. */
static int64_t wait_for_bytes(weft_websocket *socket, int64_t d_ns, const char **data)
{
    WEFT_SCOPE(scope, .move_on = true, .timeout_ns = d_ns);
    int64_t n = wf_http_body_wait(socket->x, data);
    int rc = weft_scope_wait(&scope);
    return n == WEFT_ECANCELED && rc >= 0 ? WEFT_ETIMEDOUT : n;
}

static int64_t next_bytes(weft_websocket *socket, const char **data)
{
    if (socket->heartbeat_ns <= 0)
        return wf_http_body_wait(socket->x, data);
    int64_t n = wait_for_bytes(socket, socket->heartbeat_ns, data);
    if (n != WEFT_ETIMEDOUT)
        return n;
    (void)put_control(socket, WF_FRAME_PING, NULL, 0);
    n = wait_for_bytes(socket, socket->heartbeat_ns, data);
    return n == WEFT_ETIMEDOUT ? WEFT_EHTTPIDLE : n;
}

static void hear_end(weft_websocket *socket)
{
    const struct wf_frame_parser *parser = &socket->parser;
    socket->has_heard_end = true;
    socket->close_code = parser->close_code;
    size_t size = parser->n_control > 2 ? parser->n_control - 2 : 0;
    memcpy(socket->reason, parser->control + 2, size);
    (void)say_end(socket, parser->close_code, "", 0);
}

/* 1: a message, or the end; 0: go on. */
static int take_bytes(weft_websocket *socket, const char *data, size_t size)
{
    struct wf_frame_parser *parser = &socket->parser;
    size_t n_taken;
    int rc = wf_frame_parse(parser, data, size, &n_taken);
    wf_http_body_taken(socket->x, n_taken);
    switch (rc) {
    case WF_FRAME_TEXT:
    case WF_FRAME_BINARY: return 1;
    case WF_FRAME_CLOSE: hear_end(socket); return 1;
    case WF_FRAME_PING:
        (void)put_control(socket, WF_FRAME_PONG, parser->control, parser->n_control);
        return 0;
    case WF_FRAME_PONG: return 0;
    default:
        if (rc < 0)
            (void)say_end(socket, parser->close_code, "", 0);
        return rc;
    }
}

/* 1: a message, 0: the end. */
static int receive(weft_websocket *socket)
{
    const char *data = NULL;
    int rc = 0;
    while (rc == 0) {
        int64_t n = next_bytes(socket, &data);
        if (n <= 0)
            return n == 0 ? WEFT_EEOF : (int)n;
        rc = take_bytes(socket, data, (size_t)n);
    }
    return rc < 0 ? rc : !socket->has_heard_end;
}

static int receive_or_repeat(weft_websocket *socket)
{
    if (socket->has_result)
        return socket->result;
    int rc = receive(socket);
    if (rc <= 0 && rc != WEFT_ECANCELED) {
        socket->has_result = true;
        socket->result = rc;
    }
    return rc;
}

int weft_websocket_receive(weft_websocket *socket, weft_websocket_message *out)
{
    if (socket == NULL || out == NULL)
        return WEFT_EINVAL;
    if (wf_http_has_forked(socket->x->session))
        return WEFT_EFORK;
    int rc = weft_checkpoint();
    if (rc == 0)
        rc = take_turn(socket, &socket->is_receiving);
    if (rc < 0)
        return rc;
    rc = receive_or_repeat(socket);
    const struct wf_frame_parser *parser = &socket->parser;
    if (rc > 0)
        *out = (weft_websocket_message){ parser->data, parser->size,
                                         parser->type == WF_FRAME_TEXT };
    give_turn_back(socket, &socket->is_receiving);
    return rc;
}

static int next_message(void *state, void *out)
{
    weft_websocket_message message;
    int rc = weft_websocket_receive(*(weft_websocket **)state, &message);
    if (rc > 0)
        memcpy(out, &message, sizeof(message));
    return rc;
}

int weft_websocket_messages_open(weft_websocket *socket, weft_receiver **out_rx)
{
    if (socket == NULL || out_rx == NULL)
        return WEFT_EINVAL;
    weft_iterator_opts opts = {
        .size_ = sizeof(opts), .name = "WebSocket", .next = next_message, .lends_items = true
    };
    return weft_iterator_open(&opts, &socket, sizeof(weft_websocket *),
                              sizeof(weft_websocket_message), out_rx);
}

int weft_websocket_close_code(const weft_websocket *socket, const char **out_reason)
{
    if (socket == NULL)
        return WEFT_EINVAL;
    if (out_reason != NULL)
        *out_reason = socket->reason;
    return socket->close_code;
}

const char *weft_websocket_protocol(const weft_websocket *socket)
{
    return socket != NULL ? socket->protocol : NULL;
}

/* ---- opening and closing ----------------------------------------------------------------------------------- */

static bool is_silent(void *arg)
{
    const weft_http_response *x = arg;
    return x->stage == WF_HTTP_OVER || x->out.head == x->out.tail;
}

/* Until the other side has said the end, too, and what was said to it has gone. */
static int let_end(weft_websocket *socket)
{
    WEFT_SCOPE(scope, .move_on = true, .timeout_ns = socket->close_timeout_ns);
    int rc = 1;
    socket->heartbeat_ns = 0;
    (void)say_end(socket, SAYS_NORMAL, "", 0);
    while (rc > 0)
        rc = receive_or_repeat(socket);
    if (rc == 0 || rc == WEFT_EHTTPPROTO || rc == WEFT_EHTTPLIMIT) {
        int gone = wf_http_wait(socket->x, is_silent);
        rc = gone < 0 ? gone : rc;
    }
    int waited = weft_scope_wait(&scope);
    return rc == WEFT_ECANCELED && waited >= 0 ? WEFT_EHTTPIDLE : rc;
}

static void free_socket(weft_websocket *socket)
{
    wf_frame_parser_destroy(&socket->parser);
    (void)weft_http_response_close(socket->x);
    wf_free(socket);
}

static void free_failed(weft_websocket *socket, int rc)
{
    if (socket->x->trace != NULL)
        wf_http_trace_end(socket->x, rc);
    free_socket(socket);
}

int weft_websocket_close(weft_websocket *socket)
{
    if (socket == NULL)
        return 0;
    if (wf_http_has_forked(socket->x->session))
        return WEFT_EFORK;
    weft_closing closing;
    weft_closing_begin(&closing);
    bool was_told = socket->has_result && socket->result < 0;
    int rc = let_end(socket);
    free_socket(socket);
    weft_closing_end(&closing, "weft_websocket", __FILE__, __LINE__);
    return was_told ? 0 : rc;
}

static int open_socket(weft_websocket *socket, const weft_websocket_opts *opts)
{
    socket->heartbeat_ns = opts->heartbeat_ns;
    socket->close_timeout_ns = opts->close_timeout_ns > 0 ? opts->close_timeout_ns : WEFT_SEC(10);
    socket->close_code = SAYS_NO_END;
    wf_frame_parser_init(&socket->parser,
                         opts->max_message != 0 ? opts->max_message : (size_t)4 << 20);
    return wf_websocket_shake_hands(socket, opts);
}

int weft_websocket_open(weft_http_session *session, const char *url,
                        const weft_websocket_opts *user_opts, weft_websocket **out_socket)
{
    weft_websocket_opts opts = { .size_ = 0 };
    if (session == NULL || url == NULL || out_socket == NULL)
        return WEFT_EINVAL;
    if (wf_http_has_forked(session))
        return WEFT_EFORK;
    wf_opts_copy(&opts, sizeof(opts), user_opts);
    weft_websocket *socket = wf_alloc(1, sizeof(*socket));
    int rc = socket == NULL ? WEFT_ENOMEM : wf_http_response_make(session, &socket->x);
    if (rc == 0)
        rc = wf_websocket_prepare(socket->x, url, &opts);
    if (rc == 0)
        rc = open_socket(socket, &opts);
    if (rc < 0) {
        if (socket != NULL && socket->x != NULL)
            free_failed(socket, rc);
        else
            wf_free(socket);
        return rc;
    }
    wf_http_response_opened(socket->x, "WebSocket");
    *out_socket = socket;
    return 0;
}
