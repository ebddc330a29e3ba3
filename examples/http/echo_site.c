/* SPDX-License-Identifier: MIT */
#include "echo_site.h"
#include "site.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/websocket_key.h" /* of weft's own source: the answer to a key is a hash of it */

enum { MASK = 4, MOST_BYTES = 125, CLOSE = 0x88 };

static int read_key(weft_reader *in, char key[WF_WEBSOCKET_KEY])
{
    weft_line line;
    int rc;
    *key = '\0';
    while ((rc = weft_reader_line(in, &line)) > 0 && line.size > 0) {
        char text[128];
        (void)snprintf(text, sizeof text, "%.*s", (int)line.size, line.data);
        if (strncasecmp(text, "Sec-WebSocket-Key:", 18) == 0)
            (void)sscanf(text + 18, " %24s", key);
    }
    return rc <= 0 ? WEFT_EEOF : strlen(key) == WF_WEBSOCKET_KEY - 1 ? 0 : WEFT_EHTTPPROTO;
}

static int agree(weft_socket *peer, const char *key)
{
    char accept[WF_WEBSOCKET_ACCEPT], head[256];
    size_t n_written;
    wf_websocket_accept(key, accept);
    int size = snprintf(head, sizeof head,
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                        accept);
    return weft_socket_write_all(peer, head, (size_t)size, &n_written);
}

/* A client masks what it sends, a server does not. */
static int send_back(weft_reader *in, weft_socket *peer, unsigned char *out_kind)
{
    unsigned char frame[2 + MOST_BYTES], mask[MASK];
    size_t n;
    WEFT_TRY(weft_reader_exact(in, frame, 2, &n));
    size_t size = frame[1] & 0x7f;
    if (size > MOST_BYTES)
        return WEFT_EHTTPLIMIT;
    WEFT_TRY(weft_reader_exact(in, mask, MASK, &n));
    WEFT_TRY(weft_reader_exact(in, frame + 2, size, &n));
    for (size_t i = 0; i < size; i++)
        frame[2 + i] ^= mask[i % MASK];
    frame[1] = (unsigned char)size;
    *out_kind = frame[0];
    return weft_socket_write_all(peer, frame, 2 + size, &n);
}

static int echo(weft_socket *peer)
{
    char key[WF_WEBSOCKET_KEY];
    unsigned char kind = 0;
    WEFT_AUTO(weft_reader, in);
    WEFT_TRY(weft_reader_open(peer, NULL, &in));
    WEFT_TRY(read_key(in, key));
    WEFT_TRY(agree(peer, key));
    while (kind != CLOSE) /* which is answered by itself */
        WEFT_TRY(send_back(in, peer, &kind));
    return 0;
}

/* One client after the other, until it is cancelled. One that leaves is no fault of the server's. */
WEFT_TASK(serve, (weft_listener *, door))
{
    for (;;) {
        WEFT_AUTO(weft_socket, peer);
        WEFT_TRY(weft_accept(door, &peer));
        (void)echo(peer);
    }
}

int echo_site_open(weft_scope *scope, weft_listener **door, char *url, size_t size)
{
    char where[WEFT_ADDRESS_TEXT];
    WEFT_TRY(site_listen(door, where));
    (void)snprintf(url, size, "ws://%s/", where);
    return weft_spawn(scope, serve, *door);
}
