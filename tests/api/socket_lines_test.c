/* SPDX-License-Identifier: MIT
 * What sockets give as receivers: the lines of a buffered reader, the connections of a listener. */
#include "wt_test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weft.h>

#define OK(call) ck_assert_int_eq((call), 0)

/* ---- lines ------------------------------------------------------------------------------------------ */

struct ends {
    weft_socket *here, *there;
};

static int open_pair(struct ends *out)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        return -errno;
    int rc = weft_socket_adopt(fds[0], &out->here);
    if (rc == 0 && (rc = weft_socket_adopt(fds[1], &out->there)) == 0)
        return 0;
    if (rc < 0)
        close(fds[1]);
    (void)weft_socket_close(out->here);
    return rc;
}

static void close_pair(struct ends pair)
{
    (void)weft_socket_close(pair.here);
    (void)weft_socket_close(pair.there);
}

WEFT_TASK(write_bytes, (weft_socket *, to), (const char *, text))
{
    for (; *text != '\0'; text++) {
        size_t n;
        WEFT_TRY(weft_socket_write_all(to, text, 1, &n));
        WEFT_TRY(weft_pause());
    }
    return weft_socket_shutdown(to, WEFT_WRITABLE);
}

static void expect_text(weft_line line, const char *text)
{
    ck_assert_uint_eq(line.size, strlen(text));
    ck_assert_int_eq(memcmp(line.data, text, line.size), 0);
}

WT_TEST(lines_of_a_reader_are_a_receiver)
{
    static const char *const lines[] = { "one", "", "three" };
    wt_seeds_at_most(30);
    struct ends pair;
    OK(open_pair(&pair));
    {
        WEFT_AUTO(weft_reader, in);
        WEFT_RX(weft_line, rx);
        size_t n = 0;
        WEFT_SCOPE(scope);
        OK(weft_reader_open(pair.here, NULL, &in));
        OK(weft_spawn(&scope, write_bytes, pair.there, "one\n\r\nthree"));
        OK(weft_reader_lines(in, NULL, &rx));
        weft_each (line, rx)
            expect_text(line, lines[n++]);
        OK(weft_error(rx));
        ck_assert_uint_eq(n, 3);
        OK(weft_scope_wait(&scope));
    }
    close_pair(pair);
}

/* What the reader has read already comes first. */
WT_TEST(lines_begin_where_the_reader_is)
{
    struct ends pair;
    weft_line line;
    size_t n;
    OK(open_pair(&pair));
    {
        WEFT_AUTO(weft_reader, in);
        WEFT_RX(weft_line, rx);
        OK(weft_reader_open(pair.here, NULL, &in));
        OK(weft_socket_write_all(pair.there, "head\nfirst\nsecond\n", 18, &n));
        OK(weft_socket_shutdown(pair.there, WEFT_WRITABLE));
        ck_assert_int_eq(weft_reader_line(in, &line), 1);
        expect_text(line, "head");
        OK(weft_reader_lines(in, WEFT_OPTS(lines, .keep_ends = true), &rx));
        ck_assert_int_eq(weft_recv(rx, &line), 1);
        expect_text(line, "first\n");
        ck_assert_int_eq(weft_recv(rx, &line), 1);
        expect_text(line, "second\n");
        OK(weft_recv(rx, &line));
    }
    close_pair(pair);
}

WT_TEST(lines_of_a_pipe_by_a_reader_too)
{
    int fds[2];
    weft_line line;
    OK(pipe2(fds, O_CLOEXEC | O_NONBLOCK));
    {
        WEFT_AUTO(weft_reader, in);
        WEFT_RX(weft_line, rx);
        OK(weft_reader_open_fd(fds[0], NULL, &in));
        OK(weft_reader_lines(in, WEFT_OPTS(lines, .max_line = 4), &rx));
        ck_assert_int_eq(write(fds[1], "abc\n12345\nd\n", 12), 12);
        ck_assert_int_eq(weft_recv(rx, &line), 1);
        expect_text(line, "abc");
        ck_assert_int_eq(weft_recv(rx, &line), WEFT_ELINE);
        OK(weft_recv(rx, &line)); /* once; then they end */
    }
    weft_fd_forget(fds[0]);
    OK(close(fds[0]));
    OK(close(fds[1]));
}

WEFT_TASK(receive_line, (weft_rx(weft_line), rx), (weft_line *, out)) { return weft_recv(rx, out); }

WT_TEST(a_cancelled_receive_of_a_line_loses_nothing)
{
    wt_seeds_at_most(30);
    struct ends pair;
    weft_line line;
    size_t n;
    OK(open_pair(&pair));
    {
        WEFT_AUTO(weft_reader, in);
        WEFT_RX(weft_line, rx);
        OK(weft_reader_open(pair.here, NULL, &in));
        OK(weft_reader_lines(in, NULL, &rx));
        OK(weft_socket_write_all(pair.there, "ha", 2, &n));
        {
            WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(1));
            OK(weft_spawn(&scope, receive_line, rx, &line));
            ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
        }
        OK(weft_socket_write_all(pair.there, "lf\n", 3, &n));
        ck_assert_int_eq(weft_recv(rx, &line), 1);
        expect_text(line, "half");
    }
    close_pair(pair);
}

