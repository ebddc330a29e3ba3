/* SPDX-License-Identifier: MIT
 * How a WebSocket begins. */
#include "nginx.h"
#include "peer.h"
#include "wt_loopback.h"
#include "wt_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_websocket.h>

static void answer(struct peer *peer, int fd)
{
    const char *bytes = peer->arg;
    if (peer_read_request(peer, fd))
        (void)wt_send_all(fd, bytes, strlen(bytes));
}

static int open_with(void (*serve)(struct peer *, int), void *arg, const char *protocols)
{
    struct peer peer;
    peer_start(&peer, serve, arg);
    WEFT_AUTO(weft_http_session, session);
    weft_websocket *socket = NULL;
    int rc = weft_http_session_open(NULL, &session);
    if (rc == 0)
        rc = weft_websocket_open(session, peer.url, WEFT_OPTS(websocket, .protocols = protocols),
                                 &socket);
    (void)weft_websocket_close(socket);
    peer_stop(&peer);
    return rc;
}

static void agree_more(struct peer *peer, int fd)
{
    peer_agree(peer, fd, peer->arg);
    (void)wt_send_all(fd, "\x88\x00", 2);
    peer_wait_for_end(fd);
}

WT_TEST(an_answer_that_does_not_agree)
{
    static const struct {
        const char *bytes;
        int rc;
    } answers[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", WEFT_EHTTPSTATUS },
        { "HTTP/1.1 404 Not Found\r\n\r\n", WEFT_EHTTPSTATUS },
        { "HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n", WEFT_EHTTPSTATUS },
        { "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
          WEFT_EHTTPPROTO },
        { "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
          WEFT_EHTTPPROTO },
        { "no HTTP at all\r\n\r\n", WEFT_EHTTPPROTO },
        { "HTTP/1.1 101 Yes\r\nUpgr", WEFT_EEOF },
        { "HTTP/1.1 103 Soon\r\n\r\n", WEFT_EEOF },
        { "", WEFT_EEOF },
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        ck_assert_msg(open_with(answer, (void *)(size_t)answers[i].bytes, NULL) == answers[i].rc,
                      "%zu", i);
    ck_assert_int_eq(open_with(agree_more, "", NULL), 0);
    ck_assert_int_eq(open_with(agree_more, "Sec-WebSocket-Extensions: x\r\n", NULL),
                     WEFT_EHTTPPROTO);
    ck_assert_int_eq(open_with(agree_more, "Sec-WebSocket-Protocol: chat\r\n", NULL),
                     WEFT_EHTTPPROTO);
    ck_assert_int_eq(open_with(agree_more, "Sec-WebSocket-Protocol: cha\r\n", "a, chat"),
                     WEFT_EHTTPPROTO);
    ck_assert_int_eq(open_with(agree_more, "Sec-WebSocket-Protocol: chat\r\n", "a, chat"), 0);
    ck_assert_int_eq(open_with(agree_more, "Content-Length: 5\r\n", NULL), 0);
    ck_assert_int_eq(open_with(agree_more, "Connection: keep-alive\r\n", NULL), 0);
    ck_assert_int_eq(open_with(agree_more, "Upgrade: websocket\r\n", NULL), WEFT_EHTTPPROTO);
    ck_assert_int_eq(open_with(agree_more,
                               "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: a\r\n",
                               "a, chat"),
                     WEFT_EHTTPPROTO);
}

static void head_bomb(struct peer *peer, int fd)
{
    if (peer_read_request(peer, fd) && wt_send_all(fd, "HTTP/1.1 101 Yes\r\n", 18))
        while (wt_send_all(fd, "X: y\r\n", 6))
            continue;
}

WT_TEST(an_answer_without_an_end)
{
    ck_assert_int_eq(open_with(head_bomb, NULL, NULL), WEFT_EHTTPLIMIT);
}

WT_TEST(what_is_asked_for)
{
    struct peer peer;
    peer_start(&peer, agree_more, "sec-websocket-protocol: chat\r\n");
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_AUTO(weft_websocket, socket);
        const weft_http_field ours[] = { { "X-Session", "s" }, { "X-Both", "s" }, { 0 } };
        const weft_http_field own[] = { { "x-both", "o" }, { 0 } };
        const weft_http_field query[] = { { "q", "a b" }, { 0 } };
        char base[64];
        (void)snprintf(base, sizeof(base), "http%s", strchr(peer.url, ':'));
        ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .base_url = base,
                                                          .headers = ours, .user_agent = "me"),
                                                &session),
                         0);
        ck_assert_int_eq(weft_websocket_open(session, "/chat?x=1",
                                             WEFT_OPTS(websocket, .headers = own, .query = query,
                                                       .bearer = "t", .protocols = "chat, other"),
                                             &socket),
                         0);
        ck_assert_str_eq(weft_websocket_protocol(socket), "chat");
    }
    peer_stop(&peer);
    char host[64];
    (void)snprintf(host, sizeof(host), "Host: 127.0.0.1:%d\r\n", peer.port);
    const char *const lines[] = { "GET /chat?x=1&q=a+b HTTP/1.1\r\n",
                                  host,
                                  "Upgrade: websocket\r\n",
                                  "Connection: Upgrade\r\n",
                                  "Sec-WebSocket-Version: 13\r\n",
                                  "X-Session: s\r\n",
                                  "x-both: o\r\n",
                                  "Authorization: Bearer t\r\n",
                                  "User-Agent: me\r\n",
                                  "Sec-WebSocket-Protocol: chat, other\r\n" };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        ck_assert_msg(strstr(peer.request, lines[i]) != NULL, "%s in %s", lines[i], peer.request);
    ck_assert_ptr_null(strstr(peer.request, "X-Both"));
}

