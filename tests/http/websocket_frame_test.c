/* SPDX-License-Identifier: MIT
 * Frames of a WebSocket out of bytes and into them; the proof that a server speaks it. */
#include "wt_test.h"

#include "http/websocket_frame.h"
#include "http/websocket_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>

enum { LIMIT = 300 };

struct outcome {
    char text[2048]; /* opcode:data; for each */
    size_t size;
    int rc, close_code;
};

static void note(struct outcome *to, const struct wf_frame_parser *parser, int what)
{
    bool is_control = what >= WF_FRAME_CLOSE;
    const char *data = is_control ? parser->control : parser->data;
    size_t n = is_control ? parser->n_control : parser->size;
    ck_assert_int_eq(data[n], 0);
    to->size += (size_t)snprintf(to->text + to->size, sizeof(to->text) - to->size, "%d:", what);
    ck_assert_uint_lt(to->size + n + 2, sizeof(to->text));
    for (size_t i = 0; i < n; i++)
        to->text[to->size++] = data[i] != '\0' ? data[i] : '.';
    to->text[to->size++] = ';';
    to->text[to->size] = '\0';
}

static void feed(struct wf_frame_parser *parser, struct outcome *to, const char *bytes, size_t size)
{
    size_t n;
    char *copy = malloc(size + 1); /* of just that size: a read past its end is seen */
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, size);
    for (size_t at = 0; at < size && to->rc >= 0; at += n) {
        to->rc = wf_frame_parse(parser, copy + at, size - at, &n);
        ck_assert(n > 0);
        if (to->rc > 0)
            note(to, parser, to->rc);
        if (to->rc < 0 || to->rc == WF_FRAME_CLOSE)
            to->close_code = parser->close_code;
    }
    free(copy);
}

static void parse_split(const char *bytes, size_t size, size_t at, struct outcome *to)
{
    struct wf_frame_parser parser;
    *to = (struct outcome){ .rc = 0 };
    wf_frame_parser_init(&parser, LIMIT);
    feed(&parser, to, bytes, at);
    feed(&parser, to, bytes + at, to->rc < 0 ? 0 : size - at);
    wf_frame_parser_destroy(&parser);
}

static void parse_in_random_pieces(const char *bytes, size_t size, struct outcome *to)
{
    struct wf_frame_parser parser;
    *to = (struct outcome){ .rc = 0 };
    wf_frame_parser_init(&parser, LIMIT);
    for (size_t at = 0; at < size && to->rc >= 0;) {
        size_t n = 1 + (size_t)wt_random_below(7);
        n = n < size - at ? n : size - at;
        feed(&parser, to, bytes + at, n);
        at += n;
    }
    wf_frame_parser_destroy(&parser);
}

struct example {
    const char *bytes;
    size_t size;
    const char *messages;
    int rc, close_code;
};

#define BYTES(text) text, sizeof(text) - 1

