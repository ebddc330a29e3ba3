/* SPDX-License-Identifier: MIT
 * Urgent bytes of TCP, which stop a read short. */
#include "sched/iowait.h"
#include "wt_test.h"

#include <string.h>
#include <sys/socket.h>
#include <weft.h>

#define OK(call) ck_assert_int_eq((call), 0)

WEFT_TASK(read_pair, (weft_socket *, there))
{
    char bytes[2];
    size_t n;
    OK(weft_socket_read_exact(there, bytes, sizeof bytes, &n));
    ck_assert_int_eq(memcmp(bytes, "ab", 2), 0);
    return 0;
}

static bool waits_for_data(void *unused) { return (void)unused, wf_io_armed() > 0; }

/* A read stops short at one, and what follows may have come with it, by one event. */
static void read_around_an_urgent_byte(weft_socket *here, weft_socket *there)
{
    WEFT_SCOPE(scope);
    OK(weft_spawn(&scope, read_pair, there));
    wt_until(waits_for_data, NULL);
    ck_assert_int_eq(send(weft_socket_fd(here), "a", 1, 0), 1);
    ck_assert_int_eq(send(weft_socket_fd(here), "U", 1, MSG_OOB), 1);
    ck_assert_int_eq(send(weft_socket_fd(here), "b", 1, 0), 1);
    OK(weft_scope_wait(&scope));
}

WT_TEST(an_urgent_byte_holds_up_nothing)
{
    wt_seeds_at_most(5);
    weft_socket *here, *there;
    weft_listener *door;
    weft_address at;
    OK(weft_listen("127.0.0.1:0", NULL, &door));
    OK(weft_listener_address(door, &at));
    OK(weft_connect_to(&at, NULL, &here));
    OK(weft_accept(door, &there));
    for (int i = 0; i < 20; i++)
        read_around_an_urgent_byte(here, there);
    OK(weft_socket_close(here));
    OK(weft_socket_close(there));
    OK(weft_listener_close(door));
}

WT_MAIN("urgent")
