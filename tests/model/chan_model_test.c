/* SPDX-License-Identifier: MIT
 * Random programs of channel operations against a reference that is easy to believe. One thread,
 * so each call has one right answer: its code, the value, and what was dropped. */
#include "wt_test.h"

#include <weft.h>

#include <string.h>

enum { MAX_HALVES = 6, MAX_QUEUE = 16, STEPS = 400, MAX_DROPS = STEPS + MAX_QUEUE };

/* ---- the reference --------------------------------------------------------------------------- */

static struct {
    int queue[MAX_QUEUE], capacity, n, n_reserved, n_tx, n_rx, cause;
    int max_weight, reserved_weight; /* 0: not weighed */
    enum weft_overflow overflow;
    bool has_ended, is_aborted;
    int drops[MAX_DROPS], n_drops;
} model;

static int take_first(void)
{
    int value = model.queue[0];
    memmove(model.queue, model.queue + 1, (size_t)--model.n * sizeof value);
    return value;
}

static void drop_all(void)
{
    while (model.n > 0)
        model.drops[model.n_drops++] = take_first();
}

static void end(int cause)
{
    if (!model.has_ended)
        model.cause = cause;
    model.has_ended = true;
}

static int weight_of(int value) { return value % 7; }
static size_t weigh(const void *item) { return (size_t)weight_of(*(const int *)item); }

static bool is_full_for(int weight)
{
    int n = model.n + model.n_reserved, now = model.reserved_weight;
    for (int i = 0; i < model.n; i++)
        now += weight_of(model.queue[i]);
    bool is_heavy = model.max_weight > 0 && n > 0 && now + weight > model.max_weight;
    return n == model.capacity || is_heavy;
}

static int model_send(int value)
{
    if (model.has_ended || model.n_rx == 0)
        return WEFT_ECLOSED;
    if (is_full_for(weight_of(value))) {
        if (model.overflow == WEFT_BLOCK || model.overflow == WEFT_FAIL)
            return WEFT_EAGAIN;
        bool is_newest = model.overflow == WEFT_DROP_NEWEST || model.n == 0;
        model.drops[model.n_drops++] = is_newest ? value : take_first();
        if (is_newest)
            return 0;
    }
    model.queue[model.n++] = value;
    return 0;
}

static int model_recv(bool *cause_given, int *value)
{
    if (model.n > 0) {
        *value = take_first();
        return 1;
    }
    if (!model.has_ended || (model.n_reserved > 0 && !model.is_aborted))
        return WEFT_EAGAIN;
    if (*cause_given || model.cause == 0)
        return 0;
    *cause_given = true;
    return model.cause;
}

static bool may_reserve_now(int weight)
{
    bool is_open = !model.has_ended && model.n_rx > 0;
    bool is_full = is_full_for(weight);
    bool is_replacing = model.overflow == WEFT_DROP_OLDEST || model.overflow == WEFT_CONFLATE;
    return model.capacity > 0 &&
           (!is_open || !is_full || model.overflow == WEFT_FAIL || (is_replacing && model.n > 0));
}

static int model_reserve(int weight)
{
    if (model.has_ended || model.n_rx == 0)
        return WEFT_ECLOSED;
    if (is_full_for(weight)) {
        if (model.overflow == WEFT_FAIL)
            return WEFT_EAGAIN;
        model.drops[model.n_drops++] = take_first();
    }
    model.n_reserved++;
    model.reserved_weight += weight;
    model.n_tx++;
    return 0;
}

static void model_tx_gone(void)
{
    if (--model.n_tx == 0)
        end(0);
}

static void model_permit_gone(int kept)
{
    model.n_reserved--;
    model.reserved_weight -= kept;
}

static int model_commit(int value, int kept)
{
    int rc = model.n_rx == 0 || model.is_aborted ? WEFT_ECLOSED : 0;
    if (rc == 0 && kept < model.max_weight && weight_of(value) > kept)
        rc = WEFT_EMSGSIZE;
    model_permit_gone(kept);
    if (rc == 0)
        model.queue[model.n++] = value;
    model_tx_gone();
    return rc;
}

/* ---- the channel beside it ------------------------------------------------------------------- */

static weft_sender *txs[MAX_HALVES];
static weft_receiver *rxs[MAX_HALVES];
static bool cause_given[MAX_HALVES];
static weft_permit_half *permits[MAX_HALVES];
static int kept[MAX_HALVES];
static int drops[MAX_DROPS], n_drops;

static void note_drop(void *item) { drops[n_drops++] = *(int *)item; }

/* Whether the i-th is empty or not, as wanted; else one further on; -1: none is. */
static int find(void *const *slots, bool is_full)
{
    int first = (int)wt_random_below(MAX_HALVES);
    for (int i = 0; i < MAX_HALVES; i++)
        if ((slots[(first + i) % MAX_HALVES] != NULL) == is_full)
            return (first + i) % MAX_HALVES;
    return -1;
}
#define FIND(slots, is_full) find((void *const *)(void *)(slots), (is_full))

static void step_send(int tx, int value)
{
    int rc = 99, want = model_send(value);
    switch (wt_random_below(3)) {
    case 0: rc = weft_sender_try_send(txs[tx], &value, sizeof value); break;
    case 1:
        if (want == WEFT_EAGAIN && model.overflow == WEFT_BLOCK)
            return;
        rc = weft_sender_send_many(txs[tx], &value, 1, sizeof value);
        rc = rc == 1 ? 0 : rc;
        break;
    default: {
        weft_case cases[] = { weft_on_nothing(), weft_case_send(txs[tx], &value, sizeof value) };
        if (weft_select_from(cases, 2, &rc) == 0)
            rc = WEFT_EAGAIN;
    }
    }
    ck_assert_int_eq(rc, want);
}

