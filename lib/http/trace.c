/* SPDX-License-Identifier: MIT
 * What a session's on_trace is told of a request: trace.h has the rules. */
#include "http/trace.h"

#include "http/easy.h"

#include "plat/mem.h"

#include <weft/time.h>

/* ---- in a turn --------------------------------------------------------------------------------------- */

static int64_t time_of(const weft_http_response *x, CURLINFO info)
{
    curl_off_t us = 0;
    (void)curl_easy_getinfo(x->easy->curl, info, &us);
    return us > 0 ? x->trace->seen.begun_ns + (int64_t)us * 1000 : 0;
}

void wf_http_trace_begun(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    x->trace->seen.begun_ns = weft_now_ns();
    wf_http_role_unlock_in_turn(&x->session->role);
}

/* begun_ns is written by turns alone once the try has begun. */
void wf_http_trace_look(weft_http_response *x)
{
    long n_connects = 0;
    (void)curl_easy_getinfo(x->easy->curl, CURLINFO_NUM_CONNECTS, &n_connects);
    struct wf_http_seen now = {
        .named_ns = time_of(x, CURLINFO_NAMELOOKUP_TIME_T),
        .connected_ns = time_of(x, CURLINFO_CONNECT_TIME_T),
        .secured_ns = time_of(x, CURLINFO_APPCONNECT_TIME_T),
        .sending_ns = time_of(x, CURLINFO_PRETRANSFER_TIME_T),
        .head_ns = time_of(x, CURLINFO_STARTTRANSFER_TIME_T),
    };
    wf_http_role_lock(&x->session->role);
    struct wf_http_seen *seen = &x->trace->seen;
    now.begun_ns = seen->begun_ns;
    if (seen->sending_ns != 0)
        now.sending_ns = seen->sending_ns;
    now.is_reused = n_connects == 0 && now.sending_ns != 0;
    *seen = now;
    wf_http_role_unlock_in_turn(&x->session->role);
}

void wf_http_trace_sending(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    x->trace->seen.sending_ns = weft_now_ns();
    wf_http_role_unlock_in_turn(&x->session->role);
    wf_http_trace_look(x);
}

void wf_http_trace_over_locked(weft_http_response *x) { x->trace->seen.over_ns = weft_now_ns(); }

/* ---- telling ----------------------------------------------------------------------------------------- */

int wf_http_trace_make(weft_http_session *session, struct wf_http_trace **out)
{
    *out = NULL;
    if (session->opts.on_trace == NULL)
        return 0;
    *out = wf_alloc(1, sizeof(**out));
    return *out != NULL ? 0 : WEFT_ENOMEM;
}

static struct wf_http_seen seen_of(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    struct wf_http_seen seen = x->trace->seen;
    wf_http_role_unlock(&x->session->role);
    return seen;
}

/* What all traces say. The head is constant once it has come (E3). */
static void describe(weft_http_response *x, weft_http_trace *told)
{
    wf_http_role_lock(&x->session->role);
    told->is_reused = x->trace->seen.is_reused;
    told->sent = (int64_t)x->out.head;
    told->received = x->n_received;
    bool has_head = x->has_head;
    wf_http_role_unlock(&x->session->role);
    if (has_head) {
        told->status = (int)x->head.status;
        told->version = x->head.version;
    }
    told->id = x->trace->id;
    told->method = x->method;
    told->url = wf_http_url_shown(x->url);
}

/* libcurl begins to count a little after we do, and in other units: a time is never before the last. */
static void tell_at(weft_http_response *x, weft_http_trace *told, int64_t at_ns)
{
    struct wf_http_trace *trace = x->trace;
    trace->last_ns = WF_MAX(trace->last_ns, at_ns);
    told->at_ns = trace->last_ns - trace->start_ns;
    x->session->opts.on_trace(told, x->session->opts.trace_arg);
}

static void tell(weft_http_response *x, weft_http_trace told, int64_t at_ns)
{
    describe(x, &told);
    tell_at(x, &told, at_ns);
}

/* ---- by the caller ----------------------------------------------------------------------------------- */

static void begin(weft_http_response *x, int64_t now_ns)
{
    weft_http_session *session = x->session;
    wf_http_role_lock(&session->role);
    x->trace->id = ++session->n_traced;
    wf_http_role_unlock(&session->role);
    x->trace->start_ns = now_ns;
    x->trace->is_begun = true;
}

void wf_http_trace_queued(weft_http_response *x)
{
    struct wf_http_trace *trace = x->trace;
    int64_t now_ns = weft_now_ns();
    if (!trace->is_begun)
        begin(x, now_ns);
    trace->seen = (struct wf_http_seen){ 0 };
    trace->told = 0;
    trace->told_out = trace->told_in = 0;
    tell(x, (weft_http_trace){ .phase = WEFT_HTTP_QUEUED }, now_ns);
}

