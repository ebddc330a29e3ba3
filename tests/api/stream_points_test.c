/* SPDX-License-Identifier: MIT
 * Each combinator, cancelled at every point and failed at every call: each item is consumed or
 * dropped once, each source is closed, nothing is left. */
#include "wt_test.h"

#include <stdatomic.h>
#include <string.h>
#include <weft.h>
#include <weft/testing.h>

#include "token.h"

#include "stream_items.h"

/* Runs are processes of their own: the counts are those of one run. */
static int tokens_even(void *arg)
{
    (void)arg;
    return atomic_load(&tokens_made) == atomic_load(&tokens_ended) &&
                   atomic_load(&n_source_begun) == atomic_load(&n_source_ended)
               ? 0
               : -EBADF;
}

static void try_all(int (*scenario)(void *), const char *name)
{
    tokens_begin();
    atomic_store(&n_source_begun, 0);
    atomic_store(&n_source_ended, 0);
    weft_points tried = { .size_ = sizeof tried };
    const weft_points_opts opts = {
        .name = name, .check = tokens_even, .max_runs = 60, .seeds = wt_is_sim() ? 2 : 1
    };
    ck_assert_int_eq(weft_try_every_point(scenario, NULL, &opts, &tried), 0);
    ck_assert_int_eq(tried.rc, 0);
    ck_assert_uint_gt(tried.cancel_runs, 0);
}

/* The rest of a scenario over tokens. */
static int end_all(weft_rx(struct token *) rx)
{
    weft_each (token, rx)
        token_end(token);
    return weft_error(rx);
}

static int open_few(weft_rx(struct token *) * out_rx) { return open_tokens(5, 0, out_rx); }

/* ---- transforms --------------------------------------------------------------------------------- */

WEFT_MAP(renewed, struct token *, out, struct token *, token)
{
    *out = token_new(token_end(token) + 1);
    return 0;
}
WEFT_FILTER(odd, struct token *, token) { return token->n % 2; }
WEFT_FILTER_MAP(some_renewed, struct token *, out, struct token *, token)
{
    int n = token_end(token);
    if (n % 2 == 0)
        return 0;
    *out = token_new(n);
    return 1;
}
WEFT_TAKE_WHILE(up_to_8, struct token *, token) { return token->n <= 8; }
WEFT_DROP_WHILE(below_3, struct token *, token) { return token->n < 3; }

static int transforms(void *arg)
{
    (void)arg;
    const weft_stream_opts dropping = { .drop = token_drop };
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_TRY(open_tokens(12, 0, &a));
    WEFT_TRY(renewed_with(&dropping, WEFT_MOVE(a), &b));
    WEFT_TRY(below_3(WEFT_MOVE(b), &a));
    WEFT_TRY(up_to_8(WEFT_MOVE(a), &b));
    WEFT_TRY(some_renewed_with(&dropping, WEFT_MOVE(b), &a));
    WEFT_TRY(odd(WEFT_MOVE(a), &b));
    WEFT_TRY(weft_skip(WEFT_MOVE(b), 1, &a));
    WEFT_TRY(weft_take(WEFT_MOVE(a), 2, &b));
    return end_all(b);
}

WT_TEST(transforms_at_every_point) { try_all(transforms, "transforms"); }

WEFT_SCAN(summed, struct token *, sum, struct token *, token)
{
    (*sum)->n += token_end(token);
    return 0;
}
WEFT_DISTINCT(same_half, struct token *, last, next) { return last->n / 2 == next->n / 2; }

static int kept(void *arg)
{
    (void)arg;
    const weft_stream_opts cloning = { .drop = token_drop, .clone = token_clone };
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_TRY(open_few(&a));
    WEFT_TRY(summed_with(&cloning, WEFT_MOVE(a), token_new(0), &b));
    WEFT_TRY(same_half_with(&cloning, WEFT_MOVE(b), &a));
    return end_all(a);
}

WT_TEST(what_keeps_a_clone_at_every_point) { try_all(kept, "kept"); }

struct numbered {
    uint64_t index;
    struct token *item;
};

static int numbers_of_distinct(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_RX(struct numbered, rx);
    WEFT_TRY(open_few(&a));
    WEFT_TRY(weft_distinct_open(NULL, NULL, (weft_receiver *)weft_slot_take(&a), sizeof a,
                                WEFT_OPTS(stream, .clone = token_clone),
                                (weft_receiver **)(void *)&b));
    WEFT_TRY(weft_enumerate(WEFT_MOVE(b), &rx));
    weft_each (it, rx)
        token_end(it.item);
    return weft_error(rx);
}

