/* SPDX-License-Identifier: MIT
 * The send and receive path with waiters on both sides, and what a wait that ends otherwise leaves
 * behind: nothing. */
#include "chan_waiters.h"

#include "chan/meter.h"

struct call {
    weft_sender *tx;
    weft_receiver *rx;
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

/* n threads send 1, 2, 3 ... and wait, in that order. */
static void start_senders(weft_sender *tx, struct call *calls, wt_thread **threads, int n)
{
    for (int i = 0; i < n; i++) {
        calls[i] = (struct call){ .tx = tx, .value = i + 1, .rc = 99 };
        calls[i].tx = weft_half_ref(tx, __FILE__, __LINE__);
        threads[i] = wt_thread_start(send_value, &calls[i]);
        chan_until_waiting(tx->chan, (size_t)i + 1, 0);
    }
}

static void end_calls(struct call *calls, wt_thread **threads, int n, int rc)
{
    for (int i = 0; i < n; i++) {
        wt_thread_join(threads[i]);
        ck_assert_int_eq(calls[i].rc, rc);
        weft_half_drop(&calls[i].tx);
        weft_half_drop(&calls[i].rx);
    }
}

WT_TEST(order_holds_across_the_ring_and_those_who_wait)
{
    for (size_t capacity = 0; capacity <= 3; capacity++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        struct call calls[3];
        wt_thread *threads[3];
        int value;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, capacity), 0);
        for (size_t i = 0; i < capacity; i++)
            ck_assert_int_eq(weft_send(tx, (int)i - (int)capacity + 1), 0);
        start_senders(WEFT_TX_RAW_(tx), calls, threads, 3);
        for (int want = 1 - (int)capacity; want <= 3; want++) {
            ck_assert_int_eq(weft_recv(rx, &value), 1);
            ck_assert_int_eq(value, want);
        }
        end_calls(calls, threads, 3, 0);
        ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_EAGAIN);
    }
}

WT_TEST(receivers_that_wait_are_served_in_order)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    struct call calls[3];
    wt_thread *threads[3];
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2), 0);
    for (int i = 0; i < 3; i++) {
        calls[i] = (struct call){ .rx = weft_half_ref(WEFT_HALF_RAW_(rx), __FILE__, __LINE__) };
        threads[i] = wt_thread_start(recv_value, &calls[i]);
        chan_until_waiting(CHAN_OF_TX(tx), 0, (size_t)i + 1);
    }
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(weft_send(tx, 10 + i), 0);
    for (int i = 0; i < 3; i++) {
        wt_thread_join(threads[i]);
        ck_assert_int_eq(calls[i].value, 10 + i);
    }
    wt_thread *none[1];
    end_calls(calls, none, 0, 0);
    for (int i = 0; i < 3; i++)
        weft_half_drop(&calls[i].rx);
}

WT_TEST(senders_that_wait_keep_their_values_at_an_end)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    struct call calls[3];
    wt_thread *threads[3];
    int value;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    ck_assert_int_eq(weft_send(tx, 0), 0);
    start_senders(WEFT_TX_RAW_(tx), calls, threads, 3);
    ck_assert_int_eq(weft_end(tx, 0), 0);
    end_calls(calls, threads, 3, WEFT_ECLOSED);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, 0);
    ck_assert_int_eq(weft_recv(rx, &value), 0);
}

WT_TEST(senders_that_wait_are_told_when_the_last_receiver_goes)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    struct call calls[2];
    wt_thread *threads[2];
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
    start_senders(WEFT_TX_RAW_(tx), calls, threads, 2);
    WEFT_DROP(rx);
    end_calls(calls, threads, 2, WEFT_ECLOSED);
}

WT_TEST(receivers_that_wait_see_the_end_and_its_cause_once_each)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    struct call calls[3];
    wt_thread *threads[3];
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2), 0);
    for (int i = 0; i < 3; i++) {
        calls[i] = (struct call){ .rx = weft_half_ref(WEFT_HALF_RAW_(rx), __FILE__, __LINE__),
                                  .value = -1 };
        threads[i] = wt_thread_start(recv_value, &calls[i]);
    }
    chan_until_waiting(CHAN_OF_TX(tx), 0, 3);
    ck_assert_int_eq(weft_end(tx, -5), 0);
    for (int i = 0; i < 3; i++) {
        wt_thread_join(threads[i]);
        ck_assert_int_eq(calls[i].rc, -5);
        ck_assert_int_eq(calls[i].value, -1);
        ck_assert_int_eq(weft_receiver_error(calls[i].rx), -5);
        ck_assert_int_eq(weft_receiver_recv(calls[i].rx, &calls[i].value, sizeof(int)), 0);
        ck_assert_int_eq(weft_receiver_error(calls[i].rx), 0);
        weft_half_drop(&calls[i].rx);
    }
}

