/* SPDX-License-Identifier: MIT
 * Broadcasts, watches, completions and pollable receivers under load, between tasks and plain
 * threads: what was received, missed and dropped adds up. */
#include "wt_test.h"

#include "../api/parties.h"
#include "../api/token.h"

#include <poll.h>
#include <string.h>
#include <weft.h>

enum { N_SIDES = 3 };

static int token_clone(void *copy, const void *item)
{
    *(struct token **)copy = token_new((*(struct token *const *)item)->n);
    return 0;
}

struct load {
    weft_tx(struct token *) tx[N_SIDES];
    weft_rx(struct token *) rx[N_SIDES];
    int n_each;
};

/* Whoever opened it does not hold it any more. */
static void share(struct load *load)
{
    weft_sender *raw = weft_half_take(&load->tx[0]);
    memcpy(&load->tx[0], &raw, sizeof raw);
    for (int i = 1; i < N_SIDES; i++) {
        load->tx[i] = *weft_ref(load->tx[0]);
        ck_assert_int_eq(weft_subscribe(load->tx[0], &load->rx[i]), 0);
    }
}

static int send_all(struct load *load, unsigned side)
{
    for (int i = 1; i <= load->n_each; i++)
        WEFT_TRY(weft_send(load->tx[side], token_new((int)side << 24 | i)));
    WEFT_DROP(load->tx[side]);
    return 0;
}

/* ---- broadcast -------------------------------------------------------------------------------- */

static int receive_all(struct load *load, unsigned side)
{
    uint64_t n = 0;
    struct token *token;
    int rc;
    while ((rc = weft_recv(load->rx[side], &token)) != 0) {
        if (rc < 0 && rc != WEFT_ELAGGED)
            return rc;
        n += rc > 0 ? 1 : weft_missed(load->rx[side]);
        if (rc > 0)
            (void)token_end(token);
    }
    WEFT_DROP(load->rx[side]);
    return n == (uint64_t)load->n_each * N_SIDES ? 0 : WEFT_EINVAL;
}

static int broadcast_party(void *arg, unsigned index)
{
    return index % 2 == 0 ? send_all(arg, index / 2) : receive_all(arg, index / 2);
}

static void broadcast_load(size_t capacity, unsigned n_tasks)
{
    struct load load = { .n_each = wt_is_sim() ? 20 : (int)wt_scaled(20000) };
    tokens_begin();
    ck_assert_int_eq(weft_broadcast_open(&load.tx[0], &load.rx[0], capacity, .drop = token_drop,
                                         .clone = token_clone),
                     0);
    share(&load);
    run_parties(n_tasks, 2 * N_SIDES - n_tasks, broadcast_party, &load);
    tokens_check();
}

WT_TEST(broadcast_between_threads) { broadcast_load(64, 0); }
WT_TEST(broadcast_between_tasks) { broadcast_load(64, 2 * N_SIDES); }
WT_TEST(broadcast_between_both_with_little_room) { broadcast_load(2, N_SIDES); }

/* ---- watch ------------------------------------------------------------------------------------ */

static int follow(struct load *load, unsigned side)
{
    int seen[N_SIDES] = { 0 };
    struct token *token;
    int rc, last = 0;
    while ((rc = weft_recv(load->rx[side], &token)) > 0) {
        last = token_end(token);
        if ((last & 0xffffff) <= seen[last >> 24])
            return WEFT_EINVAL;
        seen[last >> 24] = last & 0xffffff;
    }
    WEFT_DROP(load->rx[side]);
    return rc < 0 || (last & 0xffffff) == load->n_each ? rc : WEFT_EINVAL;
}

static int watch_party(void *arg, unsigned index)
{
    return index % 2 == 0 ? send_all(arg, index / 2) : follow(arg, index / 2);
}

static void watch_load(unsigned n_tasks)
{
    struct load load = { .n_each = wt_is_sim() ? 20 : (int)wt_scaled(20000) };
    tokens_begin();
    ck_assert_int_eq(
        weft_watch_open(&load.tx[0], &load.rx[0], .drop = token_drop, .clone = token_clone), 0);
    share(&load);
    run_parties(n_tasks, 2 * N_SIDES - n_tasks, watch_party, &load);
    tokens_check();
}