WT_TEST(enumerate_and_distinct_at_every_point) { try_all(numbers_of_distinct, "numbers"); }

/* By select: an item that came while it waited lies in the lowest stage until it is received. */
WEFT_TASK(sends_tokens, (tx, struct token *, tx), (int, last))
{
    int rc = 0;
    for (int n = 1; n <= last && rc >= 0; n++) {
        struct token *token = token_new(n);
        rc = weft_send(tx, token);
        if (rc < 0)
            token_end(token);
    }
    return rc;
}

static int selected(void *arg)
{
    (void)arg;
    const weft_stream_opts pulled = { .never_waits = true, .drop = token_drop };
    int rc = 1;
    WEFT_TX(struct token *, tx);
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_chan_open(&tx, &a, 0, .drop = token_drop));
    WEFT_TRY(weft_spawn(&scope, sends_tokens, WEFT_MOVE(tx), 6));
    WEFT_TRY(renewed_with(&pulled, WEFT_MOVE(a), &b));
    WEFT_TRY(weft_skip(WEFT_MOVE(b), 1, &a));
    WEFT_TRY(weft_take(WEFT_MOVE(a), 3, &b));
    while (rc > 0) {
        struct token *token;
        WEFT_TRY(weft_select(&rc, weft_on_recv(b, &token), weft_on_after(WEFT_SEC(100))));
        if (rc > 0)
            token_end(token);
    }
    WEFT_TRY(rc);
    return weft_scope_wait(&scope);
}

WT_TEST(select_at_every_point) { try_all(selected, "selected"); }

/* ---- joins ------------------------------------------------------------------------------------- */

struct pair {
    struct token *first, *second;
};

struct batch {
    size_t n;
    struct token *items[3];
};

static int pairs(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_RX(struct pair, rx);
    WEFT_TRY(open_few(&a));
    WEFT_TRY(open_tokens(3, 0, &b));
    WEFT_TRY(weft_zip(WEFT_MOVE(a), WEFT_MOVE(b), &rx));
    weft_each (pair, rx) {
        token_end(pair.first);
        token_end(pair.second);
    }
    WEFT_TRY(weft_error(rx));
    WEFT_DROP(rx);
    WEFT_TRY(open_tokens(3, 0, &a));
    WEFT_TRY(weft_pairwise_with(WEFT_OPTS(stream, .clone = token_clone), WEFT_MOVE(a), &rx));
    weft_each (pair, rx) {
        token_end(pair.first);
        token_end(pair.second);
    }
    return weft_error(rx);
}

WT_TEST(zip_and_pairwise_at_every_point) { try_all(pairs, "pairs"); }

static int end_batches(weft_rx(struct batch) rx)
{
    weft_each (batch, rx)
        for (size_t i = 0; i < batch.n; i++)
            token_end(batch.items[i]);
    return weft_error(rx);
}

static int chunks_by_time(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct batch, rx);
    WEFT_TRY(open_few(&a));
    WEFT_TRY(weft_chunks_timed(WEFT_MOVE(a), WEFT_MS(1), &rx));
    return end_batches(rx);
}

static int chunks_by_size(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct batch, rx);
    WEFT_TRY(open_few(&a));
    WEFT_TRY(weft_chunks(WEFT_MOVE(a), &rx));
    return end_batches(rx);
}

WT_TEST(chunks_at_every_point)
{
    try_all(chunks_by_size, "chunks_by_size");
    try_all(chunks_by_time, "chunks_by_time");
}

WEFT_FLAT_MAP(few_each, struct token *, out_rx, struct token *, token)
{
    return open_tokens(token_end(token), 0, out_rx);
}

static int many(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_RX(struct token *, c);
    WEFT_TRY(open_tokens(2, 0, &a));
    WEFT_TRY(open_tokens(2, 0, &b));
    WEFT_TRY(weft_chain(&c, WEFT_MOVE(a), WEFT_MOVE(b)));
    WEFT_TRY(open_tokens(2, 0, &a));
    WEFT_TRY(weft_merge(&b, WEFT_MOVE(a), WEFT_MOVE(c)));
    WEFT_TRY(few_each(WEFT_MOVE(b), &a));
    return end_all(a);
}