static void step_recv(int rx)
{
    int rc = 99, value = -1, want_value = -1;
    int want = model_recv(&cause_given[rx], &want_value);
    switch (wt_random_below(3)) {
    case 0: rc = weft_receiver_try_recv(rxs[rx], &value, sizeof value); break;
    case 1:
        if (want == WEFT_EAGAIN)
            return;
        rc = weft_receiver_recv_many(rxs[rx], &value, 1, sizeof value);
        break;
    default: {
        weft_case cases[] = { weft_case_recv(rxs[rx], &value, sizeof value), weft_on_nothing() };
        if (weft_select_from(cases, 2, &rc) == 1)
            rc = WEFT_EAGAIN;
    }
    }
    ck_assert_int_eq(rc, want);
    ck_assert_int_eq(value, want_value);
}

static void step_permit(int value)
{
    int tx = FIND(txs, true), empty = FIND(permits, false), held = FIND(permits, true);
    if (wt_random_below(2) == 0) {
        bool is_any = wt_random_below(2) == 0;
        int weight = is_any ? model.max_weight : (int)wt_random_below(9);
        weight = weight < model.max_weight ? weight : model.max_weight;
        if (tx < 0 || empty < 0 || !may_reserve_now(weight))
            return;
        int want = model_reserve(weight);
        kept[empty] = weight;
        int rc = is_any ? weft_sender_reserve(txs[tx], &permits[empty])
                        : weft_sender_reserve_weight(txs[tx], (size_t)weight, &permits[empty]);
        ck_assert_int_eq(rc, want);
    } else if (held >= 0 && wt_random_below(3) > 0) {
        weft_permit_half *permit = weft_slot_take(&permits[held]);
        ck_assert_int_eq(weft_permit_commit(permit, &value, sizeof value),
                         model_commit(value, kept[held]));
    } else if (held >= 0) {
        model_permit_gone(kept[held]);
        model_tx_gone();
        weft_permit_drop(&permits[held]);
    }
}

static void step_tx(void)
{
    int full = FIND(txs, true), empty = FIND(txs, false);
    if (full >= 0 && empty >= 0 && wt_random_below(2) == 0) {
        txs[empty] = weft_half_ref(txs[full], "t", 1);
        model.n_tx++;
    } else if (full >= 0) {
        model_tx_gone();
        weft_half_drop(&txs[full]);
    }
}

static void step_rx(void)
{
    int full = FIND(rxs, true), empty = FIND(rxs, false);
    if (full >= 0 && empty >= 0 && wt_random_below(2) == 0) {
        rxs[empty] = weft_half_ref(rxs[full], "t", 1);
        cause_given[empty] = false;
        model.n_rx++;
    } else if (full >= 0) {
        if (--model.n_rx == 0)
            drop_all();
        weft_half_drop(&rxs[full]);
    }
}

static void step_end(bool is_abort)
{
    int tx = FIND(txs, true), cause = -(int)wt_random_below(3);
    if (tx < 0)
        return;
    int want = model.has_ended ? WEFT_ECLOSED : 0;
    if (want == 0 && is_abort) {
        model.is_aborted = true;
        drop_all();
    }
    end(cause);
    ck_assert_int_eq(is_abort ? weft_sender_abort(txs[tx], cause) : weft_sender_end(txs[tx], cause),
                     want);
}

static void step(int value)
{
    int tx = FIND(txs, true), rx = FIND(rxs, true);
    unsigned choice = (unsigned)wt_random_below(200);
    if (choice < 80 && tx >= 0)
        step_send(tx, value);
    else if (choice < 160 && rx >= 0)
        step_recv(rx);
    else if (choice < 180)
        step_permit(value);
    else if (choice < 189)
        step_tx();
    else if (choice < 198)
        step_rx();
    else
        step_end(choice == 199);
    ck_assert_int_eq(n_drops, model.n_drops);
    ck_assert_mem_eq(drops, model.drops, (size_t)n_drops * sizeof(int));
}

static void run_program(void)
{
    memset(&model, 0, sizeof model);
    memset(cause_given, 0, sizeof cause_given);
    n_drops = 0;
    model.n_tx = model.n_rx = 1;
    model.overflow = (enum weft_overflow)wt_random_below(WEFT_CONFLATE + 1);
    model.capacity = (int)wt_random_below(5);
    bool may_weigh = model.overflow != WEFT_CONFLATE && model.overflow != WEFT_DROP_OLDEST;
    if (may_weigh && model.capacity > 0 && wt_random_below(2) == 0)
        model.max_weight = 1 + (int)wt_random_below(9);
    ck_assert_int_eq(weft_channel_open(sizeof(int),
                                       WEFT_OPTS(chan, .capacity = (size_t)model.capacity,
                                                 .overflow = model.overflow, .drop = note_drop,
                                                 .weigh = model.max_weight > 0 ? weigh : NULL,
                                                 .max_weight = (size_t)model.max_weight),
                                       &txs[0], &rxs[0], "t", 1),
                     0);
    if (model.overflow == WEFT_CONFLATE ||
        (model.overflow == WEFT_DROP_OLDEST && model.capacity == 0))
        model.capacity = 1;
    for (int i = 0; i < STEPS; i++)
        step(i);
    for (int i = 0; i < MAX_HALVES; i++) {
        weft_half_drop(&txs[i]);
        weft_half_drop(&rxs[i]);
        weft_permit_drop(&permits[i]);
    }
}

WT_TEST(random_programs_do_what_the_reference_does)
{
    wt_seeds_at_most(20);
    for (unsigned i = 0; i < wt_scaled(500); i++)
        run_program();
}

WT_MAIN("chan_model")
