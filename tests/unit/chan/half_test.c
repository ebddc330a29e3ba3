/* SPDX-License-Identifier: MIT
 * Halves and receivers: references, sources that are no channels, and misuse. */
#include "chan_waiters.h"

#include "plat/mem.h"
#include "plat/sys.h"

#define RAW(half) WEFT_HALF_RAW_(half)

/* ---- a source that counts -------------------------------------------------------------------- */

struct counter {
    int next, last, error, close_code;
    unsigned n_closed, n_refs;
    weft_receiver *again; /* consumed once more from inside */
    int inner_rc;
};

static int count_recv(weft_receiver *rx, void *out)
{
    struct counter *it = rx->source;
    if (it->again != NULL)
        it->inner_rc = wf_receiver_next(it->again, out);
    if (it->next < it->last) {
        *(int *)out = it->next++;
        return 1;
    }
    if (it->error < 0)
        rx->is_ended = true;
    return it->error;
}

static int count_close(weft_receiver *rx)
{
    struct counter *it = rx->source;
    it->n_closed++;
    return it->close_code;
}

static int count_ref(weft_receiver *rx, weft_receiver *copy)
{
    struct counter *it = rx->source;
    ck_assert_ptr_eq(copy->source, it);
    if (it->n_refs == 2)
        return WEFT_ENOMEM;
    it->n_refs++;
    return 0;
}

static const struct wf_source_ops counter_ops = {
    .kind = "counter",
    .recv = count_recv,
    .try_recv = count_recv,
    .close = count_close,
};
static const struct wf_source_ops shared_ops = {
    .kind = "shared",
    .recv = count_recv,
    .close = count_close,
    .ref = count_ref,
};

static weft_receiver *open_counter(struct counter *counter)
{
    weft_receiver *rx = wf_receiver_make(&counter_ops, counter, sizeof(int), "t", 1);
    ck_assert_ptr_nonnull(rx);
    return rx;
}

WT_TEST(a_source_is_received_from_to_its_end)
{
    struct counter counter = { .last = 3 };
    weft_receiver *rx = open_counter(&counter);
    int value = -1;
    for (int i = 0; i < 3; i++) {
        int rc = i == 0   ? weft_receiver_recv(rx, &value, sizeof value)
                 : i == 1 ? weft_receiver_try_recv(rx, &value, sizeof value)
                          : weft_receiver_recv_many(rx, &value, 5, sizeof value);
        ck_assert_int_eq(rc, 1);
        ck_assert_int_eq(value, i);
    }
    ck_assert_int_eq(weft_receiver_recv(rx, &value, sizeof value), 0);
    counter.last = 9; /* an end stays one */
    ck_assert_int_eq(weft_receiver_recv(rx, &value, sizeof value), 0);
    ck_assert_int_eq(weft_receiver_error(rx), 0);
    counter.close_code = -4;
    ck_assert_int_eq(weft_half_close(rx), -4);
    ck_assert_int_eq(weft_half_close(rx), 0);
    ck_assert_int_eq(weft_receiver_recv(rx, &value, sizeof value), WEFT_ECLOSED);
    weft_half_drop(&rx);
    ck_assert_uint_eq(counter.n_closed, 1);
}

WT_TEST(an_error_that_ends_a_source_comes_once)
{
    struct counter counter = { .error = -5 };
    weft_receiver *rx = open_counter(&counter);
    int value;
    ck_assert_int_eq(weft_receiver_recv(rx, &value, sizeof value), -5);
    ck_assert_int_eq(weft_receiver_error(rx), -5);
    ck_assert_int_eq(weft_receiver_recv(rx, &value, sizeof value), 0);
    ck_assert_int_eq(weft_receiver_error(rx), 0);
    weft_half_drop(&rx);
    ck_assert_uint_eq(counter.n_closed, 1);
}

