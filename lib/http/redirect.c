/* SPDX-License-Identifier: MIT
 * Redirects, followed here and not by libcurl, which would send a request's own headers to whatever
 * host it is told. To another origin (scheme, host and port) goes nothing but the type of the body and
 * which bytes of the answer are wanted, or a download could not go on; from https to http nothing at
 * all; a body goes on only where the status says so, and only one that can be sent again. */
#include "http/session.h"

#include "plat/mem.h"

#include <string.h>
#include <strings.h>

bool wf_http_is_redirect(const weft_http_response *x)
{
    long status = x->head.status;
    return (status == 301 || status == 302 || status == 303 || status == 307 || status == 308) &&
           wf_http_head_find(&x->head, "Location") != NULL;
}

/* RFC 9110, 15.4: what browsers do with 301 and 302. */
static bool becomes_get(const weft_http_response *x)
{
    if (x->head.status == 303)
        return strcmp(x->method, "HEAD") != 0;
    return x->head.status < 303 && strcmp(x->method, "POST") == 0;
}

static int make_get(weft_http_response *x)
{
    char *method = wf_realloc(NULL, sizeof("GET"));
    if (method == NULL)
        return WEFT_ENOMEM;
    memcpy(method, "GET", sizeof("GET"));
    wf_free(x->method);
    x->method = method;
    x->is_upload = false;
    return 0;
}

/* 1: the same origin, 0: another, < 0: no memory, or not to be gone to. */
static int compare_origins(const char *from, const char *to)
{
    char *a = NULL, *b = NULL;
    int rc = wf_http_url_origin(from, &a);
    if (rc == 0)
        rc = wf_http_url_origin(to, &b);
    if (rc == 0 && strncasecmp(a, "https:", 6) == 0 && strncasecmp(b, "https:", 6) != 0)
        rc = WEFT_EHTTPREDIRECT;
    if (rc == 0)
        rc = strcasecmp(a, b) == 0;
    wf_free(a);
    wf_free(b);
    return rc;
}

static void remove_unless(struct curl_slist **list, bool (*is_kept)(const char *field))
{
    while (*list != NULL) {
        struct curl_slist *field = *list;
        if (is_kept(field->data)) {
            list = &field->next;
            continue;
        }
        *list = field->next;
        field->next = NULL;
        curl_slist_free_all(field);
    }
}

static bool may_go_anywhere(const char *field)
{
    static const char *const names[] = { "Expect:", "Range:", "If-Range:", "Accept-Encoding:" };
    for (size_t i = 0; i < WF_ARRAY_SIZE(names); i++)
        if (strncasecmp(field, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* "Expect:" is the first, and no header but the want of one. */
static int drop_headers(weft_http_response *x, const char *content_type)
{
    remove_unless(&x->headers, may_go_anywhere);
    return x->is_upload && content_type != NULL
               ? wf_http_field_add(&x->headers, "Content-Type", content_type)
               : 0;
}

/* The request goes on without a body, and so without what was said of it. */
static bool is_not_of_content(const char *field) { return strncasecmp(field, "Content-", 8) != 0; }

static int go_to(weft_http_response *x, const char *url, const char *content_type)
{
    int is_same = compare_origins(x->url, url);
    if (is_same < 0)
        return is_same;
    int rc = becomes_get(x) ? make_get(x) : 0;
    if (rc == 0 && x->is_upload && x->is_streamed)
        rc = WEFT_EHTTPREDIRECT;
    if (!x->is_upload)
        remove_unless(&x->headers, is_not_of_content);
    return rc < 0 || is_same ? rc : drop_headers(x, content_type);
}

int wf_http_redirect(weft_http_response *x, const char *content_type)
{
    char *url = NULL;
    int rc = wf_http_url_make(x->url, wf_http_head_find(&x->head, "Location"), NULL, &url);
    if (rc == WEFT_EINVAL)
        rc = WEFT_EHTTPREDIRECT;
    if (rc == 0)
        rc = go_to(x, url, content_type);
    if (rc == 0)
        rc = wf_http_leave(x);
    if (rc < 0) {
        wf_free(url);
        return rc;
    }
    wf_free(x->url);
    x->url = url;
    wf_http_reset(x);
    return 0;
}
