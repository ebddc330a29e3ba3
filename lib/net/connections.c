/* SPDX-License-Identifier: MIT
 * A listener's connections as a receiver. None is taken before it is asked for, so that the receiver
 * has none that nobody has received; one that is behind it in a channel goes to that one's drop. */
#include "chan/source.h"

#include <weft/listener.h>

#include <string.h>

/* Of a socket that nobody took, by its address. */
static void drop_connection(void *item)
{
    weft_socket *socket;
    memcpy(&socket, item, sizeof socket);
    (void)weft_socket_close(socket);
}

static int connections_recv(weft_receiver *rx, void *out)
{
    weft_socket *socket;
    int rc = wf_unnoted(weft_accept(rx->source, &socket));
    if (rc < 0)
        return rc;
    memcpy(out, &socket, sizeof socket);
    return 1;
}

static int connections_close(weft_receiver *rx) { return weft_listener_close(rx->source); }

static const struct wf_source_ops connections_ops = {
    .kind = "connections",
    .recv = connections_recv,
    .close = connections_close,
};

int weft_listener_connections_open(weft_listener *listener, weft_receiver **out_rx)
{
    wf_note_call();
    if (listener == NULL)
        return WEFT_EINVAL;
    int rc = WEFT_EINVAL;
    weft_receiver *rx = NULL;
    if (out_rx != NULL) {
        rx = wf_receiver_make(&connections_ops, listener, sizeof(weft_socket *), __FILE__,
                              __LINE__);
        rc = rx != NULL ? 0 : WEFT_ENOMEM;
    }
    if (rx == NULL) {
        (void)wf_unnoted(weft_listener_close(listener));
        return rc;
    }
    rx->drop_item = drop_connection;
    memcpy(out_rx, &rx, sizeof rx);
    return 0;
}
