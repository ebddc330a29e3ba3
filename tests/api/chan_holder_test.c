/* SPDX-License-Identifier: MIT
 * Who holds a half: a half on its way into a task is nobody's, so a right program, whose receiver
 * happens to wait before its sender runs, is not reported as a trap. */
#include "wt_test.h"

#include <weft.h>

#include <stdatomic.h>
#include <string.h>

WEFT_TASK(sends_one, (tx, int, tx)) { return weft_send(tx, 1); }

WEFT_TASK(receives_all, (rx, int, rx), (int *, sum))
{
    weft_each (value, rx)
        *sum += value;
    return weft_error(rx);
}

WT_TEST(a_moved_sender_is_no_trap)
{
    wt_capture_reports();
    for (unsigned i = 0; i < wt_scaled(200); i++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int sum = 0;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, receives_all, WEFT_MOVE(rx), &sum), 0);
        if (i % 2 == 0)
            ck_assert_int_eq(weft_spawn(&scope, sends_one, WEFT_MOVE(tx)), 0);
        else
            ck_assert_int_eq(weft_spawn_n(&scope, 2, sends_one, WEFT_MOVE(tx)), 0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
        ck_assert_int_eq(sum, i % 2 + 1);
    }
    ck_assert_str_eq(wt_reports(), "");
}

WT_TEST(a_slot_is_emptied)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    void *nothing = NULL;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    weft_sender *raw_tx = weft_half_take(&tx);
    weft_receiver *raw_rx = weft_half_take(&rx);
    ck_assert_ptr_null(WEFT_TX_RAW_(tx));
    ck_assert_ptr_null(WEFT_RX_RAW_(rx));
    ck_assert_ptr_null(weft_half_take(&nothing));
    ck_assert_ptr_null(weft_half_take(NULL));
    weft_half_drop(&raw_tx);
    weft_half_drop(&raw_rx);
}

static void let_go(void *value) { *(int *)value = 0; }

struct leaver {
    weft_receiver *rx;
    _Atomic int *n_ready;
};

static bool both_are_ready(void *n_ready) { return atomic_load((_Atomic int *)n_ready) == 2; }

static void leave_at_once(void *arg)
{
    struct leaver *it = arg;
    atomic_fetch_add(it->n_ready, 1);
    wt_until(both_are_ready, it->n_ready);
    weft_half_drop(&it->rx);
}

/* One of them is the last, and drops what nobody receives: the other is on its way out then. */
WT_TEST(receivers_go_at_once)
{
    for (unsigned i = 0; i < wt_scaled(2000); i++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        _Atomic int n_ready = 0;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 4, .drop = let_go), 0);
        struct leaver leavers[2] = { { weft_half_take(weft_ref(rx)), &n_ready } };
        leavers[1] = (struct leaver){ weft_half_take(&rx), &n_ready };
        ck_assert_int_eq(weft_send(tx, 1), 0);
        wt_thread *other = wt_thread_start(leave_at_once, &leavers[0]);
        leave_at_once(&leavers[1]);
        wt_thread_join(other);
        ck_assert_int_eq(weft_send(tx, 2), WEFT_ECLOSED);
    }
}

WT_MAIN("chan_holder")
