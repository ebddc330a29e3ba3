/* SPDX-License-Identifier: MIT */
/* crawler [SITE [DEPTH]]   fetches the pages of a site, or of one of its own, and those that they lead
 *                          to, down to a depth (3); says how many there are on each level
 *
 * A level is a pipeline: its paths -> fetch, several at once -> lines -> links -> those that are pages of
 * the site. Which of them are new is known where all come together; they are the next level. So no stage
 * feeds one before it, and there is no circle of full channels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft.h>
#include <weft/http.h>

#include "site.h"

enum { N_FETCHERS = 4, MOST_PAGES = 10000 };

struct crawl {
    const char *site; /* without a / at its end */
    int max_depth;
    weft_http_session *session;
    char **paths; /* of all that are known, level after level; a larger crawl wants a set */
    size_t n_paths;
    size_t n_missing; /* atomic: fetchers count in it */
};

/* ---- stages ------------------------------------------------------------------------------------------- */

static int send_lines(weft_http_response *response, weft_tx(weft_text) lines_tx)
{
    WEFT_RX(weft_line, lines);
    WEFT_TRY(weft_http_lines(response, NULL, &lines));
    weft_each (line, lines) {
        weft_text text;
        WEFT_TRY(weft_text_copy(line, &text));
        int rc = weft_send(lines_tx, text);
        if (rc < 0) {
            weft_text_drop(&text);
            return rc;
        }
    }
    return weft_error(lines);
}

/* A page is on its way through the stages while its rest is still to come. */
WEFT_STAGE(fetch, weft_text, lines, const char *, paths, (struct crawl *, crawl))
{
    weft_each (path, paths) {
        char url[1024];
        WEFT_AUTO(weft_http_response, response);
        (void)snprintf(url, sizeof url, "%s%s", crawl->site, path);
        WEFT_TRY(weft_http_get(crawl->session, url, NULL, &response));
        if (weft_http_raise_for_status(response) < 0)
            __atomic_fetch_add(&crawl->n_missing, 1, __ATOMIC_RELAXED);
        else
            WEFT_TRY(send_lines(response, lines));
    }
    return weft_error(paths);
}

static int send_links(const weft_text *line, weft_tx(weft_text) links)
{
    static const char mark[] = "href=\"";
    const char *at = line->data;
    while ((at = strstr(at, mark)) != NULL) {
        at += sizeof mark - 1;
        weft_text link;
        WEFT_TRY(weft_text_copy((weft_line){ (char *)at, strcspn(at, "\"#") }, &link));
        int rc = weft_send(links, link);
        if (rc < 0) {
            weft_text_drop(&link);
            return rc;
        }
    }
    return 0;
}

WEFT_STAGE(find_links, weft_text, links, weft_text, lines)
{
    weft_each (line, lines) {
        int rc = send_links(&line, links);
        weft_text_drop(&line);
        WEFT_TRY(rc);
    }
    return weft_error(lines);
}

/* "/path" is a page of the site; "//host/path" and "https://..." are elsewhere. */
WEFT_STAGE_FILTER_MAP(keep_pages, weft_text, page, weft_text, link)
{
    *page = link;
    if (link.data[0] == '/' && link.data[1] != '/')
        return 1;
    weft_text_drop(page);
    return 0;
}

/* ---- levels ------------------------------------------------------------------------------------------- */

/* 1: it is new. */
static int add_path(struct crawl *crawl, const char *path)
{
    for (size_t i = 0; i < crawl->n_paths; i++)
        if (strcmp(crawl->paths[i], path) == 0)
            return 0;
    if (crawl->n_paths == MOST_PAGES)
        return 0;
    crawl->paths[crawl->n_paths] = strdup(path);
    if (crawl->paths[crawl->n_paths] == NULL)
        return WEFT_ENOMEM;
    crawl->n_paths++;
    return 1;
}

static int queue_level(const struct crawl *crawl, size_t from, weft_rx(const char *) * out_paths)
{
    WEFT_TX(const char *, tx);
    WEFT_TRY(weft_chan_open(&tx, out_paths, crawl->n_paths - from));
    for (size_t i = from; i < crawl->n_paths; i++)
        WEFT_TRY(weft_try_send(tx, crawl->paths[i]));
    return 0;
}

