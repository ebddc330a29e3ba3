/* SPDX-License-Identifier: MIT
 * The life of a response, and its head. */
#include "http/trace.h"

#include "plat/mem.h"

#include <string.h>
#include <weft/scope.h>
#include <weft/task.h>
#include <weft/time.h>

enum { DRAIN_MS = 250 };

/* ---- making and freeing ------------------------------------------------------------------------------ */

void wf_http_response_free(weft_http_response *x)
{
    weft_http_session *session = x->session;
    curl_slist_free_all(x->headers);
    wf_free(x->method);
    wf_free(x->user);
    wf_free(x->password);
    wf_free(x->url);
    wf_http_history_free(x);
    wf_free(x->body);
    wf_free(x->head.text);
    wf_free(x->head.fields);
    wf_free(x->trace);
    wf_free(x->in.data);
    if (x->out.data != x->body)
        wf_free(x->out.data);
    wf_http_role_lock(&session->role);
    wf_http_timers_release(&session->timers);
    wf_http_role_unlock(&session->role);
    wf_free(x);
    wf_http_party_unref(&session->role, &session->party);
}

int wf_http_response_make(weft_http_session *session, weft_http_response **out)
{
    weft_http_response *x = wf_alloc(1, sizeof(*x));
    if (x == NULL || wf_http_trace_make(session, &x->trace) < 0) {
        wf_free(x);
        return WEFT_ENOMEM;
    }
    wf_http_party_init(&x->party);
    wf_http_party_init(&x->up_party);
    x->up_party.part_of = &x->party;
    wf_link_init(&x->link);
    wf_link_init(&x->asked_link);
    wf_link_init(&x->open_link);
    x->session = session;
    x->timer.at_ns = INT64_MAX;
    wf_http_role_lock(&session->role);
    bool has_room = wf_http_timers_reserve(&session->timers);
    if (has_room)
        session->party.n_refs++;
    wf_http_role_unlock(&session->role);
    if (!has_room) {
        wf_free(x->trace);
        wf_free(x);
        return WEFT_ENOMEM;
    }
    *out = x;
    return 0;
}

void wf_http_response_opened(weft_http_response *x, const char *kind)
{
    weft_resource_opened(&x->entry, kind, wf_http_url_shown(x->url), NULL, 0);
    wf_http_role_lock(&x->session->role);
    wf_list_push_back(&x->session->open, &x->open_link);
    wf_http_role_unlock(&x->session->role);
}

/* ---- a transfer ------------------------------------------------------------------------------------- */

static bool is_over(void *arg)
{
    const weft_http_response *x = arg;
    return x->stage == WF_HTTP_OVER || x->stage == WF_HTTP_IDLE;
}

int wf_http_wait(weft_http_response *x, bool (*has_come)(void *arg))
{
    return wf_http_role_wait(&x->session->role, &x->party, has_come, x);
}

static int end_now(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    wf_http_abort_locked(x, WEFT_ECANCELED);
    wf_http_role_unlock(&x->session->role);
    return wf_http_wait(x, is_over);
}

/* What is missing is known, and little. */
static bool is_nearly_over(const weft_http_response *x)
{
    return x->has_head && x->head.length >= 0 && !x->head.is_encoded &&
           x->head.length - x->n_received <= WF_HTTP_DRAIN;
}

/* Whether it was over in time. */
static bool drain(weft_http_response *x)
{
    WEFT_SCOPE(scope, .move_on = true, .timeout_ns = WEFT_MS(DRAIN_MS));
    int rc = wf_http_wait(x, is_over);
    return weft_scope_wait(&scope) >= 0 && rc >= 0;
}

int wf_http_leave(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    bool is_drained = !is_over(x) && is_nearly_over(x);
    x->discards = is_drained;
    if (is_drained && x->is_paused)
        wf_http_ask_locked(x);
    wf_http_role_unlock(&x->session->role);
    return is_drained && drain(x) ? 0 : end_now(x);
}

static int answer_of(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    int rc = x->has_head ? 0 : x->code < 0 ? x->code : WEFT_EHTTPPROTO;
    wf_http_role_unlock(&x->session->role);
    return rc;
}