WT_TEST(what_can_not_be_asked_for)
{
    WEFT_AUTO(weft_http_session, session);
    weft_websocket *socket = NULL;
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    static const weft_http_field bad[][2] = {
        { { "Host", "x" }, { 0 } },
        { { "Upgrade", "x" }, { 0 } },
        { { "connection", "x" }, { 0 } },
        { { "Content-Length", "0" }, { 0 } },
        { { "Sec-WebSocket-Key", "x" }, { 0 } },
        { { "X", "a\r\nY: b" }, { 0 } },
        { { "X Y", "a" }, { 0 } },
    };
    const char *url = "ws://127.0.0.1:1/";
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(
            weft_websocket_open(session, url, WEFT_OPTS(websocket, .headers = bad[i]), &socket),
            WEFT_EINVAL);
    ck_assert_int_eq(
        weft_websocket_open(session, url, WEFT_OPTS(websocket, .bearer = "a\nb"), &socket),
        WEFT_EINVAL);
    const char *const offers[] = { "a\nb", "",     " ",       "a b", "a,",
                                   ",a",   "a,,b", "a, b, a", "a;b", "caf\xc3\xa9" };
    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++)
        ck_assert_msg(weft_websocket_open(session, url,
                                          WEFT_OPTS(websocket, .protocols = offers[i]),
                                          &socket) == WEFT_EINVAL,
                      "%s", offers[i]);
    ck_assert_int_eq(weft_websocket_open(
                         session, url, WEFT_OPTS(websocket, .protocols = " a , A,aa,b\t"), &socket),
                     -ECONNREFUSED);
    ck_assert_int_eq(weft_websocket_open(session, "ftp://127.0.0.1/", NULL, &socket), WEFT_EINVAL);
    ck_assert_int_eq(weft_websocket_open(session, url, NULL, &socket), -ECONNREFUSED);
    ck_assert_ptr_null(socket);
}

WT_TEST(through_tls)
{
    struct nginx server;
    char url[96];
    nginx_start(&server);
    {
        WEFT_AUTO(weft_http_session, session);
        weft_websocket *socket = NULL;
        (void)snprintf(url, sizeof(url), "wss%s/echo", strchr(server.tls_url, ':'));
        ck_assert_int_eq(
            weft_http_session_open(WEFT_OPTS(http_session, .ca_file = server.ca_file), &session),
            0);
        /* It answers, though it speaks no WebSocket. */
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(weft_websocket_open(session, url, NULL, &socket), WEFT_EHTTPSTATUS);
        WEFT_AUTO(weft_http_session, stranger);
        ck_assert_int_eq(weft_http_session_open(NULL, &stranger), 0);
        ck_assert_int_eq(weft_websocket_open(stranger, url, NULL, &socket), WEFT_EHTTPTLS);
    }
    nginx_stop(&server);
}
