/* SPDX-License-Identifier: MIT
 * Broadcasts: every value to every receiver, and who is too slow is told how many it missed. */
#include "parties.h"
#include "wt_test.h"

#include <stdlib.h>
#include <weft.h>

/* ---- what comes ------------------------------------------------------------------------------- */

static void send_numbers(weft_tx(int) tx, int first, int n)
{
    for (int i = first; i < first + n; i++)
        ck_assert_int_eq(weft_send(tx, i), 0);
}

static void expect_numbers(weft_rx(int) rx, int first, int n)
{
    int value;
    for (int i = first; i < first + n; i++) {
        ck_assert_int_eq(weft_recv(rx, &value), 1);
        ck_assert_int_eq(value, i);
    }
}

/* Nothing is there now. */
static void expect_none(weft_rx(int) rx)
{
    int value = -7;
    ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_EAGAIN);
    ck_assert_int_eq(value, -7);
}

static int all_get_all(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, first);
    WEFT_RX(int, second);
    WEFT_TRY(weft_broadcast_open(&tx, &first, 3, .name = "numbers"));
    send_numbers(tx, 0, 2);
    WEFT_TRY(weft_subscribe(tx, &second));
    expect_none(second);
    send_numbers(tx, 2, 1);
    expect_numbers(first, 0, 3);
    expect_none(first);
    expect_numbers(second, 2, 1);
    expect_none(second);
    for (int i = 0; i < 20; i++) {
        send_numbers(tx, i, 1);
        expect_numbers(second, i, 1);
        expect_numbers(first, i, 1);
    }
    return 0;
}

WT_TEST(each_receiver_gets_every_value_sent_after_it_subscribed) { in_both(all_get_all); }

WT_TEST(a_slow_receiver_is_told_how_many_it_missed_and_goes_on_at_the_oldest)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, slow);
    WEFT_RX(int, fast);
    int value = -1;
    ck_assert_int_eq(weft_broadcast_open(&tx, &slow, 4), 0);
    ck_assert_int_eq(weft_subscribe(tx, &fast), 0);
    for (int i = 0; i < 10; i++) {
        send_numbers(tx, i, 1);
        expect_numbers(fast, i, 1);
    }
    ck_assert_uint_eq(weft_missed(slow), 0);
    ck_assert_int_eq(weft_recv(slow, &value), WEFT_ELAGGED);
    ck_assert_int_eq(value, -1);
    ck_assert_int_eq(weft_error(slow), WEFT_ELAGGED);
    ck_assert_uint_eq(weft_missed(slow), 6);
    expect_numbers(slow, 6, 2);
    send_numbers(tx, 10, 3);
    ck_assert_int_eq(weft_try_recv(slow, &value), WEFT_ELAGGED);
    ck_assert_uint_eq(weft_missed(slow), 1);
    expect_numbers(slow, 9, 4);
    expect_none(slow);
    ck_assert_uint_eq(weft_missed(slow), 1);
    ck_assert_uint_eq(weft_missed(fast), 0);
}

WT_TEST(a_reference_goes_on_where_the_receiver_is)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, 4), 0);
    send_numbers(tx, 0, 3);
    expect_numbers(rx, 0, 1);
    weft_rx(int) copy = *weft_ref(rx);
    expect_numbers(rx, 1, 2);
    expect_numbers(copy, 1, 2);
    send_numbers(tx, 3, 4);
    expect_numbers(copy, 3, 4);
    expect_numbers(rx, 3, 4);
    WEFT_DROP(copy);
}

/* ---- ends ------------------------------------------------------------------------------------- */

WT_TEST(without_receivers_a_send_is_refused_until_one_subscribes)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, 4), 0);
    send_numbers(tx, 0, 2);
    WEFT_DROP(rx);
    ck_assert_int_eq(weft_send(tx, 2), WEFT_ECLOSED);
    ck_assert_int_eq(weft_try_send(tx, 2), WEFT_ECLOSED);
    ck_assert_int_eq(weft_subscribe(tx, &rx), 0);
    expect_none(rx);
    send_numbers(tx, 3, 2);
    expect_numbers(rx, 3, 2);
}

