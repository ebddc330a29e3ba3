/* SPDX-License-Identifier: MIT
 * Combinators that bring items or streams together: what each gives, where it ends, and that each
 * item is consumed or dropped once. */
#include "wt_test.h"

#include <stdatomic.h>
#include <weft.h>

#include "token.h"

#include "stream_items.h"

/* ---- enumerate -------------------------------------------------------------------------------- */

struct numbered {
    uint64_t index;
    struct token *item;
};

static int enumerate_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct numbered, numbered);
    int n = 0;
    WEFT_TRY(open_tokens(5, -EIO, &source));
    WEFT_TRY(weft_enumerate(WEFT_MOVE(source), &numbered));
    weft_each (it, numbered) {
        ck_assert_uint_eq(it.index, (uint64_t)n);
        ck_assert_int_eq(token_end(it.item), ++n);
    }
    ck_assert_int_eq(n, 5);
    ck_assert_int_eq(weft_error(numbered), -EIO);
    return 0;
}

WT_TEST(enumerate_numbers_items_from_0) { run_tokens(enumerate_main); }

/* ---- pairwise --------------------------------------------------------------------------------- */

struct pair {
    struct token *first, *second;
};

static int pairwise_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct pair, pairs);
    int n = 0;
    WEFT_TRY(open_tokens(5, 0, &source));
    ck_assert_int_eq(weft_pairwise(WEFT_MOVE(source), &pairs), WEFT_EINVAL);
    WEFT_TRY(open_tokens(5, -EIO, &source));
    WEFT_TRY(
        weft_pairwise_with(WEFT_OPTS(stream, .clone = token_clone), WEFT_MOVE(source), &pairs));
    weft_each (pair, pairs) {
        ck_assert_int_eq(token_end(pair.first), ++n);
        ck_assert_int_eq(token_end(pair.second), n + 1);
    }
    ck_assert_int_eq(n, 4);
    ck_assert_int_eq(weft_error(pairs), -EIO);
    return 0;
}

WT_TEST(pairwise_gives_each_item_with_the_one_before) { run_tokens(pairwise_main); }

static int single_pairwise_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct pair, pairs);
    struct pair pair;
    WEFT_TRY(open_tokens(1, 0, &source));
    WEFT_TRY(
        weft_pairwise_with(WEFT_OPTS(stream, .clone = token_clone), WEFT_MOVE(source), &pairs));
    ck_assert_int_eq(weft_recv(pairs, &pair), 0);
    return 0;
}

WT_TEST(a_single_item_makes_no_pair) { run_tokens(single_pairwise_main); }

static void pair_drop(void *item)
{
    struct pair *pair = item;
    token_drop(&pair->first);
    token_drop(&pair->second);
}

/* The items' source has no drop, and the pairs have. */
static int owning_pairwise_main(void *arg)
{
    (void)arg;
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, source);
    WEFT_RX(struct pair, pairs);
    WEFT_TRY(weft_chan_open(&tx, &source, 4));
    ck_assert_int_eq(
        weft_pairwise_with(WEFT_OPTS(stream, .drop = pair_drop), WEFT_MOVE(source), &pairs),
        WEFT_EINVAL);
    return 0;
}

WT_TEST(pairwise_needs_a_clone_for_a_drop_of_its_own_too) { run_tokens(owning_pairwise_main); }

/* ---- distinct --------------------------------------------------------------------------------- */

static int distinct_main(void *arg)
{
    (void)arg;
    static const int items[] = { 1, 1, 2, 2, 2, 1, 3, 3 }, expected[] = { 1, 2, 1, 3 };
    WEFT_RX(int, source);
    WEFT_RX(int, rx);
    int n_given = 0, rc, n;
    WEFT_TRY(weft_array(items, 8, &source));
    WEFT_TRY(weft_distinct(WEFT_MOVE(source), &rx));
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(rx, &n)), 0);
    ck_assert_int_eq(n, expected[n_given++]);
    weft_each (m, rx)
        ck_assert_int_eq(m, expected[n_given++]);
    ck_assert_int_eq(n_given, 4);
    return weft_error(rx);
}

WT_TEST(distinct_drops_what_did_not_change) { run_tokens(distinct_main); }

WEFT_DISTINCT(of_new_tens, struct token *, last, next, (int, ten), (int, fail_at))
{
    return next->n == fail_at ? -EDOM : last->n / ten == next->n / ten;
}

