/* SPDX-License-Identifier: MIT
 * Which combinators are a case of select: those that don't wait inside. The others say so by a code
 * whose text names weft_buffer, and behind that each of them is one. */
#include "wt_test.h"

#include <string.h>
#include <weft.h>

/* ---- sources ------------------------------------------------------------------------------------ */

/* Three numbers and the end, in a channel. */
static weft_rx(int) ready(void)
{
    WEFT_TX(int, tx);
    weft_rx(int) rx = NULL;
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 3), 0);
    for (int n = 1; n <= 3; n++)
        ck_assert_int_eq(weft_try_send(tx, n), 0); /* also where it is cancelled */
    return rx;
}

WEFT_MAP(same, int, out, int, n)
{
    *out = n;
    return 0;
}

/* The same behind a step that has not promised anything. */
static weft_rx(int) waiting(void)
{
    weft_rx(int) from = ready();
    weft_rx(int) rx = NULL;
    ck_assert_int_eq(same(WEFT_MOVE(from), &rx), 0);
    return rx;
}

/* ---- all of them -------------------------------------------------------------------------------- */

struct numbered {
    uint64_t index;
    int item;
};
struct pair {
    int first, second;
};
struct batch {
    size_t n;
    int items[2];
};

WEFT_FILTER(odd, int, n) { return n % 2; }
WEFT_FILTER_MAP(half, int, out, int, n)
{
    *out = n;
    return 1;
}
WEFT_TAKE_WHILE(small, int, n) { return n < 3; }
WEFT_DROP_WHILE(smallest, int, n) { return n < 2; }
WEFT_SCAN(summed, int, sum, int, n)
{
    *sum += n;
    return 0;
}
WEFT_DISTINCT(equal, int, last, next) { return last == next; }
WEFT_FLAT_MAP(each, int, out_rx, int, n)
{
    *out_rx = n > 0 ? ready() : NULL;
    return 0;
}
WEFT_CATCH(or_ready, int, code, out_rx)
{
    *out_rx = code < 0 ? ready() : NULL;
    return 0;
}
WEFT_ON_END(told, int, code) { return code; }
WEFT_RETRY(again, int, out_rx)
{
    *out_rx = ready();
    return 0;
}
WEFT_PAGES(pages, int, page)
{
    WEFT_TRY(weft_page_add(page, &(int){ 1 }, sizeof(int)));
    return 0;
}
WEFT_MAP_PARALLEL(at_once, int, out, int, n)
{
    *out = n;
    return 0;
}

/* NAME_opens: call opens `out`, a weft_rx(Out), over `in`. */
#define OPENS(name, Out, call)                                                                     \
    static int name##_opens(weft_rx(int) in, const weft_stream_opts *opts, weft_receiver **out_rx) \
    {                                                                                              \
        weft_rx(Out) out = NULL;                                                                   \
        (void)opts;                                                                                \
        int rc = call;                                                                             \
        memcpy(out_rx, &out, sizeof out);                                                          \
        WEFT_DROP(in);                                                                             \
        return rc;                                                                                 \
    }

static const int numbers[] = { 1, 2, 3 };

