/* SPDX-License-Identifier: MIT
 * Sockets as a program uses them: streams over TCP and Unix sockets, listeners, datagrams. */
#include "wt_test.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <weft.h>

#define OK(call) ck_assert_int_eq((call), 0)

/* ---- a listener and its clients ------------------------------------------------------------------- */

static void where_is(const weft_listener *door, char text[WEFT_ADDRESS_TEXT])
{
    weft_address at;
    OK(weft_listener_address(door, &at));
    ck_assert_int_gt(weft_address_text(&at, text, WEFT_ADDRESS_TEXT), 0);
}

WEFT_TASK(echo, (auto, weft_socket, peer))
{
    char buf[256];
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
    while (n_clients-- > 0) {
        WEFT_AUTO(weft_socket, peer);
        WEFT_TRY(weft_accept(door, &peer));
        WEFT_TRY(weft_spawn(&scope, echo, WEFT_MOVE(peer)));
    }
    return weft_scope_wait(&scope);
}

static void expect_echo(weft_socket *peer, const char *text)
{
    char got[64];
    size_t size = strlen(text), n;
    OK(weft_socket_write_all(peer, text, size, &n));
    ck_assert_uint_eq(n, size);
    OK(weft_socket_read_exact(peer, got, size, &n));
    ck_assert_uint_eq(n, size);
    ck_assert_int_eq(memcmp(got, text, size), 0);
}

WEFT_TASK(talk, (const char *, where), (int, n_lines))
{
    WEFT_AUTO(weft_socket, peer);
    WEFT_TRY(weft_connect(where, NULL, &peer));
    for (int i = 0; i < n_lines; i++)
        expect_echo(peer, i % 2 == 0 ? "there and back" : "x");
    return 0;
}

static void talk_at(const char *where, int n_clients, int n_lines)
{
    WEFT_AUTO(weft_listener, door);
    char at[WEFT_ADDRESS_TEXT];
    OK(weft_listen(where, NULL, &door));
    where_is(door, at);
    {
        WEFT_SCOPE(scope);
        OK(weft_spawn(&scope, serve, door, n_clients));
        for (int i = 0; i < n_clients; i++)
            OK(weft_spawn(&scope, talk, at, n_lines));
        OK(weft_scope_wait(&scope));
    }
}

WT_TEST(tasks_talk_over_tcp)
{
    wt_seeds_at_most(20);
    talk_at("127.0.0.1:0", 1, 4);
    talk_at("127.0.0.1:0", 5, 3);
}

WT_TEST(tasks_talk_over_unix_sockets)
{
    char where[WEFT_ADDRESS_TEXT];
    wt_seeds_at_most(50);
    (void)snprintf(where, sizeof where, "unix:@weft-test-%d", (int)getpid());
    talk_at(where, 2, 3);
}

WT_TEST(many_connect_at_once)
{
    wt_seeds_at_most(3);
    talk_at("127.0.0.1:0", wt_is_sim() ? 20 : 60, 2);
}

static void talk_in_thread(void *where)
{
    WEFT_AUTO(weft_socket, peer);
    OK(weft_connect(where, NULL, &peer));
    expect_echo(peer, "from a thread");
}

WT_TEST(plain_threads_talk_too)
{
    wt_seeds_at_most(20);
    WEFT_AUTO(weft_listener, door);
    char at[WEFT_ADDRESS_TEXT];
    OK(weft_listen("127.0.0.1:0", NULL, &door));
    where_is(door, at);
    wt_thread *thread = wt_thread_start(talk_in_thread, at);
    {
        WEFT_SCOPE(scope);
        weft_socket *peer;
        OK(weft_accept(door, &peer));
        OK(weft_spawn(&scope, echo, WEFT_MOVE(peer)));
        OK(weft_scope_wait(&scope));
    }
    wt_thread_join(thread);
}

/* ---- one pair -------------------------------------------------------------------------------------- */

struct ends {
    weft_socket *here, *there;
};

static struct ends open_pair(void)
{
    int fds[2];
    struct ends pair;
    OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    OK(weft_socket_adopt(fds[0], &pair.here));
    OK(weft_socket_adopt(fds[1], &pair.there));
    return pair;
}