static int distinct_step_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, rx);
    int n_given = 0;
    const weft_stream_opts opts = { .clone = token_clone };
    WEFT_TRY(open_tokens(5, 0, &source));
    ck_assert_int_eq(of_new_tens(WEFT_MOVE(source), 10, 0, &rx), WEFT_EINVAL);
    WEFT_TRY(open_tokens(99, 0, &source));
    WEFT_TRY(of_new_tens_with(&opts, WEFT_MOVE(source), 10, 35, &rx));
    weft_each (token, rx)
        ck_assert_int_eq(token_end(token), n_given++ == 0 ? 1 : (n_given - 1) * 10);
    ck_assert_int_eq(n_given, 4);
    ck_assert_int_eq(weft_error(rx), -EDOM);
    return 0;
}

WT_TEST(distinct_may_ask_a_step) { run_tokens(distinct_step_main); }

/* The source knows no destructor: the stage's own is the one that counts. */
static int owning_distinct_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++) {
        WEFT_TX(struct token *, tx);
        WEFT_RX(struct token *, source);
        WEFT_RX(struct token *, rx);
        weft_stream_opts opts = { .drop = token_drop, .clone = i > 0 ? token_clone : NULL };
        struct token *token;
        WEFT_TRY(weft_chan_open(&tx, &source, 4));
        int rc = of_new_tens_with(&opts, WEFT_MOVE(source), 10, 0, &rx);
        ck_assert_int_eq(rc, i > 0 ? 0 : WEFT_EINVAL);
        for (int n = 1; n <= 2 && i > 0; n++)
            WEFT_TRY(weft_send(tx, token_new(n)));
        WEFT_DROP(tx);
        if (i > 0) {
            ck_assert_int_eq(weft_recv(rx, &token), 1);
            ck_assert_int_eq(token_end(token), 1);
            ck_assert_int_eq(weft_recv(rx, &token), 0);
        }
    }
    return 0;
}

WT_TEST(distinct_needs_a_clone_for_a_drop_of_its_own_too) { run_tokens(owning_distinct_main); }

/* ---- chunks ----------------------------------------------------------------------------------- */

struct batch {
    size_t n;
    struct token *items[4];
};

static void end_batch(struct batch *batch, int *n)
{
    for (size_t i = 0; i < batch->n; i++)
        ck_assert_int_eq(token_end(batch->items[i]), ++*n);
}

static int chunks_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct batch, batches);
    struct batch batch;
    int n = 0;
    WEFT_TRY(open_tokens(10, -EIO, &source));
    WEFT_TRY(weft_chunks(WEFT_MOVE(source), &batches));
    weft_each (it, batches) {
        ck_assert_uint_eq(it.n, n < 8 ? 4 : 2);
        end_batch(&it, &n);
    }
    ck_assert_int_eq(n, 10);
    ck_assert_int_eq(weft_error(batches), -EIO);
    ck_assert_int_eq(weft_recv(batches, &batch), 0);
    return 0;
}

WT_TEST(chunks_are_full_but_for_the_last_and_an_error_comes_after) { run_tokens(chunks_main); }

/* What ends a source may have the code of a cancelled receive. */
static int chunks_of_cancelled_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct batch, batches);
    int n = 0;
    WEFT_TRY(open_tokens(5, WEFT_ECANCELED, &source));
    WEFT_TRY(weft_chunks(WEFT_MOVE(source), &batches));
    weft_each (batch, batches)
        end_batch(&batch, &n);
    ck_assert_int_eq(n, 5);
    ck_assert_int_eq(weft_error(batches), WEFT_ECANCELED);
    return 0;
}

WT_TEST(a_source_that_ends_as_cancelled_loses_no_chunk) { run_tokens(chunks_of_cancelled_main); }

WEFT_TASK(sends_tokens_slowly, (tx, struct token *, out), (int, last), (int64_t, d_ns))
{
    for (int n = 1; n <= last; n++) {
        struct token *token = token_new(n);
        int rc = weft_send(out, token);
        if (rc < 0)
            token_end(token);
        WEFT_TRY(rc);
        if (n % 3 == 0)
            WEFT_TRY(weft_sleep(d_ns));
    }
    return 0;
}

static int timed_chunks_main(void *arg)
{
    (void)arg;
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, rx);
    WEFT_RX(struct batch, batches);
    WEFT_SCOPE(scope);
    int n = 0, n_batches = 0;
    WEFT_TRY(weft_chan_open(&tx, &rx, 8, .drop = token_drop));
    WEFT_TRY(weft_spawn(&scope, sends_tokens_slowly, WEFT_MOVE(tx), 9, WEFT_MS(60)));
    WEFT_TRY(weft_chunks_timed(WEFT_MOVE(rx), WEFT_MS(20), &batches));
    weft_each (it, batches) {
        end_batch(&it, &n);
        n_batches++;
    }
    ck_assert_int_eq(n, 9);
    ck_assert_int_ge(n_batches, 3);
    WEFT_TRY(weft_error(batches));
    return weft_scope_wait(&scope);
}