WT_TEST(watch_between_threads) { watch_load(0); }
WT_TEST(watch_between_both) { watch_load(N_SIDES); }

/* ---- completions ------------------------------------------------------------------------------ */

enum { N_PAIRS = 3 };

struct exchange {
    weft_tx(void *) tx[N_PAIRS];
    weft_rx(void *) rx[N_PAIRS];
    int n_each;
};

/* Brings what each of them is asked for: a value, an error or nothing. */
static int answer_all(struct exchange *exchange, unsigned pair)
{
    int i = 0;
    weft_each (arg, exchange->rx[pair]) {
        WEFT_COMPLETION(int, done);
        done = weft_completion_of(int, arg);
        int rc = i % 3 == 0 ? weft_complete(done, i) : i % 3 == 1 ? weft_fail(done, -EIO) : 0;
        if (rc < 0)
            return rc;
        i++;
    }
    return weft_error(exchange->rx[pair]);
}

static int ask_all(struct exchange *exchange, unsigned pair)
{
    for (int i = 0; i < exchange->n_each; i++) {
        WEFT_COMPLETION(int, done);
        WEFT_RX(int, answer);
        int value = -1;
        WEFT_TRY(weft_completion_open(&done, &answer));
        WEFT_TRY(weft_send(exchange->tx[pair], weft_completion_arg(done)));
        int rc = weft_recv(answer, &value);
        if (rc != (i % 3 == 0 ? 1 : i % 3 == 1 ? -EIO : WEFT_ABANDONED) || (rc > 0 && value != i))
            return WEFT_EINVAL;
    }
    WEFT_DROP(exchange->tx[pair]);
    return 0;
}

static int completion_party(void *arg, unsigned index)
{
    return index % 2 == 0 ? ask_all(arg, index / 2) : answer_all(arg, index / 2);
}

WT_TEST(completions_between_both)
{
    struct exchange exchange = { .n_each = wt_is_sim() ? 12 : (int)wt_scaled(9000) };
    for (int i = 0; i < N_PAIRS; i++)
        ck_assert_int_eq(weft_chan_open(&exchange.tx[i], &exchange.rx[i], 4), 0);
    run_parties(N_PAIRS, N_PAIRS, completion_party, &exchange);
    for (int i = 0; i < N_PAIRS; i++)
        WEFT_DROP(exchange.rx[i]);
}

/* ---- pollable receivers ----------------------------------------------------------------------- */

static int poll_all(struct load *load)
{
    struct pollfd entry = { .events = POLLIN };
    WEFT_RX(struct token *, polled);
    struct token *token;
    int n = 0, rc = WEFT_EAGAIN;
    WEFT_TRY(weft_pollable(&load->rx[0], &polled, &entry.fd));
    do {
        if (poll(&entry, 1, wt_is_sim() ? 0 : -1) == 0)
            WEFT_TRY(weft_pause());
        else
            while ((rc = weft_try_recv(polled, &token)) > 0)
                n += token_end(token) > 0;
    } while (rc == WEFT_EAGAIN);
    return rc < 0 ? rc : n == 2 * load->n_each ? 0 : WEFT_EINVAL;
}

static int poll_party(void *arg, unsigned index)
{
    return index < 2 ? send_all(arg, index) : poll_all(arg);
}

WT_TEST(a_loop_with_a_task_and_a_thread)
{
    struct load load = { .n_each = wt_is_sim() ? 20 : (int)wt_scaled(20000) };
    tokens_begin();
    ck_assert_int_eq(weft_chan_open(&load.tx[0], &load.rx[0], 16, .drop = token_drop), 0);
    load.tx[1] = *weft_ref(load.tx[0]);
    run_parties(1, 2, poll_party, &load);
    tokens_check();
}

WT_MAIN("companions_stress")
