/* SPDX-License-Identifier: MIT
 * Sockets with the system's calls replaced: what fails, what comes late, what is closed meanwhile. */
#include "net/handle.h"
#include "plat/sys.h"
#include "wt_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>

#define OK(call) ck_assert_int_eq((call), 0)

static void as_usual(void)
{
    OK(weft_shutdown(WEFT_MS(10000)));
    wf_sys = wf_sys_real;
}

/* ---- closing ----------------------------------------------------------------------------------------- */

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

struct transfer {
    weft_socket *socket;
    _Atomic int64_t rc;
};

WEFT_TASK(read_one, (struct transfer *, it))
{
    char byte;
    atomic_store(&it->rc, weft_socket_read(it->socket, &byte, 1));
    return 0;
}

static void write_in_thread(void *arg)
{
    struct transfer *it = arg;
    static const char zeros[4096];
    int64_t rc;
    do
        rc = weft_socket_write(it->socket, zeros, sizeof zeros);
    while (rc > 0);
    atomic_store(&it->rc, rc);
}

static bool are_armed(void *n) { return wf_io_armed() == *(unsigned *)n; }

static void until_armed(unsigned n) { wt_until(are_armed, &n); }

WT_TEST(a_close_ends_what_reads_and_what_writes)
{
    wt_seeds_at_most(30);
    struct ends pair = open_pair();
    struct transfer in = { .socket = pair.here }, out = { .socket = pair.here };
    wt_thread *thread = wt_thread_start(write_in_thread, &out);
    {
        WEFT_SCOPE(scope);
        OK(weft_spawn(&scope, read_one, &in));
        until_armed(2);
        OK(weft_socket_close(pair.here));
        OK(weft_scope_wait(&scope));
    }
    wt_thread_join(thread);
    ck_assert_int_eq((int)in.rc, WEFT_ECLOSED);
    ck_assert_int_eq((int)out.rc, WEFT_ECLOSED);
    OK(weft_socket_close(pair.there));
}

static weft_socket *closed_at_third;
static _Atomic int n_moved;

static void move_one(void)
{
    if (atomic_fetch_add(&n_moved, 1) == 2)
        OK(weft_socket_close(closed_at_third));
}

static ssize_t give_one(int fd, void *buf, size_t size)
{
    (void)fd, (void)size;
    *(char *)buf = 'x';
    move_one();
    return 1;
}

static ssize_t take_one(int fd, const void *data, size_t size)
{
    (void)fd, (void)data, (void)size;
    move_one();
    return 1;
}

WT_TEST(a_close_ends_what_never_has_to_wait)
{
    wt_seeds_at_most(3);
    char buf[8] = "";
    size_t n_read, n_written;
    struct ends pair = open_pair();
    wf_sys.recv = give_one;
    wf_sys.send = take_one;
    closed_at_third = pair.here;
    atomic_store(&n_moved, 0);
    ck_assert_int_eq(weft_socket_read_exact(pair.here, buf, sizeof buf, &n_read), WEFT_ECLOSED);
    closed_at_third = pair.there;
    atomic_store(&n_moved, 0);
    ck_assert_int_eq(weft_socket_write_all(pair.there, buf, sizeof buf, &n_written), WEFT_ECLOSED);
    ck_assert_uint_eq(n_read, 3);
    ck_assert_uint_eq(n_written, 3);
    as_usual();
}

WT_TEST(one_reader_and_one_writer)
{
    wt_seeds_at_most(30);
    struct ends pair = open_pair();
    struct transfer in = { .socket = pair.here, .rc = 99 };
    char byte;
    {
        WEFT_SCOPE(scope);
        OK(weft_spawn(&scope, read_one, &in));
        until_armed(1);
        ck_assert_int_eq((int)weft_socket_read(pair.here, &byte, 1), WEFT_EBUSY);
        size_t n;
        ck_assert_int_eq(weft_socket_read_exact(pair.here, &byte, 1, &n), WEFT_EBUSY);
        ck_assert_int_eq((int)weft_socket_write(pair.here, "x", 1), 1);
        ck_assert_int_eq((int)weft_socket_write(pair.there, "x", 1), 1);
        OK(weft_scope_wait(&scope));
    }
    ck_assert_int_eq((int)in.rc, 1);
    OK(weft_socket_close(pair.here));
    OK(weft_socket_close(pair.there));
}

/* ---- all addresses ------------------------------------------------------------------------------------ */

