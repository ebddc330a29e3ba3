/* SPDX-License-Identifier: MIT
 * Watches: the latest version to every receiver, each at most once, and never an old one. */
#include "parties.h"
#include "token.h"
#include "wt_test.h"

#include <string.h>
#include <weft.h>

/* ---- versions --------------------------------------------------------------------------------- */

static void expect_version(weft_rx(int) rx, int version)
{
    int value = -1;
    ck_assert_int_eq(weft_recv(rx, &value), 1);
    ck_assert_int_eq(value, version);
}

static void expect_none(weft_rx(int) rx)
{
    int value = -7;
    ck_assert_int_eq(weft_try_recv(rx, &value), WEFT_EAGAIN);
    ck_assert_int_eq(value, -7);
}

static int versions(void *arg)
{
    (void)arg;
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value = -1, values[4];
    WEFT_TRY(weft_watch_open(&tx, &rx, .name = "number"));
    expect_none(rx);
    ck_assert_int_eq(weft_latest(rx, &value), WEFT_EAGAIN);
    ck_assert_int_eq(value, -1);
    WEFT_TRY(weft_send(tx, 1));
    expect_version(rx, 1);
    expect_none(rx);
    for (int i = 2; i < 9; i++)
        WEFT_TRY(weft_send(tx, i));
    expect_version(rx, 8);
    expect_none(rx);
    WEFT_TRY(weft_send(tx, 9));
    ck_assert_int_eq(weft_recv_many(rx, values, 4), 1);
    ck_assert_int_eq(values[0], 9);
    return 0;
}

WT_TEST(each_version_comes_once_and_those_replaced_never) { in_both(versions); }

WT_TEST(the_latest_can_be_read_at_any_time_and_counts_as_seen)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    ck_assert_int_eq(weft_watch_open(&tx, &rx), 0);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(weft_latest(rx, &value), 1);
        ck_assert_int_eq(value, 1);
    }
    expect_none(rx);
    ck_assert_int_eq(weft_send(tx, 2), 0);
    expect_version(rx, 2);
    ck_assert_int_eq(weft_latest(rx, &value), 1);
    ck_assert_int_eq(value, 2);
}

WT_TEST(a_receiver_starts_with_the_version_that_is_there)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, first);
    WEFT_RX(int, second);
    WEFT_RX(int, third);
    ck_assert_int_eq(weft_watch_open(&tx, &first), 0);
    ck_assert_int_eq(weft_subscribe(tx, &second), 0);
    expect_none(second);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    ck_assert_int_eq(weft_send(tx, 2), 0);
    expect_version(first, 2);
    ck_assert_int_eq(weft_subscribe(tx, &third), 0);
    expect_version(third, 2);
    weft_rx(int) seen = *weft_ref(first), unseen = *weft_ref(second);
    expect_none(seen);
    expect_version(unseen, 2);
    expect_version(second, 2);
    WEFT_DROP(seen);
    WEFT_DROP(unseen);
}

WT_TEST(a_version_sent_while_nobody_is_subscribed_is_kept)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    ck_assert_int_eq(weft_watch_open(&tx, &rx), 0);
    WEFT_DROP(rx);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    ck_assert_int_eq(weft_send(tx, 2), 0);
    ck_assert_int_eq(weft_subscribe(tx, &rx), 0);
    expect_version(rx, 2);
}

/* ---- ends ------------------------------------------------------------------------------------- */

WT_TEST(an_unseen_version_comes_before_the_end_and_stays_to_be_read)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_RX(int, other);
    int value = 0;
    ck_assert_int_eq(weft_watch_open(&tx, &rx), 0);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    expect_version(rx, 1);
    ck_assert_int_eq(weft_subscribe(tx, &other), 0);
    WEFT_DROP(tx);
    ck_assert_int_eq(weft_recv(rx, &value), 0);
    expect_version(other, 1);
    ck_assert_int_eq(weft_recv(other, &value), 0);
    ck_assert_int_eq(weft_latest(rx, &value), 1);
    ck_assert_int_eq(value, 1);
    ck_assert_int_eq(weft_close(rx), 0);
    ck_assert_int_eq(weft_latest(rx, &value), WEFT_ECLOSED);
}