static int refused_chunks_main(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, numbers);
    WEFT_RX(struct token *, waiting);
    WEFT_RX(struct batch, batches);
    WEFT_TRY(weft_range(1, 9, 1, &numbers));
    WEFT_TRY(token_of(WEFT_MOVE(numbers), &waiting));
    ck_assert_int_eq(weft_chunks_timed(WEFT_MOVE(waiting), WEFT_MS(1), &batches), WEFT_ENOTSUP);
    ck_assert_ptr_nonnull(strstr(weft_strerror(WEFT_ENOTSUP), "weft_buffer"));
    return 0;
}

WT_TEST(what_polls_refuses_a_source_that_waits_inside) { run_tokens(refused_chunks_main); }

static int cancelled_chunks_main(void *arg)
{
    (void)arg;
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, rx);
    WEFT_RX(struct batch, batches);
    struct batch batch;
    int n = 0;
    WEFT_TRY(weft_chan_open(&tx, &rx, 8, .drop = token_drop));
    WEFT_TRY(weft_chunks(WEFT_MOVE(rx), &batches));
    for (int i = 1; i <= 3; i++)
        WEFT_TRY(weft_send(tx, token_new(i)));
    {
        WEFT_SCOPE(scope, .timeout_ns = WEFT_US(10));
        ck_assert_int_eq(weft_recv(batches, &batch), WEFT_ECANCELED);
        ck_assert_int_eq(weft_scope_wait(&scope), WEFT_ETIMEDOUT);
    }
    ck_assert_int_eq(weft_try_recv(batches, &batch), WEFT_EAGAIN);
    WEFT_TRY(weft_send(tx, token_new(4)));
    WEFT_TRY(weft_send(tx, token_new(5)));
    ck_assert_int_eq(weft_recv(batches, &batch), 1);
    end_batch(&batch, &n);
    ck_assert_int_eq(n, 4);
    ck_assert_int_eq(weft_try_recv(batches, &batch), WEFT_EAGAIN);
    return 0; /* the fifth is dropped where it was gathered */
}

WT_TEST(a_cancel_loses_nothing_of_a_chunk) { run_tokens(cancelled_chunks_main); }

/* ---- zip -------------------------------------------------------------------------------------- */

static int zip(int n_first, int n_second, int code)
{
    WEFT_RX(struct token *, first);
    WEFT_RX(struct token *, second);
    WEFT_RX(struct pair, pairs);
    struct pair pair;
    int n = 0;
    WEFT_TRY(open_tokens(n_first, code, &first));
    WEFT_TRY(open_tokens(n_second, code, &second));
    WEFT_TRY(weft_zip(WEFT_MOVE(first), WEFT_MOVE(second), &pairs));
    weft_each (it, pairs) {
        ck_assert_int_eq(token_end(it.first), ++n);
        ck_assert_int_eq(token_end(it.second), n);
    }
    ck_assert_int_eq(weft_error(pairs), code);
    ck_assert_int_eq(atomic_load(&n_source_ended), atomic_load(&n_source_begun)); /* both */
    ck_assert_int_eq(weft_recv(pairs, &pair), 0);
    return n;
}

static int zip_main(void *arg)
{
    (void)arg;
    ck_assert_int_eq(zip(3, 9, 0), 3);
    ck_assert_int_eq(zip(9, 3, 0), 3);
    ck_assert_int_eq(zip(3, 9, -EIO), 3);
    ck_assert_int_eq(zip(9, 3, -EIO), 3);
    return 0;
}

WT_TEST(zip_closes_the_longer_when_the_shorter_ends) { run_tokens(zip_main); }

WEFT_TASK(sends_tokens, (tx, struct token *, out), (int, last))
{
    for (int n = 1; n <= last; n++) {
        struct token *token = token_new(n);
        int rc = weft_send(out, token);
        if (rc < 0)
            token_end(token);
        WEFT_TRY(rc);
        WEFT_TRY(weft_pause());
    }
    return 0;
}

