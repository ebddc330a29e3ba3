/* SPDX-License-Identifier: MIT
 * Selects that meet each other, on several channels at once and from both sides: every value once,
 * nothing lost, and nobody waits for ever. No case has a limit of time: it would hide a lost wake. */
#include "wt_test.h"

#include <weft.h>

#include <string.h>

enum { MAX_CHANS = 12, MAX_PARTIES = 5, MAX_VALUES = 64 };

/* ---- parties that send to any channel and receive from all ----------------------------------- */

struct party {
    weft_sender *txs[MAX_CHANS];
    weft_receiver *rxs[MAX_CHANS];
    int n_chans, index, n_to_send, rc;
    bool is_ordered;
    uint64_t choices; /* which channels it sends to */
    unsigned char seen[MAX_PARTIES][MAX_VALUES];
};

struct item {
    int party, number;
};

/* Everything received, and this one sent to a channel that is drawn, or to one of two. */
static size_t list_cases(struct party *party, weft_case *cases, struct item *in,
                         const struct item *out, bool is_sending)
{
    size_t n = (size_t)party->n_chans;
    for (size_t i = 0; i < n; i++)
        cases[i] = weft_case_recv(party->rxs[i], in, sizeof *in);
    for (int i = 0; is_sending && i < 2; i++) {
        party->choices = party->choices * 6364136223846793005u + 1442695040888963407u;
        size_t at = (size_t)(party->choices >> 33) % (size_t)party->n_chans;
        cases[n++] = weft_case_send(party->txs[at], out, sizeof *out);
    }
    return n;
}

static int exchange(struct party *party)
{
    int n_open = party->n_chans, n_sent = 0;
    while (n_open > 0) {
        weft_case cases[MAX_CHANS + 2];
        struct item in = { -1, -1 }, out = { party->index, n_sent };
        bool is_sending = n_sent < party->n_to_send;
        size_t n = list_cases(party, cases, &in, &out, is_sending);
        int rc = 99, i = party->is_ordered ? weft_select_from_ordered(cases, n, &rc)
                                           : weft_select_from(cases, n, &rc);
        if (i < 0 || rc < 0)
            return i < 0 ? i : rc;
        if (i >= party->n_chans) {
            if (++n_sent == party->n_to_send)
                for (int k = 0; k < party->n_chans; k++)
                    weft_half_drop(&party->txs[k]);
        } else if (rc == 0) {
            weft_half_drop(&party->rxs[i]);
            n_open--;
        } else if (++party->seen[in.party][in.number] != 1) {
            return WEFT_EINVAL;
        }
    }
    return 0;
}

static void exchange_in_thread(void *arg)
{
    struct party *party = arg;
    party->rc = exchange(party);
}

WEFT_TASK(exchange_in_task, (struct party *, party)) { return party->rc = exchange(party); }

static void open_chans(struct party *parties, int n_parties, int n_chans, size_t capacity)
{
    for (int c = 0; c < n_chans; c++) {
        weft_sender *tx;
        weft_receiver *rx;
        ck_assert_int_eq(weft_channel_open(sizeof(struct item),
                                           WEFT_OPTS(chan, .capacity = capacity), &tx, &rx,
                                           __FILE__, __LINE__),
                         0);
        for (int i = 0; i < n_parties; i++) {
            parties[i].txs[c] = weft_half_ref(tx, __FILE__, __LINE__);
            parties[i].rxs[c] = weft_half_ref(rx, __FILE__, __LINE__);
        }
        weft_half_drop(&tx);
        weft_half_drop(&rx);
    }
}

static void check_all_seen(const struct party *parties, int n_parties, int n_values)
{
    for (int from = 0; from < n_parties; from++) {
        ck_assert_int_eq(parties[from].rc, 0);
        for (int number = 0; number < n_values; number++) {
            int n_seen = 0;
            for (int at = 0; at < n_parties; at++)
                n_seen += parties[at].seen[from][number];
            ck_assert_int_eq(n_seen, 1);
        }
    }
}

/* Every second party is a plain thread, the others are tasks. Twelve channels need an allocation. */
static void run_parties(int n_parties, int n_chans, size_t capacity, int n_values)
{
    struct party parties[MAX_PARTIES];
    wt_thread *threads[MAX_PARTIES] = { NULL };
    memset(parties, 0, sizeof parties);
    open_chans(parties, n_parties, n_chans, capacity);
    {
        WEFT_SCOPE(scope);
        for (int i = 0; i < n_parties; i++) {
            struct party *party = &parties[i];
            party->n_chans = n_chans;
            party->index = i;
            party->n_to_send = n_values;
            party->choices = wt_random();
            party->is_ordered = wt_random_below(4) == 0;
            if (i % 2 == 1)
                threads[i] = wt_thread_start(exchange_in_thread, party);
            else
                ck_assert_int_eq(weft_spawn(&scope, exchange_in_task, party), 0);
        }
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
    }
    for (int i = 1; i < n_parties; i += 2)
        wt_thread_join(threads[i]);
    check_all_seen(parties, n_parties, n_values);
}

