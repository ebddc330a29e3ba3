/* SPDX-License-Identifier: MIT
 * Select with waiters known to wait, and over sources that are not channels. */
#include "chan_waiters.h"

#include "plat/sys.h"

/* ---- a thread that selects ------------------------------------------------------------------- */

struct choice {
    weft_case cases[20];
    size_t n_cases;
    int index, rc;
};

static void choose(void *arg)
{
    struct choice *choice = arg;
    choice->rc = 99;
    choice->index = weft_select_from(choice->cases, choice->n_cases, &choice->rc);
}

static weft_case on_recv(void *rx, int *out) { return weft_case_recv(rx, out, sizeof *out); }
static weft_case on_send(void *tx, const int *value)
{
    return weft_case_send(tx, value, sizeof *value);
}

#define RAW(half) WEFT_HALF_RAW_(half)

WT_TEST(a_select_that_waits_takes_the_one_that_comes)
{
    for (int which = 0; which < 3; which++) {
        WEFT_TX(int, tx_a);
        WEFT_RX(int, rx_a);
        WEFT_TX(int, tx_b);
        WEFT_RX(int, rx_b);
        int in = 0, out = 5;
        ck_assert_int_eq(weft_chan_open(&tx_a, &rx_a, 2), 0);
        ck_assert_int_eq(weft_chan_open(&tx_b, &rx_b, 1), 0);
        ck_assert_int_eq(weft_send(tx_b, 4), 0);
        struct choice choice = { .cases = { on_recv(RAW(rx_a), &in), on_send(RAW(tx_b), &out) },
                                 .n_cases = 2 };
        wt_thread *thread = wt_thread_start(choose, &choice);
        chan_until_waiting(CHAN_OF_TX(tx_a), 0, 1);
        chan_until_waiting(CHAN_OF_TX(tx_b), 1, 0);
        if (which == 0)
            ck_assert_int_eq(weft_send(tx_a, 6), 0);
        else if (which == 1)
            ck_assert_int_eq(weft_end(tx_a, -3), 0);
        else
            ck_assert_int_eq(weft_recv(rx_b, &in), 1);
        wt_thread_join(thread);
        ck_assert_int_eq(choice.index, which == 2);
        ck_assert_int_eq(choice.rc, which == 0 ? 1 : which == 1 ? -3 : 0);
        ck_assert_int_eq(in, which == 0 ? 6 : which == 1 ? 0 : 4);
        /* No trace is left: nobody waits, and what was not chosen did not happen. */
        chan_until_waiting(CHAN_OF_TX(tx_a), 0, 0);
        chan_until_waiting(CHAN_OF_TX(tx_b), 0, 0);
        ck_assert_int_eq(weft_try_recv(rx_b, &in), 1);
        ck_assert_int_eq(in, which == 2 ? 5 : 4);
        ck_assert_int_eq(weft_try_recv(rx_b, &in), WEFT_EAGAIN);
    }
}

WT_TEST(a_select_that_waits_to_send_learns_that_nobody_receives)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value = 1;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
    struct choice choice = { .cases = { on_send(RAW(tx), &value) }, .n_cases = 1 };
    wt_thread *thread = wt_thread_start(choose, &choice);
    chan_until_waiting(CHAN_OF_TX(tx), 1, 0);
    WEFT_DROP(rx);
    wt_thread_join(thread);
    ck_assert_int_eq(choice.index, 0);
    ck_assert_int_eq(choice.rc, WEFT_ECLOSED);
}

WT_TEST(a_select_does_not_meet_itself)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int in = 0, out = 3, got = 0;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
    struct choice choice = { .cases = { on_recv(RAW(rx), &in), on_send(RAW(tx), &out) },
                             .n_cases = 2 };
    wt_thread *thread = wt_thread_start(choose, &choice);
    chan_until_waiting(CHAN_OF_TX(tx), 1, 1);
    weft_receiver *other = weft_half_ref(RAW(rx), __FILE__, __LINE__);
    ck_assert_int_eq(weft_receiver_recv(other, &got, sizeof got), 1);
    weft_half_drop(&other);
    wt_thread_join(thread);
    ck_assert_int_eq(choice.index, 1);
    ck_assert_int_eq(got, 3);
    ck_assert_int_eq(in, 0);
}

