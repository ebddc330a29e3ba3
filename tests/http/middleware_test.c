/* SPDX-License-Identifier: MIT
 * Functions around requests: their order, what they may do, and what becomes of what they leave. */
#include "evil.h"
#include "wt_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/resource.h>

#define EMPTY(status) "HTTP/1.1 " status " x\r\nContent-Length: 0\r\n\r\n"
#define HELLO         "HTTP/1.1 200 x\r\nContent-Length: 5\r\n\r\nhello"

static const struct evil_reply refused = { .bytes = EMPTY("401"), .then = EVIL_KEEP };
static const struct evil_reply hello = { .bytes = HELLO, .then = EVIL_KEEP };
static const struct evil_reply last_hello = { .bytes = HELLO };

/* One GET; its text is the caller's to free. */
static int get_text(weft_http_session *session, const char *url, const weft_http_request_opts *opts,
                    char **out_text)
{
    WEFT_AUTO(weft_http_response, response);
    WEFT_TRY(weft_http_get(session, url, opts, &response));
    return weft_http_text(response, out_text);
}

struct asked {
    int rc;
    char *text;
    unsigned n_requests;
};

static struct asked ask_with(const weft_http_session_opts *opts,
                             const weft_http_request_opts *request_opts,
                             const struct evil_reply *replies, size_t n_replies)
{
    struct evil server;
    struct asked it = { .text = NULL };
    weft_http_session *session;
    evil_start(&server, replies, n_replies);
    ck_assert_int_eq(weft_http_session_open(opts, &session), 0);
    it.rc = get_text(session, server.url, request_opts, &it.text);
    ck_assert_int_eq(weft_http_session_close(session), 0); /* nothing was left open */
    evil_stop(&server);
    it.n_requests = evil_count(server.requests, "GET /");
    return it;
}

static struct asked ask(const weft_http_middleware *list, const struct evil_reply *replies,
                        size_t n_replies)
{
    return ask_with(WEFT_OPTS(http_session, .middleware = list), NULL, replies, n_replies);
}

static void expect(struct asked it, int rc, const char *text, unsigned n_requests)
{
    ck_assert_int_eq(it.rc, rc);
    if (text != NULL)
        ck_assert_str_eq(it.text, text);
    ck_assert_uint_eq(it.n_requests, n_requests);
    weft_free(it.text);
}

/* ---- order -------------------------------------------------------------------------------------------- */

struct note {
    char *log;
    const char *before, *after;
};

static int note(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    const struct note *it = arg;
    strcat(it->log, it->before);
    int rc = weft_http_next(call, out_response);
    strcat(it->log, it->after);
    return rc;
}

WT_TEST(the_first_is_the_outermost)
{
    char log[64] = "";
    struct note outer = { log, "a", "A" }, inner = { log, "b", "B" };
    expect(ask((const weft_http_middleware[]){ { note, &outer }, { note, &inner }, { 0 } },
               &last_hello, 1),
           0, "hello", 1);
    ck_assert_str_eq(log, "abBA");
    expect(ask((const weft_http_middleware[]){ { 0 } }, &last_hello, 1), 0, "hello", 1);
}

/* ---- changing, and asking again ----------------------------------------------------------------------- */

struct token {
    const char *text, *next;
};

static int refresh(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    struct token *token = arg;
    call->opts.bearer = token->text;
    WEFT_TRY(weft_http_next(call, out_response));
    if (weft_http_status(*out_response) != 401 || token->next == NULL)
        return 0;
    call->opts.bearer = token->text = token->next;
    return weft_http_next(call, out_response);
}

WT_TEST(a_token_is_renewed)
{
    struct token token = { "old", "new" };
    const struct evil_reply replies[] = { refused, last_hello };
    expect(ask((const weft_http_middleware[]){ { refresh, &token }, { 0 } }, replies, 2), 0,
           "hello", 2);
    ck_assert_str_eq(token.text, "new");
}

/* An inner function sees the 401, though it is an error for the caller. */
WT_TEST(a_status_is_raised_when_all_have_seen_it)
{
    struct token token = { "old", "new" }, none = { "old", NULL };
    const struct evil_reply replies[] = { refused, last_hello };
    const weft_http_request_opts opts = { .size_ = sizeof(opts), .raise_for_status = true };
    const weft_http_middleware list[] = { { refresh, &token }, { 0 } };
    const weft_http_middleware in_vain[] = { { refresh, &none }, { 0 } };
    expect(ask_with(WEFT_OPTS(http_session, .middleware = list), &opts, replies, 2), 0, "hello", 2);
    const struct evil_reply once = { .bytes = EMPTY("401") };
    expect(ask_with(WEFT_OPTS(http_session, .middleware = in_vain), &opts, &once, 1),
           WEFT_EHTTPSTATUS, NULL, 1);
}

