/* SPDX-License-Identifier: MIT
 * The session's cookies: libcurl's own, with its rules about domains, public suffixes, paths and times.
 *
 * They are in a share handle, for any transfer may bring one that the next one takes along. It has no
 * functions to lock it with: only turns of the engine touch it, and those come one after the other. */
#include "http/easy.h"

#include <string.h>
#include <strings.h>

static CURLcode use_jar(CURL *easy, CURLSH *share)
{
    CURLcode code = curl_easy_setopt(easy, CURLOPT_COOKIEFILE, NULL);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_SHARE, share);
    if (code == CURLE_OK)
        code = curl_easy_setopt(easy, CURLOPT_COOKIEFILE, ""); /* no file, but to use them */
    return code;
}

/* Without the list of suffixes a site could leave cookies for all of its country's. */
int wf_http_jar_open(struct wf_http_engine *engine)
{
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_PSL))
        return WEFT_ENOTSUP;
    engine->share = curl_share_init();
    engine->jar = curl_easy_init();
    if (engine->share == NULL || engine->jar == NULL)
        return WEFT_ENOMEM;
    CURLSHcode shared = curl_share_setopt(engine->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
    if (shared != CURLSHE_OK)
        return shared == CURLSHE_NOMEM ? WEFT_ENOMEM : WEFT_ENOTSUP;
    return wf_http_code_of(use_jar(engine->jar, engine->share), 0);
}

void wf_http_jar_close(struct wf_http_engine *engine)
{
    if (engine->jar != NULL)
        curl_easy_cleanup(engine->jar);
    if (engine->share != NULL)
        (void)curl_share_cleanup(engine->share);
}

static bool has_own_cookies(const struct curl_slist *headers)
{
    for (; headers != NULL; headers = headers->next)
        if (strncasecmp(headers->data, "Cookie:", 7) == 0 ||
            strncasecmp(headers->data, "Cookie;", 7) == 0)
            return true;
    return false;
}

CURLcode wf_http_jar_attach(weft_http_response *x)
{
    CURLSH *share = x->session->engine.share;
    if (share == NULL)
        return CURLE_OK;
    if (has_own_cookies(x->headers))
        return curl_easy_setopt(x->easy->curl, CURLOPT_COOKIEFILE,
                                NULL); /* the last transfer's are off */
    return use_jar(x->easy->curl, share);
}

/* ---- a look into it ---------------------------------------------------------------------------------- */

/* What goes to nobody, for no host is below "invalid" (RFC 6761, 6.4), and is shown to nobody. */
static const char ours[] = "weft.invalid\tFALSE\t/\tTRUE\t0\tweft\tjar";

static struct curl_slist *without_ours(struct curl_slist *list)
{
    for (struct curl_slist **at = &list; *at != NULL; at = &(*at)->next) {
        struct curl_slist *line = *at;
        if (strcmp(line->data, ours) != 0)
            continue;
        *at = line->next;
        line->next = NULL;
        curl_slist_free_all(line);
        break;
    }
    return list;
}

/* libcurl lists nothing when there is none, and when it has no memory. Which of the two it is shows when
 * there is one. */
int wf_http_jar_list(weft_http_session *session, void *out_list)
{
    CURL *jar = session->engine.jar;
    struct curl_slist *list = NULL;
    CURLcode code = curl_easy_getinfo(jar, CURLINFO_COOKIELIST, &list);
    if (code == CURLE_OK && list == NULL)
        code = curl_easy_setopt(jar, CURLOPT_COOKIELIST, ours);
    if (code == CURLE_OK && list == NULL)
        code = curl_easy_getinfo(jar, CURLINFO_COOKIELIST, &list);
    if (code != CURLE_OK || list == NULL)
        return code != CURLE_OK ? wf_http_code_of(code, 0) : WEFT_ENOMEM;
    *(struct curl_slist **)out_list = without_ours(list);
    return 0;
}

int wf_http_jar_add(weft_http_session *session, void *lines)
{
    CURLcode code = CURLE_OK;
    for (const char *line = lines; code == CURLE_OK && *line != '\0'; line += strlen(line) + 1)
        code = curl_easy_setopt(session->engine.jar, CURLOPT_COOKIELIST, line);
    return code == CURLE_OK ? wf_http_jar_limit(session) : wf_http_code_of(code, 0);
}

int wf_http_jar_clear(weft_http_session *session, void *unused)
{
    (void)unused;
    return wf_http_code_of(curl_easy_setopt(session->engine.jar, CURLOPT_COOKIELIST, "ALL"), 0);
}
