/* SPDX-License-Identifier: MIT */
/* An echo server and its clients, all tasks: a connection closes itself, whoever leaves first. */
#include <stdio.h>
#include <weft.h>

enum { N_CLIENTS = 3, N_LINES = 2 };

WEFT_TASK(echo, (auto, weft_socket, peer))
{
    char buf[512];
    int64_t n;
    while ((n = weft_socket_read(peer, buf, sizeof buf)) > 0) {
        size_t n_written;
        WEFT_TRY(weft_socket_write_all(peer, buf, (size_t)n, &n_written));
    }
    return (int)n; /* 0: the client has ended */
}

/* Until it is cancelled: then it stops accepting, and its connections end. */
WEFT_TASK(serve, (weft_listener *, door))
{
    WEFT_SCOPE(connections);
    for (;;) {
        WEFT_AUTO(weft_socket, peer);
        WEFT_TRY(weft_accept(door, &peer));
        WEFT_TRY(weft_spawn(&connections, echo, WEFT_MOVE(peer)));
    }
}

/* Lines there and back; each answer has ten seconds at most. */
static int talk(weft_socket *peer, int id)
{
    WEFT_AUTO(weft_reader, in);
    WEFT_TRY(weft_reader_open(peer, NULL, &in));
    for (int i = 0; i < N_LINES; i++) {
        char request[32];
        size_t n;
        weft_line line;
        int size = snprintf(request, sizeof request, "client %d, line %d\n", id, i);
        WEFT_SCOPE(limit, .timeout_ns = WEFT_MS(10000));
        WEFT_TRY(weft_socket_write_all(peer, request, (size_t)size, &n));
        WEFT_TRY(weft_reader_line(in, &line));
        WEFT_TRY(weft_scope_wait(&limit));
        if (id == 0)
            printf("%.*s\n", (int)line.size, line.data);
    }
    return 0;
}

WEFT_TASK(client, (const char *, where), (int, id), (tx, int, done))
{
    WEFT_AUTO(weft_socket, peer);
    WEFT_TRY(weft_connect(where, NULL, &peer));
    WEFT_TRY(talk(peer, id));
    return weft_send(done, id);
}

static int main_task(void *arg)
{
    WEFT_AUTO(weft_listener, door);
    char where[WEFT_ADDRESS_TEXT];
    weft_address address;
    (void)arg;
    WEFT_TRY(weft_listen("127.0.0.1:0", NULL, &door)); /* any port that is free */
    WEFT_TRY(weft_listener_address(door, &address));
    WEFT_TRY(weft_address_text(&address, where, sizeof where));

    WEFT_TX(int, done_tx);
    WEFT_RX(int, done);
    WEFT_TRY(weft_chan_open(&done_tx, &done, N_CLIENTS));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, serve, door));
    for (int id = 0; id < N_CLIENTS; id++)
        WEFT_TRY(weft_spawn(&scope, client, where, id, weft_ref(done_tx)));
    WEFT_DROP(done_tx);

    int n_done = 0;
    weft_each (id, done)
        n_done += id >= 0;
    printf("%d clients have been answered\n", n_done);
    return weft_error(done); /* the server is cancelled on the way out */
}

int main(void) { return weft_run(main_task, NULL) < 0; }
