/* SPDX-License-Identifier: MIT
 * Events out of bytes: the same ones wherever the bytes are split. */
#include "wt_test.h"

#include "http/events_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

struct outcome {
    char text[4096]; /* [type|data|id] for each event */
    size_t size;
    int64_t retry_ns;
    int rc;
};

static void note(struct outcome *to, const weft_http_event *event)
{
    ck_assert_uint_eq(strlen(event->data), event->size);
    int n = snprintf(to->text + to->size, sizeof(to->text) - to->size, "[%s|%s|%s]", event->type,
                     event->data, event->id);
    to->size += (size_t)n;
    ck_assert_uint_lt(to->size, sizeof(to->text));
    to->retry_ns = event->retry_ns;
}

static void feed(struct wf_http_event_parser *parser, struct outcome *to, const char *bytes,
                 size_t size)
{
    weft_http_event event;
    size_t n;
    char *copy = malloc(size + 1); /* of just that size: a read past its end is seen */
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    for (size_t at = 0; at < size && to->rc >= 0; at += n) {
        to->rc = wf_http_event_parse(parser, copy + at, size - at, &n, &event);
        ck_assert(n > 0 || to->rc < 0);
        if (to->rc > 0)
            note(to, &event);
    }
    free(copy);
}

enum { ROOM = 1000 };

static void begin(struct wf_http_event_parser *parser, struct outcome *to)
{
    *to = (struct outcome){ .rc = 0 };
    ck_assert_int_eq(wf_http_event_parser_init(parser, ROOM, WEFT_SEC(3), NULL), 0);
}

/* In two pieces, split before `at`. */
static void parse_split(const char *bytes, size_t size, size_t at, struct outcome *to)
{
    struct wf_http_event_parser parser;
    begin(&parser, to);
    feed(&parser, to, bytes, at);
    feed(&parser, to, bytes + at, size - at);
    wf_http_event_parser_destroy(&parser);
}

static void parse_in_random_pieces(const char *bytes, size_t size, struct outcome *to)
{
    struct wf_http_event_parser parser;
    begin(&parser, to);
    for (size_t at = 0; at < size;) {
        size_t n = 1 + (size_t)wt_random_below(7);
        n = n < size - at ? n : size - at;
        feed(&parser, to, bytes + at, n);
        at += n;
    }
    wf_http_event_parser_destroy(&parser);
}

struct example {
    const char *bytes, *events;
    size_t size; /* 0: a string */
};

static const struct example corpus[] = {
    { "data: one\n\n", "[message|one|]", 0 },
    { "data: one\r\rdata: two\r\n\r\ndata: three\n\r\n",
      "[message|one|][message|two|][message|three|]", 0 },
    { "data: price\ndata: up\ndata: 10\n\n", "[message|price\nup\n10|]", 0 },
    { ": a remark\n\ndata: first\nid: 1\n\ndata: second\nid\n\ndata:  third\n\n",
      "[message|first|1][message|second|][message| third|]", 0 },
    { "data\n\ndata\ndata\n\ndata:", "[message||][message|\n|]", 0 },
    { "data:same\n\ndata: same\n\n", "[message|same|][message|same|]", 0 },
    { "event: add\ndata: 7\n\nevent: gone\n\ndata: 8\n\n", "[add|7|][message|8|]", 0 },
    { "event: a\nevent: b\ndata: x\n\nevent\ndata: y\n\n", "[b|x|][message|y|]", 0 },
    { "\xef\xbb\xbf"
      "data: marked\n\n",
      "[message|marked|]", 0 },
    { "\xef\xbb\xbf\n\xef\xbb\xbf"
      "data: x\ndata: y\n\n",
      "[message|y|]", 0 },
    { "id: 4\n\ndata: x\n\nid: 5\ndata: y\n\n", "[message|x|4][message|y|5]", 0 },
    { "id: 6\ndata: x\n\nid: a\0b\ndata: y\n\n", "[message|x|6][message|y|6]", 32 },
    { "id: a\x01\ndata: x\n\n", "[message|x|]", 0 },
    { "unknown: x\nDATA: x\n data: x\ndata : x\n:data: x\n\n", "", 0 },
    { "data: cut", "", 0 },
    { "data: cut\n", "", 0 },
    { "data: a:b: c\n\n", "[message|a:b: c|]", 0 },
    { "data: \xff\xfe\n\n", "[message|\xff\xfe|]", 0 },
    { "\n\r\r\n\n", "", 0 },
    { "", "", 0 },
};

static size_t size_of(const struct example *example)
{
    return example->size > 0 ? example->size : strlen(example->bytes);
}

WT_TEST(examples_split_at_every_byte)
{
    struct outcome got;
    for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++)
        for (size_t at = 0; at <= size_of(&corpus[i]); at++) {
            parse_split(corpus[i].bytes, size_of(&corpus[i]), at, &got);
            ck_assert_int_ge(got.rc, 0);
            ck_assert_msg(strcmp(got.text, corpus[i].events) == 0, "%zu at %zu: %s", i, at,
                          got.text);
        }
}

WT_TEST(examples_in_random_pieces)
{
    struct outcome got;
    for (unsigned round = 0; round < wt_scaled(200); round++) {
        const struct example *example =
            &corpus[wt_random_below(sizeof(corpus) / sizeof(corpus[0]))];
        parse_in_random_pieces(example->bytes, size_of(example), &got);
        ck_assert_str_eq(got.text, example->events);
    }
}

