/* SPDX-License-Identifier: MIT
 * Connections that come, talk, are cut short and go, between tasks and a plain thread.
 *
 * The laws: whoever talks to the end gets back what it sent; of all that clients got, the server
 * wrote each byte, of all it wrote it read each, of all it read clients sent each; and no
 * descriptor stays open (the harness looks at that). */
#include "wt_test.h"

#include <errno.h>
#include <stdatomic.h>
#include <weft.h>

#define OK(call) ck_assert_int_eq((call), 0)

enum { N_CLIENTS = 6, MOST_BYTES = 8192 };

static _Atomic uint64_t n_sent, n_taken, n_echoed, n_got, n_whole;

static char byte_at(size_t i) { return (char)(i * 7 + i / 251); }

/* ---- the server ------------------------------------------------------------------------------------- */

WEFT_TASK(echo, (auto, weft_socket, peer))
{
    char buf[700];
    int64_t n;
    while ((n = weft_socket_read(peer, buf, sizeof buf)) > 0) {
        size_t n_written;
        atomic_fetch_add(&n_taken, (uint64_t)n);
        int rc = weft_socket_write_all(peer, buf, (size_t)n, &n_written);
        atomic_fetch_add(&n_echoed, n_written);
        if (rc < 0)
            break;
    }
    return 0; /* a client that is cut short resets its connection */
}

WEFT_TASK(serve, (weft_listener *, door))
{
    WEFT_SCOPE(connections);
    for (;;) {
        WEFT_AUTO(weft_socket, peer);
        WEFT_TRY(weft_accept(door, &peer));
        WEFT_TRY(weft_spawn(&connections, echo, WEFT_MOVE(peer)));
    }
}

/* ---- clients ------------------------------------------------------------------------------------------ */

static int send_bytes(weft_socket *peer, size_t size)
{
    char data[MOST_BYTES];
    size_t n;
    for (size_t i = 0; i < size; i++)
        data[i] = byte_at(i);
    int rc = weft_socket_write_all(peer, data, size, &n);
    atomic_fetch_add(&n_sent, n);
    return rc;
}

/* Up to the end; how many. */
static int64_t receive_bytes(weft_socket *peer)
{
    char buf[900];
    int64_t n, n_all = 0;
    while ((n = weft_socket_read(peer, buf, sizeof buf)) > 0) {
        atomic_fetch_add(&n_got, (uint64_t)n);
        int n_wrong = 0; /* each check is a message to another process */
        for (int64_t i = 0; i < n; i++)
            n_wrong += buf[i] != byte_at((size_t)(n_all + i));
        ck_assert_int_eq(n_wrong, 0);
        n_all += n;
    }
    return n < 0 ? n : n_all;
}

static int talk_to_the_end(const weft_address *at, size_t size)
{
    WEFT_AUTO(weft_socket, peer);
    WEFT_TRY(weft_connect_to(at, NULL, &peer));
    WEFT_TRY(send_bytes(peer, size));
    WEFT_TRY(weft_socket_shutdown(peer, WEFT_WRITABLE));
    int64_t n = receive_bytes(peer);
    ck_assert_int_eq((int)n, (int)size);
    atomic_fetch_add(&n_whole, 1);
    return 0;
}

/* Until its time is over, whatever it does then. */
static int be_cut_short(const weft_address *at, int64_t limit_ns)
{
    WEFT_SCOPE(scope, .timeout_ns = limit_ns);
    WEFT_AUTO(weft_socket, peer);
    int rc = weft_connect_to(at, NULL, &peer);
    if (rc >= 0)
        rc = send_bytes(peer, MOST_BYTES);
    if (rc >= 0)
        rc = (int)receive_bytes(peer); /* the server does not end it */
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    return 0;
}

WEFT_TASK(read_until_shut, (weft_socket *, peer))
{
    int64_t n = receive_bytes(peer);
    return n < 0 && n != -ECONNRESET ? (int)n : 0; /* Linux resets it when more comes then */
}

/* Both halves, by another than the one that reads, which may be anywhere in its read. */
static int be_shut_down(const weft_address *at, size_t size)
{
    WEFT_AUTO(weft_socket, peer);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_connect_to(at, NULL, &peer));
    WEFT_TRY(weft_spawn(&scope, read_until_shut, peer));
    WEFT_TRY(send_bytes(peer, size));
    while (wt_random_below(3) != 0)
        WEFT_TRY(weft_pause());
    WEFT_TRY(weft_socket_shutdown(peer, WEFT_READABLE | WEFT_WRITABLE));
    return weft_scope_wait(&scope);
}

static int be_a_client(const weft_address *at, unsigned n_rounds)
{
    for (unsigned round = 0; round < n_rounds; round++) {
        size_t size = 1 + wt_random_below(MOST_BYTES);
        switch (wt_random_below(4)) {
        case 0: WEFT_TRY(be_shut_down(at, size)); break;
        case 1: WEFT_TRY(be_cut_short(at, 1 + (int64_t)wt_random_below(300000))); break;
        default: WEFT_TRY(talk_to_the_end(at, size)); break;
        }
    }
    return talk_to_the_end(at, MOST_BYTES);
}

WEFT_TASK(client, (const weft_address *, at), (unsigned, n_rounds))
{
    return be_a_client(at, n_rounds);
}

struct visit {
    weft_address at;
    unsigned n_rounds;
};

static void client_in_thread(void *arg)
{
    const struct visit *visit = arg;
    OK(be_a_client(&visit->at, visit->n_rounds));
}

WT_TEST(connections_come_and_go)
{
    struct visit visit = { .n_rounds = wt_is_sim() ? 2 : wt_scaled(40) };
    WEFT_AUTO(weft_listener, door);
    wt_seeds_at_most(10);
    n_sent = n_taken = n_echoed = n_got = n_whole = 0;
    OK(weft_listen("127.0.0.1:0", NULL, &door));
    OK(weft_listener_address(door, &visit.at));
    {
        WEFT_SCOPE(scope);
        OK(weft_spawn(&scope, serve, door));
        wt_thread *thread = wt_thread_start(client_in_thread, &visit);
        {
            WEFT_SCOPE(clients);
            for (int i = 0; i < N_CLIENTS; i++)
                OK(weft_spawn(&clients, client, &visit.at, visit.n_rounds));
            OK(weft_scope_wait(&clients));
        }
        wt_thread_join(thread);
        weft_scope_cancel(&scope);
        OK(weft_scope_wait(&scope));
    }
    ck_assert_uint_ge(n_whole, N_CLIENTS + 1);
    ck_assert_uint_le(n_got, n_echoed);
    ck_assert_uint_le(n_echoed, n_taken);
    ck_assert_uint_le(n_taken, n_sent);
}

WT_MAIN("socket_stress")
