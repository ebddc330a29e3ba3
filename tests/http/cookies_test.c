/* SPDX-License-Identifier: MIT
 * The session's cookies. Where hosts have names the server is their proxy: it is told all of the URL. */
#include "evil.h"
#include "nginx.h"
#include "wt_test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <weft.h>
#include <weft/http.h>
#include <weft/http_cookies.h>

#define SET(fields)   "HTTP/1.1 200 OK\r\n" fields "Content-Length: 0\r\n\r\n"
#define TO(url, more) "HTTP/1.1 302 Found\r\nLocation: " url "\r\n" more "Content-Length: 0\r\n\r\n"
#define N(array)      (sizeof(array) / sizeof((array)[0]))

struct run {
    struct evil server;
    weft_http_session *session;
    weft_temp_dir *dir;
    char path[256];
};

static void start(struct run *it, const struct evil_reply *replies, size_t n, bool is_proxy)
{
    evil_start(&it->server, replies, n);
    const char *proxy = is_proxy ? it->server.url : NULL;
    ck_assert_int_eq(weft_http_session_open(
                         WEFT_OPTS(http_session, .cookies = true, .proxy = proxy), &it->session),
                     0);
    ck_assert_int_eq(weft_temp_dir_open(NULL, &it->dir), 0);
    (void)snprintf(it->path, sizeof(it->path), "%s/cookies.txt", weft_temp_dir_path(it->dir));
}

static void stop(struct run *it)
{
    ck_assert_int_eq(weft_http_session_close(it->session), 0);
    ck_assert_int_eq(weft_temp_dir_close(it->dir), 0);
    evil_stop(&it->server);
}

static void get(weft_http_session *session, const char *url, const weft_http_request_opts *opts)
{
    weft_http_response *response = NULL;
    char *text = NULL;
    ck_assert_int_eq(weft_http_get(session, url, opts, &response), 0);
    ck_assert_int_eq(weft_http_status(response), 200);
    ck_assert_int_eq(weft_http_text(response, &text), 0);
    weft_free(text);
    ck_assert_int_eq(weft_http_response_close(response), 0);
}

/* The i-th request had one line with these cookies, in whatever order, or none. */
static void request_had(const struct run *it, unsigned i, const char *expected)
{
    const char *from = it->server.requests;
    char had[512] = "";
    for (; i > 0; i--) {
        from = strstr(from, "\r\n\r\n");
        ck_assert_ptr_nonnull(from);
        from += 4;
    }
    const char *end = strstr(from, "\r\n\r\n"), *line = strstr(from, "\r\nCookie: ");
    ck_assert_ptr_nonnull(end);
    if (line != NULL && line < end) {
        (void)snprintf(had, sizeof(had), "%.*s", (int)strcspn(line + 10, "\r"), line + 10);
        line = strstr(line + 1, "\r\nCookie:");
        ck_assert(line == NULL || line > end);
    }
    ck_assert_msg(strlen(had) == strlen(expected), "%s, not %s", had, expected);
    for (const char *cookie = expected; *cookie != '\0';) {
        char text[64];
        size_t size = strcspn(cookie, ";");
        (void)snprintf(text, sizeof(text), "%.*s", (int)size, cookie);
        ck_assert_msg(strstr(had, text) != NULL, "%s, not %s", had, expected);
        cookie += size + strspn(cookie + size, "; ");
    }
}

static bool keeps(weft_http_session *session, const char *name)
{
    weft_http_cookie *cookies;
    size_t n;
    bool is_there = false;
    ck_assert_int_eq(weft_http_cookies_list(session, &cookies, &n), 0);
    for (size_t i = 0; i < n; i++)
        is_there |= strcmp(cookies[i].name, name) == 0;
    weft_free(cookies);
    return is_there;
}

static size_t n_kept(weft_http_session *session)
{
    weft_http_cookie *cookies;
    size_t n = 99;
    ck_assert_int_eq(weft_http_cookies_list(session, &cookies, &n), 0);
    weft_free(cookies);
    return n;
}

static void write_file(const struct run *it, const char *text)
{
    ck_assert_int_eq(weft_whole_write(it->path, text, strlen(text)), 0);
}

