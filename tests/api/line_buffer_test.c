/* SPDX-License-Identifier: MIT
 * Lines through a buffer: blocks of them cross the boundary, and the caller sees single lines. */
#include "wt_lines.h"
#include "wt_test.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>

/* ---- a source that is made up ------------------------------------------------------------------ */

/* At most at_once bytes with each read; then the code, 0 for the end. */
struct text {
    const char *bytes;
    size_t size, at_once;
    _Atomic size_t at;
    int code;
    _Atomic int n_reads;
};

static int64_t read_text(void *arg, void *buf, size_t size)
{
    struct text *text = arg;
    size_t n = text->size - text->at;
    WEFT_TRY(weft_pause());
    atomic_fetch_add(&text->n_reads, 1);
    n = n < size ? n : size;
    n = n < text->at_once ? n : text->at_once;
    memcpy(buf, text->bytes + text->at, n);
    text->at += n;
    return n > 0 ? (int64_t)n : text->code;
}

static struct text text_of(const char *bytes, size_t at_once, int code)
{
    return (struct text){ .bytes = bytes, .size = strlen(bytes), .at_once = at_once, .code = code };
}

static int open_ahead(struct text *text, const weft_lines_opts *opts, size_t capacity,
                      weft_rx(weft_line) * out_rx)
{
    WEFT_RX(weft_line, lines);
    WEFT_TRY(weft_lines_read_by(read_text, text, opts, (weft_receiver **)(void *)&lines));
    return weft_buffer(WEFT_MOVE(lines), capacity, out_rx);
}

/* ---- what comes --------------------------------------------------------------------------------- */

static const char some_text[] = "one\ntwo\r\n\n\rfour\n\nand a longer one\nx\r\r\nlast";

static void compare(const weft_lines_opts *opts, size_t at_once, size_t capacity)
{
    char wanted[200], got[200];
    struct text text = text_of(some_text, at_once, 0), again = text;
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, ahead);
    ck_assert_int_eq(weft_lines_read_by(read_text, &text, opts, (weft_receiver **)(void *)&lines),
                     0);
    ck_assert_int_eq(open_ahead(&again, opts, capacity, &ahead), 0);
    int rc = wt_join_lines(lines, wanted, sizeof wanted);
    ck_assert_int_eq(wt_join_lines(ahead, got, sizeof got), rc);
    ck_assert_str_eq(got, wanted);
    ck_assert_int_eq(weft_close(ahead), 0);
}

WT_TEST(lines_are_those_of_the_source)
{
    wt_seeds_at_most(10);
    for (size_t block = 1; block <= 64; block *= 4)
        for (size_t capacity = 1; capacity <= 9; capacity += 4) {
            compare(WEFT_OPTS(lines, .block_size = block), 3, capacity);
            compare(WEFT_OPTS(lines, .block_size = block, .keep_ends = true), 64, capacity);
            compare(WEFT_OPTS(lines, .block_size = block, .universal = true), 5, capacity);
            compare(WEFT_OPTS(lines, .block_size = block, .max_line = 6), 7, capacity);
        }
}

/* The task has long read what comes after it. */
WT_TEST(a_line_is_there_until_the_next_receive)
{
    wt_seeds_at_most(50);
    struct text text = text_of("first\nsecond\nthird\nfourth\nfifth\n", 4, 0);
    WEFT_RX(weft_line, ahead);
    weft_line line;
    char got[60];
    ck_assert_int_eq(open_ahead(&text, WEFT_OPTS(lines, .block_size = 8), 16, &ahead), 0);
    ck_assert_int_eq(weft_recv(ahead, &line), 1);
    while (text.at < text.size)
        ck_assert_int_eq(weft_pause(), 0);
    ck_assert_int_eq(memcmp(line.data, "first", line.size), 0);
    ck_assert_int_eq(wt_join_lines(ahead, got, sizeof got), 0);
    ck_assert_str_eq(got, "[second][third][fourth][fifth]");
}

WT_TEST(an_error_comes_after_the_lines_once)
{
    wt_seeds_at_most(50);
    struct text text = text_of("one\ntwo\nthr", 100, -EIO);
    WEFT_RX(weft_line, ahead);
    weft_line line;
    char got[60];
    ck_assert_int_eq(open_ahead(&text, NULL, 1024, &ahead), 0);
    ck_assert_int_eq(wt_join_lines(ahead, got, sizeof got), -EIO);
    ck_assert_str_eq(got, "[one][two]");
    ck_assert_int_eq(weft_recv(ahead, &line), 0);
}

WT_TEST(a_line_that_is_too_long_is_told_in_its_place)
{
    wt_seeds_at_most(50);
    struct text text = text_of("one\ntwo\nmuch too long\nfour\n", 100, 0);
    WEFT_RX(weft_line, ahead);
    weft_line line;
    char got[60];
    ck_assert_int_eq(open_ahead(&text, WEFT_OPTS(lines, .max_line = 6), 1024, &ahead), 0);
    ck_assert_int_eq(wt_join_lines(ahead, got, sizeof got), WEFT_ELINE);
    ck_assert_str_eq(got, "[one][two]");
    ck_assert_int_eq(weft_recv(ahead, &line), 0);
}

