/* SPDX-License-Identifier: MIT
 * Permits: places that are kept, against every way a channel changes meanwhile. */
#include "chan_waiters.h"

#include "plat/sys.h"

struct call {
    weft_sender *tx;
    weft_receiver *rx;
    weft_permit_half *permit;
    int value, rc;
};

static void send_value(void *arg)
{
    struct call *call = arg;
    call->rc = weft_sender_send(call->tx, &call->value, sizeof call->value);
}

static void recv_value(void *arg)
{
    struct call *call = arg;
    call->rc = weft_receiver_recv(call->rx, &call->value, sizeof call->value);
}

static void reserve_place(void *arg)
{
    struct call *call = arg;
    call->rc = weft_sender_reserve(call->tx, &call->permit);
}

static wt_thread *start(void (*fn)(void *), struct call *call, weft_sender *tx, int value)
{
    size_t n = chan_count_links(&tx->chan->senders);
    *call = (struct call){ .tx = weft_half_ref(tx, __FILE__, __LINE__), .value = value, .rc = 99 };
    wt_thread *thread = wt_thread_start(fn, call);
    chan_until_waiting(tx->chan, n + 1, 0);
    return thread;
}

static void end(wt_thread *thread, struct call *call, int rc)
{
    wt_thread_join(thread);
    ck_assert_int_eq(call->rc, rc);
    weft_half_drop(&call->tx);
}

WT_TEST(a_place_is_kept_and_filled)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_PERMIT(int, a);
    WEFT_PERMIT(int, b);
    int value;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2), 0);
    ck_assert_int_eq(weft_reserve(tx, &a), 0);
    ck_assert_int_eq(weft_reserve(tx, &b), 0);
    ck_assert_int_eq(weft_try_send(tx, 1), WEFT_EAGAIN);
    ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_EAGAIN);
    /* In the order of the commits, not of the reservations. */
    ck_assert_int_eq(weft_commit(b, 2), 0);
    ck_assert_ptr_null((void *)b);
    ck_assert_int_eq(weft_commit(a, 1), 0);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, 2);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, 1);
}

WT_TEST(a_place_given_back_goes_to_who_waited_first)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_PERMIT(int, permit);
    struct call a, b;
    int value;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    ck_assert_int_eq(weft_reserve(tx, &permit), 0);
    wt_thread *first = start(reserve_place, &a, WEFT_TX_RAW_(tx), 0);
    wt_thread *second = start(send_value, &b, WEFT_TX_RAW_(tx), 5);
    weft_permit_drop(&permit);
    end(first, &a, 0);
    chan_until_waiting(CHAN_OF_TX(tx), 1, 0);
    weft_permit_drop(&a.permit);
    end(second, &b, 0);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, 5);
}

WT_TEST(a_commit_goes_to_a_receiver_that_waits)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_PERMIT(int, permit);
    struct call call = { 0 }, blocked;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    ck_assert_int_eq(weft_reserve(tx, &permit), 0);
    call.rx = WEFT_RX_RAW_(rx);
    wt_thread *receiver = wt_thread_start(recv_value, &call);
    chan_until_waiting(CHAN_OF_TX(tx), 0, 1);
    ck_assert_int_eq(weft_commit(permit, 3), 0);
    wt_thread_join(receiver);
    ck_assert_int_eq(call.value, 3);
    /* ... and its place to a sender that waits. */
    ck_assert_int_eq(weft_reserve(tx, &permit), 0);
    wt_thread *sender = start(reserve_place, &blocked, WEFT_TX_RAW_(tx), 0);
    ck_assert_int_eq(weft_commit(permit, 4), 0);
    ck_assert_int_eq(weft_recv(rx, &call.value), 1);
    end(sender, &blocked, 0);
    weft_permit_drop(&blocked.permit);
}

WT_TEST(a_sender_that_waits_for_places_serves_a_receiver_directly)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_PERMIT(int, permit);
    struct call blocked;
    int value;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    ck_assert_int_eq(weft_reserve(tx, &permit), 0);
    wt_thread *sender = start(send_value, &blocked, WEFT_TX_RAW_(tx), 8);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, 8);
    end(sender, &blocked, 0);
    ck_assert_int_eq(weft_commit(permit, 9), 0);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, 9);
}

WT_TEST(the_end_waits_for_permits)
{
    for (int way = 0; way < 4; way++) {
        bool is_end = way % 2 == 0, is_filled = way < 2;
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        WEFT_PERMIT(int, permit);
        struct call call = { 0 };
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
        ck_assert_int_eq(weft_reserve(tx, &permit), 0);
        if (is_end)
            ck_assert_int_eq(weft_end(tx, -7), 0);
        WEFT_DROP(tx);
        ck_assert_int_eq(weft_try_recv(rx, &call.value), WEFT_EAGAIN);
        call.rx = WEFT_RX_RAW_(rx);
        wt_thread *receiver = wt_thread_start(recv_value, &call);
        chan_until_waiting(CHAN_OF_RX(rx), 0, 1);
        int end_code = is_end ? -7 : 0;
        if (is_filled)
            ck_assert_int_eq(weft_commit(permit, 6), 0);
        else
            weft_permit_drop(&permit);
        wt_thread_join(receiver);
        ck_assert_int_eq(call.rc, is_filled ? 1 : end_code);
        if (is_filled)
            ck_assert_int_eq(weft_recv(rx, &call.value), end_code);
        ck_assert_int_eq(weft_recv(rx, &call.value), 0);
    }
}