/* Pieces of the grammar in any order: whatever it means, it means the same in pieces. */
WT_TEST(random_bytes_mean_the_same_in_random_pieces)
{
    static const char *const words[] = { "data", "data:", "event: ", "id:",          "retry:",
                                         "12",   "x",     " ",       "\n",           "\r",
                                         "\n\n", "\r\n",  ":",       "\xef\xbb\xbf", "\xff" };
    for (unsigned round = 0; round < wt_scaled(2000); round++) {
        char bytes[256];
        struct outcome whole, pieces;
        size_t size = 0, n = (size_t)wt_random_below(40);
        for (size_t i = 0; i < n; i++)
            size += (size_t)snprintf(bytes + size, sizeof(bytes) - size, "%s",
                                     words[wt_random_below(sizeof(words) / sizeof(words[0]))]);
        parse_split(bytes, size, 0, &whole);
        parse_in_random_pieces(bytes, size, &pieces);
        ck_assert_str_eq(whole.text, pieces.text);
        ck_assert_int_eq(whole.retry_ns, pieces.retry_ns);
    }
}

WT_TEST(how_long_to_wait_is_a_number_or_nothing)
{
    static const struct {
        const char *line;
        int64_t retry_ns;
    } lines[] = {
        { "retry: 250", WEFT_MS(250) },
        { "retry:0", 0 },
        { "retry", WEFT_SEC(3) },
        { "retry: -1", WEFT_SEC(3) },
        { "retry: 1s", WEFT_SEC(3) },
        { "retry: 99999999999999999999", WEFT_SEC(3) },
        { "retry: 1.5", WEFT_SEC(3) },
        { "retry:  5", WEFT_SEC(3) },
        { "retry: 9999999999999999", WEFT_SEC(3) },
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char bytes[64];
        struct outcome got;
        int n = snprintf(bytes, sizeof(bytes), "%s\ndata: x\n\n", lines[i].line);
        parse_split(bytes, (size_t)n, 0, &got);
        ck_assert_msg(got.retry_ns == lines[i].retry_ns, "%s", lines[i].line);
    }
}

/* A line up to the limit, and one byte more. */
WT_TEST(waits_get_longer_while_nothing_comes)
{
    static const struct {
        int64_t retry_ns, most_ns;
        int n_vain;
        int64_t delay_ns;
    } waits[] = {
        { WEFT_SEC(3), WEFT_SEC(300), 0, WEFT_SEC(3) },
        { WEFT_SEC(3), WEFT_SEC(300), 1, WEFT_SEC(6) },
        { WEFT_SEC(3), WEFT_SEC(300), 9, WEFT_SEC(300) },
        { WEFT_SEC(3), WEFT_SEC(1), 0, WEFT_SEC(1) },
        { INT64_MAX, INT64_MAX, 5, INT64_MAX },
        { 0, WEFT_SEC(300), 0, WEFT_MS(10) }, /* the server has asked for none */
        { 0, WEFT_SEC(300), 1, WEFT_MS(20) },
        { 0, WEFT_SEC(300), 9, WEFT_MS(10 * 512) },
        { 0, WEFT_US(10), 0, WEFT_US(10) },
        { 0, WEFT_US(10), 9, WEFT_US(10) },
    };
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
        ck_assert_msg(wf_http_event_delay(waits[i].retry_ns, waits[i].most_ns, waits[i].n_vain) ==
                          waits[i].delay_ns,
                      "%zu", i);
}

WT_TEST(an_event_that_is_too_long)
{
    static const char *const names[] = { "data:", "event:", ":", "id:" };
    static char text[ROOM + 1], bytes[ROOM + 64];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        for (size_t over = 0; over <= 1; over++) {
            struct outcome one;
            memset(text, 'x', ROOM);
            text[ROOM - strlen(names[i]) + over] = '\0';
            int n = snprintf(bytes, sizeof(bytes), "%s%s\n\n", names[i], text);
            parse_split(bytes, (size_t)n, (size_t)wt_random_below((uint64_t)n), &one);
            ck_assert_int_eq(one.rc < 0 ? one.rc : 0, over ? WEFT_EHTTPLIMIT : 0);
        }
    struct wf_http_event_parser parser;
    struct outcome got;
    begin(&parser, &got);
    for (int i = 0; i < ROOM / 2; i++)
        feed(&parser, &got, "data:x\n", 7);
    ck_assert_int_eq(got.rc, 0);
    feed(&parser, &got, "data:x\n", 7);
    ck_assert_int_eq(got.rc, WEFT_EHTTPLIMIT);
    wf_http_event_parser_destroy(&parser);
}

/* What was cut off is sent again: its id does not count. */
WT_TEST(a_new_stream_goes_on_after_the_last_whole_event)
{
    struct wf_http_event_parser parser;
    struct outcome got;
    begin(&parser, &got);
    feed(&parser, &got, "id: 1\ndata: a\n\nid: 2\ndata: b", 28);
    ck_assert_str_eq(wf_http_event_id(&parser), "1");
    wf_http_event_parser_restart(&parser);
    feed(&parser, &got,
         "\xef\xbb\xbf"
         "data: c\n\n",
         12);
    ck_assert_str_eq(got.text, "[message|a|1][message|c|1]");
    wf_http_event_parser_destroy(&parser);
}

static void parse_with_faults(void *arg)
{
    struct wf_http_event_parser parser;
    struct outcome got = { .rc = 0 };
    (void)arg;
    wt_fault_on(WT_FAULT_MEMORY);
    got.rc = wf_http_event_parser_init(&parser, ROOM, 0, "0");
    if (got.rc == 0)
        feed(&parser, &got, "id: 1\nevent: e\ndata: a\n\n", 25);
    wt_fault_off();
    ck_assert(got.rc == WEFT_ENOMEM || strcmp(got.text, "[e|a|1]") == 0);
    wf_http_event_parser_destroy(&parser);
}

WT_TEST(without_memory) { ck_assert_uint_gt(wt_fault_run(parse_with_faults, NULL), 4); }
