/* SPDX-License-Identifier: MIT
 * Items that are lent by a stream that another one opens or joins: valid until the next receive. */
#include "wt_test.h"

#include <stdlib.h>
#include <string.h>
#include <weft.h>

/* Two lines for each number, in memory of their own. */
static int64_t read_two(void *arg, void *buf, size_t size)
{
    int *n_reads = arg;
    ck_assert_uint_ge(size, 8);
    memcpy(buf, "one\ntwo\n", 8);
    return (*n_reads)++ == 0 ? 8 : 0;
}

static int open_two(weft_rx(weft_line) * out_rx)
{
    static int n_reads;
    n_reads = 0;
    return weft_lines_read_by(read_two, &n_reads, NULL, (weft_receiver **)(void *)out_rx);
}

static int open_numbers(weft_rx(int) * out_rx)
{
    static const int numbers[] = { 1, 2, 3 };
    return weft_array(numbers, 3, out_rx);
}

static bool is_line(weft_line line, const char *text)
{
    return line.size == strlen(text) && memcmp(line.data, text, line.size) == 0;
}

/* The second of two stays, though nothing after it is wanted. */
static int take_two(weft_rx(weft_line) * lines)
{
    WEFT_RX(weft_line, two);
    weft_line line;
    WEFT_TRY(weft_take(lines, 2, &two));
    ck_assert_int_eq(weft_recv(two, &line), 1);
    ck_assert(is_line(line, "one"));
    ck_assert_int_eq(weft_recv(two, &line), 1);
    ck_assert(is_line(line, "two"));
    ck_assert_int_eq(weft_recv(two, &line), 0);
    return 0;
}

/* The stream itself says so, to a buffer that does not know the type. */
static void check_buffer_of_bytes(weft_rx(weft_line) * lines)
{
    weft_receiver *ahead = NULL;
    ck_assert_int_eq(weft_buffer_open(weft_half_take(lines), sizeof(weft_line), NULL, &ahead),
                     WEFT_ENOTSUP);
    ck_assert_ptr_null(ahead);
}

static void check_generated(int (*open)(weft_rx(weft_line) *))
{
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, ahead);
    ck_assert_int_eq(open(&lines), 0);
    ck_assert_int_eq(take_two(WEFT_MOVE(lines)), 0);
    ck_assert_int_eq(open(&lines), 0);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(lines), 4, &ahead), WEFT_ENOTSUP);
}

static void check_lines(int (*open)(weft_rx(weft_line) *))
{
    WEFT_RX(weft_line, lines);
    check_generated(open);
    ck_assert_int_eq(open(&lines), 0);
    check_buffer_of_bytes(&lines);
}

/* ---- flat_map ---------------------------------------------------------------------------------- */

WEFT_FLAT_MAP(lines_of, weft_line, out_rx, int, n)
{
    ck_assert_int_gt(n, 0);
    return open_two(out_rx);
}

static int open_flat(weft_rx(weft_line) * out_rx)
{
    WEFT_RX(int, numbers);
    WEFT_TRY(open_numbers(&numbers));
    return lines_of(WEFT_MOVE(numbers), out_rx);
}

WT_TEST(a_flat_map_lends_the_lines_that_it_opens) { check_lines(open_flat); }

/* What a map makes of lines may point into them, which a take allows for. */
struct view {
    const char *data;
    size_t size;
};

WEFT_MAP(view_of, struct view, out, weft_line, line)
{
    *out = (struct view){ line.data, line.size };
    return 0;
}

WEFT_FLAT_MAP(views_of, struct view, out_rx, int, n)
{
    WEFT_RX(weft_line, lines);
    ck_assert_int_gt(n, 0);
    WEFT_TRY(open_two(&lines));
    return view_of(WEFT_MOVE(lines), out_rx);
}

WEFT_RETRY(views_again, struct view, out_rx)
{
    WEFT_RX(weft_line, lines);
    WEFT_TRY(open_two(&lines));
    return view_of(WEFT_MOVE(lines), out_rx);
}

static void take_views(weft_rx(struct view) * views)
{
    WEFT_RX(struct view, one);
    struct view view;
    ck_assert_int_eq(weft_take(views, 1, &one), 0);
    ck_assert_int_eq(weft_recv(one, &view), 1);
    ck_assert_int_eq(memcmp(view.data, "one", 3), 0);
    ck_assert_int_eq(weft_recv(one, &view), 0);
}

