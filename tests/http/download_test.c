/* SPDX-License-Identifier: MIT
 * Downloads that break off and go on, from a server that says what it likes. */
#include "evil.h"
#include "wt_test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_download.h>

#define OK(length, tag) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\nETag: " tag "\r\n\r\n"
#define REST(range, size)                                                                     \
    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes " range "\r\nContent-Length: " size \
    "\r\n\r\n"

struct run {
    struct evil server;
    weft_http_session *session;
    weft_temp_dir *dir;
    char path[256], part[256], tag[256];
    weft_http_progress progress;
};

static void start(struct run *it, const struct evil_reply *replies, size_t n)
{
    evil_start(&it->server, replies, n);
    ck_assert_int_eq(weft_http_session_open(NULL, &it->session), 0);
    ck_assert_int_eq(weft_temp_dir_open(NULL, &it->dir), 0);
    (void)snprintf(it->path, sizeof(it->path), "%s/file", weft_temp_dir_path(it->dir));
    (void)snprintf(it->part, sizeof(it->part), "%s/file.part", weft_temp_dir_path(it->dir));
    (void)snprintf(it->tag, sizeof(it->tag), "%s/file.part.tag", weft_temp_dir_path(it->dir));
}

static void stop(struct run *it)
{
    ck_assert_int_eq(weft_http_session_close(it->session), 0);
    ck_assert_int_eq(weft_temp_dir_close(it->dir), 0);
    evil_stop(&it->server);
}

static int get(struct run *it, const weft_http_download_opts *opts)
{
    return weft_http_download(it->session, it->server.url, it->path, opts, &it->progress);
}

static void holds(const char *path, const char *expected)
{
    char *text = NULL;
    size_t size;
    int rc = weft_whole_read(path, &text, &size);
    if (expected == NULL) {
        ck_assert_int_eq(rc, -ENOENT);
        return;
    }
    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(text, expected);
    weft_free(text);
}

static void is_whole(const struct run *it, const char *expected)
{
    holds(it->path, expected);
    holds(it->part, NULL);
    holds(it->tag, NULL);
    ck_assert_int_eq(it->progress.size, (int64_t)strlen(expected));
}

static void progress_is(const struct run *it, int64_t size, int64_t total, int64_t resumed)
{
    ck_assert_int_eq(it->progress.size, size);
    ck_assert_int_eq(it->progress.total, total);
    ck_assert_int_eq(it->progress.resumed, resumed);
}

WT_TEST(a_file_comes_under_its_name_when_it_is_complete)
{
    struct evil_reply replies[] = { { .bytes = OK("5", "\"a\"") "hello", .then = EVIL_KEEP } };
    struct run it;
    start(&it, replies, 1);
    ck_assert_int_eq(weft_whole_write(it.path, "what was there", 14), 0);
    ck_assert_int_eq(get(&it, NULL), 0);
    is_whole(&it, "hello");
    progress_is(&it, 5, 5, 0);
    ck_assert_ptr_nonnull(strstr(it.server.requests, "Accept-Encoding: identity\r\n"));
    ck_assert_ptr_null(strstr(it.server.requests, "Range:"));
    stop(&it);
}

WT_TEST(what_is_missing_is_asked_for_on_condition_that_it_is_the_same)
{
    struct evil_reply replies[] = {
        { .bytes = OK("10", "\"a\"") "0123" },
        { .bytes = REST("3-9/10", "7") "345" },
        { .bytes = REST("5-9/10", "5") "56789" },
    };
    struct run it;
    start(&it, replies, 3);
    ck_assert_int_eq(get(&it, NULL), WEFT_EEOF);
    progress_is(&it, 4, 10, 0);
    holds(it.path, NULL);
    holds(it.part, "0123");
    ck_assert_int_eq(get(&it, NULL), WEFT_EEOF);
    progress_is(&it, 6, 10, 4);
    holds(it.part, "012345");
    ck_assert_int_eq(get(&it, NULL), 0);
    progress_is(&it, 10, 10, 6);
    is_whole(&it, "0123456789");
    ck_assert_ptr_nonnull(strstr(it.server.requests, "Range: bytes=3-\r\n"));
    ck_assert_ptr_nonnull(strstr(it.server.requests, "Range: bytes=5-\r\n"));
    ck_assert_ptr_nonnull(strstr(it.server.requests, "If-Range: \"a\"\r\n"));
    stop(&it);
}

WT_TEST(another_version_or_a_server_without_ranges_starts_over)
{
    struct evil_reply replies[] = {
        { .bytes = OK("10", "\"a\"") "0123" },
        { .bytes = OK("6", "\"b\"") "abc" },
        { .bytes = REST("2-5/6", "4") "cdef" },
    };
    struct run it;
    start(&it, replies, 3);
    ck_assert_int_eq(get(&it, NULL), WEFT_EEOF);
    ck_assert_int_eq(get(&it, NULL), WEFT_EEOF);
    progress_is(&it, 3, 6, 0);
    holds(it.part, "abc");
    ck_assert_int_eq(get(&it, NULL), 0);
    is_whole(&it, "abcdef");
    ck_assert_ptr_nonnull(strstr(it.server.requests, "If-Range: \"b\"\r\n"));
    stop(&it);
}

