/* SPDX-License-Identifier: MIT
 * Closed workloads with a conservation law: many parties, many values, nothing lost, nothing twice,
 * in order for each sender at each receiver. */
#include "wt_test.h"

#include <weft.h>

#include <stdlib.h>

enum { N_THREADS = 4, N_TASKS = 4, N_PARTIES = N_THREADS + N_TASKS, N_VALUES = 10000000 };

/* The party in the upper bits, its own count in the lower. */
typedef uint64_t value;
#define VALUE(party, number) ((uint64_t)(party) << 32 | (uint64_t)(number))

struct party {
    weft_sender *tx;
    weft_receiver *rx;
    unsigned index;
    uint64_t n_to_send;
    /* What it received. */
    uint64_t n, sum, next[N_PARTIES];
    int rc;
};

/* A value from a party: each later than the one before from there. */
static int check_in(struct party *party, value v)
{
    uint64_t from = v >> 32, number = v & UINT32_MAX;
    if (from >= N_PARTIES || number < party->next[from])
        return WEFT_EINVAL;
    party->next[from] = number + 1;
    party->sum += v;
    party->n++;
    return 0;
}

/* Sends and receives at once, so that no party waits for another that waits for it; then only
 * receives, to the end. */
static int exchange(struct party *party)
{
    uint64_t n_sent = 0;
    for (;;) {
        value in = 0, out = VALUE(party->index, n_sent);
        int rc, index;
        weft_case cases[] = { weft_case_recv(party->rx, &in, sizeof in),
                              weft_case_send(party->tx, &out, sizeof out) };
        if (party->tx == NULL) {
            index = 0;
            rc = weft_receiver_recv(party->rx, &in, sizeof in);
        } else {
            index = weft_select_from(cases, 2, &rc);
        }
        if (index < 0 || rc < 0)
            return index < 0 ? index : rc;
        if (index == 0 && rc == 0)
            return 0;
        if (index == 0 && check_in(party, in) < 0)
            return WEFT_EINVAL;
        if (index == 1 && ++n_sent == party->n_to_send)
            weft_half_drop(&party->tx);
    }
}

static void exchange_in_thread(void *arg)
{
    struct party *party = arg;
    party->rc = exchange(party);
    weft_half_drop(&party->rx);
}

WEFT_TASK(exchange_in_task, (struct party *, party))
{
    party->rc = exchange(party);
    weft_half_drop(&party->rx);
    return party->rc;
}

static size_t weigh(const void *item) { return *(const value *)item % 97; }

/* max_weight 0: not weighed. */
static void run_parties(size_t capacity, size_t max_weight, uint64_t n_values)
{
    struct party parties[N_PARTIES] = { { 0 } };
    wt_thread *threads[N_THREADS];
    weft_sender *tx;
    weft_receiver *rx;
    ck_assert_int_eq(weft_channel_open(sizeof(value),
                                       WEFT_OPTS(chan, .capacity = capacity,
                                                 .weigh = max_weight > 0 ? weigh : NULL,
                                                 .max_weight = max_weight),
                                       &tx, &rx, __FILE__, __LINE__),
                     0);
    for (unsigned i = 0; i < N_PARTIES; i++) {
        parties[i].index = i;
        parties[i].n_to_send = n_values / N_PARTIES;
        parties[i].tx = weft_half_ref(tx, __FILE__, __LINE__);
        parties[i].rx = weft_half_ref(rx, __FILE__, __LINE__);
    }
    weft_half_drop(&tx);
    weft_half_drop(&rx);
    {
        WEFT_SCOPE(scope);
        for (unsigned i = 0; i < N_TASKS; i++)
            ck_assert_int_eq(weft_spawn(&scope, exchange_in_task, &parties[N_THREADS + i]), 0);
        for (unsigned i = 0; i < N_THREADS; i++)
            threads[i] = wt_thread_start(exchange_in_thread, &parties[i]);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
        for (unsigned i = 0; i < N_THREADS; i++)
            wt_thread_join(threads[i]);
    }
    uint64_t n = 0, sum = 0, want_sum = 0, each = n_values / N_PARTIES;
    for (unsigned i = 0; i < N_PARTIES; i++) {
        ck_assert_int_eq(parties[i].rc, 0);
        n += parties[i].n;
        sum += parties[i].sum;
        want_sum += each * VALUE(i, 0) + each * (each - 1) / 2;
    }
    ck_assert_uint_eq(n, each * N_PARTIES);
    ck_assert_uint_eq(sum, want_sum);
}

/* Ten million where that is a matter of seconds; WT_STRESS_VALUES says another number. */
static uint64_t n_values(uint64_t n)
{
    const char *text = getenv("WT_STRESS_VALUES");
    uint64_t given = text != NULL ? strtoull(text, NULL, 10) : 0;
    return given >= N_PARTIES ? given : n;
}

WT_TEST(threads_and_tasks_exchange_over_one_channel)
{
    wt_seeds_at_most(4);
    run_parties(64, 0,
                n_values(wt_is_sim()                      ? 400
                         : wt_scaled(N_VALUES) < N_VALUES ? 100000
                                                          : N_VALUES));
}

WT_TEST(threads_and_tasks_meet_on_a_rendezvous)
{
    wt_seeds_at_most(4);
    run_parties(0, 0, n_values(wt_is_sim() ? 200 : wt_scaled(200000)));
}

WT_TEST(threads_and_tasks_exchange_what_is_weighed)
{
    wt_seeds_at_most(4);
    run_parties(8, 90, n_values(wt_is_sim() ? 400 : wt_scaled(200000)));
}

WT_MAIN("chan_stress")