WT_TEST(a_take_leaves_what_points_into_lines_that_were_opened_later)
{
    WEFT_RX(int, numbers);
    WEFT_RX(struct view, views);
    ck_assert_int_eq(open_numbers(&numbers), 0);
    ck_assert_int_eq(views_of(WEFT_MOVE(numbers), &views), 0);
    take_views(WEFT_MOVE(views));
    ck_assert_int_eq(views_again(&views), 0);
    take_views(WEFT_MOVE(views));
}

/* Not even a catch's own source lends. */
WEFT_MAP(as_view, struct view, out, int, n)
{
    *out = (struct view){ "", 0 };
    return n == 0 ? 0 : -EIO;
}

WEFT_CATCH(or_views, struct view, code, out_rx)
{
    ck_assert_int_eq(code, -EIO);
    return views_again(out_rx);
}

WT_TEST(a_take_leaves_what_points_into_lines_that_a_catch_opened)
{
    WEFT_RX(int, numbers);
    WEFT_RX(struct view, failing);
    WEFT_RX(struct view, views);
    ck_assert_int_eq(open_numbers(&numbers), 0);
    ck_assert_int_eq(as_view(WEFT_MOVE(numbers), &failing), 0);
    ck_assert_int_eq(or_views(WEFT_MOVE(failing), &views), 0);
    take_views(WEFT_MOVE(views));
}

/* ---- what is made of lines --------------------------------------------------------------------- */

WEFT_MAP(length_of, size_t, out, weft_line, line)
{
    *out = line.size;
    return 0;
}

WT_TEST(a_buffer_takes_what_is_made_of_lines)
{
    WEFT_RX(weft_line, lines);
    WEFT_RX(size_t, lengths);
    WEFT_RX(size_t, ahead);
    size_t length = 0;
    ck_assert_int_eq(open_two(&lines), 0);
    ck_assert_int_eq(length_of(WEFT_MOVE(lines), &lengths), 0);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(lengths), 4, &ahead), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(weft_recv(ahead, &length), 1);
        ck_assert_uint_eq(length, 3);
    }
    ck_assert_int_eq(weft_recv(ahead, &length), 0);
}

/* As pointers are: who makes them says so. */
static int open_lent_views(weft_rx(struct view) * out_rx)
{
    WEFT_RX(weft_line, lines);
    WEFT_TRY(open_two(&lines));
    return view_of_with(WEFT_OPTS(stream, .lends_items = true), WEFT_MOVE(lines), out_rx);
}

WT_TEST(but_not_if_that_is_said_to_be_lent)
{
    WEFT_RX(struct view, views);
    WEFT_RX(struct view, rest);
    WEFT_RX(struct view, ahead);
    struct view *items = NULL;
    size_t n_items = 0;
    ck_assert_int_eq(open_lent_views(&views), 0);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(views), 4, &ahead), WEFT_ENOTSUP);
    ck_assert_int_eq(open_lent_views(&views), 0);
    ck_assert_int_eq(weft_skip(WEFT_MOVE(views), 1, &rest), 0);
    ck_assert_int_eq(weft_collect(WEFT_MOVE(rest), &items, &n_items), WEFT_ENOTSUP);
    ck_assert_ptr_null(items);
}

/* Lines are, whoever makes them. */
WEFT_MAP(line_of, weft_line, out, weft_line, line)
{
    *out = line;
    return 0;
}
WEFT_FILTER_MAP(long_line_of, weft_line, out, weft_line, line)
{
    *out = line;
    return line.size > 1;
}
WEFT_SCAN(last_line, weft_line, last, weft_line, line)
{
    *last = line;
    return 0;
}
WEFT_PAGES(page_of_lines, weft_line, page)
{
    weft_line line = { "one", 3 };
    return weft_page_add(page, &line, sizeof line);
}

static int make_lines(int which, weft_rx(weft_line) * out_rx)
{
    WEFT_RX(weft_line, lines);
    WEFT_TRY(open_two(&lines));
    switch (which) {
    case 0: return line_of(WEFT_MOVE(lines), out_rx);
    case 1: return long_line_of_with(WEFT_OPTS(stream, .name = "long"), WEFT_MOVE(lines), out_rx);
    case 2: return last_line(WEFT_MOVE(lines), (weft_line){ "", 0 }, out_rx);
    case 3: return page_of_lines(out_rx);
    default: return page_of_lines_with(WEFT_OPTS(stream, .name = "page"), out_rx);
    }
}

