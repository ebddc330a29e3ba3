/* SPDX-License-Identifier: MIT
 * URLs, by libcurl's own parser, so that what is checked here is what it connects to. It does no more
 * than parse, and allocates little: it may run on a task's stack. */
#include "http/session.h"

#include "plat/mem.h"

#include <string.h>
#include <strings.h>

static int code_of_url(CURLUcode code)
{
    if (code == CURLUE_OK)
        return 0;
    return code == CURLUE_OUT_OF_MEMORY ? WEFT_ENOMEM : WEFT_EINVAL;
}

static int set_part(CURLU *url, CURLUPart part, const char *text, unsigned flags)
{
    return code_of_url(curl_url_set(url, part, text, flags));
}

/* Spaces and line breaks in what the caller gives are a mistake, in a parameter's value they are
 * encoded. */
static int add_query(CURLU *url, const weft_http_field *query)
{
    int rc = 0;
    for (; rc == 0 && query != NULL && query->name != NULL; query++) {
        if (query->value == NULL)
            return WEFT_EINVAL;
        size_t name_size = strlen(query->name), value_size = strlen(query->value);
        char *pair = wf_alloc(wf_size_with(name_size + 2, 1, value_size), 1);
        if (pair == NULL)
            return WEFT_ENOMEM;
        memcpy(pair, query->name, name_size);
        pair[name_size] = '=';
        memcpy(pair + name_size + 1, query->value, value_size);
        rc = set_part(url, CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE);
        wf_free(pair);
    }
    return rc;
}

static int check_scheme(CURLU *url)
{
    char *scheme = NULL;
    int rc = code_of_url(curl_url_get(url, CURLUPART_SCHEME, &scheme, 0));
    if (rc == 0 && strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0)
        rc = WEFT_EINVAL;
    curl_free(scheme);
    return rc;
}

static int copy_part(CURLU *url, CURLUPart part, unsigned flags, char **out)
{
    char *text = NULL;
    int rc = code_of_url(curl_url_get(url, part, &text, flags));
    if (rc < 0)
        return rc;
    size_t size = strlen(text) + 1;
    *out = wf_realloc(NULL, size);
    if (*out != NULL)
        memcpy(*out, text, size);
    curl_free(text);
    return *out != NULL ? 0 : WEFT_ENOMEM;
}

int wf_http_url_make(const char *base, const char *text, const weft_http_field *query,
                     char **out_url)
{
    CURLU *url = curl_url();
    if (url == NULL)
        return WEFT_ENOMEM;
    int rc = base != NULL ? set_part(url, CURLUPART_URL, base, 0) : 0;
    if (rc == 0)
        rc = set_part(url, CURLUPART_URL, text, 0);
    if (rc == 0)
        rc = check_scheme(url);
    if (rc == 0)
        rc = add_query(url, query);
    if (rc == 0)
        rc = copy_part(url, CURLUPART_URL, 0, out_url);
    curl_url_cleanup(url);
    return rc;
}

const char *wf_http_url_shown(const char *url)
{
    const char *host = url != NULL ? strstr(url, "://") : NULL;
    if (host == NULL)
        return url;
    host += 3;
    const char *end = host + strcspn(host, "/?#");
    const char *shown = url;
    for (; host < end; host++)
        if (*host == '@')
            shown = host + 1;
    return shown;
}

int wf_http_url_origin(const char *text, char **out_origin)
{
    CURLU *url = curl_url();
    if (url == NULL)
        return WEFT_ENOMEM;
    int rc = set_part(url, CURLUPART_URL, text, 0);
    const CURLUPart others[] = { CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_PATH,
                                 CURLUPART_QUERY, CURLUPART_FRAGMENT };
    for (size_t i = 0; rc == 0 && i < WF_ARRAY_SIZE(others); i++)
        rc = set_part(url, others[i], NULL, 0);
    if (rc == 0)
        rc = copy_part(url, CURLUPART_URL, CURLU_DEFAULT_PORT, out_origin);
    curl_url_cleanup(url);
    return rc;
}
