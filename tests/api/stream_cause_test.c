/* SPDX-License-Identifier: MIT
 * A source that ends with a code that means something else elsewhere: WEFT_EAGAIN, which a try says
 * when there is nothing yet, or WEFT_ECLOSED, by which a task says that its consumer has left. Who
 * reads it sees its items, then that error once, then the end, whichever way it asks. */
#include "wt_test.h"

#include <limits.h>
#include <weft.h>

enum { N_ITEMS = 3 };

static int cause;

/* ---- sources ----------------------------------------------------------------------------------- */

WEFT_GENERATOR(some, weft_rx(int))
{
    for (int n = 1; n <= N_ITEMS; n++)
        WEFT_TRY(weft_yield(n));
    return cause;
}

static int next_number(int *at, int *out)
{
    if (*at == N_ITEMS)
        return cause;
    *out = ++*at;
    return 1;
}
WEFT_ITERATOR(numbers, int, int, next_number);

static int open_generator(weft_rx(int) * out_rx) { return some(out_rx); }
static int open_iterator(weft_rx(int) * out_rx) { return numbers(0, out_rx); }
static int open_ready_iterator(weft_rx(int) * out_rx)
{
    return numbers_with(WEFT_OPTS(iterator, .never_waits = true), 0, out_rx);
}

static int fill_and_end(weft_tx(int) tx)
{
    for (int n = 1; n <= N_ITEMS; n++)
        WEFT_TRY(weft_send(tx, n));
    return weft_end(tx, cause);
}

static int open_channel(weft_rx(int) * out_rx)
{
    WEFT_TX(int, tx);
    WEFT_TRY(weft_chan_open(&tx, out_rx, N_ITEMS));
    return fill_and_end(tx);
}

static int open_broadcast(weft_rx(int) * out_rx)
{
    WEFT_TX(int, tx);
    WEFT_TRY(weft_broadcast_open(&tx, out_rx, N_ITEMS));
    return fill_and_end(tx);
}

static int open_buffered(weft_rx(int) * out_rx)
{
    WEFT_RX(int, source);
    WEFT_TRY(some(&source));
    return weft_buffer(WEFT_MOVE(source), 1, out_rx);
}

static void with_each(int (*main_task)(void *))
{
    static const int causes[] = { WEFT_EAGAIN, WEFT_ECLOSED };
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        cause = causes[i];
        ck_assert_int_eq(weft_run(main_task, NULL), 0);
    }
}

typedef int open_source(weft_rx(int) * out_rx);

/* A wait may do without a task alone: what can't be tried can't be selected either. */
static const struct {
    const char *name;
    open_source *open;
    bool waits;
} sources[] = {
    { "generator", open_generator, false },           { "iterator", open_iterator, true },
    { "ready iterator", open_ready_iterator, false }, { "channel", open_channel, false },
    { "broadcast", open_broadcast, false },           { "buffer", open_buffered, false },
};
enum { N_SOURCES = sizeof sources / sizeof sources[0] };

/* ---- ways to ask ------------------------------------------------------------------------------- */

static int by_recv(weft_rx(int) rx, int *out) { return weft_recv(rx, out); }

/* Too early leaves weft_error as it was. */
static int by_try(weft_rx(int) rx, int *out)
{
    for (;;) {
        int before = weft_error(rx), rc = weft_try_recv(rx, out);
        if (rc != WEFT_EAGAIN || weft_error(rx) != before)
            return rc;
        WEFT_TRY(weft_pause());
    }
}

static int by_select(weft_rx(int) rx, int *out)
{
    int rc = 99;
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(rx, out)), 0);
    return rc;
}

static int by_ordered_select(weft_rx(int) rx, int *out)
{
    int rc = 99;
    ck_assert_int_eq(weft_select_ordered(&rc, weft_on_recv(rx, out), weft_on_after(WEFT_SEC(1000))),
                     0);
    return rc;
}

typedef int ask(weft_rx(int) rx, int *out);

static void check_items_then_cause(weft_rx(int) rx, ask *next)
{
    int n = 0;
    for (int expected = 1; expected <= N_ITEMS; expected++) {
        ck_assert_int_eq(next(rx, &n), 1);
        ck_assert_int_eq(n, expected);
    }
    ck_assert_int_eq(next(rx, &n), cause);
    ck_assert_int_eq(weft_error(rx), cause);
    ck_assert_int_eq(next(rx, &n), 0);
    ck_assert_int_eq(next(rx, &n), 0);
}

static int ways_main(void *arg)
{
    static ask *const ways[] = { by_recv, by_try, by_select, by_ordered_select };
    (void)arg;
    for (size_t i = 0; i < N_SOURCES; i++)
        for (size_t way = 0; way < (sources[i].waits ? 1 : 4); way++) {
            WEFT_RX(int, rx);
            WEFT_TRY(sources[i].open(&rx));
            check_items_then_cause(rx, ways[way]);
        }
    return 0;
}