/* ---- cancel ---------------------------------------------------------------------------------- */

WEFT_TASK(sends_one, (tx, int, tx), (int, value), (int *, out_rc))
{
    *out_rc = weft_send(tx, value);
    return 0;
}

WEFT_TASK(receives_one, (rx, int, rx), (int *, value), (int *, out_rc))
{
    *out_rc = weft_recv(rx, value);
    return 0;
}

WT_TEST(a_cancelled_send_has_sent_nothing)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int rc = 99, value;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, sends_one, weft_ref(tx), 2, &rc), 0);
        chan_until_waiting(CHAN_OF_TX(tx), 1, 0);
        weft_scope_cancel(&scope);
    }
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    ck_assert_int_eq(weft_try_recv(rx, &value), 1);
    ck_assert_int_eq(value, 1);
    ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_EAGAIN);
}

WT_TEST(a_cancelled_receive_has_taken_nothing)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int rc = 99, value = -1;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, receives_one, weft_ref(rx), &value, &rc), 0);
        chan_until_waiting(CHAN_OF_TX(tx), 0, 1);
        weft_scope_cancel(&scope);
    }
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    ck_assert_int_eq(value, -1);
    ck_assert_int_eq(weft_try_send(tx, 3), 0);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, 3);
}

/* The value and the cancel race: it was either received, or is still there. */
WT_TEST(a_cancel_that_races_a_value_loses_or_wins_whole)
{
    for (unsigned i = 0; i < wt_scaled(300); i++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int rc = 99, value = -1, left = -1, sent = WEFT_EAGAIN;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, i % 2), 0);
        {
            WEFT_SCOPE(scope);
            ck_assert_int_eq(weft_spawn(&scope, receives_one, weft_ref(rx), &value, &rc), 0);
            if (i % 3 == 0)
                chan_until_waiting(CHAN_OF_TX(tx), 0, 1);
            if (i % 5 < 3)
                sent = weft_try_send(tx, 7);
            weft_scope_cancel(&scope);
            if (i % 5 >= 3)
                sent = weft_try_send(tx, 7);
        }
        bool is_left = weft_try_recv(rx, &left) == 1;
        ck_assert_int_eq(sent == 0, (rc == 1) + is_left);
        ck_assert(rc == 1 || rc == WEFT_ECANCELED);
        ck_assert_int_eq(value, rc == 1 ? 7 : -1);
    }
}

WT_TEST(a_cancelled_caller_does_not_even_try)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value = 5, values[2] = { 1, 2 };
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4), 0);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    WEFT_PERMIT(int, permit);
    WEFT_SCOPE(scope);
    weft_scope_cancel(&scope);
    ck_assert_int_eq(weft_send(tx, 2), WEFT_ECANCELED);
    ck_assert_int_eq(weft_recv(rx, &value), WEFT_ECANCELED);
    ck_assert_int_eq(weft_error(rx), WEFT_ECANCELED);
    ck_assert_int_eq(weft_send_many(tx, values, 2), WEFT_ECANCELED);
    ck_assert_int_eq(weft_recv_many(rx, values, 2), WEFT_ECANCELED);
    ck_assert_int_eq(weft_reserve(tx, &permit), WEFT_ECANCELED);
    ck_assert_int_eq(value, 5);
    /* The try_ calls look at the channel alone. */
    ck_assert_int_eq(weft_try_recv(rx, &value), 1);
    ck_assert_int_eq(weft_try_send(tx, 2), 0);
    weft_scope_leave(&scope);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, 2);
}

/* ---- nodes that only want to be told --------------------------------------------------------- */

struct told {
    struct wf_chan *chan;
    uint32_t claim;
    int rc;
};

