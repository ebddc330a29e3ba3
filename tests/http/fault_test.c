/* SPDX-License-Identifier: MIT
 * What a network does to bytes on their way, and the one thing that is asked of the client: it ends, and
 * what it calls complete is so, byte by byte. That descriptors are back is the leak gate's to see. */
#include "nginx.h"
#include "origin.h"
#include "proxy.h"
#include "wt_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>

enum { UPLOAD = 30000, PARALLEL = 12 };

static struct origin origin;
static struct proxy proxy;

static void start(enum proxy_fault_kind kind, size_t at)
{
    proxy = (struct proxy){ .target_port = origin.port,
                            .fault = { kind, at },
                            .seed = wt_random() };
    proxy_start(&proxy);
}

/* Short, for where nothing more comes. */
static weft_http_session *open_session(int64_t patience_ns)
{
    weft_http_session *session = NULL;
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .base_url = proxy.url,
                                                      .timeouts = { .first_byte_ns = patience_ns,
                                                                    .idle_ns = patience_ns }),
                                            &session),
                     0);
    return session;
}

/* ---- workloads: 0 if all has come, or the error ------------------------------------------------------ */

/* Those from there on. */
static void check_bytes(const void *bytes, size_t size, size_t from)
{
    const unsigned char *at = bytes;
    size_t n_wrong = 0;
    for (size_t i = 0; i < size; i++)
        n_wrong += at[i] != origin_byte(from + i);
    ck_assert_uint_eq(n_wrong, 0);
}

static int get(weft_http_session *session, const char *way, size_t size)
{
    WEFT_AUTO(weft_http_response, response);
    char url[64];
    unsigned char block[3000];
    size_t n_read = 0;
    int64_t n;
    (void)snprintf(url, sizeof(url), "/%s/%zu", way, size);
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    for (; (n = weft_http_read(response, block, sizeof(block))) > 0; n_read += (size_t)n)
        check_bytes(block, (size_t)n, n_read);
    if (n == 0)
        ck_assert_uint_eq(n_read, size);
    return (int)n;
}

static int get_of_length(weft_http_session *session) { return get(session, "length", 6000); }
static int get_chunked(weft_http_session *session) { return get(session, "chunked", 6000); }

static int stream(weft_http_session *session)
{
    WEFT_AUTO(weft_http_response, response);
    WEFT_RX(weft_http_chunk, chunks);
    size_t n_read = 0;
    WEFT_TRY(weft_http_get(session, "/chunked/7777", NULL, &response));
    WEFT_TRY(weft_http_chunks(response, &chunks));
    weft_each (chunk, chunks) {
        check_bytes(chunk.data, chunk.size, n_read);
        n_read += chunk.size;
    }
    int rc = weft_error(chunks);
    ck_assert(rc < 0 || n_read == 7777);
    return rc;
}

static int upload(weft_http_session *session)
{
    WEFT_AUTO(weft_http_response, response);
    static char body[UPLOAD];
    char expected[64], *text;
    unsigned long sum = 0;
    for (size_t i = 0; i < UPLOAD; i++) {
        body[i] = (char)origin_byte(i);
        sum += origin_byte(i);
    }
    WEFT_TRY(weft_http_post(session, "/",
                            WEFT_OPTS(http_request, .body = body, .body_size = UPLOAD), &response));
    WEFT_TRY(weft_http_text(response, &text));
    (void)snprintf(expected, sizeof(expected), "%d %lu", UPLOAD, sum);
    ck_assert_str_eq(text, expected);
    weft_free(text);
    return 0;
}

static int (*const workloads[])(weft_http_session *session) = { get_of_length, get_chunked, stream,
                                                                upload };
enum { N_WORKLOADS = sizeof(workloads) / sizeof(workloads[0]) };

/* Twice over: a kept connection has the fault behind it, or meets it later. */
static int run_twice(int (*workload)(weft_http_session *session), int64_t patience_ns)
{
    weft_http_session *session = open_session(patience_ns);
    int rc = workload(session), again = workload(session);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    return rc < 0 ? rc : again;
}

