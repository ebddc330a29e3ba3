/* SPDX-License-Identifier: MIT
 * Redirects, followed here and not by libcurl, which would send a request's own headers to whatever
 * host it is told. To another origin (scheme, host and port) goes nothing but what the caller
 * marked for it, the type of the body, and which bytes of the answer are wanted in what encoding, or a
 * download could not go on; from https to http nothing at all; a body goes on only where the status says
 * so, and only one that can be sent again. */
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
    char *method = wf_copy_text("GET");
    if (method == NULL)
        return WEFT_ENOMEM;
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

static bool have(const struct curl_slist *fields, const char *field)
{
    size_t size = strcspn(field, ":;");
    for (; fields != NULL; fields = fields->next)
        if (strncasecmp(fields->data, field, size) == 0 && strchr(":;", fields->data[size]) != NULL)
            return true;
    return false;
}

/* Gives back where the list ends. */
static struct curl_slist **remove_unless(struct curl_slist **list,
                                         bool (*is_kept)(const char *field,
                                                         const struct curl_slist *others),
                                         const struct curl_slist *others)
{
    while (*list != NULL) {
        struct curl_slist *field = *list;
        if (is_kept(field->data, others)) {
            list = &field->next;
            continue;
        }
        *list = field->next;
        field->next = NULL;
        curl_slist_free_all(field);
    }
    return list;
}

static bool may_go_anywhere(const char *field, const struct curl_slist *others)
{
    static const char *const names[] = { "Expect:", "Range:", "If-Range:", "Accept-Encoding:" };
    for (size_t i = 0; i < WF_ARRAY_SIZE(names); i++)
        if (strncasecmp(field, names[i], strlen(names[i])) == 0)
            return !have(others, field);
    return false;
}

/* "Expect:" is no header but the want of one. */
static int drop_headers(weft_http_response *x, const weft_http_request_opts *opts)
{
    struct curl_slist *others = NULL;
    x->proof = WF_PROOF_OF_NOBODY;
    int rc = wf_http_cross_origin_add(&others, x, opts);
    *remove_unless(&x->headers, may_go_anywhere, others) = others;
    if (rc == 0 && opts->content_type != NULL)
        rc = wf_http_field_add(&x->headers, "Content-Type", opts->content_type);
    return rc;
}

/* The request goes on without a body, and so without what was said of it. */
static bool is_not_of_content(const char *field, const struct curl_slist *unused)
{
    (void)unused;
    return strncasecmp(field, "Content-", 8) != 0;
}

static int go_to(weft_http_response *x, const char *url, const weft_http_request_opts *opts,
                 const struct wf_http_source *source)
{
    int is_same = compare_origins(x->url, url);
    if (is_same < 0)
        return is_same;
    int rc = becomes_get(x) ? make_get(x) : 0;
    if (rc == 0 && x->is_upload && x->is_streamed && !wf_http_source_is_replayable(source))
        rc = WEFT_EHTTPREDIRECT;
    if (rc == 0 && !is_same)
        rc = drop_headers(x, opts);
    if (!x->is_upload)
        (void)remove_unless(&x->headers, is_not_of_content, NULL);
    return rc;
}

/* ---- history ----------------------------------------------------------------------------------------- */

/* Takes over its URL. */
static int remember(weft_http_response *x)
{
    size_t size = wf_size_with(sizeof(*x->history), x->n_history, sizeof(*x->history));
    weft_http_hop *grown = wf_realloc(x->history, size);
    if (grown == NULL)
        return WEFT_ENOMEM;
    grown[x->n_history++] = (weft_http_hop){ (int)x->head.status, x->url };
    x->history = grown;
    x->url = NULL;
    return 0;
}

void wf_http_history_free(weft_http_response *x)
{
    for (size_t i = 0; i < x->n_history; i++)
        wf_free((void *)(uintptr_t)x->history[i].url);
    wf_free(x->history);
}

bool weft_http_history_at(const weft_http_response *response, size_t i, weft_http_hop *out)
{
    if (response == NULL || out == NULL || i >= response->n_history)
        return false;
    *out = response->history[i];
    return true;
}

/* ---- going on ---------------------------------------------------------------------------------------- */

int wf_http_redirect(weft_http_response *x, const weft_http_request_opts *opts,
                     struct wf_http_source *source)
{
    char *url = NULL;
    int rc = wf_http_url_make(x->url, wf_http_head_find(&x->head, "Location"), NULL, &url);
    if (rc == WEFT_EINVAL)
        rc = WEFT_EHTTPREDIRECT;
    if (rc == 0)
        rc = wf_http_leave(x); /* E3: until then what the request consists of is the driver's */
    if (rc == 0)
        rc = go_to(x, url, opts, source);
    if (rc == 0)
        rc = remember(x);
    if (rc < 0) {
        wf_free(url);
        return rc;
    }
    x->url = url;
    wf_http_reset(x);
    return wf_http_source_rewind(x, opts, source);
}