static int selected_zip_main(void *arg)
{
    (void)arg;
    WEFT_TX(struct token *, tx);
    WEFT_TX(struct token *, tx2);
    WEFT_RX(struct token *, first);
    WEFT_RX(struct token *, second);
    WEFT_RX(struct pair, pairs);
    WEFT_SCOPE(scope);
    struct pair pair;
    int n = 0, rc;
    WEFT_TRY(weft_chan_open(&tx, &first, 0, .drop = token_drop));
    WEFT_TRY(weft_chan_open(&tx2, &second, 2, .drop = token_drop));
    WEFT_TRY(weft_spawn(&scope, sends_tokens, WEFT_MOVE(tx), 10));
    WEFT_TRY(weft_spawn(&scope, sends_tokens, WEFT_MOVE(tx2), 20));
    WEFT_TRY(weft_zip(WEFT_MOVE(first), WEFT_MOVE(second), &pairs));
    for (;;) {
        int i = weft_select(&rc, weft_on_recv(pairs, &pair), weft_on_after(WEFT_SEC(1000)));
        ck_assert_int_eq(i, 0);
        if (rc <= 0)
            break;
        ck_assert_int_eq(token_end(pair.first), ++n);
        ck_assert_int_eq(token_end(pair.second), n);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(n, 10);
    return weft_scope_wait(&scope);
}

WT_TEST(select_waits_for_the_half_of_a_pair_that_is_missing) { run_tokens(selected_zip_main); }

/* ---- chain ------------------------------------------------------------------------------------ */

static int chain_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_RX(struct token *, c);
    WEFT_RX(struct token *, all);
    int n = 0, sum = 0;
    WEFT_TRY(open_tokens(3, 0, &a));
    WEFT_TRY(open_tokens(0, 0, &b));
    WEFT_TRY(open_tokens(4, -EIO, &c));
    WEFT_TRY(weft_chain(&all, WEFT_MOVE(a), WEFT_MOVE(b), WEFT_MOVE(c)));
    weft_each (token, all) {
        ck_assert_int_eq(atomic_load(&n_source_ended), n < 3 ? 0 : 2);
        sum += token_end(token) * (n < 3 ? 1 : 100);
        n++;
    }
    ck_assert_int_eq(sum, 1006);
    ck_assert_int_eq(weft_error(all), -EIO);
    return 0;
}

WT_TEST(chain_reads_one_after_the_other) { run_tokens(chain_main); }

static int selected_chain_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_RX(struct token *, c);
    WEFT_RX(struct token *, all);
    WEFT_RX(struct token *, none);
    struct token *token;
    int rc, n = 0;
    WEFT_TRY(open_ready_tokens(3, &a));
    WEFT_TRY(open_tokens(3, 0, &b));
    WEFT_TRY(open_ready_tokens(3, &c));
    WEFT_TRY(weft_chain(&all, WEFT_MOVE(a), WEFT_MOVE(b), WEFT_MOVE(c)));
    for (;;) {
        ck_assert_int_eq(weft_select(&rc, weft_on_recv(all, &token)), 0);
        if (rc <= 0)
            break;
        ck_assert_int_eq(token_end(token), n++ % 3 + 1);
    }
    ck_assert_int_eq(n, 9);
    WEFT_DROP(all);
    WEFT_TRY(open_ready_tokens(3, &a));
    ck_assert_int_eq(weft_chain(&all, WEFT_MOVE(a), WEFT_MOVE(none)), WEFT_EINVAL);
    return 0;
}

WT_TEST(select_pulls_a_chain) { run_tokens(selected_chain_main); }

/* ---- merge ------------------------------------------------------------------------------------ */

static int merge_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, all);
    WEFT_SCOPE(scope);
    int n_of[3] = { 0 }, n = 0;
    {
        WEFT_TX(struct token *, tx);
        WEFT_RX(struct token *, a);
        WEFT_RX(struct token *, b);
        WEFT_RX(struct token *, c);
        WEFT_TRY(weft_chan_open(&tx, &a, 0, .drop = token_drop));
        WEFT_TRY(weft_spawn(&scope, sends_tokens, WEFT_MOVE(tx), 30));
        WEFT_TRY(open_tokens(20, 0, &b));
        WEFT_TRY(open_ready_tokens(10, &c));
        WEFT_TRY(weft_merge(&all, WEFT_MOVE(a), WEFT_MOVE(b), WEFT_MOVE(c)));
    }
    weft_each (token, all) {
        n_of[0] += token_end(token);
        n++;
    }
    ck_assert_int_eq(n, 60);
    ck_assert_int_eq(n_of[0], 465 + 210 + 55);
    WEFT_TRY(weft_error(all));
    return weft_scope_wait(&scope);
}

WT_TEST(merge_ends_when_all_have_ended) { run_tokens(merge_main); }

