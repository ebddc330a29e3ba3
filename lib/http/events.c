/* SPDX-License-Identifier: MIT
 * A stream of events, over as many connections as it takes. All of it runs in its consumer's receives;
 * what a cancel leaves (a connection that is not made yet, a wait that is not over) the next one
 * takes up where it was. */
#include "http/events_parse.h"
#include "base/opts.h"
#include "http/retry.h"

#include "base/rng.h"
#include "plat/mem.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <weft/iterator.h>
#include <weft/task.h>
#include <weft/time.h>

enum { MAX_EVENT = 1 << 20, MAX_RETRIES = 10, OWN_HEADERS = 3 };

struct events {
    weft_resource entry;
    weft_http_session *session;
    char *method, *url;
    weft_http_request_opts request;
    weft_http_field
        *headers; /* the request's for any origin, with room for OWN_HEADERS more and the end */
    size_t n_headers;
    int64_t max_retry_ns;
    int max_retries;
    struct wf_rng rng;
    struct wf_http_event_parser parser;

    weft_http_response *response; /* NULL: to be connected, at due_ns */
    int64_t due_ns;
    int n_retries; /* since the last byte */
    bool is_over;  /* the server wants no more of it */
};

/* ---- one connection ----------------------------------------------------------------------------------- */

static bool has_header(const struct events *events, const char *name)
{
    return wf_http_fields_have(events->request.headers, name) ||
           wf_http_fields_have(events->request.cross_origin_headers, name);
}

/* Whoever a redirect leads to is asked for the same stream, from the same event on: it has made the id. */
static void list_headers(struct events *events)
{
    const char *id = wf_http_event_id(&events->parser);
    weft_http_field *to = events->headers + events->n_headers;
    if (!has_header(events, "Accept"))
        *to++ = (weft_http_field){ "Accept", "text/event-stream" };
    if (!has_header(events, "Cache-Control"))
        *to++ = (weft_http_field){ "Cache-Control", "no-store" };
    if (*id != '\0')
        *to++ = (weft_http_field){ "Last-Event-ID", id };
    *to = (weft_http_field){ 0 };
}

/* Parameters of the type, its character set say, do not matter: it is always UTF-8. */
static bool is_event_stream(const weft_http_response *response)
{
    static const char type[] = "text/event-stream";
    const char *value = weft_http_header(response, "Content-Type");
    if (value == NULL || strncasecmp(value, type, sizeof(type) - 1) != 0)
        return false;
    char after = value[sizeof(type) - 1];
    return after == '\0' || after == ';' || after == ' ' || after == '\t';
}

static void disconnect(struct events *events)
{
    (void)weft_http_response_close(events->response);
    events->response = NULL;
}

/* 1: it is a stream; 0: the server wants no more of it. */
static int look_at_answer(const struct events *events)
{
    int status = weft_http_status(events->response);
    if (status == 204)
        return 0;
    if (status != 200)
        return WEFT_EHTTPSTATUS;
    return is_event_stream(events->response) ? 1 : WEFT_EHTTPPROTO;
}

static int connect_once(struct events *events)
{
    weft_http_request_opts opts = events->request;
    list_headers(events);
    opts.cross_origin_headers = events->headers;
    int rc = weft_http_request(events->session, events->method, events->url, &opts,
                               &events->response);
    if (rc < 0)
        return rc;
    weft_resource_closed(&events->response->entry); /* a part of what is in the ledger already */
    wf_http_event_parser_restart(&events->parser);
    rc = look_at_answer(events);
    if (rc <= 0)
        disconnect(events);
    return rc;
}

/* ---- again and again ----------------------------------------------------------------------------------- */

/* The stream's end is one, and so is what a request would not be made again for. */
static bool is_passing(int rc)
{
    return rc == 0 || wf_http_is_passing(rc) || rc == WEFT_ENAME || rc == WEFT_EHTTPPOOL ||
           rc == WEFT_EHTTPIDLE || rc == -EIO;
}

static int64_t delay_of(struct events *events)
{
    int64_t delay_ns = wf_http_event_delay(events->parser.retry_ns, events->max_retry_ns,
                                           events->n_retries);
    return delay_ns + (int64_t)(wf_rng_next(&events->rng) % ((uint64_t)delay_ns / 2 + 1));
}

/* 0: it is to be taken up again, at due_ns. */
static int lose(struct events *events, int rc)
{
    if (events->max_retries < 0 || !is_passing(rc))
        return rc;
    if (events->n_retries >= events->max_retries)
        return rc < 0 ? rc : WEFT_EEOF;
    events->due_ns = weft_now_ns() + delay_of(events);
    events->n_retries++;
    return 0;
}

static int connect_again(struct events *events)
{
    int rc = weft_sleep_until(events->due_ns);
    return rc < 0 ? rc : connect_once(events);
}