static int socket_without_v6(int family, int type)
{
    return family == AF_INET6 ? -EAFNOSUPPORT : wf_sys_real.socket(family, type);
}

/* As a system may be set to do. */
static int socket_of_v6_only(int family, int type)
{
    int one = 1, fd = wf_sys_real.socket(family, type);
    if (fd >= 0 && family == AF_INET6)
        OK(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one));
    return fd;
}

static void expect_that_v4_gets_in(int (*own_socket)(int family, int type))
{
    weft_listener *door;
    weft_socket *here, *there;
    weft_address at;
    char where[32];
    wf_sys.socket = own_socket;
    OK(weft_listen(":0", NULL, &door));
    OK(weft_listener_address(door, &at));
    (void)snprintf(where, sizeof where, "127.0.0.1:%u", weft_address_port(&at));
    OK(weft_connect(where, NULL, &here));
    OK(weft_accept(door, &there));
    OK(weft_socket_close(here));
    OK(weft_socket_close(there));
    OK(weft_listener_close(door));
    as_usual();
}

WT_TEST(all_addresses_are_those_of_both_families_that_there_are)
{
    wt_seeds_at_most(3);
    expect_that_v4_gets_in(socket_of_v6_only);
    expect_that_v4_gets_in(socket_without_v6);
}

/* ---- names ---------------------------------------------------------------------------------------------- */

/* What a look-up gives: IPv6 or IPv4 addresses of the loopback, all with the listener's port. */
static int families[8];
static uint16_t port;
static _Atomic int n_resolved;

/* In one piece, as freeaddrinfo takes it. */
static struct addrinfo *make_info(int family)
{
    struct addrinfo *info = calloc(1, sizeof *info + sizeof(struct sockaddr_in6));
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in6.sin6_addr = in6addr_loopback;
    info->ai_family = family;
    info->ai_addrlen = family == AF_INET ? sizeof in : sizeof in6;
    info->ai_addr = (void *)(info + 1);
    memcpy(info->ai_addr, family == AF_INET ? (void *)&in : (void *)&in6, info->ai_addrlen);
    return info;
}

static int own_resolve(const char *host, const char *service, struct addrinfo **out)
{
    (void)host, (void)service;
    atomic_fetch_add(&n_resolved, 1);
    for (int i = 0; families[i] != 0; i++) {
        *out = make_info(families[i]);
        out = &(*out)->ai_next;
    }
    return 0;
}

static int take_no_list(const char *host, const char *service, struct addrinfo **out)
{
    (void)host, (void)service;
    *out = NULL;
    return WEFT_ENAME;
}

WT_TEST(families_take_turns)
{
    weft_address found[8];
    wt_seeds_at_most(5);
    static const int of_system[] = { AF_INET6, AF_INET6, AF_INET6, AF_INET, AF_INET, 0 };
    static const int wanted[] = { AF_INET6, AF_INET, AF_INET6, AF_INET, AF_INET6 };
    memcpy(families, of_system, sizeof of_system);
    wf_sys.resolve = own_resolve;
    ck_assert_int_eq(weft_resolve("some.name:80", found, 8), 5);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(wf_address_family(&found[i]), wanted[i]);
    ck_assert_int_eq(weft_resolve("some.name:80", found, 2), 2);
    ck_assert_int_eq(weft_resolve("some.name:65535", found, 2), 2);
    ck_assert_int_eq(weft_resolve("some.name:65536", found, 2), WEFT_EINVAL);
    ck_assert_int_eq(weft_resolve("some.name:99999999999", found, 2), WEFT_EINVAL);
    ck_assert_int_eq(weft_resolve("some.name:http", found, 2), 2);
    ck_assert_int_eq(weft_resolve("127.0.0.1:80", found, 2), 1);
    ck_assert_int_eq(atomic_load(&n_resolved) % 2, 0); /* that one was not looked up */
    wf_sys.resolve = take_no_list;
    ck_assert_int_eq(weft_resolve("some.name:80", found, 8), WEFT_ENAME);
    ck_assert_int_eq(weft_resolve("no port", found, 8), WEFT_EINVAL);
    as_usual();
}

static _Atomic bool has_begun, may_answer, has_answered;

static bool is_set(void *flag) { return atomic_load((_Atomic bool *)flag); }

static int late_resolve(const char *host, const char *service, struct addrinfo **out)
{
    atomic_store(&has_begun, true);
    wt_until(is_set, &may_answer);
    int rc = own_resolve(host, service, out);
    atomic_store(&has_answered, true);
    return rc;
}

