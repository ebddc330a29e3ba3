/* SPDX-License-Identifier: MIT
 * Channels as their users see them: what each situation gives. */
#include "wt_test.h"

#include <weft.h>

WT_TEST(values_come_out_as_they_went_in)
{
    size_t capacities[] = { 1, 2, 3, 1000 };
    for (size_t c = 0; c < 4; c++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int value = -1, n = (int)capacities[c];
        ck_assert_int_eq(weft_chan_open(&tx, &rx, capacities[c]), 0);
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < n; i++)
                ck_assert_int_eq(weft_send(tx, i), 0);
            ck_assert_int_eq(weft_try_send(tx, 7), WEFT_EAGAIN);
            for (int i = 0; i < n; i++) {
                ck_assert_int_eq(weft_recv(rx, &value), 1);
                ck_assert_int_eq(value, i);
            }
            ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_EAGAIN);
        }
    }
}

struct wide {
    char text[100];
    int id;
};

WT_TEST(values_of_any_type)
{
    WEFT_TX(struct wide, tx);
    WEFT_RX(struct wide, rx);
    WEFT_TX(char, tx_1);
    WEFT_RX(char, rx_1);
    WEFT_TX(long double, tx_16);
    WEFT_RX(long double, rx_16);
    struct wide wide = { "", 0 };
    char c = 0;
    long double f = 0;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2), 0);
    ck_assert_int_eq(weft_chan_open(&tx_1, &rx_1, 2), 0);
    ck_assert_int_eq(weft_chan_open(&tx_16, &rx_16, 2), 0);
    ck_assert_int_eq(weft_send(tx, (struct wide){ "text", 4 }), 0);
    ck_assert_int_eq(weft_send(tx_1, 'x'), 0);
    ck_assert_int_eq(weft_send(tx_16, 1.5L), 0);
    ck_assert_int_eq(weft_recv(rx, &wide), 1);
    ck_assert_str_eq(wide.text, "text");
    ck_assert_int_eq(wide.id, 4);
    ck_assert_int_eq(weft_recv(rx_1, &c), 1);
    ck_assert_int_eq(c, 'x');
    ck_assert_int_eq(weft_recv(rx_16, &f), 1);
    ck_assert(f == 1.5L);
}

WT_TEST(another_size_is_refused_and_changes_nothing)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    long wide = 7;
    int value = 0;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 2), 0);
    weft_sender *raw_tx = WEFT_TX_RAW_(tx);
    weft_receiver *raw_rx = WEFT_RX_RAW_(rx);
    ck_assert_int_eq(weft_sender_send(raw_tx, &wide, sizeof wide), WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_sender_try_send(raw_tx, &wide, sizeof wide), WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_sender_send(raw_tx, NULL, sizeof value), WEFT_EINVAL);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    ck_assert_int_eq(weft_receiver_recv(raw_rx, &wide, sizeof wide), WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_receiver_try_recv(raw_rx, &wide, sizeof wide), WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_receiver_recv(raw_rx, NULL, sizeof value), WEFT_EINVAL);
    ck_assert_int_eq(wide, 7);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, 1);
}

/* ---- closing --------------------------------------------------------------------------------- */

WT_TEST(the_last_sender_to_go_ends_it)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value = 0, n = 0;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4), 0);
    weft_tx(int) other = *weft_ref(tx);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    WEFT_DROP(tx);
    ck_assert_int_eq(weft_send(other, 2), 0);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    WEFT_DROP(other);
    weft_each (item, rx)
        n += item;
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(weft_error(rx), 0);
    ck_assert_int_eq(weft_recv(rx, &value), 0);
    ck_assert_int_eq(value, 1);
}

WT_TEST(the_last_receiver_to_go_closes_it)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4), 0);
    weft_rx(int) other = *weft_ref(rx);
    WEFT_DROP(rx);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    WEFT_DROP(other);
    ck_assert_int_eq(weft_send(tx, 2), WEFT_ECLOSED);
    ck_assert_int_eq(weft_try_send(tx, 2), WEFT_ECLOSED);
}

WT_TEST(an_end_lets_receivers_drain)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value = 0;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4), 0);
    weft_rx(int) other = *weft_ref(rx);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    ck_assert_int_eq(weft_end(tx, WEFT_EBUSY), 0);
    ck_assert_int_eq(weft_end(tx, WEFT_ENOMEM), WEFT_ECLOSED);
    ck_assert_int_eq(weft_send(tx, 2), WEFT_ECLOSED);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    /* The cause once for each half, then the end. */
    ck_assert_int_eq(weft_recv(rx, &value), WEFT_EBUSY);
    ck_assert_int_eq(weft_error(rx), WEFT_EBUSY);
    ck_assert_int_eq(weft_recv(rx, &value), 0);
    ck_assert_int_eq(weft_try_recv(other, &value), WEFT_EBUSY);
    ck_assert_int_eq(weft_try_recv(other, &value), 0);
    WEFT_DROP(other);
}