/* 1: an event; 0: the connection has come to its end. */
static int read_event(struct events *events, weft_http_event *out)
{
    const char *data = NULL;
    int64_t n;
    int rc = 0;
    while (rc == 0 && (n = wf_http_body_wait(events->response, &data)) != 0) {
        size_t n_taken;
        if (n < 0)
            return (int)n;
        events->n_retries = 0;
        rc = wf_http_event_parse(&events->parser, data, (size_t)n, &n_taken, out);
        wf_http_body_taken(events->response, n_taken);
    }
    return rc;
}

/* 1: connected; 0: the server wants no more of it. */
static int be_connected(struct events *events)
{
    while (events->response == NULL) {
        int rc = connect_again(events);
        if (rc >= 0)
            return rc;
        rc = lose(events, rc);
        if (rc < 0)
            return rc;
    }
    return 1;
}

static int next_event(void *state, void *out)
{
    struct events *events = *(struct events **)state;
    weft_http_event event;
    int rc = weft_checkpoint();
    if (rc < 0)
        return rc;
    while (!events->is_over) {
        rc = be_connected(events);
        events->is_over = rc == 0;
        if (rc <= 0)
            return rc;
        rc = read_event(events, &event);
        if (rc > 0)
            memcpy(out, &event, sizeof(event));
        if (rc > 0 || rc == WEFT_ECANCELED)
            return rc;
        disconnect(events);
        rc = lose(events, rc);
        if (rc < 0 || events->max_retries < 0)
            return rc;
    }
    return 0;
}

/* ---- opening and closing -------------------------------------------------------------------------------- */

static void free_events(struct events *events)
{
    wf_http_event_parser_destroy(&events->parser);
    wf_free(events->method);
    wf_free(events->url);
    wf_free(events->headers);
    wf_free(events);
}

static int close_events(void *state)
{
    struct events *events = *(struct events **)state;
    disconnect(events);
    weft_resource_closed(&events->entry);
    free_events(events);
    return 0;
}

static void copy_request(struct events *events, const weft_http_request_opts *request)
{
    weft_http_request_opts *to = &events->request;
    wf_opts_copy(to, sizeof(*to), request);
    to->size_ = sizeof(*to);
    if (to->timeouts.idle_ns == 0)
        to->timeouts.idle_ns = -1;
}

static int set_up(struct events *events, const char *url, const weft_http_events_opts *opts)
{
    events->max_retries = opts->max_retries != 0 ? opts->max_retries : MAX_RETRIES;
    events->max_retry_ns = opts->max_retry_ns > 0 ? opts->max_retry_ns : WEFT_SEC(300);
    events->max_retry_ns = WF_MIN(events->max_retry_ns,
                                  INT64_MAX / 4); /* and half of it, from now */
    wf_rng_seed(&events->rng, (uint64_t)weft_now_ns(), (uintptr_t)events);
    events->method = wf_copy_text(opts->method != NULL ? opts->method : "GET");
    events->url = wf_copy_text(url);
    events->headers = wf_http_fields_extend(events->request.cross_origin_headers, OWN_HEADERS,
                                            &events->n_headers);
    if (events->method == NULL || events->url == NULL || events->headers == NULL)
        return WEFT_ENOMEM;
    if (has_header(events, "Last-Event-ID") ||
        (opts->last_id != NULL && !wf_http_is_value(opts->last_id)))
        return WEFT_EINVAL;
    return wf_http_event_parser_init(
        &events->parser, opts->max_event != 0 ? opts->max_event : (size_t)MAX_EVENT,
        opts->retry_ns > 0 ? opts->retry_ns : WEFT_SEC(3), opts->last_id);
}

static int make_events(weft_http_session *session, const char *url,
                       const weft_http_events_opts *opts, struct events **out)
{
    struct events *events = wf_alloc(1, sizeof(*events));
    if (events == NULL)
        return WEFT_ENOMEM;
    events->session = session;
    copy_request(events, opts->request);
    int rc = set_up(events, url, opts);
    if (rc == 0)
        rc = connect_once(events);
    if (rc < 0) {
        free_events(events);
        return rc;
    }
    events->is_over = rc == 0;
    weft_resource_opened(&events->entry, "HTTP events", wf_http_url_shown(events->url), NULL, 0);
    *out = events;
    return 0;
}

int weft_http_events_open(weft_http_session *session, const char *url,
                          const weft_http_events_opts *user_opts, weft_receiver **out_rx)
{
    weft_http_events_opts opts = { .size_ = 0 };
    weft_http_request_opts request = { .size_ = 0 };
    struct events *events;
    wf_opts_copy(&opts, sizeof(opts), user_opts);
    wf_opts_copy(&request, sizeof(request), opts.request);
    if (wf_http_source_drop(&request))
        return WEFT_EINVAL;
    int rc = session == NULL || url == NULL || out_rx == NULL
                 ? WEFT_EINVAL
                 : make_events(session, url, &opts, &events);
    if (rc < 0)
        return rc;
    weft_iterator_opts iterator = {
        .size_ = sizeof(iterator),
        .name = "HTTP events",
        .next = next_event,
        .close = close_events,
        .lends_items = true,
    };
    return weft_iterator_open(&iterator, &events, sizeof(struct events *), sizeof(weft_http_event),
                              out_rx);
}