static int failed_merge_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_RX(struct token *, all);
    struct token *token;
    int n = 0;
    WEFT_TRY(open_tokens(3, -EIO, &a));
    WEFT_TRY(open_tokens(100000, 0, &b));
    WEFT_TRY(weft_merge(&all, WEFT_MOVE(a), WEFT_MOVE(b)));
    weft_each (t, all) {
        token_end(t);
        n++;
    }
    ck_assert_int_eq(weft_error(all), -EIO);
    ck_assert_int_ge(n, 3);
    ck_assert_int_eq(atomic_load(&n_source_ended), atomic_load(&n_source_begun));
    ck_assert_int_eq(weft_recv(all, &token), 0);
    return 0;
}

WT_TEST(an_error_closes_what_was_merged) { run_tokens(failed_merge_main); }

enum { FAIR_N = 600 };

/* Of sources that are always ready, none is left behind. */
static int fair_merge_main(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, a);
    WEFT_RX(int64_t, b);
    WEFT_RX(int64_t, all);
    int n_first = 0;
    int64_t n;
    WEFT_TRY(weft_range(0, INT64_MAX, 1, &a));
    WEFT_TRY(weft_range(INT64_MIN, 0, 1, &b));
    WEFT_TRY(weft_merge(&all, WEFT_MOVE(a), WEFT_MOVE(b)));
    for (int i = 0; i < FAIR_N; i++) {
        ck_assert_int_eq(weft_recv(all, &n), 1);
        n_first += n >= 0;
    }
    ck_assert_int_ge(n_first, FAIR_N / 3);
    ck_assert_int_le(n_first, FAIR_N * 2 / 3);
    return 0;
}

WT_TEST(merge_is_fair_among_those_that_are_ready) { run_tokens(fair_merge_main); }

static int refused_merge_main(void *arg)
{
    (void)arg;
    WEFT_RX(int64_t, numbers);
    WEFT_RX(struct token *, waiting);
    WEFT_RX(struct token *, ready);
    WEFT_RX(struct token *, all);
    WEFT_TRY(weft_range(1, 9, 1, &numbers));
    WEFT_TRY(token_of(WEFT_MOVE(numbers), &waiting));
    WEFT_TRY(open_ready_tokens(3, &ready));
    ck_assert_int_eq(weft_merge(&all, WEFT_MOVE(ready), WEFT_MOVE(waiting)), WEFT_ENOTSUP);
    ck_assert_ptr_null((void *)(uintptr_t)ready);
    ck_assert_ptr_null((void *)(uintptr_t)all);
    return 0;
}

WT_TEST(merge_refuses_a_source_that_waits_inside) { run_tokens(refused_merge_main); }

/* ---- flat_map --------------------------------------------------------------------------------- */

/* Each token n opens 1 to n; the third nothing; the fail_at-th fails to open. */
WEFT_FLAT_MAP(up_to_each, struct token *, out_rx, struct token *, token, (int, fail_at),
              (int, code))
{
    int n = token_end(token);
    if (n == fail_at)
        return -EDOM;
    return n == 3 ? 0 : open_tokens(n, n == 5 ? code : 0, out_rx);
}

static int flatten(int fail_at, int code, int *out_n)
{
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, all);
    *out_n = 0;
    WEFT_TRY(open_tokens(6, 0, &source));
    WEFT_TRY(up_to_each(WEFT_MOVE(source), fail_at, code, &all));
    weft_each (token, all) {
        token_end(token);
        ++*out_n;
    }
    return weft_error(all);
}

static int flat_map_main(void *arg)
{
    (void)arg;
    int n;
    ck_assert_int_eq(flatten(0, 0, &n), 0);
    ck_assert_int_eq(n, 1 + 2 + 4 + 5 + 6);
    ck_assert_int_eq(flatten(4, 0, &n), -EDOM);
    ck_assert_int_eq(n, 1 + 2);
    ck_assert_int_eq(flatten(0, -EIO, &n), -EIO);
    ck_assert_int_eq(n, 1 + 2 + 4 + 5);
    return 0;
}

WT_TEST(flat_map_gives_all_of_each) { run_tokens(flat_map_main); }

static int left_flat_map_main(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, source);
    WEFT_RX(struct token *, all);
    struct token *token;
    WEFT_TRY(open_tokens(6, 0, &source));
    WEFT_TRY(up_to_each(WEFT_MOVE(source), 0, 0, &all));
    ck_assert_int_eq(weft_recv(all, &token), 1);
    ck_assert_int_eq(token_end(token), 1);
    return 0;
}

WT_TEST(flat_map_closes_the_stream_that_is_read) { run_tokens(left_flat_map_main); }

WT_TEST(a_chunk_is_given_when_its_first_item_has_waited) { run_tokens(timed_chunks_main); }

WT_MAIN("api_stream_join")