static int lead_astray(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    call->url = arg;
    return weft_http_next(call, out_response);
}

static int split(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    (void)arg;
    call->opts.headers = (const weft_http_field[]){ { "X-A", "b\r\nX-C: d" }, { 0 } };
    return weft_http_next(call, out_response);
}

WT_TEST(what_is_changed_is_checked)
{
    weft_http_session *session;
    char *text;
    char nowhere[] = "file:///etc/passwd";
    const weft_http_middleware lists[][2] = { { { lead_astray, nowhere }, { 0 } },
                                              { { lead_astray, NULL }, { 0 } },
                                              { { split, NULL }, { 0 } } };
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        ck_assert_int_eq(
            weft_http_session_open(WEFT_OPTS(http_session, .middleware = lists[i]), &session), 0);
        ck_assert_int_eq(get_text(session, "http://127.0.0.1:1/", NULL, &text), WEFT_EINVAL);
        ck_assert_int_eq(weft_http_session_close(session), 0);
    }
}

/* ---- answers without a server -------------------------------------------------------------------------- */

/* Of one URL. */
struct cache {
    char *body;
    size_t size;
    unsigned n_hits;
};

static int keep(struct cache *cache, weft_http_response *response)
{
    weft_free(cache->body);
    cache->body = NULL;
    return weft_http_read_all(response, &cache->body, &cache->size);
}

static int from_cache(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    struct cache *cache = arg;
    if (cache->body == NULL) {
        WEFT_TRY(weft_http_next(call, out_response));
        WEFT_TRY(keep(cache, *out_response));
    } else {
        cache->n_hits++;
    }
    return weft_http_answer(
        call,
        WEFT_OPTS(http_answer,
                  .headers = (const weft_http_field[]){ { "X-Cache", "yes" },
                                                        { "Content-Length", "77" },
                                                        { "Transfer-Encoding", "chunked" },
                                                        { "Content-Encoding", "gzip" },
                                                        { 0 } },
                  .body = cache->body, .body_size = cache->size),
        out_response);
}

WT_TEST(answers_from_memory)
{
    struct evil server;
    struct cache cache = { .n_hits = 0 };
    weft_http_session *session;
    weft_http_response *response;
    char *text;
    evil_start(&server, &last_hello, 1);
    const weft_http_middleware list[] = { { from_cache, &cache }, { 0 } };
    ck_assert_int_eq(weft_http_session_open(WEFT_OPTS(http_session, .middleware = list), &session),
                     0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), 0);
        ck_assert_int_eq(weft_http_status(response), 200);
        ck_assert_str_eq(weft_http_header(response, "x-cache"), "yes");
        ck_assert_str_eq(weft_http_url(response), server.url);
        ck_assert_int_eq(weft_http_text(response, &text), 0);
        ck_assert_str_eq(text, "hello");
        weft_free(text);
        ck_assert_int_eq(weft_http_response_close(response), 0);
    }
    {
        WEFT_SCOPE(scope);
        weft_scope_cancel(&scope);
        ck_assert_int_eq(weft_http_get(session, server.url, NULL, &response), WEFT_ECANCELED);
    }
    ck_assert_uint_eq(cache.n_hits, 2);
    ck_assert_int_eq(weft_http_session_close(session), 0);
    evil_stop(&server);
    weft_free(cache.body);
}

static int answer(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    return weft_http_answer(call, arg, out_response);
}

static void must_not_be(const weft_http_trace *trace, void *arg)
{
    (void)arg;
    ck_abort_msg("told: %s", weft_http_phase_name(trace->phase));
}

static int answer_with(const weft_http_answer_opts *opts, int *out_status)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    weft_http_answer_opts own = opts != NULL ? *opts : (weft_http_answer_opts){ 0 };
    const weft_http_middleware list[] = { { answer, opts != NULL ? &own : NULL }, { 0 } };
    WEFT_TRY(weft_http_session_open(
        WEFT_OPTS(http_session, .middleware = list, .on_trace = must_not_be), &session));
    WEFT_TRY(weft_http_get(session, "http://nowhere.invalid/", NULL, &response));
    *out_status = weft_http_status(response);
    char rest[8];
    return (int)weft_http_read(response, rest, sizeof(rest));
}

