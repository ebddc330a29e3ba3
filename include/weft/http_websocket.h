/* SPDX-License-Identifier: MIT */
/* WebSockets: messages both ways over a connection of an HTTP session.
 *
 *     WEFT_AUTO(weft_websocket, socket);
 *     WEFT_RX(weft_websocket_message, messages);
 *     WEFT_TRY(weft_websocket_open(session, "wss://example.org/chat", NULL, &socket));
 *     WEFT_TRY(weft_websocket_send_text(socket, "hello"));
 *     WEFT_TRY(weft_websocket_messages(socket, &messages));
 *     weft_each (message, messages)
 *         printf("%.*s\n", (int)message.size, message.data);
 *     return weft_error(messages);
 *
 * One task or thread may send while another receives. There is no task behind it: pings are
 * answered, and the other side's end is noticed, while somebody receives. It works with every
 * libcurl that weft works with: the connection is libcurl's, with its proxies and its TLS, the
 * frames on it are weft's (RFC 6455, without extensions).
 *
 * Part of weft-http: weft/http.h has the session.
 */
#ifndef WEFT_HTTP_WEBSOCKET_H
#define WEFT_HTTP_WEBSOCKET_H

#include <weft/base.h>
#include <weft/cleanup.h>
#include <weft/error.h>
#include <weft/half.h>
#include <weft/http_request.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_websocket weft_websocket;

/* A message, valid until the next receive from the same socket. A 0 byte follows its last one. */
typedef struct weft_websocket_message {
    const char *data;
    size_t size;
    bool is_text;                    /* valid UTF-8; else bytes */
} weft_websocket_message;

/* 0 in a field is its default. Text is copied. */
typedef struct weft_websocket_opts {
    size_t size_;
    const weft_http_field *query;    /* appended to the URL, percent-encoded */
    const weft_http_field *headers;  /* beside the session's; those of the same name give way */
    const char *bearer;              /* Authorization: Bearer ... */
    const char *protocols;           /* what is spoken on it, best first: "chat, mqtt";
                                        tokens, none twice */
    size_t max_message;              /* a longer one is WEFT_EHTTPLIMIT; 4 MiB */
    int64_t heartbeat_ns;            /* a receive that waits so long sends a ping, and gives up
                                        after as long again; 0: never */
    int64_t close_timeout_ns;        /* for the other side to end it, too; 10 s */
    weft_http_timeouts timeouts;     /* pool, connect and first byte: of its opening */
} weft_websocket_opts;

/* Opens a WebSocket. url begins with ws:, wss:, http: or https:, or is relative to the
 * session's base_url. opts may be NULL.
 *
 * Redirects are not followed, and the session's cookies not sent. It holds one of the session's
 * places until it is closed, by the caller, before the session's last use.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: the connection is given up
 * From     any thread
 * Returns  0
 *          WEFT_EHTTPSTATUS   the server answers, but does not agree
 *          WEFT_EHTTPPROTO    its answer is none to this request
 *          or as weft_http_request                                                          */
WEFT_API WEFT_MUST_CHECK int weft_websocket_open(weft_http_session *session, const char *url,
                                                      const weft_websocket_opts *opts,
                                                      weft_websocket **out_socket);

/* What the server has chosen of .protocols.
 *
 * Waits    no
 * From     any thread
 * Returns  text that lives as long as the socket; NULL: nothing, or NULL was given           */
WEFT_API const char *weft_websocket_protocol(const weft_websocket *socket);

/* Sends a message, and waits until all of it is handed to the system.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: nothing is sent; a message of more than 16 KiB of which a part is sent already
 *          ends the connection. One that is only waited for goes out: that is 0
 * From     any thread, one at a time
 * Returns  0
 *          WEFT_ECANCELED
 *          WEFT_EINVAL     text that is not UTF-8
 *          WEFT_EBUSY      another sends
 *          WEFT_ECLOSED    the end was said, by either side, or the session is closed
 *          WEFT_EEOF, or -errno of the connection                                           */