WEFT_TASK(resolve_slowly, (int *, rc))
{
    weft_address found;
    *rc = weft_resolve("slow.name:80", &found, 1);
    return 0;
}

WT_TEST(a_slow_look_up_can_be_left)
{
    int rc = 0;
    wt_seeds_at_most(5);
    atomic_store(&has_begun, false);
    atomic_store(&may_answer, false);
    atomic_store(&has_answered, false);
    families[0] = AF_INET, families[1] = 0;
    wf_sys.resolve = late_resolve;
    {
        WEFT_SCOPE(scope);
        OK(weft_spawn(&scope, resolve_slowly, &rc));
        wt_until(is_set, &has_begun);
        weft_scope_cancel(&scope);
        OK(weft_scope_wait(&scope));
        ck_assert_int_eq(rc, WEFT_ECANCELED);
    }
    atomic_store(&may_answer, true);
    wt_until(is_set, &has_answered);
    as_usual();
}

/* ---- several addresses ---------------------------------------------------------------------------------- */

/* IPv6 is refused, or never answers: its socket is not connected, and is never writable. */
static int v6_result;
static _Atomic int n_v4;

static int split_connect(int fd, const struct sockaddr *to, socklen_t size)
{
    if (to->sa_family == AF_INET6)
        return v6_result;
    atomic_fetch_add(&n_v4, 1);
    return wf_sys_real.connect(fd, to, size);
}

/* A listening socket is never writable: a connection that hangs. */
static int hanging_socket(int family, int type)
{
    int fd = wf_sys_real.socket(family == AF_INET6 ? AF_INET : family, type);
    if (family == AF_INET6 && v6_result == -EINPROGRESS)
        (void)listen(fd, 1);
    return fd;
}

static int64_t race(int result_of_v6, weft_connect_opts *opts)
{
    static const int both[] = { AF_INET6, AF_INET, 0 };
    weft_listener *door;
    weft_socket *here;
    weft_address at;
    memcpy(families, both, sizeof both);
    v6_result = result_of_v6;
    wf_sys.resolve = own_resolve;
    wf_sys.connect = split_connect;
    wf_sys.socket = hanging_socket;
    OK(weft_listen("127.0.0.1:0", NULL, &door));
    OK(weft_listener_address(door, &at));
    port = weft_address_port(&at);
    int64_t before_ns = weft_now_ns();
    OK(weft_connect("both.name:80", opts, &here));
    int64_t took_ns = weft_now_ns() - before_ns;
    OK(weft_socket_peer(here, &at));
    ck_assert_int_eq(wf_address_family(&at), AF_INET);
    OK(weft_socket_close(here));
    OK(weft_listener_close(door));
    as_usual();
    return took_ns;
}

WT_TEST(the_next_address_is_tried_when_one_fails)
{
    wt_seeds_at_most(20);
    (void)race(-ECONNREFUSED, NULL);
}

WT_TEST(the_next_address_is_tried_when_one_does_not_answer)
{
    wt_seeds_at_most(20);
    weft_connect_opts opts = { .size_ = sizeof opts, .stagger_ns = WEFT_MS(3) };
    ck_assert_int_ge(race(-EINPROGRESS, &opts), WEFT_MS(3));
}

static int refuse_all(int fd, const struct sockaddr *to, socklen_t size)
{
    (void)fd, (void)size;
    return to->sa_family == AF_INET6 ? -ENETUNREACH : -ECONNREFUSED;
}

WT_TEST(when_all_fail_the_first_ones_code_is_told)
{
    wt_seeds_at_most(20);
    static const int both[] = { AF_INET6, AF_INET, AF_INET, 0 };
    weft_socket *here;
    memcpy(families, both, sizeof both);
    v6_result = 0;
    wf_sys.resolve = own_resolve;
    wf_sys.connect = refuse_all;
    wf_sys.socket = hanging_socket;
    ck_assert_int_eq(weft_connect("both.name:80", NULL, &here), -ENETUNREACH);
    as_usual();
}

WT_TEST(a_race_can_be_cancelled)
{
    wt_seeds_at_most(20);
    static const int six[] = { AF_INET6, AF_INET6, AF_INET6, 0 };
    weft_socket *here;
    memcpy(families, six, sizeof six);
    v6_result = -EINPROGRESS;
    wf_sys.resolve = own_resolve;
    wf_sys.connect = split_connect;
    wf_sys.socket = hanging_socket;
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(8));
        weft_connect_opts opts = { .size_ = sizeof opts, .stagger_ns = WEFT_MS(3) };
        ck_assert_int_eq(weft_connect("six.name:80", &opts, &here), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    as_usual();
}

