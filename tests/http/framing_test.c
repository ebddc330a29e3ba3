/* SPDX-License-Identifier: MIT
 * Where a body ends, and what it is packed in, as servers may say it wrongly; what is cut is never whole. */
#include "evil.h"
#include "wt_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>

static int read_text(weft_http_session *session, const char *url, char **out_text)
{
    WEFT_AUTO(weft_http_response, response);
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    return weft_http_text(response, out_text);
}

/* What a server amounts to that says these bytes and closes; *out_text is weft_free's. */
static int after_bytes(const char *bytes, size_t size, char **out_text)
{
    struct evil server;
    weft_http_session *session = NULL;
    struct evil_reply reply = { .bytes = bytes, .size = size };
    *out_text = NULL;
    ck_assert_int_eq(weft_http_session_open(
                         WEFT_OPTS(http_session, .timeouts.total_ns = WEFT_SEC(20)), &session),
                     0);
    evil_start(&server, &reply, 1);
    int rc = read_text(session, server.url, out_text);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    return rc;
}

static int after(const char *bytes)
{
    char *text;
    int rc = after_bytes(bytes, strlen(bytes), &text);
    weft_free(text);
    return rc;
}

/* Whether it is taken for this text. */
static bool is_taken_for(const char *bytes, const char *expected)
{
    char *text;
    int rc = after_bytes(bytes, strlen(bytes), &text);
    bool is_taken = rc == 0 && strcmp(text, expected) == 0;
    weft_free(text);
    return is_taken;
}

/* ---- lengths ----------------------------------------------------------------------------------------- */

#define OK "HTTP/1.1 200 OK\r\n"

WT_TEST(lengths_that_are_none)
{
    const char *const lengths[] = { "",     "+5",   "0x5",  "5 5", "5;x",
                                    "5, 5", "5.0",  "five", "-0",  "9223372036854775808",
                                    "1e3",  "5\t5", "٥",    ",5",  "18446744073709551621" };
    char bytes[160];
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        (void)snprintf(bytes, sizeof(bytes), OK "Content-Length: %s\r\n\r\nhello", lengths[i]);
        ck_assert_msg(after(bytes) < 0, "a length of %s", lengths[i]);
    }
    ck_assert(is_taken_for(OK "Content-Length:  5 \r\n\r\nhello", "hello"));
    ck_assert(is_taken_for(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "hello"));
    ck_assert(is_taken_for(OK "Content-Length: 5\r\n\r\nhello and more", "hello"));
}

WT_TEST(lengths_beside_codings)
{
    const char *const heads[] = {
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: gzip, chunked\r\nContent-Length: 5\r\n",
        "transfer-encoding:\tchunked\r\ncontent-length: 5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    };
    char bytes[256];
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        (void)snprintf(bytes, sizeof(bytes), OK "%s\r\n5\r\nhello\r\n0\r\n\r\n", heads[i]);
        ck_assert_int_eq(after(bytes), WEFT_EHTTPPROTO);
    }
}

/* ---- chunks ------------------------------------------------------------------------------------------ */

#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

WT_TEST(chunks_that_are_not_as_they_should_be)
{
    const char *const chunks[] = {
        "8000000000000005\r\nhello\r\n0\r\n\r\n",
        "7fffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "0000000000000000000000005\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        " \r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "x5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "7\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\r\n",
        "5",
    };
    char bytes[160];
    for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
        (void)snprintf(bytes, sizeof(bytes), CHUNKED "%s", chunks[i]);
        ck_assert_msg(after(bytes) < 0, "chunks: %s", chunks[i]);
    }
    ck_assert(is_taken_for(CHUNKED "5\r\nhello\r\n0\r\nX: y\r\n\r\n", "hello"));
    ck_assert(is_taken_for(CHUNKED "00005;a=b;c=\"d\"\r\nhello\r\n0;e\r\n\r\n", "hello"));
    /* Bare line feeds: a text that is the right one, or none. */
    char *text;
    const char *bare = CHUNKED "5\nhello\n0\n\n";
    int rc = after_bytes(bare, strlen(bare), &text);
    ck_assert(rc < 0 || strcmp(text, "hello") == 0);
    weft_free(text);
}

/* Of a head, of fields after the body, and of a chunk's extensions. What they are called depends on libcurl,
 * which keeps 100 KiB of a line. */
WT_TEST(lines_without_an_end)
{
    static char bytes[3 << 20];
    const char *const beginnings[] = { "HTTP/1.1 200 ", OK "X: ", OK "X",
                                       CHUNKED "5\r\nhello\r\n0\r\nX: ", CHUNKED "5;" };
    char *text;
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        memset(bytes, 'x', sizeof(bytes));
        memcpy(bytes, beginnings[i], strlen(beginnings[i]));
        int rc = after_bytes(bytes, sizeof(bytes), &text);
        ck_assert_msg(rc < 0, "%zu: %d", i, rc);
        weft_free(text);
    }
}

