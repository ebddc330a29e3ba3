/* SPDX-License-Identifier: MIT
 * The functions around a request, and answers that are made without a server. */
#include "http/middleware.h"

#include "base/opts.h"
#include "plat/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- the list ---------------------------------------------------------------------------------------- */

int wf_http_middleware_copy(const weft_http_middleware **list)
{
    static const weft_http_middleware none = { NULL, NULL };
    const weft_http_middleware *from = *list;
    size_t n = 0;
    *list = NULL;
    while (from != NULL && from[n].run != NULL)
        n++;
    weft_http_middleware *copy = wf_alloc(n + 1, sizeof(*copy));
    if (copy == NULL)
        return WEFT_ENOMEM;
    memcpy(copy, from != NULL ? from : &none, (n + 1) * sizeof(*copy));
    *list = copy;
    return 0;
}

static void replace(weft_http_response **slot, weft_http_response *response)
{
    weft_http_response *old = *slot;
    *slot = response;
    (void)weft_http_response_close(old);
}

static int go_on(const weft_http_call *call, weft_http_response **out)
{
    const weft_http_middleware *next = call->next_;
    weft_http_call inner = *call;
    if (next->run == NULL)
        return wf_http_send(&inner, out);
    inner.next_ = next + 1;
    int rc = next->run(&inner, out, next->arg);
    return rc >= 0 && *out == NULL ? WEFT_EINVAL : rc;
}

static bool is_empty(const void *rx)
{
    const void *held = NULL;
    if (rx == NULL)
        return false;
    memcpy(&held, rx, sizeof(held));
    return held == NULL;
}

bool wf_http_was_sent(const weft_http_request_opts *opts)
{
    bool was = is_empty(opts->body_rx);
    for (const weft_http_part *part = opts->form; part != NULL && part->name != NULL; part++)
        was |= is_empty(part->rx);
    return was;
}

int weft_http_next(const weft_http_call *call, weft_http_response **out_response)
{
    weft_http_response *response = NULL;
    if (call == NULL || call->session == NULL || call->next_ == NULL || out_response == NULL)
        return WEFT_EINVAL;
    if (wf_http_was_sent(&call->opts))
        return WEFT_EHTTPREPLAY;
    replace(out_response, NULL);
    int rc = go_on(call, &response);
    if (rc < 0)
        replace(&response, NULL);
    *out_response = response;
    return WF_MIN(rc, 0);
}

/* ---- answers ----------------------------------------------------------------------------------------- */

static int add_line(struct wf_http_head *head, const char *name, const char *value)
{
    if (!wf_http_is_token(name) || value == NULL || !wf_http_is_value(value))
        return WEFT_EINVAL;
    size_t size = strlen(name) + strlen(value) + 3;
    char *line = wf_alloc(1, size);
    if (line == NULL)
        return WEFT_ENOMEM;
    (void)snprintf(line, size, "%s: %s", name, value);
    int rc = wf_http_head_line(head, false, line, size - 1);
    wf_free(line);
    return rc < 0 && rc != WEFT_ENOMEM ? WEFT_EINVAL : rc;
}

static int make_head(struct wf_http_head *head, const weft_http_answer_opts *opts)
{
    char line[32];
    int status = opts->status != 0 ? opts->status : 200;
    if (status < 200 || status > 599)
        return WEFT_EINVAL;
    int size = snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    int rc = wf_http_head_line(head, false, line, (size_t)size);
    const weft_http_field *field = opts->headers;
    for (; rc >= 0 && field != NULL && field->name != NULL; field++)
        rc = add_line(head, field->name, field->value);
    return rc;
}

/* It is there as it is read, whatever its headers say of the way on which it once came. */
static int make_body(weft_http_response *x, const weft_http_answer_opts *opts)
{
    size_t size = strcmp(x->method, "HEAD") != 0 ? opts->body_size : 0;
    int rc = wf_http_ring_reserve(&x->in, size + 1);
    if (rc < 0)
        return rc;
    if (size > 0)
        wf_http_ring_copy_in(&x->in, opts->body, size);
    x->in.tail = size;
    x->n_received = x->head.length = (int64_t)size;
    x->head.is_encoded = x->head.is_chunked = false;
    return 0;
}

/* What it is when a transfer is over; nobody else has it yet. */
static int fill(weft_http_response *x, const weft_http_call *call,
                const weft_http_answer_opts *opts)
{
    int rc = wf_http_set_target(x, call->method, call->url, &call->opts);
    if (rc >= 0)
        rc = make_head(&x->head, opts);
    if (rc >= 0)
        rc = make_body(x, opts);
    x->has_head = true;
    x->stage = WF_HTTP_OVER;
    wf_free(x->trace); /* no request is told of */
    x->trace = NULL;
    return rc;
}

int weft_http_answer(const weft_http_call *call, const weft_http_answer_opts *user_opts,
                     weft_http_response **out_response)
{
    weft_http_answer_opts opts = { .size_ = 0 };
    weft_http_response *x = NULL;
    wf_opts_copy(&opts, sizeof(opts), user_opts);
    if (call == NULL || call->session == NULL || call->method == NULL || call->url == NULL ||
        out_response == NULL || (opts.body == NULL && opts.body_size > 0))
        return WEFT_EINVAL;
    int rc = wf_http_response_make(call->session, &x);
    if (rc < 0)
        return rc;
    rc = fill(x, call, &opts);
    wf_http_response_opened(x, "HTTP response");
    if (rc < 0) {
        (void)weft_http_response_close(x);
        return rc;
    }
    replace(out_response, x);
    return 0;
}
