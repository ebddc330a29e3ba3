/* SPDX-License-Identifier: MIT
 * What sockets give as receivers, cancelled at every point and failed at every call: each connection
 * and descriptor is closed, nothing is left. */
#include "wt_test.h"

#include <errno.h>
#include <sys/socket.h>
#include <weft.h>
#include <weft/testing.h>

#define OK(call) ck_assert_int_eq((call), 0)

enum { N_CLIENTS = 3 };

static void try_all(int (*scenario)(void *), const char *name)
{
    weft_points tried = { .size_ = sizeof tried };
    const weft_points_opts opts = { .name = name, .max_runs = 40 };
    OK(weft_try_every_point(scenario, NULL, &opts, &tried));
    OK(tried.rc);
    ck_assert_uint_gt(tried.cancel_runs, 0);
    ck_assert_uint_gt(tried.fault_runs, 0);
}

/* A listener of its own, a client's end and the server's. */
static int open_ends(weft_socket **out_here, weft_socket **out_there)
{
    weft_address at;
    WEFT_AUTO(weft_listener, door);
    WEFT_TRY(weft_listen("127.0.0.1:0", NULL, &door));
    WEFT_TRY(weft_listener_address(door, &at));
    WEFT_TRY(weft_connect_to(&at, NULL, out_here));
    return weft_accept(door, out_there);
}

static int read_lines(void *arg)
{
    WEFT_AUTO(weft_socket, here);
    WEFT_AUTO(weft_socket, there);
    WEFT_AUTO(weft_reader, in);
    WEFT_RX(weft_line, rx);
    size_t n;
    (void)arg;
    WEFT_TRY(open_ends(&here, &there));
    WEFT_TRY(weft_reader_open(here, NULL, &in));
    WEFT_TRY(weft_reader_lines(in, NULL, &rx));
    WEFT_TRY(weft_socket_write_all(there, "a\nb\n", 4, &n));
    WEFT_TRY(weft_socket_shutdown(there, WEFT_WRITABLE));
    weft_each (line, rx)
        ck_assert_uint_eq(line.size, 1);
    return weft_error(rx);
}

WT_TEST(lines_are_cancelled_at_every_point) { try_all(read_lines, "socket lines"); }

/* Until the other side has closed. */
WEFT_TASK(connect_and_read, (weft_address, at))
{
    WEFT_AUTO(weft_socket, peer);
    char byte;
    WEFT_TRY(weft_connect_to(&at, NULL, &peer));
    return (int)weft_socket_read(peer, &byte, 1);
}

static int serve(bool is_buffered)
{
    weft_address at;
    WEFT_AUTO(weft_listener, door);
    WEFT_RX(weft_socket *, peers);
    WEFT_RX(weft_socket *, buffered);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_listen("127.0.0.1:0", NULL, &door));
    WEFT_TRY(weft_listener_address(door, &at));
    WEFT_TRY(weft_listener_connections(WEFT_MOVE(door), &peers));
    if (is_buffered)
        WEFT_TRY(weft_buffer(WEFT_MOVE(peers), N_CLIENTS, &buffered));
    WEFT_TRY(weft_spawn_n(&scope, N_CLIENTS, connect_and_read, at));
    for (int i = 0; i < N_CLIENTS; i++) {
        WEFT_AUTO(weft_socket, peer);
        WEFT_TRY(weft_recv(is_buffered ? buffered : peers, &peer));
    }
    return weft_scope_wait(&scope);
}

static int serve_each(void *arg) { return (void)arg, serve(false); }
static int serve_ahead(void *arg) { return (void)arg, serve(true); }

WT_TEST(connections_are_cancelled_at_every_point) { try_all(serve_each, "connections"); }
WT_TEST(also_those_that_wait_in_a_buffer) { try_all(serve_ahead, "buffered connections"); }

WT_MAIN_BARE("socket_points")
