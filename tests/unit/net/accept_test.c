/* SPDX-License-Identifier: MIT
 * Accepting, with what the system says replaced: no descriptors, connections that are gone. */
#include "plat/sys.h"
#include "wt_test.h"

#include <errno.h>
#include <stdatomic.h>
#include <weft.h>

#define OK(call) ck_assert_int_eq((call), 0)

static void as_usual(void)
{
    OK(weft_shutdown(WEFT_MS(10000)));
    wf_sys = wf_sys_real;
}

static _Atomic int n_accepts;
static const int *refusals;
static int n_refusals;

/* Says each of the refusals, then what the system says. */
static int refusing_accept(int fd, struct sockaddr *from, socklen_t *size)
{
    int i = atomic_fetch_add(&n_accepts, 1);
    if (i < n_refusals)
        return refusals[i];
    return wf_sys_real.accept(fd, from, size);
}

static void accept_after(const int *codes, int n)
{
    weft_socket *here, *there;
    weft_listener *door;
    weft_address at;
    refusals = codes;
    n_refusals = n;
    atomic_store(&n_accepts, 0);
    wf_sys.accept = refusing_accept;
    OK(weft_listen("127.0.0.1:0", NULL, &door));
    OK(weft_listener_address(door, &at));
    OK(weft_connect_to(&at, NULL, &here));
    OK(weft_accept(door, &there));
    ck_assert_int_eq(atomic_load(&n_accepts), n + 1);
    OK(weft_socket_close(here));
    OK(weft_socket_close(there));
    OK(weft_listener_close(door));
    as_usual();
}

WT_TEST(without_descriptors_it_tries_again)
{
    wt_seeds_at_most(5);
    int64_t before_ns = weft_now_ns();
    accept_after((const int[]){ -EMFILE, -ENFILE, -ENOMEM, -ENOBUFS }, 4);
    ck_assert_int_ge(weft_now_ns() - before_ns, WEFT_MS(75)); /* 5, 10, 20, 40: it does not spin */
}

WT_TEST(a_connection_that_is_gone_is_passed_over)
{
    wt_seeds_at_most(5);
    static const int codes[] = { -ECONNABORTED, -EPROTO,    -EPERM,     -ENETDOWN,
                                 -ENOPROTOOPT,  -EHOSTDOWN, -ENONET,    -EHOSTUNREACH,
                                 -ENETUNREACH,  -ETIMEDOUT, -ECONNRESET };
    accept_after(codes, (int)WF_ARRAY_SIZE(codes));
}

static int no_more_files(int fd, struct sockaddr *from, socklen_t *size)
{
    (void)fd, (void)from, (void)size;
    return -EMFILE;
}

WT_TEST(who_waits_for_descriptors_can_be_cancelled)
{
    wt_seeds_at_most(5);
    weft_listener *door;
    weft_socket *peer;
    wf_sys.accept = no_more_files;
    OK(weft_listen("127.0.0.1:0", NULL, &door));
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(12));
        ck_assert_int_eq(weft_accept(door, &peer), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    OK(weft_listener_close(door));
    as_usual();
}

WEFT_TASK(accept_in_vain, (weft_listener *, door))
{
    weft_socket *peer;
    ck_assert_int_eq(weft_accept(door, &peer), WEFT_ECLOSED);
    return 0;
}

static bool has_paused_long(void *unused)
{
    (void)unused;
    return atomic_load(&n_accepts) >= 5; /* the pause is 80 ms by now */
}

static int count_no_more_files(int fd, struct sockaddr *from, socklen_t *size)
{
    (void)atomic_fetch_add(&n_accepts, 1);
    return no_more_files(fd, from, size);
}

/* Where time is virtual, it says that the pause did not go on to its end. */
WT_TEST(who_waits_for_descriptors_hears_of_a_close)
{
    wt_seeds_at_most(5);
    weft_listener *door;
    atomic_store(&n_accepts, 0);
    wf_sys.accept = count_no_more_files;
    OK(weft_listen("127.0.0.1:0", NULL, &door));
    {
        WEFT_SCOPE(scope);
        OK(weft_spawn(&scope, accept_in_vain, door));
        wt_until(has_paused_long, NULL);
        int64_t before_ns = weft_now_ns();
        OK(weft_listener_close(door));
        OK(weft_scope_wait(&scope));
#ifdef WF_SIM
        ck_assert_int_lt(weft_now_ns() - before_ns, WEFT_MS(60));
#else
        (void)before_ns;
#endif
    }
    as_usual();
}

static void connect_to(const weft_address *at)
{
    weft_socket *here = NULL;
    OK(weft_connect_to(at, NULL, &here));
    OK(weft_socket_close(here));
}

static _Atomic bool has_descriptors;

static int accept_if_it_may(int fd, struct sockaddr *from, socklen_t *size)
{
    if (atomic_load(&has_descriptors))
        return wf_sys_real.accept(fd, from, size);
    return count_no_more_files(fd, from, size);
}

/* The pause is the buffer's task's: whoever selects has its other cases, and the connection when there are
 * descriptors again. */
WT_TEST(a_select_through_a_buffer_goes_on_while_it_waits_for_descriptors)
{
    wt_seeds_at_most(5);
    enum { PEER, OTHER };
    weft_listener *door = NULL;
    weft_address at;
    atomic_store(&n_accepts, 0);
    atomic_store(&has_descriptors, false);
    wf_sys.accept = accept_if_it_may;
    OK(weft_listen("127.0.0.1:0", NULL, &door));
    OK(weft_listener_address(door, &at));
    {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        WEFT_RX(weft_socket *, direct);
        WEFT_RX(weft_socket *, peers);
        weft_socket *peer = NULL;
        int rc = 0, number = 0;
        OK(weft_chan_open(&tx, &rx, 1));
        OK(weft_listener_connections(WEFT_MOVE(door), &direct));
        ck_assert_int_eq(weft_select(&rc, [PEER] = weft_on_recv(direct, &peer)), WEFT_ENOTSUP);
        OK(weft_buffer(WEFT_MOVE(direct), 1, &peers));
        connect_to(&at);
        wt_until(has_paused_long, NULL);
        OK(weft_send(tx, 7));
        ck_assert_int_eq(
            weft_select(
                &rc, [PEER] = weft_on_recv(peers, &peer), [OTHER] = weft_on_recv(rx, &number)),
            OTHER);
        ck_assert_int_eq(number, 7);
        atomic_store(&has_descriptors, true);
        ck_assert_int_eq(
            weft_select(
                &rc, [PEER] = weft_on_recv(peers, &peer), [OTHER] = weft_on_recv(rx, &number)),
            PEER);
        ck_assert_int_eq(rc, 1);
        OK(weft_socket_close(peer));
    }
    as_usual();
}

WT_MAIN("accept")