WT_TEST(it_is_seen_by_each_way_of_asking) { with_each(ways_main); }

static int aborted_main(void *arg)
{
    static ask *const ways[] = { by_recv, by_try, by_select, by_ordered_select };
    (void)arg;
    for (size_t way = 0; way < 4; way++) {
        WEFT_TX(int, tx);
        WEFT_RX(int, rx);
        int n;
        WEFT_TRY(weft_chan_open(&tx, &rx, N_ITEMS));
        WEFT_TRY(weft_send(tx, 1));
        WEFT_TRY(weft_abort(tx, cause));
        ck_assert_int_eq(ways[way](rx, &n), cause);
        ck_assert_int_eq(ways[way](rx, &n), 0);
    }
    return 0;
}

WT_TEST(so_is_that_of_an_aborted_channel) { with_each(aborted_main); }

static int pollable_main(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < N_SOURCES; i++) {
        WEFT_RX(int, rx);
        WEFT_RX(int, polled);
        int fd;
        if (sources[i].waits)
            continue;
        WEFT_TRY(sources[i].open(&rx));
        WEFT_TRY(weft_pollable(WEFT_MOVE(rx), &polled, &fd));
        check_items_then_cause(polled, i % 2 == 0 ? by_try : by_recv);
    }
    return 0;
}

WT_TEST(so_is_it_through_a_pollable_receiver) { with_each(pollable_main); }

/* A body's code is any number; none of them is taken for "nothing yet". */
WEFT_GENERATOR(worst, weft_rx(int)) { return INT_MIN; }

static int worst_main(void *arg)
{
    (void)arg;
    WEFT_RX(int, rx);
    int n;
    WEFT_TRY(worst(&rx));
    ck_assert_int_eq(by_try(rx, &n), -INT_MAX);
    ck_assert_int_eq(by_try(rx, &n), 0);
    return 0;
}

WT_TEST(no_code_of_a_users_is_taken_for_nothing_yet)
{
    ck_assert_int_eq(weft_run(worst_main, NULL), 0);
}

/* ---- combinators ------------------------------------------------------------------------------- */

WEFT_MAP(same, int, out, int, n)
{
    *out = n;
    return 0;
}
WEFT_FILTER(any, int, n) { return n > 0; }
WEFT_FILTER_MAP(same_if, int, out, int, n)
{
    *out = n;
    return 1;
}
WEFT_TAKE_WHILE(while_any, int, n) { return n > 0; }
WEFT_DROP_WHILE(while_none, int, n) { return n < 0; }
WEFT_SCAN(newest, int, acc, int, n)
{
    *acc = n;
    return 0;
}
WEFT_DISTINCT(are_same, int, a, b) { return a == b; }
WEFT_ON_END(passed_on, int, code) { return code; }
WEFT_CATCH(thrown_again, int, code, out_rx)
{
    (void)out_rx;
    return code;
}
WEFT_MAP_PARALLEL(same_at_once, int, out, int, n)
{
    *out = n;
    return 0;
}
WEFT_FLAT_MAP(one_each, int, out_rx, int, n)
{
    WEFT_TX(int, tx);
    WEFT_TRY(weft_chan_open(&tx, out_rx, 1));
    return weft_send(tx, n);
}
WEFT_RETRY(opened_once, int, out_rx) { return some(out_rx); }

typedef weft_rx(int) * slot;

static int over_map(slot in, slot out) { return same(in, out); }
static int over_filter(slot in, slot out) { return any(in, out); }
static int over_filter_map(slot in, slot out) { return same_if(in, out); }
static int over_take_while(slot in, slot out) { return while_any(in, out); }
static int over_drop_while(slot in, slot out) { return while_none(in, out); }
static int over_scan(slot in, slot out) { return newest(in, 0, out); }
static int over_take(slot in, slot out) { return weft_take(in, 9, out); }
static int over_skip(slot in, slot out) { return weft_skip(in, 0, out); }
static int over_distinct(slot in, slot out) { return are_same(in, out); }
static int over_chain(slot in, slot out)
{
    WEFT_RX(int, other);
    WEFT_TRY(open_channel(&other));
    return weft_chain(out, in, WEFT_MOVE(other));
}
static int over_merge(slot in, slot out) { return weft_merge(out, in); }
static int over_flat_map(slot in, slot out) { return one_each(in, out); }
static int over_throttle(slot in, slot out) { return weft_throttle(in, 1, out); }
static int over_item_timeout(slot in, slot out)
{
    return weft_item_timeout(in, WEFT_SEC(1000), out);
}
static int over_on_end(slot in, slot out) { return passed_on(in, out); }
static int over_catch(slot in, slot out) { return thrown_again(in, out); }
static int over_parallel(slot in, slot out) { return same_at_once(in, out); }
static int over_buffer(slot in, slot out) { return weft_buffer(in, 2, out); }
static int over_tee(slot in, slot out) { return weft_tee(in, NULL, out); }
static int over_retry(slot in, slot out)
{
    WEFT_DROP(*in);
    return opened_once_with(WEFT_OPTS(retry, .tries = 1), out);
}