WT_TEST(a_part_that_is_complete_is_one_byte_away_from_the_whole)
{
    struct evil_reply replies[] = { { .bytes = REST("4-4/5", "1") "o" } };
    struct run it;
    char tag[128];
    start(&it, replies, 1);
    int size = snprintf(tag, sizeof(tag), "%s\n\"a\"\n", it.server.url);
    ck_assert_int_eq(weft_whole_write(it.part, "hello", 5), 0);
    ck_assert_int_eq(weft_whole_write(it.tag, tag, (size_t)size), 0);
    ck_assert_int_eq(get(&it, NULL), 0);
    is_whole(&it, "hello");
    progress_is(&it, 5, 5, 5);
    stop(&it);
}

/* What a server sends that has no such rest, and all that is not the one asked for. */
WT_TEST(a_rest_that_is_none_is_not_put_behind_the_part)
{
    static const char *const answers[] = {
        "HTTP/1.1 416 No\r\nContent-Range: bytes */2\r\nContent-Length: 0\r\n\r\n",
        REST("2-9/10", "8") "23456789",
        REST("3-9/9", "7") "3456789",
        REST("3-2/10", "7") "3456789",
        REST("3-99999999999999999999/10", "7") "3456789",
        REST("3-9", "7") "3456789",
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 7\r\n\r\n3456789",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
        struct evil_reply replies[] = {
            { .bytes = OK("10", "\"a\"") "0123" },
            { .bytes = answers[i] },
            { .bytes = OK("3", "\"b\"") "new" },
        };
        struct run it;
        start(&it, replies, 3);
        ck_assert_int_eq(get(&it, NULL), WEFT_EEOF);
        ck_assert_int_eq(get(&it, NULL), 0);
        is_whole(&it, "new");
        stop(&it);
    }
}

WT_TEST(an_error_of_the_server_leaves_the_part_alone)
{
    struct evil_reply replies[] = {
        { .bytes = OK("10", "\"a\"") "0123" },
        { .bytes = "HTTP/1.1 503 Later\r\nContent-Length: 3\r\n\r\nno\n" },
        { .bytes = REST("3-9/*", "7") "3456789" },
    };
    struct run it;
    start(&it, replies, 3);
    ck_assert_int_eq(get(&it, NULL), WEFT_EEOF);
    ck_assert_int_eq(get(&it, NULL), WEFT_EHTTPSTATUS);
    progress_is(&it, 4, -1, 4);
    holds(it.part, "0123");
    ck_assert_int_eq(get(&it, NULL), 0);
    progress_is(&it, 10, -1, 4);
    is_whole(&it, "0123456789");
    stop(&it);
}