OPENS(array, int, weft_array(numbers, 3, &out))
OPENS(range, int64_t, weft_range(1, 4, 1, &out))
OPENS(pages, int, pages_with(opts, &out))
OPENS(map, int, same_with(opts, WEFT_MOVE(in), &out))
OPENS(filter, int, odd_with(opts, WEFT_MOVE(in), &out))
OPENS(filter_map, int, half_with(opts, WEFT_MOVE(in), &out))
OPENS(take_while, int, small_with(opts, WEFT_MOVE(in), &out))
OPENS(drop_while, int, smallest_with(opts, WEFT_MOVE(in), &out))
OPENS(scan, int, summed_with(opts, WEFT_MOVE(in), 0, &out))
OPENS(take, int, weft_take(WEFT_MOVE(in), 2, &out))
OPENS(skip, int, weft_skip(WEFT_MOVE(in), 1, &out))
OPENS(enumerate, struct numbered, weft_enumerate(WEFT_MOVE(in), &out))
OPENS(pairwise, struct pair, weft_pairwise(WEFT_MOVE(in), &out))
OPENS(zip, struct pair, weft_zip(WEFT_MOVE(in), &(weft_rx(int)){ ready() }, &out))
OPENS(chain, int, weft_chain(&out, WEFT_MOVE(in), &(weft_rx(int)){ ready() }))
OPENS(merge, int, weft_merge(&out, WEFT_MOVE(in), &(weft_rx(int)){ ready() }))
OPENS(chunks, struct batch, weft_chunks(WEFT_MOVE(in), &out))
OPENS(chunks_timed, struct batch, weft_chunks_timed(WEFT_MOVE(in), WEFT_MS(1), &out))
OPENS(distinct, int, weft_distinct(WEFT_MOVE(in), &out))
OPENS(distinct_step, int, equal_with(opts, WEFT_MOVE(in), &out))
OPENS(flat_map, int, each_with(opts, WEFT_MOVE(in), &out))
OPENS(conflate, int, weft_conflate(WEFT_MOVE(in), &out))
OPENS(debounce, int, weft_debounce(WEFT_MOVE(in), WEFT_MS(1), &out))
OPENS(sample, int, weft_sample(WEFT_MOVE(in), WEFT_MS(1), &out))
OPENS(throttle, int, weft_throttle(WEFT_MOVE(in), WEFT_US(1), &out))
OPENS(item_timeout, int, weft_item_timeout(WEFT_MOVE(in), WEFT_SEC(10), &out))
OPENS(retry, int, again(&out))
OPENS(catch, int, or_ready_with(opts, WEFT_MOVE(in), &out))
OPENS(on_end, int, told_with(opts, WEFT_MOVE(in), &out))
OPENS(buffer, int, weft_buffer(WEFT_MOVE(in), 2, &out))
OPENS(map_parallel, int, at_once(WEFT_MOVE(in), &out))
OPENS(tee, int, weft_tee(WEFT_MOVE(in), NULL, &out))

enum {
    IF_SOURCE = 1,   /* a case of select if its source is one */
    IF_PROMISED = 2, /* ... and its step never waits */
    HAS_TASK = 4,    /* a case of select whatever its source does */
    POLLS = 8,       /* refuses a source that waits inside */
};

static const struct row {
    const char *name;
    int (*open)(weft_rx(int) in, const weft_stream_opts *opts, weft_receiver **out_rx);
    size_t size;
    int is;
} rows[] = {
    { "array", array_opens, sizeof(int), HAS_TASK },
    { "range", range_opens, sizeof(int64_t), HAS_TASK },
    { "pages", pages_opens, sizeof(int), IF_PROMISED },
    { "map", map_opens, sizeof(int), IF_SOURCE | IF_PROMISED },
    { "filter", filter_opens, sizeof(int), IF_SOURCE | IF_PROMISED },
    { "filter_map", filter_map_opens, sizeof(int), IF_SOURCE | IF_PROMISED },
    { "take_while", take_while_opens, sizeof(int), IF_SOURCE | IF_PROMISED },
    { "drop_while", drop_while_opens, sizeof(int), IF_SOURCE | IF_PROMISED },
    { "scan", scan_opens, sizeof(int), IF_SOURCE | IF_PROMISED },
    { "take", take_opens, sizeof(int), IF_SOURCE },
    { "skip", skip_opens, sizeof(int), IF_SOURCE },
    { "enumerate", enumerate_opens, sizeof(struct numbered), IF_SOURCE },
    { "pairwise", pairwise_opens, sizeof(struct pair), IF_SOURCE },
    { "zip", zip_opens, sizeof(struct pair), IF_SOURCE },
    { "chain", chain_opens, sizeof(int), IF_SOURCE },
    { "merge", merge_opens, sizeof(int), POLLS },
    { "chunks", chunks_opens, sizeof(struct batch), IF_SOURCE },
    { "chunks_timed", chunks_timed_opens, sizeof(struct batch), POLLS },
    { "distinct", distinct_opens, sizeof(int), IF_SOURCE },
    { "distinct_step", distinct_step_opens, sizeof(int), IF_SOURCE | IF_PROMISED },
    { "flat_map", flat_map_opens, sizeof(int), 0 },
    { "conflate", conflate_opens, sizeof(int), IF_SOURCE | POLLS },
    { "debounce", debounce_opens, sizeof(int), POLLS },
    { "sample", sample_opens, sizeof(int), POLLS },
    { "throttle", throttle_opens, sizeof(int), 0 },
    { "item_timeout", item_timeout_opens, sizeof(int), POLLS },
    { "retry", retry_opens, sizeof(int), 0 },
    { "catch", catch_opens, sizeof(int), 0 },
    { "on_end", on_end_opens, sizeof(int), IF_SOURCE | IF_PROMISED },
    { "buffer", buffer_opens, sizeof(int), HAS_TASK },
    { "map_parallel", map_parallel_opens, sizeof(int), HAS_TASK },
    { "tee", tee_opens, sizeof(int), HAS_TASK },
};