WT_TEST(a_cookie_comes_back_to_who_set_it_if_that_is_asked_for)
{
    const struct evil_reply replies[] = {
        { .bytes = SET("Set-Cookie: a=1; Path=/\r\nset-cookie: b=two\r\n"), .then = EVIL_KEEP },
        { .bytes = SET("Set-Cookie: a=; Max-Age=0; Path=/\r\n"), .then = EVIL_KEEP },
        { .bytes = SET(""), .then = EVIL_KEEP },
        { .bytes = SET(""), .then = EVIL_KEEP },
    };
    struct run it;
    weft_http_session *other = NULL;
    start(&it, replies, N(replies), false);
    for (int i = 0; i < 3; i++)
        get(it.session, it.server.url, NULL);
    ck_assert_int_eq(weft_http_session_close(it.session), 0);
    ck_assert_int_eq(weft_http_session_open(NULL, &other), 0);
    get(other, it.server.url, NULL);
    it.session = other;
    stop(&it);
    request_had(&it, 0, "");
    request_had(&it, 1, "b=two; a=1");
    request_had(&it, 2, "b=two");
    request_had(&it, 3, "");
}

WT_TEST(whose_a_cookie_is)
{
    const struct evil_reply replies[] = {
        { .bytes = SET("Set-Cookie: host=1\r\n"
                       "Set-Cookie: all=2; Domain=example.com\r\n"
                       "Set-Cookie: deep=3; Path=/deep\r\n"
                       "Set-Cookie: other=4; Domain=example.org\r\n"
                       "Set-Cookie: below=5; Domain=x.a.example.com\r\n"
                       "Set-Cookie: safe=6; Secure\r\n"
                       "Set-Cookie: __Host-own=7\r\n"
                       "Set-Cookie: old=8; Expires=Thu, 01 Jan 1970 00:00:10 GMT\r\n"),
          .then = EVIL_KEEP },
        { .bytes = SET(""), .then = EVIL_KEEP },
        { .bytes = SET(""), .then = EVIL_KEEP },
        { .bytes = SET(""), .then = EVIL_KEEP },
        { .bytes = SET(""), .then = EVIL_KEEP },
        { .bytes = SET("Set-Cookie: suffix=1; Domain=co.uk\r\nSet-Cookie: top=1; Domain=uk\r\n"),
          .then = EVIL_KEEP },
        { .bytes = SET(""), .then = EVIL_KEEP },
    };
    struct run it;
    start(&it, replies, N(replies), true);
    get(it.session, "http://a.example.com/", NULL);
    get(it.session, "http://a.example.com/deep/er", NULL);
    get(it.session, "http://a.example.com:8080/deeper", NULL);
    get(it.session, "http://b.example.com/", NULL);
    get(it.session, "http://notexample.com/", NULL);
    ck_assert_uint_eq(n_kept(it.session), 3);
    get(it.session, "http://shop.co.uk/", NULL);
    get(it.session, "http://other.co.uk/", NULL);
    ck_assert_uint_eq(n_kept(it.session), 3);
    stop(&it);
    request_had(&it, 1, "deep=3; all=2; host=1");
    request_had(&it, 2, "all=2; host=1");
    request_had(&it, 3, "all=2");
    request_had(&it, 4, "");
    request_had(&it, 6, "");
}

