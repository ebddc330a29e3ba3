/* SPDX-License-Identifier: MIT
 * A request, from what the caller said to the head of its answer. */
#include "http/form.h"
#include "http/middleware.h"
#include "http/retry.h"
#include "http/trace.h"

#include "base/opts.h"
#include "plat/mem.h"

#include <string.h>
#include <strings.h>
#include <weft/task.h>

/* ---- what the caller said ----------------------------------------------------------------------------- */

static int64_t timeout_of(int64_t own_ns, int64_t session_ns)
{
    return own_ns != 0 ? own_ns : session_ns;
}

void wf_http_set_timeouts(weft_http_response *x, const weft_http_timeouts *own)
{
    const weft_http_timeouts *session = &x->session->opts.timeouts;
    x->timeouts = (weft_http_timeouts){
        .pool_ns = timeout_of(own->pool_ns, session->pool_ns),
        .connect_ns = timeout_of(own->connect_ns, session->connect_ns),
        .first_byte_ns = timeout_of(own->first_byte_ns, session->first_byte_ns),
        .idle_ns = timeout_of(own->idle_ns, session->idle_ns),
        .total_ns = timeout_of(own->total_ns, session->total_ns),
    };
}

/* libcurl waits for leave to send a large body, and names a type for it, unless it is told not to. */
static int add_silence(struct curl_slist **list)
{
    struct curl_slist *longer = curl_slist_append(*list, "Expect:");
    if (longer == NULL)
        return WEFT_ENOMEM;
    *list = longer;
    return 0;
}

static bool says_itself(const weft_http_request_opts *opts, const char *name)
{
    return wf_http_fields_have(opts->headers, name) ||
           wf_http_fields_have(opts->cross_origin_headers, name) ||
           ((opts->bearer != NULL || opts->user != NULL) &&
            strcasecmp(name, "Authorization") == 0) ||
           (opts->content_type != NULL && strcasecmp(name, "Content-Type") == 0);
}

/* Those of the session's that the request says nothing of. */
static int add_defaults(struct curl_slist **list, const weft_http_field *field,
                        const weft_http_request_opts *opts)
{
    int rc = 0;
    for (; rc == 0 && field != NULL && field->name != NULL; field++)
        if (!says_itself(opts, field->name))
            rc = wf_http_field_add(list, field->name, field->value);
    return rc;
}

int wf_http_cross_origin_add(struct curl_slist **list, const weft_http_response *x,
                             const weft_http_request_opts *opts)
{
    int rc = wf_http_fields_add(list, opts->cross_origin_headers);
    return rc < 0 ? rc : add_defaults(list, x->session->opts.cross_origin_headers, opts);
}

static int set_headers(weft_http_response *x, const weft_http_request_opts *opts)
{
    struct curl_slist **list = &x->headers;
    struct wf_http_who who;
    int rc = x->is_upload ? add_silence(list) : 0;
    if (rc == 0)
        rc = wf_http_fields_add(list, opts->headers);
    if (rc == 0)
        rc = add_defaults(list, x->session->opts.headers, opts);
    if (rc == 0)
        rc = wf_http_cross_origin_add(list, x, opts);
    if (rc == 0)
        rc = wf_http_auth_who(x->session, x->url, opts, &who);
    if (rc == 0)
        rc = wf_http_auth_add(list, &who);
    if (rc == 0)
        rc = wf_http_digest_set(x, &who);
    if (rc == 0 && opts->content_type != NULL &&
        !wf_http_fields_have(opts->headers, "Content-Type"))
        rc = wf_http_field_add(list, "Content-Type", opts->content_type);
    return rc;
}

static int set_memory_body(weft_http_response *x, const weft_http_request_opts *opts)
{
    if (opts->body == NULL)
        return 0;
    x->body = wf_realloc(NULL, opts->body_size);
    if (x->body == NULL)
        return WEFT_ENOMEM;
    memcpy(x->body, opts->body, opts->body_size);
    x->out.data = x->body;
    x->out.room = opts->body_size;
    return 0;
}

static bool wants_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

/* A body of memory is an upload that is there already. */
static int set_body(weft_http_response *x, const weft_http_request_opts *opts,
                    const struct wf_http_source *source)
{
    x->is_upload = opts->body != NULL || source->is_there || wants_body(x->method);
    x->is_streamed = source->is_there;
    x->upload_size = source->is_there ? source->size : (int64_t)opts->body_size;
    x->out.tail = opts->body_size;
    x->is_up_over = !source->is_there;
    return set_memory_body(x, opts);
}

int wf_http_set_target(weft_http_response *x, const char *method, const char *url,
                       const weft_http_request_opts *opts)
{
    x->max_body = opts->max_body != 0 ? opts->max_body : (size_t)64 << 20;
    x->max_body = WF_MIN(x->max_body, (size_t)PTRDIFF_MAX - 1); /* and a 0 at its end */
    if (!wf_http_is_token(method))
        return WEFT_EINVAL;
    x->method = wf_copy_text(method);
    if (x->method == NULL)
        return WEFT_ENOMEM;
    return wf_http_url_make(x->session->opts.base_url, url, opts->query, &x->url);
}

static int prepare(weft_http_response *x, const weft_http_call *call,
                   const struct wf_http_source *source)
{
    const weft_http_request_opts *opts = &call->opts;
    int rc = wf_http_set_target(x, call->method, call->url, opts);
    if (rc == 0)
        rc = set_body(x, opts, source);
    if (rc == 0)
        rc = set_headers(x, opts);
    wf_http_set_timeouts(x, &opts->timeouts);
    return rc;
}