/* ---- asked -------------------------------------------------------------------------------------- */

static _Alignas(16) char item[64];

/* An item by select, if that takes it; else its code, and a receive gives one. */
static void expect(const struct row *row, weft_receiver *rx, bool is_case)
{
    const weft_case cases[] = { weft_case_recv(rx, item, row->size) };
    int rc = 0, chosen = weft_select_from(cases, 1, &rc);
    if (is_case ? chosen == 0 && rc == 1 : chosen == WEFT_ENOTSUP)
        rc = is_case ? 1 : weft_receiver_recv(rx, item, row->size);
    else
        ck_abort_msg("%s: select says %d", row->name, chosen);
    ck_assert_int_eq(rc, 1);
    weft_half_drop(&rx);
}

static weft_receiver *open_row(const struct row *row, weft_rx(int) in, const weft_stream_opts *opts)
{
    weft_receiver *rx = NULL;
    int rc = row->open(in, opts, &rx);
    if (rc < 0)
        ck_abort_msg("%s: %s", row->name, weft_errname(rc));
    return rx;
}

static int all_main(void *arg)
{
    (void)arg;
    ck_assert_ptr_nonnull(strstr(weft_strerror(WEFT_ENOTSUP), "weft_buffer"));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        bool is_case = row->is & (IF_SOURCE | IF_PROMISED | HAS_TASK);
        expect(row, open_row(row, ready(), WEFT_OPTS(stream, .never_waits = true)), is_case);
        expect(row, open_row(row, ready(), NULL), is_case && !(row->is & IF_PROMISED));
    }
    return 0;
}

WT_TEST(whatever_never_waits_is_a_case_of_select) { ck_assert_int_eq(weft_run(all_main, NULL), 0); }

static int over_waiting_main(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        const weft_stream_opts *opts = WEFT_OPTS(stream, .never_waits = true);
        weft_receiver *rx = NULL;
        if (row->is & POLLS)
            ck_assert_int_eq(row->open(waiting(), opts, &rx), WEFT_ENOTSUP);
        else
            expect(row, open_row(row, waiting(), opts),
                   row->is & HAS_TASK || row->is == IF_PROMISED);
    }
    return 0;
}

WT_TEST(whatever_waits_below_is_none_or_refused)
{
    ck_assert_int_eq(weft_run(over_waiting_main, NULL), 0);
}

/* The same with the boundary that the code's text names. */
static int behind_buffer_main(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        weft_rx(int) in = waiting();
        weft_rx(int) buffered = NULL;
        weft_receiver *rx = NULL;
        WEFT_TRY(weft_buffer(WEFT_MOVE(in), 3, &buffered));
        WEFT_TRY(weft_buffer_open(open_row(row, buffered, NULL), row->size, NULL, &rx));
        expect(row, rx, true);
    }
    return 0;
}

WT_TEST(behind_a_buffer_each_is_a_case_of_select)
{
    ck_assert_int_eq(weft_run(behind_buffer_main, NULL), 0);
}

WT_MAIN("api_stream_select")
