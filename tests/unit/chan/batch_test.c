/* SPDX-License-Identifier: MIT
 * Batches: the order and the counts of single calls, cut short where those would stop. */
#include "chan_waiters.h"

enum { MANY = 300 };

struct batch {
    weft_sender *tx;
    weft_receiver *rx;
    int values[MANY];
    size_t n;
    int rc;
};

static void send_batch(void *arg)
{
    struct batch *batch = arg;
    batch->rc = weft_sender_send_many(batch->tx, batch->values, batch->n, sizeof(int));
}

static void recv_batch(void *arg)
{
    struct batch *batch = arg;
    batch->rc = weft_receiver_recv_many(batch->rx, batch->values, batch->n, sizeof(int));
}

static void fill(struct batch *batch, size_t n)
{
    batch->n = n;
    for (size_t i = 0; i < n; i++)
        batch->values[i] = (int)i;
}

WT_TEST(a_batch_passes_channels_of_any_capacity_in_order)
{
    size_t capacities[] = { 0, 1, 2, 3, 64, 1000 };
    for (size_t c = 0; c < 6; c++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        struct batch batch;
        int values[MANY];
        ck_assert_int_eq(weft_chan_open(&tx, &rx, capacities[c]), 0);
        fill(&batch, MANY);
        batch.tx = WEFT_TX_RAW_(tx);
        wt_thread *sender = wt_thread_start(send_batch, &batch);
        int n = 0;
        while (n < MANY) {
            int rc = weft_recv_many(rx, values + n, 1 + wt_random_below(99));
            ck_assert_int_gt(rc, 0);
            n += rc;
        }
        wt_thread_join(sender);
        ck_assert_int_eq(batch.rc, MANY);
        for (int i = 0; i < MANY; i++)
            ck_assert_int_eq(values[i], i);
    }
}

WT_TEST(a_batch_tells_how_much_went_in_before_the_end)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    struct batch batch;
    int values[MANY];
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 10), 0);
    fill(&batch, 15);
    batch.tx = weft_half_ref(WEFT_HALF_RAW_(tx), __FILE__, __LINE__);
    wt_thread *sender = wt_thread_start(send_batch, &batch);
    chan_until_waiting(CHAN_OF_TX(tx), 1, 0);
    ck_assert_int_eq(weft_end(tx, -3), 0);
    wt_thread_join(sender);
    ck_assert_int_eq(batch.rc, 10);
    ck_assert_int_eq(weft_sender_send_many(batch.tx, values, 1, sizeof(int)), WEFT_ECLOSED);
    weft_half_drop(&batch.tx);
    ck_assert_int_eq(weft_recv_many(rx, values, MANY), 10);
    ck_assert_int_eq(weft_recv_many(rx, values, MANY), -3);
    ck_assert_int_eq(weft_error(rx), -3);
    ck_assert_int_eq(weft_recv_many(rx, values, MANY), 0);
}

WT_TEST(a_receive_of_many_waits_for_the_first_alone)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    struct batch batch = { .n = 5 };
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 10), 0);
    batch.rx = WEFT_RX_RAW_(rx);
    wt_thread *receiver = wt_thread_start(recv_batch, &batch);
    chan_until_waiting(CHAN_OF_TX(tx), 0, 1);
    ck_assert_int_eq(weft_send(tx, 4), 0);
    wt_thread_join(receiver);
    ck_assert_int_eq(batch.rc, 1);
    ck_assert_int_eq(batch.values[0], 4);
}

WT_TEST(a_batch_serves_all_who_wait)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    struct batch batches[3] = { { .n = 1 }, { .n = 1 }, { .n = 1 } };
    wt_thread *threads[3];
    int values[] = { 7, 8, 9, 10 };
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    for (size_t i = 0; i < 3; i++) {
        batches[i].rx = weft_half_ref(WEFT_HALF_RAW_(rx), __FILE__, __LINE__);
        threads[i] = wt_thread_start(recv_batch, &batches[i]);
        chan_until_waiting(CHAN_OF_TX(tx), 0, i + 1);
    }
    ck_assert_int_eq(weft_send_many(tx, values, 4), 4);
    for (size_t i = 0; i < 3; i++) {
        wt_thread_join(threads[i]);
        ck_assert_int_eq(batches[i].values[0], values[i]);
        weft_half_drop(&batches[i].rx);
    }
    ck_assert_int_eq(weft_recv(rx, values), 1);
    ck_assert_int_eq(values[0], 10);
}

WT_TEST(a_receive_that_waits_takes_as_much_as_it_has_room_for)
{
    int values[] = { 0, 1, 2, 3, 4 };
    for (size_t room = 3; room <= 7; room += 2) {
        for (size_t capacity = 2; capacity <= 8; capacity += 6) {
            WEFT_TX(int, tx);
            WEFT_RX(int, rx);
            struct batch batch = { .n = room };
            int n_got = (int)WF_MIN(room, (size_t)5), value;
            ck_assert_int_eq(weft_chan_open(&tx, &rx, capacity), 0);
            batch.rx = WEFT_RX_RAW_(rx);
            wt_thread *receiver = wt_thread_start(recv_batch, &batch);
            chan_until_waiting(CHAN_OF_TX(tx), 0, 1);
            ck_assert_int_eq(weft_send_many(tx, values, 5), 5);
            wt_thread_join(receiver);
            ck_assert_int_eq(batch.rc, n_got);
            ck_assert_mem_eq(batch.values, values, (size_t)n_got * sizeof(int));
            for (int want = n_got; want < 5; want++) {
                ck_assert_int_eq(weft_recv(rx, &value), 1);
                ck_assert_int_eq(value, want);
            }
            ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_EAGAIN);
        }
    }
}