static const struct example corpus[] = {
    { BYTES("\x81\x05"
            "Hello"),
      "1:Hello;", 0, 0 },
    { BYTES("\x82\x02"
            "\0\xff"),
      "2:.\xff;", 0, 0 },
    { BYTES("\x81\x00"), "1:;", 0, 0 },
    { BYTES("\x01\x03"
            "Hel"
            "\x80\x02"
            "lo"),
      "1:Hello;", 0, 0 },
    { BYTES("\x01\x01"
            "a"
            "\x89\x01"
            "p"
            "\x00\x01"
            "b"
            "\x8a\x00"
            "\x80\x00"),
      "9:p;10:;1:ab;", 0, 0 },
    { BYTES("\x89\x05"
            "Hello"
            "\x82\x01"
            "x"),
      "9:Hello;2:x;", 0, 0 },
    { BYTES("\x01\x01\xc3\x80\x01\xa9"), "1:\xc3\xa9;", 0, 0 },
    { BYTES("\x88\x00"), "8:;", 0, 1005 },
    { BYTES("\x88\x02\x03\xe8"), "8:\x03\xe8;", 0, 1000 },
    { BYTES("\x88\x05\x0b\xb8"
            "bye"),
      "8:\x0b\xb8"
      "bye;",
      0, 3000 },
    /* what breaks the rules */
    { BYTES("\x91\x00"), "", WEFT_EHTTPPROTO, 1002 }, /* reserved bits */
    { BYTES("\xa1\x00"), "", WEFT_EHTTPPROTO, 1002 },
    { BYTES("\xc1\x00"), "", WEFT_EHTTPPROTO, 1002 },
    { BYTES("\x83\x00"), "", WEFT_EHTTPPROTO, 1002 }, /* opcodes of nobody's */
    { BYTES("\x87\x00"), "", WEFT_EHTTPPROTO, 1002 },
    { BYTES("\x8b\x00"), "", WEFT_EHTTPPROTO, 1002 },
    { BYTES("\x8f\x00"), "", WEFT_EHTTPPROTO, 1002 },
    { BYTES("\x81\x81\1\2\3\4x"), "", WEFT_EHTTPPROTO, 1002 }, /* masked by a server */
    { BYTES("\x80\x00"), "", WEFT_EHTTPPROTO, 1002 },          /* goes on with nothing */
    { BYTES("\x01\x00\x81\x00"), "", WEFT_EHTTPPROTO, 1002 },  /* a message in another */
    { BYTES("\x09\x00"), "", WEFT_EHTTPPROTO, 1002 },          /* control frames in pieces */
    { BYTES("\x08\x00"), "", WEFT_EHTTPPROTO, 1002 },
    { BYTES("\x89\x7e\x00\x7e"), "", WEFT_EHTTPPROTO, 1002 }, /* or too long */
    { BYTES("\x82\x7e\x00\x7d"), "", WEFT_EHTTPPROTO, 1002 }, /* lengths longer than need be */
    { BYTES("\x82\x7f\0\0\0\0\0\0\xff\xff"), "", WEFT_EHTTPPROTO, 1002 },
    { BYTES("\x82\x7f\x80\0\0\0\0\0\0\0"), "", WEFT_EHTTPPROTO, 1002 }, /* or none */
    { BYTES("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"), "", WEFT_EHTTPLIMIT, 1009 },
    { BYTES("\x82\x7e\x01\x2d"), "", WEFT_EHTTPLIMIT, 1009 },
    { BYTES("\x02\x01"
            "x"
            "\x80\x7e\x01\x2c"),
      "", WEFT_EHTTPLIMIT, 1009 },
    { BYTES("\x88\x01\x03"), "", WEFT_EHTTPPROTO, 1002 },
    { BYTES("\x88\x02\x03\xed"), "", WEFT_EHTTPPROTO, 1002 }, /* 1005 */
    { BYTES("\x88\x02\x03\xee"), "", WEFT_EHTTPPROTO, 1002 }, /* 1006 */
    { BYTES("\x88\x02\x00\x00"), "", WEFT_EHTTPPROTO, 1002 },
    { BYTES("\x88\x02\x07\xd0"), "", WEFT_EHTTPPROTO, 1002 }, /* 2000 */
    { BYTES("\x88\x02\x13\x88"), "", WEFT_EHTTPPROTO, 1002 }, /* 5000 */
    { BYTES("\x88\x03\x03\xe8\xff"), "", WEFT_EHTTPPROTO, 1007 },
    { BYTES("\x81\x01\xff"), "", WEFT_EHTTPPROTO, 1007 },
    { BYTES("\x01\x01\xc3\x80\x01"
            "x"),
      "", WEFT_EHTTPPROTO, 1007 },
    { BYTES("\x82\x01"
            "a"
            "\x81\x01\xff"),
      "2:a;", WEFT_EHTTPPROTO, 1007 },
};

static void check(const struct example *example, const struct outcome *got)
{
    size_t i = (size_t)(example - corpus);
    ck_assert_msg(strcmp(got->text, example->messages) == 0, "%zu: %s", i, got->text);
    ck_assert_msg((got->rc < 0 ? got->rc : 0) == example->rc, "%zu: %d", i, got->rc);
    ck_assert_msg(got->close_code == example->close_code, "%zu: %d", i, got->close_code);
}

WT_TEST(frames_split_at_every_byte)
{
    struct outcome got;
    for (size_t i = 0; i < sizeof(corpus) / sizeof(corpus[0]); i++)
        for (size_t at = 0; at <= corpus[i].size; at++) {
            parse_split(corpus[i].bytes, corpus[i].size, at, &got);
            check(&corpus[i], &got);
        }
}

WT_TEST(frames_in_random_pieces)
{
    struct outcome got;
    for (unsigned round = 0; round < wt_scaled(300); round++) {
        const struct example *example =
            &corpus[wt_random_below(sizeof(corpus) / sizeof(corpus[0]))];
        parse_in_random_pieces(example->bytes, example->size, &got);
        check(example, &got);
    }
}