WT_TEST(each_receiver_takes_what_is_left_then_the_cause_once_then_the_end)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, first);
    WEFT_RX(int, second);
    int value;
    ck_assert_int_eq(weft_broadcast_open(&tx, &first, 4), 0);
    ck_assert_int_eq(weft_subscribe(tx, &second), 0);
    send_numbers(tx, 0, 2);
    ck_assert_int_eq(weft_end(tx, -EIO), 0);
    ck_assert_int_eq(weft_end(tx, 0), WEFT_ECLOSED);
    ck_assert_int_eq(weft_send(tx, 2), WEFT_ECLOSED);
    expect_numbers(first, 0, 2);
    ck_assert_int_eq(weft_recv(first, &value), -EIO);
    ck_assert_int_eq(weft_recv(first, &value), 0);
    ck_assert_int_eq(weft_recv(first, &value), 0);
    expect_numbers(second, 0, 2);
    ck_assert_int_eq(weft_recv(second, &value), -EIO);
    ck_assert_int_eq(weft_recv(second, &value), 0);
}

WT_TEST(when_the_last_sender_has_gone_each_receiver_drains_and_ends)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, 4), 0);
    weft_tx(int) other = *weft_ref(tx);
    send_numbers(tx, 0, 1);
    WEFT_DROP(tx);
    send_numbers(other, 1, 1);
    WEFT_DROP(other);
    expect_numbers(rx, 0, 2);
    ck_assert_int_eq(weft_recv(rx, &value), 0);
    ck_assert_int_eq(weft_close(rx), 0);
    ck_assert_int_eq(weft_recv(rx, &value), WEFT_ECLOSED);
    ck_assert_uint_eq(weft_missed(rx), 0);
}

/* ---- as any receiver -------------------------------------------------------------------------- */

WEFT_TASK(send_later, (tx, int, tx), (int, n))
{
    for (int i = 0; i < n; i++) {
        WEFT_TRY(weft_sleep(WEFT_US(20)));
        WEFT_TRY(weft_send(tx, i));
    }
    return 0;
}

WEFT_MAP(doubled, int, out, int, in)
{
    *out = 2 * in;
    return 0;
}

/* Two receivers of one broadcast in one select, one of them below a combinator: each is woken for
 * its own values, and told once when nothing is there any more. */
static int in_a_select(void *arg)
{
    (void)arg;
    enum { N = 5 };
    WEFT_TX(int, tx);
    WEFT_RX(int, plain);
    WEFT_RX(int, below);
    WEFT_RX(int, mapped);
    int n_plain = 0, n_mapped = 0, value, rc, index;
    WEFT_TRY(weft_broadcast_open(&tx, &plain, N));
    WEFT_TRY(weft_subscribe(tx, &below));
    WEFT_TRY(doubled_with(WEFT_OPTS(stream, .never_waits = true), WEFT_MOVE(below), &mapped));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, send_later, WEFT_MOVE(tx), N));
    while (plain != NULL || mapped != NULL) {
        index = weft_select(&rc, weft_on_recv(plain, &value), weft_on_recv(mapped, &value));
        ck_assert_int_ge(index, 0);
        ck_assert_int_ge(rc, 0);
        if (rc == 0 && index == 0)
            WEFT_DROP(plain);
        else if (rc == 0)
            WEFT_DROP(mapped);
        else
            ck_assert_int_eq(value, index == 0 ? n_plain++ : 2 * n_mapped++);
    }
    ck_assert_int_eq(n_plain, N);
    ck_assert_int_eq(n_mapped, N);
    return weft_scope_wait(&scope);
}

WT_TEST(in_a_select_each_receiver_is_ready_for_itself) { in_both(in_a_select); }

WEFT_TASK(sends_when_answered, (tx, int, tx), (rx, int, answers), (int, n))
{
    int answer;
    for (int i = 0; i < n; i++) {
        WEFT_TRY(weft_send(tx, i));
        ck_assert_int_eq(weft_recv(answers, &answer), 1);
    }
    return 0;
}