/* ---- the boundary ------------------------------------------------------------------------------- */

/* Two are queued, one in hand, and one line was read with each. */
WT_TEST(the_task_stops_when_so_many_lines_wait)
{
    wt_seeds_at_most(20);
    struct text text = text_of("1\n2\n3\n4\n5\n6\n7\n8\n9\n", 2, 0);
    WEFT_RX(weft_line, ahead);
    char got[60];
    ck_assert_int_eq(open_ahead(&text, WEFT_OPTS(lines, .block_size = 2), 2, &ahead), 0);
    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(weft_pause(), 0);
    ck_assert_int_le(atomic_load(&text.n_reads), 3);
    ck_assert_int_eq(wt_join_lines(ahead, got, sizeof got), 0);
    ck_assert_str_eq(got, "[1][2][3][4][5][6][7][8][9]");
}

WT_TEST(who_leaves_ends_the_task)
{
    wt_seeds_at_most(100);
    struct text text = text_of("1\n2\n3\n4\n5\n6\n7\n8\n9\n", 4, 0);
    WEFT_RX(weft_line, ahead);
    weft_line line;
    ck_assert_int_eq(open_ahead(&text, WEFT_OPTS(lines, .block_size = 4), 2, &ahead), 0);
    ck_assert_int_eq(weft_recv(ahead, &line), 1);
    ck_assert_int_eq(line.data[0], '1');
    ck_assert_int_eq(weft_close(ahead), 0);
    ck_assert_int_eq(weft_recv(ahead, &line), WEFT_ECLOSED);
    ck_assert_uint_lt(text.at, text.size);
}

WT_TEST(a_cancelled_receive_loses_no_line)
{
    wt_seeds_at_most(100);
    struct text text = text_of("1\n2\n3\n4\n5\n6\n7\n8\n9\n", 4, 0);
    WEFT_RX(weft_line, ahead);
    char got[60];
    weft_line line;
    ck_assert_int_eq(open_ahead(&text, WEFT_OPTS(lines, .block_size = 4), 2, &ahead), 0);
    for (int i = 1; i <= 2; i++) {
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_recv(ahead, &line), 1);
        ck_assert_int_eq(line.data[0], '0' + i);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_recv(ahead, &line), WEFT_ECANCELED);
    }
    ck_assert_int_eq(wt_join_lines(ahead, got, sizeof got), 0);
    ck_assert_str_eq(got, "[3][4][5][6][7][8][9]");
}

/* ---- above it ------------------------------------------------------------------------------------ */

