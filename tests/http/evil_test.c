/* SPDX-License-Identifier: MIT
 * Answers as they come from a server that is slow, wrong or hostile. */
#include "evil.h"
#include "wt_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>

#define OK_HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

/* One request: its code, or that of its body, whose text goes to *out (weft_free). */
static int fetch(const char *url, const weft_http_session_opts *opts,
                 const weft_http_request_opts *request, char **out)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    WEFT_TRY(weft_http_session_open(opts, &session));
    WEFT_TRY(weft_http_get(session, url, request, &response));
    return weft_http_text(response, out);
}

static int fetch_one(const struct evil_reply *reply, const weft_http_session_opts *opts)
{
    struct evil server;
    char *text = NULL;
    evil_start(&server, reply, 1);
    int rc = fetch(server.url, opts, NULL, &text);
    evil_stop(&server);
    ck_assert_int_eq(text != NULL, rc == 0);
    weft_free(text);
    return rc;
}

/* What a server that says this and closes amounts to. */
static int after(const char *bytes)
{
    return fetch_one(&(struct evil_reply){ .bytes = bytes }, NULL);
}

WT_TEST(a_plain_answer)
{
    struct evil server;
    char *text = NULL;
    evil_start(&server, &(struct evil_reply){ .bytes = OK_HELLO, .then = EVIL_KEEP }, 1);
    ck_assert_int_eq(fetch(server.url, NULL, NULL, &text), 0);
    ck_assert_str_eq(text, "hello");
    weft_free(text);
    evil_stop(&server);
    ck_assert_ptr_nonnull(strstr(server.requests, "GET / HTTP/1.1\r\n"));
}

static void truncated_everywhere(const char *bytes, size_t end)
{
    for (size_t size = 1; size < end; size++) {
        int rc = fetch_one(&(struct evil_reply){ .bytes = bytes, .size = size }, NULL);
        ck_assert_msg(rc < 0, "the first %zu bytes were taken for all", size);
    }
}

