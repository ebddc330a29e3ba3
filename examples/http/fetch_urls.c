/* SPDX-License-Identifier: MIT */
/* fetch_urls [URL...]   fetches the URLs, or pages of a site of its own, through one session:
 *                       first one after the other, then all at once; stderr says how long it took */
#include <stdio.h>
#include <stdlib.h>
#include <weft.h>
#include <weft/http.h>

#include "site.h"

enum { N_PAGES = 3 };

struct job {
    const char *const *urls;
    size_t n_urls;
};

static int one_by_one(weft_http_session *session, const struct job *job, char **out_texts)
{
    for (size_t i = 0; i < job->n_urls; i++) {
        WEFT_AUTO(weft_http_response, response); /* closed at each turn's brace */
        WEFT_TRY(weft_http_get(session, job->urls[i], NULL, &response));
        WEFT_TRY(weft_http_text(response, &out_texts[i]));
    }
    return 0;
}

WEFT_TASK(fetch, (weft_http_session *, session), (const char *, url), (char **, out_text))
{
    WEFT_AUTO(weft_http_response, response);
    WEFT_TRY(weft_http_get(session, url, NULL, &response));
    return weft_http_text(response, out_text);
}

/* The session's limits say how many are under way; the first that fails ends the others. */
static int all_at_once(weft_http_session *session, const struct job *job, char **out_texts)
{
    WEFT_SCOPE(scope, .name = "fetches");
    for (size_t i = 0; i < job->n_urls; i++)
        WEFT_TRY(weft_spawn(&scope, fetch, session, job->urls[i], &out_texts[i]));
    return weft_scope_wait(&scope);
}

static int try_out(const char *how,
                   int (*fetch_all)(weft_http_session *, const struct job *, char **),
                   weft_http_session *session, const struct job *job)
{
    char **texts = calloc(job->n_urls, sizeof *texts);
    if (texts == NULL)
        return WEFT_ENOMEM;
    int64_t begin_ns = weft_now_ns();
    int rc = fetch_all(session, job, texts);
    fprintf(stderr, "%s: %.3f s\n", how, (double)(weft_now_ns() - begin_ns) / 1e9);
    size_t n = 0;
    for (size_t i = 0; i < job->n_urls; i++) {
        n += texts[i] != NULL;
        free(texts[i]);
    }
    free(texts);
    printf("Fetched %zu pages, %s\n", n, how);
    return rc;
}

static int fetch_urls(const struct job *job)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    WEFT_TRY(try_out("one by one", one_by_one, session, job));
    return try_out("all at once", all_at_once, session, job);
}

static int fetch_own_pages(void)
{
    static const struct site_page pages[] = { { "/get", "It works.\n", NULL }, { 0 } };
    char site[64], url[80];
    const char *urls[N_PAGES];
    WEFT_AUTO(weft_listener, door);
    WEFT_SCOPE(scope, .name = "site"); /* cancelled on the way out */
    WEFT_TRY(site_open(&scope, pages, &door, site, sizeof site));
    (void)snprintf(url, sizeof url, "%s/get", site);
    for (int i = 0; i < N_PAGES; i++)
        urls[i] = url;
    return fetch_urls(&(struct job){ urls, N_PAGES });
}

static int main_task(void *arg)
{
    const struct job *job = arg;
    int rc = job->n_urls > 0 ? fetch_urls(job) : fetch_own_pages();
    if (rc < 0)
        fprintf(stderr, "fetch_urls: %s\n", weft_strerror(rc));
    return rc;
}

int main(int argc, char **argv)
{
    struct job job = { (const char *const *)argv + 1, argc > 0 ? (size_t)argc - 1 : 0 };
    return weft_run(main_task, &job) < 0;
}