WT_TEST(it_is_a_case_of_select)
{
    wt_seeds_at_most(50);
    struct text text = text_of("1\n2\n3\n4\n5\n", 4, 0);
    WEFT_RX(weft_line, ahead);
    weft_line line;
    int rc, n = 0;
    ck_assert_int_eq(open_ahead(&text, NULL, 4, &ahead), 0);
    for (;;) {
        int i = weft_select(&rc, weft_on_recv(ahead, &line), weft_on_after(WEFT_SEC(1000)));
        ck_assert_int_eq(i, 0);
        if (rc <= 0)
            break;
        ck_assert_int_eq(line.data[0], '0' + ++n);
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(n, 5);
}

WEFT_FILTER(is_short, weft_line, line) { return line.size < 4; }

WT_TEST(steps_go_above_it)
{
    wt_seeds_at_most(50);
    struct text text = text_of("one\nthree\ntwo\nseven\nsix\nten\n", 9, 0);
    WEFT_RX(weft_line, a);
    WEFT_RX(weft_line, b);
    char got[60];
    ck_assert_int_eq(open_ahead(&text, WEFT_OPTS(lines, .block_size = 8), 4, &a), 0);
    ck_assert_int_eq(is_short(WEFT_MOVE(a), &b), 0);
    ck_assert_int_eq(weft_take(WEFT_MOVE(b), 3, &a), 0);
    ck_assert_int_eq(wt_join_lines(a, got, sizeof got), 0);
    ck_assert_str_eq(got, "[one][two][six]");
}

WT_TEST(what_cannot_keep_its_lines_is_refused)
{
    wt_seeds_at_most(3);
    struct text text = text_of("1\n", 4, 0);
    WEFT_RX(weft_line, lines);
    WEFT_RX(weft_line, some);
    WEFT_RX(weft_line, ahead);
    ck_assert_int_eq(weft_lines_read_by(read_text, &text, NULL, (weft_receiver **)(void *)&lines),
                     0);
    ck_assert_int_eq(is_short(WEFT_MOVE(lines), &some), 0);
    ck_assert_int_eq(weft_buffer(WEFT_MOVE(some), 4, &ahead), WEFT_ENOTSUP);
    ck_assert(ahead == NULL);
}

/* ---- several receivers ---------------------------------------------------------------------------- */

enum { N_NUMBERS = 60 };

struct numbers {
    char bytes[4 * N_NUMBERS + 1];
    _Atomic int n_seen[N_NUMBERS], n_errors;
};

static struct text text_of_numbers(struct numbers *numbers, int code)
{
    for (int i = 0; i < N_NUMBERS; i++)
        snprintf(numbers->bytes + 3 * i, 4, "%02d\n", i);
    return text_of(numbers->bytes, 10, code);
}

static int number_of(weft_line line) { return (line.data[0] - '0') * 10 + line.data[1] - '0'; }

/* The line is there, whatever the others receive meanwhile. */
WEFT_TASK(see_numbers, (rx, weft_line, rx), (struct numbers *, numbers))
{
    weft_each (line, rx) {
        int n = number_of(line);
        for (int i = n % 3; i > 0; i--)
            WEFT_TRY(weft_pause());
        ck_assert_int_eq(number_of(line), n);
        atomic_fetch_add(&numbers->n_seen[n], 1);
    }
    atomic_fetch_add(&numbers->n_errors, weft_error(rx) == -EIO);
    ck_assert_int_eq(weft_recv(rx, &(weft_line){ 0 }), 0);
    return 0;
}

static void see_all(size_t capacity, size_t block_size, int code)
{
    struct numbers numbers = { 0 };
    struct text text = text_of_numbers(&numbers, code);
    WEFT_SCOPE(scope);
    WEFT_RX(weft_line, ahead);
    ck_assert_int_eq(
        open_ahead(&text, WEFT_OPTS(lines, .block_size = block_size), capacity, &ahead), 0);
    ck_assert_int_eq(weft_spawn_n(&scope, 4, see_numbers, WEFT_MOVE(ahead), &numbers), 0);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    for (int i = 0; i < N_NUMBERS; i++)
        ck_assert_int_eq(numbers.n_seen[i], 1);
    ck_assert_int_eq(numbers.n_errors, code < 0 ? 4 : 0);
}

WT_TEST(each_line_goes_to_one_of_several)
{
    wt_seeds_at_most(30);
    see_all(16, 32, 0);
    see_all(1, 8, 0);
    see_all(2000, 4096, -EIO);
}

WT_TEST(one_of_several_that_leaves_takes_no_line_along)
{
    wt_seeds_at_most(50);
    struct text text = text_of("1\n2\n3\n4\n5\n6\n", 100, 0);
    WEFT_RX(weft_line, ahead);
    weft_line line, other;
    char got[60];
    ck_assert_int_eq(open_ahead(&text, NULL, 100, &ahead), 0);
    ck_assert_int_eq(weft_recv(ahead, &line), 1);
    WEFT_RX(weft_line, second);
    second = *weft_ref(ahead);
    ck_assert_int_eq(weft_recv(second, &other), 1);
    ck_assert_int_eq(line.data[0], '1');
    ck_assert_int_eq(other.data[0], '2');
    ck_assert_int_eq(weft_try_recv(ahead, &line), 1);
    ck_assert_int_eq(line.data[0], '3');
    WEFT_DROP(ahead);
    ck_assert_int_eq(other.data[0], '2');
    WEFT_RX(weft_line, third);
    third = *weft_ref(second);
    WEFT_DROP(second);
    ck_assert_int_eq(wt_join_lines(third, got, sizeof got), 0);
    ck_assert_str_eq(got, "[4][5][6]");
    ck_assert_int_eq(weft_close(third), 0);
}

WT_TEST(one_that_is_made_after_the_error_gets_it_too)
{
    wt_seeds_at_most(3);
    struct text text = text_of("1\n", 4, -EIO);
    WEFT_RX(weft_line, ahead);
    WEFT_RX(weft_line, second);
    weft_line line;
    ck_assert_int_eq(open_ahead(&text, NULL, 4, &ahead), 0);
    ck_assert_int_eq(weft_recv(ahead, &line), 1);
    ck_assert_int_eq(weft_recv(ahead, &line), -EIO);
    second = *weft_ref(ahead);
    ck_assert_int_eq(weft_recv(ahead, &line), 0);
    ck_assert_int_eq(weft_recv(second, &line), -EIO);
    ck_assert_int_eq(weft_recv(second, &line), 0);
}

WT_TEST(several_are_no_cases_of_select)
{
    wt_seeds_at_most(3);
    struct text text = text_of("1\n", 4, 0);
    WEFT_RX(weft_line, ahead);
    weft_line line;
    int rc = 0;
    ck_assert_int_eq(open_ahead(&text, NULL, 4, &ahead), 0);
    WEFT_RX(weft_line, second);
    second = *weft_ref(ahead);
    ck_assert_int_eq(weft_select(&rc, weft_on_recv(second, &line)), WEFT_ENOTSUP);
    ck_assert_int_eq(weft_recv(second, &line), 1);
    ck_assert_int_eq(weft_recv(ahead, &line), 0);
    second = (WEFT_DROP(second), *weft_ref(ahead)); /* after the end there is none */
    ck_assert_int_eq(weft_recv(second, &line), 0);
}

WT_MAIN("line_buffer")