WT_TEST(a_cancelled_caller_does_not_reach_a_source)
{
    struct counter counter = { .last = 3 };
    weft_receiver *rx = open_counter(&counter);
    int value = -1;
    {
        WEFT_SCOPE(scope);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_receiver_recv(rx, &value, sizeof value), WEFT_ECANCELED);
        ck_assert_int_eq(counter.next, 0);
        ck_assert_int_eq(weft_receiver_try_recv(rx, &value, sizeof value), 1);
    }
    weft_half_drop(&rx);
}

WT_TEST(a_second_reference_to_a_source_may_not_consume)
{
    struct counter counter = { .last = 3 };
    weft_receiver *rx = open_counter(&counter);
    weft_receiver *second = weft_half_ref(rx, "t", 2);
    weft_receiver *third = weft_half_ref(second, "t", 3);
    int value = -1, rc;
    ck_assert_int_eq(weft_receiver_recv(second, &value, sizeof value), WEFT_EBUSY);
    ck_assert_int_eq(weft_receiver_try_recv(third, &value, sizeof value), WEFT_EBUSY);
    ck_assert_int_eq(weft_receiver_error(second), WEFT_EBUSY);
    weft_case cases[] = { weft_case_recv(second, &value, sizeof value) };
    ck_assert_int_eq(weft_select_from(cases, 1, &rc), 0);
    ck_assert_int_eq(rc, WEFT_EBUSY);
    weft_half_drop(&second);
    ck_assert_uint_eq(counter.n_closed, 0);
    ck_assert_int_eq(weft_receiver_recv(rx, &value, sizeof value), 1);
    weft_half_drop(&rx);
    ck_assert_uint_eq(counter.n_closed, 1);
    ck_assert_int_eq(weft_half_close(third), 0);
    weft_half_drop(&third);
    ck_assert_uint_eq(counter.n_closed, 1);
}

WT_TEST(a_source_consumed_by_itself_is_busy)
{
    struct counter counter = { .last = 3 };
    weft_receiver *rx = open_counter(&counter);
    int value = -1;
    counter.again = rx;
    ck_assert_int_eq(weft_receiver_recv(rx, &value, sizeof value), 1);
    ck_assert_int_eq(counter.inner_rc, WEFT_EBUSY);
    weft_half_drop(&rx);
}

WT_TEST(a_source_that_can_be_shared_is)
{
    struct counter counter = { .last = 3 };
    weft_receiver *rx = wf_receiver_make(&shared_ops, &counter, sizeof(int), "t", 1);
    weft_receiver *a = weft_half_ref(rx, "t", 2), *b = weft_half_ref(rx, "t", 3);
    int value = -1;
    ck_assert_ptr_null(weft_half_ref(rx, "t", 4));
    ck_assert_int_eq(weft_receiver_recv(a, &value, sizeof value), 1);
    ck_assert_int_eq(weft_receiver_recv(rx, &value, sizeof value), 1);
    ck_assert_int_eq(value, 1);
    ck_assert_int_eq(weft_receiver_try_recv(rx, &value, sizeof value), WEFT_ENOTSUP);
    /* What is closed is not shared any further: its reference is closed as well. */
    ck_assert_int_eq(weft_half_close(b), 0);
    weft_receiver *closed = weft_half_ref(b, "t", 5);
    ck_assert_int_eq(weft_receiver_recv(closed, &value, sizeof value), WEFT_ECLOSED);
    weft_half_drop(&closed);
    weft_half_drop(&a);
    weft_half_drop(&b);
    weft_half_drop(&rx);
    ck_assert_uint_eq(counter.n_closed, 3);
}

/* ---- references to channels ------------------------------------------------------------------ */