WT_TEST(a_watch_ends_with_a_cause_or_is_aborted)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    int value;
    ck_assert_int_eq(weft_watch_open(&tx, &rx), 0);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    ck_assert_int_eq(weft_end(tx, -EIO), 0);
    ck_assert_int_eq(weft_send(tx, 2), WEFT_ECLOSED);
    expect_version(rx, 1);
    ck_assert_int_eq(weft_recv(rx, &value), -EIO);
    ck_assert_int_eq(weft_recv(rx, &value), 0);
    WEFT_DROP(tx);
    WEFT_DROP(rx);
    ck_assert_int_eq(weft_watch_open(&tx, &rx), 0);
    ck_assert_int_eq(weft_send(tx, 1), 0);
    ck_assert_int_eq(weft_abort(tx, -EIO), 0);
    ck_assert_int_eq(weft_latest(rx, &value), 0);
    ck_assert_int_eq(weft_recv(rx, &value), -EIO);
    ck_assert_int_eq(weft_recv(rx, &value), 0);
}

/* ---- waiting ---------------------------------------------------------------------------------- */

WEFT_TASK(send_versions, (tx, int, tx), (int, last))
{
    for (int i = 1; i <= last; i++) {
        WEFT_TRY(weft_sleep(WEFT_US(20)));
        WEFT_TRY(weft_send(tx, i));
    }
    return 0;
}

/* Growing versions, the last one among them, whoever waits in whatever way. */
static int changes_are_waited_for(void *arg)
{
    (void)arg;
    enum { LAST = 8 };
    WEFT_TX(int, tx);
    WEFT_RX(int, selected);
    WEFT_RX(int, received);
    int value = 0, seen = 0, rc;
    WEFT_TRY(weft_watch_open(&tx, &selected));
    WEFT_TRY(weft_subscribe(tx, &received));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn(&scope, send_versions, WEFT_MOVE(tx), LAST));
    for (;;) {
        ck_assert_int_eq(weft_select(&rc, weft_on_recv(selected, &value)), 0);
        if (rc == 0)
            break;
        ck_assert_int_gt(value, seen);
        seen = value;
    }
    ck_assert_int_eq(seen, LAST);
    seen = 0;
    weft_each (version, received) {
        ck_assert_int_gt(version, seen);
        seen = version;
    }
    ck_assert_int_eq(seen, LAST);
    ck_assert_int_eq(weft_error(received), 0);
    return weft_scope_wait(&scope);
}

WT_TEST(a_change_ends_a_receive_and_a_select) { in_both(changes_are_waited_for); }

/* ---- values that own something ---------------------------------------------------------------- */

static int token_clone(void *copy, const void *item)
{
    const struct token *token = *(struct token *const *)item;
    *(struct token **)copy = token_new(token->n);
    return 0;
}

#define OWNED .drop = token_drop, .clone = token_clone

WT_TEST(a_version_is_dropped_when_it_is_replaced_and_the_last_with_the_watch)
{
    struct token *token;
    tokens_begin();
    {
        WEFT_TX(struct token *, tx);
        WEFT_RX(struct token *, rx);
        ck_assert_int_eq(weft_watch_open(&tx, &rx, OWNED), 0);
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(weft_send(tx, token_new(i)), 0);
        ck_assert_int_eq(atomic_load(&tokens_ended), 3);
        ck_assert_int_eq(weft_recv(rx, &token), 1);
        ck_assert_int_eq(token_end(token), 3);
        WEFT_DROP(rx);
        ck_assert_int_eq(weft_send(tx, token_new(4)), 0);
        ck_assert_int_eq(weft_subscribe(tx, &rx), 0);
        WEFT_DROP(tx);
        ck_assert_int_eq(weft_latest(rx, &token), 1);
        ck_assert_int_eq(token_end(token), 4);
        ck_assert_int_eq(atomic_load(&tokens_made), atomic_load(&tokens_ended) + 1);
    }
    tokens_check();
}

enum { N_SENDERS = 2, N_RECEIVERS = 4 };

struct crowd {
    weft_tx(struct token *) tx[N_SENDERS];
    weft_rx(struct token *) rx[N_RECEIVERS];
    _Atomic int version;
    int n_each;
};