WT_TEST(the_last_permit_ends_it_for_all_who_wait)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_PERMIT(int, permit);
    struct call calls[2] = { { 0 } };
    wt_thread *threads[2];
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    ck_assert_int_eq(weft_reserve(tx, &permit), 0);
    ck_assert_int_eq(weft_end(tx, 0), 0);
    for (size_t i = 0; i < 2; i++) {
        calls[i].rx = weft_half_ref(WEFT_HALF_RAW_(rx), __FILE__, __LINE__);
        threads[i] = wt_thread_start(recv_value, &calls[i]);
        chan_until_waiting(CHAN_OF_RX(rx), 0, i + 1);
    }
    ck_assert_int_eq(weft_commit(permit, 6), 0);
    for (size_t i = 0; i < 2; i++) {
        wt_thread_join(threads[i]);
        ck_assert_int_eq(calls[i].rc, i == 0);
        weft_half_drop(&calls[i].rx);
    }
}

WT_TEST(an_abort_voids_permits)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_PERMIT(int, permit);
    int value;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2), 0);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    ck_assert_int_eq(weft_reserve(tx, &permit), 0);
    ck_assert_int_eq(weft_abort(tx, -9), 0);
    ck_assert_int_eq(weft_recv(rx, &value), -9);
    ck_assert_int_eq(weft_commit(permit, 2), WEFT_ECLOSED);
    ck_assert_int_eq(weft_recv(rx, &value), 0);
}

WT_TEST(without_receivers_there_is_no_place)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_PERMIT(int, permit);
    WEFT_PERMIT(int, other);
    struct call blocked;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    ck_assert_int_eq(weft_reserve(tx, &permit), 0);
    wt_thread *thread = start(reserve_place, &blocked, WEFT_TX_RAW_(tx), 0);
    WEFT_DROP(rx);
    end(thread, &blocked, WEFT_ECLOSED);
    ck_assert_int_eq(weft_commit(permit, 2), WEFT_ECLOSED);
    ck_assert_int_eq(weft_reserve(tx, &other), WEFT_ECLOSED);
    ck_assert_ptr_null((void *)other);
}

WT_TEST(what_can_be_wrong_with_a_reservation)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_PERMIT(int, permit);
    weft_tx(int) none = NULL;
    long wide = 1;
    ck_assert_int_eq(weft_reserve(none, &permit), WEFT_EINVAL);
    ck_assert_int_eq(weft_commit(permit, 1), WEFT_EINVAL);
    weft_permit_drop(&permit);

    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
    ck_assert_int_eq(weft_reserve(tx, &permit), WEFT_ENOTSUP);
    WEFT_DROP(tx);
    WEFT_DROP(rx);

    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    ck_assert_int_eq(weft_reserve(tx, &permit), 0);
    weft_permit_half *raw = weft_slot_take(&permit);
    ck_assert_int_eq(weft_permit_commit(raw, &wide, sizeof wide), WEFT_EMSGSIZE);
    /* The permit was consumed: the place is free again. */
    ck_assert_int_eq(weft_try_send(tx, 1), 0);
    ck_assert_int_eq(weft_close(tx), 0);
    ck_assert_int_eq(weft_reserve(tx, &permit), WEFT_ECLOSED);
}

static void *no_memory(size_t size)
{
    (void)size;
    return NULL;
}

WT_TEST(without_memory_no_place_is_kept)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_PERMIT(int, permit);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    wf_sys.alloc = no_memory;
    int rc = weft_reserve(tx, &permit);
    wf_sys.alloc = wf_sys_real.alloc;
    ck_assert_int_eq(rc, WEFT_ENOMEM);
    ck_assert_int_eq(weft_try_send(tx, 1), 0);
}

static int n_dropped, last_dropped;
static void count_drop(void *item)
{
    n_dropped++;
    last_dropped = *(int *)item;
}

WT_TEST(policies_decide_about_reservations_too)
{
    enum weft_overflow policies[] = { WEFT_FAIL, WEFT_DROP_OLDEST, WEFT_CONFLATE };
    for (size_t i = 0; i < 3; i++) {
        bool is_fail = policies[i] == WEFT_FAIL;
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        WEFT_PERMIT(int, permit);
        int value;
        n_dropped = 0;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 1, .overflow = policies[i], .drop = count_drop),
                         0);
        ck_assert_int_eq(weft_send(tx, 1), 0);
        ck_assert_int_eq(weft_reserve(tx, &permit), is_fail ? WEFT_EAGAIN : 0);
        ck_assert_int_eq(n_dropped, !is_fail);
        if (is_fail)
            continue;
        ck_assert_int_eq(last_dropped, 1);
        /* The only place is kept, so the newest gives way. */
        ck_assert_int_eq(weft_send(tx, 2), 0);
        ck_assert_int_eq(last_dropped, 2);
        ck_assert_int_eq(weft_commit(permit, 3), 0);
        ck_assert_int_eq(weft_recv(rx, &value), 1);
        ck_assert_int_eq(value, 3);
    }
}

WT_MAIN("chan_reserve")