WT_TEST(each_reference_counts_until_it_is_closed)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2), 0);
    struct wf_chan *ch = CHAN_OF_TX(tx);
    weft_sender *tx_2 = weft_half_ref(RAW(tx), "t", 2);
    weft_receiver *rx_2 = weft_half_ref(RAW(rx), "t", 3);
    ck_assert_uint_eq(ch->n_senders, 2);
    ck_assert_uint_eq(ch->n_receivers, 2);
    ck_assert_uint_eq(ch->refs, 4);
    ck_assert_int_eq(weft_close(tx), 0);
    ck_assert_int_eq(weft_close(tx), 0);
    ck_assert_int_eq(weft_send(tx, 1), WEFT_ECLOSED);
    ck_assert_int_eq(weft_try_send(tx, 1), WEFT_ECLOSED);
    ck_assert_int_eq(weft_end(tx, 0), WEFT_ECLOSED);
    ck_assert_uint_eq(ch->n_senders, 1);
    ck_assert_uint_eq(ch->refs, 4);
    /* A reference to what is closed is closed. */
    weft_sender *tx_3 = weft_half_ref(RAW(tx), "t", 4);
    ck_assert_uint_eq(ch->n_senders, 1);
    ck_assert_int_eq(weft_sender_send(tx_3, &value, sizeof value), WEFT_ECLOSED);
    weft_half_drop(&tx_3);
    value = 7;
    ck_assert_int_eq(weft_sender_send(tx_2, &value, sizeof value), 0);
    weft_half_drop(&tx_2);
    ck_assert(ch->has_ended);
    ck_assert_int_eq(weft_close(rx), 0);
    ck_assert_int_eq(weft_close(rx), 0);
    ck_assert_int_eq(weft_recv(rx, &value), WEFT_ECLOSED);
    ck_assert_int_eq(weft_error(rx), WEFT_ECLOSED);
    weft_receiver *rx_3 = weft_half_ref(RAW(rx), "t", 5);
    ck_assert_int_eq(weft_receiver_try_recv(rx_3, &value, sizeof value), WEFT_ECLOSED);
    weft_half_drop(&rx_3);
    ck_assert_uint_eq(ch->n_receivers, 1);
    ck_assert_int_eq(weft_receiver_recv(rx_2, &value, sizeof value), 1);
    ck_assert_int_eq(weft_receiver_recv(rx_2, &value, sizeof value), 0);
    weft_half_drop(&rx_2);
}

WT_TEST(null_is_no_half)
{
    weft_tx(int) tx = NULL;
    weft_rx(int) rx = NULL;
    void *nothing = NULL;
    int value = 1;
    ck_assert_int_eq(weft_send(tx, 1), WEFT_EINVAL);
    ck_assert_int_eq(weft_try_send(tx, 1), WEFT_EINVAL);
    ck_assert_int_eq(weft_recv(rx, &value), WEFT_EINVAL);
    ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_EINVAL);
    ck_assert_int_eq(weft_error(rx), 0);
    ck_assert_int_eq(weft_end(tx, 0), WEFT_EINVAL);
    ck_assert_int_eq(weft_abort(tx, 0), WEFT_EINVAL);
    ck_assert_int_eq(weft_close(tx), 0);
    ck_assert_int_eq(weft_close(rx), 0);
    ck_assert_ptr_null(weft_half_ref(NULL, "t", 1));
    ck_assert_ptr_null(weft_slot_take(&nothing));
    ck_assert_ptr_null(weft_slot_take(NULL));
    weft_half_drop(&nothing);
    weft_permit_drop(&nothing);
    ck_assert_int_eq(wf_receiver_close_and_free(NULL), 0);
    ck_assert_int_eq(wf_receiver_next(NULL, &value), WEFT_EINVAL);
    ck_assert_int_eq(wf_receiver_try_next(NULL, &value), WEFT_EINVAL);
}

static void *no_memory(size_t size)
{
    (void)size;
    return NULL;
}