static int run(weft_http_response *x, struct wf_http_source *source)
{
    struct wf_http_host *host = NULL;
    int rc = weft_checkpoint(); /* or who drives would have sent it before it is given up */
    if (rc == 0)
        rc = wf_http_host_make(x, &host);
    if (rc < 0)
        return rc;
    wf_http_role_lock(&x->session->role);
    rc = wf_http_enter_locked(x, host);
    wf_http_role_unlock(&x->session->role);
    if (rc >= 0 && x->is_upload && x->is_streamed) /* a redirect may have gone on without a body */
        rc = wf_http_upload(x, source);
    if (rc >= 0)
        rc = wf_http_wait(x, wf_http_is_answered);
    return rc < 0 ? rc : answer_of(x);
}

int wf_http_run(weft_http_response *x, struct wf_http_source *source)
{
    if (x->trace != NULL)
        wf_http_trace_queued(x);
    int rc = run(x, source);
    if (x->trace != NULL && (rc < 0 || x->is_tunnel))
        wf_http_trace_sent(x);
    else if (x->trace != NULL)
        wf_http_trace_head(x);
    return rc;
}

void wf_http_reset(weft_http_response *x)
{
    struct wf_http_head *head = &x->head;
    head->n_fields = head->n_lines = head->n_cookies = 0;
    head->n_bytes = head->size = 0;
    wf_free(x->in.data); /* its size was the last body's */
    x->in = (struct wf_http_ring){ 0 };
    x->out.head = 0;
    x->stage = WF_HTTP_IDLE;
    x->is_cut = x->is_complete = x->has_head = x->discards = x->is_paused = x->is_up_paused = false;
    x->n_received = 0;
    x->callback_code = 0;
    x->has_socket = x->is_stale = x->is_refused = x->is_allowed = false;
    x->unheard_fd = 0;
    if (x->proof != WF_PROOF_OF_NOBODY)
        x->proof = WF_PROOF_WANTED;
    if (x->total_at_ns != INT64_MAX) /* the next one has what is left of it */
        x->timeouts.total_ns = WF_MAX(x->total_at_ns - weft_now_ns(), (int64_t)1);
}

/* ---- closing ---------------------------------------------------------------------------------------- */

static void close_response(weft_http_response *x)
{
    weft_http_session *session = x->session;
    int rc = wf_http_leave(x); /* past the budget the driver ends it, who has a reference */
    (void)rc;
    if (x->trace != NULL)
        wf_http_trace_left(x);
    weft_resource_closed(&x->entry);
    wf_http_role_lock(&session->role);
    wf_list_remove(&x->open_link);
    wf_http_role_unlock(&session->role);
    wf_http_party_unref(&session->role, &x->party);
}

int weft_http_response_close(weft_http_response *response)
{
    if (response == NULL)
        return 0;
    if (wf_http_has_forked(response->session))
        return WEFT_EFORK;
    weft_closing closing;
    weft_closing_begin(&closing);
    close_response(response);
    weft_closing_end(&closing, "weft_http_response", __FILE__, __LINE__);
    return 0;
}

/* ---- the head --------------------------------------------------------------------------------------- */

int weft_http_status(const weft_http_response *response)
{
    return response != NULL ? (int)response->head.status : WEFT_EINVAL;
}

int weft_http_version_of(const weft_http_response *response)
{
    return response != NULL ? response->head.version : WEFT_EINVAL;
}

const char *weft_http_header(const weft_http_response *response, const char *name)
{
    return response != NULL && name != NULL ? wf_http_head_find(&response->head, name) : NULL;
}

bool weft_http_header_at(const weft_http_response *response, size_t i, weft_http_field *out)
{
    if (response == NULL || out == NULL || i >= response->head.n_fields)
        return false;
    const struct wf_http_head *head = &response->head;
    *out = (weft_http_field){ head->text + head->fields[i].name,
                              head->text + head->fields[i].value };
    return true;
}

const char *weft_http_url(const weft_http_response *response)
{
    return response != NULL ? response->url : NULL;
}

int weft_http_raise_for_status(const weft_http_response *response)
{
    if (response == NULL)
        return WEFT_EINVAL;
    return response->head.status >= 400 ? WEFT_EHTTPSTATUS : 0;
}