WT_TEST(chain_merge_and_flat_map_at_every_point) { try_all(many, "many"); }

/* ---- time -------------------------------------------------------------------------------------- */

WEFT_GENERATOR(slow_tokens, weft_rx(struct token *), (int, last))
{
    atomic_fetch_add(&n_source_begun, 1);
    int rc = 0;
    for (int n = 1; n <= last && rc >= 0; n++) {
        rc = weft_sleep(WEFT_US(200));
        if (rc >= 0)
            rc = weft_yield(token_new(n));
    }
    atomic_fetch_add(&n_source_ended, 1);
    return rc;
}

static int open_slow(int last, weft_rx(struct token *) * out_rx)
{
    return slow_tokens_with(WEFT_OPTS(generator, .drop = token_drop), last, out_rx);
}

static int paced(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_TRY(open_slow(3, &a));
    WEFT_TRY(weft_item_timeout(WEFT_MOVE(a), WEFT_SEC(100), &b));
    WEFT_TRY(weft_throttle(WEFT_MOVE(b), WEFT_US(300), &a));
    return end_all(a);
}

static int calm(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_TRY(open_slow(4, &a));
    WEFT_TRY(weft_debounce(WEFT_MOVE(a), WEFT_US(300), &b));
    return end_all(b);
}

static int sampled(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_TRY(open_slow(4, &a));
    WEFT_TRY(weft_conflate(WEFT_MOVE(a), &b));
    WEFT_TRY(weft_sample(WEFT_MOVE(b), WEFT_US(300), &a));
    return end_all(a);
}

WT_TEST(time_at_every_point)
{
    try_all(paced, "paced");
    try_all(calm, "calm");
    try_all(sampled, "sampled");
}

/* ---- ends -------------------------------------------------------------------------------------- */

static int n_opened;

WEFT_RETRY(flaky, struct token *, out_rx)
{
    return open_tokens(2, n_opened++ < 2 ? -ECONNRESET : -EIO, out_rx);
}
WEFT_CATCH(or_few, struct token *, code, out_rx) { return code == -EIO ? open_few(out_rx) : code; }
WEFT_ON_END(told, struct token *, code) { return code; }
WEFT_FOLD(ended, int, sum, struct token *, token)
{
    *sum += token_end(token);
    return 0;
}

static bool may_retry(int code) { return code == -ECONNRESET; }

static int ends(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    int sum = 0;
    n_opened = 0;
    WEFT_TRY(flaky_with(
        WEFT_OPTS(retry, .delay_ns = WEFT_US(10), .drop = token_drop, .may_retry = may_retry), &a));
    WEFT_TRY(or_few_with(WEFT_OPTS(stream, .drop = token_drop), WEFT_MOVE(a), &b));
    WEFT_TRY(told(WEFT_MOVE(b), &a));
    return ended(WEFT_MOVE(a), &sum);
}

static int collected(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    struct token **items = NULL;
    size_t n = 0;
    WEFT_TRY(open_few(&a));
    WEFT_TRY(weft_collect(WEFT_MOVE(a), &items, &n));
    for (size_t i = 0; i < n; i++)
        token_end(items[i]);
    weft_free(items);
    return 0;
}

WT_TEST(ends_at_every_point)
{
    try_all(ends, "ends");
    try_all(collected, "collected");
}

/* ---- sources ----------------------------------------------------------------------------------- */

WEFT_PAGES(pages, struct token *, page)
{
    WEFT_TRY(weft_sleep(WEFT_US(10)));
    for (int i = 0; i < 2; i++) {
        struct token *token = token_new(i);
        int rc = weft_page_add(page, &token, sizeof token);
        if (rc < 0)
            token_end(token);
        WEFT_TRY(rc);
    }
    return page->number < 2;
}

static int paged(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, rx);
    WEFT_TRY(pages_with(WEFT_OPTS(stream, .drop = token_drop), &rx));
    return end_all(rx);
}

WT_TEST(pages_at_every_point) { try_all(paged, "paged"); }

static int owned_array(void *arg)
{
    (void)arg;
    struct token *items[4];
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    for (int i = 0; i < 4; i++)
        items[i] = token_new(i);
    int rc = weft_array_with(WEFT_OPTS(stream, .drop = token_drop), items, 4, &a);
    if (rc < 0)
        for (int i = 0; i < 4; i++)
            token_end(items[i]);
    WEFT_TRY(rc);
    WEFT_TRY(renewed_with(WEFT_OPTS(stream, .drop = token_drop), WEFT_MOVE(a), &b));
    WEFT_TRY(odd(WEFT_MOVE(b), &a));
    return end_all(a);
}