WT_TEST(a_buffer_refuses_lines_that_a_step_made)
{
    for (int i = 0; i < 5; i++) {
        WEFT_RX(weft_line, made);
        WEFT_RX(weft_line, ahead);
        ck_assert_int_eq(make_lines(i, &made), 0);
        ck_assert_int_eq(weft_buffer(WEFT_MOVE(made), 4, &ahead), WEFT_ENOTSUP);
    }
}

/* ---- catch, retry ------------------------------------------------------------------------------ */

WEFT_MAP(as_line, weft_line, out, int, n)
{
    *out = (weft_line){ .data = "", .size = 0 };
    return n == 0 ? 0 : -EIO;
}

WEFT_CATCH(or_two_lines, weft_line, code, out_rx)
{
    ck_assert_int_eq(code, -EIO);
    return open_two(out_rx);
}

static int open_caught(weft_rx(weft_line) * out_rx)
{
    WEFT_RX(int, numbers);
    WEFT_RX(weft_line, failing);
    WEFT_TRY(open_numbers(&numbers));
    WEFT_TRY(as_line(WEFT_MOVE(numbers), &failing));
    return or_two_lines(WEFT_MOVE(failing), out_rx);
}

WT_TEST(a_catch_lends_the_lines_that_it_opens) { check_lines(open_caught); }

WEFT_RETRY(lines_again, weft_line, out_rx) { return open_two(out_rx); }

static int open_again_with_opts(weft_rx(weft_line) * out_rx)
{
    return lines_again_with(WEFT_OPTS(retry, .tries = 2), out_rx);
}

WT_TEST(a_retry_lends_the_lines_that_it_opens)
{
    check_lines(lines_again);
    check_lines(open_again_with_opts);
}

/* ---- zip, chain -------------------------------------------------------------------------------- */

struct numbered_line {
    int first;
    weft_line second;
};

static void zip_numbers(weft_rx(struct numbered_line) * out_rx)
{
    WEFT_RX(int, numbers);
    WEFT_RX(weft_line, lines);
    ck_assert_int_eq(open_numbers(&numbers), 0);
    ck_assert_int_eq(open_two(&lines), 0);
    ck_assert_int_eq(weft_zip(WEFT_MOVE(numbers), WEFT_MOVE(lines), out_rx), 0);
}

WT_TEST(a_zip_lends_what_its_second_source_does)
{
    WEFT_RX(struct numbered_line, all);
    WEFT_RX(struct numbered_line, one);
    struct numbered_line it;
    zip_numbers(&all);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(all), 4, &one), WEFT_ENOTSUP);
    zip_numbers(&all);
    ck_assert_int_eq(weft_take(WEFT_MOVE(all), 1, &one), 0);
    ck_assert_int_eq(weft_recv(one, &it), 1);
    ck_assert_int_eq(it.first, 1);
    ck_assert(is_line(it.second, "one"));
    ck_assert_int_eq(weft_recv(one, &it), 0);
}

/* Of any type: no macro that knows lines has a part in it. */
WT_TEST(a_chain_lends_what_one_of_its_sources_does)
{
    WEFT_RX(struct view, views);
    WEFT_RX(struct view, all);
    WEFT_RX(struct view, ahead);
    WEFT_RX(struct view, none);
    const struct view no_view = { "", 0 };
    ck_assert_int_eq(open_lent_views(&views), 0);
    ck_assert_int_eq(weft_array(&no_view, 1, &none), 0);
    ck_assert_int_eq(weft_chain(&all, WEFT_MOVE(none), WEFT_MOVE(views)), 0);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(all), 4, &ahead), WEFT_ENOTSUP);
}

/* ---- generators -------------------------------------------------------------------------------- */

WEFT_GENERATOR(some_lines, weft_rx(weft_line))
{
    WEFT_RX(weft_line, lines);
    WEFT_TRY(open_two(&lines));
    weft_each (line, lines)
        WEFT_TRY(weft_yield(line));
    return weft_error(lines);
}

static int open_generated(weft_rx(weft_line) * out_rx) { return some_lines(out_rx); }

WT_TEST(a_generator_of_lines_lends_them) { check_generated(open_generated); }

WT_TEST(a_zip_of_a_generators_lines_lends_them)
{
    WEFT_RX(int, numbers);
    WEFT_RX(weft_line, lines);
    WEFT_RX(struct numbered_line, all);
    WEFT_RX(struct numbered_line, ahead);
    ck_assert_int_eq(open_numbers(&numbers), 0);
    ck_assert_int_eq(some_lines(&lines), 0);
    ck_assert_int_eq(weft_zip(WEFT_MOVE(numbers), WEFT_MOVE(lines), &all), 0);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(all), 4, &ahead), WEFT_ENOTSUP);
}

