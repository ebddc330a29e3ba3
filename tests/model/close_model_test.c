/* SPDX-License-Identifier: MIT
 * Model of a channel's end (chan/chan.c, C3, C4): whoever waits learns of it, what was accepted is
 * received or dropped, and nothing is accepted afterwards. */
#include "model.h"

enum { CAUSE = -3, LIMIT = 8 };

/* What all calls of a run made of the values. Plain threads and tasks write it: atomic. */
static struct {
    _Atomic unsigned n_accepted, n_received, n_dropped;
} sum;

static void drop_value(void *item)
{
    ck_assert_int_eq(*(int *)item, 5);
    (void)wf_add_rlx(&sum.n_dropped, 1u);
}

static void begin(void)
{
    wf_store_rlx(&sum.n_accepted, 0u);
    wf_store_rlx(&sum.n_received, 0u);
    wf_store_rlx(&sum.n_dropped, 0u);
}

static void expect_nothing_lost(void)
{
    ck_assert_uint_eq(wf_load_rlx(&sum.n_accepted),
                      wf_load_rlx(&sum.n_received) + wf_load_rlx(&sum.n_dropped));
}

static void send_until_closed(void *arg)
{
    weft_sender *tx = arg;
    int rc;
    for (unsigned i = 0; i < LIMIT && (rc = model_send(tx, 5)) == 0; i++)
        (void)wf_add_rlx(&sum.n_accepted, 1u);
    ck_assert(rc == 0 || rc == WEFT_ECLOSED);
    weft_half_drop(&tx);
}

static int recv_rest(weft_receiver *rx)
{
    int rc, value = 0;
    while ((rc = model_recv(rx, &value)) == 1) {
        ck_assert_int_eq(value, 5);
        (void)wf_add_rlx(&sum.n_received, 1u);
    }
    return rc;
}

static void recv_until_end(void *arg)
{
    weft_receiver *rx = arg;
    MUST(recv_rest(rx));
    weft_half_drop(&rx);
}

static void recv_until_cause(void *arg)
{
    weft_receiver *rx = arg;
    ck_assert_int_eq(recv_rest(rx), CAUSE);
    MUST(recv_rest(rx));
    weft_half_drop(&rx);
}

static void recv_two(void *arg)
{
    weft_receiver *rx = arg;
    int value = 0;
    for (int i = 0; i < 2 && model_recv(rx, &value) == 1; i++)
        (void)wf_add_rlx(&sum.n_received, 1u);
    weft_half_drop(&rx);
}

static void end_with_cause(void *arg)
{
    weft_sender *tx = arg;
    model_dawdle(60);
    MUST(weft_sender_end(tx, CAUSE));
    weft_half_drop(&tx);
}

static void abort_with_cause(void *arg)
{
    weft_sender *tx = arg;
    model_dawdle(60);
    MUST(weft_sender_abort(tx, CAUSE));
    weft_half_drop(&tx);
}

static struct pipe open_to_drop(void)
{
    begin();
    return model_open(WEFT_OPTS(chan, .capacity = wt_random_below(3), .drop = drop_value));
}

/* Somebody ends it for all while two send and two receive, or wait to. */
static void end_by(void (*ender)(void *tx), void (*receiver)(void *rx))
{
    struct pipe pipe = open_to_drop();
    struct actor actors[] = {
        { send_until_closed, model_ref_tx(pipe.tx) },
        { receiver, model_ref_rx(pipe.rx) },
        { receiver, model_ref_rx(pipe.rx) },
        { ender, model_ref_tx(pipe.tx) },
    };
    model_run(actors, 4);
    model_expect_no_waiter(pipe.tx->chan);
    weft_half_drop(&pipe.tx);
    weft_half_drop(&pipe.rx);
    expect_nothing_lost();
}

WT_TEST(an_end_reaches_all) { end_by(end_with_cause, recv_until_cause); }

WT_TEST(an_abort_reaches_all) { end_by(abort_with_cause, recv_until_cause); }

WT_TEST(the_last_sender_that_goes_ends_it)
{
    struct pipe pipe = open_to_drop();
    struct actor actors[] = {
        { send_until_closed, model_ref_tx(pipe.tx) },
        { send_until_closed, model_ref_tx(pipe.tx) },
        { recv_until_end, model_ref_rx(pipe.rx) },
        { recv_until_end, model_ref_rx(pipe.rx) },
    };
    weft_half_drop(&pipe.tx);
    model_run(actors, 4);
    weft_half_drop(&pipe.rx);
    ck_assert_uint_eq(wf_load_rlx(&sum.n_received), 2 * LIMIT);
}

WT_TEST(the_last_receiver_that_goes_ends_it)
{
    struct pipe pipe = open_to_drop();
    struct actor actors[] = {
        { send_until_closed, model_ref_tx(pipe.tx) },
        { send_until_closed, model_ref_tx(pipe.tx) },
        { recv_two, model_ref_rx(pipe.rx) },
    };
    weft_half_drop(&pipe.rx);
    model_run(actors, 3);
    weft_half_drop(&pipe.tx);
    expect_nothing_lost();
}

/* ---- permits ----------------------------------------------------------------------------------- */

static void reserve_and_commit(void *arg)
{
    weft_sender *tx = arg;
    weft_permit_half *permit = NULL;
    int value = 5, rc = weft_sender_reserve(tx, &permit);
    ck_assert(rc == 0 || rc == WEFT_ECLOSED);
    model_dawdle(30);
    bool is_kept = wt_random_below(3) > 0;
    if (rc == 0 && is_kept && weft_permit_commit(permit, &value, sizeof value) == 0)
        (void)wf_add_rlx(&sum.n_accepted, 1u);
    else if (rc == 0 && !is_kept)
        weft_permit_drop(&permit);
    weft_half_drop(&tx);
}

/* An ended channel has not drained as long as a place is kept, and has when it is given up. */
WT_TEST(receivers_wait_for_permits_and_no_longer)
{
    begin();
    struct pipe pipe = model_open(WEFT_OPTS(chan, .capacity = 1, .drop = drop_value));
    struct actor actors[] = {
        { reserve_and_commit, model_ref_tx(pipe.tx) },
        { reserve_and_commit, model_ref_tx(pipe.tx) },
        { recv_until_cause, model_ref_rx(pipe.rx) },
        { end_with_cause, model_ref_tx(pipe.tx) },
    };
    model_run(actors, 4);
    weft_half_drop(&pipe.tx);
    weft_half_drop(&pipe.rx);
    expect_nothing_lost();
}

WT_MAIN("close_model")