WT_TEST(a_select_of_lines_says_what_is_missing)
{
    struct ends pair;
    weft_line line;
    size_t n;
    int rc;
    OK(open_pair(&pair));
    {
        WEFT_AUTO(weft_reader, in);
        WEFT_RX(weft_line, rx);
        WEFT_RX(weft_line, buffered);
        OK(weft_reader_open(pair.here, NULL, &in));
        OK(weft_reader_lines(in, NULL, &rx));
        ck_assert_int_eq(weft_select(&rc, weft_on_recv(rx, &line)), WEFT_ENOTSUP);
        ck_assert_ptr_nonnull(strstr(weft_strerror(WEFT_ENOTSUP), "weft_buffer"));
        OK(weft_buffer(WEFT_MOVE(rx), 4, &buffered));
        OK(weft_socket_write_all(pair.there, "line\n", 5, &n));
        ck_assert_int_eq(weft_select(&rc, weft_on_recv(buffered, &line)), 0);
        ck_assert_int_eq(rc, 1);
        expect_text(line, "line");
    }
    close_pair(pair);
}

/* ---- connections ------------------------------------------------------------------------------------- */

enum { N_CLIENTS = 5 };

/* An address of this machine, known before the listener is the receiver's. */
static int listen_here(weft_listener **out_door, weft_address *out_at)
{
    WEFT_AUTO(weft_listener, door);
    WEFT_TRY(weft_listen("127.0.0.1:0", NULL, &door));
    WEFT_TRY(weft_listener_address(door, out_at));
    *out_door = WEFT_STEAL(door);
    return 0;
}

/* Until the other side has closed: 0. */
WEFT_TASK(connect_and_read, (weft_address, at))
{
    WEFT_AUTO(weft_socket, peer);
    char byte;
    WEFT_TRY(weft_connect_to(&at, NULL, &peer));
    int64_t n = weft_socket_read(peer, &byte, 1);
    return n == -ECONNRESET ? 0 : (int)n;
}

static int serve_all(void *arg)
{
    weft_address at;
    WEFT_AUTO(weft_listener, door);
    WEFT_RX(weft_socket *, peers);
    int n = 0;
    (void)arg;
    WEFT_SCOPE(scope);
    WEFT_TRY(listen_here(&door, &at));
    WEFT_TRY(weft_listener_connections(WEFT_MOVE(door), &peers));
    WEFT_TRY(weft_spawn_n(&scope, N_CLIENTS, connect_and_read, at));
    while (n < N_CLIENTS) {
        WEFT_AUTO(weft_socket, peer);
        int rc = WEFT_TRY(weft_recv(peers, &peer));
        ck_assert_int_eq(rc, 1);
        n++;
    }
    return weft_scope_wait(&scope);
}

WT_TEST(connections_are_a_receiver)
{
    wt_seeds_at_most(30);
    OK(weft_run(serve_all, NULL));
}

/* Some wait in the channel, which nobody receives: their clients see the end. */
static int serve_none(void *arg)
{
    weft_address at;
    WEFT_AUTO(weft_listener, door);
    WEFT_SCOPE(scope);
    (void)arg;
    WEFT_TRY(listen_here(&door, &at));
    {
        WEFT_RX(weft_socket *, peers);
        WEFT_RX(weft_socket *, buffered);
        WEFT_AUTO(weft_socket, peer);
        int rc, chosen;
        WEFT_TRY(weft_listener_connections(WEFT_MOVE(door), &peers));
        WEFT_TRY(weft_buffer(WEFT_MOVE(peers), N_CLIENTS, &buffered));
        WEFT_TRY(weft_spawn_n(&scope, N_CLIENTS, connect_and_read, at));
        chosen = WEFT_TRY(weft_select(&rc, weft_on_recv(buffered, &peer)));
        ck_assert_int_eq(chosen, 0);
        ck_assert_int_eq(rc, 1);
        WEFT_TRY(weft_sleep(WEFT_US(200)));
    }
    /* Whoever was not accepted is refused or reset by the close of the listener. */
    int rc = weft_scope_wait(&scope);
    return rc == -ECONNREFUSED || rc == -ECONNRESET ? 0 : rc;
}

WT_TEST(a_connection_that_nobody_receives_is_closed)
{
    wt_seeds_at_most(30);
    OK(weft_run(serve_none, NULL));
}

WT_TEST(a_select_of_connections_says_what_is_missing)
{
    weft_address at;
    weft_listener *door;
    weft_socket *peer;
    int rc;
    OK(listen_here(&door, &at));
    WEFT_RX(weft_socket *, peers);
    OK(weft_listener_connections(WEFT_MOVE(door), &peers));
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(peers, &peer)), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_try_recv(peers, &peer), WEFT_ENOTSUP);
}

WT_TEST(what_is_refused)
{
    weft_address at;
    weft_listener *door;
    weft_receiver *rx;
    weft_socket *peer;
    ck_assert_int_eq(weft_reader_lines_open(NULL, NULL, &rx), WEFT_EINVAL);
    ck_assert_int_eq(weft_listener_connections_open(NULL, &rx), WEFT_EINVAL);
    OK(listen_here(&door, &at));
    ck_assert_int_eq(weft_listener_connections_open(door, NULL), WEFT_EINVAL);
    /* It is closed all the same. */
    ck_assert_int_eq(weft_connect_to(&at, NULL, &peer), -ECONNREFUSED);
}

WT_MAIN("socket_lines")
