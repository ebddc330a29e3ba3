/* SPDX-License-Identifier: MIT
 * The answer that comes while more of the body is waited for.
 *
 * Who sends a body that somebody else makes waits for that, perhaps for long, and is no party to the
 * driver's role meanwhile: without another nobody would drive, and neither an early answer nor the end
 * of the connection nor a time that is over would be seen. So a task of its own waits for the transfer,
 * as x->up_party, and cancels the wait for the body when the transfer has no use for more. */
#include "http/session.h"

#include <weft/cancel.h>
#include <weft/scope.h>
#include <weft/task.h>

WEFT_TASK(watch_answer, (weft_http_response *, x), (weft_scope *, sending))
{
    int rc = wf_http_role_wait(&x->session->role, &x->up_party, wf_http_is_answered, x);
    if (rc >= 0)
        weft_scope_cancel(sending);
    return rc;
}

static bool is_answered_now(weft_http_response *x)
{
    wf_http_role_lock(&x->session->role);
    bool is_answered = wf_http_is_answered(x);
    wf_http_role_unlock(&x->session->role);
    return is_answered;
}

int wf_http_send_watched(weft_http_response *x, struct wf_http_source *source,
                         int (*send)(weft_http_response *x, struct wf_http_source *source))
{
    WEFT_SCOPE(sending, .name = "HTTP body");
    int rc = weft_spawn(&sending, watch_answer, x, &sending);
    if (rc >= 0)
        rc = send(x, source);
    weft_scope_cancel(&sending);
    int watched = weft_scope_wait(&sending);
    if (rc >= 0)
        return rc;
    if (is_answered_now(x)) /* so it was cancelled, whatever the source made of that */
        return 1;
    return rc == WEFT_ECANCELED && watched < 0 ? watched : rc;
}