/* Each sender's own versions grow. */
static int send_tokens(struct crowd *crowd, unsigned index)
{
    for (int i = 1; i <= crowd->n_each; i++)
        WEFT_TRY(weft_send(crowd->tx[index], token_new((int)index << 16 | i)));
    WEFT_DROP(crowd->tx[index]);
    return 0;
}

static int receive_tokens(struct crowd *crowd, unsigned index)
{
    weft_rx(struct token *) rx = crowd->rx[index];
    int seen[N_SENDERS] = { 0 }, last = 0, rc;
    struct token *token;
    while ((rc = weft_recv(rx, &token)) > 0) {
        last = token_end(token);
        ck_assert_int_gt(last & 0xffff, seen[last >> 16]);
        seen[last >> 16] = last & 0xffff;
        if (index == 0 && weft_latest(rx, &token) > 0) {
            last = token_end(token);
            ck_assert_int_ge(last & 0xffff, seen[last >> 16]);
            seen[last >> 16] = last & 0xffff;
        }
    }
    ck_assert_int_eq(last & 0xffff, crowd->n_each); /* somebody's last */
    WEFT_DROP(crowd->rx[index]);
    return rc;
}

/* Whoever opened it does not hold it any more. */
static void forget_holder(weft_tx(struct token *) * tx)
{
    weft_sender *raw = weft_half_take(tx);
    memcpy(tx, &raw, sizeof raw);
}

static int one_of_crowd(void *arg, unsigned index)
{
    return index < N_SENDERS ? send_tokens(arg, index) : receive_tokens(arg, index - N_SENDERS);
}

static void crowd_of(unsigned n_tasks)
{
    struct crowd crowd = { .n_each = wt_is_sim() ? 6 : (int)wt_scaled(500) };
    tokens_begin();
    ck_assert_int_eq(weft_watch_open(&crowd.tx[0], &crowd.rx[0], OWNED), 0);
    crowd.tx[1] = *weft_ref(crowd.tx[0]);
    for (int i = 1; i < N_RECEIVERS; i++)
        ck_assert_int_eq(weft_subscribe(crowd.tx[0], &crowd.rx[i]), 0);
    forget_holder(&crowd.tx[0]);
    run_parties(n_tasks, N_SENDERS + N_RECEIVERS - n_tasks, one_of_crowd, &crowd);
    tokens_check();
}

WT_TEST(many_tasks_see_the_last_version_and_lose_none) { crowd_of(6); }
WT_TEST(many_threads_see_the_last_version_and_lose_none) { crowd_of(0); }
WT_TEST(tasks_and_threads_see_the_last_version_and_lose_none) { crowd_of(3); }

/* ---- mistakes --------------------------------------------------------------------------------- */

WT_TEST(mistakes_with_watches_are_codes)
{
    WEFT_TX(int, tx);
    WEFT_RX(int, rx);
    WEFT_TX(int, chan_tx);
    WEFT_RX(int, chan_rx);
    WEFT_RX(int64_t, timer);
    int value = 0;
    int64_t at_ns = 0;
    ck_assert_int_eq(weft_watch_open(&tx, &rx, .drop = token_drop), WEFT_EINVAL);
    ck_assert_int_eq(weft_watch_open(&tx, &rx), 0);
    ck_assert_int_eq(weft_receiver_latest(NULL, &value, sizeof value), WEFT_EINVAL);
    ck_assert_int_eq(weft_receiver_latest(WEFT_RX_RAW_(rx), NULL, sizeof value), WEFT_EINVAL);
    ck_assert_int_eq(weft_receiver_latest(WEFT_RX_RAW_(rx), &value, 3), WEFT_EMSGSIZE);
    ck_assert_int_eq(weft_chan_open(&chan_tx, &chan_rx, 1), 0);
    ck_assert_int_eq(weft_latest(chan_rx, &value), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_after(WEFT_US(1), &timer), 0);
    ck_assert_int_eq(weft_latest(timer, &at_ns), WEFT_ENOTSUP);
    WEFT_DROP(rx);
    WEFT_DROP(tx);
    ck_assert_int_eq(weft_broadcast_open(&tx, &rx, 2), 0);
    ck_assert_int_eq(weft_latest(rx, &value), WEFT_ENOTSUP);
}

WT_MAIN("watch")