/* ---- bytes that come, however ------------------------------------------------------------------------ */

static void all_is_well(enum proxy_fault_kind kind, size_t at)
{
    origin_start(&origin);
    start(kind, at);
    for (size_t i = 0; i < N_WORKLOADS; i++)
        ck_assert_int_eq(run_twice(workloads[i], -1), 0);
    proxy_stop(&proxy);
    origin_stop(&origin);
}

WT_TEST(bytes_that_come_a_few_at_a_time) { all_is_well(FAULT_SLICES, 0); }
WT_TEST(bytes_that_come_late) { all_is_well(FAULT_LATENCY, 0); }
WT_TEST(bytes_that_come_slowly) { all_is_well(FAULT_BANDWIDTH, 800); }

/* Two in a millisecond: never silent, and never done. Of an upload more, for the proxy passes on what it has
 * when the client has left. */
static int run_slowly(int (*workload)(weft_http_session *session),
                      const weft_http_timeouts *timeouts)
{
    weft_http_session *session = NULL;
    start(FAULT_BANDWIDTH, workload == upload ? 100 : 2);
    ck_assert_int_eq(
        weft_http_session_open(
            WEFT_OPTS(http_session, .base_url = proxy.url, .timeouts = *timeouts), &session),
        0);
    int rc = workload(session);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    proxy_stop(&proxy);
    return rc;
}

WT_TEST(bytes_that_trickle_both_ways)
{
    const weft_http_timeouts first = { .first_byte_ns = WEFT_MS(10) };
    const weft_http_timeouts total = { .total_ns = WEFT_MS(100),
                                       .idle_ns = -1,
                                       .first_byte_ns = -1 };
    origin_start(&origin);
    ck_assert_int_eq(run_slowly(get_of_length, &first), WEFT_EHTTPFIRST);
    ck_assert_int_eq(run_slowly(get_of_length, &total), WEFT_EHTTPTOTAL);
    ck_assert_int_eq(run_slowly(stream, &total), WEFT_EHTTPTOTAL);
    ck_assert_int_eq(run_slowly(upload, &total), WEFT_EHTTPTOTAL);
    origin_stop(&origin);
}

/* ---- bytes that do not come -------------------------------------------------------------------------- */

/* The answer to an upload has some 50 bytes. */
static size_t somewhere(size_t workload)
{
    return (size_t)wt_random_below(workloads[workload] == upload ? 45 : 6000);
}

static void all_fail(enum proxy_fault_kind kind, int64_t patience_ns)
{
    origin_start(&origin);
    for (size_t i = 0; i < N_WORKLOADS; i++)
        for (unsigned n = 0; n < wt_scaled(6); n++) {
            start(kind, n == 0 ? 0 : somewhere(i));
            int rc = run_twice(workloads[i], patience_ns);
            ck_assert_msg(rc < 0, "with %zu bytes of its answer request %zu is content",
                          proxy.fault.at, i);
            if (kind == FAULT_HALF_OPEN)
                ck_assert(rc == WEFT_EHTTPFIRST || rc == WEFT_EHTTPIDLE);
            proxy_stop(&proxy);
        }
    origin_stop(&origin);
}

WT_TEST(a_connection_that_is_cut) { all_fail(FAULT_CUT, -1); }
WT_TEST(a_connection_that_is_reset) { all_fail(FAULT_RESET, -1); }
WT_TEST(a_connection_that_goes_silent) { all_fail(FAULT_HALF_OPEN, WEFT_MS(10)); }

WT_TEST(a_connection_that_is_cut_while_a_body_is_sent)
{
    origin_start(&origin);
    for (unsigned n = 0; n < wt_scaled(6); n++) {
        start(FAULT_CUT_UP, (size_t)wt_random_below(UPLOAD));
        ck_assert_int_lt(run_twice(upload, -1), 0);
        proxy_stop(&proxy);
    }
    origin_stop(&origin);
}

/* ---- many at once ------------------------------------------------------------------------------------ */