WT_TEST(a_try_that_is_too_early_is_no_error)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int64_t, timer);
    int value;
    int64_t at_ns;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4), 0);
    ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_EAGAIN);
    ck_assert_int_eq(weft_error(rx), 0);
    ck_assert_int_eq(weft_end(tx, WEFT_EBUSY), 0);
    ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_EBUSY);
    ck_assert_int_eq(weft_error(rx), WEFT_EBUSY);
    ck_assert_int_eq(weft_after(WEFT_SEC(1000), &timer), 0);
    ck_assert_int_eq(weft_try_recv(timer, &at_ns), WEFT_EAGAIN);
    ck_assert_int_eq(weft_error(timer), 0);
}

static int n_dropped;
static void count_drop(void *item)
{
    (void)item;
    n_dropped++;
}

WT_TEST(an_abort_drops_what_is_left)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value = 0;
    n_dropped = 0;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4, .drop = count_drop), 0);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    ck_assert_int_eq(weft_send(tx, 2), 0);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(weft_abort(tx, -5), 0);
    ck_assert_int_eq(n_dropped, 1);
    ck_assert_int_eq(weft_recv(rx, &value), -5);
    ck_assert_int_eq(weft_recv(rx, &value), 0);
}

WT_TEST(a_holder_that_closes_is_done_and_others_go_on)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value = 0;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4), 0);
    weft_tx(int) other = *weft_ref(tx);
    ck_assert_int_eq(weft_close(tx), 0);
    ck_assert_int_eq(weft_close(tx), 0);
    ck_assert_int_eq(weft_send(tx, 1), WEFT_ECLOSED);
    ck_assert_int_eq(weft_send(other, 1), 0);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(weft_close(rx), 0);
    ck_assert_int_eq(weft_recv(rx, &value), WEFT_ECLOSED);
    ck_assert_int_eq(weft_send(other, 1), WEFT_ECLOSED);
    WEFT_DROP(other);
}

/* ---- what a send does when it is full -------------------------------------------------------- */

static int last_dropped;
static void note_drop(void *item) { last_dropped = *(int *)item; }

static void send_three(enum weft_overflow overflow, size_t capacity, const int *rcs, int dropped,
                       const int *left)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    last_dropped = 0;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, capacity, .overflow = overflow, .drop = note_drop),
                     0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(weft_send(tx, i + 1), rcs[i]);
    ck_assert_int_eq(last_dropped, dropped);
    for (; *left != 0; left++) {
        ck_assert_int_eq(weft_recv(rx, &value), 1);
        ck_assert_int_eq(value, *left);
    }
    ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_EAGAIN);
}

WT_TEST(a_full_channel_does_what_its_policy_says)
{
    const int all[] = { 0, 0, 0 }, none[] = { WEFT_EAGAIN, WEFT_EAGAIN, WEFT_EAGAIN };
    send_three(WEFT_FAIL, 2, (int[]){ 0, 0, WEFT_EAGAIN }, 0, (int[]){ 1, 2, 0 });
    send_three(WEFT_FAIL, 0, none, 0, (int[]){ 0 });
    send_three(WEFT_DROP_OLDEST, 2, all, 1, (int[]){ 2, 3, 0 });
    send_three(WEFT_DROP_OLDEST, 1, all, 2, (int[]){ 3, 0 });
    send_three(WEFT_DROP_OLDEST, 0, all, 2, (int[]){ 3, 0 });
    send_three(WEFT_DROP_NEWEST, 2, all, 3, (int[]){ 1, 2, 0 });
    send_three(WEFT_DROP_NEWEST, 0, all, 3, (int[]){ 0 });
    send_three(WEFT_CONFLATE, 0, all, 2, (int[]){ 3, 0 });
    send_three(WEFT_CONFLATE, 1, all, 2, (int[]){ 3, 0 });
    send_three(WEFT_CONFLATE, 8, all, 2, (int[]){ 3, 0 });
}

WT_TEST(values_that_give_way_need_no_drop_function)
{
    enum weft_overflow policies[] = { WEFT_DROP_OLDEST, WEFT_DROP_NEWEST, WEFT_CONFLATE };
    for (size_t i = 0; i < 3; i++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int value;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 1, .overflow = policies[i]), 0);
        ck_assert_int_eq(weft_send(tx, 1), 0);
        ck_assert_int_eq(weft_send(tx, 2), 0);
        ck_assert_int_eq(weft_recv(rx, &value), 1);
        ck_assert_int_eq(value, i == 1 ? 1 : 2);
    }
}

/* ---- permits and batches --------------------------------------------------------------------- */

WT_TEST(a_permit_left_at_a_brace_gives_its_place_back)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 1), 0);
    {
        WEFT_PERMIT(int, place);
        ck_assert_int_eq(weft_reserve(tx, &place), 0);
        ck_assert_int_eq(weft_try_send(tx, 1), WEFT_EAGAIN);
    }
    ck_assert_int_eq(weft_try_send(tx, 1), 0);
    ck_assert_int_eq(weft_recv(rx, &value), 1);
}

WT_TEST(a_batch_is_a_run_of_values)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int in[] = { 1, 2, 3, 4, 5 }, out[9] = { 0 };
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 5), 0);
    ck_assert_int_eq(weft_send_many(tx, in, 5), 5);
    ck_assert_int_eq(weft_recv_many(rx, out, 2), 2);
    ck_assert_int_eq(weft_recv_many(rx, out + 2, 7), 3);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(out[i], in[i]);
    WEFT_DROP(tx);
    ck_assert_int_eq(weft_recv_many(rx, out, 2), 0);
}

WT_MAIN("chan")
