/* SPDX-License-Identifier: MIT
 * How many cookies a session keeps. libcurl takes up to 50 of an answer and 5,000 bytes of each, of any number of
 * answers, and forgets none before its time: a server could fill the memory.
 *
 *   J1  A jar that was looked at has at most WF_HTTP_MOST_COOKIES, a domain's at most
 *       WF_HTTP_MOST_OF_DOMAIN of them; and fewer than WF_HTTP_NEW_COOKIES have come since, but for those
 *       of transfers that are under way.
 *
 * libcurl lists a domain's cookies in the order in which they came, and that of nothing else. So where all
 * domains have too many together, each may have half as many, and half of that, until they fit: who has few
 * loses none for who has many.
 *
 * To let one go is to let go all, and to add what is kept again: one with a tab in its path can be named to libcurl
 * in no other way. Without memory for that those behind it are lost, which J1 allows: they are cookies. */
#include "http/session.h"

#include "plat/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct cookie {
    const char *line;
    size_t place; /* in libcurl's list */
};

/* Its domain, ended by a tab. */
static const char *domain_of(const char *line)
{
    static const char http_only[] = "#HttpOnly_";
    if (strncmp(line, http_only, sizeof(http_only) - 1) == 0)
        line += sizeof(http_only) - 1;
    return line + (*line == '.');
}

static int compare_domains(const char *line, const char *other)
{
    const char *domain = domain_of(line), *others = domain_of(other);
    size_t size = strcspn(domain, "\t"), others_size = strcspn(others, "\t");
    if (size != others_size)
        return size < others_size ? -1 : 1;
    return strncasecmp(domain, others, size);
}

static int compare(const void *a, const void *b)
{
    const struct cookie *one = a, *other = b;
    int order = compare_domains(one->line, other->line);
    return order != 0 ? order : one->place < other->place ? -1 : one->place > other->place;
}

static size_t end_of_domain(const struct cookie *cookies, size_t from, size_t n)
{
    size_t i = from + 1;
    while (i < n && compare_domains(cookies[i].line, cookies[from].line) == 0)
        i++;
    return i;
}

/* The last `most` of each domain, put one after the other. In place: done again with less, it goes on. */
static size_t keep_last(struct cookie *cookies, size_t n, size_t most)
{
    size_t n_kept = 0;
    for (size_t from = 0, end; from < n; from = end) {
        end = end_of_domain(cookies, from, n);
        size_t n_of_domain = WF_MIN(end - from, most);
        memmove(cookies + n_kept, cookies + end - n_of_domain, n_of_domain * sizeof(*cookies));
        n_kept += n_of_domain;
    }
    return n_kept;
}

static size_t choose(struct cookie *cookies, size_t n)
{
    size_t most = WF_HTTP_MOST_OF_DOMAIN;
    qsort(cookies, n, sizeof(*cookies), compare);
    n = keep_last(cookies, n, most);
    for (; n > WF_HTTP_MOST_COOKIES && most > 1; most /= 2)
        n = keep_last(cookies, n, most / 2);
    return WF_MIN(n, (size_t)WF_HTTP_MOST_COOKIES);
}

static int replace_all(weft_http_session *session, const struct cookie *cookies, size_t n)
{
    int rc = wf_http_jar_clear(session, NULL);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = wf_http_code_of(
            curl_easy_setopt(session->engine.jar, CURLOPT_COOKIELIST, cookies[i].line), 0);
    return rc;
}

static int limit(weft_http_session *session, const struct curl_slist *list)
{
    size_t n = 0;
    for (const struct curl_slist *line = list; line != NULL; line = line->next)
        n++;
    struct cookie *cookies = wf_alloc(wf_size_with(0, n, sizeof(*cookies)), 1);
    if (cookies == NULL)
        return WEFT_ENOMEM;
    for (size_t i = 0; i < n; i++, list = list->next)
        cookies[i] = (struct cookie){ list->data, i };
    size_t n_kept = choose(cookies, n);
    int rc = n_kept < n ? replace_all(session, cookies, n_kept) : 0;
    wf_free(cookies);
    return rc;
}

int wf_http_jar_limit(weft_http_session *session)
{
    struct curl_slist *list;
    int rc = wf_http_jar_list(session, &list);
    if (rc < 0)
        return rc;
    rc = list == NULL ? 0 : limit(session, list);
    curl_slist_free_all(list);
    return rc;
}

/* For want of memory it is looked at again after the next transfer that brings one. */
void wf_http_jar_came(weft_http_session *session, unsigned n)
{
    struct wf_http_engine *engine = &session->engine;
    if (engine->jar == NULL || n == 0)
        return;
    engine->n_new_cookies += n;
    if (engine->n_new_cookies >= WF_HTTP_NEW_COOKIES && wf_http_jar_limit(session) == 0)
        engine->n_new_cookies = 0;
}
