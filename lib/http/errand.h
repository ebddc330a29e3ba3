/* SPDX-License-Identifier: MIT
 * What else is done with libcurl than transfers: in a turn of the engine, as everything that touches it.
 *
 *   A1  A session has one errand at a time: who has one holds errand->mutex. Its fields are written by
 *       him before it is POSTED, and by a turn, which alone makes it TAKEN and then OVER; all under the
 *       role's lock. One that is POSTED he may take back.
 *   A2  It waits as a party that is a part of the session's: so the session's memory is what is kept for
 *       an event that is set late. */
#ifndef WF_HTTP_ERRAND_H
#define WF_HTTP_ERRAND_H

#include "http/role.h"

#include <weft/mutex.h>

typedef struct weft_http_session weft_http_session;

enum wf_http_errand_stage {
    WF_HTTP_NO_ERRAND,
    WF_HTTP_ERRAND_POSTED,
    WF_HTTP_ERRAND_TAKEN,
    WF_HTTP_ERRAND_OVER,
};

struct wf_http_errand {
    weft_mutex mutex;
    struct wf_http_party party;
    enum wf_http_errand_stage stage;
    int (*run)(weft_http_session *session, void *arg); /* with the lock free, on a native stack */
    void *arg;
    int code;
};

void wf_http_errand_init(struct wf_http_errand *errand, struct wf_http_party *session);

/* What run returns; or why it was not called. */
WF_MUST_CHECK int wf_http_errand_run(weft_http_session *session,
                                     int (*run)(weft_http_session *session, void *arg), void *arg);

/* By a turn. */
void wf_http_errand_take(weft_http_session *session);

#endif