/* Heads that are mostly right, and bytes after them: no more than the limit is ever kept. */
WT_TEST(random_bytes_mean_the_same_in_random_pieces)
{
    static const unsigned char heads[] = { 0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x88 };
    for (unsigned round = 0; round < wt_scaled(2000); round++) {
        char bytes[400];
        struct outcome whole, pieces;
        size_t size = 0;
        while (size + 12 < sizeof(bytes) && wt_random_below(10) > 0) {
            size_t n = (size_t)wt_random_below(8);
            bytes[size++] = (char)heads[wt_random_below(sizeof(heads))];
            bytes[size++] = (char)(wt_random_below(30) == 0 ? wt_random_below(256) : n);
            for (; n > 0; n--)
                bytes[size++] = (char)wt_random_below(200);
        }
        parse_split(bytes, size, 0, &whole);
        parse_in_random_pieces(bytes, size, &pieces);
        ck_assert_str_eq(whole.text, pieces.text);
        ck_assert_int_eq(whole.rc < 0 ? whole.rc : 0, pieces.rc < 0 ? pieces.rc : 0);
        ck_assert_int_eq(whole.close_code, pieces.close_code);
    }
}

WT_TEST(lengths_at_their_limits)
{
    static char data[70000], frame[70000 + WF_FRAME_HEAD_MOST];
    static const size_t sizes[] = { 0, 1, 125, 126, 127, 65535, 65536, 69999 };
    static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct wf_frame_parser parser;
        size_t n = sizes[i], taken;
        memset(data, 'x', n);
        size_t size = wf_frame_write(frame, WF_FRAME_BINARY, true, mask, data, n);
        size_t head = n < 126 ? 2 : n < 65536 ? 4 : 10;
        ck_assert_uint_eq(size, head + 4 + n);
        ck_assert_int_eq(frame[1] & 0x80, 0x80);
        bool is_masked = true;
        for (size_t at = 0; at < n; at++)
            is_masked &= (unsigned char)frame[head + 4 + at] == ('x' ^ mask[at % 4]);
        ck_assert(is_masked);
        /* as a server would send it */
        frame[1] &= 0x7f;
        memmove(frame + head, data, n);
        wf_frame_parser_init(&parser, n);
        ck_assert_int_eq(wf_frame_parse(&parser, frame, head + n, &taken), WF_FRAME_BINARY);
        ck_assert_uint_eq(taken, head + n);
        ck_assert_uint_eq(parser.size, n);
        wf_frame_parser_destroy(&parser);
    }
    ck_assert_uint_eq(wf_frame_write(frame, WF_FRAME_TEXT, true, mask, "Hello", 5), 11);
    ck_assert_mem_eq(frame, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
}

WT_TEST(text_is_utf8)
{
    static const char *const good[] = { "",
                                        "a",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "a\xc3\xa9z" };
    static const char *const bad[] = { "\x80",
                                       "\xbf",
                                       "\xc0\x80",
                                       "\xc1\xbf",
                                       "\xc2",
                                       "\xc2\x61",
                                       "\xe0\x9f\xbf",
                                       "\xe1\x80",
                                       "\xed\xa0\x80",
                                       "\xed\xbf\xbf",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xf8\x88\x80\x80\x80",
                                       "\xff",
                                       "abc\xf0\x90\x80" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(wf_is_utf8(good[i], strlen(good[i])), "%zu", i);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!wf_is_utf8(bad[i], strlen(bad[i])), "%zu", i);
    ck_assert(wf_is_utf8("\0", 1));
}

WT_TEST(the_proof_that_a_server_speaks_it)
{
    char accept_line[WF_WEBSOCKET_ACCEPT], key[WF_WEBSOCKET_KEY];
    wf_websocket_accept("dGhlIHNhbXBsZSBub25jZQ==", accept_line);
    ck_assert_str_eq(accept_line, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    wf_websocket_key((const unsigned char *)"the sample nonce", key);
    ck_assert_str_eq(key, "dGhlIHNhbXBsZSBub25jZQ==");
}

static void parse_with_faults(void *arg)
{
    struct wf_frame_parser parser;
    struct outcome got = { .rc = 0 };
    (void)arg;
    wf_frame_parser_init(&parser, LIMIT);
    wt_fault_on(WT_FAULT_MEMORY);
    feed(&parser, &got,
         "\x01\x03"
         "Hel"
         "\x80\x02"
         "lo",
         9);
    wt_fault_off();
    ck_assert(got.rc == WEFT_ENOMEM || strcmp(got.text, "1:Hello;") == 0);
    wf_frame_parser_destroy(&parser);
}

WT_TEST(frames_without_memory) { ck_assert_uint_gt(wt_fault_run(parse_with_faults, NULL), 2); }
