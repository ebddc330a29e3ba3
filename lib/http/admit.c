/* SPDX-License-Identifier: MIT
 * Places: how many transfers there may be at once, in all and with one host, and who is next. Waiting
 * for one is no part of the connect and total times, for libcurl knows nothing of the transfer yet.
 *
 * First come, first served, but that one whose host is full does not hold up those behind it. Two
 * numbers and a list under the role's lock; whoever ends a transfer admits the next. */
#include "http/trace.h"

#include "plat/mem.h"

#include <string.h>
#include <weft/time.h>

/* ---- hosts ----------------------------------------------------------------------------------------- */

/* Takes candidate over: it becomes the host, or goes if there is one of its name. */
static struct wf_http_host *find_host(weft_http_session *session, struct wf_http_host *candidate)
{
    wf_list_each (link, &session->hosts) {
        struct wf_http_host *host = WF_CONTAINER(link, struct wf_http_host, link);
        if (strcmp(host->name, candidate->name) == 0) {
            wf_free(candidate);
            return host;
        }
    }
    wf_list_push_back(&session->hosts, &candidate->link);
    return candidate;
}

static void leave_host(weft_http_response *x)
{
    struct wf_http_host *host = x->host;
    x->host = NULL;
    if (host == NULL || --host->n_users > 0)
        return;
    wf_list_remove(&host->link);
    wf_free(host);
}

int wf_http_host_make(const weft_http_response *x, struct wf_http_host **out)
{
    char *origin;
    *out = NULL;
    if (x->session->opts.host_limit == 0)
        return 0;
    int rc = wf_http_url_origin(x->url, &origin);
    if (rc < 0)
        return rc;
    size_t size = strlen(origin) + 1;
    *out = wf_alloc(wf_size_with(sizeof(**out), 1, size), 1);
    if (*out != NULL) {
        wf_link_init(&(*out)->link);
        memcpy((*out)->name, origin, size);
    }
    wf_free(origin);
    return *out != NULL ? 0 : WEFT_ENOMEM;
}

/* ---- places ---------------------------------------------------------------------------------------- */

static bool has_place(const weft_http_response *x)
{
    return x->host == NULL || x->host->n_running < x->session->opts.host_limit;
}

static weft_http_response *next_in_line(weft_http_session *session)
{
    wf_list_each (link, &session->queue) {
        weft_http_response *x = WF_CONTAINER(link, weft_http_response, link);
        if (has_place(x))
            return x;
    }
    return NULL;
}

static void admit_locked(weft_http_session *session)
{
    weft_http_response *x;
    while (session->n_running < session->opts.limit && (x = next_in_line(session)) != NULL) {
        wf_list_remove(&x->link);
        x->stage = WF_HTTP_POSTED;
        session->n_running++;
        if (x->host != NULL)
            x->host->n_running++;
        wf_http_arm_locked(x, 0, 0);
        wf_list_push_back(&session->posted, &x->link);
        wf_http_role_post_locked(&session->role);
    }
}

int wf_http_enter_locked(weft_http_response *x, struct wf_http_host *host)
{
    weft_http_session *session = x->session;
    if (session->is_closing) {
        wf_free(host);
        return WEFT_ECLOSED;
    }
    if (host != NULL) {
        x->host = find_host(session, host);
        x->host->n_users++;
    }
    x->party.n_refs++; /* E2 */
    x->stage = WF_HTTP_QUEUED;
    x->code = x->abort_code = 0;
    x->total_at_ns = INT64_MAX;
    wf_list_push_back(&session->queue, &x->link);
    wf_http_arm_locked(x, x->timeouts.pool_ns, WEFT_EHTTPPOOL);
    admit_locked(session);
    if (x->stage == WF_HTTP_QUEUED && x->timeouts.pool_ns > 0)
        wf_http_role_post_locked(&session->role); /* a driver that rests may do so past this time */
    return 0;
}

void wf_http_over_locked(weft_http_response *x, int code)
{
    weft_http_session *session = x->session;
    if (x->stage != WF_HTTP_QUEUED) {
        session->n_running--;
        if (x->host != NULL)
            x->host->n_running--;
    }
    leave_host(x);
    wf_list_remove(&x->link);
    wf_list_remove(&x->asked_link);
    wf_http_timer_clear(&session->timers, &x->timer);
    x->stage = WF_HTTP_OVER;
    x->code = code;
    if (x->trace != NULL)
        wf_http_trace_over_locked(x);
    admit_locked(session);
    if (session->is_closing)
        wf_http_role_tell_locked(&session->role, &session->party);
    wf_http_role_tell_locked(&session->role, &x->up_party);
    wf_http_role_part_locked(&session->role, &x->party);
}

void wf_http_ask_locked(weft_http_response *x)
{
    if (x->stage != WF_HTTP_RUNNING)
        return;
    if (!wf_link_is_linked(&x->asked_link))
        wf_list_push_back(&x->session->asked, &x->asked_link);
    wf_http_role_post_locked(&x->session->role);
}

void wf_http_note_complete_locked(weft_http_response *x)
{
    const struct wf_http_head *head = &x->head;
    if (!x->is_cut || !x->has_head || head->is_encoded || head->length < 0 ||
        x->n_received < head->length)
        return;
    x->is_complete = true;
    wf_http_ask_locked(x);
}

void wf_http_abort_locked(weft_http_response *x, int code)
{
    if (x->stage == WF_HTTP_QUEUED || x->stage == WF_HTTP_POSTED)
        wf_http_over_locked(x, code);
    x->abort_code = code;
    wf_http_ask_locked(x);
}

void wf_http_arm_locked(weft_http_response *x, int64_t d_ns, int code)
{
    int64_t at_ns = INT64_MAX;
    if (d_ns > 0 && __builtin_add_overflow(weft_now_ns(), d_ns, &at_ns))
        at_ns = INT64_MAX;
    x->timer_code = at_ns <= x->total_at_ns ? code : WEFT_EHTTPTOTAL;
    wf_http_timer_set(&x->session->timers, &x->timer, WF_MIN(at_ns, x->total_at_ns));
}