static void close_pair(struct ends pair)
{
    OK(weft_socket_close(pair.here));
    OK(weft_socket_close(pair.there));
}

enum { BIG = 1 << 20 };
static char big_sent[BIG], big_got[BIG];

WEFT_TASK(write_big, (weft_socket *, to), (size_t, size))
{
    size_t n;
    WEFT_TRY(weft_socket_write_all(to, big_sent, size, &n));
    ck_assert_uint_eq(n, size);
    return weft_socket_shutdown(to, WEFT_WRITABLE);
}

WT_TEST(what_does_not_fit_is_waited_for_and_a_half_ends_alone)
{
    wt_seeds_at_most(5);
    struct ends pair = open_pair();
    for (size_t i = 0; i < BIG; i++)
        big_sent[i] = (char)(i * 7 + i / 251);
    {
        WEFT_SCOPE(scope);
        size_t n;
        OK(weft_spawn(&scope, write_big, pair.there, BIG));
        OK(weft_socket_read_exact(pair.here, big_got, BIG, &n));
        ck_assert_int_eq(memcmp(big_got, big_sent, BIG), 0);
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq((int)weft_socket_read(pair.here, big_got, BIG), 0);
        ck_assert_int_eq(weft_socket_read_exact(pair.here, big_got, 4, &n), WEFT_EEOF);
        ck_assert_uint_eq(n, 0);
        OK(weft_scope_wait(&scope));
        /* The other half goes on. */
        OK(weft_socket_write_all(pair.here, "yes", 3, &n));
        OK(weft_socket_read_exact(pair.there, big_got, 3, &n));
    }
    close_pair(pair);
}

WT_TEST(a_writer_whose_peer_is_gone_gets_no_signal)
{
    struct ends pair = open_pair();
    OK(weft_socket_close(pair.there));
    ck_assert_int_eq((int)weft_socket_write(pair.here, "x", 1), -EPIPE);
    ck_assert_int_eq((int)weft_socket_read(pair.here, big_got, 8), 0);
    OK(weft_socket_close(pair.here));
}

/* On a busy machine the deadline may come before the first byte. */
WT_TEST(a_peer_that_stalls_is_left_at_the_deadline)
{
    struct ends pair = open_pair();
    size_t n, n_more;
    char got[8];
    OK(weft_socket_write_all(pair.there, "ab", 2, &n));
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(2));
        ck_assert_int_eq(weft_socket_read_exact(pair.here, got, 4, &n), WEFT_ECANCELED);
        ck_assert_uint_le(n, 2);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    OK(weft_socket_write_all(pair.there, "cd", 2, &n_more));
    OK(weft_socket_read_exact(pair.here, got + n, 4 - n, &n_more));
    ck_assert_int_eq(memcmp(got, "abcd", 4), 0);
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(2));
        ck_assert_int_eq(weft_socket_write_all(pair.here, big_sent, BIG, &n), WEFT_ECANCELED);
        ck_assert_uint_lt(n, BIG);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    close_pair(pair);
}

WT_TEST(a_connection_that_is_reset_says_so)
{
    wt_seeds_at_most(10);
    WEFT_AUTO(weft_listener, door);
    WEFT_AUTO(weft_socket, here);
    weft_socket *there;
    char at[WEFT_ADDRESS_TEXT];
    OK(weft_listen("127.0.0.1:0", NULL, &door));
    where_is(door, at);
    OK(weft_connect(at, NULL, &here));
    OK(weft_accept(door, &there));
    struct linger at_once = { .l_onoff = 1 };
    OK(setsockopt(weft_socket_fd(there), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once));
    OK(weft_socket_close(there));
    ck_assert_int_eq((int)weft_socket_read(here, big_got, 8), -ECONNRESET);
    ck_assert_int_eq((int)weft_socket_read(here, big_got, 8), 0);
    ck_assert_int_eq((int)weft_socket_write(here, "x", 1), -EPIPE);
}