WT_TEST(a_send_that_waits_gives_as_much_as_there_is_room_for)
{
    for (int capacity = 0; capacity <= 4; capacity += 4) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        struct batch batch;
        int values[MANY];
        ck_assert_int_eq(weft_chan_open(&tx, &rx, (size_t)capacity), 0);
        fill(&batch, 12);
        batch.tx = WEFT_TX_RAW_(tx);
        wt_thread *sender = wt_thread_start(send_batch, &batch);
        chan_until_waiting(CHAN_OF_TX(tx), 1, 0);
        ck_assert_int_eq(weft_recv_many(rx, values, 3), 3);
        chan_until_waiting(CHAN_OF_TX(tx), 1, 0);
        ck_assert_int_eq(weft_recv(rx, values + 3), 1);
        chan_until_waiting(CHAN_OF_TX(tx), 1, 0);
        ck_assert_int_eq(weft_recv_many(rx, values + 4, 8), 8);
        wt_thread_join(sender);
        ck_assert_int_eq(batch.rc, 12);
        for (int i = 0; i < 12; i++)
            ck_assert_int_eq(values[i], i);
    }
}

static int dropped[MANY], n_dropped;
static void note_drop(void *item) { dropped[n_dropped++] = *(int *)item; }

WT_TEST(policies_hold_for_batches)
{
    int values[] = { 0, 1, 2, 3, 4, 5 }, got[6];
    {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 4, .overflow = WEFT_FAIL), 0);
        ck_assert_int_eq(weft_send_many(tx, values, 6), 4);
        ck_assert_int_eq(weft_send_many(tx, values, 6), WEFT_EAGAIN);
    }
    enum weft_overflow policies[] = { WEFT_DROP_OLDEST, WEFT_DROP_NEWEST, WEFT_CONFLATE };
    int first_kept[] = { 2, 0, 5 }, n_kept[] = { 4, 4, 1 };
    for (size_t p = 0; p < 3; p++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        n_dropped = 0;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 4, .overflow = policies[p], .drop = note_drop),
                         0);
        ck_assert_int_eq(weft_send_many(tx, values, 6), 6);
        ck_assert_int_eq(n_dropped, 6 - n_kept[p]);
        ck_assert_int_eq(weft_recv_many(rx, got, 6), n_kept[p]);
        ck_assert_int_eq(got[0], first_kept[p]);
        for (int i = 0; i < n_dropped; i++)
            ck_assert_int_eq(dropped[i], policies[p] == WEFT_DROP_NEWEST ? 4 + i : i);
    }
}

WT_TEST(empty_and_wrong_batches)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    weft_tx(int) no_tx = NULL;
    weft_rx(int) no_rx = NULL;
    int values[2] = { 1, 2 };
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4), 0);
    ck_assert_int_eq(weft_send_many(tx, values, 0), 0);
    ck_assert_int_eq(weft_send_many(tx, NULL, 0), 0);
    ck_assert_int_eq(weft_send_many(tx, NULL, 1), WEFT_EINVAL);
    ck_assert_int_eq(weft_send_many(no_tx, values, 1), WEFT_EINVAL);
    ck_assert_int_eq(weft_recv_many(no_rx, values, 1), WEFT_EINVAL);
    ck_assert_int_eq(weft_recv_many(rx, values, 0), WEFT_EINVAL);
    ck_assert_int_eq(weft_recv_many(rx, NULL, 1), WEFT_EINVAL);
    ck_assert_int_eq(weft_sender_send_many(WEFT_TX_RAW_(tx), values, 1, 8), WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_receiver_recv_many(WEFT_RX_RAW_(rx), values, 1, 8), WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_close(tx), 0);
    ck_assert_int_eq(weft_send_many(tx, values, 2), WEFT_ECLOSED);
    ck_assert_int_eq(weft_close(rx), 0);
    ck_assert_int_eq(weft_recv_many(rx, values, 2), WEFT_ECLOSED);
}

WEFT_TASK(sends_many, (tx, int, tx), (size_t, n), (int *, out_rc))
{
    int values[MANY] = { 0 };
    *out_rc = weft_send_many(tx, values, n);
    return 0;
}

WT_TEST(a_cancelled_batch_tells_what_went_in)
{
    for (size_t capacity = 0; capacity < 6; capacity += 5) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int rc = 99;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, capacity), 0);
        {
            WEFT_SCOPE(scope);
            ck_assert_int_eq(weft_spawn(&scope, sends_many, weft_ref(tx), 9, &rc), 0);
            chan_until_waiting(CHAN_OF_TX(tx), 1, 0);
            weft_scope_cancel(&scope);
        }
        ck_assert_int_eq(rc, capacity == 0 ? WEFT_ECANCELED : (int)capacity);
    }
}

WT_MAIN("chan_batch")
