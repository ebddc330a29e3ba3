/* SPDX-License-Identifier: MIT
 * URLs: those that are taken as they are, without a parser. */
#include "http/session.h"
#include "plat/mem.h"
#include "wt_test.h"

#include <stdio.h>
#include <string.h>

static const char *const plain[] = {
    "http://a/",
    "http://example.org/",
    "https://example.org/a/b.html",
    "https://sub-1.example.org:8443/a_b/~c/d-e.f?x=1&y=2",
    "http://127.0.0.1/",
    "http://127.0.0.1:80/1k",
    "http://10.0.255.250:65535//twice//",
    "http://host/a.b/c..d?a.b=..",
};

/* Parsed, since the parser changes them, refuses them, or might. */
static const char *const others[] = {
    "",
    "http",
    "http://",
    "ftp://example.org/",
    "HTTP://example.org/",
    "http://Example.org/",
    "http://example.org",
    "http://example.org?x",
    "http://example.org:/",
    "http://example.org:0/",
    "http://example.org:080/",
    "http://example.org:65536/",
    "http://example.org:99999999999999999999/",
    "http://.example.org/",
    "http://example..org/",
    "http://example.org./",
    "http://user@example.org/",
    "http://user:secret@example.org/",
    "http://[::1]/",
    "http://127.0.0.01/",
    "http://127.0.0.256/",
    "http://127.0.0/",
    "http://127.0.0.1.2/",
    "http://0x7f.1/",
    "http://2130706433/",
    "http://a.1/",
    "http://example.org/./a",
    "http://example.org/../a",
    "http://example.org/a/../b",
    "http://example.org/.hidden",
    "http://example.org/a b",
    "http://example.org/a%20b",
    "http://example.org/a#b",
    "http://example.org/a?",
    "http://example.org/a?b#c",
    "http://example.org/a?b?c",
    "http://example.org/\xc3\xa4",
    "http://example.org/a\r\nb",
    "http://example.org\\@evil/",
};

/* Any parameter that adds nothing has it parsed. */
static char *parsed(const char *text)
{
    static const weft_http_field nothing[] = { { 0 } };
    char *url = NULL;
    ck_assert_int_eq(wf_http_url_make(NULL, text, nothing, &url), 0);
    return url;
}

WT_TEST(a_plain_url_is_what_the_parser_would_make_of_it)
{
    for (size_t i = 0; i < WF_ARRAY_SIZE(plain); i++) {
        char *url = NULL, *by_parser = parsed(plain[i]);
        ck_assert_msg(wf_http_url_is_plain(plain[i]), "%s", plain[i]);
        ck_assert_int_eq(wf_http_url_make(NULL, plain[i], NULL, &url), 0);
        ck_assert_str_eq(url, plain[i]);
        ck_assert_str_eq(by_parser, plain[i]);
        wf_free(url);
        wf_free(by_parser);
    }
}

WT_TEST(whatever_is_less_plain_is_parsed)
{
    for (size_t i = 0; i < WF_ARRAY_SIZE(others); i++)
        ck_assert_msg(!wf_http_url_is_plain(others[i]), "%s", others[i]);
}

/* Made of what has a meaning in URLs, all to four pieces. */
WT_TEST(no_plain_url_is_changed_by_the_parser)
{
    static const char *const pieces[] = { "a", "1", ".", "..", "/",   ":", ":8",    "?",
                                          "=", "-", "~", "@",  "%61", "#", "255.1", "\\" };
    enum { N = WF_ARRAY_SIZE(pieces) };
    char text[64];
    for (unsigned i = 0; i < N * N * N * N; i++) {
        (void)snprintf(text, sizeof(text), "http://%s%s%s%s/", pieces[i % N], pieces[i / N % N],
                       pieces[i / N / N % N], pieces[i / N / N / N]);
        if (!wf_http_url_is_plain(text))
            continue;
        char *by_parser = parsed(text);
        ck_assert_str_eq(by_parser, text);
        wf_free(by_parser);
    }
}

/* What may be put together, or has to be parsed, and what the parser makes of it. */
static void check_joined(const char *base, const char *target)
{
    static const weft_http_field nothing[] = { { 0 } };
    char *joined = NULL, *by_parser = NULL;
    int rc = wf_http_url_make(base, target, NULL, &joined);
    ck_assert_msg(rc == wf_http_url_make(base, target, nothing, &by_parser), "%s %s", base, target);
    if (rc == 0)
        ck_assert_str_eq(joined, by_parser);
    wf_free(joined);
    wf_free(by_parser);
}

WT_TEST(a_target_after_an_origin_is_what_the_parser_would_make_of_it)
{
    static const char *const bases[] = { "http://a",       "http://a/",     "http://a:8",
                                         "http://a/b/c?d", "http://127.1",  "http://A/%61",
                                         "http://a/b c",   "http://1.1.1.1" };
    static const char *const pieces[] = { "a", "/", ".", "..", "?", "=", ":", "@", "#", "%61" };
    enum { N = WF_ARRAY_SIZE(pieces) };
    char target[64];
    for (size_t i = 0; i < WF_ARRAY_SIZE(bases) * N * N * N; i++) {
        size_t rest = i / WF_ARRAY_SIZE(bases);
        (void)snprintf(target, sizeof(target), "/%s%s%s", pieces[rest % N], pieces[rest / N % N],
                       pieces[rest / N / N]);
        check_joined(bases[i % WF_ARRAY_SIZE(bases)], target);
    }
}

/* RFC 9110, 5.6.2 */
WT_TEST(names_are_made_of_the_characters_of_a_token)
{
    static const char tokens[] = "!#$%&'*+-.^_`|~0123456789"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (int c = 1; c < 256; c++) {
        const char name[] = { 'x', (char)c, '\0' };
        ck_assert_int_eq(wf_http_is_token(name), strchr(tokens, name[1]) != NULL);
        ck_assert_int_eq(wf_http_is_token(name + 1), strchr(tokens, name[1]) != NULL);
    }
    ck_assert(!wf_http_is_token(""));
}

WT_MAIN("http_url")