WT_TEST(a_take_leaves_what_points_into_lines_of_a_generator)
{
    WEFT_RX(weft_line, lines);
    WEFT_RX(struct view, views);
    ck_assert_int_eq(some_lines(&lines), 0);
    ck_assert_int_eq(view_of(WEFT_MOVE(lines), &views), 0);
    take_views(WEFT_MOVE(views));
}

WT_TEST(a_zip_lends_the_lines_of_a_generator)
{
    WEFT_RX(int, numbers);
    WEFT_RX(weft_line, lines);
    WEFT_RX(struct numbered_line, all);
    WEFT_RX(struct numbered_line, one);
    struct numbered_line it = { 0, { "", 0 } };
    ck_assert_int_eq(open_numbers(&numbers), 0);
    ck_assert_int_eq(some_lines(&lines), 0);
    ck_assert_int_eq(weft_zip(WEFT_MOVE(numbers), WEFT_MOVE(lines), &all), 0);
    ck_assert_int_eq(weft_take(WEFT_MOVE(all), 1, &one), 0);
    ck_assert_int_eq(weft_recv(one, &it), 1);
    ck_assert(is_line(it.second, "one"));
    ck_assert_int_eq(weft_recv(one, &it), 0);
}

WEFT_STAGE_MAP(size_of, size_t, out, weft_line, line)
{
    *out = line.size;
    return 0;
}

WT_TEST(an_ordered_stage_of_several_refuses_the_lines_of_a_generator)
{
    WEFT_PIPELINE(p);
    WEFT_RX(weft_line, lines);
    WEFT_RX(size_t, sizes);
    ck_assert_int_eq(some_lines(&lines), 0);
    ck_assert_int_eq(
        size_of(&p, WEFT_OPTS(stage, .workers = 2, .ordered = true), WEFT_MOVE(lines), &sizes),
        WEFT_EINVAL);
}

/* ---- iterators --------------------------------------------------------------------------------- */

struct words {
    char *word; /* in memory of its own, which goes with the iterator */
    int n;
};

static int next_word(struct words *words, struct view *out)
{
    if (words->n++ == 3)
        return 0;
    words->word[0] = (char)('0' + words->n);
    *out = (struct view){ words->word, 1 };
    return 1;
}

static int end_words(struct words *words)
{
    free(words->word);
    return 0;
}

WEFT_ITERATOR(words, struct view, struct words, next_word, end_words);

static void open_words(weft_rx(struct view) * out_rx)
{
    const weft_iterator_opts opts = { .never_waits = true, .lends_items = true };
    struct words state = { malloc(1), 0 };
    ck_assert_ptr_nonnull(state.word);
    ck_assert_int_eq(words_with(&opts, state, out_rx), 0);
}

WEFT_MAP(digit_of, int, out, struct view, view)
{
    *out = view.data[0] - '0';
    return 0;
}

WEFT_MAP(tail_of, struct view, out, struct view, view)
{
    *out = view;
    return 0;
}

WT_TEST(a_take_leaves_what_points_into_items_of_what_was_merged)
{
    WEFT_RX(struct view, all);
    WEFT_RX(struct view, tails);
    WEFT_RX(struct view, merged);
    WEFT_RX(struct view, one);
    struct view view = { "", 0 };
    open_words(&all);
    ck_assert_int_eq(tail_of_with(WEFT_OPTS(stream, .never_waits = true), WEFT_MOVE(all), &tails),
                     0);
    ck_assert_int_eq(weft_merge(&merged, WEFT_MOVE(tails)), 0);
    ck_assert_int_eq(weft_take(WEFT_MOVE(merged), 1, &one), 0);
    ck_assert_int_eq(weft_recv(one, &view), 1);
    ck_assert_int_eq(view.data[0], '1');
    ck_assert_int_eq(weft_recv(one, &view), 0);
}

WT_TEST(a_buffer_takes_what_is_made_of_what_an_iterator_lends)
{
    WEFT_RX(struct view, all);
    WEFT_RX(struct view, more);
    WEFT_RX(int, digits);
    WEFT_RX(int, ahead);
    int digit = 0;
    open_words(&all);
    ck_assert_int_eq(weft_skip(WEFT_MOVE(all), 1, &more), 0);
    ck_assert_int_eq(digit_of(WEFT_MOVE(more), &digits), 0);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(digits), 4, &ahead), 0);
    ck_assert_int_eq(weft_recv(ahead, &digit), 1);
    ck_assert_int_eq(digit, 2);
}

