/* SPDX-License-Identifier: MIT */
/* http_trace   fetches pages of a site of its own through a session that logs what is asked for, keeps
 *              pages, and gets itself a new token when the site refuses the old one; what goes to the
 *              site is told by a trace, with its times on stderr */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>

#include "site.h"

enum { MOST_PAGES = 16 };

static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://");
    const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
    return path != NULL ? path : url;
}

/* ---- what goes to the site ---------------------------------------------------------------------------- */

static void tell(const weft_http_trace *trace, void *arg)
{
    (void)arg;
    fprintf(stderr, "  #%d %8.3f ms  %s\n", (int)trace->id, (double)trace->at_ns / 1e6,
            weft_http_phase_name(trace->phase));
    if (trace->phase == WEFT_HTTP_ENDED)
        printf("  #%d %s %s: %d\n", (int)trace->id, trace->method, path_of(trace->url),
               trace->status);
    else if (trace->phase == WEFT_HTTP_FAILED)
        printf("  #%d %s %s: %s\n", (int)trace->id, trace->method, path_of(trace->url),
               weft_strerror(trace->code));
}

/* ---- what is around a request -------------------------------------------------------------------------- */

static int log_it(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    (void)arg;
    WEFT_TRY(weft_http_next(call, out_response));
    bool is_kept = weft_http_header(*out_response, "Age") != NULL;
    printf("%s %s: %d%s\n", call->method, path_of(call->url), weft_http_status(*out_response),
           is_kept ? ", kept" : "");
    return 0;
}

/* Requests are made at once: it has a lock, which nobody holds while a page is on its way. */
struct page {
    char *url, *body;
    size_t size;
};

struct cache {
    weft_mutex mutex;
    struct page pages[MOST_PAGES];
    size_t n_pages;
};

/* 1: it was there; 0: it was not, or < 0. */
static int answer_from(struct cache *cache, const weft_http_call *call,
                       weft_http_response **out_response)
{
    const weft_http_field headers[] = { { "Age", "0" }, { 0 } };
    WEFT_LOCK(&cache->mutex);
    for (size_t i = 0; i < cache->n_pages; i++) {
        if (strcmp(cache->pages[i].url, call->url) != 0)
            continue;
        WEFT_TRY(weft_http_answer(call,
                                  WEFT_OPTS(http_answer, .headers = headers,
                                            .body = cache->pages[i].body,
                                            .body_size = cache->pages[i].size),
                                  out_response));
        return 1;
    }
    return 0;
}

/* 1: it is the cache's now. */
static int add_page(struct cache *cache, struct page page)
{
    WEFT_LOCK(&cache->mutex);
    if (cache->n_pages == MOST_PAGES)
        return 0;
    cache->pages[cache->n_pages++] = page;
    return 1;
}

static void drop_page(struct page *page)
{
    free(page->url);
    free(page->body);
}

static int keep(struct cache *cache, const weft_http_call *call, weft_http_response **out_response)
{
    struct page page = { .url = NULL };
    WEFT_TRY(weft_http_read_all(*out_response, &page.body, &page.size));
    int rc = weft_http_answer(
        call, WEFT_OPTS(http_answer, .body = page.body, .body_size = page.size), out_response);
    page.url = strdup(call->url);
    if (rc == 0 && page.url != NULL)
        rc = add_page(cache, page);
    if (rc < 1 || page.url == NULL)
        drop_page(&page);
    return rc;
}

/* What it has read of an answer is gone from that: the caller gets one with the same bytes. */
static int from_cache(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    struct cache *cache = arg;
    bool is_get = strcmp(call->method, "GET") == 0 && call->opts.query == NULL;
    int rc = is_get ? answer_from(cache, call, out_response) : 0;
    if (rc != 0)
        return rc;
    WEFT_TRY(weft_http_next(call, out_response));
    if (!is_get || weft_http_status(*out_response) != 200)
        return 0;
    return keep(cache, call, out_response);
}

struct token {
    const char *url; /* where there is a new one */
    char text[64];
};

/* By what is further in, which has no token of its own to renew. */
static int renew(struct token *token, const weft_http_call *call)
{
    weft_http_call other = *call;
    WEFT_AUTO(weft_http_response, response);
    char *text;
    other.method = "GET";
    other.url = token->url;
    other.opts = (weft_http_request_opts){ .size_ = sizeof other.opts };
    WEFT_TRY(weft_http_next(&other, &response));
    WEFT_TRY(weft_http_raise_for_status(response));
    WEFT_TRY(weft_http_text(response, &text));
    (void)snprintf(token->text, sizeof token->text, "%s", text);
    free(text);
    return 0;
}

static int refresh(weft_http_call *call, weft_http_response **out_response, void *arg)
{
    struct token *token = arg;
    call->opts.bearer = token->text;
    WEFT_TRY(weft_http_next(call, out_response));
    if (weft_http_status(*out_response) != 401)
        return 0;
    (void)weft_http_response_close(*out_response);
    *out_response = NULL;
    WEFT_TRY(renew(token, call));
    return weft_http_next(call, out_response);
}

/* ---- the program --------------------------------------------------------------------------------------- */

static int fetch_all(const char *site, struct cache *cache, struct token *token)
{
    static const char *const paths[] = { "/data", "/data", "/nothing" };
    const weft_http_middleware list[] = {
        { log_it, NULL }, { from_cache, cache }, { refresh, token }, { 0 }
    };
    WEFT_AUTO(weft_http_session, session);
    WEFT_TRY(weft_http_session_open(
        WEFT_OPTS(http_session, .base_url = site, .on_trace = tell, .middleware = list), &session));
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        WEFT_AUTO(weft_http_response, response);
        char *text;
        WEFT_TRY(weft_http_get(session, paths[i], NULL, &response));
        WEFT_TRY(weft_http_text(response, &text));
        free(text);
    }
    return 0;
}

static int fetch_pages(struct cache *cache)
{
    static const struct site_page pages[] = { { "/data", "what is kept here\n", "Bearer new" },
                                              { "/token", "new", NULL },
                                              { 0 } };
    char site[64];
    struct token token = { .url = "/token", .text = "old" };
    WEFT_AUTO(weft_listener, door);
    WEFT_SCOPE(scope, .name = "site"); /* cancelled on the way out */
    WEFT_TRY(site_open(&scope, pages, &door, site, sizeof site));
    return fetch_all(site, cache, &token);
}

static int main_task(void *arg)
{
    (void)arg;
    struct cache cache = { .mutex = WEFT_MUTEX_INIT() };
    int rc = fetch_pages(&cache);
    for (size_t i = 0; i < cache.n_pages; i++)
        drop_page(&cache.pages[i]);
    if (rc < 0)
        fprintf(stderr, "http_trace: %s\n", weft_strerror(rc));
    return rc;
}

int main(void) { return weft_run(main_task, NULL) < 0; }