WEFT_API WEFT_MUST_CHECK int weft_websocket_send(weft_websocket *socket, const void *data,
                                            size_t size);

/* The same for text: UTF-8, ended by 0.
 *
 * Waits    the task, or a plain thread
 * Cancel   as weft_websocket_send
 * From     any thread, one at a time
 * Returns  as weft_websocket_send                                                                */
WEFT_API WEFT_MUST_CHECK int weft_websocket_send_text(weft_websocket *socket, const char *text);

/* Receives the next message.
 *
 * Waits    the task, or a plain thread
 * Cancel   yes: nothing is received
 * From     any thread, one at a time
 * Returns  1: *out has it
 *          0: the other side has said that this is the end (weft_websocket_close_code)
 *          WEFT_EEOF          it is gone without saying so
 *          WEFT_EHTTPPROTO    what it sends is no WebSocket, or text that is not UTF-8
 *          WEFT_EHTTPLIMIT    a message is longer than .max_message
 *          WEFT_EHTTPIDLE     no answer to a ping
 *          WEFT_EBUSY         another receives
 *          WEFT_ECLOSED       the session is closed
 *          WEFT_ECANCELED, WEFT_ENOMEM, or -errno of the connection                         */
WEFT_API WEFT_MUST_CHECK int weft_websocket_receive(weft_websocket *socket,
                                               weft_websocket_message *out);

/* Messages as a receiver of weft_websocket_message.
 *
 * The socket stays the caller's, and open as long as the receiver, which is the caller's to
 * drop and is written by memcpy. Usually called by weft_websocket_messages.
 *
 * Waits    no; a receive waits as weft_websocket_receive
 * From     any thread
 * Returns  0, or WEFT_ENOMEM                                                                */
WEFT_API WEFT_MUST_CHECK int weft_websocket_messages_open(weft_websocket *socket,
                                                     weft_receiver **out_rx);

/* Says that this is the end, and why; from here on nothing is sent. What the other side still
 * sends can be received, until it says so, too. Once.
 *
 * code is 1000 if all is well, or another that a client may say: 1000 to 1003, 1007 to 1014,
 * 3000 to 4999. reason may be NULL; at most 123 bytes of UTF-8.
 *
 * Waits    no: it goes out with the next receive or close
 * From     any thread, when nobody sends
 * Returns  0
 *          WEFT_EINVAL     a code or a reason that can't be sent
 *          WEFT_ECLOSED    the end was said already                                         */
WEFT_API WEFT_MUST_CHECK int weft_websocket_end(weft_websocket *socket, int code,
                                           const char *reason);

/* What the other side has said at its end: 1000 if all is well. Its words, "" if there are none,
 * go to *out_reason, which may be NULL, and live as long as the socket.
 *
 * Waits    no
 * From     any thread, after a receive of 0
 * Returns  the code; 1005: none was said; 1006: there was no end yet; WEFT_EINVAL for NULL    */
WEFT_API int weft_websocket_close_code(const weft_websocket *socket, const char **out_reason);

/* Closes the socket. NULL is 0.
 *
 * If neither side has said so yet this says the end, with 1000; then it waits until the other
 * side has done so, too, but no longer than .close_timeout_ns. Messages that come meanwhile are
 * dropped.
 *
 * Waits    the task, or a plain thread
 * Cancel   no: shielded, within the teardown budget
 * From     any thread, when no other call uses the socket
 * Returns  0: both sides have said it, or an error was told before
 *          WEFT_EHTTPIDLE   the other side has not, in time; or as weft_websocket_receive         */
WEFT_API int weft_websocket_close(weft_websocket *socket);

#ifdef __cplusplus
}
#else

WEFT_DEFINE_AUTO(weft_websocket, weft_websocket_close)

/* weft_websocket_messages(socket, &messages) */
#define weft_websocket_messages(socket, rx) \
    weft_websocket_messages_open(socket, WEFT_RX_SLOT_(weft_websocket_message, rx))

#endif
#endif