/* Fetches the paths from `from` on; those that they lead to are behind them then. */
static int crawl_level(struct crawl *crawl, size_t from, size_t *out_n_links)
{
    const weft_stage_opts *texts = WEFT_OPTS(stage, .drop = weft_text_drop);
    WEFT_RX(const char *, paths);
    WEFT_RX(weft_text, lines);
    WEFT_RX(weft_text, links);
    WEFT_RX(weft_text, pages);
    WEFT_TRY(queue_level(crawl, from, &paths));
    WEFT_PIPELINE(level, .name = "level");
    WEFT_TRY(fetch(&level, WEFT_OPTS(stage, .workers = N_FETCHERS, .drop = weft_text_drop),
                   WEFT_MOVE(paths), crawl, &lines));
    WEFT_TRY(find_links(&level, texts, WEFT_MOVE(lines), &links));
    WEFT_TRY(keep_pages(&level, texts, WEFT_MOVE(links), &pages));
    weft_each (page, pages) {
        ++*out_n_links;
        int rc = add_path(crawl, page.data);
        weft_text_drop(&page);
        WEFT_TRY(rc);
    }
    WEFT_TRY(weft_error(pages));
    return weft_pipeline_wait(&level);
}

static int crawl_site(struct crawl *crawl)
{
    WEFT_AUTO(weft_http_session, session);
    WEFT_TRY(weft_http_session_open(NULL, &session));
    crawl->session = session;
    WEFT_TRY(add_path(crawl, "/"));
    size_t from = 0;
    for (int depth = 0; depth <= crawl->max_depth && from < crawl->n_paths; depth++) {
        size_t end = crawl->n_paths, n_links = 0;
        WEFT_TRY(crawl_level(crawl, from, &n_links));
        printf("depth %d: %zu fetched, %zu links to pages of the site, %zu of them new\n", depth,
               end - from, n_links, crawl->n_paths - end);
        from = end;
    }
    printf("%zu known, %zu of them not fetched, %zu missing\n", crawl->n_paths,
           crawl->n_paths - from, crawl->n_missing);
    return 0;
}

static int crawl_own_site(struct crawl *crawl)
{
    static const struct site_page pages[] = {
        { "/",
          "<a href=\"/news\">News</a> <a href=\"/about#us\">Us</a>\n"
          "<a href=\"https://example.org/\">Others</a>\n",
          NULL },
        { "/news", "<a href=\"/news/1\">1</a>\n<a href=\"/news/2\">2</a>\n<a href=\"/\">Up</a>\n",
          NULL },
        { "/about", "<a href=\"/\">Up</a> <a href=\"/gone\">Old</a> <a href=\"/news/2\">2</a>\n",
          NULL },
        { "/news/1", "<a href=\"/news/2\">Next</a>\n", NULL },
        { "/news/2", "<a href=\"/deep/1\">More</a>\n", NULL },
        { "/deep/1", "<a href=\"/deep/2\">More</a>\n", NULL },
        { "/deep/2", "too deep\n", NULL },
        { 0 },
    };
    char url[64];
    WEFT_AUTO(weft_listener, door);
    WEFT_SCOPE(scope, .name = "site"); /* cancelled on the way out */
    WEFT_TRY(site_open(&scope, pages, &door, url, sizeof url));
    crawl->site = url;
    return crawl_site(crawl);
}

static int main_task(void *arg)
{
    struct crawl *crawl = arg;
    int rc = crawl->site != NULL ? crawl_site(crawl) : crawl_own_site(crawl);
    if (rc < 0)
        fprintf(stderr, "crawler: %s\n", weft_strerror(rc));
    return rc;
}

int main(int argc, char **argv)
{
    struct crawl crawl = { .site = argc > 1 ? argv[1] : NULL,
                           .max_depth = argc > 2 ? atoi(argv[2]) : 3,
                           .paths = calloc(MOST_PAGES, sizeof(char *)) };
    int rc = crawl.paths != NULL ? weft_run(main_task, &crawl) : WEFT_ENOMEM;
    for (size_t i = 0; i < crawl.n_paths; i++)
        free(crawl.paths[i]);
    free(crawl.paths);
    return rc < 0;
}