WT_TEST(more_fields_after_the_body_than_there_may_be)
{
    static char bytes[20000];
    size_t size = (size_t)snprintf(bytes, sizeof(bytes), CHUNKED "5\r\nhello\r\n0\r\n");
    char *text;
    for (int i = 0; i < 1000; i++)
        size += (size_t)snprintf(bytes + size, sizeof(bytes) - size, "X: y\r\n");
    size += (size_t)snprintf(bytes + size, sizeof(bytes) - size, "\r\n");
    ck_assert_int_eq(after_bytes(bytes, size, &text), WEFT_EHTTPLIMIT);
}

/* ---- cut --------------------------------------------------------------------------------------------- */

/* The first `size` bytes of it, for each size from first on: only those of all of it may be taken. */
static void cut_everywhere(const char *bytes, size_t size, size_t first, size_t end)
{
    static struct evil_reply replies[3000];
    struct evil server;
    weft_http_session *session = NULL;
    char *text = NULL;
    size_t step = wt_scaled(8) >= 8 ? 1 : 7, n = 0;
    ck_assert_uint_le(size, sizeof(replies) / sizeof(replies[0]));
    for (size_t i = first; i < end; i += step)
        replies[n++] = (struct evil_reply){ .bytes = bytes, .size = i };
    evil_start(&server, replies, n);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    for (size_t i = 0; i < n; i++) {
        int rc = read_text(session, server.url, &text);
        ck_assert_msg(rc < 0, "the first %zu of %zu bytes were taken for all", replies[i].size,
                      size);
    }
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
}

WT_TEST(a_long_answer_cut_at_every_byte)
{
    static char bytes[2100];
    size_t size = (size_t)snprintf(bytes, sizeof(bytes),
                                   OK "X: y\r\n folded\r\n"
                                      "Transfer-Encoding: chunked\r\n\r\n");
    for (unsigned n = 1; size < 1900; n = n * 7 % 251) {
        size += (size_t)snprintf(bytes + size, sizeof(bytes) - size, "%x;n=%u\r\n", n % 97 + 1, n);
        memset(bytes + size, 'x', n % 97 + 1);
        size += n % 97 + 1;
        size += (size_t)snprintf(bytes + size, sizeof(bytes) - size, "\r\n");
    }
    size += (size_t)snprintf(bytes + size, sizeof(bytes) - size, "0\r\nX: y\r\n\r\n");
    cut_everywhere(bytes, size, 1, size - 1); /* the very last byte is not missed by libcurl */
    char *text;
    ck_assert_int_eq(after_bytes(bytes, size, &text), 0);
    weft_free(text);
}

/* ---- packed ------------------------------------------------------------------------------------------ */

static const char plain[] = "all of it, and all of it again, and all of it once more";
static const char gzip[54] =
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x4b\xcc\xc9\x51\xc8\x4f\x53\xc8\x2c\xd1\x51\x48\xcc\x4b"
    "\x51\x48\x84\x71\x15\x12\xd3\x13\x33\xf3\xd0\x05\xf3\xf3\x92\x53\x15\x72\xf3\x8b\x52\x01\x9d\xad"
    "\xfc\xe4\x37\x00\x00\x00";
static const char zlib[42] =
    "\x78\xda\x4b\xcc\xc9\x51\xc8\x4f\x53\xc8\x2c\xd1\x51\x48\xcc\x4b\x51\x48\x84\x71\x15\x12\xd3\x13"
    "\x33\xf3\xd0\x05\xf3\xf3\x92\x53\x15\x72\xf3\x8b\x52\x01\xfc\x4e\x12\x78";

static size_t join(char *to, const char *head, const char *body, size_t size, const char *tail)
{
    size_t at = strlen(head);
    memcpy(to, head, at);
    memcpy(to + at, body, size);
    memcpy(to + at + size, tail, strlen(tail));
    return at + size + strlen(tail);
}

struct packing {
    const char *head, *body;
    size_t size;
    const char *tail;
};

static const struct packing packings[] = {
    { OK "Content-Encoding: gzip\r\nContent-Length: 54\r\n\r\n", gzip, sizeof(gzip), "" },
    { OK "Content-Encoding: x-gzip\r\nContent-Length: 54\r\nConnection: close\r\n\r\n", gzip,
      sizeof(gzip), "" },
    { OK "Content-Encoding: deflate\r\nContent-Length: 42\r\n\r\n", zlib, sizeof(zlib), "" },
    { OK "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n36\r\n", gzip, sizeof(gzip),
      "\r\n0\r\n\r\n" },
    { OK "Transfer-Encoding: gzip, chunked\r\n\r\n36\r\n", gzip, sizeof(gzip), "\r\n0\r\n\r\n" },
};