/* What libcurl takes of it is its own affair; here nothing breaks, and what is saved can be loaded. */
WT_TEST(bad_and_huge_cookies)
{
    static char huge[20000], many[16000];
    size_t size = (size_t)snprintf(many, sizeof(many), "HTTP/1.1 200 OK\r\n");
    (void)snprintf(huge, sizeof(huge),
                   "HTTP/1.1 200 OK\r\nSet-Cookie: huge=%09000d\r\n"
                   "Content-Length: 0\r\n\r\n",
                   1);
    for (int i = 0; i < 150; i++)
        size += (size_t)snprintf(many + size, sizeof(many) - size, "Set-Cookie: n%d=1\r\n", i);
    (void)snprintf(many + size, sizeof(many) - size, "Content-Length: 0\r\n\r\n");
    const struct evil_reply replies[] = {
        { .bytes = huge, .then = EVIL_KEEP },
        { .bytes = SET("Set-Cookie: \r\nSet-Cookie: ;\r\nSet-Cookie: =\r\nSet-Cookie: ;;;a\r\n"
                       "Set-Cookie: c\001=1\r\nSet-Cookie: d=\0331\r\nSet-Cookie: =e\r\n"),
          .then = EVIL_KEEP },
        { .bytes = SET("Set-Cookie: f=1; Path=/\tTRUE\t0\tx\ty\r\nSet-Cookie: g=\t1\t\r\n"
                       "Set-Cookie: ok=1; Max-Age=99999999999999999999\r\n"),
          .then = EVIL_KEEP },
        { .bytes = SET(""), .then = EVIL_KEEP },
        { .bytes = many, .then = EVIL_KEEP },
    };
    struct run it;
    start(&it, replies, N(replies), false);
    get(it.session, it.server.url, NULL);
    ck_assert_uint_eq(n_kept(it.session), 0);
    get(it.session, it.server.url, NULL);
    get(it.session, it.server.url, NULL);
    ck_assert(!keeps(it.session, "huge") && !keeps(it.session, "x"));
    ck_assert(keeps(it.session, "ok"));
    get(it.session, it.server.url, NULL);
    ck_assert_int_eq(weft_http_cookies_save(it.session, it.path), 0);
    ck_assert_int_eq(weft_http_cookies_load(it.session, it.path), 0);
    ck_assert_int_eq(weft_http_cookies_clear(it.session), 0);
    ck_assert_uint_eq(n_kept(it.session), 0);
    ck_assert_int_eq(weft_http_cookies_load(it.session, it.path), 0);
    ck_assert(keeps(it.session, "ok") && !keeps(it.session, "x"));
    get(it.session, it.server.url, NULL);
    ck_assert_uint_lt(n_kept(it.session), 100); /* not all that one answer has */
    stop(&it);
}

WT_TEST(each_hop_of_a_redirect_sets_and_gets_its_own)
{
    const weft_http_field own[] = { { "Cookie", "own=1" }, { 0 } };
    const struct evil_reply replies[] = {
        { .bytes = SET("Set-Cookie: there=0\r\n"), .then = EVIL_KEEP },
        { .bytes = TO("/b", "Set-Cookie: a=1\r\n"), .then = EVIL_KEEP },
        { .bytes = TO("http://other.example.org/", "Set-Cookie: b=2\r\n"), .then = EVIL_KEEP },
        { .bytes = TO("http://a.example.com/c", "Set-Cookie: x=3\r\n"), .then = EVIL_KEEP },
        { .bytes = SET(""), .then = EVIL_KEEP },
        { .bytes = TO("/b", "Set-Cookie: unwanted=4\r\n"), .then = EVIL_KEEP },
        { .bytes = TO("http://other.example.org/", ""), .then = EVIL_KEEP },
        { .bytes = SET(""), .then = EVIL_KEEP },
    };
    struct run it;
    start(&it, replies, N(replies), true);
    get(it.session, "http://other.example.org/", NULL);
    get(it.session, "http://a.example.com/", NULL);
    get(it.session, "http://a.example.com/", WEFT_OPTS(http_request, .headers = own));
    ck_assert(!keeps(it.session, "unwanted"));
    stop(&it);
    request_had(&it, 1, "");
    request_had(&it, 2, "a=1");
    request_had(&it, 3, "there=0");
    request_had(&it, 4, "b=2; a=1");
    request_had(&it, 5, "own=1");
    request_had(&it, 6, "own=1");
    request_had(&it, 7, "x=3; there=0");
}

/* ---- files ---------------------------------------------------------------------------------------------- */

#define FILE_TEXT                                                       \
    "# Netscape HTTP Cookie File\r\n"                                   \
    "\n"                                                                \
    ".example.com\tTRUE\t/\tFALSE\t0\twide\tw=1 2\n"                    \
    "#HttpOnly_a.example.com\tFALSE\t/\tFALSE\t99999999999\tscript\t\n" \
    "a.example.com\tfalse\t/\ttrue\t99999999999\tsafe\ts\r\n"           \
    "a.example.com\tFALSE\t/\tFALSE\t10\told\to\n"                      \
    "a.example.com\tFALSE\t/x/\tFALSE\t0\tlast\tl"