static void tell_once(weft_http_response *x, weft_http_phase phase, int64_t at_ns)
{
    unsigned bit = 1U << phase;
    if (at_ns == 0 || (x->trace->told & bit) != 0)
        return;
    x->trace->told |= bit;
    tell(x, (weft_http_trace){ .phase = phase }, at_ns);
}

static void tell_of_connection(weft_http_response *x, const struct wf_http_seen *seen)
{
    if (seen->is_reused) {
        tell_once(x, WEFT_HTTP_REUSED, seen->sending_ns);
        return;
    }
    tell_once(x, WEFT_HTTP_NAMED, seen->named_ns);
    tell_once(x, WEFT_HTTP_CONNECTED, seen->connected_ns);
    tell_once(x, WEFT_HTTP_SECURED, seen->secured_ns);
}

static void tell_of_chunk(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    size_t size = x->out.head - x->trace->told_out;
    wf_http_role_unlock(&x->session->role);
    x->trace->told_out += size;
    if (size > 0)
        tell(x, (weft_http_trace){ .phase = WEFT_HTTP_CHUNK_SENT, .size = size }, weft_now_ns());
}

void wf_http_trace_sent(weft_http_response *x)
{
    struct wf_http_seen seen = seen_of(x);
    tell_once(x, WEFT_HTTP_ADMITTED, seen.begun_ns);
    tell_of_connection(x, &seen);
    if (x->is_tunnel)
        return;
    tell_once(x, WEFT_HTTP_SENDING, seen.sending_ns);
    tell_of_chunk(x);
}

void wf_http_trace_head(weft_http_response *x)
{
    wf_http_trace_sent(x);
    struct wf_http_seen seen = seen_of(x);
    tell_once(x, WEFT_HTTP_HEAD_RECEIVED, x->is_tunnel ? weft_now_ns() : seen.head_ns);
}

void wf_http_trace_received(weft_http_response *x, size_t size)
{
    struct wf_http_trace *trace = x->trace;
    size_t until = x->in.head + size; /* which is moved on by us alone */
    if (x->is_tunnel || until <= trace->told_in)
        return;
    size_t n = until - trace->told_in;
    trace->told_in = until;
    tell(x, (weft_http_trace){ .phase = WEFT_HTTP_CHUNK_RECEIVED, .size = n }, weft_now_ns());
}

/* The answer that led on is reset already, but for its status. */
void wf_http_trace_redirected(weft_http_response *x)
{
    weft_http_trace told = { .phase = WEFT_HTTP_REDIRECTED };
    describe(x, &told);
    told.status = (int)x->head.status;
    told.version = x->head.version;
    tell_at(x, &told, weft_now_ns());
}

void wf_http_trace_retried(weft_http_response *x, int code, int64_t wait_ns)
{
    tell(x,
         (weft_http_trace){
             .phase = WEFT_HTTP_RETRIED, .code = WF_MIN(code, 0), .wait_ns = wait_ns },
         weft_now_ns());
}

/* G3 */
void wf_http_trace_end(weft_http_response *x, int code)
{
    struct wf_http_trace *trace = x->trace;
    if (!trace->is_begun || trace->is_ended)
        return;
    trace->is_ended = true;
    int64_t over_ns = seen_of(x).over_ns;
    weft_http_trace told = { .phase = code < 0 ? WEFT_HTTP_FAILED : WEFT_HTTP_ENDED,
                             .code = WF_MIN(code, 0) };
    tell(x, told, over_ns != 0 ? over_ns : weft_now_ns());
}

/* To be left unread is what became of it, and no error. */
void wf_http_trace_left(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    int code = x->code;
    wf_http_role_unlock(&x->session->role);
    wf_http_trace_end(x, code != WEFT_ECANCELED ? code : 0);
}

/* ---- names ------------------------------------------------------------------------------------------- */

const char *weft_http_phase_name(weft_http_phase phase)
{
    switch (phase) {
    case WEFT_HTTP_QUEUED: return "queued";
    case WEFT_HTTP_ADMITTED: return "admitted";
    case WEFT_HTTP_NAMED: return "named";
    case WEFT_HTTP_CONNECTED: return "connected";
    case WEFT_HTTP_SECURED: return "secured";
    case WEFT_HTTP_REUSED: return "reused";
    case WEFT_HTTP_SENDING: return "sending";
    case WEFT_HTTP_CHUNK_SENT: return "chunk sent";
    case WEFT_HTTP_HEAD_RECEIVED: return "head received";
    case WEFT_HTTP_CHUNK_RECEIVED: return "chunk received";
    case WEFT_HTTP_REDIRECTED: return "redirected";
    case WEFT_HTTP_RETRIED: return "retried";
    case WEFT_HTTP_ENDED: return "ended";
    case WEFT_HTTP_FAILED: return "failed";
    default: return "?";
    }
}