WT_TEST(two_selects_that_do_both_meet_each_other)
{
    for (unsigned i = 0; i < wt_scaled(300); i++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int in[2] = { 0, 0 }, out[2] = { 10, 11 };
        struct choice choices[2];
        wt_thread *threads[2];
        weft_sender *txs[2];
        weft_receiver *rxs[2];
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 0), 0);
        for (size_t k = 0; k < 2; k++) {
            txs[k] = weft_half_ref(RAW(tx), __FILE__, __LINE__);
            rxs[k] = weft_half_ref(RAW(rx), __FILE__, __LINE__);
            choices[k] = (struct choice){
                .cases = { on_recv(rxs[k], &in[k]), on_send(txs[k], &out[k]) }, .n_cases = 2
            };
            threads[k] = wt_thread_start(choose, &choices[k]);
        }
        for (size_t k = 0; k < 2; k++) {
            wt_thread_join(threads[k]);
            weft_half_drop(&txs[k]);
            weft_half_drop(&rxs[k]);
        }
        ck_assert_int_eq(choices[0].index + choices[1].index, 1);
        size_t receiver = choices[0].index == 0 ? 0 : 1;
        ck_assert_int_eq(choices[receiver].rc, 1);
        ck_assert_int_eq(in[receiver], out[1 - receiver]);
    }
}

WT_TEST(a_channel_may_occur_twice)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int a = 0, b = 0;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    struct choice choice = { .cases = { on_recv(RAW(rx), &a), on_recv(RAW(rx), &b) },
                             .n_cases = 2 };
    wt_thread *thread = wt_thread_start(choose, &choice);
    chan_until_waiting(CHAN_OF_TX(tx), 0, 2);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    ck_assert_int_eq(weft_send(tx, 2), 0);
    wt_thread_join(thread);
    ck_assert_int_eq(choice.rc, 1);
    ck_assert_int_eq(choice.index == 0 ? a : b, 1);
    ck_assert_int_eq(choice.index == 0 ? b : a, 0);
    ck_assert_int_eq(weft_recv(rx, &a), 1);
    ck_assert_int_eq(a, 2);
}

WT_TEST(an_end_of_all_cases_ends_it_once)
{
    for (unsigned i = 0; i < wt_scaled(100); i++) {
        weft_sender *txs[12];
        weft_receiver *rxs[12];
        int values[12] = { 0 };
        struct choice choice = { .n_cases = 12 };
        for (size_t k = 0; k < 12; k++) {
            ck_assert_int_eq(weft_channel_open(sizeof(int), NULL, &txs[k], &rxs[k], "t", 1), 0);
            choice.cases[k] = on_recv(rxs[k], &values[k]);
        }
        wt_thread *thread = wt_thread_start(choose, &choice);
        for (size_t k = 0; k < 12; k++)
            ck_assert_int_eq(weft_sender_end(txs[k], -20 - (int)k), 0);
        wt_thread_join(thread);
        ck_assert_int_ge(choice.index, 0);
        ck_assert_int_eq(choice.rc, -20 - choice.index);
        for (int k = 0; k < 12; k++) {
            ck_assert_int_eq(weft_receiver_error(rxs[k]), k == choice.index ? choice.rc : 0);
            weft_half_drop(&txs[k]);
            weft_half_drop(&rxs[k]);
        }
    }
}

static void *no_memory(size_t size)
{
    (void)size;
    return NULL;
}

WT_TEST(many_cases_that_wait_need_memory_and_say_so)
{
    weft_case cases[65];
    int rc = 99, value;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    for (size_t i = 0; i < 65; i++)
        cases[i] = on_recv(RAW(rx), &value);
    wf_sys.alloc = no_memory;
    int nine = weft_select_from(cases, 9, &rc);
    int many = weft_select_from_ordered(cases, 65, &rc);
    wf_sys.alloc = wf_sys_real.alloc;
    ck_assert_int_eq(nine, WEFT_ENOMEM);
    ck_assert_int_eq(many, WEFT_ENOMEM);
    ck_assert_int_eq(rc, 99);
    chan_until_waiting(CHAN_OF_TX(tx), 0, 0);

    /* What is ready needs none. */
    ck_assert_int_eq(weft_send(tx, 1), 0);
    wf_sys.alloc = no_memory;
    nine = weft_select_from_ordered(cases, 9, &rc);
    wf_sys.alloc = wf_sys_real.alloc;
    ck_assert_int_eq(nine, 0);
    ck_assert_int_eq(rc, 1);
}

/* ---- who runs first ---------------------------------------------------------------------------- */

struct turns {
    _Atomic int n_sent;
    int n_sent_at_first;
};

WEFT_TASK(sends_in_turn, (rx, int, gate), (tx, int, tx), (struct turns *, turns))
{
    int none;
    if (weft_recv(gate, &none) != 0)
        return WEFT_EINVAL;
    atomic_fetch_add(&turns->n_sent, 1);
    return weft_send(tx, 1);
}