static void check_loaded(weft_http_session *session)
{
    weft_http_cookie *cookies;
    size_t n, n_seen = 0;
    ck_assert_int_eq(weft_http_cookies_list(session, &cookies, &n), 0);
    ck_assert_uint_eq(n, 4);
    for (size_t i = 0; i < n; i++) {
        const weft_http_cookie *c = &cookies[i];
        bool is_wide = strcmp(c->name, "wide") == 0, is_script = strcmp(c->name, "script") == 0;
        bool is_safe = strcmp(c->name, "safe") == 0, is_last = strcmp(c->name, "last") == 0;
        n_seen += is_wide + 10 * is_script + 100 * is_safe + 1000 * is_last;
        ck_assert_str_eq(c->domain, is_wide ? "example.com" : "a.example.com");
        ck_assert_str_eq(c->path, is_last ? "/x/" : "/");
        ck_assert_str_eq(c->value, is_wide ? "w=1 2" : is_script ? "" : is_safe ? "s" : "l");
        ck_assert_int_eq(c->expires_s, is_script || is_safe ? 99999999999 : 0);
        ck_assert(c->subdomains == is_wide && c->http_only == is_script && c->secure == is_safe);
    }
    ck_assert_uint_eq(n_seen, 1111);
    weft_free(cookies);
}

WT_TEST(cookies_in_a_file_and_back)
{
    const struct evil_reply replies[] = {
        { .bytes = SET("Set-Cookie: wide=new; Domain=example.com; Path=/\r\n"), .then = EVIL_KEEP },
        { .bytes = SET(""), .then = EVIL_KEEP },
    };
    struct run it;
    struct stat about;
    start(&it, replies, N(replies), true);
    ck_assert_int_eq(weft_http_cookies_load(it.session, it.path), -ENOENT);
    write_file(&it, FILE_TEXT);
    ck_assert_int_eq(weft_http_cookies_load(it.session, it.path), 0);
    check_loaded(it.session);
    ck_assert_int_eq(weft_http_cookies_save(it.session, it.path), 0);
    ck_assert_int_eq(stat(it.path, &about), 0);
    ck_assert_int_eq(about.st_mode & 0777, 0600);
    ck_assert_int_eq(weft_http_cookies_clear(it.session), 0);
    ck_assert_uint_eq(n_kept(it.session), 0);
    ck_assert_int_eq(weft_http_cookies_load(it.session, it.path), 0);
    check_loaded(it.session);
    get(it.session, "http://a.example.com/x/y", NULL);
    get(it.session, "http://a.example.com/", NULL);
    stop(&it);
    request_had(&it, 0, "last=l; script=; wide=w=1 2");
    request_had(&it, 1, "script=; wide=new");
}

WT_TEST(a_file_with_a_bad_line_adds_nothing)
{
    static const char *const bad[] = {
        "hello",
        "a.example.com\tFALSE\t/\tFALSE\t0\tname",
        "a.example.com\tFALSE\t/\tFALSE\t0\tname\tv\tmore",
        "\tFALSE\t/\tFALSE\t0\tname\tv",
        "a.example.com\tMAYBE\t/\tFALSE\t0\tname\tv",
        "a.example.com\tFALSE\tx\tFALSE\t0\tname\tv",
        "a.example.com\tFALSE\t/\tNO\t0\tname\tv",
        "a.example.com\tFALSE\t/\tFALSE\tsoon\tname\tv",
        "a.example.com\tFALSE\t/\tFALSE\t-1\tname\tv",
        "a.example.com\tFALSE\t/\tFALSE\t\tname\tv",
        "a.example.com\tFALSE\t/\tFALSE\t0\t\tv",
        "a.example.com\tFALSE\t/\tFALSE\t0\tname\tv\001",
        "Set-Cookie: a.example.com\tFALSE\t/\tFALSE\t0\tname\tv",
    };
    struct run it;
    char text[256];
    start(&it, NULL, 0, false);
    for (size_t i = 0; i < N(bad); i++) {
        (void)snprintf(text, sizeof(text), "b.example.com\tFALSE\t/\tFALSE\t0\tgood\tv\n%s\n",
                       bad[i]);
        write_file(&it, text);
        ck_assert_msg(weft_http_cookies_load(it.session, it.path) == -EBADMSG, "%s", bad[i]);
    }
    ck_assert_int_eq(weft_whole_write(it.path, "# a\0b\n", 6), 0);
    ck_assert_int_eq(weft_http_cookies_load(it.session, it.path), -EBADMSG);
    ck_assert_int_eq(weft_http_cookies_load(it.session, weft_temp_dir_path(it.dir)), -EISDIR);
    ck_assert_uint_eq(n_kept(it.session), 0);
    write_file(&it, "");
    ck_assert_int_eq(weft_http_cookies_load(it.session, it.path), 0);
    ck_assert_int_eq(weft_http_cookies_save(it.session, "/nowhere/at/all"), -ENOENT);
    stop(&it);
}

