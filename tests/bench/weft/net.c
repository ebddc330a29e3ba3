/* SPDX-License-Identifier: MIT */
/* TCP on loopback: requests of 64 bytes that come back, one at a time on each connection. Servers
 * and clients are tasks of one process. */
#include "bench.h"

#include <stdlib.h>
#include <sys/resource.h>

int case_tcp_echo_c1(struct bench *b);
int case_tcp_echo_c64(struct bench *b);
int case_tcp_echo_c1000(struct bench *b);

enum { SIZE = 64, ROOM = 1024 };

WEFT_TASK(echo, (auto, weft_socket, peer))
{
    char buf[ROOM];
    int64_t n;
    while ((n = weft_socket_read(peer, buf, sizeof buf)) > 0) {
        size_t n_written;
        WEFT_TRY(weft_socket_write_all(peer, buf, (size_t)n, &n_written));
    }
    return (int)n;
}

WEFT_TASK(serve, (weft_listener *, door), (int, n_clients))
{
    WEFT_SCOPE(scope);
    for (; n_clients > 0; n_clients--) {
        WEFT_AUTO(weft_socket, peer);
        WEFT_TRY(weft_accept(door, &peer));
        WEFT_TRY(weft_spawn(&scope, echo, WEFT_MOVE(peer)));
    }
    return weft_scope_wait(&scope);
}

struct client {
    const weft_address *to;
    weft_event *go;
    weft_wait_group *are_ready;
    int64_t n_each;
    int64_t *delays_ns; /* of each request */
    int64_t n_bytes;
};

static int exchange(weft_socket *peer)
{
    char request[SIZE] = "there and back", reply[ROOM];
    size_t n;
    WEFT_TRY(weft_socket_write_all(peer, request, SIZE, &n));
    for (size_t got = 0; got < SIZE;) {
        int64_t more = weft_socket_read(peer, reply + got, sizeof reply - got);
        if (more <= 0)
            return more == 0 ? WEFT_EEOF : (int)more;
        got += (size_t)more;
    }
    return 0;
}

static int ask(struct client *it, weft_socket *peer)
{
    for (int64_t i = 0; i < it->n_each; i++) {
        int64_t began_ns = weft_now_ns();
        WEFT_TRY(exchange(peer));
        it->delays_ns[i] = weft_now_ns() - began_ns;
        it->n_bytes += SIZE;
    }
    return 0;
}

WEFT_TASK(client, (struct client *, it))
{
    WEFT_AUTO(weft_socket, peer);
    WEFT_TRY(weft_connect_to(it->to, NULL, &peer));
    WEFT_TRY(exchange(peer)); /* the server has begun */
    weft_wait_group_done(it->are_ready);
    WEFT_TRY(weft_event_wait(it->go));
    return ask(it, peer);
}

static int by_size(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static int tell(const struct bench *b, int64_t *delays_ns, int64_t n)
{
    qsort(delays_ns, (size_t)n, sizeof *delays_ns, by_size);
    WEFT_TRY(bench_time(b, n, "ns"));
    return bench_report("p99", (double)delays_ns[n - 1 - n / 100] / 1e3, "us");
}

static int run(struct bench *b, struct client *clients, int n_clients, int64_t *delays_ns)
{
    WEFT_AUTO(weft_listener, door);
    weft_address at;
    weft_event go = { 0 };
    weft_wait_group are_ready = { 0 };
    int64_t n_each = b->n / n_clients > 0 ? b->n / n_clients : 1, n_bytes = 0;
    WEFT_TRY(weft_listen("127.0.0.1:0", NULL, &door));
    WEFT_TRY(weft_listener_address(door, &at));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, serve, door, n_clients));
    weft_wait_group_add(&are_ready, (uint32_t)n_clients);
    for (int i = 0; i < n_clients; i++) {
        clients[i] = (struct client){ &at, &go, &are_ready, n_each, &delays_ns[n_each * i], 0 };
        WEFT_TRY(weft_spawn(&scope, client, &clients[i]));
    }
    WEFT_TRY(weft_wait_group_wait(&are_ready));
    bench_begin(b);
    weft_event_set(&go);
    WEFT_TRY(weft_scope_wait(&scope));
    bench_end(b);
    for (int i = 0; i < n_clients; i++)
        n_bytes += clients[i].n_bytes;
    WEFT_TRY(bench_check("bytes", n_bytes, n_each * n_clients * SIZE));
    return tell(b, delays_ns, n_each * n_clients);
}

/* Two descriptors for each connection: fewer of them where the system does not allow so many. */
static int allowed_clients(int n_clients)
{
    enum { OTHERS = 64 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return n_clients;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    rlim_t most = limit.rlim_max > OTHERS ? (limit.rlim_max - OTHERS) / 2 : 1;
    return most < (rlim_t)n_clients ? (int)most : n_clients;
}

static int echo_from(struct bench *b, int n_wanted)
{
    int n_clients = allowed_clients(n_wanted);
    struct client *clients = calloc((size_t)n_clients, sizeof *clients);
    int64_t *delays_ns = calloc((size_t)b->n + (size_t)n_clients, sizeof *delays_ns);
    int rc = clients != NULL && delays_ns != NULL ? run(b, clients, n_clients, delays_ns)
                                                  : WEFT_ENOMEM;
    free(clients);
    free(delays_ns);
    return rc;
}

int case_tcp_echo_c1(struct bench *b) { return echo_from(b, 1); }
int case_tcp_echo_c64(struct bench *b) { return echo_from(b, 64); }
int case_tcp_echo_c1000(struct bench *b) { return echo_from(b, 1000); }