/* There is a task for one attempt alone. The deadline ends the first, not what became of the next. */
WT_TEST(an_attempt_that_cannot_begin_leaves_the_others)
{
    wt_seeds_at_most(20);
    static const int both[] = { AF_INET6, AF_INET, 0 };
    weft_socket *here;
    OK(weft_configure(WEFT_CONFIG(.workers = 2, .max_tasks = 1)));
    memcpy(families, both, sizeof both);
    v6_result = -EINPROGRESS;
    wf_sys.resolve = own_resolve;
    wf_sys.connect = split_connect;
    wf_sys.socket = hanging_socket;
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(200));
        weft_connect_opts opts = { .size_ = sizeof opts, .stagger_ns = WEFT_MS(1) };
        ck_assert_int_eq(weft_connect("both.name:80", &opts, &here), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    ck_assert_int_eq(atomic_load(&n_v4), 0);
    as_usual();
}

/* ---- connections that fail later ------------------------------------------------------------------------- */

static int later_result;

static int connect_later(int fd, const struct sockaddr *to, socklen_t size)
{
    (void)fd, (void)to, (void)size;
    return -EINPROGRESS; /* a socket that is not connected is reported at once */
}

static int result_of_connect(int fd)
{
    (void)fd;
    return later_result;
}

WT_TEST(what_becomes_of_a_connection_later_is_its_code)
{
    wt_seeds_at_most(20);
    static const int codes[] = { -ECONNREFUSED, -ETIMEDOUT, -EHOSTUNREACH, -ENETUNREACH };
    static const int both[] = { AF_INET6, AF_INET, 0 };
    weft_socket *here = NULL;
    memcpy(families, both, sizeof both);
    wf_sys.resolve = own_resolve;
    wf_sys.socket = hanging_socket;
    wf_sys.connect = connect_later;
    wf_sys.socket_error = result_of_connect;
    for (int i = 0; i < 4; i++) {
        later_result = codes[i];
        ck_assert_int_eq(weft_connect("127.0.0.1:80", NULL, &here), codes[i]);
        ck_assert_int_eq(weft_connect("both.name:80", NULL, &here), codes[i]);
    }
    as_usual();
}

/* ---- each call fails once ------------------------------------------------------------------------------- */

WEFT_TASK(answer_one, (weft_listener *, door))
{
    WEFT_AUTO(weft_socket, peer);
    char buf[8];
    size_t n;
    WEFT_TRY(weft_accept(door, &peer));
    int64_t got = weft_socket_read(peer, buf, sizeof buf);
    if (got <= 0)
        return got == 0 ? -ECONNRESET : (int)got;
    WEFT_TRY(weft_socket_write_all(peer, buf, (size_t)got, &n));
    return 0;
}

WEFT_TASK(ask_one, (weft_listener *, door))
{
    WEFT_AUTO(weft_socket, peer);
    weft_address at;
    char buf[8];
    size_t n;
    WEFT_TRY(weft_listener_address(door, &at));
    WEFT_TRY(weft_connect_to(&at, NULL, &peer));
    WEFT_TRY(weft_socket_write_all(peer, "abc", 3, &n));
    WEFT_TRY(weft_socket_read_exact(peer, buf, 3, &n));
    return memcmp(buf, "abc", 3) == 0 ? 0 : -EIO;
}

static int exchange(void)
{
    WEFT_AUTO(weft_listener, door);
    WEFT_TRY(weft_listen("127.0.0.1:0", NULL, &door));
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(5000));
    WEFT_TRY(weft_spawn(&scope, answer_one, door));
    WEFT_TRY(weft_spawn(&scope, ask_one, door));
    return weft_scope_wait(&scope);
}

static void exchange_with_fault(void *arg)
{
    (void)arg;
    wt_fault_on(WT_FAULT_NET | WT_FAULT_MEMORY | WT_FAULT_POLL);
    int rc = exchange();
    if (!wt_fault_hit())
        ck_assert_int_eq(rc, 0);
}

WT_TEST(an_exchange_with_each_call_failing_once)
{
    wt_seeds_at_most(2);
    ck_assert_uint_gt(wt_fault_run(exchange_with_fault, NULL), 15);
}

WT_MAIN("socket")
