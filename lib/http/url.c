/* SPDX-License-Identifier: MIT
 * URLs, by libcurl's own parser, so that what is checked here is what it connects to. It does no more
 * than parse, and allocates little: it may run on a task's stack. */
#include "http/session.h"

#include "plat/mem.h"

#include <stdio.h>
#include <stdlib.h>
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

/* libcurl decodes them, and Digest says the name as it is: a line break in it would begin a header. */
static int check_user(CURLU *url)
{
    static const CURLUPart parts[] = { CURLUPART_USER, CURLUPART_PASSWORD };
    for (size_t i = 0; i < WF_ARRAY_SIZE(parts); i++) {
        char *text = NULL;
        CURLUcode code = curl_url_get(url, parts[i], &text, CURLU_URLDECODE);
        bool is_none = code == CURLUE_NO_USER || code == CURLUE_NO_PASSWORD;
        bool is_value = code == CURLUE_OK && wf_http_is_value(text);
        curl_free(text);
        if (!is_none && !is_value)
            return code == CURLUE_OUT_OF_MEMORY ? WEFT_ENOMEM : WEFT_EINVAL;
    }
    return 0;
}

/* ---- those that libcurl's parser would give back as they are ---------------------------------------- */

static const char *skip(const char *text, const char *others)
{
    while ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
           (*text >= '0' && *text <= '9') || (*text != '\0' && strchr(others, *text) != NULL))
        text++;
    return text;
}

/* Names whose last label begins with a digit may be numbers in disguise. NULL: not so plain. */
static const char *skip_host(const char *host)
{
    const char *label = host, *at = host;
    for (; (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-' || *at == '.';
         at++)
        if (*at == '.') {
            if (at == label)
                return NULL;
            label = at + 1;
        }
    return at > label && *label >= 'a' ? at : NULL;
}

static const char *skip_number(const char *text, unsigned long most)
{
    char *end;
    if (*text < '1' || *text > '9')
        return NULL;
    return strtoul(text, &end, 10) <= most ? end : NULL;
}

/* "127.0.0.1" */
static const char *skip_address(const char *text)
{
    for (int i = 0; text != NULL && i < 4; i++) {
        if (i > 0 && *text++ != '.')
            return NULL;
        bool is_zero = text[0] == '0' && !(text[1] >= '0' && text[1] <= '9');
        text = is_zero ? text + 1 : skip_number(text, 255);
    }
    return text;
}

/* A scheme, a host in small letters, perhaps a port. */
static const char *skip_origin(const char *text)
{
    size_t scheme = strncmp(text, "http://", 7) == 0    ? 7
                    : strncmp(text, "https://", 8) == 0 ? 8
                                                        : 0;
    if (scheme == 0)
        return NULL;
    const char *at = skip_address(text + scheme);
    if (at == NULL)
        at = skip_host(text + scheme);
    if (at != NULL && *at == ':')
        at = skip_number(at + 1, 65535);
    return at;
}

/* A path without dots between slashes, perhaps a query, and nothing that has to be encoded. */
static bool is_plain_target(const char *at)
{
    if (*at != '/')
        return false;
    const char *end = skip(at, "/-._~");
    for (; at < end; at++)
        if (at[0] == '/' && at[1] == '.')
            return false;
    return *end == '\0' || (*end == '?' && end[1] != '\0' && *skip(end + 1, "-._~=&") == '\0');
}

bool wf_http_url_is_plain(const char *text)
{
    const char *target = skip_origin(text);
    return target != NULL && is_plain_target(target);
}

/* How much of base goes before a target; 0: it is not so plain. "//" begins another origin. */
static size_t plain_origin(const char *base, const char *target)
{
    if (base == NULL || target[0] != '/' || target[1] == '/' || !is_plain_target(target))
        return 0;
    const char *end = skip_origin(base);
    return end != NULL && (*end == '\0' || is_plain_target(end)) ? (size_t)(end - base) : 0;
}

/* ---- URLs ------------------------------------------------------------------------------------------- */

static int copy_part(CURLU *url, CURLUPart part, unsigned flags, char **out)
{
    char *text = NULL;
    int rc = code_of_url(curl_url_get(url, part, &text, flags));
    if (rc < 0)
        return rc;
    *out = wf_copy_text(text);
    curl_free(text);
    return *out != NULL ? 0 : WEFT_ENOMEM;
}

static int make_by_parser(const char *base, const char *text, const weft_http_field *query,
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
        rc = check_user(url);
    if (rc == 0)
        rc = add_query(url, query);
    if (rc == 0)
        rc = copy_part(url, CURLUPART_URL, 0, out_url);
    curl_url_cleanup(url);
    return rc;
}

int wf_http_url_make(const char *base, const char *text, const weft_http_field *query,
                     char **out_url)
{
    /* Nothing to be relative to, or no more than an origin, and nothing to add: to parse it costs a
     * fifth of a short request. */
    bool is_plain = query == NULL && wf_http_url_is_plain(text);
    size_t origin_size = query == NULL && !is_plain ? plain_origin(base, text) : 0;
    if (!is_plain && origin_size == 0)
        return make_by_parser(base, text, query, out_url);
    *out_url = wf_http_join(origin_size > 0 ? base : "", origin_size, text);
    return *out_url != NULL ? 0 : WEFT_ENOMEM;
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

/* "host:port"; the port only if the URL has one. */
static int copy_host(CURLU *url, char **out)
{
    char *host = NULL, *port = NULL;
    int rc = code_of_url(curl_url_get(url, CURLUPART_HOST, &host, 0));
    if (rc == 0 && curl_url_get(url, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT) != CURLUE_OK)
        port = NULL;
    size_t size = rc == 0 ? strlen(host) + (port != NULL ? strlen(port) : 0) + 2 : 0;
    *out = rc == 0 ? wf_realloc(NULL, size) : NULL;
    if (*out != NULL)
        (void)snprintf(*out, size, "%s%s%s", host, port != NULL ? ":" : "",
                       port != NULL ? port : "");
    curl_free(host);
    curl_free(port);
    return rc < 0 || *out != NULL ? rc : WEFT_ENOMEM;
}

static int copy_target(CURLU *url, char **out)
{
    char *path = NULL, *query = NULL;
    int rc = code_of_url(curl_url_get(url, CURLUPART_PATH, &path, 0));
    if (rc == 0 && curl_url_get(url, CURLUPART_QUERY, &query, 0) != CURLUE_OK)
        query = NULL;
    size_t size = rc == 0 ? strlen(path) + (query != NULL ? strlen(query) : 0) + 2 : 0;
    *out = rc == 0 ? wf_realloc(NULL, size) : NULL;
    if (*out != NULL)
        (void)snprintf(*out, size, "%s%s%s", path, query != NULL ? "?" : "",
                       query != NULL ? query : "");
    curl_free(path);
    curl_free(query);
    return rc < 0 || *out != NULL ? rc : WEFT_ENOMEM;
}

int wf_http_url_parts(const char *text, char **out_host, char **out_target)
{
    CURLU *url = curl_url();
    *out_host = *out_target = NULL;
    if (url == NULL)
        return WEFT_ENOMEM;
    int rc = set_part(url, CURLUPART_URL, text, 0);
    if (rc == 0)
        rc = copy_host(url, out_host);
    if (rc == 0)
        rc = copy_target(url, out_target);
    curl_url_cleanup(url);
    return rc;
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