/* A weak tag says that it means the same, not that it is; a time counts once it can't come twice. */
WT_TEST(what_tells_one_version_from_another)
{
    static const struct {
        const char *head, *condition;
    } cases[] = {
        { "ETag: W/\"a\"\r\n", NULL },
        { "Content-Type: text/plain\r\n", NULL },
        { "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
          "Last-Modified: Mon, 23 Nov 2026 10:00:00 GMT\r\n",
          NULL },
        { "Date: Mon, 23 Nov 2026 10:00:01 GMT\r\n"
          "Last-Modified: Mon, 23 Nov 2026 10:00:00 GMT\r\n",
          "If-Range: Mon, 23 Nov 2026 10:00:00 GMT\r\n" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char first[256];
        (void)snprintf(first, sizeof(first), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n%s\r\nhe",
                       cases[i].head);
        struct evil_reply replies[] = { { .bytes = first }, { .bytes = OK("5", "\"b\"") "HELLO" } };
        struct run it;
        start(&it, replies, 2);
        ck_assert_int_eq(get(&it, NULL), WEFT_EEOF);
        ck_assert_int_eq(get(&it, NULL), 0);
        is_whole(&it, "HELLO");
        const char *range = strstr(it.server.requests, "If-Range:");
        ck_assert_int_eq(range != NULL, cases[i].condition != NULL);
        ck_assert(range == NULL ||
                  strncmp(range, cases[i].condition, strlen(cases[i].condition)) == 0);
        stop(&it);
    }
}

WT_TEST(a_part_of_another_url_or_one_that_is_not_wanted_is_not_gone_on_with)
{
    struct evil_reply replies[] = {
        { .bytes = OK("10", "\"a\"") "0123" },
        { .bytes = OK("5", "\"a\"") "hel" },
        { .bytes = OK("5", "\"a\"") "hello" },
    };
    struct run it;
    char url[96];
    start(&it, replies, 3);
    ck_assert_int_eq(get(&it, NULL), WEFT_EEOF);
    (void)snprintf(url, sizeof(url), "%sother", it.server.url);
    ck_assert_int_eq(weft_http_download(it.session, url, it.path, NULL, NULL), WEFT_EEOF);
    ck_assert_int_eq(weft_http_download(it.session, url, it.path,
                                        WEFT_OPTS(http_download, .restart = true), &it.progress),
                     0);
    is_whole(&it, "hello");
    ck_assert_ptr_null(strstr(it.server.requests, "Range:"));
    stop(&it);
}

WT_TEST(a_file_has_a_limit_whether_its_size_is_known_or_not)
{
    struct evil_reply replies[] = {
        { .bytes = OK("10", "\"a\"") "0123456789" },
        { .bytes = "HTTP/1.1 200 OK\r\n\r\n0123456789" },
        { .bytes = "HTTP/1.1 200 OK\r\n\r\n01234" },
    };
    struct run it;
    start(&it, replies, 3);
    ck_assert_int_eq(get(&it, WEFT_OPTS(http_download, .max_size = 9)), WEFT_EHTTPLIMIT);
    ck_assert_int_eq(get(&it, WEFT_OPTS(http_download, .max_size = 9)), WEFT_EHTTPLIMIT);
    ck_assert_int_eq(get(&it, WEFT_OPTS(http_download, .max_size = 5)), 0);
    progress_is(&it, 5, -1, 0);
    is_whole(&it, "01234");
    stop(&it);
}

static int watched(void *arg)
{
    struct run *it = arg;
    WEFT_TX(weft_http_progress, tx);
    WEFT_RX(weft_http_progress, rx);
    weft_http_progress latest = { 0, 0, 0 };
    ck_assert_int_eq(weft_watch_open(&tx, &rx), 0);
    ck_assert_int_eq(get(it, WEFT_OPTS(http_download, .progress = tx)), WEFT_EEOF);
    ck_assert_int_eq(weft_latest(rx, &latest), 1);
    ck_assert_int_eq(latest.size, 4);
    ck_assert_int_eq(latest.total, 10);
    WEFT_DROP(rx); /* nobody looks any more */
    return get(it, WEFT_OPTS(http_download, .progress = tx));
}

WT_TEST(how_far_it_is_can_be_watched)
{
    struct evil_reply replies[] = {
        { .bytes = OK("10", "\"a\"") "0123" },
        { .bytes = REST("3-9/10", "7") "3456789" },
    };
    struct run it;
    start(&it, replies, 2);
    ck_assert_int_eq(weft_run(watched, &it), 0);
    is_whole(&it, "0123456789");
    stop(&it);
}

WEFT_TASK(download, (struct run *, it), (weft_tx(weft_http_progress), progress))
{
    return get(it, WEFT_OPTS(http_download, .progress = progress));
}

static int cancel_midway(void *arg)
{
    struct run *it = arg;
    WEFT_TX(weft_http_progress, tx);
    WEFT_RX(weft_http_progress, rx);
    ck_assert_int_eq(weft_chan_open(&tx, &rx, 4), 0);
    WEFT_SCOPE(scope, .move_on = true);
    ck_assert_int_eq(weft_spawn(&scope, download, it, tx), 0);
    weft_each (progress, rx)
        if (progress.size == 4)
            break;
    weft_scope_cancel(&scope);
    ck_assert_int_eq(weft_scope_wait(&scope), 0);
    holds(it->part, "0123");
    return get(it, NULL);
}

WT_TEST(a_cancel_leaves_what_has_come)
{
    struct evil_reply replies[] = {
        { .bytes = OK("10", "\"a\"") "0123", .then = EVIL_HOLD },
        { .bytes = REST("3-9/10", "7") "3456789" },
    };
    struct run it;
    start(&it, replies, 2);
    ck_assert_int_eq(weft_run(cancel_midway, &it), 0);
    is_whole(&it, "0123456789");
    stop(&it);
}

WT_TEST(which_bytes_are_wanted_is_said_to_another_origin_too)
{
    struct evil_reply there[] = {
        { .bytes = OK("10", "\"a\"") "0123" },
        { .bytes = REST("3-9/10", "7") "3456789" },
    };
    struct evil other;
    char away[160];
    evil_start(&other, there, 2);
    (void)snprintf(away, sizeof(away),
                   "HTTP/1.1 302 There\r\nContent-Length: 0\r\nLocation: %s\r\n\r\n", other.url);
    struct evil_reply replies[] = { { .bytes = away }, { .bytes = away } };
    struct run it;
    start(&it, replies, 2);
    const weft_http_field headers[] = { { "X-Secret", "mine" }, { NULL, NULL } };
    const weft_http_request_opts request = { .headers = headers };
    ck_assert_int_eq(get(&it, WEFT_OPTS(http_download, .request = &request)), WEFT_EEOF);
    ck_assert_int_eq(get(&it, WEFT_OPTS(http_download, .request = &request)), 0);
    is_whole(&it, "0123456789");
    ck_assert_ptr_nonnull(strstr(it.server.requests, "X-Secret: mine\r\n"));
    ck_assert_ptr_null(strstr(other.requests, "X-Secret"));
    ck_assert_ptr_nonnull(strstr(other.requests, "If-Range: \"a\"\r\n"));
    stop(&it);
    evil_stop(&other);
}

WT_MAIN("http_download")