WT_TEST(a_packed_body_that_tells_its_end_cut_at_every_byte)
{
    char bytes[256], *text;
    for (size_t i = 0; i < sizeof(packings) / sizeof(packings[0]); i++) {
        const struct packing *packing = &packings[i];
        size_t size = join(bytes, packing->head, packing->body, packing->size, packing->tail);
        ck_assert_int_eq(after_bytes(bytes, size, &text), 0);
        ck_assert_str_eq(text, plain);
        weft_free(text);
        cut_everywhere(bytes, size, strlen(packing->head), size - (*packing->tail != '\0'));
    }
}

/* Nobody can know whether it is all of it: it is given, and then an error. */
WT_TEST(a_packed_body_that_does_not_tell_its_end)
{
    const char *const heads[] = { OK "Content-Encoding: gzip\r\n\r\n",
                                  "HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
                                  OK "Transfer-Encoding: gzip\r\n\r\n",
                                  OK "Transfer-Encoding: chunked, gzip\r\n\r\n" };
    char bytes[256];
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        size_t size = join(bytes, heads[i], gzip, sizeof(gzip), "");
        cut_everywhere(bytes, size, strlen(heads[i]), size + 1);
    }
    struct evil server;
    char buf[128];
    size_t size = join(bytes, heads[0], gzip, sizeof(gzip), ""), n_read = 0;
    int64_t n;
    evil_start(&server, &(struct evil_reply){ .bytes = bytes, .size = size }, 1);
    {
        WEFT_AUTO(weft_http_session, session);
        WEFT_AUTO(weft_http_response, response);
        ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
        ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
        while ((n = weft_http_read(response, buf + n_read, sizeof(buf) - n_read)) > 0)
            n_read += (size_t)n;
    }
    evil_stop(&server);
    ck_assert_int_eq(n, WEFT_EEOF);
    ck_assert_uint_eq(n_read, strlen(plain));
    ck_assert_mem_eq(buf, plain, n_read);
}

/* One that is not packed at all ends with its connection, as it always did. */
WT_TEST(a_plain_body_that_does_not_tell_its_end)
{
    ck_assert(is_taken_for(OK "\r\nhello", "hello"));
    ck_assert(is_taken_for("HTTP/1.0 200 OK\r\nContent-Encoding: identity\r\n\r\nhello", "hello"));
    ck_assert(is_taken_for(OK "Content-Encoding: none\r\n\r\nhello", "hello"));
}

WT_TEST(packings_that_are_none)
{
    static const char *const heads[] = {
        OK "Content-Encoding: gzip\r\nContent-Length: 54\r\n\r\n",
        OK "Content-Encoding: deflate\r\nContent-Length: 54\r\n\r\n",
        OK "Content-Encoding: br\r\nContent-Length: 54\r\n\r\n",
        OK "Content-Encoding: zstd\r\nContent-Length: 54\r\n\r\n",
        OK "Content-Encoding: gzip, gzip\r\nContent-Length: 54\r\n\r\n",
        OK "Content-Encoding: gzip,gzip,gzip,gzip,gzip,gzip,gzip\r\nContent-Length: 54\r\n\r\n",
        OK "Content-Encoding: unheard-of\r\nContent-Length: 54\r\n\r\n",
    };
    char bytes[256], wrong[sizeof(gzip)], *text;
    memcpy(wrong, gzip, sizeof(gzip));
    wrong[20] ^= 16; /* its checksum is another, or it is no gzip any more */
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        size_t size = join(bytes, heads[i], wrong, sizeof(wrong), "");
        ck_assert_int_eq(after_bytes(bytes, size, &text), WEFT_EHTTPPROTO);
    }
    size_t size = join(bytes, OK "Content-Encoding: gzip\r\nContent-Length: 60\r\n\r\n", gzip,
                       sizeof(gzip), "andany");
    ck_assert_int_eq(after_bytes(bytes, size, &text), WEFT_EHTTPPROTO);
}

/* ---- redirects --------------------------------------------------------------------------------------- */

WT_TEST(redirects_that_lead_nowhere)
{
    const char *const places[] = {
        "file:///etc/passwd",      "ftp://127.0.0.1/", "javascript:alert(1)",
        "gopher://127.0.0.1",      "http://",          "https:/x y",
        "http://127.0.0.1:99999/", "http://[::1",      "dict://127.0.0.1:1/",
        "scp://127.0.0.1/x",       "http://a b/",      "smb://127.0.0.1/x"
    };
    char bytes[160];
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        (void)snprintf(bytes, sizeof(bytes),
                       "HTTP/1.1 302 There\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                       places[i]);
        ck_assert_msg(after(bytes) == WEFT_EHTTPREDIRECT, "to %s: %d", places[i], after(bytes));
    }
}
