/* SPDX-License-Identifier: MIT
 * Many exchange values over one channel, tasks and plain threads alike: each value once, in order
 * for each sender at each receiver, and sent = received + dropped. */
#include "wt_test.h"

#include <weft.h>

#include <string.h>

enum { MAX_SENDERS = 4, MAX_RECEIVERS = 4, MAX_VALUES = 2000 };

struct item {
    int sender, number;
};

struct tally {
    unsigned char seen[MAX_SENDERS][MAX_VALUES];
    int n, rc;
};

static int produce(weft_sender *tx, int sender, int n)
{
    for (int i = 0; i < n; i++) {
        struct item item = { sender, i };
        int rc = weft_sender_send(tx, &item, sizeof item);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int consume(weft_receiver *rx, struct tally *tally)
{
    int next[MAX_SENDERS] = { 0 }, rc;
    struct item item;
    while ((rc = weft_receiver_recv(rx, &item, sizeof item)) > 0) {
        if (item.number < next[item.sender])
            return WEFT_EINVAL;
        next[item.sender] = item.number + 1;
        tally->seen[item.sender][item.number]++;
        tally->n++;
    }
    return rc;
}

WEFT_TASK(sender_task, (tx, struct item, tx), (int, sender), (int, n))
{
    return produce(WEFT_TX_RAW_(tx), sender, n);
}

WEFT_TASK(receiver_task, (rx, struct item, rx), (struct tally *, tally))
{
    tally->rc = consume(WEFT_RX_RAW_(rx), tally);
    return tally->rc;
}

struct thread_side {
    weft_sender *tx;
    weft_receiver *rx;
    int sender, n, rc;
    struct tally *tally;
};

static void sender_thread(void *arg)
{
    struct thread_side *side = arg;
    side->rc = produce(side->tx, side->sender, side->n);
    weft_half_drop(&side->tx);
}

static void receiver_thread(void *arg)
{
    struct thread_side *side = arg;
    side->rc = side->tally->rc = consume(side->rx, side->tally);
    weft_half_drop(&side->rx);
}

/* Every second party is a plain thread, the others are tasks. */
static void exchange(size_t capacity, int n_senders, int n_receivers, int n)
{
    static struct tally tallies[MAX_RECEIVERS];
    WEFT_TX(struct item, tx);
    WEFT_RX(struct item, rx);
    struct thread_side sides[MAX_SENDERS + MAX_RECEIVERS];
    wt_thread *threads[MAX_SENDERS + MAX_RECEIVERS];
    int n_threads = 0;
    memset(tallies, 0, sizeof tallies);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, capacity), 0);
    {
        WEFT_SCOPE(scope);
        for (int i = 0; i < n_senders; i++) {
            if (i % 2 == 0) {
                ck_assert_int_eq(weft_spawn(&scope, sender_task, weft_ref(tx), i, n), 0);
                continue;
            }
            struct thread_side *side = &sides[n_threads];
            *side = (struct thread_side){ .sender = i, .n = n };
            side->tx = weft_half_ref(WEFT_HALF_RAW_(tx), __FILE__, __LINE__);
            threads[n_threads++] = wt_thread_start(sender_thread, side);
        }
        WEFT_DROP(tx);
        for (int i = 0; i < n_receivers; i++) {
            if (i % 2 == 1) {
                ck_assert_int_eq(weft_spawn(&scope, receiver_task, weft_ref(rx), &tallies[i]), 0);
                continue;
            }
            struct thread_side *side = &sides[n_threads];
            *side = (struct thread_side){ .tally = &tallies[i] };
            side->rx = weft_half_ref(WEFT_HALF_RAW_(rx), __FILE__, __LINE__);
            threads[n_threads++] = wt_thread_start(receiver_thread, side);
        }
        WEFT_DROP(rx);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
        for (int i = 0; i < n_threads; i++) {
            wt_thread_join(threads[i]);
            ck_assert_int_eq(sides[i].rc, 0);
        }
    }
    for (int s = 0; s < n_senders; s++)
        for (int i = 0; i < n; i++) {
            int times = 0;
            for (int r = 0; r < n_receivers; r++)
                times += tallies[r].seen[s][i];
            if (times != 1)
                ck_abort_msg("value %d of sender %d came %d times", i, s, times);
        }
}