WEFT_TASK(notes_turns, (rx, int, a), (rx, int, b), (struct turns *, turns))
{
    int value, rc;
    int i = weft_select(&rc, weft_on_recv(a, &value), weft_on_recv(b, &value));
    turns->n_sent_at_first = atomic_load(&turns->n_sent);
    WEFT_TRY(i);
    return i == 0 ? weft_recv(b, &value) : weft_recv(a, &value);
}

/* With one worker: the select waits, then all senders are made ready together. */
static int take_turns(void *arg)
{
    WEFT_TX(int, open_gate);
    WEFT_RX(int, gate);
    WEFT_TX(int, tx_a);
    WEFT_RX(int, rx_a);
    WEFT_TX(int, tx_b);
    WEFT_RX(int, rx_b);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&open_gate, &gate, 1));
    WEFT_TRY(weft_chan_open(&tx_a, &rx_a, 0));
    WEFT_TRY(weft_chan_open(&tx_b, &rx_b, 0));
    struct chan_waiters senders = { CHAN_OF_TX(open_gate), 0, 2 };
    struct chan_waiters selecting = { CHAN_OF_TX(tx_b), 0, 1 };
    WEFT_TRY(weft_spawn(&scope, sends_in_turn, weft_ref(gate), WEFT_MOVE(tx_a), arg));
    WEFT_TRY(weft_spawn(&scope, sends_in_turn, weft_ref(gate), WEFT_MOVE(tx_b), arg));
    WEFT_TRY(weft_spawn(&scope, notes_turns, WEFT_MOVE(rx_a), WEFT_MOVE(rx_b), arg));
    while (!chan_has_waiters(&senders) || !chan_has_waiters(&selecting))
        WEFT_TRY(weft_pause());
    WEFT_TRY(weft_end(open_gate, 0));
    return weft_scope_wait(&scope);
}

/* It finds all that they have, instead of waiting for each of them. */
WT_TEST(a_select_runs_after_those_who_are_queued)
{
    struct turns turns = { 0, 0 };
    ck_assert_int_eq(weft_configure(WEFT_CONFIG(.workers = 1)), 0);
    ck_assert_int_eq(weft_run(take_turns, &turns), 0);
    ck_assert_int_eq(turns.n_sent_at_first, 2);
}

/* ---- sources that are not channels ----------------------------------------------------------- */

/* Doubles what comes from a channel, as a combinator would. */
struct doubler {
    weft_receiver *from;
    unsigned n_tries, n_asked;
    struct wf_chan *on; /* what select_on says, instead of the channel's */
    bool is_mute;       /* select_on says NULL */
};

static int double_it(int rc, void *out)
{
    if (rc == 1)
        *(int *)out *= 2;
    return rc;
}

static int doubler_recv(weft_receiver *rx, void *out)
{
    return double_it(wf_receiver_next(((struct doubler *)rx->source)->from, out), out);
}

static int doubler_try_recv(weft_receiver *rx, void *out)
{
    struct doubler *it = rx->source;
    it->n_tries++;
    return double_it(wf_receiver_try_next(it->from, out), out);
}

static struct wf_chan *doubler_select_on(weft_receiver *rx)
{
    struct doubler *it = rx->source;
    it->n_asked++;
    return it->is_mute ? NULL : it->on != NULL ? it->on : it->from->ops->select_on(it->from);
}

static int doubler_close(weft_receiver *rx)
{
    return weft_half_close(((struct doubler *)rx->source)->from);
}

static const struct wf_source_ops doubler_ops = {
    .kind = "double",
    .recv = doubler_recv,
    .try_recv = doubler_try_recv,
    .select_on = doubler_select_on,
    .close = doubler_close,
};
static const struct wf_source_ops waiting_ops = {
    .kind = "iterator",
    .recv = doubler_recv,
    .close = doubler_close,
};

WT_TEST(a_combinator_is_woken_by_its_channel)
{
    for (int way = 0; way < 3; way++) {
        size_t capacity = way == 2 ? 0 : 2;
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int value = 0;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, capacity), 0);
        struct doubler doubler = { .from = RAW(rx) };
        weft_receiver *doubled = wf_receiver_make(&doubler_ops, &doubler, sizeof(int), "t", 1);
        struct choice choice = { .cases = { on_recv(doubled, &value) }, .n_cases = 1 };
        wt_thread *thread = wt_thread_start(choose, &choice);
        chan_until_waiting(CHAN_OF_TX(tx), 0, 1);
        if (way == 1)
            ck_assert_int_eq(weft_end(tx, -8), 0);
        else
            ck_assert_int_eq(weft_send(tx, 21), 0);
        wt_thread_join(thread);
        ck_assert_int_eq(choice.index, 0);
        ck_assert_int_eq(choice.rc, way == 1 ? -8 : 1);
        ck_assert_int_eq(value, way == 1 ? 0 : 42);
        ck_assert_int_eq(weft_receiver_error(doubled), way == 1 ? -8 : 0);
        ck_assert_uint_ge(doubler.n_tries, 2);
        ck_assert_int_eq(wf_receiver_close_and_free(doubled), 0);
    }
}