WT_TEST(without_memory_there_is_no_further_reference)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    struct counter counter = { .last = 3 };
    weft_receiver *source = open_counter(&counter);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2, .overflow = WEFT_DROP_OLDEST), 0);
    static void *halves[4096];
    size_t n = 0;
    wf_sys.map = no_memory;
    while ((halves[n] = wf_half_make(WF_HALF_PERMIT, "t", 1)) != NULL)
        ck_assert_uint_lt(++n, WF_ARRAY_SIZE(halves));
    void *tx_2 = weft_half_ref(RAW(tx), "t", 2), *rx_2 = weft_half_ref(RAW(rx), "t", 2);
    void *source_2 = weft_half_ref(source, "t", 2);
    wf_sys.map = wf_sys_real.map;
    ck_assert_ptr_null(tx_2);
    ck_assert_ptr_null(rx_2);
    ck_assert_ptr_null(source_2);
    ck_assert_uint_eq(CHAN_OF_TX(tx)->refs, 2);
    weft_half_drop(&source);
    while (n > 0)
        wf_half_free(halves[--n]);
}

/* ---- misuse ---------------------------------------------------------------------------------- */

static weft_sender *a_tx;
static weft_receiver *a_rx;

/* A half whose memory is still there: what a freed one looks like until it is used again. */
static void kill_halves(void)
{
    a_tx->half.kind = WF_HALF_DEAD;
    a_rx->half.kind = WF_HALF_DEAD;
}

static void send_on_dead(void *arg)
{
    kill_halves();
    (void)!weft_sender_send(a_tx, arg, sizeof(int));
}

static void recv_on_dead(void *arg)
{
    kill_halves();
    (void)!weft_receiver_recv(a_rx, arg, sizeof(int));
}

static void send_on_receiver(void *arg)
{
    (void)!weft_sender_send((weft_sender *)(void *)a_rx, arg, sizeof(int));
}

static void recv_on_sender(void *arg)
{
    (void)!weft_receiver_try_recv((weft_receiver *)(void *)a_tx, arg, sizeof(int));
}

static void drop_something_else(void *arg)
{
    struct wf_half not_one = { .kind = (enum wf_half_kind)1 };
    void *slot = &not_one;
    (void)arg;
    weft_half_drop(&slot);
}

static void close_dead(void *arg)
{
    (void)arg;
    kill_halves();
    (void)weft_half_close(a_tx);
}

static void select_on_dead(void *arg)
{
    kill_halves();
    weft_case cases[] = { weft_case_recv(a_rx, arg, sizeof(int)) };
    (void)!weft_select_from(cases, 1, NULL);
}

static void commit_to_a_sender(void *arg)
{
    (void)!weft_permit_commit((weft_permit_half *)(void *)a_tx, arg, sizeof(int));
}

static void close_a_permit(void *permit) { (void)weft_half_close(permit); }

WT_TEST(misuse_dies_with_a_sentence)
{
    int value = 1;
    weft_permit_half *permit;
    ck_assert_int_eq(
        weft_channel_open(sizeof(int), WEFT_OPTS(chan, .capacity = 2), &a_tx, &a_rx, "t", 1), 0);
    wt_expect_abort(send_on_dead, &value, "weft_send: tx was dropped already");
    wt_expect_abort(recv_on_dead, &value, "weft_recv: rx was dropped already");
    wt_expect_abort(send_on_receiver, &value, "weft_send: tx is a receiver");
    wt_expect_abort(recv_on_sender, &value, "weft_try_recv: rx is a sender");
    wt_expect_abort(drop_something_else, NULL, "WEFT_DROP: half is neither a sender nor");
    wt_expect_abort(close_dead, NULL, "weft_close: half was dropped already");
    wt_expect_abort(select_on_dead, &value,
                    "weft_select: the half of a receive case was dropped already");
    wt_expect_abort(commit_to_a_sender, &value, "weft_commit: permit is a sender");
    ck_assert_int_eq(weft_sender_reserve(a_tx, &permit), 0);
    wt_expect_abort(close_a_permit, permit, "weft_close: half is a permit");
    weft_permit_drop(&permit);
    weft_half_drop(&a_tx);
    weft_half_drop(&a_rx);
}

WT_MAIN("chan_half")