WT_TEST(one_to_one)
{
    for (size_t capacity = 0; capacity < 3; capacity++)
        exchange(capacity, 1, 1, (int)wt_scaled(1000));
}

WT_TEST(many_to_many)
{
    wt_seeds_at_most(50);
    size_t capacities[] = { 0, 1, 3, 64 };
    for (size_t i = 0; i < 4; i++)
        exchange(capacities[i], 4, 4, (int)wt_scaled(1000));
}

WT_TEST(many_to_one_and_one_to_many)
{
    exchange(2, 4, 1, (int)wt_scaled(1000));
    exchange(2, 1, 4, (int)wt_scaled(1000));
}

/* ---- conservation with an end in the middle -------------------------------------------------- */

static weft_sender *ended_tx;
static unsigned char was_dropped[MAX_SENDERS][MAX_VALUES];

static void note_drop(void *item)
{
    const struct item *it = item;
    was_dropped[it->sender][it->number]++;
}

/* Sends until it is refused; *out_n is how many were taken. */
WEFT_TASK(send_until_refused, (tx, struct item, tx), (int, sender), (int *, out_n))
{
    int n = 0;
    while (n < MAX_VALUES && weft_send(tx, (struct item){ sender, n }) == 0)
        n++;
    *out_n = n;
    return 0;
}

/* Receives a few and leaves, or aborts, in the middle. */
WEFT_TASK(receive_some, (rx, struct item, rx), (struct tally *, tally), (int, n), (bool, aborts))
{
    struct item item;
    while (tally->n < n && weft_recv(rx, &item) == 1) {
        tally->seen[item.sender][item.number]++;
        tally->n++;
    }
    if (aborts)
        (void)weft_sender_abort(ended_tx, 0);
    return 0;
}

WT_TEST(what_was_sent_is_received_or_dropped)
{
    static struct tally tallies[2];
    for (int way = 0; way < 8; way++) {
        size_t capacity = way % 2 == 0 ? 3 : 0;
        bool aborts = way & 4;
        int n_sent[3] = { 0 };
        WEFT_TX(struct item, tx);
        WEFT_RX(struct item, rx);
        memset(tallies, 0, sizeof tallies);
        memset(was_dropped, 0, sizeof was_dropped);
        ck_assert_int_eq(weft_chan_open(&tx, &rx, capacity, .drop = note_drop), 0);
        ended_tx = WEFT_TX_RAW_(tx);
        {
            WEFT_SCOPE(scope);
            for (int i = 0; i < 3; i++)
                ck_assert_int_eq(
                    weft_spawn(&scope, send_until_refused, weft_ref(tx), i, &n_sent[i]), 0);
            for (int i = 0; i < 2; i++)
                ck_assert_int_eq(weft_spawn(&scope, receive_some, weft_ref(rx), &tallies[i],
                                            (int)wt_random_below(wt_scaled(300)), aborts),
                                 0);
            WEFT_DROP(rx);
            ck_assert_int_eq(weft_scope_wait(&scope), 0);
        }
        for (int s = 0; s < 3; s++)
            for (int i = 0; i < MAX_VALUES; i++) {
                int times = was_dropped[s][i] + tallies[0].seen[s][i] + tallies[1].seen[s][i];
                if (times != (i < n_sent[s]))
                    ck_abort_msg("value %d of sender %d, who sent %d, came or was dropped %d "
                                 "times",
                                 i, s, n_sent[s], times);
            }
    }
}

WT_MAIN("chan_exchange")
