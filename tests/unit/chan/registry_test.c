/* SPDX-License-Identifier: MIT
 * The list of all channels: each is on it as long as it is there, found by its address and not by
 * that of one that has gone; what went over it stays counted. */
#include "chan/registry.h"

#include "wt_test.h"

#include <weft.h>

enum { N = 50 };

struct seen {
    struct wf_chan *chans[N];
    unsigned n;
};

static void see(struct wf_chan *ch, void *arg)
{
    struct seen *seen = arg;
    ck_assert_uint_lt(seen->n, N);
    seen->chans[seen->n++] = ch;
}

static unsigned times_seen(const struct seen *seen, const struct wf_chan *ch)
{
    unsigned n = 0;
    for (unsigned i = 0; i < seen->n; i++)
        n += seen->chans[i] == ch;
    return n;
}

WT_TEST(each_channel_is_seen_once_while_it_is_there)
{
    weft_sender *tx[N];
    weft_receiver *rx[N];
    for (unsigned i = 0; i < N; i++)
        ck_assert_int_eq(wf_chan_open(i + 1, NULL, __FILE__, __LINE__, &tx[i], &rx[i]), 0);
    struct seen all = { .n = 0 };
    wf_chan_each(see, &all);
    ck_assert_uint_eq(all.n, N);
    for (unsigned i = 0; i < N; i++)
        ck_assert_uint_eq(times_seen(&all, tx[i]->chan), 1);

    /* It is there until its last half is dropped. */
    for (unsigned i = 0; i < N; i++) {
        struct wf_chan *ch = tx[i]->chan;
        struct seen one = { .n = 0 };
        weft_half_drop(&tx[i]);
        ck_assert(wf_chan_with(ch, see, &one));
        ck_assert_ptr_eq(one.chans[0], ch);
        weft_half_drop(&rx[i]);
        ck_assert(!wf_chan_with(ch, see, &one));
        ck_assert_uint_eq(one.n, 1);
    }
    struct seen none = { .n = 0 };
    wf_chan_each(see, &none);
    ck_assert_uint_eq(none.n, 0);
}

static void expect_totals(uint64_t sent, uint64_t received, uint64_t dropped)
{
    uint64_t now_sent, now_received, now_dropped;
    wf_chan_totals(&now_sent, &now_received, &now_dropped);
    ck_assert_uint_eq(now_sent, sent);
    ck_assert_uint_eq(now_received, received);
    ck_assert_uint_eq(now_dropped, dropped);
}

WT_TEST(what_went_over_a_channel_stays_counted)
{
    uint64_t sent, received, dropped;
    wf_chan_totals(&sent, &received, &dropped);
    for (unsigned round = 0; round < 10; round++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int value;
        ck_assert_int_eq(weft_chan_open(&tx, &rx, 4), 0);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(weft_send(tx, i), 0);
        ck_assert_int_eq(weft_recv(rx, &value), 1);
        expect_totals(sent + 3, received + 1, dropped);
        WEFT_DROP(rx);
        expect_totals(sent + 3, received + 1, dropped + 2);
        WEFT_DROP(tx);
        expect_totals(sent += 3, received += 1, dropped += 2);
    }
}

WT_MAIN("registry")