WT_TEST(an_array_at_every_point) { try_all(owned_array, "owned_array"); }

/* ---- tasks ------------------------------------------------------------------------------------- */

static int buffered(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_TRY(open_few(&a));
    WEFT_TRY(weft_buffer(WEFT_MOVE(a), 2, &b));
    return end_all(b);
}

WEFT_MAP_PARALLEL(renewed_at_once, struct token *, out, struct token *, token)
{
    int n = token_end(token);
    WEFT_TRY(weft_pause());
    *out = token_new(n);
    return 0;
}

static int parallel(bool unordered)
{
    WEFT_RX(struct token *, a);
    WEFT_RX(struct token *, b);
    WEFT_TRY(open_few(&a));
    WEFT_TRY(renewed_at_once_with(
        WEFT_OPTS(parallel, .limit = 2, .unordered = unordered, .drop = token_drop), WEFT_MOVE(a),
        &b));
    return end_all(b);
}

static int ordered_parallel(void *arg)
{
    (void)arg;
    return parallel(false);
}

static int unordered_parallel(void *arg)
{
    (void)arg;
    return parallel(true);
}

WEFT_FOR_EACH(end_each, struct token *, token)
{
    token_end(token);
    return weft_pause();
}

static int each(void *arg)
{
    (void)arg;
    WEFT_RX(struct token *, a);
    WEFT_TRY(open_few(&a));
    return end_each(2, WEFT_MOVE(a));
}

/* Six lines; the seventh read is the end. */
static int64_t read_line(void *arg, void *buf, size_t size)
{
    static const char bytes[] = "1\n22\n333\n4444\n55555\n666666\n";
    size_t *at = arg;
    size_t n = sizeof bytes - 1 - *at;
    WEFT_TRY(weft_pause());
    n = n < 7 ? n : 7;
    n = n < size ? n : size;
    memcpy(buf, bytes + *at, n);
    *at += n;
    return (int64_t)n;
}

static int lines_ahead(size_t at_most)
{
    size_t at = 0, n = 0;
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, ahead);
    WEFT_TRY(weft_lines_read_by(read_line, &at, WEFT_OPTS(lines, .block_size = 8),
                                (weft_receiver **)(void *)&lines));
    WEFT_TRY(weft_buffer(WEFT_MOVE(lines), 3, &ahead));
    weft_each (line, ahead) {
        n++;
        if (line.size != n || line.data[0] != (char)('0' + n))
            return -EBADF;
        if (n == at_most)
            return weft_close(ahead);
    }
    return weft_error(ahead);
}

static int all_lines_ahead(void *arg)
{
    (void)arg;
    return lines_ahead(7);
}

static int two_lines_ahead(void *arg)
{
    (void)arg;
    return lines_ahead(2);
}

WEFT_TASK(end_lines, (rx, weft_line, rx))
{
    weft_each (line, rx)
        if (line.data[0] != (char)('0' + line.size))
            return -EBADF;
    return weft_error(rx);
}

static int lines_of_several(void *arg)
{
    (void)arg;
    size_t at = 0;
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, ahead);
    WEFT_TRY(weft_lines_read_by(read_line, &at, WEFT_OPTS(lines, .block_size = 8),
                                (weft_receiver **)(void *)&lines));
    WEFT_TRY(weft_buffer(WEFT_MOVE(lines), 3, &ahead));
    WEFT_SCOPE(scope);
    WEFT_TRY(weft_spawn_n(&scope, 2, end_lines, WEFT_MOVE(ahead)));
    return weft_scope_wait(&scope);
}

WT_TEST(a_buffer_of_lines_at_every_point)
{
    try_all(all_lines_ahead, "all_lines_ahead");
    try_all(two_lines_ahead, "two_lines_ahead");
    try_all(lines_of_several, "lines_of_several");
}

WT_TEST(a_buffer_at_every_point) { try_all(buffered, "buffered"); }

WT_TEST(parallel_work_at_every_point)
{
    try_all(ordered_parallel, "ordered_parallel");
    try_all(unordered_parallel, "unordered_parallel");
    try_all(each, "each");
}

WT_MAIN_BARE("api_stream_points")