WT_TEST(an_iterator_lends_its_items_if_it_says_so)
{
    WEFT_RX(struct view, all);
    WEFT_RX(struct view, two);
    struct view view = { "", 0 };
    open_words(&all);
    ck_assert_int_eq(weft_take(WEFT_MOVE(all), 2, &two), 0);
    ck_assert_int_eq(weft_recv(two, &view), 1);
    ck_assert_int_eq(weft_recv(two, &view), 1);
    ck_assert_int_eq(view.data[0], '2');
    ck_assert_int_eq(weft_recv(two, &view), 0);
    open_words(&all);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(all), 4, &two), WEFT_ENOTSUP);
    open_words(&all);
    WEFT_DROP(two);
    ck_assert_int_eq(weft_skip(WEFT_MOVE(all), 1, &two), 0);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(two), 4, &all), WEFT_ENOTSUP);
}

/* ---- who keeps items ----------------------------------------------------------------------------- */

struct two_views {
    struct view first, second;
};
struct some_views {
    size_t n;
    struct view items[4];
};

WEFT_DISTINCT(of_new_words, struct view, last, next) { return last.data[0] == next.data[0]; }
WEFT_MAP_PARALLEL(digits_at_once, int, out, struct view, view)
{
    *out = view.data[0] - '0';
    return 0;
}
WEFT_FOR_EACH(see_all, struct view, view, (int *, n_seen))
{
    *n_seen += view.size == 1;
    return 0;
}

static weft_rx(struct view) * some_words(weft_rx(struct view) * rx)
{
    open_words(rx);
    return rx;
}

WT_TEST(who_keeps_items_refuses_those_that_are_lent)
{
    WEFT_RX(struct view, all);
    WEFT_RX(struct view, out);
    WEFT_RX(struct view, other);
    WEFT_RX(struct two_views, pairs);
    WEFT_RX(struct some_views, chunks);
    WEFT_RX(int, digits);
    struct view *items = NULL;
    size_t n_items = 0;
    ck_assert_int_eq(weft_pairwise(some_words(&all), &pairs), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_chunks(some_words(&all), &chunks), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_chunks_timed(some_words(&all), WEFT_SEC(1), &chunks), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_distinct(some_words(&all), &out), WEFT_ENOTSUP);
    ck_assert_int_eq(of_new_words(some_words(&all), &out), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_conflate(some_words(&all), &out), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_debounce(some_words(&all), WEFT_SEC(1), &out), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_sample(some_words(&all), WEFT_SEC(1), &out), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_tee(some_words(&all), NULL, &out, &other), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_collect(some_words(&all), &items, &n_items), WEFT_ENOTSUP);
    ck_assert_int_eq(digits_at_once(some_words(&all), &digits), WEFT_ENOTSUP);
}

/* One task at a time is done with an item before it asks for the next. */
WT_TEST(for_each_lends_items_to_one_task_alone)
{
    WEFT_RX(struct view, all);
    int n_seen = 0;
    ck_assert_int_eq(see_all(2, some_words(&all), &n_seen), WEFT_ENOTSUP);
    ck_assert_int_eq(see_all(1, some_words(&all), &n_seen), 0);
    ck_assert_int_eq(n_seen, 3);
}

/* What the macros see by the type. */
WT_TEST(so_it_is_with_lines_and_not_with_what_is_made_of_them)
{
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, rest);
    WEFT_RX(struct view, views);
    struct view *items = NULL;
    size_t n_items = 0;
    void *none = NULL;
    ck_assert_int_eq(open_two(&lines), 0);
    ck_assert_int_eq(weft_skip(WEFT_MOVE(lines), 1, &rest), 0);
    ck_assert_int_eq(weft_collect_run(weft_half_take(&rest), sizeof(weft_line), &none, &n_items),
                     WEFT_ENOTSUP);
    ck_assert_int_eq(open_two(&lines), 0);
    ck_assert_int_eq(view_of(WEFT_MOVE(lines), &views), 0);
    ck_assert_int_eq(weft_collect(WEFT_MOVE(views), &items, &n_items), 0);
    ck_assert_uint_eq(n_items, 2);
    weft_free(items);
}

WT_MAIN("api_stream_lent")