/* Those that are through before it happens are complete; all end. */
WEFT_TASK(get_some, (weft_http_session *, session), (int, me))
{
    static const char *const ways[] = { "length", "chunked", "length" };
    for (int i = 0; i < 3; i++)
        (void)get(session, ways[i], (size_t)(1000 + me * 977 + i * 1013));
    return 0;
}

static int get_in_parallel(void *arg)
{
    weft_http_session *session = arg;
    WEFT_SCOPE(scope);
    for (int i = 0; i < PARALLEL; i++)
        WEFT_TRY(weft_spawn(&scope, get_some, session, i));
    return weft_scope_wait(&scope);
}

WT_TEST(many_at_once_with_each_of_the_faults)
{
    const struct proxy_fault faults[] = { { FAULT_LATENCY, 0 },
                                          { FAULT_CUT, 9000 },
                                          { FAULT_RESET, 14000 },
                                          { FAULT_HALF_OPEN, 12000 },
                                          { FAULT_BANDWIDTH, 2000 } };
    origin_start(&origin);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        start(faults[i].kind, faults[i].at + (size_t)wt_random_below(1000));
        weft_http_session *session = open_session(WEFT_MS(50));
        ck_assert_int_eq(weft_run(get_in_parallel, session), 0);
        ck_assert_int_eq(weft_http_session_close(session), 0);
        proxy_stop(&proxy);
    }
    origin_stop(&origin);
}

/* ---- bytes that are others --------------------------------------------------------------------------- */

/* In clear nobody can tell a body's bit from another; but it ends. */
static int get_any(weft_http_session *session)
{
    WEFT_AUTO(weft_http_response, response);
    char *text;
    WEFT_TRY(weft_http_get(session, "/chunked/1500", NULL, &response));
    WEFT_TRY(weft_http_text(response, &text));
    weft_free(text);
    return 0;
}

WT_TEST(a_bit_that_is_another)
{
    origin_start(&origin);
    for (unsigned n = 0; n < wt_scaled(20); n++) {
        start(FAULT_CORRUPT, n < 10 ? (size_t)wt_random_below(60) : (size_t)wt_random_below(1500));
        (void)run_twice(get_any, WEFT_MS(10));
        proxy_stop(&proxy);
    }
    origin_stop(&origin);
}

/* With TLS it is an error, unless it is one of those that mean nothing. */
static int get_big(const struct nginx *nginx)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    char url[64], *data;
    size_t size;
    (void)snprintf(url, sizeof(url), "https://localhost:%d/big.bin", proxy.port);
    WEFT_TRY(weft_http_session_open(WEFT_OPTS(http_session, .ca_file = nginx->ca_file,
                                              .timeouts = { .connect_ns = WEFT_MS(500),
                                                            .first_byte_ns = WEFT_MS(200),
                                                            .idle_ns = WEFT_MS(200) }),
                                    &session));
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    WEFT_TRY(weft_http_read_all(response, &data, &size));
    ck_assert_uint_eq(size, 1 << 20);
    size_t n_wrong = 0;
    for (size_t i = 0; i < size; i++)
        n_wrong += (unsigned char)data[i] != ((i * 7 + i / 1000) & 0xff);
    ck_assert_uint_eq(n_wrong, 0);
    weft_free(data);
    return 0;
}

WT_TEST(a_bit_that_is_another_under_tls)
{
    static struct nginx nginx;
    unsigned n_errors = 0, n_runs = wt_scaled(12);
    nginx_start(&nginx);
    for (unsigned n = 0; n < n_runs; n++) {
        proxy = (struct proxy){ .target_port = nginx.tls_port, .seed = wt_random() };
        proxy.fault = (struct proxy_fault){ FAULT_CORRUPT,
                                            (size_t)wt_random_below(n % 2 ? 3000 : 500000) };
        proxy_start(&proxy);
        n_errors += get_big(&nginx) < 0;
        proxy_stop(&proxy);
    }
    ck_assert_uint_gt(n_errors, n_runs / 2);
    nginx_stop(&nginx);
}

WT_MAIN("http_fault")