WT_TEST(a_short_read_before_the_end_does_not_hide_it)
{
    wt_seeds_at_most(30);
    WEFT_AUTO(weft_listener, door);
    WEFT_AUTO(weft_socket, here);
    WEFT_AUTO(weft_socket, there);
    char at[WEFT_ADDRESS_TEXT], buf[8];
    size_t n;
    OK(weft_listen("127.0.0.1:0", NULL, &door));
    where_is(door, at);
    OK(weft_connect(at, NULL, &here));
    OK(weft_accept(door, &there));
    for (int i = 0; i < 3; i++) { /* registered, and drained */
        OK(weft_socket_write_all(there, "ab", 2, &n));
        ck_assert_int_eq((int)weft_socket_read(here, buf, sizeof buf), 2);
    }
    OK(weft_socket_write_all(there, "last", 4, &n));
    OK(weft_socket_shutdown(there, WEFT_WRITABLE));
    OK(weft_socket_read_exact(here, buf, 4, &n));
    ck_assert_int_eq((int)weft_socket_read(here, buf, sizeof buf), 0);
    ck_assert_int_eq((int)weft_socket_read(here, buf, sizeof buf), 0);
}

/* ---- addresses and what is refused ----------------------------------------------------------------- */

static void expect_text(const char *text, int family_size)
{
    weft_address at;
    char back[WEFT_ADDRESS_TEXT];
    OK(weft_address_parse(text, &at));
    ck_assert_int_eq(weft_address_text(&at, back, sizeof back), (int)strlen(text));
    ck_assert_str_eq(back, text);
    ck_assert(family_size == 0 || at.size == (uint32_t)family_size);
}

WT_TEST(addresses_as_text)
{
    weft_address at;
    char small[8], path[200];
    expect_text("127.0.0.1:80", 16);
    expect_text("[::1]:65535", 28);
    expect_text("[fe80::1%7]:80", 28);
    expect_text("unix:/run/it.sock", 0);
    expect_text("unix:@name", 0);
    OK(weft_address_parse(":8080", &at));
    ck_assert_uint_eq(weft_address_port(&at), 8080);
    ck_assert_int_eq(weft_address_text(&at, small, sizeof small), WEFT_EOVERFLOW);
    static const char *const wrong[] = { "",
                                         ":",
                                         "80",
                                         "127.0.0.1",
                                         "127.0.0.1:",
                                         "::1:80",
                                         "[::1]",
                                         "1.2.3.4:65536",
                                         "1.2.3.4:-1",
                                         "1.2.3.4:x",
                                         "a.b:80",
                                         "unix:",
                                         "[::1:80",
                                         "[]:80x",
                                         "[::1%]:80",
                                         "[::1%0]:80",
                                         "[::1%weft-none]:80",
                                         "[::1%4294967296]:80" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_int_eq(weft_address_parse(wrong[i], &at), WEFT_EINVAL);
    memset(path, 'p', sizeof path);
    memcpy(path, "unix:/", 6);
    path[sizeof path - 1] = '\0';
    ck_assert_int_eq(weft_address_parse(path, &at), WEFT_EOVERFLOW);
}

WT_TEST(a_zone_may_have_a_name)
{
    char name[IF_NAMESIZE], text[64];
    weft_address at;
    if (if_indextoname(1, name) == NULL)
        wt_skip("there is no interface 1");
    (void)snprintf(text, sizeof text, "[fe80::1%%%s]:80", name);
    OK(weft_address_parse(text, &at));
    ck_assert_int_gt(weft_address_text(&at, text, sizeof text), 0);
    ck_assert_str_eq(text, "[fe80::1%1]:80");
}

/* 108 bytes without a 0 behind them, which the system counts all the same. */
WT_TEST(a_path_may_fill_its_address)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    weft_address at = { .size = sizeof un + 1 };
    char text[WEFT_ADDRESS_TEXT];
    memset(un.sun_path, 'p', sizeof un.sun_path);
    memset(at.sockaddr_, 'q', sizeof at.sockaddr_);
    memcpy(at.sockaddr_, &un, sizeof un);
    ck_assert_int_eq(weft_address_text(&at, text, sizeof text), 5 + (int)sizeof un.sun_path);
    ck_assert_int_eq(text[5 + sizeof un.sun_path - 1], 'p');
}

