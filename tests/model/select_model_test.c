/* SPDX-License-Identifier: MIT
 * Model of select (chan/select.c): one case is done and only that, two selects meet, an end is a
 * case like another, and no node is left behind. */
#include "model.h"

enum { NOTHING = -77 };

static weft_case on_recv(weft_receiver *rx, int *value)
{
    return weft_case_recv(rx, value, sizeof *value);
}

static weft_case on_send(weft_sender *tx, const int *value)
{
    return weft_case_send(tx, value, sizeof *value);
}

static struct pipe open_small(size_t capacity_max)
{
    return model_open(WEFT_OPTS(chan, .capacity = wt_random_below(capacity_max + 1)));
}

static void close_both(struct pipe *pipe)
{
    model_expect_no_waiter(pipe->tx->chan);
    weft_half_drop(&pipe->tx);
    weft_half_drop(&pipe->rx);
}

/* ---- two channels, a sender each --------------------------------------------------------------- */

struct taker {
    weft_receiver *a, *b;
    int sum;
};

static void take_two(void *arg)
{
    struct taker *taker = arg;
    for (int i = 0; i < 2; i++) {
        int values[2] = { NOTHING, NOTHING }, rc = 99;
        weft_case cases[] = { on_recv(taker->a, &values[0]), on_recv(taker->b, &values[1]) };
        int done = weft_select_from(cases, 2, &rc);
        ck_assert(done == 0 || done == 1);
        ck_assert_int_eq(rc, 1);
        ck_assert_int_eq(values[1 - done], NOTHING);
        taker->sum += values[done];
    }
}

static void send_3(void *tx) { MUST(model_send(tx, 3)); }
static void send_40(void *tx) { MUST(model_send(tx, 40)); }

WT_TEST(one_case_is_done)
{
    struct pipe a = open_small(1), b = open_small(1);
    struct taker taker = { a.rx, b.rx, 0 };
    struct actor actors[] = { { take_two, &taker }, { send_3, a.tx }, { send_40, b.tx } };
    model_run(actors, 3);
    ck_assert_int_eq(taker.sum, 43);
    close_both(&a);
    close_both(&b);
}

/* After the select the same waiter waits on one channel alone: what was left of the select on the
 * other would claim that wait. */
static void select_and_recv(void *arg)
{
    struct taker *taker = arg;
    int values[2] = { NOTHING, NOTHING }, rc = 99;
    weft_case cases[] = { on_recv(taker->a, &values[0]), on_recv(taker->b, &values[1]) };
    int done = weft_select_from(cases, 2, &rc);
    ck_assert_int_eq(rc, 1);
    ck_assert_int_eq(model_recv(done == 0 ? taker->b : taker->a, &values[1 - done]), 1);
    ck_assert_int_eq(values[0], 3);
    ck_assert_int_eq(values[1], 40);
}

WT_TEST(a_select_leaves_no_trace)
{
    struct pipe a = open_small(0), b = open_small(0);
    struct taker taker = { a.rx, b.rx, 0 };
    struct actor actors[] = { { select_and_recv, &taker }, { send_3, a.tx }, { send_40, b.tx } };
    model_run(actors, 3);
    close_both(&a);
    close_both(&b);
}

/* ---- two selects ------------------------------------------------------------------------------- */

struct swapper {
    struct pipe out, in;
    int done, got;
};

static void swap_one(void *arg)
{
    struct swapper *swapper = arg;
    int value = swapper->got, rc = 99;
    weft_case cases[] = { on_send(swapper->out.tx, &value),
                          on_recv(swapper->in.rx, &swapper->got) };
    swapper->done = weft_select_from(cases, 2, &rc);
    ck_assert_int_eq(rc, swapper->done == 0 ? 0 : 1);
}

static void swap(struct pipe a, struct pipe b)
{
    struct swapper swappers[] = { { .out = a, .in = b, .got = 10 },
                                  { .out = b, .in = a, .got = 11 } };
    struct actor actors[] = { { swap_one, &swappers[0] }, { swap_one, &swappers[1] } };
    model_run(actors, 2);
    int sent = swappers[0].done == 0 ? 10 : 11;
    ck_assert_int_eq(swappers[0].done + swappers[1].done, 1);
    ck_assert_int_eq(swappers[0].got, sent);
    ck_assert_int_eq(swappers[1].got, sent);
}

/* Half of them through a further reference each, for a half is one holder's. */
WT_TEST(two_selects_meet_on_one_channel)
{
    struct pipe a = open_small(0);
    struct pipe same = { model_ref_tx(a.tx), model_ref_rx(a.rx) };
    swap(a, same);
    close_both(&a);
    close_both(&same);
}

WT_TEST(two_selects_meet_across_two_channels)
{
    struct pipe a = open_small(0), b = open_small(0);
    swap(a, b);
    close_both(&a);
    close_both(&b);
}