WT_TEST(what_an_answer_may_be)
{
    int status = 0;
    ck_assert_int_eq(answer_with(NULL, &status), 0);
    ck_assert_int_eq(status, 200);
    ck_assert_int_eq(
        answer_with(WEFT_OPTS(http_answer, .status = 404, .body = "abc", .body_size = 3), &status),
        3);
    ck_assert_int_eq(status, 404);
    ck_assert_int_eq(answer_with(WEFT_OPTS(http_answer, .status = 99), &status), WEFT_EINVAL);
    ck_assert_int_eq(answer_with(WEFT_OPTS(http_answer, .status = 600), &status), WEFT_EINVAL);
    ck_assert_int_eq(answer_with(WEFT_OPTS(http_answer, .body_size = 1), &status), WEFT_EINVAL);
    ck_assert_int_eq(
        answer_with(
            WEFT_OPTS(http_answer, .headers = (const weft_http_field[]){ { "a b", "c" }, { 0 } }),
            &status),
        WEFT_EINVAL);
    ck_assert_int_eq(weft_http_answer(NULL, NULL, &(weft_http_response *){ NULL }), WEFT_EINVAL);
    ck_assert_int_eq(weft_http_next(NULL, &(weft_http_response *){ NULL }), WEFT_EINVAL);
}

/* ---- what is left ---------------------------------------------------------------------------------------- */

static int fail_late(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    WEFT_TRY(weft_http_next(call, out_response));
    return *(const int *)arg;
}

static int do_nothing(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    (void)call, (void)out_response, (void)arg;
    return 0;
}

WT_TEST(a_function_that_fails_leaves_nothing_open)
{
    int rc = -ENODATA, positive = 5;
    expect(ask((const weft_http_middleware[]){ { fail_late, &rc }, { 0 } }, &last_hello, 1),
           -ENODATA, NULL, 1);
    expect(ask((const weft_http_middleware[]){ { fail_late, &positive }, { 0 } }, &last_hello, 1),
           0, "hello", 1);
    expect(ask((const weft_http_middleware[]){ { do_nothing, NULL }, { 0 } }, NULL, 0), WEFT_EINVAL,
           NULL, 0);
}

static int thrice(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++)
        WEFT_TRY(weft_http_next(call, out_response));
    return weft_http_next(call, out_response);
}

WT_TEST(as_often_as_is_wanted)
{
    const struct evil_reply replies[] = { hello, hello, last_hello };
    expect(ask((const weft_http_middleware[]){ { thrice, NULL }, { 0 } }, replies, 3), 0, "hello",
           3);
}

/* What can't be sent again leaves the answer that there is. */
static int again_if_possible(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    (void)arg;
    WEFT_TRY(weft_http_next(call, out_response));
    weft_http_response *first = *out_response;
    ck_assert_int_eq(weft_http_next(call, out_response), WEFT_EHTTPREPLAY);
    ck_assert_ptr_eq(*out_response, first);
    return 0;
}

WEFT_GENERATOR(words, weft_rx(weft_http_chunk), (int, n))
{
    for (int i = 0; i < n; i++)
        WEFT_TRY(weft_yield((weft_http_chunk){ "word", 4 }));
    return 0;
}

struct posted {
    int (*run)(weft_http_call *, weft_http_response **, void *);
    const char *url;
};

static int post_words(void *arg)
{
    const struct posted *it = arg;
    WEFT_AUTO(weft_http_session, session);
    WEFT_AUTO(weft_http_response, response);
    WEFT_RX(weft_http_chunk, rx);
    const weft_http_middleware list[] = { { it->run, NULL }, { 0 } };
    WEFT_TRY(weft_http_session_open(WEFT_OPTS(http_session, .middleware = list), &session));
    WEFT_TRY(words(2, &rx));
    int rc = weft_http_post(session, it->url, WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(rx)),
                            &response);
    ck_assert_ptr_null(rx);
    return rc;
}

/* It is consumed by the first request, or when there was none. */
WT_TEST(a_receiver_goes_once)
{
    struct evil server;
    const struct evil_reply replies[] = { { .bytes = HELLO, .request_body = 23 },
                                          { .bytes = HELLO, .request_body = 23 } };
    evil_start(&server, replies, 2);
    ck_assert_int_eq(weft_run(post_words, &(struct posted){ thrice, server.url }),
                     WEFT_EHTTPREPLAY);
    ck_assert_int_eq(weft_run(post_words, &(struct posted){ again_if_possible, server.url }), 0);
    evil_stop(&server);
    ck_assert_int_eq(weft_run(post_words, &(struct posted){ do_nothing, "http://127.0.0.1:1/" }),
                     WEFT_EINVAL);
}

/* Nothing has been sent before. */
WT_TEST(a_receiver_that_is_not_there)
{
    weft_http_session *session = NULL;
    weft_http_response *response = NULL;
    WEFT_RX(weft_http_chunk, rx);
    ck_assert_int_eq(weft_http_session_open(NULL, &session), 0);
    ck_assert_int_eq(weft_http_post(session, "http://127.0.0.1:1/",
                                    WEFT_OPTS(http_request, .body_rx = WEFT_MOVE(rx)), &response),
                     WEFT_EINVAL);
    ck_assert_int_eq(weft_http_session_close(session), 0);
}

WT_MAIN("http_middleware")
