/* SPDX-License-Identifier: MIT
 * Two-way generators and those that read ahead, cancelled at every point and failed at every call:
 * each item and each answer is ended once, each body has unwound, nothing is left. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>
#include <weft/testing.h>

#include "token.h"

static _Atomic int n_begun, n_ended;

/* Runs are processes of their own: the counts are those of one run. */
static int is_even(void *arg)
{
    (void)arg;
    return atomic_load(&tokens_made) == atomic_load(&tokens_ended) &&
                   atomic_load(&n_begun) == atomic_load(&n_ended)
               ? 0
               : -EBADF;
}

static void try_all(int (*scenario)(void *), const char *name)
{
    tokens_begin();
    atomic_store(&n_begun, 0);
    atomic_store(&n_ended, 0);
    weft_points tried = { .size_ = sizeof tried };
    const weft_points_opts opts = {
        .name = name, .check = is_even, .max_runs = 60, .seeds = wt_is_sim() ? 2 : 1
    };
    ck_assert_int_eq(weft_try_every_point(scenario, NULL, &opts, &tried), 0);
    ck_assert_int_eq(tried.rc, 0);
    ck_assert_uint_gt(tried.cancel_runs, 0);
}

/* ---- two ways ---------------------------------------------------------------------------------- */

static int renew(int n, struct token **answer)
{
    int given = *answer != NULL ? token_end(*answer) : 0;
    *answer = NULL;
    return given > n ? given : n;
}

/* Waits between an answer and the item it makes of it; goes on after -EDOM. */
static int exchange(weft_receiver *self)
{
    struct token *answer = NULL;
    for (int n = 1;; n++) {
        struct token *item = token_new(n);
        int rc = weft_generator_yield_into(self, &item, sizeof item, &answer, sizeof answer);
        if (rc < 0 && rc != -EDOM)
            return rc;
        n = renew(n, &answer);
        WEFT_TRY(weft_sleep(WEFT_US(10)));
    }
}

WEFT_GENERATOR(exchanger, weft_rx(struct token *, struct token *))
{
    atomic_fetch_add(&n_begun, 1);
    int rc = exchange(WEFT_RX_RAW_(weft_this_generator));
    weft_shield shield;
    weft_shield_begin(&shield);
    int slept = weft_sleep(WEFT_US(10)); /* its teardown may wait */
    weft_shield_end(&shield);
    atomic_fetch_add(&n_ended, 1);
    return slept < 0 ? slept : rc;
}

static int two_ways(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items, struct token *);
    struct token *item;
    WEFT_TRY(exchanger_with(WEFT_OPTS(generator, .drop = token_drop, .drop_answer = token_drop),
                            &items));
    if (WEFT_TRY(weft_recv(items, &item)) == 1)
        token_end(item);
    for (int i = 0; i < 4; i++)
        if (WEFT_TRY(weft_resume(items, &item, token_new(10 * i))) == 1)
            token_end(item);
    if (WEFT_TRY(weft_throw(items, &item, -EDOM)) == 1)
        token_end(item);
    int rc = weft_throw(items, &item, -ERANGE);
    return rc == -ERANGE ? weft_close(items) : rc;
}

WT_TEST(two_ways_at_every_point) { try_all(two_ways, "two_ways"); }

static int left_alone(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, items, struct token *);
    struct token *item;
    WEFT_TRY(exchanger_with(WEFT_OPTS(generator, .drop = token_drop, .drop_answer = token_drop),
                            &items));
    int rc = weft_resume(items, &item, token_new(1)); /* too early */
    if (rc != WEFT_ENOYIELD)
        return rc < 0 ? rc : -EPROTO;
    if (WEFT_TRY(weft_recv(items, &item)) == 1)
        token_end(item);
    return weft_close(items);
}

WT_TEST(leaving_it_at_every_point) { try_all(left_alone, "left_alone"); }

/* ---- ahead ------------------------------------------------------------------------------------- */

WEFT_GENERATOR(counted, weft_rx(struct token *), (int, last), (int64_t, d_ns))
{
    int rc = 0;
    atomic_fetch_add(&n_begun, 1);
    for (int n = 1; n <= last && rc >= 0; n++) {
        rc = d_ns > 0 ? weft_sleep(d_ns) : 0;
        if (rc >= 0)
            rc = weft_yield(token_new(n));
    }
    atomic_fetch_add(&n_ended, 1);
    return rc;
}

static int drain(int n_wanted, int64_t d_ns)
{
    WEFT_RX(struct token *, items);
    int n = 0;
    WEFT_TRY(
        counted_with(WEFT_OPTS(generator, .read_ahead = 2, .drop = token_drop), 6, d_ns, &items));
    weft_each (item, items) {
        token_end(item);
        if (++n == n_wanted)
            break;
        WEFT_TRY(weft_pause());
    }
    WEFT_TRY(weft_error(items));
    return weft_close(items);
}

static int ahead(void *arg)
{
    (void)arg;
    WEFT_TRY(drain(100, 0));
    return drain(100, WEFT_US(10));
}

static int ahead_and_left(void *arg)
{
    (void)arg;
    return drain(2, 0);
}

WT_TEST(reading_ahead_at_every_point)
{
    try_all(ahead, "ahead");
    try_all(ahead_and_left, "ahead_and_left");
}

/* ---- sources without a task --------------------------------------------------------------------- */

struct counter {
    int n, last;
};

static int counter_next(struct counter *self, struct token **out)
{
    WEFT_TRY(weft_sleep(WEFT_US(10)));
    if (self->n == self->last)
        return 0;
    *out = token_new(++self->n);
    return 1;
}

static int counter_close(struct counter *self)
{
    (void)self;
    atomic_fetch_add(&n_ended, 1);
    return weft_sleep(WEFT_US(10)); /* shielded */
}

WEFT_ITERATOR(counter, struct token *, struct counter, counter_next, counter_close);

static int open_counter(int last, weft_rx(struct token *) * out_rx)
{
    atomic_fetch_add(&n_begun, 1);
    return counter_with(WEFT_OPTS(iterator, .drop = token_drop), (struct counter){ 0, last },
                        out_rx);
}

static int iterated(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, rx);
    WEFT_TRY(open_counter(4, &rx));
    weft_each (token, rx)
        token_end(token);
    WEFT_TRY(weft_error(rx));
    return weft_close(rx);
}

struct pair {
    struct token *token;
    int64_t n;
};

static void pair_drop(void *pair) { token_drop(&((struct pair *)pair)->token); }

/* Of the longer one an item is dropped, whichever that is. */
static int ranged(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, tokens);
    WEFT_RX(int64_t, numbers);
    WEFT_RX(struct pair, pairs);
    WEFT_TRY(open_counter(9, &tokens));
    WEFT_TRY(weft_range(3, 0, -1, &numbers));
    WEFT_TRY(weft_zip_open((weft_receiver *)weft_slot_take(&tokens), sizeof(struct token *),
                           (weft_receiver *)weft_slot_take(&numbers), sizeof(int64_t),
                           WEFT_PAIR_(struct pair, token, struct token *, n, int64_t),
                           WEFT_OPTS(stream, .drop = pair_drop), (weft_receiver **)(void *)&pairs));
    weft_each (pair, pairs)
        token_end(pair.token);
    return weft_error(pairs);
}

WT_TEST(an_iterator_at_every_point) { try_all(iterated, "iterated"); }
WT_TEST(a_range_at_every_point) { try_all(ranged, "ranged"); }

WT_MAIN_BARE("api_generator_points")
