/* SPDX-License-Identifier: MIT
 * errand.h. */
#include "http/errand.h"

#include "http/session.h"

#include <weft/scope.h>

void wf_http_errand_init(struct wf_http_errand *errand, struct wf_http_party *session)
{
    errand->mutex = (weft_mutex)WEFT_MUTEX_INIT(.name = "HTTP errand");
    wf_http_party_init(&errand->party);
    errand->party.part_of = session;
}

void wf_http_errand_take(weft_http_session *session)
{
    struct wf_http_errand *errand = &session->errand;
    wf_http_role_lock(&session->role);
    bool is_posted = errand->stage == WF_HTTP_ERRAND_POSTED;
    if (is_posted)
        errand->stage = WF_HTTP_ERRAND_TAKEN;
    wf_http_role_unlock_in_turn(&session->role);
    if (!is_posted)
        return;
    int code = errand->run(session, errand->arg);
    wf_http_role_lock(&session->role);
    errand->code = code;
    errand->stage = WF_HTTP_ERRAND_OVER;
    wf_http_role_tell_locked(&session->role, &errand->party);
    wf_http_role_unlock_in_turn(&session->role);
}

static bool is_over(void *arg)
{
    return ((struct wf_http_errand *)arg)->stage == WF_HTTP_ERRAND_OVER;
}

static void post(weft_http_session *session)
{
    wf_http_role_lock(&session->role);
    session->errand.stage = WF_HTTP_ERRAND_POSTED;
    wf_http_role_post_locked(&session->role);
    wf_http_role_unlock(&session->role);
}

/* False: a turn has it. */
static bool take_back(weft_http_session *session)
{
    wf_http_role_lock(&session->role);
    bool is_mine = session->errand.stage == WF_HTTP_ERRAND_POSTED;
    if (is_mine)
        session->errand.stage = WF_HTTP_NO_ERRAND;
    wf_http_role_unlock(&session->role);
    return is_mine;
}

/* Not to be left while a turn has it. What may fail a wait that no cancel reaches is its own turn, for want
 * of a thread, and then no other has it. */
static int wait(weft_http_session *session)
{
    struct wf_http_errand *errand = &session->errand;
    for (;;) {
        int rc = wf_http_role_wait(&session->role, &errand->party, is_over, errand);
        if (rc >= 0)
            return errand->code;
        if (take_back(session))
            return rc;
    }
}

int wf_http_errand_run(weft_http_session *session,
                       int (*run)(weft_http_session *session, void *arg), void *arg)
{
    struct wf_http_errand *errand = &session->errand;
    int rc = weft_mutex_lock(&errand->mutex);
    if (rc < 0)
        return rc;
    WEFT_SCOPE(scope, .shielded = true);
    errand->run = run;
    errand->arg = arg;
    post(session);
    rc = wait(session);
    int left = weft_scope_wait(&scope);
    weft_mutex_unlock(&errand->mutex);
    return rc < 0 ? rc : left;
}