WT_TEST(a_combinator_that_loses_keeps_its_item)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TX(int, other_tx);
    WEFT_RX(int, other_rx);
    int a = 0, b = 0, rc;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2), 0);
    ck_assert_int_eq(weft_chan_open(&other_tx, &other_rx, 2), 0);
    struct doubler doubler = { .from = RAW(rx) };
    weft_receiver *doubled = wf_receiver_make(&doubler_ops, &doubler, sizeof(int), "t", 1);
    weft_case cases[] = { on_recv(RAW(other_rx), &a), on_recv(doubled, &b) };
    ck_assert_int_eq(weft_send(tx, 4), 0);
    ck_assert_int_eq(weft_send(other_tx, 5), 0);
    ck_assert_int_eq(weft_select_from_ordered(cases, 2, &rc), 0);
    ck_assert_int_eq(a, 5);
    ck_assert_int_eq(weft_select_from_ordered(cases, 2, &rc), 1);
    ck_assert_int_eq(b, 8);
    cases[1] = weft_on_nothing();
    ck_assert_int_eq(weft_select_from_ordered(cases, 2, &rc), 1);
    ck_assert_int_eq(weft_receiver_error(doubled), 0);
    ck_assert_int_eq(wf_receiver_close_and_free(doubled), 0);
}

WT_TEST(a_source_that_waits_inside_is_refused)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value, rc = 99;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2), 0);
    struct doubler doubler = { .from = RAW(rx) };
    weft_receiver *waits = wf_receiver_make(&waiting_ops, &doubler, sizeof(int), "t", 1);
    weft_case cases[] = { on_recv(waits, &value), weft_on_nothing() };
    ck_assert_int_eq(weft_select_from(cases, 2, &rc), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_receiver_try_recv(waits, &value, sizeof value), WEFT_ENOTSUP);
    wf_receiver_free(waits);

    /* One that finds out only when it is asked. */
    doubler.is_mute = true;
    waits = wf_receiver_make(&doubler_ops, &doubler, sizeof(int), "t", 1);
    cases[0] = on_recv(waits, &value);
    ck_assert_int_eq(weft_select_from(cases, 2, &rc), WEFT_ENOTSUP);
    ck_assert_int_eq(rc, 99);
    wf_receiver_free(waits);
}

/* Has nothing the first time, though it never waits. */
static int late_try_recv(weft_receiver *rx, void *out)
{
    struct doubler *it = rx->source;
    return it->n_tries++ == 0 ? WF_NOT_READY : (*(int *)out = 1, 1);
}

static const struct wf_source_ops late_ops = {
    .kind = "late",
    .recv = late_try_recv,
    .try_recv = late_try_recv,
    .select_on = doubler_select_on,
};

WT_TEST(a_source_that_never_waits_is_asked_again)
{
    int value = 0, rc;
    struct doubler source = { .on = &wf_chan_always };
    weft_receiver *rx = wf_receiver_make(&late_ops, &source, sizeof(int), "t", 1);
    weft_case cases[] = { on_recv(rx, &value) };
    ck_assert_int_eq(weft_select_from(cases, 1, &rc), 0);
    ck_assert_int_eq(rc, 1);
    ck_assert_uint_eq(source.n_tries, 2);
    wf_receiver_free(rx);
}

/* ---- cancel ---------------------------------------------------------------------------------- */

WEFT_TASK(selects, (rx, int, rx), (tx, int, tx), (int *, out_index))
{
    int in, out = 1, rc;
    *out_index = weft_select(&rc, weft_on_recv(rx, &in), weft_on_send(tx, &out),
                             weft_on_after(WEFT_SEC(1000)));
    return 0;
}

WT_TEST(a_cancelled_select_does_nothing)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TX(int, full_tx);
    WEFT_RX(int, full_rx);
    int index = 99;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    ck_assert_int_eq(weft_chan_open(&full_tx, &full_rx, 0), 0);
    {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn(&scope, selects, weft_ref(rx), weft_ref(full_tx), &index), 0);
        chan_until_waiting(CHAN_OF_TX(tx), 0, 1);
        weft_scope_cancel(&scope);
    }
    ck_assert_int_eq(index, WEFT_ECANCELED);
    chan_until_waiting(CHAN_OF_TX(tx), 0, 0);
    chan_until_waiting(CHAN_OF_TX(full_tx), 0, 0);
}

WT_MAIN("chan_select")