/* With nobody else there, a sender of the last value has nobody to meet: so all send the same
 * number, and the last two are there for each other. */
WT_TEST(selects_over_all_channels_lose_nothing)
{
    int n = wt_is_sim() ? 4 : MAX_VALUES;
    for (int n_chans = 2; n_chans <= 4; n_chans++)
        run_parties(3, n_chans, (size_t)wt_random_below(3), n);
}

WT_TEST(selects_over_many_channels_lose_nothing)
{
    run_parties(MAX_PARTIES, MAX_CHANS, (size_t)wt_random_below(2), wt_is_sim() ? 3 : MAX_VALUES);
}

/* ---- two that meet on two channels ----------------------------------------------------------- */

struct crossing {
    weft_sender *tx;
    weft_receiver *rx;
    int n, n_sent, n_received, sum_sent, sum_received, rc;
    bool is_ordered, sends_first;
};

static int cross(struct crossing *it)
{
    for (int i = 1; i <= it->n; i++) {
        int in = 0, rc = 99;
        weft_case recv = weft_case_recv(it->rx, &in, sizeof in);
        weft_case send = weft_case_send(it->tx, &i, sizeof i);
        weft_case cases[] = { it->sends_first ? send : recv, it->sends_first ? recv : send };
        int index = it->is_ordered ? weft_select_from_ordered(cases, 2, &rc)
                                   : weft_select_from(cases, 2, &rc);
        if (index < 0 || rc < 0)
            return index < 0 ? index : rc;
        bool has_sent = (index == 0) == it->sends_first;
        if (rc != (has_sent ? 0 : 1))
            return WEFT_EINVAL;
        it->n_sent += has_sent;
        it->n_received += !has_sent;
        it->sum_sent += has_sent ? i : 0;
        it->sum_received += in;
    }
    return 0;
}

static void cross_in_thread(void *arg)
{
    struct crossing *it = arg;
    it->rc = cross(it);
}

/* Each offers to send to the other and to receive from it, over rendezvous: each select of one ends
 * one of the other, so after n each nobody waits. */
static void run_crossing(bool is_ordered, bool sends_first)
{
    struct crossing sides[2] = { { .n = (int)wt_scaled(20000) }, { 0 } };
    wt_thread *threads[2];
    if (wt_is_sim())
        sides[0].n = 12;
    sides[0].is_ordered = is_ordered;
    sides[0].sends_first = sends_first;
    sides[1] = sides[0];
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(weft_channel_open(sizeof(int), NULL, &sides[i].tx, &sides[1 - i].rx,
                                           __FILE__, __LINE__),
                         0);
    for (int i = 0; i < 2; i++)
        threads[i] = wt_thread_start(cross_in_thread, &sides[i]);
    for (int i = 0; i < 2; i++)
        wt_thread_join(threads[i]);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(sides[i].rc, 0);
        ck_assert_int_eq(sides[i].n_sent, sides[1 - i].n_received);
        ck_assert_int_eq(sides[i].sum_sent, sides[1 - i].sum_received);
        weft_half_drop(&sides[i].tx);
        weft_half_drop(&sides[i].rx);
    }
}

WT_TEST(two_that_cross_meet_each_time)
{
    run_crossing(false, false);
    run_crossing(true, false);
    run_crossing(true, true);
}

/* ---- cancels ---------------------------------------------------------------------------------- */

WEFT_TASK(keeps_crossing, (struct crossing *, it)) { return it->rc = cross(it); }

/* What was sent was received, though a cancel may come at any moment: commit beats cancel. */
WT_TEST(a_cancel_takes_nothing_back)
{
    struct crossing sides[2] = { { .n = 1000000 }, { .n = 1000000 } };
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(weft_channel_open(sizeof(int), NULL, &sides[i].tx, &sides[1 - i].rx,
                                           __FILE__, __LINE__),
                         0);
    {
        WEFT_SCOPE(scope);
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(weft_spawn(&scope, keeps_crossing, &sides[i]), 0);
        for (uint64_t n = wt_random_below(200); n > 0; n--)
            ck_assert_int_eq(weft_pause(), 0);
        weft_scope_cancel(&scope);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(sides[i].rc, WEFT_ECANCELED);
        ck_assert_int_eq(sides[i].n_sent, sides[1 - i].n_received);
        ck_assert_int_eq(sides[i].sum_sent, sides[1 - i].sum_received);
    }
    for (int i = 0; i < 2; i++) {
        weft_half_drop(&sides[i].tx);
        weft_half_drop(&sides[i].rx);
    }
}

WT_MAIN("select_exchange")