static int call_cancelled(void *arg)
{
    weft_http_session *session = arg;
    weft_http_cookie *cookies;
    size_t n;
    WEFT_SCOPE(scope, .move_on = true);
    weft_scope_cancel(&scope);
    ck_assert_int_eq(weft_http_cookies_list(session, &cookies, &n), WEFT_ECANCELED);
    ck_assert_int_eq(weft_http_cookies_clear(session), WEFT_ECANCELED);
    return weft_scope_wait(&scope);
}

WT_TEST(calls_that_can_not_be)
{
    weft_http_session *without = NULL;
    weft_http_cookie *cookies;
    size_t n;
    struct run it;
    start(&it, NULL, 0, false);
    ck_assert_int_eq(weft_http_session_open(NULL, &without), 0);
    weft_http_session *const none[] = { NULL, without };
    for (size_t i = 0; i < N(none); i++) {
        ck_assert_int_eq(weft_http_cookies_load(none[i], it.path), WEFT_EINVAL);
        ck_assert_int_eq(weft_http_cookies_save(none[i], it.path), WEFT_EINVAL);
        ck_assert_int_eq(weft_http_cookies_list(none[i], &cookies, &n), WEFT_EINVAL);
        ck_assert_int_eq(weft_http_cookies_clear(none[i]), WEFT_EINVAL);
    }
    ck_assert_int_eq(weft_http_cookies_load(it.session, NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_http_cookies_save(it.session, NULL), WEFT_EINVAL);
    ck_assert_int_eq(weft_http_cookies_list(it.session, NULL, &n), WEFT_EINVAL);
    ck_assert_int_eq(weft_run(call_cancelled, it.session), 0);
    ck_assert_int_eq(weft_http_session_close(without), 0);
    stop(&it);
}

/* ---- too many ------------------------------------------------------------------------------------------- */

static char *fill_cookies(char *text, size_t room, int from)
{
    size_t size = (size_t)snprintf(text, room, "HTTP/1.1 200 OK\r\n");
    for (int i = from; i < from + 50; i++)
        size += (size_t)snprintf(text + size, room - size, "Set-Cookie: n%d=1\r\n", i);
    (void)snprintf(text + size, room - size, "Content-Length: 0\r\n\r\n");
    return text;
}

WT_TEST(a_server_that_sets_new_ones_for_ever)
{
    static char many[8][2000];
    struct evil_reply replies[9] = { { .bytes = SET("Set-Cookie: few=1\r\n"), .then = EVIL_KEEP } };
    struct run it;
    for (int i = 0; i < 8; i++)
        replies[i + 1] = (struct evil_reply){
            .bytes = fill_cookies(many[i], sizeof(many[i]), i * 50), .then = EVIL_KEEP
        };
    start(&it, replies, N(replies), true);
    get(it.session, "http://a.example.com/", NULL);
    for (int i = 0; i < 8; i++) {
        get(it.session, "http://b.example.com/", NULL);
        ck_assert_uint_le(n_kept(it.session), 251);
    }
    ck_assert(keeps(it.session, "few"));
    ck_assert(keeps(it.session, "n399") && keeps(it.session, "n250") && !keeps(it.session, "n149"));
    stop(&it);
}

static void write_many(const struct run *it, int n_domains, int n_each)
{
    static char text[1000000];
    size_t size = 0;
    for (int i = 0; i < n_domains * n_each; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size,
                                 "%sd%d.com\tTRUE\t/\tFALSE\t0\tn%d\tv\n",
                                 i % 2 == 0 ? "#HttpOnly_." : ".", i % n_domains, i / n_domains);
    write_file(it, text);
}

/* Each of so many domains keeps its last ones. */
static void keeps_last(const struct run *it, int n_domains, int n_each, int n_expected)
{
    weft_http_cookie *cookies = NULL;
    size_t n = 0;
    write_many(it, n_domains, n_each);
    ck_assert_int_eq(weft_http_cookies_clear(it->session), 0);
    ck_assert_int_eq(weft_http_cookies_load(it->session, it->path), 0);
    ck_assert_int_eq(weft_http_cookies_list(it->session, &cookies, &n), 0);
    ck_assert_uint_eq(n, (size_t)(n_domains * n_expected));
    for (size_t i = 0; i < n; i++)
        ck_assert_int_ge(atoi(cookies[i].name + 1), n_each - n_expected);
    weft_free(cookies);
}

WT_TEST(a_file_of_more_than_are_kept)
{
    struct run it;
    start(&it, NULL, 0, false);
    keeps_last(&it, 2, 1000, 150);
    keeps_last(&it, 20, 150, 150);
    keeps_last(&it, 50, 100, 37);
    keeps_last(&it, 3000, 2, 1);
    write_many(&it, 5000, 1);
    ck_assert_int_eq(weft_http_cookies_load(it.session, it.path), 0);
    ck_assert_uint_eq(n_kept(it.session), 3000);
    stop(&it);
}

/* ---- many at once --------------------------------------------------------------------------------------- */

WEFT_TASK(visit, (weft_http_session *, session), (const char *, url))
{
    for (int i = 0; i < 10; i++) {
        char *text;
        WEFT_AUTO(weft_http_response, response);
        WEFT_TRY(weft_http_get(session, url, NULL, &response));
        WEFT_TRY(weft_http_text(response, &text));
        weft_free(text);
    }
    return 0;
}

WEFT_TASK(look, (weft_http_session *, session), (const char *, path))
{
    for (int i = 0; i < 10; i++) {
        weft_http_cookie *cookies;
        size_t n;
        WEFT_TRY(weft_http_cookies_list(session, &cookies, &n));
        weft_free(cookies);
        WEFT_TRY(weft_http_cookies_save(session, path));
        WEFT_TRY(weft_http_cookies_load(session, path));
    }
    return 0;
}

static void look_in_thread(void *arg)
{
    weft_http_session *session = arg;
    for (int i = 0; i < 10; i++) {
        (void)n_kept(session);
        ck_assert_int_eq(weft_http_cookies_clear(session), 0);
    }
}

WT_TEST(requests_set_cookies_while_others_look_at_them)
{
    struct nginx server;
    struct run it;
    char url[96];
    nginx_start(&server);
    start(&it, NULL, 0, false);
    (void)snprintf(url, sizeof(url), "%s/cookie?seen", server.url);
    {
        wt_thread *thread = wt_thread_start(look_in_thread, it.session);
        WEFT_SCOPE(scope);
        ck_assert_int_eq(weft_spawn_with(&scope, WEFT_OPTS(spawn, .copies = wt_scaled(16)), visit,
                                         it.session, (const char *)url),
                         0);
        ck_assert_int_eq(weft_spawn_with(&scope, WEFT_OPTS(spawn, .copies = 2), look, it.session,
                                         (const char *)it.path),
                         0);
        ck_assert_int_eq(weft_scope_wait(&scope), 0);
        wt_thread_join(thread);
    }
    get(it.session, url, NULL);
    ck_assert(keeps(it.session, "seen"));
    weft_http_response *response = NULL;
    char *text;
    ck_assert_int_eq(weft_http_get(it.session, url, NULL, &response), 0);
    ck_assert_int_eq(weft_http_text(response, &text), 0);
    ck_assert_str_eq(text, "[seen=yes]");
    weft_free(text);
    ck_assert_int_eq(weft_http_response_close(response), 0);
    stop(&it);
    nginx_stop(&server);
}

WT_MAIN("http_cookies")