/* Whatever the select is doing when the value comes, there is no second one to wake it. */
static int selected_one_by_one(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TX(int, answer);
    WEFT_RX(int, answers);
    int n = wt_is_sim() ? 4 : (int)wt_scaled(2000), rc, value;
    WEFT_TRY(weft_broadcast_open(&tx, &rx, 2));
    WEFT_TRY(weft_chan_open(&answer, &answers, 1));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, sends_when_answered, WEFT_MOVE(tx), WEFT_MOVE(answers), n));
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(weft_select(&rc, weft_on_recv(rx, &value)), 0);
        ck_assert_int_eq(rc, 1);
        ck_assert_int_eq(value, i);
        WEFT_TRY(weft_send(answer, i));
    }
    return weft_scope_wait(&scope);
}

WT_TEST(in_a_select_no_value_is_overlooked) { in_both(selected_one_by_one); }

static int batches(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int numbers[6] = { 0, 1, 2, 3, 4, 5 }, got[6], rc;
    WEFT_TRY(weft_broadcast_open(&tx, &rx, 4));
    ck_assert_int_eq(weft_send_many(tx, numbers, 3), 3);
    ck_assert_int_eq(weft_recv_many(rx, got, 2), 2);
    ck_assert_int_eq(weft_recv_many(rx, got, 6), 1);
    ck_assert_int_eq(got[0], 2);
    ck_assert_int_eq(weft_send_many(tx, numbers, 6), 6);
    ck_assert_int_eq(weft_recv_many(rx, got, 6), WEFT_ELAGGED);
    ck_assert_int_eq(weft_recv_many(rx, got, 6), 4);
    ck_assert_int_eq(got[3], 5);
    ck_assert_int_eq(weft_select(&rc, weft_on_send(tx, &numbers[1])), 0);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(weft_end(tx, -EIO), 0);
    /* The cause is not lost behind the last value. */
    ck_assert_int_eq(weft_recv_many(rx, got, 6), 1);
    ck_assert_int_eq(weft_recv_many(rx, got, 6), -EIO);
    ck_assert_int_eq(weft_recv_many(rx, got, 6), 0);
    return 0;
}

WT_TEST(batches_of_a_broadcast) { in_both(batches); }

/* Cancelled: nothing consumed. */
static int cancelled(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    WEFT_TRY(weft_broadcast_open(&tx, &rx, 4));
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_US(50));
        ck_assert_int_eq(weft_recv(rx, &value), WEFT_ECANCELED);
        ck_assert_int_eq(weft_try_send(tx, 0), 0);
        ck_assert_int_eq(weft_recv(rx, &value), WEFT_ECANCELED);
        ck_assert_int_eq(weft_send(tx, 1), WEFT_ECANCELED);
    }
    expect_numbers(rx, 0, 1);
    expect_none(rx);
    return 0;
}

WT_TEST(a_cancelled_receive_of_a_broadcast_consumes_nothing) { in_both(cancelled); }

/* ---- mistakes --------------------------------------------------------------------------------- */

WT_TEST(mistakes_with_broadcasts_are_codes)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TX(int, chan_tx);
    WEFT_RX(int, chan_rx);
    WEFT_RX(int, other);
    WEFT_PERMIT(int, place);
    weft_sender *raw_tx;
    weft_receiver *raw_rx;
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, 0), WEFT_EINVAL);
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, 4, .drop = free), WEFT_EINVAL);
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, (size_t)1 << 32), WEFT_EOVERFLOW);
    ck_assert_int_eq(weft_broadcast_open_sized(4, NULL, &raw_tx, &raw_rx, __FILE__, __LINE__),
                     WEFT_EINVAL);
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, 4), 0);
    ck_assert_int_eq(weft_reserve(tx, &place), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_sender_subscribe(NULL, 4, &raw_rx, __FILE__, __LINE__), WEFT_EINVAL);
    ck_assert_int_eq(weft_sender_subscribe(WEFT_TX_RAW_(tx), 3, &raw_rx, __FILE__, __LINE__),
                     WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_chan_open(&chan_tx, &chan_rx, 4), 0);
    ck_assert_int_eq(weft_subscribe(chan_tx, &other), WEFT_ENOTSUP);
    ck_assert_uint_eq(weft_missed(chan_rx), 0);
    ck_assert_uint_eq(weft_receiver_missed(NULL), 0);
    ck_assert_int_eq(weft_close(tx), 0);
    ck_assert_int_eq(weft_subscribe(tx, &other), WEFT_ECLOSED);
}

WT_MAIN("broadcast")
