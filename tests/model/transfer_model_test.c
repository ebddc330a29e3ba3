/* SPDX-License-Identifier: MIT
 * Model of the send and receive path (chan/xfer.c): every value arrives exactly once and a sender's
 * own in order; a call that failed moved nothing. */
#include "model.h"

enum { SENDERS = 2, RECEIVERS = 2, VALUES = 2 };

struct end {
    weft_sender *tx;
    weft_receiver *rx;
    unsigned number;
    int got[SENDERS * VALUES], n_got;
};

static void send_values(void *arg)
{
    struct end *end = arg;
    for (int i = 0; i < VALUES; i++)
        MUST(model_send(end->tx, (int)end->number * VALUES + i));
    weft_half_drop(&end->tx);
}

static void recv_all(void *arg)
{
    struct end *end = arg;
    int rc, value = -1;
    while ((rc = model_recv(end->rx, &value)) == 1) {
        ck_assert_int_lt(end->n_got, SENDERS * VALUES);
        end->got[end->n_got++] = value;
    }
    MUST(rc);
    weft_half_drop(&end->rx);
}

static void expect_in_order(const struct end *end)
{
    int last[SENDERS] = { -1, -1 };
    for (int i = 0; i < end->n_got; i++) {
        int sender = end->got[i] / VALUES;
        ck_assert_int_gt(end->got[i], last[sender]);
        last[sender] = end->got[i];
    }
}

static void expect_each_once(const struct end *receivers)
{
    unsigned n_seen[SENDERS * VALUES] = { 0 };
    for (int r = 0; r < RECEIVERS; r++) {
        expect_in_order(&receivers[r]);
        for (int i = 0; i < receivers[r].n_got; i++)
            n_seen[receivers[r].got[i]]++;
    }
    for (int i = 0; i < SENDERS * VALUES; i++)
        ck_assert_uint_eq(n_seen[i], 1);
}

WT_TEST(every_value_arrives_once_and_in_order)
{
    struct end senders[SENDERS] = { 0 }, receivers[RECEIVERS] = { 0 };
    struct actor actors[SENDERS + RECEIVERS];
    struct pipe pipe = model_open(WEFT_OPTS(chan, .capacity = wt_random_below(3)));
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct end){ .tx = model_ref_tx(pipe.tx), .number = i };
        actors[i] = (struct actor){ send_values, &senders[i] };
    }
    for (unsigned i = 0; i < RECEIVERS; i++) {
        receivers[i] = (struct end){ .rx = model_ref_rx(pipe.rx) };
        actors[SENDERS + i] = (struct actor){ recv_all, &receivers[i] };
    }
    weft_half_drop(&pipe.tx);
    model_run(actors, SENDERS + RECEIVERS);
    model_expect_no_waiter(pipe.rx->source);
    weft_half_drop(&pipe.rx);
    expect_each_once(receivers);
}

/* ---- cancelled calls --------------------------------------------------------------------------- */

struct exchange {
    weft_sender *tx;
    int send_rc, recv_rc, value;
};

WEFT_TASK(receive_one, (rx, int, rx), (struct exchange *, x))
{
    x->recv_rc = weft_recv(rx, &x->value);
    if (x->recv_rc == WEFT_ECANCELED)
        model_expect_no_waiter(x->tx->chan);
    return 0;
}

static void send_one(void *arg)
{
    struct exchange *x = arg;
    model_dawdle(60);
    x->send_rc = model_send(x->tx, 7);
}

/* The only other receiver stays until the end, so the sender finds a place or this task. */
WT_TEST(a_cancelled_receive_took_nothing)
{
    struct exchange x = { .send_rc = 99, .recv_rc = 99 };
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int rest = 0;
    MUST(weft_configure(WEFT_CONFIG(.workers = 1 + (unsigned)wt_random_below(2))));
    MUST(weft_chan_open(&tx, &rx, 1));
    x.tx = WEFT_TX_RAW_(tx);
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, receive_one, weft_ref(rx), &x));
    wt_thread *sender = wt_thread_start(send_one, &x);
    model_dawdle(150);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    wt_thread_join(sender);
    MUST(x.send_rc);
    bool has_arrived = x.recv_rc == 1;
    ck_assert(has_arrived || x.recv_rc == WEFT_ECANCELED);
    ck_assert_int_eq(weft_try_recv(rx, &rest), has_arrived ? WEFT_EAGAIN : 1);
    ck_assert_int_eq(has_arrived ? x.value : rest, 7);
}

WEFT_TASK(send_seven, (tx, int, tx), (int *, out_rc))
{
    *out_rc = weft_send(tx, 7);
    return 0;
}

static void recv_later(void *arg)
{
    struct end *end = arg;
    model_dawdle(60);
    end->n_got = model_recv(end->rx, &end->got[0]);
}

/* A rendezvous: with its only sender cancelled the receiver sees the end. */
WT_TEST(a_cancelled_send_gave_nothing)
{
    int rc = 99;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    MUST(weft_configure(WEFT_CONFIG(.workers = 1 + (unsigned)wt_random_below(2))));
    MUST(weft_chan_open(&tx, &rx, 0));
    struct end end = { .rx = WEFT_HALF_RAW_(rx) };
    WEFT_SCOPE(scope);
    MUST(weft_spawn(&scope, send_seven, WEFT_MOVE(tx), &rc));
    wt_thread *receiver = wt_thread_start(recv_later, &end);
    model_dawdle(150);
    weft_scope_cancel(&scope);
    MUST(weft_scope_wait(&scope));
    wt_thread_join(receiver);
    ck_assert(rc == 0 || rc == WEFT_ECANCELED);
    ck_assert_int_eq(end.n_got, rc == 0);
    ck_assert_int_eq(end.got[0], rc == 0 ? 7 : 0);
}

WT_MAIN("transfer_model")