typedef int wrap(slot in, slot out);

static wrap *const all_items[] = {
    over_map,          over_filter,   over_filter_map, over_take_while, over_drop_while,
    over_scan,         over_take,     over_skip,       over_distinct,   over_chain,
    over_merge,        over_flat_map, over_throttle,   over_on_end,     over_catch,
    over_item_timeout, over_parallel, over_buffer,     over_tee,        over_retry,
};

static int combinators_main(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < sizeof all_items / sizeof all_items[0]; i++)
        for (size_t of = 0; of < 2; of++) {
            WEFT_RX(int, in);
            WEFT_RX(int, out);
            WEFT_TRY(of == 0 ? open_generator(&in) : open_ready_iterator(&in));
            WEFT_TRY(all_items[i](&in, &out));
            check_items_then_cause(out, by_recv);
        }
    return 0;
}

WT_TEST(combinators_pass_it_on) { with_each(combinators_main); }

/* Those that never wait inside are cases of a select, too. */
static int selected_main(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < 2; i++) {
        WEFT_RX(int, in);
        WEFT_RX(int, out);
        WEFT_TRY(i == 0 ? open_generator(&in) : open_channel(&in));
        WEFT_TRY(weft_take(WEFT_MOVE(in), 9, &out));
        check_items_then_cause(out, i == 0 ? by_select : by_try);
    }
    return 0;
}

WT_TEST(so_do_those_that_are_tried_and_selected) { with_each(selected_main); }

/* Those that leave items out, or give them in another shape: until what comes is none. */
static int drain_newest(weft_rx(int) rx)
{
    int n, rc;
    while ((rc = weft_recv(rx, &n)) > 0)
        continue;
    ck_assert_int_eq(n, N_ITEMS);
    return rc;
}

static int newest_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        WEFT_RX(int, in);
        WEFT_RX(int, out);
        WEFT_TRY(open_generator(&in));
        WEFT_TRY(i == 0   ? weft_conflate(WEFT_MOVE(in), &out)
                 : i == 1 ? weft_debounce(WEFT_MOVE(in), WEFT_MS(1), &out)
                          : weft_sample(WEFT_MOVE(in), WEFT_MS(1), &out));
        ck_assert_int_eq(drain_newest(out), cause);
    }
    return 0;
}

WT_TEST(so_do_those_that_give_the_newest) { with_each(newest_main); }

struct pair {
    int first, second;
};
struct batch {
    size_t n;
    int items[2];
};
struct place {
    uint64_t index;
    int item;
};

#define CHECK_LAST(T, open)                         \
    do {                                            \
        WEFT_RX(int, in);                           \
        WEFT_RX(int, other);                        \
        WEFT_RX(T, out);                            \
        T item;                                     \
        int rc;                                     \
        WEFT_TRY(open_generator(&in));              \
        WEFT_TRY(open_ready_iterator(&other));      \
        WEFT_TRY(open);                             \
        while ((rc = weft_recv(out, &item)) > 0)    \
            continue;                               \
        ck_assert_int_eq(rc, cause);                \
        ck_assert_int_eq(weft_recv(out, &item), 0); \
    } while (0)

static int shapes_main(void *arg)
{
    (void)arg;
    CHECK_LAST(struct pair, weft_zip(WEFT_MOVE(in), WEFT_MOVE(other), &out));
    CHECK_LAST(struct pair, weft_zip(WEFT_MOVE(other), WEFT_MOVE(in), &out));
    CHECK_LAST(struct pair, weft_pairwise(WEFT_MOVE(in), &out));
    CHECK_LAST(struct place, weft_enumerate(WEFT_MOVE(in), &out));
    CHECK_LAST(struct batch, weft_chunks(WEFT_MOVE(in), &out));
    CHECK_LAST(struct batch, weft_chunks_timed(WEFT_MOVE(in), WEFT_SEC(1000), &out));
    return 0;
}

WT_TEST(so_do_those_that_change_the_shape) { with_each(shapes_main); }

WEFT_FOLD(added, int, sum, int, n)
{
    *sum += n;
    return 0;
}
WEFT_FOR_EACH(looked_at, int, n) { return n > 0 ? 0 : -EINVAL; }

static int ends_main(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        WEFT_RX(int, in);
        int sum = 0, *items = NULL;
        size_t n = 0;
        WEFT_TRY(open_generator(&in));
        int rc = i == 0   ? added(WEFT_MOVE(in), &sum)
                 : i == 1 ? weft_collect(WEFT_MOVE(in), &items, &n)
                          : looked_at(2, WEFT_MOVE(in));
        ck_assert_int_eq(rc, cause);
    }
    return 0;
}

WT_TEST(so_do_those_that_end_a_stream) { with_each(ends_main); }

WT_MAIN("api_stream_cause")