static void wait_to_be_told(void *arg)
{
    struct told *told = arg;
    struct wf_waiter *self = wf_waiter_self();
    struct wf_node node = { .waiter = self, .claim = WF_CLAIM_FIRST + 3 };
    wf_chan_lock(told->chan);
    wf_wait_begin(self, WF_ON_SELECT, told->chan);
    wf_list_push_back(&told->chan->receivers, &node.link);
    wf_chan_unlock(told->chan);
    told->claim = wf_wait_park(self, WF_NEVER);
    told->rc = node.rc;
}

WT_TEST(who_only_wants_to_be_told_leaves_the_value)
{
    for (size_t capacity = 0; capacity < 2; capacity++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        ck_assert_int_eq(weft_chan_open(&tx, &rx, capacity), 0);
        struct told told = { .chan = CHAN_OF_TX(tx) };
        struct call call = { .rx = WEFT_RX_RAW_(rx) };
        wt_thread *teller = wt_thread_start(wait_to_be_told, &told);
        chan_until_waiting(told.chan, 0, 1);
        wt_thread *receiver = wt_thread_start(recv_value, &call);
        chan_until_waiting(told.chan, 0, 2);
        ck_assert_int_eq(weft_try_send(tx, 4), 0);
        wt_thread_join(teller);
        wt_thread_join(receiver);
        ck_assert_uint_eq(told.claim, WF_CLAIM_FIRST + 3);
        ck_assert_int_eq(told.rc, WF_NODE_RETRY);
        ck_assert_int_eq(call.rc, 1);
        ck_assert_int_eq(call.value, 4);
    }
}

WT_TEST(a_sender_that_has_to_wait_is_told_about_first)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value = 0;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
    struct told told = { .chan = CHAN_OF_TX(tx) };
    struct call call = { .tx = WEFT_TX_RAW_(tx), .value = 9 };
    wt_thread *teller = wt_thread_start(wait_to_be_told, &told);
    chan_until_waiting(told.chan, 0, 1);
    wt_thread *sender = wt_thread_start(send_value, &call);
    wt_thread_join(teller);
    chan_until_waiting(told.chan, 1, 0);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, 9);
    wt_thread_join(sender);
    ck_assert_int_eq(call.rc, 0);
}

WT_TEST(an_end_is_told_too)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    struct told told = { .chan = CHAN_OF_TX(tx) };
    wt_thread *teller = wt_thread_start(wait_to_be_told, &told);
    chan_until_waiting(told.chan, 0, 1);
    WEFT_DROP(tx);
    wt_thread_join(teller);
    ck_assert_int_eq(told.rc, WF_NODE_RETRY);
}

/* ---- the most there were ------------------------------------------------------------------------ */

static unsigned peak_of(struct wf_chan *ch) { return wf_load_rlx(&ch->meter->peak); }

WT_TEST(a_meter_sees_what_enters_when_a_permit_goes)
{
    struct call call;
    wt_thread *thread;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_PERMIT(int, permit);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2), 0);
    ck_assert(wf_meter_make(CHAN_OF_TX(tx)));
    ck_assert_int_eq(weft_send(tx, 1), 0);
    ck_assert_int_eq(weft_reserve(tx, &permit), 0);
    start_senders(WEFT_TX_RAW_(tx), &call, &thread, 1);
    ck_assert_uint_eq(peak_of(CHAN_OF_TX(tx)), 1);
    weft_permit_drop(&permit);
    end_calls(&call, &thread, 1, 0);
    ck_assert_uint_eq(peak_of(CHAN_OF_TX(tx)), 2);
}

static size_t weight_of_int(const void *value) { return (size_t) * (const int *)value; }

WT_TEST(a_meter_sees_many_light_values_enter_after_a_heavy_one)
{
    enum { N = 3 };
    struct call calls[N];
    wt_thread *threads[N];
    int value;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 8, .weigh = weight_of_int, .max_weight = 10), 0);
    ck_assert(wf_meter_make(CHAN_OF_TX(tx)));
    ck_assert_int_eq(weft_send(tx, 10), 0);
    start_senders(WEFT_TX_RAW_(tx), calls, threads, N);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    end_calls(calls, threads, N, 0);
    ck_assert_uint_eq(peak_of(CHAN_OF_TX(tx)), N);
}

WT_MAIN("chan_xfer")