/* ---- sending it --------------------------------------------------------------------------------------- */

static int send_and_follow(weft_http_response *x, const weft_http_request_opts *opts,
                           struct wf_http_source *source)
{
    int most = opts->max_redirects != 0 ? opts->max_redirects : x->session->opts.max_redirects;
    struct wf_http_retries retries;
    wf_http_retries_init(&retries, x, opts);
    int rc = wf_http_run_with_retries(x, opts, source, &retries);
    for (int n = 0; rc == 0 && most > 0 && wf_http_is_redirect(x); n++) {
        rc = n < most ? wf_http_redirect(x, opts, source) : WEFT_EHTTPREDIRECT;
        if (rc == 0 && x->trace != NULL)
            wf_http_trace_redirected(x);
        if (rc == 0)
            rc = wf_http_run_with_retries(x, opts, source, &retries);
    }
    return rc;
}

static int request(weft_http_response *x, weft_http_call *call)
{
    weft_http_request_opts *opts = &call->opts;
    struct wf_http_source source = { .size = -1 };
    struct wf_http_form form;
    int rc = wf_http_form_open(&form, opts);
    if (rc >= 0)
        rc = wf_http_source_open(&source, opts, opts->form != NULL ? &form : NULL);
    if (rc >= 0)
        rc = prepare(x, call, &source);
    if (rc >= 0)
        rc = send_and_follow(x, opts, &source);
    wf_http_source_close(&source);
    wf_http_form_close(&form);
    return rc;
}

static bool has_one_body(const weft_http_request_opts *opts)
{
    int n = (opts->body != NULL) + (opts->body_path != NULL) + (opts->body_rx != NULL) +
            (opts->form != NULL) + (opts->urlencoded != NULL);
    return n <= 1 && (opts->body != NULL || opts->body_size == 0);
}

static int fail(weft_http_response *x, int rc)
{
    if (x->trace != NULL)
        wf_http_trace_end(x, rc);
    (void)weft_http_response_close(x);
    return rc;
}

int wf_http_send(weft_http_call *call, weft_http_response **out_response)
{
    weft_http_response *x = NULL;
    bool can_be = call->method != NULL && call->url != NULL && has_one_body(&call->opts);
    int rc = can_be ? wf_http_response_make(call->session, &x) : WEFT_EINVAL;
    if (rc < 0) {
        (void)wf_http_source_drop(&call->opts);
        return rc;
    }
    rc = request(x, call);
    wf_http_response_opened(x, "HTTP response");
    if (rc < 0)
        return fail(x, rc);
    *out_response = x;
    return 0;
}

/* ---- the calls ---------------------------------------------------------------------------------------- */

static int check(const weft_http_session *session)
{
    if (session == NULL)
        return WEFT_EINVAL;
    return wf_http_has_forked(session) ? WEFT_EFORK : 0;
}

int weft_http_request(weft_http_session *session, const char *method, const char *url,
                      const weft_http_request_opts *opts, weft_http_response **out_response)
{
    weft_http_call call = { .session = session, .method = method, .url = url };
    weft_http_response *x = NULL;
    wf_opts_copy(&call.opts, sizeof(call.opts), opts);
    bool raises = call.opts.raise_for_status;
    int rc = method != NULL && url != NULL && out_response != NULL ? check(session) : WEFT_EINVAL;
    if (rc == 0 && wf_http_was_sent(&call.opts))
        rc = WEFT_EINVAL; /* and not by us */
    if (rc == 0)
        rc = weft_checkpoint();
    if (rc == 0) {
        call.next_ = session->opts.middleware;
        rc = weft_http_next(&call, &x);
    }
    (void)wf_http_source_drop(&call.opts); /* what nobody has sent */
    if (x == NULL)
        return rc;
    if (raises || session->opts.raise_for_status)
        rc = weft_http_raise_for_status(x);
    if (rc < 0)
        return fail(x, rc);
    *out_response = x;
    return 0;
}

int weft_http_get(weft_http_session *session, const char *url, const weft_http_request_opts *opts,
                  weft_http_response **out_response)
{
    return weft_http_request(session, "GET", url, opts, out_response);
}

int weft_http_post(weft_http_session *session, const char *url, const weft_http_request_opts *opts,
                   weft_http_response **out_response)
{
    return weft_http_request(session, "POST", url, opts, out_response);
}

int weft_http_put(weft_http_session *session, const char *url, const weft_http_request_opts *opts,
                  weft_http_response **out_response)
{
    return weft_http_request(session, "PUT", url, opts, out_response);
}

int weft_http_patch(weft_http_session *session, const char *url, const weft_http_request_opts *opts,
                    weft_http_response **out_response)
{
    return weft_http_request(session, "PATCH", url, opts, out_response);
}

int weft_http_delete(weft_http_session *session, const char *url,
                     const weft_http_request_opts *opts, weft_http_response **out_response)
{
    return weft_http_request(session, "DELETE", url, opts, out_response);
}

int weft_http_head(weft_http_session *session, const char *url, const weft_http_request_opts *opts,
                   weft_http_response **out_response)
{
    return weft_http_request(session, "HEAD", url, opts, out_response);
}

int weft_http_options(weft_http_session *session, const char *url,
                      const weft_http_request_opts *opts, weft_http_response **out_response)
{
    return weft_http_request(session, "OPTIONS", url, opts, out_response);
}
