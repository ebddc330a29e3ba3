/* SPDX-License-Identifier: MIT */
/* TCP on loopback. With one worker servers and clients share a loop; with two the servers have a
 * loop on a thread of their own. Writes are tried at once, which they never have to wait for here. */
#include "net.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <uv.h>

enum { SIZE = 64, ROOM = 1024 };

struct client {
    uv_tcp_t tcp;
    uv_connect_t connect;
    int64_t n_left, began_ns, *next_delay;
    size_t n_got;
};

struct server {
    uv_tcp_t door;
    uv_loop_t *loop;
    int n_left;
};

static struct client *clients;
static int n_clients, n_connected;
static int64_t n_each, start_ns, end_ns, n_replies;
static struct sockaddr_in at;
static char room[2][ROOM]; /* of the clients' loop and of the servers' */
static uv_loop_t *client_loop;

static void write_now(uv_stream_t *to, char *data, size_t size)
{
    uv_buf_t buf = uv_buf_init(data, (unsigned)size);
    check("bytes written", uv_try_write(to, &buf, 1), (int64_t)size);
}

static void lend_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    *buf = uv_buf_init(room[uv_handle_get_loop(handle) != client_loop], ROOM);
}

/* ---- the servers ------------------------------------------------------------------------------- */

static void freed(uv_handle_t *handle) { free(handle); }

static void echo(uv_stream_t *peer, ssize_t n, const uv_buf_t *buf)
{
    if (n > 0)
        write_now(peer, buf->base, (size_t)n);
    else if (n < 0)
        uv_close((uv_handle_t *)peer, freed);
}

static void accept_one(uv_stream_t *door, int status)
{
    struct server *server = (struct server *)door;
    uv_tcp_t *peer = malloc(sizeof *peer);
    if (status != 0 || peer == NULL || uv_tcp_init(server->loop, peer) != 0 ||
        uv_accept(door, (uv_stream_t *)peer) != 0 || uv_tcp_nodelay(peer, 1) != 0 ||
        uv_read_start((uv_stream_t *)peer, lend_room, echo) != 0)
        fail("no connection");
    if (--server->n_left == 0)
        uv_close((uv_handle_t *)door, NULL);
}

static void listen_on(struct server *server, uv_loop_t *loop)
{
    int size = sizeof at;
    server->loop = loop;
    server->n_left = n_clients;
    uv_ip4_addr("127.0.0.1", 0, &at);
    if (uv_tcp_init(loop, &server->door) != 0 ||
        uv_tcp_bind(&server->door, (const struct sockaddr *)&at, 0) != 0 ||
        uv_listen((uv_stream_t *)&server->door, 4096, accept_one) != 0 ||
        uv_tcp_getsockname(&server->door, (struct sockaddr *)&at, &size) != 0)
        fail("no listener");
}

static void run_loop(void *loop) { uv_run(loop, UV_RUN_DEFAULT); }

/* ---- the clients ------------------------------------------------------------------------------- */

static void ask(struct client *it)
{
    char request[SIZE] = "there and back";
    it->n_got = 0;
    it->began_ns = now_ns();
    write_now((uv_stream_t *)&it->tcp, request, SIZE);
}

static void take_reply(uv_stream_t *peer, ssize_t n, const uv_buf_t *buf)
{
    struct client *it = (struct client *)peer;
    (void)buf;
    if (n < 0)
        fail("a server has gone");
    it->n_got += (size_t)n;
    if (it->n_got < SIZE)
        return;
    *it->next_delay++ = now_ns() - it->began_ns;
    n_replies++;
    if (--it->n_left > 0)
        ask(it);
    else
        uv_close((uv_handle_t *)peer, NULL);
    end_ns = now_ns();
}

static void connected(uv_connect_t *connect, int status)
{
    struct client *it = (struct client *)connect->handle;
    if (status != 0 || uv_tcp_nodelay(&it->tcp, 1) != 0 ||
        uv_read_start((uv_stream_t *)&it->tcp, lend_room, take_reply) != 0)
        fail("no connection");
    if (++n_connected < n_clients)
        return;
    start_ns = now_ns();
    for (int i = 0; i < n_clients; i++)
        ask(&clients[i]);
}

static void connect_all(int64_t *delays)
{
    for (int i = 0; i < n_clients; i++) {
        clients[i].n_left = n_each;
        clients[i].next_delay = &delays[n_each * i];
        if (uv_tcp_init(client_loop, &clients[i].tcp) != 0 ||
            uv_tcp_connect(&clients[i].connect, &clients[i].tcp, (const struct sockaddr *)&at,
                           connected) != 0)
            fail("no client");
    }
}

/* ---- the cases --------------------------------------------------------------------------------- */

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void run_all(int workers, int64_t *delays)
{
    static struct server server;
    uv_loop_t second;
    uv_thread_t thread;
    client_loop = uv_default_loop();
    if (workers > 1 && uv_loop_init(&second) != 0)
        fail("no loop");
    listen_on(&server, workers > 1 ? &second : client_loop);
    if (workers > 1 && uv_thread_create(&thread, run_loop, &second) != 0)
        fail("no thread");
    connect_all(delays);
    run_loop(client_loop);
    if (workers > 1)
        uv_thread_join(&thread);
}

static void echo_from(int64_t n, int workers, int n_connections)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    n_clients = n_connections;
    n_each = n / n_clients > 0 ? n / n_clients : 1;
    n = n_each * n_clients;
    clients = calloc((size_t)n_clients, sizeof *clients);
    int64_t *delays = calloc((size_t)n, sizeof *delays);
    if (clients == NULL || delays == NULL)
        fail("no memory");
    run_all(workers, delays);
    check("replies", n_replies, n);
    qsort(delays, (size_t)n, sizeof *delays, by_size);
    per_op(end_ns - start_ns, n);
    printf("p99 %.6g us\n", (double)delays[n - 1 - n / 100] / 1e3);
    free(delays);
    free(clients);
}

void tcp_echo_c1(int64_t n, int workers) { echo_from(n, workers, 1); }
void tcp_echo_c64(int64_t n, int workers) { echo_from(n, workers, 64); }
void tcp_echo_c1000(int64_t n, int workers) { echo_from(n, workers, 1000); }