WT_TEST(a_body_of_known_length_cut_at_every_byte)
{
    static const char bytes[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX: y\r\n\r\nall of it";
    truncated_everywhere(bytes, strlen(bytes));
}

WT_TEST(a_chunked_body_cut_at_every_byte)
{
    static const char bytes[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nall \r\n5\r\nof it\r\n0\r\n\r\n";
    /* libcurl does not miss the very last byte, after which there is nothing to be lost. */
    truncated_everywhere(bytes, strlen(bytes) - 1);
}

WT_TEST(an_incomplete_body_is_an_error_after_what_came)
{
    struct evil server;
    char buf[32];
    evil_start(&server,
               &(struct evil_reply){ .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall" },
               1);
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_AUTO(weft_http_response, response);
        ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
        ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
        ck_assert_int_eq(weft_http_read(response, buf, sizeof(buf)), 3);
        ck_assert_int_eq(weft_http_read(response, buf, sizeof(buf)), WEFT_EEOF);
        ck_assert_int_eq(weft_http_read(response, buf, sizeof(buf)), WEFT_EEOF);
    }
    evil_stop(&server);
}

WT_TEST(lengths_that_contradict_each_other)
{
    ck_assert_int_eq(
        after("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        WEFT_EHTTPPROTO);
    ck_assert_int_eq(after("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
                     WEFT_EHTTPPROTO);
    ck_assert_int_lt(after("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"), 0);
    ck_assert_int_lt(after("HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello"), 0);
    ck_assert_int_lt(after("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhello"),
                     0);
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

WT_TEST(chunks_that_are_none)
{
    ck_assert_int_lt(after(CHUNKED "zz\r\nhello\r\n0\r\n\r\n"), 0);
    ck_assert_int_lt(after(CHUNKED "-5\r\nhello\r\n0\r\n\r\n"), 0);
    ck_assert_int_lt(after(CHUNKED "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 0);
    ck_assert_int_eq(after(CHUNKED "5;name=value\r\nhello\r\n0\r\n\r\n"), 0);
}

WT_TEST(what_is_no_answer)
{
    ck_assert_int_eq(after("hello, this is no HTTP\r\n\r\n"), WEFT_EHTTPPROTO);
    ck_assert_int_lt(after("HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n"), 0);
    ck_assert_int_lt(after("HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n"), 0);
    ck_assert_int_lt(after("HTTP/1.1 200 OK\r\nbad name: x\r\nContent-Length: 0\r\n\r\n"), 0);
    struct evil_reply nul = { .bytes = "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
                              .size = 46 };
    ck_assert_int_lt(fetch_one(&nul, NULL), 0);
    ck_assert_int_eq(after("HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n"), 0);
}

WT_TEST(a_head_without_an_end)
{
    static char reply[600000];
    size_t size = (size_t)snprintf(reply, sizeof(reply), "HTTP/1.1 200 OK\r\n");
    while (size + 7 < sizeof(reply))
        size += (size_t)snprintf(reply + size, sizeof(reply) - size, "X: y\r\n");
    struct evil_reply bomb = { .bytes = reply, .size = size };
    ck_assert_int_eq(fetch_one(&bomb, NULL), WEFT_EHTTPLIMIT);
    struct evil_reply flood = { .bytes = "HTTP/1.1 103 Early Hints\r\n\r\n", .repeat = 1000 };
    ck_assert_int_eq(fetch_one(&flood, NULL), WEFT_EHTTPLIMIT);
}

WT_TEST(interim_answers_come_before_the_final_one)
{
    ck_assert_int_eq(after("HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" OK_HELLO), 0);
}

WT_TEST(a_reset)
{
    struct evil_reply reset = { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall",
                                .then = EVIL_RESET };
    ck_assert_int_lt(fetch_one(&reset, NULL), 0);
}

WT_TEST(a_reset_in_each_state)
{
    const char *const before[] = { "",
                                   "HTTP/1.1 2",
                                   "HTTP/1.1 200 OK\r\nX: y\r\n",
                                   "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
                                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nal",
                                   "HTTP/1.1 200 OK\r\n\r\nas long as it lasts" };
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++)
        ck_assert_int_lt(
            fetch_one(&(struct evil_reply){ .bytes = before[i], .then = EVIL_RESET }, NULL), 0);
}

WEFT_GENERATOR(endless, weft_rx(weft_http_chunk))
{
    static const char block[4096];
    for (;;)
        WEFT_TRY(weft_yield((weft_http_chunk){ block, sizeof(block) }));
}

static int upload(const char *url, const weft_http_session_opts *opts)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    WEFT_RX(weft_http_chunk, body);
    WEFT_TRY(endless(&body));
    WEFT_TRY(weft_http_session_open(opts, &session));
    return weft_http_request(session, "PUT", url,
                             WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(body)), &response);
}

WT_TEST(a_reset_while_a_body_is_sent)
{
    struct evil server;
    evil_start(&server,
               &(struct evil_reply){ .bytes = "", .then = EVIL_RESET, .request_body = 10000 }, 1);
    ck_assert_int_lt(upload(server.url, NULL), 0);
    evil_stop(&server);
}

/* ---- time -------------------------------------------------------------------------------------------- */

WT_TEST(each_limit_of_time_has_a_code_of_its_own)
{
    struct evil_reply silent = { .bytes = "\r\n", .size = 0, .then = EVIL_HOLD };
    struct evil_reply stuck = { .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall",
                                .then = EVIL_HOLD };
    weft_http_session_opts opts = { .timeouts.first_byte_ns = WEFT_MS(20) };
    silent.bytes = "H"; /* not even a line */
    ck_assert_int_eq(fetch_one(&silent, &opts), WEFT_EHTTPFIRST);
    opts = (weft_http_session_opts){ .timeouts.idle_ns = WEFT_MS(20) };
    ck_assert_int_eq(fetch_one(&stuck, &opts), WEFT_EHTTPIDLE);
    opts = (weft_http_session_opts){ .timeouts.total_ns = WEFT_MS(20) };
    ck_assert_int_eq(fetch_one(&stuck, &opts), WEFT_EHTTPTOTAL);
}

/* It connects by itself, as the queue of a server that does nothing. */
WT_TEST(a_server_that_does_not_take_the_body)
{
    struct evil server;
    evil_start(&server, NULL, 0);
    const weft_http_session_opts opts = { .timeouts.first_byte_ns = WEFT_MS(20) };
    ck_assert_int_eq(upload(server.url, &opts), WEFT_EHTTPFIRST);
    evil_stop(&server);
}

/* Each byte begins the idle time anew: only the total ends it. */
WT_TEST(an_answer_that_goes_on_for_ever)
{
    struct evil_reply head = { .bytes = "HTTP/1.1 200 OK\r\nX: y\r\n\r\n", .repeat = 1u << 31 };
    const weft_http_session_opts opts = { .timeouts.total_ns = WEFT_MS(50),
                                          .timeouts.idle_ns = -1 };
    ck_assert_int_eq(fetch_one(&head, &opts), WEFT_EHTTPTOTAL);
}

static int fetch_with_deadline(const char *url)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    WEFT_SCOPE(scope, .timeout_ns = WEFT_MS(20));
    weft_http_response *response = NULL;
    int rc = weft_http_get(session, url, NULL, &response);
    ck_assert_int_eq(rc, WEFT_ECANCELED);
    return weft_scope_wait_with(&scope, rc);
}

static int fetch_in_task(void *url) { return fetch_with_deadline(url); }

WT_TEST(a_deadline_ends_a_request_in_a_task_and_in_a_thread)
{
    struct evil_reply silent[] = { { .bytes = "H", .then = EVIL_HOLD },
                                   { .bytes = "H", .then = EVIL_HOLD } };
    struct evil server;
    evil_start(&server, silent, 2);
    ck_assert_int_eq(fetch_with_deadline(server.url), WEFT_ETIMEDOUT);
    ck_assert_int_eq(weft_run(fetch_in_task, server.url), WEFT_ETIMEDOUT);
    evil_stop(&server);
}

/* ---- packed bodies ------------------------------------------------------------------------------------ */

struct packed {
    char bytes[16384];
    size_t n_bits;
};

static void put_bits(struct packed *to, unsigned code, unsigned n)
{
    for (; n > 0; n--, to->n_bits++)
        if (code >> (n - 1) & 1)
            to->bytes[to->n_bits / 8] |= (char)(1u << to->n_bits % 8);
}

/* A head, and after it 1 + 258 * n_matches bytes of 0, deflated 150-fold. */
static size_t pack_zeros(struct packed *to, const char *head, unsigned n_matches)
{
    unsigned long sum = (1 + 258ul * n_matches) % 65521 << 16 | 1;
    memset(to, 0, sizeof(*to));
    to->n_bits = 8 * (size_t)snprintf(to->bytes, sizeof(to->bytes), "%s\x78\x01", head);
    put_bits(to, 6, 3);    /* the last block, of the fixed code */
    put_bits(to, 0x30, 8); /* a 0 */
    for (unsigned i = 0; i < n_matches; i++)
        put_bits(to, 0xc5 << 5, 13); /* 258 of the byte before */
    put_bits(to, 0, 7);
    to->n_bits = (to->n_bits + 7) / 8 * 8;
    for (int i = 3; i >= 0; i--, to->n_bits += 8)
        to->bytes[to->n_bits / 8] = (char)(sum >> 8 * i);
    ck_assert_uint_lt(to->n_bits / 8, sizeof(to->bytes));
    return to->n_bits / 8;
}

/* The code, or the size of what was unpacked. */
static int64_t unpack(const char *head, unsigned n_matches)
{
    struct packed packed;
    struct evil server;
    int64_t n, sum = 0;
    static char buf[65536];
    struct evil_reply reply = { .bytes = packed.bytes };
    reply.size = pack_zeros(&packed, head, n_matches);
    evil_start(&server, &reply, 1);
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_AUTO(weft_http_response, response);
        ck_assert_int_eq(weft_http_session_open(
                             WEFT_OPTS(http_session, .timeouts.total_ns = WEFT_SEC(5)), &session),
                         0);
        ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
        while ((n = weft_http_read(response, buf, sizeof(buf))) > 0)
            sum += n;
    }
    evil_stop(&server);
    return n < 0 ? n : sum;
}

WT_TEST(a_body_that_unpacks_to_far_more_than_came)
{
    const char *const heads[] = {
        "HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Encoding: identity\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: deflate\r\n\r\n",
    };
    ck_assert_int_eq(unpack("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n"
                            "Content-Length: 1634\r\n\r\n",
                            1000),
                     258001);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
        ck_assert_int_eq(unpack(heads[i], 6000), WEFT_EHTTPLIMIT);
}

/* The last block of it is refused while a pause ends, when libcurl does not end the transfer. */
WT_TEST(a_block_that_is_refused_is_not_left_out)
{
    const char *head = "HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n";
    ck_assert_int_eq(unpack(head, (1 << 20) / 258 + 1), WEFT_EHTTPLIMIT);
}

WT_TEST(a_packed_body_that_is_said_not_to_be)
{
    ck_assert_int_eq(unpack("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n"
                            "Content-Encoding: identity\r\nContent-Length: 22\r\n\r\n",
                            8),
                     1 + 8 * 258);
}

/* With a length it is missed, whatever is in it. */
WT_TEST(a_packed_body_of_known_length_cut_at_every_byte)
{
    struct packed packed;
    const char *head = "HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 22\r\n\r\n";
    size_t size = pack_zeros(&packed, head, 8);
    ck_assert_uint_eq(size, strlen(head) + 22);
    truncated_everywhere(packed.bytes, size);
}

/* ---- a packing that is cut, in a framing that is right ------------------------------------------------ */

struct gzip {
    unsigned char bytes[128];
    size_t size;
};

static uint32_t crc_of(const char *text, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned char)text[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void put_number(struct gzip *to, uint32_t number, int n_bytes)
{
    for (; n_bytes > 0; n_bytes--, number >>= 8)
        to->bytes[to->size++] = (unsigned char)number;
}

/* RFC 1952, of one block that is stored as it is. */
static struct gzip pack_text(const char *text)
{
    static const unsigned char head[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1 };
    struct gzip packed = { .size = sizeof(head) };
    uint32_t size = (uint32_t)strlen(text);
    memcpy(packed.bytes, head, sizeof(head));
    put_number(&packed, size, 2);
    put_number(&packed, ~size, 2);
    memcpy(packed.bytes + packed.size, text, size);
    packed.size += size;
    put_number(&packed, crc_of(text, size), 4);
    put_number(&packed, size, 4);
    return packed;
}

#define GZIPPED "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"

static size_t put_text(char *to, size_t at, const char *text)
{
    memcpy(to + at, text, strlen(text));
    return at + strlen(text);
}

/* The first size bytes of it, and nothing says that there is more; in chunks of so many, or 0. */
static int fetch_packed(const struct gzip *packed, size_t size, size_t chunk)
{
    char bytes[2048], line[80];
    size_t end = put_text(bytes, 0, GZIPPED), n;
    (void)snprintf(line, sizeof(line), "Content-Length: %zu\r\n\r\n", size);
    end = put_text(bytes, end, chunk > 0 ? "Transfer-Encoding: chunked\r\n\r\n" : line);
    for (size_t at = 0; at < size; at += n) {
        n = chunk > 0 && chunk < size - at ? chunk : size - at;
        (void)snprintf(line, sizeof(line), "0%zX;a=\"b\"\r\n", n);
        end = put_text(bytes, end, chunk > 0 ? line : "");
        memcpy(bytes + end, packed->bytes + at, n);
        end = put_text(bytes, end + n, chunk > 0 ? "\r\n" : "");
    }
    end = put_text(bytes, end, chunk > 0 ? "0\r\nA: b\r\n\r\n" : "");
    ck_assert_uint_lt(end, sizeof(bytes));
    return fetch_one(&(struct evil_reply){ .bytes = bytes, .size = end }, NULL);
}

WT_TEST(a_gzip_that_is_cut_in_a_framing_that_is_right)
{
    static const size_t chunks[] = { 0, 1, 3, 100 };
    struct gzip packed = pack_text("hello, and more");
    for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        ck_assert_int_eq(fetch_packed(&packed, packed.size, chunks[i]), 0);
        ck_assert_int_eq(fetch_packed(&packed, 0, chunks[i]), 0); /* no body at all */
        for (size_t size = 1; size < packed.size; size++)
            ck_assert_msg(fetch_packed(&packed, size, chunks[i]) == WEFT_EEOF,
                          "the first %zu bytes, in chunks of %zu", size, chunks[i]);
    }
}

/* What follows a body of known length is none of it. */
WT_TEST(bytes_behind_a_gzip_are_none_of_it)
{
    struct gzip packed = pack_text("hello");
    char bytes[256], head[128];
    (void)snprintf(head, sizeof(head), GZIPPED "Content-Length: %zu\r\n\r\n", packed.size);
    size_t end = put_text(bytes, 0, head);
    memcpy(bytes + end, packed.bytes, packed.size);
    end = put_text(bytes, end + packed.size, "\r\nand more");
    ck_assert_int_eq(fetch_one(&(struct evil_reply){ .bytes = bytes, .size = end }, NULL), 0);
}

/* It is a part of a packing: nobody can say that it is cut. */
WT_TEST(a_part_of_a_page_that_is_packed_is_not_judged)
{
    struct gzip packed = pack_text("hello");
    char bytes[256];
    size_t end = put_text(bytes, 0,
                          "HTTP/1.1 206 Part\r\nContent-Range: bytes 0-16/24\r\n"
                          "Content-Encoding: gzip\r\nContent-Length: 17\r\n\r\n");
    memcpy(bytes + end, packed.bytes, 17);
    ck_assert_int_eq(fetch_one(&(struct evil_reply){ .bytes = bytes, .size = end + 17 }, NULL), 0);
}

WT_MAIN("http_evil")