WT_TEST(what_is_refused)
{
    weft_socket *socket;
    weft_listener *door;
    weft_udp *udp;
    wt_seeds_at_most(3);
    ck_assert_int_eq(weft_connect("no port", NULL, &socket), WEFT_EINVAL);
    ck_assert_int_eq(weft_connect(NULL, NULL, &socket), WEFT_EINVAL);
    weft_address at;
    char path[120] = "unix:/";
    memset(path + 6, 'p', sizeof path - 7);
    ck_assert_int_eq(weft_connect(path, NULL, &socket), WEFT_EOVERFLOW);
    ck_assert_int_eq(weft_resolve(path, &at, 1), WEFT_EOVERFLOW);
    ck_assert_int_eq(weft_listen(path, NULL, &door), WEFT_EOVERFLOW);
    ck_assert_int_eq(weft_connect("unix:@weft-nobody-is-there", NULL, &socket), -ECONNREFUSED);
    ck_assert_int_eq(weft_listen("name.invalid:80", NULL, &door), WEFT_EINVAL);
    ck_assert_int_eq(weft_listen("192.0.2.1:0", NULL, &door), -EADDRNOTAVAIL);
    ck_assert_int_eq(weft_udp_open("192.0.2.1:0", &udp), -EADDRNOTAVAIL);
    ck_assert_int_eq(weft_udp_open("unix:@weft-no-datagrams", &udp), WEFT_EINVAL);
    ck_assert_int_eq(weft_socket_adopt(-1, &socket), -EBADF);
    int datagrams[2];
    OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, datagrams));
    ck_assert_int_eq(weft_socket_adopt(datagrams[0], &socket), -EPROTOTYPE);
    OK(close(datagrams[0]));
    OK(close(datagrams[1]));
    ck_assert_int_eq((int)weft_socket_read(NULL, big_got, 1), WEFT_EINVAL);
    struct ends pair = open_pair();
    ck_assert_int_eq((int)weft_socket_read(pair.here, big_got, 0), WEFT_EINVAL);
    ck_assert_int_eq((int)weft_socket_write(pair.here, "", 0), WEFT_EINVAL);
    ck_assert_int_eq(weft_socket_shutdown(pair.here, 4), WEFT_EINVAL);
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    ck_assert_int_eq((int)weft_socket_read(pair.here, big_got, 1), WEFT_ECANCELED);
    ck_assert_int_eq((int)weft_socket_write(pair.here, "x", 1), WEFT_ECANCELED);
    ck_assert_int_eq(weft_connect("127.0.0.1:1", NULL, &socket), WEFT_ECANCELED);
    close_pair(pair);
    OK(weft_socket_close(NULL));
    OK(weft_listener_close(NULL));
    OK(weft_udp_close(NULL));
}

/* ---- datagrams --------------------------------------------------------------------------------------- */

WEFT_TASK(answer, (weft_udp *, here), (int, n))
{
    char buf[64];
    while (n-- > 0) {
        weft_address from;
        int64_t size = weft_udp_recv(here, buf, sizeof buf, &from);
        if (size < 0)
            return (int)size;
        WEFT_TRY(weft_udp_send(here, buf, (size_t)size, &from));
    }
    return 0;
}

WT_TEST(datagrams_go_there_and_back)
{
    wt_seeds_at_most(20);
    WEFT_AUTO(weft_udp, here);
    WEFT_AUTO(weft_udp, there);
    weft_address to, from;
    char buf[8];
    OK(weft_udp_open("127.0.0.1:0", &here));
    OK(weft_udp_open("127.0.0.1:0", &there));
    OK(weft_udp_address(there, &to));
    {
        WEFT_SCOPE(scope);
        OK(weft_spawn(&scope, answer, there, 3));
        OK(weft_udp_send(here, "hello", 5, &to));
        ck_assert_int_eq((int)weft_udp_recv(here, buf, sizeof buf, &from), 5);
        ck_assert_uint_eq(weft_address_port(&from), weft_address_port(&to));
        OK(weft_udp_send(here, "", 0, &to));
        ck_assert_int_eq((int)weft_udp_recv(here, buf, sizeof buf, NULL), 0);
        /* One that does not fit is cut, and says how large it was. */
        OK(weft_udp_send(here, "0123456789", 10, &to));
        ck_assert_int_eq((int)weft_udp_recv(here, buf, sizeof buf, NULL), 10);
        OK(weft_scope_wait(&scope));
    }
    ck_assert_int_eq(weft_udp_send(here, big_sent, BIG, &to), WEFT_EMSGSIZE);
}

WT_MAIN("socket")