/* One of each pair meets one of the other, whichever; what one sent another got. */
WT_TEST(four_selects_meet_in_pairs)
{
    struct pipe a = open_small(0), b = open_small(0),
                a_too = { model_ref_tx(a.tx), model_ref_rx(a.rx) },
                b_too = { model_ref_tx(b.tx), model_ref_rx(b.rx) };
    struct swapper swappers[] = {
        { .out = a, .in = b, .got = 1 },
        { .out = a_too, .in = b_too, .got = 10 },
        { .out = b, .in = a, .got = 100 },
        { .out = b_too, .in = a_too, .got = 1000 },
    };
    struct actor actors[4];
    for (int i = 0; i < 4; i++)
        actors[i] = (struct actor){ swap_one, &swappers[i] };
    model_run(actors, 4);
    int n_sent = 0, sum_sent = 0, sum_got = 0;
    for (int i = 0, own = 1; i < 4; i++, own *= 10) {
        bool has_sent = swappers[i].done == 0;
        n_sent += has_sent;
        sum_sent += has_sent ? own : 0;
        sum_got += has_sent ? 0 : swappers[i].got;
    }
    ck_assert_int_eq(n_sent, 2);
    ck_assert_int_eq(sum_got, sum_sent);
    close_both(&a);
    close_both(&b);
    close_both(&a_too);
    close_both(&b_too);
}

/* ---- ends and time ----------------------------------------------------------------------------- */

static void take_until_both_end(void *arg)
{
    struct taker *taker = arg;
    int value = NOTHING, rc = 99;
    weft_case cases[] = { on_recv(taker->a, &value), on_recv(taker->b, &value) };
    for (int n_open = 2; n_open > 0;) {
        int done = weft_select_from(cases, 2, &rc);
        ck_assert(done == 0 || done == 1);
        ck_assert(rc == 0 || rc == 1);
        if (rc == 1)
            taker->sum += value;
        else
            cases[done].half = NULL;
        n_open -= rc == 0;
    }
}

static void send_3_and_go(void *arg)
{
    weft_sender *tx = arg;
    send_3(tx);
    weft_half_drop(&tx);
}

static void end_soon(void *tx)
{
    model_dawdle(60);
    MUST(weft_sender_end(tx, 0));
}

WT_TEST(an_end_is_a_case)
{
    struct pipe a = open_small(1), b = open_small(1);
    struct taker taker = { a.rx, b.rx, 0 };
    struct actor actors[] = { { take_until_both_end, &taker },
                              { send_3_and_go, model_ref_tx(a.tx) },
                              { end_soon, b.tx } };
    weft_half_drop(&a.tx);
    model_run(actors, 3);
    ck_assert_int_eq(taker.sum, 3);
    weft_half_drop(&a.rx);
    close_both(&b);
}

static void offer_until_closed(void *arg)
{
    struct swapper *swapper = arg;
    int values[] = { 1, 2 }, rc = 99;
    weft_case cases[] = { on_send(swapper->out.tx, &values[0]),
                          on_send(swapper->in.tx, &values[1]) };
    swapper->done = weft_select_from(cases, 2, &rc);
    ck_assert_int_eq(rc, WEFT_ECLOSED);
    ck_assert_int_eq(swapper->done, 1);
}

static void leave(void *arg)
{
    weft_receiver *rx = arg;
    model_dawdle(60);
    weft_half_drop(&rx);
}

WT_TEST(a_receiver_that_leaves_is_a_case)
{
    struct pipe a = open_small(0), b = open_small(0);
    struct swapper swapper = { .out = a, .in = b };
    struct actor actors[] = { { offer_until_closed, &swapper }, { leave, b.rx } };
    model_run(actors, 2);
    close_both(&a);
    model_expect_no_waiter(b.tx->chan);
    weft_half_drop(&b.tx);
}

struct timed {
    weft_receiver *rx;
    int done, value;
};

static void recv_or_time(void *arg)
{
    struct timed *timed = arg;
    int rc = 99;
    weft_case cases[] = { on_recv(timed->rx, &timed->value), weft_on_after(2000) };
    timed->done = weft_select_from(cases, 2, &rc);
    ck_assert_int_eq(rc, timed->done == 0 ? 1 : 0);
}

static void send_in_time(void *arg)
{
    for (uint64_t turns = wt_random_below(8); turns > 0; turns--)
        wf_cpu_relax(); /* time passes while all spin */
    MUST(model_send(arg, 3));
}

WT_TEST(time_takes_nothing)
{
    struct pipe a = model_open(WEFT_OPTS(chan, .capacity = 1));
    struct timed timed = { .rx = a.rx, .value = NOTHING };
    struct actor actors[] = { { recv_or_time, &timed }, { send_in_time, a.tx } };
    model_run(actors, 2);
    int rest = NOTHING, rc = weft_receiver_try_recv(a.rx, &rest, sizeof rest);
    ck_assert_int_eq(rc, timed.done == 0 ? WEFT_EAGAIN : 1);
    ck_assert_int_eq(timed.done == 0 ? timed.value : rest, 3);
    close_both(&a);
}

WT_MAIN("select_model")
